/*
 * cli/files: certificate files as the verbs use them: read with whatever
 * password they need, keys and certificates brought together, written in the
 * format asked for.
 */
#ifndef SIGNET_CLI_FILES_H
#define SIGNET_CLI_FILES_H

#include "cert/bundle.h"
#include "cert/key.h"
#include "cli/cli.h"

/* files_read(c, path, option, keys, ret, d): everything in the file. The
 * password comes from --OPTION or, when the file wants one and (keys) its
 * private keys are needed, from the terminal. Notes are not shown yet. */
int files_read(struct cli_context *c, const char *path, const char *option,
    bool keys, struct bundle **ret, struct diag *d) ERR_CHECK;
/* files_notes(c, path, b): the notes on standard error; true when an object
 * was lost */
bool files_notes(
    struct cli_context *c, const char *path, const struct bundle *b);
/* files_key(b, ret): the first private key; E_NOT_FOUND */
int files_key(const struct bundle *b, EVP_PKEY **ret) ERR_CHECK;
/* key_fits_object(k, o): the certificate's or request's key is this one */
bool files_key_fits(const EVP_PKEY *k, const struct object *o);

/* What is to be written: borrowed certificates in the order they go out. */
struct material {
	EVP_PKEY *key; /* NULL: none; own */
	struct span *certs;
	size_t cert_n;
	const struct object **others; /* requests, lists, public keys */
	size_t other_n;
};
void material_done(struct material *m);
/* material_add(m, b): the objects of b; its first key when m has none yet */
int material_add(struct material *m, const struct bundle *b) ERR_CHECK;
/* material_order(m, d): the key's certificate first, then issuer after
 * issuer, then the rest; E_CONFLICT when there is a key and certificates but
 * none of them belongs to it */
int material_order(struct material *m, struct diag *d) ERR_CHECK;

/* material_write(c, m, d): as -o, --to, --alias, --password-file, --legacy,
 * --plain-key, --no-key and --force say (see FILES_OUT_OPTIONS) */
int material_write(struct cli_context *c, struct material *m, struct diag *d)
    ERR_CHECK;

/* files_key_write(c, key, name, d): a private key alone, to --key-out: as
 * encrypted PKCS#8 under a password that passes the policy for this name, or
 * in clear with --plain-key; mode 0600 (CERT-3) */
int files_key_write(struct cli_context *c, EVP_PKEY *key, const char *name,
    struct diag *d) ERR_CHECK;

#define FILES_KEY_OPTIONS                                                    \
	{                                                                    \
		.name = "password-file",                                     \
		.arg = "FILE",                                               \
		.help =                                                      \
		    "password for the private key written; else it is asked" \
	},                                                                   \
	    { .name = "plain-key",                                           \
		    .help = "write the private key UNPROTECTED" },           \
	{                                                                    \
		.name = "force", .help = "replace existing files"            \
	}

#define FILES_OUT_OPTIONS                                                   \
	{ .name = "out",                                                    \
		.letter = 'o',                                              \
		.arg = "FILE",                                              \
		.help = "where to write; - is standard output",             \
		.required = true },                                         \
	    { .name = "to",                                                 \
		    .arg = "FORMAT",                                        \
		    .help = "pem, der, p7, p12, p8 or jks; else by the "    \
			    "extension of --out" },                         \
	    { .name = "alias",                                              \
		    .arg = "NAME",                                          \
		    .help = "name inside PKCS#12 and JKS; else the CN" },   \
	    { .name = "legacy",                                             \
		    .help =                                                 \
			"PKCS#12 with 3DES and SHA-1, for old equipment" }, \
	{                                                                   \
		.name = "no-key", .help = "leave the private key out"       \
	}

#endif
