/* trust/row: one entry: its flags, its name, its JSON. */
#include <stdio.h>

#include "base/json.h"
#include "base/str.h"
#include "base/time.h"
#include "trust/trust_internal.h"

#define ALIASES_SAME_MAX 100000 /* certificates of one name */

int
trust_system_check(const char *system, struct diag *d)
{
	size_t n = strlen(system);

	if (n < TRUST_SYSTEM_MAX &&
	    strspn(system,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789._-") == n)
		return 0;
	(void)diag_set(d, E_INVAL, "system", NULL,
	    "not a name of at most %d letters, digits, '.', '_' or '-'",
	    TRUST_SYSTEM_MAX - 1);
	diag_remedy(d, "leave it out for the server's own store");
	return E_INVAL;
}

static bool
is_weak(const struct x509 *c)
{
	enum hash_kind hash = HASH_UNSET;
	int oid;

	/* a root is trusted by its key: nobody checks its signature */
	if (x509_is_self_issued(c) || sig_alg_parse(c->sig_alg, &hash, &oid))
		return false;
	return hash == HASH_MD5 || hash == HASH_SHA1;
}

static bool
is_leaf(const struct x509 *c)
{
	/* version 1 has no extension to say what it is: roots of old are */
	return !c->ca && !(c->version == 1 && x509_is_self_issued(c));
}

json_t *
trust_flags(const struct x509 *c, int64_t now, bool with_leaf)
{
	json_t *a = json_array();

	if (c->not_after < now)
		(void)json_array_append_new(a, json_string("expired"));
	else if (c->not_after < now + TRUST_SOON_DAYS * TIME_DAY)
		(void)json_array_append_new(a, json_string("expires-soon"));
	if (c->not_before > now)
		(void)json_array_append_new(a, json_string("not-yet"));
	if (is_weak(c))
		(void)json_array_append_new(a, json_string("weak-signature"));
	if (with_leaf && is_leaf(c))
		(void)json_array_append_new(a, json_string("leaf"));
	return a;
}

json_t *
trust_row_to_json(const struct trust_row *t, int64_t now)
{
	AUTO_STRUCT(x509) *c = NULL;
	json_t *o = json_object();

	json_set_text(o, "alias", t->alias);
	json_set_text(o, "subject", t->subject);
	json_set_text(o, "origin", trust_origin_name(t->origin));
	json_set_hex(
	    o, "fingerprint", span_of(t->fingerprint, sizeof(t->fingerprint)));
	json_set_time(o, "not_before", t->not_before);
	json_set_time(o, "not_after", t->not_after);
	json_set_time(o, "added", t->added);
	if (x509_parse(t->der, NULL, &c) == 0)
		(void)json_object_set_new(
		    o, "flags", trust_flags(c, now, true));
	return o;
}

void
trust_row_of(const struct x509 *c, int64_t now, struct trust_row *ret)
{
	memset(ret, 0, sizeof(*ret));
	x509_fingerprint(c, ret->fingerprint);
	ret->not_before = c->not_before;
	ret->not_after = c->not_after;
	ret->added = now;
	name_print(c->subject, ret->subject, sizeof(ret->subject));
}

int
trust_event(struct trust *t, enum event_kind kind, const struct trust_row *row,
    const char *actor, const char *source, int64_t now)
{
	AUTO(json_t) *o = json_object();
	char object[80] = "trust ";
	struct event ev = { .kind = kind,
		.severity = SEVERITY_NOTICE,
		.actor = actor,
		.source = source,
		.object = object,
		.result = "ok",
		.detail = o };

	str_hex(object + 6, sizeof(object) - 6,
	    span_of(row->fingerprint, sizeof(row->fingerprint)), 0);
	json_set_text(o, "alias", row->alias);
	json_set_text(o, "subject", row->subject);
	json_set_text(o, "system", row->system);
	json_set_text(o, "origin", trust_origin_name(row->origin));
	json_set_time(o, "not_after", row->not_after);
	return ledger_add(t->ledger, &ev, now);
}

/* -- aliases -- */

static int
take_alias(const struct trust_row *t, void *cookie)
{
	return json_object_set_new((json_t *)cookie, t->alias, json_true())
		   ? E_NOMEM
		   : 0;
}

int
trust_aliases_load(
    struct trust *t, const char *system, struct trust_aliases *ret)
{
	int e;

	ret->taken = json_object();
	if (!ret->taken)
		return E_NOMEM;
	e = trust_row_each(t->store, system, take_alias, ret->taken);
	if (e)
		trust_aliases_done(ret);
	return e;
}

void
trust_aliases_done(struct trust_aliases *a)
{
	json_decref(a->taken);
	a->taken = NULL;
}

int
trust_aliases_take(
    struct trust_aliases *a, const char *wanted, char *out, size_t size)
{
	for (unsigned i = 1; i < ALIASES_SAME_MAX; i++) {
		if (i == 1)
			snprintf(out, size, "%.*s", (int)size - 8, wanted);
		else
			snprintf(
			    out, size, "%.*s-%u", (int)size - 8, wanted, i);
		if (json_object_get(a->taken, out))
			continue;
		/* cut inside a letter of UTF-8: jansson refuses it */
		if (json_object_set_new(a->taken, out, json_true()) == 0)
			return 0;
		str_escape(out, size, wanted, size / 4);
		return json_object_set_new(a->taken, out, json_true()) ? E_NOMEM
								       : 0;
	}
	return E_TOO_BIG;
}

void
trust_alias_of(const struct x509 *c, char *out, size_t size)
{
	char value[NAME_TEXT_MAX];
	uint8_t fp[32];

	if (name_get(c->subject, OID_CN, value, sizeof(value)) ||
	    name_get(c->subject, OID_OU, value, sizeof(value)) ||
	    name_get(c->subject, OID_O, value, sizeof(value))) {
		str_escape(out, size, value, strlen(value));
		return;
	}
	x509_fingerprint(c, fp);
	str_hex(value, sizeof(value), span_of(fp, 8), 0);
	snprintf(out, size, "%s", value);
}
