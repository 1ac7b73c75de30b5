/* net/loop_internal: what only the rest of net/ may see of the loop. */
#ifndef SIGNET_NET_LOOP_INTERNAL_H
#define SIGNET_NET_LOOP_INTERNAL_H

#include "net/loop.h"

struct event_base;

struct event_base *loop_get0_base(struct loop *l);

#endif
