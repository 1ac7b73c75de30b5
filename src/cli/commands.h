/* cli/commands: one table per noun file; whoever adds cmd_NOUN.c adds it here
 * and in commands.c. */
#ifndef SIGNET_CLI_COMMANDS_H
#define SIGNET_CLI_COMMANDS_H

#include "cli/cli.h"

extern const struct cli_command cli_cert_commands[];
extern const struct cli_command cli_csr_commands[];
extern const struct cli_command cli_draft_commands[];
extern const struct cli_command cli_server_commands[];
extern const struct cli_command cli_ca_commands[];
extern const struct cli_command cli_profile_commands[];
extern const struct cli_command cli_entity_commands[];
extern const struct cli_command cli_request_commands[];
extern const struct cli_command cli_issue_commands[];
extern const struct cli_command cli_trust_commands[];
extern const struct cli_command cli_audit_commands[];

#endif
