/*
 * cli/changes: what was not granted as asked, and by which rule (CERT-10), in
 * words: "O: Example (names.org_from_estate)", "days: 900 -> 730 (...)".
 */
#ifndef SIGNET_CLI_CHANGES_H
#define SIGNET_CLI_CHANGES_H

#include "cli/cli.h"

#define CHANGE_TEXT_MAX 1400

/* one member of a receipt's "changes" as text; out */
const char *change_text(const json_t *change, char *out, size_t size);
/* all of a receipt as notes on standard error; NULL: none */
void changes_note(struct cli_context *c, const json_t *receipt);

#endif
