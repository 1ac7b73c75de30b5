/* How a JKS protects a key: plain XOR keystream, i-th block = SHA-1(password,
 * block before), block 0 = salt; SHA-1(password, key) at the end as a check.
 * And the hash over the whole file. */
#include "cert/jks.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "cert/der.h"

static const char whitener[] = "Mighty Aphrodite"; /* part of the format */

/* 1.3.6.1.4.1.42.2.17.1.1, Sun's key protector */
static const uint8_t protector[] = { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x2a, 0x02,
	0x11, 0x01, 0x01 };

static int
sha1_of(struct span a, struct span b, struct span c, uint8_t out[JKS_HASH])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha1(), NULL) &&
		  EVP_DigestUpdate(ctx, a.p, a.n) &&
		  EVP_DigestUpdate(ctx, b.p, b.n) &&
		  EVP_DigestUpdate(ctx, c.p, c.n) &&
		  EVP_DigestFinal_ex(ctx, out, NULL);

	EVP_MD_CTX_free(ctx);
	return ok ? 0 : E_NOMEM;
}

int
jks_hash(struct span password, struct span data, uint8_t out[JKS_HASH])
{
	return sha1_of(
	    password, span_of(whitener, sizeof(whitener) - 1), data, out);
}

/* one UTF-8 character of the basic plane; 0 when it is none */
static size_t
take_char(const uint8_t *p, size_t n, unsigned *ret)
{
	if (p[0] < 0x80) {
		*ret = p[0];
		return 1;
	}
	if (p[0] >= 0xc2 && p[0] < 0xe0 && n >= 2 && (p[1] & 0xc0) == 0x80) {
		*ret = (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
		return 2;
	}
	if (p[0] >= 0xe0 && p[0] < 0xf0 && n >= 3 && (p[1] & 0xc0) == 0x80 &&
	    (p[2] & 0xc0) == 0x80) {
		*ret =
		    (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
		return 3;
	}
	return 0;
}

int
jks_password(struct span utf8, struct secret **ret)
{
	struct secret *s = secret_new(NULL, 2 * utf8.n);
	size_t used = 0;

	if (!s)
		return E_NOMEM;
	for (size_t i = 0; i < utf8.n;) {
		unsigned c = 0;
		size_t len = take_char(utf8.p + i, utf8.n - i, &c);

		if (len == 0) {
			secret_free(s);
			return E_INVAL;
		}
		s->p[used++] = (uint8_t)(c >> 8);
		s->p[used++] = (uint8_t)c;
		i += len;
	}
	s->n = used;
	*ret = s;
	return 0;
}

/* in and out may be the same */
static int
keystream(struct span password, const uint8_t salt[JKS_HASH], struct span in,
    uint8_t *out)
{
	uint8_t block[JKS_HASH];
	int e = 0;

	memcpy(block, salt, JKS_HASH);
	for (size_t i = 0; i < in.n && !e; i++) {
		if (i % JKS_HASH == 0)
			e = sha1_of(password, span_of(block, JKS_HASH),
			    span_of(NULL, 0), block);
		out[i] = in.p[i] ^ block[i % JKS_HASH];
	}
	secret_wipe(block, sizeof(block));
	return e;
}

static int
take_protected(struct span der, struct span *ret)
{
	struct der all = der_of(der), in = der_enter(&all, DER_SEQUENCE);
	struct der alg = der_enter(&in, DER_SEQUENCE);
	struct span oid = der_take(&alg, DER_OID);
	struct span data = der_take(&in, DER_OCTET_STRING);

	if (in.err || der_finish(&all) || data.n < 2 * JKS_HASH)
		return E_PARSE;
	if (!span_is_equal(oid, span_of(protector, sizeof(protector))))
		return E_UNSUPPORTED;
	*ret = data;
	return 0;
}

int
jks_key_open(struct span password, struct span der, struct secret **ret)
{
	AUTO_STRUCT(secret) *key = NULL;
	uint8_t check[JKS_HASH];
	struct span data, body;
	int e = take_protected(der, &data);

	if (e)
		return e;
	body = span_of(data.p + JKS_HASH, data.n - 2 * JKS_HASH);
	if (body.n > SECRET_MAX)
		return E_TOO_BIG;
	key = secret_new(NULL, body.n);
	if (!key)
		return E_NOMEM;
	e = keystream(password, data.p, body, key->p);
	if (!e)
		e = sha1_of(
		    password, secret_peek(key), span_of(NULL, 0), check);
	if (e)
		return e;
	if (!secret_is_equal(
		span_of(check, JKS_HASH), span_of(body.p + body.n, JKS_HASH)))
		return E_PASSWORD;
	*ret = TAKE(key);
	return 0;
}

static int
wrap_protected(struct span data, struct buf *out)
{
	DERW(w);
	size_t end, mark;
	int e = derw_init(&w, data.n + 64);

	if (e)
		return e;
	end = derw_mark(&w);
	derw_primitive(&w, DER_OCTET_STRING, data);
	mark = derw_mark(&w);
	derw_null(&w);
	derw_oid(&w, span_of(protector, sizeof(protector)));
	derw_wrap(&w, DER_SEQUENCE, mark);
	derw_wrap(&w, DER_SEQUENCE, end);
	if (w.err)
		return w.err;
	buf_add_span(out, derw_span(&w));
	return buf_error(out);
}

int
jks_key_seal(struct span password, struct span pkcs8, struct buf *out)
{
	AUTO_STRUCT(secret) *data = secret_new(NULL, pkcs8.n + 2 * JKS_HASH);
	int e;

	if (!data)
		return E_NOMEM;
	if (RAND_bytes(data->p, JKS_HASH) != 1)
		return E_CRYPTO;
	e = keystream(password, data->p, pkcs8, data->p + JKS_HASH);
	if (!e)
		e = sha1_of(password, pkcs8, span_of(NULL, 0),
		    data->p + JKS_HASH + pkcs8.n);
	return e ? e : wrap_protected(secret_peek(data), out);
}
