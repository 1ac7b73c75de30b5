/* cli/self_sign: "cert self-sign": the standalone certificates of chapter 9
 * (CERT-6), made without a server from the same profiles. */
#ifndef SIGNET_CLI_SELF_SIGN_H
#define SIGNET_CLI_SELF_SIGN_H

#include "cli/cli.h"

int cert_self_sign(struct cli_context *c);
extern const struct cli_option cert_self_sign_options[];

#endif
