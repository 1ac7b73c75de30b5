/* cli/commands: one table per noun file; whoever adds cmd_NOUN.c adds it here
 * and in commands.c. */
#ifndef SIGNET_CLI_COMMANDS_H
#define SIGNET_CLI_COMMANDS_H

#include "cli/cli.h"

extern const struct cli_command cli_cert_commands[];
extern const struct cli_command cli_csr_commands[];
extern const struct cli_command cli_draft_commands[];

#endif
