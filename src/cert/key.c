#include "cert/key.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/enumtab.h"
#include "cert/cert_internal.h"

#define SIG_MAX 2048 /* octets: RSA-8192 has 1024 */

static const struct enum_text kinds[] = {
	{ KEY_RSA1024, "rsa1024" },
	{ KEY_RSA2048, "rsa2048" },
	{ KEY_RSA3072, "rsa3072" },
	{ KEY_RSA4096, "rsa4096" },
	{ KEY_P256, "p256" },
	{ KEY_P384, "p384" },
	{ KEY_ED25519, "ed25519" },
	{ KEY_RSA_OTHER, "rsa-other" },
	{ KEY_OTHER, "other" },
	{ 0, NULL },
};

static const struct enum_text hashes[] = {
	{ HASH_MD5, "md5" },
	{ HASH_SHA1, "sha1" },
	{ HASH_SHA224, "sha224" },
	{ HASH_SHA256, "sha256" },
	{ HASH_SHA384, "sha384" },
	{ HASH_SHA512, "sha512" },
	{ 0, NULL },
};

const char *
key_kind_name(enum key_kind k)
{
	return enum_name(kinds, (int)k);
}

enum key_kind
key_kind_from_name(const char *text)
{
	return (enum key_kind)enum_from_name(kinds, text);
}

const char *
hash_name(enum hash_kind h)
{
	return enum_name(hashes, (int)h);
}

enum hash_kind
hash_from_name(const char *text)
{
	return (enum hash_kind)enum_from_name(hashes, text);
}

/* fetched once: OpenSSL 3.0 looks an implicit one up at every use */
static EVP_MD *mds[HASH_SHA512 + 1];
static CRYPTO_ONCE mds_once = CRYPTO_ONCE_STATIC_INIT;

static void
mds_fetch(void)
{
	for (int h = HASH_MD5; h <= HASH_SHA512; h++)
		mds[h] = EVP_MD_fetch(NULL, hash_name((enum hash_kind)h), NULL);
}

const EVP_MD *
hash_md(enum hash_kind h)
{
	if (h <= HASH_UNSET || h > HASH_SHA512 ||
	    !CRYPTO_THREAD_run_once(&mds_once, mds_fetch))
		return NULL;
	return mds[h];
}

int
key_generate(enum key_kind kind, EVP_PKEY **ret)
{
	EVP_PKEY *k = NULL;

	switch (kind) {
	case KEY_RSA1024:
		k = EVP_RSA_gen(1024);
		break;
	case KEY_RSA2048:
		k = EVP_RSA_gen(2048);
		break;
	case KEY_RSA3072:
		k = EVP_RSA_gen(3072);
		break;
	case KEY_RSA4096:
		k = EVP_RSA_gen(4096);
		break;
	case KEY_P256:
		k = EVP_EC_gen("P-256");
		break;
	case KEY_P384:
		k = EVP_EC_gen("P-384");
		break;
	case KEY_ED25519:
		k = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		break;
	default:
		return E_UNSUPPORTED;
	}
	if (!k)
		return E_CRYPTO;
	*ret = k;
	return 0;
}

enum key_kind
rsa_kind_of(int bits)
{
	switch (bits) {
	case 1024:
		return KEY_RSA1024;
	case 2048:
		return KEY_RSA2048;
	case 3072:
		return KEY_RSA3072;
	case 4096:
		return KEY_RSA4096;
	default:
		return KEY_RSA_OTHER;
	}
}

enum key_kind
key_kind_of(const EVP_PKEY *k)
{
	char group[32];
	size_t n;

	if (EVP_PKEY_is_a(k, "RSA"))
		return rsa_kind_of(EVP_PKEY_get_bits(k));
	if (EVP_PKEY_is_a(k, "ED25519"))
		return KEY_ED25519;
	if (!EVP_PKEY_is_a(k, "EC") ||
	    EVP_PKEY_get_utf8_string_param(
		k, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), &n) != 1)
		return KEY_OTHER;
	if (strcmp(group, "prime256v1") == 0 || strcmp(group, "P-256") == 0)
		return KEY_P256;
	if (strcmp(group, "secp384r1") == 0 || strcmp(group, "P-384") == 0)
		return KEY_P384;
	return KEY_OTHER;
}

/* what failed here is said by our code; left in OpenSSL's queue it would be
 * taken for the next TLS connection's failure */
int
crypto_failed(void)
{
	ERR_clear_error();
	return E_CRYPTO;
}

int
key_sign(EVP_PKEY *k, enum hash_kind hash, struct span data, struct buf *out)
{
	enum key_kind kind = key_kind_of(k);
	EVP_MD_CTX *ctx;
	uint8_t *to;
	size_t n = SIG_MAX;
	int ok;

	if (hash == HASH_UNSET || kind == KEY_ED25519)
		hash = hash_for_key(kind);
	to = buf_reserve(out, SIG_MAX);
	ctx = EVP_MD_CTX_new();
	if (!to || !ctx) {
		EVP_MD_CTX_free(ctx);
		return to ? E_NOMEM : buf_error(out);
	}
	ok = EVP_DigestSignInit_ex(ctx, NULL,
		 hash == HASH_UNSET ? NULL : hash_name(hash), NULL, NULL, k,
		 NULL) == 1 &&
	     EVP_DigestSign(ctx, to, &n, data.p, data.n) == 1;
	EVP_MD_CTX_free(ctx);
	if (!ok)
		return crypto_failed();
	out->n += n;
	return 0;
}

int
key_verify_digest(
    EVP_PKEY *k, enum hash_kind h, bool pss, struct span made, struct span sig)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k, NULL);
	const EVP_MD *md = hash_md(h);
	bool is_rsa = EVP_PKEY_is_a(k, "RSA");
	int ok;

	if (!ctx)
		return E_NOMEM;
	ok = md && EVP_PKEY_verify_init(ctx) == 1;
	if (ok && is_rsa)
		ok = EVP_PKEY_CTX_set_rsa_padding(ctx,
			 pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) == 1;
	if (ok)
		ok = EVP_PKEY_CTX_set_signature_md(ctx, md) == 1;
	if (ok && pss)
		ok = EVP_PKEY_CTX_set_rsa_pss_saltlen(
			 ctx, RSA_PSS_SALTLEN_AUTO) == 1;
	if (ok)
		ok = EVP_PKEY_verify(ctx, sig.p, sig.n, made.p, made.n) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok ? 0 : crypto_failed();
}

/* EdDSA hashes inside */
static int
verify_whole(EVP_PKEY *k, struct span data, struct span sig)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok;

	if (!ctx)
		return E_NOMEM;
	ok = EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, k, NULL) ==
		 1 &&
	     EVP_DigestVerify(ctx, sig.p, sig.n, data.p, data.n) == 1;
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : crypto_failed();
}

/* whether the signature algorithm belongs to this kind of key */
static bool
is_suited(const EVP_PKEY *k, int alg)
{
	if (alg == OID_ED25519)
		return EVP_PKEY_is_a(k, "ED25519");
	if (alg == OID_ED448)
		return EVP_PKEY_is_a(k, "ED448");
	if (alg >= OID_ECDSA_SHA1 && alg <= OID_ECDSA_SHA512)
		return EVP_PKEY_is_a(k, "EC");
	return EVP_PKEY_is_a(k, "RSA");
}

int
key_verify(EVP_PKEY *k, struct span alg, struct span data, struct span sig)
{
	enum hash_kind hash;
	uint8_t made[EVP_MAX_MD_SIZE];
	size_t n;
	int oid, e = sig_alg_parse(alg, &hash, &oid);

	if (e)
		return e;
	if (!is_suited(k, oid))
		return E_CRYPTO;
	if (oid == OID_ED25519 || oid == OID_ED448)
		return verify_whole(k, data, sig);
	if (hash == HASH_UNSET)
		return E_UNSUPPORTED; /* bare rsaEncryption: CMS only */
	e = digest(hash, data, made, &n);
	if (e)
		return e;
	return key_verify_digest(
	    k, hash, oid == OID_RSA_PSS, span_of(made, n), sig);
}

int
key_to_pkcs8(const EVP_PKEY *k, struct secret **ret)
{
	PKCS8_PRIV_KEY_INFO *p8 = EVP_PKEY2PKCS8(k);
	unsigned char *der = NULL;
	int n;

	if (!p8)
		return E_CRYPTO;
	n = i2d_PKCS8_PRIV_KEY_INFO(p8, &der);
	PKCS8_PRIV_KEY_INFO_free(p8);
	if (n <= 0)
		return E_NOMEM;
	*ret = secret_new(der, (size_t)n);
	OPENSSL_clear_free(der, (size_t)n);
	return *ret ? 0 : E_NOMEM;
}

int
key_from_pkcs8(struct span der, EVP_PKEY **ret)
{
	const unsigned char *p = der.p;
	PKCS8_PRIV_KEY_INFO *p8;
	EVP_PKEY *k;

	if (der.n == 0 || der.n > SECRET_MAX)
		return der.n ? E_TOO_BIG : E_PARSE;
	p8 = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)der.n);
	if (!p8 || p != der.p + der.n) {
		PKCS8_PRIV_KEY_INFO_free(p8);
		ERR_clear_error();
		return E_PARSE;
	}
	k = EVP_PKCS82PKEY(p8);
	PKCS8_PRIV_KEY_INFO_free(p8);
	if (!k) {
		ERR_clear_error();
		return E_PARSE;
	}
	*ret = k;
	return 0;
}

int
digest(enum hash_kind h, struct span data, uint8_t *out, size_t *ret_n)
{
	const EVP_MD *md = hash_md(h);
	unsigned n = 0;

	if (!md)
		return E_UNSUPPORTED;
	if (EVP_Digest(data.p, data.n, out, &n, md, NULL) != 1)
		return E_CRYPTO;
	*ret_n = n;
	return 0;
}

void
sha256(struct span data, uint8_t out[32])
{
	size_t n;

	/* without SHA-256 nothing here can work at all */
	if (digest(HASH_SHA256, data, out, &n))
		abort();
}
