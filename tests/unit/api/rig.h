/*
 * tests/unit/api/rig: the API over a real store, ledger, key server and
 * decision, asked as the local front asks.
 */
#ifndef SIGNET_TESTS_API_RIG_H
#define SIGNET_TESTS_API_RIG_H

#include "test.h"

#include "api/core_internal.h"
#include "key/server.h"
#include "net/http_server.h"

struct rig {
	char dir[64];
	struct worker worker;
	struct core core;
	struct key_server *server;
	struct channel *link; /* our end of the local front's */
	bool closed;
	int status;
	uint32_t id;
	json_t *answer;
	int key_restarts;
};

int rig_set_up(void **state);
int rig_tear_down(void **state);
void rig_pair(int fd[2]);
int rig_on_answer(struct channel *c, const struct frame *f, void *cookie);
void rig_on_close(struct channel *c, void *cookie);
/* the JSON answer (borrowed until the next call); its status in r->status */
const json_t *rig_call_raw(struct rig *r, enum http_method m, const char *path,
    const char *query, struct span body);
const json_t *rig_call(struct rig *r, enum http_method m, const char *path,
    const char *query, json_t *body);
void rig_ignite(struct rig *r);
char *rig_csr(const char *cn); /* PEM; the caller frees */

#endif
