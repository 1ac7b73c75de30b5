/* cert/cms, SignedData built: RFC 5652 5, written from its end forward. */
#include "cert/cms_internal.h"

#define ATTR_FIXED 256 /* contentType and messageDigest, with their heads */

static void
attr_write(struct derw *w, struct span oid, struct span value)
{
	size_t mark = derw_mark(w);

	derw_raw(w, value);
	derw_wrap(w, DER_SET, mark);
	derw_oid(w, oid);
	derw_wrap(w, DER_SEQUENCE, mark);
}

/* the value of contentType: data; or of messageDigest */
static int
own_attrs_write(
    const struct cms_sign_params *p, struct derw *w, struct span element[2])
{
	uint8_t value[2 + EVP_MAX_MD_SIZE] = { DER_OCTET_STRING };
	struct span type = oid_span(OID_DATA);
	size_t mark = derw_mark(w), n;
	int e = digest(p->hash, p->content, value + 2, &n);

	if (e)
		return e;
	value[1] = (uint8_t)n;
	attr_write(w, oid_span(OID_MESSAGE_DIGEST), span_of(value, n + 2));
	element[0] = span_of(w->base + w->at, mark - w->at);
	mark = derw_mark(w);
	value[0] = DER_OID;
	value[1] = (uint8_t)type.n;
	memcpy(value + 2, type.p, type.n);
	attr_write(w, oid_span(OID_CONTENT_TYPE), span_of(value, type.n + 2));
	element[1] = span_of(w->base + w->at, mark - w->at);
	return w->err;
}

int
cms_attrs_build(const struct cms_sign_params *p, struct buf *ret_set)
{
	struct span element[CMS_ATTR_MAX];
	size_t size = ATTR_FIXED, n = 2;
	DERW(parts);
	DERW(w);
	int e;

	if (p->attr_n > CMS_ATTR_MAX - 2 || (p->content.n && !p->has_content))
		return E_INVAL;
	for (size_t i = 0; i < p->attr_n; i++)
		size += p->attrs[i].oid.n + p->attrs[i].value.n + 24;
	e = derw_init(&parts, size);
	if (!e)
		e = derw_init(&w, size);
	if (!e)
		e = own_attrs_write(p, &parts, element);
	for (size_t i = 0; !e && i < p->attr_n; i++) {
		size_t mark = derw_mark(&parts);

		attr_write(&parts, p->attrs[i].oid, p->attrs[i].value);
		element[n++] = span_of(parts.base + parts.at, mark - parts.at);
		e = parts.err;
	}
	if (e)
		return e;
	set_of_write(&w, DER_SET, element, n);
	return derw_to_buf(&w, ret_set);
}

/* RFC 5754 2: SHA-2 without parameters; the older ones as old devices know
 * them, with NULL */
static void
digest_alg_write(struct derw *w, enum hash_kind h)
{
	alg_write(w, hash_to_oid(h), h == HASH_SHA1 || h == HASH_MD5);
}

static int
signer_write(struct derw *w, const struct cms_sign_params *p,
    struct span attrs_set, struct span sig)
{
	size_t mark = derw_mark(w), attrs;
	struct der d = der_of(attrs_set);
	struct span contents = der_take(&d, DER_SET);

	if (der_finish(&d) || hash_to_oid(p->hash) == OID_UNKNOWN)
		return E_INVAL;
	derw_primitive(w, DER_OCTET_STRING, sig);
	/* RFC 3370 3.2: rsaEncryption is what every implementation takes */
	if (key_kind_is_rsa(p->signer_key)) {
		alg_write(w, OID_RSA, true);
	} else {
		int e = key_sig_alg(p->signer_key, p->hash, w);

		if (e)
			return e;
	}
	attrs = derw_mark(w);
	derw_raw(w, contents);
	derw_wrap(w, DER_CONTEXT_CONS(0), attrs);
	digest_alg_write(w, p->hash);
	cms_id_write(w, p->signer_issuer, p->signer_serial);
	derw_small(w, 1);
	derw_wrap(w, DER_SEQUENCE, mark);
	derw_wrap(w, DER_SET, mark);
	return w->err;
}

static void
certs_write(struct derw *w, int tag, const struct span *certs, size_t n)
{
	size_t mark = derw_mark(w);

	if (n == 0)
		return;
	/* in the order given: receivers take the first for the signer's or
	 * the issued one, and certificates is not a signed part */
	for (size_t i = n; i-- > 0;)
		derw_raw(w, certs[i]);
	derw_wrap(w, tag, mark);
}

static size_t
total(const struct span *s, size_t n)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += s[i].n;
	return sum;
}

int
cms_signed_build(const struct cms_sign_params *p, struct span attrs_set,
    struct span sig, struct buf *out)
{
	size_t mark;
	DERW(w);
	int e = derw_init(&w, p->content.n + attrs_set.n + sig.n +
				  p->signer_issuer.n + p->signer_serial.n +
				  total(p->certs, p->cert_n) + 512);

	if (!e)
		e = signer_write(&w, p, attrs_set, sig);
	if (e)
		return e;
	certs_write(&w, DER_CONTEXT_CONS(0), p->certs, p->cert_n);
	mark = derw_mark(&w);
	if (p->has_content) {
		derw_primitive(&w, DER_OCTET_STRING, p->content);
		derw_wrap(&w, DER_CONTEXT_CONS(0), mark);
	}
	derw_oid(&w, oid_span(OID_DATA));
	derw_wrap(&w, DER_SEQUENCE, mark);
	mark = derw_mark(&w);
	digest_alg_write(&w, p->hash);
	derw_wrap(&w, DER_SET, mark);
	derw_small(&w, 1);
	derw_wrap(&w, DER_SEQUENCE, w.cap);
	cms_content_wrap(&w, OID_SIGNED_DATA);
	return derw_to_buf(&w, out);
}

int
cms_certs_build(const struct span *certs, size_t n, const struct span *crls,
    size_t crl_n, struct buf *out)
{
	size_t mark;
	DERW(w);
	int e = derw_init(&w, total(certs, n) + total(crls, crl_n) + 128);

	if (e)
		return e;
	derw_primitive(&w, DER_SET, EMPTY); /* nobody signs */
	certs_write(&w, DER_CONTEXT_CONS(1), crls, crl_n);
	certs_write(&w, DER_CONTEXT_CONS(0), certs, n);
	mark = derw_mark(&w);
	derw_oid(&w, oid_span(OID_DATA));
	derw_wrap(&w, DER_SEQUENCE, mark);
	derw_primitive(&w, DER_SET, EMPTY);
	derw_small(&w, 1);
	derw_wrap(&w, DER_SEQUENCE, w.cap);
	cms_content_wrap(&w, OID_SIGNED_DATA);
	return derw_to_buf(&w, out);
}
