/* The local front: who is let in, and what happens while the core is away. */
#include "test.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/api.h"
#include "api/local.h"
#include "base/diag.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "os/clock.h"
#include "os/unix_socket.h"

#define ROUNDS_MAX 2000

struct rig {
	char dir[64], path[80];
	struct loop *loop;
	struct local *local;
	struct channel *core; /* our end: we play the core */
	unsigned asked;
	uint32_t id, uid;
	char asked_path[API_PATH_MAX];
	bool silent; /* does not answer */
};

struct caller { /* one blocking client in its own thread */
	pthread_t thread;
	struct http_call call;
	struct diag d;
	int result, status;
	struct buf body;
	bool done;
};

static int
on_ask(struct channel *c, const struct frame *f, void *cookie)
{
	struct rig *r = (struct rig *)cookie;
	struct reader in = reader_of(f->payload);
	char query[API_QUERY_MAX];
	BUF(out, 1024);

	(void)reader_u8(&in);
	reader_text(&in, r->asked_path, sizeof(r->asked_path));
	reader_text(&in, query, sizeof(query));
	r->uid = reader_u32(&in);
	(void)reader_span(&in);
	assert_int_equal(reader_finish(&in), 0);
	r->asked++;
	r->id = f->id;
	if (r->silent)
		return 0;
	buf_add_u16(&out, 200);
	buf_pack_text(&out, "application/json");
	buf_pack_span(&out, span_str("{\"well\":true}"));
	return channel_send(c, API_ANSWER, f->id, buf_span(&out));
}

static const struct channel_rule rules[] = {
	{ API_ASK, CHANNEL_FRAME_MAX, on_ask },
	{ 0, 0, NULL },
};

static void
on_close(struct channel *c, void *cookie)
{
	struct rig *r = (struct rig *)cookie;

	if (r->core == c)
		r->core = NULL;
	channel_free(c);
}

static void
core_up(struct rig *r)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX,
			     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd),
	    0);
	r->core = channel_new(r->loop, fd[0], rules, r, on_close);
	assert_int_equal(local_link(r->local, fd[1]), 0);
}

static void
core_down(struct rig *r)
{
	channel_free(r->core);
	r->core = NULL;
}

static int
set_up(void **state)
{
	struct rig *r = (struct rig *)calloc(1, sizeof(*r));
	struct diag d = { 0 };
	int fd = -1;

	snprintf(r->dir, sizeof(r->dir), "/tmp/h-api-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->path, sizeof(r->path), "%s/s", r->dir);
	r->loop = loop_new();
	r->local = local_new(r->loop, getuid());
	assert_int_equal(unix_listen(r->path, 0600, &d, &fd), 0);
	assert_int_equal(local_listen(r->local, fd), 0);
	*state = r;
	return 0;
}

static int
tear_down(void **state)
{
	struct rig *r = (struct rig *)*state;

	if (r->core)
		core_down(r);
	local_free(r->local);
	loop_free(r->loop);
	(void)unlink(r->path);
	(void)rmdir(r->dir);
	free(r);
	return 0;
}

static void *
caller_main(void *cookie)
{
	struct caller *c = (struct caller *)cookie;

	c->result = http_call(&c->call, &c->d, &c->status, &c->body);
	__atomic_store_n(&c->done, true, __ATOMIC_SEQ_CST);
	return NULL;
}

static void
caller_start(struct rig *r, struct caller *c, const char *method)
{
	memset(c, 0, sizeof(*c));
	buf_init(&c->body, 65536);
	c->call = (struct http_call){ .socket_path = r->path,
		.url = "http://localhost/api/v1/status?a=b",
		.method = method,
		.timeout_s = 20 };
	if (strcmp(method, "POST") == 0) {
		c->call.content_type = "application/json";
		c->call.body = span_str("{}");
	}
	assert_int_equal(pthread_create(&c->thread, NULL, caller_main, c), 0);
}

static void
caller_wait(struct rig *r, struct caller *c)
{
	for (int i = 0;
	     i < ROUNDS_MAX && !__atomic_load_n(&c->done, __ATOMIC_SEQ_CST);
	     i++)
		assert_int_equal(loop_step(r->loop, 10), 0);
	assert_int_equal(pthread_join(c->thread, NULL), 0);
	assert_int_equal(c->result, 0);
}

static void
until_asked(struct rig *r, unsigned n)
{
	for (int i = 0; i < ROUNDS_MAX && r->asked < n; i++)
		assert_int_equal(loop_step(r->loop, 10), 0);
	assert_int_equal(r->asked, n);
}

static void
asks_and_answers(void **state)
{
	struct rig *r = (struct rig *)*state;
	struct caller c;

	core_up(r);
	caller_start(r, &c, "GET");
	caller_wait(r, &c);
	assert_int_equal(c.status, 200);
	assert_memory_equal(c.body.p, "{\"well\":true}", 13);
	assert_string_equal(r->asked_path, "/api/v1/status");
	assert_int_equal(r->uid, getuid());
	buf_done(&c.body);
}

/* a read that was under way is asked again of the next core */
static void
a_read_survives_a_restart(void **state)
{
	struct rig *r = (struct rig *)*state;
	struct caller c;

	core_up(r);
	r->silent = true;
	caller_start(r, &c, "GET");
	until_asked(r, 1);
	core_down(r);
	r->silent = false;
	for (int i = 0; i < 3; i++)
		assert_int_equal(loop_step(r->loop, 5), 0);
	core_up(r);
	caller_wait(r, &c);
	assert_int_equal(c.status, 200);
	assert_int_equal(r->asked, 2);
	buf_done(&c.body);
}

/* but one that kills every core is not asked for ever */
static void
a_deadly_read_is_given_up(void **state)
{
	struct rig *r = (struct rig *)*state;
	struct caller c;

	r->silent = true;
	caller_start(r, &c, "GET");
	for (unsigned i = 1; i <= 3; i++) {
		core_up(r);
		until_asked(r, i);
		core_down(r);
		for (int k = 0; k < 3; k++)
			assert_int_equal(loop_step(r->loop, 5), 0);
	}
	caller_wait(r, &c);
	assert_int_equal(c.status, 503);
	buf_done(&c.body);
}

/* a change that may have been done is never done twice */
static void
a_change_is_not_asked_twice(void **state)
{
	struct rig *r = (struct rig *)*state;
	struct caller c;

	core_up(r);
	r->silent = true;
	caller_start(r, &c, "POST");
	until_asked(r, 1);
	core_down(r);
	caller_wait(r, &c);
	assert_int_equal(c.status, 503);
	buf_add_u8(&c.body, 0);
	assert_non_null(strstr((const char *)c.body.p, "look whether"));
	assert_int_equal(r->asked, 1);
	buf_done(&c.body);
}

/* one that no core has seen waits for the next */
static void
a_change_waits_for_a_core(void **state)
{
	struct rig *r = (struct rig *)*state;
	struct caller c;

	caller_start(r, &c, "POST");
	for (int i = 0; i < 10; i++)
		assert_int_equal(loop_step(r->loop, 10), 0);
	core_up(r);
	caller_wait(r, &c);
	assert_int_equal(c.status, 200);
	buf_done(&c.body);
}

/* what curl is told when it asks as that account */
static void
ask_as(struct rig *r, uid_t uid, char *out, int size)
{
	FILE *f;
	pid_t pid;
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	if (pid == 0) {
		if (seteuid(0) != 0 || setuid(uid) != 0 || dup2(fd[1], 1) < 0)
			_exit(1);
		execlp("curl", "curl", "-s", "--unix-socket", r->path,
		    "http://localhost/api/v1/status", (char *)NULL);
		_exit(1);
	}
	close(fd[1]);
	for (int i = 0; i < 200 && waitpid(pid, NULL, WNOHANG) == 0; i++)
		assert_int_equal(loop_step(r->loop, 10), 0);
	f = fdopen(fd[0], "r");
	assert_non_null(fgets(out, size, f));
	fclose(f);
}

/* ACC: only root and the owner of the state; needs root to become another */
static void
strangers_are_refused(void **state)
{
	struct rig *r = (struct rig *)*state;
	char out[512] = "";

	if (getuid() != 0)
		skip();
	core_up(r);
	assert_int_equal(chmod(r->dir, 0755), 0);
	assert_int_equal(chmod(r->path, 0777), 0);
	ask_as(r, 65534, out, sizeof(out));
	assert_non_null(strstr(out, "\"status\":403"));
	assert_int_equal(r->asked, 0);
}

/* a front that root started has become nobody: that lets nobody in */
static void
whom_the_front_became_is_a_stranger(void **state)
{
	struct rig *r = (struct rig *)*state;
	char nobody[512] = "", root[512] = "";

	if (getuid() != 0)
		skip();
	core_up(r);
	assert_int_equal(chmod(r->dir, 0755), 0);
	assert_int_equal(chmod(r->path, 0777), 0);
	assert_int_equal(seteuid(65534), 0);
	ask_as(r, 65534, nobody, sizeof(nobody));
	assert_int_equal(seteuid(0), 0);
	assert_non_null(strstr(nobody, "\"status\":403"));
	ask_as(r, 0, root, sizeof(root));
	assert_non_null(strstr(root, "\"well\":true"));
	assert_int_equal(r->asked, 1);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(asks_and_answers),
		CASE(a_read_survives_a_restart),
		CASE(a_deadly_read_is_given_up),
		CASE(a_change_is_not_asked_twice),
		CASE(a_change_waits_for_a_core),
		CASE(strangers_are_refused),
		CASE(whom_the_front_became_is_a_stranger),
	};

	return cmocka_run_group_tests_name("local", tests, NULL, NULL);
}
