#include "enroll/decide_internal.h"

#include <stdio.h>

#include "base/str.h"
#include "os/clock.h"

int
decider_new(struct ca *ca, struct diag *d, struct decider **ret)
{
	const struct config *c = ca->config;
	const struct limits_rule source = {
		.failures_max = c->failures_max,
		.window_s = c->failures_window_s,
		.lockout_s = c->lockout_s,
	};
	struct limits_rule entity = source;
	struct decider *dr = calloc(1, sizeof(*dr));
	int e = E_NOMEM;

	if (!dr)
		return diag_set(
		    d, E_NOMEM, "signet-core", NULL, "out of memory");
	entity.failures_max *= DECIDE_ENTITY_FACTOR;
	dr->ca = ca;
	dr->sources = limits_new(&source);
	dr->entities = limits_new(&entity);
	dr->pending = pending_table_new();
	if (dr->sources && dr->entities && dr->pending)
		e = pending_load(dr);
	if (e) {
		decider_free(dr);
		return diag_set(d, e, "signet-core", NULL,
		    "reading the open requests failed");
	}
	*ret = dr;
	return 0;
}

void
decider_free(struct decider *dr)
{
	if (!dr)
		return;
	flights_free(dr);
	limits_free(dr->sources);
	limits_free(dr->entities);
	pending_table_free(dr->pending);
	free(dr);
}

/* ---- failures ---- */

static void
lockout_event(struct decider *dr, const char *protocol, const char *source,
    const char *object)
{
	const struct event ev = {
		.kind = EVENT_LOCKOUT,
		.severity = SEVERITY_WARNING,
		.actor = protocol,
		.source = source,
		.object = object,
		.result = err_name(E_LIMIT),
	};

	/* the batch fails with it, and everybody in it is told */
	if (ledger_add(dr->ca->ledger, &ev, clock_now()))
		store_poison(dr->ca->store);
}

void
decide_failed(struct decider *dr, const char *protocol, const char *source,
    const char *entity)
{
	char key[LIMITS_KEY_TEXT], object[LIMITS_KEY_TEXT + 16];

	limits_source(source, key, sizeof(key));
	if (limits_fail(dr->sources, key, clock_now())) {
		snprintf(object, sizeof(object), "source %s", key);
		lockout_event(dr, protocol, source, object);
	}
	if (entity[0] && limits_fail(dr->entities, entity, clock_now())) {
		snprintf(object, sizeof(object), "entity %s", entity);
		lockout_event(dr, protocol, source, object);
	}
}

int
decide_refused(struct decider *dr, const struct enrolment *e,
    const char *entity, const struct diag *d)
{
	AUTO(json_t) *detail = json_object();
	char object[REQUEST_TRANSACTION_MAX + 16], text[400];
	const struct event ev = {
		.kind = EVENT_REQUEST_REFUSED,
		.severity = SEVERITY_WARNING,
		.actor = e->protocol,
		.source = e->source,
		.object = object,
		.result = err_name(d->code),
		.detail = detail,
	};
	int err;

	diag_print(d, text, sizeof(text));
	json_set_text(detail, "text", text);
	json_set_text(detail, "transaction", e->transaction);
	json_set_text(detail, "path", e->path);
	snprintf(object, sizeof(object), "%s %s",
	    entity[0] ? "entity" : "request",
	    entity[0] ? entity : e->transaction);
	err = ledger_add(dr->ca->ledger, &ev, clock_now());
	if (!err)
		decide_failed(dr, e->protocol, e->source, entity);
	return err;
}

/* a front's words: at most so many events a second (ENR-10) */
int
decide_report(struct decider *dr, const char *source, const char *protocol,
    int code, const char *text)
{
	AUTO(json_t) *detail = json_object();
	bool malformed =
	    code == E_PARSE || code == E_TRUNCATED || code == E_TOO_BIG;
	int64_t now = clock_now();
	char escaped[400];
	const struct event ev = {
		.kind =
		    malformed ? EVENT_REQUEST_MALFORMED : EVENT_REQUEST_REFUSED,
		.severity = SEVERITY_NOTICE,
		.actor = protocol,
		.source = source,
		.object = "request",
		.result = err_name(code),
		.detail = detail,
	};

	if (now != dr->report_second) {
		dr->report_second = now;
		dr->reports = 0;
	}
	if (++dr->reports > DECIDE_REPORTS_PER_S)
		return 0;
	str_escape(escaped, sizeof(escaped), text, strlen(text));
	json_set_text(detail, "text", escaped);
	return ledger_add(dr->ca->ledger, &ev, now);
}

/* ---- the decision ---- */

static int
answer_refusal(
    struct decider *dr, const struct diag *d, decide_fn fn, void *cookie)
{
	struct enrol_answer a = { .status = ENROL_REFUSED, .code = d->code };

	diag_print(d, a.text, sizeof(a.text));
	return answer_later(dr, &a, fn, cookie);
}

static void
on_issued(const struct issued *i, void *cookie)
{
	struct flight *f = cookie;
	struct enrol_answer a = { .status = ENROL_ISSUED, .cert = i->der };

	switch (i->result) {
	case 0:
		break;
	case E_DB:
	case E_TIMEOUT:
	case E_CLOSED:
	case E_NOMEM:
	case E_LIMIT:
		a.status = ENROL_RETRY;
		break;
	default:
		/* its event is written; only the failure is counted here */
		decide_failed(f->d, f->protocol, f->source, f->entity);
		a.status = ENROL_REFUSED;
	}
	if (i->result) {
		a.code = i->result;
		a.cert = span_of(NULL, 0);
		diag_print(&i->d, a.text, sizeof(a.text));
	}
	flight_end(f, &a);
}

static int
issue(struct decider *dr, const struct enrolment *e, const struct claim *c,
    decide_fn fn, void *cookie)
{
	struct issue i = { 0 };
	struct flight *f = NULL;
	int err;

	claim_fill_issue(c, &i);
	claim_fill_request(c, &i.request, clock_now());
	memcpy(i.request.protocol, e->protocol, sizeof(i.request.protocol));
	memcpy(i.request.source, e->source, sizeof(i.request.source));
	i.request.state = REQUEST_ISSUED;
	snprintf(i.actor, sizeof(i.actor), "%s", e->protocol);
	memcpy(i.source, e->source, sizeof(i.source));
	err = flight_new(dr, e->protocol, c->transaction, c->spki, &f);
	if (err)
		return err;
	f->password = c->password;
	memcpy(f->source, e->source, sizeof(f->source));
	memcpy(f->entity, c->entity, sizeof(f->entity));
	err = flight_join(f, fn, cookie);
	if (!err)
		err = ca_issue(dr->ca, &i, on_issued, f);
	if (err)
		flight_end(f, NULL);
	return err;
}

static int
refuse(struct decider *dr, const struct enrolment *e, const char *entity,
    const struct diag *d, decide_fn fn, void *cookie)
{
	struct enrol_answer a = { .status = ENROL_RETRY, .code = d->code };
	int err;

	/* something under way must end first: no fault of the asker's */
	if (d->code == E_STATE) {
		diag_print(d, a.text, sizeof(a.text));
		return answer_later(dr, &a, fn, cookie);
	}
	/* the lockout has its event; each attempt during it gets none */
	err = d->code == E_LIMIT ? 0 : decide_refused(dr, e, entity, d);
	return err ? err : answer_refusal(dr, d, fn, cookie);
}

static int
grant(struct decider *dr, const struct enrolment *e, struct claim *c,
    struct diag *d, decide_fn fn, void *cookie)
{
	const struct enrol_answer pending = { .status = ENROL_PENDING };
	int64_t id;
	int err;

	if (!c->is_pending)
		return issue(dr, e, c, fn, cookie);
	err = pending_add(dr, c, e->protocol, e->source, d, &id);
	if (err == E_LIMIT) /* somebody must decide some: they shall know */
		err = decide_refused(dr, e, c->entity, d);
	else if (!err)
		return answer_later(dr, &pending, fn, cookie);
	return err ? err : answer_refusal(dr, d, fn, cookie);
}

/* joins the same request under way; E_NOT_FOUND when there is none */
static int
join(struct decider *dr, const struct enrolment *e, const struct claim *c,
    struct diag *d, decide_fn fn, void *cookie)
{
	struct flight *f = flight_find(dr, e->protocol, c->transaction);

	if (!f)
		return E_NOT_FOUND;
	if (memcmp(f->spki, c->spki, sizeof(f->spki)) != 0)
		return diag_set(d, E_CONFLICT, "enrolment", "RFC 8894 3.2.1.1",
		    "same transactionID with another key");
	/* an approval under way answers with the next poll */
	if (f->done)
		return diag_set(d, E_STATE, "enrolment", NULL,
		    "it is being decided this moment");
	return flight_join(f, fn, cookie);
}

/* known transaction: the answer of the first time (CA-6) */
static int
known(struct decider *dr, const struct enrolment *e, struct claim *c,
    struct diag *d, decide_fn fn, void *cookie)
{
	struct enrol_answer a = { 0 };
	struct cert_row cert = { 0 };
	enum known is_known = KNOWN_NOT;
	int err = lookup_known(dr, e, c, &cert, &a, &is_known);

	if (!err && is_known == KNOWN_NOT)
		return E_NOT_FOUND;
	if (!err && a.status == ENROL_REFUSED && a.code == E_CONFLICT)
		err = diag_set(d, E_CONFLICT, "enrolment", "RFC 8894 3.2.1.1",
		    "same transactionID with another key");
	else if (!err)
		err = answer_later(dr, &a, fn, cookie);
	cert_done(&cert);
	return err;
}

static int
decide_claim(struct decider *dr, const struct enrolment *e,
    const struct cert_row *ours, struct claim *c, struct diag *d, decide_fn fn,
    void *cookie)
{
	int err = claim_take_csr(c, e->csr, d);

	if (!err && ours)
		err = lookup_renewal_name(e->transaction, ours, c->transaction,
		    sizeof(c->transaction));
	else if (!err)
		err = str_copy(
		    c->transaction, sizeof(c->transaction), e->transaction);
	if (err)
		return err;
	err = join(dr, e, c, d, fn, cookie);
	if (err == E_NOT_FOUND)
		err = known(dr, e, c, d, fn, cookie);
	if (err != E_NOT_FOUND)
		return err;
	/* it may have been lengthened past an expired one */
	err = join(dr, e, c, d, fn, cookie);
	if (err != E_NOT_FOUND)
		return err;
	err = proof_judge(dr, e, ours, c, d);
	return err ? err : grant(dr, e, c, d, fn, cookie);
}

static int
check_source(struct decider *dr, const struct enrolment *e, struct diag *d)
{
	char key[LIMITS_KEY_TEXT], wait[64];
	int64_t wait_s;

	limits_source(e->source, key, sizeof(key));
	if (!limits_check(dr->sources, key, clock_now(), &wait_s))
		return 0;
	str_duration_print(wait_s, wait, sizeof(wait));
	diag_set(d, E_LIMIT, "enrolment", "ENR-10",
	    "too many failures from this address; locked out for %s more",
	    wait);
	return E_LIMIT;
}

int
decide(
    struct decider *dr, const struct enrolment *e, decide_fn fn, void *cookie)
{
	AUTO_STRUCT(claim) *c = NULL;
	struct cert_row ours = { 0 };
	struct diag d = { 0 };
	bool is_ours = false;
	int err = check_source(dr, e, &d);

	if (err)
		return answer_refusal(dr, &d, fn, cookie);
	if (e->kind != ENROL_NEW && e->kind != ENROL_RENEW)
		return lookup_answer(dr, e, fn, cookie);
	c = claim_new();
	if (!c)
		return E_NOMEM;
	if (e->signer.n) {
		err = proof_signer(dr, e->signer, &ours);
		is_ours = !err;
	}
	if (!err || err == E_NOT_FOUND)
		err = decide_claim(
		    dr, e, is_ours ? &ours : NULL, c, &d, fn, cookie);
	/* what has no words is no judgement but a failure of ours */
	if (err && d.code == err && err != E_NOMEM && err != E_DB)
		err = refuse(dr, e, c->entity, &d, fn, cookie);
	cert_done(&ours);
	return err;
}
