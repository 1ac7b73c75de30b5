/* tests/unit/enroll/helper_scep: a SCEP client made of OpenSSL's CMS, so that
 * what we read was written, and what we write is read, by somebody else. */
#ifndef SIGNET_TESTS_ENROLL_HELPER_SCEP_H
#define SIGNET_TESTS_ENROLL_HELPER_SCEP_H

#include "test.h"

/* ours first: OpenSSL has macros of the same names as our key usage bits */
#include "cert/cms.h"
#include "cert/csr.h"

#include <openssl/cms.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

struct party { /* a key and its certificate */
	EVP_PKEY *key;
	X509 *cert;
	uint8_t *der;
	int n;
};
/* RSA 2048 unless ec; signed by issuer, or by itself */
void party_make(struct party *p, const char *cn, const struct party *issuer,
    long serial, bool ca, bool ec);
void party_done(struct party *p);
struct span party_der(const struct party *p);
struct x509 *party_x509(const struct party *p); /* caller frees */

struct client_request {
	const struct party *signer, *recipient;
	EVP_PKEY *csr_key; /* NULL: the signer's */
	const char *cn, *challenge, *sans;
	const char *type, *transaction;
	const EVP_CIPHER *cipher; /* NULL: AES-128 */
	const EVP_MD *md;         /* NULL: SHA-256 */
	const EVP_MD *csr_md;     /* NULL: SHA-256 */
	bool oaep;
	struct span content; /* instead of a CSR */
};
/* the CSR alone; caller frees *ret with free() */
size_t client_csr(const struct client_request *c, uint8_t **ret);
/* the whole pkiMessage; caller frees with free() */
size_t client_message(const struct client_request *c, uint8_t **ret);

struct client_answer {
	char status[8], fail[8], text[300], transaction[300];
	uint8_t nonce[32], recipient_nonce[32];
	int nonce_n, recipient_nonce_n;
	X509 *cert; /* the issued one; NULL none */
	X509_CRL *crl;
	int certs; /* in the degenerate bundle */
	char cipher[32];
};
/* verifies under ra and opens with the client's key; fails the test when
 * OpenSSL does not agree */
void client_read(struct span answer, const struct party *ra,
    const struct party *client, struct client_answer *ret);
void client_answer_done(struct client_answer *a);
#define CLIENT_NONCE "0123456789abcdef"

/* what the key process does for an RA key */
void ra_decrypt(const struct party *ra, struct span encrypted, bool oaep,
    const char *oaep_hash, const char *mgf_hash, struct buf *out);
void ra_sign(const struct party *ra, struct span attrs, struct buf *out);

#endif
