/* cli/cmd_csr: what the draft verbs share with csr new. */
#ifndef SIGNET_CLI_CMD_CSR_H
#define SIGNET_CLI_CMD_CSR_H

#include "cli/csr_spec.h"

#define CSR_OUT_OPTIONS                                                       \
	{ .name = "out",                                                      \
		.letter = 'o',                                                \
		.arg = "FILE",                                                \
		.help = "where to write the request; else standard output" }, \
	{                                                                     \
		.name = "key-out", .arg = "FILE",                             \
		.help = "where to write the private key", .required = true    \
	}

/* csr_make(c, s, d): key and request as --out, --key-out say */
int csr_make(struct cli_context *c, struct csr_spec *s, struct diag *d)
    ERR_CHECK;
void csr_answer(struct cli_context *c, const struct csr_spec *s);

#endif
