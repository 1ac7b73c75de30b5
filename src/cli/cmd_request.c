/* signet request: enrolment requests by hand (ENR-8). */
#include <stdio.h>
#include <string.h>

#include "cli/changes.h"
#include "cli/commands.h"
#include "cli/online.h"

static int
run_list(struct cli_context *c)
{
	static const char *const titles[] = { "ID", "STATE", "PROTOCOL",
		"SUBJECT", "ENTITY", "SOURCE", "CREATED", NULL };
	static const char *const keys[] = { "id", "state", "protocol",
		"subject", "entity", "source", "created", NULL };
	AUTO(json_t) *o = NULL;
	const json_t *list;
	ONLINE_PATH(p, "/api/v1/requests");
	int code;

	online_query(&p, "state", cli_get(c, "state"));
	online_page(c, &p);
	code = online_call(c, "GET", &p, NULL, &o);
	if (code != CLI_YES)
		return code;
	if (c->json) {
		cli_print_json(c, o);
		return CLI_YES;
	}
	list = json_object_get(o, "requests");
	code = online_table(c, list, titles, keys);
	online_more(c, o, json_array_size(list));
	return code;
}

static void
print_list(struct cli_context *c, const char *label, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		online_line(c, i ? "" : label,
		    json_string_value(json_array_get(list, i)));
}

static void
next_step(struct cli_context *c, const json_t *o)
{
	const char *state = json_get0_text(o, "state");
	long long id = json_get_int(o, "id", 0);
	char text[128];

	if (state && strcmp(state, "pending") == 0)
		snprintf(text, sizeof(text),
		    "signet request approve %lld, or reject %lld --reason TEXT",
		    id, id);
	else if (state && strcmp(state, "issued") == 0)
		snprintf(text, sizeof(text),
		    "signet request download %lld -o FILE", id);
	else
		return;
	online_line(c, "next step", text);
}

static void
print_one(struct cli_context *c, const json_t *o)
{
	const json_t *receipt = json_object_get(o, "receipt");
	const json_t *changes = json_object_get(receipt, "changes");

	online_member(c, "id", o, "id");
	online_member(c, "state", o, "state");
	online_member(c, "subject", o, "subject");
	print_list(c, "names", json_object_get(o, "san"));
	online_member(c, "key", o, "key");
	online_member(c, "profile", o, "profile");
	online_member(c, "entity", o, "entity");
	online_member(c, "protocol", o, "protocol");
	online_member(c, "source", o, "source");
	online_member(c, "created", o, "created");
	online_member(c, "decided", o, "decided");
	online_member(c, "reason", o, "reason");
	online_member(c, "serial", o, "serial");
	online_member(c, "until", o, "not_after");
	for (size_t i = 0; i < json_array_size(changes); i++) {
		const json_t *one = json_array_get(changes, i);
		char text[CHANGE_TEXT_MAX];

		change_text(one, text, sizeof(text));
		online_line(c, i ? "" : "changed", text);
	}
	next_step(c, o);
}

static int
fetch(struct cli_context *c, json_t **ret)
{
	ONLINE_PATH(p, "/api/v1/requests");

	online_segment(&p, c->args[0]);
	return online_call(c, "GET", &p, NULL, ret);
}

static int
print_answer(struct cli_context *c, int code, const json_t *o)
{
	if (code != CLI_YES)
		return code;
	if (c->json)
		cli_print_json(c, o);
	else
		print_one(c, o);
	return CLI_YES;
}

static int
run_show(struct cli_context *c)
{
	AUTO(json_t) *o = NULL;
	int code = fetch(c, &o);

	return print_answer(c, code, o);
}

static int
decide(struct cli_context *c, const char *verb, json_t *body)
{
	AUTO(json_t) *o = NULL;
	ONLINE_PATH(p, "/api/v1/requests");
	int code;

	online_segment(&p, c->args[0]);
	online_segment(&p, verb);
	code = online_call(c, "POST", &p, body, &o);
	return print_answer(c, code, o);
}

static int
run_approve(struct cli_context *c)
{
	json_t *body = json_object();

	json_set_text(body, "profile", cli_get(c, "profile"));
	return decide(c, "approve", body);
}

static int
run_reject(struct cli_context *c)
{
	json_t *body = json_object();

	json_set_text(body, "reason", cli_get(c, "reason"));
	return decide(c, "reject", body);
}

static int
run_upload(struct cli_context *c)
{
	AUTO(json_t) *body = json_object();
	AUTO(json_t) *o = NULL;
	ONLINE_PATH(p, "/api/v1/requests");
	int code = online_file(c, c->args[0], body, "csr");

	json_set_text(body, "profile", cli_get(c, "profile"));
	json_set_text(body, "entity", cli_get(c, "entity"));
	if (code == CLI_YES)
		code = online_call(c, "POST", &p, TAKE(body), &o);
	return print_answer(c, code, o);
}

static int
run_download(struct cli_context *c)
{
	AUTO(json_t) *o = NULL;
	const json_t *chain;
	const char *pem, *out = cli_get(c, "out");
	struct diag d = { 0 };
	BUF(file, 1u << 20);
	int code = fetch(c, &o), e;

	if (code != CLI_YES)
		return code;
	pem = json_get0_text(o, "certificate");
	if (!pem) {
		(void)diag_set(&d, E_STATE, c->args[0], "ENR-8",
		    "the request is %s: there is no certificate",
		    json_get0_text(o, "state"));
		return cli_fail(c, &d);
	}
	buf_add_text(&file, pem);
	chain = json_object_get(o, "chain");
	for (size_t i = 0; i + 1 < json_array_size(chain); i++)
		buf_add_text(
		    &file, json_string_value(json_array_get(chain, i)));
	e = buf_error(&file);
	if (!e)
		e = cli_write(
		    c, out, buf_span(&file), 0644, cli_has(c, "force"), &d);
	if (e)
		return cli_fail(c, &d);
	if (strcmp(out, "-") != 0 && c->json)
		cli_print_json(c, o);
	else if (strcmp(out, "-") != 0)
		cli_print(c, "%s written\n", out);
	return CLI_YES;
}

static const struct cli_option list_options[] = {
	{ .name = "state",
	    .arg = "STATE",
	    .help = "pending (default), issued or rejected" },
	ONLINE_PAGE_OPTIONS,
	{ .name = NULL },
};
static const struct cli_option approve_options[] = {
	{ .name = "profile", .arg = "NAME", .help = "else the one asked for" },
	{ .name = NULL },
};
static const struct cli_option reject_options[] = {
	{ .name = "reason",
	    .arg = "TEXT",
	    .help = "why; the asker and the ledger get it",
	    .required = true },
	{ .name = NULL },
};
static const struct cli_option upload_options[] = {
	{ .name = "profile", .arg = "NAME", .help = "what it may hold" },
	{ .name = "entity", .arg = "NAME", .help = "for this end entity" },
	{ .name = NULL },
};
static const struct cli_option download_options[] = {
	{ .name = "out",
	    .letter = 'o',
	    .arg = "FILE",
	    .help = "certificate and issuing chain as PEM",
	    .required = true },
	{ .name = "force", .help = "replace an existing file" },
	{ .name = NULL },
};

#define REQUEST(v, fn, text, args, n, opts)                               \
	{                                                                 \
		.noun = "request", .verb = v, .run = fn, .summary = text, \
		.arguments = args, .arg_min = n, .arg_max = n,            \
		.options = opts, .needs_server = true                     \
	}

const struct cli_command cli_request_commands[] = {
	{ .noun = "request", .summary = "enrolment requests" },
	REQUEST("list", run_list, "requests that wait, or others", NULL, 0,
	    list_options),
	REQUEST(
	    "show", run_show, "one request with its receipt", "ID", 1, NULL),
	REQUEST("upload", run_upload, "a CSR that waits for approval", "FILE",
	    1, upload_options),
	REQUEST("approve", run_approve, "issue what was asked", "ID", 1,
	    approve_options),
	REQUEST("reject", run_reject, "refuse it", "ID", 1, reject_options),
	REQUEST("download", run_download, "the certificate of a request", "ID",
	    1, download_options),
	{ .noun = NULL },
};
