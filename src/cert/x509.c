#include "cert/x509.h"

#include <stdlib.h>

#include "base/str.h"
#include "cert/cert_internal.h"

#define SERIAL_READ_MAX 32 /* octets: devices in the field exceed the 20 */
#define OBJECT "certificate"

static int
refuse(struct diag *d, int e, const char *rule, const char *fact)
{
	return diag_set(d, e, OBJECT, rule, "%s", fact);
}

/* Version ::= [0] EXPLICIT INTEGER DEFAULT v1 */
static int
take_version(struct der *tbs, struct x509 *c)
{
	struct span s;
	struct der in;
	int64_t v;

	c->version = 1;
	if (!der_try(tbs, DER_CONTEXT_CONS(0), &s))
		return tbs->err;
	in = der_of(s);
	v = der_take_small(&in);
	/* a DEFAULT value is not encoded, X.690 11.5 */
	if (der_finish(&in) || v < 1 || v > 2)
		return E_PARSE;
	c->version = (int)v + 1;
	return 0;
}

static int
take_validity(struct der *tbs, struct x509 *c)
{
	struct der in = der_enter(tbs, DER_SEQUENCE);

	c->not_before = der_take_time(&in);
	c->not_after = der_take_time(&in);
	return der_finish(&in);
}

/* the outer form only: spki_parse() judges what is inside, at its use */
static int
take_spki(struct der *tbs, struct x509 *c)
{
	struct der d, in;
	struct span params;
	int unused;

	c->spki = der_take_raw(tbs, DER_SEQUENCE);
	d = der_of(c->spki);
	in = der_enter(&d, DER_SEQUENCE);
	(void)alg_take(&in, &params);
	(void)der_take_bits(&in, &unused);
	return der_finish(&in);
}

static int
take_name(struct der *tbs, struct span *ret)
{
	*ret = der_take_raw(tbs, DER_SEQUENCE);
	return tbs->err ? tbs->err : name_check(*ret);
}

/* issuerUniqueID, subjectUniqueID: skipped, but not in version 1 */
static int
take_unique_ids(struct der *tbs, const struct x509 *c)
{
	struct span s;

	for (int n = 1; n <= 2; n++)
		if (der_try(tbs, DER_CONTEXT(n), &s) && c->version < 2)
			return E_PARSE;
	return tbs->err;
}

static int
take_extensions(struct der *tbs, struct x509 *c, struct diag *d)
{
	struct span list;
	int e;

	if (!der_try(tbs, DER_CONTEXT_CONS(3), &list))
		return tbs->err ? refuse(d, tbs->err, "RFC 5280 4.1.2.9",
				      "extensions cut short")
				: 0;
	if (c->version != 3)
		return refuse(d, E_PARSE, "RFC 5280 4.1.2.1",
		    "extensions in a certificate before version 3");
	e = ext_list_parse(list, d, OBJECT, c->ext, &c->ext_n);
	for (size_t i = 0; !e && i < c->ext_n; i++) {
		const char *name = oid_name(c->ext[i].id);

		e = x509_ext_decode(c, &c->ext[i]);
		if (e)
			diag_set(d, e, OBJECT, "RFC 5280 4.2.1",
			    "extension %s is malformed", name ? name : "?");
	}
	return e;
}

static int
tbs_parse(struct x509 *c, struct diag *d)
{
	struct der whole = der_of(c->tbs), t = der_enter(&whole, DER_SEQUENCE);
	int e = der_finish(&whole);

	if (e)
		return refuse(d, e, "RFC 5280 4.1", "no TBSCertificate");
	if ((e = take_version(&t, c)))
		return refuse(d, e, "RFC 5280 4.1.2.1", "version");
	c->serial = der_take_integer(&t);
	if (!t.err && c->serial.n > SERIAL_READ_MAX + 1)
		return refuse(d, E_TOO_BIG, "RFC 5280 4.1.2.2",
		    "serial number of more than 32 octets");
	c->sig_alg = der_take_raw(&t, DER_SEQUENCE);
	if (t.err)
		return refuse(d, t.err, "RFC 5280 4.1.2",
		    "serial number or "
		    "algorithm");
	if ((e = take_name(&t, &c->issuer)))
		return refuse(d, e, "RFC 5280 4.1.2.4", "issuer name");
	if ((e = take_validity(&t, c)))
		return refuse(d, e, "RFC 5280 4.1.2.5", "validity");
	if ((e = take_name(&t, &c->subject)))
		return refuse(d, e, "RFC 5280 4.1.2.6", "subject name");
	if ((e = take_spki(&t, c)))
		return refuse(d, e, "RFC 5280 4.1.2.7", "public key");
	if ((e = take_unique_ids(&t, c)))
		return refuse(d, e, "RFC 5280 4.1.2.8", "unique identifiers");
	if ((e = take_extensions(&t, c, d)))
		return e;
	if ((e = der_finish(&t)))
		return refuse(d, e, "RFC 5280 4.1",
		    "bytes after the last "
		    "field");
	return 0;
}

static int
cert_parse(struct x509 *c, struct diag *d)
{
	struct der whole = der_of(span_of(c->der, c->n));
	struct der in = der_enter(&whole, DER_SEQUENCE);
	struct span alg;
	int unused, e;

	c->tbs = der_take_raw(&in, DER_SEQUENCE);
	alg = der_take_raw(&in, DER_SEQUENCE);
	c->sig = der_take_bits(&in, &unused);
	e = der_finish(&in);
	if (!e)
		e = der_finish(&whole);
	if (e)
		return refuse(d, e, "RFC 5280 4.1",
		    e == E_TRUNCATED ? "it ends too early"
				     : "not the three parts of a certificate");
	if (unused || c->sig.n == 0)
		return refuse(d, E_PARSE, "RFC 5280 4.1.1.3", "signature");
	e = tbs_parse(c, d);
	if (e)
		return e;
	if (!span_is_equal(alg, c->sig_alg))
		return refuse(d, E_PARSE, "RFC 5280 4.1.1.2",
		    "the signature algorithm outside differs from the one "
		    "inside");
	return 0;
}

int
x509_parse(struct span der, struct diag *d, struct x509 **ret)
{
	AUTO_STRUCT(x509) *c = NULL;
	int e;

	if (der.n > X509_DER_MAX)
		return refuse(d, E_TOO_BIG, NULL, "more than 65536 bytes");
	c = (struct x509 *)calloc(1, sizeof(*c));
	if (!c)
		return E_NOMEM;
	c->der = (uint8_t *)malloc(der.n ? der.n : 1);
	if (!c->der)
		return E_NOMEM;
	if (der.n)
		memcpy(c->der, der.p, der.n);
	c->n = der.n;
	c->path_len = -1;
	e = cert_parse(c, d);
	if (e)
		return e;
	*ret = TAKE(c);
	return 0;
}

void
x509_free(struct x509 *c)
{
	if (!c)
		return;
	free(c->der);
	free(c);
}

int
x509_parse_tbs(struct span tbs, struct diag *d, struct x509 *ret)
{
	if (tbs.n > X509_DER_MAX)
		return refuse(d, E_TOO_BIG, NULL, "more than 65536 bytes");
	memset(ret, 0, sizeof(*ret));
	ret->tbs = tbs;
	ret->path_len = -1;
	return tbs_parse(ret, d);
}

const struct x509_ext *
x509_ext_get0(const struct x509 *c, enum oid id)
{
	for (size_t i = 0; i < c->ext_n; i++)
		if (c->ext[i].id == id && id != OID_UNKNOWN)
			return &c->ext[i];
	return NULL;
}

bool
x509_is_self_issued(const struct x509 *c)
{
	return span_is_equal(c->issuer, c->subject);
}

int
x509_verify(const struct x509 *c, struct span issuer_spki)
{
	AUTO(EVP_PKEY) *k = NULL;
	int e = spki_load(issuer_spki, &k);

	return e ? e : key_verify(k, c->sig_alg, c->tbs, c->sig);
}

void
x509_fingerprint(const struct x509 *c, uint8_t out[32])
{
	sha256(x509_span(c), out);
}

struct span
x509_span(const struct x509 *c)
{
	return span_of(c->der, c->n);
}

void
x509_serial_print(const struct x509 *c, char *out, size_t size)
{
	uint8_t abs[SERIAL_READ_MAX + 1];
	unsigned carry = 1;

	if (size < 2 || c->serial.n == 0 || c->serial.p[0] < 0x80) {
		str_hex(out, size, integer_unsigned(c->serial), 0);
		return;
	}
	/* negative: minus sign and magnitude */
	for (size_t i = c->serial.n; i-- > 0;) {
		unsigned v = (uint8_t)~c->serial.p[i] + carry;

		abs[i] = (uint8_t)v;
		carry = v >> 8;
	}
	out[0] = '-';
	str_hex(out + 1, size - 1, span_of(abs, c->serial.n), 0);
}
