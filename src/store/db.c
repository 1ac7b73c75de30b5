/* What stands between the tables' files and the drivers. */
#include <stdio.h>

#include "base/log.h"
#include "base/str.h"
#include "store/store_internal.h"

int
db_failed(struct store *s, const char *what, const char *words, int code)
{
	size_t n = strcspn(words, "\n");

	log_line(LOG_ERROR, "%s: %.*s: %.200s", s->driver->name, (int)n, words,
	    what);
	return code;
}

/* Unicode 3.9, table 3-7: bytes of the well-formed sequence at p, 0 for none */
static size_t
utf8_length(const uint8_t *p, size_t n)
{
	uint8_t low = 0x80, high = 0xbf;
	size_t want;

	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	want = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (n < want || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < want; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return want;
}

static bool
is_utf8(struct span s)
{
	for (size_t i = 0; i < s.n;) {
		size_t len = s.p[i] < 0x80 ? 1 : utf8_length(s.p + i, s.n - i);

		if (len == 0)
			return false;
		i += len;
	}
	return true;
}

int
db_check_values(const struct value *v, size_t n)
{
	if (n > DB_VALUES_MAX)
		return E_BUG;
	for (size_t i = 0; i < n; i++)
		if (v[i].kind == VALUE_TEXT && !is_utf8(v[i].s))
			return E_INVAL;
	return 0;
}

int
db_query(struct query *q, struct store *s, enum statement id,
    const struct value *v, size_t n)
{
	int err = db_check_values(v, n);

	if (err)
		return err;
	memset(q, 0, sizeof(*q));
	q->s = s;
	q->id = id;
	err = s->driver->query(q, v, n);
	if (err)
		store_poison(s);
	return err;
}

int
db_step(struct query *q)
{
	int err = q->s->driver->step(q);

	if (err < 0)
		store_poison(q->s);
	return err;
}

void
db_finish(struct query *q)
{
	q->s->driver->finish(q);
}

int64_t
db_int(const struct query *q, int column)
{
	return q->s->driver->column_int(q, column);
}

struct span
db_bytes(const struct query *q, int column)
{
	return q->s->driver->column_bytes(q, column);
}

void
db_text(const struct query *q, int column, char *out, size_t size)
{
	struct span s = db_bytes(q, column);
	size_t n = s.n < size ? s.n : size - 1;

	if (n)
		memcpy(out, s.p, n);
	out[n] = '\0';
}

void
db_hash(const struct query *q, int column, uint8_t out[32])
{
	struct span s = db_bytes(q, column);

	memset(out, 0, 32);
	if (s.n)
		memcpy(out, s.p, s.n < 32 ? s.n : 32);
}

int
db_copy(const struct query *q, int column, struct span *ret)
{
	struct span s = db_bytes(q, column);
	uint8_t *p = (uint8_t *)malloc(s.n ? s.n : 1);

	if (!p)
		return E_NOMEM;
	if (s.n)
		memcpy(p, s.p, s.n);
	*ret = span_of(p, s.n);
	return 0;
}

void
db_free(struct span *s)
{
	free((void *)(uintptr_t)s->p);
	*s = span_of(NULL, 0);
}

int
db_one(struct store *s, enum statement id, const struct value *v, size_t n,
    int64_t *ret)
{
	struct query q;
	int err = db_query(&q, s, id, v, n);

	if (err)
		return err;
	err = db_step(&q);
	if (err == 1) {
		*ret = db_int(&q, 0);
		err = 0;
	} else if (err == 0) {
		err = E_NOT_FOUND;
	}
	db_finish(&q);
	return err;
}

int
db_insert(struct store *s, enum statement id, const struct value *v, size_t n,
    int64_t *ret_id)
{
	int64_t changes = 0, row = 0;
	int err = db_write(s, id, v, n, &changes, ret_id ? &row : NULL);

	if (err)
		return err;
	if (changes == 0)
		return E_EXISTS;
	if (ret_id)
		*ret_id = row;
	return 0;
}

int
db_change(struct store *s, enum statement id, const struct value *v, size_t n)
{
	int64_t changes = 0;
	int err = db_write(s, id, v, n, &changes, NULL);

	if (err)
		return err;
	return changes ? 0 : E_NOT_FOUND;
}

unsigned
db_limit(unsigned wanted, unsigned most)
{
	if (wanted == 0)
		return DB_ROWS_DEFAULT;
	return wanted < most ? wanted : most;
}
