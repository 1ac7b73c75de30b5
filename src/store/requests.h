/*
 * store/requests: one row per enrolment request, keyed by what makes a retry
 * recognisable: protocol and transaction id. At most one certificate each.
 */
#ifndef SIGNET_STORE_REQUESTS_H
#define SIGNET_STORE_REQUESTS_H

#include "store/authorities.h"

#define REQUEST_TRANSACTION_MAX 256 /* bytes with NUL */

enum request_state {
	REQUEST_UNSET,
	REQUEST_PENDING,
	REQUEST_ISSUED,
	REQUEST_REJECTED
};
const char *request_state_name(enum request_state s);
enum request_state request_state_from_name(const char *text);

struct request_row {
	int64_t id;                                /* ascending; 0 on adding */
	char protocol[16];                         /* "scep", "manual", ... */
	char transaction[REQUEST_TRANSACTION_MAX]; /* unique within the protocol
						    */
	enum request_state state;
	uint8_t spki[32]; /* SHA-256 of the key asked for */
	char authority[AUTHORITY_ID_MAX];
	char profile[64];
	char entity[128];
	char source[64];          /* network address or "local" */
	char subject[256];        /* as asked for, escaped */
	int64_t created, decided; /* decided 0: not yet */
	char reason[256];         /* of a rejection */
	struct span csr;          /* DER, owned; emptied once decided */
	struct span receipt;      /* JSON (CERT-10), owned */
	int64_t cert;             /* cert_row.id, 0 none */
};
void request_done(struct request_row *r);

int request_add(struct store *s, const struct request_row *r, int64_t *ret_id)
    ERR_CHECK; /* E_EXISTS */
int request_get(struct store *s, int64_t id, struct request_row *ret) ERR_CHECK;
int request_by_transaction(struct store *s, const char *protocol,
    const char *transaction, struct request_row *ret) ERR_CHECK;
/* request_decide(): PENDING -> ISSUED (with cert) or REJECTED (with reason);
 * E_STATE when it is decided already */
int request_decide(struct store *s, int64_t id, enum request_state st,
    int64_t cert, const char *reason, struct span receipt, int64_t now)
    ERR_CHECK;
int request_count(struct store *s, enum request_state st, int64_t *ret)
    ERR_CHECK;
typedef int (*request_fn)(
    const struct request_row *r, void *cookie); /* csr empty in listings */
int request_each(struct store *s, enum request_state st, int64_t after_id,
    unsigned limit, request_fn fn, void *cookie) ERR_CHECK;

#endif
