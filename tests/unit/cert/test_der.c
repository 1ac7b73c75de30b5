/* CERT-2: strict DER, tolerant BER. Byte strings from X.690 and by hand. */
#include "cert/helper_cert.h"

#include "base/time.h"

static int
err_of_integer(const char *hex)
{
	struct der d = der_of(from_hex(hex));

	(void)der_take_integer(&d);
	return der_finish(&d);
}

static void
integers_are_minimal(void **state)
{
	struct der d = der_of(from_hex("02 02 00 80"));

	(void)state;
	assert_span(der_take_integer(&d), "00 80");
	assert_int_equal(der_finish(&d), 0);
	d = der_of(from_hex("02 04 07 5b cd 15"));
	assert_int_equal(der_take_small(&d), 123456789);
	assert_int_equal(err_of_integer("02 02 00 7f"), E_PARSE);
	assert_int_equal(err_of_integer("02 02 ff 80"), E_PARSE);
	assert_int_equal(err_of_integer("02 00"), E_PARSE);
	assert_int_equal(err_of_integer("02 02 01"), E_TRUNCATED);
	assert_int_equal(err_of_integer("02 01 01 00"), E_PARSE);
	assert_int_equal(err_of_integer("03 01 01"), E_PARSE);
	d = der_of(from_hex("02 01 80")); /* negative where none is due */
	(void)der_take_small(&d);
	assert_int_equal(d.err, E_PARSE);
	d = der_of(from_hex("02 09 00 ff ff ff ff ff ff ff ff"));
	(void)der_take_small(&d);
	assert_int_equal(d.err, E_PARSE);
}

static void
lengths_are_minimal(void **state)
{
	static const char *const bad[] = {
		"04 81 01 00",             /* long form of a short length */
		"04 82 00 80",             /* leading zero */
		"04 80 00 00",             /* indefinite */
		"04 85 01 00 00 00 00",    /* more than four octets */
		"1f 01 00",                /* tag number above 30 */
		"00 00",                   /* end-of-contents */
		"04 84 ff ff ff ff 00 00", /* far past the end */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct der d = der_of(from_hex(bad[i]));

		(void)der_take_raw(&d, -1);
		assert_true(d.err == E_PARSE || d.err == E_TRUNCATED);
		assert_int_equal(der_take_raw(&d, -1).n, 0); /* sticky */
		assert_int_equal(der_peek(&d), -1);
	}
}

static void
booleans_and_bits(void **state)
{
	struct der d = der_of(from_hex("01 01 ff 01 01 00 03 02 03 a8"));
	int unused;

	(void)state;
	assert_true(der_take_bool(&d));
	assert_false(der_take_bool(&d));
	assert_span(der_take_bits(&d, &unused), "a8");
	assert_int_equal(unused, 3);
	assert_int_equal(der_finish(&d), 0);
	d = der_of(from_hex("01 01 01"));
	(void)der_take_bool(&d);
	assert_int_equal(d.err, E_PARSE);
	d = der_of(from_hex("03 02 03 a9")); /* an unused bit is set */
	(void)der_take_bits(&d, &unused);
	assert_int_equal(d.err, E_PARSE);
	d = der_of(from_hex("03 01 01"));
	(void)der_take_bits(&d, &unused);
	assert_int_equal(d.err, E_PARSE);
	d = der_of(from_hex("03 00"));
	(void)der_take_bits(&d, &unused);
	assert_int_equal(d.err, E_PARSE);
}

static int64_t
time_of(int tag, const char *text, int *ret_err)
{
	uint8_t raw[40] = { (uint8_t)tag, (uint8_t)strlen(text) };
	struct der d;
	int64_t t;

	memcpy(raw + 2, text, strlen(text));
	d = der_of(span_of(raw, 2 + strlen(text)));
	t = der_take_time(&d);
	*ret_err = der_finish(&d);
	return t;
}

/* RFC 5280 4.1.2.5; seconds from `date -u -d ... +%s` */
static void
times(void **state)
{
	static const struct {
		int tag;
		const char *text;
		int64_t utc;
	} good[] = {
		{ DER_UTCTIME, "700101000000Z", 0 },
		{ DER_UTCTIME, "491231235959Z", INT64_C(2524607999) },
		{ DER_UTCTIME, "500101000000Z", INT64_C(-631152000) },
		{ DER_UTCTIME, "240229120000Z", INT64_C(1709208000) },
		{ DER_GENTIME, "20500101000000Z", INT64_C(2524608000) },
		{ DER_GENTIME, "99991231235959Z", TIME_MAX },
	};
	static const struct {
		int tag;
		const char *text;
	} bad[] = {
		{ DER_UTCTIME, "7001010000Z" },
		{ DER_UTCTIME, "700101000000+0000" },
		{ DER_UTCTIME, "700101000000" },
		{ DER_UTCTIME, "230229120000Z" },
		{ DER_UTCTIME, "701301000000Z" },
		{ DER_UTCTIME, "700101240000Z" },
		{ DER_UTCTIME, "7001010000 0Z" },
		{ DER_GENTIME, "20500101000000.5Z" },
		{ DER_GENTIME, "2050010100Z" },
		{ DER_GENTIME, "00000101000000Z" },
		{ DER_UTF8, "700101000000Z" },
	};
	int e;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		DERW(w);
		assert_int_equal(
		    time_of(good[i].tag, good[i].text, &e), good[i].utc);
		assert_int_equal(e, 0);
		assert_int_equal(derw_init(&w, 64), 0);
		derw_time(&w, good[i].utc);
		assert_int_equal(derw_span(&w).p[0], good[i].tag);
		assert_memory_equal(
		    derw_span(&w).p + 2, good[i].text, strlen(good[i].text));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		time_of(bad[i].tag, bad[i].text, &e);
		assert_int_equal(e, E_PARSE);
	}
}

static void
optional_and_nested(void **state)
{
	struct der d = der_of(from_hex("30 08 a0 03 02 01 02 02 01 05")), in;
	struct span s;

	(void)state;
	in = der_enter(&d, DER_SEQUENCE);
	assert_true(der_try(&in, DER_CONTEXT_CONS(0), &s));
	assert_span(s, "02 01 02");
	assert_false(der_try(&in, DER_CONTEXT_CONS(1), &s));
	assert_int_equal(der_take_small(&in), 5);
	assert_int_equal(der_finish(&in), 0);
	in = der_enter(&d, DER_SEQUENCE); /* nothing left: error carries over */
	assert_int_not_equal(der_finish(&in), 0);
}

static void
normalize_is(const char *ber, const char *der)
{
	BUF(out, 4096);

	assert_int_equal(der_normalize(from_hex(ber), &out), 0);
	assert_span(buf_span(&out), der);
}

/* ENR-3: what old encoders send (X.690 8.1.3.6, 8.7.3) */
static void
ber_becomes_der(void **state)
{
	(void)state;
	normalize_is("30 03 02 01 05", "30 03 02 01 05");
	normalize_is("30 81 03 02 01 05", "30 03 02 01 05");
	normalize_is(
	    "30 88 00 00 00 00 00 00 00 03 02 01 05", "30 03 02 01 05");
	normalize_is("30 80 02 01 05 00 00", "30 03 02 01 05");
	normalize_is("30 80 30 80 00 00 05 00 00 00", "30 04 30 00 05 00");
	/* OCTET STRING in pieces, also pieces of pieces */
	normalize_is("24 80 04 01 aa 04 02 bb cc 00 00", "04 03 aa bb cc");
	normalize_is("24 08 24 03 04 01 aa 04 01 bb", "04 02 aa bb");
	normalize_is("2c 80 0c 01 41 0c 01 42 00 00", "0c 02 41 42");
	/* a context tag says nothing about its type: pieces stay pieces */
	normalize_is(
	    "a0 80 04 01 aa 04 01 bb 00 00", "a0 06 04 01 aa 04 01 bb");
}

static void
ber_is_refused(void **state)
{
	static const char *const bad[] = { "", "30", "30 80", "30 80 02 01 05",
		"30 80 02 01 05 00", "04 80 00 00", "30 03 02 01 05 00",
		"24 03 02 01 05", "00 00", "30 02 00 00", "1f 81 01 00",
		"30 89 00 00 00 00 00 00 00 00 03 02 01 05",
		"30 84 ff ff ff ff 00" };
	uint8_t deep[200];
	BUF(out, 64);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		buf_reset(&out);
		assert_int_not_equal(der_normalize(from_hex(bad[i]), &out), 0);
	}
	for (size_t i = 0; i < sizeof(deep); i += 2) {
		deep[i] = 0x30;
		deep[i + 1] = 0x80;
	}
	buf_reset(&out);
	assert_int_equal(
	    der_normalize(span_of(deep, sizeof(deep)), &out), E_TOO_BIG);
	memset(deep, 0, sizeof(deep));
	deep[0] = 0x04;
	deep[1] = 0x81;
	deep[2] = 197;
	buf_reset(&out); /* larger than the buffer may become */
	assert_int_equal(
	    der_normalize(span_of(deep, sizeof(deep)), &out), E_TOO_BIG);
}

static void
writing(void **state)
{
	uint8_t zeros[200] = { 0 };
	DERW(w);

	(void)state;
	assert_int_equal(derw_init(&w, 300), 0);
	derw_raw(&w, span_of(zeros, sizeof(zeros)));
	derw_wrap(&w, DER_OCTET_STRING, w.cap);
	assert_int_equal(derw_span(&w).n, 203);
	assert_memory_equal(derw_span(&w).p, "\x04\x81\xc8", 3);
	derw_done(&w);
	assert_int_equal(derw_init(&w, 64), 0);
	derw_null(&w);
	derw_bool(&w, true);
	derw_small(&w, 128);
	derw_small(&w, 0);
	derw_integer(&w, from_hex("00 00 7f"));
	derw_bits(&w, from_hex("80"));
	derw_wrap(&w, DER_SEQUENCE, w.cap);
	assert_span(derw_span(&w), "30 13 03 02 00 80 02 01 7f 02 01 00 02 02 "
				   "00 80 01 01 ff 05 00");
	derw_raw(&w, span_of(zeros, 60)); /* more than fits */
	assert_int_equal(w.err, E_TOO_BIG);
	derw_null(&w);
	assert_int_equal(w.err, E_TOO_BIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_are_minimal),
		cmocka_unit_test(lengths_are_minimal),
		cmocka_unit_test(booleans_and_bits),
		cmocka_unit_test(times),
		cmocka_unit_test(optional_and_nested),
		cmocka_unit_test(ber_becomes_der),
		cmocka_unit_test(ber_is_refused),
		cmocka_unit_test(writing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
