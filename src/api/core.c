#include "api/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/core_internal.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "cert/crypto.h"
#include "os/clock.h"
#include "os/file.h"

#define EXIT_LOST 3 /* the store is gone: the supervisor starts us anew */

static int
database_url(const struct config *cfg, char *out, size_t size)
{
	int n = cfg->database[0] ? snprintf(out, size, "%s", cfg->database)
				 : snprintf(out, size, "sqlite:%s/signet.db",
				       cfg->state_dir);

	return n > 0 && (size_t)n < size ? 0 : E_TOO_BIG;
}

static int
event_of(struct core *c, enum event_kind kind, enum severity severity,
    json_t *detail)
{
	struct event e = { .kind = kind,
		.severity = severity,
		.actor = "system",
		.source = "local",
		.object = "signet-core",
		.result = "ok",
		.detail = detail };

	return ledger_add(c->ledger, &e, clock_now());
}

/* Enrolments that a front works on, or whose signature is under way, will join
 * this batch in a moment and share its commit: wait for them, but not for long
 * (docs/adr/0003). */
static bool
is_gathering(struct core *c)
{
	int64_t now_ms = clock_monotonic_ms();

	if (!store_is_writing(c->store) ||
	    (c->others == 0 && key_client_open(c->keys) == 0)) {
		c->gather_until_ms = 0;
		return false;
	}
	if (c->gather_until_ms == 0) {
		c->gather_until_ms = now_ms + CORE_GATHER_MS;
		timer_set(c->gather, CORE_GATHER_MS);
	}
	if (now_ms < c->gather_until_ms)
		return true;
	c->gather_until_ms = 0;
	return false;
}

static void
on_gathered(void *cookie)
{
	(void)cookie; /* the round's end commits */
}

static void
on_idle(void *cookie)
{
	struct core *c = (struct core *)cookie;

	if (is_gathering(c))
		return;
	if (store_flush(c->store))
		log_line(LOG_ERROR, "a batch was not committed");
	if (store_is_lost(c->store) || store_is_lost(c->reader)) {
		log_line(LOG_ERROR, "the database is lost; starting anew");
		worker_stop(c->worker, EXIT_LOST);
	}
}

static void
on_tick(void *cookie)
{
	struct core *c = (struct core *)cookie;
	int64_t now = clock_now();
	int e;

	ca_tick(c->ca, now);
	e = trust_drop_in(&c->trust, now);
	if (e)
		log_line(LOG_WARNING, "trust drop-in folders: %s", err_name(e));
	timer_set(c->tick, CORE_TICK_MS);
}

static void
on_ca_change(void *cookie)
{
	core_fronts_tell((struct core *)cookie);
}

static int
restart_keys(void *cookie)
{
	struct core *c = (struct core *)cookie;

	return worker_restart_role(c->worker, ROLE_KEY);
}

static int
trust_prepare(struct core *c, const struct config *cfg)
{
	c->trust.store = c->store;
	c->trust.ledger = c->ledger;
	if (str_copy(c->trust.catalog_dir, sizeof(c->trust.catalog_dir),
		cfg->catalog_dir))
		return E_TOO_BIG;
	return str_copy(
	    c->trust.state_dir, sizeof(c->trust.state_dir), cfg->state_dir);
}

static void
api_prepare(struct core *c)
{
	c->api = (struct api){ .store = c->store,
		.ledger = c->ledger,
		.ca = c->ca,
		.decider = c->decider,
		.trust = &c->trust,
		.config = &c->worker->config,
		.loop = c->worker->loop,
		.started = clock_now(),
		.restart_keys = restart_keys,
		.cookie = c,
		.reader = c->reader };
}

/* everything that opens files or a database: before the sandbox */
static int
core_open(struct core *c, struct diag *d)
{
	struct config *cfg = &c->worker->config;
	char url[CONFIG_PATH_MAX + 32];
	int e = database_url(cfg, url, sizeof(url));

	if (e)
		return diag_set(d, e, "database", NULL, "its name is too long");
	e = store_open(url, d, &c->store);
	if (!e)
		e = store_open_reader(url, d, &c->reader);
	if (!e)
		e = ledger_open(c->store, d, &c->ledger);
	if (e)
		return e;
	c->keys = key_client_new(c->worker->loop);
	c->tick = timer_new(c->worker->loop, on_tick, c);
	c->gather = timer_new(c->worker->loop, on_gathered, c);
	if (!c->keys || !c->tick || !c->gather || trust_prepare(c, cfg))
		return diag_set(d, E_NOMEM, "signet-core", NULL, "no memory");
	e = ca_new(c->store, c->ledger, c->keys, cfg, d, &c->ca);
	if (!e)
		e = decider_new(c->ca, d, &c->decider);
	return e;
}

static int
core_prepare(struct worker *w, struct diag *d)
{
	struct core *c = (struct core *)calloc(1, sizeof(*c));
	int e;

	if (!c)
		return diag_set(d, E_NOMEM, "signet-core", NULL, "no memory");
	c->worker = w;
	w->cookie = c;
	e = crypto_open(d);
	if (!e)
		e = core_open(c, d);
	if (e)
		return e;
	c->ca->on_change = on_ca_change;
	c->ca->on_change_cookie = c;
	api_prepare(c);
	loop_set_idle(w->loop, on_idle, c);
	return 0;
}

static int
core_on_link(struct worker *w, enum role peer, unsigned index, int fd)
{
	struct core *c = (struct core *)w->cookie;

	switch (peer) {
	case ROLE_KEY:
		return key_client_add_link(c->keys, index, fd);
	case ROLE_FRONT:
		return core_front_add(c, fd);
	case ROLE_LOCAL:
		return core_local_add(c, fd);
	default:
		log_line(LOG_ERROR, "a link from %s is not expected",
		    role_name(peer));
		return E_INVAL;
	}
}

static int
core_on_start(struct worker *w)
{
	struct core *c = (struct core *)w->cookie;
	AUTO(json_t) *detail = json_object();
	struct diag d = { 0 };
	int e = watch_start(
	    w->loop, c->store, c->ledger, &w->config, &d, &c->watch);

	if (e) {
		log_line(LOG_ERROR, "%s: %s", d.object, d.fact);
		return e;
	}
	json_set_text(detail, "version", SIGNET_VERSION);
	json_set_text(detail, "database", store_kind(c->store));
	e = event_of(c, EVENT_SERVER_START, SEVERITY_NOTICE, detail);
	/* CERT-7: said once a start; issuing has its own refusal */
	if (!e && !clock_is_sane())
		e = event_of(c, EVENT_CLOCK, SEVERITY_ERROR, NULL);
	if (e)
		return e;
	c->started = true;
	on_tick(c);
	return worker_ready(w);
}

static void
core_on_stop(struct worker *w)
{
	struct core *c = (struct core *)w->cookie;

	if (!c)
		return;
	if (c->started && event_of(c, EVENT_SERVER_STOP, SEVERITY_NOTICE, NULL))
		log_line(LOG_WARNING, "the stop was not recorded");
	/* twice: the routes hear of the stop, and then leave their cursor */
	if (c->store && store_flush(c->store))
		log_line(LOG_ERROR, "the last events were not committed");
	watch_end(c->watch);
	if (c->store && store_flush(c->store))
		log_line(LOG_ERROR, "the last batch was not committed");
	core_links_free(c);
	timer_free(c->tick);
	timer_free(c->gather);
	decider_free(c->decider);
	ca_free(c->ca);
	key_client_free(c->keys);
	ledger_close(c->ledger);
	store_close(c->reader);
	store_close(c->store);
	free(c);
	w->cookie = NULL;
}

const struct worker_program core_program = {
	.name = "signet-core",
	.sandbox = SANDBOX_CORE,
	.prepare = core_prepare,
	.on_link = core_on_link,
	.on_start = core_on_start,
	.on_stop = core_on_stop,
};
