/* ca/transfer: an authority comes in as PKCS#12 (CA-1, approach 2) or leaves
 * as one (CA-2). Its key is seen by the key process only. */
#include <stdio.h>
#include <stdlib.h>

#include "access/password.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/str.h"
#include "ca/ceremony.h"
#include "os/clock.h"

/* -- import -- */

int
transfer_prepare(struct ceremony *c, struct span p12, const char *password)
{
	c->is_import = true;
	buf_add_span(&c->p12, p12);
	if (buf_error(&c->p12))
		return ca_refuse(&c->d, buf_error(&c->p12), "PKCS#12 file",
		    "give the file of one authority", "more than %d bytes",
		    KEY_P12_MAX);
	if (str_copy(
		c->password, sizeof(c->password), password ? password : ""))
		return ca_refuse(&c->d, E_PASSWORD, "PKCS#12 file", NULL,
		    "its password has more than %d bytes",
		    KEY_PASSWORD_MAX - 1);
	return 0;
}

/* approach 2: what the outside CA gave must be able to issue */
static int
check_imported(struct ceremony *c, const struct x509 *x)
{
	const char *fact = NULL;

	if (!x->ca)
		fact = "RFC 5280 4.2.1.9: it is no CA certificate";
	else if (x->has_ku && !(x->ku & KU_CERT_SIGN))
		fact = "RFC 5280 4.2.1.3: its key usage lacks keyCertSign";
	else if (x->has_ku && !(x->ku & KU_CRL_SIGN))
		fact = "RFC 5280 4.2.1.3: its key usage lacks cRLSign: "
		       "nothing could be revoked";
	else if (x->not_after <= c->now)
		fact = "RFC 5280 4.1.2.5: it has expired";
	else if (x->not_before > c->now)
		fact = "RFC 5280 4.1.2.5: it is not valid yet";
	else if (x->unknown_critical)
		fact = "RFC 5280 4.2: it has a critical extension that is "
		       "not known here";
	if (!fact)
		return 0;
	return ca_refuse(&c->d, E_INVAL, "imported certificate",
	    "have the outside CA issue an intermediate CA certificate that is "
	    "in date, with keyCertSign and cRLSign",
	    "%s", fact);
}

/* brings the certificate of that name to place i; false: there is none */
static bool
bring(struct ceremony *c, size_t i, struct span subject, struct x509 **ret)
{
	for (size_t k = i; k < c->outside_n; k++) {
		AUTO_STRUCT(x509) *x = NULL;
		struct buf other = c->outside[i];

		if (x509_parse(buf_span(&c->outside[k]), NULL, &x) ||
		    !span_is_equal(x->subject, subject))
			continue;
		c->outside[i] = c->outside[k];
		c->outside[k] = other;
		*ret = TAKE(x);
		return true;
	}
	return false;
}

/* the certificates above ours, in whatever order the file has them: each must
 * have signed the one below it; what does not belong is left out */
static int
check_chain(struct ceremony *c)
{
	AUTO_STRUCT(x509) *below = NULL;
	int e = x509_parse(buf_span(&c->made[0].cert), &c->d, &below);

	for (size_t i = 0; !e && i < c->outside_n; i++) {
		struct x509 *x = NULL;

		if (x509_is_self_issued(below) ||
		    !bring(c, i, below->issuer, &x)) {
			c->outside_n = i;
			break;
		}
		if (x509_verify(below, x->spki))
			e = ca_refuse(&c->d, E_INVAL, "PKCS#12 file",
			    "export it again with the right chain",
			    "the certificate of the name of the issuer did "
			    "not sign it");
		x509_free(below);
		below = x;
	}
	return e;
}

/* a renewed certificate of the same name and key is something new */
static int
check_new(struct ceremony *c, struct span cert)
{
	for (size_t i = 0; i < c->ca->authority_n; i++) {
		const struct authority *a = c->ca->authorities[i];

		if (a->cert && ca_has_key(a) &&
		    span_is_equal(x509_span(a->cert), cert))
			return ca_refuse(&c->d, E_EXISTS, "imported CA",
			    "see signet ca list", "it is here already, as %s",
			    a->row.id);
	}
	return 0;
}

static int
take_imported(struct ceremony *c)
{
	struct made *m = &c->made[0];
	struct spki_info key;
	char cn[CEREMONY_NAME_MAX];
	int e = x509_parse(buf_span(&m->cert), &c->d, &m->x509);

	if (!e)
		e = check_imported(c, m->x509);
	if (!e && !span_is_equal(buf_span(&m->spki), m->x509->spki))
		e = ca_refuse(&c->d, E_INVAL, "imported certificate", NULL,
		    "it is not that of the key");
	if (!e)
		e = spki_parse(m->x509->spki, &key);
	if (e)
		return e;
	e = check_new(c, buf_span(&m->cert));
	if (e)
		return e;
	m->key_kind = key.kind;
	m->kind =
	    x509_is_self_issued(m->x509) ? AUTHORITY_ROOT : AUTHORITY_ISSUING;
	snprintf(m->id, sizeof(m->id), "%s-%u", authority_kind_name(m->kind),
	    c->number);
	c->made_n = 1;
	e = check_chain(c);
	if (e)
		return e;
	if (c->outside_n)
		snprintf(m->parent, sizeof(m->parent), "outside-%u", c->number);
	if (!c->name[0]) {
		if (!name_get(m->x509->subject, OID_CN, cn, sizeof(cn)))
			snprintf(cn, sizeof(cn), "Imported CA");
		snprintf(c->name, sizeof(c->name), "%.48s", cn);
	}
	return 0;
}

static int
on_imported(struct ceremony *c, struct reader *r)
{
	struct span spki = reader_span(r);
	uint32_t n = reader_u32(r);

	buf_add_span(&c->made[0].spki, spki);
	for (uint32_t i = 0; i < n && !r->err; i++) {
		struct span der = reader_span(r);
		struct buf *to = &c->made[0].cert;

		if (i > CA_CHAIN_MAX)
			continue;
		if (i > 0)
			to = &c->outside[c->outside_n++];
		buf_add_span(to, der);
	}
	if (reader_finish(r) || n == 0)
		return ca_refuse(&c->d, E_PARSE, "PKCS#12 file",
		    "export it again with the certificate of the key",
		    "it holds no certificate for its key");
	return take_imported(c);
}

int
transfer_import_key(struct ceremony *c)
{
	BUF(payload, 2 * KEY_P12_MAX);
	char stem[AUTHORITY_ID_MAX];
	int e;

	snprintf(stem, sizeof(stem), "imported-%u", c->number);
	ceremony_key_id(stem, c->made[0].key);
	e = ceremony_own_key(c, c->made[0].key);
	if (e)
		return e;
	buf_pack_text(&payload, c->made[0].key);
	buf_add_u8(&payload, KEY_ROLE_CA);
	buf_pack_span(&payload, buf_span(&c->p12));
	buf_pack_text(&payload, c->password);
	e = buf_error(&payload);
	if (!e)
		e = ceremony_ask(
		    c, KEY_OP_IMPORT, buf_span(&payload), on_imported);
	secret_wipe(payload.p, payload.n);
	return e;
}

static int
record_outside(struct ceremony *c, size_t i)
{
	AUTO_STRUCT(x509) *x = NULL;
	struct authority_row row = { .state = AUTHORITY_OUTSIDE,
		.cert = buf_span(&c->outside[i]),
		.created = c->now };
	int e = x509_parse(row.cert, &c->d, &x);

	if (e)
		return e;
	snprintf(row.id, sizeof(row.id), "outside-%u", c->number + (unsigned)i);
	row.kind = x509_is_self_issued(x) ? AUTHORITY_ROOT : AUTHORITY_ISSUING;
	if (i + 1 < c->outside_n)
		snprintf(row.parent, sizeof(row.parent), "outside-%u",
		    c->number + (unsigned)i + 1);
	e = authority_add(c->ca->store, &row);
	if (!e && row.kind == AUTHORITY_ROOT)
		e = hierarchy_trust(c, row.cert);
	return e;
}

int
transfer_record_outside(struct ceremony *c)
{
	int e = 0;

	c->has_written = true;
	for (size_t i = 0; !e && i < c->outside_n; i++)
		e = record_outside(c, i);
	return e;
}

/* -- export -- */

static int
on_exported(struct ceremony *c, struct reader *r)
{
	struct span p12 = reader_span(r);
	char *text = NULL;
	int e = str_base64(p12, &text);

	if (e)
		return e;
	json_set_text(c->answer, "p12", text);
	secret_wipe(text, strlen(text));
	free(text);
	return 0;
}

static int
export_ask(struct ceremony *c)
{
	const struct authority *a = ca_find(c->ca, c->targets[0]);
	struct span chain[CA_CHAIN_MAX];
	BUF(payload, 2 * KEY_P12_MAX);
	size_t n;
	int e;

	if (!a)
		return ca_refuse(&c->d, E_NOT_FOUND, c->object,
		    "see signet ca list", "there is no such authority");
	if (!ca_has_key(a))
		return ca_refuse(
		    &c->d, E_STATE, c->object, NULL, "its key is not here");
	/* CA-2, ACC-4: the password policy holds for what leaves */
	e = password_check(c->password, NULL, &c->d);
	if (e)
		return e;
	n = ca_chain(a, chain);
	buf_pack_text(&payload, a->row.key);
	buf_add_u32(&payload, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		buf_pack_span(&payload, chain[i]);
	buf_pack_text(&payload, a->row.id);
	buf_pack_text(&payload, c->password);
	e = buf_error(&payload);
	if (!e)
		e = ceremony_ask(
		    c, KEY_OP_EXPORT, buf_span(&payload), on_exported);
	secret_wipe(payload.p, payload.n);
	return e;
}

static int
export_record(struct ceremony *c)
{
	c->has_written = true;
	json_set_text(c->answer, "id", c->targets[0]);
	return ceremony_event(
	    c, EVENT_CA_EXPORT, SEVERITY_WARNING, c->object, NULL);
}

static const ceremony_step export_steps[] = { export_ask, export_record, NULL };

int
ca_export(struct ca *ca, const char *id, const char *password,
    const struct actor *who, ca_done_fn fn, void *cookie)
{
	struct ceremony *c = ceremony_new(ca, export_steps, who, fn, cookie);

	if (!c)
		return E_NOMEM;
	c->kind = EVENT_CA_EXPORT;
	ceremony_object(c, id);
	if (str_copy(c->targets[0], AUTHORITY_ID_MAX, id))
		c->targets[0][0] = '\0';
	if (str_copy(c->password, sizeof(c->password), password))
		(void)ca_refuse(&c->d, c->result = E_PASSWORD, "password", NULL,
		    "longer than %d bytes", KEY_PASSWORD_MAX - 1);
	return ceremony_run(c);
}
