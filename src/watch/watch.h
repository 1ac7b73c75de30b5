/*
 * watch: scan, inventory, expiry, alarm routes. So far the daily expiry sweep
 * and the syslog route (first stage of WATCH-2).
 */
#ifndef SIGNET_WATCH_WATCH_H
#define SIGNET_WATCH_WATCH_H

#include "ledger/ledger.h"
#include "net/loop.h"
#include "os/config.h"
#include "store/certificates.h"

#define SWEEP_SLICE 1000     /* certificates of one batch */
#define SYSLOG_LINE_MAX 2048 /* bytes of one RFC 5424 message */

struct watch_room;
/* watch_start(): the sweep runs at once and then daily (setting "sweep.last"),
 * in slices so that enrolments go on; every durable event of at least notice
 * goes to syslog, from where the last run stopped (setting "syslog.seq") */
int watch_start(struct loop *l, struct store *s, struct ledger *g,
    const struct config *c, struct diag *d, struct watch_room **ret) ERR_CHECK;
void watch_end(struct watch_room *w);
/* one slice of the sweep: how many were warned of; 0 when done. For the bench.
 */
int sweep_slice(struct store *s, struct ledger *g, int64_t now,
    uint32_t warn_days, unsigned *ret_n) ERR_CHECK;
/* the same for our own authorities that are current or next: their newest and
 * their RA's certificate; a CA's half a year before its end, as an error; an
 * RA's when its own renewal should be over */
int sweep_authorities(struct store *s, struct ledger *g, int64_t now,
    uint32_t warn_days, unsigned *ret_n) ERR_CHECK;
/* RFC 5424 line of an event, for tests and other routes */
int syslog_line(const struct event_row *e, char *out, unsigned long size)
    ERR_CHECK;

#endif
