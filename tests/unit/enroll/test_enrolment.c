/* Messages between front and core, and enrollment passwords (ENR-2, ENR-9) */
#include "test.h"

#include "cert/key.h"
#include "enroll/enrolment.h"

static void
test_enrolment_round(void **state)
{
	struct enrolment e = { .kind = ENROL_RENEW,
		.protocol = "scep",
		.path = "old",
		.transaction = "T-1",
		.source = "192.0.2.1",
		.secret = "7K3M",
		.csr = span_str("csr"),
		.signer = span_str("signer"),
		.serial = span_str("\x01\x02"),
		.issuer = span_str("issuer"),
		.legacy = true };
	struct enrolment got;
	BUF(b, ENROL_MESSAGE_MAX);

	(void)state;
	enrolment_pack(&e, &b);
	assert_int_equal(enrolment_unpack(buf_span(&b), &got), 0);
	assert_int_equal(got.kind, ENROL_RENEW);
	assert_string_equal(got.protocol, "scep");
	assert_string_equal(got.path, "old");
	assert_string_equal(got.transaction, "T-1");
	assert_string_equal(got.source, "192.0.2.1");
	assert_string_equal(got.secret, "7K3M");
	assert_true(span_is_equal(got.csr, e.csr));
	assert_true(span_is_equal(got.signer, e.signer));
	assert_true(span_is_equal(got.serial, e.serial));
	assert_true(span_is_equal(got.issuer, e.issuer));
	assert_true(got.legacy);
	for (size_t i = 0; i < b.n; i++)
		assert_int_not_equal(
		    enrolment_unpack(span_of(b.p, i), &got), 0);
	b.p[0] = ENROL_GET_CRL + 1;
	assert_int_equal(enrolment_unpack(buf_span(&b), &got), E_PARSE);
	b.p[0] = 0;
	assert_int_equal(enrolment_unpack(buf_span(&b), &got), E_PARSE);
}

static void
test_answer_round(void **state)
{
	struct enrol_answer a = { .status = ENROL_REFUSED,
		.code = E_EXPIRED,
		.text = "expired",
		.cert = span_str("c"),
		.crl = span_str("l") };
	struct enrol_answer got;
	BUF(b, ENROL_MESSAGE_MAX);

	(void)state;
	enrol_answer_pack(&a, &b);
	assert_int_equal(enrol_answer_unpack(buf_span(&b), &got), 0);
	assert_int_equal(got.status, ENROL_REFUSED);
	assert_int_equal(got.code, E_EXPIRED);
	assert_string_equal(got.text, "expired");
	assert_true(span_is_equal(got.cert, a.cert));
	assert_true(span_is_equal(got.crl, a.crl));
	for (size_t i = 0; i < b.n; i++)
		assert_int_not_equal(
		    enrol_answer_unpack(span_of(b.p, i), &got), 0);
	b.p[0] = 99;
	assert_int_not_equal(enrol_answer_unpack(buf_span(&b), &got), 0);
}

static void
test_setup_and_report(void **state)
{
	struct enrol_setup *s = calloc(1, sizeof(*s));
	struct enrol_setup *got = calloc(1, sizeof(*got));
	struct enrol_report r = { .source = "192.0.2.1",
		.protocol = "scep",
		.code = E_PARSE,
		.more = 7,
		.text = "noise" };
	struct enrol_report back;
	BUF(b, ENROL_SETUP_MAX);
	BUF(rb, 4096);

	(void)state;
	s->n = 2;
	snprintf(s->ca[0].id, 64, "issuing-1");
	s->ca[0].current = true;
	snprintf(s->ca[0].ra_key, 64, "ra-1");
	s->ca[0].ra_cert = span_str("ra");
	s->ca[0].chain_n = 2;
	s->ca[0].chain[0] = span_str("issuing");
	s->ca[0].chain[1] = span_str("root");
	s->ca[1].chain_n = 1;
	s->ca[1].chain[0] = span_str("root");
	s->ca[1].old_n = 1;
	s->ca[1].old[0] = span_str("old");
	enrol_setup_pack(s, &b);
	assert_int_equal(enrol_setup_unpack(buf_span(&b), got), 0);
	assert_int_equal(got->n, 2);
	assert_string_equal(got->ca[0].id, "issuing-1");
	assert_true(got->ca[0].current);
	assert_false(got->ca[1].current);
	assert_true(span_is_equal(got->ca[0].chain[1], span_str("root")));
	assert_true(span_is_equal(got->ca[1].old[0], span_str("old")));
	for (size_t i = 0; i < b.n; i++)
		assert_int_not_equal(
		    enrol_setup_unpack(span_of(b.p, i), got), 0);
	enrol_report_pack(&r, &rb);
	assert_int_equal(enrol_report_unpack(buf_span(&rb), &back), 0);
	assert_int_equal(back.code, E_PARSE);
	assert_int_equal(back.more, 7);
	assert_string_equal(back.text, "noise");
	for (size_t i = 0; i < rb.n; i++)
		assert_int_not_equal(
		    enrol_report_unpack(span_of(rb.p, i), &back), 0);
	free(s);
	free(got);
}

/* ENR-2: what a person makes of it is the same password */
static void
test_password_hash(void **state)
{
	static const char *const same[] = { "0123-4567-89AB-CDEF-GHJK",
		"0123456789abcdefghjk", "OI23 4567 89AB CDEF GHJK",
		"oL234567-89ab-cdef-ghjk" };
	static const char *const wrong[] = { "", "0123", "secret",
		"0123-4567-89AB-CDEF-GHJKM", "0123-4567-89AB-CDEF-GHJU",
		"0123-4567-89AB-CDEF-GHJ\xc3" };
	uint8_t hash[32], expect[32];

	(void)state;
	sha256(span_str("0123456789ABCDEFGHJK"), expect);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(enrol_password_hash(same[i], hash), 0);
		assert_memory_equal(hash, expect, 32);
	}
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(enrol_password_hash(wrong[i], hash), E_INVAL);
}

static void
test_password_new(void **state)
{
	char a[ENROL_PASSWORD_TEXT], b[ENROL_PASSWORD_TEXT];
	uint8_t hash[32];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		enrol_password_new(a);
		enrol_password_new(b);
		assert_int_equal(strlen(a), 24);
		assert_int_equal(a[4], '-');
		assert_int_equal(a[19], '-');
		assert_null(strpbrk(a, "ILOU"));
		assert_int_equal(enrol_password_hash(a, hash), 0);
		assert_string_not_equal(a, b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_enrolment_round),
		cmocka_unit_test(test_answer_round),
		cmocka_unit_test(test_setup_and_report),
		cmocka_unit_test(test_password_hash),
		cmocka_unit_test(test_password_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
