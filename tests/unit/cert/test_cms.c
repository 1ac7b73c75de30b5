/* ENR-3, CERT-2: CMS by `openssl cms` read here; ours read by OpenSSL. */
#include "cert/helper_cert.h"

#include <openssl/cms.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "cert/cms.h"

#define MSG "hello, registration authority" /* make.sh */

static void
signed_by_openssl(void **state)
{
	static const struct {
		const char *file;
		enum hash_kind hash;
		bool by_ski, has_attrs;
		size_t certs;
	} t[] = {
		{ "cms-signed.der", HASH_SHA256, false, true, 1 },
		{ "cms-signed-pss.der", HASH_SHA256, false, true, 1 },
		{ "cms-signed-ski-sha1.der", HASH_SHA1, true, true, 1 },
		{ "cms-signed-noattr.der", HASH_SHA512, false, false, 0 },
	};
	struct x509 *signer = data_cert("full.der"), *ca = data_cert("ca.der");

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct cms_signed s;

		assert_int_equal(
		    cms_signed_parse(data_file(t[i].file), NULL, &s), 0);
		assert_true(s.has_content && s.has_signer);
		assert_true(span_is_equal(s.content, span_str(MSG)));
		assert_int_equal(s.content_oid, OID_DATA);
		assert_int_equal(s.hash, t[i].hash);
		assert_int_equal(s.cert_n, t[i].certs);
		if (t[i].certs)
			assert_true(
			    span_is_equal(s.certs[0], x509_span(signer)));
		if (t[i].by_ski) {
			assert_true(span_is_equal(s.sid_ski, signer->ski));
		} else {
			assert_true(
			    span_is_equal(s.sid_issuer, signer->issuer));
			assert_true(
			    span_is_equal(s.sid_serial, signer->serial));
		}
		assert_int_equal(s.attr_n > 0, t[i].has_attrs);
		assert_int_equal(
		    cms_attr_get(&s, OID_SIGNING_TIME).n > 0, t[i].has_attrs);
		assert_int_equal(cms_signed_verify(&s, signer->spki), 0);
		assert_int_equal(cms_signed_verify(&s, ca->spki), E_CRYPTO);
		s.content = span_str("something else");
		assert_int_equal(cms_signed_verify(&s, signer->spki), E_CRYPTO);
	}
	x509_free(ca);
	x509_free(signer);
}

static void
detached_and_degenerate(void **state)
{
	struct x509 *signer = data_cert("full.der");
	struct cms_signed s;

	(void)state;
	assert_int_equal(
	    cms_signed_parse(data_file("cms-signed-detached.der"), NULL, &s),
	    0);
	assert_false(s.has_content);
	assert_int_equal(cms_signed_verify(&s, signer->spki), E_CRYPTO);
	s.content = span_str(MSG);
	assert_int_equal(cms_signed_verify(&s, signer->spki), 0);
	assert_int_equal(cms_signed_parse(data_file("certs.p7"), NULL, &s), 0);
	assert_false(s.has_signer);
	assert_int_equal(s.cert_n, 2);
	assert_int_equal(cms_signed_verify(&s, signer->spki), E_CRYPTO);
	x509_free(signer);
}

/* ENR-3: indefinite lengths are refused, normalized, then taken */
static void
ber_by_way_of_normalize(void **state)
{
	struct x509 *signer = data_cert("full.der");
	struct span ber = data_file("cms-signed-ber.der");
	struct cms_signed s;
	BUF(der, CMS_MAX);

	(void)state;
	assert_int_equal(cms_signed_parse(ber, NULL, &s), E_PARSE);
	assert_int_equal(der_normalize(ber, &der), 0);
	assert_int_equal(cms_signed_parse(buf_span(&der), NULL, &s), 0);
	assert_true(span_is_equal(s.content, span_str(MSG)));
	assert_int_equal(cms_signed_verify(&s, signer->spki), 0);
	x509_free(signer);
}

static int
parse_signed(struct span der)
{
	struct cms_signed s;
	struct diag d = { 0 };
	int e = cms_signed_parse(der, &d, &s);

	assert_int_equal(e, d.code);
	return e;
}

static int
parse_enveloped(struct span der)
{
	struct cms_enveloped v;
	struct diag d = { 0 };
	int e = cms_enveloped_parse(der, &d, &v);

	assert_int_equal(e, d.code);
	if (!e)
		cms_enveloped_done(&v);
	return e;
}

static void
cut_anywhere(void **state)
{
	uint8_t *big = (uint8_t *)calloc(1, CMS_MAX + 1);
	struct span s = span_of(big, CMS_MAX + 1);

	(void)state;
	assert_no_prefix(data_file("cms-signed.der"), parse_signed);
	assert_no_prefix(data_file("certs.p7"), parse_signed);
	assert_no_prefix(data_file("cms-aes256.der"), parse_enveloped);
	assert_int_equal(parse_signed(s), E_TOO_BIG);
	assert_int_equal(parse_enveloped(s), E_TOO_BIG);
	assert_int_equal(
	    parse_signed(data_file("cms-des3.der")), E_UNSUPPORTED);
	assert_int_equal(
	    parse_enveloped(data_file("cms-signed.der")), E_UNSUPPORTED);
	free(big);
}

static void
changed_anywhere(void **state)
{
	struct x509 *signer = data_cert("full.der");
	struct span good = data_file("cms-signed.der");
	uint8_t der[4096];
	struct cms_signed s, changed;

	(void)state;
	assert_int_equal(cms_signed_parse(good, NULL, &s), 0);
	for (size_t i = 0; i < good.n; i++) {
		memcpy(der, good.p, good.n);
		der[i] ^= (uint8_t)(1u << (i % 8));
		if (cms_signed_parse(span_of(der, good.n), NULL, &changed) ||
		    cms_signed_verify(&changed, signer->spki))
			continue;
		/* what may differ is what nobody signs: certificates,
		 * versions, identifiers, hints */
		assert_true(span_is_equal(changed.content, s.content));
		assert_true(span_is_equal(changed.attrs_raw, s.attrs_raw));
	}
	x509_free(signer);
}

/* the key process's half of the work */
static void
content_key(const struct cms_enveloped *v, EVP_PKEY *k, uint8_t *key, size_t *n)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, k, NULL);

	assert_int_equal(EVP_PKEY_decrypt_init(c), 1);
	if (v->to[0].oid == OID_RSA_OAEP) {
		EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING);
		EVP_PKEY_CTX_set_rsa_oaep_md(c, hash_md(v->to[0].oaep_hash));
		EVP_PKEY_CTX_set_rsa_mgf1_md(c, hash_md(v->to[0].oaep_mgf));
	}
	assert_int_equal(
	    EVP_PKEY_decrypt(c, key, n, v->to[0].key.p, v->to[0].key.n), 1);
	EVP_PKEY_CTX_free(c);
}

/* ENR-3: DES, 3DES, AES, OAEP, ciphertext in pieces, recipient by SKI */
static void
enveloped_by_openssl(void **state)
{
	static const struct {
		const char *file;
		int cipher, to;
	} t[] = {
		{ "cms-aes128.der", OID_AES128_CBC, OID_RSA },
		{ "cms-aes192.der", OID_AES192_CBC, OID_RSA },
		{ "cms-aes256.der", OID_AES256_CBC, OID_RSA },
		{ "cms-des3.der", OID_DES3_CBC, OID_RSA },
		{ "cms-des.der", OID_DES_CBC, OID_RSA },
		{ "cms-oaep.der", OID_AES256_CBC, OID_RSA_OAEP },
		{ "cms-aes256-ber.der", OID_AES256_CBC, OID_RSA },
		{ "cms-aes256-ski.der", OID_AES256_CBC, OID_RSA },
	};
	struct x509 *to = data_cert("full.der");
	EVP_PKEY *k = data_key("leaf");

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct cms_enveloped v;
		uint8_t key[512];
		size_t n = sizeof(key);
		BUF(der, CMS_MAX);
		BUF(out, CMS_MAX);

		assert_int_equal(der_normalize(data_file(t[i].file), &der), 0);
		assert_int_equal(
		    cms_enveloped_parse(buf_span(&der), NULL, &v), 0);
		assert_int_equal(v.cipher, t[i].cipher);
		assert_int_equal(v.to_n, 1);
		assert_int_equal(v.to[0].oid, t[i].to);
		if (i == 7)
			assert_true(span_is_equal(v.to[0].ski, to->ski));
		else
			assert_true(span_is_equal(v.to[0].serial, to->serial));
		assert_int_equal(v.joined != NULL, i == 6);
		content_key(&v, k, key, &n);
		assert_int_equal(n, cms_cipher_key_size(v.cipher));
		assert_int_equal(
		    cms_enveloped_open(&v, span_of(key, n), &out), 0);
		assert_true(span_is_equal(buf_span(&out), span_str(MSG)));
		buf_reset(&out);
		assert_int_equal(
		    cms_enveloped_open(&v, span_of(key, n - 1), &out),
		    E_CRYPTO);
		assert_int_equal(out.n, 0);
		cms_enveloped_done(&v);
	}
	EVP_PKEY_free(k);
	x509_free(to);
}

/* OAEP hashes as openssl was told: SHA-256 for both */
static void
oaep_parameters(void **state)
{
	struct cms_enveloped v;

	(void)state;
	assert_int_equal(
	    cms_enveloped_parse(data_file("cms-oaep.der"), NULL, &v), 0);
	assert_int_equal(v.to[0].oaep_hash, HASH_SHA256);
	assert_int_equal(v.to[0].oaep_mgf, HASH_SHA256);
	cms_enveloped_done(&v);
}

static void
wrong_key_is_bad_padding(void **state)
{
	struct cms_enveloped v;
	uint8_t key[32] = { 1 };
	BUF(out, CMS_MAX);
	int failed = 0;

	(void)state;
	assert_int_equal(
	    cms_enveloped_parse(data_file("cms-aes256.der"), NULL, &v), 0);
	for (int i = 0; i < 20; i++) {
		key[5] = (uint8_t)i;
		buf_reset(&out);
		failed +=
		    cms_enveloped_open(&v, span_of(key, 32), &out) == E_CRYPTO;
	}
	assert_true(failed > 10); /* one in 256 looks right by chance */
	cms_enveloped_done(&v);
}

/* OpenSSL decrypts what we build */
static void
enveloped_for_openssl(void **state)
{
	static const int ciphers[] = { OID_AES256_CBC, OID_AES192_CBC,
		OID_AES128_CBC, OID_DES3_CBC };
	struct x509 *to = data_cert("full.der"), *ec = data_cert("p256.der");
	const unsigned char *p = to->der;
	X509 *x = d2i_X509(NULL, &p, (long)to->n);
	EVP_PKEY *k = data_key("leaf");
	BUF(out, CMS_MAX);

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		/* both sides of a block's edge, and nothing at all */
		for (size_t n = 0; n <= 17; n++) {
			BIO *mem = BIO_new(BIO_s_mem());
			CMS_ContentInfo *ci;
			char *text;

			buf_reset(&out);
			assert_int_equal(
			    cms_enveloped_build(to, ciphers[i],
				span_of("0123456789abcdef!", n), &out),
			    0);
			p = out.p;
			ci = d2i_CMS_ContentInfo(NULL, &p, (long)out.n);
			assert_non_null(ci);
			assert_ptr_equal(p, out.p + out.n);
			assert_int_equal(
			    CMS_decrypt(ci, k, x, NULL, mem, CMS_BINARY), 1);
			assert_int_equal(BIO_get_mem_data(mem, &text), n);
			assert_memory_equal(text, "0123456789abcdef!", n);
			CMS_ContentInfo_free(ci);
			BIO_free(mem);
		}
	}
	buf_reset(&out);
	assert_int_equal(
	    cms_enveloped_build(ec, OID_AES256_CBC, span_str("a"), &out),
	    E_UNSUPPORTED);
	assert_int_equal(cms_enveloped_build(to, OID_RSA, span_str("a"), &out),
	    E_UNSUPPORTED);
	assert_int_equal(out.n, 0);
	EVP_PKEY_free(k);
	X509_free(x);
	x509_free(ec);
	x509_free(to);
}

/* single DES there and back: openssl needs its legacy provider for it */
static void
single_des_round_trip(void **state)
{
	struct x509 *to = data_cert("full.der");
	EVP_PKEY *k = data_key("leaf");
	struct cms_enveloped v;
	uint8_t key[512];
	size_t n = sizeof(key);
	BUF(der, CMS_MAX);
	BUF(out, CMS_MAX);

	(void)state;
	assert_int_equal(
	    cms_enveloped_build(to, OID_DES_CBC, span_str(MSG), &der), 0);
	assert_int_equal(cms_enveloped_parse(buf_span(&der), NULL, &v), 0);
	content_key(&v, k, key, &n);
	assert_int_equal(n, 8);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(__builtin_parity(key[i]), 1);
	assert_int_equal(cms_enveloped_open(&v, span_of(key, n), &out), 0);
	assert_true(span_is_equal(buf_span(&out), span_str(MSG)));
	cms_enveloped_done(&v);
	EVP_PKEY_free(k);
	x509_free(to);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signed_by_openssl),
		cmocka_unit_test(detached_and_degenerate),
		cmocka_unit_test(ber_by_way_of_normalize),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(changed_anywhere),
		cmocka_unit_test(enveloped_by_openssl),
		cmocka_unit_test(oaep_parameters),
		cmocka_unit_test(wrong_key_is_bad_padding),
		cmocka_unit_test(enveloped_for_openssl),
		cmocka_unit_test(single_des_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
