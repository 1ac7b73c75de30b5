/*
 * ca/crl: certificate revocation lists. One is made at a time for each
 * authority; what is revoked meanwhile waits for the next one, so that many
 * revocations share a signature and the numbers ascend.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/time.h"
#include "ca/ca_internal.h"
#include "cert/crl.h"
#include "os/clock.h"

struct crl_wait {
	struct crl_wait *next;
	uint64_t mark;
	ca_crl_fn fn;
	ca_drop_fn drop;
	void *cookie;
};

/* under way: the authority's memory lives as long as ca */
struct crl_run {
	struct ca *ca;
	struct authority *a;
	int result;
	struct diag d;
};

/* -- content -- */

struct entries {
	struct crl_entry *e;
	size_t n, cap;
	struct buf serials; /* CERT_SERIAL_MAX octets each */
};

static int
keep_entry(struct span serial, int64_t revoked_at, int reason, void *cookie)
{
	struct entries *l = (struct entries *)cookie;

	if (serial.n > CERT_SERIAL_MAX)
		return E_BUG;
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 256;
		struct crl_entry *p =
		    (struct crl_entry *)realloc(l->e, cap * sizeof(*p));

		if (!p)
			return E_NOMEM;
		l->e = p;
		l->cap = cap;
	}
	buf_add_span(&l->serials, serial);
	/* the place is known when all are there: buf may move */
	l->e[l->n++] = (struct crl_entry){ .serial = span_of(NULL, serial.n),
		.revoked_at = revoked_at,
		.reason = reason };
	return buf_error(&l->serials);
}

int
ca_crl_tbs(struct ca *ca, const struct ca_crl *c, int64_t now, struct buf *ret)
{
	struct entries l = { .n = 0 };
	struct crl_params p = {
		.issuer_key = c->key,
		.hash = HASH_SHA256,
		.issuer = c->issuer,
		.aki = c->aki,
		.this_update = c->this_update,
		.next_update = c->next_update,
		.number = c->number,
	};
	size_t at = 0;
	int e;

	buf_init(&l.serials, CRL_DER_MAX);
	e = cert_each_revoked(ca->store, c->id, now, keep_entry, &l);
	for (size_t i = 0; !e && i < l.n; i++) {
		l.e[i].serial.p = l.serials.p + at;
		at += l.e[i].serial.n;
	}
	p.entries = l.e;
	p.entry_n = l.n;
	if (!e)
		e = crl_build(&p, ret);
	buf_done(&l.serials);
	free(l.e);
	return e;
}

/* -- marks -- */

static int
set_due(struct ca *ca, const struct authority *a, bool is_due)
{
	char name[AUTHORITY_ID_MAX + 16];

	snprintf(name, sizeof(name), "crl.due.%s", a->row.id);
	return setting_set(ca->store, name, span_str(is_due ? "1" : "0"));
}

int
ca_crl_mark(struct ca *ca, struct authority *a, uint64_t *ret_mark)
{
	int e = set_due(ca, a, true);

	if (e)
		return e;
	*ret_mark = ++a->crl->marks;
	return 0;
}

/* -- one run -- */

static int start(struct ca *ca, struct authority *a);

static void
tell(struct ca *ca, struct authority *a, int result, const struct diag *d)
{
	struct crl_wait *w, *told = NULL, **end = &told;
	struct crl_wait **p = &a->crl->waiting;

	while ((w = *p)) {
		if (w->mark > a->crl->built) {
			p = &w->next;
			continue;
		}
		*p = w->next;
		w->next = NULL;
		*end = w;
		end = &w->next;
	}
	while ((w = told)) {
		told = w->next;
		w->fn(ca, result, d, w->cookie);
		free(w);
	}
}

/* the end of a run, good or bad; those who came meanwhile start the next */
static void
end_run(struct ca *ca, struct authority *a, int result, const struct diag *d)
{
	struct crl_job *j = a->crl;
	int e = 0;

	j->is_busy = false;
	j->is_due = result != 0 || j->marks > j->built;
	j->retry_at = result ? clock_now() + CA_RETRY_S : 0;
	j->has_failed = result != 0;
	tell(ca, a, result, d);
	if (j->waiting && !j->is_busy)
		e = start(ca, a);
	if (e) {
		/* nobody else would tell them */
		j->built = UINT64_MAX;
		tell(ca, a, e, d);
		j->built = 0;
	}
}

static void
on_stored(int result, void *cookie)
{
	struct crl_run *r = (struct crl_run *)cookie;
	struct crl_job *j = r->a->crl;

	if (result == 0) {
		r->a->row.crl_number = j->number;
		r->a->row.crl_next = j->next_update;
	} else {
		(void)diag_set(&r->d, result, r->a->row.id, NULL,
		    "the CRL was not stored");
	}
	end_run(r->ca, r->a, result, &r->d);
	free(r);
}

static int
record(struct ca *ca, struct authority *a, struct span der)
{
	AUTO(json_t) *o = json_object();
	struct crl_job *j = a->crl;
	char object[AUTHORITY_ID_MAX + 8];
	struct event ev = { .kind = EVENT_CA_CRL,
		.severity = SEVERITY_INFO,
		.actor = j->by[0] ? j->by : "system",
		.source = "local",
		.object = object,
		.result = "ok",
		.detail = o };
	int e = authority_set_crl(ca->store, a->row.id, j->number,
	    j->this_update, j->next_update, der);

	snprintf(object, sizeof(object), "ca %s", a->row.id);
	json_set_int(o, "number", (int64_t)j->number);
	json_set_time(o, "next_update", j->next_update);
	/* a mark set since this one was built keeps it due */
	if (!e && j->marks == j->built)
		e = set_due(ca, a, false);
	return e ? e : ledger_add(ca->ledger, &ev, clock_now());
}

static void
record_failure(
    struct ca *ca, const struct authority *a, int result, const struct diag *d)
{
	char object[AUTHORITY_ID_MAX + 8];
	AUTO(json_t) *o = json_of_diag(d);
	struct event ev = {
		.kind = result == E_DENIED ? EVENT_KEY_REFUSED : EVENT_CA_CRL,
		.severity = SEVERITY_ERROR,
		.actor = "system",
		.source = "local",
		.object = object,
		.result = err_name(result),
		.detail = o,
	};

	snprintf(object, sizeof(object), "ca %s", a->row.id);
	/* once, not with every attempt */
	if (!a->crl->has_failed && ledger_add(ca->ledger, &ev, clock_now()))
		return; /* the store is the greater trouble, and it has said so
			 */
}

static void
on_signed(struct ca *ca, int result, struct span der, const struct diag *d,
    void *cookie)
{
	struct crl_run *r = (struct crl_run *)cookie;

	if (result == 0)
		result = record(ca, r->a, der);
	else {
		if (d)
			r->d = *d;
		record_failure(ca, r->a, result, &r->d);
	}
	if (result == 0)
		result = store_after(ca->store, on_stored, r);
	if (result == 0)
		return;
	end_run(ca, r->a, result, &r->d);
	free(r);
}

static int
start(struct ca *ca, struct authority *a)
{
	struct crl_job *j = a->crl;
	int64_t now = clock_now();
	struct ca_crl c = { .id = a->row.id,
		.key = a->key_kind,
		.issuer = a->cert->subject,
		.aki = a->cert->ski,
		.number = a->row.crl_number + 1,
		.this_update = now - CA_CRL_SKEW_S,
		.next_update = now + CA_CRL_DAYS * TIME_DAY };
	struct ca_tbs t = {
		.key = a->row.key, .kind = a->key_kind, .hash = HASH_SHA256
	};
	struct crl_run *r = (struct crl_run *)calloc(1, sizeof(*r));
	BUF(tbs, CRL_DER_MAX);
	int e;

	if (!r)
		return E_NOMEM;
	r->ca = ca;
	r->a = a;
	e = ca_crl_tbs(ca, &c, now, &tbs);
	t.tbs = buf_span(&tbs);
	if (!e)
		e = ca_sign(ca, &t, on_signed, free, r);
	if (e) {
		free(r);
		return e;
	}
	j->is_busy = true;
	memcpy(j->by, j->asked_by, sizeof(j->by));
	j->asked_by[0] = '\0';
	j->built = j->marks;
	j->number = c.number;
	j->this_update = c.this_update;
	j->next_update = c.next_update;
	return 0;
}

int
ca_crl_wait(struct ca *ca, struct authority *a, uint64_t mark, ca_crl_fn fn,
    ca_drop_fn drop, void *cookie)
{
	struct crl_wait *w = (struct crl_wait *)calloc(1, sizeof(*w));
	struct crl_wait **p = &a->crl->waiting;
	int e = 0;

	if (!w)
		return E_NOMEM;
	*w = (struct crl_wait){ NULL, mark, fn, drop, cookie };
	if (!a->crl->is_busy)
		e = start(ca, a);
	if (e) {
		free(w);
		return e;
	}
	while (*p)
		p = &(*p)->next;
	*p = w;
	return 0;
}

void
ca_crl_drop(struct authority *a)
{
	struct crl_wait *w;

	while (a->crl && (w = a->crl->waiting)) {
		a->crl->waiting = w->next;
		if (w->drop)
			w->drop(w->cookie);
		free(w);
	}
}
