#include "cert/crl.h"

#include <stdlib.h>

#include "base/enumtab.h"
#include "cert/cert_internal.h"

#define OBJECT "CRL"
#define SERIAL_READ_MAX 33 /* octets with the sign, as for certificates */

/* RFC 5280 5.3.1, one up so that unspecified (0) is not "unset" */
static const struct enum_text reasons[] = {
	{ 1, "unspecified" },
	{ 2, "keyCompromise" },
	{ 3, "cACompromise" },
	{ 4, "affiliationChanged" },
	{ 5, "superseded" },
	{ 6, "cessationOfOperation" },
	{ 7, "certificateHold" },
	{ 9, "removeFromCRL" },
	{ 10, "privilegeWithdrawn" },
	{ 11, "aACompromise" },
	{ 0, NULL },
};

const char *
crl_reason_name(int reason)
{
	return enum_name(reasons, reason < 0 ? 1 : reason + 1);
}

int
crl_reason_from_name(const char *text)
{
	return enum_from_name(reasons, text) - 1;
}

static int
refuse(struct diag *d, int e, const char *rule, const char *fact)
{
	return diag_set(d, e, OBJECT, rule, "%s", fact);
}

static int
reason_parse(struct span value, int *ret)
{
	struct der d = der_of(value);
	struct span s = der_take(&d, DER_ENUMERATED);

	if (der_finish(&d) || s.n != 1 || s.p[0] > 10 || s.p[0] == 7)
		return E_PARSE;
	*ret = s.p[0];
	return 0;
}

/* one entry; critical: an extension that changes what the entry means */
static int
entry_take(struct der *list, struct crl_entry *e, bool *critical)
{
	struct der in = der_enter(list, DER_SEQUENCE);
	struct x509_ext ext[X509_EXT_MAX];
	size_t n = 0;

	e->serial = der_take_integer(&in);
	e->revoked_at = der_take_time(&in);
	e->reason = -1;
	if (!der_is_empty(&in) &&
	    ext_list_parse(
		der_take_raw(&in, DER_SEQUENCE), NULL, OBJECT, ext, &n))
		return E_PARSE;
	for (size_t i = 0; i < n; i++) {
		if (ext[i].id == OID_REASON) {
			if (reason_parse(ext[i].value, &e->reason))
				return E_PARSE;
		} else if (ext[i].critical && ext[i].id != OID_INVALIDITY) {
			*critical = true;
		}
	}
	if (der_finish(&in) || e->serial.n > SERIAL_READ_MAX)
		return E_PARSE;
	return 0;
}

static int
entries_check(struct crl *c)
{
	struct der list = der_of(c->entries);
	struct crl_entry e;

	while (!der_is_empty(&list)) {
		if (entry_take(&list, &e, &c->unknown_critical))
			return E_PARSE;
		c->entry_n++;
	}
	return list.err;
}

static int
aki_parse(struct span value, struct span *ret)
{
	struct der d = der_of(value), in = der_enter(&d, DER_SEQUENCE);

	(void)der_try(&in, DER_CONTEXT(0), ret);
	return d.err || in.err ? E_PARSE : 0;
}

/*
 * An issuing distribution point or a delta indicator (both critical) says
 * that this list is not about every certificate of its issuer. We do not
 * weigh that, so the list says it is not understood.
 */
static int
extensions_parse(struct crl *c, struct span list, struct diag *d)
{
	struct x509_ext ext[X509_EXT_MAX];
	size_t n;
	int e = ext_list_parse(list, d, OBJECT, ext, &n);

	for (size_t i = 0; !e && i < n; i++) {
		struct der v = der_of(ext[i].value);

		if (ext[i].id == OID_AKI) {
			e = aki_parse(ext[i].value, &c->aki);
		} else if (ext[i].id == OID_CRL_NUMBER) {
			c->number = der_take_integer(&v);
			e = der_finish(&v);
		} else if (ext[i].critical) {
			c->unknown_critical = true;
		}
		if (e)
			(void)refuse(d, e, "RFC 5280 5.2", "an extension");
	}
	return e;
}

static int
take_times(struct der *t, struct crl *c)
{
	int tag;

	c->this_update = der_take_time(t);
	tag = der_peek(t);
	if (tag == DER_UTCTIME || tag == DER_GENTIME)
		c->next_update = der_take_time(t);
	return t->err;
}

static int
tbs_parse(struct crl *c, struct diag *d)
{
	struct der whole = der_of(c->tbs), t = der_enter(&whole, DER_SEQUENCE);
	struct span list, s;
	bool is_v2 = der_peek(&t) == DER_INTEGER;
	struct der in;
	int e;

	if (is_v2 && (der_take_small(&t) != 1 || t.err))
		return refuse(d, E_PARSE, "RFC 5280 5.1.2.1", "version");
	c->sig_alg = der_take_raw(&t, DER_SEQUENCE);
	c->issuer = der_take_raw(&t, DER_SEQUENCE);
	e = t.err ? t.err : name_check(c->issuer);
	if (e)
		return refuse(d, e, "RFC 5280 5.1.2.3", "issuer name");
	if ((e = take_times(&t, c)))
		return refuse(d, e, "RFC 5280 5.1.2.4", "its times");
	(void)der_try(&t, DER_SEQUENCE, &c->entries);
	e = t.err ? t.err : entries_check(c);
	if (e)
		return diag_set(d, e, OBJECT, "RFC 5280 5.1.2.6",
		    "entry %zu is malformed", c->entry_n + 1);
	if (der_try(&t, DER_CONTEXT_CONS(0), &list)) {
		in = der_of(list);
		s = der_take_raw(&in, DER_SEQUENCE);
		if (der_finish(&in) || !is_v2)
			return refuse(
			    d, E_PARSE, "RFC 5280 5.1.2.7", "extensions");
		if ((e = extensions_parse(c, s, d)))
			return e;
	}
	e = der_finish(&t);
	return e ? refuse(d, e, "RFC 5280 5.1", "after the last field") : 0;
}

static int
whole_parse(struct crl *c, struct diag *d)
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
	if (!e && (unused || c->sig.n == 0))
		e = E_PARSE;
	if (e)
		return refuse(d, e, "RFC 5280 5.1",
		    e == E_TRUNCATED ? "it ends too early"
				     : "not the three parts of a CRL");
	e = tbs_parse(c, d);
	if (e)
		return e;
	if (!span_is_equal(alg, c->sig_alg))
		return refuse(d, E_PARSE, "RFC 5280 5.1.1.2",
		    "the signature algorithm outside differs from the one "
		    "inside");
	return 0;
}

int
crl_parse(struct span der, struct diag *d, struct crl **ret)
{
	AUTO_STRUCT(crl) *c = NULL;
	int e;

	if (der.n > CRL_DER_MAX)
		return refuse(d, E_TOO_BIG, NULL, "more than 64 MiB");
	c = (struct crl *)calloc(1, sizeof(*c));
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
crl_free(struct crl *c)
{
	if (!c)
		return;
	free(c->der);
	free(c);
}

bool
crl_next(const struct crl *c, size_t *at, struct crl_entry *ret)
{
	struct der list;
	struct crl_entry e;
	bool critical = false;

	if (*at >= c->entries.n)
		return false;
	list = der_of(span_of(c->entries.p + *at, c->entries.n - *at));
	if (entry_take(&list, &e, &critical))
		return false;
	*at = c->entries.n - list.rest.n;
	*ret = e;
	return true;
}

int
crl_verify(const struct crl *c, struct span issuer_spki)
{
	AUTO(EVP_PKEY) *k = NULL;
	int e = spki_load(issuer_spki, &k);

	return e ? e : key_verify(k, c->sig_alg, c->tbs, c->sig);
}
