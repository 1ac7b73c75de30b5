/* enroll/decide_internal: what the files of the decision share. */
#ifndef SIGNET_ENROLL_DECIDE_INTERNAL_H
#define SIGNET_ENROLL_DECIDE_INTERNAL_H

#include "access/limits.h"
#include "base/json.h"
#include "enroll/decide.h"

#define DECIDE_FLIGHTS_MAX 4096 /* issues under way; more: try again */
#define DECIDE_BUCKETS 1024
#define DECIDE_PENDING_SOURCE_MAX 50 /* open requests of one source */
#define DECIDE_REPORTS_PER_S 50      /* events; further ones are dropped */
#define DECIDE_ENTITY_FACTOR 10      /* an entity may fail so much more often */

/* An issue under way. Retries of the same transaction wait for the same one;
 * a password counts as used while it is part of one. */
struct flight {
	struct decider *d;
	char protocol[16];
	char transaction[REQUEST_TRANSACTION_MAX];
	char source[64], entity[ENTITY_NAME_MAX];
	uint8_t spki[32];
	int64_t password;
	struct waiter *waiters;
	/* an approval: one asker of another kind */
	ca_done_fn done;
	void *done_cookie;
	struct flight *next;
};
struct waiter {
	decide_fn fn;
	void *cookie;
	struct waiter *next;
};
struct pending_table; /* open requests by source */

struct decider {
	struct ca *ca;
	struct limits *sources, *entities;
	struct pending_table *pending;
	struct flight *flights[DECIDE_BUCKETS];
	unsigned flight_n;
	int64_t report_second;
	unsigned reports;
};

/* What the proof entitles to: everything ca_issue() or a pending row needs. */
struct claim {
	struct csr *csr;
	uint8_t spki[32];
	char transaction[REQUEST_TRANSACTION_MAX];
	const struct profile *profile;
	char entity[ENTITY_NAME_MAX];
	char authority[AUTHORITY_ID_MAX]; /* "" = the current issuer */
	int64_t password;                 /* to be used up; 0 none */
	int64_t renews;     /* cert_row.id of the certificate renewed; 0 none */
	bool is_pending;    /* waits for a person */
	struct buf subject; /* Name with tag: the CSR's or what replaces it */
	struct san_list san;
	json_t *changes; /* CERT-10: what was replaced or dropped, and why */
};
struct claim *claim_new(void);
void claim_free(struct claim *c);
AUTO_DEFINE_STRUCT(claim, claim_free);

/* claim.c: names */
int claim_take_csr(struct claim *c, struct span der, struct diag *d) ERR_CHECK;
/* the entity's fixed names, if it has any, in place of the request's */
int claim_take_entity(struct decider *dr, struct claim *c,
    const struct entity_row *e, struct diag *d) ERR_CHECK;
/* the renewed certificate's profile and names, never more */
int claim_take_renewed(struct decider *dr, struct claim *c,
    const struct cert_row *old, struct diag *d) ERR_CHECK;
int claim_take_profile(struct decider *dr, struct claim *c, const char *name,
    struct diag *d) ERR_CHECK;
void claim_fill_request(
    const struct claim *c, struct request_row *r, int64_t now);
void claim_fill_issue(const struct claim *c, struct issue *i);

/* proof.c: who asks, with what proof */
/* the certificate of ours that signed the message; E_NOT_FOUND */
int proof_signer(struct decider *dr, struct span signer, struct cert_row *ret)
    ERR_CHECK;
/* judges e and fills c; a code with the words in d when it is refused. ours:
 * what proof_signer() found, or NULL. */
int proof_judge(struct decider *dr, const struct enrolment *e,
    const struct cert_row *ours, struct claim *c, struct diag *d) ERR_CHECK;

/* flight.c */
struct flight *flight_find(
    const struct decider *dr, const char *protocol, const char *transaction);
/* E_LIMIT, E_NOMEM; the caller adds whom to tell */
int flight_new(struct decider *dr, const char *protocol,
    const char *transaction, const uint8_t spki[32], struct flight **ret)
    ERR_CHECK;
int flight_join(struct flight *f, decide_fn fn, void *cookie) ERR_CHECK;
void flight_end(struct flight *f, const struct enrol_answer *a);
unsigned flight_uses(const struct decider *dr, int64_t password);
void flights_free(struct decider *dr);
/* answers after the present batch, so that nothing is told that is not
 * durable; a copies its contents. fn is not called when this fails. */
int answer_later(struct decider *dr, const struct enrol_answer *a, decide_fn fn,
    void *cookie) ERR_CHECK;
int done_later(struct decider *dr, json_t *answer /* stolen */,
    const struct diag *d, ca_done_fn fn, void *cookie) ERR_CHECK;

/* lookup.c: poll, GetCert, GetCRL, and the transaction that is known */
enum known { KNOWN_NOT, KNOWN_ANSWER };
/* looks c->transaction up; when it is known, ret is its answer (its cert is in
 * row, to be freed with cert_done() by the caller). May lengthen
 * c->transaction past an expired certificate's. */
int lookup_known(struct decider *dr, const struct enrolment *e, struct claim *c,
    struct cert_row *row, struct enrol_answer *ret, enum known *ret_known)
    ERR_CHECK;
/* the transaction under which a renewal of this certificate is kept */
int lookup_renewal_name(const char *transaction, const struct cert_row *old,
    char *out, size_t size) ERR_CHECK;
int lookup_answer(struct decider *dr, const struct enrolment *e, decide_fn fn,
    void *cookie) ERR_CHECK;

/* pending.c */
struct pending_table *pending_table_new(void);
void pending_table_free(struct pending_table *t);
int pending_load(struct decider *dr) ERR_CHECK;
unsigned pending_of(const struct decider *dr, const char *source);
void pending_count(struct decider *dr, const char *source, int by);
/* the same as part of the present batch: taken back when that fails */
void pending_note(struct decider *dr, const char *source, int by);
/* adds the row and its event; E_LIMIT with words when too many wait */
int pending_add(struct decider *dr, const struct claim *c, const char *protocol,
    const char *source, struct diag *d, int64_t *ret_id) ERR_CHECK;

/* decide.c */
/* notes a refusal: the event, and the failure of source and entity */
int decide_refused(struct decider *dr, const struct enrolment *e,
    const char *entity, const struct diag *d) ERR_CHECK;
void decide_failed(struct decider *dr, const char *protocol, const char *source,
    const char *entity);

#endif
