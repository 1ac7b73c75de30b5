/* ca/tick: what is done by the clock: CRLs, checkpoints of the ledger, the
 * RA's certificates. */
#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "ca/ceremony.h"
#include "os/clock.h"

static const struct actor schedule = { "schedule", "local" };

/* -- CRLs: a day before nextUpdate, or when a crash left one undone -- */

static void
on_crl(struct ca *ca, int result, const struct diag *d, void *cookie)
{
	(void)ca;
	(void)cookie;
	if (result)
		log_line(LOG_WARNING, "a CRL is late: %s", d->fact);
}

static void
tick_crl(struct ca *ca, struct authority *a, int64_t now)
{
	struct crl_job *j = a->crl;
	int e;

	if (!ca_has_key(a) || j->is_busy || now < j->retry_at ||
	    a->cert->not_after <= now)
		return;
	if (!j->is_due && a->row.crl_next - TIME_DAY > now)
		return;
	e = ca_crl_wait(ca, a, j->marks, on_crl, NULL, NULL);
	if (!e)
		return;
	j->retry_at = now + CA_RETRY_S;
	log_line(
	    LOG_WARNING, "the CRL of %s is late: %s", a->row.id, err_name(e));
}

/* -- checkpoints -- */

static void
on_checkpoint(struct ca *ca, int result, struct reader *answer,
    const struct diag *d, void *cookie)
{
	struct checkpoint_row *c = (struct checkpoint_row *)cookie;

	ca->schedule->is_signing_checkpoint = false;
	if (!result) {
		c->sig = reader_span(answer);
		result = reader_finish(answer);
	}
	if (!result)
		result = ledger_checkpoint_add(ca->ledger, c);
	if (result) {
		ca->schedule->checkpoint_retry_at = clock_now() + CA_RETRY_S;
		log_line(LOG_WARNING, "no checkpoint: %s: %s", err_name(result),
		    d ? d->fact : "");
	}
	c->sig = span_of(NULL, 0); /* borrowed from the answer */
	checkpoint_done(c);
	free(c);
}

static int
ask_checkpoint(struct ca *ca, struct checkpoint_row *c, int64_t now)
{
	BUF(text, KEY_ATTRS_MAX);
	BUF(payload, KEY_ATTRS_MAX);
	int e = ledger_checkpoint_text(ca->ledger, now, c, &text);

	if (e)
		return e;
	e = str_copy(c->key, sizeof(c->key), ca->ledger_key);
	buf_pack_text(&payload, ca->ledger_key);
	buf_pack_span(&payload, buf_span(&text));
	if (!e)
		e = buf_error(&payload);
	return e ? e
		 : ca_ask(ca, KEY_OP_SIGN_CHECKPOINT, buf_span(&payload),
		       on_checkpoint, free, c);
}

static void
tick_checkpoint(struct ca *ca, int64_t now)
{
	struct ca_schedule *s = ca->schedule;
	struct checkpoint_row *c;
	int e;

	/* Inside a batch the newest events are not durable yet. */
	if (!ca->ledger_key[0] || s->is_signing_checkpoint ||
	    now < s->checkpoint_retry_at || store_is_writing(ca->store) ||
	    !ledger_checkpoint_is_due(ca->ledger, now))
		return;
	c = (struct checkpoint_row *)calloc(1, sizeof(*c));
	e = c ? ask_checkpoint(ca, c, now) : E_NOMEM;
	if (!e) {
		s->is_signing_checkpoint = true;
		return;
	}
	free(c);
	s->checkpoint_retry_at = now + CA_RETRY_S;
	log_line(LOG_WARNING, "no checkpoint: %s", err_name(e));
}

/* ACC-8: LEDGER_CHECKPOINT_EVENTS pass faster than the ticks on a busy server:
 * looked at behind every commit. At time 0 only the events count. */
void
tick_committed(int result, void *cookie)
{
	struct ca *ca = (struct ca *)cookie;

	if (!result && ledger_checkpoint_is_due(ca->ledger, 0))
		tick_checkpoint(ca, clock_now());
}

/* tick_checkpoint() on a busy server: right behind a commit */
static void
on_quiet(int result, void *cookie)
{
	(void)result;
	tick_checkpoint((struct ca *)cookie, clock_now());
}

/* -- RA certificates: signed anew before they expire, same key and name -- */

static int
ra_sign(struct ceremony *c)
{
	const struct authority *a = ca_find(c->ca, c->targets[0]);
	struct ca_shape s = { .issuer = a->cert,
		.issuer_key = a->key_kind,
		.issuer_id = a->row.id,
		.subject = a->ra_cert->subject,
		.spki = a->ra_cert->spki,
		.now = c->now };
	struct ca_tbs t = {
		.key = a->row.key, .kind = a->key_kind, .profile = CA_PROFILE_RA
	};
	BUF(tbs, KEY_TBS_MAX);
	int e = ca_clock_check(&c->d);

	if (e)
		return e;
	s.profile = ca_profile(c->ca, CA_PROFILE_RA, &c->d);
	if (!s.profile)
		return E_NOT_FOUND;
	e = ca_shape_tbs(c->ca, &s, &c->d, &tbs);
	if (e)
		return e;
	t.hash = s.profile->hash;
	t.tbs = buf_span(&tbs);
	return ceremony_sign(c, &t, &c->renewed[0]);
}

static int
ra_record(struct ceremony *c)
{
	const struct authority *a = ca_find(c->ca, c->targets[0]);
	int e;

	c->has_written = true;
	e = authority_set_ra(
	    c->ca->store, a->row.id, a->row.ra_key, buf_span(&c->renewed[0]));
	return e ? e
		 : ceremony_event(
		       c, EVENT_CA_RENEW, SEVERITY_INFO, c->object, NULL);
}

static void
on_ra_renewed(struct ceremony *c)
{
	ca_changed(c->ca);
}

static const ceremony_step ra_steps[] = { ra_sign, ra_record, NULL };

static bool
ra_is_due(const struct authority *a, int64_t now)
{
	if (!a->ra_cert || !ca_has_key(a) || a->cert->not_after <= now ||
	    a->row.state == AUTHORITY_RETIRED)
		return false;
	/* one that ends with its authority gains nothing by another */
	return a->ra_cert->not_after - CA_RA_RENEW_S <= now &&
	       a->ra_cert->not_after < a->cert->not_after;
}

static void
tick_ra(struct ca *ca, int64_t now)
{
	for (size_t i = 0; i < ca->authority_n; i++) {
		const struct authority *a = ca->authorities[i];
		struct ceremony *c;

		if (now < ca->schedule->ra_retry_at || !ra_is_due(a, now))
			continue;
		/* the answer comes long before; else it is tried again */
		ca->schedule->ra_retry_at = now + CA_RETRY_S;
		c = ceremony_new(ca, ra_steps, &schedule, NULL, NULL);
		if (!c)
			return;
		c->kind = EVENT_CA_RENEW;
		c->on_durable = on_ra_renewed;
		memcpy(c->targets[0], a->row.id, AUTHORITY_ID_MAX);
		ceremony_object(c, a->row.id);
		if (ceremony_run(c))
			log_line(LOG_WARNING,
			    "the RA certificate of %s "
			    "is not renewed",
			    a->row.id);
	}
}

void
ca_tick(struct ca *ca, int64_t now)
{
	for (size_t i = 0; i < ca->authority_n; i++)
		tick_crl(ca, ca->authorities[i], now);
	tick_ra(ca, now);
	tick_checkpoint(ca, now);
	if (store_is_writing(ca->store) && store_after(ca->store, on_quiet, ca))
		log_line(LOG_WARNING, "no memory for a checkpoint");
}
