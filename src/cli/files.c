#include "cli/files.h"

#include <stdlib.h>
#include <string.h>

#include "cert/csr.h"
#include "cert/x509.h"

static bool
has_closed_key(const struct bundle *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->objects[i].kind == OBJECT_ENCRYPTED_KEY)
			return true;
	return false;
}

static int
read_with(struct cli_context *c, const char *path, const char *option,
    struct span file, struct bundle **ret, struct diag *d)
{
	AUTO_STRUCT(secret) *password = NULL;
	struct bundle_options o = { .have_password = true };
	int e = cli_password(c, option, path, false, &password, d);

	if (e)
		return e;
	o.password = secret_peek(password);
	return bundle_read(file, path, &o, d, ret);
}

int
files_read(struct cli_context *c, const char *path, const char *option,
    bool keys, struct bundle **ret, struct diag *d)
{
	BUF(file, BUNDLE_FILE_MAX);
	AUTO_STRUCT(bundle) *b = NULL;
	int e = cli_read(c, path, &file, d);

	if (!e && cli_get(c, option)) {
		e = read_with(c, path, option, buf_span(&file), &b, d);
	} else if (!e) {
		e = bundle_read(buf_span(&file), path, NULL, d, &b);
		if (e == E_PASSWORD || (!e && keys && has_closed_key(b))) {
			bundle_free(TAKE(b));
			e = read_with(c, path, option, buf_span(&file), &b, d);
		}
	}
	if (file.p)
		secret_wipe(file.p, file.cap);
	if (e)
		return e;
	*ret = TAKE(b);
	return 0;
}

bool
files_notes(struct cli_context *c, const char *path, const struct bundle *b)
{
	bool lost = false;

	for (size_t i = 0; i < b->note_n; i++) {
		const struct bundle_note *n = &b->notes[i];

		lost |= n->refused;
		if (n->line)
			cli_note(c, "%s: line %zu: %s", path, n->line, n->text);
		else
			cli_note(c, "%s: %s", path, n->text);
	}
	if (b->note_total > b->note_n)
		cli_note(c, "%s: and %zu notes more", path,
		    b->note_total - b->note_n);
	return lost;
}

int
files_key(const struct bundle *b, EVP_PKEY **ret)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->objects[i].kind == OBJECT_KEY)
			return key_from_pkcs8(
			    secret_peek(b->objects[i].key), ret);
	return E_NOT_FOUND;
}

static bool
key_fits_spki(const EVP_PKEY *k, struct span spki)
{
	BUF(own, 65536);

	return spki_build(k, &own) == 0 && span_is_equal(buf_span(&own), spki);
}

static bool
key_fits_cert(const EVP_PKEY *k, struct span der)
{
	AUTO_STRUCT(x509) *c = NULL;

	return x509_parse(der, NULL, &c) == 0 && key_fits_spki(k, c->spki);
}

bool
files_key_fits(const EVP_PKEY *k, const struct object *o)
{
	AUTO_STRUCT(csr) *c = NULL;

	if (o->kind == OBJECT_CERT)
		return key_fits_cert(k, o->der);
	return o->kind == OBJECT_CSR && csr_parse(o->der, NULL, &c) == 0 &&
	       key_fits_spki(k, c->spki);
}

void
material_done(struct material *m)
{
	EVP_PKEY_free(m->key);
	free(m->certs);
	free(m->others);
	memset(m, 0, sizeof(*m));
}

static int
grow(struct material *m, size_t n)
{
	struct span *certs = (struct span *)realloc(
	    m->certs, (m->cert_n + n + 1) * sizeof(*certs));
	const struct object **others;

	if (!certs)
		return E_NOMEM;
	m->certs = certs;
	others = (const struct object **)realloc(
	    m->others, (m->other_n + n + 1) * sizeof(*others));
	if (!others)
		return E_NOMEM;
	m->others = others;
	return 0;
}

static bool
has_cert(const struct material *m, struct span der)
{
	for (size_t i = 0; i < m->cert_n; i++)
		if (span_is_equal(m->certs[i], der))
			return true;
	return false;
}

int
material_add(struct material *m, const struct bundle *b)
{
	int e = grow(m, b->n);

	if (!e && !m->key) {
		e = files_key(b, &m->key);
		e = e == E_NOT_FOUND ? 0 : e;
	}
	for (size_t i = 0; !e && i < b->n; i++) {
		const struct object *o = &b->objects[i];

		if (o->kind == OBJECT_CERT && !has_cert(m, o->der))
			m->certs[m->cert_n++] = o->der;
		else if (o->kind == OBJECT_CSR || o->kind == OBJECT_CRL ||
			 o->kind == OBJECT_PUBKEY)
			m->others[m->other_n++] = o;
	}
	return e;
}

/* moves certificate from to place at, the ones between one back */
static void
bring(struct material *m, size_t from, size_t at)
{
	struct span one = m->certs[from];

	memmove(&m->certs[at + 1], &m->certs[at],
	    (from - at) * sizeof(m->certs[0]));
	m->certs[at] = one;
}

static bool
issued(struct span issuer, struct span der)
{
	AUTO_STRUCT(x509) *a = NULL, *b = NULL;

	return x509_parse(issuer, NULL, &a) == 0 &&
	       x509_parse(der, NULL, &b) == 0 &&
	       span_is_equal(a->subject, b->issuer);
}

int
material_order(struct material *m, struct diag *d)
{
	size_t i = 0;

	if (!m->key || m->cert_n == 0)
		return 0;
	while (i < m->cert_n && !key_fits_cert(m->key, m->certs[i]))
		i++;
	if (i == m->cert_n) {
		(void)diag_set(d, E_CONFLICT, "private key", "CERT-4",
		    "none of the %zu certificates belongs to it", m->cert_n);
		diag_remedy(d, "take the key that the request was made with");
		return E_CONFLICT;
	}
	bring(m, i, 0);
	for (size_t at = 1; at < m->cert_n; at++) {
		i = at;
		while (i < m->cert_n && !issued(m->certs[i], m->certs[at - 1]))
			i++;
		if (i == m->cert_n)
			break;
		bring(m, i, at);
	}
	return 0;
}
