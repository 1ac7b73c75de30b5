/* signet ca: authorities (CA-2). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/password.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/ignite_server.h"
#include "cli/online.h"

static const char *const ca_titles[] = { "ID", "STATE", "KIND", "SUBJECT",
	"UNTIL", NULL };
static const char *const ca_keys[] = { "id", "state", "kind", "subject",
	"not_after", NULL };

static int
print_list(struct cli_context *c, const json_t *o)
{
	if (c->json) {
		cli_print_json(c, o);
		return CLI_YES;
	}
	return online_table(
	    c, json_object_get(o, "authorities"), ca_titles, ca_keys);
}

static int
run_list(struct cli_context *c)
{
	AUTO(json_t) *o = NULL;
	ONLINE_PATH(p, "/api/v1/ca");
	int code = online_call(c, "GET", &p, NULL, &o);

	return code == CLI_YES ? print_list(c, o) : code;
}

static void
print_one(struct cli_context *c, const json_t *o)
{
	const json_t *crl = json_object_get(o, "crl");

	online_member(c, "id", o, "id");
	online_member(c, "state", o, "state");
	online_member(c, "kind", o, "kind");
	online_member(c, "parent", o, "parent");
	online_member(c, "subject", o, "subject");
	online_member(c, "serial", o, "serial");
	online_member(c, "from", o, "not_before");
	online_member(c, "until", o, "not_after");
	online_member(c, "key", o, "key_kind");
	online_member(c, "fingerprint", o, "fingerprint");
	if (crl) {
		online_member(c, "CRL number", crl, "number");
		online_member(c, "CRL until", crl, "next_update");
	}
}

/* the chain as a PEM file: "fetch CA certificates" of PSN004561u (ENR-1) */
static int
write_chain(struct cli_context *c, const json_t *o, const char *path)
{
	const json_t *chain = json_object_get(o, "chain");
	struct diag d = { 0 };
	BUF(pem, 1u << 20);
	int e;

	for (size_t i = 0; i < json_array_size(chain); i++)
		buf_add_text(&pem, json_string_value(json_array_get(chain, i)));
	e = buf_error(&pem);
	if (!e)
		e = cli_write(
		    c, path, buf_span(&pem), 0644, cli_has(c, "force"), &d);
	return e ? cli_fail(c, &d) : CLI_YES;
}

static int
run_show(struct cli_context *c)
{
	AUTO(json_t) *o = NULL;
	ONLINE_PATH(p, "/api/v1/ca");
	const char *out = cli_get(c, "out");
	int code;

	online_segment(&p, c->args[0]);
	code = online_call(c, "GET", &p, NULL, &o);
	if (code == CLI_YES && out)
		code = write_chain(c, o, out);
	if (code != CLI_YES || (out && strcmp(out, "-") == 0))
		return code;
	if (c->json)
		cli_print_json(c, o);
	else
		print_one(c, o);
	return CLI_YES;
}

static void
print_break(struct cli_context *c, const json_t *o)
{
	const json_t *b = json_object_get(o, "would_break");
	char text[160];

	if (!json_object_get(o, "next_step"))
		return;
	cli_print(c, "\n");
	online_member(c, "next step", o, "next_step");
	if (!b || json_get_int(b, "certificates", 0) == 0)
		return;
	snprintf(text, sizeof(text),
	    "%lld certificates of the present CA, if devices do not trust the "
	    "new root by then",
	    (long long)json_get_int(b, "certificates", 0));
	online_line(c, "would break", text);
	online_member(c, "  first ends", b, "earliest");
	online_member(c, "  last ends", b, "latest");
}

/* what every change of authorities prints: its answer */
static int
print_change(struct cli_context *c, const json_t *o)
{
	if (c->json) {
		cli_print_json(c, o);
		return CLI_YES;
	}
	if (json_object_get(o, "authorities")) {
		int code = print_list(c, o);

		print_break(c, o);
		return code;
	}
	if (json_object_get(o, "crl_number"))
		cli_print(c, "CRL number %lld of %s is made and published\n",
		    (long long)json_get_int(o, "crl_number", 0),
		    json_get0_text(o, "authority"));
	else if (json_object_get(o, "id"))
		print_one(c, o);
	else
		cli_print(c, "done\n");
	return CLI_YES;
}

/* POST /api/v1/ca[/ID]/VERB */
static int
change(struct cli_context *c, const char *verb, json_t *body)
{
	AUTO(json_t) *o = NULL;
	ONLINE_PATH(p, "/api/v1/ca");
	int code;

	p.timeout_s = ONLINE_CEREMONY_S;
	if (c->arg_n > 0)
		online_segment(&p, c->args[0]);
	online_segment(&p, verb);
	code = online_call(c, "POST", &p, body, &o);
	return code == CLI_YES ? print_change(c, o) : code;
}

static int
run_renew(struct cli_context *c)
{
	return change(c, "renew", json_object());
}

static int
run_activate(struct cli_context *c)
{
	return change(c, "activate", json_object());
}

static int
run_retire(struct cli_context *c)
{
	return change(c, "retire", json_object());
}

static int
run_crl(struct cli_context *c)
{
	return change(c, "crl", json_object());
}

static int
run_create(struct cli_context *c)
{
	AUTO(json_t) *body = json_object();
	AUTO(json_t) *o = NULL;
	ONLINE_PATH(p, "/api/v1/ca");
	int code = hierarchy_body(c, body);

	p.timeout_s = ONLINE_CEREMONY_S;
	if (code == CLI_YES)
		code = online_call(c, "POST", &p, TAKE(body), &o);
	return code == CLI_YES ? print_change(c, o) : code;
}

static int
run_import(struct cli_context *c)
{
	AUTO(json_t) *body = json_object();
	AUTO(json_t) *o = NULL;
	ONLINE_PATH(p, "/api/v1/ca/import");
	int code = online_file(c, c->args[0], body, "p12");

	if (code == CLI_YES)
		code = online_password(
		    c, "password-file", "password of the file", false, body);
	p.timeout_s = ONLINE_CEREMONY_S;
	if (code == CLI_YES)
		code = online_call(c, "POST", &p, TAKE(body), &o);
	return code == CLI_YES ? print_change(c, o) : code;
}

/* the password a key leaves under must be a good one (CERT-3) */
static int
leaving_password(struct cli_context *c, const char *name, json_t *body)
{
	struct diag d = { 0 };
	int code = online_password(
	    c, "password-file", "password for the file", true, body);

	if (code != CLI_YES)
		return code;
	if (password_check(json_get0_text(body, "password"), name, &d))
		return cli_fail_as(c, &d, CLI_USAGE);
	return CLI_YES;
}

static int
run_export(struct cli_context *c)
{
	AUTO(json_t) *body = json_object();
	AUTO(json_t) *o = NULL;
	uint8_t *p12 = NULL;
	const char *text;
	struct diag d = { 0 };
	size_t n = 0;
	ONLINE_PATH(p, "/api/v1/ca");
	int code = leaving_password(c, c->args[0], body), e;

	if (code != CLI_YES)
		return code;
	online_segment(&p, c->args[0]);
	online_add(&p, "/export");
	p.timeout_s = ONLINE_CEREMONY_S;
	code = online_call(c, "POST", &p, TAKE(body), &o);
	if (code != CLI_YES)
		return code;
	text = json_get0_text(o, "p12");
	e = text ? str_from_base64(span_str(text), &p12, &n) : E_PARSE;
	if (e)
		(void)diag_set(&d, e, "server", NULL, "sent no PKCS#12");
	else
		e = cli_write(c, cli_get(c, "out"), span_of(p12, n), 0600,
		    cli_has(c, "force"), &d);
	free(p12);
	if (e)
		return cli_fail(c, &d);
	cli_note(c, "key and chain of %s written to %s", c->args[0],
	    cli_get(c, "out"));
	return CLI_YES;
}

static int
run_backup(struct cli_context *c)
{
	AUTO(json_t) *body = json_object();
	AUTO(json_t) *o = NULL;
	AUTO(char) *text = NULL;
	struct diag d = { 0 };
	ONLINE_PATH(p, "/api/v1/ca/backup");
	int code = leaving_password(c, NULL, body), e;

	p.timeout_s = ONLINE_CEREMONY_S;
	if (code == CLI_YES)
		code = online_call(c, "POST", &p, TAKE(body), &o);
	if (code != CLI_YES)
		return code;
	text = json_dumps(o, JSON_INDENT(1) | JSON_SORT_KEYS);
	e = text ? cli_write(c, cli_get(c, "out"), span_str(text), 0600,
		       cli_has(c, "force"), &d)
		 : diag_set(&d, E_NOMEM, "backup", NULL, "out of memory");
	if (e)
		return cli_fail(c, &d);
	cli_note(c, "%zu authorities written to %s",
	    json_array_size(json_object_get(o, "authorities")),
	    cli_get(c, "out"));
	return CLI_YES;
}

static int
run_restore(struct cli_context *c)
{
	AUTO(json_t) *body = json_object();
	AUTO(json_t) *o = NULL;
	json_t *backup = NULL;
	struct diag d = { 0 };
	BUF(file, 4u << 20);
	ONLINE_PATH(p, "/api/v1/ca/restore");
	int code, e = cli_read(c, c->args[0], &file, &d);

	if (!e)
		e = json_parse(buf_span(&file), file.max, &d, &backup);
	if (e)
		return cli_fail_as(c, &d, CLI_USAGE);
	json_object_set_new(body, "backup", backup);
	code = online_password(
	    c, "password-file", "password of the backup", false, body);
	p.timeout_s = ONLINE_CEREMONY_S;
	if (code == CLI_YES)
		code = online_call(c, "POST", &p, TAKE(body), &o);
	return code == CLI_YES ? print_change(c, o) : code;
}

#define PASSWORD_OPTION                                  \
	{                                                \
		.name = "password-file", .arg = "FILE",  \
		.help = "password; else it is asked for" \
	}
#define OUT_OPTIONS                                                 \
	{ .name = "out",                                            \
		.letter = 'o',                                      \
		.arg = "FILE",                                      \
		.help = "where to write",                           \
		.required = true },                                 \
	{                                                           \
		.name = "force", .help = "replace an existing file" \
	}

static const struct cli_option create_options[] = { HIERARCHY_OPTIONS,
	{ .name = NULL } };
static const struct cli_option show_options[] = {
	{ .name = "out",
	    .letter = 'o',
	    .arg = "FILE",
	    .help = "write its certificate and chain as PEM" },
	{ .name = "force", .help = "replace an existing file" },
	{ .name = NULL },
};
static const struct cli_option import_options[] = { PASSWORD_OPTION,
	{ .name = NULL } };
static const struct cli_option export_options[] = { OUT_OPTIONS,
	PASSWORD_OPTION, { .name = NULL } };

#define CA(v, fn, text, args, low, high, opts)                       \
	{                                                            \
		.noun = "ca", .verb = v, .run = fn, .summary = text, \
		.arguments = args, .arg_min = low, .arg_max = high,  \
		.options = opts, .needs_server = true                \
	}

const struct cli_command cli_ca_commands[] = {
	{ .noun = "ca", .summary = "authorities: roots and issuing CAs" },
	CA("list", run_list, "all authorities", NULL, 0, 0, NULL),
	CA("show", run_show, "one authority", "ID", 1, 1, show_options),
	CA("create", run_create, "a new hierarchy beside the current one", NULL,
	    0, 0, create_options),
	CA("activate", run_activate, "a next authority begins to issue", "ID",
	    1, 1, NULL),
	CA("renew", run_renew,
	    "same name and key, new dates; without ID the issuer and its root",
	    "[ID]", 0, 1, NULL),
	CA("import", run_import, "an authority from PKCS#12", "FILE", 1, 1,
	    import_options),
	CA("export", run_export, "key and chain as PKCS#12", "ID", 1, 1,
	    export_options),
	CA("retire", run_retire, "issues no more; kept for trust", "ID", 1, 1,
	    NULL),
	CA("crl", run_crl, "make a new CRL now", "ID", 1, 1, NULL),
	CA("backup", run_backup, "all authorities and their keys in one file",
	    NULL, 0, 0, export_options),
	CA("restore", run_restore, "a backup, on a server without a CA", "FILE",
	    1, 1, import_options),
	{ .noun = NULL },
};
