/*
 * key/server: the key process: answers typed requests on its links, no
 * network, no database. Fronts may ask RA_SIGN and RA_DECRYPT only; the core
 * the rest. Before a CA key signs, the rules of sign_cert.c are checked with
 * this process's own reading of the profiles (CA-5).
 */
#ifndef SIGNET_KEY_SERVER_H
#define SIGNET_KEY_SERVER_H

#include "base/diag.h"
#include "ipc/worker.h"
#include "net/loop.h"
#include "os/config.h"

#define KEY_PEERS_MAX 64 /* links at once */

struct key_server;
/* key_server_new(): opens the seal and reads profiles: before the sandbox.
 * The configuration is only read during the call. */
int key_server_new(struct loop *l, const struct config *c, struct diag *d,
    struct key_server **ret) ERR_CHECK;
void key_server_free(struct key_server *s);
AUTO_DEFINE_STRUCT(key_server, key_server_free);
/* key_server_link(): serves a link to a peer of that role; takes fd. E_DENIED
 * for a role that has nothing to ask here. */
int key_server_link(struct key_server *s, enum role peer, int fd) ERR_CHECK;

/* signet-key's callbacks for worker_main() */
extern const struct worker_program key_program;

#endif
