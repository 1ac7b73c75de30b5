/*
 * key/key_client: asks the key processes, without waiting. Requests go to the
 * link with the fewest open ones; those of a process that died are asked again
 * of another or of its successor: all operations may be repeated (CREATE and
 * IMPORT of an id that exists with the same content answer again).
 */
#ifndef SIGNET_KEY_KEY_CLIENT_H
#define SIGNET_KEY_KEY_CLIENT_H

#include "ipc/channel.h"
#include "key/key_msg.h"

#define KEY_CLIENT_LINKS_MAX 16
#define KEY_CLIENT_OPEN_MAX 4096 /* requests under way; more: E_LIMIT */
#define KEY_CLIENT_WAIT_MS 10000 /* then E_TIMEOUT */
/* CREATE: two primes of 2048 bits may take their time */
#define KEY_CLIENT_CREATE_WAIT_MS 120000
/* a request that has seen so many processes die is not asked again */
#define KEY_CLIENT_TRIES 3

struct key_client;
struct key_client *key_client_new(struct loop *l); /* NULL: out of memory */
/* open requests are told E_CLOSED */
void key_client_free(struct key_client *k);
/* a link to key process `index` (again: replaces the dead one); takes fd */
int key_client_add_link(struct key_client *k, unsigned index, int fd) ERR_CHECK;
size_t key_client_open_count(const struct key_client *k);

/* how many questions are under way; the core gathers a batch by it */
size_t key_client_open(const struct key_client *k);

/* result: 0 with the answer's fields in a reader, or a code with d filled;
 * both are borrowed during the callback, which may ask anew */
typedef void (*key_done_fn)(
    int result, struct reader *answer, const struct diag *d, void *cookie);
/* key_ask(): payload as key_msg.h lists the fields, copied; CHECKPOINT
 * operations always go to process 0. The callback never runs before key_ask()
 * returns. E_LIMIT, E_NOMEM: fn is not called. */
int key_ask(struct key_client *k, enum key_op op, struct span payload,
    key_done_fn fn, void *cookie) ERR_CHECK;

#endif
