#include "ca/ceremony.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/str.h"
#include "os/clock.h"

#define KEY_ASK_MAX (KEY_P12_MAX + 4096) /* bytes of one question */

static void
init_bufs(struct ceremony *c)
{
	for (size_t i = 0; i < 2; i++) {
		buf_init(&c->made[i].subject, KEY_SUBJECT_MAX);
		buf_init(&c->made[i].spki, X509_DER_MAX);
		buf_init(&c->made[i].cert, X509_DER_MAX);
		buf_init(&c->made[i].crl, X509_DER_MAX);
	}
	for (size_t i = 0; i < CA_CHAIN_MAX; i++) {
		buf_init(&c->outside[i], X509_DER_MAX);
		buf_init(&c->renewed[i], X509_DER_MAX);
	}
	buf_init(&c->ra_spki, X509_DER_MAX);
	buf_init(&c->ra_cert, X509_DER_MAX);
	buf_init(&c->ledger_spki, X509_DER_MAX);
	buf_init(&c->p12, KEY_P12_MAX);
}

struct ceremony *
ceremony_new(struct ca *ca, const ceremony_step *steps, const struct actor *who,
    ca_done_fn fn, void *cookie)
{
	struct ceremony *c = (struct ceremony *)calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->answer = json_object();
	if (!c->answer) {
		free(c);
		return NULL;
	}
	c->ca = ca;
	c->steps = steps;
	c->fn = fn;
	c->cookie = cookie;
	c->now = clock_now();
	c->kind = EVENT_CA_CREATE;
	snprintf(c->object, sizeof(c->object), "ca");
	snprintf(c->who, sizeof(c->who), "%s", who->who);
	snprintf(c->source, sizeof(c->source), "%s", who->source);
	init_bufs(c);
	return c;
}

static void
ceremony_free(void *cookie)
{
	struct ceremony *c = (struct ceremony *)cookie;

	for (size_t i = 0; i < 2; i++) {
		buf_done(&c->made[i].subject);
		buf_done(&c->made[i].spki);
		buf_done(&c->made[i].cert);
		buf_done(&c->made[i].crl);
		x509_free(c->made[i].x509);
	}
	for (size_t i = 0; i < CA_CHAIN_MAX; i++) {
		buf_done(&c->outside[i]);
		buf_done(&c->renewed[i]);
	}
	buf_done(&c->ra_spki);
	buf_done(&c->ra_cert);
	buf_done(&c->ledger_spki);
	if (c->p12.p)
		secret_wipe(c->p12.p, c->p12.cap);
	buf_done(&c->p12);
	secret_wipe(c->password, sizeof(c->password));
	json_decref(c->answer);
	free(c);
}

void
ceremony_object(struct ceremony *c, const char *id)
{
	snprintf(c->object, sizeof(c->object), "ca %s", id);
}

int
ceremony_event(struct ceremony *c, enum event_kind kind, enum severity severity,
    const char *object, json_t *detail)
{
	struct event ev = { .kind = kind,
		.severity = severity,
		.actor = c->who,
		.source = c->source,
		.object = object,
		.result = c->result ? err_name(c->result) : "ok",
		.detail = detail };

	return ledger_add(c->ca->ledger, &ev, c->now);
}

json_t *
ceremony_authorities(const struct ca *ca)
{
	json_t *a = json_array();

	for (size_t i = 0; i < ca->authority_n; i++)
		(void)json_array_append_new(
		    a, authority_to_json(ca, ca->authorities[i]));
	return a;
}

/* -- the end -- */

static void
tell(struct ceremony *c)
{
	if (c->fn)
		c->fn(
		    c->result, c->result ? NULL : c->answer, &c->d, c->cookie);
	ceremony_free(c);
}

static void
ignore_answer(struct ca *ca, int result, struct reader *answer,
    const struct diag *d, void *cookie)
{
	(void)ca;
	(void)answer;
	(void)cookie;
	if (result)
		log_line(LOG_WARNING, "a key left over stays: %s", d->fact);
}

static void
destroy_keys(struct ceremony *c)
{
	for (size_t i = 0; i < c->key_n; i++) {
		BUF(payload, KEY_ASK_MAX);
		int e;

		buf_pack_text(&payload, c->keys[i]);
		e = ca_ask(c->ca, KEY_OP_DESTROY, buf_span(&payload),
		    ignore_answer, NULL, NULL);
		if (e)
			log_line(LOG_WARNING, "key %s is left over: %s",
			    c->keys[i], err_name(e));
	}
}

static void
on_end(int result, void *cookie)
{
	struct ceremony *c = (struct ceremony *)cookie;

	if (result && !c->result) {
		c->result = result;
		(void)diag_set(&c->d, result, c->object, NULL,
		    "the database did not take it; nothing was changed");
		diag_remedy(&c->d, "see the log of signet-core, then repeat");
		destroy_keys(c);
	} else if (!c->result && c->on_durable) {
		c->on_durable(c);
	}
	tell(c);
}

static int
refuse(struct ceremony *c, int e)
{
	AUTO(json_t) *o = NULL;
	int r;

	c->result = e;
	if (!c->d.code)
		(void)diag_set(&c->d, e, c->object, NULL, "%s", err_text(e));
	destroy_keys(c);
	if (c->has_written)
		store_poison(c->ca->store);
	o = json_of_diag(&c->d);
	if (ceremony_event(c, e == E_DENIED ? EVENT_KEY_REFUSED : c->kind,
		SEVERITY_WARNING, c->object, o))
		log_line(
		    LOG_ERROR, "%s: a refusal was not recorded", c->object);
	r = ca_later(c->ca, on_end, c);
	if (r == 0)
		return 0;
	if (c->is_async)
		tell(c);
	else
		ceremony_free(c);
	return r;
}

/* -- the way through the steps -- */

static int
go_on(struct ceremony *c)
{
	int e = 0;

	while (!e && c->steps[c->at])
		e = c->steps[c->at++](c);
	if (e == E_PENDING)
		return 0;
	if (!e)
		e = ca_later(c->ca, on_end, c);
	return e ? refuse(c, e) : 0;
}

int
ceremony_run(struct ceremony *c)
{
	int e = c->result; /* parameters that cannot be */

	/* c lives on behind this: its end comes with a batch or an answer,
	 * both later */
	e = e ? refuse(c, e) : go_on(c);
	if (e == 0)
		c->is_async = true;
	return e;
}

static void
on_answer(struct ca *ca, int result, struct reader *answer,
    const struct diag *d, void *cookie)
{
	struct ceremony *c = (struct ceremony *)cookie;

	(void)ca;
	if (!result) {
		result = c->on_answer(c, answer);
		if (!result && answer)
			result = reader_finish(answer);
	} else {
		c->d = *d;
	}
	/* the result of go_on() has no taker: the asker was told */
	if (result)
		result = refuse(c, result);
	else
		result = go_on(c);
}

int
ceremony_ask(struct ceremony *c, enum key_op op, struct span payload,
    int (*on_bytes)(struct ceremony *c, struct reader *r))
{
	int e;

	c->on_answer = on_bytes;
	e = ca_ask(c->ca, op, payload, on_answer, ceremony_free, c);
	return e ? e : E_PENDING;
}

static void
on_signed(struct ca *ca, int result, struct span der, const struct diag *d,
    void *cookie)
{
	struct ceremony *c = (struct ceremony *)cookie;

	(void)ca;
	if (!result) {
		buf_reset(c->into);
		buf_add_span(c->into, der);
		result = buf_error(c->into);
	} else if (d) {
		c->d = *d;
	}
	if (result)
		result = refuse(c, result);
	else
		result = go_on(c);
}

int
ceremony_sign(struct ceremony *c, const struct ca_tbs *t, struct buf *into)
{
	int e;

	c->into = into;
	e = ca_sign(c->ca, t, on_signed, ceremony_free, c);
	return e ? e : E_PENDING;
}

/* -- keys -- */

void
ceremony_key_id(const char *stem, char id[KEY_ID_MAX])
{
	/* A ceremony that a crash ended leaves keys nobody knows: a fresh id
	 * never meets them. */
	snprintf(id, KEY_ID_MAX, "%.48s-%08x", stem, randombytes_random());
}

int
ceremony_own_key(struct ceremony *c, const char *id)
{
	if (c->key_n == CEREMONY_KEYS_MAX)
		return E_BUG;
	return str_copy(c->keys[c->key_n++], KEY_ID_MAX, id);
}

static int
take_spki(struct ceremony *c, struct reader *r)
{
	struct span spki = reader_span(r);

	buf_reset(c->into);
	buf_add_span(c->into, spki);
	return buf_error(c->into);
}

int
ceremony_make_key(struct ceremony *c, const char *stem, enum key_role role,
    enum key_kind kind, struct span subject, char id[KEY_ID_MAX],
    struct buf *ret_spki)
{
	BUF(payload, KEY_ASK_MAX);
	int e;

	ceremony_key_id(stem, id);
	e = ceremony_own_key(c, id);
	if (e)
		return e;
	buf_pack_text(&payload, id);
	buf_add_u8(&payload, (uint8_t)role);
	buf_add_u8(&payload, (uint8_t)kind);
	buf_pack_span(&payload, subject);
	if (buf_error(&payload))
		return buf_error(&payload);
	c->into = ret_spki;
	return ceremony_ask(c, KEY_OP_CREATE, buf_span(&payload), take_spki);
}
