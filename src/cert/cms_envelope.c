/* cert/cms, EnvelopedData: RFC 5652 6, read and built. */
#include <stdlib.h>

#include <openssl/rand.h>

#include "cert/cms_internal.h"

#define IV_MAX 16

static int
refuse(struct diag *d, int e, const char *rule, const char *fact)
{
	return diag_set(d, e, CMS_OBJECT, rule, "%s", fact);
}

/* RSAES-OAEP-params, RFC 4055 4.1; a label of its own nobody uses */
static int
oaep_parse(
    struct span params, enum hash_kind *ret_hash, enum hash_kind *ret_mgf)
{
	struct der d = der_of(params), in, a, b;
	struct span s, p;
	enum oid id;

	*ret_hash = *ret_mgf = HASH_SHA1;
	in = der_enter(&d, DER_SEQUENCE);
	if (der_try(&in, DER_CONTEXT_CONS(0), &s)) {
		a = der_of(s);
		*ret_hash = hash_from_oid(alg_take(&a, &p));
		if (der_finish(&a) || !alg_params_are_null(p))
			return E_PARSE;
	}
	if (der_try(&in, DER_CONTEXT_CONS(1), &s)) {
		a = der_of(s);
		id = alg_take(&a, &p);
		b = der_of(p);
		*ret_mgf = hash_from_oid(alg_take(&b, &s));
		if (der_finish(&a) || der_finish(&b) || id != OID_MGF1)
			return E_PARSE;
	}
	if (der_finish(&in) || der_finish(&d))
		return E_UNSUPPORTED; /* pSourceAlgorithm */
	return *ret_hash && *ret_mgf ? 0 : E_UNSUPPORTED;
}

/* KeyTransRecipientInfo; one of an algorithm we do not know is passed over */
static int
take_recipient(struct der *set, struct cms_enveloped *v)
{
	__typeof__(v->to[0]) to = { .oid = OID_UNKNOWN };
	struct der in = der_enter(set, DER_SEQUENCE);
	struct span params;
	int e;

	(void)der_take_small(&in);
	e = cms_id_take(&in, &to.issuer, &to.serial, &to.ski);
	if (e)
		return e;
	to.oid = (int)alg_take(&in, &params);
	to.key = der_take(&in, DER_OCTET_STRING);
	if (der_finish(&in) || to.key.n == 0)
		return E_PARSE;
	if (to.oid == OID_RSA && !alg_params_are_null(params))
		return E_PARSE;
	if (to.oid == OID_RSA_OAEP) {
		e = oaep_parse(params, &to.oaep_hash, &to.oaep_mgf);
		if (e == E_PARSE)
			return e;
		if (e)
			to.oid = OID_UNKNOWN;
	}
	if (to.oid == OID_RSA || to.oid == OID_RSA_OAEP)
		v->to[v->to_n++] = to;
	return 0;
}

static int
take_recipients(struct der *body, struct cms_enveloped *v)
{
	struct der set = der_enter(body, DER_SET);
	size_t seen = 0;
	int e;

	for (; !der_is_empty(&set); seen++) {
		if (seen == CMS_RECIPIENTS_MAX)
			return E_TOO_BIG;
		if (der_peek(&set) != DER_SEQUENCE) {
			(void)der_take_raw(&set, -1); /* key agreement... */
			continue;
		}
		if ((e = take_recipient(&set, v)))
			return e;
	}
	if (set.err)
		return set.err;
	return v->to_n ? 0 : E_UNSUPPORTED;
}

/* [0] IMPLICIT OCTET STRING, whole or in pieces as BER encoders send it */
static int
take_ciphertext(struct der *in, struct cms_enveloped *v)
{
	struct span pieces;
	struct der d;
	size_t n = 0;

	if (der_peek(in) != DER_CONTEXT_CONS(0)) {
		v->ciphertext = der_take(in, DER_CONTEXT(0));
		return in->err;
	}
	pieces = der_take(in, DER_CONTEXT_CONS(0));
	v->joined = (uint8_t *)malloc(pieces.n ? pieces.n : 1);
	if (!v->joined)
		return E_NOMEM;
	for (d = der_of(pieces); !der_is_empty(&d);) {
		struct span s = der_take(&d, DER_OCTET_STRING);

		if (s.n)
			memcpy(v->joined + n, s.p, s.n);
		n += s.n;
	}
	v->ciphertext = span_of(v->joined, n);
	return d.err;
}

static size_t
block_size(int cipher)
{
	return cipher == OID_DES_CBC || cipher == OID_DES3_CBC ? 8 : 16;
}

static int
take_encrypted(struct der *body, struct cms_enveloped *v)
{
	struct der in = der_enter(body, DER_SEQUENCE), iv;
	struct span params;
	size_t block;
	int e;

	(void)der_take(&in, DER_OID); /* contentType: data, says RFC 8894 3.2 */
	v->cipher = (int)alg_take(&in, &params);
	if (!in.err && cms_cipher_key_size(v->cipher) == 0)
		return E_UNSUPPORTED;
	iv = der_of(params);
	v->iv = der_take(&iv, DER_OCTET_STRING);
	block = block_size(v->cipher);
	if (in.err || der_finish(&iv) || v->iv.n != block)
		return E_PARSE;
	e = take_ciphertext(&in, v);
	if (!e)
		e = der_finish(&in);
	if (!e && (v->ciphertext.n == 0 || v->ciphertext.n % block))
		e = E_PARSE;
	return e;
}

static int
enveloped_parse(struct der *body, struct diag *d, struct cms_enveloped *v)
{
	struct span skip;
	int e;

	(void)der_take_small(body);                      /* version */
	(void)der_try(body, DER_CONTEXT_CONS(0), &skip); /* originatorInfo */
	if ((e = take_recipients(body, v)))
		return refuse(d, e, "RFC 5652 6.2",
		    e == E_UNSUPPORTED ? "no recipient by RSA key transport"
				       : "the recipients");
	if ((e = take_encrypted(body, v)))
		return refuse(d, e, "RFC 5652 6.1",
		    e == E_UNSUPPORTED ? "unknown cipher"
				       : "the encrypted content");
	(void)der_try(body, DER_CONTEXT_CONS(1), &skip); /* unprotectedAttrs */
	if ((e = der_finish(body)))
		return refuse(d, e, "RFC 5652 6.1", "after the content");
	return 0;
}

int
cms_enveloped_parse(struct span der, struct diag *d, struct cms_enveloped *ret)
{
	struct cms_enveloped v = { .to_n = 0 };
	struct der body;
	int e;

	if (der.n > CMS_MAX)
		return refuse(d, E_TOO_BIG, NULL, "more than 1 MiB");
	e = cms_content_take(der, OID_ENVELOPED_DATA, &body);
	if (e)
		return refuse(d, e, "RFC 5652 6.1", "it is no EnvelopedData");
	e = enveloped_parse(&body, d, &v);
	if (e) {
		cms_enveloped_done(&v);
		return e;
	}
	*ret = v;
	return 0;
}

void
cms_enveloped_done(struct cms_enveloped *v)
{
	free(v->joined);
	v->joined = NULL;
	v->ciphertext = EMPTY;
}

int
cms_enveloped_open(
    const struct cms_enveloped *v, struct span key, struct buf *out)
{
	uint8_t *to;
	size_t n;
	int e;

	if (key.n == 0 || key.n != cms_cipher_key_size(v->cipher) ||
	    v->iv.n != block_size(v->cipher))
		return E_CRYPTO;
	to = buf_reserve(out, v->ciphertext.n + IV_MAX);
	if (!to)
		return buf_error(out);
	e = cms_cipher_run(v->cipher, key, v->iv, v->ciphertext, false, to, &n);
	if (e) {
		secret_wipe(to, v->ciphertext.n);
		return e;
	}
	out->n += n;
	return 0;
}

/* the content key under the recipient's public key, PKCS#1 v1.5 */
static int
key_encrypt(struct span spki, struct span key, uint8_t *out, size_t *ret_n)
{
	AUTO(EVP_PKEY) *k = NULL;
	EVP_PKEY_CTX *ctx;
	int ok, e = spki_load(spki, &k);

	if (e)
		return e;
	if (!EVP_PKEY_is_a(k, "RSA"))
		return E_UNSUPPORTED; /* RFC 8894 3.1: RSA only */
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k, NULL);
	if (!ctx)
		return E_NOMEM;
	/* PKCS#1 v1.5 is the default padding of encryption */
	ok = EVP_PKEY_encrypt_init(ctx) == 1 &&
	     EVP_PKEY_encrypt(ctx, out, ret_n, key.p, key.n) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok ? 0 : crypto_failed();
}

static int
recipient_write(struct derw *w, const struct x509 *to, struct span key)
{
	uint8_t encrypted[KEY_RSA_BITS_MAX / 8];
	size_t n = sizeof(encrypted), mark = derw_mark(w);
	int e = key_encrypt(to->spki, key, encrypted, &n);

	if (e)
		return e;
	derw_primitive(w, DER_OCTET_STRING, span_of(encrypted, n));
	alg_write(w, OID_RSA, true);
	cms_id_write(w, to->issuer, to->serial);
	derw_small(w, 0);
	derw_wrap(w, DER_SEQUENCE, mark);
	derw_wrap(w, DER_SET, mark);
	return 0;
}

/* EncryptedContentInfo; the ciphertext is made in its place */
static int
encrypted_write(
    struct derw *w, int cipher, struct span key, struct span content)
{
	size_t block = block_size(cipher), mark = derw_mark(w), n;
	size_t padded = (content.n / block + 1) * block;
	uint8_t iv[IV_MAX], *to;
	int e;

	if (RAND_bytes(iv, (int)block) != 1)
		return E_CRYPTO;
	to = derw_reserve(w, padded);
	if (!to)
		return w->err;
	e = cms_cipher_run(
	    cipher, key, span_of(iv, block), content, true, to, &n);
	if (e)
		return e;
	if (n != padded)
		return E_BUG;
	derw_wrap(w, DER_CONTEXT(0), mark);
	mark = derw_mark(w);
	derw_primitive(w, DER_OCTET_STRING, span_of(iv, block));
	derw_oid(w, oid_span((enum oid)cipher));
	derw_wrap(w, DER_SEQUENCE, mark);
	derw_oid(w, oid_span(OID_DATA));
	derw_wrap(w, DER_SEQUENCE, w->cap);
	return w->err;
}

int
cms_enveloped_build(const struct x509 *recipient, int cipher_oid,
    struct span content, struct buf *out)
{
	uint8_t key[CMS_KEY_MAX];
	size_t n = cms_cipher_key_size(cipher_oid);
	DERW(w);
	int e;

	if (n == 0 || content.n > CMS_MAX)
		return n ? E_TOO_BIG : E_UNSUPPORTED;
	e = derw_init(
	    &w, content.n + recipient->issuer.n + KEY_RSA_BITS_MAX / 8 + 512);
	if (!e)
		e = cms_cipher_key(cipher_oid, key);
	if (!e)
		e = encrypted_write(&w, cipher_oid, span_of(key, n), content);
	if (!e)
		e = recipient_write(&w, recipient, span_of(key, n));
	secret_wipe(key, sizeof(key));
	if (e)
		return e;
	derw_small(&w, 0);
	derw_wrap(&w, DER_SEQUENCE, w.cap);
	cms_content_wrap(&w, OID_ENVELOPED_DATA);
	return derw_to_buf(&w, out);
}
