#include "store/certificates.h"

#include "base/enumtab.h"
#include "store/store_internal.h"

#define REVOKED_PAGE 5000 /* rows held at once while a CRL is gathered */

static const struct enum_text states[] = {
	{ CERT_GOOD, "good" },
	{ CERT_REVOKED, "revoked" },
	{ CERT_HOLD, "hold" },
	{ 0, NULL },
};

const char *
cert_state_name(enum cert_state s)
{
	return enum_name(states, (int)s);
}

enum cert_state
cert_state_from_name(const char *text)
{
	return (enum cert_state)enum_from_name(states, text);
}

void
cert_done(struct cert_row *c)
{
	db_free(&c->serial);
	db_free(&c->der);
}

int
cert_new_id(struct store *s, int64_t *ret_id)
{
	int err = 0;

	if (s->cert_last == 0)
		err = db_one(s, ST_CERT_LAST_ID, NULL, 0, &s->cert_last);
	if (!err)
		*ret_id = ++s->cert_last;
	return err;
}

int
cert_add(struct store *s, const struct cert_row *c, int64_t *ret_id)
{
	int64_t id = c->id;
	int err;

	if (c->serial.n == 0 || c->serial.n > CERT_SERIAL_MAX ||
	    c->state < CERT_GOOD || c->state > CERT_HOLD)
		return E_INVAL;
	err = id ? 0 : cert_new_id(s, &id);
	if (err)
		return err;
	err = db_insert(s, ST_CERT_ADD,
	    VALUES(val_int(id), val_blob(c->serial), val_text(c->authority),
		val_int(c->state), val_int(c->not_before),
		val_int(c->not_after), val_int(c->revoked_at),
		val_int(c->reason), val_int(c->warned_at), val_text(c->subject),
		val_text(c->profile), val_text(c->entity), val_int(c->request),
		val_hash(c->spki), val_blob(c->der)),
	    NULL);
	if (err)
		return err;
	counters_add(s, COUNTED_CERTIFICATES, c->state, 1);
	*ret_id = id;
	return 0;
}

/* borrows from the query; the order of CERT_LIST_COLUMNS */
static void
take_row(const struct query *q, struct cert_row *ret)
{
	ret->id = db_int(q, 0);
	ret->serial = db_bytes(q, 1);
	db_text(q, 2, ret->authority, sizeof(ret->authority));
	ret->state = (enum cert_state)db_int(q, 3);
	ret->not_before = db_int(q, 4);
	ret->not_after = db_int(q, 5);
	ret->revoked_at = db_int(q, 6);
	ret->reason = (int)db_int(q, 7);
	ret->warned_at = db_int(q, 8);
	db_text(q, 9, ret->subject, sizeof(ret->subject));
	db_text(q, 10, ret->profile, sizeof(ret->profile));
	db_text(q, 11, ret->entity, sizeof(ret->entity));
	ret->request = db_int(q, 12);
	db_hash(q, 13, ret->spki);
	ret->der = span_of(NULL, 0);
}

static int
own_row(const struct query *q, struct cert_row *ret)
{
	struct cert_row c;
	int err;

	memset(&c, 0, sizeof(c));
	take_row(q, &c);
	c.serial = span_of(NULL, 0);
	err = db_copy(q, 1, &c.serial);
	if (!err)
		err = db_copy(q, 14, &c.der);
	if (err) {
		cert_done(&c);
		return err;
	}
	*ret = c;
	return 0;
}

static int
get(struct store *s, enum statement id, const struct value *v, size_t n,
    struct cert_row *ret)
{
	struct query q;
	int err = db_query(&q, s, id, v, n);

	if (err)
		return err;
	err = db_step(&q);
	if (err == 1)
		err = own_row(&q, ret);
	else if (err == 0)
		err = E_NOT_FOUND;
	db_finish(&q);
	return err;
}

int
cert_by_serial(struct store *s, const char *authority, struct span serial,
    struct cert_row *ret)
{
	if (authority[0])
		return get(s, ST_CERT_BY_SERIAL,
		    VALUES(val_blob(serial), val_text(authority)), ret);
	return get(s, ST_CERT_BY_SERIAL_ANY, VALUES(val_blob(serial)), ret);
}

int
cert_by_id(struct store *s, int64_t id, struct cert_row *ret)
{
	return get(s, ST_CERT_BY_ID, VALUES(val_int(id)), ret);
}

int
cert_set_state(
    struct store *s, int64_t id, enum cert_state st, int64_t when, int reason)
{
	bool good = st == CERT_GOOD;
	int64_t before = 0;
	int err;

	if (st < CERT_GOOD || st > CERT_HOLD)
		return E_INVAL;
	err = db_one(s, ST_CERT_STATE, VALUES(val_int(id)), &before);
	if (err)
		return err;
	err = db_change(s, ST_CERT_SET_STATE,
	    VALUES(val_int(st), val_int(good ? 0 : when),
		val_int(good ? -1 : reason), val_int(id)));
	if (err)
		return err;
	counters_add(s, COUNTED_CERTIFICATES, (int)before, -1);
	counters_add(s, COUNTED_CERTIFICATES, (int)st, 1);
	return 0;
}

/* the filter's open ends as numbers, so that each statement is one text */
struct bounds {
	int64_t after, before, state_low, state_high;
	const char *authority;
};

static struct bounds
bounds_of(const struct cert_filter *f)
{
	return (struct bounds){
		.after = f->expires_after ? f->expires_after : INT64_MIN,
		.before = f->expires_before ? f->expires_before : INT64_MAX,
		.state_low = f->state ? f->state : CERT_GOOD,
		.state_high = f->state ? f->state : CERT_HOLD,
		.authority = f->authority ? f->authority : "",
	};
}

static bool
is_rare(const struct cert_filter *f)
{
	return f->state == CERT_REVOKED || f->state == CERT_HOLD;
}

static int
query_by_expiry(struct query *q, struct store *s, const struct cert_filter *f)
{
	int64_t limit = db_limit(f->limit, CERT_PAGE_MAX);
	struct bounds b = bounds_of(f);
	int64_t time = f->after_id ? f->after_time : INT64_MIN;

	if (b.after < time)
		b.after = time;
	if (f->entity)
		return db_query(q, s, ST_CERT_EACH_EXPIRY_ENTITY,
		    VALUES(val_int(b.after), val_int(b.before),
			val_int(b.state_low), val_int(b.state_high),
			val_text(b.authority), val_int(time),
			val_int(f->after_id), val_text(f->entity),
			val_int(limit)));
	return db_query(q, s,
	    is_rare(f) ? ST_CERT_EACH_EXPIRY_NOT_GOOD : ST_CERT_EACH_EXPIRY,
	    VALUES(val_int(b.after), val_int(b.before), val_int(b.state_low),
		val_int(b.state_high), val_text(b.authority), val_int(time),
		val_int(f->after_id), val_int(limit)));
}

static int
query_by_id(struct query *q, struct store *s, const struct cert_filter *f)
{
	int64_t limit = db_limit(f->limit, CERT_PAGE_MAX);
	struct bounds b = bounds_of(f);

	if (f->entity)
		return db_query(q, s, ST_CERT_EACH_ID_ENTITY,
		    VALUES(val_int(b.after), val_int(b.before),
			val_int(b.state_low), val_int(b.state_high),
			val_text(b.authority), val_int(f->after_id),
			val_text(f->entity), val_int(limit)));
	return db_query(q, s,
	    is_rare(f) ? ST_CERT_EACH_ID_NOT_GOOD : ST_CERT_EACH_ID,
	    VALUES(val_int(b.after), val_int(b.before), val_int(b.state_low),
		val_int(b.state_high), val_text(b.authority),
		val_int(f->after_id), val_int(limit)));
}

static int
walk(struct query *q, cert_fn fn, void *cookie)
{
	struct cert_row c;
	int err;

	memset(&c, 0, sizeof(c));
	while ((err = db_step(q)) == 1) {
		take_row(q, &c);
		err = fn(&c, cookie);
		if (err)
			break;
	}
	db_finish(q);
	return err;
}

int
cert_each(
    struct store *s, const struct cert_filter *f, cert_fn fn, void *cookie)
{
	struct query q;
	int err =
	    f->by_expiry ? query_by_expiry(&q, s, f) : query_by_id(&q, s, f);

	return err ? err : walk(&q, fn, cookie);
}

static int
count_within(struct store *s, const struct bounds *b, int64_t *ret)
{
	if (b->authority[0])
		return db_one(s, ST_CERT_COUNT_AUTHORITY,
		    VALUES(val_int(b->after), val_int(b->before),
			val_int(b->state_low), val_int(b->state_high),
			val_text(b->authority)),
		    ret);
	return db_one(s, ST_CERT_COUNT,
	    VALUES(val_int(b->after), val_int(b->before), val_int(b->state_low),
		val_int(b->state_high)),
	    ret);
}

int
cert_count(struct store *s, const struct cert_filter *f, int64_t *ret)
{
	struct bounds b = bounds_of(f);
	int64_t all, expired = 0;
	int err;

	if (f->entity)
		return db_one(s, ST_CERT_COUNT_ENTITY,
		    VALUES(val_int(b.after), val_int(b.before),
			val_int(b.state_low), val_int(b.state_high),
			val_text(b.authority), val_text(f->entity)),
		    ret);
	if (f->authority || f->expires_before)
		return count_within(s, &b, ret);
	/* How many are valid: nearly all. Those that are not are fewer. */
	if (f->expires_after) {
		b.before = b.after;
		b.after = INT64_MIN;
		err = count_within(s, &b, &expired);
		if (err)
			return err;
	}
	err = counters_get(s, COUNTED_CERTIFICATES, (int)f->state, &all);
	if (!err)
		*ret = all - expired;
	return err;
}

/* one page; *last is the id it ended at, *n how many rows it had */
static int
revoked_page(struct store *s, const char *authority, int64_t now,
    cert_revoked_fn fn, void *cookie, int64_t *last)
{
	struct query q;
	int64_t n = 0;
	int err = db_query(&q, s, ST_CERT_EACH_REVOKED,
	    VALUES(val_int(*last), val_text(authority), val_int(now),
		val_int(REVOKED_PAGE)));

	if (err)
		return err;
	while ((err = db_step(&q)) == 1) {
		*last = db_int(&q, 0);
		n++;
		err = fn(
		    db_bytes(&q, 1), db_int(&q, 2), (int)db_int(&q, 3), cookie);
		if (err)
			break;
	}
	db_finish(&q);
	if (n < REVOKED_PAGE)
		*last = INT64_MAX;
	return err;
}

int
cert_each_revoked(struct store *s, const char *authority, int64_t now,
    cert_revoked_fn fn, void *cookie)
{
	int64_t last = 0;
	int err = 0;

	while (!err && last != INT64_MAX)
		err = revoked_page(s, authority, now, fn, cookie, &last);
	return err;
}

int
cert_each_unwarned(struct store *s, int64_t now, int64_t until, unsigned limit,
    cert_fn fn, void *cookie)
{
	struct query q;
	int err = db_query(&q, s, ST_CERT_EACH_UNWARNED,
	    VALUES(val_int(now), val_int(until),
		val_int(db_limit(limit, CERT_PAGE_MAX))));

	return err ? err : walk(&q, fn, cookie);
}

/* nobody waits for the answer: eighty thousand of these go out in a sweep */
int
cert_set_warned(struct store *s, int64_t id, int64_t when)
{
	return db_write(s, ST_CERT_SET_WARNED,
	    VALUES(val_int(when), val_int(id)), NULL, NULL);
}

int
cert_next_expiry(struct store *s, int64_t now, struct cert_row *ret)
{
	return get(s, ST_CERT_NEXT_EXPIRY, VALUES(val_int(now)), ret);
}
