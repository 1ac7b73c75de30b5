#include "cert/pem.h"

#include <stdlib.h>

#include "base/str.h"

#define DASHES_MIN 2

struct pem_scan
pem_scan_of(struct span text)
{
	return (struct pem_scan){ .text = text };
}

/* bytes of a blank at p: ASCII blanks, no-break and zero-width space, byte
 * order mark (files joined by a copy command have one in their middle) */
static size_t
blank_len(const uint8_t *p, size_t n)
{
	if (n >= 1 && (p[0] == ' ' || (p[0] >= '\t' && p[0] <= '\r')))
		return 1;
	if (n >= 2 && p[0] == 0xc2 && p[1] == 0xa0)
		return 2;
	if (n >= 3 && p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf)
		return 3;
	if (n >= 3 && p[0] == 0xe2 && p[1] == 0x80 && p[2] == 0x8b)
		return 3;
	return 0;
}

static struct span
trim(struct span s)
{
	size_t len;

	while ((len = blank_len(s.p, s.n)) > 0) {
		s.p += len;
		s.n -= len;
	}
	for (;;) {
		if (s.n >= 1 && blank_len(s.p + s.n - 1, 1))
			s.n -= 1;
		else if (s.n >= 2 && blank_len(s.p + s.n - 2, 2) == 2)
			s.n -= 2;
		else if (s.n >= 3 && blank_len(s.p + s.n - 3, 3) == 3)
			s.n -= 3;
		else
			return s;
	}
}

/* the next line without its end (LF, CRLF or CR); false at the end */
static bool
take_line(struct pem_scan *s, struct span *ret)
{
	const uint8_t *p = s->text.p + s->at;
	size_t left = s->text.n - s->at, n = 0;

	if (left == 0)
		return false;
	while (n < left && p[n] != '\n' && p[n] != '\r')
		n++;
	*ret = span_of(p, n);
	s->at += n;
	if (n < left)
		s->at +=
		    p[n] == '\r' && n + 1 < left && p[n + 1] == '\n' ? 2 : 1;
	s->line++;
	return true;
}

/* bytes of a dash at p and how many '-' it stands for: word processors make
 * one long dash of two short ones (chapter 6 of the guidelines shows them) */
static size_t
dash_len(const uint8_t *p, size_t n, size_t *count)
{
	if (n >= 1 && p[0] == '-') {
		*count += 1;
		return 1;
	}
	if (n >= 3 && p[0] == 0xe2 &&
	    ((p[1] == 0x80 && p[2] >= 0x90 && p[2] <= 0x95) ||
		(p[1] == 0x88 && p[2] == 0x92))) {
		*count += p[2] == 0x94 || p[2] == 0x95 ? 2 : 1;
		return 3;
	}
	if (n >= 1 && (p[0] == 0x96 || p[0] == 0x97)) { /* Windows-1252 */
		*count += p[0] == 0x97 ? 2 : 1;
		return 1;
	}
	return 0;
}

static size_t
dashes(struct span s, size_t *count)
{
	size_t at = 0, len;

	*count = 0;
	while ((len = dash_len(s.p + at, s.n - at, count)) > 0)
		at += len;
	return at;
}

static struct span
skip(struct span s, size_t n)
{
	return span_of(s.p + n, s.n - n);
}

/* -----WORD LABEL-----REST at the beginning of a line */
static bool
take_marker(struct span line, const char *word, char *label, struct span *rest)
{
	size_t count, len, n = 0, word_len = strlen(word);
	struct span text;

	line = skip(line, dashes(line, &count));
	if (count < DASHES_MIN)
		return false;
	line = trim(line);
	if (line.n < word_len || memcmp(line.p, word, word_len) != 0)
		return false;
	line = skip(line, word_len);
	if (line.n && !blank_len(line.p, line.n) && !dashes(line, &count))
		return false;
	for (len = 0; n < line.n; n++) {
		len = dashes(skip(line, n), &count);
		if (count >= DASHES_MIN)
			break;
		len = 0;
	}
	text = trim(span_of(line.p, n));
	str_escape(label, PEM_LABEL_MAX, (const char *)text.p, text.n);
	*rest = trim(skip(line, n + len));
	return true;
}

bool
pem_has_begin(struct span text)
{
	struct pem_scan s = pem_scan_of(text);
	struct span line, rest;
	char label[PEM_LABEL_MAX];

	while (take_line(&s, &line))
		if (take_marker(trim(line), "BEGIN", label, &rest))
			return true;
	return false;
}

static bool
is_base64(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '+' || c == '/';
}

static enum pem_line_kind
classify(struct span s)
{
	bool spaced = false;

	while (s.n && s.p[s.n - 1] == '=')
		s.n--;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == ' ' || s.p[i] == '\t')
			spaced = true;
		else if (!is_base64(s.p[i]))
			return PEM_NOISE;
	}
	return spaced ? PEM_SPACED : PEM_DATA;
}

static int
add_line(struct pem_scan *s, struct pem_block *b, struct span line)
{
	struct pem_line *l;

	if (line.n == 0)
		return 0;
	if (b->n == PEM_LINES_MAX) {
		b->too_long = true;
		return 0;
	}
	if (b->n == b->cap) {
		size_t cap = b->cap ? 2 * b->cap : 64;

		l = (struct pem_line *)realloc(b->lines, cap * sizeof(*l));
		if (!l)
			return E_NOMEM;
		b->lines = l;
		b->cap = cap;
	}
	l = &b->lines[b->n++];
	l->at = (size_t)(line.p - s->text.p);
	l->n = line.n;
	l->number = s->line;
	l->kind = classify(line);
	l->dropped = false;
	return 0;
}

/* "Name: value" (RFC 1421 4.6): before any data, a colon and a blank after
 * it; a web address has no blank there */
static bool
take_header(struct pem_block *b, struct span line)
{
	size_t at = 0, used = strlen(b->headers);

	while (at < line.n && (is_base64(line.p[at]) || line.p[at] == '-'))
		at++;
	if (b->n > 0 || at == 0 || at + 1 >= line.n || line.p[at] != ':' ||
	    line.p[at + 1] != ' ' || used + line.n + 2 > sizeof(b->headers) ||
	    memchr(line.p, '\0', line.n))
		return false;
	memcpy(b->headers + used, line.p, line.n);
	b->headers[used + line.n] = '\n';
	b->headers[used + line.n + 1] = '\0';
	return true;
}

static void
block_reset(struct pem_block *b)
{
	struct pem_line *lines = b->lines;
	size_t cap = b->cap;

	memset(b, 0, sizeof(*b));
	b->lines = lines;
	b->cap = cap;
}

/* where an END marker begins inside a line that has data before it */
static size_t
find_end(struct span line, char *label)
{
	struct span rest;
	size_t count;

	for (size_t i = 0; i + 5 < line.n; i++) {
		if (!dashes(skip(line, i), &count) || count < DASHES_MIN)
			continue;
		if (take_marker(skip(line, i), "END", label, &rest))
			return i;
		i += dashes(skip(line, i), &count) - 1;
	}
	return line.n;
}

/* one line of a block; *ret_end at its END line */
static int
take_body(
    struct pem_scan *s, struct pem_block *b, struct span line, bool *ret_end)
{
	size_t end = find_end(line, b->end_label);

	*ret_end = end < line.n;
	if (!*ret_end && take_header(b, line))
		return 0;
	return add_line(s, b, trim(span_of(line.p, end)));
}

static int
take_block(struct pem_scan *s, struct pem_block *b, struct span first)
{
	struct span line = first, rest;
	char label[PEM_LABEL_MAX];
	bool end = false;
	int e = take_body(s, b, line, &end);

	while (!e && !end) {
		struct pem_scan before = *s;
		struct span raw;

		if (!take_line(s, &raw))
			return 0;
		line = trim(raw);
		if (take_marker(line, "BEGIN", label, &rest)) {
			*s = before; /* its END is missing: stop before it */
			return 0;
		}
		if (line.n && line.n != raw.n && !s->padded++)
			s->padded_line = s->line;
		e = take_body(s, b, line, &end);
	}
	b->has_end = end;
	b->end_line = s->line;
	return e;
}

int
pem_next(struct pem_scan *s, struct pem_block *b)
{
	struct span line, rest;

	block_reset(b);
	while (take_line(s, &line)) {
		if (!take_marker(trim(line), "BEGIN", b->label, &rest))
			continue;
		b->line = s->line;
		return take_block(s, b, rest);
	}
	return E_NOT_FOUND;
}

int
pem_bare(struct pem_scan *s, struct pem_block *b)
{
	struct span line;
	int e = 0;

	block_reset(b);
	b->line = 1;
	b->has_end = true;
	while (!e && take_line(s, &line))
		e = add_line(s, b, trim(line));
	b->end_line = s->line;
	return e;
}

void
pem_block_done(struct pem_block *b)
{
	free(b->lines);
	memset(b, 0, sizeof(*b));
}
