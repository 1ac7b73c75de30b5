/* signet cert: show, convert. */
#include "cli/cmd_cert.h"

#include <stdio.h>
#include <string.h>

#include "cert/show.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/self_sign.h"

#define SHOW_TEXT_MAX (256u << 20) /* bytes of text for one object */

static json_t *
notes_to_json(const struct bundle *b)
{
	json_t *array = json_array();

	for (size_t i = 0; i < b->note_n; i++) {
		json_t *one = json_object();

		if (b->notes[i].line)
			json_set_int(one, "line", (int64_t)b->notes[i].line);
		json_set_bool(one, "refused", b->notes[i].refused);
		json_set_text(one, "text", b->notes[i].text);
		json_array_append_new(array, one);
	}
	return array;
}

static json_t *
bundle_to_json(const char *path, const struct bundle *b, int only)
{
	json_t *o = json_object(), *array = json_array();

	json_set_escaped(o, "file", span_str(path));
	json_set_text(o, "format", file_format_name(b->format));
	for (size_t i = 0; i < b->n; i++)
		if (!only || (int)b->objects[i].kind == only)
			json_array_append_new(
			    array, object_to_json(&b->objects[i]));
	json_object_set_new(o, "objects", array);
	json_object_set_new(o, "notes", notes_to_json(b));
	json_set_int(o, "notes_total", (int64_t)b->note_total);
	return o;
}

static int
print_bundle(struct cli_context *c, const json_t *file)
{
	const json_t *array = json_object_get(file, "objects"), *one;
	const json_t *notes = json_object_get(file, "notes");
	size_t i, n = json_array_size(array);

	cli_print(c, "%s%s%s: %s, %zu object%s\n", cli_color(c, CLI_BOLD),
	    json_get0_text(file, "file"), cli_color(c, CLI_PLAIN),
	    json_get0_text(file, "format"), n, n == 1 ? "" : "s");
	json_array_foreach(array, i, one)
	{
		BUF(text, SHOW_TEXT_MAX);

		object_print(one, &text);
		if (buf_error(&text))
			return buf_error(&text);
		cli_print(c, "\n");
		cli_print_span(c, buf_span(&text));
	}
	if (json_array_size(notes))
		cli_print(c, "\nnotes:\n");
	json_array_foreach(notes, i, one)
	{
		bool bad = json_get_bool(one, "refused", false);
		int64_t line = json_get_int(one, "line", 0);
		char where[40] = "";

		if (line)
			snprintf(where, sizeof(where),
			    "line %lld: ", (long long)line);
		cli_print(c, "  %s%s%s%s%s\n", bad ? cli_color(c, CLI_BAD) : "",
		    where, bad ? "NOT READ: " : "", json_get0_text(one, "text"),
		    bad ? cli_color(c, CLI_PLAIN) : "");
	}
	return 0;
}

static bool
has_lost(const struct bundle *b)
{
	for (size_t i = 0; i < b->note_n; i++)
		if (b->notes[i].refused)
			return true;
	return false;
}

static int
show_file(struct cli_context *c, const char *path, int only, json_t *files)
{
	AUTO_STRUCT(bundle) *b = NULL;
	struct diag d = { 0 };
	json_t *o;
	int e = files_read(c, path, "password-file", false, &b, &d);

	if (e) {
		o = json_object();
		json_set_escaped(o, "file", span_str(path));
		json_object_set_new(o, "error", json_of_diag(&d));
		json_array_append_new(files, o);
		return cli_fail_as(c, &d, CLI_USAGE);
	}
	o = bundle_to_json(path, b, only);
	json_array_append_new(files, o);
	if (only && json_array_size(json_object_get(o, "objects")) == 0) {
		(void)diag_set(&d, E_NOT_FOUND, path, NULL, "holds no %s",
		    object_kind_name((enum object_kind)only));
		diag_remedy(&d, "try: signet cert show %s", path);
		return cli_fail_as(c, &d, CLI_USAGE);
	}
	if (!c->json && print_bundle(c, o)) {
		(void)diag_set(&d, E_NOMEM, path, NULL, "no memory");
		return cli_fail(c, &d);
	}
	return has_lost(b) ? CLI_NO : CLI_YES;
}

int
cert_show(struct cli_context *c, int only)
{
	AUTO(json_t) *files = json_array();
	AUTO(json_t) *answer = json_object();
	int code = CLI_YES;

	for (size_t i = 0; i < c->arg_n; i++) {
		int one;

		if (i && !c->json)
			cli_print(c, "\n");
		one = show_file(c, c->args[i], only, files);
		code = one > code ? one : code;
	}
	json_object_set(answer, "files", files);
	if (c->json)
		cli_print_json(c, answer);
	return code;
}

static int
run_show(struct cli_context *c)
{
	return cert_show(c, 0);
}

/* the bundles lend their certificates to the material: both end together */
struct sources {
	struct bundle *in, *key, *chain;
	struct material m;
};

static void
sources_done(struct sources *s)
{
	material_done(&s->m);
	bundle_free(s->in);
	bundle_free(s->key);
	bundle_free(s->chain);
}

static int
add_source(struct cli_context *c, const char *path, const char *option,
    struct bundle **keep, struct material *m, struct diag *d)
{
	int e = files_read(c, path, option, !cli_has(c, "no-key"), keep, d);

	if (e)
		return e;
	if (files_notes(c, path, *keep)) {
		(void)diag_set(d, E_PARSE, path, "CERT-2",
		    "not everything in it could be read");
		diag_remedy(d, "mend the file, or take out what is damaged");
		return E_PARSE;
	}
	e = material_add(m, *keep);
	return e ? diag_set(d, e, path, NULL, "%s", err_text(e)) : 0;
}

static int
collect(struct cli_context *c, struct sources *s, struct diag *d)
{
	const char *key = cli_get(c, "key"), *chain = cli_get(c, "chain");
	int e = 0;

	/* --key first: it wins over a key in IN */
	if (key)
		e = add_source(c, key, "key-password-file", &s->key, &s->m, d);
	if (!e && key && !s->m.key)
		e = diag_set(d, E_NOT_FOUND, key, NULL, "holds no private key");
	if (!e)
		e = add_source(
		    c, c->args[0], "in-password-file", &s->in, &s->m, d);
	if (!e && chain)
		e = add_source(
		    c, chain, "in-password-file", &s->chain, &s->m, d);
	return e ? e : material_order(&s->m, d);
}

int
cert_convert(struct cli_context *c, struct diag *d)
{
	struct sources s = { 0 };
	int e = collect(c, &s, d);

	if (!e)
		e = material_write(c, &s.m, d);
	sources_done(&s);
	return e;
}

static int
run_convert(struct cli_context *c)
{
	AUTO(json_t) *answer = json_object();
	struct diag d = { 0 };
	int e = cert_convert(c, &d);

	if (e)
		return cli_fail(c, &d);
	json_set_text(answer, "file", cli_get(c, "out"));
	if (c->json && strcmp(cli_get(c, "out"), "-") != 0)
		cli_print_json(c, answer);
	return CLI_YES;
}

static const struct cli_option show_options[] = {
	{ .name = "password-file",
	    .arg = "FILE",
	    .help = "password of PKCS#12, JKS and encrypted keys" },
	{ .name = NULL },
};

static const struct cli_option convert_options[] = {
	FILES_OUT_OPTIONS,
	{ .name = "key",
	    .arg = "FILE",
	    .help = "private key that belongs to the certificate" },
	{ .name = "chain",
	    .arg = "FILE",
	    .help = "more certificates to put in" },
	{ .name = "in-password-file",
	    .arg = "FILE",
	    .help = "password of IN and --chain" },
	{ .name = "key-password-file",
	    .arg = "FILE",
	    .help = "password of --key" },
	FILES_KEY_OPTIONS,
	{ .name = NULL },
};

const struct cli_command cli_cert_commands[] = {
	{ .noun = "cert", .summary = "certificates, keys and lists in files" },
	{ .noun = "cert",
	    .verb = "show",
	    .run = run_show,
	    .summary = "every object in the files, whatever their extension",
	    .arguments = "FILE...",
	    .arg_min = 1,
	    .arg_max = -1,
	    .options = show_options,
	    .more = "Reads PEM (also as mail, PDF or Windows left it), DER, "
		    "PKCS#7, PKCS#8, PKCS#12\nand JKS. What was left out or "
		    "not read is listed under notes; the exit code is\n1 when "
		    "an object was not read, 2 when a whole file was not.\n" },
	{ .noun = "cert",
	    .verb = "convert",
	    .run = run_convert,
	    .summary = "the same objects in another format",
	    .arguments = "IN",
	    .arg_min = 1,
	    .arg_max = 1,
	    .options = convert_options,
	    .more = "A private key is written only under a password: at least "
		    "10 characters of three\nkinds (or 16 of any), no "
		    "sequence or repetition of 4, not the name.\n" },
	{ .noun = "cert",
	    .verb = "self-sign",
	    .run = cert_self_sign,
	    .summary = "a standalone self-signed identity (chapter 9)",
	    .options = cert_self_sign_options },
	{ .noun = NULL },
};
