#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "cert/name.h"
#include "key/rig.h"

#define ROUNDS_MAX 1000

void
scratch_make(char dir[64])
{
	snprintf(dir, 64, "/tmp/h-key-XXXXXX");
	assert_non_null(mkdtemp(dir));
}

static int
remove_one(const char *path, const struct stat *st, int what, struct FTW *f)
{
	(void)st;
	(void)what;
	(void)f;
	return remove(path);
}

void
scratch_remove(const char *dir)
{
	assert_int_equal(nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static int
file_open(const char *dir, const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/key/%s", dir, name);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	return fd;
}

void
file_flip(const char *dir, const char *name, size_t at)
{
	int fd = file_open(dir, name);
	uint8_t b;

	assert_int_equal(pread(fd, &b, 1, (off_t)at), 1);
	b ^= 0x10;
	assert_int_equal(pwrite(fd, &b, 1, (off_t)at), 1);
	close(fd);
}

size_t
file_size(const char *dir, const char *name)
{
	int fd = file_open(dir, name);
	off_t n = lseek(fd, 0, SEEK_END);

	close(fd);
	return (size_t)n;
}

int
rig_link(struct rig *r, enum role peer)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX,
			     SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd),
	    0);
	assert_int_equal(key_server_link(r->server, peer, fd[0]), 0);
	return fd[1];
}

static void
start(struct rig *r)
{
	char text[4 * DIAG_TEXT_MAX];

	if (key_server_new(r->loop, &r->config, &r->d, &r->server)) {
		diag_print(&r->d, text, sizeof(text));
		fail_msg("%s", text);
	}
	r->core = rig_link(r, ROLE_CORE);
	r->front = rig_link(r, ROLE_FRONT);
}

void
rig_open(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	buf_init(&r->answer, 1u << 20);
	scratch_make(r->dir);
	assert_int_equal(
	    str_copy(r->config.state_dir, sizeof(r->config.state_dir), r->dir),
	    0);
	assert_int_equal(str_copy(r->config.catalog_dir,
			     sizeof(r->config.catalog_dir), TEST_CATALOG),
	    0);
	r->loop = loop_new();
	assert_non_null(r->loop);
	start(r);
}

static void
stop(struct rig *r)
{
	key_server_free(r->server);
	close(r->core);
	close(r->front);
}

void
rig_restart(struct rig *r)
{
	stop(r);
	start(r);
}

void
rig_close(struct rig *r)
{
	stop(r);
	loop_free(r->loop);
	buf_done(&r->answer);
	scratch_remove(r->dir);
}

void
rig_send_raw(int fd, const void *p, size_t n)
{
	const uint8_t *at = p;

	while (n > 0) {
		ssize_t put = send(fd, at, n, MSG_NOSIGNAL);

		if (put < 0 && errno == EPIPE)
			return;
		assert_true(put > 0);
		at += put;
		n -= (size_t)put;
	}
}

/* whole frame in r->answer: 10 bytes header, then the payload */
static int
collect(struct rig *r, int fd)
{
	uint8_t chunk[65536];
	size_t want = 10;

	buf_reset(&r->answer);
	for (int i = 0; i < ROUNDS_MAX; i++) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return E_CLOSED;
		if (n > 0)
			buf_add(&r->answer, chunk, (size_t)n);
		if (r->answer.n >= 10) {
			struct reader h = reader_of(buf_span(&r->answer));

			want = 10 + reader_u32(&h);
		}
		if (r->answer.n >= want)
			return 0;
		assert_int_equal(loop_step(r->loop, 50), 0);
	}
	fail_msg("no answer");
	return E_TIMEOUT;
}

int
rig_answer(struct rig *r, int fd)
{
	struct reader head;
	int code = E_BUG, e = collect(r, fd);

	if (e)
		return e;
	head = reader_of(buf_span(&r->answer));
	(void)reader_u32(&head);
	assert_int_equal(reader_u16(&head), KEY_OP_ANSWER);
	assert_int_equal(reader_u32(&head), r->next_id);
	memset(&r->d, 0, sizeof(r->d));
	assert_int_equal(key_unpack_answer(head.rest, &head, &r->d, &code), 0);
	if (code == 0)
		buf_consume(&r->answer, 14);
	return code;
}

int
rig_ask(struct rig *r, int fd, int op, struct span payload)
{
	BUF(frame, 9u << 20);

	buf_add_u32(&frame, (uint32_t)payload.n);
	buf_add_u16(&frame, (uint16_t)op);
	buf_add_u32(&frame, ++r->next_id);
	buf_add_span(&frame, payload);
	for (size_t at = 0; at < frame.n;) {
		ssize_t n = send(fd, frame.p + at, frame.n - at, MSG_NOSIGNAL);

		if (n > 0)
			at += (size_t)n;
		else if (errno == EPIPE)
			break;
		else
			assert_int_equal(errno, EAGAIN);
		assert_int_equal(loop_step(r->loop, 0), 0);
	}
	return rig_answer(r, fd);
}

struct span
rig_field(struct rig *r)
{
	struct reader in = reader_of(buf_span(&r->answer));
	struct span s = reader_span(&in);

	assert_int_equal(in.err, 0);
	return s;
}

int
rig_create(struct rig *r, const char *id, enum key_role role,
    enum key_kind kind, const char *subject, struct buf *ret_spki)
{
	BUF(name, 4096);
	BUF(payload, 8192);
	int code;

	if (subject)
		assert_int_equal(name_build(subject, NULL, &name), 0);
	buf_pack_text(&payload, id);
	buf_add_u8(&payload, (uint8_t)role);
	buf_add_u8(&payload, (uint8_t)kind);
	buf_pack_span(&payload, buf_span(&name));
	code = rig_ask(r, r->core, KEY_OP_CREATE, buf_span(&payload));
	if (code == 0 && ret_spki)
		buf_add_span(ret_spki, rig_field(r));
	return code;
}

int
rig_sign_cert(struct rig *r, const char *id, const char *profile,
    struct span tbs, struct buf *ret_sig)
{
	BUF(payload, 1u << 20);
	int code;

	buf_pack_text(&payload, id);
	buf_pack_text(&payload, profile);
	buf_pack_span(&payload, tbs);
	code = rig_ask(r, r->core, KEY_OP_SIGN_CERT, buf_span(&payload));
	if (code == 0 && ret_sig)
		buf_add_span(ret_sig, rig_field(r));
	return code;
}
