/*
 * api/core: the core process put together: store, ledger, authorities,
 * decision, trust, watch, and the links to fronts and key processes.
 */
#ifndef SIGNET_API_CORE_H
#define SIGNET_API_CORE_H

#include "ipc/worker.h"

#define CORE_TICK_MS 5000 /* CRLs and checkpoints due, drop-in folders */
#define CORE_GATHER_MS 4  /* a batch waits so long for what is being signed */
#define CORE_FRONT_ASKS_MAX 8192 /* enrolments one front may have under way */

extern const struct worker_program core_program;

#endif
