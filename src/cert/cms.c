/* cert/cms, SignedData read and verified: RFC 5652 5, RFC 8894 3. */
#include "cert/cms.h"

#include <stdlib.h>

#include "cert/cms_internal.h"

static int
refuse(struct diag *d, int e, const char *rule, const char *fact)
{
	return diag_set(d, e, CMS_OBJECT, rule, "%s", fact);
}

int
cms_content_take(struct span der, enum oid type, struct der *ret)
{
	struct der whole = der_of(der), info = der_enter(&whole, DER_SEQUENCE);
	enum oid id = oid_from_span(der_take(&info, DER_OID));
	struct der in = der_enter(&info, DER_CONTEXT_CONS(0));
	struct der body = der_enter(&in, DER_SEQUENCE);
	int e = der_finish(&in);

	if (!e)
		e = der_finish(&info);
	if (!e)
		e = der_finish(&whole);
	if (e)
		return e;
	if (id != type)
		return E_UNSUPPORTED;
	*ret = body;
	return 0;
}

void
cms_content_wrap(struct derw *w, enum oid type)
{
	derw_wrap(w, DER_CONTEXT_CONS(0), w->cap);
	derw_oid(w, oid_span(type));
	derw_wrap(w, DER_SEQUENCE, w->cap);
}

int
cms_id_take(struct der *d, struct span *ret_issuer, struct span *ret_serial,
    struct span *ret_ski)
{
	struct span ski;
	struct der in;

	if (der_try(d, DER_CONTEXT(0), &ski)) {
		*ret_ski = ski;
		return ski.n ? 0 : E_PARSE;
	}
	in = der_enter(d, DER_SEQUENCE);
	*ret_issuer = der_take_raw(&in, DER_SEQUENCE);
	*ret_serial = der_take_integer(&in);
	return der_finish(&in);
}

void
cms_id_write(struct derw *w, struct span issuer, struct span serial)
{
	size_t mark = derw_mark(w);

	derw_primitive(w, DER_INTEGER, serial);
	derw_raw(w, issuer);
	derw_wrap(w, DER_SEQUENCE, mark);
}

/* EncapsulatedContentInfo */
static int
take_content(struct der *body, struct cms_signed *s)
{
	struct der in = der_enter(body, DER_SEQUENCE), box;
	struct span explicit;

	s->content_oid = (int)oid_from_span(der_take(&in, DER_OID));
	if (der_try(&in, DER_CONTEXT_CONS(0), &explicit)) {
		box = der_of(explicit);
		s->content = der_take(&box, DER_OCTET_STRING);
		if (der_finish(&box))
			return E_PARSE;
		s->has_content = true;
	}
	return der_finish(&in);
}

static int
take_certs(struct der *body, struct cms_signed *s)
{
	struct span set = EMPTY;
	struct der in;

	(void)der_try(body, DER_CONTEXT_CONS(0), &set);
	(void)der_try(body, DER_CONTEXT_CONS(1), &s->crls);
	for (in = der_of(set); !der_is_empty(&in);) {
		int tag = der_peek(&in);
		struct span cert = der_take_raw(&in, -1);

		if (tag != DER_SEQUENCE)
			continue; /* attribute certificates and the like */
		if (s->cert_n == CMS_CERTS_MAX)
			return E_TOO_BIG;
		s->certs[s->cert_n++] = cert;
	}
	return in.err ? in.err : body->err;
}

static int
attr_add(struct cms_signed *s, struct span oid, struct span value)
{
	for (size_t i = 0; i < s->attr_n; i++)
		if (span_is_equal(s->attrs[i].oid, oid))
			return E_PARSE; /* RFC 5652 11 */
	if (s->attr_n == CMS_ATTR_MAX)
		return E_TOO_BIG;
	s->attrs[s->attr_n++] = (struct cms_attr){ oid, value };
	return 0;
}

/* those we know have one value; another maker's may have more */
static int
take_attrs(struct cms_signed *s)
{
	struct der list = der_of(s->attrs_raw);

	while (!der_is_empty(&list)) {
		struct der in = der_enter(&list, DER_SEQUENCE);
		struct span oid = der_take(&in, DER_OID);
		struct der set = der_enter(&in, DER_SET);
		struct span value = der_take_raw(&set, -1);
		int e = der_finish(&in);

		if (e || set.err)
			return E_PARSE;
		if (!der_is_empty(&set) && oid_from_span(oid) != OID_UNKNOWN)
			return E_PARSE;
		if ((e = attr_add(s, oid, value)))
			return e;
	}
	return list.err;
}

static int
take_signer(struct der *set, struct cms_signed *s)
{
	struct der in = der_enter(set, DER_SEQUENCE);
	struct span params, skip;
	int e;

	(void)der_take_small(&in); /* version: 1 or 3, the id tells */
	e = cms_id_take(&in, &s->sid_issuer, &s->sid_serial, &s->sid_ski);
	if (e)
		return e;
	s->hash = hash_from_oid(alg_take(&in, &params));
	(void)der_try(&in, DER_CONTEXT_CONS(0), &s->attrs_raw);
	s->sig_alg = der_take_raw(&in, DER_SEQUENCE);
	s->sig = der_take(&in, DER_OCTET_STRING);
	(void)der_try(&in, DER_CONTEXT_CONS(1), &skip);
	e = der_finish(&in);
	if (e)
		return e;
	if (!alg_params_are_null(params) || s->sig.n == 0)
		return E_PARSE;
	if (s->hash == HASH_UNSET)
		return E_UNSUPPORTED;
	s->has_signer = true;
	return take_attrs(s);
}

int
cms_signed_parse(struct span der, struct diag *d, struct cms_signed *ret)
{
	struct cms_signed s = { .content = EMPTY };
	struct der body, set;
	int e;

	if (der.n > CMS_MAX)
		return refuse(d, E_TOO_BIG, NULL, "more than 1 MiB");
	e = cms_content_take(der, OID_SIGNED_DATA, &body);
	if (e)
		return refuse(d, e, "RFC 5652 5.1", "it is no SignedData");
	(void)der_take_small(&body);    /* version */
	(void)der_take(&body, DER_SET); /* digestAlgorithms: only a hint */
	if (body.err || (e = take_content(&body, &s)))
		return refuse(d, e ? e : body.err, "RFC 5652 5.2",
		    "the encapsulated content");
	if ((e = take_certs(&body, &s)))
		return refuse(d, e, "RFC 5652 5.1", "certificates or CRLs");
	set = der_enter(&body, DER_SET);
	e = der_finish(&body);
	if (!e && !der_is_empty(&set))
		e = take_signer(&set, &s);
	if (e)
		return refuse(d, e, "RFC 5652 5.3",
		    e == E_UNSUPPORTED ? "unknown digest algorithm"
				       : "the signer");
	if (!der_is_empty(&set))
		return refuse(
		    d, E_UNSUPPORTED, "RFC 8894 3", "more than one signer");
	*ret = s;
	return 0;
}

struct span
cms_attr_get(const struct cms_signed *s, int oid)
{
	struct span want = oid_span((enum oid)oid);

	for (size_t i = 0; want.n && i < s->attr_n; i++)
		if (span_is_equal(s->attrs[i].oid, want))
			return s->attrs[i].value;
	return EMPTY;
}

/* RFC 5652 5.4, 11.1, 11.2: the attributes speak of this content */
static int
attrs_check(const struct cms_signed *s)
{
	struct der d = der_of(cms_attr_get(s, OID_CONTENT_TYPE));
	enum oid type = oid_from_span(der_take(&d, DER_OID));
	uint8_t made[EVP_MAX_MD_SIZE];
	struct span stated;
	size_t n;
	int e;

	if (der_finish(&d) || type == OID_UNKNOWN ||
	    (int)type != s->content_oid)
		return E_CRYPTO;
	d = der_of(cms_attr_get(s, OID_MESSAGE_DIGEST));
	stated = der_take(&d, DER_OCTET_STRING);
	if (der_finish(&d))
		return E_CRYPTO;
	e = digest(s->hash, s->content, made, &n);
	if (e)
		return e;
	return span_is_equal(stated, span_of(made, n)) ? 0 : E_CRYPTO;
}

static int
data_verify(const struct cms_signed *s, EVP_PKEY *k, struct span data)
{
	uint8_t made[EVP_MAX_MD_SIZE];
	enum hash_kind hash;
	size_t n;
	int oid, e = sig_alg_parse(s->sig_alg, &hash, &oid);

	if (e)
		return e;
	/* RFC 8894 2.9 and most devices: the bare rsaEncryption OID */
	if (oid == OID_RSA) {
		e = EVP_PKEY_is_a(k, "RSA") ? digest(s->hash, data, made, &n)
					    : E_CRYPTO;
		return e ? e
			 : key_verify_digest(
			       k, s->hash, false, span_of(made, n), s->sig);
	}
	if (hash != HASH_UNSET && hash != s->hash)
		return E_CRYPTO;
	return key_verify(k, s->sig_alg, data, s->sig);
}

/*
 * The attributes are signed as a SET OF (RFC 5652 5.4), not under the [0]
 * they travel with.
 */
static int
attrs_verify(const struct cms_signed *s, EVP_PKEY *k, bool sorted)
{
	struct span element[CMS_ATTR_MAX];
	struct der list = der_of(s->attrs_raw);
	size_t n = 0;
	DERW(w);
	int e = derw_init(&w, s->attrs_raw.n + 16);

	if (e)
		return e;
	while (sorted && n < CMS_ATTR_MAX && !der_is_empty(&list))
		element[n++] = der_take_raw(&list, DER_SEQUENCE);
	if (sorted) {
		set_of_write(&w, DER_SET, element, n);
	} else {
		derw_raw(&w, s->attrs_raw);
		derw_wrap(&w, DER_SET, w.cap);
	}
	if (w.err)
		return w.err;
	return data_verify(s, k, derw_span(&w));
}

int
cms_signed_verify(const struct cms_signed *s, struct span signer_spki)
{
	AUTO(EVP_PKEY) *k = NULL;
	int e;

	if (!s->has_signer)
		return E_CRYPTO;
	if (s->attrs_raw.n && (e = attrs_check(s)))
		return e;
	/* RFC 5652 5.3: without attributes the content must be plain data */
	if (s->attrs_raw.n == 0 && s->content_oid != OID_DATA)
		return E_CRYPTO;
	e = spki_load(signer_spki, &k);
	if (e)
		return e;
	if (s->attrs_raw.n == 0)
		return data_verify(s, k, s->content);
	e = attrs_verify(s, k, false);
	return e == E_CRYPTO ? attrs_verify(s, k, true) : e;
}
