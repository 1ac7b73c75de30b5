/* JKS, writing. */
#include "cert/write.h"

#include <stdio.h>

#include "cert/jks.h"

static void
add_text(struct buf *out, const char *text)
{
	size_t n = strlen(text);

	buf_add_u16(out, (uint16_t)n);
	buf_add(out, text, n);
}

/* Java compares aliases without case by storing them in small letters */
static void
add_alias(struct buf *out, const char *alias, size_t number)
{
	char text[JKS_ALIAS_MAX + 24];

	if (number == 0)
		snprintf(text, sizeof(text), "%s", alias);
	else
		snprintf(text, sizeof(text), "%s-%zu", alias, number + 1);
	for (char *p = text; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + 32);
	add_text(out, text);
}

static void
add_cert(struct buf *out, struct span der)
{
	add_text(out, "X.509");
	buf_pack_span(out, der);
}

static int
add_key_entry(EVP_PKEY *key, const struct span *certs, size_t n,
    const char *alias, struct span password, uint64_t now_ms, struct buf *out)
{
	AUTO_STRUCT(secret) *pkcs8 = NULL;
	BUF(sealed, 2 * SECRET_MAX);
	int e = key_to_pkcs8(key, &pkcs8);

	if (!e)
		e = jks_key_seal(password, secret_peek(pkcs8), &sealed);
	if (e)
		return e;
	buf_add_u32(out, JKS_KEY_ENTRY);
	add_alias(out, alias, 0);
	buf_add_u64(out, now_ms);
	buf_pack_span(out, buf_span(&sealed));
	buf_add_u32(out, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		add_cert(out, certs[i]);
	return buf_error(out);
}

static void
add_trusted(const struct span *certs, size_t n, const char *alias,
    uint64_t now_ms, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		buf_add_u32(out, JKS_CERT_ENTRY);
		add_alias(out, alias, i);
		buf_add_u64(out, now_ms);
		add_cert(out, certs[i]);
	}
}

int
jks_write(EVP_PKEY *key, const struct span *certs, size_t n, const char *alias,
    const char *password, int64_t now, struct buf *out)
{
	AUTO_STRUCT(secret) *wide = NULL;
	uint64_t now_ms = (uint64_t)now * 1000;
	uint8_t hash[JKS_HASH];
	size_t start = out->n;
	int e;

	if (strlen(alias) > JKS_ALIAS_MAX || (key && n > JKS_CHAIN_MAX))
		return E_TOO_BIG;
	if (key && n == 0)
		return E_INVAL; /* a key entry has its certificate */
	if (key && !*password)
		return E_PASSWORD; /* CERT-3 */
	e = jks_password(span_str(password), &wide);
	if (e)
		return e;
	buf_add_u32(out, JKS_MAGIC);
	buf_add_u32(out, JKS_VERSION);
	buf_add_u32(out, key ? 1 : (uint32_t)n);
	if (key)
		e = add_key_entry(
		    key, certs, n, alias, secret_peek(wide), now_ms, out);
	else
		add_trusted(certs, n, alias, now_ms, out);
	if (e || buf_error(out))
		return e ? e : buf_error(out);
	e = jks_hash(
	    secret_peek(wide), span_of(out->p + start, out->n - start), hash);
	if (e)
		return e;
	buf_add(out, hash, sizeof(hash));
	return buf_error(out);
}
