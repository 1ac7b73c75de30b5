#include "cli/csr_spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cert/csr.h"

#define WORD_MAX 64 /* bytes of one usage name */

/* chapter 31: what the request of an IP Office asks for. Only RSA encrypts
 * keys; the elliptic kinds agree on them instead (RFC 5480 3, RFC 8410 5). */
static unsigned
default_ku(enum key_kind key)
{
	unsigned ku = KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION;

	switch (key) {
	case KEY_P256:
	case KEY_P384:
		return ku | KU_KEY_AGREEMENT;
	case KEY_ED25519:
		return ku;
	default:
		return ku | KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT;
	}
}

static int
set_key(struct csr_spec *s, const char *text, struct diag *d)
{
	enum key_kind kind = key_kind_from_name(text);

	if (kind >= KEY_RSA2048 && kind <= KEY_ED25519) {
		s->key = kind;
		return 0;
	}
	(void)diag_set(d, E_INVAL, text,
	    kind == KEY_RSA1024 ? "CERT-5" : "CERT-4",
	    kind == KEY_RSA1024 ? "too short to be made today"
				: "no such kind of key");
	diag_remedy(d, "take rsa2048, rsa3072, rsa4096, p256, p384 or ed25519");
	return E_INVAL;
}

static int
set_hash(struct csr_spec *s, const char *text, struct diag *d)
{
	enum hash_kind hash = hash_from_name(text);

	if (hash >= HASH_SHA256 && hash <= HASH_SHA512) {
		s->hash = hash;
		return 0;
	}
	(void)diag_set(d, E_INVAL, text, hash ? "CERT-5" : "CERT-4",
	    hash ? "too weak to sign with today" : "no such hash");
	diag_remedy(d, "take sha256, sha384 or sha512");
	return E_INVAL;
}

/* "a,b,c" -> bits; "none" -> 0 */
static int
usage_bits(const char *list, const char *what,
    unsigned (*from_name)(const char *), unsigned *ret, struct diag *d)
{
	unsigned bits = 0;

	if (strcmp(list, "none") == 0) {
		*ret = 0;
		return 0;
	}
	while (*list) {
		size_t n = strcspn(list, ",");
		char word[WORD_MAX] = "";
		unsigned bit;

		if (n < sizeof(word))
			memcpy(word, list, n);
		bit = from_name(word + strspn(word, " "));
		if (!bit)
			return diag_set(d, E_INVAL, what, "CERT-4",
			    "no such usage: \"%.*s\"", (int)n, list);
		bits |= bit;
		list += n + (list[n] == ',');
	}
	*ret = bits;
	return 0;
}

static int
set_usages(struct csr_spec *s, const char *ku, const char *eku, struct diag *d)
{
	int e = 0;

	if (ku) {
		e = usage_bits(ku, "key usage", ku_from_name, &s->ku, d);
		s->ku_set = true;
	}
	if (!e && eku) {
		e = usage_bits(
		    eku, "extended key usage", eku_from_name, &s->eku, d);
		s->eku_set = true;
	}
	return e;
}

/* --san may be repeated; all of them together are one list (CERT-8) */
static int
set_san(struct cli_context *c, struct csr_spec *s, struct diag *d)
{
	BUF(list, SAN_MAX * (SAN_TEXT_MAX + 8));
	const char *one;

	for (size_t i = 0; (one = cli_get_nth(c, "san", i)); i++) {
		if (i)
			buf_add_text(&list, ",");
		buf_add_text(&list, one);
	}
	if (list.n == 0 && !list.err)
		return 0;
	buf_add_u8(&list, 0);
	if (buf_error(&list))
		return diag_set(d, buf_error(&list), "--san", "CERT-8",
		    "more than %d names", SAN_MAX);
	return san_parse((const char *)list.p, d, &s->san);
}

static int
set_text(
    char *out, size_t size, const char *what, const char *text, struct diag *d)
{
	if (!text || str_copy(out, size, text) == 0)
		return 0;
	return diag_set(
	    d, E_TOO_BIG, what, NULL, "more than %zu bytes", size - 1);
}

int
csr_spec_options(struct cli_context *c, struct csr_spec *s, struct diag *d)
{
	const char *key = cli_get(c, "key"), *hash = cli_get(c, "hash");
	int e = set_text(s->cn, sizeof(s->cn), "--cn", cli_get(c, "cn"), d);

	if (!e)
		e = set_text(s->subject, sizeof(s->subject), "--subject",
		    cli_get(c, "subject"), d);
	if (!e)
		e = set_san(c, s, d);
	if (!e && key)
		e = set_key(s, key, d);
	if (!e && hash)
		e = set_hash(s, hash, d);
	return e ? e : set_usages(s, cli_get(c, "ku"), cli_get(c, "eku"), d);
}

/* the CN as it stands in a name's text (RFC 4514 2.4) */
static void
add_escaped(struct buf *out, const char *cn)
{
	size_t last = strlen(cn) - 1;

	for (size_t i = 0; cn[i]; i++) {
		bool edge = (i == 0 && (cn[i] == ' ' || cn[i] == '#')) ||
			    (i == last && cn[i] == ' ');

		if (edge || strchr(",+\"\\<>;=", cn[i]))
			buf_add_text(out, "\\");
		buf_add(out, &cn[i], 1);
	}
}

static int
build_subject(const struct csr_spec *s, struct buf *out, struct diag *d)
{
	BUF(text, 2 * NAME_TEXT_MAX);

	buf_add_text(&text, s->subject);
	buf_add_text(&text, s->subject[0] ? ",CN=" : "CN=");
	add_escaped(&text, s->cn);
	buf_add_u8(&text, 0);
	if (buf_error(&text))
		return diag_set(
		    d, buf_error(&text), "subject", NULL, "too long");
	return name_build((const char *)text.p, d, out);
}

/* the CN first among the DNS names, the others in their order after it */
static int
cn_first(struct csr_spec *s, bool *ret_added, struct diag *d)
{
	size_t at = 0, first;
	struct san one;
	int e;

	while (at < s->san.n &&
	       (s->san.e[at].kind != SAN_DNS ||
		   !str_is_equal_nocase(s->san.e[at].text, s->cn)))
		at++;
	*ret_added = at == s->san.n;
	if (*ret_added) {
		e = san_add(&s->san, SAN_DNS, s->cn, d);
		if (e)
			return e;
	}
	for (first = 0; s->san.e[first].kind != SAN_DNS; first++)
		;
	one = s->san.e[at];
	memmove(
	    &s->san.e[first + 1], &s->san.e[first], (at - first) * sizeof(one));
	s->san.e[first] = one;
	return 0;
}

int
csr_spec_settle(struct csr_spec *s, bool *ret_added, struct diag *d)
{
	char twice[CSR_CN_MAX];
	BUF(name, 8 * NAME_TEXT_MAX);
	int e = 0;

	*ret_added = false;
	if (!s->cn[0])
		return diag_set(d, E_INVAL, "--cn", "CERT-8", "is empty");
	if (!s->key)
		s->key = KEY_RSA2048;
	if (!s->ku_set)
		s->ku = default_ku(s->key);
	if (!s->eku_set)
		s->eku = EKU_SERVER | EKU_CLIENT;
	if (s->subject[0]) {
		e = name_build(s->subject, d, &name);
		if (!e &&
		    name_get(buf_span(&name), OID_CN, twice, sizeof(twice)))
			return diag_set(d, E_INVAL, "--subject", "CERT-8",
			    "has a CN of its own beside --cn");
	}
	/* CERT-8: the first DNS name is the CN when that is a host name */
	if (!e && host_is_valid(s->cn))
		e = cn_first(s, ret_added, d);
	return e;
}

static json_t *
usage_names(unsigned bits, unsigned last, const char *(*name)(unsigned))
{
	json_t *array = json_array();

	for (unsigned bit = 1; bit <= last; bit <<= 1)
		if (bits & bit)
			json_array_append_new(array, json_string(name(bit)));
	return array;
}

json_t *
csr_spec_to_json(const struct csr_spec *s)
{
	json_t *o = json_object();

	json_set_text(o, "cn", s->cn);
	json_set_text(o, "subject", s->subject);
	json_object_set_new(o, "san", san_to_json(&s->san));
	json_set_text(o, "key", key_kind_name(s->key));
	if (s->hash)
		json_set_text(o, "hash", hash_name(s->hash));
	json_object_set_new(
	    o, "key_usage", usage_names(s->ku, KU_DECIPHER_ONLY, ku_name));
	json_object_set_new(
	    o, "extended_key_usage", usage_names(s->eku, EKU_CMC_RA, eku_name));
	return o;
}

static int
usages_from_json(const json_t *array, const char *what,
    unsigned (*from_name)(const char *), unsigned *ret, struct diag *d)
{
	const json_t *one;
	size_t i;

	*ret = 0;
	json_array_foreach(array, i, one)
	{
		const char *text = json_string_value(one);
		unsigned bit = text ? from_name(text) : 0;

		if (!bit)
			return diag_set(d, E_INVAL, what, NULL,
			    "no such usage: \"%s\"", text ? text : "?");
		*ret |= bit;
	}
	return 0;
}

int
csr_spec_from_json(const json_t *o, struct csr_spec *ret, struct diag *d)
{
	const char *key = json_get0_text(o, "key");
	const char *hash = json_get0_text(o, "hash");
	int e;

	memset(ret, 0, sizeof(*ret));
	e = set_text(
	    ret->cn, sizeof(ret->cn), "cn", json_get0_text(o, "cn"), d);
	if (!e)
		e = set_text(ret->subject, sizeof(ret->subject), "subject",
		    json_get0_text(o, "subject"), d);
	if (!e)
		e = san_from_json(json_object_get(o, "san"), d, &ret->san);
	if (!e && key)
		e = set_key(ret, key, d);
	if (!e && hash)
		e = set_hash(ret, hash, d);
	if (!e)
		e = usages_from_json(json_object_get(o, "key_usage"),
		    "key usage", ku_from_name, &ret->ku, d);
	if (!e)
		e = usages_from_json(json_object_get(o, "extended_key_usage"),
		    "extended key usage", eku_from_name, &ret->eku, d);
	ret->ku_set = ret->eku_set = true;
	return e;
}

int
csr_spec_build(
    const struct csr_spec *s, EVP_PKEY *key, struct buf *out, struct diag *d)
{
	BUF(subject, 8 * NAME_TEXT_MAX);
	struct csr_params p = {
		.san = &s->san, .ku = s->ku, .eku = s->eku, .hash = s->hash
	};
	int e = build_subject(s, &subject, d);

	if (e)
		return e;
	p.subject = buf_span(&subject);
	e = csr_build(key, &p, out);
	return e ? diag_set(d, e, s->cn, "CERT-4",
		       "the request could not be made: %s", err_text(e))
		 : 0;
}
