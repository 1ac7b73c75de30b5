#include "os/unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"

#define BACKLOG 512

static int
open_folder(const char *path, const char *slash)
{
	char folder[PATH_MAX];
	size_t n = (size_t)(slash - path);

	if (n >= sizeof(folder))
		return -1;
	memcpy(folder, path, n);
	folder[n] = '\0';
	return open(n ? folder : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int
unix_short_path(const char *path, char out[UNIX_PATH_MAX_SHORT], int *ret_fd)
{
	const char *slash = strrchr(path, '/');
	int fd, n;

	if (strlen(path) < UNIX_PATH_MAX_SHORT) {
		*ret_fd = -1;
		return str_copy(out, UNIX_PATH_MAX_SHORT, path);
	}
	if (!slash)
		return E_TOO_BIG;
	fd = open_folder(path, slash);
	if (fd < 0)
		return E_NOT_FOUND;
	n = snprintf(out, UNIX_PATH_MAX_SHORT, "/proc/self/fd/%d%s", fd, slash);
	if (n < 0 || n >= UNIX_PATH_MAX_SHORT) {
		close(fd);
		return E_TOO_BIG;
	}
	*ret_fd = fd;
	return 0;
}

static int
bind_and_listen(int fd, const char *name, mode_t mode)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	mode_t before;
	int r;

	if (str_copy(a.sun_path, sizeof(a.sun_path), name) != 0)
		return E_TOO_BIG;
	if (unlink(name) != 0 && errno != ENOENT)
		return E_IO;
	before = umask(~mode & 0777); /* never open wider, not for a moment */
	r = bind(fd, (const struct sockaddr *)&a, sizeof(a)) == 0 &&
		    listen(fd, BACKLOG) == 0
		? 0
		: E_IO;
	umask(before);
	return r;
}

int
unix_listen(const char *path, mode_t mode, struct diag *d, int *ret_fd)
{
	char name[UNIX_PATH_MAX_SHORT];
	int folder, fd, r;

	r = unix_short_path(path, name, &folder);
	if (r != 0)
		return diag_set(d, r, path, NULL, "cannot be a socket's name");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = fd < 0 ? E_IO : bind_and_listen(fd, name, mode);
	if (r != 0)
		r = diag_set(
		    d, r, path, NULL, "cannot listen: %s", strerror(errno));
	if (r != 0 && fd >= 0)
		close(fd);
	if (folder >= 0)
		close(folder);
	if (r == 0)
		*ret_fd = fd;
	return r;
}
