/*
 * cert/write: the formats we write (CERT-3). A private key leaves only as
 * PKCS#12, encrypted PKCS#8 or JKS; plain text has its own function, which
 * callers must have been told to use.
 */
#ifndef SIGNET_CERT_WRITE_H
#define SIGNET_CERT_WRITE_H

#include "base/buf.h"
#include "base/diag.h"
#include "cert/key.h"

int pem_write(const char *label, struct span der, struct buf *out)
    ERR_CHECK; /* "CERTIFICATE" */
int p7_write(const struct span *certs, size_t n, bool pem, struct buf *out)
    ERR_CHECK;
/* key may be NULL (certificates only); certs[0] is the key's own. AES-256-CBC,
 * PBKDF2 and HMAC-SHA-256 as OpenSSL 3 and Java 17 write them; legacy: 3DES
 * and SHA-1 for old equipment. */
int p12_write(EVP_PKEY *key, const struct span *certs, size_t n,
    const char *alias, const char *password, bool legacy, struct buf *out)
    ERR_CHECK;
int p8_write(EVP_PKEY *key, const char *password, bool pem, struct buf *out)
    ERR_CHECK;
int jks_write(EVP_PKEY *key, const struct span *certs, size_t n,
    const char *alias, const char *password, int64_t now, struct buf *out)
    ERR_CHECK; /* magic FEEDFEED */
int key_write_plain(EVP_PKEY *key, struct buf *out)
    ERR_CHECK; /* PKCS#8 PEM, unencrypted */

#endif
