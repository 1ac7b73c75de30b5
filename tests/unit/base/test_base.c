/* base: buffers, readers, text, time, diag, json, secrets: works and refuses.
 */
#include "test.h"

#include "base/buf.h"
#include "base/diag.h"
#include "base/enumtab.h"
#include "base/json.h"
#include "base/reader.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/time.h"

static void
buf_grows_to_its_maximum_and_no_further(void **state)
{
	BUF(b, 10);

	(void)state;
	buf_add(&b, "12345", 5);
	buf_add(&b, "67890", 5);
	assert_int_equal(buf_error(&b), 0);
	buf_add(&b, "x", 1);
	assert_int_equal(buf_error(&b), E_TOO_BIG);
	assert_int_equal(b.n, 10); /* the contents are as they were */
	assert_memory_equal(b.p, "1234567890", 10);
	buf_reset(&b);
	buf_printf(&b, "%d", 42);
	assert_int_equal(buf_error(&b), 0);
	assert_memory_equal(b.p, "42", 2);
}

static void
buf_consumes_from_the_front(void **state)
{
	BUF(b, 100);

	(void)state;
	buf_add_text(&b, "abcdef");
	buf_consume(&b, 4);
	assert_int_equal(b.n, 2);
	assert_memory_equal(b.p, "ef", 2);
	buf_consume(&b, 99);
	assert_int_equal(b.n, 0);
}

static void
reader_gives_back_what_buf_packed(void **state)
{
	struct reader r;
	char text[8];
	BUF(b, 1000);

	(void)state;
	buf_add_u8(&b, 0xfe);
	buf_add_u16(&b, 0x1234);
	buf_add_u32(&b, 0xdeadbeef);
	buf_add_u64(&b, UINT64_C(0x0102030405060708));
	buf_pack_text(&b, "phone");
	buf_pack_span(&b, span_of("\0\1", 2));
	r = reader_of(buf_span(&b));
	assert_int_equal(reader_u8(&r), 0xfe);
	assert_int_equal(reader_u16(&r), 0x1234);
	assert_int_equal(reader_u32(&r), 0xdeadbeef);
	assert_true(reader_u64(&r) == UINT64_C(0x0102030405060708));
	reader_text(&r, text, sizeof(text));
	assert_string_equal(text, "phone");
	assert_int_equal(reader_span(&r).n, 2);
	assert_int_equal(reader_finish(&r), 0);
}

static void
reader_error_is_sticky(void **state)
{
	struct reader r = reader_of(span_of("\0\0\0\5abc", 7));
	char text[8];

	(void)state;
	assert_int_equal(reader_span(&r).n, 0);
	assert_int_equal(reader_u8(&r), 0); /* although bytes are left */
	assert_int_equal(reader_finish(&r), E_TRUNCATED);
	r = reader_of(span_of("\0\0\0\3a\0b", 7));
	reader_text(&r, text, sizeof(text));
	assert_int_equal(reader_finish(&r), E_PARSE); /* inner NUL */
	r = reader_of(span_of("\1\2", 2));
	(void)reader_u8(&r);
	assert_int_equal(reader_finish(&r), E_PARSE); /* left over */
}

static void
escape_keeps_text_and_shows_bytes(void **state)
{
	char out[32];

	(void)state;
	str_escape(out, sizeof(out), "a\n\x1b\xc3\xa4\xff", 6);
	assert_string_equal(out, "a\\x0a\\x1b\xc3\xa4\\xff");
	str_escape(out, 4, "ab\n", 3); /* never inside an escape */
	assert_string_equal(out, "ab");
	str_escape(out, sizeof(out), "\xc2\x85", 2); /* C1 control */
	assert_string_equal(out, "\\xc2\\x85");
}

static void
hex_both_ways(void **state)
{
	uint8_t raw[4];
	char out[16];
	size_t n;

	(void)state;
	str_hex(out, sizeof(out), span_of("\xde\xad\x01", 3), ':');
	assert_string_equal(out, "de:ad:01");
	assert_int_equal(str_from_hex("DE:ad 01", raw, 4, &n), 0);
	assert_int_equal(n, 3);
	assert_memory_equal(raw, "\xde\xad\x01", 3);
	assert_int_equal(str_from_hex("abc", raw, 4, &n), E_PARSE);
	assert_int_equal(str_from_hex("zz", raw, 4, &n), E_PARSE);
	assert_int_equal(str_from_hex("0102030405", raw, 4, &n), E_TOO_BIG);
}

static void
numbers_and_durations(void **state)
{
	int64_t v;
	char out[32];

	(void)state;
	assert_int_equal(str_to_int("60", 0, 100, &v), 0);
	assert_int_equal(v, 60);
	assert_int_equal(str_to_int("101", 0, 100, &v), E_INVAL);
	assert_int_equal(str_to_int("6x", 0, 100, &v), E_INVAL);
	assert_int_equal(str_to_int("", 0, 100, &v), E_INVAL);
	assert_int_equal(str_to_int(" 6", 0, 100, &v), E_INVAL);
	assert_int_equal(str_duration("60d", &v), 0);
	assert_int_equal(v, 60 * 86400);
	assert_int_equal(str_duration("90", &v), E_INVAL);
	assert_int_equal(str_duration("d", &v), E_INVAL);
	str_duration_print(86400 + 7200, out, sizeof(out));
	assert_string_equal(out, "1 d 2 h");
	str_duration_print(-1, out, sizeof(out));
	assert_string_equal(out, "expired");
}

/* RFC 4648 10 */
static void
base64_vectors(void **state)
{
	static const char *const plain[] = { "", "f", "fo", "foo", "foob",
		"fooba", "foobar" };
	static const char *const coded[] = { "", "Zg==", "Zm8=", "Zm9v",
		"Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" };

	(void)state;
	for (size_t i = 0; i < 7; i++) {
		AUTO(char) *text = NULL;
		AUTO(uint8_t) *raw = NULL;
		size_t n;

		assert_int_equal(str_base64(span_str(plain[i]), &text), 0);
		assert_string_equal(text, coded[i]);
		assert_int_equal(
		    str_from_base64(span_str(coded[i]), &raw, &n), 0);
		assert_int_equal(n, strlen(plain[i]));
		assert_memory_equal(raw, plain[i], n);
	}
}

static void
base64_refuses(void **state)
{
	static const char *const bad[] = { "Zg=", "Zg", "Z",
		"Zg==Zg==", "Z!==", "====" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t *raw = NULL;
		size_t n;

		assert_int_equal(
		    str_from_base64(span_str(bad[i]), &raw, &n), E_PARSE);
	}
}

/* expected seconds from `date -u -d TEXT +%s` */
static void
time_both_ways(void **state)
{
	static const struct {
		const char *text;
		int64_t utc;
	} known[] = { { "1970-01-01T00:00:00Z", 0 },
		{ "2011-01-01T00:00:00Z", 1293840000 },
		{ "2024-02-29T23:59:59Z", 1709251199 },
		{ "2028-12-31T23:59:59Z", 1861919999 },
		{ "2100-03-01T00:00:00Z", 4107542400 },
		{ "1950-01-01T00:00:00Z", -631152000 },
		{ "9999-12-31T23:59:59Z", TIME_MAX } };

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		char text[TIME_TEXT_MAX];
		int64_t utc;

		assert_int_equal(time_parse(known[i].text, &utc), 0);
		assert_true(utc == known[i].utc);
		time_print(utc, text);
		assert_string_equal(text, known[i].text);
	}
}

static void
time_offsets_and_refusals(void **state)
{
	static const char *const bad[] = { "2023-02-29", "2023-13-01", "23-1-1",
		"2023-01-01T24:00:00Z", "2023-01-01T00:00:00",
		"2023-01-01T00:00:00+2", "tomorrow", "" };
	int64_t utc;

	(void)state;
	assert_int_equal(time_parse("2025-03-30T10:30:00+02:00", &utc), 0);
	assert_true(utc == 1743323400);
	assert_int_equal(time_parse("2025-03-30", &utc), 0);
	assert_true(utc == 1743292800);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(time_parse(bad[i], &utc), E_PARSE);
}

static void
diag_says_object_rule_fact_remedy(void **state)
{
	struct diag d;
	char out[1500];

	(void)state;
	assert_int_equal(diag_set(&d, E_DENIED, "pbx1", "RFC 5280 4.2.1.9",
			     "path length on a %s", "leaf\n"),
	    E_DENIED);
	diag_remedy(&d, "use profile %s", "ca");
	diag_print(&d, out, sizeof(out));
	assert_string_equal(out, "pbx1: RFC 5280 4.2.1.9: path length on a "
				 "leaf\\x0a; use profile ca");
	assert_int_equal(diag_set(NULL, E_PARSE, "x", NULL, "y"), E_PARSE);
}

static void
every_code_has_a_name(void **state)
{
	(void)state;
	for (int code = E_BUG; code <= 0; code++)
		assert_string_not_equal(err_name(code), "unknown");
	assert_string_equal(err_name(-99), "unknown");
}

static void
json_refuses_duplicates_and_size(void **state)
{
	struct diag d;
	AUTO(json_t) *o = NULL;

	(void)state;
	assert_int_equal(json_parse(span_str("{\"a\":1}"), 100, &d, &o), 0);
	assert_int_equal(json_get_int(o, "a", 0), 1);
	assert_int_equal(json_get_int(o, "b", 7), 7);
	json_decref(TAKE(o));
	assert_int_equal(
	    json_parse(span_str("{\"a\":1,\"a\":2}"), 100, &d, &o), E_PARSE);
	assert_int_equal(json_parse(span_str("{}"), 1, &d, &o), E_TOO_BIG);
	assert_int_equal(json_parse(span_str("{"), 10, &d, &o), E_PARSE);
}

/* ACC-1, secrets: compared whole, wiped copies, bounded */
static void
secrets_compare_and_are_bounded(void **state)
{
	AUTO_STRUCT(secret) *a = secret_new("sesame", 6);
	AUTO_STRUCT(secret) *b = secret_random(32);
	AUTO_STRUCT(secret) *c = secret_random(32);

	(void)state;
	assert_true(secret_is_equal(secret_peek(a), span_str("sesame")));
	assert_false(secret_is_equal(secret_peek(a), span_str("sesamE")));
	assert_false(secret_is_equal(secret_peek(a), span_str("sesam")));
	assert_false(secret_is_equal(secret_peek(b), secret_peek(c)));
	assert_null(secret_new(NULL, SECRET_MAX + 1));
}

static void
enum_tables_work_both_ways(void **state)
{
	static const struct enum_text t[] = { { 1, "one" }, { 2, "two" },
		{ 0, NULL } };

	(void)state;
	assert_string_equal(enum_name(t, 2), "two");
	assert_string_equal(enum_name(t, 9), "unset");
	assert_int_equal(enum_from_name(t, "one"), 1);
	assert_int_equal(enum_from_name(t, "three"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buf_grows_to_its_maximum_and_no_further),
		cmocka_unit_test(buf_consumes_from_the_front),
		cmocka_unit_test(reader_gives_back_what_buf_packed),
		cmocka_unit_test(reader_error_is_sticky),
		cmocka_unit_test(escape_keeps_text_and_shows_bytes),
		cmocka_unit_test(hex_both_ways),
		cmocka_unit_test(numbers_and_durations),
		cmocka_unit_test(base64_vectors),
		cmocka_unit_test(base64_refuses),
		cmocka_unit_test(time_both_ways),
		cmocka_unit_test(time_offsets_and_refusals),
		cmocka_unit_test(diag_says_object_rule_fact_remedy),
		cmocka_unit_test(every_code_has_a_name),
		cmocka_unit_test(json_refuses_duplicates_and_size),
		cmocka_unit_test(secrets_compare_and_are_bounded),
		cmocka_unit_test(enum_tables_work_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
