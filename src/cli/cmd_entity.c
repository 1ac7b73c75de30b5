/* signet entity: end entities and enrollment passwords (ENR-1, ENR-2). */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/commands.h"
#include "cli/keystore.h"
#include "cli/online.h"

static int
lifetime(struct cli_context *c, json_t *body)
{
	int64_t hours = -1, days = -1, uses = -1;

	if (cli_get_int(c, "hours", 1, 26352, &hours) ||
	    cli_get_int(c, "days", 1, 1098, &days) ||
	    cli_get_int(c, "uses", 0, 1000000, &uses))
		return CLI_USAGE;
	if (hours > 0 || days > 0)
		json_set_int(body, "hours",
		    (hours > 0 ? hours : 0) + (days > 0 ? days * 24 : 0));
	if (uses >= 0)
		json_set_int(body, "uses", uses);
	return CLI_YES;
}

static int
print_password(struct cli_context *c, int code, const json_t *o)
{
	if (code != CLI_YES)
		return code;
	if (c->json) {
		cli_print_json(c, o);
		return CLI_YES;
	}
	online_member(c, "entity", o, "name");
	online_member(c, "profile", o, "profile");
	online_member(c, "password", o, "password");
	online_member(c, "expires", o, "expires");
	online_member(c, "remaining", o, "remaining");
	if (json_get_int(o, "uses", 1) == 0)
		online_line(c, "uses", "without end");
	else
		online_member(c, "uses", o, "uses");
	online_line(c, "next step",
	    "enter it on the device, with the SCEP address "
	    "http://SERVER:PORT/scep");
	cli_note(c, "the password is shown this once");
	return CLI_YES;
}

static int
run_add(struct cli_context *c)
{
	AUTO(json_t) *body = json_object();
	AUTO(json_t) *o = NULL;
	ONLINE_PATH(p, "/api/v1/entities");
	int code = lifetime(c, body);

	json_set_text(body, "name", c->args[0]);
	json_set_text(body, "profile", cli_get(c, "profile"));
	json_set_text(body, "token", cli_get(c, "token"));
	json_set_text(body, "subject", cli_get(c, "subject"));
	json_set_text(body, "mac", cli_get(c, "mac"));
	json_set_text(body, "authority", cli_get(c, "ca"));
	if (cli_has(c, "manual"))
		json_set_bool(body, "manual", true);
	if (code == CLI_YES)
		code = online_sans(c, body, "sans");
	if (code == CLI_YES)
		code = online_call(c, "POST", &p, TAKE(body), &o);
	return print_password(c, code, o);
}

/* the newest password's state, in words */
static void
password_words(const json_t *entity, char *out, size_t size)
{
	const json_t *list = json_object_get(entity, "passwords");
	const json_t *last =
	    json_array_size(list)
		? json_array_get(list, json_array_size(list) - 1)
		: NULL;
	const char *state = json_get0_text(last, "state");
	char left[64];

	if (!last)
		snprintf(out, size, "none");
	else if (state && strcmp(state, "valid") == 0)
		snprintf(out, size, "valid, %s left",
		    online_text(last, "remaining", left, sizeof(left)));
	else
		snprintf(out, size, "%s", state ? state : "-");
}

static int
run_list(struct cli_context *c)
{
	static const char *const titles[] = { "NAME", "PROFILE", "TOKEN", "MAC",
		"PASSWORD", NULL };
	static const char *const keys[] = { "name", "profile", "token", "mac",
		"words", NULL };
	AUTO(json_t) *o = NULL;
	ONLINE_PATH(p, "/api/v1/entities");
	json_t *list, *one;
	size_t i;
	int code;

	online_page(c, &p);
	code = online_call(c, "GET", &p, NULL, &o);
	if (code != CLI_YES)
		return code;
	if (c->json) {
		cli_print_json(c, o);
		return CLI_YES;
	}
	list = json_object_get(o, "entities");
	json_array_foreach(list, i, one)
	{
		char words[128];

		password_words(one, words, sizeof(words));
		json_set_text(one, "words", words);
	}
	code = online_table(c, list, titles, keys);
	online_more(c, o, json_array_size(list));
	return code;
}

static int
run_show(struct cli_context *c)
{
	static const char *const titles[] = { "PASSWORD", "STATE", "REMAINING",
		"USES LEFT", "EXPIRES", NULL };
	static const char *const keys[] = { "id", "state", "remaining",
		"uses_left", "expires", NULL };
	AUTO(json_t) *o = NULL;
	ONLINE_PATH(p, "/api/v1/entities");
	int code;

	online_segment(&p, c->args[0]);
	code = online_call(c, "GET", &p, NULL, &o);
	if (code != CLI_YES)
		return code;
	if (c->json) {
		cli_print_json(c, o);
		return CLI_YES;
	}
	online_member(c, "name", o, "name");
	online_member(c, "profile", o, "profile");
	online_member(c, "token", o, "token");
	online_member(c, "subject", o, "subject");
	online_member(c, "names", o, "sans");
	online_member(c, "mac", o, "mac");
	online_member(c, "authority", o, "authority");
	online_member(c, "manual", o, "manual");
	online_member(c, "created", o, "created");
	cli_print(c, "\n");
	return online_table(c, json_object_get(o, "passwords"), titles, keys);
}

static int
run_remove(struct cli_context *c)
{
	AUTO(json_t) *o = NULL;
	ONLINE_PATH(p, "/api/v1/entities");
	int code;

	online_segment(&p, c->args[0]);
	code = online_call(c, "DELETE", &p, NULL, &o);
	if (code != CLI_YES)
		return code;
	if (c->json)
		cli_print_json(c, o);
	else
		cli_print(c, "entity %s removed; its certificates stay\n",
		    c->args[0]);
	return CLI_YES;
}

static int
run_password(struct cli_context *c)
{
	AUTO(json_t) *body = json_object();
	AUTO(json_t) *o = NULL;
	const char *gone = cli_get(c, "remove");
	ONLINE_PATH(p, "/api/v1/entities");
	int code;

	online_segment(&p, c->args[0]);
	online_add(&p, "/passwords");
	if (gone) {
		online_segment(&p, gone);
		code = online_call(c, "DELETE", &p, NULL, &o);
		if (code == CLI_YES && c->json)
			cli_print_json(c, o);
		else if (code == CLI_YES)
			cli_print(c, "password %s taken back\n", gone);
		return code;
	}
	code = lifetime(c, body);
	if (code == CLI_YES)
		code = online_call(c, "POST", &p, TAKE(body), &o);
	return print_password(c, code, o);
}

#define LIFETIME_OPTIONS                                       \
	{ .name = "hours",                                     \
		.arg = "N",                                    \
		.help = "how long the password works: 24" },   \
	    { .name = "days",                                  \
		    .arg = "N",                                \
		    .help = "the same in days; both add up" }, \
	{                                                      \
		.name = "uses", .arg = "N",                    \
		.help = "how often: 1; 0 is without end"       \
	}

static const struct cli_option add_options[] = {
	{ .name = "profile", .arg = "NAME", .help = "its profile: phone" },
	{ .name = "san",
	    .arg = "LIST",
	    .help = "the names it gets: DNS:..,IP:..,URI:..,EMAIL:..",
	    .repeat = true },
	{ .name = "subject",
	    .arg = "DN",
	    .help = "CN=..,O=..; else as it asks" },
	LIFETIME_OPTIONS,
	{ .name = "mac", .arg = "MAC", .help = "the device's address" },
	{ .name = "token",
	    .arg = "KIND",
	    .help = "user (makes its own key), p12, pem, jks" },
	{ .name = "ca",
	    .arg = "ID",
	    .help = "authority; else the current one" },
	{ .name = "manual", .help = "every request waits for approval" },
	{ .name = NULL },
};
static const struct cli_option list_options[] = { ONLINE_PAGE_OPTIONS,
	{ .name = NULL } };
static const struct cli_option password_options[] = { LIFETIME_OPTIONS,
	{ .name = "remove", .arg = "ID", .help = "take this password back" },
	{ .name = NULL } };

#define ENTITY(v, fn, text, args, low, high, opts)                       \
	{                                                                \
		.noun = "entity", .verb = v, .run = fn, .summary = text, \
		.arguments = args, .arg_min = low, .arg_max = high,      \
		.options = opts, .needs_server = true                    \
	}

const struct cli_command cli_entity_commands[] = {
	{ .noun = "entity",
	    .summary = "end entities and enrollment passwords" },
	ENTITY("add", run_add, "a new end entity with its first password",
	    "NAME", 1, 1, add_options),
	ENTITY("list", run_list, "all end entities", NULL, 0, 0, list_options),
	ENTITY("show", run_show, "one end entity and its passwords", "NAME", 1,
	    1, NULL),
	ENTITY("remove", run_remove, "remove it and its passwords", "NAME", 1,
	    1, NULL),
	ENTITY("password", run_password, "a new enrollment password", "NAME", 1,
	    1, password_options),
	ENTITY("keystore", keystore_of_entity,
	    "its keystore by name and password; the key is made here", "NAME",
	    1, 1, keystore_entity_options),
	{ .noun = NULL },
};
