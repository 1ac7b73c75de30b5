/*
 * cert: X.509 objects: parse, build, print, lint; PEM DER PKCS#7 #8 #12 JKS.
 *
 * cert/der: strict DER (X.690) reading and writing. The reader borrows; its
 * error is sticky and every take returns an empty span after it, so a sequence
 * needs one test. The writer fills a buffer from its end to its beginning:
 * contents first, then der_wrap() puts tag and length in front of them.
 */
#ifndef SIGNET_CERT_DER_H
#define SIGNET_CERT_DER_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

enum {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_ENUMERATED = 0x0a,
	DER_UTF8 = 0x0c,
	DER_NUMERIC = 0x12,
	DER_PRINTABLE = 0x13,
	DER_T61 = 0x14,
	DER_IA5 = 0x16,
	DER_UTCTIME = 0x17,
	DER_GENTIME = 0x18,
	DER_UNIVERSAL = 0x1c,
	DER_BMP = 0x1e,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
};
#define DER_CONTEXT(n) (0x80 | (n))      /* [n] primitive */
#define DER_CONTEXT_CONS(n) (0xa0 | (n)) /* [n] constructed */
#define DER_MAX_DEPTH 32                 /* nesting in der_normalize() */

struct der {
	struct span rest;
	int err; /* E_PARSE or E_TRUNCATED */
};

struct der der_of(struct span s);
bool der_is_empty(const struct der *d);
/* der_peek(d): next tag, or -1 at the end or after an error */
int der_peek(const struct der *d);
/* der_take(d, tag): contents of the next element, which must have this tag */
struct span der_take(struct der *d, int tag);
/* der_take_raw(d, tag): the same with tag and length; tag -1 takes any */
struct span der_take_raw(struct der *d, int tag);
/* der_take_any(d, &tag): contents and tag of whatever comes */
struct span der_take_any(struct der *d, int *ret_tag);
/* der_enter(d, tag): a reader over the contents; an error in d carries over */
struct der der_enter(struct der *d, int tag);
bool der_try(struct der *d, int tag, struct span *ret); /* optional element */
/* typed takes; each checks the DER rule for its type */
struct span der_take_integer(struct der *d); /* minimal two's complement */
int64_t der_take_small(struct der *d);       /* INTEGER of 0 to 2^63-1 */
bool der_take_bool(struct der *d);           /* 00 or ff only */
struct span der_take_bits(struct der *d, int *ret_unused); /* BIT STRING */
int64_t der_take_time(
    struct der *d); /* UTCTime/GeneralizedTime, RFC 5280 4.1.2.5 */
/* der_finish(d): 0 when nothing failed and nothing is left */
int der_finish(const struct der *d) ERR_CHECK;

/* der_normalize(in, out): rewrites BER (indefinite lengths, constructed
 * strings, long-form lengths) as DER into out, for CMS of old devices
 * (RFC 8894 clients send it). E_PARSE, E_TOO_BIG (depth, size of out). */
int der_normalize(struct span in, struct buf *out) ERR_CHECK;

struct derw {
	uint8_t *base;
	size_t cap; /* bytes */
	size_t at;  /* first byte written so far; cap while empty */
	int err;    /* E_TOO_BIG or E_NOMEM */
	bool heap;
};

/* derw_init(w, cap): room for cap bytes on the heap; derw_done(w) frees */
int derw_init(struct derw *w, size_t cap) ERR_CHECK;
void derw_done(struct derw *w);
size_t derw_mark(const struct derw *w); /* where the element to wrap ends */
void derw_raw(struct derw *w, struct span s);
void derw_byte(struct derw *w, uint8_t v);
void derw_wrap(struct derw *w, int tag, size_t mark);
void derw_primitive(struct derw *w, int tag, struct span content);
void derw_integer(struct derw *w, struct span unsigned_be); /* adds sign byte */
void derw_small(struct derw *w, int64_t v);                 /* v >= 0 */
void derw_bool(struct derw *w, bool v);
void derw_oid(struct derw *w, struct span oid);
void derw_null(struct derw *w);
void derw_bits(struct derw *w, struct span bytes); /* 0 unused bits */
void derw_time(struct derw *w, int64_t utc); /* UTCTime to 2049, then Gen. */
struct span derw_span(const struct derw *w); /* what was written; borrowed */

static inline void
auto_derw_(struct derw *w)
{
	derw_done(w);
}
#define DERW(name) __attribute__((cleanup(auto_derw_))) struct derw name = { 0 }

#endif
