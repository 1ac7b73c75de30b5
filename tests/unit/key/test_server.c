/* key/server: CA-5: what the key process signs, and for whom, asked over a
 * socketpair as a taken-over core or front would. */
#include "test.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <unistd.h>

#include "base/time.h"
#include "cert/crl.h"
#include "cert/name.h"
#include "cert/write.h"
#include "key/rig.h"

#define NOW INT64_C(1790000000) /* 2026-09-21 */
#define ROOT "C=DE,O=Example,CN=Example Root CA"
#define ISSUING "C=DE,O=Example,CN=Example Issuing CA"

static struct rig rig;
static struct buf root_spki, issuing_spki, ra_spki, leaf_spki;

static int
group_open(void **state)
{
	EVP_PKEY *leaf;

	(void)state;
	rig_open(&rig);
	buf_init(&root_spki, 4096);
	buf_init(&issuing_spki, 4096);
	buf_init(&ra_spki, 4096);
	buf_init(&leaf_spki, 4096);
	assert_int_equal(rig_create(&rig, "root", KEY_ROLE_CA, KEY_RSA2048,
			     ROOT, &root_spki),
	    0);
	assert_int_equal(rig_create(&rig, "issuing", KEY_ROLE_CA, KEY_P256,
			     ISSUING, &issuing_spki),
	    0);
	assert_int_equal(
	    rig_create(&rig, "ra", KEY_ROLE_RA, KEY_RSA2048, NULL, &ra_spki),
	    0);
	assert_int_equal(rig_create(&rig, "ledger", KEY_ROLE_LEDGER,
			     KEY_ED25519, NULL, NULL),
	    0);
	assert_int_equal(key_generate(KEY_RSA2048, &leaf), 0);
	assert_int_equal(spki_build(leaf, &leaf_spki), 0);
	EVP_PKEY_free(leaf);
	return 0;
}

static int
group_close(void **state)
{
	(void)state;
	buf_done(&root_spki);
	buf_done(&issuing_spki);
	buf_done(&ra_spki);
	buf_done(&leaf_spki);
	rig_close(&rig);
	return 0;
}

struct shape { /* a certificate in the making */
	struct tbs_params p;
	struct buf issuer, subject, tbs;
	struct san_list san;
	uint8_t serial[16];
};

static void
shape_build(struct shape *s)
{
	buf_reset(&s->tbs);
	s->p.issuer = buf_span(&s->issuer);
	s->p.subject = buf_span(&s->subject);
	s->p.san = &s->san;
	assert_int_equal(tbs_build(&s->p, &s->tbs), 0);
}

static void
shape_init(struct shape *s, const char *issuer, const char *subject)
{
	memset(s, 0, sizeof(*s));
	memset(s->serial, 0x41, sizeof(s->serial));
	buf_init(&s->issuer, 4096);
	buf_init(&s->subject, 4096);
	buf_init(&s->tbs, 65536);
	assert_int_equal(name_build(issuer, NULL, &s->issuer), 0);
	assert_int_equal(name_build(subject, NULL, &s->subject), 0);
	s->p.serial = span_of(s->serial, sizeof(s->serial));
	s->p.issuer_key = KEY_RSA2048;
	s->p.hash = HASH_SHA256;
	s->p.not_before = NOW;
	s->p.not_after = NOW + 730 * (int64_t)TIME_DAY;
	s->p.path_len = -1;
}

/* what profile "identity" allows, under the root */
static void
shape_leaf(struct shape *s)
{
	shape_init(s, ROOT, "CN=pbx1.example.com,O=Example,C=DE");
	s->p.spki = buf_span(&leaf_spki);
	s->p.ku = KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION |
		  KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT | KU_KEY_AGREEMENT;
	s->p.eku = EKU_SERVER | EKU_CLIENT;
	assert_int_equal(san_parse("DNS:pbx1.example.com", NULL, &s->san), 0);
}

static void
shape_ca(struct shape *s, const char *subject, struct span spki, int path_len)
{
	shape_init(s, ROOT, subject);
	s->p.spki = spki;
	s->p.ca = true;
	s->p.path_len = path_len;
	s->p.ku = KU_DIGITAL_SIGNATURE | KU_CERT_SIGN | KU_CRL_SIGN;
	s->p.ku_critical = true;
}

static void
shape_done(struct shape *s)
{
	buf_done(&s->issuer);
	buf_done(&s->subject);
	buf_done(&s->tbs);
}

/* builds, asks, frees; a refusal must have come with its words */
static int
sign(struct shape *s, const char *profile)
{
	int code;

	shape_build(s);
	code = rig_sign_cert(&rig, "root", profile, buf_span(&s->tbs), NULL);
	if (code) {
		assert_int_equal(rig.d.code, code);
		assert_true(rig.d.rule[0] != '\0' && rig.d.fact[0] != '\0');
	}
	shape_done(s);
	return code;
}

/* OpenSSL's own opinion of a signature over tbs */
static void
assert_signed(struct span tbs, enum key_kind kind, struct span sig,
    struct span issuer_spki)
{
	BUF(der, 70000);
	const unsigned char *p;
	EVP_PKEY *key;
	X509 *c;

	assert_int_equal(x509_assemble(tbs, kind, HASH_SHA256, sig, &der), 0);
	p = der.p;
	c = d2i_X509(NULL, &p, (long)der.n);
	assert_non_null(c);
	p = issuer_spki.p;
	key = d2i_PUBKEY(NULL, &p, (long)issuer_spki.n);
	assert_non_null(key);
	assert_int_equal(X509_verify(c, key), 1);
	EVP_PKEY_free(key);
	X509_free(c);
}

static void
test_leaf_is_signed(void **state)
{
	struct shape s;
	BUF(sig, 1024);

	(void)state;
	shape_leaf(&s);
	shape_build(&s);
	assert_int_equal(
	    rig_sign_cert(&rig, "root", "identity", buf_span(&s.tbs), &sig), 0);
	assert_signed(buf_span(&s.tbs), KEY_RSA2048, buf_span(&sig),
	    buf_span(&root_spki));
	shape_done(&s);
}

static void
test_leaf_under_ecdsa(void **state)
{
	struct shape s;
	BUF(sig, 1024);

	(void)state;
	shape_leaf(&s);
	buf_reset(&s.issuer);
	assert_int_equal(name_build(ISSUING, NULL, &s.issuer), 0);
	s.p.issuer_key = KEY_P256;
	shape_build(&s);
	assert_int_equal(
	    rig_sign_cert(&rig, "issuing", "identity", buf_span(&s.tbs), &sig),
	    0);
	assert_signed(buf_span(&s.tbs), KEY_P256, buf_span(&sig),
	    buf_span(&issuing_spki));
	shape_done(&s);
	/* the root's algorithm in a certificate of that key */
	shape_leaf(&s);
	buf_reset(&s.issuer);
	assert_int_equal(name_build(ISSUING, NULL, &s.issuer), 0);
	shape_build(&s);
	assert_int_equal(
	    rig_sign_cert(&rig, "issuing", "identity", buf_span(&s.tbs), NULL),
	    E_DENIED);
	shape_done(&s);
}

/* CA-5: a CA certificate only for a CA key of this folder, in its own name */
static void
test_ca_profile(void **state)
{
	struct shape s;

	(void)state;
	shape_ca(&s, ROOT, buf_span(&root_spki), -1);
	assert_int_equal(sign(&s, "root-ca"), 0);
	shape_ca(&s, ISSUING, buf_span(&issuing_spki), 0);
	assert_int_equal(sign(&s, "issuing-ca"), 0);
	/* a key from outside */
	shape_ca(&s, ISSUING, buf_span(&leaf_spki), 0);
	assert_int_equal(sign(&s, "issuing-ca"), E_DENIED);
	/* a key of this folder, of another role */
	shape_ca(&s, ISSUING, buf_span(&ra_spki), 0);
	assert_int_equal(sign(&s, "issuing-ca"), E_DENIED);
	/* under another's name */
	shape_ca(&s, "C=DE,O=Example,CN=Other", buf_span(&issuing_spki), 0);
	assert_int_equal(sign(&s, "issuing-ca"), E_DENIED);
	/* deeper than the profile */
	shape_ca(&s, ISSUING, buf_span(&issuing_spki), 1);
	assert_int_equal(sign(&s, "issuing-ca"), E_DENIED);
	shape_ca(&s, ISSUING, buf_span(&issuing_spki), -1);
	assert_int_equal(sign(&s, "issuing-ca"), E_DENIED);
	/* more than a CA does */
	shape_ca(&s, ISSUING, buf_span(&issuing_spki), 0);
	s.p.eku = EKU_SERVER;
	assert_int_equal(sign(&s, "issuing-ca"), E_DENIED);
}

/* CA-5: nothing of a CA's in any other profile */
static void
test_ca_traits_on_a_leaf(void **state)
{
	static const char *const profiles[] = { "identity", "server", "client",
		"phone", "ra", "ocsp", "legacy" };
	struct shape s;

	(void)state;
	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
		shape_leaf(&s);
		s.p.ca = true;
		assert_int_equal(sign(&s, profiles[i]), E_DENIED);
		shape_leaf(&s);
		s.p.ca = true;
		s.p.path_len = 0;
		assert_int_equal(sign(&s, profiles[i]), E_DENIED);
		shape_leaf(&s);
		s.p.ku |= KU_CERT_SIGN;
		assert_int_equal(sign(&s, profiles[i]), E_DENIED);
		shape_leaf(&s);
		s.p.ku |= KU_CRL_SIGN;
		assert_int_equal(sign(&s, profiles[i]), E_DENIED);
	}
}

static void
test_limits(void **state)
{
	struct shape s;

	(void)state;
	shape_leaf(&s);
	s.p.not_after = NOW + 1095 * (int64_t)TIME_DAY;
	assert_int_equal(sign(&s, "identity"), 0);
	shape_leaf(&s);
	s.p.not_after = NOW + 1095 * (int64_t)TIME_DAY + 1;
	assert_int_equal(sign(&s, "identity"), E_DENIED);
	/* an issuer that is not the key's */
	shape_leaf(&s);
	buf_reset(&s.issuer);
	assert_int_equal(name_build(ISSUING, NULL, &s.issuer), 0);
	assert_int_equal(sign(&s, "identity"), E_DENIED);
	/* an outdated hash */
	shape_leaf(&s);
	s.p.hash = HASH_SHA1;
	assert_int_equal(sign(&s, "identity"), E_DENIED);
	/* more use than the profile has */
	shape_leaf(&s);
	s.p.eku |= EKU_CODE;
	assert_int_equal(sign(&s, "identity"), E_DENIED);
	shape_leaf(&s);
	s.p.eku = EKU_SERVER;
	assert_int_equal(sign(&s, "identity"), E_DENIED);
	/* names */
	shape_leaf(&s);
	assert_int_equal(
	    san_parse("DNS:pbx1.example.com,EMAIL:a@example.com", NULL, &s.san),
	    0);
	assert_int_equal(sign(&s, "ipoffice"), E_DENIED);
	shape_leaf(&s);
	assert_int_equal(san_parse("DNS:*.example.com", NULL, &s.san), 0);
	assert_int_equal(sign(&s, "ipoffice"), E_DENIED);
}

/* CERT-5: SHA-1 comes out of a legacy profile only */
static void
test_legacy(void **state)
{
	struct shape s;

	(void)state;
	shape_leaf(&s);
	s.p.hash = HASH_SHA1;
	assert_int_equal(sign(&s, "legacy"), 0);
}

static void
test_profiles_that_sign_nothing(void **state)
{
	struct shape s;

	(void)state;
	shape_leaf(&s);
	assert_int_equal(sign(&s, "no-such-profile"), E_DENIED);
	shape_leaf(&s);
	assert_int_equal(sign(&s, "standalone"), E_DENIED);
	shape_leaf(&s);
	assert_int_equal(sign(&s, "standalone-secondary"), E_DENIED);
}

/* only a CA key signs certificates, only one that is there */
static void
test_wrong_keys(void **state)
{
	struct shape s;

	(void)state;
	shape_leaf(&s);
	shape_build(&s);
	assert_int_equal(
	    rig_sign_cert(&rig, "ra", "identity", buf_span(&s.tbs), NULL),
	    E_DENIED);
	assert_int_equal(
	    rig_sign_cert(&rig, "ledger", "identity", buf_span(&s.tbs), NULL),
	    E_DENIED);
	assert_int_equal(
	    rig_sign_cert(&rig, "nobody", "identity", buf_span(&s.tbs), NULL),
	    E_NOT_FOUND);
	shape_done(&s);
}

/* the RA's certificate: only for an RA key of this folder */
static void
test_ra_profile(void **state)
{
	struct shape s;

	(void)state;
	for (int i = 0; i < 2; i++) {
		shape_init(&s, ROOT, "CN=Example RA,O=Example,C=DE");
		s.p.spki = buf_span(i ? &leaf_spki : &ra_spki);
		s.p.ku = KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT;
		s.p.ku_critical = true;
		assert_int_equal(sign(&s, "ra"), i ? E_DENIED : 0);
	}
}

/* an element of the TBS replaced or an extension appended by hand */
static void
add_extension(const struct shape *s, bool critical, struct buf *out)
{
	/* 1.2.3.4 */
	static const uint8_t oid[] = { 0x2a, 0x03, 0x04 };
	struct der d = der_of(buf_span(&s->tbs)),
		   in = der_enter(&d, DER_SEQUENCE);
	BUF(head, 65536);
	DERW(w);
	size_t mark;
	struct der ext;

	while (der_peek(&in) != DER_CONTEXT_CONS(3))
		buf_add_span(&head, der_take_raw(&in, -1));
	ext = der_enter(&in, DER_CONTEXT_CONS(3));
	assert_int_equal(derw_init(&w, 65536), 0);
	mark = derw_mark(&w);
	derw_primitive(&w, DER_OCTET_STRING, span_str("\x05"));
	if (critical)
		derw_bool(&w, true);
	derw_oid(&w, span_of(oid, sizeof(oid)));
	derw_wrap(&w, DER_SEQUENCE, mark);
	derw_raw(&w, der_take(&ext, DER_SEQUENCE));
	derw_wrap(&w, DER_SEQUENCE, mark);
	derw_wrap(&w, DER_CONTEXT_CONS(3), mark);
	derw_raw(&w, buf_span(&head));
	derw_wrap(&w, DER_SEQUENCE, mark);
	buf_add_span(out, derw_span(&w));
}

static void
test_foreign_extension(void **state)
{
	struct shape s;

	(void)state;
	for (int critical = 0; critical < 2; critical++) {
		BUF(tbs, 65536);

		shape_leaf(&s);
		shape_build(&s);
		add_extension(&s, critical, &tbs);
		assert_int_equal(rig_sign_cert(&rig, "root", "identity",
				     buf_span(&tbs), NULL),
		    E_DENIED);
		shape_done(&s);
	}
}

/* every truncation and many a flip: an answer, never a signature over what
 * is no certificate, never the end of the link */
static void
test_broken_tbs(void **state)
{
	struct shape s;
	int code;

	(void)state;
	shape_leaf(&s);
	shape_build(&s);
	for (size_t n = 0; n < s.tbs.n; n += 7) {
		code = rig_sign_cert(
		    &rig, "root", "identity", span_of(s.tbs.p, n), NULL);
		assert_true(code < 0 && code != E_CLOSED);
	}
	for (size_t at = 0; at < s.tbs.n; at += 5) {
		s.tbs.p[at] ^= 0xff;
		code = rig_sign_cert(
		    &rig, "root", "identity", buf_span(&s.tbs), NULL);
		assert_int_not_equal(code, E_CLOSED);
		s.tbs.p[at] ^= 0xff;
	}
	shape_done(&s);
	/* trailing bytes */
	shape_leaf(&s);
	shape_build(&s);
	buf_add_u8(&s.tbs, 0);
	assert_true(rig_sign_cert(
			&rig, "root", "identity", buf_span(&s.tbs), NULL) < 0);
	shape_done(&s);
}

static void
test_serials(void **state)
{
	static const uint8_t zero[] = { 0x02, 0x01, 0x00 },
			     negative[] = { 0x02, 0x01, 0x80 };
	struct shape s;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct der d, in;
		BUF(tbs, 65536);
		DERW(w);

		shape_leaf(&s);
		shape_build(&s);
		d = der_of(buf_span(&s.tbs));
		in = der_enter(&d, DER_SEQUENCE);
		buf_add_span(&tbs, der_take_raw(&in, -1));
		(void)der_take_raw(&in, -1);
		buf_add(&tbs, i ? negative : zero, 3);
		buf_add_span(&tbs, in.rest);
		assert_int_equal(derw_init(&w, 65536), 0);
		derw_primitive(&w, DER_SEQUENCE, buf_span(&tbs));
		assert_true(rig_sign_cert(&rig, "root", "identity",
				derw_span(&w), NULL) < 0);
		shape_done(&s);
	}
}

/* -- CRLs -- */

static int
sign_crl(const char *id, struct span tbs)
{
	BUF(payload, 1u << 20);

	buf_pack_text(&payload, id);
	buf_pack_span(&payload, tbs);
	return rig_ask(&rig, rig.core, KEY_OP_SIGN_CRL, buf_span(&payload));
}

static void
test_crl(void **state)
{
	struct shape s;
	struct crl_params p = { .issuer_key = KEY_RSA2048,
		.hash = HASH_SHA256,
		.this_update = NOW,
		.next_update = NOW + TIME_DAY,
		.number = 1 };
	BUF(tbs, 65536);
	BUF(other, 65536);
	const unsigned char *at;
	BUF(der, 65536);
	EVP_PKEY *key;
	X509_CRL *crl;

	(void)state;
	shape_leaf(&s);
	p.issuer = buf_span(&s.issuer);
	assert_int_equal(crl_build(&p, &tbs), 0);
	assert_int_equal(sign_crl("root", buf_span(&tbs)), 0);
	assert_int_equal(x509_assemble(buf_span(&tbs), KEY_RSA2048, HASH_SHA256,
			     rig_field(&rig), &der),
	    0);
	at = der.p;
	crl = d2i_X509_CRL(NULL, &at, (long)der.n);
	at = root_spki.p;
	key = d2i_PUBKEY(NULL, &at, (long)root_spki.n);
	assert_non_null(crl);
	assert_int_equal(X509_CRL_verify(crl, key), 1);
	X509_CRL_free(crl);
	EVP_PKEY_free(key);

	assert_int_equal(sign_crl("issuing", buf_span(&tbs)), E_DENIED);
	assert_int_equal(sign_crl("ra", buf_span(&tbs)), E_DENIED);
	p.issuer = buf_span(&s.subject);
	assert_int_equal(crl_build(&p, &other), 0);
	assert_int_equal(sign_crl("root", buf_span(&other)), E_DENIED);
	assert_true(sign_crl("root", span_of(tbs.p, tbs.n - 1)) < 0);
	shape_done(&s);
}

/* CA-5: the CRL door must not sign certificates: one of version 1 begins
 * with an INTEGER too */
static void
test_crl_is_no_certificate(void **state)
{
	static const uint8_t one[] = { 0x02, 0x01, 0x01 };
	struct der d, in;
	struct shape s;
	BUF(tbs, 65536);
	DERW(w);

	(void)state;
	shape_leaf(&s);
	shape_build(&s);
	assert_true(sign_crl("root", buf_span(&s.tbs)) < 0);
	d = der_of(buf_span(&s.tbs));
	in = der_enter(&d, DER_SEQUENCE);
	(void)der_take_raw(&in, -1); /* version */
	(void)der_take_raw(&in, -1); /* serial */
	buf_add(&tbs, one, sizeof(one));
	for (int i = 0; i < 5; i++) /* algorithm ... key */
		buf_add_span(&tbs, der_take_raw(&in, -1));
	assert_int_equal(derw_init(&w, 65536), 0);
	derw_primitive(&w, DER_SEQUENCE, buf_span(&tbs));
	assert_true(sign_crl("root", derw_span(&w)) < 0);
	/* nor as a certificate: only version 3 is signed */
	assert_true(
	    rig_sign_cert(&rig, "root", "identity", derw_span(&w), NULL) < 0);
	shape_done(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leaf_is_signed),
		cmocka_unit_test(test_leaf_under_ecdsa),
		cmocka_unit_test(test_ca_profile),
		cmocka_unit_test(test_ca_traits_on_a_leaf),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_legacy),
		cmocka_unit_test(test_profiles_that_sign_nothing),
		cmocka_unit_test(test_wrong_keys),
		cmocka_unit_test(test_ra_profile),
		cmocka_unit_test(test_foreign_extension),
		cmocka_unit_test(test_broken_tbs),
		cmocka_unit_test(test_serials),
		cmocka_unit_test(test_crl),
		cmocka_unit_test(test_crl_is_no_certificate),
	};
	return cmocka_run_group_tests(tests, group_open, group_close);
}
