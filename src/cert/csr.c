#include "cert/csr.h"

#include <stdlib.h>

#include "cert/cert_internal.h"
#include "cert/name_text.h"

#define OBJECT "request"
#define CSR_ATTR_MAX 32 /* attributes looked at */

static int
refuse(struct diag *d, int e, const char *rule, const char *fact)
{
	return diag_set(d, e, OBJECT, rule, "%s", fact);
}

/* challengePassword, RFC 2985 5.4.1: one DirectoryString; a NUL inside would
 * hide the rest of it from every comparison */
static int
challenge_parse(struct csr *c, struct span values)
{
	struct der d = der_of(values);
	struct text t = { .out = c->challenge, .size = sizeof(c->challenge) };
	int tag;
	struct span v = der_take_any(&d, &tag);

	if (der_finish(&d) || (tag & 0xe0) != 0 || c->challenge[0])
		return E_PARSE;
	text_add_value(&t, tag, v, false);
	if (t.is_full || t.has_nul) {
		secret_wipe(c->challenge, sizeof(c->challenge));
		return t.is_full ? E_TOO_BIG : E_PARSE;
	}
	return 0;
}

static int
ext_decode(struct csr *c, const struct x509_ext *x)
{
	struct san_list *san;
	int path_len, e;

	switch (x->id) {
	case OID_KU:
		c->has_ku = true;
		return ku_parse(x->value, &c->ku);
	case OID_EKU:
		c->has_eku = true;
		return eku_parse(x->value, &c->eku);
	case OID_BC:
		c->has_bc = true;
		return bc_parse(x->value, &c->ca, &path_len);
	case OID_SAN:
		san = (struct san_list *)malloc(sizeof(*san));
		e = san ? san_from_der(x->value, san) : E_NOMEM;
		free(san);
		c->san = x->value;
		return e;
	default:
		return 0;
	}
}

static int
ext_request_parse(struct csr *c, struct span values, struct diag *d)
{
	struct der v = der_of(values);
	struct span list = der_take_raw(&v, DER_SEQUENCE);
	int e = der_finish(&v);

	if (e || c->ext_n)
		return refuse(d, E_PARSE, "RFC 2985 5.4.2",
		    "the extension request is malformed or there twice");
	if (list.n == 2)
		return 0; /* some devices ask for an empty list */
	e = ext_list_parse(list, d, OBJECT, c->ext, &c->ext_n);
	for (size_t i = 0; !e && i < c->ext_n; i++) {
		const char *name = oid_name(c->ext[i].id);

		e = ext_decode(c, &c->ext[i]);
		if (e)
			diag_set(d, e, OBJECT, "RFC 5280 4.2.1",
			    "extension %s is malformed", name ? name : "?");
	}
	return e;
}

static int
attr_parse(struct csr *c, struct der *list, struct diag *d)
{
	struct der in = der_enter(list, DER_SEQUENCE);
	enum oid id = oid_from_span(der_take(&in, DER_OID));
	struct span values = der_take(&in, DER_SET);
	int e;

	if (der_finish(&in))
		return refuse(d, E_PARSE, "RFC 2986 4.1", "an attribute");
	if (id == OID_EXT_REQ || id == OID_MS_EXT_REQ)
		return ext_request_parse(c, values, d);
	if (id != OID_CHALLENGE)
		return 0; /* whatever else a device adds */
	e = challenge_parse(c, values);
	return e ? refuse(d, e, "RFC 2985 5.4.1", "challenge password") : 0;
}

static int
info_parse(struct csr *c, struct diag *d)
{
	struct der whole = der_of(c->info), t = der_enter(&whole, DER_SEQUENCE);
	struct span attrs = EMPTY;
	struct spki_info spki;
	struct der list;
	size_t n = 0;
	int e;

	if (der_take_small(&t) != 0 || t.err)
		return refuse(d, E_PARSE, "RFC 2986 4.1", "version");
	c->subject = der_take_raw(&t, DER_SEQUENCE);
	e = t.err ? t.err : name_check(c->subject);
	if (e)
		return refuse(d, e, "RFC 2986 4.1", "subject name");
	c->spki = der_take_raw(&t, DER_SEQUENCE);
	e = t.err ? t.err : spki_parse(c->spki, &spki);
	if (e)
		return refuse(d, e, "RFC 2986 4.1", "public key");
	/* attributes are not OPTIONAL, but old devices leave them out */
	(void)der_try(&t, DER_CONTEXT_CONS(0), &attrs);
	if ((e = der_finish(&t)))
		return refuse(d, e, "RFC 2986 4.1", "attributes");
	for (list = der_of(attrs); !der_is_empty(&list); n++) {
		if (n == CSR_ATTR_MAX)
			return refuse(
			    d, E_TOO_BIG, NULL, "too many attributes");
		if ((e = attr_parse(c, &list, d)))
			return e;
	}
	return list.err ? refuse(d, list.err, "RFC 2986 4.1", "attributes") : 0;
}

static int
whole_parse(struct csr *c, struct diag *d)
{
	struct der whole = der_of(span_of(c->der, c->n));
	struct der in = der_enter(&whole, DER_SEQUENCE);
	int unused, e;

	c->info = der_take_raw(&in, DER_SEQUENCE);
	c->sig_alg = der_take_raw(&in, DER_SEQUENCE);
	c->sig = der_take_bits(&in, &unused);
	e = der_finish(&in);
	if (!e)
		e = der_finish(&whole);
	if (!e && (unused || c->sig.n == 0))
		e = E_PARSE;
	if (e)
		return refuse(d, e, "RFC 2986 4.2",
		    e == E_TRUNCATED ? "it ends too early"
				     : "not the three parts of a request");
	return info_parse(c, d);
}

int
csr_parse(struct span der, struct diag *d, struct csr **ret)
{
	AUTO_STRUCT(csr) *c = NULL;
	int e;

	if (der.n > CSR_DER_MAX)
		return refuse(d, E_TOO_BIG, NULL, "more than 32768 bytes");
	c = (struct csr *)calloc(1, sizeof(*c));
	if (!c)
		return E_NOMEM;
	c->der = (uint8_t *)malloc(der.n ? der.n : 1);
	if (!c->der)
		return E_NOMEM;
	if (der.n)
		memcpy(c->der, der.p, der.n);
	c->n = der.n;
	e = whole_parse(c, d);
	if (e)
		return e;
	*ret = TAKE(c);
	return 0;
}

void
csr_free(struct csr *c)
{
	if (!c)
		return;
	/* the DER holds the challenge password, too */
	if (c->der)
		secret_wipe(c->der, c->n);
	free(c->der);
	secret_wipe(c->challenge, sizeof(c->challenge));
	free(c);
}

int
csr_verify(const struct csr *c)
{
	AUTO(EVP_PKEY) *k = NULL;
	int e = spki_load(c->spki, &k);

	return e ? e : key_verify(k, c->sig_alg, c->info, c->sig);
}

/* Attribute extensionRequest; nothing when nothing is asked for */
static void
ext_request_write(struct derw *w, const struct csr_params *p)
{
	size_t mark = derw_mark(w), ext = mark;

	if ((!p->san || p->san->n == 0) && !p->ku && !p->eku)
		return;
	if (p->san && p->san->n > 0) {
		san_to_der(p->san, w);
		/* RFC 5280 4.2.1.6 */
		ext_wrap(w, OID_SAN, name_is_empty(p->subject), ext);
	}
	ext = derw_mark(w);
	if (p->eku) {
		eku_write(w, p->eku);
		ext_wrap(w, OID_EKU, false, ext);
	}
	ext = derw_mark(w);
	if (p->ku) {
		ku_write(w, p->ku);
		ext_wrap(w, OID_KU, true, ext);
	}
	derw_wrap(w, DER_SEQUENCE, mark);
	derw_wrap(w, DER_SET, mark);
	derw_oid(w, oid_span(OID_EXT_REQ));
	derw_wrap(w, DER_SEQUENCE, mark);
}

static void
challenge_write(struct derw *w, const char *text)
{
	size_t mark = derw_mark(w);
	int tag = DER_PRINTABLE;

	if (!text || !*text)
		return;
	for (const char *p = text; *p; p++)
		if (!text_is_printable_string((uint8_t)*p))
			tag = DER_UTF8;
	derw_primitive(w, tag, span_str(text));
	derw_wrap(w, DER_SET, mark);
	derw_oid(w, oid_span(OID_CHALLENGE));
	derw_wrap(w, DER_SEQUENCE, mark);
}

/* both attributes are written, then put in the order of a DER SET OF */
static int
attrs_write(struct derw *w, const struct csr_params *p)
{
	size_t end = derw_mark(w), middle;
	struct span set[2];
	size_t n = 0;
	DERW(a);
	int e = derw_init(&a, w->cap);

	if (e)
		return e;
	challenge_write(&a, p->challenge);
	middle = derw_mark(&a);
	ext_request_write(&a, p);
	if (a.err)
		return a.err;
	if (a.cap > middle)
		set[n++] = span_of(a.base + middle, a.cap - middle);
	if (middle > a.at)
		set[n++] = span_of(a.base + a.at, middle - a.at);
	set_of_sort(set, n);
	while (n > 0)
		derw_raw(w, set[--n]);
	derw_wrap(w, DER_CONTEXT_CONS(0), end);
	secret_wipe(a.base, a.cap);
	return w->err;
}

static int
info_build(EVP_PKEY *key, const struct csr_params *p, struct derw *w)
{
	BUF(spki, 4096);
	int e = spki_build(key, &spki);

	if (!e)
		e = attrs_write(w, p);
	if (e)
		return e;
	derw_raw(w, buf_span(&spki));
	derw_raw(w, p->subject);
	derw_small(w, 0);
	derw_wrap(w, DER_SEQUENCE, w->cap);
	return w->err;
}

int
csr_build(EVP_PKEY *key, const struct csr_params *p, struct buf *out)
{
	enum key_kind kind = key_kind_of(key);
	size_t san_n = p->san ? p->san->n : 0;
	BUF(sig, 4096);
	DERW(w);
	int e;

	if (p->subject.n < 2 || name_check(p->subject) ||
	    (p->eku & EKU_OTHER) ||
	    (p->challenge && strlen(p->challenge) >= CSR_CHALLENGE_MAX))
		return E_INVAL;
	e = derw_init(&w, 4096 + p->subject.n + san_n * (SAN_TEXT_MAX + 8));
	if (!e)
		e = info_build(key, p, &w);
	if (!e)
		e = key_sign(key, p->hash, derw_span(&w), &sig);
	if (e)
		return e;
	return x509_assemble(derw_span(&w), kind,
	    p->hash == HASH_UNSET ? hash_for_key(kind) : p->hash,
	    buf_span(&sig), out);
}
