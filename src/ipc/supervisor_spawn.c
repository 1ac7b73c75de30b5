/* Fork and exec of a child with a clean environment and one descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/supervisor_internal.h"
#include "os/file.h"

/* the only variables a child sees; secrets do not travel this way */
static const char *const kept[] = { "LANG", "TZ", "ASAN_OPTIONS",
	"UBSAN_OPTIONS", "LSAN_OPTIONS", "CREDENTIALS_DIRECTORY",
	/* OpenSSL's mask of processor features: benches of older ones */
	"OPENSSL_ia32cap" };
#define KEPT (sizeof(kept) / sizeof(kept[0]))
#define VARIABLE_MAX 1024

static const char *
program_of(enum role r)
{
	switch (r) {
	case ROLE_KEY:
		return "signet-key";
	case ROLE_CORE:
		return "signet-core";
	default:
		return "signet-front";
	}
}

int
spawn_find_programs(char *out, size_t size, struct diag *d)
{
	ssize_t n = readlink("/proc/self/exe", out, size - 1);
	char *slash;

	if (n <= 0)
		return diag_set(d, E_IO, "/proc/self/exe", NULL,
		    "cannot read: %s", strerror(errno));
	out[n] = '\0';
	slash = strrchr(out, '/');
	if (slash)
		*slash = '\0';
	return 0;
}

/* Blocked signals and the loop's handlers are not for the child. */
static void
reset_signals(void)
{
	sigset_t none;

	for (int signo = 1; signo < NSIG; signo++)
		(void)signal(signo, SIG_DFL);
	/* the terminal's: signetd stops its children in order */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int
set_descriptors(int control)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	/* the child's end first: it may itself have one of these numbers */
	control = fcntl(control, F_DUPFD, CONTROL_FD + 1);
	if (null < 0 || control < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(STDERR_FILENO, STDOUT_FILENO) < 0 ||
	    dup2(control, CONTROL_FD) < 0)
		return E_IO;
	close(control);
	/* CA-5: whatever signetd itself was started with is not the child's; a
	 * kernel without the call leaves what somebody else forgot to close */
	(void)close_range(CONTROL_FD + 1, ~0U, 0);
	return 0;
}

static void
environment(char variables[KEPT][VARIABLE_MAX], char **ret)
{
	size_t n = 0;

	for (size_t i = 0; i < KEPT; i++) {
		const char *value = getenv(kept[i]);
		int made;

		if (!value)
			continue;
		made = snprintf(
		    variables[i], VARIABLE_MAX, "%s=%s", kept[i], value);
		if (made > 0 && made < VARIABLE_MAX)
			ret[n++] = variables[i];
	}
	ret[n] = NULL;
}

static void
become(const struct child *c, const char *programs, int control, pid_t parent)
{
	static char variables[KEPT][VARIABLE_MAX];
	char path[PATH_MAX], name[32], role[32];
	char *argv[] = { name, role, NULL };
	char *envp[KEPT + 1];

	reset_signals();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 ||
	    getppid() != parent)
		_exit(126);
	snprintf(name, sizeof(name), "%s", program_of(c->role));
	snprintf(role, sizeof(role), "%s", role_name(c->role));
	environment(variables, envp);
	if (path_join(path, sizeof(path), programs, name) != 0 ||
	    set_descriptors(control) != 0)
		_exit(126);
	execve(path, argv, envp);
	_exit(127);
}

int
spawn(const struct child *c, const char *programs, pid_t *ret_pid, int *ret_fd)
{
	sigset_t all, before;
	pid_t parent = getpid(), pid;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return E_IO;
	/* no handler of ours may run in the child */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		become(c, programs, pair[1], parent);
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return E_IO;
	}
	*ret_pid = pid;
	*ret_fd = pair[0];
	return 0;
}
