/* cert/csr: PKCS#10 certification requests (RFC 2986), read and built. */
#ifndef SIGNET_CERT_CSR_H
#define SIGNET_CERT_CSR_H

#include "cert/x509.h"

#define CSR_DER_MAX 32768     /* bytes */
#define CSR_CHALLENGE_MAX 256 /* bytes with NUL; PKCS#9 says 255 */

struct csr {
	uint8_t *der; /* own copy */
	size_t n;
	struct span info;    /* CertificationRequestInfo with tag */
	struct span subject; /* Name with tag */
	struct span spki, sig_alg, sig;
	char challenge[CSR_CHALLENGE_MAX]; /* "" when absent; wiped on free */
	bool has_ku, has_eku, has_bc, ca;
	unsigned ku, eku;
	struct span
	    san;      /* GeneralNames of extensionRequest; empty when absent */
	size_t ext_n; /* extensions asked for, all of them */
	struct x509_ext ext[X509_EXT_MAX];
};

int csr_parse(struct span der, struct diag *d, struct csr **ret) ERR_CHECK;
void csr_free(struct csr *c);
AUTO_DEFINE_STRUCT(csr, csr_free);
/* csr_verify(c): proof of possession, the request's own signature; E_CRYPTO */
int csr_verify(const struct csr *c) ERR_CHECK;

struct csr_params {
	struct span subject; /* Name with tag */
	const struct san_list *san;
	unsigned ku, eku; /* 0: not asked for */
	const char *challenge;
	enum hash_kind hash; /* HASH_UNSET: sha256, sha384 for P-384 */
};
int csr_build(EVP_PKEY *key, const struct csr_params *p, struct buf *out)
    ERR_CHECK;

#endif
