#include "cli/keystore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cert/write.h"
#include "cli/online.h"
#include "os/clock.h"

#define CERTS_MAX 8
#define STORE_MAX (1u << 20) /* bytes of the file */

void
keystore_done(struct keystore *k)
{
	EVP_PKEY_free(k->key);
	secret_free(k->password);
	free(k->csr);
	memset(k, 0, sizeof(*k));
}

void
keystore_transaction(char out[40])
{
	AUTO_STRUCT(secret) *s = secret_random(16);

	out[0] = '\0';
	if (s)
		str_hex(out, 40, secret_peek(s), 0);
}

static enum file_format
format_of_name(const char *path)
{
	static const struct {
		const char *end;
		enum file_format format;
	} ends[] = { { ".p12", FORMAT_P12 }, { ".pfx", FORMAT_P12 },
		{ ".jks", FORMAT_JKS }, { ".keystore", FORMAT_JKS },
		{ ".pem", FORMAT_PEM } };
	size_t n = strlen(path);

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		size_t m = strlen(ends[i].end);

		if (n > m && str_is_equal_nocase(path + n - m, ends[i].end))
			return ends[i].format;
	}
	return FORMAT_UNSET;
}

int
keystore_open(struct cli_context *c, struct keystore *k, struct diag *d)
{
	const char *to = cli_get(c, "to");

	k->out = cli_get(c, "out");
	if (!k->out || strcmp(k->out, "-") == 0)
		return diag_set(d, E_INVAL, "--out", "CERT-3",
		    "a private key goes to a file only");
	k->format = to ? file_format_from_name(to) : format_of_name(k->out);
	if (k->format != FORMAT_P12 && k->format != FORMAT_JKS &&
	    k->format != FORMAT_PEM) {
		(void)diag_set(d, E_INVAL, to ? to : k->out, NULL,
		    "is no keystore format");
		diag_remedy(d, "end the name with .p12, .jks or .pem, or give "
			       "--to");
		return E_INVAL;
	}
	if (!cli_has(c, "force") && access(k->out, F_OK) == 0) {
		(void)diag_set(
		    d, E_EXISTS, k->out, NULL, "the file exists already");
		diag_remedy(d, "choose another name, or give --force");
		return E_EXISTS;
	}
	return 0;
}

int
keystore_request(struct keystore *k, struct csr_spec *s, struct diag *d)
{
	BUF(der, 65536);
	bool added;
	int e = csr_spec_settle(s, &added, d);

	if (e)
		return e;
	snprintf(k->alias, sizeof(k->alias), "%s", s->cn);
	keystore_transaction(k->transaction);
	e = key_generate(s->key, &k->key);
	if (e)
		return diag_set(d, e, key_kind_name(s->key), "CERT-4",
		    "the key could not be made");
	e = csr_spec_build(s, k->key, &der, d);
	return e ? e : str_base64(buf_span(&der), &k->csr);
}

struct certs {
	struct bundle *of[CERTS_MAX];
	struct span der[CERTS_MAX];
	size_t n;
};

static int
certs_add(struct certs *l, const json_t *pem)
{
	const char *text = json_string_value(pem);
	struct bundle_options none = { 0 };
	struct bundle *b = NULL;
	int e;

	if (!text || l->n == CERTS_MAX)
		return text ? E_TOO_BIG : E_PARSE;
	e = bundle_read(span_str(text), "server", &none, NULL, &b);
	if (e)
		return e;
	l->of[l->n] = b;
	l->der[l->n++] = b->objects[0].der;
	return b->objects[0].kind == OBJECT_CERT ? 0 : E_PARSE;
}

static int
certs_take(const json_t *answer, struct certs *l)
{
	const json_t *chain = json_object_get(answer, "chain");
	int e = certs_add(l, json_object_get(answer, "certificate"));

	for (size_t i = 0; !e && i < json_array_size(chain); i++)
		e = certs_add(l, json_array_get(chain, i));
	return e;
}

static int
build(const struct keystore *k, const struct certs *l, struct buf *out)
{
	struct span pw = secret_peek(k->password);
	AUTO_STRUCT(secret) *text = secret_new(NULL, pw.n + 1);
	const char *password;
	int e;

	if (!text)
		return E_NOMEM;
	memcpy(text->p, pw.p, pw.n);
	password = (const char *)text->p;
	if (k->format == FORMAT_P12)
		return p12_write(
		    k->key, l->der, l->n, k->alias, password, false, out);
	if (k->format == FORMAT_JKS)
		return jks_write(
		    k->key, l->der, l->n, k->alias, password, clock_now(), out);
	e = p8_write(k->key, password, true, out);
	for (size_t i = 0; !e && i < l->n; i++)
		e = pem_write("CERTIFICATE", l->der[i], out);
	return e;
}

int
keystore_write(struct cli_context *c, struct keystore *k, const json_t *answer,
    struct diag *d)
{
	struct certs l = { .n = 0 };
	BUF(file, STORE_MAX);
	int e = certs_take(answer, &l);

	if (!e)
		e = build(k, &l, &file);
	if (!e)
		e = cli_write(
		    c, k->out, buf_span(&file), 0600, cli_has(c, "force"), d);
	for (size_t i = 0; i < l.n; i++)
		bundle_free(l.of[i]);
	if (file.p)
		secret_wipe(file.p, file.n);
	if (e && d->code == 0)
		(void)diag_set(
		    d, e, k->out, NULL, "could not be made: %s", err_text(e));
	return e;
}

/* -- entity keystore -- */

static int
entity_ask(
    struct cli_context *c, struct keystore *k, json_t *body, json_t **ret)
{
	ONLINE_PATH(p, "/api/v1/entities");

	online_segment(&p, c->args[0]);
	online_add(&p, "/enrol");
	json_set_text(body, "csr", k->csr);
	json_set_text(body, "transaction", k->transaction);
	return online_call(c, "POST", &p, body, ret);
}

static int
entity_answer(struct cli_context *c, struct keystore *k, const json_t *o)
{
	struct diag d = { 0 };
	const char *state = json_get0_text(o, "state");

	if (state && strcmp(state, "pending") == 0) {
		(void)diag_set(&d, E_PENDING, c->args[0], "ENR-8",
		    "the request waits for approval; its key was not kept");
		diag_remedy(&d, "approve such entities' requests by CSR: "
				"signet csr new, signet request upload");
		return cli_fail(c, &d);
	}
	if (keystore_write(c, k, o, &d))
		return cli_fail(c, &d);
	if (c->json) {
		AUTO(json_t) *said = json_object();

		json_set_text(said, "serial", json_get0_text(o, "serial"));
		json_set_text(said, "subject", json_get0_text(o, "subject"));
		json_set_text(
		    said, "not_after", json_get0_text(o, "not_after"));
		json_set_text(said, "file", k->out);
		cli_print_json(c, said);
		return CLI_YES;
	}
	cli_print(c, "%s written\n", k->out);
	online_member(c, "serial", o, "serial");
	online_member(c, "subject", o, "subject");
	online_member(c, "until", o, "not_after");
	return CLI_YES;
}

/* the entity's password opens the enrolment and, as PSN004561u has it,
 * protects the file; its 100 bits are policy enough */
static int
entity_password(struct cli_context *c, struct keystore *k, json_t *body)
{
	const char *text;
	int code = online_password(
	    c, "password-file", "enrollment password", false, body);

	if (code != CLI_YES)
		return code;
	text = json_get0_text(body, "password");
	k->password = secret_new(text, strlen(text));
	return k->password ? CLI_YES : CLI_USAGE;
}

int
keystore_of_entity(struct cli_context *c)
{
	AUTO(json_t) *body = json_object();
	AUTO(json_t) *o = NULL;
	struct keystore k = { 0 };
	struct csr_spec *s = (struct csr_spec *)calloc(1, sizeof(*s));
	struct diag d = { 0 };
	int code, e = s ? keystore_open(c, &k, &d) : E_NOMEM;

	code = e ? cli_fail(c, &d) : entity_password(c, &k, body);
	if (code == CLI_YES) {
		s->key = KEY_RSA2048;
		e = csr_spec_options(c, s, &d);
		if (!e)
			e = str_copy(s->cn, sizeof(s->cn), c->args[0]);
		if (!e)
			e = keystore_request(&k, s, &d);
		code = e ? cli_fail(c, &d) : entity_ask(c, &k, TAKE(body), &o);
	}
	if (code == CLI_YES)
		code = entity_answer(c, &k, o);
	keystore_done(&k);
	free(s);
	return code;
}

const struct cli_option keystore_entity_options[] = {
	{ .name = "out",
	    .letter = 'o',
	    .arg = "FILE",
	    .help = "the keystore: .p12, .jks or .pem",
	    .required = true },
	{ .name = "to", .arg = "FORMAT", .help = "p12, jks or pem" },
	{ .name = "key",
	    .arg = "KIND",
	    .help = "rsa2048 (default), rsa3072, rsa4096, p256, p384" },
	{ .name = "password-file",
	    .arg = "FILE",
	    .help = "the entity's password; it protects the file, too" },
	{ .name = "force", .help = "replace an existing file" },
	{ .name = NULL },
};
