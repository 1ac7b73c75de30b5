#include "net/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/enumtab.h"
#include "base/str.h"
#include "base/time.h"
#include "net/http_internal.h"
#include "os/clock.h"

#define ACCEPTS_PER_ROUND 8   /* other processes share the socket */
#define ACCEPT_RETRY_MS 100   /* after running out of descriptors */
#define ANSWER_HEAD_MAX 16384 /* bytes of our own status line and fields */

static size_t bodies_total; /* bytes of all bodies of this process */

static const struct enum_text reasons[] = {
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 301, "Moved Permanently" },
	{ 302, "Found" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 413, "Content Too Large" },
	{ 415, "Unsupported Media Type" },
	{ 417, "Expectation Failed" },
	{ 422, "Unprocessable Content" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
	{ 0, NULL },
};

const char *
http_reason(int status)
{
	return enum_name(reasons, status);
}

static int
peer_of(struct http_server *s, int fd, const struct sockaddr_storage *a,
    char *ret_text, uid_t *ret_uid)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;
	const void *address = &((const struct sockaddr_in *)a)->sin_addr;
	int family = a->ss_family;

	*ret_uid = (uid_t)-1;
	if (s->o.local) {
		struct ucred cred;
		socklen_t n = sizeof(cred);

		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) != 0)
			return E_IO;
		*ret_uid = cred.uid;
		return str_copy(ret_text, HTTP_PEER_MAX, "unix");
	}
	if (family == AF_INET6) {
		address = &v6->sin6_addr;
		/* ::ffff:192.0.2.7 is the source 192.0.2.7 to a limit */
		if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
			address = v6->sin6_addr.s6_addr + 12;
			family = AF_INET;
		}
	}
	if (!inet_ntop(family, address, ret_text, HTTP_PEER_MAX))
		return E_IO;
	return 0;
}

static void
pause_accepting(struct http_server *s, int64_t retry_ms)
{
	watch_want(s->watch, 0);
	if (retry_ms > 0)
		timer_set(s->retry, retry_ms);
}

/* false: no more for this round */
static bool
accept_one(struct http_server *s)
{
	struct http_conn *stalest = NULL;
	struct sockaddr_storage a;
	socklen_t n = sizeof(a);
	char peer[HTTP_PEER_MAX];
	uid_t uid;
	int fd;

	if (s->conns_n >= s->o.connections_max) {
		stalest = http_conn_stalest(s);
		if (!stalest) {
			pause_accepting(s, ACCEPT_RETRY_MS);
			return false;
		}
	}
	memset(&a, 0, sizeof(a));
	fd = accept4(
	    s->fd, (struct sockaddr *)&a, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
		    errno == ENOBUFS)
			pause_accepting(s, ACCEPT_RETRY_MS);
		return errno == ECONNABORTED || errno == EINTR;
	}
	if (stalest)
		http_conn_close(stalest);
	if (peer_of(s, fd, &a, peer, &uid) != 0) {
		close(fd);
		return true;
	}
	return http_conn_new(s, fd, peer, uid) == 0;
}

static void
on_accept(int fd, int what, void *cookie)
{
	struct http_server *s = (struct http_server *)cookie;

	(void)fd;
	(void)what;
	for (int i = 0; i < ACCEPTS_PER_ROUND && accept_one(s); i++)
		continue;
}

static void
on_retry(void *cookie)
{
	struct http_server *s = (struct http_server *)cookie;

	watch_want(s->watch, LOOP_READ);
}

void
http_server_room(struct http_server *s)
{
	if (s->watch && s->conns_n < s->o.connections_max)
		watch_want(s->watch, LOOP_READ);
}

struct http_server *
http_server_new(struct loop *l, int fd, const struct http_options *o)
{
	struct http_server *s = (struct http_server *)calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->loop = l;
	s->o = *o;
	if (s->o.body_max == 0)
		s->o.body_max = HTTP_BODY_MAX;
	if (s->o.connections_max == 0)
		s->o.connections_max = HTTP_CONNECTIONS_MAX;
	if (s->o.head_ms == 0)
		s->o.head_ms = HTTP_HEAD_S * 1000;
	if (s->o.grace_ms == 0)
		s->o.grace_ms = HTTP_GRACE_S * 1000;
	s->fd = -1;
	buf_init(&s->head, ANSWER_HEAD_MAX);
	s->retry = timer_new(l, on_retry, s);
	s->watch = watch_new(l, fd, LOOP_READ, on_accept, s);
	if (!s->retry || !s->watch) {
		http_server_free(s);
		return NULL;
	}
	s->fd = fd;
	return s;
}

void
http_server_free(struct http_server *s)
{
	if (!s)
		return;
	watch_free(s->watch);
	s->watch = NULL;
	while (s->conns)
		http_conn_close(s->conns);
	timer_free(s->retry);
	buf_done(&s->head);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}

size_t
http_server_connections(const struct http_server *s)
{
	return s->conns_n;
}

void
http_request_free(struct http_request *r)
{
	bodies_total -= r->counted;
	while (r->values) {
		struct http_query_value *v = r->values;

		r->values = v->next;
		free(v);
	}
	http_head_done(&r->head);
	buf_done(&r->body);
	free(r);
}

bool
http_request_count(struct http_request *r)
{
	bodies_total += r->body.n - r->counted;
	r->counted = r->body.n;
	return bodies_total <= HTTP_BODIES_MAX;
}

enum http_method
http_method(const struct http_request *r)
{
	return r->head.method;
}

const char *
http_path(const struct http_request *r)
{
	return r->head.path;
}

const char *
http_query_raw(const struct http_request *r)
{
	return r->head.query;
}

static const char *
keep_value(struct http_request *r, const char *from, size_t n, bool plus)
{
	struct http_query_value *v =
	    (struct http_query_value *)malloc(sizeof(*v) + n + 1);

	if (!v)
		return NULL;
	if (!http_decode(from, n, plus, v->text)) {
		free(v);
		return NULL;
	}
	v->next = r->values;
	r->values = v;
	return v->text;
}

/* Keys are compared as they stand: ours need no escapes. */
const char *
http_query(struct http_request *r, const char *key, bool raw_plus)
{
	const char *at = r->head.query;
	size_t key_n = strlen(key);

	while (*at) {
		size_t n = strcspn(at, "&");

		if (strncmp(at, key, key_n) == 0 &&
		    (key_n == n || (key_n < n && at[key_n] == '='))) {
			const char *value = at + key_n + (key_n < n);

			return keep_value(
			    r, value, (size_t)(at + n - value), !raw_plus);
		}
		at += n + (at[n] == '&');
	}
	return NULL;
}

const char *
http_header(const struct http_request *r, const char *name)
{
	return http_head_get0(&r->head, name);
}

struct span
http_body(const struct http_request *r)
{
	return buf_span(&r->body);
}

const char *
http_peer(const struct http_request *r)
{
	return r->peer;
}

uid_t
http_peer_uid(const struct http_request *r)
{
	return r->uid;
}

/* RFC 9110 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT" */
static const char *
date_text(struct http_server *s)
{
	static const char days[][4] = { "Thu", "Fri", "Sat", "Sun", "Mon",
		"Tue", "Wed" }; /* 1970 began on a Thursday */
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	int64_t now = clock_now();
	struct time_civil c;

	if (now == s->date_at)
		return s->date;
	if (now < 0)
		now = 0;
	c = time_to_civil(now);
	snprintf(s->date, sizeof(s->date),
	    "%s, %02d %s %04d %02d:%02d:%02d GMT", days[now / TIME_DAY % 7],
	    c.day, months[c.month - 1], c.year, c.hour, c.minute, c.second);
	s->date_at = now;
	return s->date;
}

/* A value with a line end would be a second answer of somebody's choice. */
static bool
is_one_line(const char *text)
{
	return !strpbrk(text, "\r\n");
}

static void
add_fields(struct buf *b, const struct http_header_pair *extra)
{
	for (; extra && extra->name; extra++)
		if (is_one_line(extra->name) && is_one_line(extra->value))
			buf_printf(b, "%s: %s\r\n", extra->name, extra->value);
}

int
http_answer_head(struct http_server *s, bool keep, int status,
    const char *content_type, size_t body_n,
    const struct http_header_pair *extra, struct span *ret)
{
	struct buf *b = &s->head;

	buf_reset(b);
	buf_printf(b, "HTTP/1.1 %d %s\r\nDate: %s\r\nConnection: %s\r\n",
	    status, http_reason(status), date_text(s),
	    keep ? "keep-alive" : "close");
	/* RFC 9110 8.6: 204 has no length, 304 none of its own */
	if (status != 204 && status != 304)
		buf_printf(b, "Content-Length: %zu\r\n", body_n);
	if (content_type && is_one_line(content_type))
		buf_printf(b, "Content-Type: %s\r\n", content_type);
	add_fields(b, extra);
	buf_add_text(b, "\r\n");
	*ret = buf_span(b);
	return buf_error(b);
}

static void
answer(struct http_request *r, int status, const char *content_type,
    struct span body, const struct http_header_pair *extra)
{
	struct http_server *s = http_conn_get0_server(r->conn);
	bool keep = http_conn_keeps(r->conn);
	struct span head;

	/* our own fields are over their limit: our mistake, not the client's */
	if (http_answer_head(
		s, keep, status, content_type, body.n, extra, &head) != 0 &&
	    http_answer_head(s, keep, 500, NULL, 0, NULL, &head) == 0)
		body.n = 0;
	if (r->head.method == HTTP_HEAD || status == 204 || status == 304)
		body.n = 0;
	http_conn_answer(r->conn, head, body);
}

void
http_reply(struct http_request *r, int status, const char *content_type,
    struct span body, const struct http_header_pair *extra)
{
	if (r->conn)
		answer(r, status, content_type, body, extra);
	http_request_free(r);
}
