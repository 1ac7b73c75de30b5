/* cert/alg: AlgorithmIdentifiers, of digests and of signatures. */
#include "cert/cert_internal.h"

static const struct {
	enum hash_kind hash;
	enum oid digest, rsa, ecdsa;
} algs[] = {
	{ HASH_SHA256, OID_SHA256, OID_RSA_SHA256, OID_ECDSA_SHA256 },
	{ HASH_SHA384, OID_SHA384, OID_RSA_SHA384, OID_ECDSA_SHA384 },
	{ HASH_SHA512, OID_SHA512, OID_RSA_SHA512, OID_ECDSA_SHA512 },
	{ HASH_SHA224, OID_SHA224, OID_RSA_SHA224, OID_UNKNOWN },
	{ HASH_SHA1, OID_SHA1, OID_RSA_SHA1, OID_ECDSA_SHA1 },
	{ HASH_MD5, OID_MD5, OID_RSA_MD5, OID_UNKNOWN },
};
#define ALG_N (sizeof(algs) / sizeof(algs[0]))

enum oid
alg_take(struct der *d, struct span *ret_params)
{
	struct der in = der_enter(d, DER_SEQUENCE);
	enum oid id = oid_from_span(der_take(&in, DER_OID));
	struct span params = EMPTY;

	if (!der_is_empty(&in))
		params = der_take_raw(&in, -1);
	if (der_finish(&in) && !d->err)
		d->err = E_PARSE;
	*ret_params = params;
	return d->err ? OID_UNKNOWN : id;
}

bool
alg_params_are_null(struct span params)
{
	return params.n == 0 ||
	       (params.n == 2 && params.p[0] == DER_NULL && params.p[1] == 0);
}

enum hash_kind
hash_from_oid(enum oid id)
{
	for (size_t i = 0; i < ALG_N; i++)
		if (id != OID_UNKNOWN && algs[i].digest == id)
			return algs[i].hash;
	return HASH_UNSET;
}

enum oid
hash_to_oid(enum hash_kind h)
{
	for (size_t i = 0; i < ALG_N; i++)
		if (algs[i].hash == h)
			return algs[i].digest;
	return OID_UNKNOWN;
}

void
alg_write(struct derw *w, enum oid id, bool with_null)
{
	size_t mark = derw_mark(w);

	if (with_null)
		derw_null(w);
	derw_oid(w, oid_span(id));
	derw_wrap(w, DER_SEQUENCE, mark);
}

bool
key_kind_is_rsa(enum key_kind k)
{
	return (k >= KEY_RSA1024 && k <= KEY_RSA4096) || k == KEY_RSA_OTHER;
}

enum hash_kind
hash_for_key(enum key_kind k)
{
	if (k == KEY_ED25519)
		return HASH_UNSET;
	return k == KEY_P384 ? HASH_SHA384 : HASH_SHA256;
}

int
key_sig_alg(enum key_kind kind, enum hash_kind hash, struct derw *w)
{
	bool is_rsa = key_kind_is_rsa(kind);

	if (kind == KEY_ED25519) {
		/* RFC 8410 3: parameters are absent */
		alg_write(w, OID_ED25519, false);
		return w->err;
	}
	if (!is_rsa && kind != KEY_P256 && kind != KEY_P384)
		return E_UNSUPPORTED;
	if (hash == HASH_UNSET)
		hash = hash_for_key(kind);
	for (size_t i = 0; i < ALG_N; i++) {
		enum oid id = is_rsa ? algs[i].rsa : algs[i].ecdsa;

		if (algs[i].hash != hash || id == OID_UNKNOWN)
			continue;
		/* RFC 4055 5: NULL for RSA; RFC 5758 3.2: absent for ECDSA */
		alg_write(w, id, is_rsa);
		return w->err;
	}
	return E_UNSUPPORTED;
}

/* RSASSA-PSS-params, RFC 4055 3.1; both hashes must be the same one */
static int
pss_parse(struct span params, enum hash_kind *ret_hash)
{
	enum hash_kind hash = HASH_SHA1, mgf = HASH_SHA1;
	struct der d = der_of(params), in = der_enter(&d, DER_SEQUENCE);
	struct span s, p;

	if (der_try(&in, DER_CONTEXT_CONS(0), &s)) {
		struct der a = der_of(s);

		hash = hash_from_oid(alg_take(&a, &p));
		if (der_finish(&a) || !alg_params_are_null(p))
			return E_PARSE;
	}
	if (der_try(&in, DER_CONTEXT_CONS(1), &s)) {
		struct der a = der_of(s), b;
		enum oid id = alg_take(&a, &p);

		b = der_of(p);
		mgf = hash_from_oid(alg_take(&b, &s));
		if (der_finish(&a) || der_finish(&b) || id != OID_MGF1)
			return E_PARSE;
	}
	if (der_try(&in, DER_CONTEXT_CONS(2), &s)) {
		struct der a = der_of(s);

		(void)der_take_small(&a); /* the signature itself tells it */
		if (der_finish(&a))
			return E_PARSE;
	}
	if (der_finish(&in) || der_finish(&d))
		return E_PARSE;
	if (hash == HASH_UNSET || hash != mgf)
		return E_UNSUPPORTED;
	*ret_hash = hash;
	return 0;
}

int
sig_alg_parse(struct span alg, enum hash_kind *ret_hash, int *ret_oid)
{
	struct der d = der_of(alg);
	struct span params;
	enum oid id = alg_take(&d, &params);
	int e = der_finish(&d);

	if (e)
		return e;
	if (id == OID_RSA_PSS) {
		e = pss_parse(params, ret_hash);
		if (!e)
			*ret_oid = id;
		return e;
	}
	if (id == OID_UNKNOWN)
		return E_UNSUPPORTED;
	/* old makers write NULL where it should be absent and the reverse */
	if (!alg_params_are_null(params))
		return E_PARSE;
	if (id == OID_RSA || id == OID_ED25519 || id == OID_ED448) {
		*ret_hash = HASH_UNSET;
		*ret_oid = id;
		return 0;
	}
	for (size_t i = 0; i < ALG_N; i++) {
		if (algs[i].rsa != id && algs[i].ecdsa != id)
			continue;
		*ret_hash = algs[i].hash;
		*ret_oid = id;
		return 0;
	}
	return E_UNSUPPORTED;
}
