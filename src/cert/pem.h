/*
 * cert/pem: finds BEGIN/END blocks in text as people send it, and gets the
 * bytes out of them even when a page footer or a mail program has been there.
 *
 * What is tolerated: CRLF, CR, blanks around lines, byte order marks, text
 * between blocks, dashes that a word processor replaced, a marker and its data
 * on one line, RFC 1421 headers.  Inside a block, lines that are not base64
 * are left out; when the rest is still not one DER element, a bounded search
 * leaves out lines of odd length.  Every line left out stays marked, so that
 * the caller can name it.
 */
#ifndef SIGNET_CERT_PEM_H
#define SIGNET_CERT_PEM_H

#include "base/buf.h"
#include "base/span.h"

#define PEM_LABEL_MAX 64
#define PEM_HEADERS_MAX 512    /* bytes of RFC 1421 headers kept */
#define PEM_LINES_MAX 1200000  /* lines of one block: a CRL of 57 MB */
#define PEM_SUSPECTS_MAX 8     /* lines of odd length tried without */
#define PEM_SALVAGE_MAX 131072 /* bytes of a block that is searched */
#define PEM_TRIES_MAX 2048     /* decodings in all searches of one file */

enum pem_line_kind { PEM_DATA = 1, PEM_SPACED, PEM_NOISE };

struct pem_line {
	size_t at, n;  /* in the text, without surrounding blanks */
	size_t number; /* from 1 */
	enum pem_line_kind kind;
	bool dropped; /* set by pem_decode() */
};

struct pem_block {
	char label[PEM_LABEL_MAX];     /* "CERTIFICATE", escaped */
	char end_label[PEM_LABEL_MAX]; /* as the END line has it */
	char headers[PEM_HEADERS_MAX]; /* "Name: value\n"... or "" */
	size_t line, end_line;
	bool has_end;
	bool too_long; /* over PEM_LINES_MAX: lines are missing */
	struct pem_line *lines;
	size_t n, cap;
};

struct pem_scan {
	struct span text;
	size_t at;          /* next byte */
	size_t line;        /* lines taken so far */
	size_t padded;      /* lines in blocks with blanks around them */
	size_t padded_line; /* the first of them */
	size_t tries;       /* decodings spent on searches */
};

struct pem_scan pem_scan_of(struct span text);
/* pem_next(s, b): the next block into b (init with {0}, done at the end; may
 * be used again and again). E_NOT_FOUND when there is none, E_NOMEM. */
int pem_next(struct pem_scan *s, struct pem_block *b) ERR_CHECK;
/* pem_bare(s, b): the whole text as one block without markers */
int pem_bare(struct pem_scan *s, struct pem_block *b) ERR_CHECK;
void pem_block_done(struct pem_block *b);
bool pem_has_begin(struct span text);

/* pem_decode(s, b, fits, cookie, out): bytes that fits() accepts, into out.
 * E_PARSE when no way was found: then nothing is marked as dropped but noise
 * and out holds the plain decoding. */
typedef bool pem_fits(struct span der, void *cookie);
int pem_decode(struct pem_scan *s, struct pem_block *b, pem_fits *fits,
    void *cookie, struct buf *out) ERR_CHECK;

#endif
