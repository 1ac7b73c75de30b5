/* The expiry sweep (WATCH-2): each certificate that comes within the warning
 * time gets one event. The mark that it was warned of and the event stand in
 * the same batch, so neither a crash nor a restart loses or doubles one. */
#include "watch/watch_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "os/clock.h"

#define SWEEP_PERIOD_S TIME_DAY
#define SWEEP_LOOK_MS 60000 /* how often to look whether a day has passed */

struct warned { /* what is kept of a certificate while its slice is written */
	int64_t id, not_after;
	char serial[2 * CERT_SERIAL_MAX + 1];
	char subject[256], entity[128], profile[64];
};
struct slice {
	struct warned *rows;
	unsigned n;
};

struct sweeper {
	struct loop *loop;
	struct store *store;
	struct ledger *ledger;
	struct timer *timer;
	uint32_t warn_days;
	bool running;
	int64_t last, warned; /* end of the last run; warnings of this one */
};

static int
collect(const struct cert_row *c, void *cookie)
{
	struct slice *s = (struct slice *)cookie;
	struct warned *w = &s->rows[s->n++];

	w->id = c->id;
	w->not_after = c->not_after;
	str_hex(w->serial, sizeof(w->serial), c->serial, 0);
	snprintf(w->subject, sizeof(w->subject), "%s", c->subject);
	snprintf(w->entity, sizeof(w->entity), "%s", c->entity);
	snprintf(w->profile, sizeof(w->profile), "%s", c->profile);
	return s->n < SWEEP_SLICE ? 0 : 1;
}

static int
warn(struct store *s, struct ledger *g, const struct warned *w, int64_t now)
{
	AUTO(json_t) *detail = json_object();
	char object[160];
	struct event e = { .kind = EVENT_EXPIRING,
		.severity = SEVERITY_WARNING,
		.actor = "schedule",
		.source = "local",
		.object = object,
		.result = "ok",
		.detail = detail };
	int err;

	snprintf(object, sizeof(object), "cert %s", w->serial);
	json_set_text(detail, "serial", w->serial);
	json_set_text(detail, "subject", w->subject);
	json_set_text(detail, "entity", w->entity);
	json_set_text(detail, "profile", w->profile);
	json_set_time(detail, "not_after", w->not_after);
	json_set_int(detail, "days_left", (w->not_after - now) / TIME_DAY);
	if (!detail)
		return E_NOMEM;
	err = cert_set_warned(s, w->id, now);
	return err ? err : ledger_add(g, &e, now);
}

int
sweep_slice(struct store *s, struct ledger *g, int64_t now, uint32_t warn_days,
    unsigned *ret_n)
{
	struct slice slice = { 0 };
	int e;

	slice.rows = (struct warned *)calloc(SWEEP_SLICE, sizeof(*slice.rows));
	if (!slice.rows)
		return E_NOMEM;
	/* gathered first: nothing may be written under an open reading */
	e = cert_each_unwarned(s, now, now + (int64_t)warn_days * TIME_DAY,
	    SWEEP_SLICE, collect, &slice);
	e = e > 0 ? 0 : e;
	for (unsigned i = 0; !e && i < slice.n; i++)
		e = warn(s, g, &slice.rows[i], now);
	if (!e)
		*ret_n = slice.n;
	free(slice.rows);
	return e;
}

static int
finish(struct sweeper *w, int64_t now)
{
	AUTO(json_t) *detail = json_object();
	struct event e = { .kind = EVENT_SWEEP,
		.severity = SEVERITY_INFO,
		.actor = "schedule",
		.source = "local",
		.object = "certificates",
		.result = "ok",
		.detail = detail };
	int err = setting_set_number(w->store, "sweep.last", now);

	w->running = false;
	w->last = now;
	/* a run that found nothing is not worth a record a day */
	if (err || w->warned == 0)
		return err;
	json_set_int(detail, "warned", w->warned);
	return ledger_add(w->ledger, &e, now);
}

static void
on_time(void *cookie)
{
	struct sweeper *w = (struct sweeper *)cookie;
	int64_t now = clock_now();
	unsigned n = 0;
	int e;

	/* a clock that went back must not stop the sweep for years */
	if (!w->running && (now - w->last >= SWEEP_PERIOD_S || now < w->last)) {
		w->running = true;
		w->warned = 0;
	}
	if (!w->running) {
		timer_set(w->timer, SWEEP_LOOK_MS);
		return;
	}
	e = sweep_slice(w->store, w->ledger, now, w->warn_days, &n);
	w->warned += n;
	if (!e && n < SWEEP_SLICE) {
		e = sweep_authorities(
		    w->store, w->ledger, now, w->warn_days, &n);
		w->warned += e ? 0 : n;
		if (!e)
			e = finish(w, now);
		n = 0;
	}
	if (e)
		log_line(LOG_WARNING, "expiry sweep: %s; again in a minute",
		    err_name(e));
	timer_set(w->timer, !e && w->running ? 0 : SWEEP_LOOK_MS);
}

int
sweeper_new(struct loop *l, struct store *s, struct ledger *g,
    uint32_t warn_days, struct sweeper **ret)
{
	struct sweeper *w = (struct sweeper *)calloc(1, sizeof(*w));

	if (!w)
		return E_NOMEM;
	w->timer = timer_new(l, on_time, w);
	if (!w->timer) {
		free(w);
		return E_NOMEM;
	}
	w->loop = l;
	w->store = s;
	w->ledger = g;
	w->warn_days = warn_days;
	/* at every start, too: what became due while nobody ran is told now;
	 * the marks keep it from being told twice */
	w->running = true;
	timer_set(w->timer, 0);
	*ret = w;
	return 0;
}

void
sweeper_free(struct sweeper *w)
{
	if (!w)
		return;
	timer_free(w->timer);
	free(w);
}
