/*
 * ca/ceremony: what an administrator does with authorities, step by step.
 *
 * A ceremony is a table of steps. A step does its work and returns 0, or asks
 * the key process and returns E_PENDING; the next one runs after the answer.
 * The last step writes; then the batch is waited for and the asker told, once.
 * A refusal at any step is recorded, undoes what the key process made, and is
 * told in the same way.
 */
#ifndef SIGNET_CA_CEREMONY_H
#define SIGNET_CA_CEREMONY_H

#include "ca/ca_internal.h"

#define CEREMONY_KEYS_MAX 6  /* keys one ceremony makes */
#define CEREMONY_NAME_MAX 64 /* bytes of a name given to an authority */

struct ceremony;
typedef int (*ceremony_step)(struct ceremony *c);

struct made { /* an authority being made */
	char id[AUTHORITY_ID_MAX], parent[AUTHORITY_ID_MAX];
	char key[KEY_ID_MAX];
	enum authority_kind kind;
	enum key_kind key_kind;
	struct buf subject, spki, cert, crl;
	struct x509 *x509; /* of cert */
	int64_t crl_this, crl_next;
};

struct ceremony {
	struct ca *ca;
	const ceremony_step *steps; /* ends with NULL */
	size_t at;
	bool is_async; /* its function has returned: refusals are called back */
	bool has_written;
	enum event_kind kind; /* of a refusal's event */
	char object[AUTHORITY_ID_MAX + 8];
	char who[96], source[64];
	int64_t now;
	int result;
	struct diag d;
	json_t *answer;
	ca_done_fn fn;
	void *cookie;
	/* after the commit, before the asker is told */
	void (*on_durable)(struct ceremony *c);

	/* the answer that is awaited: an outside function, or bytes */
	int (*on_answer)(struct ceremony *c, struct reader *r);
	struct buf *into;

	char keys[CEREMONY_KEYS_MAX][KEY_ID_MAX]; /* made so far */
	size_t key_n;

	/* making authorities (hierarchy.c) */
	char name[CEREMONY_NAME_MAX];
	struct estate_names estate;
	bool is_single, has_no_ca, is_import;
	enum key_kind key;
	char root_profile[PROFILE_NAME_MAX];
	enum authority_state state;
	unsigned number;
	struct made made[2]; /* root and issuing; the last one issues */
	size_t made_n;
	char ra_key[KEY_ID_MAX], ledger_key[KEY_ID_MAX];
	struct buf ra_spki, ra_cert, ledger_spki;

	/* import and export (transfer.c) */
	struct buf p12;
	char password[KEY_PASSWORD_MAX];
	struct buf outside[CA_CHAIN_MAX]; /* certificates above ours */
	size_t outside_n;

	/* renewal, and the RA's (renew.c) */
	char targets[CA_CHAIN_MAX][AUTHORITY_ID_MAX]; /* top first */
	struct buf renewed[CA_CHAIN_MAX];
	size_t target_n, target;
};

/* ceremony_new(): NULL when out of memory; fn may be NULL (schedule) */
struct ceremony *ceremony_new(struct ca *ca, const ceremony_step *steps,
    const struct actor *who, ca_done_fn fn, void *cookie);
/* ceremony_run(c): the first step; owns c from here. The result is that of
 * the function which began it. */
int ceremony_run(struct ceremony *c) ERR_CHECK;
void ceremony_object(struct ceremony *c, const char *id); /* "ca ID" */

/* for steps; each returns E_PENDING or the refusal */
int ceremony_ask(struct ceremony *c, enum key_op op, struct span payload,
    int (*on_answer)(struct ceremony *c, struct reader *r)) ERR_CHECK;
int ceremony_sign(struct ceremony *c, const struct ca_tbs *t, struct buf *into)
    ERR_CHECK;
/* makes a key under a fresh id from stem into id and its SPKI into ret */
int ceremony_make_key(struct ceremony *c, const char *stem, enum key_role role,
    enum key_kind kind, struct span subject, char id[KEY_ID_MAX],
    struct buf *ret_spki) ERR_CHECK;
/* notes a key to be destroyed if the ceremony fails */
int ceremony_own_key(struct ceremony *c, const char *id) ERR_CHECK;
void ceremony_key_id(const char *stem, char id[KEY_ID_MAX]);
int ceremony_event(struct ceremony *c, enum event_kind kind,
    enum severity severity, const char *object, json_t *detail) ERR_CHECK;
/* {"authorities":[...]} of all, for answers */
json_t *ceremony_authorities(const struct ca *ca);

/* hierarchy.c: steps shared by ignition, creation and import */
int hierarchy_ra_key(struct ceremony *c) ERR_CHECK;
int hierarchy_ra_cert(struct ceremony *c) ERR_CHECK;
int hierarchy_root_crl(struct ceremony *c) ERR_CHECK;
int hierarchy_issuer_crl(struct ceremony *c) ERR_CHECK;
int hierarchy_root_key(struct ceremony *c) ERR_CHECK;
int hierarchy_root_cert(struct ceremony *c) ERR_CHECK;
int hierarchy_issuing_key(struct ceremony *c) ERR_CHECK;
int hierarchy_issuing_cert(struct ceremony *c) ERR_CHECK;
int hierarchy_record(struct ceremony *c) ERR_CHECK;
/* the server trusts this certificate from now on */
int hierarchy_trust(struct ceremony *c, struct span cert) ERR_CHECK;
/* what the present issuer's end would break, into the answer */
int hierarchy_would_break(struct ceremony *c) ERR_CHECK;
/* transfer.c */
int transfer_import_key(struct ceremony *c) ERR_CHECK;
int transfer_prepare(struct ceremony *c, struct span p12, const char *password)
    ERR_CHECK;
int transfer_record_outside(struct ceremony *c) ERR_CHECK;

#endif
