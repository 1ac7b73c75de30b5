/* Objects into files; private keys only under the rules of CERT-3. */
#include "cli/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "access/password.h"
#include "base/str.h"
#include "cert/write.h"
#include "cert/x509.h"

#define ALIAS_MAX 128 /* bytes */
#define MODE_PUBLIC 0644
#define MODE_SECRET 0600

static const struct {
	const char *extension;
	enum file_format format;
} extensions[] = {
	{ ".pem", FORMAT_PEM },
	{ ".crt", FORMAT_PEM },
	{ ".cer", FORMAT_PEM },
	{ ".der", FORMAT_DER },
	{ ".p7", FORMAT_P7 },
	{ ".p7b", FORMAT_P7 },
	{ ".p7c", FORMAT_P7 },
	{ ".p12", FORMAT_P12 },
	{ ".pfx", FORMAT_P12 },
	{ ".p8", FORMAT_P8 },
	{ ".jks", FORMAT_JKS },
};

static int
format_of(struct cli_context *c, const char *path, enum file_format *ret,
    struct diag *d)
{
	const char *to = cli_get(c, "to"), *dot = strrchr(path, '.');

	*ret = to ? file_format_from_name(to) : FORMAT_UNSET;
	for (size_t i = 0;
	     !to && dot && i < sizeof(extensions) / sizeof(extensions[0]); i++)
		if (str_is_equal_nocase(dot, extensions[i].extension))
			*ret = extensions[i].format;
	if (*ret != FORMAT_UNSET)
		return 0;
	(void)diag_set(d, E_INVAL, to ? to : path, NULL,
	    to ? "no such format" : "which format? the extension tells none");
	diag_remedy(d, "give --to pem, der, p7, p12, p8 or jks");
	return E_INVAL;
}

/* CERT-3: what goes out in clear is told on the spot and to the system log */
static void
warn_plain(struct cli_context *c, const char *path)
{
	cli_note(c,
	    "warning: the private key in %s is UNPROTECTED (--plain-key)",
	    path);
	openlog("signet", LOG_PID, LOG_AUTHPRIV);
	syslog(LOG_WARNING, "uid %u wrote an unprotected private key to %s",
	    (unsigned)getuid(), path);
	closelog();
}

/* the password the file gets, with a NUL behind it */
static int
new_password(struct cli_context *c, const char *name, bool guards_key,
    struct secret **ret, struct diag *d)
{
	AUTO_STRUCT(secret) *typed = NULL, *text = NULL;
	int e = cli_password(
	    c, "password-file", "password for the new file", true, &typed, d);

	if (e)
		return e;
	text = secret_new(NULL, typed->n + 1);
	if (!text)
		return diag_set(d, E_NOMEM, "password", NULL, "no memory");
	if (typed->n)
		memcpy(text->p, typed->p, typed->n);
	if (strlen((const char *)text->p) != typed->n)
		return diag_set(
		    d, E_PASSWORD, "password", NULL, "holds a NUL character");
	if (guards_key)
		e = password_check((const char *)text->p, name, d);
	if (!e)
		*ret = TAKE(text);
	return e;
}

/* a private key as PEM into out */
static int
key_pem(struct cli_context *c, EVP_PKEY *key, const char *name,
    const char *path, bool pem, struct buf *out, struct diag *d)
{
	AUTO_STRUCT(secret) *password = NULL;
	int e;

	if (cli_has(c, "plain-key") && pem) {
		e = key_write_plain(key, out);
		if (!e)
			warn_plain(c, path);
	} else {
		e = new_password(c, name, true, &password, d);
		if (e)
			return e;
		e = p8_write(key, (const char *)password->p, pem, out);
	}
	return e ? diag_set(d, e, path, NULL, "key could not be written: %s",
		       err_text(e))
		 : 0;
}

int
files_key_write(
    struct cli_context *c, EVP_PKEY *key, const char *name, struct diag *d)
{
	const char *path = cli_get(c, "key-out");
	BUF(out, 2 * SECRET_MAX);
	int e = key_pem(c, key, name, path, true, &out, d);

	if (!e)
		e = cli_write(c, path, buf_span(&out), MODE_SECRET,
		    cli_has(c, "force"), d);
	if (out.p)
		secret_wipe(out.p, out.cap);
	return e;
}

static const char *
label_of(enum object_kind kind)
{
	switch (kind) {
	case OBJECT_CSR:
		return "CERTIFICATE REQUEST";
	case OBJECT_CRL:
		return "X509 CRL";
	case OBJECT_PUBKEY:
		return "PUBLIC KEY";
	default:
		return "CERTIFICATE";
	}
}

struct writing {
	struct cli_context *c;
	struct material *m;
	const char *path;
	char alias[ALIAS_MAX];
	struct diag *d;
};

static int
write_pem(struct writing *w, struct buf *out)
{
	int e = 0;

	for (size_t i = 0; !e && i < w->m->cert_n; i++)
		e = pem_write("CERTIFICATE", w->m->certs[i], out);
	for (size_t i = 0; !e && i < w->m->other_n; i++)
		e = pem_write(
		    label_of(w->m->others[i]->kind), w->m->others[i]->der, out);
	if (!e && w->m->key)
		return key_pem(
		    w->c, w->m->key, w->alias, w->path, true, out, w->d);
	return e;
}

static int
write_der(struct writing *w, struct buf *out)
{
	size_t n = w->m->cert_n + w->m->other_n;

	if (w->m->key && n == 0)
		return key_pem(
		    w->c, w->m->key, w->alias, w->path, false, out, w->d);
	if (n != 1 || w->m->key) {
		(void)diag_set(w->d, E_INVAL, w->path, "CERT-3",
		    "a DER file holds one object, here are %zu",
		    n + (w->m->key ? 1 : 0));
		diag_remedy(w->d, "write them as pem, p7 or p12");
		return E_INVAL;
	}
	buf_add_span(out, w->m->cert_n ? w->m->certs[0] : w->m->others[0]->der);
	return buf_error(out);
}

static int
need_certs(struct writing *w)
{
	if (w->m->cert_n)
		return 0;
	return diag_set(
	    w->d, E_INVAL, w->path, NULL, "no certificate to put into it");
}

static int
write_p7(struct writing *w, struct buf *out)
{
	int e = need_certs(w);

	if (w->m->key)
		cli_note(w->c, "PKCS#7 has no place for private keys: the key "
			       "is left out");
	return e ? e : p7_write(w->m->certs, w->m->cert_n, false, out);
}

static int
write_store(struct writing *w, bool jks, struct buf *out)
{
	AUTO_STRUCT(secret) *password = NULL;
	const struct material *m = w->m;
	int e = need_certs(w);

	if (!e)
		e = new_password(
		    w->c, w->alias, m->key != NULL, &password, w->d);
	if (e)
		return e;
	if (jks)
		return jks_write(m->key, m->certs, m->cert_n, w->alias,
		    (const char *)password->p, (int64_t)time(NULL), out);
	return p12_write(m->key, m->certs, m->cert_n, w->alias,
	    (const char *)password->p, cli_has(w->c, "legacy"), out);
}

static int
write_p8(struct writing *w, struct buf *out)
{
	if (w->m->key)
		return key_pem(
		    w->c, w->m->key, w->alias, w->path, true, out, w->d);
	(void)diag_set(
	    w->d, E_INVAL, w->path, NULL, "no private key to put into it");
	diag_remedy(w->d, "name its file with --key FILE");
	return E_INVAL;
}

static int
write_format(struct writing *w, enum file_format format, struct buf *out)
{
	switch (format) {
	case FORMAT_PEM:
		return write_pem(w, out);
	case FORMAT_DER:
		return write_der(w, out);
	case FORMAT_P7:
		return write_p7(w, out);
	case FORMAT_P8:
		return write_p8(w, out);
	case FORMAT_P12:
	case FORMAT_JKS:
		return write_store(w, format == FORMAT_JKS, out);
	case FORMAT_UNSET:
		break;
	}
	return E_BUG;
}

/* --alias, else the CN of the first certificate */
static int
set_alias(struct writing *w)
{
	AUTO_STRUCT(x509) *c = NULL;
	const char *asked = cli_get(w->c, "alias");

	if (asked && str_copy(w->alias, sizeof(w->alias), asked))
		return diag_set(w->d, E_TOO_BIG, "--alias", NULL,
		    "more than %d bytes", ALIAS_MAX - 1);
	if (asked)
		return 0;
	if (w->m->cert_n && x509_parse(w->m->certs[0], NULL, &c) == 0 &&
	    name_get(c->subject, OID_CN, w->alias, sizeof(w->alias)) &&
	    w->alias[0])
		return 0;
	return str_copy(w->alias, sizeof(w->alias), "signet");
}

int
material_write(struct cli_context *c, struct material *m, struct diag *d)
{
	struct writing w = {
		.c = c, .m = m, .path = cli_get(c, "out"), .d = d
	};
	BUF(out, 2 * BUNDLE_FILE_MAX);
	enum file_format format;
	int e = format_of(c, w.path, &format, d);

	if (!e)
		e = set_alias(&w);
	if (e)
		return e;
	if (cli_has(c, "no-key")) {
		EVP_PKEY_free(m->key);
		m->key = NULL;
	}
	memset(d, 0, sizeof(*d));
	e = write_format(&w, format, &out);
	if (!e)
		e = cli_write(c, w.path, buf_span(&out),
		    m->key && format != FORMAT_P7 ? MODE_SECRET : MODE_PUBLIC,
		    cli_has(c, "force"), d);
	if (out.p)
		secret_wipe(out.p, out.cap);
	if (e && !d->code)
		(void)diag_set(d, e, w.path, NULL, "could not be written: %s",
		    err_text(e));
	return e;
}
