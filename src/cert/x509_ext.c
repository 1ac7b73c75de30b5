/* cert/x509, extensions: RFC 5280 4.2.1. */
#include <limits.h>

#include "base/enumtab.h"
#include "cert/cert_internal.h"

static const struct enum_text ku_names[] = {
	{ KU_DIGITAL_SIGNATURE, "digitalSignature" },
	{ KU_NON_REPUDIATION, "nonRepudiation" },
	{ KU_KEY_ENCIPHERMENT, "keyEncipherment" },
	{ KU_DATA_ENCIPHERMENT, "dataEncipherment" },
	{ KU_KEY_AGREEMENT, "keyAgreement" },
	{ KU_CERT_SIGN, "keyCertSign" },
	{ KU_CRL_SIGN, "cRLSign" },
	{ KU_ENCIPHER_ONLY, "encipherOnly" },
	{ KU_DECIPHER_ONLY, "decipherOnly" },
	{ 0, NULL },
};

static const struct {
	unsigned bit;
	enum oid id;
} ekus[] = {
	{ EKU_SERVER, OID_EKU_SERVER },
	{ EKU_CLIENT, OID_EKU_CLIENT },
	{ EKU_CODE, OID_EKU_CODE },
	{ EKU_EMAIL, OID_EKU_EMAIL },
	{ EKU_TIME, OID_EKU_TIME },
	{ EKU_OCSP, OID_EKU_OCSP },
	{ EKU_SIP_DOMAIN, OID_EKU_SIP_DOMAIN },
	{ EKU_IPSEC_IKE, OID_EKU_IPSEC_IKE },
	{ EKU_ANY, OID_EKU_ANY },
	{ EKU_CMC_RA, OID_EKU_CMC_RA },
};
#define EKU_N (sizeof(ekus) / sizeof(ekus[0]))

const char *
ku_name(unsigned bit)
{
	return enum_name(ku_names, (int)bit);
}

unsigned
ku_from_name(const char *text)
{
	return (unsigned)enum_from_name(ku_names, text);
}

const char *
eku_name(unsigned bit)
{
	for (size_t i = 0; i < EKU_N; i++)
		if (ekus[i].bit == bit)
			return oid_name(ekus[i].id);
	return "other";
}

unsigned
eku_from_name(const char *text)
{
	for (size_t i = 0; i < EKU_N; i++)
		if (strcmp(oid_name(ekus[i].id), text) == 0)
			return ekus[i].bit;
	return 0;
}

int
ku_parse(struct span value, unsigned *ret)
{
	struct der d = der_of(value);
	unsigned ku = 0;
	int unused;
	struct span bits = der_take_bits(&d, &unused);

	/* nine bits are named; more are ignored, as X.680 22.7 allows */
	for (unsigned i = 0; i < 9 && i / 8 < bits.n; i++)
		if (bits.p[i / 8] & (0x80u >> (i % 8)))
			ku |= 1u << i;
	*ret = ku;
	return der_finish(&d);
}

int
eku_parse(struct span value, unsigned *ret)
{
	struct der d = der_of(value), in = der_enter(&d, DER_SEQUENCE);
	unsigned eku = 0;

	while (!der_is_empty(&in)) {
		enum oid id = oid_from_span(der_take(&in, DER_OID));
		unsigned bit = EKU_OTHER;

		for (size_t i = 0; i < EKU_N; i++)
			if (ekus[i].id == id)
				bit = ekus[i].bit;
		eku |= bit;
	}
	*ret = eku;
	if (der_finish(&in) || der_finish(&d))
		return E_PARSE;
	return eku ? 0 : E_PARSE; /* SIZE (1..MAX) */
}

int
bc_parse(struct span value, bool *ret_ca, int *ret_path_len)
{
	struct der d = der_of(value), in = der_enter(&d, DER_SEQUENCE);
	bool ca = false;
	int64_t len = -1;

	/* an explicit FALSE breaks X.690 11.5, yet whole product lines send
	 * it; it can mean only one thing */
	if (der_peek(&in) == DER_BOOLEAN)
		ca = der_take_bool(&in);
	if (der_peek(&in) == DER_INTEGER)
		len = der_take_small(&in);
	if (der_finish(&in) || der_finish(&d))
		return E_PARSE;
	*ret_ca = ca;
	*ret_path_len = len > INT_MAX ? INT_MAX : (int)len;
	return 0;
}

static int
aki_parse(struct span value, struct span *ret)
{
	struct der d = der_of(value), in = der_enter(&d, DER_SEQUENCE);
	struct span id = EMPTY, skip;

	(void)der_try(&in, DER_CONTEXT(0), &id);
	(void)der_try(&in, DER_CONTEXT_CONS(1), &skip);
	(void)der_try(&in, DER_CONTEXT(2), &skip);
	if (der_finish(&in) || der_finish(&d))
		return E_PARSE;
	*ret = id;
	return 0;
}

/* the outer form of GeneralNames; san_from_der() reads the names */
static int
general_names_check(struct span value)
{
	struct der d = der_of(value), in = der_enter(&d, DER_SEQUENCE);
	size_t n = 0;

	for (; !der_is_empty(&in); n++) {
		int tag;

		(void)der_take_any(&in, &tag);
		if ((tag & 0xc0) != 0x80)
			return E_PARSE;
	}
	return der_finish(&in) || der_finish(&d) || n == 0 ? E_PARSE : 0;
}

/*
 * Critical ones a path may hold without harm although nothing is decoded
 * here: trust/ reads the name constraints, the others only inform. Policy
 * constraints and mappings are not among them: nobody here processes them, so
 * a critical one has to refuse the path (RFC 5280 4.2).
 */
static bool
is_understood(enum oid id)
{
	return id == OID_NAME_CONSTRAINTS || id == OID_POLICIES ||
	       id == OID_CRL_DP || id == OID_AIA || id == OID_IAN ||
	       id == OID_OCSP_NOCHECK || id == OID_NETSCAPE_TYPE;
}

int
x509_ext_decode(struct x509 *c, const struct x509_ext *x)
{
	struct der d = der_of(x->value);

	switch (x->id) {
	case OID_KU:
		c->has_ku = true;
		return ku_parse(x->value, &c->ku);
	case OID_EKU:
		c->has_eku = true;
		return eku_parse(x->value, &c->eku);
	case OID_BC:
		c->has_bc = true;
		return bc_parse(x->value, &c->ca, &c->path_len);
	case OID_SKI:
		c->ski = der_take(&d, DER_OCTET_STRING);
		return der_finish(&d);
	case OID_AKI:
		return aki_parse(x->value, &c->aki);
	case OID_SAN:
		c->san = x->value;
		return general_names_check(x->value);
	default:
		if (x->critical && !is_understood(x->id))
			c->unknown_critical = true;
		return 0;
	}
}

static int
ext_parse(struct der *list, struct x509_ext *x)
{
	struct der in = der_enter(list, DER_SEQUENCE);

	x->oid = der_take(&in, DER_OID);
	x->id = oid_from_span(x->oid);
	x->critical = false;
	if (der_peek(&in) == DER_BOOLEAN)
		x->critical = der_take_bool(&in);
	x->value = der_take(&in, DER_OCTET_STRING);
	return der_finish(&in) || x->oid.n == 0 ? E_PARSE : 0;
}

static bool
is_duplicate(const struct x509_ext *ext, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (span_is_equal(ext[i].oid, ext[n].oid))
			return true;
	return false;
}

int
ext_list_parse(struct span list, struct diag *d, const char *object,
    struct x509_ext *ext, size_t *ret_n)
{
	struct der whole = der_of(list), in = der_enter(&whole, DER_SEQUENCE);
	size_t n = 0;

	for (; !der_is_empty(&in); n++) {
		if (n == X509_EXT_MAX)
			return diag_set(d, E_TOO_BIG, object, NULL,
			    "more than %d extensions", X509_EXT_MAX);
		if (ext_parse(&in, &ext[n]))
			return diag_set(d, E_PARSE, object, "RFC 5280 4.2",
			    "extension %zu is malformed", n + 1);
		/* RFC 5280 4.2: no more than one instance of an extension */
		if (is_duplicate(ext, n))
			return diag_set(d, E_PARSE, object, "RFC 5280 4.2",
			    "extension %zu is there twice", n + 1);
	}
	if (der_finish(&in) || der_finish(&whole) || n == 0)
		return diag_set(d, E_PARSE, object, "RFC 5280 4.2",
		    "the list of extensions is malformed or empty");
	*ret_n = n;
	return 0;
}

void
ext_wrap(struct derw *w, enum oid id, bool critical, size_t mark)
{
	derw_wrap(w, DER_OCTET_STRING, mark);
	if (critical)
		derw_bool(w, true);
	derw_oid(w, oid_span(id));
	derw_wrap(w, DER_SEQUENCE, mark);
}

void
ku_write(struct derw *w, unsigned ku)
{
	uint8_t bits[3] = { 0 };
	size_t n = ku & KU_DECIPHER_ONLY ? 2 : 1;

	for (unsigned i = 0; i < 9; i++)
		if (ku & (1u << i))
			bits[1 + i / 8] |= (uint8_t)(0x80u >> (i % 8));
	/* X.690 11.2.2: trailing zero bits are left off */
	while (!(bits[n] >> bits[0] & 1) && bits[0] < 7)
		bits[0]++;
	derw_primitive(w, DER_BIT_STRING, span_of(bits, n + 1));
}

void
eku_write(struct derw *w, unsigned eku)
{
	size_t mark = derw_mark(w);

	for (size_t i = EKU_N; i-- > 0;)
		if (eku & ekus[i].bit)
			derw_oid(w, oid_span(ekus[i].id));
	derw_wrap(w, DER_SEQUENCE, mark);
}
