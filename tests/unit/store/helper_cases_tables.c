/* The other tables: what every driver must answer. */
#include "store/helper_cases.h"

static struct store *
store_in(void **state)
{
	return ((struct fixture *)*state)->s;
}

/* CA-6: a retry with the same transaction finds the first request; a second
 * one cannot be added, nor can one be decided twice */
static void
request_is_one_per_transaction(void **state)
{
	struct store *s = store_in(state);
	struct request_row a = sample_request(1), r;
	int64_t id, other = 0;

	assert_int_equal(request_add(s, &a, &id), 0);
	assert_int_equal(request_add(s, &a, &other), E_EXISTS);
	snprintf(a.protocol, sizeof(a.protocol), "est");
	assert_int_equal(request_add(s, &a, &other), 0);
	assert_int_equal(store_flush(s), 0);
	assert_int_equal(
	    request_by_transaction(s, "scep", "TX-00000001", &r), 0);
	assert_int_equal(r.id, id);
	assert_true(span_is_equal(r.csr, a.csr));
	assert_true(span_is_equal(r.receipt, a.receipt));
	assert_memory_equal(r.spki, a.spki, 32);
	assert_string_equal(r.source, "192.0.2.7");
	assert_string_equal(r.subject, "CN=phone-1");
	request_done(&r);
	assert_int_equal(
	    request_by_transaction(s, "scep", "TX-2", &r), E_NOT_FOUND);
	assert_int_equal(
	    request_by_transaction(s, "scep", "\xff", &r), E_NOT_FOUND);
}

static void
request_is_decided_once(void **state)
{
	struct store *s = store_in(state);
	struct request_row a = sample_request(1), r;
	struct span receipt = span_str("{\"granted\":1}");
	int64_t id;

	assert_int_equal(request_add(s, &a, &id), 0);
	assert_int_equal(
	    request_decide(s, id, REQUEST_ISSUED, 0, "", receipt, 9), E_INVAL);
	assert_int_equal(
	    request_decide(s, id, REQUEST_ISSUED, 77, "", receipt, 99), 0);
	assert_int_equal(
	    request_decide(s, id, REQUEST_ISSUED, 78, "", receipt, 99),
	    E_STATE);
	assert_int_equal(
	    request_decide(s, id, REQUEST_REJECTED, 0, "no", receipt, 99),
	    E_STATE);
	assert_int_equal(
	    request_decide(s, id + 1, REQUEST_REJECTED, 0, "", receipt, 99),
	    E_NOT_FOUND);
	assert_int_equal(store_flush(s), 0);
	assert_int_equal(request_get(s, id, &r), 0);
	assert_int_equal(r.state, REQUEST_ISSUED);
	assert_int_equal(r.cert, 77);
	assert_int_equal(r.decided, 99);
	assert_int_equal(r.csr.n, 0);
	assert_true(span_is_equal(r.receipt, receipt));
	request_done(&r);
}

static int
count_request(const struct request_row *r, void *cookie)
{
	assert_int_equal(r->csr.n, 0);
	++*(int *)cookie;
	return 0;
}

static void
requests_by_state(void **state)
{
	struct store *s = store_in(state);
	struct request_row r;
	int64_t id[9], n;
	int seen = 0;

	for (unsigned i = 0; i < 9; i++) {
		r = sample_request(i);
		assert_int_equal(request_add(s, &r, &id[i]), 0);
	}
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(request_decide(s, id[i],
				     i < 4 ? REQUEST_ISSUED : REQUEST_REJECTED,
				     i + 1, "why", span_of(NULL, 0), 9),
		    0);
	assert_int_equal(store_flush(s), 0);
	assert_int_equal(request_count(s, REQUEST_PENDING, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(request_count(s, REQUEST_ISSUED, &n), 0);
	assert_int_equal(n, 4);
	assert_int_equal(request_count(s, REQUEST_UNSET, &n), 0);
	assert_int_equal(n, 9);
	assert_int_equal(
	    request_each(s, REQUEST_PENDING, id[6], 0, count_request, &seen),
	    0);
	assert_int_equal(seen, 2);
	assert_int_equal(
	    request_each(s, REQUEST_REJECTED, 0, 0, count_request, &seen), 0);
	assert_int_equal(seen, 4);
	assert_int_equal(
	    request_each(s, REQUEST_UNSET, 0, 5, count_request, &seen), 0);
	assert_int_equal(seen, 9);
}

/* ENR-1 */
static void
entity_comes_back_and_goes(void **state)
{
	struct store *s = store_in(state);
	struct entity_row e = sample_entity(1), r;
	struct password_row p = {
		.hash = { 9 }, .expires = 50, .uses_total = 1, .uses_left = 1
	};
	int64_t id, other = 0;

	assert_int_equal(entity_add(s, &e, &id), 0);
	assert_int_equal(entity_add(s, &e, &other), E_EXISTS);
	assert_int_equal(entity_get(s, "phone-1", &r), 0);
	assert_int_equal(r.id, id);
	assert_int_equal(r.token, TOKEN_P12);
	assert_true(r.manual);
	assert_int_equal(r.created, 77);
	assert_string_equal(r.sans, "DNS:p1.example");
	assert_string_equal(r.mac, "0123456789ab");
	assert_int_equal(entity_by_id(s, id, &r), 0);
	assert_string_equal(r.name, "phone-1");
	p.entity = id;
	assert_int_equal(password_add(s, &p, &other), 0);
	assert_int_equal(store_flush(s), 0);
	assert_int_equal(entity_remove(s, "phone-1"), 0);
	assert_int_equal(entity_remove(s, "phone-1"), E_NOT_FOUND);
	assert_int_equal(entity_get(s, "phone-1", &r), E_NOT_FOUND);
	assert_int_equal(entity_by_id(s, id, &r), E_NOT_FOUND);
	assert_int_equal(password_by_hash(s, p.hash, &p), E_NOT_FOUND);
	/* a number is never given to somebody else */
	assert_int_equal(entity_add(s, &e, &other), 0);
	assert_true(other > id);
	snprintf(e.name, sizeof(e.name), "a/b");
	assert_int_equal(entity_add(s, &e, &other), E_INVAL);
}

static int
count_entity(const struct entity_row *e, void *cookie)
{
	assert_true(e->id > 0);
	++*(int *)cookie;
	return 0;
}

static void
entities_are_listed(void **state)
{
	struct store *s = store_in(state);
	struct entity_row e;
	int64_t id[5];
	int n = 0;

	for (unsigned i = 0; i < 5; i++) {
		e = sample_entity(i);
		assert_int_equal(entity_add(s, &e, &id[i]), 0);
	}
	assert_int_equal(entity_each(s, id[0], 3, count_entity, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(entity_each(s, 0, 0, count_entity, &n), 0);
	assert_int_equal(n, 8);
	assert_string_equal(entity_token_name(TOKEN_JKS), "jks");
	assert_int_equal(entity_token_from_name("pem"), TOKEN_PEM);
}

static int64_t
add_password(struct store *s, int64_t entity, uint8_t mark, int64_t uses)
{
	struct password_row p = { .entity = entity,
		.hash = { mark },
		.created = 10,
		.expires = 90,
		.uses_total = uses,
		.uses_left = uses };
	int64_t id;

	assert_int_equal(password_add(s, &p, &id), 0);
	return id;
}

static int
count_password(const struct password_row *p, void *cookie)
{
	assert_int_equal(p->expires, 90);
	++*(int *)cookie;
	return 0;
}

/* ENR-2: single-use, shared and endless passwords */
static void
passwords_are_used_up(void **state)
{
	struct store *s = store_in(state);
	struct entity_row e = sample_entity(1);
	struct password_row p;
	int64_t entity, once, shared, endless;
	int n = 0;

	assert_int_equal(entity_add(s, &e, &entity), 0);
	once = add_password(s, entity, 1, 1);
	shared = add_password(s, entity, 2, 3);
	endless = add_password(s, entity, 3, 0);
	assert_int_equal(password_use(s, once), 0);
	assert_int_equal(password_use(s, once), E_EXPIRED);
	for (int i = 0; i < 3; i++)
		assert_int_equal(password_use(s, shared), 0);
	assert_int_equal(password_use(s, shared), E_EXPIRED);
	for (int i = 0; i < 5; i++)
		assert_int_equal(password_use(s, endless), 0);
	assert_int_equal(password_use(s, 9999), E_NOT_FOUND);
	assert_int_equal(store_flush(s), 0);
	p.hash[0] = 0;
	assert_int_equal(password_by_hash(s, (const uint8_t[32]){ 2 }, &p), 0);
	assert_int_equal(p.id, shared);
	assert_int_equal(p.entity, entity);
	assert_int_equal(p.uses_total, 3);
	assert_int_equal(p.uses_left, 0);
	assert_int_equal(password_each(s, entity, count_password, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(password_remove(s, once), 0);
	assert_int_equal(password_remove(s, once), E_NOT_FOUND);
	p.entity = 4711;
	assert_int_equal(password_add(s, &p, &once), E_NOT_FOUND);
	p.entity = entity;
	assert_int_equal(password_add(s, &p, &once), E_EXISTS);
	assert_int_equal(store_flush(s), 0);
}

static int
count_trust(const struct trust_row *t, void *cookie)
{
	int *n = (int *)cookie;

	assert_int_equal(t->fingerprint[0], *n);
	assert_true(span_is_equal(t->der, span_str("anchor")));
	++*n;
	return 0;
}

/* TRUST-1: more than 64 entries, by system, in the order they came */
static void
trusts_by_system(void **state)
{
	struct store *s = store_in(state);
	struct trust_row t = { .origin = ORIGIN_IMPORT,
		.alias = "an anchor",
		.subject = "CN=anchor",
		.not_before = 1,
		.not_after = 2,
		.added = 3,
		.der = span_str("anchor") };
	struct trust_row r;
	int64_t id = 0, first = 0;
	int n = 0;

	for (unsigned i = 0; i < 200; i++) {
		t.fingerprint[0] = (uint8_t)i;
		assert_int_equal(trust_row_add(s, &t, &id), 0);
		first = first ? first : id;
	}
	assert_int_equal(trust_row_add(s, &t, &id), E_EXISTS);
	snprintf(t.system, sizeof(t.system), "pbx1");
	assert_int_equal(trust_row_add(s, &t, &id), 0);
	assert_int_equal(store_flush(s), 0);
	assert_int_equal(trust_row_each(s, "", count_trust, &n), 0);
	assert_int_equal(n, 200);
	assert_int_equal(trust_row_get(s, "pbx1", t.fingerprint, &r), 0);
	assert_int_equal(r.id, id);
	assert_int_equal(r.origin, ORIGIN_IMPORT);
	assert_string_equal(r.alias, "an anchor");
	assert_int_equal(r.added, 3);
	assert_true(span_is_equal(r.der, t.der));
	trust_row_done(&r);
	assert_int_equal(trust_row_remove(s, id), 0);
	assert_int_equal(trust_row_remove(s, id), E_NOT_FOUND);
	assert_int_equal(
	    trust_row_get(s, "pbx1", t.fingerprint, &r), E_NOT_FOUND);
	t.der = span_of(NULL, 0);
	assert_int_equal(trust_row_add(s, &t, &id), E_INVAL);
	assert_string_equal(trust_origin_name(ORIGIN_OWN_CA), "own-ca");
}

static int
see_authority(const struct authority_row *a, void *cookie)
{
	char *text = (char *)cookie;
	size_t n = strlen(text);

	snprintf(text + n, 200 - n, "%s:%s:%.*s ", a->id,
	    authority_state_name(a->state), (int)a->cert.n,
	    (const char *)a->cert.p);
	return 0;
}

static int
see_generation(unsigned generation, struct span cert, void *cookie)
{
	char *text = (char *)cookie;
	size_t n = strlen(text);

	snprintf(text + n, 200 - n, "%u=%.*s ", generation, (int)cert.n,
	    (const char *)cert.p);
	return 0;
}

/* CA-2: renewal adds a certificate, the earlier ones stay */
static void
authorities_and_their_certificates(void **state)
{
	struct store *s = store_in(state);
	struct authority_row a = sample_authority("issuing-1"), r;
	char text[200] = "", generations[200] = "";

	assert_int_equal(authority_add(s, &a), 0);
	assert_int_equal(authority_add(s, &a), E_EXISTS);
	snprintf(a.id, sizeof(a.id), "a-later-one");
	assert_int_equal(authority_add(s, &a), 0);
	assert_int_equal(
	    authority_set_state(s, "a-later-one", AUTHORITY_NEXT), 0);
	assert_int_equal(
	    authority_add_cert(s, "issuing-1", span_str("renewed"), 50), 0);
	assert_int_equal(authority_set_ra(s, "issuing-1", "rakey",
			     span_str("ra certificate")),
	    0);
	assert_int_equal(store_flush(s), 0);
	assert_int_equal(authority_each(s, see_authority, text), 0);
	assert_string_equal(text, "issuing-1:current:renewed "
				  "a-later-one:next:first certificate ");
	assert_int_equal(
	    authority_each_cert(s, "issuing-1", see_generation, generations),
	    0);
	assert_string_equal(generations, "1=first certificate 2=renewed ");
	assert_int_equal(authority_get(s, "issuing-1", &r), 0);
	assert_string_equal(r.parent, "root-1");
	assert_string_equal(r.key, "kissuing-1");
	assert_string_equal(r.ra_key, "rakey");
	assert_true(span_is_equal(r.ra_cert, span_str("ra certificate")));
	assert_true(span_is_equal(r.cert, span_str("renewed")));
	assert_int_equal(r.kind, AUTHORITY_ISSUING);
	authority_done(&r);
}

static void
authority_refusals_and_crl(void **state)
{
	struct store *s = store_in(state);
	struct authority_row a = sample_authority("Has Blanks"), r;
	BUF(crl, 1000);

	assert_int_equal(authority_add(s, &a), E_INVAL);
	a = sample_authority("issuing-1");
	assert_int_equal(authority_add(s, &a), 0);
	assert_int_equal(
	    authority_set_state(s, "x", AUTHORITY_RETIRED), E_NOT_FOUND);
	assert_int_equal(
	    authority_add_cert(s, "x", span_str("c"), 1), E_NOT_FOUND);
	assert_int_equal(authority_get(s, "x", &r), E_NOT_FOUND);
	assert_int_equal(
	    authority_set_crl(s, "x", 1, 2, 3, span_str("crl")), E_NOT_FOUND);
	assert_int_equal(authority_get_crl(s, "issuing-1", &crl), E_NOT_FOUND);
	assert_int_equal(
	    authority_set_crl(s, "issuing-1", 1, 2, 3, span_str("crl 1")), 0);
	assert_int_equal(
	    authority_set_crl(s, "issuing-1", 2, 4, 8, span_str("crl 2")), 0);
	assert_int_equal(authority_get_crl(s, "issuing-1", &crl), 0);
	assert_true(span_is_equal(buf_span(&crl), span_str("crl 2")));
	assert_int_equal(authority_get(s, "issuing-1", &r), 0);
	assert_int_equal(r.crl_number, 2);
	assert_int_equal(r.crl_next, 8);
	authority_done(&r);
	assert_int_equal(store_flush(s), 0);
}

struct seqs {
	int64_t seq[40];
	size_t n;
};

static int
see_event(const struct event_row *e, void *cookie)
{
	struct seqs *v = (struct seqs *)cookie;

	assert_true(span_is_equal(e->body, span_str("{\"kind\":\"x\"}")));
	assert_int_equal(e->hash[7], e->seq);
	v->seq[v->n++] = e->seq;
	return 0;
}

static size_t
events_of(struct store *s, struct event_filter f, struct seqs *v)
{
	v->n = 0;
	assert_int_equal(event_each(s, &f, see_event, v), 0);
	return v->n;
}

/* ACC-8: the rows of the audit trail, by each filter and both ways */
static void
events_are_filtered(void **state)
{
	struct store *s = store_in(state);
	struct event_row e, r;
	struct seqs v;

	assert_int_equal(event_last(s, &r), E_NOT_FOUND);
	for (int64_t i = 1; i <= 30; i++) {
		e = sample_event(i);
		assert_int_equal(event_append(s, &e), 0);
	}
	assert_int_equal(store_flush(s), 0);
	assert_int_equal(event_last(s, &r), 0);
	assert_int_equal(r.seq, 30);
	assert_int_equal(r.time, 1030);
	event_done(&r);
	assert_int_equal(events_of(s, (struct event_filter){ 0 }, &v), 30);
	assert_int_equal(v.seq[29], 30);
	assert_int_equal(
	    events_of(s,
		(struct event_filter){ .newest_first = true, .limit = 3 }, &v),
	    3);
	assert_int_equal(v.seq[0], 30);
	assert_int_equal(v.seq[2], 28);
	assert_int_equal(
	    events_of(s, (struct event_filter){ .after_seq = 28 }, &v), 2);
	assert_int_equal(
	    events_of(s,
		(struct event_filter){ .from_time = 1005, .to_time = 1009 },
		&v),
	    5);
	assert_int_equal(
	    events_of(s, (struct event_filter){ .kind = 2 }, &v), 10);
	assert_int_equal(
	    events_of(s, (struct event_filter){ .min_severity = 2 }, &v), 24);
	assert_int_equal(
	    events_of(s, (struct event_filter){ .min_severity = 4 }, &v), 12);
	assert_int_equal(events_of(s,
			     (struct event_filter){
				 .min_severity = 5, .newest_first = true },
			     &v),
	    6);
	assert_int_equal(v.seq[0], 29);
	assert_int_equal(
	    events_of(s, (struct event_filter){ .object = "cert 3" }, &v), 7);
}

/* ACC-8: two records cannot have one number; the batch that tries is lost */
static void
event_number_is_given_once(void **state)
{
	struct store *s = store_in(state);
	struct event_row e = sample_event(1), r;

	assert_int_equal(event_append(s, &e), 0);
	assert_int_equal(store_flush(s), 0);
	e.time = 5;
	(void)!event_append(s, &e); /* known now or at the commit */
	assert_int_equal(store_flush(s), E_DB);
	assert_int_equal(event_last(s, &r), 0);
	assert_int_equal(r.time, 1001);
	event_done(&r);
}

static int
see_checkpoint(const struct checkpoint_row *c, void *cookie)
{
	struct seqs *v = (struct seqs *)cookie;

	assert_true(span_is_equal(c->sig, span_str("signature")));
	v->seq[v->n++] = c->seq;
	return 0;
}

static void
checkpoints(void **state)
{
	struct store *s = store_in(state);
	struct checkpoint_row c = { .time = 4,
		.hash = { 5 },
		.key = "ledger",
		.sig = span_str("signature") };
	struct checkpoint_row r;
	struct seqs v = { .n = 0 };

	assert_int_equal(checkpoint_last(s, &r), E_NOT_FOUND);
	for (c.seq = 10; c.seq <= 40; c.seq += 10)
		assert_int_equal(checkpoint_add(s, &c), 0);
	c.seq = 40;
	assert_int_equal(checkpoint_add(s, &c), E_EXISTS);
	assert_int_equal(checkpoint_each(s, 10, 2, see_checkpoint, &v), 0);
	assert_int_equal(v.n, 2);
	assert_int_equal(v.seq[0], 20);
	assert_int_equal(checkpoint_last(s, &r), 0);
	assert_int_equal(r.seq, 40);
	assert_int_equal(r.hash[0], 5);
	assert_string_equal(r.key, "ledger");
	assert_true(span_is_equal(r.sig, c.sig));
	checkpoint_done(&r);
	assert_int_equal(store_flush(s), 0);
}

static void
settings(void **state)
{
	struct store *s = store_in(state);
	struct span bytes = span_of("a\0b", 3);
	BUF(out, 10);

	assert_int_equal(setting_get(s, "window", &out), E_NOT_FOUND);
	assert_int_equal(setting_set(s, "window", span_str("60d")), 0);
	assert_int_equal(setting_set(s, "window", bytes), 0);
	assert_int_equal(setting_get(s, "window", &out), 0);
	assert_true(span_is_equal(buf_span(&out), bytes));
	assert_int_equal(setting_set(s, "empty", span_of(NULL, 0)), 0);
	assert_int_equal(setting_get(s, "empty", &out), 0);
	assert_int_equal(out.n, 0);
	assert_int_equal(setting_set(s, "long", span_str("12345678901")), 0);
	assert_int_equal(setting_get(s, "long", &out), E_TOO_BIG);
	assert_int_equal(setting_set(s, "", bytes), E_INVAL);
	assert_int_equal(store_flush(s), 0);
}

const struct named_case cases_tables[] = {
	{ "CA-6 one request per transaction", request_is_one_per_transaction },
	{ "CA-6 request decided once", request_is_decided_once },
	{ "requests by state", requests_by_state },
	{ "ENR-1 entity comes back and goes", entity_comes_back_and_goes },
	{ "ENR-1 entities are listed", entities_are_listed },
	{ "ENR-2 passwords are used up", passwords_are_used_up },
	{ "TRUST-1 entries by system", trusts_by_system },
	{ "CA-2 authorities", authorities_and_their_certificates },
	{ "authority refusals, CRL", authority_refusals_and_crl },
	{ "ACC-8 events are filtered", events_are_filtered },
	{ "ACC-8 event number given once", event_number_is_given_once },
	{ "ACC-8 checkpoints", checkpoints },
	{ "settings", settings },
	{ NULL, NULL },
};
