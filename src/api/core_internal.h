/* api/core, private: the process and one link to a public front. */
#ifndef SIGNET_API_CORE_INTERNAL_H
#define SIGNET_API_CORE_INTERNAL_H

#include "api/api.h"
#include "ipc/worker.h"
#include "watch/watch.h"

struct core_front;
struct core {
	struct worker *worker;
	struct store *store, *reader;
	struct ledger *ledger;
	struct key_client *keys;
	struct ca *ca;
	struct decider *decider;
	struct watch_room *watch;
	struct trust trust;
	struct api api;
	struct timer *tick;
	struct timer *gather;    /* wakes the loop when a batch has waited */
	int64_t gather_until_ms; /* 0: no batch waits */
	unsigned others;         /* what the last front to ask still works on */
	struct core_front *fronts;
	struct channel *local; /* the local front's link; NULL: none */
	bool started;
};

/* core_setup.c: what a front needs to know of the authorities */
int core_setup_send(struct core *c, struct channel *to) ERR_CHECK;
/* core_front.c */
/* takes fd; a front may only enrol, report and fetch */
int core_front_add(struct core *c, int fd) ERR_CHECK;
/* ENROL_SETUP to every front: authorities have changed */
void core_fronts_tell(struct core *c);
void core_links_free(struct core *c);
/* an uplink for the local front: API_ASK and nothing else */
int core_local_add(struct core *c, int fd) ERR_CHECK;

#endif
