#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void
buf_init(struct buf *b, size_t max)
{
	memset(b, 0, sizeof(*b));
	b->max = max;
}

void
buf_done(struct buf *b)
{
	free(b->p);
	b->p = NULL;
	b->n = b->cap = 0;
}

struct buf *
buf_new(size_t max)
{
	struct buf *b = (struct buf *)malloc(sizeof(*b));

	if (b)
		buf_init(b, max);
	return b;
}

void
buf_free(struct buf *b)
{
	if (!b)
		return;
	buf_done(b);
	free(b);
}

void
buf_reset(struct buf *b)
{
	b->n = 0;
	b->err = 0;
}

int
buf_error(const struct buf *b)
{
	return b->err;
}

struct span
buf_span(const struct buf *b)
{
	return span_of(b->p, b->n);
}

uint8_t *
buf_reserve(struct buf *b, size_t n)
{
	size_t cap;
	uint8_t *p;

	if (b->err)
		return NULL;
	if (n > b->max || b->n > b->max - n) {
		b->err = E_TOO_BIG;
		return NULL;
	}
	if (b->p && b->n + n <= b->cap)
		return b->p + b->n;
	cap = b->cap ? b->cap : 256;
	while (cap < b->n + n)
		cap *= 2;
	if (cap > b->max && b->max > 0)
		cap = b->max;
	p = (uint8_t *)realloc(b->p, cap ? cap : 1);
	if (!p) {
		b->err = E_NOMEM;
		return NULL;
	}
	b->p = p;
	b->cap = cap;
	return b->p + b->n;
}

void
buf_add(struct buf *b, const void *p, size_t n)
{
	uint8_t *to = buf_reserve(b, n);

	if (!to || n == 0)
		return;
	memcpy(to, p, n);
	b->n += n;
}

void
buf_add_span(struct buf *b, struct span s)
{
	buf_add(b, s.p, s.n);
}

void
buf_add_text(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	uint8_t *to;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || !(to = buf_reserve(b, (size_t)n + 1)))
		return;
	va_start(ap, fmt);
	vsnprintf((char *)to, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

void
buf_consume(struct buf *b, size_t n)
{
	if (n >= b->n) {
		b->n = 0;
		return;
	}
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}

static void
add_be(struct buf *b, uint64_t v, size_t bytes)
{
	uint8_t raw[8];

	for (size_t i = 0; i < bytes; i++)
		raw[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
	buf_add(b, raw, bytes);
}

void
buf_add_u8(struct buf *b, uint8_t v)
{
	add_be(b, v, 1);
}

void
buf_add_u16(struct buf *b, uint16_t v)
{
	add_be(b, v, 2);
}

void
buf_add_u32(struct buf *b, uint32_t v)
{
	add_be(b, v, 4);
}

void
buf_add_u64(struct buf *b, uint64_t v)
{
	add_be(b, v, 8);
}

void
buf_pack_span(struct buf *b, struct span s)
{
	if (s.n > UINT32_MAX) {
		b->err = E_TOO_BIG;
		return;
	}
	buf_add_u32(b, (uint32_t)s.n);
	buf_add(b, s.p, s.n);
}

void
buf_pack_text(struct buf *b, const char *text)
{
	buf_pack_span(b, text ? span_str(text) : span_of(NULL, 0));
}
