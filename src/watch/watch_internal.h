/* watch, private: the two parts that watch_start() sets going. */
#ifndef SIGNET_WATCH_INTERNAL_H
#define SIGNET_WATCH_INTERNAL_H

#include "watch/watch.h"

struct sweeper;
int sweeper_new(struct loop *l, struct store *s, struct ledger *g,
    uint32_t warn_days, struct sweeper **ret) ERR_CHECK;
void sweeper_free(struct sweeper *w);

struct syslog_route;
/* socket_path is copied; the cursor is read from setting "syslog.seq" */
int syslog_route_new(struct loop *l, struct store *s, struct ledger *g,
    const char *socket_path, struct diag *d, struct syslog_route **ret)
    ERR_CHECK;
/* writes the cursor into the present batch, and frees */
void syslog_route_free(struct syslog_route *r);

/* a setting that holds one number; absent or unreadable: otherwise */
int64_t setting_number(struct store *s, const char *name, int64_t otherwise);
int setting_set_number(struct store *s, const char *name, int64_t v) ERR_CHECK;

#endif
