#include "cli/commands.h"

const struct cli_command *const cli_commands[] = {
	cli_cert_commands,
	cli_csr_commands,
	cli_draft_commands,
	cli_server_commands,
	cli_ca_commands,
	cli_profile_commands,
	cli_entity_commands,
	cli_request_commands,
	cli_issue_commands,
	cli_trust_commands,
	cli_audit_commands,
	NULL,
};
