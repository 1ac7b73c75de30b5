/* signet trust: the trusted certificate stores (TRUST-1..3). */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/online.h"

#define EXPORT_MAX (16u << 20)

/* "flags" of each certificate as one text, for the table */
static void
flags_join(json_t *list)
{
	json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		const json_t *flags = json_object_get(one, "flags");
		char text[256] = "";
		size_t n = 0;

		for (size_t k = 0; k < json_array_size(flags); k++)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    "%s%.40s", k ? "," : "",
			    json_string_value(json_array_get(flags, k)));
		if (json_get_bool(one, "pinned", false))
			snprintf(text + n, sizeof(text) - n, "%spinned",
			    n ? "," : "");
		json_set_text(one, "flag_text", text);
	}
}

static int
print_certs(struct cli_context *c, const json_t *o, const char *first,
    const char *first_key)
{
	const char *const titles[] = { first, "UNTIL", "FLAGS", "FINGERPRINT",
		"SUBJECT", NULL };
	const char *const keys[] = { first_key, "not_after", "flag_text",
		"fingerprint", "subject", NULL };
	json_t *list = json_object_get(o, "certificates");

	if (c->json) {
		cli_print_json(c, o);
		return CLI_YES;
	}
	flags_join(list);
	return online_table(c, list, titles, keys);
}

static int
run_list(struct cli_context *c)
{
	AUTO(json_t) *o = NULL;
	ONLINE_PATH(p, "/api/v1/trust");
	int code;

	online_query(&p, "system", cli_get(c, "system"));
	code = online_call(c, "GET", &p, NULL, &o);
	return code == CLI_YES ? print_certs(c, o, "ALIAS", "alias") : code;
}

static void
print_report(struct cli_context *c, const json_t *o)
{
	const json_t *notes = json_object_get(o, "notes");
	const json_t *list = json_object_get(o, "certificates");
	char a[32], b[32], r[32];

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		char text[1400], result[64], subject[512], reason[512];

		online_text(one, "result", result, sizeof(result));
		online_text(one, "reason", reason, sizeof(reason));
		snprintf(text, sizeof(text), "%s%s%s",
		    online_text(one, "subject", subject, sizeof(subject)),
		    strcmp(reason, "-") != 0 ? ": " : "",
		    strcmp(reason, "-") != 0 ? reason : "");
		online_line(c,
		    strcmp(result, "already-there") == 0 ? "already there"
							 : result,
		    text);
	}
	for (size_t i = 0; i < json_array_size(notes); i++) {
		const json_t *one = json_array_get(notes, i);
		char text[512];

		cli_note(c, "line %lld: %s",
		    (long long)json_get_int(one, "line", 0),
		    online_text(one, "text", text, sizeof(text)));
	}
	cli_print(c, "%s added, %s already there, %s refused\n",
	    online_text(o, "added", a, sizeof(a)),
	    online_text(o, "already", b, sizeof(b)),
	    online_text(o, "refused", r, sizeof(r)));
}

static int
add_one(struct cli_context *c, const char *path, json_t **ret)
{
	AUTO(json_t) *body = json_object();
	ONLINE_PATH(p, "/api/v1/trust");
	int code = online_file(c, path, body, "file");

	if (code != CLI_YES)
		return code;
	json_set_text(body, "name", path);
	json_set_text(body, "system", cli_get(c, "system"));
	json_set_text(body, "alias", cli_get(c, "alias"));
	if (cli_has(c, "allow-leaf"))
		json_set_bool(body, "allow_leaf", true);
	return online_call(c, "POST", &p, TAKE(body), ret);
}

static int
run_add(struct cli_context *c)
{
	AUTO(json_t) *all = c->arg_n > 1 ? json_array() : NULL;
	int worst = CLI_YES;

	for (size_t i = 0; i < c->arg_n; i++) {
		AUTO(json_t) *o = NULL;
		int code = add_one(c, c->args[i], &o);

		if (code == CLI_YES && json_get_int(o, "refused", 0) > 0)
			code = CLI_NO;
		if (o && all)
			json_array_append(all, o);
		else if (o && c->json)
			cli_print_json(c, o);
		if (o && !c->json)
			print_report(c, o);
		worst = code > worst ? code : worst;
	}
	if (all && c->json)
		cli_print_json(c, all);
	return worst;
}

static int
run_remove(struct cli_context *c)
{
	AUTO(json_t) *o = NULL;
	ONLINE_PATH(p, "/api/v1/trust");
	int code;

	online_query(&p, "system", cli_get(c, "system"));
	online_query(&p, "key", c->args[0]);
	code = online_call(c, "DELETE", &p, NULL, &o);
	if (code != CLI_YES)
		return code;
	if (c->json)
		cli_print_json(c, o);
	else
		cli_print(c, "removed\n");
	return CLI_YES;
}

static int
run_export(struct cli_context *c)
{
	const char *out = cli_get(c, "out");
	struct diag d = { 0 };
	ONLINE_PATH(p, "/api/v1/trust/export");
	BUF(pem, EXPORT_MAX);

	online_query(&p, "system", cli_get(c, "system"));
	if (online_ask(c, "GET", &p, NULL, &pem, &d))
		return online_fail(c, &d);
	if (cli_write(c, out ? out : "-", buf_span(&pem), 0644,
		cli_has(c, "force"), &d))
		return cli_fail(c, &d);
	if (out && strcmp(out, "-") != 0)
		cli_note(c, "%s written", out);
	return CLI_YES;
}

/* the defaults are the operator's pick, or the shipped ones that hold */
static void
print_applied(struct cli_context *c, const json_t *o)
{
	json_t *list = json_object_get(o, "left_out"), *one;
	size_t i;

	flags_join(list);
	json_array_foreach(list, i, one)
	{
		char text[1024], name[512], flags[256];

		online_text(one, "flag_text", flags, sizeof(flags));
		snprintf(text, sizeof(text), "%s (%s)",
		    online_text(one, "name", name, sizeof(name)),
		    strcmp(flags, "-") ? flags : "not pinned");
		online_line(c, "left out", text);
	}
	cli_print(c,
	    "%lld added, %lld already there, %lld removed, %zu left out\n",
	    (long long)json_get_int(o, "added", 0),
	    (long long)json_get_int(o, "already", 0),
	    (long long)json_get_int(o, "removed", 0), json_array_size(list));
}

static int
pin(struct cli_context *c)
{
	AUTO(json_t) *o = NULL;
	json_t *body = json_object(), *names = json_array();
	const char *name;
	ONLINE_PATH(p, "/api/v1/trust/defaults");
	int code;

	for (size_t i = 0; (name = cli_get_nth(c, "pin", i)); i++)
		if (names)
			json_array_append_new(names, json_string(name));
	json_object_set_new(body, "names", names);
	code = online_call(c, "PUT", &p, body, &o);
	if (code == CLI_YES)
		code = print_certs(c, o, "NAME", "name");
	if (code == CLI_YES && !c->json)
		cli_print(c, "\nnext step: signet trust defaults --apply\n");
	return code;
}

static int
run_defaults(struct cli_context *c)
{
	AUTO(json_t) *o = NULL;
	json_t *body;
	ONLINE_PATH(p, "/api/v1/trust/defaults");
	int code;

	if (cli_has(c, "pin"))
		return pin(c);
	if (!cli_has(c, "apply")) {
		code = online_call(c, "GET", &p, NULL, &o);
		return code == CLI_YES ? print_certs(c, o, "NAME", "name")
				       : code;
	}
	body = json_object();
	json_set_text(body, "system", cli_get(c, "system"));
	code = online_call(c, "POST", &p, body, &o);
	if (code != CLI_YES)
		return code;
	if (c->json)
		cli_print_json(c, o);
	else
		print_applied(c, o);
	return CLI_YES;
}

#define SYSTEM_OPTION                                           \
	{                                                       \
		.name = "system", .arg = "S",                   \
		.help = "of this system; else the server's own" \
	}

static const struct cli_option list_options[] = { SYSTEM_OPTION,
	{ .name = NULL } };
static const struct cli_option add_options[] = { SYSTEM_OPTION,
	{ .name = "alias", .arg = "NAME", .help = "else from the CN" },
	{ .name = "allow-leaf",
	    .help = "certificates that are no CA, too (pinning)" },
	{ .name = NULL } };
static const struct cli_option export_options[] = { SYSTEM_OPTION,
	{ .name = "out",
	    .letter = 'o',
	    .arg = "FILE",
	    .help = "where to write" },
	{ .name = "force", .help = "replace an existing file" },
	{ .name = NULL } };
static const struct cli_option defaults_options[] = { SYSTEM_OPTION,
	{ .name = "apply", .help = "put the defaults back into the store" },
	{ .name = "pin",
	    .arg = "NAME",
	    .help = "from now on these are the defaults",
	    .repeat = true },
	{ .name = NULL } };

#define TRUST(v, fn, text, args, low, high, opts)                       \
	{                                                               \
		.noun = "trust", .verb = v, .run = fn, .summary = text, \
		.arguments = args, .arg_min = low, .arg_max = high,     \
		.options = opts, .needs_server = true                   \
	}

const struct cli_command cli_trust_commands[] = {
	{ .noun = "trust", .summary = "trusted certificate stores" },
	TRUST("list", run_list, "what is trusted", NULL, 0, 0, list_options),
	TRUST("add", run_add, "import files; every certificate is reported",
	    "FILE...", 1, -1, add_options),
	TRUST("remove", run_remove, "by alias or fingerprint", "KEY", 1, 1,
	    list_options),
	TRUST("export", run_export, "all as PEM", NULL, 0, 0, export_options),
	TRUST("defaults", run_defaults, "the shipped certificates", NULL, 0, 0,
	    defaults_options),
	{ .noun = NULL },
};
