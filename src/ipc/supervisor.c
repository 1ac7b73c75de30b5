#include "ipc/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "ipc/supervisor_internal.h"
#include "os/address.h"

#define STOP_MS 5000     /* for each role to end in order */
#define RESTART_MS 10000 /* for a restarted child to serve again */
#define START_FAILURES 2 /* refusals to prepare before anything was served */

static void
add_children(struct supervisor *s, enum role r, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct child *c = &s->children[s->n++];

		c->supervisor = s;
		c->role = r;
		c->index = i;
	}
}

static bool
all_ready(const struct supervisor *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (!s->children[i].is_ready)
			return false;
	return true;
}

/* The one line that scripts and tests wait for. */
static void
print_ready(const struct supervisor *s)
{
	char http[ADDRESS_TEXT_MAX] = "-";
	struct sockaddr_storage a;
	socklen_t n = sizeof(a);

	if (s->http >= 0 &&
	    getsockname(s->http, (struct sockaddr *)&a, &n) == 0)
		address_print(&a, http, sizeof(http));
	printf("ready https=- http=%s phones-https=- phones-http=- "
	       "socket=%s\n",
	    http, s->socket_path);
	fflush(stdout);
}

static void
next_restart(struct supervisor *s)
{
	if (s->restarting || s->stopping != ROLE_UNSET)
		return;
	for (size_t i = 0; i < s->n; i++) {
		struct child *c = &s->children[i];

		if (!c->is_restart_due)
			continue;
		c->is_restart_due = false;
		if (!child_is_running(c))
			continue; /* it is about to start anyway */
		s->restarting = c;
		child_stop(c);
		timer_set(s->patience, STOP_MS);
		return;
	}
}

void
supervisor_on_ready(struct supervisor *s, struct child *c)
{
	if (!s->has_served && all_ready(s)) {
		s->has_served = true;
		print_ready(s);
		state_notify("READY=1");
	}
	if (s->restarting == c) {
		s->restarting = NULL;
		timer_stop(s->patience);
	}
	next_restart(s);
}

void
supervisor_on_restart(struct supervisor *s, enum role r)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->children[i].role == r)
			s->children[i].is_restart_due = true;
	next_restart(s);
}

static void
on_hangup(void *cookie)
{
	struct supervisor *s = (struct supervisor *)cookie;

	log_line(LOG_NOTICE, "restarting all processes in turn");
	for (size_t i = 0; i < s->n; i++)
		s->children[i].is_restart_due = true;
	next_restart(s);
}

static void
on_restart_timer(void *cookie)
{
	struct child *c = (struct child *)cookie;

	if (c->supervisor->stopping != ROLE_UNSET || child_is_running(c))
		return;
	if (child_start(c) != 0) {
		if (!child_is_running(c))
			timer_set(c->restart, 1000); /* out of processes */
		return;
	}
	child_link_all(c);
	child_go(c);
}

/* ---- the end: those who face strangers first, the keys last ---- */

static bool
is_of(enum role stopping, enum role r)
{
	return r == stopping || (stopping == ROLE_FRONT && r == ROLE_LOCAL);
}

static size_t
running_of(const struct supervisor *s, enum role r)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += is_of(r, s->children[i].role) &&
		     child_is_running(&s->children[i]);
	return n;
}

static void
stop_role(struct supervisor *s, enum role r)
{
	s->stopping = r;
	for (size_t i = 0; i < s->n; i++)
		if (is_of(r, s->children[i].role))
			child_stop(&s->children[i]);
	timer_set(s->patience, STOP_MS);
}

static void
go_on_stopping(struct supervisor *s)
{
	if (s->stopping == ROLE_FRONT && running_of(s, ROLE_FRONT) == 0)
		stop_role(s, ROLE_CORE);
	if (s->stopping == ROLE_CORE && running_of(s, ROLE_CORE) == 0)
		stop_role(s, ROLE_KEY);
	if (s->stopping == ROLE_KEY && running_of(s, ROLE_KEY) == 0)
		loop_stop(s->loop);
}

static void
begin_stop(struct supervisor *s, int exit_code)
{
	if (s->stopping != ROLE_UNSET)
		return;
	s->exit_code = exit_code;
	state_notify("STOPPING=1");
	stop_role(s, ROLE_FRONT);
	go_on_stopping(s);
}

static void
on_stop_signal(void *cookie)
{
	begin_stop((struct supervisor *)cookie, 0);
}

/* Somebody was told to end, or to serve again, and did not in time. */
static void
on_patience(void *cookie)
{
	struct supervisor *s = (struct supervisor *)cookie;

	for (size_t i = 0; i < s->n; i++) {
		struct child *c = &s->children[i];

		if (c->is_stopping && child_is_running(c)) {
			log_line(LOG_WARNING, "%s %u does not end: killed",
			    role_name(c->role), c->index);
			kill(c->pid, SIGKILL);
		}
	}
	if (s->restarting && s->stopping == ROLE_UNSET &&
	    !s->restarting->is_stopping) {
		log_line(LOG_WARNING, "%s %u does not serve yet; going on",
		    role_name(s->restarting->role), s->restarting->index);
		s->restarting = NULL;
		next_restart(s);
	}
}

/* A configuration under which nothing ever starts ends the start; once the
 * service has worked, it is never given up. */
static void
judge_start(struct supervisor *s, int status)
{
	if (s->has_served || !WIFEXITED(status))
		return;
	if (WEXITSTATUS(status) == 127 ||
	    (WEXITSTATUS(status) == CONTROL_EXIT_PREPARE &&
		++s->failed_starts >= START_FAILURES)) {
		log_line(LOG_ERROR, "gives the start up");
		begin_stop(s, 1);
	}
}

static void
on_child(void *cookie)
{
	struct supervisor *s = (struct supervisor *)cookie;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (size_t i = 0; i < s->n; i++) {
			struct child *c = &s->children[i];

			if (c->pid != pid)
				continue;
			child_died(c, status);
			if (s->restarting == c)
				timer_set(s->patience, RESTART_MS);
			judge_start(s, status);
			break;
		}
	}
	if (s->stopping != ROLE_UNSET)
		go_on_stopping(s);
}

/* ---- the beginning ---- */

static int
start_children(struct supervisor *s)
{
	for (size_t i = 0; i < s->n; i++) {
		int r = child_start(&s->children[i]);

		if (r != 0)
			return r;
	}
	/* each pair once: with those before it */
	for (size_t i = 1; i < s->n; i++) {
		size_t all = s->n;

		s->n = i;
		child_link_all(&s->children[i]);
		s->n = all;
	}
	for (size_t i = 0; i < s->n; i++)
		child_go(&s->children[i]);
	return 0;
}

static int
set_up_loop(struct supervisor *s)
{
	s->loop = loop_new();
	if (!s->loop)
		return E_NOMEM;
	s->patience = timer_new(s->loop, on_patience, s);
	s->signals[0] = loop_signal(s->loop, SIGCHLD, on_child, s);
	s->signals[1] = loop_signal(s->loop, SIGTERM, on_stop_signal, s);
	s->signals[2] = loop_signal(s->loop, SIGINT, on_stop_signal, s);
	s->signals[3] = loop_signal(s->loop, SIGHUP, on_hangup, s);
	for (size_t i = 0; i < 4; i++)
		if (!s->signals[i])
			return E_NOMEM;
	for (size_t i = 0; i < s->n; i++) {
		struct child *c = &s->children[i];

		c->restart = timer_new(s->loop, on_restart_timer, c);
		if (!c->restart)
			return E_NOMEM;
	}
	return s->patience ? 0 : E_NOMEM;
}

static void
tear_down(struct supervisor *s)
{
	for (size_t i = 0; i < s->n; i++) {
		timer_free(s->children[i].restart);
		channel_free(s->children[i].control);
		if (s->children[i].pid != 0)
			kill(s->children[i].pid, SIGKILL);
	}
	for (size_t i = 0; i < 4; i++)
		watch_free(s->signals[i]);
	timer_free(s->patience);
	loop_free(s->loop);
	if (s->local >= 0)
		close(s->local);
	if (s->http >= 0)
		close(s->http);
	if (s->lock >= 0)
		close(s->lock);
}

static int
prepare(struct supervisor *s, struct diag *d)
{
	const struct config *c = &s->options->config;
	int r = spawn_find_programs(s->programs, sizeof(s->programs), d);

	if (r == 0)
		r = state_prepare(c, d);
	if (r == 0)
		r = state_lock(c->state_dir, d, &s->lock);
	if (r == 0)
		r = state_listen(s, d);
	if (r != 0)
		return r;
	add_children(s, ROLE_KEY, c->keys);
	add_children(s, ROLE_CORE, 1);
	add_children(s, ROLE_LOCAL, 1);
	add_children(s, ROLE_FRONT, c->fronts);
	r = set_up_loop(s);
	return r == 0 ? 0 : diag_set(d, r, "signetd", NULL, "out of memory");
}

int
supervisor_run(const struct supervisor_options *o)
{
	static struct supervisor supervisor; /* large */
	struct supervisor *s = &supervisor;
	char text[4 * DIAG_TEXT_MAX];
	struct diag d = { 0 };
	int r;

	s->options = o;
	s->lock = s->http = s->local = -1;
	(void)signal(SIGPIPE, SIG_IGN);
	r = prepare(s, &d);
	if (r == 0 && start_children(s) != 0)
		r = diag_set(&d, E_IO, "signetd", NULL,
		    "cannot start its processes: %s", strerror(errno));
	if (r == 0 && loop_run(s->loop) != 0)
		r = diag_set(
		    &d, E_IO, "signetd", NULL, "cannot run its event loop");
	tear_down(s);
	if (r == 0)
		return s->exit_code;
	diag_print(&d, text, sizeof(text));
	log_line(LOG_ERROR, "%s", text);
	return 1;
}
