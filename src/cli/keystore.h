/*
 * cli/keystore: a key made in this process, its certificate fetched from the
 * server, both written as one protected file. The key never leaves the
 * machine: the server sees the request only (CERT-4, ENR-1).
 */
#ifndef SIGNET_CLI_KEYSTORE_H
#define SIGNET_CLI_KEYSTORE_H

#include "cert/bundle.h"
#include "cli/csr_spec.h"

struct keystore {
	EVP_PKEY *key;
	struct secret *password; /* what protects the file */
	enum file_format format; /* FORMAT_P12, FORMAT_JKS, FORMAT_PEM */
	const char *out;
	char alias[CSR_CN_MAX];
	char *csr;            /* base64 of the request, from malloc */
	char transaction[40]; /* ours, for a request sent twice */
};
void keystore_done(struct keystore *k);
/* keystore_open(): checks --out and --to before anything is made */
int keystore_open(struct cli_context *c, struct keystore *k, struct diag *d)
    ERR_CHECK;
/* keystore_request(): key and CSR by the specification */
int keystore_request(struct keystore *k, struct csr_spec *s, struct diag *d)
    ERR_CHECK;
/* keystore_write(): key, certificate and chain of the server's answer */
int keystore_write(struct cli_context *c, struct keystore *k,
    const json_t *answer, struct diag *d) ERR_CHECK;
/* 128 random bits in hex */
void keystore_transaction(char out[40]);

/* the verb "entity keystore" */
int keystore_of_entity(struct cli_context *c);
extern const struct cli_option keystore_entity_options[];

#endif
