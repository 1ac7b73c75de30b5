/*
 * ledger: one event type for audit, alarms, issuance; hash chain, checkpoints.
 *
 * Whatever happens becomes one event, written in the same batch as the change
 * it tells of. Each record's hash covers the record before it:
 * SHA-256("signet-ledger-1" || previous hash || u64 seq || u64 time || body),
 * integers big endian, the first previous hash all zero. A checkpoint is a
 * signature of the ledger key over "signet-checkpoint-1" || u64 seq || hash ||
 * u64 time; the key process remembers the latest one it signed, so that a cut
 * tail shows.
 */
#ifndef SIGNET_LEDGER_LEDGER_H
#define SIGNET_LEDGER_LEDGER_H

#include <jansson.h>

#include "store/events.h"

#define LEDGER_BODY_MAX 16384         /* bytes of one event's JSON */
#define LEDGER_CHECKPOINT_EVENTS 1000 /* at the latest after so many events */
#define LEDGER_CHECKPOINT_S 60        /* or so many seconds */

enum event_kind {
	EVENT_UNSET,
	EVENT_SERVER_START,
	EVENT_SERVER_STOP,
	EVENT_PROCESS_DIED,
	EVENT_IGNITION,
	EVENT_CA_CREATE,
	EVENT_CA_RENEW,
	EVENT_CA_IMPORT,
	EVENT_CA_EXPORT,
	EVENT_CA_STATE,
	EVENT_CA_CRL,
	EVENT_CA_BACKUP,
	EVENT_CA_RESTORE,
	EVENT_PROFILE_CHANGE,
	EVENT_ENTITY_ADD,
	EVENT_ENTITY_REMOVE,
	EVENT_PASSWORD_ADD,
	EVENT_PASSWORD_REMOVE,
	EVENT_REQUEST_PENDING,
	EVENT_REQUEST_APPROVE,
	EVENT_REQUEST_REJECT,
	EVENT_REQUEST_REFUSED,   /* policy or proof said no */
	EVENT_REQUEST_MALFORMED, /* bytes that are no request */
	EVENT_LOCKOUT,
	EVENT_ISSUE,
	EVENT_RENEW,
	EVENT_REVOKE,
	EVENT_HOLD,
	EVENT_RELEASE,
	EVENT_LEGACY_ISSUE, /* CERT-5 */
	EVENT_TRUST_ADD,
	EVENT_TRUST_REMOVE,
	EVENT_TRUST_RESET,
	EVENT_KEY_EXPORT,
	EVENT_KEY_REFUSED, /* the key process refused to sign */
	EVENT_CLOCK,       /* CERT-7 */
	EVENT_EXPIRING,
	EVENT_EXPIRED,
	EVENT_SWEEP, /* WATCH-2 */
	EVENT_SETTING_CHANGE,
	EVENT_KIND_MAX
};
enum severity {
	SEVERITY_UNSET,
	SEVERITY_INFO,
	SEVERITY_NOTICE,
	SEVERITY_WARNING,
	SEVERITY_ERROR,
	SEVERITY_CRITICAL
};
const char *event_kind_name(
    int kind); /* "ca.create", "request.refused", "cert.expiring" */
int event_kind_from_name(const char *text);
const char *severity_name(int severity);
int severity_from_name(const char *text);

struct event {
	enum event_kind kind;
	enum severity severity;
	const char *actor;  /* who: "uid:0", "scep", "schedule", "system" */
	const char *source; /* from where: address, "local", "" */
	const char *object; /* about what: "cert 3a..", "entity phone-1" */
	const char *result; /* "ok" or an err_name() */
	json_t *detail;     /* object or NULL; borrowed */
};

struct ledger;
/* ledger_open(store, ret): finds the end of the chain */
int ledger_open(struct store *s, struct diag *d, struct ledger **ret) ERR_CHECK;
void ledger_close(struct ledger *l);
AUTO_DEFINE_STRUCT(ledger, ledger_close);
/* ledger_add(l, e, now): into the present batch (opens one); a body over the
 * maximum keeps its members and loses its detail. Rolled back with the batch.
 */
int ledger_add(struct ledger *l, const struct event *e, int64_t now) ERR_CHECK;
int64_t ledger_head(
    const struct ledger *l, uint8_t hash[32]); /* seq of the last event */
/* routes: told of every durable event, after its commit, in order */
typedef void (*ledger_route_fn)(const struct event_row *e, void *cookie);
int ledger_add_route(struct ledger *l, ledger_route_fn fn, void *cookie)
    ERR_CHECK;

/* Checkpoints. Due when LEDGER_CHECKPOINT_EVENTS or _S have passed; the core
 * then has the key process sign ledger_checkpoint_text() and adds it. */
bool ledger_checkpoint_is_due(const struct ledger *l, int64_t now);
/* only covers durable events: call it outside a batch; E_STATE inside one,
 * E_NOT_FOUND before the first event. The caller fills in key and sig. */
int ledger_checkpoint_text(struct ledger *l, int64_t now,
    struct checkpoint_row *ret_row, struct buf *ret_text) ERR_CHECK;
/* E_INVAL for a number the chain has not reached, E_CONFLICT when the hash at
 * the durable head is another, E_EXISTS when that event has one */
int ledger_checkpoint_add(struct ledger *l, const struct checkpoint_row *c)
    ERR_CHECK;

/* Verification, in slices so that a long ledger blocks nobody. */
struct ledger_verdict {
	bool done, good;
	int64_t events, checkpoints; /* seen so far */
	int64_t first_bad;           /* seq of the first wrong record, 0 none */
	char reason[200];            /* "record 17 was changed: ..." */
};
struct ledger_walk;
/* public_key: SPKI of the ledger key, Ed25519 or P-256 (E_PARSE otherwise);
 * remembered_seq/hash: the latest checkpoint the key process knows of (0:
 * unknown) */
int ledger_walk_new(struct store *s, struct span public_key,
    int64_t remembered_seq, const uint8_t remembered_hash[32],
    struct ledger_walk **ret) ERR_CHECK;
int ledger_walk_step(struct ledger_walk *w, unsigned records,
    struct ledger_verdict *ret) ERR_CHECK;
void ledger_walk_free(struct ledger_walk *w);
/* event as JSON for lists and exports: seq, time, kind, severity, actor, ...,
 * hash */
json_t *event_to_json(const struct event_row *e);

#endif
