/* signet csr draft, view, san-add, san-remove, generate: chapter 32's menu,
 * where a request is filled in step by step and made at the end. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/cmd_csr.h"
#include "cli/commands.h"
#include "cli/files.h"

static int
load(struct cli_context *c, struct csr_spec *ret, struct diag *d)
{
	BUF(text, CSR_DRAFT_MAX);
	AUTO(json_t) *o = NULL;
	int e = cli_read(c, c->args[0], &text, d);

	if (!e)
		e = json_parse(buf_span(&text), CSR_DRAFT_MAX, d, &o);
	return e ? e : csr_spec_from_json(o, ret, d);
}

static int
save(struct cli_context *c, const struct csr_spec *s, struct diag *d)
{
	AUTO(json_t) *o = csr_spec_to_json(s);
	AUTO(char) *text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;
	BUF(out, CSR_DRAFT_MAX);

	if (!text)
		return diag_set(d, E_NOMEM, c->args[0], NULL, "no memory");
	buf_add_text(&out, text);
	buf_add_text(&out, "\n");
	if (buf_error(&out))
		return diag_set(
		    d, buf_error(&out), c->args[0], NULL, "draft too large");
	return cli_write(c, c->args[0], buf_span(&out), 0644, true, d);
}

static void
print_list(struct cli_context *c, const char *label, const json_t *array)
{
	const json_t *one;
	size_t i;

	json_array_foreach(array, i, one)
	    cli_print(c, "%-20s %s\n", i ? "" : label, json_string_value(one));
}

static void
print_text(struct cli_context *c, const char *label, const char *text)
{
	char safe[4 * NAME_TEXT_MAX];

	if (!text || !*text)
		return;
	str_escape(safe, sizeof(safe), text, strlen(text));
	cli_print(c, "%-20s %s\n", label, safe);
}

static void
print_draft(struct cli_context *c, const struct csr_spec *s)
{
	AUTO(json_t) *o = csr_spec_to_json(s);

	if (c->json) {
		cli_print_json(c, o);
		return;
	}
	print_text(c, "Common name", s->cn);
	print_text(c, "Other subject", s->subject);
	print_list(c, "Alternative names", json_object_get(o, "san"));
	print_text(c, "Key", key_kind_name(s->key));
	print_text(
	    c, "Hash", s->hash ? hash_name(s->hash) : "as suits the key");
	print_list(c, "Key usage", json_object_get(o, "key_usage"));
	print_list(
	    c, "Extended key usage", json_object_get(o, "extended_key_usage"));
}

static int
finish(struct cli_context *c, struct csr_spec *s, int e, struct diag *d)
{
	bool added;

	if (!e)
		e = csr_spec_settle(s, &added, d);
	if (!e)
		e = save(c, s, d);
	if (e)
		return cli_fail(c, d);
	print_draft(c, s);
	return CLI_YES;
}

static int
run_draft(struct cli_context *c)
{
	struct csr_spec s = { 0 };
	struct diag d = { 0 };
	int e = 0;

	if (access(c->args[0], F_OK) == 0)
		e = load(c, &s, &d);
	else if (!cli_get(c, "cn"))
		return cli_usage(c, NULL, "a new draft needs --cn NAME");
	if (!e)
		e = csr_spec_options(c, &s, &d);
	return finish(c, &s, e, &d);
}

static int
run_view(struct cli_context *c)
{
	struct csr_spec s;
	struct diag d = { 0 };

	if (load(c, &s, &d))
		return cli_fail_as(c, &d, CLI_USAGE);
	print_draft(c, &s);
	return CLI_YES;
}

static int
add_names(struct csr_spec *s, const struct san_list *more, struct diag *d)
{
	int e = 0;

	for (size_t i = 0; !e && i < more->n; i++)
		e = san_add(&s->san, more->e[i].kind, more->e[i].text, d);
	return e;
}

static int
remove_names(struct csr_spec *s, const struct san_list *less, struct diag *d)
{
	struct san_list *l = &s->san;

	for (size_t i = 0; i < less->n; i++) {
		size_t at = 0;

		while (at < l->n && (l->e[at].kind != less->e[i].kind ||
					!str_is_equal_nocase(
					    l->e[at].text, less->e[i].text)))
			at++;
		if (at == l->n)
			return diag_set(d, E_NOT_FOUND, less->e[i].text,
			    "CERT-4", "is not among the names");
		l->n--;
		memmove(
		    &l->e[at], &l->e[at + 1], (l->n - at) * sizeof(l->e[0]));
	}
	return 0;
}

static int
edit_names(struct cli_context *c,
    int (*edit)(struct csr_spec *, const struct san_list *, struct diag *))
{
	struct csr_spec s;
	struct san_list names;
	struct diag d = { 0 };
	int e = load(c, &s, &d);

	for (size_t i = 1; !e && i < c->arg_n; i++) {
		e = san_parse(c->args[i], &d, &names);
		if (!e)
			e = edit(&s, &names, &d);
	}
	return finish(c, &s, e, &d);
}

static int
run_san_add(struct cli_context *c)
{
	return edit_names(c, add_names);
}

static int
run_san_remove(struct cli_context *c)
{
	return edit_names(c, remove_names);
}

static int
run_generate(struct cli_context *c)
{
	struct csr_spec s;
	struct diag d = { 0 };
	int e = load(c, &s, &d);

	if (!e)
		e = csr_make(c, &s, &d);
	if (e)
		return cli_fail(c, &d);
	csr_answer(c, &s);
	return CLI_YES;
}

static const struct cli_option draft_options[] = {
	{ .name = "cn", .arg = "NAME", .help = "common name" },
	CSR_SPEC_OPTIONS,
	{ .name = NULL },
};

static const struct cli_option generate_options[] = {
	CSR_OUT_OPTIONS,
	FILES_KEY_OPTIONS,
	{ .name = NULL },
};

const struct cli_command cli_draft_commands[] = {
	{ .noun = "csr",
	    .verb = "draft",
	    .run = run_draft,
	    .summary = "start or change a request to be made later",
	    .arguments = "DRAFT",
	    .arg_min = 1,
	    .arg_max = 1,
	    .options = draft_options,
	    .more = "--san replaces all names of the draft.\n" },
	{ .noun = "csr",
	    .verb = "view",
	    .run = run_view,
	    .summary = "what the draft says",
	    .arguments = "DRAFT",
	    .arg_min = 1,
	    .arg_max = 1 },
	{ .noun = "csr",
	    .verb = "san-add",
	    .run = run_san_add,
	    .summary = "more alternative names into the draft",
	    .arguments = "DRAFT DNS:NAME|IP:ADDRESS|URI:URI|EMAIL:ADDRESS...",
	    .arg_min = 2,
	    .arg_max = -1 },
	{ .noun = "csr",
	    .verb = "san-remove",
	    .run = run_san_remove,
	    .summary = "alternative names out of the draft",
	    .arguments = "DRAFT DNS:NAME|IP:ADDRESS|URI:URI|EMAIL:ADDRESS...",
	    .arg_min = 2,
	    .arg_max = -1 },
	{ .noun = "csr",
	    .verb = "generate",
	    .run = run_generate,
	    .summary = "the key and the request that the draft describes",
	    .arguments = "DRAFT",
	    .arg_min = 1,
	    .arg_max = 1,
	    .options = generate_options },
	{ .noun = NULL },
};
