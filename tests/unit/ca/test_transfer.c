/* CA-1 approach 2 and CA-2: an outside CA's intermediate as PKCS#12 comes in,
 * an authority leaves as one. The PKCS#12 is made and read by OpenSSL. */
#include "rig.h"

#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>

#include "base/json.h"
#include "base/str.h"
#include "os/clock.h"

#define GOOD "Outside-2026-xq"

struct outside { /* a CA elsewhere */
	EVP_PKEY *root_key, *key;
	X509 *root, *cert;
};

static void
add_ext(X509 *c, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *x;

	X509V3_set_ctx(&ctx, issuer, c, NULL, NULL, 0);
	x = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(x);
	assert_int_equal(X509_add_ext(c, x, -1), 1);
	X509_EXTENSION_free(x);
}

static X509 *
make(const char *cn, EVP_PKEY *key, X509 *issuer, EVP_PKEY *by, long days,
    const char *bc, const char *ku)
{
	X509 *c = X509_new();
	X509_NAME *n = X509_NAME_new();

	X509_NAME_add_entry_by_txt(
	    n, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	X509_set_version(c, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(c), 17);
	X509_set_subject_name(c, n);
	X509_set_issuer_name(c, issuer ? X509_get_subject_name(issuer) : n);
	X509_NAME_free(n);
	ASN1_TIME_set(
	    X509_getm_notBefore(c), (time_t)clock_now() - 400L * 86400);
	ASN1_TIME_set(
	    X509_getm_notAfter(c), (time_t)clock_now() + days * 86400);
	X509_set_pubkey(c, key);
	add_ext(c, issuer ? issuer : c, NID_basic_constraints, bc);
	add_ext(c, issuer ? issuer : c, NID_key_usage, ku);
	add_ext(c, issuer ? issuer : c, NID_subject_key_identifier, "hash");
	add_ext(c, issuer ? issuer : c, NID_authority_key_identifier,
	    "keyid:always");
	assert_true(X509_sign(c, by, EVP_sha256()) > 0);
	return c;
}

static void
outside_init(struct outside *o, long days, const char *bc, const char *ku)
{
	assert_int_equal(key_generate(KEY_RSA2048, &o->root_key), 0);
	assert_int_equal(key_generate(KEY_RSA2048, &o->key), 0);
	o->root = make("Outside Root", o->root_key, NULL, o->root_key, 3650,
	    "critical,CA:TRUE", "critical,keyCertSign,cRLSign");
	o->cert =
	    make("Outside Issuing", o->key, o->root, o->root_key, days, bc, ku);
}

static void
outside_done(struct outside *o)
{
	EVP_PKEY_free(o->root_key);
	EVP_PKEY_free(o->key);
	X509_free(o->root);
	X509_free(o->cert);
}

static void
to_p12(const struct outside *o, struct buf *out)
{
	STACK_OF(X509) *more = sk_X509_new_null();
	unsigned char *der = NULL;
	PKCS12 *p;
	int n;

	sk_X509_push(more, o->root);
	p = PKCS12_create(
	    GOOD, "outside", o->key, o->cert, more, 0, 0, 0, 0, 0);
	n = i2d_PKCS12(p, &der);
	assert_true(n > 0);
	buf_reset(out);
	buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
	PKCS12_free(p);
	sk_X509_free(more);
}

static void
to_der(X509 *c, struct buf *out)
{
	unsigned char *der = NULL;
	int n = i2d_X509(c, &der);

	buf_reset(out);
	buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
}

#define GOOD_BC "critical,CA:TRUE,pathlen:0"
#define GOOD_KU "critical,keyCertSign,cRLSign,digitalSignature"

/* CA-1: ignition from an import; what it issues, the outside root verifies */
static void
test_ignite_by_import(void **state)
{
	struct rig *r = rig_new("sqlite", NULL);
	struct outside o;
	struct ignite_params p = { .p12_password = GOOD };
	struct result x = { 0 };
	struct span root, issuing;
	struct authority *a;
	BUF(p12, KEY_P12_MAX);
	BUF(root_der, X509_DER_MAX);

	(void)state;
	outside_init(&o, 1800, GOOD_BC, GOOD_KU);
	to_p12(&o, &p12);
	to_der(o.root, &root_der);
	p.p12 = buf_span(&p12);
	assert_int_equal(ca_ignite(r->ca, &p, &rig_actor, rig_done, &x), 0);
	rig_wait(r, &x);
	assert_int_equal(x.code, 0);
	result_done(&x);
	a = ca_issuer(r->ca);
	assert_string_equal(a->row.id, "issuing-1");
	assert_non_null(a->parent);
	assert_int_equal(a->parent->row.state, AUTHORITY_OUTSIDE);
	assert_string_equal(a->parent->row.key, "");
	rig_issue(r, "identity", "pbx1.example.com", NULL, &x);
	rig_wait(r, &x);
	assert_int_equal(x.code, 0);
	root = buf_span(&root_der);
	issuing = x509_span(a->cert);
	assert_int_equal(rig_verify(buf_span(&x.der), &root, 1, &issuing, 1,
			     span_of(NULL, 0)),
	    0);
	result_done(&x);
	/* it cannot be renewed here: the outside CA must */
	assert_int_equal(ca_renew(r->ca, NULL, &rig_actor, rig_done, &x), 0);
	rig_wait(r, &x);
	assert_int_equal(x.code, E_STATE);
	assert_true(x.d.remedy[0] != '\0');
	result_done(&x);
	outside_done(&o);
	rig_free(r);
}

static int
import_code(struct rig *r, const struct outside *o, const char *password)
{
	struct result x = { 0 };
	BUF(p12, KEY_P12_MAX);
	int code;

	to_p12(o, &p12);
	assert_int_equal(ca_import(r->ca, buf_span(&p12), password, &rig_actor,
			     rig_done, &x),
	    0);
	rig_wait(r, &x);
	code = x.code;
	if (code)
		assert_true(x.d.fact[0] != '\0');
	result_done(&x);
	return code;
}

/* CA-1: what cannot issue is refused with the rule; nothing stays behind */
static void
test_import_refusals(void **state)
{
	static const struct {
		long days;
		const char *bc, *ku;
	} bad[] = {
		{ 1800, "critical,CA:FALSE", "digitalSignature" },
		{ 1800, GOOD_BC, "critical,digitalSignature,cRLSign" },
		{ 1800, GOOD_BC, "critical,keyCertSign" },
		{ -10, GOOD_BC, GOOD_KU },
	};
	struct rig *r = rig_new("test", NULL);
	struct outside o;

	(void)state;
	rig_ignite(r, false);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		outside_init(&o, bad[i].days, bad[i].bc, bad[i].ku);
		assert_int_not_equal(import_code(r, &o, GOOD), 0);
		outside_done(&o);
	}
	outside_init(&o, 1800, GOOD_BC, GOOD_KU);
	assert_int_equal(import_code(r, &o, "wrong"), E_PASSWORD);
	assert_int_equal(r->ca->authority_n, 2);
	/* a good one waits beside the present one */
	assert_int_equal(import_code(r, &o, GOOD), 0);
	assert_string_equal(ca_issuer(r->ca)->row.id, "issuing-1");
	assert_int_equal(
	    ca_find(r->ca, "issuing-2")->row.state, AUTHORITY_NEXT);
	outside_done(&o);
	rig_free(r);
}

static int
export_to(struct rig *r, const char *id, const char *password, struct result *x)
{
	assert_int_equal(
	    ca_export(r->ca, id, password, &rig_actor, rig_done, x), 0);
	rig_wait(r, x);
	return x->code;
}

/* CA-2: OpenSSL opens what is exported, and finds the key of the certificate */
static void
test_export(void **state)
{
	struct rig *r = rig_new("test", NULL);
	struct result x = { 0 };
	STACK_OF(X509) *chain = NULL;
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	uint8_t *der = NULL;
	const uint8_t *p;
	size_t n;
	PKCS12 *p12;

	(void)state;
	rig_ignite(r, false);
	assert_int_equal(export_to(r, "issuing-1", "abc", &x), E_PASSWORD);
	result_done(&x);
	assert_int_equal(
	    export_to(r, "nobody", "Long-Winter-Night-7", &x), E_NOT_FOUND);
	result_done(&x);
	assert_int_equal(
	    export_to(r, "issuing-1", "Long-Winter-Night-7", &x), 0);
	assert_int_equal(
	    str_from_base64(
		span_str(json_get0_text(x.answer, "p12")), &der, &n),
	    0);
	p = der;
	p12 = d2i_PKCS12(NULL, &p, (long)n);
	assert_non_null(p12);
	assert_int_equal(
	    PKCS12_parse(p12, "Long-Winter-Night-7", &key, &cert, &chain), 1);
	assert_int_equal(X509_check_private_key(cert, key), 1);
	assert_int_equal(sk_X509_num(chain), 1);
	/* success and the two refusals stand in the ledger */
	assert_int_equal(rig_count_events(r, EVENT_CA_EXPORT), 3);
	sk_X509_pop_free(chain, X509_free);
	X509_free(cert);
	EVP_PKEY_free(key);
	PKCS12_free(p12);
	free(der);
	result_done(&x);
	rig_free(r);
}

static int
free_key(void **state)
{
	(void)state;
	EVP_PKEY_free(rig_key());
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ignite_by_import),
		cmocka_unit_test(test_import_refusals),
		cmocka_unit_test(test_export),
	};

	return cmocka_run_group_tests(tests, NULL, free_key);
}
