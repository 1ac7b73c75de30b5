/* What goes wrong: writes that fail, a process that is killed, databases that
 * are none. */
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/helper_cases.h"

#define KILL_AFTER 300 /* answered enrolments, then SIGKILL */

/* the writes of one enrolment, in one batch; the first failure ends it */
static int
enrol(struct store *s, int64_t password, unsigned n)
{
	struct request_row r = sample_request(n);
	struct cert_row c = sample_cert(n, 9000);
	struct event_row e = sample_event(n);
	int err = password_use(s, password);

	if (!err)
		err = request_add(s, &r, &c.request);
	if (!err)
		err = cert_add(s, &c, &r.cert);
	if (!err)
		err = request_decide(s, c.request, REQUEST_ISSUED, r.cert, "",
		    span_of(NULL, 0), 99);
	return err ? err : event_append(s, &e);
}

static int64_t
add_password(struct store *s, int64_t uses)
{
	struct entity_row e = sample_entity(1);
	struct password_row p = { .hash = { 1 },
		.expires = 99,
		.uses_total = uses,
		.uses_left = uses };
	int64_t id = 0;

	assert_int_equal(entity_add(s, &e, &p.entity), 0);
	assert_int_equal(password_add(s, &p, &id), 0);
	assert_int_equal(store_flush(s), 0);
	return id;
}

static void
expect_numbers(struct store *s, int64_t n, int64_t uses_left)
{
	struct password_row p;
	struct event_row e;
	int64_t found = -1;
	int err;

	assert_int_equal(cert_count(s, &(struct cert_filter){ 0 }, &found), 0);
	assert_int_equal(found, n);
	/* counted in the rows too */
	assert_int_equal(
	    cert_count(
		s, &(struct cert_filter){ .expires_before = 9999 }, &found),
	    0);
	assert_int_equal(found, n);
	assert_int_equal(request_count(s, REQUEST_ISSUED, &found), 0);
	assert_int_equal(found, n);
	assert_int_equal(request_count(s, REQUEST_UNSET, &found), 0);
	assert_int_equal(found, n);
	err = event_last(s, &e);
	assert_int_equal(err, n ? 0 : E_NOT_FOUND);
	if (!err) {
		assert_int_equal(e.seq, n);
		event_done(&e);
	}
	assert_int_equal(password_by_hash(s, (const uint8_t[32]){ 1 }, &p), 0);
	assert_int_equal(p.uses_left, uses_left);
}

/* CA-6, ENR-2: whichever write fails, and the commit: nothing of the enrolment
 * is kept, the password is as good as before, and a retry succeeds */
static void
every_failing_write_leaves_nothing(void **state)
{
	unsigned n = 0;
	bool failed = true;

	(void)state;
	while (failed) {
		struct store *s = NULL;
		struct diag d = { 0 };
		int64_t password;
		int err;

		assert_int_equal(store_open("test:", &d, &s), 0);
		password = add_password(s, 1);
		store_test_fail_after(s, ++n);
		err = enrol(s, password, 1);
		assert_true(err == 0 || err == E_DB);
		failed = store_flush(s) != 0;
		assert_true(err == 0 || failed);
		expect_numbers(s, failed ? 0 : 1, failed ? 1 : 0);
		if (failed) {
			assert_int_equal(enrol(s, password, 1), 0);
			assert_int_equal(store_flush(s), 0);
			expect_numbers(s, 1, 0);
		}
		store_close(s);
	}
	/* five writes, the counters, the commit; the eighth would be no more */
	assert_int_equal(n, 8);
}

static void
child_enrols(const char *url, int out)
{
	struct store *s = NULL;
	struct diag d = { 0 };
	int64_t password;

	if (store_open(url, &d, &s))
		_exit(1);
	password = add_password(s, 1000000);
	for (unsigned n = 1;; n++) {
		if (enrol(s, password, n))
			_exit(2);
		if (n % 3 == 0 && store_flush(s))
			_exit(3);
		/* the answer leaves */
		if (n % 3 == 0 && write(out, &n, sizeof(n)) != sizeof(n))
			_exit(4);
	}
}

/* CA-6: kill -9 at any moment loses nothing that was answered and leaves no
 * half certificate */
static void
killed_process_loses_nothing(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	unsigned answered = 0;
	struct cert_row c, r;
	struct password_row p;
	int64_t found = 0;
	int pipes[2];
	pid_t pid;

	store_close(f->s);
	f->s = NULL;
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		child_enrols(f->url, pipes[1]);
	close(pipes[1]);
	while (answered < KILL_AFTER)
		assert_int_equal(
		    read(pipes[0], &answered, sizeof(answered)), 4);
	kill(pid, SIGKILL);
	while (read(pipes[0], &found, 4) == 4)
		answered = (unsigned)found;
	close(pipes[0]);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	fixture_reopen(f);
	assert_int_equal(
	    cert_count(f->s, &(struct cert_filter){ 0 }, &found), 0);
	assert_true(found >= answered);
	assert_int_equal(found % 3, 0);
	assert_int_equal(
	    password_by_hash(f->s, (const uint8_t[32]){ 1 }, &p), 0);
	expect_numbers(f->s, found, 1000000 - found);
	for (unsigned n = 1; n <= answered; n++) {
		c = sample_cert(n, 9000);
		assert_int_equal(
		    cert_by_serial(f->s, "issuing-1", c.serial, &r), 0);
		cert_done(&r);
	}
}

static void
expect_refused(const char *url, int code)
{
	struct store *s = NULL;
	struct diag d = { 0 };
	char text[2000];

	assert_int_equal(store_open(url, &d, &s), code);
	assert_null(s);
	assert_int_equal(d.code, code);
	diag_print(&d, text, sizeof(text));
	assert_null(strstr(text, "geheim"));
}

static void
refuses_what_is_no_database(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	struct diag d = { 0 };
	struct store *s = NULL;
	char path[128], url[160];
	FILE *file;

	expect_refused("", E_INVAL);
	expect_refused("mysql://x", E_INVAL);
	expect_refused("sqlite:", E_INVAL);
	expect_refused("sqlite::memory:", E_INVAL);
	expect_refused("sqlite:/tmp/h-store-no-such-folder/s.db", E_IO);
	expect_refused("postgresql://u:geheim%zz@h/db", E_INVAL);
	expect_refused(
	    "postgresql://u:geheim@/db?host=/tmp/h-store-no-such-folder", E_DB);
	snprintf(path, sizeof(path), "%s/text", f->folder);
	snprintf(url, sizeof(url), "sqlite:%s", path);
	assert_int_equal(store_open_reader(url, &d, &s), E_DB);
	file = fopen(path, "w");
	assert_non_null(file);
	for (int i = 0; i < 1000; i++)
		fputs("this is no database, it is a text\n", file);
	fclose(file);
	expect_refused(url, E_DB);
	assert_int_equal(store_open_reader(url, &d, &s), E_DB);
	/* a refusal holds no lock */
	expect_refused(url, E_DB);
}

static void
file_is_ours_alone(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	static const char *const parts[] = { "", "-wal", "-shm", ".lock" };
	char path[300];
	struct stat st;

	assert_int_equal(setting_set(f->s, "x", span_str("1")), 0);
	assert_int_equal(store_flush(f->s), 0);
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s%s", f->url + 7, parts[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
}

static void
nothing(int result, void *cookie)
{
	(void)result;
	(void)cookie;
}

static void
watchers_are_limited(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	int cookies[5];

	for (int i = 0; i < 4; i++)
		assert_int_equal(store_watch(f->s, nothing, &cookies[i]), 0);
	assert_int_equal(store_watch(f->s, nothing, &cookies[4]), E_LIMIT);
	store_unwatch(f->s, nothing, &cookies[2]);
	assert_int_equal(store_watch(f->s, nothing, &cookies[4]), 0);
}

int
main(void)
{
	static struct fixture sqlite = { .kind = FIXTURE_SQLITE };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_failing_write_leaves_nothing),
		cmocka_unit_test_prestate_setup_teardown(
		    killed_process_loses_nothing, fixture_begin, fixture_done,
		    &sqlite),
		cmocka_unit_test_prestate_setup_teardown(
		    refuses_what_is_no_database, fixture_begin, fixture_done,
		    &sqlite),
		cmocka_unit_test_prestate_setup_teardown(
		    file_is_ours_alone, fixture_begin, fixture_done, &sqlite),
		cmocka_unit_test_prestate_setup_teardown(
		    watchers_are_limited, fixture_begin, fixture_done, &sqlite),
	};

	return cmocka_run_group_tests_name("failures", tests, NULL, NULL);
}
