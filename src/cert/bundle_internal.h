/*
 * cert/bundle, private: one reader in progress, and the formats' readers.
 *
 * Each reader adds objects and notes; it returns 0 even when single objects
 * were refused (those are notes), and an error only for what ends the whole
 * reading: no memory, a limit, a password that is missing or wrong.
 */
#ifndef SIGNET_CERT_BUNDLE_INTERNAL_H
#define SIGNET_CERT_BUNDLE_INTERNAL_H

#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/x509.h>

#include "cert/bundle.h"
#include "cert/key.h"

#define PBE_ITERATIONS_MAX 2000000 /* seconds of work, not hours */
#define PBE_DEPTH_MAX 4            /* bags in bags */

struct bundle_reader {
	struct bundle *b;
	size_t cap; /* of b->objects */
	const char *name;
	struct span password;
	bool have_password;
	struct diag *d;
	size_t line;             /* of the object being read; 0: not text */
	enum file_format format; /* of the container being read */
	char alias[128];         /* of the object being read */
};

/* --- bundle.c --- */
void bundle_note(struct bundle_reader *r, size_t line, bool refused,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* bundle_add(r, kind, der): copies der */
int bundle_add(struct bundle_reader *r, enum object_kind kind, struct span der)
    ERR_CHECK;
/* bundle_add_key(r, key): takes the key, also when it fails */
int bundle_add_key(struct bundle_reader *r, struct secret *key) ERR_CHECK;
/* bundle_lost(r, what, d): a refused note in the diag's words */
void bundle_lost(
    struct bundle_reader *r, const char *what, const struct diag *d);
/* bundle_password(r, what, ...): E_PASSWORD with the remedy that fits */
int bundle_password(struct bundle_reader *r, const char *what) ERR_CHECK;

/* --- bundle_der.c --- */
enum der_shape {
	SHAPE_UNKNOWN,
	SHAPE_SIGNED,
	SHAPE_P7,
	SHAPE_P12,
	SHAPE_PKCS8,
	SHAPE_ENCRYPTED_PKCS8,
	SHAPE_RSA_KEY,
	SHAPE_EC_KEY,
	SHAPE_SPKI
};
enum der_shape der_shape(struct span der);
/* der_length(s): length of the DER element s begins with, tag and length
 * included; 0 when there is none or its length is indefinite */
size_t der_length(struct span s);
/* bundle_read_der(r, der, label): one element of any kind; label: what a PEM
 * file called it, or NULL */
int bundle_read_der(struct bundle_reader *r, struct span der, const char *label)
    ERR_CHECK;
/* bundle_read_cert(r, der): a certificate, or a note */
int bundle_read_cert(struct bundle_reader *r, struct span der) ERR_CHECK;

/* --- the formats --- */
int bundle_read_pem(struct bundle_reader *r, struct span text, bool bare)
    ERR_CHECK;
int pkcs7_read(struct bundle_reader *r, struct span der) ERR_CHECK;
int pkcs12_read(struct bundle_reader *r, struct span der) ERR_CHECK;
int jks_read(struct bundle_reader *r, struct span file) ERR_CHECK;
/* an encrypted PKCS#8: decrypted when there is a password, otherwise kept */
int pkcs8_read(struct bundle_reader *r, struct span der) ERR_CHECK;
/* traditional PEM encryption (RFC 1421 headers) */
int pkcs8_read_pem(
    struct bundle_reader *r, struct span body, const char *headers) ERR_CHECK;

/* --- pkcs8.c --- */
/* pkcs8_normalize(der, ret): PKCS#8, PKCS#1 or SEC1 key as PKCS#8 */
int pkcs8_normalize(struct span der, struct secret **ret) ERR_CHECK;
/* pkcs8_add_info(r, p8): a key that OpenSSL has decrypted, into the bundle */
int pkcs8_add_info(struct bundle_reader *r, const PKCS8_PRIV_KEY_INFO *p8)
    ERR_CHECK;
/* pbe_check(alg): E_TOO_BIG when a hostile iteration count would keep us busy
 */
int pbe_check(const X509_ALGOR *alg) ERR_CHECK;
/* A library context with the legacy provider for RC2 and single DES, apart
 * from the rest of the program; made only when an encrypted file comes. */
struct pbe_context {
	OSSL_LIB_CTX *lib;
	OSSL_PROVIDER *standard, *legacy;
};
struct pbe_context *pbe_context_new(void);
void pbe_context_free(struct pbe_context *c);
AUTO_DEFINE_STRUCT(pbe_context, pbe_context_free);
/* password_text(password): with a NUL; NULL when out of memory */
struct secret *password_text(struct span password);

AUTO_DEFINE(X509_SIG, X509_SIG_free);
AUTO_DEFINE(PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free);
AUTO_DEFINE(PKCS12, PKCS12_free);
AUTO_DEFINE(X509, X509_free);

#endif
