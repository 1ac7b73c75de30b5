/* /api/v1/audit: the ledger, listed and verified (ACC-8). */
#include "api/api_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"

#define WALK_SLICE 2000           /* records of one step: a few milliseconds */
#define LIST_BYTES_MAX (4u << 20) /* of one listing's bodies */
#define SPKI_MAX 1024

struct page {
	json_t *list;
	bool raw; /* with the exact text that was hashed */
	size_t bytes;
	int64_t last;
	unsigned n;
};

static int
collect(const struct event_row *e, void *cookie)
{
	struct page *p = (struct page *)cookie;
	json_t *one = event_to_json(e);

	if (p->bytes + e->body.n > LIST_BYTES_MAX) {
		json_decref(one);
		return 1;
	}
	if (p->raw && one)
		json_object_set_new(one, "body",
		    json_stringn((const char *)e->body.p, e->body.n));
	p->bytes += e->body.n;
	p->last = e->seq;
	p->n++;
	return one && json_array_append_new(p->list, one) == 0 ? 0 : E_NOMEM;
}

static int
time_arg(struct api_request *r, const char *name, struct diag *d, int64_t *ret)
{
	const char *text = api_query(r, name);

	if (!text || time_parse(text, ret) == 0)
		return 0;
	return diag_set(d, E_INVAL, name, "RFC 3339", "is no time");
}

static int
filter_take(struct api_request *r, struct diag *d, struct event_filter *f)
{
	const char *kind = api_query(r, "kind");
	const char *severity = api_query(r, "severity");
	int e = time_arg(r, "from", d, &f->from_time);

	if (!e)
		e = time_arg(r, "to", d, &f->to_time);
	if (e)
		return e;
	if (kind) {
		f->kind = event_kind_from_name(kind);
		if (!f->kind)
			return diag_set(d, E_INVAL, kind, NULL,
			    "there is no event of this kind");
	}
	if (severity) {
		f->min_severity = severity_from_name(severity);
		if (!f->min_severity)
			return diag_set(d, E_INVAL, severity, NULL,
			    "is none of info notice warning error critical");
	}
	f->object = api_query(r, "object");
	return 0;
}

/* Without a cursor the newest ones, in order of time all the same; with one,
 * onwards from there. */
static void
audit_list_get(struct api *a, struct api_request *r)
{
	struct event_filter f = { 0 };
	struct page p = { .raw = api_query(r, "raw") != NULL };
	AUTO(json_t) *o = json_object();
	struct diag d = { 0 };
	int e;

	if (filter_take(r, &d, &f)) {
		api_refuse(a, r, &d);
		return;
	}
	if (api_page(a, r, &f.limit, &f.after_seq))
		return;
	f.newest_first = api_query(r, "next") == NULL;
	p.list = json_array();
	e = event_each(a->store, &f, collect, &p);
	if (f.newest_first) {
		json_t *turned = json_array();

		for (size_t i = json_array_size(p.list); turned && i-- > 0;)
			json_array_append(turned, json_array_get(p.list, i));
		json_decref(p.list);
		p.list = turned;
	} else if (p.n == f.limit || e == 1) {
		json_set_int(o, "next", p.last);
	}
	if (o && p.list)
		json_object_set_new(o, "events", p.list);
	if (e < 0)
		api_refuse_code(a, r, e, "ledger");
	else
		api_answer(a, r, 200, TAKE(o));
}

/* -- verification: key, checkpoint, then a walk in slices -- */

struct verify {
	struct api_request *r;
	struct ledger_walk *walk;
	struct timer *timer;
	uint8_t spki[SPKI_MAX], hash[32];
	size_t spki_n;
	int64_t seq;
};

static void
verify_free(struct verify *v)
{
	timer_free(v->timer);
	ledger_walk_free(v->walk);
	free(v);
}

static void
verify_fail(struct verify *v, int e, const struct diag *d)
{
	if (d && d->code)
		api_refuse(v->r->api, v->r, d);
	else
		api_refuse_code(v->r->api, v->r, e, "ledger");
	verify_free(v);
}

static void
verify_answer(struct verify *v, const struct ledger_verdict *w)
{
	json_t *o = json_object();

	json_set_bool(o, "good", w->good);
	json_set_int(o, "events", w->events);
	json_set_int(o, "checkpoints", w->checkpoints);
	if (w->first_bad)
		json_set_int(o, "first_bad", w->first_bad);
	if (w->reason[0])
		json_set_text(o, "reason", w->reason);
	if (v->seq)
		json_set_int(o, "last_signed", v->seq);
	api_answer(v->r->api, v->r, 200, o);
	verify_free(v);
}

static void
on_step(void *cookie)
{
	struct verify *v = (struct verify *)cookie;
	struct ledger_verdict w = { 0 };
	int e = ledger_walk_step(v->walk, WALK_SLICE, &w);

	if (e)
		verify_fail(v, e, NULL);
	else if (w.done)
		verify_answer(v, &w);
	else
		timer_set(v->timer, 0);
}

static void
begin_walk(struct verify *v)
{
	struct api *a = v->r->api;
	int e = ledger_walk_new(a->reader ? a->reader : a->store,
	    span_of(v->spki, v->spki_n), v->seq, v->hash, &v->walk);

	if (!e)
		v->timer = timer_new(a->loop, on_step, v);
	if (e || !v->timer)
		verify_fail(v, e ? e : E_NOMEM, NULL);
	else
		timer_set(v->timer, 0);
}

static void
on_last(int result, struct reader *answer, const struct diag *d, void *cookie)
{
	struct verify *v = (struct verify *)cookie;
	struct span hash;

	if (result) {
		verify_fail(v, result, d);
		return;
	}
	v->seq = (int64_t)reader_u64(answer);
	hash = reader_bytes(answer, sizeof(v->hash));
	if (reader_finish(answer)) {
		verify_fail(v, E_PARSE, NULL);
		return;
	}
	memcpy(v->hash, hash.p, sizeof(v->hash));
	begin_walk(v);
}

static void
on_public(int result, struct reader *answer, const struct diag *d, void *cookie)
{
	struct verify *v = (struct verify *)cookie;
	struct span spki;
	int e;

	if (result) {
		verify_fail(v, result, d);
		return;
	}
	(void)reader_u8(answer); /* its role */
	spki = reader_span(answer);
	e = reader_finish(answer);
	if (!e && spki.n > sizeof(v->spki))
		e = E_TOO_BIG;
	if (e) {
		verify_fail(v, e, NULL);
		return;
	}
	memcpy(v->spki, spki.p, spki.n);
	v->spki_n = spki.n;
	/* asked before the walk: what is signed meanwhile lies behind it */
	e = key_ask(v->r->api->ca->keys, KEY_OP_LAST_CHECKPOINT,
	    span_of(NULL, 0), on_last, v);
	if (e)
		verify_fail(v, e, NULL);
}

static void
audit_verify_post(struct api *a, struct api_request *r)
{
	struct verify *v = (struct verify *)calloc(1, sizeof(*v));
	BUF(payload, KEY_ID_MAX + 8);
	int e;

	if (!v) {
		api_refuse_code(a, r, E_NOMEM, "ledger");
		return;
	}
	v->r = r;
	/* before ignition nothing is signed; the chain is checked alone */
	if (!a->ca->ledger_key[0]) {
		begin_walk(v);
		return;
	}
	buf_pack_text(&payload, a->ca->ledger_key);
	e = buf_error(&payload);
	if (!e)
		e = key_ask(a->ca->keys, KEY_OP_PUBLIC, buf_span(&payload),
		    on_public, v);
	if (e)
		verify_fail(v, e, NULL);
}

const struct api_route api_audit_routes[] = {
	{ "GET", "/api/v1/audit", audit_list_get,
	    "events; kind= severity= object= from= to= raw=" },
	{ "POST", "/api/v1/audit/verify", audit_verify_post,
	    "whether anything was altered or cut" },
	{ NULL, NULL, NULL, NULL },
};
