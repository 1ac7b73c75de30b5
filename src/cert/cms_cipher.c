/* cert/cms, content encryption: the CBC ciphers devices use. */
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "cert/cms_internal.h"

static const struct {
	int oid;
	const char *name; /* OpenSSL's */
	size_t key;       /* bytes */
	size_t repeat;    /* times the key is put in */
} ciphers[] = {
	{ OID_AES128_CBC, "AES-128-CBC", 16, 1 },
	{ OID_AES192_CBC, "AES-192-CBC", 24, 1 },
	{ OID_AES256_CBC, "AES-256-CBC", 32, 1 },
	{ OID_DES3_CBC, "DES-EDE3-CBC", 24, 1 },
	/* encrypt, decrypt, encrypt with one key is DES: what OpenSSL keeps
	 * in its legacy provider, a file no sandboxed process can load */
	{ OID_DES_CBC, "DES-EDE3-CBC", 8, 3 },
};
#define CIPHER_N (sizeof(ciphers) / sizeof(ciphers[0]))

/* fetched once: OpenSSL 3.0 looks an implicit one up at every use */
static EVP_CIPHER *fetched[CIPHER_N];
static CRYPTO_ONCE fetched_once = CRYPTO_ONCE_STATIC_INIT;

static void
fetch_all(void)
{
	for (size_t i = 0; i < CIPHER_N; i++)
		fetched[i] = EVP_CIPHER_fetch(NULL, ciphers[i].name, NULL);
}

static size_t
find(int oid)
{
	size_t i;

	for (i = 0; i < CIPHER_N; i++)
		if (ciphers[i].oid == oid)
			break;
	return i;
}

size_t
cms_cipher_key_size(int oid)
{
	size_t i = find(oid);

	return i < CIPHER_N ? ciphers[i].key : 0;
}

int
cms_cipher_key(int oid, uint8_t out[CMS_KEY_MAX])
{
	size_t n = cms_cipher_key_size(oid);

	if (n == 0 || RAND_priv_bytes(out, (int)n) != 1)
		return n ? E_CRYPTO : E_UNSUPPORTED;
	if (oid != OID_DES_CBC && oid != OID_DES3_CBC)
		return 0;
	/* odd parity: some receivers look (FIPS 46-3) */
	for (size_t i = 0; i < n; i++) {
		uint8_t b = out[i] & 0xfe;

		out[i] = b | !__builtin_parity(b);
	}
	return 0;
}

int
cms_cipher_run(int oid, struct span key, struct span iv, struct span in,
    bool encrypt, uint8_t *out, size_t *ret_n)
{
	uint8_t whole[CMS_KEY_MAX];
	EVP_CIPHER_CTX *ctx;
	size_t i = find(oid);
	int ok, n = 0, last = 0;

	if (i == CIPHER_N || !CRYPTO_THREAD_run_once(&fetched_once, fetch_all))
		return E_UNSUPPORTED;
	if (!fetched[i] || key.n != ciphers[i].key)
		return E_UNSUPPORTED;
	ctx = EVP_CIPHER_CTX_new();
	if (!ctx)
		return E_NOMEM;
	for (size_t r = 0; r < ciphers[i].repeat; r++)
		memcpy(whole + r * key.n, key.p, key.n);
	ok = EVP_CipherInit_ex2(ctx, fetched[i], whole, iv.p, encrypt, NULL) ==
		 1 &&
	     EVP_CipherUpdate(ctx, out, &n, in.p, (int)in.n) == 1 &&
	     EVP_CipherFinal_ex(ctx, out + n, &last) == 1;
	EVP_CIPHER_CTX_free(ctx);
	secret_wipe(whole, sizeof(whole));
	if (!ok)
		return crypto_failed();
	*ret_n = (size_t)(n + last);
	return 0;
}
