/*
 * ca, private: what the files of this room share.
 *
 * Every question to the key process goes through ca_ask(), every signature
 * through ca_sign(). A question may outlive its struct ca (the core ends while
 * the key process still thinks): then the asker's memory is dropped and nobody
 * is called.
 */
#ifndef SIGNET_CA_INTERNAL_H
#define SIGNET_CA_INTERNAL_H

#include "ca/ca.h"

#define CA_PROFILE_ROOT "root-ca"
#define CA_PROFILE_ISSUING "issuing-ca"
#define CA_PROFILE_RA "ra"
#define CA_CRL_DAYS 7              /* validity of a CRL */
#define CA_CRL_SKEW_S 300          /* thisUpdate lies this much back */
#define CA_RA_RENEW_S (30 * 86400) /* an RA certificate is renewed so early */
#define CA_ACTOR_MAX 64            /* bytes of an actor's name that is kept */
#define CA_RETRY_S 60  /* scheduled work that failed waits so long */
#define CA_URL_MAX 400 /* bytes of a URL we put into certificates */
#define CA_SETTING_ESTATE "estate"
#define CA_SETTING_LEDGER_KEY "ledger.key"
#define CA_SETTING_LEDGER_SPKI "ledger.spki"
#define CA_SETTING_IGNITED "ignited"

/* counts the questions under way; ca is NULL once it was freed */
struct ca_life {
	struct ca *ca;
	size_t refs;
};

/* -- authority.c -- */
int ca_refuse(struct diag *d, int code, const char *object, const char *remedy,
    const char *fact, ...) __attribute__((format(printf, 5, 6)));
/* reads all authorities and settings anew; the addresses of struct authority
 * stay */
int ca_reload(struct ca *ca, struct diag *d) ERR_CHECK;
/* after a commit: reload, and tell the fronts; a failure is logged */
void ca_changed(struct ca *ca);
bool ca_has_key(const struct authority *a);
bool ca_is_ignited(struct ca *ca);
/* first unused number of root-N, issuing-N, outside-N */
unsigned ca_next_number(const struct ca *ca);

/* -- sign.c -- */
typedef void (*ca_answer_fn)(struct ca *ca, int result, struct reader *answer,
    const struct diag *d, void *cookie);
typedef void (*ca_drop_fn)(void *cookie);
int ca_ask(struct ca *ca, enum key_op op, struct span payload, ca_answer_fn fn,
    ca_drop_fn drop, void *cookie) ERR_CHECK;

struct ca_tbs {             /* texts and spans borrowed during the call */
	const char *key;    /* id in the key process */
	enum key_kind kind; /* of that key */
	enum hash_kind hash;
	const char *profile; /* NULL: a CRL */
	struct span tbs;
};
/* der is borrowed during the callback */
typedef void (*ca_signed_fn)(struct ca *ca, int result, struct span der,
    const struct diag *d, void *cookie);
/* ca_sign(t): "sign this TBS with that key under that profile, then go on" */
int ca_sign(struct ca *ca, const struct ca_tbs *t, ca_signed_fn fn,
    ca_drop_fn drop, void *cookie) ERR_CHECK;
/* ca_later(): fn with the end of the present batch, never at once */
int ca_later(struct ca *ca, store_done_fn fn, void *cookie) ERR_CHECK;
/* 20 octets, positive, no leading zero (CERT-6, RFC 5280 4.1.2.2) */
void ca_serial_new(uint8_t out[CERT_SERIAL_MAX]);
/* the URLs for certificates by this authority; "" without public_url */
void ca_urls(const struct ca *ca, const char *id, char crl[CA_URL_MAX],
    char issuers[CA_URL_MAX]);
/* CERT-7: E_STATE with the words when the clock cannot be right */
int ca_clock_check(struct diag *d) ERR_CHECK;

/* -- shape.c: the content of our own CA and RA certificates -- */
struct ca_shape {
	const struct profile *profile;
	const struct x509 *issuer; /* NULL: self-signed */
	enum key_kind issuer_key;
	const char *issuer_id; /* for the URLs; NULL: none */
	struct span subject, spki;
	int64_t now;
};
int ca_shape_tbs(const struct ca *ca, const struct ca_shape *s, struct diag *d,
    struct buf *ret_tbs) ERR_CHECK;
/* Name of an authority: "<name> <what>" under the estate's organisation;
 * what "": the name alone */
int ca_shape_name(const struct estate_names *e, const char *name,
    const char *what, struct diag *d, struct buf *ret_name) ERR_CHECK;
const struct profile *ca_profile(
    const struct ca *ca, const char *name, struct diag *d); /* NULL */
/* the profile a root was made by, as its content tells; else root-ca */
const char *ca_root_profile(const struct ca *ca, const struct x509 *root);

/* -- crl.c -- */
struct crl_wait;
typedef void (*ca_crl_fn)(
    struct ca *ca, int result, const struct diag *d, void *cookie);
struct crl_job {        /* one for each authority */
	uint64_t marks; /* revocations written so far, +1 each */
	uint64_t built; /* marks that the CRL under way covers */
	bool is_busy, is_due, has_failed;
	int64_t retry_at;
	uint64_t number;
	int64_t this_update, next_update;
	struct crl_wait *waiting;
	char asked_by[CA_ACTOR_MAX]; /* an operator, for the next run */
	char by[CA_ACTOR_MAX];       /* who is behind the one under way */
};
/* in a revocation's batch: the CRL must be made anew, also after a crash;
 * the mark is what to wait for */
int ca_crl_mark(struct ca *ca, struct authority *a, uint64_t *ret_mark)
    ERR_CHECK;
/* fn once a CRL that covers the mark is durable; never at once */
int ca_crl_wait(struct ca *ca, struct authority *a, uint64_t mark, ca_crl_fn fn,
    ca_drop_fn drop, void *cookie) ERR_CHECK;
/* first CRL of an authority that is just being made: TBSCertList */
struct ca_crl {
	const char *id;
	enum key_kind key;
	struct span issuer, aki;
	uint64_t number;
	int64_t this_update, next_update;
};
int ca_crl_tbs(struct ca *ca, const struct ca_crl *c, int64_t now,
    struct buf *ret) ERR_CHECK;
void ca_crl_drop(struct authority *a); /* waiters, when the core ends */

/* -- tick.c -- */
struct ca_schedule {
	bool is_signing_checkpoint;
	int64_t checkpoint_retry_at, ra_retry_at;
};
/* at the end of every batch (store_watch); cookie is the struct ca */
void tick_committed(int result, void *cookie);

#endif
