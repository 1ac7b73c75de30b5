/* Answers to standard output, everything else to standard error. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define NOTE_MAX 2048 /* bytes of one note or usage message */

int
cli_exit_of(int code)
{
	switch (code) {
	case E_OK:
		return CLI_YES;
	case E_DENIED:
	case E_NOT_FOUND:
	case E_EXISTS:
	case E_CONFLICT:
	case E_CRYPTO:
	case E_EXPIRED:
	case E_STATE:
	case E_LIMIT:
	case E_PENDING:
		return CLI_NO;
	case E_CLOSED:
	case E_TIMEOUT:
		return CLI_UNREACHABLE;
	default:
		return CLI_USAGE;
	}
}

static void
error_json(struct cli_context *c, json_t *o)
{
	AUTO(char) *text = json_to_text(o);

	fprintf(c->err, "%s\n", text ? text : "{}");
}

int
cli_fail_as(struct cli_context *c, const struct diag *d, enum cli_exit code)
{
	char text[4 * DIAG_TEXT_MAX + 16];

	if (c->json) {
		AUTO(json_t) *o = json_of_diag(d);

		json_set_int(o, "exit", code);
		error_json(c, o);
		return (int)code;
	}
	diag_print(d, text, sizeof(text));
	fprintf(c->err, "signet: %s\n", text);
	return (int)code;
}

int
cli_fail(struct cli_context *c, const struct diag *d)
{
	return cli_fail_as(c, d, (enum cli_exit)cli_exit_of(d->code));
}

int
cli_usage(struct cli_context *c, const char *remedy, const char *fact, ...)
{
	struct diag d;
	char text[NOTE_MAX];
	const struct cli_command *k = c->command;
	va_list ap;

	va_start(ap, fact);
	vsnprintf(text, sizeof(text), fact, ap);
	va_end(ap);
	(void)diag_set(&d, E_INVAL, NULL, NULL, "%s", text);
	if (remedy)
		diag_remedy(&d, "%s", remedy);
	else
		diag_remedy(&d, "try: signet %s%s%s --help", k->noun,
		    k->verb ? " " : "", k->verb ? k->verb : "");
	return cli_fail_as(c, &d, CLI_USAGE);
}

void
cli_note(struct cli_context *c, const char *fmt, ...)
{
	char raw[NOTE_MAX], text[NOTE_MAX + NOTE_MAX / 2];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	str_escape(text, sizeof(text), raw, strlen(raw));
	if (c->json) {
		AUTO(json_t) *o = json_object();

		json_set_text(o, "note", text);
		error_json(c, o);
		return;
	}
	fprintf(c->err, "signet: %s\n", text);
}

void
cli_print(struct cli_context *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(c->out, fmt, ap);
	va_end(ap);
}

void
cli_print_span(struct cli_context *c, struct span text)
{
	if (text.n)
		fwrite(text.p, 1, text.n, c->out);
}

void
cli_print_json(struct cli_context *c, const json_t *o)
{
	json_dumpf(o, c->out, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	fputc('\n', c->out);
}

const char *
cli_color(const struct cli_context *c, enum cli_color color)
{
	static const char *const codes[] = { "\033[0m", "\033[1m", "\033[32m",
		"\033[31m", "\033[33m", "\033[2m" };

	return c->color ? codes[color] : "";
}
