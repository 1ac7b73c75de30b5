/* cert/x509, building: what the CA signs, written from its end forward. */
#include "base/time.h"
#include "cert/cert_internal.h"

#define URL_MAX 1024    /* bytes of one URL in a certificate */
#define FIXED_SIZE 1024 /* everything of a TBSCertificate of known size */
#define TIME_1950 INT64_C(-631152000)

static bool
url_is_fine(const char *url)
{
	size_t n = url ? strlen(url) : 1;

	if (n == 0 || n > URL_MAX)
		return false;
	for (; url && *url; url++)
		if (*url <= 0x20 || *url >= 0x7f)
			return false;
	return true;
}

static bool
name_is_fine(struct span name)
{
	return name.n >= 2 && name_check(name) == 0;
}

static int
params_check(const struct tbs_params *p)
{
	struct span serial = p->serial;

	while (serial.n > 0 && serial.p[0] == 0)
		serial = span_of(serial.p + 1, serial.n - 1);
	/* RFC 5280 4.1.2.2: positive, 20 octets with the sign */
	if (serial.n == 0 || serial.n > X509_SERIAL_MAX ||
	    (serial.n == X509_SERIAL_MAX && serial.p[0] >= 0x80))
		return E_INVAL;
	if (p->not_before < TIME_1950 || p->not_after > TIME_MAX ||
	    p->not_before > p->not_after)
		return E_INVAL;
	if (!name_is_fine(p->issuer) || name_is_empty(p->issuer) ||
	    !name_is_fine(p->subject))
		return E_INVAL;
	/* RFC 5280 4.2.1.9: a path length belongs to a CA */
	if ((!p->ca && p->path_len >= 0) || (p->ca && p->no_bc))
		return E_INVAL;
	/* RFC 5280 4.2.1.6: nothing would name the subject */
	if (name_is_empty(p->subject) && (!p->san || p->san->n == 0))
		return E_INVAL;
	if (p->eku & EKU_OTHER)
		return E_INVAL;
	return url_is_fine(p->crl_url) && url_is_fine(p->issuers_url) &&
		       url_is_fine(p->ocsp_url)
		   ? 0
		   : E_INVAL;
}

static void
crl_dp_write(struct derw *w, const char *url)
{
	size_t mark = derw_mark(w);

	if (!url)
		return;
	derw_primitive(w, DER_CONTEXT(6), span_str(url));
	derw_wrap(w, DER_CONTEXT_CONS(0), mark); /* fullName */
	derw_wrap(w, DER_CONTEXT_CONS(0), mark); /* distributionPoint */
	derw_wrap(w, DER_SEQUENCE, mark);
	derw_wrap(w, DER_SEQUENCE, mark);
	ext_wrap(w, OID_CRL_DP, false, mark);
}

static void
access_write(struct derw *w, enum oid method, const char *url)
{
	size_t mark = derw_mark(w);

	if (!url)
		return;
	derw_primitive(w, DER_CONTEXT(6), span_str(url));
	derw_oid(w, oid_span(method));
	derw_wrap(w, DER_SEQUENCE, mark);
}

static void
aia_write(struct derw *w, const struct tbs_params *p)
{
	size_t mark = derw_mark(w);

	if (!p->issuers_url && !p->ocsp_url)
		return;
	access_write(w, OID_AD_ISSUERS, p->issuers_url);
	access_write(w, OID_AD_OCSP, p->ocsp_url);
	derw_wrap(w, DER_SEQUENCE, mark);
	ext_wrap(w, OID_AIA, false, mark);
}

static void
san_write(struct derw *w, const struct tbs_params *p)
{
	size_t mark = derw_mark(w);

	if (!p->san || p->san->n == 0)
		return;
	san_to_der(p->san, w);
	/* RFC 5280 4.2.1.6: critical where the subject is empty */
	ext_wrap(w, OID_SAN, name_is_empty(p->subject), mark);
}

static void
key_ids_write(struct derw *w, const struct tbs_params *p, const uint8_t ski[20])
{
	size_t mark = derw_mark(w);

	if (p->aki.n) {
		derw_primitive(w, DER_CONTEXT(0), p->aki);
		derw_wrap(w, DER_SEQUENCE, mark);
		ext_wrap(w, OID_AKI, false, mark);
	}
	mark = derw_mark(w);
	derw_primitive(w, DER_OCTET_STRING, span_of(ski, 20));
	ext_wrap(w, OID_SKI, false, mark);
}

static void
usage_write(struct derw *w, const struct tbs_params *p)
{
	size_t mark = derw_mark(w);

	if (p->eku) {
		eku_write(w, p->eku);
		ext_wrap(w, OID_EKU, false, mark);
	}
	mark = derw_mark(w);
	if (p->ku) {
		ku_write(w, p->ku);
		ext_wrap(w, OID_KU, p->ku_critical, mark);
	}
	if (p->no_bc)
		return;
	mark = derw_mark(w);
	if (p->path_len >= 0)
		derw_small(w, p->path_len);
	if (p->ca)
		derw_bool(w, true);
	derw_wrap(w, DER_SEQUENCE, mark);
	ext_wrap(w, OID_BC, p->ca, mark); /* RFC 5280 4.2.1.9 */
}

static void
validity_write(struct derw *w, const struct tbs_params *p)
{
	size_t mark = derw_mark(w);

	derw_time(w, p->not_after);
	derw_time(w, p->not_before);
	derw_wrap(w, DER_SEQUENCE, mark);
}

static size_t
size_needed(const struct tbs_params *p)
{
	size_t n =
	    FIXED_SIZE + p->issuer.n + p->subject.n + p->spki.n + p->aki.n;

	if (p->san)
		n += p->san->n * (SAN_TEXT_MAX + 8);
	return n + (p->crl_url ? URL_MAX : 0) + (p->issuers_url ? URL_MAX : 0) +
	       (p->ocsp_url ? URL_MAX : 0);
}

int
tbs_build(const struct tbs_params *p, struct buf *out)
{
	uint8_t ski[20];
	size_t mark;
	DERW(w);
	int e = params_check(p);

	if (!e)
		e = spki_key_id(p->spki, ski);
	if (!e)
		e = derw_init(&w, size_needed(p));
	if (e)
		return e;
	aia_write(&w, p);
	crl_dp_write(&w, p->crl_url);
	san_write(&w, p);
	key_ids_write(&w, p, ski);
	usage_write(&w, p);
	derw_wrap(&w, DER_SEQUENCE, w.cap);
	derw_wrap(&w, DER_CONTEXT_CONS(3), w.cap);
	derw_raw(&w, p->spki);
	derw_raw(&w, p->subject);
	validity_write(&w, p);
	derw_raw(&w, p->issuer);
	e = key_sig_alg(p->issuer_key, p->hash, &w);
	if (e)
		return e;
	derw_integer(&w, p->serial);
	mark = derw_mark(&w);
	derw_small(&w, 2);
	derw_wrap(&w, DER_CONTEXT_CONS(0), mark);
	derw_wrap(&w, DER_SEQUENCE, w.cap);
	return derw_to_buf(&w, out);
}

int
x509_assemble(struct span tbs, enum key_kind k, enum hash_kind h,
    struct span sig, struct buf *out)
{
	DERW(w);
	int e = derw_init(&w, tbs.n + sig.n + 128);

	if (e)
		return e;
	derw_bits(&w, sig);
	e = key_sig_alg(k, h, &w);
	if (e)
		return e;
	derw_raw(&w, tbs);
	derw_wrap(&w, DER_SEQUENCE, w.cap);
	return derw_to_buf(&w, out);
}
