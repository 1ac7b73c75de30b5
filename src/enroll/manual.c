/* By hand (ENR-8): upload, approve, reject. The same requests, the same
 * issuing; only the proof is a person. */
#include <stdio.h>

#include "base/str.h"
#include "cert/bundle.h"
#include "enroll/decide_internal.h"
#include "os/clock.h"

#define OBJECT "request"

json_t *
request_to_json(const struct request_row *r)
{
	json_t *o = json_object();

	json_set_int(o, "id", r->id);
	json_set_text(o, "state", request_state_name(r->state));
	json_set_text(o, "protocol", r->protocol);
	json_set_text(o, "transaction", r->transaction);
	json_set_text(o, "subject", r->subject);
	json_set_text(o, "profile", r->profile);
	json_set_text(o, "entity", r->entity);
	json_set_text(o, "authority", r->authority);
	json_set_text(o, "source", r->source);
	json_set_time(o, "created", r->created);
	if (r->decided)
		json_set_time(o, "decided", r->decided);
	if (r->reason[0])
		json_set_text(o, "reason", r->reason);
	return o;
}

static int
decision_event(struct decider *dr, enum event_kind kind,
    const struct actor *who, const struct request_row *r, const char *reason)
{
	AUTO(json_t) *detail = json_object();
	char object[160];
	const struct event ev = {
		.kind = kind,
		.severity = SEVERITY_NOTICE,
		.actor = who->who,
		.source = who->source,
		.object = object,
		.result = "ok",
		.detail = detail,
	};

	snprintf(object, sizeof(object), "request %lld", (long long)r->id);
	json_set_text(detail, "transaction", r->transaction);
	json_set_text(detail, "subject", r->subject);
	json_set_text(detail, "profile", r->profile);
	json_set_text(detail, "reason", reason);
	return ledger_add(dr->ca->ledger, &ev, clock_now());
}

/* ---- upload ---- */

/* PEM or DER, as people have it */
static int
upload_csr(struct claim *c, struct span file, struct diag *d)
{
	AUTO_STRUCT(bundle) *b = NULL;
	const struct bundle_options o = { 0 };
	struct span der = { 0 };
	int e = bundle_read(file, "certification request", &o, d, &b);

	if (e)
		return e;
	for (size_t i = 0; i < b->n; i++) {
		if (b->objects[i].kind != OBJECT_CSR)
			continue;
		if (der.n)
			return diag_set(d, E_INVAL, OBJECT, "ENR-8",
			    "the file holds more than one certification "
			    "request");
		der = b->objects[i].der;
	}
	if (!der.n)
		return diag_set(d, E_INVAL, OBJECT, "ENR-8",
		    "the file holds no certification request");
	e = claim_take_csr(c, der, d);
	if (e)
		return e;
	e = csr_verify(c->csr);
	return e ? diag_set(d, e, OBJECT, "RFC 2986 4.2",
		       "its signature does not verify: no proof of "
		       "possession")
		 : 0;
}

static int
upload_entity(struct decider *dr, const struct manual_params *p,
    struct claim *c, struct diag *d)
{
	struct entity_row *entity;
	int e;

	if (!p->entity || !*p->entity)
		return claim_take_profile(dr, c,
		    p->profile && *p->profile ? p->profile : "identity", d);
	entity = calloc(1, sizeof(*entity));
	if (!entity)
		return E_NOMEM;
	e = entity_get(dr->ca->store, p->entity, entity);
	if (e == E_NOT_FOUND)
		diag_set(d, e, "entity", "ENR-1", "there is no entity %s",
		    p->entity);
	if (!e)
		e = claim_take_entity(dr, c, entity, d);
	free(entity);
	if (!e && p->profile && *p->profile)
		e = claim_take_profile(dr, c, p->profile, d);
	return e;
}

static int
upload_add(struct decider *dr, const struct manual_params *p, struct claim *c,
    const struct actor *who, struct diag *d, json_t **ret)
{
	struct request_row r = { 0 };
	uint8_t hash[32];
	int64_t id = 0;
	int e = upload_csr(c, p->csr, d);

	if (e)
		return e;
	/* the same file again is the same request */
	sha256(span_of(c->csr->der, c->csr->n), hash);
	memcpy(c->transaction, "upload-", 7);
	str_hex(c->transaction + 7, sizeof(c->transaction) - 7,
	    span_of(hash, sizeof(hash)), 0);
	e = request_by_transaction(dr->ca->store, "manual", c->transaction, &r);
	if (e == E_NOT_FOUND) {
		e = upload_entity(dr, p, c, d);
		if (!e)
			e = pending_add(dr, c, "manual", who->source, d, &id);
		if (!e)
			e = request_get(dr->ca->store, id, &r);
	}
	if (e)
		return e;
	*ret = request_to_json(&r);
	request_done(&r);
	return *ret ? 0 : E_NOMEM;
}

/* what a judgement was told in words is an answer; the rest is ours */
static int
finish(struct decider *dr, int e, json_t *answer, const struct diag *d,
    ca_done_fn fn, void *cookie)
{
	if (e && (e != d->code || e == E_NOMEM || e == E_DB)) {
		json_decref(answer);
		return e;
	}
	return done_later(dr, answer, e ? d : NULL, fn, cookie);
}

int
decide_upload(struct decider *dr, const struct manual_params *p,
    const struct actor *who, ca_done_fn fn, void *cookie)
{
	AUTO_STRUCT(claim) *c = claim_new();
	struct diag d = { 0 };
	json_t *answer = NULL;
	int e;

	if (!c)
		return E_NOMEM;
	e = upload_add(dr, p, c, who, &d, &answer);
	return finish(dr, e, answer, &d, fn, cookie);
}

/* ---- approve, reject ---- */

static int
get_pending(
    struct decider *dr, int64_t id, struct request_row *r, struct diag *d)
{
	int e = request_get(dr->ca->store, id, r);

	if (e == E_NOT_FOUND)
		return diag_set(d, e, OBJECT, "ENR-8",
		    "there is no request %lld", (long long)id);
	if (e)
		return e;
	if (r->state != REQUEST_PENDING)
		return diag_set(d, E_STATE, OBJECT, "ENR-8",
		    "request %lld is %s already", (long long)id,
		    request_state_name(r->state));
	if (flight_find(dr, r->protocol, r->transaction))
		return diag_set(d, E_STATE, OBJECT, "ENR-8",
		    "request %lld is being issued this moment", (long long)id);
	return 0;
}

static int
renewed_id(const struct request_row *r, int64_t *ret)
{
	AUTO(json_t) *o = NULL;
	int e;

	*ret = 0;
	if (!r->receipt.n)
		return 0;
	e = json_parse(r->receipt, 4096, NULL, &o);
	if (!e)
		*ret = json_get_int(o, "renews", 0);
	return e;
}

/* the names again, as they were judged when the request came */
static int
approve_names(struct decider *dr, const struct request_row *r, struct claim *c,
    struct diag *d)
{
	struct entity_row *entity;
	struct cert_row old = { 0 };
	int64_t renews;
	int e = renewed_id(r, &renews);

	if (!e && renews) {
		e = cert_by_id(dr->ca->store, renews, &old);
		if (!e)
			e = claim_take_renewed(dr, c, &old, d);
		cert_done(&old);
		return e;
	}
	if (e || !r->entity[0])
		return e;
	entity = calloc(1, sizeof(*entity));
	if (!entity)
		return E_NOMEM;
	e = entity_get(dr->ca->store, r->entity, entity);
	if (e == E_NOT_FOUND) {
		diag_set(
		    d, e, OBJECT, "ENR-1", "its entity %s is gone", r->entity);
		diag_remedy(d, "reject it, or add the entity again");
	}
	if (!e)
		e = claim_take_entity(dr, c, entity, d);
	free(entity);
	return e;
}

static void
on_approved(const struct issued *i, void *cookie)
{
	struct flight *f = cookie;
	AUTO(json_t) *o = json_object();

	if (!i->result) {
		pending_count(f->d, f->source, -1);
		json_set_int(o, "id", i->request_id);
		json_set_text(o, "state", request_state_name(REQUEST_ISSUED));
		json_set_int(o, "certificate_id", i->cert_id);
		json_set_text(o, "authority", i->authority);
		if (i->receipt && o &&
		    json_object_set(o, "receipt", i->receipt))
			json_set_text(
			    o, "note", "out of memory for the receipt");
	}
	f->done(i->result, i->result ? NULL : o, &i->d, f->done_cookie);
	flight_end(f, NULL);
}

static int
approve_issue(struct decider *dr, struct request_row *r, struct claim *c,
    const struct actor *who, struct flight *f)
{
	struct issue i = { 0 };
	int e = decision_event(dr, EVENT_REQUEST_APPROVE, who, r, NULL);

	if (e)
		return e;
	claim_fill_issue(c, &i);
	i.password = 0; /* used when the request came */
	i.request = *r;
	snprintf(i.request.profile, sizeof(i.request.profile), "%s",
	    c->profile->name);
	snprintf(i.actor, sizeof(i.actor), "%s", who->who);
	snprintf(i.source, sizeof(i.source), "%s", who->source);
	return ca_issue(dr->ca, &i, on_approved, f);
}

static int
approve(struct decider *dr, struct request_row *r, const char *profile,
    struct claim *c, const struct actor *who, struct flight **ret_flight,
    struct diag *d)
{
	int e = claim_take_csr(c, r->csr, d);

	if (!e)
		e = claim_take_profile(dr, c, r->profile, d);
	if (!e)
		e = approve_names(dr, r, c, d);
	if (!e && profile && *profile)
		e = claim_take_profile(dr, c, profile, d);
	if (!e)
		e = flight_new(
		    dr, r->protocol, r->transaction, c->spki, ret_flight);
	if (e)
		return e;
	memcpy((*ret_flight)->source, r->source, sizeof(r->source));
	e = approve_issue(dr, r, c, who, *ret_flight);
	if (e)
		flight_end(TAKE(*ret_flight), NULL);
	return e;
}

int
decide_approve(struct decider *dr, int64_t request, const char *profile,
    const struct actor *who, ca_done_fn fn, void *cookie)
{
	AUTO_STRUCT(claim) *c = claim_new();
	struct request_row r = { 0 };
	struct flight *f = NULL;
	struct diag d = { 0 };
	int e = c ? get_pending(dr, request, &r, &d) : E_NOMEM;

	if (!e)
		e = approve(dr, &r, profile, c, who, &f, &d);
	request_done(&r);
	if (e)
		return finish(dr, e, NULL, &d, fn, cookie);
	f->done = fn;
	f->done_cookie = cookie;
	return 0;
}

int
decide_reject(struct decider *dr, int64_t request, const char *reason,
    const struct actor *who, ca_done_fn fn, void *cookie)
{
	struct request_row r = { 0 };
	struct diag d = { 0 };
	json_t *answer = NULL;
	int64_t now = clock_now();
	int e;

	if (!reason || !*reason)
		reason = "rejected by an operator";
	e = get_pending(dr, request, &r, &d);
	if (!e)
		e = decision_event(dr, EVENT_REQUEST_REJECT, who, &r, reason);
	if (!e)
		e = request_decide(dr->ca->store, request, REQUEST_REJECTED, 0,
		    reason, span_of(NULL, 0), now);
	if (!e) {
		pending_note(dr, r.source, -1);
		r.state = REQUEST_REJECTED;
		r.decided = now;
		snprintf(r.reason, sizeof(r.reason), "%s", reason);
		answer = request_to_json(&r);
		e = answer ? 0 : E_NOMEM;
	}
	request_done(&r);
	return finish(dr, e, answer, &d, fn, cookie);
}
