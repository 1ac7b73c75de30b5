/* All help texts, made from the tables. */
#include "cli/cli_internal.h"

#include <string.h>

static const char *
verb_text(const struct cli_command *k)
{
	return k->verb ? k->verb : "";
}

static void
usage_line(struct cli_context *c, const struct cli_command *k)
{
	cli_print(c, "usage: signet %s%s%s", k->noun, k->verb ? " " : "",
	    verb_text(k));
	for (const struct cli_option *o = k->options; o && o->name; o++)
		if (o->required)
			cli_print(c, " --%s%s%s", o->name, o->arg ? " " : "",
			    o->arg ? o->arg : "");
	cli_print(c, " [options]%s%s\n", k->arguments ? " " : "",
	    k->arguments ? k->arguments : "");
}

static void
option_line(struct cli_context *c, const struct cli_option *o)
{
	char left[128];

	snprintf(left, sizeof(left), "%s%c%s--%s%s%s", o->letter ? "-" : "",
	    o->letter ? o->letter : ' ', o->letter ? ", " : "   ", o->name,
	    o->arg ? " " : "", o->arg ? o->arg : "");
	cli_print(c, "  %-30s %s%s\n", left, o->help,
	    o->repeat ? " (repeatable)" : "");
}

void
cli_help_verb(struct cli_context *c, const struct cli_command *k)
{
	usage_line(c, k);
	cli_print(c, "\n%s\n", k->summary);
	if (k->needs_server && !k->starts_server)
		cli_print(c, "Needs a running server (--state or --server).\n");
	if (k->options && k->options->name)
		cli_print(c, "\noptions:\n");
	for (const struct cli_option *o = k->options; o && o->name; o++)
		option_line(c, o);
	cli_print(c, "\ncommon options:\n");
	for (const struct cli_option *o = cli_common_options; o->name; o++)
		option_line(c, o);
	if (k->more)
		cli_print(c, "\n%s", k->more);
	cli_print(c, "\nexit: 0 yes or done, 1 the answer is no, 2 wrong use "
		     "or unreadable input,\n      3 the server cannot be "
		     "reached\n");
}

static void
command_line(struct cli_context *c, const struct cli_command *k)
{
	char left[96];

	snprintf(left, sizeof(left), "%s%s%s", k->noun, k->verb ? " " : "",
	    verb_text(k));
	cli_print(c, "  %-22s %s\n", left, k->summary);
}

void
cli_help_noun(struct cli_context *c, const struct cli_command *const *tables,
    const char *noun)
{
	const struct cli_command *k;

	cli_print(c, "usage: signet %s VERB [options] [arguments]\n", noun);
	for (size_t t = 0; tables[t]; t++)
		for (k = tables[t]; k->noun; k++)
			if (!k->run && strcmp(k->noun, noun) == 0)
				cli_print(c, "\n%s\n\n", k->summary);
	for (size_t t = 0; tables[t]; t++)
		for (k = tables[t]; k->noun; k++)
			if (k->run && strcmp(k->noun, noun) == 0)
				command_line(c, k);
	cli_print(c, "\nmore: signet %s VERB --help\n", noun);
}

void
cli_help_all(struct cli_context *c, const struct cli_command *const *tables)
{
	cli_print(c, "usage: signet NOUN VERB [options] [arguments]\n\n"
		     "Certificates and trust for phone systems.\n");
	for (int server = 0; server <= 1; server++) {
		cli_print(c, server ? "\nwith a running server:\n"
				    : "\nwithout a server:\n");
		for (size_t t = 0; tables[t]; t++)
			for (const struct cli_command *k = tables[t]; k->noun;
			     k++)
				if (k->run && k->needs_server == (server == 1))
					command_line(c, k);
	}
	cli_print(c, "\nmore: signet NOUN VERB --help; --json everywhere\n");
}
