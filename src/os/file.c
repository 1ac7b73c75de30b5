#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

#define READ_STEP 16384 /* bytes asked for in one read() */

static int
io_error(struct diag *d, const char *path, const char *what)
{
	int saved = errno;
	int code = saved == ENOENT ? E_NOT_FOUND : E_IO;

	if (saved == EACCES || saved == EPERM)
		code = E_DENIED;
	return diag_set(d, code, path, NULL, "%s: %s", what, strerror(saved));
}

static int
read_all(int fd, const char *path, size_t max, struct diag *d, struct buf *out)
{
	uint8_t chunk[READ_STEP];
	size_t taken = 0;
	ssize_t n;
	int r = 0;

	while (r == 0 && (n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			r = io_error(d, path, "cannot read");
			break;
		}
		taken += (size_t)n;
		if (taken <= max)
			buf_add(out, chunk, (size_t)n);
		if (taken > max || buf_error(out) == E_TOO_BIG)
			r = diag_set(d, E_TOO_BIG, path, NULL,
			    "is larger than %zu bytes", max);
		else if (buf_error(out) != 0)
			r = diag_set(d, E_NOMEM, path, NULL, "out of memory");
	}
	explicit_bzero(chunk, sizeof(chunk)); /* it may have been a key */
	return r;
}

int
file_read(const char *path, size_t max, struct diag *d, struct buf *out)
{
	struct stat st;
	int fd, r;

	if (strcmp(path, "-") == 0)
		return read_all(STDIN_FILENO, "standard input", max, d, out);
	/* non-blocking: a FIFO in the place of a file must not stop us */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return io_error(d, path, "cannot open");
	if (fstat(fd, &st) != 0)
		r = io_error(d, path, "cannot examine");
	else if (!S_ISREG(st.st_mode))
		r = diag_set(d, E_IO, path, NULL, "is not a regular file");
	else
		r = read_all(fd, path, max, d, out);
	close(fd);
	return r;
}

static int
write_all(int fd, struct span bytes)
{
	while (bytes.n > 0) {
		ssize_t n = write(fd, bytes.p, bytes.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return E_IO;
		bytes.p += n;
		bytes.n -= (size_t)n;
	}
	return 0;
}

/* "/a/b" -> "/a", "b" -> "."; out has PATH_MAX bytes */
static int
folder_of(const char *path, char *out)
{
	const char *slash = strrchr(path, '/');
	int n;

	if (!slash)
		return str_copy(out, PATH_MAX, ".");
	n = snprintf(out, PATH_MAX, "%.*s",
	    slash == path ? 1 : (int)(slash - path), path);
	return n < 0 || n >= PATH_MAX ? E_TOO_BIG : 0;
}

static int
sync_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return E_IO;
	r = fsync(fd) == 0 ? 0 : E_IO;
	close(fd);
	return r;
}

/* A hidden name beside the target, on the same file system as rename() asks. */
static int
temporary_name(const char *path, const char *folder, char *out)
{
	const char *slash = strrchr(path, '/');
	int n = snprintf(
	    out, PATH_MAX, "%s/.%s.XXXXXX", folder, slash ? slash + 1 : path);

	return n < 0 || n >= PATH_MAX ? E_TOO_BIG : 0;
}

static int
fill_temporary(char *tmp, mode_t mode, struct span bytes)
{
	int fd = mkostemp(tmp, O_CLOEXEC);
	int r, saved;

	if (fd < 0)
		return E_IO;
	if (fchmod(fd, mode) == 0 && write_all(fd, bytes) == 0 &&
	    fsync(fd) == 0)
		r = 0;
	else
		r = E_IO;
	saved = errno;
	if (close(fd) != 0 && r == 0)
		r = E_IO;
	else
		errno = saved;
	if (r != 0) {
		saved = errno;
		unlink(tmp);
		errno = saved;
	}
	return r;
}

/* replace: rename over what is there; otherwise link() refuses to */
static int
put_in_place(const char *tmp, const char *path, bool replace)
{
	int r, saved;

	if (replace) {
		r = rename(tmp, path) == 0 ? 0 : E_IO;
	} else {
		r = link(tmp, path) == 0 ? 0 : E_IO;
		if (r != 0 && errno == EEXIST)
			r = E_EXISTS;
	}
	saved = errno;
	if (!replace || r != 0)
		unlink(tmp);
	errno = saved;
	return r;
}

static int
write_file(const char *path, mode_t mode, struct span bytes, bool replace,
    struct diag *d)
{
	char folder[PATH_MAX], tmp[PATH_MAX];
	int r;

	if (folder_of(path, folder) != 0 ||
	    temporary_name(path, folder, tmp) != 0)
		return diag_set(d, E_TOO_BIG, path, NULL, "path is too long");
	if (fill_temporary(tmp, mode, bytes) != 0)
		return io_error(d, path, "cannot write");
	r = put_in_place(tmp, path, replace);
	if (r == E_EXISTS)
		return diag_set(d, E_EXISTS, path, NULL, "exists already");
	if (r != 0)
		return io_error(d, path, "cannot put in place");
	if (sync_folder(folder) != 0)
		return io_error(d, folder, "cannot make durable");
	return 0;
}

int
file_write(const char *path, mode_t mode, struct span bytes, struct diag *d)
{
	return write_file(path, mode, bytes, true, d);
}

int
file_create(const char *path, mode_t mode, struct span bytes, struct diag *d)
{
	if (file_is_there(path))
		return diag_set(d, E_EXISTS, path, NULL, "exists already");
	return write_file(path, mode, bytes, false, d);
}

bool
file_is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}
