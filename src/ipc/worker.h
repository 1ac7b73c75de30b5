/*
 * ipc/worker: the child's side of the supervisor.
 *
 * signetd starts every process with its control channel on descriptor 3 and
 * sends over it, in this order: the configuration, the listening sockets, and
 * one descriptor per link to another process; new links whenever a peer is
 * restarted. worker_main() does all of this and the sandboxing, so that a
 * program is a table of callbacks.
 */
#ifndef SIGNET_IPC_WORKER_H
#define SIGNET_IPC_WORKER_H

#include "base/err.h"
#include "base/diag.h"
#include "net/loop.h"
#include "os/config.h"
#include "os/sandbox.h"

enum role {
	ROLE_UNSET,
	ROLE_SUPERVISOR,
	ROLE_FRONT,
	ROLE_LOCAL,
	ROLE_CORE,
	ROLE_KEY
};
/* ROLE_LOCAL is signet-front on the Unix socket only: the one whose API
 * requests the core accepts. ROLE_FRONT faces strangers. */
const char *role_name(enum role r);
enum listener { LISTEN_UNSET, LISTEN_HTTP, LISTEN_LOCAL };

struct worker {
	enum role role; /* told by the supervisor */
	unsigned index; /* which of its role: 0, 1, ... */
	struct loop *loop;
	struct config config;
	void *cookie; /* the program's own */
};
struct worker_program {
	const char *name; /* "signet-core" */
	enum sandbox_role sandbox;
	/* after the configuration came, before the sandbox: open files,
	 * databases. The core and the key process run as the owner of the state
	 * folder here already; a front gives root up after it. On failure the
	 * process ends and nothing else is called. */
	int (*prepare)(struct worker *w, struct diag *d);
	/* in the sandbox: a listening socket, a link to a peer (take the
	 * descriptor) */
	int (*on_listen)(struct worker *w, enum listener kind, int fd);
	int (*on_link)(
	    struct worker *w, enum role peer, unsigned index, int fd);
	/* all links of the start have been delivered */
	int (*on_start)(struct worker *w);
	/* once, after the last round of the loop, whatever ended it (stop asked
	 * for, worker_stop(), the supervisor has gone): frees what prepare()
	 * made */
	void (*on_stop)(struct worker *w);
};
/* worker_main(): runs until told to stop; the return value is main()'s */
int worker_main(const struct worker_program *p, int argc, char **argv);
/* worker_ready(w): tells the supervisor that this process serves (once) */
int worker_ready(struct worker *w) ERR_CHECK;
/* worker_restart_role(w, role): asks the supervisor to restart all processes
 * of that role, one after the other (a changed profile) */
int worker_restart_role(struct worker *w, enum role r) ERR_CHECK;
/* worker_stop(w, exit_code): leaves the loop; the supervisor starts it again */
void worker_stop(struct worker *w, int exit_code);

#endif
