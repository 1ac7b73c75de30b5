/*
 * enroll/front: the process that faces strangers: its plain-HTTP listener
 * (ENR-14) answers SCEP, CRL and CA files and nothing else. No CA key, no
 * database: it decides nothing.
 */
#ifndef SIGNET_ENROLL_FRONT_H
#define SIGNET_ENROLL_FRONT_H

#include "ipc/worker.h"

extern const struct worker_program front_program;

/* The same without the supervisor, for tests. config stays borrowed. */
struct front;
struct front *front_new(struct loop *l, const struct config *c); /* or NULL */
void front_free(struct front *f);
/* all take the descriptor */
int front_listen(struct front *f, int fd) ERR_CHECK;
int front_core_link(struct front *f, int fd) ERR_CHECK;
int front_key_link(struct front *f, unsigned index, int fd) ERR_CHECK;
/* has the core told of its authorities? */
bool front_is_ready(const struct front *f);

#endif
