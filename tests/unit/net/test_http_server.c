/*
 * net/http_server over real sockets: ENR-14 (HTTP/1.0 tolerant), ENR-10
 * (bounded, malformed input is answered and counted, never blocks).
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"
#include "net/http_server.h"
#include "os/clock.h"

#define MANY 64

struct fixture {
	struct loop *loop;
	struct http_server *server;
	struct http_options o;
	struct sockaddr_in address;
	int calls, refused, last_refusal;
	bool holds; /* keep requests instead of answering */
	struct http_request *held[MANY];
	int held_n;
	char seen[512];
	size_t seen_body;
};

static void
echo(struct http_request *r, struct fixture *f)
{
	static const struct http_header_pair extra[] = {
		{ "X-Test", "yes" },
		{ "X-Bad", "a\r\nSet-Cookie: evil" },
		{ NULL, NULL },
	};
	const char *message = http_query(r, "message", true);

	f->seen_body = http_body(r).n;
	snprintf(f->seen, sizeof(f->seen), "%s %s %s peer=%s",
	    http_method_name(http_method(r)), http_path(r),
	    message ? message : "-", http_peer(r));
	http_reply(r, 200, "text/plain", span_str(f->seen), extra);
}

static void
on_request(struct http_request *r, void *cookie)
{
	struct fixture *f = (struct fixture *)cookie;

	f->calls++;
	if (f->holds)
		f->held[f->held_n++] = r;
	else
		echo(r, f);
}

static void
on_refused(const char *peer, int status, void *cookie)
{
	struct fixture *f = (struct fixture *)cookie;

	assert_string_equal(peer, "127.0.0.1");
	f->refused++;
	f->last_refusal = status;
}

static void
start(struct fixture *f)
{
	socklen_t n = sizeof(f->address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	f->address.sin_family = AF_INET;
	f->address.sin_port = 0;
	f->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&f->address, n), 0);
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(
	    getsockname(fd, (struct sockaddr *)&f->address, &n), 0);
	f->o.handler = on_request;
	f->o.on_refused = on_refused;
	f->o.cookie = f;
	f->server = http_server_new(f->loop, fd, &f->o);
	assert_non_null(f->server);
}

static int
setup(void **state)
{
	struct fixture *f = (struct fixture *)calloc(1, sizeof(*f));

	f->loop = loop_new();
	f->o.body_max = 1 << 20;
	f->o.connections_max = 4;
	start(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = (struct fixture *)*state;

	http_server_free(f->server);
	loop_free(f->loop);
	free(f);
	return 0;
}

static int
dial(struct fixture *f)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(
	    connect(fd, (struct sockaddr *)&f->address, sizeof(f->address)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

static void
reset(int fd)
{
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
}

static void
steps(struct fixture *f, int n)
{
	while (n-- > 0)
		assert_int_equal(loop_step(f->loop, 0), 0);
}

/* writes as a client does that reads only afterwards */
static bool
say(struct fixture *f, int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = send(fd, p, n, MSG_NOSIGNAL);

		if (done < 0 && errno == EAGAIN) {
			steps(f, 1);
			continue;
		}
		if (done < 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

/* hear(): what arrives until `until` is seen or the server closes */
static const char *
hear(struct fixture *f, int fd, const char *until)
{
	static char text[65536];
	size_t n = 0;
	int64_t end = clock_monotonic_ms() + 10000;

	text[0] = '\0';
	while (clock_monotonic_ms() < end && n < sizeof(text) - 1) {
		ssize_t got = recv(fd, text + n, sizeof(text) - 1 - n, 0);

		if (got < 0 && errno == EAGAIN) {
			steps(f, 1);
			continue;
		}
		if (got <= 0)
			return text;
		n += (size_t)got;
		text[n] = '\0';
		if (until && strstr(text, until))
			return text;
	}
	fail_msg("nothing heard: %s", text);
	return text;
}

static const char *
ask(struct fixture *f, const char *request, const char *until)
{
	const char *text;
	int fd = dial(f);

	assert_true(say(f, fd, request, strlen(request)));
	text = hear(f, fd, until);
	close(fd);
	steps(f, 2);
	return text;
}

/* ENR-14: an HTTP/1.0 client that knows nothing but GET */
static void
http_1_0_is_answered_and_closed(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	const char *text =
	    ask(f, "GET /scep?a=1&message=A+B%2f%3D HTTP/1.0\r\n\r\n", NULL);

	assert_true(str_has_prefix(text, "HTTP/1.1 200 OK\r\nDate: "));
	assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
	assert_non_null(strstr(text, "X-Test: yes\r\n"));
	assert_null(strstr(text, "evil"));
	assert_non_null(strstr(text, "\r\n\r\nGET /scep A+B/= peer=127.0.0.1"));
	assert_int_equal(http_server_connections(f->server), 0);
}

static void
head_has_no_body(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	const char *text = ask(f, "HEAD /x HTTP/1.0\r\n\r\n", NULL);

	assert_non_null(strstr(text, "Content-Length: 24\r\n"));
	assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\n");
}

#define KEEP " HTTP/1.1\r\nHost: a\r\n\r\n"

static void
a_connection_is_kept_and_pipelined(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	static const char three[] = "GET /1" KEEP "GET /2" KEEP "GET /3" KEEP;
	int fd = dial(f), on = 0;
	socklen_t n = sizeof(on);
	const char *text;

	assert_true(say(f, fd, three, sizeof(three) - 1));
	text = hear(f, fd, "GET /3");
	assert_true(strstr(text, "GET /1") < strstr(text, "GET /2"));
	assert_true(say(f, fd, "GET /4" KEEP, 29));
	hear(f, fd, "GET /4");
	assert_int_equal(http_server_connections(f->server), 1);
	assert_int_equal(f->calls, 4);
	/* the accepted end is the next free descriptor after ours */
	assert_int_equal(
	    getsockopt(fd + 1, IPPROTO_TCP, TCP_NODELAY, &on, &n), 0);
	assert_int_equal(on, 1);
	close(fd);
	steps(f, 2);
	assert_int_equal(http_server_connections(f->server), 0);
}

/* held requests with more in the pipe: answered later, in order */
static void
late_answers_keep_the_order(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	static const char two[] = "GET /1" KEEP "GET /2" KEEP;
	int fd = dial(f);

	f->holds = true;
	assert_true(say(f, fd, two, sizeof(two) - 1));
	shutdown(fd, SHUT_WR); /* a half-closed client still gets its answers */
	steps(f, 5);
	assert_int_equal(f->held_n, 1);
	http_reply(f->held[0], 200, NULL, span_str("first"), NULL);
	assert_int_equal(f->held_n, 1); /* never inside http_reply() */
	steps(f, 2);
	assert_int_equal(f->held_n, 2);
	http_reply(f->held[1], 404, NULL, span_str("second"), NULL);
	assert_non_null(strstr(hear(f, fd, NULL), "second"));
	close(fd);
	steps(f, 2);
	assert_int_equal(http_server_connections(f->server), 0);
}

static void
bodies_counted_and_chunked(void **state)
{
	struct fixture *f = (struct fixture *)*state;

	ask(f,
	    "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
	    "Connection: close\r\n\r\nhello",
	    NULL);
	assert_int_equal(f->seen_body, 5);
	ask(f,
	    "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
	    "Connection: close\r\n\r\n3\r\nabc\r\n4\r\nabcd\r\n0\r\n\r\n",
	    NULL);
	assert_int_equal(f->seen_body, 7);
	assert_int_equal(f->calls, 2);
	assert_int_equal(f->refused, 0);
}

static void
continue_is_said_when_expected(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	static const char head[] = "POST /a HTTP/1.1\r\nHost: a\r\n"
				   "Content-Length: 5\r\n"
				   "Expect: 100-continue\r\n\r\n";
	int fd = dial(f);

	assert_true(say(f, fd, head, sizeof(head) - 1));
	assert_string_equal(
	    hear(f, fd, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
	assert_true(say(f, fd, "hello", 5));
	assert_non_null(strstr(hear(f, fd, "peer"), "200 OK"));
	close(fd);
	steps(f, 2);
}

/* 10 MB against a limit of 1 MB: the client sends all of it first, and still
 * reads the 413; the server has kept nothing */
static void
too_large_a_body_is_refused_politely(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	static const char *const heads[] = {
		"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: "
		"10000000\r\n\r\n",
		"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
		"chunked\r\n\r\n989680\r\n",
	};
	char *body = (char *)calloc(1, 10000000);

	for (size_t i = 0; i < 2; i++) {
		int fd = dial(f);

		assert_true(say(f, fd, heads[i], strlen(heads[i])));
		assert_true(say(f, fd, body, 10000000));
		assert_true(str_has_prefix(hear(f, fd, NULL), "HTTP/1.1 413 "));
		close(fd);
		/* what is in the kernel's buffers is still thrown away */
		for (int n = 0; http_server_connections(f->server); n++)
			assert_true(n < 10000 && loop_step(f->loop, 10) == 0);
	}
	assert_int_equal(f->calls, 0);
	assert_int_equal(f->refused, 2);
	assert_int_equal(f->last_refusal, 413);
	assert_int_equal(http_server_connections(f->server), 0);
	free(body);
}

/* the drain has an end: 40 MB are not thrown away for politeness */
static void
an_endless_body_is_cut_off(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	static const char head[] = "POST /a HTTP/1.1\r\nHost: a\r\n"
				   "Content-Length: 99999999999\r\n\r\n";
	char *body = (char *)calloc(1, 1 << 20);
	int fd = dial(f), sent = 0;

	assert_true(say(f, fd, head, sizeof(head) - 1));
	while (sent < 100 && say(f, fd, body, 1 << 20))
		sent++;
	assert_in_range(sent, 20, 60);
	close(fd);
	steps(f, 2);
	assert_int_equal(http_server_connections(f->server), 0);
	free(body);
}

static void
malformed_input_is_answered_and_counted(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	char *text = (char *)malloc(HTTP_HEADERS_MAX + 100);

	assert_true(str_has_prefix(
	    ask(f, "\x16\x03\x01\x02 TLS\r\n\r\n", NULL), "HTTP/1.1 400 "));
	assert_true(
	    str_has_prefix(ask(f, "BREW /pot" KEEP, NULL), "HTTP/1.1 501 "));
	memset(text, 'a', HTTP_HEADERS_MAX + 99);
	memcpy(text, "GET /", 5);
	text[HTTP_HEADERS_MAX + 99] = '\0';
	assert_true(str_has_prefix(ask(f, text, NULL), "HTTP/1.1 431 "));
	assert_int_equal(f->refused, 3);
	assert_int_equal(f->calls, 0);
	free(text);
}

/* SCEP GET carries a whole PKCS#7 message in the path */
static void
a_long_query_passes(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	char *text = (char *)malloc(HTTP_HEADERS_MAX);
	size_t n = HTTP_HEADERS_MAX - 200;

	memset(text, 'a', n);
	memcpy(text, "GET /?message=", 14);
	snprintf(text + n, 100, " HTTP/1.0\r\n\r\n");
	assert_true(str_has_prefix(ask(f, text, NULL), "HTTP/1.1 200 "));
	free(text);
}

/* a request outlives its client, and even the server */
static void
the_client_has_gone(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	int fd;

	f->holds = true;
	for (int i = 0; i < 3; i++) {
		fd = dial(f);
		assert_true(say(f, fd, "GET /x" KEEP, 29));
		steps(f, 3);
		reset(fd);
		steps(f, 3);
	}
	assert_int_equal(f->held_n, 3);
	assert_int_equal(http_server_connections(f->server), 0);
	assert_string_equal(http_path(f->held[0]), "/x");
	http_reply(f->held[0], 200, NULL, span_str("late"), NULL);
	http_reply(f->held[1], 500, NULL, span_str("late"), NULL);
	http_server_free(f->server);
	f->server = NULL;
	http_reply(f->held[2], 200, NULL, span_str("late"), NULL);
}

static void
closing_with_an_open_request(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	int fd = dial(f);

	f->holds = true;
	assert_true(say(f, fd, "GET /x" KEEP "POST", 33));
	steps(f, 3);
	http_server_free(f->server);
	f->server = NULL;
	assert_int_equal(f->held_n, 1);
	http_reply(f->held[0], 200, NULL, span_str(""), NULL);
	close(fd);
}

static void
a_large_answer_to_a_slow_reader(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	size_t n = 20 << 20, got = 0;
	char *big = (char *)malloc(n), chunk[65536];
	int fd = dial(f);

	memset(big, 'x', n);
	f->holds = true;
	assert_true(say(f, fd, "GET /x" KEEP, 29));
	steps(f, 3);
	http_reply(f->held[0], 200, NULL, span_of(big, n), NULL);
	free(big);
	while (got < n) {
		ssize_t r = recv(fd, chunk, sizeof(chunk), 0);

		if (r < 0 && errno == EAGAIN)
			steps(f, 1);
		else
			got += (size_t)r;
	}
	f->holds = false;
	assert_true(say(f, fd, "GET /y" KEEP, 29));
	hear(f, fd, "GET /y");
	close(fd);
	steps(f, 2);
}

/* ENR-10: connections are limited; the stalest idle one makes room, and when
 * all are busy the newcomer waits and is served in the end */
static void
connections_are_limited(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	int fd[5];

	f->holds = true;
	for (int i = 0; i < 5; i++) {
		fd[i] = dial(f);
		assert_true(say(f, fd[i], "GET /x" KEEP, 29));
		steps(f, 4);
	}
	assert_int_equal(http_server_connections(f->server), 4);
	assert_int_equal(f->held_n, 4);
	reset(fd[0]);
	for (int i = 0; i < 50 && f->held_n < 5; i++)
		assert_int_equal(loop_step(f->loop, 100), 0);
	assert_int_equal(f->held_n, 5);
	for (int i = 0; i < 5; i++) {
		http_reply(f->held[i], 200, NULL, span_str("ok"), NULL);
		if (i > 0)
			assert_non_null(strstr(hear(f, fd[i], "ok"), "200"));
	}
	/* four idle ones: after a second the first has to go for a fifth */
	f->holds = false;
	fd[0] = dial(f);
	assert_true(say(f, fd[0], "GET /n" KEEP, 29));
	for (int i = 0; i < 50 && f->calls < 6; i++)
		assert_int_equal(loop_step(f->loop, 100), 0);
	assert_non_null(strstr(hear(f, fd[0], "GET /n"), "200"));
	assert_int_equal(http_server_connections(f->server), 4);
	for (int i = 0; i < 5; i++)
		close(fd[i]);
	steps(f, 4);
}

/* ENR-10: who is slow without end is told so and let go */
static void
slow_clients_time_out(void **state)
{
	static const char *const slow[] = { "GET / HT",
		"POST / HTTP/1.0\r\nContent-Length: 9\r\n\r\nabc" };
	struct fixture *f = (struct fixture *)*state;
	size_t n = 20 << 20;
	char *big = (char *)calloc(1, n);
	int fd;

	http_server_free(f->server);
	f->o.head_ms = f->o.grace_ms = 50;
	start(f);
	for (size_t i = 0; i < 2; i++)
		assert_true(
		    str_has_prefix(ask(f, slow[i], NULL), "HTTP/1.1 408 "));
	assert_int_equal(f->refused, 2);
	/* and who asks for 20 MB and does not read them */
	fd = dial(f);
	f->holds = true;
	assert_true(say(f, fd, "GET /x" KEEP, 29));
	steps(f, 3);
	http_reply(f->held[0], 200, NULL, span_of(big, n), NULL);
	free(big);
	assert_int_equal(http_server_connections(f->server), 1);
	steps(f, 3);
	close(fd);
	for (int i = 0; http_server_connections(f->server); i++)
		assert_true(i < 100 && loop_step(f->loop, 100) == 0);
}

#define WITH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(http_1_0_is_answered_and_closed),
		WITH(head_has_no_body),
		WITH(a_connection_is_kept_and_pipelined),
		WITH(late_answers_keep_the_order),
		WITH(bodies_counted_and_chunked),
		WITH(continue_is_said_when_expected),
		WITH(too_large_a_body_is_refused_politely),
		WITH(an_endless_body_is_cut_off),
		WITH(malformed_input_is_answered_and_counted),
		WITH(a_long_query_passes),
		WITH(the_client_has_gone),
		WITH(closing_with_an_open_request),
		WITH(a_large_answer_to_a_slow_reader),
		WITH(connections_are_limited),
		WITH(slow_clients_time_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
