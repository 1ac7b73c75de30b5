#include "store/entities.h"

#include "base/enumtab.h"
#include "store/store_internal.h"

#define ENTITY_PAGE_MAX 1000 /* rows of one listing */

static const struct enum_text tokens[] = {
	{ TOKEN_USER, "user" },
	{ TOKEN_P12, "p12" },
	{ TOKEN_PEM, "pem" },
	{ TOKEN_JKS, "jks" },
	{ 0, NULL },
};

const char *
entity_token_name(enum entity_token t)
{
	return enum_name(tokens, (int)t);
}

enum entity_token
entity_token_from_name(const char *text)
{
	return (enum entity_token)enum_from_name(tokens, text);
}

/* [A-Za-z0-9._@-]: the name stands in URLs, file names and log lines */
static bool
is_name(const char *name)
{
	size_t n =
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789._@-");

	return n > 0 && name[n] == '\0' && n < ENTITY_NAME_MAX;
}

int
entity_add(struct store *s, const struct entity_row *e, int64_t *ret_id)
{
	if (!is_name(e->name))
		return E_INVAL;
	return db_insert(s, ST_ENTITY_ADD,
	    VALUES(val_text(e->name), val_text(e->profile),
		val_text(e->authority), val_int(e->token), val_text(e->subject),
		val_text(e->sans), val_text(e->mac), val_int(e->manual),
		val_int(e->created)),
	    ret_id);
}

static void
take_entity(const struct query *q, struct entity_row *ret)
{
	ret->id = db_int(q, 0);
	db_text(q, 1, ret->name, sizeof(ret->name));
	db_text(q, 2, ret->profile, sizeof(ret->profile));
	db_text(q, 3, ret->authority, sizeof(ret->authority));
	ret->token = (enum entity_token)db_int(q, 4);
	db_text(q, 5, ret->subject, sizeof(ret->subject));
	db_text(q, 6, ret->sans, sizeof(ret->sans));
	db_text(q, 7, ret->mac, sizeof(ret->mac));
	ret->manual = db_int(q, 8) != 0;
	ret->created = db_int(q, 9);
}

static int
get_entity(struct store *s, enum statement id, struct value key,
    struct entity_row *ret)
{
	struct query q;
	int err = db_query(&q, s, id, &key, 1);

	if (err)
		return err;
	err = db_step(&q);
	if (err == 1) {
		take_entity(&q, ret);
		err = 0;
	} else if (err == 0) {
		err = E_NOT_FOUND;
	}
	db_finish(&q);
	return err;
}

int
entity_get(struct store *s, const char *name, struct entity_row *ret)
{
	return get_entity(s, ST_ENTITY_GET, val_text(name), ret);
}

int
entity_by_id(struct store *s, int64_t id, struct entity_row *ret)
{
	return get_entity(s, ST_ENTITY_BY_ID, val_int(id), ret);
}

int
entity_remove(struct store *s, const char *name)
{
	return db_change(s, ST_ENTITY_REMOVE, VALUES(val_text(name)));
}

int
entity_each(struct store *s, int64_t after_id, unsigned limit, entity_fn fn,
    void *cookie)
{
	struct entity_row e;
	struct query q;
	int err = db_query(&q, s, ST_ENTITY_EACH,
	    VALUES(
		val_int(after_id), val_int(db_limit(limit, ENTITY_PAGE_MAX))));

	if (err)
		return err;
	while ((err = db_step(&q)) == 1) {
		take_entity(&q, &e);
		err = fn(&e, cookie);
		if (err)
			break;
	}
	db_finish(&q);
	return err;
}

/* E_NOT_FOUND for a password of nobody: the foreign key would end the batch */
int
password_add(struct store *s, const struct password_row *p, int64_t *ret_id)
{
	struct entity_row e;
	int err;

	if (p->uses_total < 0 || p->uses_left < 0)
		return E_INVAL;
	err = entity_by_id(s, p->entity, &e);
	if (err)
		return err;
	return db_insert(s, ST_PASSWORD_ADD,
	    VALUES(val_int(p->entity), val_hash(p->hash), val_int(p->created),
		val_int(p->expires), val_int(p->uses_total),
		val_int(p->uses_left)),
	    ret_id);
}

static void
take_password(const struct query *q, struct password_row *ret)
{
	ret->id = db_int(q, 0);
	ret->entity = db_int(q, 1);
	db_hash(q, 2, ret->hash);
	ret->created = db_int(q, 3);
	ret->expires = db_int(q, 4);
	ret->uses_total = db_int(q, 5);
	ret->uses_left = db_int(q, 6);
}

int
password_by_hash(
    struct store *s, const uint8_t hash[32], struct password_row *ret)
{
	struct query q;
	int err = db_query(&q, s, ST_PASSWORD_BY_HASH, VALUES(val_hash(hash)));

	if (err)
		return err;
	err = db_step(&q);
	if (err == 1) {
		take_password(&q, ret);
		err = 0;
	} else if (err == 0) {
		err = E_NOT_FOUND;
	}
	db_finish(&q);
	return err;
}

/* ENR-2: the count goes down in the statement that tests it, so that the last
 * use is given once. A password without an end is not written to. */
int
password_use(struct store *s, int64_t id)
{
	int64_t total;
	int err = db_change(s, ST_PASSWORD_USE, VALUES(val_int(id)));

	if (err != E_NOT_FOUND)
		return err;
	err = db_one(s, ST_PASSWORD_TOTAL, VALUES(val_int(id)), &total);
	if (err)
		return err;
	return total == 0 ? 0 : E_EXPIRED;
}

int
password_each(struct store *s, int64_t entity, password_fn fn, void *cookie)
{
	struct password_row p;
	struct query q;
	int err = db_query(&q, s, ST_PASSWORD_EACH, VALUES(val_int(entity)));

	if (err)
		return err;
	while ((err = db_step(&q)) == 1) {
		take_password(&q, &p);
		err = fn(&p, cookie);
		if (err)
			break;
	}
	db_finish(&q);
	return err;
}

int
password_remove(struct store *s, int64_t id)
{
	return db_change(s, ST_PASSWORD_REMOVE, VALUES(val_int(id)));
}
