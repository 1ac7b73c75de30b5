#include "cert/write.h"

#include <openssl/err.h>
#include <openssl/pkcs12.h>

#include "base/str.h"
#include "cert/cms.h"
#include "cert/bundle_internal.h"

#define PEM_COLUMNS 64
#define P8_ITERATIONS 100000 /* PBKDF2 of encrypted PKCS#8 */

int
pem_write(const char *label, struct span der, struct buf *out)
{
	AUTO(char) *text = NULL;
	int e = str_base64(der, &text);
	size_t n;

	if (e)
		return e;
	n = strlen(text);
	buf_printf(out, "-----BEGIN %s-----\n", label);
	for (size_t i = 0; i < n; i += PEM_COLUMNS) {
		buf_add(
		    out, text + i, n - i < PEM_COLUMNS ? n - i : PEM_COLUMNS);
		buf_add_text(out, "\n");
	}
	buf_printf(out, "-----END %s-----\n", label);
	secret_wipe(text, n);
	return buf_error(out);
}

int
p7_write(const struct span *certs, size_t n, bool pem, struct buf *out)
{
	BUF(der, BUNDLE_FILE_MAX);
	int e;

	if (!pem)
		return cms_certs_build(certs, n, NULL, 0, out);
	e = cms_certs_build(certs, n, NULL, 0, &der);
	return e ? e : pem_write("PKCS7", buf_span(&der), out);
}

/* EncryptedPrivateKeyInfo under PBES2: AES-256-CBC, PBKDF2 with
 * HMAC-SHA-256 (RFC 8018); steps apart because of who owns what */
static X509_SIG *
encrypt(EVP_PKEY *key, const char *password)
{
	AUTO(PKCS8_PRIV_KEY_INFO) *p8 = EVP_PKEY2PKCS8(key);
	X509_ALGOR *alg;
	X509_SIG *sig;

	if (!p8)
		return NULL;
	alg = PKCS5_pbe2_set_iv_ex(EVP_aes_256_cbc(), P8_ITERATIONS, NULL, 0,
	    NULL, NID_hmacWithSHA256, NULL);
	if (!alg)
		return NULL;
	sig = PKCS8_set0_pbe_ex(
	    password, (int)strlen(password), p8, alg, NULL, NULL);
	if (!sig)
		X509_ALGOR_free(alg);
	return sig;
}

int
p8_write(EVP_PKEY *key, const char *password, bool pem, struct buf *out)
{
	AUTO(X509_SIG) *sig = NULL;
	unsigned char *der = NULL;
	int n, e;

	if (!*password)
		return E_PASSWORD; /* CERT-3: never without */
	sig = encrypt(key, password);
	n = sig ? i2d_X509_SIG(sig, &der) : -1;
	ERR_clear_error();
	if (n <= 0)
		return E_CRYPTO;
	if (pem) {
		e = pem_write(
		    "ENCRYPTED PRIVATE KEY", span_of(der, (size_t)n), out);
	} else {
		buf_add(out, der, (size_t)n);
		e = buf_error(out);
	}
	OPENSSL_free(der);
	return e;
}

int
key_write_plain(EVP_PKEY *key, struct buf *out)
{
	AUTO_STRUCT(secret) *der = NULL;
	int e = key_to_pkcs8(key, &der);

	return e ? e : pem_write("PRIVATE KEY", secret_peek(der), out);
}
