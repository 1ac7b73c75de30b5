/* store/certificates: what every driver must answer. */
#include "store/helper_cases.h"

static struct store *
store_in(void **state)
{
	return ((struct fixture *)*state)->s;
}

static int64_t
add(struct store *s, unsigned n, int64_t not_after)
{
	struct cert_row c = sample_cert(n, not_after);
	int64_t id = 0;

	assert_int_equal(cert_add(s, &c, &id), 0);
	assert_true(id > 0);
	return id;
}

struct seen {
	int64_t id[64], time[64];
	size_t n, most;
};

static int
see(const struct cert_row *c, void *cookie)
{
	struct seen *v = (struct seen *)cookie;

	assert_int_equal(c->der.n, 0);
	v->id[v->n] = c->id;
	v->time[v->n] = c->not_after;
	v->n++;
	return v->most && v->n == v->most ? E_LIMIT : 0;
}

static void
comes_back_whole(void **state)
{
	struct store *s = store_in(state);
	struct cert_row c = sample_cert(258, 9000), r;
	int64_t id;

	c.revoked_at = 17;
	c.reason = 4;
	c.warned_at = 3;
	c.state = CERT_REVOKED;
	assert_int_equal(cert_add(s, &c, &id), 0);
	assert_int_equal(store_flush(s), 0);
	assert_int_equal(cert_by_id(s, id, &r), 0);
	assert_int_equal(r.id, id);
	assert_true(span_is_equal(r.serial, c.serial));
	assert_true(span_is_equal(r.der, c.der));
	assert_string_equal(r.authority, c.authority);
	assert_string_equal(r.subject, c.subject);
	assert_string_equal(r.profile, c.profile);
	assert_string_equal(r.entity, c.entity);
	assert_memory_equal(r.spki, c.spki, 32);
	assert_int_equal(r.state, CERT_REVOKED);
	assert_int_equal(r.not_before, 1000);
	assert_int_equal(r.not_after, 9000);
	assert_int_equal(r.revoked_at, 17);
	assert_int_equal(r.reason, 4);
	assert_int_equal(r.warned_at, 3);
	assert_int_equal(r.request, 258);
	cert_done(&r);
	assert_int_equal(cert_by_id(s, id + 1, &r), E_NOT_FOUND);
}

/* CA-6: a serial number stands for one certificate of its authority; the
 * refusal does not cost the rest of the batch */
static void
serial_is_unique_per_authority(void **state)
{
	struct store *s = store_in(state);
	struct cert_row c = sample_cert(1, 9000), r;
	int64_t first, id = 0;

	assert_int_equal(cert_add(s, &c, &first), 0);
	assert_int_equal(cert_add(s, &c, &id), E_EXISTS);
	snprintf(c.authority, sizeof(c.authority), "issuing-2");
	assert_int_equal(cert_add(s, &c, &id), 0);
	assert_int_equal(store_flush(s), 0);
	assert_int_equal(cert_by_serial(s, "issuing-2", c.serial, &r), 0);
	assert_int_equal(r.id, id);
	cert_done(&r);
	assert_int_equal(cert_by_serial(s, "", c.serial, &r), 0);
	cert_done(&r);
	assert_int_equal(
	    cert_by_serial(s, "issuing-3", c.serial, &r), E_NOT_FOUND);
	assert_int_equal(
	    cert_by_serial(s, "", span_str("none"), &r), E_NOT_FOUND);
}

static void
refuses_what_is_no_certificate(void **state)
{
	struct store *s = store_in(state);
	struct cert_row c = sample_cert(1, 9000);
	int64_t id = -7;

	c.state = CERT_UNSET;
	assert_int_equal(cert_add(s, &c, &id), E_INVAL);
	c = sample_cert(1, 9000);
	c.serial = span_of("012345678901234567890", 21);
	assert_int_equal(cert_add(s, &c, &id), E_INVAL);
	c.serial.n = 0;
	assert_int_equal(cert_add(s, &c, &id), E_INVAL);
	/* text that PostgreSQL would end the batch over */
	c = sample_cert(1, 9000);
	snprintf(c.subject, sizeof(c.subject), "CN=\xed\xa0\x80");
	assert_int_equal(cert_add(s, &c, &id), E_INVAL);
	assert_int_equal(id, -7);
	add(s, 2, 9000);
	assert_int_equal(store_flush(s), 0);
}

static void
pages_by_expiry(void **state)
{
	struct store *s = store_in(state);
	struct cert_filter f = { .by_expiry = true,
		.limit = 7,
		.expires_after = 2003,
		.expires_before = 2009 };
	struct seen v = { 0 };
	int64_t ids[40];

	/* four of each time, in an order that is not that of time */
	for (unsigned i = 0; i < 40; i++)
		ids[i] = add(s, i, 2000 + (i * 7) % 10);
	assert_int_equal(store_flush(s), 0);
	for (size_t before = 1; before != v.n;) {
		before = v.n;
		assert_int_equal(cert_each(s, &f, see, &v), 0);
		if (v.n) {
			f.after_id = v.id[v.n - 1];
			f.after_time = v.time[v.n - 1];
		}
	}
	assert_int_equal(v.n, 24);
	for (size_t i = 1; i < v.n; i++)
		assert_true(
		    v.time[i - 1] < v.time[i] ||
		    (v.time[i - 1] == v.time[i] && v.id[i - 1] < v.id[i]));
	assert_int_equal(v.time[0], 2003);
	assert_int_equal(v.time[23], 2008);
	assert_true(ids[0] > 0);
}

static void
pages_by_id_and_stops(void **state)
{
	struct store *s = store_in(state);
	struct cert_filter f = { .limit = 3 };
	struct seen v = { .most = 5 };

	for (unsigned i = 0; i < 10; i++)
		add(s, i, 5000 - (int64_t)i);
	assert_int_equal(cert_each(s, &f, see, &v), 0);
	assert_int_equal(v.n, 3);
	f.after_id = v.id[2];
	assert_int_equal(cert_each(s, &f, see, &v), E_LIMIT);
	assert_int_equal(v.n, 5);
	for (size_t i = 1; i < v.n; i++)
		assert_true(v.id[i - 1] < v.id[i]);
	f.limit = 0;
	f.after_id = INT64_MAX;
	assert_int_equal(cert_each(s, &f, see, &v), 0);
	assert_int_equal(v.n, 5);
}

static void
expect(struct store *s, struct cert_filter f, size_t n)
{
	struct seen v = { 0 };
	int64_t counted = -1;

	assert_int_equal(cert_each(s, &f, see, &v), 0);
	assert_int_equal(v.n, n);
	v.n = 0;
	f.by_expiry = true;
	assert_int_equal(cert_each(s, &f, see, &v), 0);
	assert_int_equal(v.n, n);
	assert_int_equal(cert_count(s, &f, &counted), 0);
	assert_int_equal(counted, n);
}

/* each filter, listed both ways and counted */
static void
filters_and_counts(void **state)
{
	struct store *s = store_in(state);
	struct cert_row c = sample_cert(30, 6000);
	int64_t id[20];

	for (unsigned i = 0; i < 20; i++)
		id[i] = add(s, i, 5000 + i);
	snprintf(c.authority, sizeof(c.authority), "issuing-2");
	assert_int_equal(cert_add(s, &c, &id[0]), 0);
	assert_int_equal(cert_set_state(s, id[3], CERT_REVOKED, 70, 1), 0);
	assert_int_equal(cert_set_state(s, id[4], CERT_HOLD, 71, 6), 0);
	assert_int_equal(cert_set_state(s, id[5], CERT_HOLD, 71, 6), 0);
	assert_int_equal(cert_set_state(s, id[5], CERT_GOOD, 72, 0), 0);
	assert_int_equal(store_flush(s), 0);
	expect(s, (struct cert_filter){ 0 }, 21);
	expect(s, (struct cert_filter){ .state = CERT_GOOD }, 19);
	expect(s, (struct cert_filter){ .state = CERT_REVOKED }, 1);
	expect(s, (struct cert_filter){ .state = CERT_HOLD }, 1);
	expect(s, (struct cert_filter){ .authority = "issuing-2" }, 1);
	expect(s, (struct cert_filter){ .authority = "issuing-9" }, 0);
	expect(s, (struct cert_filter){ .entity = "phone-group" }, 11);
	expect(s, (struct cert_filter){ .entity = "" }, 0);
	expect(s, (struct cert_filter){ .expires_before = 5003 }, 3);
	expect(s, (struct cert_filter){ .expires_after = 5017 }, 4);
	expect(s,
	    (struct cert_filter){ .expires_after = 5003, .state = CERT_GOOD },
	    16);
	expect(s,
	    (struct cert_filter){ .expires_after = 5002,
		.expires_before = 5006,
		.state = CERT_GOOD,
		.entity = "phone-group",
		.authority = "issuing-1" },
	    1);
	assert_int_equal(
	    cert_set_state(s, 123456, CERT_REVOKED, 1, 1), E_NOT_FOUND);
}

struct revoked {
	size_t n;
	int reason[8];
	int64_t at[8];
	uint8_t last[8];
};

static int
see_revoked(struct span serial, int64_t at, int reason, void *cookie)
{
	struct revoked *r = (struct revoked *)cookie;

	assert_int_equal(serial.n, 4);
	r->last[r->n] = serial.p[3];
	r->at[r->n] = at;
	r->reason[r->n++] = reason;
	return 0;
}

/* what a CRL lists: RFC 5280 5.3.1 reasons; not what is past its end */
static void
lists_the_revoked(void **state)
{
	struct store *s = store_in(state);
	struct revoked r = { 0 };
	int64_t id[6];

	for (unsigned i = 0; i < 6; i++)
		id[i] = add(s, i, 5000 + i);
	for (unsigned i = 1; i < 5; i++)
		assert_int_equal(
		    cert_set_state(s, id[i], i % 2 ? CERT_REVOKED : CERT_HOLD,
			100 + i, (int)i),
		    0);
	assert_int_equal(cert_set_state(s, id[4], CERT_GOOD, 0, 0), 0);
	assert_int_equal(
	    cert_each_revoked(s, "issuing-1", 5002, see_revoked, &r), 0);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.last[0], 2);
	assert_int_equal(r.reason[0], 2);
	assert_int_equal(r.at[1], 103);
	r.n = 0;
	assert_int_equal(
	    cert_each_revoked(s, "issuing-2", 0, see_revoked, &r), 0);
	assert_int_equal(r.n, 0);
}

/* more than one inner page */
static int
count_revoked(struct span serial, int64_t at, int reason, void *cookie)
{
	(void)serial;
	(void)at;
	(void)reason;
	++*(int *)cookie;
	return 0;
}

static void
lists_many_revoked(void **state)
{
	struct store *s = store_in(state);
	struct cert_row c = sample_cert(1, 9000);
	uint8_t serial[4] = { 1 };
	int64_t id;
	int n = 0;

	c.state = CERT_REVOKED;
	c.serial = span_of(serial, 4);
	for (unsigned i = 0; i < 10000; i++) {
		serial[1] = (uint8_t)(i >> 8);
		serial[2] = (uint8_t)i;
		assert_int_equal(cert_add(s, &c, &id), 0);
	}
	assert_int_equal(
	    cert_each_revoked(s, "issuing-1", 0, count_revoked, &n), 0);
	assert_int_equal(n, 10000);
}

/* WATCH-2: every certificate of the window once, in order of expiry; marked
 * within the walk or after it; still marked after a restart */
static void
warns_once(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	struct seen v = { 0 };
	int64_t id[10];

	for (unsigned i = 0; i < 10; i++)
		id[i] = add(f->s, i, 5009 - (int64_t)i);
	assert_int_equal(cert_set_state(f->s, id[5], CERT_HOLD, 1, 6), 0);
	assert_int_equal(cert_each_unwarned(f->s, 5001, 5007, 4, see, &v), 0);
	assert_int_equal(v.n, 4);
	assert_int_equal(v.time[0], 5002);
	assert_int_equal(v.time[1], 5003);
	assert_int_equal(v.time[2], 5005);
	for (size_t i = 0; i < v.n; i++)
		assert_int_equal(cert_set_warned(f->s, v.id[i], 4000), 0);
	assert_int_equal(store_flush(f->s), 0);
	if (f->kind != FIXTURE_TEST)
		fixture_reopen(f);
	v.n = 0;
	assert_int_equal(cert_each_unwarned(f->s, 5001, 5007, 4, see, &v), 0);
	assert_int_equal(v.n, 1);
	assert_int_equal(v.time[0], 5007);
}

static int
warn_inside(const struct cert_row *c, void *cookie)
{
	struct seen inner = { 0 };
	struct store *s = (struct store *)cookie;

	/* the same listing within itself, and a write to what it walks */
	assert_int_equal(cert_each_unwarned(s, 0, 9000, 2, see, &inner), 0);
	assert_true(inner.n > 0);
	return cert_set_warned(s, c->id, 4000);
}

static void
lists_within_a_list(void **state)
{
	struct store *s = store_in(state);
	struct seen v = { 0 };

	for (unsigned i = 0; i < 10; i++)
		add(s, i, 5000 + i);
	assert_int_equal(cert_each_unwarned(s, 0, 9000, 5, warn_inside, s), 0);
	assert_int_equal(cert_each_unwarned(s, 0, 9000, 0, see, &v), 0);
	assert_int_equal(v.n, 5);
	assert_int_equal(store_flush(s), 0);
}

static void
next_expiry(void **state)
{
	struct store *s = store_in(state);
	struct cert_row r;
	int64_t id;

	assert_int_equal(cert_next_expiry(s, 0, &r), E_NOT_FOUND);
	add(s, 1, 5001);
	id = add(s, 2, 5002);
	add(s, 3, 5003);
	assert_int_equal(cert_next_expiry(s, 5002, &r), 0);
	assert_int_equal(r.id, id);
	cert_done(&r);
	assert_int_equal(cert_set_state(s, id, CERT_REVOKED, 1, 0), 0);
	assert_int_equal(cert_next_expiry(s, 5002, &r), 0);
	assert_int_equal(r.not_after, 5003);
	cert_done(&r);
	assert_int_equal(cert_next_expiry(s, 5004, &r), E_NOT_FOUND);
}

static void
names_of_states(void **state)
{
	(void)state;
	assert_string_equal(cert_state_name(CERT_HOLD), "hold");
	assert_int_equal(cert_state_from_name("revoked"), CERT_REVOKED);
	assert_int_equal(cert_state_from_name("gone"), CERT_UNSET);
}

const struct named_case cases_certificates[] = {
	{ "certificate comes back whole", comes_back_whole },
	{ "CA-6 serial unique per authority", serial_is_unique_per_authority },
	{ "refuses what is no certificate", refuses_what_is_no_certificate },
	{ "pages by expiry", pages_by_expiry },
	{ "pages by id and stops", pages_by_id_and_stops },
	{ "filters and counts", filters_and_counts },
	{ "lists the revoked", lists_the_revoked },
	{ "lists many revoked", lists_many_revoked },
	{ "WATCH-2 warns once", warns_once },
	{ "lists within a list", lists_within_a_list },
	{ "next expiry", next_expiry },
	{ "names of states", names_of_states },
	{ NULL, NULL },
};
