/*
 * ipc/control: the frames between signetd and its children, both directions.
 *
 *   CONFIG   u8 role, u32 index, packed configuration       to the child
 *   LISTEN   u8 kind; a listening socket                     to the child
 *   LINK     u8 role of the peer, u32 its index; one end     to the child
 *   START    all links of the start have been sent           to the child
 *   STOP     end in order                                    to the child
 *   READY    serves now                                      from the child
 *   RESTART  u8 role: restart its processes in turn          from the core
 */
#ifndef SIGNET_IPC_CONTROL_H
#define SIGNET_IPC_CONTROL_H

#include "ipc/channel.h"
#include "ipc/worker.h"

#define CONTROL_FD 3 /* where a child finds its end */
#define CONTROL_CONFIG_MAX (CONFIG_PACKED_MAX + 5)
#define CONTROL_EXIT_PREPARE 3 /* exit code: prepare() has refused */

enum control_type {
	CONTROL_UNSET,
	CONTROL_CONFIG,
	CONTROL_LISTEN,
	CONTROL_LINK,
	CONTROL_START,
	CONTROL_STOP,
	CONTROL_READY,
	CONTROL_RESTART,
};

int control_send_config(struct channel *c, enum role role, unsigned index,
    const struct config *config) ERR_CHECK;
int control_read_config(struct span payload, enum role *ret_role,
    unsigned *ret_index, struct config *ret_config) ERR_CHECK;
int control_send_listen(struct channel *c, enum listener kind, int fd)
    ERR_CHECK;
int control_read_listen(struct span payload, enum listener *ret) ERR_CHECK;
int control_send_link(struct channel *c, enum role peer, unsigned index, int fd)
    ERR_CHECK;
int control_read_link(
    struct span payload, enum role *ret_peer, unsigned *ret_index) ERR_CHECK;
int control_send_word(struct channel *c, enum control_type type) ERR_CHECK;
int control_send_restart(struct channel *c, enum role role) ERR_CHECK;
int control_read_restart(struct span payload, enum role *ret) ERR_CHECK;

#endif
