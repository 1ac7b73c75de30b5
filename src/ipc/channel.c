#include "ipc/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER_BYTES 10
#define HAS_FD UINT32_C(0x80000000) /* in the length: a descriptor belongs */
#define INPUT_BYTES (256u << 10)    /* read in one go; larger frames grow it */
#define OUTPUT_KEEP (1u << 20)      /* memory kept when the queue is empty */
#define FDS_PER_READ 16             /* more in one message are cut: closed */

struct outgoing_fd {
	uint64_t at; /* position in the stream of the first byte it rides on */
	int fd;
};

/*
 * Input: bytes [start, end) of in are unread. After every round what is left
 * is less than one frame and is moved to the front once; it is not moved
 * again while that frame grows, so the moving stays linear.
 */
struct channel {
	struct loop *loop;
	struct watch *watch;
	struct loop_task flush;
	const struct channel_rule *rules;
	void *cookie;
	void (*on_close)(struct channel *c, void *cookie);
	int fd;
	bool takes_fds;
	bool is_dispatching;
	bool is_broken; /* on_close() is due */
	bool is_mute;   /* writing failed; what the peer left is still read */
	bool is_dead;   /* freed by a handler; memory goes after dispatch */
	uint8_t *in;
	size_t in_cap, in_start, in_end;
	struct buf out;
	size_t out_start;
	uint64_t sent; /* stream position of out.p[out_start] */
	struct outgoing_fd out_fds[CHANNEL_FDS_MAX];
	size_t out_fds_n;
	int in_fds[CHANNEL_FDS_MAX];
	size_t in_fds_n;
};

union fd_control {
	struct cmsghdr header; /* for the alignment */
	char room[CMSG_SPACE(FDS_PER_READ * sizeof(int))];
};

static void
release(struct channel *c)
{
	watch_free(c->watch);
	c->watch = NULL;
	loop_task_cancel(&c->flush);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	for (size_t i = 0; i < c->in_fds_n; i++)
		close(c->in_fds[i]);
	for (size_t i = 0; i < c->out_fds_n; i++)
		close(c->out_fds[i].fd);
	c->in_fds_n = c->out_fds_n = 0;
}

void
channel_free(struct channel *c)
{
	if (!c || c->is_dead)
		return;
	release(c);
	if (c->is_dispatching) {
		c->is_dead = true; /* dispatch() still walks in c->in */
		return;
	}
	buf_done(&c->out);
	free(c->in);
	free(c);
}

/* The peer is lost: nothing more is read or written, and on_close() comes as
 * an event of its own, never inside a caller's channel_send(). */
static void
break_off(struct channel *c)
{
	if (c->is_broken)
		return;
	c->is_broken = true;
	loop_task_cancel(&c->flush);
	watch_want(c->watch, 0);
	watch_poke(c->watch);
}

static size_t
pending_bytes(const struct channel *c)
{
	return c->out.n - c->out_start;
}

/* How many bytes may go with one sendmsg(): up to the next descriptor's
 * frame, which has to begin a message of its own. */
static size_t
send_extent(const struct channel *c, int *ret_fd)
{
	size_t all = pending_bytes(c);

	*ret_fd = -1;
	if (c->out_fds_n == 0)
		return all;
	if (c->out_fds[0].at != c->sent)
		return (size_t)(c->out_fds[0].at - c->sent);
	*ret_fd = c->out_fds[0].fd;
	if (c->out_fds_n > 1)
		return (size_t)(c->out_fds[1].at - c->sent);
	return all;
}

static ssize_t
send_some(struct channel *c, size_t n, int fd)
{
	struct iovec iov = { c->out.p + c->out_start, n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	union fd_control control;
	struct cmsghdr *h;

	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(sizeof(int));
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &fd, sizeof(int));
	}
	return sendmsg(c->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
forget_sent_fd(struct channel *c)
{
	close(c->out_fds[0].fd);
	c->out_fds_n--;
	memmove(
	    c->out_fds, c->out_fds + 1, c->out_fds_n * sizeof(c->out_fds[0]));
}

/* Bytes already written stay in front until they are half of the buffer (or
 * all of it), so the moving stays linear too. */
static void
trim_output(struct channel *c)
{
	if (c->out_start == c->out.n) {
		buf_reset(&c->out);
		c->out_start = 0;
		if (c->out.cap > OUTPUT_KEEP)
			buf_done(&c->out);
		return;
	}
	if (c->out_start >= c->out.n / 2) {
		buf_consume(&c->out, c->out_start);
		c->out_start = 0;
	}
}

/* The peer went before our bytes reached it. What it had written before may
 * hold answers, so reading goes on to the end, which shutdown() makes sure of.
 */
static void
give_up_writing(struct channel *c)
{
	c->is_mute = true;
	c->out_start = 0;
	buf_reset(&c->out);
	while (c->out_fds_n > 0)
		forget_sent_fd(c);
	shutdown(c->fd, SHUT_RDWR);
	watch_want(c->watch, LOOP_READ);
}

static void
flush(void *cookie)
{
	struct channel *c = (struct channel *)cookie;
	int fd;

	while (pending_bytes(c) > 0) {
		size_t extent = send_extent(c, &fd);
		ssize_t n = send_some(c, extent, fd);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n <= 0) {
			give_up_writing(c);
			return;
		}
		c->out_start += (size_t)n;
		c->sent += (uint64_t)n;
		if (fd >= 0)
			forget_sent_fd(c);
	}
	trim_output(c);
	watch_want(
	    c->watch, LOOP_READ | (pending_bytes(c) > 0 ? LOOP_WRITE : 0));
}

/* Room behind in_end for at least one more byte of the frame in hand. */
static int
make_room(struct channel *c, size_t whole)
{
	size_t cap = whole > INPUT_BYTES ? whole : INPUT_BYTES;
	size_t left = c->in_end - c->in_start;
	uint8_t *p;

	if (left > 0 && c->in_start > 0)
		memmove(c->in, c->in + c->in_start, left);
	c->in_start = 0;
	c->in_end = left;
	if (cap == c->in_cap || (cap < c->in_cap && left > INPUT_BYTES))
		return 0;
	p = (uint8_t *)realloc(c->in, cap);
	if (!p)
		return E_NOMEM;
	c->in = p;
	c->in_cap = cap;
	return 0;
}

static int
keep_fds(struct channel *c, struct msghdr *m)
{
	struct cmsghdr *h;
	int r = m->msg_flags & MSG_CTRUNC ? E_TOO_BIG : 0;

	for (h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
		size_t n;

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(
			    &fd, CMSG_DATA(h) + i * sizeof(int), sizeof(int));
			if (c->in_fds_n < CHANNEL_FDS_MAX) {
				c->in_fds[c->in_fds_n++] = fd;
				continue;
			}
			close(fd);
			r = E_TOO_BIG;
		}
	}
	return r;
}

/* One system call a round: what does not fit is announced again. */
static int
receive(struct channel *c)
{
	struct iovec iov = { c->in + c->in_end, c->in_cap - c->in_end };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	union fd_control control;
	ssize_t n;

	if (c->takes_fds) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
	}
	n = recvmsg(c->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : E_CLOSED;
	if (n == 0)
		return E_CLOSED;
	c->in_end += (size_t)n;
	return c->takes_fds ? keep_fds(c, &m) : 0;
}

static uint32_t
be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static const struct channel_rule *
rule_of(const struct channel *c, uint16_t type)
{
	const struct channel_rule *rule;

	for (rule = c->rules; rule->handler; rule++)
		if (rule->type == type)
			return rule;
	return NULL;
}

static int
take_fd(struct channel *c)
{
	int fd = c->in_fds[0];

	c->in_fds_n--;
	memmove(c->in_fds, c->in_fds + 1, c->in_fds_n * sizeof(c->in_fds[0]));
	return fd;
}

/* next_frame(): 0 when a frame was handled, E_PENDING with the bytes it will
 * need in all when it is not complete, another error when the peer is done
 * for. The header is judged before memory is taken for the payload. */
static int
next_frame(struct channel *c, size_t *ret_whole)
{
	const uint8_t *p = c->in + c->in_start;
	size_t left = c->in_end - c->in_start;
	const struct channel_rule *rule;
	struct frame f = { .fd = -1 };
	uint32_t length;

	*ret_whole = HEADER_BYTES;
	if (left < HEADER_BYTES)
		return E_PENDING;
	length = be32(p) & ~HAS_FD;
	f.type = (uint16_t)(p[4] << 8 | p[5]);
	f.id = be32(p + 6);
	rule = rule_of(c, f.type);
	if (!rule)
		return E_UNSUPPORTED;
	if (length > rule->max || length > CHANNEL_FRAME_MAX)
		return E_TOO_BIG;
	/* the descriptor came with the frame's first byte, or never will */
	if ((be32(p) & HAS_FD) && c->in_fds_n == 0)
		return E_PARSE;
	*ret_whole = HEADER_BYTES + (size_t)length;
	if (left < *ret_whole)
		return E_PENDING;
	if (be32(p) & HAS_FD)
		f.fd = take_fd(c);
	f.payload = span_of(p + HEADER_BYTES, length);
	c->in_start += *ret_whole;
	return rule->handler(c, &f, c->cookie);
}

static int
dispatch(struct channel *c)
{
	size_t whole = 0;
	int r;

	c->is_dispatching = true;
	do
		r = next_frame(c, &whole);
	while (r == 0 && !c->is_dead && !c->is_broken);
	c->is_dispatching = false;
	if (c->is_dead || c->is_broken)
		return 0;
	return r == E_PENDING ? make_room(c, whole) : r;
}

static void
on_event(int fd, int what, void *cookie)
{
	struct channel *c = (struct channel *)cookie;
	int gone = 0, r = 0;

	(void)fd;
	if (!c->is_broken && (what & LOOP_READ)) {
		gone = receive(c);
		r = dispatch(c);
	}
	if (c->is_dead) {
		c->is_dead = false;
		channel_free(c);
		return;
	}
	if (c->is_broken || gone != 0 || r != 0) {
		c->is_broken = true;
		loop_task_cancel(&c->flush);
		c->on_close(c, c->cookie);
		return;
	}
	if (what & LOOP_WRITE)
		flush(c);
}

struct channel *
channel_new(struct loop *l, int fd, const struct channel_rule *rules,
    void *cookie, void (*on_close)(struct channel *c, void *cookie))
{
	struct channel *c = (struct channel *)calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->fd = -1;
	c->loop = l;
	c->rules = rules;
	c->cookie = cookie;
	c->on_close = on_close;
	c->flush.fn = flush;
	c->flush.cookie = c;
	/* twice: up to half of it may be written and not yet moved away */
	buf_init(&c->out, (size_t)CHANNEL_QUEUE_MAX * 2);
	c->watch = watch_new(l, fd, LOOP_READ, on_event, c);
	if (!c->watch || make_room(c, HEADER_BYTES) != 0) {
		channel_free(c);
		return NULL;
	}
	c->fd = fd;
	return c;
}

void
channel_allow_fds(struct channel *c)
{
	c->takes_fds = true;
}

static int
queue_frame(struct channel *c, uint16_t type, uint32_t id, struct span payload,
    uint32_t flag)
{
	size_t whole = HEADER_BYTES + payload.n;

	if (c->is_broken || c->is_mute || c->is_dead)
		return E_CLOSED;
	if (payload.n > CHANNEL_FRAME_MAX)
		return E_TOO_BIG;
	/* the peer does not read: no memory is spent on it without end */
	if (pending_bytes(c) + whole > CHANNEL_QUEUE_MAX ||
	    !buf_reserve(&c->out, whole)) {
		break_off(c);
		return E_CLOSED;
	}
	buf_add_u32(&c->out, (uint32_t)payload.n | flag);
	buf_add_u16(&c->out, type);
	buf_add_u32(&c->out, id);
	buf_add_span(&c->out, payload);
	loop_defer(c->loop, &c->flush);
	return 0;
}

int
channel_send(struct channel *c, uint16_t type, uint32_t id, struct span payload)
{
	return queue_frame(c, type, id, payload, 0);
}

int
channel_send_fd(
    struct channel *c, uint16_t type, uint32_t id, struct span payload, int fd)
{
	uint64_t at = c->sent + pending_bytes(c);
	int copy, r;

	if (c->is_broken || c->is_mute || c->is_dead)
		return E_CLOSED;
	if (c->out_fds_n == CHANNEL_FDS_MAX)
		return E_TOO_BIG;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return E_IO;
	r = queue_frame(c, type, id, payload, HAS_FD);
	if (r != 0) {
		close(copy);
		return r;
	}
	c->out_fds[c->out_fds_n++] =
	    (struct outgoing_fd){ .at = at, .fd = copy };
	return 0;
}

size_t
channel_queued(const struct channel *c)
{
	return pending_bytes(c);
}

void *
channel_cookie(const struct channel *c)
{
	return c->cookie;
}
