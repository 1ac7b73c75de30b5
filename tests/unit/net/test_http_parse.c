/* net/http_parse: ENR-10: malformed input gets its own answer, never harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/http_parse.h"

static int
parse(const char *text, struct http_head *h)
{
	size_t scanned = 0;
	size_t n = http_head_end(span_str(text), &scanned);

	assert_int_equal(n, strlen(text));
	return http_head_parse(span_str(text), h);
}

static void
status_is(const char *text, int status)
{
	struct http_head h;
	int got = parse(text, &h);

	if (got != status)
		fail_msg("%s: %d, not %d", text, got, status);
	http_head_done(&h);
}

/* ENR-14: HTTP/1.0 in its plain form */
static void
old_and_new_requests(void **state)
{
	struct http_head h;

	(void)state;
	assert_int_equal(
	    parse("GET /scep/a%20b?operation=GetCACaps HTTP/1.0\r\n\r\n", &h),
	    0);
	assert_int_equal(h.method, HTTP_GET);
	assert_string_equal(h.path, "/scep/a b");
	assert_string_equal(h.query, "operation=GetCACaps");
	assert_false(h.keep_alive);
	http_head_done(&h);
	assert_int_equal(parse("\r\nPOST http://ca.example:8080/scep?x#y "
			       "HTTP/1.1\nhost:ca.example\n"
			       "Content-Length:\t 12 \r\n\n",
			     &h),
	    0);
	assert_int_equal(h.method, HTTP_POST);
	assert_string_equal(h.path, "/scep");
	assert_string_equal(h.query, "x");
	assert_true(h.keep_alive && h.has_length);
	assert_int_equal(h.length, 12);
	assert_string_equal(http_head_get0(&h, "HOST"), "ca.example");
	assert_null(http_head_get0(&h, "Hos"));
	http_head_done(&h);
}

static void
connection_words(void **state)
{
	struct http_head h;

	(void)state;
	assert_int_equal(
	    parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", &h), 0);
	assert_true(h.keep_alive);
	http_head_done(&h);
	assert_int_equal(
	    parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: TE, close\r\n\r\n",
		&h),
	    0);
	assert_false(h.keep_alive);
	http_head_done(&h);
}

#define HOST "HTTP/1.1\r\nHost: a\r\n"

static void
malformed_requests(void **state)
{
	(void)state;
	status_is("GET /\r\n\r\n", 400);
	status_is("GET  / " HOST "\r\n", 400);
	status_is("GET / HTTP/1.1 x\r\nHost: a\r\n\r\n", 400);
	status_is("GET a " HOST "\r\n", 400);
	status_is("G(T / " HOST "\r\n", 400);
	status_is("BREW / " HOST "\r\n", 501);
	status_is("GET / HTTP/2.0\r\n\r\n", 505);
	status_is("GET / HTTQ/1.1\r\n\r\n", 400);
	status_is("GET /%zz " HOST "\r\n", 400);
	status_is("GET /a%00b " HOST "\r\n", 400);
	status_is("GET /a%0ab " HOST "\r\n", 400);
	status_is("GET /\r/ " HOST "\r\n", 400);
	status_is("GET / HTTP/1.1\r\n\r\n", 400); /* no Host */
	status_is("GET / " HOST "Host: b\r\n\r\n", 400);
	status_is("GET / " HOST "Name : b\r\n\r\n", 400);
	status_is("GET / " HOST "A: b\r\n folded\r\n\r\n", 400);
	status_is("GET / " HOST "no colon\r\n\r\n", 400);
	status_is("GET / " HOST "A: b\x01\r\n\r\n", 400);
	status_is("GET / " HOST "Expect: miracle\r\n\r\n", 417);
}

/* RFC 9112 6.3: no two opinions about where a body ends */
static void
ambiguous_lengths(void **state)
{
	(void)state;
	status_is("POST / " HOST "Content-Length: 3\r\n"
		  "Content-Length: 5\r\n\r\n",
	    400);
	status_is("POST / " HOST "Content-Length: -3\r\n\r\n", 400);
	status_is("POST / " HOST "Content-Length: +3\r\n\r\n", 400);
	status_is("POST / " HOST "Content-Length: 3, 3\r\n\r\n", 400);
	status_is("POST / " HOST "Content-Length:\r\n\r\n", 400);
	status_is(
	    "POST / " HOST "Content-Length: 99999999999999999999\r\n\r\n", 400);
	status_is("POST / " HOST "Content-Length: 3\r\n"
		  "Transfer-Encoding: chunked\r\n\r\n",
	    400);
	status_is("POST / " HOST "Transfer-Encoding: gzip\r\n\r\n", 501);
	status_is("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
	status_is("POST / " HOST "Transfer-Encoding: chunked\r\n\r\n", 0);
}

static void
too_many_fields(void **state)
{
	char text[4096];
	int n = snprintf(text, sizeof(text), "GET / " HOST);

	(void)state;
	for (int i = 1; i < HTTP_FIELDS_MAX; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "A: b\r\n");
	snprintf(text + n, sizeof(text) - (size_t)n, "\r\n");
	status_is(text, 0);
	snprintf(text + n, sizeof(text) - (size_t)n, "A: b\r\n\r\n");
	status_is(text, 431);
}

static void
the_end_of_a_head_byte_by_byte(void **state)
{
	static const char *const heads[] = { "GET / HTTP/1.0\r\n\r\n",
		"\r\nGET / HTTP/1.0\r\nA: b\r\n\r\n", "A\n\n", "A\n\r\n",
		"A\r\n\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		size_t whole = strlen(heads[i]), scanned = 0;

		for (size_t n = 0; n < whole; n++)
			assert_int_equal(
			    http_head_end(span_of(heads[i], n), &scanned), 0);
		assert_int_equal(
		    http_head_end(span_str(heads[i]), &scanned), whole);
	}
}

/* feeds text in pieces of `step` bytes, as the connection does */
static int
unchunk(const char *text, size_t step, struct buf *body)
{
	struct http_chunks c = { 0 };
	size_t start = 0, end = 0, whole = strlen(text);
	int status = 0;

	buf_reset(body);
	while (status == 0 && c.at != CHUNK_DONE && end < whole) {
		size_t used;

		end = end + step < whole ? end + step : whole;
		status = http_chunks_take(
		    &c, span_of(text + start, end - start), body, &used);
		start += used;
	}
	if (status == 0 && c.at != CHUNK_DONE)
		return -1;
	return status;
}

static void
chunks_in_any_pieces(void **state)
{
	BUF(body, 100);

	(void)state;
	for (size_t step = 1; step < 40; step++) {
		assert_int_equal(
		    unchunk("5;x=\"y\"\r\nhello\r\n00A\n0123456789\n"
			    "0\r\nTrailer: t\r\n\r\n",
			step, &body),
		    0);
		assert_true(span_is_equal(
		    buf_span(&body), span_str("hello0123456789")));
	}
	assert_int_equal(unchunk("0\r\n\r\n", 1, &body), 0);
	assert_int_equal(body.n, 0);
}

static void
malformed_chunks(void **state)
{
	BUF(body, 10);

	(void)state;
	assert_int_equal(unchunk("x\r\n", 9, &body), 400);
	assert_int_equal(unchunk("\r\n", 9, &body), 400);
	assert_int_equal(unchunk("-1\r\n", 9, &body), 400);
	assert_int_equal(unchunk("1\r\nab\r\n", 9, &body), 400);
	assert_int_equal(unchunk("fffffffffffffffff\r\n", 99, &body), 400);
	assert_int_equal(unchunk("ffffffffffffffff\r\na", 99, &body), 413);
	assert_int_equal(unchunk("6\r\n123456\r\n5\r\n1\r\n", 99, &body), 413);
	assert_int_equal(unchunk("3\r\nab", 9, &body), -1);
}

static void
a_chunk_line_without_end(void **state)
{
	BUF(body, 10);
	char text[HTTP_CHUNK_LINE_MAX + 10];

	(void)state;
	memset(text, '0', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(unchunk(text, 1, &body), 400);
}

static void
percent_escapes(void **state)
{
	char out[32];

	(void)state;
	assert_true(http_decode("a%2Bb+c", 7, false, out));
	assert_string_equal(out, "a+b+c");
	assert_true(http_decode("a%2Bb+c", 7, true, out));
	assert_string_equal(out, "a+b c");
	assert_false(http_decode("a%2", 3, true, out));
	assert_false(http_decode("%g0", 3, true, out));
	assert_false(http_decode("%00", 3, true, out));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(old_and_new_requests),
		cmocka_unit_test(connection_words),
		cmocka_unit_test(malformed_requests),
		cmocka_unit_test(ambiguous_lengths),
		cmocka_unit_test(too_many_fields),
		cmocka_unit_test(the_end_of_a_head_byte_by_byte),
		cmocka_unit_test(chunks_in_any_pieces),
		cmocka_unit_test(malformed_chunks),
		cmocka_unit_test(a_chunk_line_without_end),
		cmocka_unit_test(percent_escapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
