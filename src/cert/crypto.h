/*
 * cert/crypto: OpenSSL made ready before the sandbox: what it would otherwise
 * read from disk at first use (its configuration, entropy sources, providers)
 * is loaded now, and the machine's openssl.cnf is left aside.
 */
#ifndef SIGNET_CERT_CRYPTO_H
#define SIGNET_CERT_CRYPTO_H

#include "base/diag.h"
#include "base/err.h"

/* crypto_open(d): once, in a program's prepare(). E_CRYPTO with words. */
int crypto_open(struct diag *d) ERR_CHECK;

#endif
