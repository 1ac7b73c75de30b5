/* signet csr: new, show, match, import. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cert/bundle.h"
#include "cert/write.h"
#include "cli/cmd_cert.h"
#include "cli/cmd_csr.h"
#include "cli/commands.h"
#include "cli/csr_spec.h"
#include "cli/files.h"

static int
exists(const char *path, struct diag *d)
{
	if (strcmp(path, "-") == 0 || access(path, F_OK) != 0)
		return 0;
	(void)diag_set(d, E_EXISTS, path, NULL, "the file exists already");
	diag_remedy(d, "choose another name, or give --force");
	return E_EXISTS;
}

static int
write_both(struct cli_context *c, const struct csr_spec *s, EVP_PKEY *key,
    struct span pem, struct diag *d)
{
	const char *out = cli_get(c, "out");
	/* the key first: a request without its key is good for nothing */
	int e = files_key_write(c, key, s->cn, d);

	if (e)
		return e;
	e = cli_write(c, out ? out : "-", pem, 0644, cli_has(c, "force"), d);
	if (e)
		(void)unlink(cli_get(c, "key-out"));
	return e;
}

int
csr_make(struct cli_context *c, struct csr_spec *s, struct diag *d)
{
	const char *out = cli_get(c, "out"), *key_out = cli_get(c, "key-out");
	AUTO(EVP_PKEY) *key = NULL;
	BUF(der, 65536);
	BUF(pem, 131072);
	bool added;
	int e = csr_spec_settle(s, &added, d);

	if (!e && strcmp(key_out, "-") == 0)
		e = diag_set(d, E_INVAL, "--key-out", "CERT-3",
		    "a private key goes to a file only");
	if (!e && !cli_has(c, "force"))
		e = exists(key_out, d);
	if (!e && out && !cli_has(c, "force"))
		e = exists(out, d);
	if (e)
		return e;
	if (added)
		cli_note(
		    c, "DNS:%s added as the first name: it is the CN", s->cn);
	e = key_generate(s->key, &key);
	if (e)
		return diag_set(d, e, key_kind_name(s->key), "CERT-4",
		    "the key could not be made");
	e = csr_spec_build(s, key, &der, d);
	if (!e)
		e = pem_write("CERTIFICATE REQUEST", buf_span(&der), &pem);
	return e ? e : write_both(c, s, key, buf_span(&pem), d);
}

/* with --json and the request in a file: what was made */
void
csr_answer(struct cli_context *c, const struct csr_spec *s)
{
	AUTO(json_t) *o = NULL;
	const char *out = cli_get(c, "out");

	if (!c->json || !out || strcmp(out, "-") == 0)
		return;
	o = csr_spec_to_json(s);
	json_set_text(o, "file", out);
	json_set_text(o, "key_file", cli_get(c, "key-out"));
	cli_print_json(c, o);
}

static int
run_new(struct cli_context *c)
{
	struct csr_spec s = { 0 };
	struct diag d = { 0 };
	int e = csr_spec_options(c, &s, &d);

	if (!e)
		e = csr_make(c, &s, &d);
	if (e)
		return cli_fail(c, &d);
	csr_answer(c, &s);
	return CLI_YES;
}

static int
run_show(struct cli_context *c)
{
	return cert_show(c, OBJECT_CSR);
}

/* the first certificate or request of b that belongs to the key */
static const struct object *
find_match(const EVP_PKEY *key, const struct bundle *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (files_key_fits(key, &b->objects[i]))
			return &b->objects[i];
	return NULL;
}

static int
load_key(struct cli_context *c, EVP_PKEY **ret, struct diag *d)
{
	AUTO_STRUCT(bundle) *b = NULL;
	const char *path = cli_get(c, "key");
	int e = files_read(c, path, "key-password-file", true, &b, d);

	if (e)
		return e;
	e = files_key(b, ret);
	return e ? diag_set(d, E_PARSE, path, NULL, "holds no private key") : 0;
}

static int
run_match(struct cli_context *c)
{
	AUTO(EVP_PKEY) *key = NULL;
	AUTO_STRUCT(bundle) *b = NULL;
	AUTO(json_t) *answer = json_object();
	struct diag d = { 0 };
	const struct object *o;
	int e = load_key(c, &key, &d);

	if (!e)
		e = files_read(
		    c, c->args[0], "in-password-file", false, &b, &d);
	if (e)
		return cli_fail_as(c, &d, CLI_USAGE);
	o = find_match(key, b);
	json_set_bool(answer, "match", o != NULL);
	if (o)
		json_set_text(answer, "kind", object_kind_name(o->kind));
	if (c->json)
		cli_print_json(c, answer);
	else
		cli_print(c, "%s\n",
		    o ? "match: they have the same key"
		      : "no match: this key belongs to none of them");
	return o ? CLI_YES : CLI_NO;
}

/* Chapter 32: the signed answer comes in only when it was made for the pending
 * key; material_order() refuses it otherwise. */
static int
run_import(struct cli_context *c)
{
	AUTO(json_t) *answer = json_object();
	const char *out = cli_get(c, "out");
	struct diag d = { 0 };
	int e = cert_convert(c, &d);

	if (e)
		return cli_fail(c, &d);
	json_set_text(answer, "file", out);
	if (strcmp(out, "-") == 0)
		return CLI_YES;
	if (c->json)
		cli_print_json(c, answer);
	else
		cli_print(c, "%s: key and certificate belong together\n", out);
	return CLI_YES;
}

static const struct cli_option new_options[] = {
	{ .name = "cn",
	    .arg = "NAME",
	    .help = "common name: the host name the system is reached by",
	    .required = true },
	CSR_SPEC_OPTIONS,
	CSR_OUT_OPTIONS,
	FILES_KEY_OPTIONS,
	{ .name = NULL },
};

static const struct cli_option show_options[] = {
	{ .name = "password-file",
	    .arg = "FILE",
	    .help = "password, should the file want one" },
	{ .name = NULL },
};

#define KEY_IN_OPTIONS                                     \
	{ .name = "key",                                   \
		.arg = "FILE",                             \
		.help = "the private key of the request",  \
		.required = true },                        \
	    { .name = "key-password-file",                 \
		    .arg = "FILE",                         \
		    .help = "password of --key" },         \
	{                                                  \
		.name = "in-password-file", .arg = "FILE", \
		.help = "password of the certificate file" \
	}

static const struct cli_option match_options[] = {
	KEY_IN_OPTIONS,
	{ .name = NULL },
};

static const struct cli_option import_options[] = {
	KEY_IN_OPTIONS,
	{ .name = "chain",
	    .arg = "FILE",
	    .help = "the CA's certificates to put in" },
	FILES_OUT_OPTIONS,
	FILES_KEY_OPTIONS,
	{ .name = NULL },
};

const struct cli_command cli_csr_commands[] = {
	{ .noun = "csr", .summary = "certificate requests and their keys" },
	{ .noun = "csr",
	    .verb = "new",
	    .run = run_new,
	    .summary = "a key and a request for it",
	    .options = new_options,
	    .more = "The key is written as encrypted PKCS#8, readable by you "
		    "only.\nexample: signet csr new --cn pbx1.example.com "
		    "--san IP:192.0.2.1 \\\n             -o pbx1.csr "
		    "--key-out pbx1.key\n" },
	{ .noun = "csr",
	    .verb = "show",
	    .run = run_show,
	    .summary = "the requests in the files",
	    .arguments = "FILE...",
	    .arg_min = 1,
	    .arg_max = -1,
	    .options = show_options },
	{ .noun = "csr",
	    .verb = "match",
	    .run = run_match,
	    .summary = "does this certificate or request belong to the key?",
	    .arguments = "FILE",
	    .arg_min = 1,
	    .arg_max = 1,
	    .options = match_options },
	{ .noun = "csr",
	    .verb = "import",
	    .run = run_import,
	    .summary = "the signed answer and its key into one file",
	    .arguments = "FILE",
	    .arg_min = 1,
	    .arg_max = 1,
	    .options = import_options,
	    .more = "Refused (exit 1) when the certificate was not made for "
		    "this key.\n" },
	{ .noun = NULL },
};
