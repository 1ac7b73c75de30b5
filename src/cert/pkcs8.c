/* Private keys as files hold them: PKCS#8 plain and encrypted, PKCS#1, SEC1,
 * and the traditional PEM encryption. OpenSSL does the work. */
#include "cert/bundle_internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>

#include "cert/der.h"

void
pbe_context_free(struct pbe_context *c)
{
	if (!c)
		return;
	if (c->legacy)
		OSSL_PROVIDER_unload(c->legacy);
	if (c->standard)
		OSSL_PROVIDER_unload(c->standard);
	OSSL_LIB_CTX_free(c->lib);
	free(c);
}

struct pbe_context *
pbe_context_new(void)
{
	AUTO_STRUCT(pbe_context) *c =
	    (struct pbe_context *)calloc(1, sizeof(*c));

	if (!c || !(c->lib = OSSL_LIB_CTX_new()))
		return NULL;
	c->standard = OSSL_PROVIDER_load(c->lib, "default");
	if (!c->standard)
		return NULL;
	/* without it old files are refused, all others still open */
	c->legacy = OSSL_PROVIDER_load(c->lib, "legacy");
	if (!c->legacy)
		ERR_clear_error();
	return TAKE(c);
}

struct secret *
password_text(struct span password)
{
	struct secret *s = secret_new(NULL, password.n + 1);

	if (s && password.n)
		memcpy(s->p, password.p, password.n);
	return s;
}

/* iterations of PBKDF2-params or of a PKCS#12 PBEParameter: salt, then the
 * count */
static int64_t
iterations(struct der *in)
{
	struct der params = der_enter(in, DER_SEQUENCE);

	(void)der_take_raw(&params, -1);
	return der_take_small(&params);
}

/* PBES2-params: { { id-PBKDF2, PBKDF2-params }, encryption } (RFC 8018 A.4) */
static int64_t
iterations_pbes2(struct der *in)
{
	struct der params = der_enter(in, DER_SEQUENCE);
	struct der kdf = der_enter(&params, DER_SEQUENCE);

	(void)der_take(&kdf, DER_OID);
	return iterations(&kdf);
}

int
pbe_check(const X509_ALGOR *alg)
{
	unsigned char *der = NULL;
	int n = i2d_X509_ALGOR(alg, &der);
	struct der all, in;
	const ASN1_OBJECT *id;
	int64_t count;

	if (n <= 0)
		return E_PARSE;
	X509_ALGOR_get0(&id, NULL, NULL, alg);
	all = der_of(span_of(der, (size_t)n));
	in = der_enter(&all, DER_SEQUENCE);
	(void)der_take(&in, DER_OID);
	/* scrypt has its own limit inside OpenSSL: 32 MB of memory */
	count = OBJ_obj2nid(id) == NID_pbes2 ? iterations_pbes2(&in)
					     : iterations(&in);
	OPENSSL_free(der);
	return count > PBE_ITERATIONS_MAX ? E_TOO_BIG : 0;
}

int
pkcs8_normalize(struct span der, struct secret **ret)
{
	const unsigned char *p = der.p;
	AUTO(EVP_PKEY) *key = NULL;
	int e;

	if (der.n > SECRET_MAX)
		return E_TOO_BIG;
	key = d2i_AutoPrivateKey_ex(NULL, &p, (long)der.n, NULL, NULL);
	ERR_clear_error();
	if (!key)
		return E_PARSE;
	if (EVP_PKEY_get_bits(key) > KEY_RSA_BITS_MAX)
		return E_TOO_BIG;
	e = key_to_pkcs8(key, ret);
	return e;
}

int
pkcs8_add_info(struct bundle_reader *r, const PKCS8_PRIV_KEY_INFO *p8)
{
	unsigned char *der = NULL;
	struct secret *key = NULL;
	int n = i2d_PKCS8_PRIV_KEY_INFO(p8, &der);
	int e =
	    n > 0 ? pkcs8_normalize(span_of(der, (size_t)n), &key) : E_PARSE;

	if (der)
		OPENSSL_clear_free(der, (size_t)n);
	if (!e)
		return bundle_add_key(r, key);
	bundle_note(r, r->line, true, "private key not read: %s", err_text(e));
	return 0;
}

int
pkcs8_read(struct bundle_reader *r, struct span der)
{
	const unsigned char *p = der.p;
	AUTO(X509_SIG) *sig = d2i_X509_SIG(NULL, &p, (long)der.n);
	AUTO_STRUCT(pbe_context) *ctx = NULL;
	AUTO(PKCS8_PRIV_KEY_INFO) *p8 = NULL;
	AUTO_STRUCT(secret) *password = NULL;
	const X509_ALGOR *alg;

	if (r->format == FORMAT_DER)
		r->b->format = FORMAT_P8;
	if (!r->have_password)
		return bundle_add(r, OBJECT_ENCRYPTED_KEY, der);
	if (!sig) {
		ERR_clear_error();
		bundle_note(
		    r, r->line, true, "encrypted key not read: malformed");
		return 0;
	}
	X509_SIG_get0(sig, &alg, NULL);
	if (pbe_check(alg)) {
		bundle_note(r, r->line, true,
		    "encrypted key not read: more than %d iterations",
		    PBE_ITERATIONS_MAX);
		return 0;
	}
	ctx = pbe_context_new();
	password = password_text(r->password);
	if (!ctx || !password)
		return diag_set(r->d, E_NOMEM, r->name, NULL, "no memory");
	p8 = PKCS8_decrypt_ex(
	    sig, (const char *)password->p, (int)r->password.n, ctx->lib, NULL);
	ERR_clear_error();
	return p8 ? pkcs8_add_info(r, p8) : bundle_password(r, "private key");
}

static int
give_password(char *out, int size, int rwflag, void *cookie)
{
	const struct span *password = (const struct span *)cookie;

	(void)rwflag;
	if (size < 0 || password->n > (size_t)size)
		return -1;
	memcpy(out, password->p, password->n);
	return (int)password->n;
}

int
pkcs8_read_pem(struct bundle_reader *r, struct span body, const char *headers)
{
	EVP_CIPHER_INFO info;
	AUTO_STRUCT(secret) *copy = NULL, *text = NULL;
	struct secret *key = NULL;
	long n = (long)body.n;
	int ok;

	if (!r->have_password)
		return bundle_add(r, OBJECT_ENCRYPTED_KEY, body);
	if (body.n > SECRET_MAX)
		return bundle_add(r, OBJECT_ENCRYPTED_KEY, body);
	copy = secret_new(body.p, body.n);
	text = password_text(span_str(headers));
	if (!copy || !text)
		return diag_set(r->d, E_NOMEM, r->name, NULL, "no memory");
	if (!PEM_get_EVP_CIPHER_INFO((char *)text->p, &info)) {
		ERR_clear_error();
		bundle_note(r, r->line, true,
		    "encrypted key not read: a cipher we do not know");
		return 0;
	}
	ok = PEM_do_header(&info, copy->p, &n, give_password, &r->password);
	ERR_clear_error();
	if (!ok || pkcs8_normalize(span_of(copy->p, (size_t)n), &key))
		return bundle_password(r, "private key");
	return bundle_add_key(r, key);
}
