/* cli, private: how the frame's files share the work. */
#ifndef SIGNET_CLI_CLI_INTERNAL_H
#define SIGNET_CLI_CLI_INTERNAL_H

#include "cli/cli.h"

#define CLI_WORD_MAX 64 /* bytes of a word that "did you mean" looks at */

/* options.c */
extern const struct cli_option cli_common_options[];
/* cli_option_find(list, name, len): the option of that name, or NULL */
const struct cli_option *cli_option_find(
    const struct cli_option *list, const char *name, size_t len);
/* cli_parse(c, tables, argc, argv): noun, verb, options, arguments into c.
 * 0; or an exit code + 1 when the command ends here (help was shown, or wrong
 * use was reported). */
int cli_parse(struct cli_context *c, const struct cli_command *const *tables,
    int argc, char **argv) ERR_CHECK;

/* help.c */
void cli_help_all(struct cli_context *c, const struct cli_command *const *t);
void cli_help_noun(struct cli_context *c, const struct cli_command *const *t,
    const char *noun);
void cli_help_verb(struct cli_context *c, const struct cli_command *cmd);

/* suggest.c: the nearest of the words offered so far, if near enough */
struct cli_nearest {
	const char *asked;
	const char *best;
	size_t distance;
};
void cli_nearest_offer(struct cli_nearest *n, const char *word);
const char *cli_nearest_get(const struct cli_nearest *n); /* NULL: none */

#endif
