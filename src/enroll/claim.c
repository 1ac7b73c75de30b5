/* What an enrolment is entitled to: key, profile, names; and what was asked
 * beyond that, for the receipt (CERT-10). */
#include <stdio.h>

#include "base/str.h"
#include "enroll/decide_internal.h"

#define OBJECT "certification request"

struct claim *
claim_new(void)
{
	struct claim *c = calloc(1, sizeof(*c));

	if (c)
		buf_init(&c->subject, 16384);
	return c;
}

void
claim_free(struct claim *c)
{
	if (!c)
		return;
	csr_free(c->csr);
	buf_done(&c->subject);
	json_decref(c->changes);
	free(c);
}

int
claim_take_csr(struct claim *c, struct span der, struct diag *d)
{
	int e = csr_parse(der, d, &c->csr);

	if (e)
		return e;
	sha256(c->csr->spki, c->spki);
	buf_reset(&c->subject);
	buf_add_span(&c->subject, c->csr->subject);
	e = buf_error(&c->subject);
	if (e)
		return e;
	c->san.n = 0;
	if (!c->csr->san.n)
		return 0;
	e = san_from_der(c->csr->san, &c->san);
	if (e == E_TOO_BIG)
		return diag_set(d, e, OBJECT, "CERT-8",
		    "more than %d alternative names", SAN_MAX);
	return e ? diag_set(d, e, OBJECT, "RFC 5280 4.2.1.6",
		       "the alternative names are malformed")
		 : 0;
}

int
claim_take_profile(
    struct decider *dr, struct claim *c, const char *name, struct diag *d)
{
	c->profile = profile_find(&dr->ca->profiles, name);
	if (c->profile && c->profile->kind == PROFILE_IDENTITY)
		return 0;
	if (c->profile && c->profile->kind == PROFILE_OCSP)
		return 0;
	diag_set(d, E_DENIED, OBJECT, "CA-3", "profile %s %s", name,
	    c->profile ? "is not for enrolment" : "does not exist");
	diag_remedy(d, "see signet profile list");
	c->profile = NULL;
	return E_DENIED;
}

/* the first change keeps what was asked: {"asked":{..},"changes":[..]} */
static json_t *
changes_begin(struct claim *c)
{
	char subject[NAME_TEXT_MAX];
	json_t *asked, *list;

	if (!c->changes) {
		name_print(c->csr->subject, subject, sizeof(subject));
		c->changes = json_object();
		asked = json_object();
		list = json_array();
		if (json_object_set_new(
			asked, "subject", name_to_json(c->csr->subject)) ||
		    json_object_set_new(asked, "names", san_to_json(&c->san)) ||
		    json_object_set_new(c->changes, "asked", asked) ||
		    json_object_set_new(c->changes, "changes", list))
			return NULL;
	}
	return json_object_get(c->changes, "changes");
}

static void
change_add(struct claim *c, const char *what, const char *rule,
    const char *from, const char *to)
{
	json_t *list = changes_begin(c), *o = json_object();

	json_set_text(o, "what", what);
	json_set_text(o, "rule", rule);
	json_set_text(o, "from", from);
	json_set_text(o, "to", to);
	/* out of memory leaves the list shorter; the event has the rest */
	if (json_array_append_new(list, o))
		return;
}

static void
san_text(const struct san *s, char *out, size_t size)
{
	snprintf(out, size, "%s:%s", san_kind_name(s->kind), s->text);
}

/* notes each name that one list has and the other lacks */
static void
sans_note(struct claim *c, const struct san_list *have,
    const struct san_list *lack, bool dropped, const char *rule)
{
	char text[SAN_TEXT_MAX + 16];

	for (size_t i = 0; i < have->n; i++) {
		if (san_has(lack, have->e[i].kind, have->e[i].text))
			continue;
		san_text(&have->e[i], text, sizeof(text));
		change_add(c, "san", rule, dropped ? text : NULL,
		    dropped ? NULL : text);
	}
}

static void
sans_replace(struct claim *c, const struct san_list *by, const char *rule)
{
	sans_note(c, &c->san, by, true, rule);
	sans_note(c, by, &c->san, false, rule);
	c->san = *by;
}

static int
subject_replace(struct claim *c, struct span by, const char *rule)
{
	char from[NAME_TEXT_MAX], to[NAME_TEXT_MAX];

	if (span_is_equal(buf_span(&c->subject), by))
		return 0;
	name_print(buf_span(&c->subject), from, sizeof(from));
	name_print(by, to, sizeof(to));
	change_add(c, "subject", rule, from, to);
	buf_reset(&c->subject);
	buf_add_span(&c->subject, by);
	return buf_error(&c->subject);
}

int
claim_take_entity(struct decider *dr, struct claim *c,
    const struct entity_row *e, struct diag *d)
{
	char rule[ENTITY_NAME_MAX + 32];
	struct san_list *sans;
	BUF(name, 16384);
	int err = str_copy(c->entity, sizeof(c->entity), e->name);

	if (!err)
		err =
		    str_copy(c->authority, sizeof(c->authority), e->authority);
	if (!err)
		err = claim_take_profile(dr, c, e->profile, d);
	if (err)
		return err;
	c->is_pending = e->manual;
	snprintf(rule, sizeof(rule), "ENR-1: names of entity %s", e->name);
	if (e->subject[0]) {
		err = name_build(e->subject, d, &name);
		if (!err)
			err = subject_replace(c, buf_span(&name), rule);
	}
	if (err || !e->sans[0])
		return err;
	sans = malloc(sizeof(*sans));
	if (!sans)
		return E_NOMEM;
	err = san_parse(e->sans, d, sans);
	if (!err)
		sans_replace(c, sans, rule);
	free(sans);
	return err;
}

static int
take_old_names(struct claim *c, const struct x509 *old)
{
	static const char rule[] = "ENR-3: names of the renewed certificate";
	struct san_list *sans = calloc(1, sizeof(*sans));
	int e = sans ? 0 : E_NOMEM;

	if (!e && old->san.n)
		e = san_from_der(old->san, sans);
	if (!e)
		e = subject_replace(c, old->subject, rule);
	if (!e)
		sans_replace(c, sans, rule);
	free(sans);
	return e;
}

int
claim_take_renewed(struct decider *dr, struct claim *c,
    const struct cert_row *old, struct diag *d)
{
	AUTO_STRUCT(x509) *cert = NULL;
	const struct authority *a = ca_find(dr->ca, old->authority);
	int e = x509_parse(old->der, d, &cert);

	if (!e)
		e = claim_take_profile(dr, c, old->profile, d);
	if (!e)
		e = take_old_names(c, cert);
	if (!e)
		e = str_copy(c->entity, sizeof(c->entity), old->entity);
	/* after a rollover the current issuer goes on */
	if (!e && a && a->row.state == AUTHORITY_CURRENT &&
	    a->row.kind == AUTHORITY_ISSUING)
		e = str_copy(
		    c->authority, sizeof(c->authority), old->authority);
	c->renews = old->id;
	return e;
}

/* as asked for: the CSR's own subject, not what replaced it */
void
claim_fill_request(const struct claim *c, struct request_row *r, int64_t now)
{
	memcpy(r->transaction, c->transaction, sizeof(r->transaction));
	memcpy(r->spki, c->spki, sizeof(r->spki));
	memcpy(r->authority, c->authority, sizeof(r->authority));
	memcpy(r->entity, c->entity, sizeof(r->entity));
	snprintf(r->profile, sizeof(r->profile), "%s", c->profile->name);
	name_print(c->csr->subject, r->subject, sizeof(r->subject));
	r->created = now;
}

void
claim_fill_issue(const struct claim *c, struct issue *i)
{
	i->profile = c->profile;
	i->authority = c->authority[0] ? c->authority : NULL;
	i->asked.subject = buf_span(&c->subject);
	i->asked.san = &c->san;
	i->asked.spki = c->csr->spki;
	i->asked.ku = c->csr->has_ku ? c->csr->ku : 0;
	i->asked.eku = c->csr->has_eku ? c->csr->eku : 0;
	i->password = c->password;
	i->renewal = c->renews != 0;
	i->before = c->changes;
}
