#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
str_copy(char *out, size_t size, const char *text)
{
	size_t n = strlen(text);

	if (n >= size) {
		if (size)
			out[0] = '\0';
		return E_TOO_BIG;
	}
	memcpy(out, text, n + 1);
	return 0;
}

/* length of the well-formed UTF-8 sequence at p (1-4), 0 when broken or C1 */
static size_t
utf8_len(const uint8_t *p, size_t n)
{
	size_t want = p[0] >= 0xf0 && p[0] <= 0xf4  ? 4
		      : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
		      : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
						    : 0;
	if (want == 0 || want > n)
		return 0;
	for (size_t i = 1; i < want; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if (p[0] == 0xc2 && p[1] < 0xa0)
		return 0;
	return want;
}

void
str_escape(char *out, size_t size, const char *text, size_t n)
{
	const uint8_t *p = (const uint8_t *)text;
	size_t at = 0;

	if (size == 0)
		return;
	for (size_t i = 0; i < n;) {
		size_t len = p[i] >= 0x20 && p[i] < 0x7f ? 1
			     : p[i] >= 0x80 ? utf8_len(p + i, n - i)
					    : 0;
		if (len) {
			if (at + len >= size)
				break;
			memcpy(out + at, p + i, len);
			at += len;
			i += len;
			continue;
		}
		if (at + 4 >= size)
			break;
		snprintf(out + at, 5, "\\x%02x", p[i]);
		at += 4;
		i++;
	}
	out[at] = '\0';
}

void
str_hex(char *out, size_t size, struct span s, char sep)
{
	static const char digits[] = "0123456789abcdef";
	size_t at = 0;

	if (size == 0)
		return;
	for (size_t i = 0; i < s.n; i++) {
		if (at + (sep && i ? 3 : 2) >= size)
			break;
		if (sep && i)
			out[at++] = sep;
		out[at++] = digits[s.p[i] >> 4];
		out[at++] = digits[s.p[i] & 15];
	}
	out[at] = '\0';
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
str_from_hex(const char *text, uint8_t *out, size_t max, size_t *ret_n)
{
	size_t n = 0;

	while (*text) {
		int hi, lo;

		if (*text == ':' || *text == ' ') {
			text++;
			continue;
		}
		hi = hex_digit(text[0]);
		lo = hi < 0 ? -1 : hex_digit(text[1]);
		if (hi < 0 || lo < 0)
			return E_PARSE;
		if (n == max)
			return E_TOO_BIG;
		out[n++] = (uint8_t)(hi << 4 | lo);
		text += 2;
	}
	*ret_n = n;
	return 0;
}

int
str_to_int(const char *text, int64_t min, int64_t max, int64_t *ret)
{
	char *end;
	long long v;

	if (!isdigit((unsigned char)text[0]) && text[0] != '-')
		return E_INVAL;
	errno = 0;
	v = strtoll(text, &end, 10);
	if (errno || *end || end == text || v < min || v > max)
		return E_INVAL;
	*ret = v;
	return 0;
}

int
str_duration(const char *text, int64_t *ret_seconds)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
		{ 'w', 604800 }, { 'y', 31536000 } };
	size_t n = strlen(text);
	char digits[16];
	int64_t v;

	if (n < 2 || n > sizeof(digits))
		return E_INVAL;
	memcpy(digits, text, n - 1);
	digits[n - 1] = '\0';
	if (str_to_int(digits, 0, 1000000000, &v))
		return E_INVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (units[i].unit != text[n - 1])
			continue;
		*ret_seconds = v * units[i].seconds;
		return 0;
	}
	return E_INVAL;
}

void
str_duration_print(int64_t seconds, char *out, size_t size)
{
	int64_t d = seconds / 86400, h = seconds / 3600 % 24,
		m = seconds / 60 % 60;

	if (seconds < 0)
		snprintf(out, size, "expired");
	else if (d >= 3)
		snprintf(out, size, "%" PRId64 " d", d);
	else if (d > 0)
		snprintf(out, size, "%" PRId64 " d %" PRId64 " h", d, h);
	else if (h > 0)
		snprintf(out, size, "%" PRId64 " h %" PRId64 " min", h, m);
	else
		snprintf(out, size, "%" PRId64 " min", m);
}

bool
str_is_equal_nocase(const char *a, const char *b)
{
	for (; *a && *b; a++, b++) {
		char x = *a >= 'A' && *a <= 'Z' ? (char)(*a + 32) : *a;
		char y = *b >= 'A' && *b <= 'Z' ? (char)(*b + 32) : *b;

		if (x != y)
			return false;
	}
	return *a == *b;
}

bool
str_has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int
str_base64(struct span s, char **ret_text)
{
	char *out = (char *)malloc((s.n + 2) / 3 * 4 + 1);
	size_t at = 0;

	if (!out)
		return E_NOMEM;
	for (size_t i = 0; i < s.n; i += 3) {
		size_t left = s.n - i;
		uint32_t v = (uint32_t)s.p[i] << 16;

		v |= left > 1 ? (uint32_t)s.p[i + 1] << 8 : 0;
		v |= left > 2 ? s.p[i + 2] : 0;
		out[at++] = base64_digits[v >> 18];
		out[at++] = base64_digits[v >> 12 & 63];
		out[at++] = left > 1 ? base64_digits[v >> 6 & 63] : '=';
		out[at++] = left > 2 ? base64_digits[v & 63] : '=';
	}
	out[at] = '\0';
	*ret_text = out;
	return 0;
}

static int
base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int
str_from_base64(struct span text, uint8_t **ret, size_t *ret_n)
{
	uint8_t *out = (uint8_t *)malloc(text.n / 4 * 3 + 3);
	size_t at = 0, digits = 0, pads = 0;
	uint32_t v = 0;

	if (!out)
		return E_NOMEM;
	for (size_t i = 0; i < text.n; i++) {
		int d = base64_value(text.p[i]);

		if (isspace(text.p[i]))
			continue;
		if (text.p[i] == '=' && ++pads <= 2)
			continue;
		if (d < 0 || pads)
			goto bad;
		v = v << 6 | (uint32_t)d;
		if (++digits % 4 == 0) {
			out[at++] = (uint8_t)(v >> 16);
			out[at++] = (uint8_t)(v >> 8);
			out[at++] = (uint8_t)v;
		}
	}
	if ((digits + pads) % 4 || digits % 4 == 1)
		goto bad;
	if (digits % 4 >= 2)
		out[at++] = (uint8_t)(v >> (digits % 4 == 2 ? 4 : 10));
	if (digits % 4 == 3)
		out[at++] = (uint8_t)(v >> 2);
	*ret = out;
	*ret_n = at;
	return 0;
bad:
	free(out);
	return E_PARSE;
}
