/* store/trusts: entries of the trusted certificate stores (TRUST-1). */
#ifndef SIGNET_STORE_TRUSTS_H
#define SIGNET_STORE_TRUSTS_H

#include "store/store.h"

enum trust_origin {
	ORIGIN_UNSET,
	ORIGIN_DEFAULT,
	ORIGIN_ADDED,
	ORIGIN_SCEP,
	ORIGIN_IMPORT,
	ORIGIN_OWN_CA
};
const char *trust_origin_name(enum trust_origin o);

struct trust_row {
	int64_t id;
	char system[64]; /* "" = the server's own store */
	char alias[128];
	enum trust_origin origin;
	uint8_t fingerprint[32]; /* SHA-256; unique within a system */
	char subject[256];
	int64_t not_before, not_after, added;
	struct span der; /* owned */
};
void trust_row_done(struct trust_row *t);
int trust_row_add(struct store *s, const struct trust_row *t, int64_t *ret_id)
    ERR_CHECK; /* E_EXISTS */
int trust_row_get(struct store *s, const char *system,
    const uint8_t fingerprint[32], struct trust_row *ret) ERR_CHECK;
int trust_row_remove(struct store *s, int64_t id) ERR_CHECK;
typedef int (*trust_row_fn)(const struct trust_row *t, void *cookie);
int trust_row_each(struct store *s, const char *system, trust_row_fn fn,
    void *cookie) ERR_CHECK;

#endif
