/*
 * key/keystore, decryption without an oracle: whether the padding was right
 * shows neither in the answer nor, as far as C allows, in the time. A wrong
 * one yields bytes that depend on key and ciphertext only, so that asking
 * twice tells nothing either.
 */
#include "key/keystore.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <sodium.h>

#define MODULUS_MAX (KEY_RSA_BITS_MAX / 8)
#define PADDING_MIN 8 /* RFC 8017 7.2.1: octets of PS at least */

/* all ones when v is zero, else zero; no branch */
static uint8_t
mask_if_zero(unsigned v)
{
	return (uint8_t)(((v & 0xff) - 1u) >> 8);
}

static void
choose(
    uint8_t mask, const uint8_t *yes, const uint8_t *no, size_t n, uint8_t *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)((yes[i] & mask) | (no[i] & ~mask));
}

static EVP_PKEY_CTX *
raw_context(struct key_entry *k)
{
	EVP_PKEY_CTX *ctx;

	if (k->decrypt)
		return k->decrypt;
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
	if (!ctx || EVP_PKEY_decrypt_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) != 1) {
		EVP_PKEY_CTX_free(ctx);
		return NULL;
	}
	k->decrypt = ctx;
	return ctx;
}

/*
 * RFC 8017 7.2.2: EM = 00 02 PS 00 M. The size of M is known beforehand, so
 * the place of the separator is too, and every octet is looked at.
 */
static uint8_t
open_v15(struct key_entry *k, const struct key_ciphertext *c, uint8_t *message)
{
	uint8_t em[MODULUS_MAX] = { 0 };
	size_t size = sizeof(em), at = (size_t)EVP_PKEY_get_size(k->pkey);
	EVP_PKEY_CTX *ctx = raw_context(k);
	unsigned bad;

	if (!ctx ||
	    EVP_PKEY_decrypt(ctx, em, &size, c->bytes.p, c->bytes.n) != 1 ||
	    size != at) {
		/* not smaller than the modulus: everybody can see that */
		ERR_clear_error();
		return 0;
	}
	at -= c->wanted + 1;
	bad = em[0] | (em[1] ^ 2u) | em[at];
	for (size_t i = 2; i < at; i++)
		bad |= mask_if_zero(em[i]);
	memcpy(message, em + at + 1, c->wanted);
	secret_wipe(em, sizeof(em));
	return mask_if_zero(bad);
}

/* OpenSSL takes OAEP off in constant time; only its yes or no is left to us */
static uint8_t
open_oaep(struct key_entry *k, const struct key_ciphertext *c, uint8_t *message)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
	uint8_t out[MODULUS_MAX] = { 0 };
	size_t size = sizeof(out);
	unsigned bad = 1;

	if (ctx && EVP_PKEY_decrypt_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_oaep_md(ctx, hash_md(c->hash)) == 1 &&
	    EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, hash_md(c->mgf)) == 1) {
		bad = EVP_PKEY_decrypt(
			  ctx, out, &size, c->bytes.p, c->bytes.n) != 1;
		bad |= size != c->wanted;
	}
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	memcpy(message, out, c->wanted);
	secret_wipe(out, sizeof(out));
	return mask_if_zero(bad);
}

static bool
is_possible(const struct key_entry *k, const struct key_ciphertext *c)
{
	size_t size = (size_t)EVP_PKEY_get_size(k->pkey);

	if (!EVP_PKEY_is_a(k->pkey, "RSA") || size > MODULUS_MAX)
		return false;
	if (c->wanted == 0 || c->wanted > KEY_CONTENT_KEY_MAX ||
	    c->wanted + PADDING_MIN + 3 > size)
		return false;
	return !c->oaep || (hash_md(c->hash) && hash_md(c->mgf));
}

int
key_entry_decrypt(
    struct key_entry *k, const struct key_ciphertext *c, struct buf *out)
{
	uint8_t message[KEY_CONTENT_KEY_MAX], other[KEY_CONTENT_KEY_MAX], mask;
	uint8_t *to;

	if (!is_possible(k, c))
		return E_INVAL;
	to = buf_reserve(out, c->wanted);
	if (!to)
		return buf_error(out);
	memset(message, 0, sizeof(message));
	crypto_generichash(other, sizeof(other), c->bytes.p, c->bytes.n,
	    k->reject_key, sizeof(k->reject_key));
	mask = c->oaep ? open_oaep(k, c, message) : open_v15(k, c, message);
	choose(mask, message, other, c->wanted, to);
	out->n += c->wanted;
	secret_wipe(message, sizeof(message));
	secret_wipe(other, sizeof(other));
	return 0;
}
