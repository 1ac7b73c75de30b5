/*
 * ca/issue: the one way to an end entity's certificate (CA-6, ENR-9). Grant by
 * profile, have the key process sign, record everything in one batch, answer
 * after its commit.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "ca/ca_internal.h"
#include "os/clock.h"

#define RECEIPT_MAX 16384   /* bytes of a receipt's JSON */
#define ISSUE_TBS_ROOM 8192 /* usual size of a TBS: one allocation */

struct job {
	struct ca *ca;
	issue_done_fn fn;
	void *cookie;
	struct issued answer;
	char profile[PROFILE_NAME_MAX], authority[AUTHORITY_ID_MAX];
	char actor[96], source[64];
	bool is_renewal, is_legacy;
	int64_t password, now, not_before, not_after;
	struct request_row request;
	uint8_t serial[CERT_SERIAL_MAX], spki[32];
	char subject[256];
	struct buf der;
	json_t *receipt;
};

static void
job_free(void *cookie)
{
	struct job *j = (struct job *)cookie;

	buf_done(&j->der);
	json_decref(j->receipt);
	free(j);
}

static void
tell(struct job *j)
{
	struct issued *i = &j->answer;

	if (i->result == 0) {
		i->der = buf_span(&j->der);
		i->receipt = j->receipt;
		i->authority = j->authority;
	}
	j->fn(i, j->cookie);
	job_free(j);
}

static void
on_end(int result, void *cookie)
{
	struct job *j = (struct job *)cookie;

	if (result && !j->answer.result) {
		j->answer.result = diag_set(&j->answer.d, result, "enrolment",
		    "CA-6", "the database did not take it; nothing was issued");
		diag_remedy(&j->answer.d, "ask again");
	}
	tell(j);
}

/* -- refusals -- */

static enum event_kind
refusal_kind(const struct job *j, bool by_key)
{
	if (by_key && j->answer.result == E_DENIED)
		return EVENT_KEY_REFUSED;
	return strcmp(j->answer.d.object, "clock") == 0 ? EVENT_CLOCK
							: EVENT_REQUEST_REFUSED;
}

/* records and answers a refusal; the result: whether that could be begun */
static int
refuse(struct job *j, int e, bool by_key)
{
	AUTO(json_t) *o = NULL;
	char object[REQUEST_TRANSACTION_MAX + 40];
	struct event ev = { .severity = SEVERITY_WARNING,
		.actor = j->actor,
		.source = j->source,
		.object = object,
		.result = err_name(e) };

	j->answer.result = e;
	if (!j->answer.d.code)
		(void)diag_set(
		    &j->answer.d, e, "enrolment", NULL, "%s", err_text(e));
	o = json_of_diag(&j->answer.d);
	json_set_text(o, "profile", j->profile);
	json_set_text(o, "entity", j->request.entity);
	ev.detail = o;
	ev.kind = refusal_kind(j, by_key);
	snprintf(object, sizeof(object), "request %s %s", j->request.protocol,
	    j->request.transaction);
	if (ledger_add(j->ca->ledger, &ev, j->now))
		log_line(LOG_ERROR, "%s: a refusal was not recorded", object);
	return ca_later(j->ca, on_end, j);
}

/* the same when the asker already waits */
static void
refuse_later(struct job *j, int e, bool by_key)
{
	if (refuse(j, e, by_key))
		tell(j);
}

/* -- recording: one batch (CA-6) -- */

static int
take_password(struct job *j)
{
	int e = j->password ? password_use(j->ca->store, j->password) : 0;

	if (e == E_EXPIRED)
		(void)ca_refuse(&j->answer.d, e, "enrollment password",
		    "signet entity password makes a new one",
		    "ENR-2: it has been used as often as it may be");
	return e;
}

/* a new request stands decided from the start: it and its certificate name
 * each other by a number taken before */
static int
open_request(struct job *j, struct span receipt)
{
	struct request_row *r = &j->request;
	int e;

	if (r->id)
		return 0;
	e = cert_new_id(j->ca->store, &j->answer.cert_id);
	if (e)
		return e;
	r->state = REQUEST_ISSUED;
	r->cert = j->answer.cert_id;
	r->decided = j->now;
	r->receipt = receipt;
	e = request_add(j->ca->store, r, &r->id);
	r->receipt = span_of(NULL, 0);
	if (e == E_EXISTS)
		(void)ca_refuse(&j->answer.d, e, "enrolment",
		    "ask again: the answer to the first request is kept",
		    "this transaction has been recorded meanwhile");
	return e;
}

static int
add_cert(struct job *j)
{
	struct cert_row c = { .id = j->answer.cert_id,
		.serial = span_of(j->serial, CERT_SERIAL_MAX),
		.state = CERT_GOOD,
		.not_before = j->not_before,
		.not_after = j->not_after,
		.reason = -1,
		.request = j->request.id,
		.der = buf_span(&j->der) };

	memcpy(c.authority, j->authority, sizeof(c.authority));
	memcpy(c.subject, j->subject, sizeof(c.subject));
	memcpy(c.profile, j->profile, sizeof(c.profile));
	memcpy(c.entity, j->request.entity, sizeof(c.entity));
	memcpy(c.spki, j->spki, sizeof(c.spki));
	return cert_add(j->ca->store, &c, &j->answer.cert_id);
}

static int
close_request(struct job *j, struct span receipt)
{
	if (j->request.cert)
		return 0;
	return request_decide(j->ca->store, j->request.id, REQUEST_ISSUED,
	    j->answer.cert_id, "", receipt, j->now);
}

static int
add_events(struct job *j)
{
	AUTO(json_t) *o = json_object();
	char object[2 * CERT_SERIAL_MAX + 8] = "cert ";
	uint8_t hash[32];
	struct event ev = {
		.kind = j->is_renewal ? EVENT_RENEW : EVENT_ISSUE,
		.severity = SEVERITY_INFO,
		.actor = j->actor,
		.source = j->source,
		.object = object,
		.result = "ok",
		.detail = o,
	};
	int e;

	str_hex(object + 5, sizeof(object) - 5,
	    span_of(j->serial, sizeof(j->serial)), 0);
	sha256(buf_span(&j->der), hash);
	json_set_text(o, "serial", object + 5);
	json_set_text(o, "subject", j->subject);
	json_set_text(o, "profile", j->profile);
	json_set_text(o, "authority", j->authority);
	json_set_text(o, "entity", j->request.entity);
	json_set_int(o, "request", j->request.id);
	json_set_hex(o, "sha256", span_of(hash, sizeof(hash)));
	e = ledger_add(j->ca->ledger, &ev, j->now);
	if (e || !j->is_legacy)
		return e;
	/* CERT-5 */
	ev.kind = EVENT_LEGACY_ISSUE;
	ev.severity = SEVERITY_WARNING;
	return ledger_add(j->ca->ledger, &ev, j->now);
}

/* With a password the transaction is looked up first: a use must not be lost
 * to a retry that raced. */
static int
check_race(struct job *j)
{
	struct request_row row;
	int e;

	if (!j->password || j->request.id)
		return 0;
	e = request_by_transaction(
	    j->ca->store, j->request.protocol, j->request.transaction, &row);
	if (e == E_NOT_FOUND)
		return 0;
	if (e)
		return e;
	request_done(&row);
	return ca_refuse(&j->answer.d, E_EXISTS, "enrolment",
	    "ask again: the answer to the first request is kept",
	    "this transaction has been recorded meanwhile");
}

/* *ret_is_clean: nothing stands in the batch, a refusal may be recorded */
static int
record(struct job *j, bool *ret_is_clean)
{
	AUTO(char) *text = json_dumps(j->receipt, JSON_COMPACT);
	struct span receipt = span_str(text ? text : "");
	int e = j->receipt && !text ? E_NOMEM : check_race(j);

	*ret_is_clean = true;
	if (!e)
		e = take_password(j);
	if (e)
		return e;
	e = open_request(j, receipt);
	*ret_is_clean = e != 0 && !j->password;
	if (!e)
		e = add_cert(j);
	if (!e)
		e = close_request(j, receipt);
	if (!e)
		e = add_events(j);
	return e;
}

static void
on_signed(struct ca *ca, int result, struct span der, const struct diag *d,
    void *cookie)
{
	struct job *j = (struct job *)cookie;
	bool is_clean = true;

	if (result && d && d->code)
		j->answer.d = *d;
	if (result) {
		refuse_later(j, result, true);
		return;
	}
	buf_add_span(&j->der, der);
	result = buf_error(&j->der);
	if (!result)
		result = record(j, &is_clean);
	if (!result)
		result = store_after(ca->store, on_end, j);
	if (!result) {
		j->answer.request_id = j->request.id;
		return;
	}
	if (!is_clean)
		store_poison(ca->store);
	refuse_later(j, result, false);
}

/* -- asking -- */

static int
choose_authority(const struct job *j, const struct issue *i,
    const struct authority **ret, struct diag *d)
{
	const struct authority *a = i->authority && i->authority[0]
					? ca_find(j->ca, i->authority)
					: ca_issuer(j->ca);

	if (!a && i->authority && i->authority[0])
		return ca_refuse(d, E_NOT_FOUND, "authority",
		    "see signet ca list", "there is no such CA: %s",
		    i->authority);
	if (!a)
		return ca_refuse(d, E_STATE, "authority",
		    "signet ca create or signet ca import makes one, or an "
		    "outside CA issues",
		    "this estate runs no CA of its own");
	if (!ca_has_key(a) || a->row.state == AUTHORITY_RETIRED)
		return ca_refuse(d, E_STATE, a->row.id,
		    "let the current authority issue", "it does not issue: %s",
		    authority_state_name(a->row.state));
	if (a->cert->not_after <= j->now)
		return ca_refuse(d, E_EXPIRED, a->row.id, "signet ca renew",
		    "the authority's own certificate has expired");
	*ret = a;
	return 0;
}

static int
check_profile(const struct profile *p, struct diag *d)
{
	if (p->kind != PROFILE_CA && p->kind != PROFILE_STANDALONE &&
	    p->kind != PROFILE_RA)
		return 0;
	return ca_refuse(d, E_DENIED, p->name,
	    "choose a profile of kind identity",
	    "CA-5: a profile of kind %s is not for enrolments",
	    profile_kind_name(p->kind));
}

static int
build_and_sign(struct job *j, const struct profile *p,
    const struct authority *a, struct granted *g, struct span spki)
{
	char crl[CA_URL_MAX], issuers[CA_URL_MAX];
	struct tbs_params t = {
		.serial = span_of(j->serial, sizeof(j->serial)),
		.issuer_key = a->key_kind,
		.hash = p->hash,
		.issuer = a->cert->subject,
		.subject = buf_span(&g->subject),
		.not_before = g->not_before,
		.not_after = g->not_after,
		.spki = spki,
		.path_len = -1,
		.ku = g->ku,
		.eku = g->eku,
		.ku_critical = p->ku_critical,
		.san = &g->san,
		.aki = a->cert->ski, /* CA-2: key identifier form */
	};
	struct ca_tbs sign = { .key = a->row.key,
		.kind = a->key_kind,
		.hash = p->hash,
		.profile = p->name };
	BUF(tbs, KEY_TBS_MAX);
	int e;

	(void)buf_reserve(&tbs, ISSUE_TBS_ROOM);
	ca_serial_new(j->serial);
	ca_urls(j->ca, a->row.id, crl, issuers);
	t.crl_url = crl[0] ? crl : NULL;
	t.issuers_url = issuers[0] ? issuers : NULL;
	e = tbs_build(&t, &tbs);
	if (e)
		return ca_refuse(&j->answer.d, e, "enrolment", NULL,
		    "the certificate cannot be written: %s", err_text(e));
	j->not_before = g->not_before;
	j->not_after = g->not_after;
	name_print(t.subject, j->subject, sizeof(j->subject));
	sha256(spki, j->spki);
	sign.tbs = buf_span(&tbs);
	return ca_sign(j->ca, &sign, on_signed, job_free, j);
}

/* CERT-10: the receipt begins with what the decision changed */
static int
receipt_merge(json_t *receipt, const json_t *before)
{
	const json_t *asked = json_object_get(before, "asked");
	json_t *changes, *own = json_object_get(receipt, "changes");
	int e = 0;

	if (!before)
		return 0;
	changes = json_deep_copy(json_object_get(before, "changes"));
	if (!changes || json_array_extend(changes, own) ||
	    json_object_set(receipt, "changes", changes))
		e = E_NOMEM;
	json_decref(changes);
	if (!e && asked &&
	    json_object_update(
		json_object_get(receipt, "asked"), (json_t *)asked))
		e = E_NOMEM;
	return e;
}

/* 0: the answer is on its way */
static int
begin(struct job *j, const struct issue *i)
{
	const struct authority *a = NULL;
	struct granted g = { .receipt = NULL };
	int e = ca_clock_check(&j->answer.d);

	if (!e)
		e = choose_authority(j, i, &a, &j->answer.d);
	if (!e)
		e = check_profile(i->profile, &j->answer.d);
	if (e)
		return e;
	memcpy(j->authority, a->row.id, sizeof(j->authority));
	e = profile_grant(i->profile, &i->asked, a->cert->subject,
	    a->cert->not_after, &j->ca->estate, j->now, &j->answer.d, &g);
	if (e)
		return e;
	j->receipt = json_incref(g.receipt);
	e = receipt_merge(j->receipt, i->before);
	if (!e)
		e = build_and_sign(j, i->profile, a, &g, i->asked.spki);
	granted_done(&g);
	return e;
}

int
ca_issue(struct ca *ca, const struct issue *i, issue_done_fn fn, void *cookie)
{
	struct job *j = (struct job *)calloc(1, sizeof(*j));
	int e;

	if (!j)
		return E_NOMEM;
	j->ca = ca;
	j->fn = fn;
	j->cookie = cookie;
	j->now = clock_now();
	j->password = i->password;
	j->is_renewal = i->renewal;
	j->is_legacy = i->profile->legacy;
	buf_init(&j->der, X509_DER_MAX);
	memcpy(j->profile, i->profile->name, sizeof(j->profile));
	memcpy(j->actor, i->actor, sizeof(j->actor));
	memcpy(j->source, i->source, sizeof(j->source));
	j->request = i->request;
	/* an issued request keeps neither its CSR nor the asker's memory */
	j->request.csr = j->request.receipt = span_of(NULL, 0);
	e = begin(j, i);
	if (e)
		e = refuse(j, e, false);
	if (e)
		job_free(j);
	return e;
}
