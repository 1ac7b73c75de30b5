/*
 * cert/key: key kinds, public keys from SubjectPublicKeyInfo without
 * OpenSSL's slow decoder, signatures with both.
 */
#ifndef SIGNET_CERT_KEY_H
#define SIGNET_CERT_KEY_H

#include <openssl/evp.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/span.h"
#include "cert/der.h"

AUTO_DEFINE(EVP_PKEY, EVP_PKEY_free);

enum key_kind {
	KEY_UNSET,
	KEY_RSA1024,
	KEY_RSA2048,
	KEY_RSA3072,
	KEY_RSA4096,
	KEY_P256,
	KEY_P384,
	KEY_ED25519,
	KEY_RSA_OTHER, /* RSA of another size: read, never made */
	KEY_OTHER
};
enum hash_kind {
	HASH_UNSET,
	HASH_MD5,
	HASH_SHA1,
	HASH_SHA224,
	HASH_SHA256,
	HASH_SHA384,
	HASH_SHA512
};

#define KEY_RSA_BITS_MAX 8192 /* larger is refused: hostile work */

const char *key_kind_name(enum key_kind k); /* "rsa2048", "p256", ... */
enum key_kind key_kind_from_name(const char *text);
const char *hash_name(enum hash_kind h); /* "sha256" */
enum hash_kind hash_from_name(const char *text);
const EVP_MD *hash_md(enum hash_kind h); /* borrowed, fetched once */

/* key_generate(kind, ret): new private key; caller frees. KEY_RSA1024 only
 * for legacy profiles: callers decide (CERT-5). */
int key_generate(enum key_kind kind, EVP_PKEY **ret) ERR_CHECK;
enum key_kind key_kind_of(const EVP_PKEY *k);

struct spki_info {
	enum key_kind kind;
	int bits;            /* RSA modulus or curve size */
	struct span modulus; /* RSA: unsigned big endian, no leading zero */
	struct span exponent;
	struct span point; /* EC, EdDSA: encoded public key */
	int oid;           /* enum oid of algorithm (OID_RSA, OID_EC...) */
	int curve;         /* enum oid of the curve */
};
/* spki_parse(der, info): strict; E_PARSE, E_UNSUPPORTED, E_TOO_BIG. Borrows. */
int spki_parse(struct span der, struct spki_info *ret) ERR_CHECK;
/* spki_load(der, ret): public EVP_PKEY; caller frees. The last one of each
 * thread is kept, so that the same key again costs nothing. */
int spki_load(struct span der, EVP_PKEY **ret) ERR_CHECK;
/* spki_build(key, out): DER of the public half */
int spki_build(const EVP_PKEY *k, struct buf *out) ERR_CHECK;
/* spki_key_id(der, out20): SHA-1 of the BIT STRING (RFC 5280 4.2.1.2 (1)) */
int spki_key_id(struct span der, uint8_t out[20]) ERR_CHECK;

/* key_sig_alg(key kind, hash, w): writes AlgorithmIdentifier */
int key_sig_alg(enum key_kind kind, enum hash_kind hash, struct derw *w)
    ERR_CHECK;
/* sig_alg_parse(algid DER): hash and whether it suits the key */
int sig_alg_parse(struct span alg, enum hash_kind *ret_hash, int *ret_oid)
    ERR_CHECK;
/* key_sign(k, hash, data, out): signature octets (ECDSA as DER) */
int key_sign(EVP_PKEY *k, enum hash_kind hash, struct span data,
    struct buf *out) ERR_CHECK;
/* key_verify(k, alg DER, data, sig): E_CRYPTO when it does not verify */
int key_verify(EVP_PKEY *k, struct span alg, struct span data, struct span sig)
    ERR_CHECK;

/* PKCS#8 DER, plain, for sealing and files */
int key_to_pkcs8(const EVP_PKEY *k, struct secret **ret) ERR_CHECK;
int key_from_pkcs8(struct span der, EVP_PKEY **ret) ERR_CHECK;
/* digest(hash, data, out, ret_n): out needs 64 bytes */
int digest(enum hash_kind h, struct span data, uint8_t *out, size_t *ret_n)
    ERR_CHECK;
void sha256(struct span data, uint8_t out[32]);

#endif
