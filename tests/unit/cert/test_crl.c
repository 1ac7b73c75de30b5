/* CERT-1, CERT-5: lists made by `openssl ca -gencrl`, ours read by OpenSSL. */
#include "cert/helper_cert.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "cert/crl.h"

static void
from_openssl(void **state)
{
	static const struct { /* make.sh's index */
		const char *serial;
		int64_t at;
		int reason;
	} want[] = {
		{ "02", INT64_C(1767323045), -1 },
		{ "00 80", INT64_C(1772600767), 4 },
		{ "00 AB CD EF 01 23 45 67 89", INT64_C(1770091506), 1 },
	};
	struct x509 *ca = data_cert("ca.der");
	AUTO_STRUCT(crl) *c = NULL;
	struct crl_entry e;
	size_t at = 0;

	(void)state;
	assert_int_equal(crl_parse(data_file("crl.der"), NULL, &c), 0);
	assert_true(span_is_equal(c->issuer, ca->subject));
	assert_true(span_is_equal(c->aki, ca->ski));
	assert_span(c->number, "2a");
	assert_int_equal(c->this_update, INT64_C(1777593600));
	assert_int_equal(c->next_update, INT64_C(1780272000));
	assert_false(c->unknown_critical);
	assert_int_equal(c->entry_n, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_true(crl_next(c, &at, &e));
		assert_span(e.serial, want[i].serial);
		assert_int_equal(e.revoked_at, want[i].at);
		assert_int_equal(e.reason, want[i].reason);
	}
	assert_false(crl_next(c, &at, &e));
	assert_int_equal(crl_verify(c, ca->spki), 0);
	c->der[c->n - 1] ^= 1;
	assert_int_equal(crl_verify(c, ca->spki), E_CRYPTO);
	x509_free(ca);
}

static int
parse(struct span der)
{
	struct crl *c = NULL;
	struct diag d = { 0 };
	int e = crl_parse(der, &d, &c);

	assert_int_equal(e, d.code);
	crl_free(c);
	return e;
}

static void
cut_anywhere(void **state)
{
	(void)state;
	assert_no_prefix(data_file("crl.der"), parse);
}

static void
changed_anywhere(void **state)
{
	struct x509 *ca = data_cert("ca.der");
	struct span good = data_file("crl.der");
	uint8_t der[1024];

	(void)state;
	for (size_t i = 0; i < good.n; i++) {
		struct crl *c = NULL;

		memcpy(der, good.p, good.n);
		der[i] ^= (uint8_t)(1u << (i % 8));
		if (crl_parse(span_of(der, good.n), NULL, &c))
			continue;
		assert_int_not_equal(crl_verify(c, ca->spki), 0);
		crl_free(c);
	}
	x509_free(ca);
}

static int
parse_patched(const char *find, const char *put, bool *ret_unknown)
{
	struct span good = data_file("crl.der"), f = from_hex(find);
	struct span p = from_hex(put);
	struct crl *c = NULL;
	uint8_t der[1024], *at;
	int e;

	memcpy(der, good.p, good.n);
	at = (uint8_t *)memmem(der, good.n, f.p, f.n);
	assert_non_null(at);
	memcpy(at, p.p, p.n);
	e = crl_parse(span_of(der, good.n), NULL, &c);
	if (c)
		*ret_unknown = c->unknown_critical;
	crl_free(c);
	return e;
}

static void
strictness(void **state)
{
	bool unknown = true;

	(void)state;
	/* version 1 with extensions is none; reason code 7; NULL reason */
	assert_int_equal(
	    parse_patched("02 01 01 30", "02 01 02 30", &unknown), E_PARSE);
	assert_int_equal(
	    parse_patched("0a 01 04", "0a 01 07", &unknown), E_PARSE);
	assert_int_equal(
	    parse_patched("0a 01 04", "02 01 04", &unknown), E_PARSE);
	assert_int_equal(
	    parse_patched("06 03 55 1d 14", "06 03 55 1d 23", &unknown),
	    E_PARSE);
	/* an extension nobody knows, not critical */
	assert_int_equal(
	    parse_patched("06 03 55 1d 14", "06 03 55 1d 7f", &unknown), 0);
	assert_false(unknown);
}

struct out {
	struct buf tbs, sig, der;
};

static X509_CRL *
built(const struct crl_params *p, EVP_PKEY *k, struct out *o)
{
	const unsigned char *at;
	X509_CRL *x;

	buf_init(&o->tbs, 1 << 20);
	buf_init(&o->sig, 4096);
	buf_init(&o->der, 1 << 20);
	assert_int_equal(crl_build(p, &o->tbs), 0);
	assert_int_equal(key_sign(k, p->hash, buf_span(&o->tbs), &o->sig), 0);
	assert_int_equal(x509_assemble(buf_span(&o->tbs), p->issuer_key,
			     p->hash, buf_span(&o->sig), &o->der),
	    0);
	at = o->der.p;
	x = d2i_X509_CRL(NULL, &at, (long)o->der.n);
	assert_non_null(x);
	assert_int_equal(X509_CRL_verify(x, k), 1);
	return x;
}

static void
out_done(struct out *o)
{
	buf_done(&o->tbs);
	buf_done(&o->sig);
	buf_done(&o->der);
}

static void
built_for_openssl(void **state)
{
	struct x509 *ca = data_cert("ca.der");
	EVP_PKEY *k = data_key("ca");
	struct crl_entry e[] = {
		{ from_hex("80 01"), 1767323045, 1 },
		{ from_hex("05"), 1767323045, 0 },
		{ from_hex("06"), INT64_C(2600000000), -1 },
		{ from_hex("07"), 1767323045, 10 },
	};
	struct crl_params p = { .issuer_key = KEY_RSA2048,
		.hash = HASH_SHA256,
		.issuer = ca->subject,
		.aki = ca->ski,
		.this_update = 1777593600,
		.next_update = 1780272000,
		.number = 256,
		.entries = e,
		.entry_n = 4 };
	AUTO_STRUCT(crl) *c = NULL;
	ASN1_INTEGER *number;
	X509_REVOKED *rev = NULL;
	ASN1_INTEGER *serial = ASN1_INTEGER_new();
	struct out o;
	X509_CRL *x;

	(void)state;
	x = built(&p, k, &o);
	assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(x)), 4);
	ASN1_INTEGER_set(serial, 0x8001);
	assert_int_equal(X509_CRL_get0_by_serial(x, &rev, serial), 1);
	number =
	    (ASN1_INTEGER *)X509_CRL_get_ext_d2i(x, NID_crl_number, NULL, NULL);
	assert_int_equal(ASN1_INTEGER_get(number), 256);
	ASN1_INTEGER_free(number);
	ASN1_INTEGER_free(serial);
	X509_CRL_free(x);
	assert_int_equal(crl_parse(buf_span(&o.der), NULL, &c), 0);
	assert_int_equal(crl_verify(c, ca->spki), 0);
	assert_int_equal(c->entry_n, 4);
	out_done(&o);
	/* nothing revoked: the field is absent */
	p.entry_n = 0;
	x = built(&p, k, &o);
	assert_null(X509_CRL_get_REVOKED(x));
	X509_CRL_free(x);
	out_done(&o);
	EVP_PKEY_free(k);
	x509_free(ca);
}

static void
what_is_not_built(void **state)
{
	struct crl_entry e = { from_hex("05"), 1767323045, 7 };
	struct crl_params p = { .issuer_key = KEY_P256,
		.hash = HASH_SHA256,
		.issuer = from_hex("30 00"),
		.this_update = 100,
		.next_update = 200,
		.entries = &e,
		.entry_n = 1 };
	BUF(out, 4096);

	(void)state;
	assert_int_equal(crl_build(&p, &out), E_INVAL); /* reason 7 */
	e.reason = -1;
	assert_int_equal(crl_build(&p, &out), 0);
	buf_reset(&out);
	e.serial = from_hex("");
	assert_int_equal(crl_build(&p, &out), E_INVAL);
	p.entry_n = 0;
	p.next_update = 100;
	assert_int_equal(crl_build(&p, &out), E_INVAL);
	p.next_update = 200;
	p.issuer_key = KEY_OTHER;
	assert_int_equal(crl_build(&p, &out), E_UNSUPPORTED);
	assert_int_equal(out.n, 0);
}

static void
reasons(void **state)
{
	(void)state;
	assert_string_equal(crl_reason_name(1), "keyCompromise");
	assert_string_equal(crl_reason_name(-1), "unspecified");
	for (int i = 0; i <= 10; i++)
		if (i != 7)
			assert_int_equal(
			    crl_reason_from_name(crl_reason_name(i)), i);
	assert_int_equal(crl_reason_from_name("lost"), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_openssl),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(changed_anywhere),
		cmocka_unit_test(strictness),
		cmocka_unit_test(built_for_openssl),
		cmocka_unit_test(what_is_not_built),
		cmocka_unit_test(reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
