/*
 * cert/profile, granting: from what was asked to what is given, with a
 * receipt (CERT-10) that lists each difference and the rule behind it.
 */
#include <stdio.h>

#include "base/json.h"
#include "base/time.h"
#include "cert/profile_internal.h"

#define VALUE_MAX 512 /* bytes of one attribute's value */
#define NAME_DER_MAX 8192
#define SAN_PRINT_MAX (SAN_TEXT_MAX + 8)

struct work {
	const struct profile *p;
	const struct asked *a;
	struct granted *g;
	struct diag *d;
	json_t *changes;
	enum key_kind kind;
	struct san_list dropped;
};

/* one line of the receipt; takes from and to */
static void
note(struct work *w, const char *what, const char *rule, json_t *from,
    json_t *to)
{
	json_t *o = json_object();

	json_set_text(o, "what", what);
	json_set_text(o, "rule", rule);
	if (from)
		json_object_set_new(o, "from", from);
	if (to)
		json_object_set_new(o, "to", to);
	json_array_append_new(w->changes, o);
}

static int
refuse(const struct work *w, const char *rule, const char *fact)
{
	return diag_set(w->d, E_DENIED, w->p->name, rule, "%s", fact);
}

/* text of a value in RFC 4514's form, for name_build() */
static void
add_escaped(struct buf *text, const char *value)
{
	for (size_t i = 0; value[i]; i++) {
		if (strchr("+\"<>;,\\=", value[i]) ||
		    (i == 0 && (value[i] == '#' || value[i] == ' ')) ||
		    (value[i] == ' ' && value[i + 1] == '\0'))
			buf_add_text(text, "\\");
		buf_add(text, value + i, 1);
	}
}

struct org_field {
	const char *key;
	int oid;
	const char *value; /* the estate's */
	bool behind;       /* the common name */
};

/* contents of the Name with that one attribute */
static int
rdn_add(const struct org_field *f, struct diag *d, struct buf *out)
{
	BUF(text, 2 * VALUE_MAX);
	BUF(name, NAME_DER_MAX);
	struct der der;
	int e;

	buf_add_text(&text, f->key);
	buf_add_text(&text, "=");
	add_escaped(&text, f->value);
	buf_add(&text, "", 1);
	e = buf_error(&text);
	if (!e)
		e = name_build((const char *)text.p, d, &name);
	if (e)
		return e;
	der = der_of(buf_span(&name));
	buf_add_span(out, der_take(&der, DER_SEQUENCE));
	return buf_error(out);
}

/* fields of one side of the common name that the request does not have */
static int
fields_add(struct work *w, const struct org_field *fields, size_t n,
    bool behind, struct buf *out)
{
	char have[VALUE_MAX];
	int e;

	for (size_t i = 0; i < n; i++) {
		if (fields[i].behind != behind || fields[i].value[0] == '\0' ||
		    name_get(w->a->subject, fields[i].oid, have, sizeof(have)))
			continue;
		e = rdn_add(&fields[i], w->d, out);
		if (e)
			return e;
		note(w, fields[i].key, "names.org_from_estate", json_null(),
		    json_string(fields[i].value));
	}
	return 0;
}

/* CERT-6: organisation fields come from the estate's settings */
static int
subject_grant(struct work *w, const struct estate_names *estate)
{
	const struct org_field fields[] = {
		{ "C", OID_C, estate ? estate->c : "", false },
		{ "ST", OID_ST, estate ? estate->st : "", false },
		{ "L", OID_L, estate ? estate->l : "", false },
		{ "O", OID_O, estate ? estate->o : "", false },
		{ "OU", OID_OU, estate ? estate->ou : "", false },
		{ "E", OID_EMAIL, estate ? estate->email : "", true },
	};
	size_t n =
	    w->p->org_from_estate ? sizeof(fields) / sizeof(fields[0]) : 0;
	struct der der = der_of(w->a->subject);
	BUF(names, NAME_DER_MAX);
	DERW(out);
	int e = name_check(w->a->subject);

	if (e)
		return refuse(w, "RFC 5280 4.1.2.4", "malformed subject");
	e = fields_add(w, fields, n, false, &names);
	if (!e) {
		buf_add_span(&names, der_take(&der, DER_SEQUENCE));
		e = fields_add(w, fields, n, true, &names);
	}
	if (!e)
		e = derw_init(&out, names.n + 16);
	if (e)
		return e;
	derw_primitive(&out, DER_SEQUENCE, buf_span(&names));
	buf_add_span(&w->g->subject, derw_span(&out));
	return out.err ? out.err : buf_error(&w->g->subject);
}

static void
drop(struct work *w, const struct san *e, const char *rule)
{
	char text[SAN_PRINT_MAX];

	snprintf(text, sizeof(text), "%s:%s", san_kind_name(e->kind), e->text);
	note(w, "name dropped", rule, json_string(text), json_null());
	w->dropped.n++;
}

static size_t
place_of(const struct san_list *l, const char *host)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->e[i].kind == SAN_DNS &&
		    strcasecmp(l->e[i].text, host) == 0)
			break;
	return i;
}

/* CERT-8: the first DNS name equals the CN when that is a host name */
static void
san_from_cn(struct work *w)
{
	struct san_list *l = &w->g->san;
	struct san first = { .kind = SAN_DNS };
	char text[SAN_PRINT_MAX];
	size_t at;

	if (!w->p->san_from_cn ||
	    !name_get(buf_span(&w->g->subject), OID_CN, first.text,
		sizeof(first.text)) ||
	    !host_is_valid(first.text))
		return;
	at = place_of(l, first.text);
	if (at == 0 && l->n)
		return;
	snprintf(text, sizeof(text), "DNS:%s", first.text);
	if (at < l->n) {
		first = l->e[at];
		note(w, "name moved to the front", "CERT-8", NULL,
		    json_string(text));
	} else {
		/* the one name more may be one too many: drop the last */
		if (l->n == SAN_MAX || l->n >= w->p->san_max) {
			if (l->n == 0)
				return;
			drop(w, &l->e[l->n - 1], "names.max");
			l->n--;
		}
		at = l->n++;
		note(w, "name added", "CERT-8", json_null(), json_string(text));
	}
	memmove(&l->e[1], &l->e[0], at * sizeof(l->e[0]));
	l->e[0] = first;
}

/* "DNS:a b" that reading kept for show only: meant as a name, but none */
static bool
is_ill_formed(const struct san *e)
{
	static const enum san_kind kinds[] = { SAN_DNS, SAN_IP, SAN_URI,
		SAN_EMAIL };

	for (size_t i = 0; e->kind == SAN_OTHER && i < 4; i++) {
		const char *kind = san_kind_name(kinds[i]);
		size_t n = strlen(kind);

		if (strncmp(e->text, kind, n) == 0 && e->text[n] == ':')
			return true;
	}
	return false;
}

/* CERT-8: whoever asked and by whatever way, this is where a foreign name
 * would enter a certificate */
static int
sans_take(struct work *w)
{
	const struct san_list *asked = w->a->san;
	struct san_list *l = &w->g->san;
	int e = 0;

	for (size_t i = 0; !e && asked && i < asked->n; i++) {
		const struct san *s = &asked->e[i];

		if (is_ill_formed(s))
			e = diag_set(w->d, E_DENIED, s->text, "CERT-8",
			    "the alternative name is ill-formed");
		else if (!profile_allows_san(w->p, s))
			drop(w, s, "names");
		else if (l->n == w->p->san_max)
			drop(w, s, "names.max");
		else
			e = san_add(l, s->kind, s->text, w->d);
	}
	/* a request that is refused, not a wrong use of ours */
	if (e && w->d)
		w->d->code = E_DENIED;
	return e ? E_DENIED : 0;
}

static int
san_grant(struct work *w)
{
	struct san_list *l = &w->g->san;
	int e = sans_take(w);

	if (e)
		return e;
	san_from_cn(w);
	if (l->n == 0 && w->p->san_required) {
		refuse(w, "names.required",
		    w->dropped.n ? "none of the names asked for is allowed"
				 : "the request has no name");
		diag_remedy(w->d, "ask with --san DNS:host.example.com");
		return E_DENIED;
	}
	if (l->n == 0 && name_is_empty(buf_span(&w->g->subject)))
		return refuse(w, "RFC 5280 4.1.2.6",
		    "neither a subject nor an alternative name is left");
	return 0;
}

typedef const char *(*bit_name_fn)(unsigned bit);

static json_t *
bits_to_json(unsigned bits, bit_name_fn name)
{
	json_t *a = json_array();

	for (unsigned bit = 1; bit && bit <= bits; bit <<= 1)
		if (bits & bit)
			json_array_append_new(a, json_string(name(bit)));
	return a;
}

/* what is always in, and of the rest what was asked for and is allowed */
static unsigned
bits_grant(struct work *w, const char *what, unsigned asked, unsigned always,
    unsigned allowed, bit_name_fn name)
{
	unsigned given = always | (asked & allowed);
	unsigned added = given & ~asked, lost = asked & ~given;
	char line[64];

	if (added) {
		snprintf(line, sizeof(line), "%s added", what);
		note(w, line, w->p->name, json_null(),
		    bits_to_json(added, name));
	}
	if (lost) {
		snprintf(line, sizeof(line), "%s dropped", what);
		note(
		    w, line, w->p->name, bits_to_json(lost, name), json_null());
	}
	return given;
}

static void
usage_grant(struct work *w)
{
	const struct profile *p = w->p;

	w->g->ku =
	    bits_grant(w, "key usage", w->a->ku, profile_ku_fit(w->kind, p->ku),
		profile_ku_fit(w->kind, p->ku_allowed), ku_name);
	w->g->eku = bits_grant(w, "extended key usage", w->a->eku, p->eku,
	    p->eku_allowed, eku_name);
}

static json_t *
time_to_json(int64_t utc)
{
	char text[TIME_TEXT_MAX];

	time_print(utc, text);
	return json_string(text);
}

static void
cut(struct work *w, int64_t limit, const char *rule)
{
	if (w->g->not_after <= limit)
		return;
	note(w, "lifetime cut", rule, time_to_json(w->g->not_after),
	    time_to_json(limit));
	w->g->not_after = limit;
}

/* CERT-6: the profile's days count from notBefore; those somebody asks for
 * count from now, or one day would be over when it begins. */
static int
lifetime_grant(struct work *w, int64_t ca_not_after, int64_t now)
{
	const struct profile *p = w->p;
	struct granted *g = w->g;
	uint32_t most = profile_days_max(p, now);

	if (ca_not_after && ca_not_after <= now)
		return diag_set(w->d, E_EXPIRED, p->name, "RFC 5280 4.1.2.5",
		    "the CA's own certificate has expired");
	g->not_before = now - (int64_t)p->backdate_h * 3600;
	if (w->a->days)
		g->not_after = now + (int64_t)w->a->days * TIME_DAY;
	else
		g->not_after = g->not_before + (int64_t)p->days * TIME_DAY;
	cut(w, g->not_before + (int64_t)most * TIME_DAY, "validity.max_days");
	if (ca_not_after)
		cut(w, ca_not_after, "the CA's own end");
	return 0;
}

static void
set_name(json_t *o, const char *key, struct span name)
{
	char text[NAME_TEXT_MAX];

	name_print(name, text, sizeof(text));
	json_set_text(o, key, text);
}

static json_t *
names_to_json(const struct san_list *l)
{
	return l ? san_to_json(l) : json_array();
}

static int
receipt_make(struct work *w)
{
	json_t *asked = json_object(), *given = json_object();
	struct granted *g = w->g;

	set_name(asked, "subject", w->a->subject);
	json_object_set_new(asked, "names", names_to_json(w->a->san));
	json_set_text(asked, "key", key_kind_name(w->kind));
	json_object_set_new(
	    asked, "key_usage", bits_to_json(w->a->ku, ku_name));
	json_object_set_new(
	    asked, "extended_key_usage", bits_to_json(w->a->eku, eku_name));
	if (w->a->days)
		json_set_int(asked, "days", w->a->days);

	set_name(given, "subject", buf_span(&g->subject));
	json_object_set_new(given, "names", names_to_json(&g->san));
	json_set_text(given, "key", key_kind_name(w->kind));
	json_object_set_new(given, "key_usage", bits_to_json(g->ku, ku_name));
	json_object_set_new(
	    given, "extended_key_usage", bits_to_json(g->eku, eku_name));
	json_set_time(given, "not_before", g->not_before);
	json_set_time(given, "not_after", g->not_after);

	g->receipt = json_object();
	json_set_text(g->receipt, "profile", w->p->name);
	if (json_object_set_new(g->receipt, "asked", asked) ||
	    json_object_set_new(g->receipt, "granted", given) ||
	    json_object_set(g->receipt, "changes", w->changes))
		return diag_set(w->d, E_NOMEM, w->p->name, NULL, "no memory");
	return 0;
}

int
profile_grant(const struct profile *p, const struct asked *a,
    struct span ca_subject, int64_t ca_not_after,
    const struct estate_names *estate, int64_t now, struct diag *d,
    struct granted *ret)
{
	AUTO(json_t) *changes = json_array();
	struct granted g = { .receipt = NULL };
	struct work w = { .p = p, .a = a, .g = &g, .d = d, .changes = changes };
	int e;

	buf_init(&g.subject, NAME_DER_MAX);
	e = profile_accepts_key(p, a->spki, p->name, d, &w.kind);
	if (!e)
		e = subject_grant(&w, estate);
	if (!e && ca_subject.n)
		e = profile_match_names(p, buf_span(&g.subject), ca_subject, d);
	if (!e)
		e = san_grant(&w);
	if (!e)
		e = lifetime_grant(&w, ca_not_after, now);
	if (!e) {
		usage_grant(&w);
		e = receipt_make(&w);
	}
	if (e) {
		granted_done(&g);
		return e;
	}
	*ret = g;
	return 0;
}

void
granted_done(struct granted *g)
{
	buf_done(&g->subject);
	json_decref(g->receipt);
	g->receipt = NULL;
}
