/* ca/revoke: the state of a certificate, then a CRL that says so. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/str.h"
#include "ca/ca_internal.h"
#include "cert/crl.h"
#include "os/clock.h"

#define REASON_HOLD 6 /* RFC 5280 5.3.1 certificateHold */
#define REASON_UNUSED 7
#define REASON_REMOVE 8 /* removeFromCRL: for delta CRLs */
#define REASON_LAST 10

struct change {
	struct ca *ca;
	ca_done_fn fn;
	void *cookie;
	char authority[AUTHORITY_ID_MAX];
	uint64_t mark;
	int result;
	struct diag d;
	json_t *answer;
};

static void
change_free(void *cookie)
{
	struct change *c = (struct change *)cookie;

	json_decref(c->answer);
	free(c);
}

static struct change *
change_new(struct ca *ca, ca_done_fn fn, void *cookie)
{
	struct change *c = (struct change *)calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->ca = ca;
	c->fn = fn;
	c->cookie = cookie;
	c->answer = json_object();
	return c;
}

static void
tell(struct change *c)
{
	c->fn(c->result, c->result ? NULL : c->answer, &c->d, c->cookie);
	change_free(c);
}

static void
on_refused(int result, void *cookie)
{
	(void)result; /* nothing was written */
	tell((struct change *)cookie);
}

static int
refuse(struct change *c, int e)
{
	c->result = e;
	if (!c->d.code)
		(void)diag_set(&c->d, e, "revocation", NULL, "%s", err_text(e));
	e = ca_later(c->ca, on_refused, c);
	if (e)
		change_free(c);
	return e;
}

static void
on_crl(struct ca *ca, int result, const struct diag *d, void *cookie)
{
	struct change *c = (struct change *)cookie;
	struct authority *a = ca_find(ca, c->authority);

	c->result = result;
	if (result && d && d->code)
		c->d = *d;
	if (result && !c->d.code)
		(void)diag_set(&c->d, result, c->authority, NULL,
		    "the CRL could not be made: %s", err_text(result));
	if (result)
		diag_remedy(&c->d, "the change itself is recorded; the CRL "
				   "is tried again every minute");
	if (a)
		json_set_int(
		    c->answer, "crl_number", (int64_t)a->row.crl_number);
	tell(c);
}

static void
on_recorded(int result, void *cookie)
{
	struct change *c = (struct change *)cookie;
	struct authority *a = ca_find(c->ca, c->authority);

	if (result) {
		c->result = diag_set(&c->d, result, "revocation", NULL,
		    "the database did not take it; nothing was changed");
		tell(c);
		return;
	}
	result = a ? ca_crl_wait(c->ca, a, c->mark, on_crl, change_free, c)
		   : E_NOT_FOUND;
	if (result)
		on_crl(c->ca, result, NULL, c);
}

/* -- finding and judging -- */

static int
find_cert(struct change *c, const char *serial, struct cert_row *ret)
{
	uint8_t bytes[64];
	size_t n, skip = 0;
	int e = str_from_hex(serial, bytes, sizeof(bytes), &n);

	if (e || n == 0)
		return ca_refuse(&c->d, E_INVAL, "serial number",
		    "give it in hexadecimal, as signet certs shows it",
		    "not hexadecimal digits in pairs");
	while (skip + 1 < n && bytes[skip] == 0)
		skip++;
	e = cert_by_serial(
	    c->ca->store, "", span_of(bytes + skip, n - skip), ret);
	if (e == E_NOT_FOUND)
		(void)ca_refuse(&c->d, e, "certificate", "see signet certs",
		    "no certificate of serial number %.80s was issued here",
		    serial);
	return e;
}

static int
refuse_state(struct change *c, const struct cert_row *r)
{
	return ca_refuse(&c->d, E_STATE, r->subject, NULL,
	    r->state == CERT_REVOKED ? "it is revoked; that is for good"
	    : r->state == CERT_HOLD  ? "it is on hold already"
				     : "it is not on hold");
}

struct wanted {
	enum cert_state state;
	int reason;
	enum event_kind kind;
};

static int
record(struct change *c, const struct cert_row *r, const struct wanted *w,
    const struct actor *who)
{
	AUTO(json_t) *o = json_object();
	char serial[2 * CERT_SERIAL_MAX + 1], object[2 * CERT_SERIAL_MAX + 8];
	struct event ev = { .kind = w->kind,
		.severity = SEVERITY_NOTICE,
		.actor = who->who,
		.source = who->source,
		.object = object,
		.result = "ok",
		.detail = o };
	struct authority *a = ca_find(c->ca, r->authority);
	int64_t now = clock_now();
	int e;

	if (!a || !ca_has_key(a))
		return ca_refuse(&c->d, E_STATE, r->subject, NULL,
		    "its authority cannot sign a CRL here");
	memcpy(c->authority, r->authority, sizeof(c->authority));
	str_hex(serial, sizeof(serial), r->serial, 0);
	snprintf(object, sizeof(object), "cert %s", serial);
	json_set_text(o, "serial", serial);
	json_set_text(o, "subject", r->subject);
	if (w->reason >= 0)
		json_set_text(o, "reason", crl_reason_name(w->reason));
	e = cert_set_state(c->ca->store, r->id, w->state,
	    w->state == CERT_GOOD ? 0 : now, w->reason);
	if (!e)
		e = ca_crl_mark(c->ca, a, &c->mark);
	if (!e)
		e = ledger_add(c->ca->ledger, &ev, now);
	json_set_text(c->answer, "serial", serial);
	json_set_text(c->answer, "subject", r->subject);
	json_set_text(c->answer, "state", cert_state_name(w->state));
	if (w->reason >= 0)
		json_set_text(c->answer, "reason", crl_reason_name(w->reason));
	json_set_text(c->answer, "authority", r->authority);
	return e;
}

static int
change(struct ca *ca, const char *serial, const struct wanted *w,
    const struct actor *who, ca_done_fn fn, void *cookie)
{
	struct change *c = change_new(ca, fn, cookie);
	struct cert_row r = { .id = 0 };
	int e;

	if (!c)
		return E_NOMEM;
	if (w->reason < -1 || w->reason > REASON_LAST ||
	    w->reason == REASON_UNUSED || w->reason == REASON_REMOVE)
		return refuse(c, ca_refuse(&c->d, E_INVAL, "revocation",
				     "see signet revoke --help for the reasons",
				     "RFC 5280 5.3.1: no such reason"));
	e = find_cert(c, serial, &r);
	if (e)
		return refuse(c, e);
	if (r.state == CERT_REVOKED ||
	    (w->kind == EVENT_HOLD && r.state != CERT_GOOD) ||
	    (w->kind == EVENT_RELEASE && r.state != CERT_HOLD))
		e = refuse_state(c, &r);
	else
		e = record(c, &r, w, who);
	cert_done(&r);
	if (e)
		return refuse(c, e);
	e = store_after(ca->store, on_recorded, c);
	if (e) {
		store_poison(ca->store);
		change_free(c);
	}
	return e;
}

int
ca_revoke(struct ca *ca, const char *serial, int reason,
    const struct actor *who, ca_done_fn fn, void *cookie)
{
	struct wanted w = { CERT_REVOKED, reason, EVENT_REVOKE };

	/* a hold is not for good: it has its own verb */
	if (reason == REASON_HOLD)
		w.reason = REASON_UNUSED;
	return change(ca, serial, &w, who, fn, cookie);
}

int
ca_hold(struct ca *ca, const char *serial, bool hold, const struct actor *who,
    ca_done_fn fn, void *cookie)
{
	struct wanted w = { CERT_HOLD, REASON_HOLD, EVENT_HOLD };

	if (!hold)
		w = (struct wanted){ CERT_GOOD, -1, EVENT_RELEASE };
	return change(ca, serial, &w, who, fn, cookie);
}

int
ca_crl_update(struct ca *ca, const char *id, const struct actor *who,
    ca_done_fn fn, void *cookie)
{
	struct change *c = change_new(ca, fn, cookie);
	struct authority *a = ca_find(ca, id);
	int e;

	if (!c)
		return E_NOMEM;
	if (!a || !ca_has_key(a))
		return refuse(c, ca_refuse(&c->d, a ? E_STATE : E_NOT_FOUND,
				     "authority", "see signet ca list", "%s",
				     a ? "its key is not here"
				       : "there is none of this name"));
	memcpy(c->authority, a->row.id, sizeof(c->authority));
	json_set_text(c->answer, "authority", a->row.id);
	c->mark = a->crl->marks;
	/* ACC-8: the CRL's own event is the record, and says who */
	snprintf(a->crl->asked_by, sizeof(a->crl->asked_by), "%s", who->who);
	e = ca_crl_wait(ca, a, c->mark, on_crl, change_free, c);
	return e ? refuse(c, e) : 0;
}
