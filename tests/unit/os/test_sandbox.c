/* os/sandbox: what each role may no longer do kills it; what it needs works. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/sandbox.h"

#define FINE 7 /* exit code of a child that got through */

#ifdef __SANITIZE_ADDRESS__
static const bool is_sanitized = true;
#else
static const bool is_sanitized = false;
#endif

static char dir[] = "/tmp/h-net-sandbox-XXXXXX";
static char where[256];
static pid_t tester;

/* run(): enters the role in a child and does it there; wait status */
static int
run(enum sandbox_role role, int (*deed)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct diag d;

		if (sandbox_enter(role, &d) != 0)
			_exit(99);
		_exit(deed() == 0 ? FINE : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
is_killed(enum sandbox_role role, int (*deed)(void))
{
	int status = run(role, deed);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void
is_fine(enum sandbox_role role, int (*deed)(void))
{
	int status = run(role, deed);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), FINE);
}

static int
inet_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0;
}

static int
local_datagram(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/log", dir);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&a, sizeof(a)) != 0)
		return 1;
	return send(fd, "x", 1, MSG_NOSIGNAL) != 1;
}

static int
execute(void)
{
	char *argv[] = { NULL };

	return execve("/bin/true", argv, argv);
}

static int
new_process(void)
{
	return fork() < 0;
}

static int
open_file(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0;
}

static int
connect_out(void)
{
	struct sockaddr a = { .sa_family = AF_UNIX };

	return connect(0, &a, sizeof(a)) != 0 && errno == ENOSYS;
}

static int
kill_other(void)
{
	return kill(tester, 0);
}

static int
trace_other(void)
{
	return ptrace(PTRACE_ATTACH, tester, NULL, NULL) < 0;
}

static int
executable_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

/* CERT-7; and root's sandboxed core cannot set it */
static int
look_at_clock(void)
{
	struct timex t = { .modes = ADJ_FREQUENCY };

	(void)clock_is_synchronised();
	return adjtimex(&t) == -1 && errno == EPERM ? 0 : 1;
}

static int
write_files(void)
{
	struct diag d;
	BUF(b, 100);

	if (file_write(where, 0600, span_str("one"), &d) != 0 ||
	    file_write(where, 0600, span_str("two"), &d) != 0 ||
	    file_read(where, 100, &d, &b) != 0)
		return 1;
	return unlink(where);
}

/* memory, time, an event loop over a socketpair made before */
static int pair[2];

static int
serve(void)
{
	struct epoll_event e = { .events = EPOLLIN };
	int poller = epoll_create1(EPOLL_CLOEXEC);
	void *p = malloc(8 << 20);
	char c;

	if (poller < 0 || !p || clock_now() == 0 ||
	    send(pair[1], "x", 1, MSG_NOSIGNAL) != 1 ||
	    epoll_ctl(poller, EPOLL_CTL_ADD, pair[0], &e) != 0 ||
	    epoll_wait(poller, &e, 1, 1000) != 1 ||
	    recv(pair[0], &c, 1, 0) != 1)
		return 1;
	free(p);
	close(poller);
	log_line(LOG_NOTICE, "test: from inside the sandbox");
	return 0;
}

static int
accept_one(void)
{
	return accept4(pair[0], NULL, NULL, SOCK_CLOEXEC) < 0 &&
	       errno == ENOSYS;
}

static int
setup(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd;

	(void)state;
	tester = getpid();
	if (!mkdtemp(dir) || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		return -1;
	snprintf(where, sizeof(where), "%s/file", dir);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/log", dir);
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	return bind(fd, (const struct sockaddr *)&a, sizeof(a));
}

static int
teardown(void **state)
{
	char log[256];

	(void)state;
	snprintf(log, sizeof(log), "%s/log", dir);
	unlink(log);
	return rmdir(dir);
}

static const enum sandbox_role roles[] = { SANDBOX_FRONT, SANDBOX_CORE,
	SANDBOX_KEY };

static void
no_role_reaches_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		is_killed(roles[i], inet_socket);
		is_killed(roles[i], execute);
		is_killed(roles[i], kill_other);
	}
}

static void
every_role_can_serve(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++)
		is_fine(roles[i], serve);
}

static void
the_front_has_sockets_only(void **state)
{
	(void)state;
	is_fine(SANDBOX_FRONT, accept_one);
	is_killed(SANDBOX_FRONT, connect_out);
	is_killed(SANDBOX_FRONT, local_datagram);
}

static void
the_core_has_files_and_syslog(void **state)
{
	(void)state;
	is_fine(SANDBOX_CORE, write_files);
	is_fine(SANDBOX_CORE, local_datagram);
	is_fine(SANDBOX_CORE, look_at_clock);
	is_killed(SANDBOX_CORE, accept_one);
}

static void
the_key_process_has_files_only(void **state)
{
	(void)state;
	is_fine(SANDBOX_KEY, write_files);
	is_killed(SANDBOX_KEY, local_datagram);
	is_killed(SANDBOX_KEY, connect_out);
	is_killed(SANDBOX_KEY, accept_one);
}

/* what a sanitizer build has to allow for its own sake */
static void
the_release_is_stricter(void **state)
{
	(void)state;
	if (is_sanitized)
		skip();
	is_killed(SANDBOX_FRONT, open_file);
	for (size_t i = 0; i < 3; i++) {
		is_killed(roles[i], new_process);
		is_killed(roles[i], executable_memory);
		is_killed(roles[i], trace_other);
	}
}

static void
privileges_are_given_up_for_good(void **state)
{
	struct diag d;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(privilege_drop(NULL, &d), 0);
	assert_int_equal(privilege_drop("no-such-user-here", &d), E_NOT_FOUND);
	if (geteuid() != 0) {
		assert_int_equal(privilege_drop("root", &d), E_DENIED);
		return;
	}
	pid = fork();
	if (pid == 0)
		_exit(privilege_drop("65534", &d) == 0 && getuid() == 65534 &&
			      getegid() == 65534 && setuid(0) != 0 &&
			      privilege_drop("root", &d) == E_DENIED
			  ? FINE
			  : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), FINE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_role_reaches_out),
		cmocka_unit_test(every_role_can_serve),
		cmocka_unit_test(the_front_has_sockets_only),
		cmocka_unit_test(the_core_has_files_and_syslog),
		cmocka_unit_test(the_key_process_has_files_only),
		cmocka_unit_test(the_release_is_stricter),
		cmocka_unit_test(privileges_are_given_up_for_good),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
