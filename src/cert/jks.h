/*
 * cert/jks: Java's first key store format, by its published layout: big-endian
 * records, SHA-1 over password and contents at the end, and each private key
 * under a SHA-1 keystream of its own.  Weak by today's measure; read and
 * written because equipment wants it.
 */
#ifndef SIGNET_CERT_JKS_H
#define SIGNET_CERT_JKS_H

#include "base/buf.h"
#include "base/secret.h"
#include "base/span.h"

#define JKS_MAGIC 0xfeedfeedu
#define JCEKS_MAGIC 0xcecececeu
#define JKS_VERSION 2
#define JKS_KEY_ENTRY 1
#define JKS_CERT_ENTRY 2
#define JKS_HASH 20        /* bytes of SHA-1 */
#define JKS_CHAIN_MAX 100  /* certificates of one key */
#define JKS_ALIAS_MAX 1024 /* bytes */

bool jks_is(struct span file);
bool jceks_is(struct span file);

/* jks_password(utf8, ret): as Java hashes it, two bytes a character; E_INVAL
 * when it is not UTF-8 of the basic plane */
int jks_password(struct span utf8, struct secret **ret) ERR_CHECK;
/* jks_hash(password, data, out): SHA-1 over the password, a constant of the
 * format and the file up to here */
int jks_hash(struct span password, struct span data, uint8_t out[JKS_HASH])
    ERR_CHECK;
/* jks_key_open(password, EncryptedPrivateKeyInfo, ret): PKCS#8; E_PASSWORD,
 * E_PARSE, E_UNSUPPORTED */
int jks_key_open(struct span password, struct span der, struct secret **ret)
    ERR_CHECK;
/* jks_key_seal(password, pkcs8, out): EncryptedPrivateKeyInfo */
int jks_key_seal(struct span password, struct span pkcs8, struct buf *out)
    ERR_CHECK;

#endif
