/* From the lines of a block to its bytes. */
#include "cert/pem.h"

#define LENGTHS 256 /* line lengths counted; longer ones are all alike */

struct decoder {
	uint32_t bits;
	size_t digits, pads;
	bool broken; /* data after padding */
};

static int
digit(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* to has room for 3/4 of the line and 3 bytes more; returns bytes written */
static size_t
decode_line(struct decoder *d, struct span line, uint8_t *to)
{
	size_t at = 0;

	for (size_t i = 0; i < line.n; i++) {
		int v = digit(line.p[i]);

		if (line.p[i] == '=')
			d->pads++;
		if (v < 0)
			continue;
		if (d->pads)
			d->broken = true;
		d->bits = d->bits << 6 | (uint32_t)v;
		if (++d->digits % 4)
			continue;
		to[at++] = (uint8_t)(d->bits >> 16);
		to[at++] = (uint8_t)(d->bits >> 8);
		to[at++] = (uint8_t)d->bits;
	}
	return at;
}

/* missing padding is forgiven: copying loses it */
static bool
decode_end(struct decoder *d, struct buf *out)
{
	if (d->broken || d->digits % 4 == 1 || d->pads > 3)
		return false;
	if (d->digits % 4 >= 2)
		buf_add_u8(
		    out, (uint8_t)(d->bits >> (d->digits % 4 == 2 ? 4 : 10)));
	if (d->digits % 4 == 3)
		buf_add_u8(out, (uint8_t)(d->bits >> 2));
	return !out->err;
}

/* decodes all lines that are not dropped */
static bool
decode(struct pem_scan *s, struct pem_block *b, struct buf *out)
{
	struct decoder d = { 0 };

	buf_reset(out);
	for (size_t i = 0; i < b->n; i++) {
		const struct pem_line *l = &b->lines[i];
		uint8_t *to;

		if (l->dropped)
			continue;
		to = buf_reserve(out, l->n / 4 * 3 + 6);
		if (!to)
			return false;
		out->n += decode_line(&d, span_of(s->text.p + l->at, l->n), to);
	}
	return decode_end(&d, out) && out->n > 0;
}

static bool
attempt(struct pem_scan *s, struct pem_block *b, pem_fits *fits, void *cookie,
    struct buf *out)
{
	return decode(s, b, out) && fits(buf_span(out), cookie);
}

/* drop_kind(b, spaced): noise always; lines with inner blanks when spaced */
static void
drop_kind(struct pem_block *b, bool spaced)
{
	for (size_t i = 0; i < b->n; i++)
		b->lines[i].dropped =
		    b->lines[i].kind == PEM_NOISE ||
		    (spaced && b->lines[i].kind == PEM_SPACED);
}

/* the length most data lines have */
static size_t
usual_length(const struct pem_block *b)
{
	size_t count[LENGTHS] = { 0 }, best = 0;

	for (size_t i = 0; i < b->n; i++)
		if (!b->lines[i].dropped && b->lines[i].n < LENGTHS)
			count[b->lines[i].n]++;
	for (size_t n = 1; n < LENGTHS; n++)
		if (count[n] >= count[best])
			best = n;
	return best;
}

/* data lines of another length than most: a footer word is among them, and
 * so is the last real line */
static size_t
find_suspects(struct pem_block *b, struct pem_line **ret)
{
	size_t usual = usual_length(b), n = 0;

	for (size_t i = 0; i < b->n; i++) {
		if (b->lines[i].dropped || b->lines[i].n == usual)
			continue;
		if (n == PEM_SUSPECTS_MAX)
			return 0;
		ret[n++] = &b->lines[i];
	}
	return n;
}

/* every choice of suspects to leave out, the smallest choices first */
static bool
search(struct pem_scan *s, struct pem_block *b, pem_fits *fits, void *cookie,
    struct buf *out)
{
	struct pem_line *suspects[PEM_SUSPECTS_MAX];
	size_t n = find_suspects(b, suspects);

	for (size_t k = 1; k <= n; k++)
		for (unsigned mask = 1; mask < 1u << n; mask++) {
			if ((size_t)__builtin_popcount(mask) != k)
				continue;
			if (s->tries++ >= PEM_TRIES_MAX)
				goto none;
			for (size_t i = 0; i < n; i++)
				suspects[i]->dropped = mask >> i & 1;
			if (attempt(s, b, fits, cookie, out))
				return true;
		}
none:
	for (size_t i = 0; i < n; i++)
		suspects[i]->dropped = false;
	return false;
}

static size_t
block_size(const struct pem_block *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		n += b->lines[i].n;
	return n;
}

int
pem_decode(struct pem_scan *s, struct pem_block *b, pem_fits *fits,
    void *cookie, struct buf *out)
{
	if (b->too_long)
		return E_TOO_BIG;
	drop_kind(b, true);
	if (attempt(s, b, fits, cookie, out))
		return 0;
	if (out->err)
		return out->err;
	if (block_size(b) <= PEM_SALVAGE_MAX) {
		if (search(s, b, fits, cookie, out))
			return 0;
		drop_kind(b, false);
		if (attempt(s, b, fits, cookie, out) ||
		    search(s, b, fits, cookie, out))
			return 0;
	}
	drop_kind(b, true);
	if (!decode(s, b, out) && out->err)
		return out->err;
	return E_PARSE;
}
