/* The state folder, its lock, the listening sockets, and systemd. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "ipc/supervisor_internal.h"
#include "os/address.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/unix_socket.h"

#define BACKLOG 1024
#define RETRY_STEP_MS 20
#define LISTEN_FDS_START 3 /* sd_listen_fds(3) */
#define LISTEN_FDS_MAX 16

static void
pause_ms(long ms)
{
	struct timespec ts = { .tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

/* --user and the folder have to agree, or the server could not read its own
 * files after giving root up. */
static int
check_owner(const struct config *c, bool is_new, struct diag *d)
{
	struct stat st;
	uid_t uid = 0;
	gid_t gid = 0;
	int r;

	if (!c->user[0])
		return 0;
	r = privilege_look_up(c->user, d, &uid, &gid);
	if (r != 0)
		return r;
	if (is_new && chown(c->state_dir, uid, gid) == 0)
		return 0;
	if (stat(c->state_dir, &st) != 0 || st.st_uid == uid)
		return 0;
	r = diag_set(d, E_DENIED, c->state_dir, NULL,
	    "does not belong to the user \"%s\"", c->user);
	diag_remedy(d, "chown -R %s %s", c->user, c->state_dir);
	return r;
}

int
state_prepare(const struct config *c, struct diag *d)
{
	static const char *const folders[] = { "key", "run", "profiles",
		"trust", "trust/add", "trust/delete" };
	bool is_new = !file_is_there(c->state_dir);
	struct stat st;
	int r = dir_ensure(c->state_dir, 0700, d);

	if (r == 0)
		r = check_owner(c, is_new, d);
	if (r != 0)
		return r;
	if (stat(c->state_dir, &st) != 0)
		return diag_set(d, E_IO, c->state_dir, NULL,
		    "cannot examine: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		char path[CONFIG_PATH_MAX + 32];

		if (path_join(path, sizeof(path), c->state_dir, folders[i]) !=
		    0)
			return diag_set(
			    d, E_TOO_BIG, c->state_dir, NULL, "is too long");
		r = dir_ensure(path, 0700, d);
		if (r != 0)
			return r;
		/* made by root for the one who will write there */
		if (geteuid() == 0 && st.st_uid != 0 &&
		    chown(path, st.st_uid, st.st_gid) != 0)
			return diag_set(d, E_DENIED, path, NULL,
			    "cannot give it to its owner: %s", strerror(errno));
	}
	return 0;
}

/* The children of a predecessor that was killed may still be dying. */
int
state_lock(const char *state_dir, struct diag *d, int *ret_fd)
{
	int64_t end = clock_monotonic_ms() + SUPERVISOR_RETRY_MS;
	char path[CONFIG_PATH_MAX + 32];
	int fd, r;

	if (path_join(path, sizeof(path), state_dir, "run/lock") != 0)
		return diag_set(d, E_TOO_BIG, state_dir, NULL, "is too long");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return diag_set(
		    d, E_IO, path, NULL, "cannot open: %s", strerror(errno));
	while ((r = flock(fd, LOCK_EX | LOCK_NB)) != 0 &&
	       clock_monotonic_ms() < end)
		pause_ms(RETRY_STEP_MS);
	if (r == 0) {
		*ret_fd = fd;
		return 0;
	}
	close(fd);
	r = diag_set(d, E_EXISTS, state_dir, NULL,
	    "another signetd works on this state folder");
	diag_remedy(d, "stop it first, or give another --state");
	return r;
}

static int
bind_http(int fd, const struct sockaddr_storage *a, socklen_t n)
{
	int64_t end = clock_monotonic_ms() + SUPERVISOR_RETRY_MS;
	int one = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	while (bind(fd, (const struct sockaddr *)a, n) != 0) {
		if (errno != EADDRINUSE || clock_monotonic_ms() >= end)
			return E_IO;
		pause_ms(RETRY_STEP_MS);
	}
	return listen(fd, BACKLOG) == 0 ? 0 : E_IO;
}

static int
listen_http(const char *text, struct diag *d, int *ret_fd)
{
	struct sockaddr_storage a;
	socklen_t n;
	int fd, r;

	if (address_parse(text, &a, &n) != 0)
		return diag_set(d, E_INVAL, "http", NULL,
		    "\"%s\" is not ADDRESS:PORT", text);
	fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind_http(fd, &a, n) != 0) {
		r = diag_set(
		    d, E_IO, text, NULL, "cannot listen: %s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

/* sd_listen_fds(3): sockets systemd has bound for us, told apart by family */
static void
take_activation(struct supervisor *s)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	int64_t who, n;

	if (!pid || !fds || str_to_int(pid, 1, INT32_MAX, &who) != 0 ||
	    who != getpid() || str_to_int(fds, 0, LISTEN_FDS_MAX, &n) != 0)
		return;
	for (int fd = LISTEN_FDS_START; fd < LISTEN_FDS_START + n; fd++) {
		struct sockaddr_storage a;
		socklen_t size = sizeof(a);
		int *to;

		if (getsockname(fd, (struct sockaddr *)&a, &size) != 0)
			continue;
		to = a.ss_family == AF_UNIX ? &s->local : &s->http;
		if (*to >= 0)
			continue;
		/* out of the way of the children's CONTROL_FD */
		*to = fcntl(fd, F_DUPFD_CLOEXEC, 10);
		close(fd);
		if (*to >= 0)
			(void)fcntl(*to, F_SETFL, O_NONBLOCK);
	}
}

/* The owner of the state folder may use the command line without root. */
static void
give_socket_to_owner(const struct supervisor *s)
{
	struct stat st;

	if (geteuid() == 0 && stat(s->options->config.state_dir, &st) == 0 &&
	    st.st_uid != 0 && chown(s->socket_path, st.st_uid, st.st_gid) != 0)
		return; /* root can still use it */
}

int
state_listen(struct supervisor *s, struct diag *d)
{
	const struct config *c = &s->options->config;
	int r = 0;

	if (path_join(s->socket_path, sizeof(s->socket_path), c->state_dir,
		"run/signet.sock") != 0)
		return diag_set(
		    d, E_TOO_BIG, c->state_dir, NULL, "is too long");
	take_activation(s);
	if (s->http < 0 && c->http[0])
		r = listen_http(c->http, d, &s->http);
	if (r == 0 && s->local < 0) {
		r = unix_listen(s->socket_path, 0600, d, &s->local);
		if (r == 0)
			give_socket_to_owner(s);
	}
	return r;
}

void
state_notify(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd;

	if (!path || (path[0] != '/' && path[0] != '@') ||
	    str_copy(a.sun_path, sizeof(a.sun_path), path) != 0)
		return;
	if (path[0] == '@') /* the abstract name space */
		a.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, text, strlen(text), MSG_NOSIGNAL,
	    (const struct sockaddr *)&a,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)));
	close(fd);
}
