#include "cli/commands.h"

const struct cli_command *const cli_commands[] = {
	cli_cert_commands,
	cli_csr_commands,
	cli_draft_commands,
	NULL,
};
