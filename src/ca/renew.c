/* ca/renew: the same name and key, a new serial number and new dates (CA-2);
 * and the change of states: activate, retire. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/str.h"
#include "ca/ceremony.h"

static int
not_found(struct ceremony *c)
{
	return ca_refuse(&c->d, E_NOT_FOUND, c->object, "see signet ca list",
	    "there is no such authority");
}

/* -- renewal -- */

static int
check_renewable(struct ceremony *c, const struct authority *a)
{
	uint8_t id[20];

	ceremony_object(c, a->row.id);
	if (!ca_has_key(a))
		return ca_refuse(&c->d, E_STATE, c->object,
		    "have the outside authority renew it",
		    "its key is not here");
	if (a->row.kind != AUTHORITY_ROOT &&
	    (!a->parent || !ca_has_key(a->parent)))
		return ca_refuse(&c->d, E_STATE, c->object,
		    "have the outside authority renew it, then signet ca "
		    "import the result",
		    "an outside authority signed it");
	/* the children name their issuer's key by this identifier */
	if (a->cert->ski.n &&
	    (spki_key_id(a->cert->spki, id) ||
		!span_is_equal(a->cert->ski, span_of(id, sizeof(id)))))
		return ca_refuse(&c->d, E_UNSUPPORTED, c->object,
		    "signet ca create makes a new one",
		    "its subject key identifier was made in another way than "
		    "RFC 5280 4.2.1.2 (1): children would lose it");
	return 0;
}

static int
renew_check(struct ceremony *c)
{
	const struct authority *a =
	    c->targets[0][0] ? ca_find(c->ca, c->targets[0]) : ca_issuer(c->ca);
	bool is_all = !c->targets[0][0];
	const struct authority *line[CA_CHAIN_MAX];
	size_t n = 0;
	int e = ca_clock_check(&c->d);

	if (e)
		return e;
	if (!a)
		return not_found(c);
	for (; a && n < CA_CHAIN_MAX; a = is_all ? a->parent : NULL)
		line[n++] = a;
	for (size_t i = 0; i < n; i++) {
		e = check_renewable(c, line[n - 1 - i]);
		if (e)
			return e;
		snprintf(c->targets[i], AUTHORITY_ID_MAX, "%s",
		    line[n - 1 - i]->row.id);
	}
	c->target_n = n;
	return 0;
}

/* the issuer as it will be: renewed in this ceremony, or as it stands */
static int
issuer_cert(struct ceremony *c, const struct authority *a, struct x509 **ret)
{
	if (c->target > 0)
		return x509_parse(
		    buf_span(&c->renewed[c->target - 1]), &c->d, ret);
	return x509_parse(x509_span(a->parent->cert), &c->d, ret);
}

static int
renew_sign(struct ceremony *c)
{
	const struct authority *a = ca_find(c->ca, c->targets[c->target]);
	bool is_root = a->row.kind == AUTHORITY_ROOT;
	const struct authority *by = is_root ? a : a->parent;
	const char *name =
	    is_root ? ca_root_profile(c->ca, a->cert) : CA_PROFILE_ISSUING;
	struct ca_tbs t = {
		.key = by->row.key, .kind = by->key_kind, .profile = name
	};
	struct ca_shape s = { .subject = a->cert->subject,
		.spki = a->cert->spki,
		.issuer_key = by->key_kind,
		.issuer_id = is_root ? NULL : by->row.id,
		.now = c->now };
	AUTO_STRUCT(x509) *issuer = NULL;
	BUF(tbs, KEY_TBS_MAX);
	int e = is_root ? 0 : issuer_cert(c, a, &issuer);

	if (e)
		return e;
	s.issuer = issuer;
	s.profile = ca_profile(c->ca, name, &c->d);
	if (!s.profile)
		return E_NOT_FOUND;
	e = ca_shape_tbs(c->ca, &s, &c->d, &tbs);
	if (e)
		return e;
	t.hash = s.profile->hash;
	t.tbs = buf_span(&tbs);
	return ceremony_sign(c, &t, &c->renewed[c->target]);
}

static int
renew_next(struct ceremony *c)
{
	if (++c->target < c->target_n)
		c->at -= 2; /* renew_sign again */
	return 0;
}

static int
record_renewed(struct ceremony *c, const struct authority *a, struct span der)
{
	AUTO(json_t) *o = json_object();
	AUTO_STRUCT(x509) *x = NULL;
	char text[80];
	int e = x509_parse(der, &c->d, &x);

	if (!e)
		e = authority_add_cert(c->ca->store, a->row.id, der, c->now);
	if (!e && a->row.kind == AUTHORITY_ROOT)
		e = hierarchy_trust(c, der);
	if (e)
		return e;
	ceremony_object(c, a->row.id);
	x509_serial_print(a->cert, text, sizeof(text));
	json_set_text(o, "replaces", text);
	x509_serial_print(x, text, sizeof(text));
	json_set_text(o, "serial", text);
	json_set_time(o, "not_after", x->not_after);
	return ceremony_event(c, EVENT_CA_RENEW, SEVERITY_NOTICE, c->object, o);
}

static int
renew_record(struct ceremony *c)
{
	int e = 0;

	c->has_written = true;
	for (size_t i = 0; !e && i < c->target_n; i++) {
		const struct authority *a = ca_find(c->ca, c->targets[i]);

		e = record_renewed(c, a, buf_span(&c->renewed[i]));
	}
	return e;
}

static void
on_changed(struct ceremony *c)
{
	ca_changed(c->ca);
	(void)json_object_set_new(
	    c->answer, "authorities", ceremony_authorities(c->ca));
}

static const ceremony_step renew_steps[] = { renew_check, renew_sign,
	renew_next, renew_record, NULL };

static int
begin(struct ca *ca, const ceremony_step *steps, const char *id,
    enum event_kind kind, const struct actor *who, ca_done_fn fn, void *cookie)
{
	struct ceremony *c = ceremony_new(ca, steps, who, fn, cookie);

	if (!c)
		return E_NOMEM;
	c->kind = kind;
	c->on_durable = on_changed;
	if (id && str_copy(c->targets[0], AUTHORITY_ID_MAX, id)) {
		ceremony_object(c, "?");
		c->result = not_found(c);
	} else if (id) {
		ceremony_object(c, id);
	}
	return ceremony_run(c);
}

int
ca_renew(struct ca *ca, const char *id, const struct actor *who, ca_done_fn fn,
    void *cookie)
{
	return begin(ca, renew_steps, id, EVENT_CA_RENEW, who, fn, cookie);
}

/* -- states -- */

static int
set_state(
    struct ceremony *c, const struct authority *a, enum authority_state st)
{
	AUTO(json_t) *o = json_object();
	char object[AUTHORITY_ID_MAX + 8];
	int e;

	c->has_written = true;
	e = authority_set_state(c->ca->store, a->row.id, st);
	if (e)
		return e;
	snprintf(object, sizeof(object), "ca %s", a->row.id);
	json_set_text(o, "from", authority_state_name(a->row.state));
	json_set_text(o, "to", authority_state_name(st));
	return ceremony_event(c, EVENT_CA_STATE, SEVERITY_NOTICE, object, o);
}

/* the uppermost authority of ours above a: names its hierarchy */
static const struct authority *
top_of(const struct authority *a)
{
	while (a->parent && ca_has_key(a->parent))
		a = a->parent;
	return a;
}

static int
activate(struct ceremony *c)
{
	const struct authority *a = ca_find(c->ca, c->targets[0]);
	int e = 0;

	if (!a)
		return not_found(c);
	if (a->row.state != AUTHORITY_NEXT)
		return ca_refuse(&c->d, E_STATE, c->object,
		    "signet ca create makes one that can be activated",
		    "it is %s, not next", authority_state_name(a->row.state));
	for (size_t i = 0; !e && i < c->ca->authority_n; i++) {
		const struct authority *b = c->ca->authorities[i];

		if (b->row.state == AUTHORITY_NEXT && top_of(b) == top_of(a))
			e = set_state(c, b, AUTHORITY_CURRENT);
		else if (b->row.state == AUTHORITY_CURRENT)
			e = set_state(c, b, AUTHORITY_RETIRED);
	}
	return e;
}

static const ceremony_step activate_steps[] = { activate, NULL };

int
ca_activate(struct ca *ca, const char *id, const struct actor *who,
    ca_done_fn fn, void *cookie)
{
	return begin(ca, activate_steps, id, EVENT_CA_STATE, who, fn, cookie);
}

static bool
is_at_or_above(const struct authority *a, const struct authority *b)
{
	while (b && b != a)
		b = b->parent;
	return b != NULL;
}

static int
retire(struct ceremony *c)
{
	const struct authority *a = ca_find(c->ca, c->targets[0]);
	const struct authority *issuer = ca_issuer(c->ca);
	int e = 0;

	if (!a)
		return not_found(c);
	if (a->row.state != AUTHORITY_CURRENT && a->row.state != AUTHORITY_NEXT)
		return ca_refuse(&c->d, E_STATE, c->object, NULL, "it is %s",
		    authority_state_name(a->row.state));
	if (issuer && is_at_or_above(a, issuer))
		return ca_refuse(&c->d, E_STATE, c->object,
		    "signet ca create and signet ca activate another first",
		    "nothing else issues certificates");
	for (size_t i = 0; !e && i < c->ca->authority_n; i++) {
		const struct authority *b = c->ca->authorities[i];

		if (is_at_or_above(a, b) && b->row.state == a->row.state)
			e = set_state(c, b, AUTHORITY_RETIRED);
	}
	return e;
}

static const ceremony_step retire_steps[] = { retire, NULL };

int
ca_retire(struct ca *ca, const char *id, const struct actor *who, ca_done_fn fn,
    void *cookie)
{
	return begin(ca, retire_steps, id, EVENT_CA_STATE, who, fn, cookie);
}
