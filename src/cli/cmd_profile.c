/* signet profile: what certificates may hold (CA-3). */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/online.h"

#define YAML_MAX 65536

static int
run_list(struct cli_context *c)
{
	static const char *const titles[] = { "NAME", "KIND", "DAYS", "SHIPPED",
		"TITLE", NULL };
	static const char *const keys[] = { "name", "kind", "days", "shipped",
		"title", NULL };
	AUTO(json_t) *o = NULL;
	ONLINE_PATH(p, "/api/v1/profiles");
	int code = online_call(c, "GET", &p, NULL, &o);

	if (code != CLI_YES)
		return code;
	if (c->json) {
		cli_print_json(c, o);
		return CLI_YES;
	}
	return online_table(c, json_object_get(o, "profiles"), titles, keys);
}

static int
fetch(struct cli_context *c, json_t **ret)
{
	ONLINE_PATH(p, "/api/v1/profiles");

	online_segment(&p, c->args[0]);
	return online_call(c, "GET", &p, NULL, ret);
}

static int
run_show(struct cli_context *c)
{
	AUTO(json_t) *o = NULL;
	const char *yaml;
	int code = fetch(c, &o);

	if (code != CLI_YES)
		return code;
	yaml = json_get0_text(o, "yaml");
	if (c->json) {
		cli_print_json(c, o);
		return CLI_YES;
	}
	if (!cli_has(c, "yaml")) {
		online_member(c, "name", o, "name");
		online_member(c, "title", o, "title");
		online_member(c, "shipped", o, "shipped");
		online_member(c, "file", o, "file");
		cli_print(c, "\n");
	}
	if (yaml)
		cli_print_span(c, span_str(yaml));
	return CLI_YES;
}

static int
answered(struct cli_context *c, int code, const json_t *o, const char *what)
{
	if (code != CLI_YES)
		return code;
	if (c->json)
		cli_print_json(c, o);
	else
		cli_print(c, "profile %s %s\n", c->args[0], what);
	return CLI_YES;
}

static int
send_yaml(struct cli_context *c, struct span yaml, bool is_new)
{
	AUTO(json_t) *body = json_object();
	AUTO(json_t) *o = NULL;
	ONLINE_PATH(p, "/api/v1/profiles");
	struct diag d = { 0 };
	json_t *text = json_stringn((const char *)yaml.p, yaml.n);

	if (!text) {
		(void)diag_set(
		    &d, E_PARSE, "profile", NULL, "is no UTF-8 text");
		return cli_fail(c, &d);
	}
	json_object_set_new(body, "yaml", text);
	if (is_new)
		json_set_text(body, "name", c->args[0]);
	else
		online_segment(&p, c->args[0]);
	return answered(c,
	    online_call(c, is_new ? "POST" : "PUT", &p, TAKE(body), &o), o,
	    is_new ? "added" : "changed");
}

static int
send_file(struct cli_context *c, const char *path, bool is_new)
{
	struct diag d = { 0 };
	BUF(file, YAML_MAX);

	if (cli_read(c, path, &file, &d))
		return cli_fail_as(c, &d, CLI_USAGE);
	return send_yaml(c, buf_span(&file), is_new);
}

static int
run_add(struct cli_context *c)
{
	return send_file(c, c->args[1], true);
}

/* $VISUAL or $EDITOR on a copy */
static int
run_editor(const char *path)
{
	const char *editor = getenv("VISUAL");
	int status;
	pid_t pid;

	if (!editor || !*editor)
		editor = getenv("EDITOR");
	if (!editor || !*editor)
		editor = "vi";
	pid = fork();
	if (pid == 0) {
		execlp(editor, editor, path, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return E_IO;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : E_IO;
}

static int
edit_by_hand(struct cli_context *c)
{
	AUTO(json_t) *o = NULL;
	char path[] = "/tmp/signet-profile-XXXXXX";
	struct diag d = { 0 };
	const char *yaml;
	int fd, code = fetch(c, &o), e;

	if (code != CLI_YES)
		return code;
	yaml = json_get0_text(o, "yaml");
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return cli_usage(c, NULL, "%s cannot be made", path);
	e = yaml && write(fd, yaml, strlen(yaml)) == (ssize_t)strlen(yaml)
		? run_editor(path)
		: E_IO;
	close(fd);
	if (e)
		(void)diag_set(&d, e, "editor", NULL,
		    "did not end well; nothing was changed");
	code = e ? cli_fail(c, &d) : send_file(c, path, false);
	(void)unlink(path);
	return code;
}

static int
run_edit(struct cli_context *c)
{
	if (c->arg_n > 1)
		return send_file(c, c->args[1], false);
	return edit_by_hand(c);
}

static int
run_remove(struct cli_context *c)
{
	AUTO(json_t) *o = NULL;
	ONLINE_PATH(p, "/api/v1/profiles");

	online_segment(&p, c->args[0]);
	return answered(
	    c, online_call(c, "DELETE", &p, NULL, &o), o, "removed");
}

static const struct cli_option show_options[] = {
	{ .name = "yaml", .help = "the YAML alone" },
	{ .name = NULL },
};

#define PROFILE(v, fn, text, args, low, high, opts)                       \
	{                                                                 \
		.noun = "profile", .verb = v, .run = fn, .summary = text, \
		.arguments = args, .arg_min = low, .arg_max = high,       \
		.options = opts, .needs_server = true                     \
	}

const struct cli_command cli_profile_commands[] = {
	{ .noun = "profile", .summary = "what certificates may hold" },
	PROFILE("list", run_list, "all profiles", NULL, 0, 0, NULL),
	PROFILE("show", run_show, "one profile", "NAME", 1, 1, show_options),
	PROFILE("add", run_add, "a new profile from a YAML file", "NAME FILE",
	    2, 2, NULL),
	PROFILE("edit", run_edit, "change it: from a file, or in $EDITOR",
	    "NAME [FILE]", 1, 2, NULL),
	PROFILE(
	    "remove", run_remove, "remove an own profile", "NAME", 1, 1, NULL),
	{ .noun = NULL },
};
