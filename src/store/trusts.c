#include "store/trusts.h"

#include "base/enumtab.h"
#include "store/store_internal.h"

static const struct enum_text origins[] = {
	{ ORIGIN_DEFAULT, "default" },
	{ ORIGIN_ADDED, "added" },
	{ ORIGIN_SCEP, "scep" },
	{ ORIGIN_IMPORT, "import" },
	{ ORIGIN_OWN_CA, "own-ca" },
	{ 0, NULL },
};

const char *
trust_origin_name(enum trust_origin o)
{
	return enum_name(origins, (int)o);
}

void
trust_row_done(struct trust_row *t)
{
	db_free(&t->der);
}

int
trust_row_add(struct store *s, const struct trust_row *t, int64_t *ret_id)
{
	if (t->der.n == 0)
		return E_INVAL;
	return db_insert(s, ST_TRUST_ADD,
	    VALUES(val_text(t->system), val_text(t->alias), val_int(t->origin),
		val_hash(t->fingerprint), val_text(t->subject),
		val_int(t->not_before), val_int(t->not_after),
		val_int(t->added), val_blob(t->der)),
	    ret_id);
}

/* borrows from the query */
static void
take_row(const struct query *q, struct trust_row *ret)
{
	ret->id = db_int(q, 0);
	db_text(q, 1, ret->system, sizeof(ret->system));
	db_text(q, 2, ret->alias, sizeof(ret->alias));
	ret->origin = (enum trust_origin)db_int(q, 3);
	db_hash(q, 4, ret->fingerprint);
	db_text(q, 5, ret->subject, sizeof(ret->subject));
	ret->not_before = db_int(q, 6);
	ret->not_after = db_int(q, 7);
	ret->added = db_int(q, 8);
	ret->der = db_bytes(q, 9);
}

int
trust_row_get(struct store *s, const char *system,
    const uint8_t fingerprint[32], struct trust_row *ret)
{
	struct trust_row t;
	struct query q;
	int err = db_query(&q, s, ST_TRUST_GET,
	    VALUES(val_text(system), val_hash(fingerprint)));

	if (err)
		return err;
	err = db_step(&q);
	if (err == 1) {
		take_row(&q, &t);
		err = db_copy(&q, 9, &t.der);
		if (!err)
			*ret = t;
	} else if (err == 0) {
		err = E_NOT_FOUND;
	}
	db_finish(&q);
	return err;
}

int
trust_row_remove(struct store *s, int64_t id)
{
	return db_change(s, ST_TRUST_REMOVE, VALUES(val_int(id)));
}

int
trust_row_each(
    struct store *s, const char *system, trust_row_fn fn, void *cookie)
{
	struct trust_row t;
	struct query q;
	int err = db_query(&q, s, ST_TRUST_EACH, VALUES(val_text(system)));

	if (err)
		return err;
	while ((err = db_step(&q)) == 1) {
		take_row(&q, &t);
		err = fn(&t, cookie);
		if (err)
			break;
	}
	db_finish(&q);
	return err;
}
