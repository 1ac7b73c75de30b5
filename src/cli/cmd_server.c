/* signet ignite, status. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/commands.h"
#include "cli/ignite_server.h"
#include "cli/online.h"

static int
org_set(struct cli_context *c, json_t *org, const char *text)
{
	static const char *const keys[] = { "c", "st", "l", "o", "ou", "email",
		NULL };
	const char *sign = strchr(text, '=');

	if (!sign) {
		json_set_text(org, "o", text);
		return CLI_YES;
	}
	for (size_t i = 0; keys[i]; i++) {
		size_t n = strlen(keys[i]);
		char name[8];

		snprintf(name, sizeof(name), "%.*s",
		    (int)(sign - text < 7 ? sign - text : 7), text);
		if ((size_t)(sign - text) == n &&
		    str_is_equal_nocase(name, keys[i])) {
			json_set_text(org, keys[i], sign + 1);
			return CLI_YES;
		}
	}
	return cli_usage(c, "--org \"Example\" --org C=DE --org L=Bonn",
	    "--org %s: the fields are C ST L O OU EMAIL", text);
}

int
hierarchy_body(struct cli_context *c, json_t *o)
{
	json_t *org = json_object();
	const char *text;

	json_set_text(o, "name", cli_get(c, "name"));
	json_set_text(o, "key", cli_get(c, "key"));
	json_set_text(o, "root_profile", cli_get(c, "root-profile"));
	if (cli_has(c, "single-level"))
		json_set_bool(o, "single_level", true);
	for (size_t i = 0; (text = cli_get_nth(c, "org", i)); i++) {
		int code = org_set(c, org, text);

		if (code != CLI_YES) {
			json_decref(org);
			return code;
		}
	}
	if (org)
		json_object_set_new(o, "org", org);
	return CLI_YES;
}

static int
ignite_body(struct cli_context *c, json_t *o)
{
	const char *p12 = cli_get(c, "import-ca");
	int code = hierarchy_body(c, o);

	if (code != CLI_YES)
		return code;
	if (p12 && cli_has(c, "no-ca"))
		return cli_usage(
		    c, NULL, "--import-ca and --no-ca exclude each other");
	if (cli_has(c, "no-ca"))
		json_set_bool(o, "no_ca", true);
	if (!p12)
		return CLI_YES;
	code = online_file(c, p12, o, "p12");
	if (code != CLI_YES)
		return code;
	return online_password(
	    c, "password-file", "password of the PKCS#12 file", false, o);
}

static void
next_add(json_t *list, const char *program, const char *state, const char *rest)
{
	const char *self = program_invocation_name;
	const char *slash = strrchr(self, '/');
	char text[ONLINE_PATH_MAX];

	/* as it can be typed here: from the build's folder with its path */
	snprintf(text, sizeof(text), "%.*s%s --state %s%s",
	    slash ? (int)(slash - self) + 1 : 0, self, program, state, rest);
	if (list)
		json_array_append_new(list, json_string(text));
}

static void
ignite_print(struct cli_context *c, const json_t *o, const json_t *next)
{
	static const char *const titles[] = { "AUTHORITY", "KIND", "SUBJECT",
		"UNTIL", NULL };
	static const char *const keys[] = { "id", "kind", "subject",
		"not_after", NULL };
	const json_t *list = json_object_get(o, "authorities");
	const json_t *entity = json_object_get(o, "entity");

	cli_print(c, "%sThe server is ignited.%s\n\n", cli_color(c, CLI_GOOD),
	    cli_color(c, CLI_PLAIN));
	if (json_array_size(list) > 0)
		(void)online_table(c, list, titles, keys);
	if (entity) {
		cli_print(c, "\nFirst enrollment password, shown this once:\n");
		online_member(c, "  entity", entity, "name");
		online_member(c, "  password", entity, "password");
		online_member(c, "  expires", entity, "expires");
	}
	cli_print(c, "\nTry next:\n");
	for (size_t i = 0; i < json_array_size(next); i++)
		cli_print(
		    c, "  %s\n", json_string_value(json_array_get(next, i)));
}

static int
ignite_answer(struct cli_context *c, json_t *o, bool is_running)
{
	json_t *next = json_array();

	if (!is_running && !cli_has(c, "serving"))
		next_add(next, "signetd", c->state_dir, "");
	next_add(next, "signet", c->state_dir, " status");
	next_add(next, "signet", c->state_dir,
	    " entity add pbx1.example.com --profile phone");
	if (is_running || cli_has(c, "serving"))
		next_add(next, "signet", c->state_dir, " certs");
	if (c->json) {
		json_object_set_new(o, "next", next);
		cli_print_json(c, o);
		return CLI_YES;
	}
	ignite_print(c, o, next);
	json_decref(next);
	return CLI_YES;
}

static int
run_ignite(struct cli_context *c)
{
	AUTO(json_t) *body = json_object();
	AUTO(json_t) *answer = NULL;
	struct ignite_server server = { .pid = 0 };
	struct diag d = { 0 };
	bool is_running;
	int code;

	if (!c->state_dir)
		return cli_usage(
		    c, "signet --state DIR ignite", "which state directory?");
	code = ignite_body(c, body);
	if (code != CLI_YES)
		return code;
	is_running = ignite_server_is_there(c);
	if (!is_running && ignite_server_start(c, &server, &d))
		return cli_fail_as(c, &d, CLI_UNREACHABLE);
	{
		ONLINE_PATH(p, "/api/v1/ignition");
		p.timeout_s = ONLINE_CEREMONY_S;
		code = online_call(c, "POST", &p, TAKE(body), &answer);
	}
	ignite_server_stop(&server);
	return code == CLI_YES ? ignite_answer(c, answer, is_running) : code;
}

static void
alarms_print(struct cli_context *c, const json_t *alarms)
{
	size_t n = json_array_size(alarms);

	if (n == 0) {
		cli_print(c, "%-14s %snone%s\n", "alarms",
		    cli_color(c, CLI_GOOD), cli_color(c, CLI_PLAIN));
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const json_t *a = json_array_get(alarms, i);
		char text[1024], remedy[512];

		online_text(a, "text", text, sizeof(text));
		online_text(a, "remedy", remedy, sizeof(remedy));
		cli_print(c, "%-14s %s%s%s (%s)\n", i ? "" : "alarms",
		    cli_color(c, CLI_WARN), text, cli_color(c, CLI_PLAIN),
		    remedy);
	}
}

static void
status_print(struct cli_context *c, const json_t *o)
{
	const json_t *server = json_object_get(o, "server");
	const json_t *ca = json_object_get(o, "ca");
	const json_t *issuer = json_object_get(ca, "issuer");
	const json_t *next = json_object_get(o, "next_expiry");
	char text[1024], when[64];
	int64_t n;

	online_member(c, "version", server, "version");
	online_member(c, "state", server, "state");
	online_member(c, "database", server, "database");
	online_member(c, "started", server, "started");
	if (json_is_object(issuer)) {
		online_member(c, "issuer", issuer, "subject");
		online_member(c, "  until", issuer, "not_after");
	} else {
		online_line(c, "issuer",
		    json_get_bool(ca, "ignited", false)
			? "no CA of its own"
			: "not ignited yet: signet ignite");
	}
	if (json_is_object(next)) {
		online_text(next, "subject", text, sizeof(text));
		online_line(c, "next expiry", text);
		snprintf(text, sizeof(text), "%s (%lld days)",
		    online_text(next, "not_after", when, sizeof(when)),
		    (long long)json_get_int(next, "days_left", 0));
		online_line(c, "", text);
	}
	n = json_get_int(o, "pending_requests", 0);
	snprintf(text, sizeof(text), "%lld pending%s", (long long)n,
	    n ? ": signet request list" : "");
	online_line(c, "requests", text);
	n = json_get_int(o, "ledger_events", 0);
	snprintf(text, sizeof(text), "%lld event%s", (long long)n,
	    n == 1 ? "" : "s");
	online_line(c, "ledger", text);
	alarms_print(c, json_object_get(o, "alarms"));
}

static int
run_status(struct cli_context *c)
{
	AUTO(json_t) *o = NULL;
	ONLINE_PATH(p, "/api/v1/status");
	int code = online_call(c, "GET", &p, NULL, &o);

	if (code != CLI_YES)
		return code;
	if (c->json)
		cli_print_json(c, o);
	else
		status_print(c, o);
	return CLI_YES;
}

static const struct cli_option ignite_options[] = {
	HIERARCHY_OPTIONS,
	{ .name = "import-ca",
	    .arg = "FILE",
	    .help = "take the CA from this PKCS#12 file" },
	{ .name = "password-file",
	    .arg = "FILE",
	    .help = "password of that file; else it is asked" },
	{ .name = "no-ca", .help = "run without a CA of its own" },
	{ .name = "serving",
	    .help = "the server is started right after this, as ./run does" },
	{ .name = "config", .arg = "FILE", .help = "for signetd" },
	{ .name = "database", .arg = "URL", .help = "for signetd" },
	{ .name = NULL },
};

const struct cli_command cli_server_commands[] = {
	{ .noun = "ignite",
	    .run = run_ignite,
	    .summary = "first start of an estate: CA, ledger, first password",
	    .options = ignite_options,
	    .needs_server = true,
	    .starts_server = true,
	    .more = "Starts signetd for the time of the call when none runs on "
		    "this state directory.\n" },
	{ .noun = "status",
	    .run = run_status,
	    .summary = "server, CA, next expiry, open alarms",
	    .needs_server = true },
	{ .noun = NULL },
};
