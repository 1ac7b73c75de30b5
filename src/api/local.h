/*
 * api/local: the front on the Unix socket: one HTTP request becomes one
 * API_ASK frame to the core, one API_ANSWER its answer. It knows nothing of
 * what is asked, only who asks (SO_PEERCRED) and whether the core is there.
 */
#ifndef SIGNET_API_LOCAL_H
#define SIGNET_API_LOCAL_H

#include "ipc/worker.h"

#define LOCAL_OPEN_MAX 512 /* requests under way; fewer than API_OPEN_MAX */
#define LOCAL_HOLD_MS 5000 /* wait for a core that is being restarted */

extern const struct worker_program api_local_program;

/* The same without a supervisor, for tests: serves fd (listening), asks over
 * link once there is one. */
struct local;
struct local *local_new(struct loop *l, uid_t owner);
void local_free(struct local *l);
int local_listen(struct local *l, int fd) ERR_CHECK;
int local_link(struct local *l, int fd) ERR_CHECK;

#endif
