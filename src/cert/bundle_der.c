/* One element of DER: what is it, and into the bundle with it. */
#include "cert/bundle_internal.h"

#include <string.h>

#include "cert/crl.h"
#include "cert/csr.h"
#include "cert/der.h"
#include "cert/oid.h"
#include "cert/x509.h"

size_t
der_length(struct span s)
{
	size_t n, octets;

	if (s.n < 2 || (s.p[0] & 0x1f) == 0x1f)
		return 0;
	if (s.p[1] < 0x80)
		return 2u + s.p[1];
	octets = s.p[1] & 0x7f;
	if (octets == 0 || octets > 4 || s.n < 2 + octets)
		return 0;
	n = 0;
	for (size_t i = 0; i < octets; i++)
		n = n << 8 | s.p[2 + i];
	return 2 + octets + n;
}

/* a sequence that begins with an OID: one of two containers */
static enum der_shape
shape_of_oid(struct der *in)
{
	enum oid id = oid_from_span(der_take(in, DER_OID));

	return id == OID_SIGNED_DATA && der_peek(in) == DER_CONTEXT_CONS(0)
		   ? SHAPE_P7
		   : SHAPE_UNKNOWN;
}

static enum der_shape
shape_of_integer(struct der *in)
{
	struct span v = der_take_integer(in);
	int second = der_peek(in), third;

	if (second == DER_OCTET_STRING)
		return SHAPE_EC_KEY;
	if (second == DER_INTEGER)
		return SHAPE_RSA_KEY;
	if (second != DER_SEQUENCE || v.n != 1)
		return SHAPE_UNKNOWN;
	(void)der_take_raw(in, DER_SEQUENCE);
	third = der_peek(in);
	if (v.p[0] == 3 && (third == DER_SEQUENCE || third == -1))
		return SHAPE_P12;
	return third == DER_OCTET_STRING ? SHAPE_PKCS8 : SHAPE_UNKNOWN;
}

static enum der_shape
shape_of_sequence(struct der *in)
{
	struct der first = der_enter(in, DER_SEQUENCE);
	int begins = der_peek(&first), second = der_peek(in);

	if (begins == DER_OID && second == DER_OCTET_STRING)
		return SHAPE_ENCRYPTED_PKCS8;
	if (begins == DER_OID && second == DER_BIT_STRING)
		return SHAPE_SPKI;
	return second == DER_SEQUENCE ? SHAPE_SIGNED : SHAPE_UNKNOWN;
}

enum der_shape
der_shape(struct span der)
{
	struct der all = der_of(der), in = der_enter(&all, DER_SEQUENCE);
	enum der_shape shape = SHAPE_UNKNOWN;

	switch (der_peek(&in)) {
	case DER_OID:
		shape = shape_of_oid(&in);
		break;
	case DER_INTEGER:
		shape = shape_of_integer(&in);
		break;
	case DER_SEQUENCE:
		shape = shape_of_sequence(&in);
		break;
	default:
		break;
	}
	return in.err ? SHAPE_UNKNOWN : shape;
}

static int
fatal(struct bundle_reader *r, int e)
{
	return e == E_NOMEM ? diag_set(r->d, e, r->name, NULL, "no memory") : 0;
}

int
bundle_read_cert(struct bundle_reader *r, struct span der)
{
	AUTO_STRUCT(x509) *c = NULL;
	struct diag d = { 0 };
	int e = x509_parse(der, &d, &c);

	if (!e)
		return bundle_add(r, OBJECT_CERT, der);
	d.code = e;
	bundle_lost(r, "certificate", &d);
	return fatal(r, e);
}

static int
read_csr(struct bundle_reader *r, struct span der)
{
	AUTO_STRUCT(csr) *c = NULL;
	struct diag d = { 0 };
	int e = csr_parse(der, &d, &c);

	if (!e)
		return bundle_add(r, OBJECT_CSR, der);
	d.code = e;
	bundle_lost(r, "certificate request", &d);
	return fatal(r, e);
}

static int
read_crl(struct bundle_reader *r, struct span der)
{
	AUTO_STRUCT(crl) *c = NULL;
	struct diag d = { 0 };
	int e = crl_parse(der, &d, &c);

	if (!e)
		return bundle_add(r, OBJECT_CRL, der);
	d.code = e;
	bundle_lost(r, "revocation list", &d);
	return fatal(r, e);
}

/* Certificate, request or list, told apart by what the signed part begins
 * with (RFC 5280 4.1 and 5.1, RFC 2986 4.1), not by what a file calls it. */
static int
read_signed(struct bundle_reader *r, struct span der)
{
	struct der all = der_of(der), in = der_enter(&all, DER_SEQUENCE);
	struct der tbs = der_enter(&in, DER_SEQUENCE);
	int second, third;

	if (der_peek(&tbs) == DER_CONTEXT_CONS(0))
		return bundle_read_cert(r, der);
	if (der_peek(&tbs) == DER_SEQUENCE)
		return read_crl(r, der); /* version 1 */
	(void)der_take_raw(&tbs, DER_INTEGER);
	(void)der_take_raw(&tbs, DER_SEQUENCE);
	second = der_peek(&tbs);
	(void)der_take_raw(&tbs, -1);
	third = der_peek(&tbs);
	if (third == DER_CONTEXT_CONS(0) ||
	    (second == DER_SEQUENCE && third == -1))
		return read_csr(r, der);
	if (third == DER_UTCTIME || third == DER_GENTIME)
		return read_crl(r, der);
	return bundle_read_cert(r, der);
}

static int
read_plain_key(struct bundle_reader *r, struct span der)
{
	struct secret *key = NULL;
	int e = pkcs8_normalize(der, &key);

	if (!e)
		return bundle_add_key(r, key);
	bundle_note(r, r->line, true, "private key not read: %s",
	    e == E_UNSUPPORTED ? "a kind we do not know" : "malformed");
	return fatal(r, e);
}

static int
read_public_key(struct bundle_reader *r, struct span der)
{
	struct spki_info info;
	int e = spki_parse(der, &info);

	if (!e)
		return bundle_add(r, OBJECT_PUBKEY, der);
	bundle_note(r, r->line, true, "public key not read: %s", err_text(e));
	return fatal(r, e);
}

static int
unknown(struct bundle_reader *r, struct span der, const char *label)
{
	size_t n = der_length(der);

	if (n > der.n)
		bundle_note(r, r->line, true,
		    "cut short: %zu bytes of %zu are there", der.n, n);
	else
		bundle_note(r, r->line, true,
		    "%s is neither a certificate, request, revocation list "
		    "nor key",
		    label && *label ? label : "what is there");
	return 0;
}

/* "TRUSTED CERTIFICATE" has OpenSSL's own settings after the certificate */
static struct span
without_trust(struct span der, const char *label)
{
	size_t n = der_length(der);

	if (label && strcmp(label, "TRUSTED CERTIFICATE") == 0 && n > 0 &&
	    n <= der.n)
		der.n = n;
	return der;
}

int
bundle_read_der(struct bundle_reader *r, struct span der, const char *label)
{
	der = without_trust(der, label);
	/* BER with indefinite length: only the two containers come like that */
	if (der.n > 2 && der.p[0] == 0x30 && der.p[1] == 0x80)
		return der.p[2] == DER_INTEGER ? pkcs12_read(r, der)
					       : pkcs7_read(r, der);
	switch (der_shape(der)) {
	case SHAPE_SIGNED:
		return read_signed(r, der);
	case SHAPE_P7:
		return pkcs7_read(r, der);
	case SHAPE_P12:
		return pkcs12_read(r, der);
	case SHAPE_PKCS8:
	case SHAPE_RSA_KEY:
	case SHAPE_EC_KEY:
		return read_plain_key(r, der);
	case SHAPE_ENCRYPTED_PKCS8:
		return pkcs8_read(r, der);
	case SHAPE_SPKI:
		return read_public_key(r, der);
	case SHAPE_UNKNOWN:
		break;
	}
	return unknown(r, der, label);
}
