/* net/http_client against net/http_server over a Unix socket. */
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/http_client.h"
#include "net/http_server.h"
#include "os/file.h"
#include "os/unix_socket.h"

static char root[] = "/tmp/h-net-client-XXXXXX";
static char deep[PATH_MAX], where[PATH_MAX];
static pid_t child;

static void
answer(struct http_request *r, void *cookie)
{
	char text[128];

	(void)cookie;
	if (http_body(r).n > 0) {
		http_reply(
		    r, 201, http_header(r, "Content-Type"), http_body(r), NULL);
		return;
	}
	snprintf(text, sizeof(text), "%s %s uid=%u peer=%s",
	    http_method_name(http_method(r)), http_path(r),
	    (unsigned)http_peer_uid(r), http_peer(r));
	http_reply(r, 200, "text/plain", span_str(text), NULL);
}

/* deeper than the 107 bytes of a sockaddr_un */
static int
setup(void **state)
{
	struct http_options o = { .local = true, .handler = answer };
	struct diag d;
	int fd;

	(void)state;
	if (!mkdtemp(root))
		return -1;
	snprintf(deep, sizeof(deep), "%s/%0120d", root, 1);
	if (mkdir(deep, 0700) != 0 ||
	    path_join(where, sizeof(where), deep, "sock") != 0 ||
	    unix_listen(where, 0600, &d, &fd) != 0)
		return -1;
	child = fork();
	if (child == 0) {
		struct loop *l = loop_new();

		if (http_server_new(l, fd, &o))
			_exit(loop_run(l));
		_exit(1);
	}
	close(fd);
	return child > 0 ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	unlink(where);
	rmdir(deep);
	return rmdir(root);
}

static void
a_call_over_a_deep_unix_socket(void **state)
{
	struct http_call c = { .socket_path = where,
		.url = "http://localhost/api/v1/status",
		.method = "GET" };
	char expected[128];
	struct stat st;
	struct diag d;
	BUF(body, 1000);
	int status;

	(void)state;
	assert_int_equal(http_call(&c, &d, &status, &body), 0);
	assert_int_equal(status, 200);
	snprintf(expected, sizeof(expected),
	    "GET /api/v1/status uid=%u peer=unix", (unsigned)getuid());
	assert_true(span_is_equal(buf_span(&body), span_str(expected)));
	assert_int_equal(stat(where, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
bodies_and_methods(void **state)
{
	struct http_call c = { .socket_path = where,
		.url = "http://localhost/x",
		.method = "PUT",
		.content_type = "application/json",
		.body = span_str("{\"a\":1}") };
	struct diag d;
	BUF(body, 1000);
	int status;

	(void)state;
	assert_int_equal(http_call(&c, &d, &status, &body), 0);
	assert_int_equal(status, 201);
	assert_true(span_is_equal(buf_span(&body), span_str("{\"a\":1}")));
	buf_reset(&body);
	c.method = "DELETE";
	c.content_type = NULL;
	c.body = span_of(NULL, 0);
	assert_int_equal(http_call(&c, &d, &status, &body), 0);
	assert_memory_equal(body.p, "DELETE /x ", 10);
}

static void
an_answer_over_the_callers_limit(void **state)
{
	struct http_call c = { .socket_path = where,
		.url = "http://localhost/x",
		.method = "GET" };
	struct diag d;
	BUF(body, 5);
	int status;

	(void)state;
	assert_int_equal(http_call(&c, &d, &status, &body), E_TOO_BIG);
}

static void
nothing_listens(void **state)
{
	struct http_call c = { .socket_path = "/tmp/h-net-none/sock",
		.url = "http://localhost/x",
		.method = "GET" };
	struct diag d;
	BUF(body, 100);
	int status;

	(void)state;
	assert_int_equal(http_call(&c, &d, &status, &body), E_CLOSED);
	assert_string_equal(d.object, c.socket_path);
	c.url = "file:///etc/passwd";
	c.socket_path = NULL;
	assert_int_equal(http_call(&c, &d, &status, &body), E_IO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_over_a_deep_unix_socket),
		cmocka_unit_test(bodies_and_methods),
		cmocka_unit_test(an_answer_over_the_callers_limit),
		cmocka_unit_test(nothing_listens),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
