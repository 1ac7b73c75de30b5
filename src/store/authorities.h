/*
 * store/authorities: certificate authorities, their certificates (one per
 * renewal, the newest last) and their latest CRL.
 */
#ifndef SIGNET_STORE_AUTHORITIES_H
#define SIGNET_STORE_AUTHORITIES_H

#include "store/store.h"

#define AUTHORITY_ID_MAX \
	64 /* bytes with NUL: "root-1", "issuing-2"; [a-z0-9-] */

enum authority_state {
	AUTHORITY_UNSET,
	AUTHORITY_CURRENT, /* issues */
	AUTHORITY_NEXT,    /* made, not yet in use; offered by GetNextCACert */
	AUTHORITY_RETIRED, /* no longer issues, kept for trust and its CRL */
	AUTHORITY_OUTSIDE, /* a parent known by certificate only */
};
enum authority_kind { AUTHORITY_KIND_UNSET, AUTHORITY_ROOT, AUTHORITY_ISSUING };
const char *authority_state_name(enum authority_state s);
const char *authority_kind_name(enum authority_kind k);

struct authority_row {
	char id[AUTHORITY_ID_MAX];
	char parent[AUTHORITY_ID_MAX]; /* "" for a root */
	enum authority_kind kind;
	enum authority_state state;
	char key[65];        /* id of its key in the key process, "" outside */
	char ra_key[65];     /* SCEP RA key; "" when it enrolls nobody */
	struct span cert;    /* newest certificate, DER, owned */
	struct span ra_cert; /* owned; may be empty */
	int64_t created;
	uint64_t crl_number;
	int64_t crl_next; /* nextUpdate of the latest CRL, 0 none */
};
void authority_done(struct authority_row *a);

/* authority_add(): E_EXISTS. Adds cert as generation 1. */
int authority_add(struct store *s, const struct authority_row *a) ERR_CHECK;
int authority_get(struct store *s, const char *id, struct authority_row *ret)
    ERR_CHECK; /* E_NOT_FOUND */
typedef int (*authority_fn)(
    const struct authority_row *a, void *cookie); /* 0: go on */
int authority_each(struct store *s, authority_fn fn, void *cookie) ERR_CHECK;
int authority_set_state(
    struct store *s, const char *id, enum authority_state st) ERR_CHECK;
int authority_set_ra(struct store *s, const char *id, const char *ra_key,
    struct span ra_cert) ERR_CHECK;
/* a renewed certificate becomes the newest; earlier ones stay */
int authority_add_cert(
    struct store *s, const char *id, struct span cert, int64_t now) ERR_CHECK;
typedef int (*authority_cert_fn)(
    unsigned generation, struct span cert, void *cookie);
int authority_each_cert(struct store *s, const char *id, authority_cert_fn fn,
    void *cookie) ERR_CHECK;
int authority_set_crl(struct store *s, const char *id, uint64_t number,
    int64_t this_update, int64_t next_update, struct span der) ERR_CHECK;
int authority_get_crl(struct store *s, const char *id, struct buf *ret)
    ERR_CHECK; /* E_NOT_FOUND */

#endif
