#include "ipc/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "ipc/control.h"
#include "os/clock.h"

#define NOBODY "65534" /* fronts of a root supervisor */

/* struct worker is what the program sees of it */
struct process {
	struct worker worker;
	const struct worker_program *program;
	struct channel *control;
	struct watch *term;
	pid_t supervisor;
	int exit_code;
	bool is_prepared;
	bool is_ready;
};

static struct process *
process_of(struct worker *w)
{
	return (struct process *)w; /* its first member */
}

void
worker_stop(struct worker *w, int exit_code)
{
	process_of(w)->exit_code = exit_code;
	loop_stop(w->loop);
}

int
worker_ready(struct worker *w)
{
	struct process *p = process_of(w);

	if (p->is_ready)
		return 0;
	if (!p->control)
		return E_CLOSED;
	p->is_ready = true;
	return control_send_word(p->control, CONTROL_READY);
}

int
worker_restart_role(struct worker *w, enum role r)
{
	struct process *p = process_of(w);

	return p->control ? control_send_restart(p->control, r) : E_CLOSED;
}

static void
refuse(struct process *p, const struct diag *d)
{
	char text[4 * DIAG_TEXT_MAX];

	diag_print(d, text, sizeof(text));
	log_line(LOG_ERROR, "%s %u cannot start: %s", role_name(p->worker.role),
	    p->worker.index, text);
	_exit(CONTROL_EXIT_PREPARE);
}

static bool
is_front(const struct process *p)
{
	return p->worker.role == ROLE_FRONT || p->worker.role == ROLE_LOCAL;
}

static int
give_up_root(struct process *p, struct diag *d)
{
	const struct config *c = &p->worker.config;
	int r;

	if (c->user[0])
		r = privilege_drop(c->user, d);
	else if (is_front(p))
		r = geteuid() == 0 ? privilege_drop(NOBODY, d) : 0;
	else
		r = privilege_drop_to_owner(c->state_dir, d);
	if (r != 0)
		return r;
	/* changing the user has cleared it */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 ||
	    getppid() != p->supervisor)
		return diag_set(d, E_CLOSED, "signetd", NULL, "has gone");
	return 0;
}

static int
prepare(struct process *p, struct diag *d)
{
	return p->program->prepare ? p->program->prepare(&p->worker, d) : 0;
}

/* The core's and the key process's files belong to the owner of the state
 * folder; a front makes no files but may have to look into a folder that is
 * closed to others. Then the sandbox, before the first foreign byte. */
static int
settle_in(struct process *p, struct diag *d)
{
	int r;

	if (is_front(p)) {
		r = prepare(p, d);
		if (r == 0)
			r = give_up_root(p, d);
	} else {
		r = give_up_root(p, d);
		if (r == 0)
			r = prepare(p, d);
	}
	return r == 0 ? sandbox_enter(p->program->sandbox, d) : r;
}

static int
on_config(struct channel *c, const struct frame *f, void *cookie)
{
	struct process *p = (struct process *)cookie;
	struct diag d = { 0 };
	int r;

	(void)c;
	if (p->is_prepared)
		return E_STATE;
	r = control_read_config(
	    f->payload, &p->worker.role, &p->worker.index, &p->worker.config);
	if (r != 0)
		return r;
	clock_set_offset(p->worker.config.clock_offset_s);
	r = settle_in(p, &d);
	if (r != 0) {
		d.code = r;
		refuse(p, &d);
	}
	p->is_prepared = true;
	return 0;
}

static int
on_listen(struct channel *c, const struct frame *f, void *cookie)
{
	struct process *p = (struct process *)cookie;
	enum listener kind;

	(void)c;
	if (f->fd < 0)
		return E_PARSE;
	if (!p->is_prepared || !p->program->on_listen ||
	    control_read_listen(f->payload, &kind) != 0) {
		close(f->fd);
		return E_PARSE;
	}
	return p->program->on_listen(&p->worker, kind, f->fd);
}

static int
on_link(struct channel *c, const struct frame *f, void *cookie)
{
	struct process *p = (struct process *)cookie;
	enum role peer;
	unsigned index;

	(void)c;
	if (f->fd < 0)
		return E_PARSE;
	if (!p->is_prepared || !p->program->on_link ||
	    control_read_link(f->payload, &peer, &index) != 0) {
		close(f->fd);
		return E_PARSE;
	}
	return p->program->on_link(&p->worker, peer, index, f->fd);
}

static int
on_start(struct channel *c, const struct frame *f, void *cookie)
{
	struct process *p = (struct process *)cookie;

	(void)c;
	(void)f;
	if (!p->is_prepared)
		return E_STATE;
	return p->program->on_start ? p->program->on_start(&p->worker) : 0;
}

static int
on_stop(struct channel *c, const struct frame *f, void *cookie)
{
	(void)c;
	(void)f;
	worker_stop(&((struct process *)cookie)->worker, 0);
	return 0;
}

static const struct channel_rule rules[] = {
	{ CONTROL_CONFIG, CONTROL_CONFIG_MAX, on_config },
	{ CONTROL_LISTEN, 1, on_listen },
	{ CONTROL_LINK, 5, on_link },
	{ CONTROL_START, 0, on_start },
	{ CONTROL_STOP, 0, on_stop },
	{ 0, 0, NULL },
};

/* the supervisor has gone, or a callback has refused what it was given */
static void
on_close(struct channel *c, void *cookie)
{
	struct process *p = (struct process *)cookie;

	channel_free(c);
	p->control = NULL;
	worker_stop(&p->worker, 1);
}

static void
on_term(void *cookie)
{
	worker_stop(&((struct process *)cookie)->worker, 0);
}

/* The terminal's signals go to signetd, which stops us in order. */
static void
leave_signals_to_supervisor(void)
{
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
}

static int
set_up(struct process *p)
{
	p->worker.loop = loop_new();
	if (!p->worker.loop)
		return E_NOMEM;
	p->term = loop_signal(p->worker.loop, SIGTERM, on_term, p);
	p->control =
	    channel_new(p->worker.loop, CONTROL_FD, rules, p, on_close);
	if (!p->term || !p->control)
		return E_NOMEM;
	channel_allow_fds(p->control);
	return 0;
}

int
worker_main(const struct worker_program *program, int argc, char **argv)
{
	static struct process process; /* config is too large for the stack */
	struct process *p = &process;

	(void)argc;
	(void)argv;
	p->program = program;
	p->supervisor = getppid();
	log_open(program->name, LOG_NOTICE);
	if (fcntl(CONTROL_FD, F_SETFD, FD_CLOEXEC) != 0) {
		log_line(LOG_ERROR, "is started by signetd only");
		return 2;
	}
	leave_signals_to_supervisor();
	if (set_up(p) != 0 || loop_run(p->worker.loop) != 0) {
		log_line(LOG_ERROR, "cannot run its event loop");
		return 1;
	}
	if (p->is_prepared && program->on_stop)
		program->on_stop(&p->worker);
	channel_free(p->control);
	watch_free(p->term);
	loop_free(p->worker.loop);
	return p->exit_code;
}
