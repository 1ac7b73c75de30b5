/* Files, passwords, questions. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/str.h"

#define READ_STEP 65536
#define PATH_TEXT_MAX 4096

static int
read_all(FILE *f, const char *path, struct buf *out, struct diag *d)
{
	for (;;) {
		size_t room = out->max - out->n, n;
		uint8_t *to;

		room = room < READ_STEP ? room : READ_STEP;
		if (room == 0)
			break;
		to = buf_reserve(out, room);
		if (!to)
			return diag_set(d, buf_error(out), path, NULL,
			    "%zu bytes read so far", out->n);
		n = fread(to, 1, room, f);
		out->n += n;
		if (n < room)
			break;
	}
	if (ferror(f))
		return diag_set(d, E_IO, path, NULL, "%s", strerror(errno));
	if (!feof(f) && fgetc(f) != EOF)
		return diag_set(
		    d, E_TOO_BIG, path, NULL, "more than %zu bytes", out->max);
	return 0;
}

int
cli_read(
    struct cli_context *c, const char *path, struct buf *out, struct diag *d)
{
	FILE *f;
	int e;

	if (strcmp(path, "-") == 0)
		return read_all(c->in, "standard input", out, d);
	f = fopen(path, "re");
	if (!f)
		return diag_set(d, E_IO, path, NULL, "%s", strerror(errno));
	e = read_all(f, path, out, d);
	fclose(f);
	return e;
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
	return fsync(fd) == 0 || errno == EINVAL ? 0 : E_IO;
}

/* link() refuses an existing name and rename() replaces it: either way the
 * name never shows half a file. File systems without links get O_EXCL's
 * answer from the test before. */
static int
put_in_place(const char *temp, const char *path, bool force)
{
	if (force)
		return rename(temp, path) == 0 ? 0 : E_IO;
	if (link(temp, path) == 0) {
		(void)unlink(temp);
		return 0;
	}
	if (errno == EEXIST)
		return E_EXISTS;
	if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
		return E_IO;
	return rename(temp, path) == 0 ? 0 : E_IO;
}

static int
write_file(const char *path, const char *temp, int fd, struct span bytes,
    unsigned mode, bool force, struct diag *d)
{
	int e = fchmod(fd, mode) == 0 ? write_all(fd, bytes) : E_IO;
	int why = errno;

	if (close(fd) != 0 && !e) {
		e = E_IO;
		why = errno;
	}
	if (!e) {
		e = put_in_place(temp, path, force);
		why = errno;
	}
	if (!e)
		return 0;
	(void)unlink(temp);
	(void)diag_set(d, e, path, NULL, "%s",
	    e == E_EXISTS ? "the file exists already" : strerror(why));
	if (e == E_EXISTS)
		diag_remedy(d, "choose another name, or give --force");
	return e;
}

int
cli_write(struct cli_context *c, const char *path, struct span bytes,
    unsigned mode, bool force, struct diag *d)
{
	char temp[PATH_TEXT_MAX];
	struct stat st;
	int fd;

	if (strcmp(path, "-") == 0) {
		cli_print_span(c, bytes);
		return 0;
	}
	if (!force && lstat(path, &st) == 0) {
		(void)diag_set(
		    d, E_EXISTS, path, NULL, "the file exists already");
		diag_remedy(d, "choose another name, or give --force");
		return E_EXISTS;
	}
	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return diag_set(
		    d, E_INVAL, path, NULL, "is not an ordinary file");
	if ((size_t)snprintf(temp, sizeof(temp), "%s.XXXXXX", path) >=
	    sizeof(temp))
		return diag_set(d, E_TOO_BIG, "file name", NULL, "too long");
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return diag_set(d, E_IO, path, NULL, "%s", strerror(errno));
	return write_file(path, temp, fd, bytes, mode, force, d);
}

static int
password_of(
    struct buf *b, const char *what, struct secret **ret, struct diag *d)
{
	uint8_t *end = b->n ? (uint8_t *)memchr(b->p, '\n', b->n) : NULL;
	size_t n = end ? (size_t)(end - b->p) : b->n;

	if (n > 0 && b->p[n - 1] == '\r')
		n--;
	if (n > CLI_PASSWORD_MAX)
		return diag_set(d, E_TOO_BIG, what, NULL, "more than %d bytes",
		    CLI_PASSWORD_MAX);
	*ret = secret_new(b->p, n);
	return *ret ? 0 : diag_set(d, E_NOMEM, what, NULL, "no memory");
}

static int
password_from_file(struct cli_context *c, const char *path, struct secret **ret,
    struct diag *d)
{
	BUF(b, CLI_PASSWORD_MAX + 2);
	int e;

	/* the whole room at once: no copies of it left behind by growing */
	if (!buf_reserve(&b, b.max))
		return diag_set(d, E_NOMEM, path, NULL, "no memory");
	e = cli_read(c, path, &b, d);
	if (!e)
		e = password_of(&b, path, ret, d);
	secret_wipe(b.p, b.cap);
	return e;
}

/* one line from the terminal without echo */
static int
ask(int tty, const char *prompt, struct secret **ret, struct diag *d)
{
	BUF(b, CLI_PASSWORD_MAX + 2);
	struct termios old, quiet;
	int e;

	if (!buf_reserve(&b, b.max))
		return diag_set(d, E_NOMEM, prompt, NULL, "no memory");
	if (tcgetattr(tty, &old) != 0)
		return diag_set(d, E_PASSWORD, prompt, NULL, "no terminal");
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	e = write_all(tty, span_str(prompt));
	(void)tcsetattr(tty, TCSAFLUSH, &quiet);
	while (b.n < b.max && read(tty, b.p + b.n, 1) == 1)
		if (b.p[b.n++] == '\n')
			break;
	(void)tcsetattr(tty, TCSAFLUSH, &old);
	(void)write_all(tty, span_str("\n"));
	e = password_of(&b, prompt, ret, d);
	secret_wipe(b.p, b.cap);
	return e;
}

static int
password_from_terminal(const char *option, const char *prompt, bool twice,
    struct secret **ret, struct diag *d)
{
	AUTO_STRUCT(secret) *one = NULL, *two = NULL;
	char text[256];
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY), e;

	if (tty < 0) {
		(void)diag_set(d, E_PASSWORD, prompt, NULL,
		    "a password is needed and there is no terminal to ask on");
		diag_remedy(d, "give --%s FILE", option);
		return E_PASSWORD;
	}
	snprintf(text, sizeof(text), "%s: ", prompt);
	e = ask(tty, text, &one, d);
	if (!e && twice) {
		snprintf(text, sizeof(text), "%s, again: ", prompt);
		e = ask(tty, text, &two, d);
		if (!e && !secret_is_equal(secret_peek(one), secret_peek(two)))
			e = diag_set(d, E_PASSWORD, prompt, NULL,
			    "the two entries differ");
	}
	close(tty);
	if (!e)
		*ret = TAKE(one);
	return e;
}

int
cli_password(struct cli_context *c, const char *option, const char *prompt,
    bool twice, struct secret **ret, struct diag *d)
{
	const char *path = cli_get(c, option);

	if (path)
		return password_from_file(c, path, ret, d);
	return password_from_terminal(option, prompt, twice, ret, d);
}

bool
cli_confirm(struct cli_context *c, const char *question)
{
	char line[16];

	if (isatty(fileno(c->in)) != 1)
		return false;
	fprintf(c->err, "%s [y/N] ", question);
	fflush(c->err);
	if (!fgets(line, sizeof(line), c->in))
		return false;
	return line[0] == 'y' || line[0] == 'Y';
}
