/* cert/crl: certificate revocation lists (RFC 5280 5), read and built. */
#ifndef SIGNET_CERT_CRL_H
#define SIGNET_CERT_CRL_H

#include "cert/x509.h"

#define CRL_DER_MAX (64u << 20) /* bytes: a million entries */

struct crl_entry {
	struct span serial; /* INTEGER contents */
	int64_t revoked_at;
	int reason; /* RFC 5280 5.3.1 code, -1 when absent */
};
struct crl {
	uint8_t *der;
	size_t n;
	struct span tbs, sig_alg, issuer, sig, number, aki;
	int64_t this_update, next_update; /* next_update 0: absent */
	struct span entries; /* contents of revokedCertificates; may be empty */
	size_t entry_n;
	bool unknown_critical;
};
int crl_parse(struct span der, struct diag *d, struct crl **ret) ERR_CHECK;
void crl_free(struct crl *c);
AUTO_DEFINE_STRUCT(crl, crl_free);
/* crl_next(c, &at, e): walks the entries from at = 0; false at the end */
bool crl_next(const struct crl *c, size_t *at, struct crl_entry *ret);
int crl_verify(const struct crl *c, struct span issuer_spki) ERR_CHECK;

struct crl_params {
	enum key_kind issuer_key;
	enum hash_kind hash;
	struct span issuer, aki;
	int64_t this_update, next_update;
	uint64_t number;
	const struct crl_entry
	    *entries; /* serial without sign byte rules: unsigned */
	size_t entry_n;
};
int crl_build(const struct crl_params *p, struct buf *out)
    ERR_CHECK;                              /* TBSCertList */
const char *crl_reason_name(int reason);    /* "keyCompromise"; "unspecified" */
int crl_reason_from_name(const char *text); /* -1 when unknown */

#endif
