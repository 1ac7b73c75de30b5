/* ca/shape: the content of our own CA and RA certificates. Their profiles say
 * what is in them (CERT-6); profile_grant() is for what others ask for. */
#include <stdio.h>

#include "base/time.h"
#include "ca/ca_internal.h"

const struct profile *
ca_profile(const struct ca *ca, const char *name, struct diag *d)
{
	const struct profile *p = profile_find(&ca->profiles, name);

	if (!p)
		(void)ca_refuse(d, E_NOT_FOUND, name,
		    "see signet profile list for those there are",
		    "there is no profile of this name");
	return p;
}

/* Not stored anywhere: so it is known of restored and imported roots, too. */
const char *
ca_root_profile(const struct ca *ca, const struct x509 *root)
{
	const struct profile_set *set = &ca->profiles;
	const struct profile *usual = profile_find(set, CA_PROFILE_ROOT);
	struct diag d = { 0 };

	if (usual && profile_check_tbs(usual, root, &d) == 0)
		return CA_PROFILE_ROOT;
	for (size_t i = 0; i < set->n; i++)
		if (set->e[i].kind == PROFILE_CA &&
		    strcmp(set->e[i].name, CA_PROFILE_ISSUING) != 0 &&
		    profile_check_tbs(&set->e[i], root, &d) == 0)
			return set->e[i].name;
	return CA_PROFILE_ROOT;
}

/* one RFC 4514 attribute; special characters escaped */
static void
add_attribute(struct buf *out, const char *key, const char *value)
{
	if (!value[0])
		return;
	buf_printf(out, "%s%s=", out->n ? "," : "", key);
	for (const char *c = value; *c; c++) {
		bool is_edge = (c == value && (*c == ' ' || *c == '#')) ||
			       (*c == ' ' && !c[1]);

		if (is_edge || strchr("\",+<>;\\=", *c))
			buf_add_text(out, "\\");
		buf_add(out, c, 1);
	}
}

int
ca_shape_name(const struct estate_names *e, const char *name, const char *what,
    struct diag *d, struct buf *ret_name)
{
	BUF(text, 2 * NAME_TEXT_MAX);
	BUF(cn, NAME_TEXT_MAX);

	buf_printf(&cn, "%s%s%s", name, what[0] ? " " : "", what);
	buf_add_u8(&cn, 0);
	if (buf_error(&cn))
		return buf_error(&cn);
	/* most significant first, as X.501 orders names */
	add_attribute(&text, "C", e->c);
	add_attribute(&text, "ST", e->st);
	add_attribute(&text, "L", e->l);
	add_attribute(&text, "O", e->o);
	add_attribute(&text, "OU", e->ou);
	add_attribute(&text, "CN", (const char *)cn.p);
	add_attribute(&text, "E", e->email);
	buf_add_u8(&text, 0);
	if (buf_error(&text))
		return buf_error(&text);
	return name_build((const char *)text.p, d, ret_name);
}

static int
lifetime(const struct ca_shape *s, struct tbs_params *p, struct diag *d)
{
	/* CERT-6: valid from the day before, for clocks that lag */
	p->not_before = s->now - (int64_t)s->profile->backdate_h * 3600;
	p->not_after = p->not_before + (int64_t)s->profile->days * TIME_DAY;
	if (s->issuer && p->not_after > s->issuer->not_after)
		p->not_after = s->issuer->not_after;
	if (p->not_after > s->now)
		return 0;
	return ca_refuse(d, E_EXPIRED, s->profile->name,
	    "signet ca renew, or signet ca create",
	    "the authority above it has expired");
}

/* CERT-6: chapter 9 repeats the root's CN as its URI, without a scheme, which
 * san_add() would not take. What no URI may hold is written as %XX. */
static int
root_uri(struct span subject, struct san_list *ret)
{
	static const char hex[] = "0123456789ABCDEF";
	char cn[SAN_TEXT_MAX / 3];
	size_t n = 0;

	if (!name_get(subject, OID_CN, cn, sizeof(cn)))
		return E_INVAL;
	for (const char *p = cn; *p; p++) {
		unsigned char u = (unsigned char)*p;

		if (u > 0x20 && u < 0x7f && !strchr("\"%<>\\^`{|}", u)) {
			ret->e[0].text[n++] = *p;
			continue;
		}
		ret->e[0].text[n++] = '%';
		ret->e[0].text[n++] = hex[u >> 4];
		ret->e[0].text[n++] = hex[u & 15];
	}
	ret->e[0].text[n] = '\0';
	ret->e[0].kind = SAN_URI;
	ret->n = 1;
	return 0;
}

int
ca_shape_tbs(const struct ca *ca, const struct ca_shape *s, struct diag *d,
    struct buf *ret_tbs)
{
	char crl[CA_URL_MAX] = "", issuers[CA_URL_MAX] = "";
	uint8_t serial[CERT_SERIAL_MAX] = { 0 };
	struct tbs_params p = {
		.serial = span_of(serial, sizeof(serial)),
		.issuer_key = s->issuer_key,
		.hash = s->profile->hash,
		.issuer = s->issuer ? s->issuer->subject : s->subject,
		.subject = s->subject,
		.spki = s->spki,
		.ca = s->profile->ca,
		.path_len = s->profile->ca ? s->profile->path_len : -1,
		.ku = s->profile->ku,
		.eku = s->profile->eku,
		.ku_critical = s->profile->ku_critical,
	};
	struct san_list names = { .n = 0 };
	int e = lifetime(s, &p, d);

	if (!e && !s->issuer && s->profile->san_uri)
		e = root_uri(s->subject, &names);
	if (e)
		return e;
	p.san = names.n ? &names : NULL;
	ca_serial_new(serial);
	if (s->issuer) {
		/* CA-2: the key's identifier, not issuer and serial: what
		 * is issued stays valid when the issuer is renewed */
		p.aki = s->issuer->ski;
		ca_urls(ca, s->issuer_id, crl, issuers);
		p.crl_url = crl[0] ? crl : NULL;
		p.issuers_url = issuers[0] ? issuers : NULL;
	}
	return tbs_build(&p, ret_tbs);
}
