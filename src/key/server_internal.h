/* key/server_internal: the operations behind the dispatch tables. */
#ifndef SIGNET_KEY_SERVER_INTERNAL_H
#define SIGNET_KEY_SERVER_INTERNAL_H

#include <openssl/provider.h>

#include "cert/profile.h"
#include "ipc/channel.h"
#include "key/keystore.h"
#include "key/server.h"

struct key_peer {
	struct key_server *server;
	struct channel *channel;
};

struct key_server {
	struct loop *loop;
	OSSL_PROVIDER *legacy;
	char folder[CONFIG_PATH_MAX + 8];
	struct seal *seal;
	struct keystore *keys;
	struct profile_set profiles;
	struct buf answer; /* reused for every request */
	struct key_peer *peers[KEY_PEERS_MAX];
	size_t peer_n;
};

/*
 * One operation: takes all its fields from r, tests reader_finish(r) before it
 * acts, appends the answer's fields to out. A refusal is its code with d
 * filled; fields that do not fit are left to the caller, who looks at r.
 */
typedef int (*key_op_fn)(
    struct key_server *s, struct reader *r, struct buf *out, struct diag *d);

int op_create(struct key_server *, struct reader *, struct buf *, struct diag *)
    ERR_CHECK;
int op_public(struct key_server *, struct reader *, struct buf *, struct diag *)
    ERR_CHECK;
int op_destroy(struct key_server *, struct reader *, struct buf *,
    struct diag *) ERR_CHECK;
int op_import(struct key_server *, struct reader *, struct buf *, struct diag *)
    ERR_CHECK;
int op_export(struct key_server *, struct reader *, struct buf *, struct diag *)
    ERR_CHECK;
int op_sign_cert(struct key_server *, struct reader *, struct buf *,
    struct diag *) ERR_CHECK;
int op_sign_crl(struct key_server *, struct reader *, struct buf *,
    struct diag *) ERR_CHECK;
int op_sign_checkpoint(struct key_server *, struct reader *, struct buf *,
    struct diag *) ERR_CHECK;
int op_last_checkpoint(struct key_server *, struct reader *, struct buf *,
    struct diag *) ERR_CHECK;
int op_ra_sign(struct key_server *, struct reader *, struct buf *,
    struct diag *) ERR_CHECK;
int op_ra_decrypt(struct key_server *, struct reader *, struct buf *,
    struct diag *) ERR_CHECK;

/* the key of this id, which must have this role */
int key_of_role(struct key_server *s, const char *id, enum key_role role,
    struct diag *d, struct key_entry **ret) ERR_CHECK;
/* the answer's one field, a signature over data */
int sign_into(struct key_entry *k, enum hash_kind hash, struct span data,
    struct buf *out, struct diag *d) ERR_CHECK;

#endif
