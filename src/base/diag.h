/*
 * base/diag: a refusal in words: object, rule, fact, remedy.
 *
 * Filled by the module that refuses; printed unchanged by the command line,
 * the API (RFC 9457), the ledger and the console.  Fixed size, no ownership,
 * a later diag_set() replaces an earlier one.  Passing NULL is allowed: the
 * caller is then not interested in the words.
 */
#ifndef SIGNET_BASE_DIAG_H
#define SIGNET_BASE_DIAG_H

#include <stdarg.h>

#define DIAG_TEXT_MAX 320 /* bytes of each part, with the final NUL */

struct diag {
	int code;                   /* E_..., 0 while nothing was refused */
	char object[DIAG_TEXT_MAX]; /* what: "pbx1 identity", "signet.yaml:4" */
	char rule[DIAG_TEXT_MAX]; /* which rule: "RFC 5280 4.2.1.9", "CERT-8" */
	char fact[DIAG_TEXT_MAX]; /* what was found: "path length on a leaf" */
	char remedy[DIAG_TEXT_MAX]; /* what to do: "sign it under profile ca" */
};

/* diag_set(d, code, object, rule, fact...): fills d, clears the remedy, and
 * returns code, so that `return diag_set(...)` reads straight. rule may be
 * NULL. Text from outside is escaped. */
int diag_set(struct diag *d, int code, const char *object, const char *rule,
    const char *fact, ...) __attribute__((format(printf, 5, 6)));

/* diag_remedy(d, text...): adds what the reader should do next. */
void diag_remedy(struct diag *d, const char *text, ...)
    __attribute__((format(printf, 2, 3)));

/* diag_print(d, out, size): "object: rule: fact; remedy" into out. */
void diag_print(const struct diag *d, char *out, unsigned long size);

#endif
