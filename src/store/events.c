#include "store/events.h"

#include "store/store_internal.h"

#define EVENT_PAGE_MAX 10000 /* rows of one listing */
#define EVENT_SEVERE 3       /* from here on there is an index (schema.c) */

void
event_done(struct event_row *e)
{
	db_free(&e->body);
}

/* No answer is waited for: a number that exists already ends the batch, as it
 * should: the chain must not have two ends. */
int
event_append(struct store *s, const struct event_row *e)
{
	return db_write(s, ST_EVENT_ADD,
	    VALUES(val_int(e->seq), val_int(e->time), val_int(e->kind),
		val_int(e->severity), val_text(e->object), val_hash(e->hash),
		val_blob(e->body)),
	    NULL, NULL);
}

/* borrows from the query */
static void
take_event(const struct query *q, struct event_row *ret)
{
	ret->seq = db_int(q, 0);
	ret->time = db_int(q, 1);
	ret->kind = (int)db_int(q, 2);
	ret->severity = (int)db_int(q, 3);
	db_text(q, 4, ret->object, sizeof(ret->object));
	db_hash(q, 5, ret->hash);
	ret->body = db_bytes(q, 6);
}

int
event_last(struct store *s, struct event_row *ret)
{
	struct event_row e;
	struct query q;
	int err = db_query(&q, s, ST_EVENT_LAST, NULL, 0);

	if (err)
		return err;
	err = db_step(&q);
	if (err == 1) {
		take_event(&q, &e);
		err = db_copy(&q, 6, &e.body);
		if (!err)
			*ret = e;
	} else if (err == 0) {
		err = E_NOT_FOUND;
	}
	db_finish(&q);
	return err;
}

static enum statement
listing(const struct event_filter *f)
{
	if (f->min_severity >= EVENT_SEVERE)
		return f->newest_first ? ST_EVENT_EACH_SEVERE_NEWEST
				       : ST_EVENT_EACH_SEVERE;
	return f->newest_first ? ST_EVENT_EACH_NEWEST : ST_EVENT_EACH;
}

int
event_each(
    struct store *s, const struct event_filter *f, event_fn fn, void *cookie)
{
	struct event_row e;
	struct query q;
	int err = db_query(&q, s, listing(f),
	    VALUES(val_int(f->after_seq),
		val_int(f->from_time ? f->from_time : INT64_MIN),
		val_int(f->to_time ? f->to_time : INT64_MAX), val_int(f->kind),
		val_int(f->min_severity), val_text(f->object ? f->object : ""),
		val_int(db_limit(f->limit, EVENT_PAGE_MAX))));

	if (err)
		return err;
	while ((err = db_step(&q)) == 1) {
		take_event(&q, &e);
		err = fn(&e, cookie);
		if (err)
			break;
	}
	db_finish(&q);
	return err;
}

void
checkpoint_done(struct checkpoint_row *c)
{
	db_free(&c->sig);
}

/* E_EXISTS when this event has one */
int
checkpoint_add(struct store *s, const struct checkpoint_row *c)
{
	return db_insert(s, ST_CHECKPOINT_ADD,
	    VALUES(val_int(c->seq), val_int(c->time), val_hash(c->hash),
		val_text(c->key), val_blob(c->sig)),
	    NULL);
}

static void
take_checkpoint(const struct query *q, struct checkpoint_row *ret)
{
	ret->seq = db_int(q, 0);
	ret->time = db_int(q, 1);
	db_hash(q, 2, ret->hash);
	db_text(q, 3, ret->key, sizeof(ret->key));
	ret->sig = db_bytes(q, 4);
}

int
checkpoint_each(struct store *s, int64_t after_seq, unsigned limit,
    checkpoint_fn fn, void *cookie)
{
	struct checkpoint_row c;
	struct query q;
	int err = db_query(&q, s, ST_CHECKPOINT_EACH,
	    VALUES(
		val_int(after_seq), val_int(db_limit(limit, EVENT_PAGE_MAX))));

	if (err)
		return err;
	while ((err = db_step(&q)) == 1) {
		take_checkpoint(&q, &c);
		err = fn(&c, cookie);
		if (err)
			break;
	}
	db_finish(&q);
	return err;
}

int
checkpoint_last(struct store *s, struct checkpoint_row *ret)
{
	struct checkpoint_row c;
	struct query q;
	int err = db_query(&q, s, ST_CHECKPOINT_LAST, NULL, 0);

	if (err)
		return err;
	err = db_step(&q);
	if (err == 1) {
		take_checkpoint(&q, &c);
		err = db_copy(&q, 4, &c.sig);
		if (!err)
			*ret = c;
	} else if (err == 0) {
		err = E_NOT_FOUND;
	}
	db_finish(&q);
	return err;
}
