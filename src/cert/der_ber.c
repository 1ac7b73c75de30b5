/*
 * cert/der, what old devices send instead: BER rewritten as DER in one pass.
 * Contents are appended first and moved up by the size of their head once it
 * is known, at most DER_MAX_DEPTH times per byte.
 */
#include "cert/der.h"

#define BER_LENGTH_BYTES 8 /* of a long-form length, leading zeros included */
#define CONSTRUCTED 0x20

struct ber {
	struct span rest;
	struct buf *out;
};

struct ber_head {
	int tag;
	bool is_indefinite;
	size_t n;
};

static int
head_read(struct span *rest, struct ber_head *ret)
{
	size_t bytes, n = 0;

	if (rest->n < 2)
		return E_TRUNCATED;
	if ((rest->p[0] & 0x1f) == 0x1f)
		return E_PARSE;
	*ret = (struct ber_head){ .tag = rest->p[0], .n = rest->p[1] };
	bytes = rest->p[1] >= 0x80 ? rest->p[1] & 0x7f : 0;
	ret->is_indefinite = rest->p[1] == 0x80;
	*rest = span_of(rest->p + 2, rest->n - 2);
	if (bytes > BER_LENGTH_BYTES)
		return E_PARSE;
	if (bytes > rest->n)
		return E_TRUNCATED;
	for (size_t i = 0; i < bytes; i++)
		n = n << 8 | rest->p[i];
	if (bytes)
		ret->n = n;
	*rest = span_of(rest->p + bytes, rest->n - bytes);
	if (!ret->is_indefinite && ret->n > rest->n)
		return E_TRUNCATED;
	return 0;
}

/* the universal string types that may come in pieces, X.690 8.7 and 8.23;
 * no device is known to split a BIT STRING */
static bool
is_pieces(int tag)
{
	int type = tag & ~CONSTRUCTED;

	return (tag & CONSTRUCTED) &&
	       (type == DER_OCTET_STRING || type == DER_UTF8 ||
		   (type >= DER_NUMERIC && type <= DER_BMP &&
		       type != DER_UTCTIME && type != DER_GENTIME));
}

/* puts tag and minimal length in front of what was written from start on */
static int
head_insert(struct buf *out, int tag, size_t start)
{
	size_t n = out->n - start, bytes = 0;
	uint8_t head[2 + sizeof(size_t)];

	if (n >= 0x80)
		for (size_t v = n; v; v >>= 8)
			bytes++;
	head[0] = (uint8_t)tag;
	head[1] = (uint8_t)(bytes ? 0x80 | bytes : n);
	for (size_t i = 0; i < bytes; i++)
		head[2 + i] = (uint8_t)(n >> (8 * (bytes - 1 - i)));
	if (!buf_reserve(out, 2 + bytes))
		return buf_error(out);
	if (n)
		memmove(out->p + start + 2 + bytes, out->p + start, n);
	memcpy(out->p + start, head, 2 + bytes);
	out->n += 2 + bytes;
	return 0;
}

static int element(struct ber *b, int depth, int joined);

/* the elements of a constructed one, to the end given or the two zeros */
static int
contents(struct ber *b, const struct ber_head *h, int depth, int joined)
{
	struct span after = b->rest;
	int e;

	if (!h->is_indefinite) {
		after = span_of(b->rest.p + h->n, b->rest.n - h->n);
		b->rest.n = h->n;
		while (b->rest.n > 0)
			if ((e = element(b, depth, joined)))
				return e;
		b->rest = after;
		return 0;
	}
	while (b->rest.n >= 2 && (b->rest.p[0] || b->rest.p[1]))
		if ((e = element(b, depth, joined)))
			return e;
	if (b->rest.n < 2)
		return E_TRUNCATED;
	b->rest = span_of(b->rest.p + 2, b->rest.n - 2);
	return 0;
}

/* joined: the string type whose pieces are being put together, or 0 */
static int
element(struct ber *b, int depth, int joined)
{
	size_t start = b->out->n;
	struct ber_head h;
	int e = head_read(&b->rest, &h);
	int type;

	if (e)
		return e;
	if (depth > DER_MAX_DEPTH)
		return E_TOO_BIG;
	if (h.tag == 0)
		return E_PARSE;
	type = is_pieces(h.tag) ? h.tag & ~CONSTRUCTED : h.tag;
	if (joined && type != joined)
		return E_PARSE;
	if (h.tag & CONSTRUCTED) {
		e = contents(b, &h, depth + 1, type != h.tag ? type : 0);
		if (e)
			return e;
	} else {
		if (h.is_indefinite)
			return E_PARSE;
		buf_add(b->out, b->rest.p, h.n);
		b->rest = span_of(b->rest.p + h.n, b->rest.n - h.n);
	}
	if ((e = buf_error(b->out)))
		return e;
	return joined ? 0 : head_insert(b->out, type, start);
}

int
der_normalize(struct span in, struct buf *out)
{
	struct ber b = { .rest = in, .out = out };
	int e = element(&b, 0, 0);

	if (e)
		return e;
	return b.rest.n ? E_PARSE : 0;
}
