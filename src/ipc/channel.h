/*
 * ipc: frames and dispatch tables between our own processes.
 *
 * ipc/channel: one end of a socketpair carrying frames {u32 length, u16 type,
 * u32 id, payload}. The peer is treated as hostile: one dispatch table says
 * which types are welcome, how large they may be and who handles them;
 * anything else closes the channel. Frames queued in one round of the loop
 * leave in one write.
 */
#ifndef SIGNET_IPC_CHANNEL_H
#define SIGNET_IPC_CHANNEL_H

#include "base/buf.h"
#include "base/err.h"
#include "net/loop.h"

#define CHANNEL_FRAME_MAX (8u << 20) /* bytes of one payload */
#define CHANNEL_FDS_MAX 64 /* descriptors under way in one direction */
#define CHANNEL_QUEUE_MAX                                                    \
	(64u << 20) /* bytes waiting to be written: then the peer is dropped \
		     */

struct channel;
struct frame {
	uint16_t type;
	uint32_t id;         /* chosen by the asker, repeated in the answer */
	struct span payload; /* borrowed for the time of the handler */
	int fd; /* passed descriptor or -1; the handler takes it (and closes it)
		 */
};
struct channel_rule {
	uint16_t type;
	uint32_t max; /* payload bytes */
	/* returns 0, or an error that closes the channel (malformed payload) */
	int (*handler)(struct channel *c, const struct frame *f, void *cookie);
};

/* channel_new(loop, fd, rules, cookie, on_close): takes the descriptor (on NULL
 * it stays the caller's). rules end with a NULL handler and stay borrowed.
 * on_close(c, cookie) is called once, when the peer has gone or broke the
 * rules; it must call channel_free(c). */
struct channel *channel_new(struct loop *l, int fd,
    const struct channel_rule *rules, void *cookie,
    void (*on_close)(struct channel *c, void *cookie));
void channel_free(struct channel *c);
/* channel_send(c, type, id, payload): queues a frame; E_CLOSED, E_TOO_BIG */
int channel_send(struct channel *c, uint16_t type, uint32_t id,
    struct span payload) ERR_CHECK;
/* channel_send_fd(): the same with a descriptor (duplicated, the caller keeps
 * its own) */
int channel_send_fd(struct channel *c, uint16_t type, uint32_t id,
    struct span payload, int fd) ERR_CHECK;
/* channel_allow_fds(c): takes descriptors from the peer. Without this call the
 * kernel drops what the peer tries to pass, and a frame that claims to carry a
 * descriptor closes the channel. */
void channel_allow_fds(struct channel *c);
size_t channel_queued(const struct channel *c); /* bytes not yet written */
void *channel_cookie(const struct channel *c);

#endif
