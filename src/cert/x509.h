/*
 * cert/x509: one certificate, strictly read (RFC 5280 4.1), and the building
 * of its to-be-signed part.
 *
 * struct x509 is *parsed*, not trusted: nothing here says that a signature or
 * a path is right. Spans borrow from the object's own copy of the DER.
 */
#ifndef SIGNET_CERT_X509_H
#define SIGNET_CERT_X509_H

#include "base/auto.h"
#include "base/diag.h"
#include "cert/key.h"
#include "cert/name.h"
#include "cert/oid.h"

#define X509_DER_MAX 65536 /* bytes of one certificate */
#define X509_EXT_MAX 40    /* extensions of one certificate */
#define X509_SERIAL_MAX \
	20 /* octets (RFC 5280 4.1.2.2) we issue; reading takes 32 */

/* OpenSSL has macros of the same names and other values: no file may include
 * openssl/x509v3.h besides this one without undoing them */
enum { /* key usage bits, RFC 5280 4.2.1.3, bit 0 = digitalSignature */
	KU_DIGITAL_SIGNATURE = 1 << 0,
	KU_NON_REPUDIATION = 1 << 1,
	KU_KEY_ENCIPHERMENT = 1 << 2,
	KU_DATA_ENCIPHERMENT = 1 << 3,
	KU_KEY_AGREEMENT = 1 << 4,
	KU_CERT_SIGN = 1 << 5,
	KU_CRL_SIGN = 1 << 6,
	KU_ENCIPHER_ONLY = 1 << 7,
	KU_DECIPHER_ONLY = 1 << 8,
};
enum { /* extended key usage we know, as bits */
	EKU_SERVER = 1 << 0,
	EKU_CLIENT = 1 << 1,
	EKU_CODE = 1 << 2,
	EKU_EMAIL = 1 << 3,
	EKU_TIME = 1 << 4,
	EKU_OCSP = 1 << 5,
	EKU_SIP_DOMAIN = 1 << 6,
	EKU_IPSEC_IKE = 1 << 7,
	EKU_ANY = 1 << 8,
	EKU_CMC_RA = 1 << 9,
	EKU_OTHER = 1 << 15,
};
const char *ku_name(unsigned bit);       /* "digitalSignature" */
unsigned ku_from_name(const char *text); /* 0 when unknown */
const char *eku_name(unsigned bit);
unsigned eku_from_name(const char *text);

struct x509_ext {
	enum oid id;
	struct span oid; /* contents octets */
	bool critical;
	struct span value; /* contents of the OCTET STRING */
};

struct x509 {
	uint8_t *der; /* own copy; NULL for a bare TBS read in place */
	size_t n;
	struct span tbs;     /* with its tag: what the signature covers */
	int version;         /* 1..3 */
	struct span serial;  /* INTEGER contents as encoded */
	struct span sig_alg; /* AlgorithmIdentifier with tag; inner = outer */
	struct span issuer, subject; /* Name with tag */
	int64_t not_before, not_after;
	struct span spki; /* with tag */
	struct span sig;  /* signature octets; empty for a bare TBS */
	size_t ext_n;
	struct x509_ext ext[X509_EXT_MAX];
	/* decoded extensions */
	/* unknown_critical: not decoded here and not merely informing. Name
	 * constraints do not count (trust/ reads them from ext); policy
	 * constraints, mappings and inhibitAnyPolicy do. */
	bool has_ku, has_eku, has_bc, ca, unknown_critical;
	unsigned ku, eku;
	int path_len;    /* -1: none stated */
	struct span ski; /* key identifier octets */
	struct span aki; /* keyIdentifier of AKI, empty when absent */
	struct span san; /* GeneralNames contents (with SEQUENCE tag) */
};

/* x509_parse(der, d, ret): copies der, parses strictly (no trailing bytes, no
 * duplicate extension, inner = outer algorithm). E_PARSE, E_TRUNCATED,
 * E_TOO_BIG with the rule in d. Free with x509_free(). */
int x509_parse(struct span der, struct diag *d, struct x509 **ret) ERR_CHECK;
void x509_free(struct x509 *c);
AUTO_DEFINE_STRUCT(x509, x509_free);
/* x509_parse_tbs(tbs, d, ret): the same for an unsigned TBSCertificate, in
 * place: spans borrow from tbs; caller's memory, no free. */
int x509_parse_tbs(struct span tbs, struct diag *d, struct x509 *ret) ERR_CHECK;
const struct x509_ext *x509_ext_get0(const struct x509 *c, enum oid id);
bool x509_is_self_issued(const struct x509 *c); /* issuer equals subject */
/* x509_verify(c, spki): the signature of c under that key; E_CRYPTO */
int x509_verify(const struct x509 *c, struct span issuer_spki) ERR_CHECK;
void x509_fingerprint(
    const struct x509 *c, uint8_t out[32]); /* SHA-256 of der */
struct span x509_span(const struct x509 *c);
void x509_serial_print(const struct x509 *c, char *out, size_t size); /* hex */

/* What goes into a certificate. All spans and pointers are borrowed. */
struct tbs_params {
	struct span serial;       /* unsigned big endian, 1..20 octets */
	enum key_kind issuer_key; /* for the signature algorithm */
	enum hash_kind hash;
	struct span issuer, subject; /* Name with tag */
	int64_t not_before, not_after;
	struct span spki;
	bool ca;          /* basicConstraints cA */
	bool no_bc;       /* leave basicConstraints out */
	int path_len;     /* -1: none */
	unsigned ku, eku; /* 0: extension left out */
	bool ku_critical;
	const struct san_list *san; /* NULL or empty: left out */
	struct span aki;         /* issuer's key identifier; empty: left out */
	const char *crl_url;     /* NULL: no crlDistributionPoints */
	const char *issuers_url; /* NULL: no AIA caIssuers */
	const char *ocsp_url;    /* NULL: no AIA OCSP */
};
/* tbs_build(p, out): TBSCertificate with SKI from spki; E_TOO_BIG, E_INVAL */
int tbs_build(const struct tbs_params *p, struct buf *out) ERR_CHECK;
/* x509_assemble(tbs, key kind, hash, sig, out): the signed certificate; works
 * for CertificateList and CertificationRequestInfo just as well */
int x509_assemble(struct span tbs, enum key_kind k, enum hash_kind h,
    struct span sig, struct buf *out) ERR_CHECK;

#endif
