/* PKCS#12 (RFC 7292), writing. */
#include "cert/write.h"

#include <openssl/err.h>
#include <openssl/pkcs12.h>

#include "cert/bundle_internal.h"

#define P12_ITERATIONS 10000       /* as Java 17 */
#define P12_LEGACY_ITERATIONS 2048 /* as old equipment expects */

typedef STACK_OF(X509) x509_stack;
typedef STACK_OF(PKCS12_SAFEBAG) bag_stack;
typedef STACK_OF(PKCS7) safe_stack;

static void
free_certs(x509_stack *s)
{
	sk_X509_pop_free(s, X509_free);
}

static void
free_bag_stack(bag_stack *s)
{
	sk_PKCS12_SAFEBAG_pop_free(s, PKCS12_SAFEBAG_free);
}

static void
free_safe_stack(safe_stack *s)
{
	sk_PKCS7_pop_free(s, PKCS7_free);
}

AUTO_DEFINE(x509_stack, free_certs);
AUTO_DEFINE(bag_stack, free_bag_stack);
AUTO_DEFINE(safe_stack, free_safe_stack);

struct recipe {
	int pbe; /* nid of cipher or PBE scheme, keys and certificates */
	const EVP_MD *mac;
	int iterations;
};

static struct recipe
recipe_of(bool legacy)
{
	if (legacy)
		return (struct recipe){ NID_pbe_WithSHA1And3_Key_TripleDES_CBC,
			EVP_sha1(), P12_LEGACY_ITERATIONS };
	return (struct recipe){ NID_aes_256_cbc, EVP_sha256(), P12_ITERATIONS };
}

static int
load_certs(const struct span *certs, size_t n, x509_stack **ret)
{
	AUTO(x509_stack) *stack = sk_X509_new_null();

	for (size_t i = 0; stack && i < n; i++) {
		const unsigned char *p = certs[i].p;
		X509 *c = d2i_X509(NULL, &p, (long)certs[i].n);

		if (!c)
			return E_PARSE;
		if (!sk_X509_push(stack, c)) {
			X509_free(c);
			return E_NOMEM;
		}
	}
	if (!stack)
		return E_NOMEM;
	*ret = TAKE(stack);
	return 0;
}

/* the key, its certificate, then the chain */
static PKCS12 *
with_key(EVP_PKEY *key, x509_stack *certs, const char *alias,
    const char *password, const struct recipe *how)
{
	X509 *own = sk_X509_shift(certs);
	PKCS12 *p12 = PKCS12_create_ex(password, alias, key, own, certs,
	    how->pbe, how->pbe, how->iterations, -1, 0, NULL, NULL);

	X509_free(own);
	return p12;
}

/* Java takes a certificate without key for trusted only under this attribute:
 * Oracle's trustedKeyUsage, any purpose */
static bool
mark_trusted(PKCS12_SAFEBAG *bag)
{
	/* length -1: the value is the object itself, not its octets */
	ASN1_OBJECT *any = OBJ_nid2obj(NID_anyExtendedKeyUsage);

	return PKCS12_add1_attr_by_txt(bag, "2.16.840.1.113894.746875.1.1",
		   V_ASN1_OBJECT, (const unsigned char *)any, -1) == 1;
}

static PKCS12 *
without_key(x509_stack *certs, const char *alias, const char *password,
    const struct recipe *how)
{
	AUTO(bag_stack) *bags = NULL;
	AUTO(safe_stack) *safes = NULL;

	for (int i = 0; i < sk_X509_num(certs); i++) {
		PKCS12_SAFEBAG *bag =
		    PKCS12_add_cert(&bags, sk_X509_value(certs, i));
		char name[300];

		snprintf(name, sizeof(name), i ? "%.200s-%d" : "%.200s", alias,
		    i + 1);
		if (!bag || !PKCS12_add_friendlyname_utf8(bag, name, -1) ||
		    !mark_trusted(bag))
			return NULL;
	}
	if (!PKCS12_add_safe_ex(
		&safes, bags, how->pbe, how->iterations, password, NULL, NULL))
		return NULL;
	return PKCS12_add_safes_ex(safes, 0, NULL, NULL);
}

int
p12_write(EVP_PKEY *key, const struct span *certs, size_t n, const char *alias,
    const char *password, bool legacy, struct buf *out)
{
	struct recipe how = recipe_of(legacy);
	AUTO(x509_stack) *stack = NULL;
	AUTO(PKCS12) *p12 = NULL;
	unsigned char *der = NULL;
	int len, e;

	if (key && !*password)
		return E_PASSWORD; /* CERT-3 */
	if (n == 0)
		return E_INVAL;
	e = load_certs(certs, n, &stack);
	if (e)
		return e;
	p12 = key ? with_key(key, stack, alias, password, &how)
		  : without_key(stack, alias, password, &how);
	if (!p12 || !PKCS12_set_mac(
			p12, password, -1, NULL, 0, how.iterations, how.mac)) {
		ERR_clear_error();
		return E_CRYPTO;
	}
	len = i2d_PKCS12(p12, &der);
	if (len <= 0)
		return E_CRYPTO;
	buf_add(out, der, (size_t)len);
	OPENSSL_free(der);
	return buf_error(out);
}
