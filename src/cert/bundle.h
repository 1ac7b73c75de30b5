/*
 * cert/bundle: whatever a file holds, whatever its extension says (CERT-2).
 *
 * PEM with many objects, text between them, CRLF, trailing blanks, page
 * footers inside a block (salvaged, the dropped lines named), DER, PKCS#7,
 * PKCS#12 old and new, JKS, PKCS#8.
 */
#ifndef SIGNET_CERT_BUNDLE_H
#define SIGNET_CERT_BUNDLE_H

#include "base/auto.h"
#include "base/diag.h"
#include "base/secret.h"
#include "base/span.h"

#define BUNDLE_FILE_MAX (64u << 20) /* bytes of one input */
#define BUNDLE_OBJECTS_MAX 10000
#define BUNDLE_NOTES_MAX 200

enum object_kind {
	OBJECT_UNSET,
	OBJECT_CERT,
	OBJECT_CSR,
	OBJECT_CRL,
	OBJECT_KEY,
	OBJECT_PUBKEY,
	OBJECT_ENCRYPTED_KEY
};
enum file_format {
	FORMAT_UNSET,
	FORMAT_PEM,
	FORMAT_DER,
	FORMAT_P7,
	FORMAT_P12,
	FORMAT_P8,
	FORMAT_JKS
};

struct object {
	enum object_kind kind;
	enum file_format format; /* the container it came from */
	struct span der; /* certificate, CSR, CRL, public key; borrowed from the
			    bundle */
	struct secret *key; /* OBJECT_KEY: PKCS#8 DER, owned by the bundle */
	char alias[128];    /* JKS or PKCS#12 friendly name; "" */
	size_t line;        /* first line in a text file, 0 otherwise */
};
struct bundle_note {    /* what was dropped or could not be read */
	size_t line;    /* 0: not a text file */
	bool refused;   /* an object was lost, not only noise */
	char text[200]; /* escaped */
};
struct bundle {
	struct object *objects;
	size_t n;
	struct bundle_note notes[BUNDLE_NOTES_MAX];
	size_t note_n;           /* notes kept */
	size_t note_total;       /* notes there would have been */
	enum file_format format; /* of the file as a whole */
};

struct bundle_options {
	struct span password; /* for PKCS#12, PKCS#8, JKS; empty: none */
	bool have_password;
};

const char *object_kind_name(
    enum object_kind k); /* "certificate", "csr", "crl", "private-key", ... */
const char *file_format_name(
    enum file_format f); /* "pem", "der", "p7", "p12", "p8", "jks" */
enum file_format file_format_from_name(const char *text);

/* bundle_read(file, name, options, d, ret): every object found. E_PARSE when
 * the file holds none at all, E_PASSWORD when a password is missing or wrong,
 * E_TOO_BIG. Objects that did not parse are notes with refused set. Each
 * certificate returned has passed x509_parse(). Free with bundle_free(). */
int bundle_read(struct span file, const char *name,
    const struct bundle_options *o, struct diag *d, struct bundle **ret)
    ERR_CHECK;
void bundle_free(struct bundle *b);
AUTO_DEFINE_STRUCT(bundle, bundle_free);

#endif
