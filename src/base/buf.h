/*
 * base/buf: bytes that grow up to a maximum given at creation.
 *
 * Appending past the maximum, or out of memory, sets a sticky error and leaves
 * the contents as they were; test it once with buf_error() at the end.
 */
#ifndef SIGNET_BASE_BUF_H
#define SIGNET_BASE_BUF_H

#include "base/auto.h"
#include "base/err.h"
#include "base/span.h"

struct buf {
	uint8_t *p;
	size_t n;   /* bytes in use */
	size_t cap; /* bytes allocated */
	size_t max; /* bytes never exceeded */
	int err;    /* first failure: E_NOMEM or E_TOO_BIG */
};

/* caller's memory: struct buf b; buf_init(&b, MAX); ... buf_done(&b); */
void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b);
/* heap: NULL when out of memory; the caller frees with buf_free() */
struct buf *buf_new(size_t max);
void buf_free(struct buf *b);

void buf_reset(struct buf *b); /* empties, keeps memory, clears the error */
int buf_error(const struct buf *b) ERR_CHECK;
struct span buf_span(const struct buf *b); /* borrowed until the next append */

/* buf_reserve(b, n): room for n more bytes to write at the returned place and
 * count with b->n += n; NULL sets the sticky error. */
uint8_t *buf_reserve(struct buf *b, size_t n);
void buf_add(struct buf *b, const void *p, size_t n);
void buf_add_span(struct buf *b, struct span s);
void buf_add_text(struct buf *b, const char *text); /* without the NUL */
void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void buf_consume(struct buf *b, size_t n); /* drops n bytes from the front */

/* big-endian integers and length-prefixed fields, as our own messages use */
void buf_add_u8(struct buf *b, uint8_t v);
void buf_add_u16(struct buf *b, uint16_t v);
void buf_add_u32(struct buf *b, uint32_t v);
void buf_add_u64(struct buf *b, uint64_t v);
void buf_pack_span(struct buf *b, struct span s);    /* u32 length, bytes */
void buf_pack_text(struct buf *b, const char *text); /* NULL packs as "" */

AUTO_DEFINE_STRUCT(buf, buf_free);

static inline void
auto_bufval_(struct buf *b)
{
	buf_done(b);
}
/* BUF(name, max): a local buffer that empties itself */
#define BUF(name, maximum)                                      \
	__attribute__((cleanup(auto_bufval_))) struct buf name; \
	buf_init(&name, (maximum))

#endif
