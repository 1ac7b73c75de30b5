#include "cli/cli_internal.h"

#include <stdlib.h>
#include <unistd.h>

int
cli_run(const struct cli_command *const *tables, int argc, char **argv,
    FILE *in, FILE *out, FILE *err)
{
	struct cli_context *c = (struct cli_context *)calloc(1, sizeof(*c));
	const char **args =
	    (const char **)calloc((size_t)argc + 1, sizeof(*args));
	int code = CLI_USAGE;

	if (c && args) {
		c->in = in;
		c->out = out;
		c->err = err;
		c->args = args;
		c->err_tty = isatty(fileno(err)) == 1;
		code = cli_parse(c, tables, argc, argv);
		code = code ? code - 1 : c->command->run(c);
		/* an answer that did not reach the reader is no answer */
		if (fflush(out) != 0 && code == CLI_YES)
			code = CLI_USAGE;
	}
	free(args);
	free(c);
	return code;
}

int
cli_main(int argc, char **argv, FILE *in, FILE *out, FILE *err)
{
	return cli_run(cli_commands, argc, argv, in, out, err);
}
