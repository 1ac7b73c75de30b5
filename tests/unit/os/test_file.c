/* os/file: whole files, atomically. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"
#include "os/file.h"

static char dir[] = "/tmp/h-net-file-XXXXXX";
static char where[256];

static const char *
at(const char *name)
{
	assert_int_equal(path_join(where, sizeof(where), dir, name), 0);
	return where;
}

static int
group_setup(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int
group_teardown(void **state)
{
	(void)state;
	return rmdir(dir); /* fails when a test or a temporary file is left */
}

static void
writes_and_reads_with_mode(void **state)
{
	BUF(b, 1000);
	struct diag d;
	struct stat st;

	(void)state;
	assert_int_equal(file_write(at("a"), 0600, span_str("one"), &d), 0);
	assert_int_equal(file_write(at("a"), 0640, span_str("two!"), &d), 0);
	assert_int_equal(stat(where, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(file_read(where, 4, &d, &b), 0);
	assert_true(span_is_equal(buf_span(&b), span_str("two!")));
	unlink(where);
}

static void
refuses_what_is_too_large(void **state)
{
	BUF(b, 1000);
	BUF(small, 3);
	struct diag d;

	(void)state;
	assert_int_equal(file_write(at("a"), 0600, span_str("four"), &d), 0);
	assert_int_equal(file_read(where, 3, &d, &b), E_TOO_BIG);
	assert_int_equal(file_read(where, 100, &d, &small), E_TOO_BIG);
	unlink(where);
}

static void
create_refuses_an_existing_path(void **state)
{
	BUF(b, 100);
	struct diag d;

	(void)state;
	assert_int_equal(file_create(at("a"), 0600, span_str("one"), &d), 0);
	assert_int_equal(
	    file_create(where, 0600, span_str("two"), &d), E_EXISTS);
	assert_int_equal(file_read(where, 100, &d, &b), 0);
	assert_true(span_is_equal(buf_span(&b), span_str("one")));
	unlink(where);
}

static void
failures_name_the_path(void **state)
{
	BUF(b, 100);
	struct diag d;

	(void)state;
	assert_int_equal(file_read(at("none"), 9, &d, &b), E_NOT_FOUND);
	assert_string_equal(d.object, where);
	assert_int_equal(file_read(dir, 9, &d, &b), E_IO);
	assert_int_equal(
	    file_write(at("no/such"), 0600, span_str("x"), &d), E_NOT_FOUND);
	assert_int_equal(mkfifo(at("fifo"), 0600), 0);
	assert_int_equal(file_read(where, 9, &d, &b), E_IO); /* no hang */
	unlink(where);
}

static int
collect(const char *path, const char *name, void *cookie)
{
	struct buf *out = (struct buf *)cookie;

	assert_true(str_has_prefix(path, dir));
	buf_add_text(out, name);
	return strcmp(name, "stop") == 0 ? 7 : 0;
}

static void
each_in_name_order_and_bounded(void **state)
{
	static const char *const names[] = { "c", "a", "b", ".hidden" };
	BUF(b, 100);
	struct diag d;

	(void)state;
	assert_int_equal(mkdir(at("each"), 0700), 0);
	for (size_t i = 0; i < 4; i++) {
		char sub[300];

		snprintf(sub, sizeof(sub), "%s/each/%s", dir, names[i]);
		assert_int_equal(file_write(sub, 0600, span_str(""), &d), 0);
	}
	assert_int_equal(dir_each(at("each"), 3, collect, &b), 0);
	assert_true(span_is_equal(buf_span(&b), span_str("abc")));
	assert_int_equal(dir_each(where, 2, collect, &b), E_TOO_BIG);
	for (size_t i = 0; i < 4; i++) {
		char sub[300];

		snprintf(sub, sizeof(sub), "%s/each/%s", dir, names[i]);
		unlink(sub);
	}
	rmdir(at("each"));
	assert_int_equal(dir_each(where, 3, collect, &b), E_NOT_FOUND);
}

static void
folders(void **state)
{
	struct diag d;
	char tiny[4];

	(void)state;
	assert_int_equal(dir_ensure(at("d"), 0700, &d), 0);
	assert_int_equal(dir_ensure(where, 0700, &d), 0);
	rmdir(where);
	assert_int_equal(dir_ensure(at("no/d"), 0700, &d), E_NOT_FOUND);
	assert_int_equal(file_write(at("f"), 0600, span_str(""), &d), 0);
	assert_int_equal(dir_ensure(where, 0700, &d), E_EXISTS);
	unlink(where);
	assert_int_equal(path_join(tiny, sizeof(tiny), "ab", "c"), E_TOO_BIG);
	assert_int_equal(path_join(tiny, sizeof(tiny), "a/", "c"), 0);
	assert_string_equal(tiny, "a/c");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_and_reads_with_mode),
		cmocka_unit_test(refuses_what_is_too_large),
		cmocka_unit_test(create_refuses_an_existing_path),
		cmocka_unit_test(failures_name_the_path),
		cmocka_unit_test(each_in_name_order_and_bounded),
		cmocka_unit_test(folders),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
