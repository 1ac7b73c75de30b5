/* ca/hierarchy: the steps that make a root, an issuing authority, its RA and
 * their first CRLs (CA-1, CA-2). */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/time.h"
#include "ca/ceremony.h"
#include "store/trusts.h"

static struct made *
issuer_of(struct ceremony *c)
{
	return &c->made[c->made_n - 1];
}

static bool
has_issuing(const struct ceremony *c)
{
	return c->made_n == 2;
}

static int
make_key(struct ceremony *c, struct made *m, const char *what)
{
	int e = ca_shape_name(&c->estate, c->name, what, &c->d, &m->subject);

	if (e)
		return e;
	return ceremony_make_key(c, m->id, KEY_ROLE_CA, m->key_kind,
	    buf_span(&m->subject), m->key, &m->spki);
}

/* Chapter 9's root is named after its host (CERT-6); such a root profile says
 * so by its URI. A name that is none gets "Root CA" as always. */
static bool
is_named_after_host(const struct ceremony *c)
{
	const struct profile *p =
	    profile_find(&c->ca->profiles, c->root_profile);

	return p && p->san_uri && strchr(c->name, '.') && !strchr(c->name, ' ');
}

int
hierarchy_root_key(struct ceremony *c)
{
	if (c->made_n == 0)
		return 0;
	return make_key(
	    c, &c->made[0], is_named_after_host(c) ? "" : "Root CA");
}

int
hierarchy_root_cert(struct ceremony *c)
{
	struct made *m = &c->made[0];
	struct ca_shape s = { .subject = buf_span(&m->subject),
		.issuer_key = m->key_kind,
		.spki = buf_span(&m->spki),
		.now = c->now };
	struct ca_tbs t = {
		.key = m->key, .kind = m->key_kind, .profile = c->root_profile
	};
	BUF(tbs, KEY_TBS_MAX);
	int e;

	if (c->made_n == 0)
		return 0;
	s.profile = ca_profile(c->ca, c->root_profile, &c->d);
	if (!s.profile)
		return E_NOT_FOUND;
	e = ca_shape_tbs(c->ca, &s, &c->d, &tbs);
	if (e)
		return e;
	t.hash = s.profile->hash;
	t.tbs = buf_span(&tbs);
	return ceremony_sign(c, &t, &m->cert);
}

static int
parse_cert(struct ceremony *c, struct made *m)
{
	return m->x509 ? 0 : x509_parse(buf_span(&m->cert), &c->d, &m->x509);
}

int
hierarchy_issuing_key(struct ceremony *c)
{
	int e = c->made_n ? parse_cert(c, &c->made[0]) : 0;

	if (e || !has_issuing(c))
		return e;
	return make_key(c, &c->made[1], "Issuing CA");
}

/* a certificate by the authority m for this subject and key */
static int
sign_below(struct ceremony *c, const struct made *m, const char *profile,
    struct span subject, struct span spki, struct buf *into)
{
	struct ca_shape s = { .issuer = m->x509,
		.issuer_key = m->key_kind,
		.issuer_id = m->id,
		.subject = subject,
		.spki = spki,
		.now = c->now };
	struct ca_tbs t = {
		.key = m->key, .kind = m->key_kind, .profile = profile
	};
	BUF(tbs, KEY_TBS_MAX);
	int e;

	s.profile = ca_profile(c->ca, profile, &c->d);
	if (!s.profile)
		return E_NOT_FOUND;
	e = ca_shape_tbs(c->ca, &s, &c->d, &tbs);
	if (e)
		return e;
	t.hash = s.profile->hash;
	t.tbs = buf_span(&tbs);
	return ceremony_sign(c, &t, into);
}

int
hierarchy_issuing_cert(struct ceremony *c)
{
	struct made *m = &c->made[1];

	if (!has_issuing(c))
		return 0;
	return sign_below(c, &c->made[0], CA_PROFILE_ISSUING,
	    buf_span(&m->subject), buf_span(&m->spki), &m->cert);
}

int
hierarchy_ra_key(struct ceremony *c)
{
	char stem[AUTHORITY_ID_MAX];
	int e;

	if (c->made_n == 0)
		return 0;
	e = parse_cert(c, issuer_of(c));
	if (e)
		return e;
	snprintf(stem, sizeof(stem), "ra-%u", c->number);
	/* SCEP encrypts to this key: always RSA (RFC 8894 3.1) */
	return ceremony_make_key(c, stem, KEY_ROLE_RA, KEY_RSA2048,
	    span_of("\x30\x00", 2), c->ra_key, &c->ra_spki);
}

int
hierarchy_ra_cert(struct ceremony *c)
{
	BUF(subject, KEY_SUBJECT_MAX);
	int e;

	if (c->made_n == 0)
		return 0;
	e = ca_shape_name(&c->estate, c->name, "SCEP RA", &c->d, &subject);
	if (e)
		return e;
	return sign_below(c, issuer_of(c), CA_PROFILE_RA, buf_span(&subject),
	    buf_span(&c->ra_spki), &c->ra_cert);
}

static int
first_crl(struct ceremony *c, struct made *m)
{
	struct ca_crl p = { .id = m->id,
		.key = m->key_kind,
		.issuer = m->x509->subject,
		.aki = m->x509->ski,
		.number = 1,
		.this_update = c->now - CA_CRL_SKEW_S,
		.next_update = c->now + CA_CRL_DAYS * TIME_DAY };
	struct ca_tbs t = {
		.key = m->key, .kind = m->key_kind, .hash = HASH_SHA256
	};
	BUF(tbs, KEY_TBS_MAX);
	int e = ca_crl_tbs(c->ca, &p, c->now, &tbs);

	if (e)
		return e;
	m->crl_this = p.this_update;
	m->crl_next = p.next_update;
	t.tbs = buf_span(&tbs);
	return ceremony_sign(c, &t, &m->crl);
}

int
hierarchy_root_crl(struct ceremony *c)
{
	return has_issuing(c) ? first_crl(c, &c->made[0]) : 0;
}

int
hierarchy_issuer_crl(struct ceremony *c)
{
	return c->made_n ? first_crl(c, issuer_of(c)) : 0;
}

/* -- recording -- */

int
hierarchy_trust(struct ceremony *c, struct span cert)
{
	AUTO_STRUCT(x509) *x = NULL;
	struct trust_row row = {
		.origin = ORIGIN_OWN_CA, .added = c->now, .der = cert
	};
	int64_t id;
	int e = x509_parse(cert, &c->d, &x);

	if (e)
		return e;
	x509_fingerprint(x, row.fingerprint);
	row.not_before = x->not_before;
	row.not_after = x->not_after;
	name_print(x->subject, row.subject, sizeof(row.subject));
	if (!name_get(x->subject, OID_CN, row.alias, sizeof(row.alias)))
		snprintf(row.alias, sizeof(row.alias), "own-ca");
	e = trust_row_add(c->ca->store, &row, &id);
	return e == E_EXISTS ? 0 : e;
}

static int
record_one(struct ceremony *c, struct made *m, bool is_issuer)
{
	struct authority_row row = { .kind = m->kind,
		.state = c->state,
		.cert = buf_span(&m->cert),
		.created = c->now,
		.crl_number = 1,
		.crl_next = m->crl_next };
	AUTO(json_t) *o = json_object();
	char object[AUTHORITY_ID_MAX + 8], text[NAME_TEXT_MAX];
	int e;

	snprintf(row.id, sizeof(row.id), "%s", m->id);
	snprintf(row.parent, sizeof(row.parent), "%s", m->parent);
	snprintf(row.key, sizeof(row.key), "%s", m->key);
	if (is_issuer) {
		snprintf(row.ra_key, sizeof(row.ra_key), "%s", c->ra_key);
		row.ra_cert = buf_span(&c->ra_cert);
	}
	e = authority_add(c->ca->store, &row);
	if (!e)
		e = authority_set_crl(c->ca->store, m->id, 1, m->crl_this,
		    m->crl_next, buf_span(&m->crl));
	if (e)
		return e;
	snprintf(object, sizeof(object), "ca %s", m->id);
	name_print(m->x509->subject, text, sizeof(text));
	json_set_text(o, "subject", text);
	x509_serial_print(m->x509, text, sizeof(text));
	json_set_text(o, "serial", text);
	json_set_text(o, "state", authority_state_name(c->state));
	json_set_time(o, "not_after", m->x509->not_after);
	return ceremony_event(c,
	    c->is_import ? EVENT_CA_IMPORT : EVENT_CA_CREATE, SEVERITY_NOTICE,
	    object, o);
}

int
hierarchy_record(struct ceremony *c)
{
	int e = c->outside_n ? transfer_record_outside(c) : 0;

	c->has_written = true;
	for (size_t i = 0; !e && i < c->made_n; i++)
		e = record_one(c, &c->made[i], i == c->made_n - 1);
	if (!e && c->made_n && c->made[0].kind == AUTHORITY_ROOT)
		e = hierarchy_trust(c, buf_span(&c->made[0].cert));
	return e;
}

/* -- what a change would break -- */

struct sample {
	json_t *names; /* entities, as a set */
	int64_t earliest;
};

static int
take_sample(const struct cert_row *r, void *cookie)
{
	struct sample *s = (struct sample *)cookie;

	if (!s->earliest)
		s->earliest = r->not_after;
	if (r->entity[0] && json_object_size(s->names) < 50)
		(void)json_object_set_new(s->names, r->entity, json_true());
	return 0;
}

static int
take_one(const struct cert_row *r, void *cookie)
{
	*(int64_t *)cookie = r->not_after;
	return 0;
}

/* the last end, by halving: an index knows whether anything lies behind */
static int
latest_end(struct ca *ca, struct cert_filter f, int64_t low, int64_t high,
    int64_t *ret)
{
	f.limit = 1;
	while (low < high) {
		int64_t middle = low + (high - low) / 2 + 1, found = 0;
		int e;

		f.expires_after = middle;
		e = cert_each(ca->store, &f, take_one, &found);
		if (e)
			return e;
		if (found)
			low = found > middle ? found : middle;
		else
			high = middle - 1;
	}
	*ret = low;
	return 0;
}

int
hierarchy_would_break(struct ceremony *c)
{
	struct authority *a = ca_issuer(c->ca);
	struct sample s = { json_object(), 0 };
	struct cert_filter f = { .state = CERT_GOOD,
		.expires_after = c->now,
		.authority = a ? a->row.id : "",
		.by_expiry = true,
		.limit = CERT_PAGE_MAX };
	json_t *o = json_object(), *names = json_array();
	int64_t count = 0, latest = 0;
	const char *name;
	json_t *unused;
	int e = 0;

	if (a) {
		e = cert_count(c->ca->store, &f, &count);
		if (!e)
			e = cert_each(c->ca->store, &f, take_sample, &s);
		if (!e && s.earliest)
			e = latest_end(
			    c->ca, f, s.earliest, a->cert->not_after, &latest);
	}
	json_object_foreach(s.names, name, unused)(void)
	    json_array_append_new(names, json_string(name));
	json_decref(s.names);
	json_set_int(o, "certificates", count);
	if (count) {
		json_set_time(o, "earliest", s.earliest);
		json_set_time(o, "latest", latest);
	}
	(void)json_object_set_new(o, "entities", names);
	(void)json_object_set_new(c->answer, "would_break", o);
	return e;
}
