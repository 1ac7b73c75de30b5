/* cert/show, private: fields shared by certificates, requests and lists. */
#ifndef SIGNET_CERT_SHOW_INTERNAL_H
#define SIGNET_CERT_SHOW_INTERNAL_H

#include <jansson.h>

#include "cert/x509.h"

#define SHOW_NAMES_MAX 1000 /* general names of one extension */
#define SHOW_CRL_ENTRIES_MAX 10000

/* show_extensions(o, ext, n): san, key_usage, extended_key_usage,
 * basic_constraints, identifiers, URLs, policies; "extensions" lists all with
 * their criticality */
void show_extensions(json_t *o, const struct x509_ext *ext, size_t n);
/* show_spki(o, spki): public_key, and in "weak" what is below today's floor */
void show_spki(json_t *o, struct span spki);
/* show_sig_alg(o, alg): signature_algorithm; weak hashes into "weak" */
void show_sig_alg(json_t *o, struct span alg);
void show_colon_hex(json_t *o, const char *key, struct span s);
void show_digests(json_t *o, struct span der); /* sha1, sha256 */

#endif
