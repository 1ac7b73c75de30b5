/*
 * ipc/supervisor and ipc/worker with processes of our own making: this very
 * program, linked under the names signetd, signet-key, signet-core and
 * signet-front into a scratch folder, plays every part.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"
#include "ipc/parts.h"
#include "net/http_client.h"
#include "os/clock.h"
#include "os/file.h"

static char root[] = "/tmp/h-net-super-XXXXXX";
static char state[PATH_MAX], log_path[PATH_MAX], sock[PATH_MAX];

static pid_t last_launched;

struct service {
	pid_t pid;
	int out;
	char line[1024]; /* the ready line */
	char url[128];
};

/* launch(): options end with NULL; standard error is appended to the log */
static void
launch(struct service *s, const char *const *more)
{
	char program[PATH_MAX];
	char *argv[24] = { (char *)"signetd", (char *)"--state", state,
		(char *)"--http", (char *)"127.0.0.1:0", (char *)"--keys",
		(char *)"2", (char *)"--fronts", (char *)"2",
		(char *)"--catalog", (char *)"/" };
	size_t n = 11;
	int out[2];

	memset(s, 0, sizeof(*s));
	while (more && *more)
		argv[n++] = (char *)(uintptr_t)*more++;
	argv[n] = NULL;
	snprintf(program, sizeof(program), "%s/bin/signetd", root);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	s->pid = fork();
	if (s->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		int log = open(
		    log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

		dup2(out[1], STDOUT_FILENO);
		dup2(log, STDERR_FILENO);
		execv(program, argv);
		_exit(126);
	}
	close(out[1]);
	s->out = out[0];
	last_launched = s->pid;
}

/* reads the ready line; false when the service has ended without one */
static bool
is_up(struct service *s)
{
	size_t n = 0;
	char *http, *end;

	while (n < sizeof(s->line) - 1 && read(s->out, s->line + n, 1) == 1)
		if (s->line[n++] == '\n')
			break;
	s->line[n] = '\0';
	http = strstr(s->line, "http=127");
	if (!http)
		return false;
	http += strlen("http=");
	end = strchr(http, ' ');
	snprintf(
	    s->url, sizeof(s->url), "http://%.*s/who", (int)(end - http), http);
	return true;
}

static int
wait_exit(struct service *s)
{
	int status;

	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	close(s->out);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
stop(struct service *s)
{
	kill(s->pid, SIGTERM);
	assert_int_equal(wait_exit(s), 0);
}

/* whom(): what a front says of itself; false when none answers within 2 s */
static bool
whom(struct service *s, const char *socket_path, char *text, size_t size)
{
	struct http_call c = { .url = s->url,
		.method = "GET",
		.socket_path = socket_path,
		.timeout_s = 2 };
	int64_t end = clock_monotonic_ms() + 2000;
	struct diag d;
	int status, r;

	do {
		BUF(body, 1000);

		r = http_call(&c, &d, &status, &body);
		if (r == 0)
			snprintf(text, size, "%.*s", (int)body.n,
			    (const char *)body.p);
	} while (r != 0 && clock_monotonic_ms() < end);
	return r == 0;
}

/* the children of a process, by name in the kernel's list */
static size_t
children_of(pid_t parent, pid_t *out, size_t max)
{
	char path[64], text[1024];
	size_t n = 0;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children",
	    (long)parent, (long)parent);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	text[got > 0 ? got : 0] = '\0';
	for (char *at = text; n < max;) {
		long pid = strtol(at, &at, 10);

		if (pid <= 0)
			break;
		out[n++] = (pid_t)pid;
	}
	return n;
}

static bool
log_has(const char *words)
{
	struct diag d;
	BUF(text, 1 << 20);

	if (file_read(log_path, 1 << 20, &d, &text) != 0)
		return false;
	buf_add_u8(&text, 0);
	return strstr((const char *)text.p, words) != NULL;
}

static void
poll_pause(void)
{
	struct timespec ts = { .tv_nsec = 5000000 };

	nanosleep(&ts, NULL);
}

static void
starts_serves_and_stops(void **unused)
{
	static const char *const folders[] = { "", "/key", "/run", "/profiles",
		"/trust", "/trust/add", "/trust/delete" };
	pid_t pids[16];
	struct service s;
	char text[300];
	struct stat st;

	(void)unused;
	launch(&s, NULL);
	assert_true(is_up(&s));
	assert_true(str_has_prefix(s.line, "ready https=- http=127.0.0.1:"));
	snprintf(text, sizeof(text),
	    " phones-https=- phones-http=- socket=%.200s\n", sock);
	assert_non_null(strstr(s.line, text));
	assert_int_equal(children_of(s.pid, pids, 16), 6);
	assert_true(whom(&s, NULL, text, sizeof(text)));
	assert_non_null(strstr(text, "cores=1 keys=2 links=3"));
	assert_non_null(strstr(text, geteuid() == 0 ? "uid=65534" : "front"));
	assert_true(whom(&s, sock, text, sizeof(text)));
	assert_non_null(strstr(text, "cores=1 keys=0 links=1"));
	for (size_t i = 0; i < 7; i++) {
		char path[PATH_MAX + 20];

		snprintf(path, sizeof(path), "%s%s", state, folders[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0700);
	}
	assert_int_equal(stat(sock, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	stop(&s);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(kill(pids[i], 0), -1);
}

static void
a_second_one_is_refused(void **unused)
{
	struct service s, other;

	(void)unused;
	launch(&s, NULL);
	assert_true(is_up(&s));
	launch(&other, NULL);
	assert_false(is_up(&other));
	assert_int_equal(wait_exit(&other), 1);
	assert_true(log_has("another signetd works on this state folder"));
	stop(&s);
}

/* any of them killed at any moment: restarted, linked again, serving */
static void
the_killed_come_back(void **unused)
{
	struct service s;
	char text[300];

	(void)unused;
	launch(&s, NULL);
	assert_true(is_up(&s));
	for (unsigned round = 0; round < 12; round++) {
		pid_t before[16], after[16];
		size_t n = 0;

		assert_int_equal(children_of(s.pid, before, 16), 6);
		assert_int_equal(kill(before[round % 6], SIGKILL), 0);
		while (
		    n != 6 || memcmp(before, after, sizeof(pid_t) * 6) == 0) {
			n = children_of(s.pid, after, 16);
			poll_pause();
		}
		assert_true(whom(&s, NULL, text, sizeof(text)));
		assert_true(whom(&s, sock, text, sizeof(text)));
	}
	/* every front has three living links again */
	for (unsigned i = 0; i < 400; i++) {
		assert_true(whom(&s, NULL, text, sizeof(text)));
		if (strstr(text, "links=3"))
			break;
		poll_pause();
	}
	assert_non_null(strstr(text, "links=3"));
	assert_true(log_has("killed by signal 9 (SIGKILL)"));
	stop(&s);
}

static void
children_die_with_signetd(void **unused)
{
	pid_t pids[16];
	struct service s;
	char http[64];
	const char *const again[] = { "--http", http, NULL };

	(void)unused;
	launch(&s, NULL);
	assert_true(is_up(&s));
	assert_int_equal(children_of(s.pid, pids, 16), 6);
	snprintf(http, sizeof(http), "%.*s", (int)strcspn(s.url + 7, "/"),
	    s.url + 7);
	kill(s.pid, SIGKILL);
	waitpid(s.pid, NULL, 0);
	close(s.out);
	/* at once, on the same port, while the old ones may still be dying */
	launch(&s, again);
	assert_true(is_up(&s));
	assert_non_null(strstr(s.url, http));
	stop(&s);
}

static void
a_hangup_restarts_all_in_turn(void **unused)
{
	pid_t before[16], after[16];
	struct service s;
	char text[300];
	bool is_new = false;

	(void)unused;
	launch(&s, NULL);
	assert_true(is_up(&s));
	assert_int_equal(children_of(s.pid, before, 16), 6);
	kill(s.pid, SIGHUP);
	while (!is_new) {
		is_new = children_of(s.pid, after, 16) == 6;
		for (size_t i = 0; i < 36; i++)
			if (before[i / 6] == after[i % 6])
				is_new = false;
		assert_true(whom(&s, NULL, text, sizeof(text)));
	}
	assert_false(log_has("does not end: killed"));
	stop(&s);
}

static void
a_forbidden_deed_is_named(void **unused)
{
	struct http_call c = { .method = "GET", .timeout_s = 5 };
	struct service s;
	struct diag d;
	char text[300], url[200];
	BUF(body, 100);
	int status;

	(void)unused;
	launch(&s, NULL);
	assert_true(is_up(&s));
	snprintf(url, sizeof(url), "%.*s/forbidden",
	    (int)(strlen(s.url) - strlen("/who")), s.url);
	c.url = url;
	assert_int_not_equal(http_call(&c, &d, &status, &body), 0);
	while (!log_has("stopped by the sandbox"))
		poll_pause();
	assert_true(whom(&s, NULL, text, sizeof(text)));
	stop(&s);
}

static void
wrong_use_and_bad_files(void **unused)
{
	const char *const unknown[] = { "--nonsense", NULL };
	const char *const address[] = { "--http", "nowhere", NULL };
	const char *const fronts[] = { "--fronts", "99", NULL };
	char path[PATH_MAX + 20];
	struct service s;
	struct diag d;

	(void)unused;
	launch(&s, unknown);
	assert_int_equal(wait_exit(&s), 2);
	assert_true(log_has("--nonsense: unknown option"));
	launch(&s, address);
	assert_int_equal(wait_exit(&s), 2);
	launch(&s, fronts);
	assert_int_equal(wait_exit(&s), 2);
	snprintf(path, sizeof(path), "%s/signet.yaml", state);
	assert_int_equal(file_write(path, 0600, span_str("htp: x\n"), &d), 0);
	launch(&s, NULL);
	assert_int_equal(wait_exit(&s), 2);
	assert_true(log_has("signet.yaml:1: htp: unknown key; did you mean"));
	unlink(path);
}

static void
a_start_that_cannot_succeed_ends(void **unused)
{
	char path[PATH_MAX + 20], away[PATH_MAX + 20];
	struct service s;
	struct diag d;

	(void)unused;
	snprintf(path, sizeof(path), "%s/refuse", state);
	assert_int_equal(file_write(path, 0600, span_str(""), &d), 0);
	launch(&s, NULL);
	assert_false(is_up(&s));
	assert_int_equal(wait_exit(&s), 1);
	assert_true(log_has("core 0 cannot start: database: is not to open"));
	unlink(path);
	snprintf(path, sizeof(path), "%s/bin/signet-key", root);
	snprintf(away, sizeof(away), "%s/bin/away", root);
	assert_int_equal(rename(path, away), 0);
	launch(&s, NULL);
	assert_false(is_up(&s));
	assert_int_equal(wait_exit(&s), 1);
	assert_true(log_has("its program cannot be started"));
	assert_int_equal(rename(away, path), 0);
}

static void
systemd_is_told(void **unused)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct service s;
	char text[64] = "";
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)unused;
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/notify", root);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	setenv("NOTIFY_SOCKET", a.sun_path, 1);
	launch(&s, NULL);
	unsetenv("NOTIFY_SOCKET");
	assert_true(is_up(&s));
	assert_int_equal(recv(fd, text, sizeof(text) - 1, 0), 7);
	assert_string_equal(text, "READY=1");
	stop(&s);
	close(fd);
	unlink(a.sun_path);
}

/* ---- scratch folder ---- */

static int
link_parts(void)
{
	static const char *const names[] = { "signetd", "signet-key",
		"signet-core", "signet-front" };
	char self[PATH_MAX], path[PATH_MAX + 32];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	struct diag d;
	BUF(program, 256 << 20);

	if (n <= 0)
		return -1;
	self[n] = '\0';
	if (file_read(self, 256 << 20, &d, &program) != 0)
		return -1;
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/bin/%s", root, names[i]);
		if (file_write(path, 0755, buf_span(&program), &d) != 0)
			return -1;
	}
	return 0;
}

static int
setup(void **unused)
{
	char path[PATH_MAX];
	struct diag d;

	(void)unused;
	if (!mkdtemp(root) || chmod(root, 0755) != 0)
		return -1;
	snprintf(path, sizeof(path), "%s/bin", root);
	/* a path deeper than a sockaddr_un */
	snprintf(state, sizeof(state), "%s/%0100d", root, 1);
	snprintf(log_path, sizeof(log_path), "%s/log", root);
	snprintf(sock, sizeof(sock), "%.4000s/run/signet.sock", state);
	if (dir_ensure(path, 0755, &d) != 0)
		return -1;
	return link_parts();
}

static void
remove_below(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		char below[PATH_MAX];

		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0 ||
		    path_join(below, sizeof(below), path, e->d_name) != 0)
			continue;
		if (unlink(below) != 0)
			remove_below(below);
	}
	if (dir)
		closedir(dir);
	rmdir(path);
}

static int
teardown(void **unused)
{
	(void)unused;
	if (getenv("KEEP"))
		return 0;
	remove_below(root);
	return 0;
}

/* what a failed test has left behind */
static int
begin_log(void **unused)
{
	(void)unused;
	if (last_launched > 0 && waitpid(last_launched, NULL, WNOHANG) == 0) {
		kill(last_launched, SIGKILL);
		waitpid(last_launched, NULL, 0);
	}
	unlink(log_path);
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(starts_serves_and_stops, begin_log),
		cmocka_unit_test_setup(a_second_one_is_refused, begin_log),
		cmocka_unit_test_setup(the_killed_come_back, begin_log),
		cmocka_unit_test_setup(children_die_with_signetd, begin_log),
		cmocka_unit_test_setup(
		    a_hangup_restarts_all_in_turn, begin_log),
		cmocka_unit_test_setup(a_forbidden_deed_is_named, begin_log),
		cmocka_unit_test_setup(wrong_use_and_bad_files, begin_log),
		cmocka_unit_test_setup(
		    a_start_that_cannot_succeed_ends, begin_log),
		cmocka_unit_test_setup(systemd_is_told, begin_log),
	};

	if (strcmp(argv[0], "signetd") == 0)
		return parts_play_signetd(argc, argv);
	if (str_has_prefix(argv[0], "signet-"))
		return parts_play(argv[0], argc, argv);
	return cmocka_run_group_tests(tests, setup, teardown);
}
