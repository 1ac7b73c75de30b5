/*
 * enroll: request, decide, challenge; scep/ manual/.
 *
 * enroll/enrolment: what every enrolment protocol reduces to (ENR-9), and how
 * it travels from a front to the core and back. Protocol files know bytes, only
 * decide knows policy.
 */
#ifndef SIGNET_ENROLL_ENROLMENT_H
#define SIGNET_ENROLL_ENROLMENT_H

#include "base/buf.h"
#include "base/diag.h"
#include "base/reader.h"

#define ENROL_CSR_MAX 32768
#define ENROL_MESSAGE_MAX 131072 /* bytes of one packed message */

enum enrol_frame { /* frame types on the front-core link */
	ENROL_FRAME_UNSET,
	ENROL_SETUP,  /* core -> front, id 0: authorities, RA, SCEP paths; again
			 on change */
	ENROL_ASK,    /* front -> core: struct enrolment */
	ENROL_ANSWER, /* core -> front: struct enrol_answer */
	ENROL_REPORT, /* front -> core: something refused before it became a
			 request: counted, ledger */
	ENROL_FETCH,  /* front -> core: u8 what (CRL), authority id */
	ENROL_FETCHED, /* core -> front: i32 code, bytes */
};

enum enrol_kind {
	ENROL_UNSET,
	ENROL_NEW,
	ENROL_RENEW,
	ENROL_POLL,
	ENROL_GET_CERT,
	ENROL_GET_CRL
};

struct enrolment {
	enum enrol_kind kind;
	char protocol[16];     /* "scep" */
	char path[64];         /* NAME of /scep/NAME: selects config_scep; "" */
	char transaction[256]; /* unique within the protocol; escaped text */
	char source[64];       /* peer address */
	char secret[256];      /* enrollment password offered; "" none; wiped */
	struct span
	    csr; /* DER, proof of possession already verified by the front */
	struct span signer; /* DER of the certificate that signed the message
			     * when it is not the CSR's own self-signed one:
			     * proof for a renewal; empty otherwise */
	struct span serial; /* GET_CERT: serial; GET_CERT/GET_CRL with issuer
			       Name below */
	struct span issuer;
	bool legacy;     /* came with legacy algorithms */
	uint16_t others; /* requests the front is working on besides: the core
			  * lets them share a commit (docs/adr/0003) */
};
enum enrol_status {
	ENROL_STATUS_UNSET,
	ENROL_ISSUED,
	ENROL_PENDING,
	ENROL_REFUSED,
	ENROL_RETRY
};
struct enrol_answer {
	enum enrol_status status;
	int code;         /* E_... of a refusal */
	char text[400];   /* diag in words, for failInfoText and logs */
	struct span cert; /* issued or fetched certificate DER */
	struct span crl;
};
/* what a front needs to know; spans borrow from the message it was unpacked
 * from */
struct enrol_ca {
	char id[64];
	bool current, next; /* next: offer by GetNextCACert */
	char ra_key[65];
	struct span ra_cert; /* DER; empty for a next one without RA */
	size_t chain_n;
	struct span chain[4]; /* issuer first, root last: newest certificates */
	size_t old_n;
	struct span old[4]; /* earlier certificates of the issuer and root,
			       still in date */
};

#define ENROL_CA_MAX 64            /* authorities told to a front */
#define ENROL_SETUP_MAX (4u << 20) /* bytes of one packed setup */
struct enrol_setup {
	size_t n;
	struct enrol_ca ca[ENROL_CA_MAX];
};
struct enrol_report {
	char source[64], protocol[16];
	int code;
	uint32_t more; /* further ones of this moment that were left out */
	char text[400];
};

void enrolment_pack(const struct enrolment *e, struct buf *out);
int enrolment_unpack(struct span in, struct enrolment *ret)
    ERR_CHECK; /* borrows */
void enrol_answer_pack(const struct enrol_answer *a, struct buf *out);
int enrol_answer_unpack(struct span in, struct enrol_answer *ret) ERR_CHECK;
void enrol_setup_pack(const struct enrol_setup *s, struct buf *out);
int enrol_setup_unpack(struct span in, struct enrol_setup *ret)
    ERR_CHECK; /* borrows */
void enrol_report_pack(const struct enrol_report *r, struct buf *out);
int enrol_report_unpack(struct span in, struct enrol_report *ret) ERR_CHECK;

/* Passwords (ENR-2): 20 characters of Crockford base32 in groups of four, 100
 * bits: "7K3M-Q2XR-...". Compared after dropping '-' and blanks, upper case,
 * O->0, I,L->1. */
#define ENROL_PASSWORD_TEXT 25 /* bytes with NUL */
void enrol_password_new(char out[ENROL_PASSWORD_TEXT]);
/* E_INVAL when it cannot be one of ours (length, alphabet) */
int enrol_password_hash(const char *text, uint8_t out[32]) ERR_CHECK;

#endif
