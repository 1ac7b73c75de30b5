/*
 * net: event loop, TLS contexts, HTTP server and client, DNS.
 *
 * net/loop: libevent behind five words. One loop a process, one thread.
 */
#ifndef SIGNET_NET_LOOP_H
#define SIGNET_NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct loop;
struct watch; /* a descriptor watched for reading and, when asked, writing */
struct timer;

enum { LOOP_READ = 1, LOOP_WRITE = 2 };
typedef void (*watch_fn)(int fd, int what, void *cookie);
typedef void (*timer_fn)(void *cookie);

struct loop *loop_new(void); /* NULL: out of memory */
void loop_free(struct loop *l);
/* loop_run(l): until loop_stop(). After each round of ready events the idle
 * hook runs: there the core commits what the round has gathered. */
int loop_run(struct loop *l) ERR_CHECK;
/* loop_step(l, wait_ms): one round, then the idle hook; for tests */
int loop_step(struct loop *l, int wait_ms) ERR_CHECK;
void loop_stop(struct loop *l);
void loop_set_idle(struct loop *l, timer_fn fn, void *cookie);

/* watch_new(): persistent; watch_want() changes what is waited for */
struct watch *watch_new(
    struct loop *l, int fd, int what, watch_fn fn, void *cookie);
void watch_want(struct watch *w, int what);
void watch_free(struct watch *w); /* does not close the descriptor */
/* watch_poke(w): calls fn in the next round with what = 0, as if an event had
 * come; for work that must not happen inside the caller */
void watch_poke(struct watch *w);
/* timer_new(): not armed; timer_set(t, ms) fires once after ms (again:
 * replaces) */
struct timer *timer_new(struct loop *l, timer_fn fn, void *cookie);
void timer_set(struct timer *t, int64_t ms);
void timer_stop(struct timer *t);
void timer_free(struct timer *t);
/* loop_signal(l, signo, fn): delivered as an ordinary event */
struct watch *loop_signal(struct loop *l, int signo, timer_fn fn, void *cookie);

/*
 * A task runs once at the end of the present round, before the loop sleeps:
 * after the round's events, and again after the idle hook for what that hook
 * has asked for. Caller's memory; { .fn, .cookie } and the rest zero. A task
 * that is waiting already is not queued twice.
 */
struct loop_task {
	timer_fn fn;
	void *cookie;
	struct loop_task *next, **prev_next;
};
void loop_defer(struct loop *l, struct loop_task *t);
void loop_task_cancel(struct loop_task *t);

#endif
