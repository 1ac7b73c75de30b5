/*
 * tests/unit/ca/rig: the room over a real store, a real ledger and the real
 * key server, all on one loop; judged by OpenSSL.
 */
#ifndef SIGNET_TESTS_CA_RIG_H
#define SIGNET_TESTS_CA_RIG_H

#include "test.h"

#include <openssl/x509.h>

#include "ca/ca.h"
#include "key/server.h"
#include "net/loop.h"

struct rig {
	char dir[64], url[128];
	struct config config;
	struct loop *loop;
	struct store *store;
	struct ledger *ledger;
	struct key_client *keys;
	struct key_server *server;
	struct ca *ca;
	int told; /* times that on_change was called */
};

struct result { /* of a ca_done_fn or an issue */
	int calls, code;
	json_t *answer;
	struct diag d;
	struct buf der;
	int64_t cert, request;
};

extern const struct actor rig_actor;

/* database: "test" or "sqlite" */
struct rig *rig_new(const char *database, const char *public_url);
void rig_free(struct rig *r);
/* the core ends and begins anew on the same store and keys */
void rig_restart(struct rig *r);
/* the key process dies and another takes its place */
void rig_replace_server(struct rig *r);
/* loop rounds with commits until the callback has come */
void rig_wait(struct rig *r, struct result *x);
void rig_rounds(struct rig *r, int n);
void rig_done(int code, json_t *answer, const struct diag *d, void *cookie);
void result_done(struct result *x);

/* ignition under "Example Telephony"; must work */
void rig_ignite(struct rig *r, bool single_level);
/* one certificate for that host under that profile; caller's result */
void rig_issue(struct rig *r, const char *profile, const char *host,
    const struct issue *more, struct result *x);
EVP_PKEY *rig_key(void); /* one RSA 2048 key for all subjects */

X509 *rig_x509(struct span der);
/* OpenSSL's verdict: 0 or its X509_V_ERR code. Chains: DER spans. */
int rig_verify(struct span leaf, const struct span *roots, size_t root_n,
    const struct span *others, size_t other_n, struct span crl);
/* the CRL as stored */
void rig_crl(struct rig *r, const char *id, struct buf *out);
int rig_count_events(struct rig *r, enum event_kind kind);

#endif
