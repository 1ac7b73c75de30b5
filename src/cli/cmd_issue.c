/* signet issue, revoke, hold, release, certs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/password.h"
#include "base/str.h"
#include "cli/changes.h"
#include "cli/commands.h"
#include "cli/keystore.h"
#include "cli/online.h"

#define CSR_MAX 65536

static int
print_issued(struct cli_context *c, const json_t *o, const char *file)
{
	const char *pem = json_get0_text(o, "certificate");

	if (c->json) {
		cli_print_json(c, o);
		return CLI_YES;
	}
	changes_note(c, json_object_get(o, "receipt"));
	if (!file && pem) {
		cli_print_span(c, span_str(pem));
		return CLI_YES;
	}
	cli_print(c, "%s written\n", file);
	online_member(c, "serial", o, "serial");
	online_member(c, "subject", o, "subject");
	online_member(c, "until", o, "not_after");
	return CLI_YES;
}

static int
send_issue(struct cli_context *c, json_t *body, json_t **ret)
{
	int64_t days = 0;
	ONLINE_PATH(p, "/api/v1/issue");

	if (cli_get_int(c, "days", 1, 36500, &days)) {
		json_decref(body);
		return CLI_USAGE;
	}
	if (days)
		json_set_int(body, "days", days);
	json_set_text(body, "profile", cli_get(c, "profile"));
	json_set_text(body, "authority", cli_get(c, "ca"));
	return online_call(c, "POST", &p, body, ret);
}

/* leaf, then the chain without its root: what a TLS server sends */
static int
write_pem(struct cli_context *c, const json_t *o, const char *path)
{
	const json_t *chain = json_object_get(o, "chain");
	const char *leaf = json_get0_text(o, "certificate");
	struct diag d = { 0 };
	BUF(pem, 1u << 20);
	int e;

	buf_add_text(&pem, leaf ? leaf : "");
	for (size_t i = 0; i + 1 < json_array_size(chain); i++)
		buf_add_text(&pem, json_string_value(json_array_get(chain, i)));
	e = buf_error(&pem);
	if (!e)
		e = cli_write(
		    c, path, buf_span(&pem), 0644, cli_has(c, "force"), &d);
	return e ? cli_fail(c, &d) : CLI_YES;
}

static int
issue_csr(struct cli_context *c)
{
	AUTO(json_t) *body = json_object();
	AUTO(json_t) *o = NULL;
	const char *out = cli_get(c, "out");
	char transaction[40];
	int code = online_file(c, cli_get(c, "csr"), body, "csr");

	keystore_transaction(transaction);
	json_set_text(body, "transaction", transaction);
	json_set_text(body, "cn", cli_get(c, "cn"));
	if (code == CLI_YES)
		code = online_sans(c, body, "san");
	if (code == CLI_YES)
		code = send_issue(c, TAKE(body), &o);
	if (code == CLI_YES && out && strcmp(out, "-") != 0)
		code = write_pem(c, o, out);
	else
		out = NULL;
	return code == CLI_YES ? print_issued(c, o, out) : code;
}

/* the password first: when it is no good, nothing is issued (CERT-3) */
static int
key_password(
    struct cli_context *c, struct keystore *k, const char *cn, struct diag *d)
{
	AUTO_STRUCT(secret) *text = NULL;
	struct span s;
	int e = cli_password(c, "password-file", "password for the keystore",
	    true, &k->password, d);

	if (e)
		return e;
	s = secret_peek(k->password);
	text = secret_new(NULL, s.n + 1);
	if (!text)
		return diag_set(d, E_NOMEM, "password", NULL, "out of memory");
	memcpy(text->p, s.p, s.n);
	return password_check((const char *)text->p, cn, d);
}

static int
issue_key(struct cli_context *c, struct keystore *k, struct csr_spec *s)
{
	AUTO(json_t) *body = json_object();
	AUTO(json_t) *o = NULL;
	struct diag d = { 0 };
	int code, e = keystore_open(c, k, &d);

	s->key = KEY_RSA2048;
	if (!e)
		e = csr_spec_options(c, s, &d);
	if (!e)
		e = key_password(c, k, s->cn, &d);
	if (!e)
		e = keystore_request(k, s, &d);
	if (e)
		return cli_fail(c, &d);
	json_set_text(body, "csr", k->csr);
	json_set_text(body, "transaction", k->transaction);
	code = send_issue(c, TAKE(body), &o);
	if (code != CLI_YES)
		return code;
	if (keystore_write(c, k, o, &d))
		return cli_fail(c, &d);
	return print_issued(c, o, k->out);
}

static int
run_issue(struct cli_context *c)
{
	struct keystore k = { 0 };
	struct csr_spec *s;
	int code;

	if (cli_has(c, "csr") && cli_has(c, "key"))
		return cli_usage(c, NULL, "--csr and --key exclude each other");
	if (cli_has(c, "csr"))
		return issue_csr(c);
	if (!cli_has(c, "cn"))
		return cli_usage(c, NULL, "without --csr a --cn is needed");
	s = (struct csr_spec *)calloc(1, sizeof(*s));
	code = s ? issue_key(c, &k, s) : CLI_USAGE;
	keystore_done(&k);
	free(s);
	return code;
}

/* -- revocation -- */

static int
change(struct cli_context *c, const char *verb, json_t *body, const char *said)
{
	AUTO(json_t) *o = NULL;
	ONLINE_PATH(p, "/api/v1/certs");
	int code;

	online_segment(&p, c->args[0]);
	online_segment(&p, verb);
	code = online_call(c, "POST", &p, body, &o);
	if (code != CLI_YES)
		return code;
	if (c->json)
		cli_print_json(c, o);
	else
		cli_print(c, "%s %s; the CRL says so\n", c->args[0], said);
	return CLI_YES;
}

static int
run_revoke(struct cli_context *c)
{
	json_t *body = json_object();

	json_set_text(body, "reason", cli_get(c, "reason"));
	return change(c, "revoke", body, "revoked");
}

static int
run_hold(struct cli_context *c)
{
	return change(c, "hold", json_object(), "on hold");
}

static int
run_release(struct cli_context *c)
{
	return change(c, "release", json_object(), "released");
}

/* -- certs -- */

static int
show_cert(struct cli_context *c)
{
	AUTO(json_t) *o = NULL;
	ONLINE_PATH(p, "/api/v1/certs");
	const char *out = cli_get(c, "out");
	int code;

	online_segment(&p, c->args[0]);
	code = online_call(c, "GET", &p, NULL, &o);
	if (code == CLI_YES && out)
		code = write_pem(c, o, out);
	if (code != CLI_YES)
		return code;
	if (c->json) {
		cli_print_json(c, o);
		return CLI_YES;
	}
	online_member(c, "serial", o, "serial");
	online_member(c, "subject", o, "subject");
	online_member(c, "state", o, "state");
	online_member(c, "from", o, "not_before");
	online_member(c, "until", o, "not_after");
	online_member(c, "days left", o, "days_left");
	online_member(c, "authority", o, "authority");
	online_member(c, "profile", o, "profile");
	online_member(c, "entity", o, "entity");
	online_member(c, "request", o, "request");
	online_member(c, "revoked", o, "revoked_at");
	online_member(c, "reason", o, "reason");
	return CLI_YES;
}

static int
run_certs(struct cli_context *c)
{
	static const char *const titles[] = { "SERIAL", "STATE", "DAYS LEFT",
		"UNTIL", "PROFILE", "SUBJECT", NULL };
	static const char *const keys[] = { "serial", "state", "days_left",
		"not_after", "profile", "subject", NULL };
	AUTO(json_t) *o = NULL;
	const json_t *list;
	ONLINE_PATH(p, "/api/v1/certs");
	int code;

	if (c->arg_n > 0)
		return show_cert(c);
	online_query(&p, "expiring", cli_get(c, "expiring"));
	online_query(&p, "state", cli_get(c, "state"));
	online_query(&p, "entity", cli_get(c, "entity"));
	online_query(&p, "authority", cli_get(c, "ca"));
	online_page(c, &p);
	code = online_call(c, "GET", &p, NULL, &o);
	if (code != CLI_YES)
		return code;
	if (c->json) {
		cli_print_json(c, o);
		return CLI_YES;
	}
	list = json_object_get(o, "certificates");
	code = online_table(c, list, titles, keys);
	online_more(c, o, json_array_size(list));
	return code;
}

static const struct cli_option issue_options[] = {
	{ .name = "profile",
	    .arg = "NAME",
	    .help = "what it may hold",
	    .required = true },
	{ .name = "cn", .arg = "N", .help = "common name" },
	{ .name = "csr", .arg = "FILE", .help = "for the key of this request" },
	CSR_SPEC_OPTIONS,
	{ .name = "days", .arg = "N", .help = "lifetime; else the profile's" },
	{ .name = "ca",
	    .arg = "ID",
	    .help = "authority; else the current one" },
	{ .name = "out",
	    .letter = 'o',
	    .arg = "FILE",
	    .help = ".p12, .jks, .pem with --key; PEM with --csr" },
	{ .name = "to",
	    .arg = "FORMAT",
	    .help = "p12, jks or pem, with --key" },
	{ .name = "password-file",
	    .arg = "FILE",
	    .help = "password for the keystore; else it is asked" },
	{ .name = "force", .help = "replace an existing file" },
	{ .name = NULL },
};
static const struct cli_option revoke_options[] = {
	{ .name = "reason",
	    .arg = "R",
	    .help = "why: superseded, keyCompromise, ... (see below)",
	    .required = true },
	{ .name = NULL },
};
static const struct cli_option certs_options[] = {
	{ .name = "expiring",
	    .arg = "60d",
	    .help = "good ones that end within this time, soonest first" },
	{ .name = "state", .arg = "STATE", .help = "good, revoked or hold" },
	{ .name = "entity", .arg = "NAME", .help = "of this end entity" },
	{ .name = "ca", .arg = "ID", .help = "by this authority" },
	{ .name = "out",
	    .letter = 'o',
	    .arg = "FILE",
	    .help = "with SERIAL: write it as PEM" },
	{ .name = "force", .help = "replace an existing file" },
	ONLINE_PAGE_OPTIONS,
	{ .name = NULL },
};

const struct cli_command cli_issue_commands[] = {
	{ .noun = "issue",
	    .run = run_issue,
	    .summary = "a certificate, for a CSR or with a key made here",
	    .options = issue_options,
	    .needs_server = true },
	{ .noun = "revoke",
	    .run = run_revoke,
	    .summary = "revoke a certificate for good",
	    .more = "Reasons: keyCompromise, affiliationChanged, superseded,\n"
		    "cessationOfOperation, privilegeWithdrawn, unspecified.\n",
	    .arguments = "SERIAL",
	    .arg_min = 1,
	    .arg_max = 1,
	    .options = revoke_options,
	    .needs_server = true },
	{ .noun = "hold",
	    .run = run_hold,
	    .summary = "revoke for the time being",
	    .arguments = "SERIAL",
	    .arg_min = 1,
	    .arg_max = 1,
	    .needs_server = true },
	{ .noun = "release",
	    .run = run_release,
	    .summary = "end a hold",
	    .arguments = "SERIAL",
	    .arg_min = 1,
	    .arg_max = 1,
	    .needs_server = true },
	{ .noun = "certs",
	    .run = run_certs,
	    .summary = "issued certificates, or one of them",
	    .arguments = "[SERIAL]",
	    .arg_max = 1,
	    .options = certs_options,
	    .needs_server = true },
	{ .noun = NULL },
};
