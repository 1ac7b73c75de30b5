/* store/entities: end entities (ENR-1) and their enrollment passwords (ENR-2).
 */
#ifndef SIGNET_STORE_ENTITIES_H
#define SIGNET_STORE_ENTITIES_H

#include "store/authorities.h"

#define ENTITY_NAME_MAX 128

enum entity_token {
	TOKEN_UNSET,
	TOKEN_USER,
	TOKEN_P12,
	TOKEN_PEM,
	TOKEN_JKS
}; /* user: user-generated key */
const char *entity_token_name(enum entity_token t);
enum entity_token entity_token_from_name(const char *text);

struct entity_row {
	int64_t id;
	char name[ENTITY_NAME_MAX]; /* unique; [A-Za-z0-9._@-] */
	char profile[64];
	char authority[AUTHORITY_ID_MAX]; /* "" = the current one */
	enum entity_token token;
	char subject[512]; /* DN text; "" = CN from the request */
	char sans[2048];   /* SAN text; "" = as the profile allows from the
			      request */
	char mac[32];      /* 12 hex digits lower case; "" */
	bool manual;       /* every request waits for approval */
	int64_t created;
};
int entity_add(struct store *s, const struct entity_row *e, int64_t *ret_id)
    ERR_CHECK; /* E_EXISTS */
int entity_get(struct store *s, const char *name, struct entity_row *ret)
    ERR_CHECK;
int entity_by_id(struct store *s, int64_t id, struct entity_row *ret) ERR_CHECK;
int entity_remove(struct store *s, const char *name)
    ERR_CHECK; /* its passwords too; certificates stay */
typedef int (*entity_fn)(const struct entity_row *e, void *cookie);
int entity_each(struct store *s, int64_t after_id, unsigned limit, entity_fn fn,
    void *cookie) ERR_CHECK;

/* Passwords are random (100 bits), so a plain SHA-256 finds and keeps them. */
struct password_row {
	int64_t id, entity;
	uint8_t hash[32]; /* SHA-256 of the normalised password */
	int64_t created, expires;
	int64_t uses_total; /* 0: without end */
	int64_t uses_left;
};
int password_add(struct store *s, const struct password_row *p, int64_t *ret_id)
    ERR_CHECK;
int password_by_hash(struct store *s, const uint8_t hash[32],
    struct password_row *ret) ERR_CHECK;
/* password_use(id): takes one use; E_EXPIRED when none is left */
int password_use(struct store *s, int64_t id) ERR_CHECK;
typedef int (*password_fn)(const struct password_row *p, void *cookie);
int password_each(struct store *s, int64_t entity, password_fn fn, void *cookie)
    ERR_CHECK;
int password_remove(struct store *s, int64_t id) ERR_CHECK;

#endif
