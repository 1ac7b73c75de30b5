#include "base/reader.h"

struct reader
reader_of(struct span s)
{
	return (struct reader){ .rest = s, .err = 0 };
}

struct span
reader_bytes(struct reader *r, size_t n)
{
	struct span s;

	if (r->err)
		return span_of(NULL, 0);
	if (n > r->rest.n) {
		r->err = E_TRUNCATED;
		return span_of(NULL, 0);
	}
	s = span_of(r->rest.p, n);
	r->rest.p += n;
	r->rest.n -= n;
	return s;
}

static uint64_t
take_be(struct reader *r, size_t bytes)
{
	struct span s = reader_bytes(r, bytes);
	uint64_t v = 0;

	for (size_t i = 0; i < s.n; i++)
		v = v << 8 | s.p[i];
	return v;
}

uint8_t
reader_u8(struct reader *r)
{
	return (uint8_t)take_be(r, 1);
}

uint16_t
reader_u16(struct reader *r)
{
	return (uint16_t)take_be(r, 2);
}

uint32_t
reader_u32(struct reader *r)
{
	return (uint32_t)take_be(r, 4);
}

uint64_t
reader_u64(struct reader *r)
{
	return take_be(r, 8);
}

struct span
reader_span(struct reader *r)
{
	return reader_bytes(r, reader_u32(r));
}

void
reader_text(struct reader *r, char *out, size_t size)
{
	struct span s = reader_span(r);

	out[0] = '\0';
	if (r->err)
		return;
	if (s.n >= size || (s.n && memchr(s.p, 0, s.n))) {
		r->err = E_PARSE;
		return;
	}
	if (s.n)
		memcpy(out, s.p, s.n);
	out[s.n] = '\0';
}

int
reader_finish(const struct reader *r)
{
	if (r->err)
		return r->err;
	return r->rest.n == 0 ? 0 : E_PARSE;
}
