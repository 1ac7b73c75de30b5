/*
 * os/unix_socket: addresses of Unix sockets whose path may be deep.
 *
 * sockaddr_un holds 107 bytes; a state folder may be deeper. Longer paths are
 * reached through an open descriptor of their folder (/proc/self/fd/N/name).
 */
#ifndef SIGNET_OS_UNIX_SOCKET_H
#define SIGNET_OS_UNIX_SOCKET_H

#include <sys/types.h>

#include "base/diag.h"
#include "base/err.h"

#define UNIX_PATH_MAX_SHORT 108 /* bytes of sun_path, with the NUL */

/* unix_short_path(path, out, fd): a name of at most 107 bytes for path. It is
 * good as long as *ret_fd (-1 when not needed) stays open, which the caller
 * closes. E_NOT_FOUND, E_TOO_BIG (the last part alone is too long). */
int unix_short_path(
    const char *path, char out[UNIX_PATH_MAX_SHORT], int *ret_fd) ERR_CHECK;
/* unix_listen(path, mode, d, fd): replaces a socket left behind by a
 * predecessor; the caller holds a lock that says there is no living one. */
int unix_listen(const char *path, mode_t mode, struct diag *d, int *ret_fd)
    ERR_CHECK;

#endif
