/* key/keystore, signing: one context per key and hash, kept. */
#include "key/keystore.h"

#include <openssl/rsa.h>

#include "cert/key.h"

static EVP_PKEY_CTX *
sign_context(struct key_entry *k, enum hash_kind hash)
{
	EVP_PKEY_CTX *ctx;

	if (k->sign[hash])
		return k->sign[hash];
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
	if (!ctx || EVP_PKEY_sign_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(ctx, hash_md(hash)) != 1) {
		EVP_PKEY_CTX_free(ctx);
		return NULL;
	}
	k->sign[hash] = ctx;
	return ctx;
}

int
key_entry_sign(
    struct key_entry *k, enum hash_kind hash, struct span data, struct buf *out)
{
	uint8_t made[EVP_MAX_MD_SIZE], *to;
	EVP_PKEY_CTX *ctx;
	size_t n, size = KEY_SIGNATURE_MAX;
	int e;

	/* EdDSA hashes inside and has no context worth keeping */
	if (k->kind == KEY_ED25519)
		return key_sign(k->pkey, HASH_UNSET, data, out);
	if (hash <= HASH_UNSET || hash > HASH_SHA512)
		return E_UNSUPPORTED;
	e = digest(hash, data, made, &n);
	if (e)
		return e;
	ctx = sign_context(k, hash);
	if (!ctx)
		return E_CRYPTO;
	to = buf_reserve(out, size);
	if (!to)
		return buf_error(out);
	if (EVP_PKEY_sign(ctx, to, &size, made, n) != 1)
		return E_CRYPTO;
	out->n += size;
	return 0;
}
