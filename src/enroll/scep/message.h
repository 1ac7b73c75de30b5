/*
 * enroll/scep/message: one SCEP pkiMessage (RFC 8894 3), read and written.
 *
 * Bytes only: no policy, no keys of ours. The caller has the RA key open the
 * content key and sign the answer's attributes, in between these steps.
 */
#ifndef SIGNET_ENROLL_SCEP_MESSAGE_H
#define SIGNET_ENROLL_SCEP_MESSAGE_H

#include "cert/cms.h"

#define SCEP_MESSAGE_MAX (1u << 20) /* bytes of one request */
#define SCEP_TRANSACTION_MAX 512    /* bytes of a transactionID */
#define SCEP_NONCE_MAX 64      /* bytes of a senderNonce; the RFC says 16 */
#define SCEP_FAIL_TEXT_MAX 255 /* bytes of failInfoText we send */

enum scep_type { /* RFC 8894 3.2.1.2 */
	SCEP_TYPE_UNSET = 0,
	SCEP_CERT_REP = 3,
	SCEP_RENEWAL_REQ = 17,
	SCEP_PKCS_REQ = 19,
	SCEP_CERT_POLL = 20,
	SCEP_GET_CERT = 21,
	SCEP_GET_CRL = 22,
};
enum scep_status { SCEP_SUCCESS = 0, SCEP_FAILURE = 2, SCEP_PENDING = 3 };
enum scep_fail { /* RFC 8894 3.2.1.4 */
	SCEP_BAD_ALG = 0,
	SCEP_BAD_MESSAGE_CHECK = 1,
	SCEP_BAD_REQUEST = 2,
	SCEP_BAD_TIME = 3,
	SCEP_BAD_CERT_ID = 4,
};

struct scep_message {
	struct buf own_outer, own_inner; /* DER made from BER; else empty */
	struct cms_signed cms;
	struct cms_enveloped env;
	struct x509 *signer; /* who signed, and whom we encrypt to */
	enum scep_type type;
	struct span transaction; /* value with its tag, for echoing */
	struct span nonce;       /* senderNonce with its tag; may be empty */
	bool legacy;             /* DES, 3DES, MD5 or SHA-1 were used */
};

/* scep_parse(bytes, m): E_PARSE and kin when these bytes are no SCEP request at
 * all (HTTP 400). Spans borrow from bytes. Undo with scep_done(), also after a
 * failure. */
int scep_parse(struct span bytes, struct diag *d, struct scep_message *ret)
    ERR_CHECK;
void scep_done(struct scep_message *m);
/* scep_check(m, legacy): algorithms, signature, and that we can answer: the
 * signer's key must take key transport. E_UNSUPPORTED, E_CRYPTO. */
int scep_check(const struct scep_message *m, bool legacy_allowed,
    struct diag *d) ERR_CHECK;
/* index of the recipient that means this certificate, -1 when none does */
int scep_recipient(const struct scep_message *m, const struct x509 *cert);
/* the transaction as bounded, one-line text that stays distinct; out takes 80
 * bytes at least */
void scep_transaction_text(
    const struct scep_message *m, char *out, size_t size);
/* what a code of ours is called in failInfo */
enum scep_fail scep_fail_of(int code);

/* IssuerAndSerialNumber of GetCert and GetCRL; IssuerAndSubject of CertPoll */
int scep_issuer_and_serial(struct span der, struct span *ret_issuer,
    struct span *ret_serial) ERR_CHECK;
int scep_issuer_and_subject(struct span der, struct span *ret_issuer,
    struct span *ret_subject) ERR_CHECK;

/* An answer, built in two steps around the RA's signature. */
struct scep_reply {
	enum scep_status status;
	enum scep_fail fail;  /* SCEP_FAILURE */
	const char *text;     /* failInfoText; NULL none */
	struct span certs[1]; /* SCEP_SUCCESS: certificate, or ... */
	struct span crl;      /* ... CRL */
};
struct scep_out { /* between the steps */
	struct buf envelope, attrs;
	bool has_envelope;
};
void scep_out_init(struct scep_out *o);
void scep_out_done(struct scep_out *o);
/* scep_reply_begin(): o->attrs is what the RA key signs (SHA-256) */
int scep_reply_begin(const struct scep_message *m, const struct scep_reply *r,
    const struct x509 *ra, struct scep_out *o) ERR_CHECK;
int scep_reply_finish(const struct scep_out *o, const struct x509 *ra,
    struct span sig, struct buf *out) ERR_CHECK;

#endif
