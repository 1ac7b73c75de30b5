/*
 * One connection: head, body, handler, answer, and again. The states and what
 * moves them on:
 *
 *   HEAD    bytes until the empty line       HTTP_IDLE_S, then HTTP_HEAD_S
 *   BODY    as many bytes as announced       HTTP_GRACE_S, HTTP_RATE_MIN
 *   WORK    the handler has the request      none here
 *   ANSWER  the answer is being written      HTTP_GRACE_S, HTTP_RATE_MIN
 *   DRAIN   refused: answered, shut for writing, what the client still sends
 *           is thrown away (a close with unread bytes would reset the
 *           connection and take the answer from the client)  HTTP_DRAIN_*
 *
 * libevent's evhttp was measured and left: it answers a chunked body over the
 * limit by a reset, drains without bound, takes two Content-Length fields, and
 * knows no limit for the whole of a slow request.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "net/http_internal.h"
#include "os/clock.h"

#define READ_BYTES 16384 /* asked for in one recv() */

enum conn_state { CONN_HEAD, CONN_BODY, CONN_WORK, CONN_ANSWER, CONN_DRAIN };

struct http_conn {
	struct http_server *server;
	struct http_conn *next, **prev_next;
	struct watch *watch;
	struct timer *timer;
	struct http_request *request;
	int fd;
	int depth; /* entered this often: memory goes with the last leave() */
	enum conn_state state;
	bool keeps;      /* for another request after this one */
	bool is_refused; /* drain before closing */
	bool is_eof;     /* the client has said all */
	bool is_dead;
	int64_t began_ms, deadline_ms, timer_ms;
	size_t moved; /* bytes received or written in this state */
	struct buf in;
	size_t in_start, scanned;
	uint64_t body_left; /* of Content-Length */
	struct http_chunks chunks;
	struct buf out;
	size_t out_start;
	char peer[HTTP_PEER_MAX];
	uid_t uid;
};

/* The timer is only ever moved forward; when it fires it looks at the
 * deadline again. So a request costs no timer work. */
static void
set_deadline(struct http_conn *c, int64_t at_ms, int64_t now_ms)
{
	c->deadline_ms = at_ms;
	if (c->timer_ms != 0 && c->timer_ms <= at_ms)
		return;
	c->timer_ms = at_ms;
	timer_set(c->timer, at_ms - now_ms);
}

static void
enter_state(struct http_conn *c, enum conn_state state, int64_t ms)
{
	c->state = state;
	c->moved = 0;
	c->began_ms = clock_monotonic_ms();
	set_deadline(c, c->began_ms + ms, c->began_ms);
}

static struct span
unread(const struct http_conn *c)
{
	return span_of(c->in.p + c->in_start, c->in.n - c->in_start);
}

static void
consume(struct http_conn *c, size_t n)
{
	c->in_start += n;
	c->scanned = 0;
	if (c->in_start < c->in.n)
		return;
	c->in_start = 0;
	buf_reset(&c->in);
	if (c->in.cap > READ_BYTES)
		buf_done(&c->in);
}

/* A request the handler has seen lives on until its http_reply(). */
static void
drop_request(struct http_conn *c)
{
	struct http_request *r = c->request;

	c->request = NULL;
	if (!r)
		return;
	r->conn = NULL;
	if (c->state != CONN_WORK)
		http_request_free(r);
}

void
http_conn_close(struct http_conn *c)
{
	struct http_server *s = c->server;

	if (c->is_dead)
		return;
	c->is_dead = true;
	drop_request(c);
	*c->prev_next = c->next;
	if (c->next)
		c->next->prev_next = c->prev_next;
	s->conns_n--;
	watch_free(c->watch);
	timer_free(c->timer);
	close(c->fd);
	if (c->depth == 0) {
		buf_done(&c->in);
		buf_done(&c->out);
		free(c);
	}
	http_server_room(s);
}

static void
leave(struct http_conn *c)
{
	if (--c->depth > 0 || !c->is_dead)
		return;
	buf_done(&c->in);
	buf_done(&c->out);
	free(c);
}

/* After the last byte of an answer. */
static void
answered(struct http_conn *c)
{
	buf_done(&c->out);
	c->out_start = 0;
	if (c->is_refused && !c->is_eof) {
		shutdown(c->fd, SHUT_WR);
		enter_state(c, CONN_DRAIN, HTTP_DRAIN_S * 1000);
	} else if (!c->keeps || c->is_refused) {
		http_conn_close(c);
	} else {
		enter_state(c, CONN_HEAD, HTTP_IDLE_S * 1000);
	}
}

static void
write_out(struct http_conn *c)
{
	while (c->out_start < c->out.n) {
		ssize_t n = send(c->fd, c->out.p + c->out_start,
		    c->out.n - c->out_start, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n <= 0) {
			http_conn_close(c);
			return;
		}
		c->out_start += (size_t)n;
		c->moved += (size_t)n;
	}
	answered(c);
}

/* Head and body leave in one system call; only what the kernel does not take
 * at once is copied. */
static void
write_answer(struct http_conn *c, struct span head, struct span body)
{
	struct iovec iov[2] = { { (void *)(uintptr_t)head.p, head.n },
		{ (void *)(uintptr_t)body.p, body.n } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = body.n ? 2 : 1 };
	ssize_t n = sendmsg(c->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	size_t done = n > 0 ? (size_t)n : 0;

	enter_state(c, CONN_ANSWER, c->server->o.grace_ms);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		http_conn_close(c);
		return;
	}
	if (done == head.n + body.n) {
		answered(c);
		return;
	}
	buf_init(&c->out, head.n + body.n - done);
	if (done < head.n) {
		buf_add(&c->out, head.p + done, head.n - done);
		done = head.n;
	}
	buf_add(&c->out, body.p + (done - head.n), body.n - (done - head.n));
	if (buf_error(&c->out) != 0)
		http_conn_close(c);
}

/* The server's own refusal, which ends the connection. */
static void
refuse(struct http_conn *c, int status)
{
	struct http_server *s = c->server;
	struct span head;
	char text[80];
	int n;

	if (s->o.on_refused)
		s->o.on_refused(c->peer, status, s->o.cookie);
	drop_request(c);
	c->keeps = false;
	c->is_refused = true;
	n = snprintf(
	    text, sizeof(text), "%d %s\n", status, http_reason(status));
	if (http_answer_head(
		s, false, status, "text/plain", (size_t)n, NULL, &head) != 0) {
		http_conn_close(c);
		return;
	}
	write_answer(c, head, span_of(text, (size_t)n));
}

static void
hand_over(struct http_conn *c)
{
	enter_state(c, CONN_WORK, HTTP_IDLE_S * 1000);
	c->server->o.handler(c->request, c->server->o.cookie);
}

/* RFC 9110 10.1.1: nothing is sent when the body is here already */
static void
invite_body(struct http_conn *c)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

	if (!c->request->head.expects_continue || unread(c).n > 0)
		return;
	if (send(c->fd, go_on, sizeof(go_on) - 1,
		MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)sizeof(go_on) - 1)
		http_conn_close(c);
}

static void
begin_body(struct http_conn *c)
{
	const struct http_head *h = &c->request->head;

	c->body_left = h->length;
	memset(&c->chunks, 0, sizeof(c->chunks));
	enter_state(c, CONN_BODY, c->server->o.grace_ms);
	if (c->body_left > c->server->o.body_max)
		refuse(c, 413);
	else if (!h->is_chunked && c->body_left == 0)
		hand_over(c);
	else
		invite_body(c);
}

static void
new_request(struct http_conn *c, struct span bytes)
{
	struct http_request *r = (struct http_request *)calloc(1, sizeof(*r));
	int status;

	if (!r) {
		refuse(c, 503);
		return;
	}
	r->conn = c;
	r->uid = c->uid;
	memcpy(r->peer, c->peer, sizeof(r->peer));
	buf_init(&r->body, c->server->o.body_max);
	c->request = r;
	status = http_head_parse(bytes, &r->head);
	consume(c, bytes.n);
	if (status != 0) {
		refuse(c, status);
		return;
	}
	c->keeps = r->head.keep_alive;
	begin_body(c);
}

static bool
take_head(struct http_conn *c)
{
	struct span bytes = unread(c);
	size_t n = http_head_end(bytes, &c->scanned);

	if (n > HTTP_HEADERS_MAX || (n == 0 && bytes.n >= HTTP_HEADERS_MAX)) {
		refuse(c, 431);
		return true;
	}
	if (n == 0)
		return false;
	new_request(c, span_of(bytes.p, n));
	return true;
}

static int
take_counted(struct http_conn *c, struct buf *body, size_t *ret_used)
{
	struct span in = unread(c);
	size_t n = in.n < c->body_left ? in.n : (size_t)c->body_left;

	buf_add(body, in.p, n);
	c->body_left -= n;
	*ret_used = n;
	return buf_error(body) != 0 ? 503 : 0;
}

static bool
take_body(struct http_conn *c)
{
	struct http_request *r = c->request;
	bool is_chunked = r->head.is_chunked;
	size_t used;
	int status = is_chunked ? http_chunks_take(
				      &c->chunks, unread(c), &r->body, &used)
				: take_counted(c, &r->body, &used);

	if (status == 0 && !http_request_count(r))
		status = 503;
	if (status != 0) {
		refuse(c, status);
		return true;
	}
	consume(c, used);
	if (is_chunked ? c->chunks.at != CHUNK_DONE : c->body_left > 0)
		return false;
	hand_over(c);
	return true;
}

/* Takes requests out of the input until it is used up, a handler keeps one,
 * or the connection ends. */
static void
run(struct http_conn *c)
{
	bool goes_on = true;

	while (goes_on && !c->is_dead) {
		if (c->state == CONN_HEAD)
			goes_on = take_head(c);
		else if (c->state == CONN_BODY)
			goes_on = take_body(c);
		else
			goes_on = false;
	}
}

static void
receive(struct http_conn *c)
{
	uint8_t *room;
	ssize_t n;

	if (c->state == CONN_DRAIN) {
		c->in_start = 0;
		buf_reset(&c->in);
	}
	buf_consume(&c->in, c->in_start);
	c->in_start = 0;
	if (c->state == CONN_HEAD && c->in.n == 0) {
		int64_t now = clock_monotonic_ms();

		set_deadline(c, now + c->server->o.head_ms, now);
	}
	room = buf_reserve(&c->in, READ_BYTES);
	n = room ? recv(c->fd, room, READ_BYTES, MSG_DONTWAIT) : -1;
	if (n < 0 && room && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		http_conn_close(c);
		return;
	}
	c->is_eof = n == 0;
	c->in.n += (size_t)n;
	c->moved += (size_t)n;
	if (c->state == CONN_DRAIN && c->moved > HTTP_DRAIN_MAX)
		http_conn_close(c);
}

/* What to wait for follows from the state. A client that sends on while the
 * handler works is read up to a limit, so that a lost one is noticed. */
static void
settle(struct http_conn *c)
{
	if (c->is_dead)
		return;
	if (c->is_eof && c->state != CONN_WORK && c->state != CONN_ANSWER) {
		http_conn_close(c);
		return;
	}
	if (c->state == CONN_ANSWER)
		watch_want(c->watch, LOOP_WRITE);
	else if (c->is_eof || unread(c).n > HTTP_HEADERS_MAX)
		watch_want(c->watch, 0);
	else
		watch_want(c->watch, LOOP_READ);
}

static void
on_event(int fd, int what, void *cookie)
{
	struct http_conn *c = (struct http_conn *)cookie;

	(void)fd;
	c->depth++;
	if (what & LOOP_READ)
		receive(c);
	if ((what & LOOP_WRITE) && !c->is_dead && c->state == CONN_ANSWER)
		write_out(c);
	run(c);
	settle(c);
	leave(c);
}

/* Bodies and answers may take long when they are large, not when slow. */
static bool
is_fast_enough(struct http_conn *c, int64_t now)
{
	int64_t until = c->began_ms + c->server->o.grace_ms +
			(int64_t)(c->moved / HTTP_RATE_MIN) * 1000;

	if (until <= now)
		return false;
	set_deadline(c, until, now);
	return true;
}

static void
expire(struct http_conn *c, int64_t now)
{
	switch (c->state) {
	case CONN_HEAD:
		if (unread(c).n > 0)
			refuse(c, 408);
		else
			http_conn_close(c);
		break;
	case CONN_BODY:
		if (!is_fast_enough(c, now))
			refuse(c, 408);
		break;
	case CONN_WORK:
		set_deadline(c, now + HTTP_IDLE_S * 1000, now);
		break;
	case CONN_ANSWER:
		if (!is_fast_enough(c, now))
			http_conn_close(c);
		break;
	case CONN_DRAIN:
		http_conn_close(c);
		break;
	}
}

static void
on_timer(void *cookie)
{
	struct http_conn *c = (struct http_conn *)cookie;
	int64_t now = clock_monotonic_ms();

	c->depth++;
	c->timer_ms = 0;
	/* the loop's clock is coarse: it may fire a little early */
	if (c->deadline_ms > now + 10)
		set_deadline(c, c->deadline_ms, now);
	else
		expire(c, now);
	settle(c);
	leave(c);
}

static void
set_no_delay(int fd, bool is_local)
{
	int one = 1;

	/* Measured: TLS answers 360/s without it, 27,000/s with it. */
	if (!is_local)
		(void)setsockopt(
		    fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

int
http_conn_new(struct http_server *s, int fd, const char *peer, uid_t uid)
{
	struct http_conn *c = (struct http_conn *)calloc(1, sizeof(*c));

	if (c) {
		c->server = s;
		c->fd = fd;
		c->uid = uid;
		buf_init(&c->in, HTTP_HEADERS_MAX + 2 * READ_BYTES);
		c->watch = watch_new(s->loop, fd, LOOP_READ, on_event, c);
		c->timer = timer_new(s->loop, on_timer, c);
	}
	if (!c || !c->watch || !c->timer ||
	    str_copy(c->peer, sizeof(c->peer), peer) != 0) {
		if (c) {
			watch_free(c->watch);
			timer_free(c->timer);
		}
		free(c);
		close(fd);
		return E_NOMEM;
	}
	set_no_delay(fd, s->o.local);
	c->next = s->conns;
	if (c->next)
		c->next->prev_next = &c->next;
	c->prev_next = &s->conns;
	s->conns = c;
	s->conns_n++;
	enter_state(c, CONN_HEAD, HTTP_IDLE_S * 1000);
	return 0;
}

/* A connection that has asked for nothing in the last second or more makes
 * room for one that may. */
struct http_conn *
http_conn_stalest(struct http_server *s)
{
	struct http_conn *stalest = NULL;

	for (struct http_conn *c = s->conns; c; c = c->next)
		if (c->state == CONN_HEAD && c->depth == 0 &&
		    (!stalest || c->began_ms < stalest->began_ms))
			stalest = c;
	if (!stalest || clock_monotonic_ms() - stalest->began_ms < 1000)
		return NULL;
	return stalest;
}

void
http_conn_answer(struct http_conn *c, struct span head, struct span body)
{
	c->depth++;
	c->request = NULL;
	write_answer(c, head, body);
	/* a request that is here already waits for a round of its own: the
	 * caller of http_reply() must not find himself in a handler */
	if (c->depth == 1 && !c->is_dead && c->state == CONN_HEAD &&
	    unread(c).n > 0)
		watch_poke(c->watch);
	else if (c->depth == 1)
		settle(c);
	leave(c);
}

bool
http_conn_keeps(const struct http_conn *c)
{
	return c->keeps;
}

struct http_server *
http_conn_get0_server(struct http_conn *c)
{
	return c->server;
}
