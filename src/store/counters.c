/* The numbers of rows by state, exact because they are part of each batch. */
#include "store/store_internal.h"

static int
load(struct store *s, struct counters *ret)
{
	struct query q;
	int err = db_query(&q, s, ST_COUNTERS_GET, NULL, 0);

	if (err)
		return err;
	err = db_step(&q);
	if (err == 1) {
		memset(ret, 0, sizeof(*ret));
		for (int i = 0; i < 3; i++) {
			ret->n[COUNTED_CERTIFICATES][i + 1] = db_int(&q, i);
			ret->n[COUNTED_REQUESTS][i + 1] = db_int(&q, 3 + i);
		}
	}
	db_finish(&q);
	if (err < 0)
		return err;
	return err == 1 ? 0 : E_NOT_FOUND;
}

int
counters_load(struct store *s)
{
	int err = load(s, &s->durable);

	s->counters = s->durable;
	return err;
}

int
counters_save(struct store *s)
{
	const int64_t *c = s->counters.n[COUNTED_CERTIFICATES];
	const int64_t *r = s->counters.n[COUNTED_REQUESTS];

	return db_write(s, ST_COUNTERS_SET,
	    VALUES(val_int(c[1]), val_int(c[2]), val_int(c[3]), val_int(r[1]),
		val_int(r[2]), val_int(r[3])),
	    NULL, NULL);
}

void
counters_add(struct store *s, enum counted what, int state, int64_t n)
{
	if (state < 1 || state >= COUNTED_STATES)
		return;
	s->counters.n[what][state] += n;
	s->counters_dirty = true;
}

int
counters_get(struct store *s, enum counted what, int state, int64_t *ret)
{
	struct counters read;
	const int64_t *n = s->counters.n[what];
	int err;

	if (s->reader) {
		err = load(s, &read);
		if (err)
			return err;
		n = read.n[what];
	}
	if (state < 0 || state >= COUNTED_STATES)
		return E_INVAL;
	*ret = state ? n[state] : n[1] + n[2] + n[3];
	return 0;
}
