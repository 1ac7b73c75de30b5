/* The frame of the command line: CLI.md's exit codes, errors that teach. */
#include "test.h"

#include "cli/cli.h"

static struct seen {
	char text[1024];
	bool json;
	int64_t number, seconds;
} seen;

static int
run_show(struct cli_context *c)
{
	const char *one;

	memset(&seen, 0, sizeof(seen));
	seen.json = c->json;
	seen.number = -1;
	for (size_t i = 0; (one = cli_get_nth(c, "name", i)); i++) {
		strncat(seen.text, one, 100);
		strncat(seen.text, "/", 2);
	}
	for (size_t i = 0; i < c->arg_n; i++) {
		strncat(seen.text, c->args[i], 100);
		strncat(seen.text, ";", 2);
	}
	if (cli_get_int(c, "count", 1, 9, &seen.number) ||
	    cli_get_duration(c, "age", &seen.seconds))
		return CLI_USAGE;
	if (cli_has(c, "flag"))
		strncat(seen.text, "flag", 5);
	return CLI_YES;
}

static int
run_status(struct cli_context *c)
{
	cli_print(c, "%s", c->state_dir ? c->state_dir : c->server_url);
	return CLI_NO;
}

static const struct cli_option options[] = {
	{ .name = "name",
	    .letter = 'n',
	    .arg = "N",
	    .help = "x",
	    .repeat = true },
	{ .name = "count", .arg = "N", .help = "a count" },
	{ .name = "age", .arg = "TIME", .help = "an age" },
	{ .name = "flag", .letter = 'f', .help = "a flag" },
	{ .name = NULL },
};
static const struct cli_option needed[] = {
	{ .name = "key", .arg = "FILE", .help = "x", .required = true },
	{ .name = NULL },
};
static const struct cli_command one[] = {
	{ .noun = "thing", .summary = "all about things" },
	{ .noun = "thing",
	    .verb = "show",
	    .run = run_show,
	    .summary = "shows it",
	    .arguments = "FILE...",
	    .arg_min = 1,
	    .arg_max = 3,
	    .options = options,
	    .more = "More text.\n" },
	{ .noun = NULL },
};
static const struct cli_command two[] = {
	{ .noun = "thing",
	    .verb = "mend",
	    .run = run_show,
	    .summary = "mends it",
	    .options = needed },
	{ .noun = "status",
	    .run = run_status,
	    .summary = "how it is",
	    .needs_server = true },
	{ .noun = NULL },
};
static const struct cli_command *const tables[] = { one, two, NULL };

static char *out_text, *err_text_;

static int
signet(const char *line)
{
	static char copy[1024];
	char *argv[32] = { (char *)(uintptr_t) "signet" };
	int argc = 1, code;
	size_t n;
	FILE *out, *err;

	free(out_text);
	free(err_text_);
	out = open_memstream(&out_text, &n);
	err = open_memstream(&err_text_, &n);
	snprintf(copy, sizeof(copy), "%s", line);
	for (char *save = NULL, *w = strtok_r(copy, " ", &save); w;
	     w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	code = cli_run(tables, argc, argv, stdin, out, err);
	fclose(out);
	fclose(err);
	return code;
}

static void
assert_says(const char *line, int code, const char *words)
{
	assert_int_equal(signet(line), code);
	assert_string_equal(out_text, "");
	if (!strstr(err_text_, words))
		fail_msg("%s: %s", line, err_text_);
}

static void
options_anywhere(void **state)
{
	(void)state;
	assert_int_equal(signet("thing show a b"), 0);
	assert_string_equal(seen.text, "a;b;");
	assert_int_equal(signet("--json thing --flag show a"), 2);
	assert_int_equal(signet("--json thing show a --flag -n x"), 0);
	assert_string_equal(seen.text, "x/a;flag");
	assert_true(seen.json);
	assert_int_equal(signet("thing show --name=x -ny a --name z"), 0);
	assert_string_equal(seen.text, "x/y/z/a;");
	assert_int_equal(signet("thing show -- --flag -"), 0);
	assert_string_equal(seen.text, "--flag;-;");
	assert_int_equal(signet("thing show a --count 7 --age 2h"), 0);
	assert_int_equal(seen.number, 7);
	assert_int_equal(seen.seconds, 7200);
}

static void
wrong_use_teaches(void **state)
{
	(void)state;
	assert_says("thign show a", 2, "did you mean \"thing\"?");
	assert_says("thing shwo a", 2, "did you mean \"show\"?");
	assert_says("thing mned a", 2, "did you mean \"mend\"?");
	assert_says("thing show a --nmae x", 2, "did you mean \"--name\"?");
	assert_says("thing show a --jsno", 2, "did you mean \"--json\"?");
	assert_says("thing show a --zzz", 2, "try: signet thing show --help");
	assert_says("thing", 2, "try: signet thing --help");
	assert_says("thing show", 2, "FILE...: argument missing");
	assert_says("thing show a b c d", 2, "d: one argument too many");
	assert_says("thing show a --name", 2, "needs a value");
	assert_says("thing show a --flag=1", 2, "takes no value");
	assert_says("thing show a --count 1 --count 2", 2, "more than once");
	assert_says("thing show a --count 10", 2, "from 1 to 9");
	assert_says("thing show a --age soon", 2, "60d");
	assert_says("thing mend", 2, "key: this option is needed");
	assert_says("thing show a --color maybe", 2, "auto, always or never");
	assert_says("zzzzzz", 2, "try: signet --help");
}

/* with --json standard error holds JSON, too */
static void
errors_as_json(void **state)
{
	AUTO(json_t) *o = NULL;

	(void)state;
	assert_int_equal(signet("thing shwo --json"), 2);
	assert_string_equal(out_text, "");
	assert_int_equal(json_parse(span_str(err_text_), 65536, NULL, &o), 0);
	assert_string_equal(
	    json_get0_text(o, "type"), "urn:signet:error:invalid");
	assert_int_equal(json_get_int(o, "exit", 0), 2);
	assert_non_null(json_get0_text(o, "remedy"));
}

static void
help_from_the_tables(void **state)
{
	(void)state;
	assert_int_equal(signet("--help"), 0);
	assert_non_null(strstr(out_text, "thing show"));
	assert_non_null(strstr(out_text, "mends it"));
	assert_int_equal(signet(""), 0);
	assert_int_equal(signet("thing --help"), 0);
	assert_non_null(strstr(out_text, "all about things"));
	assert_non_null(strstr(out_text, "thing mend"));
	assert_null(strstr(out_text, "status"));
	assert_int_equal(signet("thing show --help"), 0);
	assert_non_null(strstr(out_text, "usage: signet thing show"));
	assert_non_null(strstr(out_text, "-n, --name N"));
	assert_non_null(strstr(out_text, "--json"));
	assert_non_null(strstr(out_text, "More text."));
	assert_string_equal(err_text_, "");
	assert_int_equal(signet("thing mend --help"), 0);
	assert_non_null(strstr(out_text, "thing mend --key FILE"));
}

static void
server_needed(void **state)
{
	(void)state;
	unsetenv("SIGNET_STATE");
	unsetenv("SIGNET_SERVER");
	assert_says("status", 2, "which server?");
	assert_int_equal(signet("status --state /x"), 1);
	assert_string_equal(out_text, "/x");
	assert_int_equal(signet("--server https://h status"), 1);
	setenv("SIGNET_STATE", "/y", 1);
	assert_int_equal(signet("status"), 1);
	assert_string_equal(out_text, "/y");
	unsetenv("SIGNET_STATE");
}

static void
exit_codes(void **state)
{
	(void)state;
	assert_int_equal(cli_exit_of(0), 0);
	assert_int_equal(cli_exit_of(E_NOT_FOUND), 1);
	assert_int_equal(cli_exit_of(E_CONFLICT), 1);
	assert_int_equal(cli_exit_of(E_PARSE), 2);
	assert_int_equal(cli_exit_of(E_PASSWORD), 2);
	assert_int_equal(cli_exit_of(E_CLOSED), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_anywhere),
		cmocka_unit_test(wrong_use_teaches),
		cmocka_unit_test(errors_as_json),
		cmocka_unit_test(help_from_the_tables),
		cmocka_unit_test(server_needed),
		cmocka_unit_test(exit_codes),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(out_text);
	free(err_text_);
	return failed;
}
