/*
 * ca: authorities, profiles, issue, revoke, CRL.
 *
 * Runs in the core. Only here are certificates shaped and recorded; the key
 * process signs. Everything that ends in a certificate goes through ca_issue().
 * Functions that need a signature are asynchronous: the callback runs after the
 * result is durable in the store and stands in the ledger (CA-6).
 */
#ifndef SIGNET_CA_CA_H
#define SIGNET_CA_CA_H

#include <jansson.h>

#include "cert/profile.h"
#include "key/key_client.h"
#include "ledger/ledger.h"
#include "os/config.h"
#include "store/authorities.h"
#include "store/certificates.h"
#include "store/entities.h"
#include "store/requests.h"

#define CA_CHAIN_MAX 4
#define CA_AUTHORITIES_MAX 64

/* one authority in memory, as everybody needs it many times a second */
struct authority {
	struct authority_row row;
	struct x509 *cert;        /* newest */
	struct x509 *ra_cert;     /* NULL when none */
	struct authority *parent; /* NULL for a root or an unknown parent */
	enum key_kind key_kind;   /* of its certificate */
	struct crl_job *crl;      /* private to ca/crl.c */
};

struct ca {
	struct store *store;
	struct ledger *ledger;
	struct key_client *keys;
	const struct config *config;
	struct profile_set profiles;
	struct estate_names estate;
	size_t authority_n;
	struct authority *authorities[CA_AUTHORITIES_MAX];
	char ledger_key[KEY_ID_MAX]; /* "" before ignition */
	void (*on_change)(
	    void *cookie); /* authorities changed: fronts must be told */
	void *on_change_cookie;
	struct ca_life *life; /* private: questions to the key process */
	struct ca_schedule *schedule; /* private to ca/tick.c */
};

/* ca_new(): loads profiles, authorities, settings ("estate"). Borrowed pointers
 * stay the caller's. */
int ca_new(struct store *s, struct ledger *l, struct key_client *k,
    const struct config *c, struct diag *d, struct ca **ret) ERR_CHECK;
/* ca_free(): may be called before or after key_client_free(); what is still
 * under way then is dropped, not called back */
void ca_free(struct ca *ca);
struct authority *ca_find(const struct ca *ca, const char *id); /* NULL */
/* the authority that issues now: state current, kind issuing, else a current
 * root; NULL */
struct authority *ca_issuer(const struct ca *ca);
/* chain from this authority up to its root, root last; count */
size_t ca_chain(const struct authority *a, struct span out[CA_CHAIN_MAX]);

struct actor { /* who does it, for the ledger; texts borrowed during the call */
	const char *who;    /* "uid:0", "scep", "schedule" */
	const char *source; /* address, "local" */
};

/* -- ignition and authorities (CA-1, CA-2) --
 * All functions with a ca_done_fn: a result other than 0 means that nothing was
 * begun and fn will not be called (out of memory, no database); after 0 fn is
 * called exactly once, later, also for a refusal. */
typedef void (*ca_done_fn)(int result, json_t *answer, const struct diag *d,
    void *cookie); /* answer borrowed */
struct ignite_params {
	const char *name; /* CN base: "Example Telephony"; -> "<name> Root CA",
			     "<name> Issuing CA". Under a root profile with URI
			     names a host name is the root's CN as it stands */
	struct estate_names estate;
	bool single_level, no_ca;
	struct span p12; /* import instead of create; empty: none */
	const char *p12_password;
	enum key_kind
	    key; /* KEY_UNSET: rsa2048 (IP Office kinds take no more) */
	const char *root_profile; /* NULL: root-ca; a profile of kind ca */
};
/* answer: {"authorities":[...], "entity":{"name","password","expires"}};
 * E_STATE when ignited already. Also makes the ledger key, the RA key and
 * certificate, the first CRLs, and trust entries for the own root. */
int ca_ignite(struct ca *ca, const struct ignite_params *p,
    const struct actor *who, ca_done_fn fn, void *cookie) ERR_CHECK;
/* renew: same name and key, new serial and dates; id NULL: the current issuer
 * and everything above it */
int ca_renew(struct ca *ca, const char *id, const struct actor *who,
    ca_done_fn fn, void *cookie) ERR_CHECK;
/* create: a new hierarchy in state next beside the current one; answer also
 * lists what would break on activation:
 * {"would_break":{"certificates":n,"earliest":...}, "next_step":"signet ca
 * activate ..."} */
int ca_create(struct ca *ca, const struct ignite_params *p,
    const struct actor *who, ca_done_fn fn, void *cookie) ERR_CHECK;
int ca_activate(struct ca *ca, const char *id, const struct actor *who,
    ca_done_fn fn, void *cookie) ERR_CHECK;
int ca_retire(struct ca *ca, const char *id, const struct actor *who,
    ca_done_fn fn, void *cookie)
    ERR_CHECK; /* refused for the only current one */
int ca_import(struct ca *ca, struct span p12, const char *password,
    const struct actor *who, ca_done_fn fn, void *cookie) ERR_CHECK;
/* export: PKCS#12 of key and chain in "p12" (base64) */
int ca_export(struct ca *ca, const char *id, const char *password,
    const struct actor *who, ca_done_fn fn, void *cookie) ERR_CHECK;
json_t *authority_to_json(const struct ca *ca, const struct authority *a);

/* -- issuing (CA-6, ENR-9) -- */
struct issue {
	const struct profile *profile;
	const char *authority; /* NULL: the current issuer */
	struct asked asked;
	struct request_row request; /* id 0: added as issued; else the pending
				     * row to decide. Its subject, profile,
				     * created... are filled by the caller */
	int64_t password;           /* password_row.id to use up, 0: none */
	bool renewal;               /* event renew instead of issue */
	const json_t *
	    before; /* CERT-10: what was changed before asked came to be:
		     * {"asked":{..},"changes":[..]}; NULL: nothing. Borrowed */
	char actor[96], source[64];
};
struct issued {
	int result; /* 0 or E_... */
	struct diag d;
	struct span der; /* certificate; borrowed during the callback */
	int64_t cert_id, request_id;
	const char *authority;
	json_t *receipt; /* borrowed */
};
typedef void (*issue_done_fn)(const struct issued *i, void *cookie);
/* ca_issue(i): copies what it needs; grants by profile, has the key process
 * sign, records request, certificate, password use and event in one batch,
 * calls back after its commit. A refusal by policy is called back too (nothing
 * recorded but the event). Never calls back before it returns. */
int ca_issue(struct ca *ca, const struct issue *i, issue_done_fn fn,
    void *cookie) ERR_CHECK;

/* -- revocation (state and CRL) -- */
/* serial hex; reason RFC 5280 code; E_NOT_FOUND, E_STATE. The CRL is made anew;
 * fn after both are durable. */
int ca_revoke(struct ca *ca, const char *serial, int reason,
    const struct actor *who, ca_done_fn fn, void *cookie) ERR_CHECK;
int ca_hold(struct ca *ca, const char *serial, bool hold,
    const struct actor *who, ca_done_fn fn, void *cookie) ERR_CHECK;
int ca_crl_update(struct ca *ca, const char *id, const struct actor *who,
    ca_done_fn fn, void *cookie) ERR_CHECK;
/* ca_tick(now): due CRLs (a day before nextUpdate), due checkpoints; call every
 * few seconds */
void ca_tick(struct ca *ca, int64_t now);

#endif
