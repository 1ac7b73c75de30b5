/* trust/import: a file of certificates, all of it or nothing (TRUST-3). */
#include <stdio.h>
#include <stdlib.h>

#include "base/enumtab.h"
#include "base/json.h"
#include "base/str.h"
#include "trust/trust_internal.h"

static const struct enum_text results[] = {
	{ TRUST_ADDED, "added" },
	{ TRUST_ALREADY, "already-there" },
	{ TRUST_REFUSED, "refused" },
	{ 0, NULL },
};

struct entry { /* one certificate found */
	struct x509 *x509;
	enum trust_result result;
	char reason[200];
	struct trust_row row;
};

struct import {
	struct trust *t;
	const struct trust_import *in;
	int64_t now;
	struct bundle *bundle;
	struct entry *entries;
	size_t n, refused;
};

static void
import_done(struct import *m)
{
	for (size_t i = 0; i < m->n; i++)
		x509_free(m->entries[i].x509);
	free(m->entries);
	bundle_free(m->bundle);
}

/* -- what was found -- */

static int
judge(struct import *m, struct entry *e)
{
	struct trust_row row;
	struct spki_info key;
	int r = spki_parse(e->x509->spki, &key);

	trust_row_of(e->x509, m->now, &e->row);
	e->result = TRUST_ADDED;
	if (r || ((key.oid == OID_RSA) && key.bits < 1024)) {
		e->result = TRUST_REFUSED;
		snprintf(e->reason, sizeof(e->reason), "its key %s",
		    r ? err_text(r) : "has less than 1024 bits");
		return 0;
	}
	r = trust_row_get(m->t->store, m->in->system, e->row.fingerprint, &row);
	if (r == 0) {
		e->result = TRUST_ALREADY;
		snprintf(e->row.alias, sizeof(e->row.alias), "%s", row.alias);
		trust_row_done(&row);
	}
	return r == E_NOT_FOUND ? 0 : r;
}

static bool
is_twice(const struct import *m, const struct entry *e)
{
	for (const struct entry *o = m->entries; o < e; o++)
		if (memcmp(o->row.fingerprint, e->row.fingerprint, 32) == 0)
			return true;
	return false;
}

static int
collect(struct import *m, struct diag *d)
{
	const struct bundle *b = m->bundle;
	int e = 0;

	m->entries = (struct entry *)calloc(b->n + 1, sizeof(*m->entries));
	if (!m->entries)
		return E_NOMEM;
	for (size_t i = 0; !e && i < b->n; i++) {
		struct entry *to = &m->entries[m->n];

		if (b->objects[i].kind != OBJECT_CERT)
			continue;
		e = x509_parse(b->objects[i].der, d, &to->x509);
		if (e)
			return e;
		m->n++;
		e = judge(m, to);
		if (!e && to->result == TRUST_ADDED && is_twice(m, to))
			to->result = TRUST_ALREADY;
	}
	return e;
}

static int
refuse_empty(const struct import *m, struct diag *d)
{
	bool has_key = false;

	for (size_t i = 0; i < m->bundle->n; i++) {
		enum object_kind k = m->bundle->objects[i].kind;

		has_key |= k == OBJECT_KEY || k == OBJECT_ENCRYPTED_KEY;
	}
	(void)diag_set(d, E_UNSUPPORTED, m->in->name, "TRUST-3",
	    has_key ? "it holds a private key and no certificate"
		    : "it holds no certificate");
	diag_remedy(d,
	    has_key ? "give the certificate's file; a private key stays where "
		      "it is and belongs in no trust store"
		    : "give the certificate as PEM, DER, PKCS#7 or JKS");
	return E_UNSUPPORTED;
}

/* one object lost: the others wait, so that nothing is half-imported */
static void
hold_back(struct import *m)
{
	size_t lost = 0;

	for (size_t i = 0; i < m->bundle->note_n; i++)
		lost += m->bundle->notes[i].refused;
	for (size_t i = 0; i < m->n; i++)
		lost += m->entries[i].result == TRUST_REFUSED;
	m->refused = lost;
	for (size_t i = 0; lost && i < m->n; i++) {
		struct entry *e = &m->entries[i];

		if (e->result != TRUST_ADDED)
			continue;
		e->result = TRUST_REFUSED;
		m->refused++;
		snprintf(e->reason, sizeof(e->reason),
		    "held back: something else in this file was refused, and "
		    "nothing is half-imported");
	}
}

/* -- adding -- */

static int
add_one(struct import *m, struct entry *e, struct trust_aliases *a)
{
	char alias[sizeof(e->row.alias)];
	int64_t id;
	int r;

	if (m->in->alias && m->in->alias[0])
		str_escape(
		    alias, sizeof(alias), m->in->alias, strlen(m->in->alias));
	else
		trust_alias_of(e->x509, alias, sizeof(alias));
	r = trust_aliases_take(a, alias, e->row.alias, sizeof(e->row.alias));
	if (!r)
		r = str_copy(
		    e->row.system, sizeof(e->row.system), m->in->system);
	if (r)
		return r;
	e->row.origin = m->in->origin;
	e->row.der = x509_span(e->x509);
	r = trust_row_add(m->t->store, &e->row, &id);
	if (!r)
		r = trust_event(m->t, EVENT_TRUST_ADD, &e->row, m->in->actor,
		    m->in->source, m->now);
	/* judged a moment ago: only we could have added it meanwhile */
	return r == E_EXISTS ? E_BUG : r;
}

static int
add_all(struct import *m)
{
	struct trust_aliases a;
	int e = trust_aliases_load(m->t, m->in->system, &a);

	if (e)
		return e;
	for (size_t i = 0; !e && i < m->n; i++)
		if (m->entries[i].result == TRUST_ADDED)
			e = add_one(m, &m->entries[i], &a);
	trust_aliases_done(&a);
	/* nothing half-imported, also not by a full disk */
	if (e)
		store_poison(m->t->store);
	return e;
}

/* -- the report -- */

static json_t *
entry_to_json(const struct import *m, const struct entry *e)
{
	json_t *o = json_object();

	json_set_text(o, "subject", e->row.subject);
	if (e->row.alias[0])
		json_set_text(o, "alias", e->row.alias);
	json_set_hex(o, "fingerprint",
	    span_of(e->row.fingerprint, sizeof(e->row.fingerprint)));
	json_set_time(o, "not_after", e->row.not_after);
	json_set_text(o, "result", enum_name(results, (int)e->result));
	if (e->reason[0])
		json_set_text(o, "reason", e->reason);
	(void)json_object_set_new(
	    o, "flags", trust_flags(e->x509, m->now, !m->in->allow_leaf));
	return o;
}

static void
add_note(json_t *notes, size_t line, const char *text, bool refused)
{
	json_t *o = json_object();

	json_set_int(o, "line", (int64_t)line);
	json_set_text(o, "text", text);
	json_set_bool(o, "refused", refused);
	(void)json_array_append_new(notes, o);
}

static json_t *
notes_to_json(const struct import *m)
{
	const struct bundle *b = m->bundle;
	json_t *a = json_array();
	char text[160];

	for (size_t i = 0; i < b->note_n; i++)
		add_note(
		    a, b->notes[i].line, b->notes[i].text, b->notes[i].refused);
	for (size_t i = 0; i < b->n; i++) {
		const struct object *o = &b->objects[i];

		if (o->kind == OBJECT_CERT)
			continue;
		snprintf(text, sizeof(text),
		    "a %s is in the file too: it was not imported%s",
		    object_kind_name(o->kind),
		    o->kind == OBJECT_KEY
			? ", and should not travel with certificates"
			: "");
		add_note(a, o->line, text, false);
	}
	return a;
}

static json_t *
report(const struct import *m)
{
	json_t *o = json_object(), *certs = json_array();
	int64_t added = 0, already = 0;

	for (size_t i = 0; i < m->n; i++) {
		added += m->entries[i].result == TRUST_ADDED;
		already += m->entries[i].result == TRUST_ALREADY;
		(void)json_array_append_new(
		    certs, entry_to_json(m, &m->entries[i]));
	}
	json_set_text(o, "system", m->in->system);
	json_set_int(o, "added", added);
	json_set_int(o, "already", already);
	json_set_int(o, "refused", (int64_t)m->refused);
	(void)json_object_set_new(o, "certificates", certs);
	(void)json_object_set_new(o, "notes", notes_to_json(m));
	return o;
}

int
trust_import(struct trust *t, const struct trust_import *i, int64_t now,
    struct diag *d, json_t **ret_report)
{
	static const struct bundle_options no_password;
	struct import m = { .t = t, .in = i, .now = now };
	json_t *o = NULL;
	int e = trust_system_check(i->system, d);

	if (!e)
		e = bundle_read(i->file, i->name, &no_password, d, &m.bundle);
	if (!e)
		e = collect(&m, d);
	if (!e)
		hold_back(&m);
	if (!e && m.n == 0 && m.refused == 0)
		e = refuse_empty(&m, d);
	if (!e && m.refused == 0)
		e = add_all(&m);
	if (!e) {
		o = report(&m);
		e = o ? 0 : E_NOMEM;
	}
	import_done(&m);
	if (!e)
		*ret_report = o;
	return e;
}
