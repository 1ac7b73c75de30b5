/* cert/der, the writing half: from the end of the buffer to its beginning. */
#include "cert/der.h"

#include <stdlib.h>

#include "base/time.h"
#include "cert/cert_internal.h"

int
derw_init(struct derw *w, size_t cap)
{
	memset(w, 0, sizeof(*w));
	w->base = (uint8_t *)malloc(cap ? cap : 1);
	if (!w->base) {
		w->err = E_NOMEM;
		return E_NOMEM;
	}
	w->cap = w->at = cap;
	w->heap = true;
	return 0;
}

void
derw_done(struct derw *w)
{
	if (w->heap)
		free(w->base);
	memset(w, 0, sizeof(*w));
}

size_t
derw_mark(const struct derw *w)
{
	return w->at;
}

uint8_t *
derw_reserve(struct derw *w, size_t n)
{
	if (w->err)
		return NULL;
	if (n > w->at) {
		w->err = E_TOO_BIG;
		return NULL;
	}
	w->at -= n;
	return w->base + w->at;
}

void
derw_raw(struct derw *w, struct span s)
{
	uint8_t *to = s.n ? derw_reserve(w, s.n) : NULL;

	if (to)
		memcpy(to, s.p, s.n);
}

void
derw_byte(struct derw *w, uint8_t v)
{
	derw_raw(w, span_of(&v, 1));
}

static void
put_length(struct derw *w, size_t n)
{
	uint8_t bytes = 0;

	if (n < 0x80) {
		derw_byte(w, (uint8_t)n);
		return;
	}
	for (; n; n >>= 8, bytes++)
		derw_byte(w, (uint8_t)n);
	derw_byte(w, (uint8_t)(0x80 | bytes));
}

void
derw_wrap(struct derw *w, int tag, size_t mark)
{
	if (w->err)
		return;
	put_length(w, mark - w->at);
	derw_byte(w, (uint8_t)tag);
}

void
derw_primitive(struct derw *w, int tag, struct span content)
{
	size_t mark = derw_mark(w);

	derw_raw(w, content);
	derw_wrap(w, tag, mark);
}

void
derw_integer(struct derw *w, struct span be)
{
	size_t mark = derw_mark(w);

	while (be.n > 0 && be.p[0] == 0)
		be = span_of(be.p + 1, be.n - 1);
	derw_raw(w, be);
	if (be.n == 0 || be.p[0] >= 0x80)
		derw_byte(w, 0);
	derw_wrap(w, DER_INTEGER, mark);
}

void
derw_small(struct derw *w, int64_t v)
{
	uint8_t be[8];

	for (int i = 7; i >= 0; i--, v >>= 8)
		be[i] = (uint8_t)v;
	derw_integer(w, span_of(be, sizeof(be)));
}

void
derw_bool(struct derw *w, bool v)
{
	uint8_t b = v ? 0xff : 0;

	derw_primitive(w, DER_BOOLEAN, span_of(&b, 1));
}

void
derw_oid(struct derw *w, struct span oid)
{
	derw_primitive(w, DER_OID, oid);
}

void
derw_null(struct derw *w)
{
	derw_primitive(w, DER_NULL, span_of(NULL, 0));
}

void
derw_bits(struct derw *w, struct span bytes)
{
	size_t mark = derw_mark(w);

	derw_raw(w, bytes);
	derw_byte(w, 0);
	derw_wrap(w, DER_BIT_STRING, mark);
}

static void
put_digits(uint8_t *p, int v, int n)
{
	for (int i = n - 1; i >= 0; i--, v /= 10)
		p[i] = (uint8_t)('0' + v % 10);
}

void
derw_time(struct derw *w, int64_t utc)
{
	struct time_civil c = time_to_civil(utc);
	bool is_short = c.year >= 1950 && c.year < 2050;
	uint8_t text[15];

	/* RFC 5280 4.1.2.5: UTCTime through 2049 */
	put_digits(text, c.year, 4);
	put_digits(text + 4, c.month, 2);
	put_digits(text + 6, c.day, 2);
	put_digits(text + 8, c.hour, 2);
	put_digits(text + 10, c.minute, 2);
	put_digits(text + 12, c.second, 2);
	text[14] = 'Z';
	if (is_short)
		derw_primitive(w, DER_UTCTIME, span_of(text + 2, 13));
	else
		derw_primitive(w, DER_GENTIME, span_of(text, 15));
}

struct span
derw_span(const struct derw *w)
{
	return span_of(w->base + w->at, w->cap - w->at);
}

int
derw_to_buf(const struct derw *w, struct buf *out)
{
	if (w->err)
		return w->err;
	buf_add_span(out, derw_span(w));
	return buf_error(out);
}
