/*
 * cli/csr_spec: what a certificate request shall say, before there is a key:
 * from options, from and to a draft file (chapter 32's pending request).
 */
#ifndef SIGNET_CLI_CSR_SPEC_H
#define SIGNET_CLI_CSR_SPEC_H

#include "cert/key.h"
#include "cert/name.h"
#include "cli/cli.h"

#define CSR_CN_MAX 256      /* bytes; X.520 says 64 characters */
#define CSR_DRAFT_MAX 65536 /* bytes of a draft file */

struct csr_spec {
	char cn[CSR_CN_MAX];
	char subject[NAME_TEXT_MAX]; /* "O=..,C=.." without the CN */
	struct san_list san;
	enum key_kind key;
	enum hash_kind hash; /* HASH_UNSET: as suits the key */
	unsigned ku, eku;
	bool ku_set, eku_set; /* otherwise the defaults of the key's kind */
};

/* csr_spec_options(c, s, d): what the options say, over what s holds already */
int csr_spec_options(struct cli_context *c, struct csr_spec *s, struct diag *d)
    ERR_CHECK;
/* csr_spec_settle(s, d): checks the whole (CERT-8) and puts the CN first among
 * the DNS names when it is a host name; *ret_added when it was not there */
int csr_spec_settle(struct csr_spec *s, bool *ret_added, struct diag *d)
    ERR_CHECK;
json_t *csr_spec_to_json(const struct csr_spec *s);
int csr_spec_from_json(const json_t *o, struct csr_spec *ret, struct diag *d)
    ERR_CHECK;
/* csr_spec_build(s, key, out, d): the signed request, DER */
int csr_spec_build(const struct csr_spec *s, EVP_PKEY *key, struct buf *out,
    struct diag *d) ERR_CHECK;

#define CSR_SPEC_OPTIONS                                                       \
	{ .name = "san",                                                       \
		.arg = "LIST",                                                 \
		.help =                                                        \
		    "DNS:pbx.example.com,IP:192.0.2.1,URI:sip:..,EMAIL:..",    \
		.repeat = true },                                              \
	    { .name = "key",                                                   \
		    .arg = "KIND",                                             \
		    .help =                                                    \
			"rsa2048 (default), rsa3072, rsa4096, p256, p384, "    \
			"ed25519" },                                           \
	    { .name = "hash",                                                  \
		    .arg = "NAME",                                             \
		    .help = "sha256, sha384 or sha512" },                      \
	    { .name = "subject",                                               \
		    .arg = "LIST",                                             \
		    .help = "O=..,OU=..,L=..,ST=..,C=..,E=.. beside the CN" }, \
	    { .name = "ku",                                                    \
		    .arg = "LIST",                                             \
		    .help =                                                    \
			"key usage: digitalSignature,keyEncipherment,.. or "   \
			"none" },                                              \
	{                                                                      \
		.name = "eku", .arg = "LIST",                                  \
		.help = "extended key usage: serverAuth,clientAuth,.. or none" \
	}

#endif
