#include "cert/bundle.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/enumtab.h"
#include "base/str.h"
#include "cert/bundle_internal.h"
#include "cert/jks.h"
#include "cert/pem.h"

static const struct enum_text kinds[] = {
	{ OBJECT_CERT, "certificate" },
	{ OBJECT_CSR, "csr" },
	{ OBJECT_CRL, "crl" },
	{ OBJECT_KEY, "private-key" },
	{ OBJECT_PUBKEY, "public-key" },
	{ OBJECT_ENCRYPTED_KEY, "encrypted-private-key" },
	{ 0, NULL },
};

static const struct enum_text formats[] = {
	{ FORMAT_PEM, "pem" },
	{ FORMAT_DER, "der" },
	{ FORMAT_P7, "p7" },
	{ FORMAT_P12, "p12" },
	{ FORMAT_P8, "p8" },
	{ FORMAT_JKS, "jks" },
	{ 0, NULL },
};

const char *
object_kind_name(enum object_kind k)
{
	return enum_name(kinds, (int)k);
}

const char *
file_format_name(enum file_format f)
{
	return enum_name(formats, (int)f);
}

enum file_format
file_format_from_name(const char *text)
{
	return (enum file_format)enum_from_name(formats, text);
}

void
bundle_note(
    struct bundle_reader *r, size_t line, bool refused, const char *fmt, ...)
{
	struct bundle_note *n;
	char raw[512];
	va_list ap;

	if (r->b->note_total++ >= BUNDLE_NOTES_MAX)
		return;
	n = &r->b->notes[r->b->note_n++];
	n->line = line;
	n->refused = refused;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	str_escape(n->text, sizeof(n->text), raw, strlen(raw));
}

void
bundle_lost(struct bundle_reader *r, const char *what, const struct diag *d)
{
	bundle_note(r, r->line, true, "%s not read: %s%s%s", what, d->rule,
	    d->rule[0] ? ": " : "", d->fact[0] ? d->fact : err_text(d->code));
}

int
bundle_password(struct bundle_reader *r, const char *what)
{
	(void)diag_set(r->d, E_PASSWORD, r->name, NULL,
	    r->have_password ? "the password does not open the %s"
			     : "the %s needs a password",
	    what);
	diag_remedy(r->d,
	    r->have_password
		? "check the password (an end of line in its file is ignored, "
		  "blanks are not)"
		: "give the file's password with --password-file FILE");
	return E_PASSWORD;
}

static struct object *
new_object(struct bundle_reader *r, enum object_kind kind)
{
	struct object *o;

	if (r->b->n == r->cap) {
		size_t cap = r->cap ? 2 * r->cap : 16;

		o = (struct object *)realloc(r->b->objects, cap * sizeof(*o));
		if (!o)
			return NULL;
		r->b->objects = o;
		r->cap = cap;
	}
	o = &r->b->objects[r->b->n];
	memset(o, 0, sizeof(*o));
	o->kind = kind;
	o->format = r->format;
	o->line = r->line;
	memcpy(o->alias, r->alias, sizeof(o->alias));
	return o;
}

static int
too_many(struct bundle_reader *r)
{
	return diag_set(r->d, E_TOO_BIG, r->name, NULL, "more than %d objects",
	    BUNDLE_OBJECTS_MAX);
}

int
bundle_add(struct bundle_reader *r, enum object_kind kind, struct span der)
{
	struct object *o;
	uint8_t *copy;

	if (r->b->n == BUNDLE_OBJECTS_MAX)
		return too_many(r);
	o = new_object(r, kind);
	copy = o ? (uint8_t *)malloc(der.n ? der.n : 1) : NULL;
	if (!copy)
		return diag_set(r->d, E_NOMEM, r->name, NULL, "no memory");
	if (der.n)
		memcpy(copy, der.p, der.n);
	o->der = span_of(copy, der.n);
	r->b->n++;
	return 0;
}

int
bundle_add_key(struct bundle_reader *r, struct secret *key)
{
	struct object *o;

	if (r->b->n == BUNDLE_OBJECTS_MAX) {
		secret_free(key);
		return too_many(r);
	}
	o = new_object(r, OBJECT_KEY);
	if (!o) {
		secret_free(key);
		return diag_set(r->d, E_NOMEM, r->name, NULL, "no memory");
	}
	o->key = key;
	r->b->n++;
	return 0;
}

void
bundle_free(struct bundle *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->n; i++) {
		free((void *)(uintptr_t)b->objects[i].der.p);
		secret_free(b->objects[i].key);
	}
	free(b->objects);
	free(b);
}

static void
add_utf8(struct buf *out, unsigned c)
{
	if (c < 0x80) {
		buf_add_u8(out, (uint8_t)c);
		return;
	}
	if (c < 0x800) {
		buf_add_u8(out, (uint8_t)(0xc0 | c >> 6));
	} else {
		buf_add_u8(out, (uint8_t)(0xe0 | c >> 12));
		buf_add_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
	}
	buf_add_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
}

/* Text that a Windows editor stored as UTF-16, with or without its mark; out
 * stays empty when it is none. Surrogates become odd bytes: nothing that a
 * certificate needs is outside the basic plane. */
static int
from_utf16(struct span file, struct buf *out)
{
	const uint8_t *p = file.p;
	bool mark_le = file.n >= 2 && p[0] == 0xff && p[1] == 0xfe;
	bool mark_be = file.n >= 2 && p[0] == 0xfe && p[1] == 0xff;
	bool le = mark_le || (file.n >= 4 && p[0] == '-' && !p[1] && !p[3]);
	bool be = mark_be || (file.n >= 4 && !p[0] && p[1] == '-' && !p[2]);

	if ((le || be) && !(mark_be && file.n >= 4 && p[2] == 0xed))
		for (size_t i = mark_le || mark_be ? 2 : 0; i + 1 < file.n;
		     i += 2)
			add_utf8(out, le ? p[i] | (unsigned)p[i + 1] << 8
					 : (unsigned)p[i] << 8 | p[i + 1]);
	return buf_error(out);
}

/* DER elements one after the other */
static int
read_der_file(struct bundle_reader *r, struct span file)
{
	int e = 0;

	r->format = r->b->format = FORMAT_DER;
	while (!e && file.n > 0) {
		size_t n = der_length(file);

		if (n == 0 || n > file.n)
			n = file.n; /* BER, or cut short: told further down */
		e = bundle_read_der(r, span_of(file.p, n), NULL);
		file.p += n;
		file.n -= n;
		if (file.n > 0 && file.p[0] != 0x30) {
			bundle_note(r, 0, false,
			    "%zu bytes after the last object left out", file.n);
			break;
		}
	}
	return e;
}

/* 0x30 is also the digit '0': a text may begin with it */
static bool
looks_like_der(struct span file)
{
	size_t n = der_length(file);

	if (file.n < 2 || file.p[0] != 0x30)
		return false;
	return file.p[1] >= 0x80 || n == file.n;
}

static int
read_any(struct bundle_reader *r, struct span file)
{
	BUF(text, BUNDLE_FILE_MAX / 2 * 3 + 8);
	int e;

	if (jks_is(file) || jceks_is(file))
		return jks_read(r, file);
	e = from_utf16(file, &text);
	if (e)
		return diag_set(r->d, e, r->name, NULL, "as UTF-16 text");
	if (text.n)
		file = buf_span(&text);
	if (looks_like_der(file))
		return read_der_file(r, file);
	r->format = r->b->format = FORMAT_PEM;
	return bundle_read_pem(r, file, !pem_has_begin(file));
}

/* no object at all: say why, with the first thing that was refused */
static int
nothing_found(struct bundle_reader *r)
{
	const struct bundle_note *n = NULL;

	for (size_t i = 0; i < r->b->note_n && !n; i++)
		if (r->b->notes[i].refused)
			n = &r->b->notes[i];
	if (n && n->line)
		(void)diag_set(r->d, E_PARSE, r->name, NULL, "line %zu: %s",
		    n->line, n->text);
	else if (n)
		(void)diag_set(r->d, E_PARSE, r->name, NULL, "%s", n->text);
	else
		(void)diag_set(r->d, E_PARSE, r->name, NULL,
		    "holds no certificate, key, request or revocation list");
	diag_remedy(r->d, "readable are PEM, DER, PKCS#7, PKCS#8, PKCS#12 and "
			  "JKS files");
	return E_PARSE;
}

int
bundle_read(struct span file, const char *name, const struct bundle_options *o,
    struct diag *d, struct bundle **ret)
{
	AUTO_STRUCT(bundle) *b = NULL;
	struct bundle_reader r = { .name = name, .d = d };
	int e;

	if (file.n > BUNDLE_FILE_MAX)
		return diag_set(d, E_TOO_BIG, name, NULL,
		    "%zu bytes, at most %u", file.n, BUNDLE_FILE_MAX);
	if (file.n == 0)
		return diag_set(d, E_PARSE, name, NULL, "the file is empty");
	b = (struct bundle *)calloc(1, sizeof(*b));
	if (!b)
		return diag_set(d, E_NOMEM, name, NULL, "no memory");
	r.b = b;
	r.password = o ? o->password : span_of(NULL, 0);
	r.have_password = o && o->have_password;
	e = read_any(&r, file);
	if (e)
		return e;
	if (b->n == 0)
		return nothing_found(&r);
	*ret = TAKE(b);
	return 0;
}
