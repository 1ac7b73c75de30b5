/* store/certificates: every certificate issued here, by serial number. */
#ifndef SIGNET_STORE_CERTIFICATES_H
#define SIGNET_STORE_CERTIFICATES_H

#include "store/authorities.h"

#define CERT_SERIAL_MAX 20
#define CERT_PAGE_MAX 1000 /* rows of one listing */

enum cert_state { CERT_UNSET, CERT_GOOD, CERT_REVOKED, CERT_HOLD };
const char *cert_state_name(enum cert_state s);
enum cert_state cert_state_from_name(const char *text);

struct cert_row {
	int64_t id;         /* ascending; 0 on adding */
	struct span serial; /* unsigned big endian, unique per authority */
	char authority[AUTHORITY_ID_MAX];
	enum cert_state state;
	int64_t not_before, not_after;
	int64_t revoked_at; /* 0: never */
	int reason;         /* RFC 5280 5.3.1; -1 none */
	int64_t warned_at;  /* first expiry warning, 0: none yet */
	char subject[256];  /* one line, escaped */
	char profile[64];
	char entity[128]; /* "" without one */
	int64_t request;  /* request_row.id, 0 none */
	uint8_t spki[32]; /* SHA-256 of the SubjectPublicKeyInfo */
	struct span der;  /* owned */
};
void cert_done(struct cert_row *c);

/* cert_new_id(s, ret_id): the number the next certificate will have, so that
 * its request can name it before it is added (one writer: nobody else takes
 * it). A number that is not used leaves a gap. */
int cert_new_id(struct store *s, int64_t *ret_id) ERR_CHECK;
/* cert_add(c, ret_id): c->id from cert_new_id(), or 0: taken here. E_EXISTS
 * when the authority has this serial already */
int cert_add(struct store *s, const struct cert_row *c, int64_t *ret_id)
    ERR_CHECK;
int cert_by_serial(struct store *s, const char *authority, struct span serial,
    struct cert_row *ret) ERR_CHECK; /* authority "" = any */
int cert_by_id(struct store *s, int64_t id, struct cert_row *ret) ERR_CHECK;
int cert_set_state(struct store *s, int64_t id, enum cert_state st,
    int64_t when, int reason) ERR_CHECK;

struct cert_filter {
	int64_t expires_before; /* 0: any; only certificates still valid at
				   expires_after */
	int64_t expires_after;
	enum cert_state state; /* CERT_UNSET: any */
	const char *entity;    /* NULL: any */
	const char *authority; /* NULL: any */
	int64_t after_id;   /* page: continue behind this position (see next) */
	int64_t after_time; /* with after_id when ordered by not_after */
	bool by_expiry;     /* order by not_after, id; else by id */
	unsigned limit;     /* 0: 100; at most CERT_PAGE_MAX */
};
typedef int (*cert_fn)(
    const struct cert_row *c, void *cookie); /* der is empty in listings */
int cert_each(struct store *s, const struct cert_filter *f, cert_fn fn,
    void *cookie) ERR_CHECK;
int cert_count(struct store *s, const struct cert_filter *f, int64_t *ret)
    ERR_CHECK;
/* Revoked or held entries of one authority that are not yet past not_after */
typedef int (*cert_revoked_fn)(
    struct span serial, int64_t revoked_at, int reason, void *cookie);
int cert_each_revoked(struct store *s, const char *authority, int64_t now,
    cert_revoked_fn fn, void *cookie) ERR_CHECK;
/* WATCH-2: the next certificates with not_after <= until, > now, good, not
 * warned; in order of expiry, at most limit. Then mark them. */
int cert_each_unwarned(struct store *s, int64_t now, int64_t until,
    unsigned limit, cert_fn fn, void *cookie) ERR_CHECK;
int cert_set_warned(struct store *s, int64_t id, int64_t when) ERR_CHECK;
/* earliest not_after of good certificates still valid at now; E_NOT_FOUND */
int cert_next_expiry(struct store *s, int64_t now, struct cert_row *ret)
    ERR_CHECK;

#endif
