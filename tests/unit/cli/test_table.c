/* Aligned columns, escaped cells, files written whole. */
#include "test.h"

#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

static void
columns_align(void **state)
{
	static const char *const titles[] = { "NAME", "STATE", NULL };
	static const char *const a[] = { "\xc3\xa4\xc3\xb6", "x" };
	static const char *const b[] = { "longer\n", NULL };
	AUTO_STRUCT(cli_table) *t = cli_table_new(titles);
	struct cli_context c = { 0 };
	char *text = NULL;
	size_t n;

	(void)state;
	c.out = open_memstream(&text, &n);
	cli_table_row(t, a);
	cli_table_color(t, 1, CLI_BAD); /* no colour: not a terminal */
	cli_table_row(t, b);
	assert_int_equal(cli_table_print(&c, t), 0);
	fclose(c.out);
	assert_string_equal(text, "NAME        STATE\n"
				  "\xc3\xa4\xc3\xb6          x\n"
				  "longer\\x0a  -\n");
	free(text);
}

static void
colors_when_asked(void **state)
{
	struct cli_context c = { .color = true };

	(void)state;
	assert_string_equal(cli_color(&c, CLI_BAD), "\033[31m");
	c.color = false;
	assert_string_equal(cli_color(&c, CLI_BAD), "");
}

static void
files_are_not_overwritten(void **state)
{
	char dir[] = "/tmp/signet-cli-XXXXXX", path[64];
	struct cli_context c = { 0 };
	struct diag d;
	struct stat st;
	BUF(read, 100);
	BUF(small, 2);

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/f", dir);
	assert_int_equal(
	    cli_write(&c, path, span_str("one"), 0600, false, &d), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(
	    cli_write(&c, path, span_str("two"), 0600, false, &d), E_EXISTS);
	assert_non_null(strstr(d.remedy, "--force"));
	assert_int_equal(cli_read(&c, path, &read, &d), 0);
	assert_int_equal(read.n, 3);
	assert_memory_equal(read.p, "one", 3);
	assert_int_equal(
	    cli_write(&c, path, span_str("three"), 0644, true, &d), 0);
	assert_int_equal(cli_read(&c, path, &small, &d), E_TOO_BIG);
	unlink(path);
	assert_int_equal(cli_read(&c, path, &read, &d), E_IO);
	assert_int_equal(rmdir(dir), 0); /* no temporary file left */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_align),
		cmocka_unit_test(colors_when_asked),
		cmocka_unit_test(files_are_not_overwritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
