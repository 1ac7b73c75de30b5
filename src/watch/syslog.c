/*
 * The syslog route (WATCH-2): every durable event of at least notice leaves as
 * one RFC 5424 line to a local datagram socket.
 *
 * The cursor is the sequence number up to which everything was handed over.
 * While the collector takes what we send, an event goes out as it becomes
 * durable; when it does not, the route is "behind" and reads on from the
 * cursor in slices. The cursor is saved every few seconds, not with every
 * event: after a crash a few lines may come twice (their seq tells), none is
 * lost.
 */
#include "watch/watch_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "os/clock.h"

#define SYSLOG_RECONNECT_MS 5000
#define SYSLOG_FULL_MS 100 /* the collector's queue was full: try again */
#define SYSLOG_SAVE_MS 5000
#define SYSLOG_SLICE 200 /* events sent in one go while behind */

struct syslog_route {
	struct store *store;
	struct ledger *ledger;
	struct timer *pump, *save;
	char path[CONFIG_PATH_MAX];
	int fd;             /* -1: not connected */
	bool behind;        /* events wait in the store */
	bool told;          /* the log knows that the collector is away */
	int64_t cursor;     /* handed over */
	int64_t saved;      /* what the setting holds */
	int64_t durable;    /* newest event known to be committed */
	int64_t connect_at; /* monotonic ms before which not to try */
};

static int
route_connect(struct syslog_route *r)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int64_t now = clock_monotonic_ms();

	if (r->fd >= 0)
		return 0;
	if (now < r->connect_at ||
	    str_copy(a.sun_path, sizeof(a.sun_path), r->path))
		return E_CLOSED;
	r->connect_at = now + SYSLOG_RECONNECT_MS;
	r->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (r->fd >= 0 &&
	    connect(r->fd, (const struct sockaddr *)&a, sizeof(a)) == 0) {
		if (r->told)
			log_line(
			    LOG_NOTICE, "syslog %s answers again", r->path);
		r->told = false;
		return 0;
	}
	if (!r->told)
		log_line(LOG_WARNING, "syslog %s: %s; events wait", r->path,
		    strerror(errno));
	r->told = true;
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
	return E_CLOSED;
}

/* E_LIMIT: the collector's queue is full; E_CLOSED: it is away */
static int
route_send(struct syslog_route *r, const struct event_row *e)
{
	char line[SYSLOG_LINE_MAX];
	int err;

	if (e->severity < SEVERITY_NOTICE)
		return 0;
	err = syslog_line(e, line, sizeof(line));
	if (err)
		return err;
	err = route_connect(r);
	if (err)
		return err;
	if (send(r->fd, line, strlen(line), MSG_NOSIGNAL) >= 0)
		return 0;
	if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR)
		return E_LIMIT;
	close(r->fd);
	r->fd = -1;
	return E_CLOSED;
}

static void
fall_behind(struct syslog_route *r, int why)
{
	r->behind = true;
	timer_set(
	    r->pump, why == E_LIMIT ? SYSLOG_FULL_MS : SYSLOG_RECONNECT_MS);
}

struct replay {
	struct syslog_route *route;
	unsigned n; /* rows seen */
	int err;
};

static int
replay_one(const struct event_row *e, void *cookie)
{
	struct replay *p = (struct replay *)cookie;
	struct syslog_route *r = p->route;

	/* what stands in the open batch may still be rolled back */
	if (e->seq > r->durable)
		return 1;
	p->err = route_send(r, e);
	if (p->err == E_CLOSED || p->err == E_LIMIT)
		return 1;
	if (p->err)
		log_line(LOG_ERROR, "syslog: event %lld left out: %s",
		    (long long)e->seq, err_name(p->err));
	p->err = 0;
	r->cursor = e->seq;
	p->n++;
	return 0;
}

static void
on_pump(void *cookie)
{
	struct syslog_route *r = (struct syslog_route *)cookie;
	struct replay p = { .route = r };
	struct event_filter f = { .after_seq = r->cursor,
		.min_severity = SEVERITY_NOTICE,
		.limit = SYSLOG_SLICE };
	int e;

	if (!r->behind)
		return;
	e = event_each(r->store, &f, replay_one, &p);
	if (e < 0 || p.err) {
		fall_behind(r, p.err ? p.err : E_CLOSED);
		return;
	}
	if (p.n == SYSLOG_SLICE) {
		timer_set(r->pump, 0);
		return;
	}
	/* all that is left up to here is below notice */
	r->cursor = r->durable;
	r->behind = false;
}

static void
on_event(const struct event_row *e, void *cookie)
{
	struct syslog_route *r = (struct syslog_route *)cookie;
	int err;

	r->durable = e->seq;
	if (r->behind)
		return;
	err = route_send(r, e);
	if (err == E_CLOSED || err == E_LIMIT) {
		fall_behind(r, err);
		return;
	}
	r->cursor = e->seq;
}

static void
on_save(void *cookie)
{
	struct syslog_route *r = (struct syslog_route *)cookie;

	if (r->cursor != r->saved &&
	    setting_set_number(r->store, "syslog.seq", r->cursor) == 0)
		r->saved = r->cursor;
	timer_set(r->save, SYSLOG_SAVE_MS);
}

int
syslog_route_new(struct loop *l, struct store *s, struct ledger *g,
    const char *socket_path, struct diag *d, struct syslog_route **ret)
{
	struct syslog_route *r = (struct syslog_route *)calloc(1, sizeof(*r));
	uint8_t hash[32];

	if (!r)
		return E_NOMEM;
	r->fd = -1;
	r->store = s;
	r->ledger = g;
	r->pump = timer_new(l, on_pump, r);
	r->save = timer_new(l, on_save, r);
	r->durable = ledger_head(g, hash);
	r->cursor = r->saved = setting_number(s, "syslog.seq", 0);
	/* a restored older database: begin again at its end */
	if (r->cursor > r->durable)
		r->cursor = r->durable;
	if (!r->pump || !r->save ||
	    str_copy(r->path, sizeof(r->path), socket_path) ||
	    ledger_add_route(g, on_event, r)) {
		syslog_route_free(r);
		return diag_set(d, E_NOMEM, "syslog route", NULL, "no memory");
	}
	r->behind = r->cursor < r->durable;
	if (r->behind)
		timer_set(r->pump, 0);
	timer_set(r->save, SYSLOG_SAVE_MS);
	*ret = r;
	return 0;
}

void
syslog_route_free(struct syslog_route *r)
{
	if (!r)
		return;
	if (r->cursor != r->saved &&
	    setting_set_number(r->store, "syslog.seq", r->cursor))
		log_line(LOG_WARNING, "syslog: the cursor was not saved");
	timer_free(r->pump);
	timer_free(r->save);
	if (r->fd >= 0)
		close(r->fd);
	free(r);
}
