/* cli/cmd_cert: what the csr verbs share with the cert verbs. */
#ifndef SIGNET_CLI_CMD_CERT_H
#define SIGNET_CLI_CMD_CERT_H

#include "cli/cli.h"

/* cert_show(c, only): the files named as arguments; only: an enum object_kind
 * or 0 for all. Returns the exit code. */
int cert_show(struct cli_context *c, int only);
/* cert_convert(c, d): argument 1, --key, --chain into --out */
int cert_convert(struct cli_context *c, struct diag *d) ERR_CHECK;

#endif
