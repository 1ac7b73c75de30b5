#include "cert/name_text.h"

#include <stdio.h>

#include "cert/der.h"

void
text_add(struct text *t, const char *p, size_t n)
{
	if (t->is_full || n >= t->size - t->n) {
		t->is_full = true;
		return;
	}
	memcpy(t->out + t->n, p, n);
	t->n += n;
	t->out[t->n] = '\0';
}

/* smallest code point for a sequence of this length; shorter is overlong */
static const uint32_t utf8_least[] = { 0, 0, 0x80, 0x800, 0x10000 };

/* decodes one character; 0 when the bytes are no UTF-8 */
static size_t
utf8_take(const uint8_t *p, size_t n, uint32_t *ret)
{
	size_t len = p[0] < 0x80   ? 1
		     : p[0] < 0xc2 ? 0
		     : p[0] < 0xe0 ? 2
		     : p[0] < 0xf0 ? 3
		     : p[0] < 0xf5 ? 4
				   : 0;
	uint32_t c;

	if (len == 0 || len > n)
		return 0;
	c = len == 1 ? p[0] : p[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < utf8_least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*ret = c;
	return len;
}

static bool
is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

size_t
text_utf8_len(const uint8_t *p, size_t n)
{
	uint32_t c;
	size_t len = utf8_take(p, n, &c);

	return len && !is_control(c) ? len : 0;
}

bool
text_is_printable_string(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c && strchr(" '()+,-./:=?", c));
}

static size_t
utf8_put(char *out, uint32_t c)
{
	size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (len == 1) {
		out[0] = (char)c;
		return 1;
	}
	for (size_t i = len - 1; i > 0; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)((0xf00u >> len) | c);
	return len;
}

/* direction marks and overrides would turn the text around on a screen */
static bool
is_hidden(uint32_t c)
{
	return is_control(c) || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
	       c == 0xfeff;
}

static void
add_char(struct text *t, uint32_t c, bool escaped, bool is_edge)
{
	char utf8[4], out[16];
	size_t len = utf8_put(utf8, c), n = 0;

	if (escaped && is_hidden(c)) {
		for (size_t i = 0; i < len; i++)
			n += (size_t)snprintf(out + n, sizeof(out) - n,
			    "\\%02X", (uint8_t)utf8[i]);
		text_add(t, out, n);
		return;
	}
	if (c == 0)
		t->has_nul = true;
	if (t->has_nul)
		return;
	if (escaped && ((c < 0x80 && strchr(",+\"\\<>;", (int)c)) ||
			   (is_edge && (c == ' ' || c == '#')))) {
		out[0] = '\\';
		out[1] = (char)c;
		text_add(t, out, 2);
		return;
	}
	text_add(t, utf8, len);
}

/* one character of the value at v.p; how many bytes it took */
static size_t
char_take(int tag, struct span v, uint32_t *ret)
{
	size_t len;

	if (tag == DER_BMP && v.n >= 2) {
		*ret = (uint32_t)v.p[0] << 8 | v.p[1];
		if (*ret >= 0xd800 && *ret < 0xe000)
			*ret = 0xfffd; /* BMPString has no surrogates */
		return 2;
	}
	if (tag == DER_UNIVERSAL && v.n >= 4) {
		*ret = (uint32_t)v.p[0] << 24 | (uint32_t)v.p[1] << 16 |
		       (uint32_t)v.p[2] << 8 | v.p[3];
		if (*ret > 0x10ffff || (*ret >= 0xd800 && *ret < 0xe000))
			*ret = 0xfffd;
		return 4;
	}
	len = tag == DER_T61 ? 0 : utf8_take(v.p, v.n, ret);
	if (len)
		return len;
	*ret = v.p[0];
	return 1;
}

void
text_add_value(struct text *t, int tag, struct span v, bool escaped)
{
	size_t len;

	for (size_t at = 0; at < v.n; at += len) {
		uint32_t c;

		len = char_take(tag, span_of(v.p + at, v.n - at), &c);
		/* '#' is special in front only, a blank at both ends */
		add_char(
		    t, c, escaped, at == 0 || (c == ' ' && at + len == v.n));
	}
}
