/*
 * key/server, what a CA key signs (CA-5). Nothing here trusts the core: a
 * taken-over core gets what some profile allows to somebody, and never a CA
 * certificate for a key that is not in this folder.
 */
#include "cert/profile.h"
#include "cert/x509.h"
#include "key/server_internal.h"

struct job { /* one TBSCertificate under judgement */
	char id[KEY_ID_MAX];
	const struct profile *profile;
	struct span bytes;
	struct x509 tbs;
	enum hash_kind hash;
};

static int
refuse(const struct job *j, struct diag *d, const char *rule, const char *fact)
{
	char object[KEY_ID_MAX + PROFILE_NAME_MAX + 16];
	int n = snprintf(
	    object, sizeof(object), "%s, profile %s", j->id, j->profile->name);

	return diag_set(d, E_DENIED, n > 0 ? object : j->id, rule, "%s", fact);
}

/* RFC 5280 4.1.2.2: positive, at most 20 octets */
static bool
serial_is_good(struct span s)
{
	if (s.n == 0 || s.n > X509_SERIAL_MAX || (s.p[0] & 0x80))
		return false;
	return s.n > 1 || s.p[0] != 0;
}

/* RFC 5280 4.1.1.2: the algorithm inside is the one this key signs with */
static int
algorithm_check(struct job *j, const struct key_entry *k, struct diag *d)
{
	DERW(w);
	int oid, e = sig_alg_parse(j->tbs.sig_alg, &j->hash, &oid);

	if (e)
		return refuse(j, d, "RFC 5280 4.1.1.2", "unknown algorithm");
	/* CERT-5 */
	if (j->hash != HASH_UNSET && j->hash < HASH_SHA256 &&
	    !(j->profile->legacy && j->hash == j->profile->hash))
		return refuse(j, d, "CERT-5", "an outdated hash");
	e = derw_init(&w, 128);
	if (e)
		return e;
	e = key_sig_alg(k->kind, j->hash, &w);
	if (e || !span_is_equal(derw_span(&w), j->tbs.sig_alg))
		return refuse(j, d, "RFC 5280 4.1.1.2",
		    "the algorithm does not fit the CA's key");
	return 0;
}

/* the key certified: for our own roles, only what lies in this folder */
static int
subject_key_check(struct key_server *s, struct job *j, struct diag *d)
{
	struct key_entry *k = NULL;

	if (j->profile->kind == PROFILE_RA) {
		if (keystore_find(s->keys, KEY_ROLE_RA, j->tbs.spki, &k))
			return refuse(j, d, "CA-5",
			    "the key is no RA key of this installation");
		return 0;
	}
	if (j->profile->kind != PROFILE_CA)
		return 0;
	if (keystore_find(s->keys, KEY_ROLE_CA, j->tbs.spki, &k))
		return refuse(
		    j, d, "CA-5", "the key is no CA key of this installation");
	if (!span_is_equal(buf_span(&k->subject), j->tbs.subject))
		return refuse(j, d, "CA-5",
		    "the subject is not the one sealed with that CA key");
	return 0;
}

static int
kind_check(const struct job *j, struct diag *d)
{
	const struct x509 *t = &j->tbs;

	if (j->profile->kind == PROFILE_STANDALONE)
		return refuse(j, d, "CERT-6",
		    "a standalone identity signs itself, no CA key does");
	if (j->profile->kind == PROFILE_CA)
		return t->ca ? 0 : refuse(j, d, "CA-5", "is no CA certificate");
	if (t->ca || t->path_len >= 0 || (t->ku & (KU_CERT_SIGN | KU_CRL_SIGN)))
		return refuse(
		    j, d, "RFC 5280 4.2.1.9", "a leaf with a CA's rights");
	return 0;
}

static int
judge(struct key_server *s, struct job *j, struct diag *d)
{
	int e = x509_parse_tbs(j->bytes, d, &j->tbs);

	if (e)
		return e;
	if (j->tbs.version != 3)
		return refuse(j, d, "RFC 5280 4.1.2.1", "is not version 3");
	if (!serial_is_good(j->tbs.serial))
		return refuse(
		    j, d, "RFC 5280 4.1.2.2", "serial of 1 to 20 octets");
	e = kind_check(j, d);
	if (!e)
		e = profile_check_tbs(j->profile, &j->tbs, d);
	if (!e)
		e = subject_key_check(s, j, d);
	return e;
}

int
op_sign_cert(
    struct key_server *s, struct reader *r, struct buf *out, struct diag *d)
{
	char profile[PROFILE_NAME_MAX];
	struct key_entry *k = NULL;
	struct job j;
	int e;

	reader_text(r, j.id, sizeof(j.id));
	reader_text(r, profile, sizeof(profile));
	j.bytes = reader_span(r);
	e = reader_finish(r);
	if (e)
		return e;
	j.profile = profile_find(&s->profiles, profile);
	if (!j.profile)
		return diag_set(d, E_DENIED, profile, "CA-5",
		    "the key process knows no such profile");
	e = judge(s, &j, d);
	/* after judge(): it may have read the folder anew */
	if (!e)
		e = key_of_role(s, j.id, KEY_ROLE_CA, d, &k);
	if (e)
		return e;
	if (!span_is_equal(j.tbs.issuer, buf_span(&k->subject)))
		return refuse(&j, d, "CA-5",
		    "the issuer is not the name sealed with the CA key");
	e = algorithm_check(&j, k, d);
	return e ? e : sign_into(k, j.hash, j.bytes, out, d);
}

struct crl_head {
	struct span alg, issuer;
};

/*
 * RFC 5280 5.1.2, to its end. A time must stand where a certificate of
 * version 1 would have its validity: or a CRL signature could be one over a
 * certificate.
 */
static int
crl_head_parse(struct span tbs, struct crl_head *ret)
{
	struct der d = der_of(tbs), in = der_enter(&d, DER_SEQUENCE);
	struct span skip;
	int tag;

	if (der_take_small(&in) != 1)
		return E_PARSE;
	ret->alg = der_take_raw(&in, DER_SEQUENCE);
	ret->issuer = der_take_raw(&in, DER_SEQUENCE);
	(void)der_take_time(&in);
	tag = der_peek(&in);
	if (tag == DER_UTCTIME || tag == DER_GENTIME)
		(void)der_take_time(&in);
	(void)der_try(&in, DER_SEQUENCE, &skip);
	(void)der_try(&in, DER_CONTEXT_CONS(0), &skip);
	if (der_finish(&in))
		return der_finish(&in);
	return der_finish(&d);
}

int
op_sign_crl(
    struct key_server *s, struct reader *r, struct buf *out, struct diag *d)
{
	char id[KEY_ID_MAX];
	struct crl_head head;
	struct key_entry *k = NULL;
	enum hash_kind hash;
	struct span tbs;
	DERW(w);
	int oid, e;

	reader_text(r, id, sizeof(id));
	tbs = reader_span(r);
	e = reader_finish(r);
	if (!e)
		e = key_of_role(s, id, KEY_ROLE_CA, d, &k);
	if (e)
		return e;
	e = crl_head_parse(tbs, &head);
	if (e)
		return diag_set(d, e, id, "RFC 5280 5.1.2", "is no CRL");
	if (!span_is_equal(head.issuer, buf_span(&k->subject)))
		return diag_set(d, E_DENIED, id, "CA-5",
		    "the CRL's issuer is not the name sealed with the key");
	e = sig_alg_parse(head.alg, &hash, &oid);
	if (!e)
		e = derw_init(&w, 128);
	if (!e)
		e = key_sig_alg(k->kind, hash, &w);
	if (e || !span_is_equal(derw_span(&w), head.alg) ||
	    (hash != HASH_UNSET && hash < HASH_SHA256))
		return diag_set(d, E_DENIED, id, "RFC 5280 5.1.1.2",
		    "the algorithm does not fit the CA's key");
	return sign_into(k, hash, tbs, out, d);
}
