/* One child's life: start, links, death, and start again. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "ipc/supervisor_internal.h"
#include "os/clock.h"

#define EARLY_MAX 5    /* deaths in a row before it was ready: slow down */
#define BACKOFF_MS 100 /* doubling */
#define BACKOFF_MAX_MS 2000

/* Who speaks with whom. Strangers' requests come through FRONT, the
 * administrator's through LOCAL; only what signs is linked to keys. */
static bool
is_linked(enum role a, enum role b)
{
	if (a == ROLE_CORE)
		return b == ROLE_FRONT || b == ROLE_LOCAL || b == ROLE_KEY;
	if (a == ROLE_KEY)
		return b == ROLE_FRONT || b == ROLE_CORE;
	if (a == ROLE_FRONT)
		return b == ROLE_CORE || b == ROLE_KEY;
	return a == ROLE_LOCAL && b == ROLE_CORE;
}

bool
child_is_running(const struct child *c)
{
	return c->pid != 0;
}

/* A child that cannot be told something cannot be trusted to be told
 * anything: it starts anew. */
static void
kill_now(struct child *c)
{
	if (c->pid != 0)
		kill(c->pid, SIGKILL);
}

static int
on_ready(struct channel *channel, const struct frame *f, void *cookie)
{
	struct child *c = (struct child *)cookie;

	(void)channel;
	(void)f;
	c->is_ready = true;
	supervisor_on_ready(c->supervisor, c);
	return 0;
}

static int
on_restart(struct channel *channel, const struct frame *f, void *cookie)
{
	struct child *c = (struct child *)cookie;
	enum role r;

	(void)channel;
	if (c->role != ROLE_CORE)
		return E_DENIED;
	if (control_read_restart(f->payload, &r) != 0)
		return E_PARSE;
	supervisor_on_restart(c->supervisor, r);
	return 0;
}

static const struct channel_rule rules[] = {
	{ CONTROL_READY, 0, on_ready },
	{ CONTROL_RESTART, 1, on_restart },
	{ 0, 0, NULL },
};

static void
on_close(struct channel *channel, void *cookie)
{
	struct child *c = (struct child *)cookie;

	channel_free(channel);
	c->control = NULL;
	/* an ordered end is under way; anything else is a broken child */
	if (!c->is_stopping)
		kill_now(c);
}

static int
send_start_set(struct child *c)
{
	struct supervisor *s = c->supervisor;
	int r = control_send_config(
	    c->control, c->role, c->index, &s->options->config);

	if (r == 0 && c->role == ROLE_FRONT && s->http >= 0)
		r = control_send_listen(c->control, LISTEN_HTTP, s->http);
	if (r == 0 && c->role == ROLE_LOCAL)
		r = control_send_listen(c->control, LISTEN_LOCAL, s->local);
	return r;
}

int
child_start(struct child *c)
{
	int fd, r;

	c->is_ready = c->is_stopping = false;
	r = spawn(c, c->supervisor->programs, &c->pid, &fd);
	if (r != 0)
		return r;
	c->control = channel_new(c->supervisor->loop, fd, rules, c, on_close);
	if (!c->control) {
		close(fd);
		kill_now(c);
		return E_NOMEM;
	}
	r = send_start_set(c);
	if (r != 0)
		kill_now(c);
	return r;
}

static void
link_pair(struct child *a, struct child *b)
{
	int pair[2];

	if (!a->control || !b->control || !is_linked(a->role, b->role))
		return;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		pair) != 0) {
		kill_now(a);
		return;
	}
	if (control_send_link(a->control, b->role, b->index, pair[0]) != 0 ||
	    control_send_link(b->control, a->role, a->index, pair[1]) != 0)
		kill_now(a);
	close(pair[0]);
	close(pair[1]);
}

void
child_link_all(struct child *c)
{
	struct supervisor *s = c->supervisor;

	for (size_t i = 0; i < s->n; i++)
		if (&s->children[i] != c)
			link_pair(c, &s->children[i]);
}

void
child_go(struct child *c)
{
	if (c->control && control_send_word(c->control, CONTROL_START) != 0)
		kill_now(c);
}

void
child_stop(struct child *c)
{
	if (c->pid == 0)
		return;
	c->is_stopping = true;
	if (!c->control || control_send_word(c->control, CONTROL_STOP) != 0)
		kill(c->pid, SIGTERM);
}

static void
log_death(const struct child *c, pid_t pid, int status)
{
	char how[64];

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		snprintf(how, sizeof(how), "stopped by the sandbox (SIGSYS)");
	else if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "killed by signal %d (SIG%s)",
		    WTERMSIG(status),
		    sigabbrev_np(WTERMSIG(status))
			? sigabbrev_np(WTERMSIG(status))
			: "?");
	else if (WEXITSTATUS(status) == 127)
		snprintf(how, sizeof(how), "its program cannot be started");
	else
		snprintf(how, sizeof(how), "ended with code %d",
		    WEXITSTATUS(status));
	log_line(LOG_WARNING, "%s %u (pid %ld) %s; it is started again",
	    role_name(c->role), c->index, (long)pid, how);
}

/* A process that has served is started again at once, however short its life
 * was: who kills it from outside must not keep the service down. */
static int64_t
restart_delay(struct child *c, bool was_ready)
{
	unsigned over;
	int64_t ms;

	c->early_deaths = was_ready ? 0 : c->early_deaths + 1;
	if (c->early_deaths <= EARLY_MAX)
		return 0;
	over = c->early_deaths - EARLY_MAX - 1;
	ms = over > 5 ? BACKOFF_MAX_MS : (int64_t)BACKOFF_MS << over;
	return ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
}

/* child_died(): reaped. An ordered end is followed by the next life at once,
 * unless the whole is stopping. */
void
child_died(struct child *c, int status)
{
	bool was_ordered = c->is_stopping, was_ready = c->is_ready;
	pid_t pid = c->pid;

	channel_free(c->control);
	c->control = NULL;
	c->pid = 0;
	c->is_ready = c->is_stopping = false;
	if (c->supervisor->stopping != ROLE_UNSET)
		return;
	if (!was_ordered)
		log_death(c, pid, status);
	timer_set(c->restart, was_ordered ? 0 : restart_delay(c, was_ready));
}
