/* key/server, keys that come and go as PKCS#12 (CA-1, CA-2). */
#include "cert/bundle.h"
#include "cert/write.h"
#include "cert/x509.h"
#include "key/server_internal.h"

#define ALIAS_MAX 128 /* bytes with NUL */

struct import {
	char id[KEY_ID_MAX], password[KEY_PASSWORD_MAX];
	struct key_params keep;
	EVP_PKEY *key;
	struct buf spki;
	struct bundle *bundle;
	struct x509 *own; /* the key's own certificate */
};

static void
import_done(struct import *i)
{
	secret_wipe(i->password, sizeof(i->password));
	EVP_PKEY_free(i->key);
	buf_done(&i->spki);
	bundle_free(i->bundle);
	x509_free(i->own);
}

static int
refuse(const struct import *i, struct diag *d, const char *fact)
{
	return diag_set(d, E_DENIED, i->id, "CA-2", "%s", fact);
}

static int
bundle_open(struct import *i, struct span p12, struct diag *d)
{
	struct bundle_options o = {
		.password = span_str(i->password),
		.have_password = true,
	};
	const struct object *found = NULL;
	size_t certs = 0;
	int e = bundle_read(p12, i->id, &o, d, &i->bundle);

	if (e)
		return e;
	for (size_t n = 0; n < i->bundle->n; n++) {
		const struct object *at = &i->bundle->objects[n];

		certs += at->kind == OBJECT_CERT;
		if (at->kind == OBJECT_KEY && found)
			return refuse(i, d, "holds more than one key");
		if (at->kind == OBJECT_KEY)
			found = at;
	}
	if (!found)
		return refuse(i, d, "holds no private key");
	if (certs > KEY_CERTS_MAX)
		return refuse(i, d, "holds too many certificates");
	e = key_from_pkcs8(secret_peek(found->key), &i->key);
	if (!e)
		e = spki_build(i->key, &i->spki);
	if (e)
		return diag_set(d, e, i->id, "CA-2", "unknown kind of key");
	return 0;
}

static bool
is_own(const struct import *i, struct span der, struct x509 **ret)
{
	AUTO_STRUCT(x509) *c = NULL;

	if (x509_parse(der, NULL, &c) ||
	    !span_is_equal(c->spki, buf_span(&i->spki)))
		return false;
	*ret = TAKE(c);
	return true;
}

static int
role_check(struct import *i, struct diag *d)
{
	enum key_kind kind = key_kind_of(i->key);

	for (size_t n = 0; n < i->bundle->n && !i->own; n++)
		if (i->bundle->objects[n].kind == OBJECT_CERT)
			(void)is_own(i, i->bundle->objects[n].der, &i->own);
	if (kind <= KEY_RSA1024 || kind > KEY_ED25519)
		return refuse(i, d, "a key of this kind is not taken in");
	switch (i->keep.role) {
	case KEY_ROLE_CA:
		if (!i->own)
			return refuse(i, d, "holds no certificate of the key");
		if (!i->own->ca)
			return refuse(i, d, "is not the key of a CA");
		i->keep.subject = i->own->subject;
		return 0;
	case KEY_ROLE_RA:
		return kind <= KEY_RSA4096
			   ? 0
			   : refuse(i, d, "an RA key must be RSA");
	default:
		return refuse(i, d, "no key of this role is taken in");
	}
}

static void
pack_certs(const struct import *i, struct buf *out)
{
	struct span own = i->own ? x509_span(i->own) : span_of(NULL, 0);
	uint32_t count = 0;

	for (size_t n = 0; n < i->bundle->n; n++)
		count += i->bundle->objects[n].kind == OBJECT_CERT;
	buf_add_u32(out, count);
	if (i->own)
		buf_pack_span(out, own);
	for (size_t n = 0; n < i->bundle->n; n++) {
		const struct object *at = &i->bundle->objects[n];

		if (at->kind != OBJECT_CERT)
			continue;
		if (own.p && span_is_equal(at->der, own)) {
			own.p = NULL; /* packed already; a copy is not */
			continue;
		}
		buf_pack_span(out, at->der);
	}
}

static int
keep(struct key_server *s, struct import *i, struct diag *d)
{
	struct key_entry *k = NULL;
	int e = keystore_get(s->keys, i->id, d, &k);

	if (!e) { /* asked again: the same key answers again */
		if (k->role == i->keep.role &&
		    span_is_equal(buf_span(&k->spki), buf_span(&i->spki)))
			return 0;
		return diag_set(d, E_CONFLICT, i->id, "CA-2",
		    "there is another key of this id");
	}
	if (e != E_NOT_FOUND)
		return e;
	i->keep.pkey = i->key;
	e = keystore_put(s->keys, &i->keep, d, &k);
	if (!e)
		i->key = NULL;
	return e;
}

int
op_import(
    struct key_server *s, struct reader *r, struct buf *out, struct diag *d)
{
	struct import i = { .bundle = NULL };
	struct span p12;
	int e;

	buf_init(&i.spki, KEY_TBS_MAX);
	i.keep.id = i.id;
	reader_text(r, i.id, sizeof(i.id));
	i.keep.role = (enum key_role)reader_u8(r);
	p12 = reader_span(r);
	reader_text(r, i.password, sizeof(i.password));
	e = reader_finish(r);
	if (!e)
		e = bundle_open(&i, p12, d);
	if (!e)
		e = role_check(&i, d);
	if (!e)
		e = keep(s, &i, d);
	if (!e) {
		buf_pack_span(out, buf_span(&i.spki));
		pack_certs(&i, out);
	}
	import_done(&i);
	return e;
}

static uint32_t
read_certs(struct reader *r, struct span certs[KEY_CERTS_MAX])
{
	uint32_t n = reader_u32(r);

	if (n > KEY_CERTS_MAX)
		r->err = E_PARSE;
	for (uint32_t i = 0; i < n && !r->err; i++)
		certs[i] = reader_span(r);
	return n;
}

int
op_export(
    struct key_server *s, struct reader *r, struct buf *out, struct diag *d)
{
	char id[KEY_ID_MAX], alias[ALIAS_MAX], password[KEY_PASSWORD_MAX];
	struct span certs[KEY_CERTS_MAX];
	struct key_entry *k = NULL;
	BUF(p12, KEY_P12_MAX);
	uint32_t n;
	int e;

	reader_text(r, id, sizeof(id));
	n = read_certs(r, certs);
	reader_text(r, alias, sizeof(alias));
	reader_text(r, password, sizeof(password));
	e = reader_finish(r);
	/* what signs the ledger or opens SCEP has no use elsewhere */
	if (!e)
		e = key_of_role(s, id, KEY_ROLE_CA, d, &k);
	if (!e && password[0] == '\0')
		e = diag_set(d, E_PASSWORD, id, "CERT-3",
		    "a private key leaves only under a password");
	if (!e) {
		e = p12_write(k->pkey, certs, n, alias, password, false, &p12);
		if (e)
			diag_set(d, e, id, "CERT-3",
			    "the PKCS#12 cannot be written");
	}
	secret_wipe(password, sizeof(password));
	if (!e)
		buf_pack_span(out, buf_span(&p12));
	return e;
}
