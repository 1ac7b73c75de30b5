/* cert/profile, judging: the rules that grant and check have in common, and
 * the key process's own check of a whole TBSCertificate (CA-5). */
#include <stdio.h>

#include "base/time.h"
#include "cert/profile_internal.h"

#define DN_VALUE_MAX 512

/* RFC 5480 3 with RFC 8813, RFC 8410 5: EC keys encipher nothing, EdDSA keys
 * only sign. RSA keeps keyAgreement: chapter 9 lists it, and IP Office is
 * used to it. */
unsigned
profile_ku_fit(enum key_kind k, unsigned ku)
{
	if (k == KEY_P256 || k == KEY_P384)
		return ku &
		       ~(unsigned)(KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT);
	if (k == KEY_ED25519)
		return ku & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION |
				KU_CERT_SIGN | KU_CRL_SIGN);
	return ku;
}

int
profile_accepts_key(const struct profile *p, struct span spki,
    const char *object, struct diag *d, enum key_kind *ret)
{
	struct spki_info info;
	int e = spki_parse(spki, &info);

	if (e)
		return diag_set(
		    d, E_DENIED, object, "RFC 5280 4.1.2.7", "unreadable key");
	for (size_t i = 0; i < p->key_n; i++) {
		if (p->keys[i] != info.kind)
			continue;
		*ret = info.kind;
		return 0;
	}
	diag_set(d, E_DENIED, object, "key.accept",
	    "a key of kind %s (%d bits) is not accepted",
	    key_kind_name(info.kind), info.bits);
	diag_remedy(d, "make a key of kind %s, or use another profile",
	    key_kind_name(p->keys[0]));
	return E_DENIED;
}

bool
profile_allows_san(const struct profile *p, const struct san *e)
{
	switch (e->kind) {
	case SAN_DNS:
		return p->san_dns &&
		       (p->san_wildcard || strchr(e->text, '*') == NULL);
	case SAN_IP:
		return p->san_ip;
	case SAN_URI:
		return p->san_uri;
	case SAN_EMAIL:
		return p->san_email;
	default:
		return false;
	}
}

static bool
is_equal_in(struct span a, struct span b, int oid)
{
	char in_a[DN_VALUE_MAX] = "", in_b[DN_VALUE_MAX] = "";

	if (name_get(a, oid, in_a, sizeof(in_a)) !=
	    name_get(b, oid, in_b, sizeof(in_b)))
		return false;
	return strcmp(in_a, in_b) == 0;
}

int
profile_match_names(const struct profile *p, struct span subject,
    struct span issuer, struct diag *d)
{
	const struct {
		bool wanted;
		int oid;
		const char *key;
	} rules[] = {
		{ p->match_c, OID_C, "C" },
		{ p->match_st, OID_ST, "ST" },
		{ p->match_o, OID_O, "O" },
	};
	char value[DN_VALUE_MAX];

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (!rules[i].wanted ||
		    is_equal_in(subject, issuer, rules[i].oid))
			continue;
		if (!name_get(issuer, rules[i].oid, value, sizeof(value)))
			value[0] = '\0';
		diag_set(d, E_DENIED, p->name, "names.match",
		    "%s of the subject is not the CA's", rules[i].key);
		diag_remedy(d, "ask with %s=%s", rules[i].key, value);
		return E_DENIED;
	}
	return 0;
}

static int
refuse(
    const struct profile *p, struct diag *d, const char *rule, const char *fact)
{
	return diag_set(d, E_DENIED, p->name, rule, "%s", fact);
}

static int
extensions_check(const struct profile *p, const struct x509 *t, struct diag *d)
{
	for (size_t i = 0; i < t->ext_n; i++) {
		switch (t->ext[i].id) {
		case OID_SKI:
		case OID_AKI:
		case OID_CRL_DP:
		case OID_AIA:
			if (t->ext[i].critical)
				return refuse(p, d, "RFC 5280 4.2",
				    "critical where it must not be");
			break;
		case OID_KU:
		case OID_EKU:
		case OID_BC:
		case OID_SAN:
			break;
		case OID_OCSP_NOCHECK:
			if (p->kind == PROFILE_OCSP)
				break;
			/* fallthrough */
		default:
			return refuse(p, d, "CA-5",
			    "an extension that no profile allows");
		}
	}
	return 0;
}

static int
constraints_check(const struct profile *p, const struct x509 *t, struct diag *d)
{
	const struct x509_ext *bc = x509_ext_get0(t, OID_BC);

	if (t->ca != p->ca)
		return refuse(p, d, "RFC 5280 4.2.1.9",
		    t->ca ? "CA flag on a leaf" : "CA flag missing");
	if (t->path_len != p->path_len)
		return refuse(p, d, "RFC 5280 4.2.1.9",
		    "path length other than the profile's");
	if (p->ca && !bc->critical)
		return refuse(p, d, "RFC 5280 4.2.1.9",
		    "basicConstraints of a CA not critical");
	return 0;
}

static int
usage_check(const struct profile *p, const struct x509 *t, enum key_kind kind,
    struct diag *d)
{
	const struct x509_ext *ku = x509_ext_get0(t, OID_KU);
	unsigned always = profile_ku_fit(kind, p->ku);

	if (t->ku & ~(p->ku | p->ku_allowed))
		return refuse(p, d, "key_usage", "more than the profile has");
	if (always & ~t->ku)
		return refuse(p, d, "key_usage", "less than the profile has");
	if (ku && (t->ku == 0 || ku->critical != p->ku_critical))
		return refuse(p, d, "key_usage.critical",
		    "empty, or critical other than in the profile");
	if (t->eku & ~(p->eku | p->eku_allowed))
		return refuse(
		    p, d, "extended_key_usage", "more than the profile has");
	if (p->eku & ~t->eku)
		return refuse(
		    p, d, "extended_key_usage", "less than the profile has");
	return 0;
}

static int
san_check(const struct profile *p, const struct x509 *t, struct diag *d)
{
	struct san_list list = { .n = 0 }, clean = { .n = 0 };

	if (t->san.n && san_from_der(t->san, &list))
		return refuse(p, d, "RFC 5280 4.2.1.6", "malformed names");
	if (list.n > p->san_max)
		return refuse(p, d, "names.max", "too many names");
	for (size_t i = 0; i < list.n; i++) {
		const struct san *s = &list.e[i];

		if (!profile_allows_san(p, s))
			return diag_set(d, E_DENIED, p->name, "names",
			    "%s:%s is not allowed", san_kind_name(s->kind),
			    s->text);
		/* CERT-8; chapter 9's root names its host as a URI without
		 * scheme, and a CA's name is no asker's */
		if (p->kind != PROFILE_CA &&
		    san_add(&clean, s->kind, s->text, NULL))
			return diag_set(d, E_DENIED, p->name, "CERT-8",
			    "%s:%s is ill-formed or there twice",
			    san_kind_name(s->kind), s->text);
	}
	if (list.n == 0 && (p->san_required || name_is_empty(t->subject)))
		return refuse(p, d, "names.required", "no name at all");
	return 0;
}

static int
lifetime_check(const struct profile *p, const struct x509 *t, struct diag *d)
{
	int64_t life = t->not_after - t->not_before;
	int64_t issued = t->not_before + (int64_t)p->backdate_h * 3600;
	int64_t most = (int64_t)profile_days_max(p, issued) * TIME_DAY;

	if (life < 0)
		return refuse(
		    p, d, "RFC 5280 4.1.2.5", "ends before it begins");
	if (life <= most)
		return 0;
	return diag_set(d, E_DENIED, p->name, "validity.max_days",
	    "%lld days are asked for, %lld allowed",
	    (long long)((life + TIME_DAY - 1) / TIME_DAY),
	    (long long)(most / TIME_DAY));
}

int
profile_check_tbs(
    const struct profile *p, const struct x509 *tbs, struct diag *d)
{
	enum key_kind kind;
	int e = extensions_check(p, tbs, d);

	if (!e)
		e = constraints_check(p, tbs, d);
	if (!e)
		e = profile_accepts_key(p, tbs->spki, p->name, d, &kind);
	if (!e)
		e = usage_check(p, tbs, kind, d);
	if (!e)
		e = san_check(p, tbs, d);
	if (!e)
		e = profile_match_names(p, tbs->subject, tbs->issuer, d);
	return e ? e : lifetime_check(p, tbs, d);
}
