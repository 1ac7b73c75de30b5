#include "store/authorities.h"

#include "base/enumtab.h"
#include "store/store_internal.h"

static const struct enum_text states[] = {
	{ AUTHORITY_CURRENT, "current" },
	{ AUTHORITY_NEXT, "next" },
	{ AUTHORITY_RETIRED, "retired" },
	{ AUTHORITY_OUTSIDE, "outside" },
	{ 0, NULL },
};
static const struct enum_text kinds[] = {
	{ AUTHORITY_ROOT, "root" },
	{ AUTHORITY_ISSUING, "issuing" },
	{ 0, NULL },
};

const char *
authority_state_name(enum authority_state s)
{
	return enum_name(states, (int)s);
}

const char *
authority_kind_name(enum authority_kind k)
{
	return enum_name(kinds, (int)k);
}

void
authority_done(struct authority_row *a)
{
	db_free(&a->cert);
	db_free(&a->ra_cert);
}

/* the ids stand in file names and URLs: [a-z0-9-] */
static bool
is_id(const char *id)
{
	size_t n = strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 0 && id[n] == '\0' && n < AUTHORITY_ID_MAX;
}

int
authority_add(struct store *s, const struct authority_row *a)
{
	int err;

	if (!is_id(a->id) || a->cert.n == 0 || a->crl_number > INT64_MAX)
		return E_INVAL;
	err = db_insert(s, ST_AUTHORITY_ADD,
	    VALUES(val_text(a->id), val_text(a->parent), val_int(a->kind),
		val_int(a->state), val_text(a->key), val_text(a->ra_key),
		val_blob(a->ra_cert), val_int(a->created),
		val_int((int64_t)a->crl_number), val_int(a->crl_next)),
	    NULL);
	if (err)
		return err;
	return authority_add_cert(s, a->id, a->cert, a->created);
}

/* borrows from the query; the text of an authority without a certificate
 * cannot be: authority_add() writes both in one batch */
static void
take_row(const struct query *q, struct authority_row *ret)
{
	memset(ret, 0, sizeof(*ret));
	db_text(q, 0, ret->id, sizeof(ret->id));
	db_text(q, 1, ret->parent, sizeof(ret->parent));
	ret->kind = (enum authority_kind)db_int(q, 2);
	ret->state = (enum authority_state)db_int(q, 3);
	db_text(q, 4, ret->key, sizeof(ret->key));
	db_text(q, 5, ret->ra_key, sizeof(ret->ra_key));
	ret->ra_cert = db_bytes(q, 6);
	ret->created = db_int(q, 7);
	ret->crl_number = (uint64_t)db_int(q, 8);
	ret->crl_next = db_int(q, 9);
	ret->cert = db_bytes(q, 10);
}

static int
own_row(const struct query *q, struct authority_row *ret)
{
	struct authority_row a;
	int err;

	take_row(q, &a);
	a.cert = a.ra_cert = span_of(NULL, 0);
	err = db_copy(q, 6, &a.ra_cert);
	if (!err)
		err = db_copy(q, 10, &a.cert);
	if (err) {
		authority_done(&a);
		return err;
	}
	*ret = a;
	return 0;
}

int
authority_get(struct store *s, const char *id, struct authority_row *ret)
{
	struct query q;
	int err = db_query(&q, s, ST_AUTHORITY_GET, VALUES(val_text(id)));

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
authority_each(struct store *s, authority_fn fn, void *cookie)
{
	struct authority_row a;
	struct query q;
	int err = db_query(&q, s, ST_AUTHORITY_EACH, NULL, 0);

	if (err)
		return err;
	while ((err = db_step(&q)) == 1) {
		take_row(&q, &a);
		err = fn(&a, cookie);
		if (err)
			break;
	}
	db_finish(&q);
	return err;
}

int
authority_set_state(struct store *s, const char *id, enum authority_state st)
{
	return db_change(
	    s, ST_AUTHORITY_SET_STATE, VALUES(val_int(st), val_text(id)));
}

int
authority_set_ra(
    struct store *s, const char *id, const char *ra_key, struct span ra_cert)
{
	return db_change(s, ST_AUTHORITY_SET_RA,
	    VALUES(val_text(ra_key), val_blob(ra_cert), val_text(id)));
}

int
authority_add_cert(
    struct store *s, const char *id, struct span cert, int64_t now)
{
	return db_change(s, ST_AUTHORITY_ADD_CERT,
	    VALUES(val_int(now), val_blob(cert), val_text(id)));
}

int
authority_each_cert(
    struct store *s, const char *id, authority_cert_fn fn, void *cookie)
{
	struct query q;
	int err = db_query(&q, s, ST_AUTHORITY_EACH_CERT, VALUES(val_text(id)));

	if (err)
		return err;
	while ((err = db_step(&q)) == 1) {
		err = fn((unsigned)db_int(&q, 0), db_bytes(&q, 1), cookie);
		if (err)
			break;
	}
	db_finish(&q);
	return err;
}

int
authority_set_crl(struct store *s, const char *id, uint64_t number,
    int64_t this_update, int64_t next_update, struct span der)
{
	int err;

	if (number > INT64_MAX)
		return E_INVAL;
	err = db_change(s, ST_AUTHORITY_SET_CRL,
	    VALUES(val_int((int64_t)number), val_int(this_update),
		val_int(next_update), val_text(id)));
	if (err)
		return err;
	return db_write(s, ST_AUTHORITY_PUT_CRL,
	    VALUES(val_text(id), val_blob(der)), NULL, NULL);
}

int
authority_get_crl(struct store *s, const char *id, struct buf *ret)
{
	struct query q;
	int err = db_query(&q, s, ST_AUTHORITY_GET_CRL, VALUES(val_text(id)));

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
