/* store/events: the rows of the ledger and of its checkpoints; ledger/ gives
 * them meaning. */
#ifndef SIGNET_STORE_EVENTS_H
#define SIGNET_STORE_EVENTS_H

#include "store/store.h"

struct event_row {
	int64_t seq; /* 1, 2, 3 ... without gaps */
	int64_t time;
	int kind, severity; /* enum of ledger/ */
	char
	    object[160]; /* what it is about, for filtering; also in the body */
	struct span body; /* the exact JSON text that was hashed; owned */
	uint8_t hash[32];
};
void event_done(struct event_row *e);
/* not event_add(): libevent exports that name, and would call ours */
int event_append(struct store *s, const struct event_row *e) ERR_CHECK;
int event_last(struct store *s, struct event_row *ret)
    ERR_CHECK; /* E_NOT_FOUND */
struct event_filter {
	int64_t after_seq, from_time, to_time; /* 0: open */
	int kind;                              /* 0: any */
	int min_severity;                      /* 0: any */
	const char *object;                    /* NULL: any */
	bool newest_first;
	unsigned limit; /* 0: 100; at most 10000 */
};
typedef int (*event_fn)(const struct event_row *e, void *cookie);
int event_each(struct store *s, const struct event_filter *f, event_fn fn,
    void *cookie) ERR_CHECK;

struct checkpoint_row {
	int64_t seq, time;
	uint8_t hash[32];
	char key[65];    /* id of the ledger key */
	struct span sig; /* owned */
};
void checkpoint_done(struct checkpoint_row *c);
int checkpoint_add(struct store *s, const struct checkpoint_row *c) ERR_CHECK;
typedef int (*checkpoint_fn)(const struct checkpoint_row *c, void *cookie);
int checkpoint_each(struct store *s, int64_t after_seq, unsigned limit,
    checkpoint_fn fn, void *cookie) ERR_CHECK;
int checkpoint_last(struct store *s, struct checkpoint_row *ret) ERR_CHECK;

#endif
