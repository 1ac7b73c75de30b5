/* CERT-4, CERT-5: keys. Second opinion: OpenSSL's decoder and encoder. */
#include "cert/helper_cert.h"

#include <openssl/x509.h>

static const enum key_kind made[] = { KEY_RSA1024, KEY_RSA2048, KEY_P256,
	KEY_P384, KEY_ED25519 };
#define MADE_N (sizeof(made) / sizeof(made[0]))

static void
names(void **state)
{
	(void)state;
	for (int k = KEY_RSA1024; k <= KEY_OTHER; k++)
		assert_int_equal(
		    key_kind_from_name(key_kind_name((enum key_kind)k)), k);
	for (int h = HASH_MD5; h <= HASH_SHA512; h++) {
		assert_int_equal(
		    hash_from_name(hash_name((enum hash_kind)h)), h);
		assert_non_null(hash_md((enum hash_kind)h));
	}
	assert_int_equal(key_kind_from_name("rsa512"), KEY_UNSET);
	assert_int_equal(hash_from_name("sha3"), HASH_UNSET);
	assert_null(hash_md(HASH_UNSET));
}

/* what we build and load is what OpenSSL encodes */
static void
public_keys(void **state)
{
	static const char *const files[] = { "ca", "rsa1024", "p256", "p384",
		"p521", "ed25519" };

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		EVP_PKEY *k = data_key(files[i]), *back = NULL;
		unsigned char *der = NULL;
		size_t n = (size_t)i2d_PUBKEY(k, &der);
		struct spki_info info;
		BUF(b, 2048);

		assert_int_equal(spki_parse(span_of(der, n), &info), 0);
		assert_int_equal(info.kind, key_kind_of(k));
		assert_int_equal(info.bits,
		    i == 5 ? 256 : EVP_PKEY_get_bits(k)); /* Ed25519: 253 */
		assert_int_equal(spki_load(span_of(der, n), &back), 0);
		assert_int_equal(EVP_PKEY_eq(k, back), 1);
		if (info.kind != KEY_OTHER) {
			assert_int_equal(spki_build(k, &b), 0);
			assert_true(
			    span_is_equal(buf_span(&b), span_of(der, n)));
		} else {
			assert_int_equal(spki_build(k, &b), E_UNSUPPORTED);
		}
		EVP_PKEY_free(back);
		EVP_PKEY_free(k);
		OPENSSL_free(der);
	}
}

static void
key_id_is_the_one_openssl_wrote(void **state)
{
	struct x509 *c = data_cert("ca.der");
	uint8_t id[20];

	(void)state;
	assert_int_equal(spki_key_id(c->spki, id), 0);
	assert_int_equal(c->ski.n, 20);
	assert_memory_equal(id, c->ski.p, 20);
	assert_int_equal(spki_key_id(from_hex("30 02 05 00"), id), E_PARSE);
	x509_free(c);
}

static int
spki_err(const char *hex)
{
	struct spki_info i;

	return spki_parse(from_hex(hex), &i);
}

static void
malformed_public_keys(void **state)
{
	struct x509 *c = data_cert("p256.der");
	EVP_PKEY *k = NULL;
	uint8_t raw[91];

	(void)state;
	assert_int_equal(spki_err("30 00"), E_TRUNCATED);
	/* Ed25519: 31 octets; with parameters */
	assert_int_equal(spki_err("30 29 30 05 06 03 2b 65 70 03 20 00"
				  "0000000000000000000000000000000000000000000"
				  "0000000000000000000"),
	    E_PARSE);
	/* RSA: negative modulus, even modulus, tiny modulus */
	assert_int_equal(spki_err("30 1a 30 0d 06 09 2a864886f70d010101 05 00 "
				  "03 09 00 30 06 02 01 85 02 01 03"),
	    E_PARSE);
	assert_int_equal(spki_err("30 1a 30 0d 06 09 2a864886f70d010101 05 00 "
				  "03 09 00 30 06 02 01 05 02 01 03"),
	    E_PARSE);
	/* a curve point of the wrong length; not on the curve */
	assert_int_equal(c->spki.n, sizeof(raw));
	memcpy(raw, c->spki.p, sizeof(raw));
	raw[90] ^= 1;
	assert_int_equal(spki_load(span_of(raw, sizeof(raw)), &k), E_CRYPTO);
	raw[26] = 5;
	assert_int_equal(spki_load(span_of(raw, sizeof(raw)), &k), E_PARSE);
	/* an algorithm nobody knows: read, not loaded */
	assert_int_equal(spki_err("30 0b 30 04 06 02 2a 03 03 03 00 01 02"), 0);
	assert_int_equal(
	    spki_load(from_hex("30 0b 30 04 06 02 2a 03 03 03 00 01 02"), &k),
	    E_UNSUPPORTED);
	x509_free(c);
}

/* more than 8192 bits is work for nobody's benefit */
static void
huge_rsa_keys(void **state)
{
	static uint8_t n[1100], e[9];
	struct spki_info info;
	DERW(w);
	size_t size;

	(void)state;
	memset(n, 0xff, sizeof(n));
	memset(e, 0xff, sizeof(e));
	for (int i = 0; i < 3; i++) {
		size = i == 0 ? 1024 : 1025;
		assert_int_equal(derw_init(&w, 1400), 0);
		derw_integer(&w, span_of(e, i == 2 ? 9 : 3));
		derw_integer(&w, span_of(n, i == 2 ? 256 : size));
		derw_wrap(&w, DER_SEQUENCE, w.cap);
		derw_byte(&w, 0);
		derw_wrap(&w, DER_BIT_STRING, w.cap);
		derw_raw(&w, from_hex("30 0d 06 09 2a864886f70d010101 05 00"));
		derw_wrap(&w, DER_SEQUENCE, w.cap);
		assert_int_equal(
		    spki_parse(derw_span(&w), &info), i == 0 ? 0 : E_TOO_BIG);
		derw_done(&w);
	}
	assert_int_equal(info.kind, KEY_RSA_OTHER);
	assert_int_equal(info.bits, 8192);
}

/* CERT-4: every kind signs, every hash; CERT-5: so do the old ones */
static void
sign_and_verify(void **state)
{
	static const enum hash_kind hashes[] = { HASH_UNSET, HASH_SHA1,
		HASH_SHA256, HASH_SHA384, HASH_SHA512 };

	(void)state;
	for (size_t i = 0; i < MADE_N; i++) {
		EVP_PKEY *k = NULL;

		assert_int_equal(key_generate(made[i], &k), 0);
		assert_int_equal(key_kind_of(k), made[i]);
		for (size_t h = 0; h < 5; h++) {
			BUF(sig, 4096);
			DERW(alg);
			enum hash_kind got;
			int oid;

			assert_int_equal(derw_init(&alg, 64), 0);
			assert_int_equal(
			    key_sign(k, hashes[h], span_str("abc"), &sig), 0);
			assert_int_equal(
			    key_sig_alg(made[i], hashes[h], &alg), 0);
			assert_int_equal(
			    sig_alg_parse(derw_span(&alg), &got, &oid), 0);
			if (hashes[h] && made[i] != KEY_ED25519)
				assert_int_equal(got, hashes[h]);
			assert_int_equal(key_verify(k, derw_span(&alg),
					     span_str("abc"), buf_span(&sig)),
			    0);
			assert_int_equal(key_verify(k, derw_span(&alg),
					     span_str("abd"), buf_span(&sig)),
			    E_CRYPTO);
			sig.p[sig.n - 1] ^= 1;
			assert_int_equal(key_verify(k, derw_span(&alg),
					     span_str("abc"), buf_span(&sig)),
			    E_CRYPTO);
			assert_int_equal(key_verify(k, derw_span(&alg),
					     span_str("abc"), from_hex("")),
			    E_CRYPTO);
		}
		EVP_PKEY_free(k);
	}
}

/* the algorithm must belong to the key; unknown ones are said to be so */
static void
algorithms(void **state)
{
	EVP_PKEY *k = data_key("p256");
	enum hash_kind h;
	DERW(w);
	int oid;

	(void)state;
	assert_int_equal(derw_init(&w, 64), 0);
	assert_int_equal(key_sig_alg(KEY_RSA2048, HASH_SHA256, &w), 0);
	assert_span(derw_span(&w), "30 0d 06 09 2a864886f70d01010b 05 00");
	assert_int_equal(
	    key_verify(k, derw_span(&w), span_str("a"), span_str("b")),
	    E_CRYPTO);
	assert_int_equal(sig_alg_parse(from_hex("30 04 06 02 2a 03"), &h, &oid),
	    E_UNSUPPORTED);
	assert_int_equal(
	    sig_alg_parse(
		from_hex("30 0e 06 09 2a864886f70d01010b 02 01 05"), &h, &oid),
	    E_PARSE);
	/* bare rsaEncryption is a signature algorithm in CMS only */
	assert_int_equal(
	    sig_alg_parse(
		from_hex("30 0d 06 09 2a864886f70d010101 05 00"), &h, &oid),
	    0);
	assert_int_equal(oid, OID_RSA);
	assert_int_equal(h, HASH_UNSET);
	assert_int_equal(
	    key_sig_alg(KEY_OTHER, HASH_SHA256, &w), E_UNSUPPORTED);
	assert_int_equal(key_sig_alg(KEY_P256, HASH_MD5, &w), E_UNSUPPORTED);
	EVP_PKEY_free(k);
}

static void
pkcs8_round_trip(void **state)
{
	(void)state;
	for (size_t i = 0; i < MADE_N; i++) {
		EVP_PKEY *k = NULL, *back = NULL;
		AUTO_STRUCT(secret) *s = NULL;
		uint8_t longer[4096];

		assert_int_equal(key_generate(made[i], &k), 0);
		assert_int_equal(key_to_pkcs8(k, &s), 0);
		assert_int_equal(key_from_pkcs8(secret_peek(s), &back), 0);
		assert_int_equal(EVP_PKEY_eq(k, back), 1);
		EVP_PKEY_free(back);
		memcpy(longer, s->p, s->n);
		longer[s->n] = 0;
		assert_int_equal(
		    key_from_pkcs8(span_of(longer, s->n + 1), &back), E_PARSE);
		assert_int_equal(
		    key_from_pkcs8(span_of(longer, s->n - 1), &back), E_PARSE);
		EVP_PKEY_free(k);
	}
}

static void
unknown_kinds_are_not_made(void **state)
{
	EVP_PKEY *k = NULL;

	(void)state;
	assert_int_equal(key_generate(KEY_UNSET, &k), E_UNSUPPORTED);
	assert_int_equal(key_generate(KEY_RSA_OTHER, &k), E_UNSUPPORTED);
	assert_int_equal(key_generate(KEY_OTHER, &k), E_UNSUPPORTED);
	assert_null(k);
}

/* FIPS 180-4 examples */
static void
digests(void **state)
{
	uint8_t out[64];
	size_t n;

	(void)state;
	sha256(span_str("abc"), out);
	assert_span(span_of(out, 32), "ba7816bf8f01cfea414140de5dae2223b00361a3"
				      "96177a9cb410ff61f20015ad");
	assert_int_equal(digest(HASH_SHA1, span_str("abc"), out, &n), 0);
	assert_span(
	    span_of(out, n), "a9993e364706816aba3e25717850c26c9cd0d89d");
	assert_int_equal(
	    digest(HASH_UNSET, span_str("abc"), out, &n), E_UNSUPPORTED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(public_keys),
		cmocka_unit_test(key_id_is_the_one_openssl_wrote),
		cmocka_unit_test(malformed_public_keys),
		cmocka_unit_test(huge_rsa_keys),
		cmocka_unit_test(sign_and_verify),
		cmocka_unit_test(algorithms),
		cmocka_unit_test(pkcs8_round_trip),
		cmocka_unit_test(unknown_kinds_are_not_made),
		cmocka_unit_test(digests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
