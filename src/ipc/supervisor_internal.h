/* ipc/supervisor_internal: what the supervisor's files share. */
#ifndef SIGNET_IPC_SUPERVISOR_INTERNAL_H
#define SIGNET_IPC_SUPERVISOR_INTERNAL_H

#include <limits.h>
#include <sys/types.h>

#include "ipc/control.h"
#include "ipc/supervisor.h"

/* keys, core, local front, fronts */
#define CHILDREN_MAX (CONFIG_KEYS_MAX + 2 + CONFIG_FRONTS_MAX)

struct supervisor;

struct child {
	struct supervisor *supervisor;
	enum role role;
	unsigned index;
	pid_t pid; /* 0: not running */
	struct channel *control;
	struct timer *restart;
	unsigned early_deaths; /* in a row, before it was ready */
	bool is_ready;
	bool is_stopping;    /* told to end */
	bool is_restart_due; /* waits for its turn */
};

struct supervisor {
	struct loop *loop;
	const struct supervisor_options *options;
	char programs[PATH_MAX]; /* folder of signetd and the others */
	char socket_path[CONFIG_PATH_MAX + 32];
	int lock, http, local; /* descriptors, -1 when not there */
	struct child children[CHILDREN_MAX];
	size_t n;
	bool has_served;        /* the ready line is out */
	unsigned failed_starts; /* prepare() refusals before that */
	struct child *restarting;
	enum role stopping; /* role being stopped, ROLE_UNSET while running */
	struct timer *patience;
	struct watch *signals[4];
	int exit_code;
};

/* supervisor_state.c: folders, lock, listeners */
int state_prepare(const struct config *c, struct diag *d) ERR_CHECK;
int state_lock(const char *state_dir, struct diag *d, int *ret_fd) ERR_CHECK;
/* fills http, local and socket_path; takes LISTEN_FDS of systemd first */
int state_listen(struct supervisor *s, struct diag *d) ERR_CHECK;
/* tells systemd, when it listens */
void state_notify(const char *text);

/* supervisor_spawn.c: fork and exec with the control channel as CONTROL_FD;
 * ret_fd is our end */
int spawn(const struct child *c, const char *programs, pid_t *ret_pid,
    int *ret_fd) ERR_CHECK;
int spawn_find_programs(char *out, size_t size, struct diag *d) ERR_CHECK;

/* supervisor_child.c: one child's life */
int child_start(struct child *c) ERR_CHECK; /* process and configuration */
void child_link_all(struct child *c);       /* with all that run */
void child_go(struct child *c);             /* START */
void child_stop(struct child *c);           /* STOP, SIGKILL later by others */
void child_died(struct child *c, int status); /* log, restart */
bool child_is_running(const struct child *c);

/* supervisor.c, told by a child's file */
void supervisor_on_ready(struct supervisor *s, struct child *c);
void supervisor_on_restart(struct supervisor *s, enum role r);

#endif
