#include "cert/der.h"

#include "base/time.h"

#define DER_LENGTH_BYTES                                    \
	4 /* of a long-form length: 4 GiB is past any limit \
	   */

struct head {
	int tag;
	size_t head; /* bytes of tag and length */
	size_t n;    /* bytes of contents */
};

/* tag and length at the front of s, minimal as X.690 10.1 wants them */
static int
head_read(struct span s, struct head *ret)
{
	size_t bytes, n = 0;

	if (s.n < 2)
		return E_TRUNCATED;
	if ((s.p[0] & 0x1f) == 0x1f || s.p[0] == 0)
		return E_PARSE; /* no format we read has tags above 30 */
	if (s.p[1] < 0x80) {
		*ret = (struct head){ s.p[0], 2, s.p[1] };
		return s.n - 2 < s.p[1] ? E_TRUNCATED : 0;
	}
	bytes = s.p[1] & 0x7f;
	if (bytes == 0 || bytes > DER_LENGTH_BYTES)
		return E_PARSE;
	if (s.n - 2 < bytes)
		return E_TRUNCATED;
	for (size_t i = 0; i < bytes; i++)
		n = n << 8 | s.p[2 + i];
	if (n < 0x80 || s.p[2] == 0)
		return E_PARSE;
	*ret = (struct head){ s.p[0], 2 + bytes, n };
	return s.n - 2 - bytes < n ? E_TRUNCATED : 0;
}

struct der
der_of(struct span s)
{
	return (struct der){ .rest = s };
}

bool
der_is_empty(const struct der *d)
{
	return d->err || d->rest.n == 0;
}

int
der_peek(const struct der *d)
{
	return der_is_empty(d) ? -1 : d->rest.p[0];
}

/* takes the next element; raw keeps tag and length in the answer */
static struct span
take(struct der *d, int tag, bool raw, int *ret_tag)
{
	struct span s;
	struct head h;
	int e;

	if (d->err)
		return span_of(NULL, 0);
	e = head_read(d->rest, &h);
	if (!e && tag >= 0 && h.tag != tag)
		e = E_PARSE;
	if (e) {
		d->err = e;
		return span_of(NULL, 0);
	}
	s = raw ? span_of(d->rest.p, h.head + h.n)
		: span_of(d->rest.p + h.head, h.n);
	d->rest = span_of(d->rest.p + h.head + h.n, d->rest.n - h.head - h.n);
	if (ret_tag)
		*ret_tag = h.tag;
	return s;
}

struct span
der_take(struct der *d, int tag)
{
	return take(d, tag, false, NULL);
}

struct span
der_take_raw(struct der *d, int tag)
{
	return take(d, tag, true, NULL);
}

struct span
der_take_any(struct der *d, int *ret_tag)
{
	*ret_tag = -1;
	return take(d, -1, false, ret_tag);
}

struct der
der_enter(struct der *d, int tag)
{
	struct der in = { .rest = take(d, tag, false, NULL) };

	in.err = d->err;
	return in;
}

bool
der_try(struct der *d, int tag, struct span *ret)
{
	struct span s;

	if (der_peek(d) != tag)
		return false;
	s = der_take(d, tag);
	if (d->err)
		return false;
	*ret = s;
	return true;
}

static struct span
fail(struct der *d)
{
	if (!d->err)
		d->err = E_PARSE;
	return span_of(NULL, 0);
}

struct span
der_take_integer(struct der *d)
{
	struct span s = der_take(d, DER_INTEGER);

	/* X.690 8.3.2: the first nine bits are not all the same */
	if (s.n == 0 || (s.n > 1 && s.p[0] == 0 && s.p[1] < 0x80) ||
	    (s.n > 1 && s.p[0] == 0xff && s.p[1] >= 0x80))
		return fail(d);
	return s;
}

int64_t
der_take_small(struct der *d)
{
	struct span s = der_take_integer(d);
	int64_t v = 0;

	if (s.n == 0)
		return 0;
	if (s.n > 8 || s.p[0] >= 0x80) {
		fail(d); /* no field we read as a number is negative */
		return 0;
	}
	for (size_t i = 0; i < s.n; i++)
		v = v << 8 | s.p[i];
	return v;
}

bool
der_take_bool(struct der *d)
{
	struct span s = der_take(d, DER_BOOLEAN);

	if (s.n == 1 && (s.p[0] == 0 || s.p[0] == 0xff))
		return s.p[0] != 0;
	fail(d);
	return false;
}

struct span
der_take_bits(struct der *d, int *ret_unused)
{
	struct span s = der_take(d, DER_BIT_STRING);

	*ret_unused = 0;
	/* X.690 11.2.1: unused bits are zero */
	if (s.n == 0 || s.p[0] > 7 || (s.n == 1 && s.p[0] != 0) ||
	    (s.p[s.n - 1] & ((1u << s.p[0]) - 1) && s.n > 1))
		return fail(d);
	*ret_unused = s.p[0];
	return span_of(s.p + 1, s.n - 1);
}

static int
digits(const uint8_t *p, size_t n)
{
	int v = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		v = v * 10 + (p[i] - '0');
	}
	return v;
}

/*
 * RFC 5280 4.1.2.5: seconds present, Z, no fraction. A GeneralizedTime before
 * 2050 breaks the same paragraph, but real roots have it: reading takes it,
 * the linter reports it.
 */
int64_t
der_take_time(struct der *d)
{
	struct time_civil c;
	struct span s;
	int tag;
	int64_t utc;
	const uint8_t *p;

	s = der_take_any(d, &tag);
	if (!((tag == DER_UTCTIME && s.n == 13) ||
		(tag == DER_GENTIME && s.n == 15)) ||
	    s.p[s.n - 1] != 'Z') {
		fail(d);
		return 0;
	}
	p = s.p + s.n - 11;
	c.year = digits(s.p, s.n - 11);
	if (tag == DER_UTCTIME && c.year >= 0)
		c.year += c.year < 50 ? 2000 : 1900;
	c.month = digits(p, 2);
	c.day = digits(p + 2, 2);
	c.hour = digits(p + 4, 2);
	c.minute = digits(p + 6, 2);
	c.second = digits(p + 8, 2);
	if (time_from_civil(&c, &utc)) {
		fail(d);
		return 0;
	}
	return utc;
}

int
der_finish(const struct der *d)
{
	if (d->err)
		return d->err;
	return d->rest.n ? E_PARSE : 0;
}
