/* PEM text into the bundle (CERT-2). */
#include "cert/bundle_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cert/pem.h"

#define SHOWN_MAX 80 /* bytes of a dropped line shown in its note */

/* does the decoding look like one whole object? */
static bool
is_whole(struct span der, void *cookie)
{
	const struct pem_block *b = (const struct pem_block *)cookie;
	size_t n = der_length(der);

	if (b->headers[0])
		return der.n > 0; /* encrypted: nothing to see from here */
	if (der.n < 2 || der.p[0] != 0x30)
		return false;
	if (der.p[1] == 0x80) /* BER */
		return der.n > 4 && !der.p[der.n - 1] && !der.p[der.n - 2];
	if (strcmp(b->label, "TRUSTED CERTIFICATE") == 0)
		return n > 0 && n <= der.n;
	return n == der.n;
}

/* CERT-2: what was left out is named, line by line. Of a block without an END
 * line only the number is told: the rest of the file would be in it. */
static void
note_dropped(
    struct bundle_reader *r, struct span text, const struct pem_block *b)
{
	size_t n = 0, first = 0;

	for (size_t i = 0; i < b->n; i++) {
		const struct pem_line *l = &b->lines[i];
		size_t shown = l->n < SHOWN_MAX ? l->n : SHOWN_MAX;

		if (!l->dropped)
			continue;
		if (!n++)
			first = l->number;
		if (b->has_end)
			bundle_note(r, l->number, false,
			    "left out of the block that begins on line %zu: "
			    "\"%.*s%s\"",
			    b->line, (int)shown, (const char *)text.p + l->at,
			    shown < l->n ? "..." : "");
	}
	if (n && !b->has_end)
		bundle_note(r, first, false,
		    "%zu lines left out of the block that begins on line %zu",
		    n, b->line);
}

static void
note_marks(struct bundle_reader *r, const struct pem_block *b)
{
	if (!b->has_end)
		bundle_note(r, b->line, false,
		    "the END line of this %s is missing", b->label);
	else if (strcmp(b->label, b->end_label) != 0)
		bundle_note(r, b->end_line, false,
		    "ends as \"%s\" what began as \"%s\"", b->end_label,
		    b->label);
}

/* labels of parameters: harmless company of a key */
static bool
is_parameters(const char *label)
{
	size_t n = strlen(label), k = strlen("PARAMETERS");

	return n >= k && strcmp(label + n - k, "PARAMETERS") == 0;
}

/* PKCS#1 public keys have no shape of their own: two integers */
static int
read_rsa_public(struct bundle_reader *r, struct span der)
{
	const unsigned char *p = der.p;
	AUTO(EVP_PKEY) *key =
	    d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long)der.n);
	BUF(spki, 65536);

	if (key && spki_build(key, &spki) == 0)
		return bundle_add(r, OBJECT_PUBKEY, buf_span(&spki));
	bundle_note(r, r->line, true, "RSA public key not read: malformed");
	return 0;
}

static int
read_decoded(
    struct bundle_reader *r, const struct pem_block *b, struct span der)
{
	if (b->headers[0] && strstr(b->headers, "ENCRYPTED"))
		return pkcs8_read_pem(r, der, b->headers);
	if (strcmp(b->label, "RSA PUBLIC KEY") == 0)
		return read_rsa_public(r, der);
	return bundle_read_der(r, der, b->label);
}

static int
read_block(struct bundle_reader *r, struct pem_scan *s, struct pem_block *b)
{
	BUF(der, BUNDLE_FILE_MAX);
	int e = pem_decode(s, b, is_whole, b, &der);

	r->line = b->line;
	if (is_parameters(b->label)) {
		bundle_note(r, b->line, false, "%s passed over", b->label);
		e = 0;
	} else if (e == E_NOMEM) {
		e = diag_set(r->d, e, r->name, NULL, "no memory");
	} else if (e) {
		note_dropped(r, s->text, b);
		bundle_note(r, b->line, true, "%s not read: %s",
		    *b->label ? b->label : "block",
		    e == E_TOO_BIG ? "too large"
		    : der.n        ? "its base64 text is damaged"
				   : "no base64 text in it");
		e = 0;
	} else {
		note_dropped(r, s->text, b);
		note_marks(r, b);
		e = read_decoded(r, b, buf_span(&der));
	}
	secret_wipe(der.p, der.cap);
	return e;
}

/* base64 without BEGIN and END lines: the body of a certificate pasted alone */
static int
read_bare(struct bundle_reader *r, struct pem_scan *s, struct pem_block *b)
{
	BUF(der, BUNDLE_FILE_MAX);
	int e = pem_bare(s, b);

	if (!e)
		e = pem_decode(s, b, is_whole, b, &der);
	if (e == E_NOMEM)
		return diag_set(r->d, e, r->name, NULL, "no memory");
	if (!e) {
		r->line = 1;
		bundle_note(r, 1, false, "no BEGIN line: read as base64 text");
		note_dropped(r, s->text, b);
		e = bundle_read_der(r, buf_span(&der), NULL);
	} else {
		e = 0;
	}
	secret_wipe(der.p, der.cap);
	return e;
}

int
bundle_read_pem(struct bundle_reader *r, struct span text, bool bare)
{
	struct pem_scan s = pem_scan_of(text);
	struct pem_block b = { 0 };
	int e = 0;

	if (bare)
		e = read_bare(r, &s, &b);
	while (!bare && !e) {
		e = pem_next(&s, &b);
		if (e == E_NOT_FOUND)
			break;
		e = e ? diag_set(r->d, e, r->name, NULL, "no memory")
		      : read_block(r, &s, &b);
	}
	pem_block_done(&b);
	if (s.padded)
		bundle_note(r, s.padded_line, false,
		    "%zu lines with blanks around them, the first here: "
		    "blanks ignored",
		    s.padded);
	return e == E_NOT_FOUND ? 0 : e;
}
