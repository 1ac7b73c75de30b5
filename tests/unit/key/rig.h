/* tests/unit/key/rig: a key process in this one: state folder, server, links
 * whose other end is a plain descriptor, so that anything can be written. */
#ifndef SIGNET_TESTS_KEY_RIG_H
#define SIGNET_TESTS_KEY_RIG_H

#include "cert/x509.h"
#include "key/key_msg.h"
#include "key/keystore.h"
#include "key/server.h"

struct rig {
	char dir[64];
	struct config config;
	struct loop *loop;
	struct key_server *server;
	int core, front;
	struct diag d;     /* of the last refusal */
	struct buf answer; /* fields of the last answer */
	uint32_t next_id;
};

void rig_open(struct rig *r);
void rig_restart(struct rig *r); /* a new process over the same folder */
void rig_close(struct rig *r);
int rig_link(struct rig *r, enum role peer);
/* rig_ask(): the answer's code; E_CLOSED when the server closed the link */
int rig_ask(struct rig *r, int fd, int op, struct span payload);
int rig_answer(struct rig *r, int fd); /* without asking */
void rig_send_raw(int fd, const void *p, size_t n);

/* the usual requests; the answer's first span, borrowed until the next ask */
int rig_create(struct rig *r, const char *id, enum key_role role,
    enum key_kind kind, const char *subject, struct buf *ret_spki);
int rig_sign_cert(struct rig *r, const char *id, const char *profile,
    struct span tbs, struct buf *ret_sig);
struct span rig_field(struct rig *r);

/* a temporary folder and its end */
void scratch_make(char dir[64]);
void scratch_remove(const char *dir);
/* opens STATE/key/name and changes one byte of it */
void file_flip(const char *dir, const char *name, size_t at);
size_t file_size(const char *dir, const char *name);

#endif
