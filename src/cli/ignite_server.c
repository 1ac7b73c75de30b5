#include "cli/ignite_server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/online.h"
#include "os/clock.h"

#define LINE_MAX_BYTES 4096
#define LOG_TAIL 2000 /* bytes of signetd's complaints that are passed on */

bool
ignite_server_is_there(struct cli_context *c)
{
	struct diag d = { 0 };
	ONLINE_PATH(p, "/api/v1/status");
	BUF(answer, 1u << 20);

	return online_ask(c, "GET", &p, NULL, &answer, &d) != E_CLOSED;
}

static int
find_program(char *out, size_t size, struct diag *d)
{
	ssize_t n = readlink("/proc/self/exe", out, size - 1);
	char *slash;

	if (n <= 0)
		return diag_set(d, E_IO, "/proc/self/exe", NULL,
		    "cannot be read: %s", strerror(errno));
	out[n] = '\0';
	slash = strrchr(out, '/');
	if (!slash || (size_t)(slash - out) + sizeof("/signetd") > size)
		return diag_set(d, E_TOO_BIG, "signetd", NULL, "path too long");
	memcpy(slash, "/signetd", sizeof("/signetd"));
	if (access(out, X_OK) == 0)
		return 0;
	(void)diag_set(d, E_NOT_FOUND, out, NULL, "there is no such program");
	diag_remedy(d, "start signetd yourself, then ignite again");
	return E_NOT_FOUND;
}

static void
child(struct cli_context *c, const char *program, int out, int err, pid_t us)
{
	const char *config = cli_get(c, "config"), *db = cli_get(c, "database");
	const char *args[16] = { program, "--state", c->state_dir, "--http",
		"127.0.0.1:0", NULL };
	size_t n = 5;

	if (config) {
		args[n++] = "--config";
		args[n++] = config;
	}
	if (db) {
		args[n++] = "--database";
		args[n++] = db;
	}
	/* it must not outlive a command that was interrupted */
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != us || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(127);
	execv(program, (char *const *)(uintptr_t)args);
	_exit(127);
}

/* what it said, for the person who must put it right */
static int
not_ready(int err, struct diag *d)
{
	char text[LOG_TAIL + 1];
	off_t end = lseek(err, 0, SEEK_END);
	off_t from = end > LOG_TAIL ? end - LOG_TAIL : 0;
	ssize_t n = pread(err, text, LOG_TAIL, from);

	text[n > 0 ? n : 0] = '\0';
	while (n > 0 && text[n - 1] == '\n')
		text[--n] = '\0';
	return diag_set(d, E_CLOSED, "signetd", NULL, "did not get ready: %s",
	    n > 0 ? text : "it said nothing");
}

static int
wait_ready(int out)
{
	char line[LINE_MAX_BYTES];
	size_t n = 0;
	int64_t end = clock_monotonic_ms() + IGNITE_READY_MS;

	while (clock_monotonic_ms() < end) {
		struct pollfd p = { .fd = out, .events = POLLIN };
		ssize_t got;

		if (poll(&p, 1, 200) <= 0)
			continue;
		got = read(out, line + n, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return E_CLOSED;
		if (line[n] != '\n') {
			n = n + 1 < sizeof(line) ? n + 1 : 0;
			continue;
		}
		if (n >= 6 && memcmp(line, "ready ", 6) == 0)
			return 0;
		n = 0;
	}
	return E_TIMEOUT;
}

int
ignite_server_start(
    struct cli_context *c, struct ignite_server *s, struct diag *d)
{
	char program[LINE_MAX_BYTES];
	int pipes[2], err, e = find_program(program, sizeof(program), d);
	pid_t us = getpid();

	if (e)
		return e;
	if (mkdir(c->state_dir, 0700) != 0 && errno != EEXIST)
		return diag_set(
		    d, E_IO, c->state_dir, NULL, "%s", strerror(errno));
	err = memfd_create("signetd-log", MFD_CLOEXEC);
	if (err < 0 || pipe2(pipes, O_CLOEXEC) != 0)
		return diag_set(
		    d, E_IO, "signetd", NULL, "%s", strerror(errno));
	s->pid = fork();
	if (s->pid == 0)
		child(c, program, pipes[1], err, us);
	close(pipes[1]);
	s->out = pipes[0];
	e = s->pid > 0 ? wait_ready(s->out) : E_IO;
	if (e) {
		ignite_server_stop(s);
		e = not_ready(err, d);
	}
	close(err);
	return e;
}

void
ignite_server_stop(struct ignite_server *s)
{
	int status;

	if (s->pid <= 0)
		return;
	(void)kill(s->pid, SIGTERM);
	while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR)
		;
	close(s->out);
	s->pid = 0;
}
