/* signet audit: the ledger, listed, verified, exported (ACC-8). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/online.h"

#define EXPORT_PAGE "1000"

static void
add_filters(struct cli_context *c, struct online_path *p)
{
	online_query(p, "kind", cli_get(c, "kind"));
	online_query(p, "severity", cli_get(c, "severity"));
	online_query(p, "object", cli_get(c, "object"));
	online_query(p, "from", cli_get(c, "from"));
	online_query(p, "to", cli_get(c, "to"));
}

static int
run_list(struct cli_context *c)
{
	static const char *const titles[] = { "SEQ", "TIME", "SEVERITY", "KIND",
		"OBJECT", "ACTOR", "RESULT", NULL };
	static const char *const keys[] = { "seq", "time", "severity", "kind",
		"object", "actor", "result", NULL };
	AUTO(json_t) *o = NULL;
	const json_t *list;
	ONLINE_PATH(p, "/api/v1/audit");
	int code;

	add_filters(c, &p);
	online_page(c, &p);
	code = online_call(c, "GET", &p, NULL, &o);
	if (code != CLI_YES)
		return code;
	if (c->json) {
		cli_print_json(c, o);
		return CLI_YES;
	}
	list = json_object_get(o, "events");
	code = online_table(c, list, titles, keys);
	online_more(c, o, json_array_size(list));
	return code;
}

static int
run_verify(struct cli_context *c)
{
	AUTO(json_t) *o = NULL;
	ONLINE_PATH(p, "/api/v1/audit/verify");
	bool good;
	int code;

	/* a ledger of years takes its time */
	p.timeout_s = ONLINE_CEREMONY_S;
	code = online_call(c, "POST", &p, json_object(), &o);

	if (code != CLI_YES)
		return code;
	good = json_get_bool(o, "good", false);
	if (c->json) {
		cli_print_json(c, o);
		return good ? CLI_YES : CLI_NO;
	}
	cli_print(c, "%s%s%s\n", cli_color(c, good ? CLI_GOOD : CLI_BAD),
	    good ? "good: nothing was altered or cut" : "NOT GOOD",
	    cli_color(c, CLI_PLAIN));
	online_member(c, "reason", o, "reason");
	online_member(c, "first bad", o, "first_bad");
	online_member(c, "events", o, "events");
	online_member(c, "checkpoints", o, "checkpoints");
	return good ? CLI_YES : CLI_NO;
}

/* one page as JSON lines; *at moves on, 0 at the end */
static int
export_page(struct cli_context *c, FILE *to, int64_t *at)
{
	AUTO(json_t) *o = NULL;
	const json_t *list;
	char next[32];
	ONLINE_PATH(p, "/api/v1/audit");
	int code;

	snprintf(next, sizeof(next), "%" PRId64, *at);
	add_filters(c, &p);
	online_query(&p, "limit", EXPORT_PAGE);
	online_query(&p, "next", next);
	online_query(&p, "raw", "1");
	code = online_call(c, "GET", &p, NULL, &o);
	if (code != CLI_YES)
		return code;
	list = json_object_get(o, "events");
	for (size_t i = 0; i < json_array_size(list); i++) {
		(void)json_dumpf(json_array_get(list, i), to,
		    JSON_COMPACT | JSON_PRESERVE_ORDER);
		fputc('\n', to);
	}
	*at = json_get_int(o, "next", 0);
	return CLI_YES;
}

static int
run_export(struct cli_context *c)
{
	int64_t at = 0;
	int code;

	do
		code = export_page(c, c->out, &at);
	while (code == CLI_YES && at > 0);
	return code;
}

#define FILTER_OPTIONS                                                        \
	{ .name = "kind", .arg = "KIND", .help = "such as cert.issue" },      \
	    { .name = "severity",                                             \
		    .arg = "S",                                               \
		    .help =                                                   \
			"at least info, notice, warning, error, critical" },  \
	    { .name = "object", .arg = "TEXT", .help = "about this object" }, \
	    { .name = "from",                                                 \
		    .arg = "TIME",                                            \
		    .help = "not earlier (RFC 3339)" },                       \
	{                                                                     \
		.name = "to", .arg = "TIME", .help = "not later"              \
	}

static const struct cli_option list_options[] = { FILTER_OPTIONS,
	ONLINE_PAGE_OPTIONS, { .name = NULL } };
static const struct cli_option export_options[] = { FILTER_OPTIONS,
	{ .name = NULL } };

#define AUDIT(v, fn, text, opts)                                        \
	{                                                               \
		.noun = "audit", .verb = v, .run = fn, .summary = text, \
		.options = opts, .needs_server = true                   \
	}

const struct cli_command cli_audit_commands[] = {
	{ .noun = "audit", .summary = "the ledger: what happened, provably" },
	AUDIT("list", run_list, "the latest events, or onwards from --after",
	    list_options),
	AUDIT(
	    "verify", run_verify, "whether anything was altered or cut", NULL),
	AUDIT("export", run_export,
	    "all events as JSON lines, with the text that was hashed",
	    export_options),
	{ .noun = NULL },
};
