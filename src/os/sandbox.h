/*
 * os/sandbox: what a process may still ask of the kernel once it has begun to
 * read foreign bytes. seccomp allow-lists, one per role; anything else kills
 * the process, and the supervisor says so and restarts it.
 */
#ifndef SIGNET_OS_SANDBOX_H
#define SIGNET_OS_SANDBOX_H

#include <sys/types.h>

#include "base/diag.h"
#include "base/err.h"

enum sandbox_role {
	SANDBOX_UNSET,
	SANDBOX_FRONT, /* accepted sockets and its links: no open, no connect,
			  no exec */
	SANDBOX_CORE,  /* files below the state folder, AF_UNIX for syslog;
			* PostgreSQL's connection is opened before; no exec, no
			* inet socket */
	SANDBOX_KEY,   /* links and its own folder; no socket of any family, no
			  exec */
};

/* sandbox_enter(role): no_new_privs, drop of dumpability, seccomp filter.
 * Cannot be undone. E_UNSUPPORTED when the kernel has no seccomp. */
int sandbox_enter(enum sandbox_role role, struct diag *d) ERR_CHECK;
/* privilege_drop(user): to an unprivileged user and its group, no supplementary
 * groups; user NULL or "": nothing to do. A number is taken as user and group.
 * E_NOT_FOUND, E_DENIED when another user was asked for without being root.
 * Clears the parent-death signal: set it again afterwards. */
int privilege_drop(const char *user, struct diag *d) ERR_CHECK;
/* privilege_drop_to_owner(path): root becomes the owner of path; anyone else
 * stays who he is. */
int privilege_drop_to_owner(const char *path, struct diag *d) ERR_CHECK;
/* privilege_look_up(user): a name or a number; E_NOT_FOUND */
int privilege_look_up(
    const char *user, struct diag *d, uid_t *ret_uid, gid_t *ret_gid) ERR_CHECK;

#endif
