#include "enroll/scep/message.h"

#include <sodium.h>

#include "base/str.h"

#define OBJECT "SCEP message"
#define ATTRS_MAX 4096 /* bytes of our signed attributes */
#define ENVELOPE_MAX CMS_MAX

/* ---- reading ---- */

/* cms_signed_parse() on DER; on BER after rewriting it (ENR-3) */
static int
outer_parse(struct span bytes, struct diag *d, struct scep_message *m)
{
	int e = cms_signed_parse(bytes, d, &m->cms);

	if (e != E_PARSE)
		return e;
	if (der_normalize(bytes, &m->own_outer))
		return e; /* the first failure's words are the better ones */
	return cms_signed_parse(buf_span(&m->own_outer), d, &m->cms);
}

static int
inner_parse(struct diag *d, struct scep_message *m)
{
	struct span in = m->cms.content;
	int e = cms_enveloped_parse(in, d, &m->env);

	if (e != E_PARSE)
		return e;
	if (der_normalize(in, &m->own_inner))
		return e;
	return cms_enveloped_parse(buf_span(&m->own_inner), d, &m->env);
}

static bool
is_signer(const struct cms_signed *s, const struct x509 *c)
{
	if (s->sid_ski.n)
		return span_is_equal(s->sid_ski, c->ski);
	return span_is_equal(s->sid_issuer, c->issuer) &&
	       span_is_equal(s->sid_serial, c->serial);
}

static int
find_signer(struct diag *d, struct scep_message *m)
{
	struct x509 *c = NULL;
	int e;

	for (size_t i = 0; i < m->cms.cert_n; i++) {
		/* one that is not the signer's may be anything */
		e = x509_parse(m->cms.certs[i], d, &c);
		if (e && m->cms.cert_n == 1)
			return e;
		if (!e && is_signer(&m->cms, c)) {
			m->signer = c;
			return 0;
		}
		if (!e)
			x509_free(c);
	}
	return diag_set(d, E_PARSE, OBJECT, "RFC 8894 3.1",
	    "the signer's certificate is not in the message");
}

/* an attribute that is one string of at most max bytes; with its tag */
static struct span
attr_string(
    const struct cms_signed *s, int oid, size_t max, struct span *ret_text)
{
	struct span v = cms_attr_get(s, oid);
	struct der d = der_of(v);
	int tag;

	*ret_text = der_take_any(&d, &tag);
	if (!v.n || der_finish(&d) || ret_text->n == 0 || ret_text->n > max)
		return span_of(NULL, 0);
	/* PrintableString by the RFC; devices send other string types too */
	if (tag != DER_PRINTABLE && tag != DER_UTF8 && tag != DER_IA5 &&
	    tag != DER_OCTET_STRING)
		return span_of(NULL, 0);
	return v;
}

static enum scep_type
type_of(struct span text)
{
	if (text.n != 2 || text.p[0] < '0' || text.p[0] > '9' ||
	    text.p[1] < '0' || text.p[1] > '9')
		return SCEP_TYPE_UNSET;
	switch ((text.p[0] - '0') * 10 + (text.p[1] - '0')) {
	case SCEP_RENEWAL_REQ:
		return SCEP_RENEWAL_REQ;
	case SCEP_PKCS_REQ:
		return SCEP_PKCS_REQ;
	case SCEP_CERT_POLL:
		return SCEP_CERT_POLL;
	case SCEP_GET_CERT:
		return SCEP_GET_CERT;
	case SCEP_GET_CRL:
		return SCEP_GET_CRL;
	}
	return SCEP_TYPE_UNSET;
}

static int
attrs_parse(struct diag *d, struct scep_message *m)
{
	struct span text;

	m->transaction = attr_string(
	    &m->cms, OID_SCEP_TRANS_ID, SCEP_TRANSACTION_MAX, &text);
	if (!m->transaction.n)
		return diag_set(d, E_PARSE, OBJECT, "RFC 8894 3.2.1.1",
		    "there is no usable transactionID attribute");
	m->nonce =
	    attr_string(&m->cms, OID_SCEP_SENDER_NONCE, SCEP_NONCE_MAX, &text);
	if (!attr_string(&m->cms, OID_SCEP_MESSAGE_TYPE, 4, &text).n)
		return diag_set(d, E_PARSE, OBJECT, "RFC 8894 3.2.1.2",
		    "there is no messageType attribute");
	m->type = type_of(text);
	if (m->type == SCEP_TYPE_UNSET)
		return diag_set(d, E_PARSE, OBJECT, "RFC 8894 3.2.1.2",
		    "the messageType is no request we know");
	return 0;
}

int
scep_parse(struct span bytes, struct diag *d, struct scep_message *m)
{
	int e;

	memset(m, 0, sizeof(*m));
	buf_init(&m->own_outer, SCEP_MESSAGE_MAX);
	buf_init(&m->own_inner, SCEP_MESSAGE_MAX);
	e = outer_parse(bytes, d, m);
	if (e)
		return e;
	if (!m->cms.has_signer)
		return diag_set(d, E_PARSE, OBJECT, "RFC 8894 3.1",
		    "the SignedData has no signer");
	if (!m->cms.has_content || !m->cms.content.n)
		return diag_set(d, E_PARSE, OBJECT, "RFC 8894 3.1",
		    "the SignedData has no content");
	e = attrs_parse(d, m);
	if (!e)
		e = find_signer(d, m);
	if (!e)
		e = inner_parse(d, m);
	if (e)
		return e;
	m->legacy = m->cms.hash == HASH_MD5 || m->cms.hash == HASH_SHA1 ||
		    m->env.cipher == OID_DES_CBC ||
		    m->env.cipher == OID_DES3_CBC;
	return 0;
}

void
scep_done(struct scep_message *m)
{
	x509_free(m->signer);
	cms_enveloped_done(&m->env);
	buf_done(&m->own_outer);
	buf_done(&m->own_inner);
	memset(m, 0, sizeof(*m));
}

int
scep_check(const struct scep_message *m, bool legacy_allowed, struct diag *d)
{
	struct spki_info key;
	int e;

	/* RFC 8894 2.9. DES, 3DES and SHA-1 are the core's to judge, by the
	 * profile of who asks; a signature over MD5 proves nothing. */
	if (m->cms.hash == HASH_MD5 && !legacy_allowed) {
		diag_set(d, E_UNSUPPORTED, OBJECT, "ENR-3",
		    "md5 is not accepted on this path");
		diag_remedy(d, "use AES and SHA-256, or a /scep/NAME path "
			       "with legacy: true");
		return E_UNSUPPORTED;
	}
	if (!cms_cipher_key_size(m->env.cipher))
		return diag_set(d, E_UNSUPPORTED, OBJECT, "RFC 8894 2.9",
		    "the content encryption algorithm is unknown");
	if (spki_parse(m->signer->spki, &key) || key.oid != OID_RSA)
		return diag_set(d, E_UNSUPPORTED, OBJECT, "RFC 8894 2.3",
		    "the signer's key is not RSA: the answer cannot be "
		    "encrypted to it");
	e = cms_signed_verify(&m->cms, m->signer->spki);
	if (e == E_NOMEM)
		return e;
	if (e)
		return diag_set(d, E_CRYPTO, OBJECT, "RFC 8894 3.1",
		    "its signature does not verify");
	return 0;
}

int
scep_recipient(const struct scep_message *m, const struct x509 *cert)
{
	for (size_t i = 0; i < m->env.to_n; i++) {
		bool same =
		    m->env.to[i].ski.n
			? span_is_equal(m->env.to[i].ski, cert->ski)
			: span_is_equal(m->env.to[i].issuer, cert->issuer) &&
			      span_is_equal(m->env.to[i].serial, cert->serial);

		if (same)
			return (int)i;
	}
	return -1;
}

void
scep_transaction_text(const struct scep_message *m, char *out, size_t size)
{
	struct der d = der_of(m->transaction);
	struct span t;
	bool plain;
	uint8_t hash[32];
	int tag;

	t = der_take_any(&d, &tag);
	plain = t.n < size && t.n <= 128;
	/* '~' is ours: decide marks renewals with it */
	for (size_t i = 0; plain && i < t.n; i++)
		plain = t.p[i] > ' ' && t.p[i] < 0x7f && t.p[i] != '\\' &&
			t.p[i] != '~';
	if (plain) {
		memcpy(out, t.p, t.n);
		out[t.n] = '\0';
		return;
	}
	sha256(t, hash);
	memcpy(out, "sha256-", 8);
	str_hex(out + 7, size - 7, span_of(hash, sizeof(hash)), 0);
}

enum scep_fail
scep_fail_of(int code)
{
	switch (code) {
	case E_UNSUPPORTED:
		return SCEP_BAD_ALG;
	case E_CRYPTO:
		return SCEP_BAD_MESSAGE_CHECK;
	case E_NOT_FOUND:
		return SCEP_BAD_CERT_ID;
	default:
		return SCEP_BAD_REQUEST;
	}
}

int
scep_issuer_and_serial(
    struct span der, struct span *ret_issuer, struct span *ret_serial)
{
	struct der d = der_of(der), in = der_enter(&d, DER_SEQUENCE);
	struct span issuer = der_take_raw(&in, DER_SEQUENCE);
	struct span serial = der_take_integer(&in);

	if (der_finish(&in) || der_finish(&d) || name_check(issuer))
		return E_PARSE;
	*ret_issuer = issuer;
	*ret_serial = serial;
	return 0;
}

int
scep_issuer_and_subject(
    struct span der, struct span *ret_issuer, struct span *ret_subject)
{
	struct der d = der_of(der), in = der_enter(&d, DER_SEQUENCE);
	struct span issuer = der_take_raw(&in, DER_SEQUENCE);
	struct span subject = der_take_raw(&in, DER_SEQUENCE);

	if (der_finish(&in) || der_finish(&d))
		return E_PARSE;
	*ret_issuer = issuer;
	*ret_subject = subject;
	return 0;
}

/* ---- writing ---- */

void
scep_out_init(struct scep_out *o)
{
	buf_init(&o->envelope, ENVELOPE_MAX);
	buf_init(&o->attrs, ATTRS_MAX);
	o->has_envelope = false;
}

void
scep_out_done(struct scep_out *o)
{
	buf_done(&o->envelope);
	buf_done(&o->attrs);
}

static int
envelope_build(const struct scep_message *m, const struct scep_reply *r,
    struct scep_out *o)
{
	BUF(bundle, CMS_MAX);
	int e;

	/* RFC 8894 3.3.2.1: the leaf only; the chain is GetCACert's */
	e = cms_certs_build(r->certs, r->certs[0].n ? 1 : 0, &r->crl,
	    r->crl.n ? 1 : 0, &bundle);
	if (e)
		return e;
	o->has_envelope = true;
	/* the cipher the client used: it has shown that it can */
	return cms_enveloped_build(
	    m->signer, m->env.cipher, buf_span(&bundle), &o->envelope);
}

static void
sign_params(const struct scep_out *o, const struct x509 *ra,
    const struct span *certs, struct cms_sign_params *ret)
{
	*ret = (struct cms_sign_params){
		.content = buf_span(&o->envelope),
		.has_content = o->has_envelope,
		.hash = HASH_SHA256,
		.signer_issuer = ra->issuer,
		.signer_serial = ra->serial,
		.signer_key = KEY_RSA2048,
		.certs = certs,
		.cert_n = 1,
	};
}

/* bytes of one attribute value: tag, length below 128 or two-byte form */
struct value {
	uint8_t p[SCEP_FAIL_TEXT_MAX + 4];
	size_t n;
};

static void
value_set(struct value *v, int tag, const void *p, size_t n)
{
	size_t at = 0;

	v->p[at++] = (uint8_t)tag;
	if (n > 127)
		v->p[at++] = 0x81;
	v->p[at++] = (uint8_t)n;
	memcpy(v->p + at, p, n);
	v->n = at + n;
}

static void
attr_add(struct cms_sign_params *p, struct cms_attr *attrs, int oid,
    struct span value)
{
	attrs[p->attr_n++] = (struct cms_attr){
		.oid = oid_span((enum oid)oid),
		.value = value,
	};
}

static size_t
text_length(const char *text)
{
	size_t n = strlen(text);

	if (n <= SCEP_FAIL_TEXT_MAX)
		return n;
	/* never in the middle of a UTF-8 sequence */
	for (n = SCEP_FAIL_TEXT_MAX; n && ((uint8_t)text[n] & 0xc0) == 0x80;)
		n--;
	return n;
}

static int
attrs_build(const struct scep_message *m, const struct scep_reply *r,
    const struct x509 *ra, struct scep_out *o)
{
	struct span cert = x509_span(ra);
	struct cms_attr attrs[8];
	struct cms_sign_params p;
	struct value type, status, fail, text, nonce;
	uint8_t random[16];
	char digit;

	sign_params(o, ra, &cert, &p);
	p.attrs = attrs;
	value_set(&type, DER_PRINTABLE, "3", 1);
	attr_add(&p, attrs, OID_SCEP_MESSAGE_TYPE, span_of(type.p, type.n));
	digit = (char)('0' + r->status);
	value_set(&status, DER_PRINTABLE, &digit, 1);
	attr_add(&p, attrs, OID_SCEP_PKI_STATUS, span_of(status.p, status.n));
	attr_add(&p, attrs, OID_SCEP_TRANS_ID, m->transaction);
	randombytes_buf(random, sizeof(random));
	value_set(&nonce, DER_OCTET_STRING, random, sizeof(random));
	attr_add(&p, attrs, OID_SCEP_SENDER_NONCE, span_of(nonce.p, nonce.n));
	/* RFC 8894 3.2.1.5: the client's nonce comes back */
	if (m->nonce.n)
		attr_add(&p, attrs, OID_SCEP_RECIPIENT_NONCE, m->nonce);
	if (r->status == SCEP_FAILURE) {
		digit = (char)('0' + r->fail);
		value_set(&fail, DER_PRINTABLE, &digit, 1);
		attr_add(
		    &p, attrs, OID_SCEP_FAIL_INFO, span_of(fail.p, fail.n));
	}
	if (r->status == SCEP_FAILURE && r->text && *r->text) {
		value_set(&text, DER_UTF8, r->text, text_length(r->text));
		attr_add(
		    &p, attrs, OID_SCEP_FAIL_TEXT, span_of(text.p, text.n));
	}
	return cms_attrs_build(&p, &o->attrs);
}

int
scep_reply_begin(const struct scep_message *m, const struct scep_reply *r,
    const struct x509 *ra, struct scep_out *o)
{
	int e = 0;

	/* RFC 8894 3.3.2: only success carries an envelope */
	if (r->status == SCEP_SUCCESS)
		e = envelope_build(m, r, o);
	return e ? e : attrs_build(m, r, ra, o);
}

int
scep_reply_finish(const struct scep_out *o, const struct x509 *ra,
    struct span sig, struct buf *out)
{
	struct span cert = x509_span(ra);
	struct cms_sign_params p;

	sign_params(o, ra, &cert, &p);
	return cms_signed_build(&p, buf_span(&o->attrs), sig, out);
}
