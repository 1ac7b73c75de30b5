/* PKCS#12 (RFC 7292), reading: every bag, in the file's order. */
#include "cert/bundle_internal.h"

#include <openssl/err.h>
#include <stdio.h>

#include "base/str.h"

struct p12 {
	struct bundle_reader *r;
	OSSL_LIB_CTX *ctx;
	const char *password; /* as text; NULL: the empty one without a NUL */
	int n;                /* its bytes */
};

static void
free_bags(STACK_OF(PKCS12_SAFEBAG) * bags)
{
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
}

static void
free_safes(STACK_OF(PKCS7) * safes)
{
	sk_PKCS7_pop_free(safes, PKCS7_free);
}

static int
no_memory(struct bundle_reader *r)
{
	return diag_set(r->d, E_NOMEM, r->name, NULL, "no memory");
}

static int
read_cert_bag(struct p12 *p, const PKCS12_SAFEBAG *bag)
{
	AUTO(X509) *c = NULL;
	unsigned char *der = NULL;
	int n, e;

	c = PKCS12_SAFEBAG_get1_cert(bag);
	n = c ? i2d_X509(c, &der) : -1;
	ERR_clear_error();
	if (n <= 0) {
		bundle_note(p->r, 0, true, "certificate not read: malformed");
		return 0;
	}
	e = bundle_read_cert(p->r, span_of(der, (size_t)n));
	OPENSSL_free(der);
	return e;
}

static int
read_crl_bag(struct p12 *p, const PKCS12_SAFEBAG *bag)
{
	X509_CRL *c = PKCS12_SAFEBAG_get1_crl(bag);
	unsigned char *der = NULL;
	int n = c ? i2d_X509_CRL(c, &der) : -1;
	int e = 0;

	ERR_clear_error();
	X509_CRL_free(c);
	if (n > 0)
		e = bundle_read_der(p->r, span_of(der, (size_t)n), NULL);
	else
		bundle_note(
		    p->r, 0, true, "revocation list not read: malformed");
	OPENSSL_free(der);
	return e;
}

static int
read_shrouded_key(struct p12 *p, const PKCS12_SAFEBAG *bag)
{
	const X509_SIG *sig = PKCS12_SAFEBAG_get0_pkcs8(bag);
	AUTO(PKCS8_PRIV_KEY_INFO) *p8 = NULL;
	const X509_ALGOR *alg;

	X509_SIG_get0(sig, &alg, NULL);
	if (pbe_check(alg)) {
		bundle_note(p->r, 0, true,
		    "private key not read: more than %d iterations",
		    PBE_ITERATIONS_MAX);
		return 0;
	}
	p8 = PKCS8_decrypt_ex(sig, p->password, p->n, p->ctx, NULL);
	ERR_clear_error();
	return p8 ? pkcs8_add_info(p->r, p8)
		  : bundle_password(p->r, "private key");
}

static void
take_alias(struct bundle_reader *r, PKCS12_SAFEBAG *bag)
{
	char *name = PKCS12_get_friendlyname(bag);

	r->alias[0] = '\0';
	if (name)
		str_escape(r->alias, sizeof(r->alias), name, strlen(name));
	OPENSSL_free(name);
}

static int read_bags(
    struct p12 *p, const STACK_OF(PKCS12_SAFEBAG) * bags, int depth);

static int
read_bag(struct p12 *p, PKCS12_SAFEBAG *bag, int depth)
{
	take_alias(p->r, bag);
	switch (PKCS12_SAFEBAG_get_nid(bag)) {
	case NID_keyBag:
		return pkcs8_add_info(p->r, PKCS12_SAFEBAG_get0_p8inf(bag));
	case NID_pkcs8ShroudedKeyBag:
		return read_shrouded_key(p, bag);
	case NID_certBag:
		if (PKCS12_SAFEBAG_get_bag_nid(bag) == NID_x509Certificate)
			return read_cert_bag(p, bag);
		break;
	case NID_crlBag:
		if (PKCS12_SAFEBAG_get_bag_nid(bag) == NID_x509Crl)
			return read_crl_bag(p, bag);
		break;
	case NID_safeContentsBag:
		return read_bags(p, PKCS12_SAFEBAG_get0_safes(bag), depth + 1);
	default:
		break;
	}
	bundle_note(p->r, 0, true,
	    "an entry that is neither a certificate "
	    "nor a private key%s%s%s",
	    p->r->alias[0] ? " (\"" : "", p->r->alias,
	    p->r->alias[0] ? "\")" : "");
	return 0;
}

static int
read_bags(struct p12 *p, const STACK_OF(PKCS12_SAFEBAG) * bags, int depth)
{
	int e = 0;

	if (depth > PBE_DEPTH_MAX) {
		bundle_note(p->r, 0, true, "entries nested too deeply");
		return 0;
	}
	for (int i = 0; !e && i < sk_PKCS12_SAFEBAG_num(bags); i++)
		e = read_bag(p, sk_PKCS12_SAFEBAG_value(bags, i), depth);
	p->r->alias[0] = '\0';
	return e;
}

/* one AuthenticatedSafe part: plain or encrypted with the same password */
static int
read_safe(struct p12 *p, PKCS7 *safe)
{
	STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
	int e;

	if (PKCS7_type_is_data(safe)) {
		bags = PKCS12_unpack_p7data(safe);
	} else if (PKCS7_type_is_encrypted(safe) && safe->d.encrypted &&
		   safe->d.encrypted->enc_data) {
		if (pbe_check(safe->d.encrypted->enc_data->algorithm)) {
			bundle_note(p->r, 0, true,
			    "a part not read: more than %d iterations",
			    PBE_ITERATIONS_MAX);
			return 0;
		}
		bags = PKCS12_unpack_p7encdata(safe, p->password, p->n);
		if (!bags) {
			ERR_clear_error();
			return bundle_password(p->r, "PKCS#12 file");
		}
	}
	ERR_clear_error();
	if (!bags) {
		bundle_note(p->r, 0, true,
		    "a part of the PKCS#12 file is malformed, or encrypted "
		    "with a public key");
		return 0;
	}
	e = read_bags(p, bags, 0);
	free_bags(bags);
	return e;
}

/* The MAC tells whether the password is right before anything is decrypted.
 * An empty password is written in two ways (RFC 7292 appendix B); both are
 * tried. A file without a MAC goes on: decryption will tell. */
static int
check_mac(struct p12 *p, PKCS12 *file)
{
	const ASN1_INTEGER *iter = NULL;
	int64_t count = 1;

	if (!PKCS12_mac_present(file))
		return 0;
	PKCS12_get0_mac(NULL, NULL, NULL, &iter, file);
	if (iter && (!ASN1_INTEGER_get_int64(&count, iter) ||
			count > PBE_ITERATIONS_MAX))
		return diag_set(p->r->d, E_TOO_BIG, p->r->name, NULL,
		    "its MAC wants more than %d iterations",
		    PBE_ITERATIONS_MAX);
	if (PKCS12_verify_mac(file, p->password, p->n))
		return 0;
	if (p->n == 0 && PKCS12_verify_mac(file, NULL, 0)) {
		p->password = NULL;
		return 0;
	}
	ERR_clear_error();
	return bundle_password(p->r, "PKCS#12 file");
}

static int
read_safes(struct p12 *p, PKCS12 *file)
{
	STACK_OF(PKCS7) * safes;
	int e = check_mac(p, file);

	if (e)
		return e;
	safes = PKCS12_unpack_authsafes(file);
	ERR_clear_error();
	if (!safes) {
		bundle_note(p->r, 0, true, "PKCS#12 file not read: malformed");
		return 0;
	}
	for (int i = 0; !e && i < sk_PKCS7_num(safes); i++)
		e = read_safe(p, sk_PKCS7_value(safes, i));
	free_safes(safes);
	return e;
}

int
pkcs12_read(struct bundle_reader *r, struct span der)
{
	AUTO_STRUCT(pbe_context) *ctx = pbe_context_new();
	AUTO(PKCS12) *file = NULL;
	AUTO_STRUCT(secret) *password = password_text(r->password);
	struct p12 p = {
		.r = r, .ctx = ctx ? ctx->lib : NULL, .n = (int)r->password.n
	};
	const unsigned char *at = der.p;
	enum file_format outer = r->format;
	int e;

	file = ctx ? PKCS12_init_ex(NID_pkcs7_data, p.ctx, NULL) : NULL;
	if (!file || !password)
		return no_memory(r);
	p.password = (const char *)password->p;
	r->format = FORMAT_P12;
	if (outer == FORMAT_DER)
		r->b->format = FORMAT_P12;
	if (!d2i_PKCS12(&file, &at, (long)der.n)) {
		file = NULL; /* d2i has freed it */
		ERR_clear_error();
		bundle_note(
		    r, r->line, true, "PKCS#12 file not read: malformed");
		r->format = outer;
		return 0;
	}
	e = read_safes(&p, file);
	r->format = outer;
	return e;
}
