/*
 * access/password: what a password must be before a private key leaves under
 * it, or a user may have it (CERT-3; the floor of ACC-4).
 */
#ifndef SIGNET_ACCESS_PASSWORD_H
#define SIGNET_ACCESS_PASSWORD_H

#include "base/diag.h"
#include "base/err.h"

#define PASSWORD_MIN 10     /* characters */
#define PASSWORD_LONG 16    /* from here on any mixture will do */
#define PASSWORD_CLASSES 3  /* of: small, capital, digit, other */
#define PASSWORD_RUN_MAX 3  /* equal ("aaa") or sequential ("345", "cba") */
#define PASSWORD_MAX 1024   /* bytes */
#define PASSWORD_NAME_MIN 3 /* shorter names are not looked for */

/* password_check(text, name, d): 0, or E_PASSWORD with the rule that is
 * broken. name: user or certificate it is for, NULL or "" when none; neither
 * it nor its reverse may be in the password. The password itself never gets
 * into d. */
int password_check(const char *text, const char *name, struct diag *d)
    ERR_CHECK;

#endif
