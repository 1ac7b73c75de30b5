/* cert/key, public keys: SubjectPublicKeyInfo read, loaded and built. */
#include "cert/cert_internal.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#define RSA_BITS_MIN 512   /* smaller is no key, only work for a fuzzer */
#define RSA_EXPONENT_MAX 8 /* octets: OpenSSL's own limit for big keys */
#define SPKI_KEPT_MAX 600  /* bytes: RSA-4096 has 550 */
#define SPKI_KEPT 16       /* keys kept: requests under way at once */
#define POINT_MAX 133      /* octets: uncompressed P-521 */

static const struct {
	enum oid id;
	const char *group; /* OpenSSL's name */
	int bits;
	enum key_kind kind;
} curves[] = {
	{ OID_P256, "prime256v1", 256, KEY_P256 },
	{ OID_P384, "secp384r1", 384, KEY_P384 },
	{ OID_P521, "secp521r1", 521, KEY_OTHER },
};
#define CURVE_N (sizeof(curves) / sizeof(curves[0]))

struct span
integer_unsigned(struct span s)
{
	if (s.n == 0 || s.p[0] >= 0x80)
		return EMPTY;
	if (s.n > 1 && s.p[0] == 0)
		return span_of(s.p + 1, s.n - 1);
	return s;
}

/* RSAPublicKey, RFC 8017 A.1.1 */
static int
rsa_parse(struct span key, struct spki_info *i)
{
	struct der d = der_of(key), in = der_enter(&d, DER_SEQUENCE);
	int top = 0;

	i->modulus = integer_unsigned(der_take_integer(&in));
	i->exponent = integer_unsigned(der_take_integer(&in));
	if (der_finish(&in) || der_finish(&d) || i->modulus.n == 0 ||
	    i->exponent.n == 0)
		return E_PARSE;
	if (i->modulus.n > KEY_RSA_BITS_MAX / 8 ||
	    i->exponent.n > RSA_EXPONENT_MAX)
		return E_TOO_BIG;
	for (unsigned b = i->modulus.p[0]; b; b >>= 1)
		top++;
	i->bits = (int)(i->modulus.n - 1) * 8 + top;
	/* even ones are not RSA, and Montgomery arithmetic needs odd */
	if (i->bits < RSA_BITS_MIN || !(i->modulus.p[i->modulus.n - 1] & 1) ||
	    !(i->exponent.p[i->exponent.n - 1] & 1))
		return E_PARSE;
	i->kind = rsa_kind_of(i->bits);
	return 0;
}

/* RFC 5480 2.1.1: a named curve; explicit parameters are read as unknown */
static int
ec_parse(struct span params, struct span key, struct spki_info *i)
{
	struct der d = der_of(params);
	size_t size;

	i->point = key;
	i->kind = KEY_OTHER;
	if (der_peek(&d) != DER_OID)
		return params.n ? 0 : E_PARSE;
	i->curve = oid_from_span(der_take(&d, DER_OID));
	if (der_finish(&d))
		return E_PARSE;
	for (size_t k = 0; k < CURVE_N; k++) {
		if ((int)curves[k].id != i->curve)
			continue;
		i->kind = curves[k].kind;
		i->bits = curves[k].bits;
		size = ((size_t)i->bits + 7) / 8;
		if (key.n == 1 + 2 * size && key.p[0] == 4)
			return 0;
		if (key.n == 1 + size && (key.p[0] == 2 || key.p[0] == 3))
			return 0;
		return E_PARSE;
	}
	return 0;
}

static int
edwards_parse(struct span params, struct span key, struct spki_info *i)
{
	/* RFC 8410 3: no parameters */
	if (params.n || key.n != (i->oid == OID_ED25519 ? 32 : 57))
		return E_PARSE;
	i->point = key;
	i->bits = i->oid == OID_ED25519 ? 256 : 456;
	i->kind = i->oid == OID_ED25519 ? KEY_ED25519 : KEY_OTHER;
	return 0;
}

int
spki_parse(struct span der, struct spki_info *ret)
{
	struct der d = der_of(der), in = der_enter(&d, DER_SEQUENCE);
	struct spki_info i = { .kind = KEY_OTHER };
	struct span params, key;
	int unused, e;

	i.oid = alg_take(&in, &params);
	key = der_take_bits(&in, &unused);
	e = der_finish(&in);
	if (!e)
		e = der_finish(&d);
	if (e)
		return e;
	if (unused || key.n == 0)
		return E_PARSE;
	if (i.oid == OID_RSA)
		e = alg_params_are_null(params) ? rsa_parse(key, &i) : E_PARSE;
	else if (i.oid == OID_EC)
		e = ec_parse(params, key, &i);
	else if (i.oid == OID_ED25519 || i.oid == OID_ED448)
		e = edwards_parse(params, key, &i);
	if (e)
		return e;
	*ret = i;
	return 0;
}

int
pkey_from_params(const char *type, OSSL_PARAM *params, EVP_PKEY **ret)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *k = NULL;
	int ok;

	if (!ctx)
		return E_NOMEM;
	ok = EVP_PKEY_fromdata_init(ctx) == 1 &&
	     EVP_PKEY_fromdata(ctx, &k, EVP_PKEY_PUBLIC_KEY, params) == 1;
	EVP_PKEY_CTX_free(ctx);
	if (!ok)
		return crypto_failed();
	*ret = k;
	return 0;
}

/*
 * OSSL_PARAM takes integers in the machine's byte order. Written straight
 * into the parameter array: 4 us a key, where the decoder needs 100.
 */
static void
to_native(uint8_t *out, struct span be)
{
	for (size_t i = 0; i < be.n; i++)
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		out[i] = be.p[be.n - 1 - i];
#else
		out[i] = be.p[i];
#endif
}

static int
rsa_load(const struct spki_info *i, EVP_PKEY **ret)
{
	uint8_t n[KEY_RSA_BITS_MAX / 8], e[RSA_EXPONENT_MAX];
	OSSL_PARAM params[3];

	to_native(n, i->modulus);
	to_native(e, i->exponent);
	params[0] =
	    OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, n, i->modulus.n);
	params[1] =
	    OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, e, i->exponent.n);
	params[2] = OSSL_PARAM_construct_end();
	return pkey_from_params("RSA", params, ret);
}

static int
ec_load(const struct spki_info *i, EVP_PKEY **ret)
{
	uint8_t point[POINT_MAX];
	OSSL_PARAM params[3];
	char group[16];

	for (size_t k = 0; k < CURVE_N; k++) {
		if ((int)curves[k].id != i->curve)
			continue;
		memcpy(point, i->point.p, i->point.n);
		memcpy(group, curves[k].group, strlen(curves[k].group) + 1);
		params[0] = OSSL_PARAM_construct_utf8_string(
		    OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
		params[1] = OSSL_PARAM_construct_octet_string(
		    OSSL_PKEY_PARAM_PUB_KEY, point, i->point.n);
		params[2] = OSSL_PARAM_construct_end();
		return pkey_from_params("EC", params, ret);
	}
	return E_UNSUPPORTED;
}

static int
spki_load_new(struct span der, EVP_PKEY **ret)
{
	struct spki_info i;
	int e = spki_parse(der, &i);

	if (e)
		return e;
	if (i.oid == OID_RSA)
		return rsa_load(&i, ret);
	if (i.oid == OID_EC)
		return ec_load(&i, ret);
	if (i.oid == OID_ED25519 || i.oid == OID_ED448) {
		*ret = EVP_PKEY_new_raw_public_key_ex(NULL,
		    i.oid == OID_ED25519 ? "ED25519" : "ED448", NULL, i.point.p,
		    i.point.n);
		return *ret ? 0 : E_CRYPTO;
	}
	return E_UNSUPPORTED;
}

/*
 * The keys loaded last. An enrolment uses the same one three times (request,
 * envelope, answer) with others in between, and so does a chain's issuer; with
 * OpenSSL's Montgomery constants already computed each further use costs 11 us
 * less. A ring for each thread: no lock, and nothing to be shared.
 */
static _Thread_local struct {
	uint8_t der[SPKI_KEPT_MAX];
	size_t n;
	EVP_PKEY *key;
} kept[SPKI_KEPT];
static _Thread_local unsigned kept_next;

static EVP_PKEY *
kept_get0(struct span der)
{
	for (size_t i = 0; i < SPKI_KEPT; i++)
		if (kept[i].key && der.n == kept[i].n &&
		    memcmp(der.p, kept[i].der, der.n) == 0)
			return kept[i].key;
	return NULL;
}

int
spki_load(struct span der, EVP_PKEY **ret)
{
	EVP_PKEY *known = kept_get0(der);
	unsigned at = kept_next;
	int e;

	if (known && EVP_PKEY_up_ref(known) == 1) {
		*ret = known;
		return 0;
	}
	e = spki_load_new(der, ret);
	if (e || der.n > SPKI_KEPT_MAX || EVP_PKEY_up_ref(*ret) != 1)
		return e;
	EVP_PKEY_free(kept[at].key);
	kept[at].key = *ret;
	kept[at].n = der.n;
	memcpy(kept[at].der, der.p, der.n);
	kept_next = (at + 1) % SPKI_KEPT;
	return 0;
}

static int
rsa_write(const EVP_PKEY *k, struct derw *w)
{
	uint8_t be[KEY_RSA_BITS_MAX / 8];
	static const char *const part[] = { OSSL_PKEY_PARAM_RSA_E,
		OSSL_PKEY_PARAM_RSA_N };
	size_t mark = derw_mark(w);

	for (int i = 0; i < 2; i++) {
		BIGNUM *v = NULL;
		int n;

		if (EVP_PKEY_get_bn_param(k, part[i], &v) != 1)
			return E_CRYPTO;
		n = BN_num_bytes(v);
		if (n > (int)sizeof(be)) {
			BN_free(v);
			return E_TOO_BIG;
		}
		BN_bn2bin(v, be);
		BN_free(v);
		derw_integer(w, span_of(be, (size_t)n));
	}
	derw_wrap(w, DER_SEQUENCE, mark);
	derw_byte(w, 0);
	derw_wrap(w, DER_BIT_STRING, mark);
	alg_write(w, OID_RSA, true);
	return 0;
}

static int
point_write(const EVP_PKEY *k, enum key_kind kind, struct derw *w)
{
	uint8_t point[POINT_MAX];
	size_t n = sizeof(point), mark;

	if (kind == KEY_ED25519) {
		if (EVP_PKEY_get_raw_public_key(k, point, &n) != 1)
			return E_CRYPTO;
		derw_bits(w, span_of(point, n));
		alg_write(w, OID_ED25519, false);
		return 0;
	}
	if (EVP_PKEY_get_octet_string_param(
		k, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n) != 1)
		return E_CRYPTO;
	derw_bits(w, span_of(point, n));
	mark = derw_mark(w);
	derw_oid(w, oid_span(kind == KEY_P256 ? OID_P256 : OID_P384));
	derw_oid(w, oid_span(OID_EC));
	derw_wrap(w, DER_SEQUENCE, mark);
	return 0;
}

int
spki_build(const EVP_PKEY *k, struct buf *out)
{
	enum key_kind kind = key_kind_of(k);
	DERW(w);
	int e = derw_init(&w, KEY_RSA_BITS_MAX / 8 + 128);

	if (e)
		return e;
	if (key_kind_is_rsa(kind))
		e = rsa_write(k, &w);
	else if (kind == KEY_P256 || kind == KEY_P384 || kind == KEY_ED25519)
		e = point_write(k, kind, &w);
	else
		e = E_UNSUPPORTED;
	if (e)
		return e;
	derw_wrap(&w, DER_SEQUENCE, w.cap);
	return derw_to_buf(&w, out);
}

int
spki_key_id(struct span der, uint8_t out[20])
{
	struct der d = der_of(der), in = der_enter(&d, DER_SEQUENCE);
	struct span key;
	size_t n;
	int unused;

	(void)der_take(&in, DER_SEQUENCE);
	key = der_take_bits(&in, &unused);
	if (der_finish(&in) || der_finish(&d))
		return E_PARSE;
	return digest(HASH_SHA1, key, out, &n);
}
