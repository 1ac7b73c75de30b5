#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/str.h"
#include "store/store_internal.h"

#define SETTING_NAME_MAX 128 /* bytes of a setting's name */

static const struct {
	const char *scheme;
	const struct driver *driver;
	bool whole; /* the driver wants the URL as it stands */
} schemes[] = {
	{ "sqlite:", &driver_sqlite, false },
	{ "test:", &driver_test, false },
	{ "postgresql://", &driver_postgresql, true },
	{ "postgres://", &driver_postgresql, true },
};

static int
open_url(const char *url, bool reader, struct diag *d, struct store **ret_store)
{
	struct store *s;
	size_t i = 0, n = sizeof(schemes) / sizeof(schemes[0]);
	int err;

	while (i < n && !str_has_prefix(url, schemes[i].scheme))
		i++;
	if (i == n) {
		err = diag_set(d, E_INVAL, "database", "URL",
		    "neither sqlite:PATH nor postgresql://HOST/NAME");
		diag_remedy(d, "correct --database");
		return err;
	}
	s = (struct store *)calloc(1, sizeof(*s));
	if (!s)
		return diag_set(d, E_NOMEM, "database", NULL, "no memory");
	s->driver = schemes[i].driver;
	s->reader = reader;
	if (!schemes[i].whole)
		url += strlen(schemes[i].scheme);
	err = s->driver->open(s, url, d);
	if (!err)
		err = reader ? schema_check(s, d) : schema_ensure(s, d);
	if (!err && !reader) {
		err = counters_load(s);
		if (err)
			diag_set(d, err, "database", NULL, "has no counters");
	}
	if (err) {
		store_close(s);
		return err;
	}
	*ret_store = s;
	return 0;
}

int
store_open(const char *url, struct diag *d, struct store **ret)
{
	return open_url(url, false, d, ret);
}

int
store_open_reader(const char *url, struct diag *d, struct store **ret)
{
	return open_url(url, true, d, ret);
}

void
store_close(struct store *s)
{
	if (!s)
		return;
	if (s->drv) {
		if (s->writing && !s->poisoned)
			s->driver->rollback(s);
		s->driver->close(s);
	}
	free(s->waiters.p);
	free(s->spare.p);
	free(s);
}

int
store_write(struct store *s)
{
	if (s->reader)
		return E_STATE;
	if (s->writing)
		return s->poisoned ? E_DB : 0;
	s->writing = true;
	s->poisoned = false;
	/* a batch that could not begin is a poisoned one: whoever waits for
	 * it is told at its end like everyone else */
	if (s->lost || s->driver->begin(s))
		s->poisoned = true;
	return s->poisoned ? E_DB : 0;
}

void
store_poison(struct store *s)
{
	if (!s->writing || s->poisoned)
		return;
	s->poisoned = true;
	/* at once: what is read from now on is what will stay */
	s->driver->rollback(s);
	s->counters = s->durable;
	s->counters_dirty = false;
}

static int
waiters_add(struct waiters *w, store_done_fn fn, void *cookie)
{
	if (w->n == w->cap) {
		size_t cap = w->cap ? 2 * w->cap : 64;
		struct waiter *p =
		    (struct waiter *)realloc(w->p, cap * sizeof(*p));

		if (!p)
			return E_NOMEM;
		w->p = p;
		w->cap = cap;
	}
	w->p[w->n++] = (struct waiter){ .fn = fn, .cookie = cookie };
	return 0;
}

int
store_after(struct store *s, store_done_fn fn, void *cookie)
{
	if (s->writing)
		return waiters_add(&s->waiters, fn, cookie);
	fn(0, cookie);
	return 0;
}

int
store_watch(struct store *s, store_done_fn fn, void *cookie)
{
	for (size_t i = 0; i < DB_WATCH_MAX; i++)
		if (!s->watchers[i].fn) {
			s->watchers[i].fn = fn;
			s->watchers[i].cookie = cookie;
			return 0;
		}
	return E_LIMIT;
}

void
store_unwatch(struct store *s, store_done_fn fn, const void *cookie)
{
	for (size_t i = 0; i < DB_WATCH_MAX; i++)
		if (s->watchers[i].fn == fn && s->watchers[i].cookie == cookie)
			memset(&s->watchers[i], 0, sizeof(s->watchers[i]));
}

/* test driver: is this the write that has to fail? */
static bool
is_to_fail(struct store *s)
{
	return s->fail_after > 0 && --s->fail_after == 0;
}

static void
commit(struct store *s)
{
	int err;

	if (s->counters_dirty && counters_save(s))
		store_poison(s);
	if (s->poisoned)
		return;
	err = is_to_fail(s) ? db_failed(s, "commit", "as told to", E_DB)
			    : s->driver->commit(s);
	if (err)
		store_poison(s);
}

int
store_flush(struct store *s)
{
	struct waiters told;
	int result;

	if (s->ending)
		return E_STATE;
	if (!s->writing)
		return 0;
	commit(s);
	result = s->poisoned ? E_DB : 0;
	s->writing = s->poisoned = s->counters_dirty = false;
	if (result)
		s->counters = s->durable;
	else
		s->durable = s->counters;
	/* A callback may write: that is the next batch, with its own list. */
	told = s->waiters;
	s->waiters = s->spare;
	memset(&s->spare, 0, sizeof(s->spare));
	s->ending = true;
	for (size_t i = 0; i < DB_WATCH_MAX; i++)
		if (s->watchers[i].fn)
			s->watchers[i].fn(result, s->watchers[i].cookie);
	for (size_t i = 0; i < told.n; i++)
		told.p[i].fn(result, told.p[i].cookie);
	s->ending = false;
	told.n = 0;
	s->spare = told;
	return result;
}

bool
store_is_writing(const struct store *s)
{
	return s->writing;
}

bool
store_is_lost(const struct store *s)
{
	return s->lost;
}

const char *
store_kind(const struct store *s)
{
	return s->driver->name;
}

void
store_test_fail_after(struct store *s, unsigned n)
{
	if (s->driver == &driver_test)
		s->fail_after = n;
}

int
store_size(struct store *s, int64_t *ret_bytes)
{
	return s->driver->size(s, ret_bytes);
}

int
db_write(struct store *s, enum statement id, const struct value *v, size_t n,
    int64_t *ret_changes, int64_t *ret_id)
{
	int err = db_check_values(v, n);

	if (!err)
		err = store_write(s);
	if (err)
		return err;
	if (is_to_fail(s))
		err = db_failed(s, statement_text[id], "as told to", E_DB);
	else
		err = s->driver->write(s, id, v, n, ret_changes, ret_id);
	if (err)
		store_poison(s);
	return err;
}

int
setting_get(struct store *s, const char *name, struct buf *ret)
{
	struct query q;
	int err = db_query(&q, s, ST_SETTING_GET, VALUES(val_text(name)));

	if (err)
		return err;
	err = db_step(&q);
	if (err == 1) {
		buf_reset(ret);
		buf_add_span(ret, db_bytes(&q, 0));
		err = buf_error(ret);
	} else if (err == 0) {
		err = E_NOT_FOUND;
	}
	db_finish(&q);
	return err;
}

int
setting_set(struct store *s, const char *name, struct span value)
{
	if (!name[0] || strlen(name) >= SETTING_NAME_MAX)
		return E_INVAL;
	return db_write(s, ST_SETTING_SET,
	    VALUES(val_text(name), val_blob(value)), NULL, NULL);
}
