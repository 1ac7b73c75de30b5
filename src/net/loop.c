#include "net/loop.h"

#include <stdlib.h>

#include <event2/event.h>

#include "net/loop_internal.h"

struct loop {
	struct event_base *base;
	bool is_stopped;
	timer_fn idle;
	void *idle_cookie;
	struct loop_task *tasks;
	struct event *wake; /* ends the wait of loop_step() */
};

struct watch {
	struct event *event;
	struct event_base *base;
	watch_fn fn;
	timer_fn signal_fn;
	void *cookie;
};

struct timer {
	struct event *event;
	timer_fn fn;
	void *cookie;
};

static void
on_wake(evutil_socket_t fd, short what, void *cookie)
{
	(void)fd;
	(void)what;
	(void)cookie;
}

static struct event_base *
base_new(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base;

	if (!config)
		return NULL;
	/* one thread; and no EVENT_* variable of the environment may choose
	 * another backend than the one the sandbox knows */
	event_config_set_flag(
	    config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
	base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

struct loop *
loop_new(void)
{
	struct loop *l = (struct loop *)calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->base = base_new();
	if (l->base)
		l->wake = evtimer_new(l->base, on_wake, NULL);
	if (!l->wake) {
		loop_free(l);
		return NULL;
	}
	return l;
}

void
loop_free(struct loop *l)
{
	if (!l)
		return;
	if (l->wake)
		event_free(l->wake);
	if (l->base)
		event_base_free(l->base);
	free(l);
}

struct event_base *
loop_get0_base(struct loop *l)
{
	return l->base;
}

static void
run_tasks(struct loop *l)
{
	while (l->tasks) {
		struct loop_task *t = l->tasks;

		loop_task_cancel(t);
		t->fn(t->cookie);
	}
}

/* What the round has queued leaves before the idle hook, so that peers work
 * while the hook commits; what the hook queues leaves before the sleep. */
static int
one_round(struct loop *l, int flags)
{
	int r = event_base_loop(l->base, flags);

	run_tasks(l);
	if (l->idle)
		l->idle(l->idle_cookie);
	run_tasks(l);
	return r < 0 ? E_IO : 0;
}

int
loop_run(struct loop *l)
{
	int r = 0;

	l->is_stopped = false;
	run_tasks(l);
	while (r == 0 && !l->is_stopped)
		r = one_round(l, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY);
	return r;
}

int
loop_step(struct loop *l, int wait_ms)
{
	struct timeval tv = { wait_ms / 1000, wait_ms % 1000 * 1000 };
	int r;

	run_tasks(l);
	if (wait_ms <= 0)
		return one_round(l, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	if (evtimer_add(l->wake, &tv) != 0)
		return E_NOMEM;
	r = one_round(l, EVLOOP_ONCE);
	evtimer_del(l->wake);
	return r;
}

void
loop_stop(struct loop *l)
{
	l->is_stopped = true;
	event_base_loopbreak(l->base);
}

void
loop_set_idle(struct loop *l, timer_fn fn, void *cookie)
{
	l->idle = fn;
	l->idle_cookie = cookie;
}

void
loop_defer(struct loop *l, struct loop_task *t)
{
	if (t->prev_next)
		return;
	t->next = l->tasks;
	if (t->next)
		t->next->prev_next = &t->next;
	t->prev_next = &l->tasks;
	l->tasks = t;
}

void
loop_task_cancel(struct loop_task *t)
{
	if (!t->prev_next)
		return;
	*t->prev_next = t->next;
	if (t->next)
		t->next->prev_next = t->prev_next;
	t->next = NULL;
	t->prev_next = NULL;
}

static void
on_watch(evutil_socket_t fd, short events, void *cookie)
{
	struct watch *w = (struct watch *)cookie;
	int what = 0;

	if (w->signal_fn) {
		w->signal_fn(w->cookie);
		return;
	}
	if (events & EV_READ)
		what |= LOOP_READ;
	if (events & EV_WRITE)
		what |= LOOP_WRITE;
	w->fn(fd, what, w->cookie);
}

static short
events_of(int what)
{
	return (short)(EV_PERSIST | (what & LOOP_READ ? EV_READ : 0) |
		       (what & LOOP_WRITE ? EV_WRITE : 0));
}

struct watch *
watch_new(struct loop *l, int fd, int what, watch_fn fn, void *cookie)
{
	struct watch *w = (struct watch *)calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->base = l->base;
	w->fn = fn;
	w->cookie = cookie;
	w->event = event_new(l->base, fd, events_of(what), on_watch, w);
	if (!w->event || (what && event_add(w->event, NULL) != 0)) {
		watch_free(w);
		return NULL;
	}
	return w;
}

void
watch_want(struct watch *w, int what)
{
	evutil_socket_t fd = event_get_fd(w->event);

	if (event_get_events(w->event) == events_of(what))
		return;
	event_del(w->event);
	if (event_assign(w->event, w->base, fd, events_of(what), on_watch, w) ==
		0 &&
	    what)
		event_add(w->event, NULL);
}

void
watch_poke(struct watch *w)
{
	event_active(w->event, 0, 1);
}

void
watch_free(struct watch *w)
{
	if (!w)
		return;
	if (w->event)
		event_free(w->event);
	free(w);
}

static void
on_timer(evutil_socket_t fd, short events, void *cookie)
{
	struct timer *t = (struct timer *)cookie;

	(void)fd;
	(void)events;
	t->fn(t->cookie);
}

struct timer *
timer_new(struct loop *l, timer_fn fn, void *cookie)
{
	struct timer *t = (struct timer *)calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->fn = fn;
	t->cookie = cookie;
	t->event = evtimer_new(l->base, on_timer, t);
	if (!t->event) {
		free(t);
		return NULL;
	}
	return t;
}

void
timer_set(struct timer *t, int64_t ms)
{
	struct timeval tv;

	if (ms < 0)
		ms = 0;
	tv.tv_sec = ms / 1000;
	tv.tv_usec = ms % 1000 * 1000;
	evtimer_add(t->event, &tv);
}

void
timer_stop(struct timer *t)
{
	evtimer_del(t->event);
}

void
timer_free(struct timer *t)
{
	if (!t)
		return;
	event_free(t->event);
	free(t);
}

struct watch *
loop_signal(struct loop *l, int signo, timer_fn fn, void *cookie)
{
	struct watch *w = (struct watch *)calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->base = l->base;
	w->signal_fn = fn;
	w->cookie = cookie;
	w->event = evsignal_new(l->base, signo, on_watch, w);
	if (!w->event || event_add(w->event, NULL) != 0) {
		watch_free(w);
		return NULL;
	}
	return w;
}
