/* net/loop: rounds, idle hook, deferred tasks, timers, signals. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/loop.h"
#include "os/clock.h"

struct trace {
	struct loop *loop;
	struct loop_task task;
	char steps[64];
	size_t n;
	int idles;
};

static void
note(struct trace *t, char c)
{
	if (t->n + 1 < sizeof(t->steps))
		t->steps[t->n++] = c;
}

static void
on_task(void *cookie)
{
	note((struct trace *)cookie, 't');
}

static void
on_idle(void *cookie)
{
	struct trace *t = (struct trace *)cookie;

	note(t, 'i');
	if (t->idles++ == 0)
		loop_defer(t->loop, &t->task);
}

static void
on_timer(void *cookie)
{
	struct trace *t = (struct trace *)cookie;

	note(t, 'e');
	loop_defer(t->loop, &t->task);
	loop_defer(t->loop, &t->task); /* waits already: once */
}

static void
stop(void *cookie)
{
	struct trace *t = (struct trace *)cookie;

	note(t, 's');
	loop_stop(t->loop);
}

static void
tasks_run_before_and_after_the_idle_hook(void **state)
{
	struct trace t = { .task = { .fn = on_task } };
	struct timer *timer;

	(void)state;
	t.task.cookie = &t;
	t.loop = loop_new();
	timer = timer_new(t.loop, on_timer, &t);
	loop_set_idle(t.loop, on_idle, &t);
	timer_set(timer, 0);
	assert_int_equal(loop_step(t.loop, 1000), 0);
	assert_string_equal(t.steps, "etit");
	timer_free(timer);
	loop_free(t.loop);
}

static void
a_task_before_the_first_round_runs_before_the_wait(void **state)
{
	struct trace t = { .task = { .fn = on_task } };

	(void)state;
	t.task.cookie = &t;
	t.loop = loop_new();
	loop_defer(t.loop, &t.task);
	assert_int_equal(loop_step(t.loop, 0), 0);
	assert_string_equal(t.steps, "t");
	loop_defer(t.loop, &t.task);
	loop_task_cancel(&t.task);
	assert_int_equal(loop_step(t.loop, 0), 0);
	assert_string_equal(t.steps, "t");
	loop_free(t.loop);
}

static void
on_byte(int fd, int what, void *cookie)
{
	struct trace *t = (struct trace *)cookie;
	char c;

	if (what & LOOP_READ) {
		assert_int_equal(read(fd, &c, 1), 1);
		note(t, c);
	}
	if (what & LOOP_WRITE)
		note(t, 'w');
	if (what == 0)
		note(t, 'p');
}

static void
watches_wait_for_what_is_wanted(void **state)
{
	struct trace t = { 0 };
	struct watch *in, *out;
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	t.loop = loop_new();
	in = watch_new(t.loop, fd[0], LOOP_READ, on_byte, &t);
	out = watch_new(t.loop, fd[1], 0, on_byte, &t);
	assert_int_equal(write(fd[1], "ab", 2), 2);
	assert_int_equal(loop_step(t.loop, 1000), 0);
	watch_want(in, 0);
	watch_want(out, LOOP_WRITE);
	assert_int_equal(loop_step(t.loop, 1000), 0);
	watch_want(out, 0);
	watch_want(in, LOOP_READ);
	assert_int_equal(loop_step(t.loop, 1000), 0);
	watch_want(in, 0);
	watch_poke(in);
	assert_int_equal(loop_step(t.loop, 1000), 0);
	assert_int_equal(loop_step(t.loop, 0), 0);
	assert_string_equal(t.steps, "awbp");
	watch_free(in);
	watch_free(out);
	close(fd[0]);
	close(fd[1]);
	loop_free(t.loop);
}

static void
run_ends_with_stop_and_timers_can_be_replaced(void **state)
{
	struct trace t = { 0 };
	struct timer *soon, *never;
	int64_t began = clock_monotonic_ms();

	(void)state;
	t.loop = loop_new();
	soon = timer_new(t.loop, stop, &t);
	never = timer_new(t.loop, on_timer, &t);
	timer_set(never, 5);
	timer_stop(never);
	timer_set(soon, 3600000);
	timer_set(soon, 20);
	assert_int_equal(loop_run(t.loop), 0);
	assert_in_range(clock_monotonic_ms() - began, 10, 20000);
	assert_string_equal(t.steps, "s");
	timer_free(soon);
	timer_free(never);
	loop_free(t.loop);
}

static void
signals_come_as_events(void **state)
{
	struct trace t = { 0 };
	struct watch *w;

	(void)state;
	t.loop = loop_new();
	w = loop_signal(t.loop, SIGUSR1, stop, &t);
	raise(SIGUSR1);
	assert_string_equal(t.steps, "");
	assert_int_equal(loop_run(t.loop), 0);
	assert_string_equal(t.steps, "s");
	watch_free(w);
	loop_free(t.loop);
}

static void
a_step_without_events_ends_in_time(void **state)
{
	struct loop *l = loop_new();
	int64_t began = clock_monotonic_ms();

	(void)state;
	assert_int_equal(loop_step(l, 30), 0);
	assert_in_range(clock_monotonic_ms() - began, 20, 20000);
	loop_free(l);
	loop_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tasks_run_before_and_after_the_idle_hook),
		cmocka_unit_test(
		    a_task_before_the_first_round_runs_before_the_wait),
		cmocka_unit_test(watches_wait_for_what_is_wanted),
		cmocka_unit_test(run_ends_with_stop_and_timers_can_be_replaced),
		cmocka_unit_test(signals_come_as_events),
		cmocka_unit_test(a_step_without_events_ends_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
