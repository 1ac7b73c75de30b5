/*
 * base/reader: reads our own messages with a sticky error.
 *
 * Every take returns zero or an empty span after the first failure, so a
 * sequence of takes needs one test, reader_finish(), at its end.
 */
#ifndef SIGNET_BASE_READER_H
#define SIGNET_BASE_READER_H

#include "base/err.h"
#include "base/span.h"

struct reader {
	struct span rest;
	int err; /* E_TRUNCATED or E_PARSE */
};

struct reader reader_of(struct span s);
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
struct span reader_bytes(struct reader *r, size_t n);
/* u32 length, then bytes: what buf_pack_span() wrote; borrowed */
struct span reader_span(struct reader *r);
/* the same as text into out[size]; E_PARSE on an inner NUL or when too long */
void reader_text(struct reader *r, char *out, size_t size);
/* reader_finish(r): 0 when all takes fitted and nothing is left over */
int reader_finish(const struct reader *r) ERR_CHECK;

#endif
