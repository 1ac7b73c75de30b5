/* CERT-4, CERT-1, ENR-3: requests made by openssl, and ours read by it. */
#include "cert/helper_cert.h"

#include <openssl/x509.h>

#include "cert/csr.h"

static void
from_openssl(void **state)
{
	static const char *const files[] = { "csr-full.der", "csr-p256.der" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		AUTO_STRUCT(csr) *c = NULL;
		struct san_list san;
		char text[200];

		assert_int_equal(csr_parse(data_file(files[i]), NULL, &c), 0);
		name_print(c->subject, text, sizeof(text));
		assert_string_equal(
		    text, "CN=phone1.example.com,serialNumber=0011AABBCCDD");
		assert_string_equal(c->challenge, "s3cret-One_Time");
		assert_true(c->has_ku && c->has_eku && !c->has_bc);
		assert_int_equal(
		    c->ku, KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT);
		assert_int_equal(c->eku, EKU_SERVER | EKU_CLIENT);
		assert_int_equal(c->ext_n, 3);
		assert_int_equal(san_from_der(c->san, &san), 0);
		san_print(&san, text, sizeof(text));
		assert_string_equal(
		    text, "DNS:phone1.example.com,IP:192.0.2.7");
		assert_int_equal(csr_verify(c), 0);
		c->der[c->n - 1] ^= 1;
		assert_int_equal(csr_verify(c), E_CRYPTO);
	}
}

static void
plain(void **state)
{
	AUTO_STRUCT(csr) *c = NULL;

	(void)state;
	assert_int_equal(csr_parse(data_file("csr-plain.der"), NULL, &c), 0);
	assert_string_equal(c->challenge, "");
	assert_int_equal(c->ext_n, 0);
	assert_int_equal(c->san.n, 0);
	assert_int_equal(csr_verify(c), 0);
}

static int
parse(struct span der)
{
	struct csr *c = NULL;
	struct diag d = { 0 };
	int e = csr_parse(der, &d, &c);

	assert_int_equal(e, d.code);
	csr_free(c);
	return e;
}

static void
cut_anywhere(void **state)
{
	uint8_t *big = (uint8_t *)calloc(1, CSR_DER_MAX + 1);

	(void)state;
	assert_no_prefix(data_file("csr-full.der"), parse);
	assert_no_prefix(data_file("csr-p256.der"), parse);
	assert_int_equal(parse(span_of(big, CSR_DER_MAX + 1)), E_TOO_BIG);
	free(big);
}

static void
changed_anywhere(void **state)
{
	struct span good = data_file("csr-p256.der");
	uint8_t der[1024];

	(void)state;
	for (size_t i = 0; i < good.n; i++) {
		struct csr *c = NULL;

		memcpy(der, good.p, good.n);
		der[i] ^= (uint8_t)(1u << (i % 8));
		if (csr_parse(span_of(der, good.n), NULL, &c))
			continue;
		assert_int_not_equal(csr_verify(c), 0);
		csr_free(c);
	}
}

/* a request around the attributes given (contents of [0]), any signature */
static int
parse_attrs(const char *attrs, struct csr **ret)
{
	struct x509 *c = data_cert("p256.der");
	DERW(w);
	int e;

	assert_int_equal(derw_init(&w, 4096), 0);
	derw_bits(&w, from_hex("01"));
	derw_raw(&w, c->sig_alg);
	size_t mark = derw_mark(&w);
	derw_primitive(&w, DER_CONTEXT_CONS(0), from_hex(attrs));
	derw_raw(&w, c->spki);
	derw_raw(&w, c->subject);
	derw_small(&w, 0);
	derw_wrap(&w, DER_SEQUENCE, mark);
	derw_wrap(&w, DER_SEQUENCE, w.cap);
	e = csr_parse(derw_span(&w), NULL, ret);
	x509_free(c);
	return e;
}

#define CHALLENGE "06 09 2a864886f70d010907"
#define EXT_REQ "06 09 2a864886f70d01090e"
#define MS_EXT_REQ "06 0a 2b 06 01 04 01 82 37 02 01 0e"
#define KU_EXT "30 0d 30 0b 06 03 55 1d 0f 04 04 03 02 05 a0"

/* ENR-3: what devices add, and how they write it */
static void
attributes_tolerated(void **state)
{
	struct csr *c = NULL;

	(void)state;
	assert_int_equal(
	    parse_attrs("30 1f " MS_EXT_REQ " 31 11 " KU_EXT "00 00", &c),
	    E_PARSE);
	assert_int_equal(
	    parse_attrs("30 1d " MS_EXT_REQ " 31 0f " KU_EXT, &c), 0);
	assert_int_equal(c->ku, KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT);
	csr_free(c);
	/* unknown attribute with two values, then a challenge as BMPString */
	assert_int_equal(
	    parse_attrs("30 0a 06 02 2a 03 31 04 05 00 05 00 "
			"30 13 " CHALLENGE " 31 06 1e 04 00 61 00 e4",
		&c),
	    0);
	assert_string_equal(c->challenge, "a\xc3\xa4");
	csr_free(c);
	/* an empty list of extensions */
	assert_int_equal(parse_attrs("30 0f " EXT_REQ " 31 02 30 00", &c), 0);
	assert_int_equal(c->ext_n, 0);
	csr_free(c);
}

static void
attributes_refused(void **state)
{
	struct csr *c = NULL;

	(void)state;
	/* a NUL inside the challenge */
	assert_int_equal(
	    parse_attrs("30 12 " CHALLENGE " 31 05 0c 03 61 00 62", &c),
	    E_PARSE);
	/* two challenges, in one attribute and in two */
	assert_int_equal(
	    parse_attrs("30 13 " CHALLENGE " 31 06 0c 01 61 0c 01 62", &c),
	    E_PARSE);
	assert_int_equal(parse_attrs("30 10 " CHALLENGE " 31 03 0c 01 61 "
				     "30 10 " CHALLENGE " 31 03 0c 01 62",
			     &c),
	    E_PARSE);
	/* two extension requests, one of them Microsoft's */
	assert_int_equal(parse_attrs("30 1c " EXT_REQ " 31 0f " KU_EXT
				     "30 1d " MS_EXT_REQ " 31 0f " KU_EXT,
			     &c),
	    E_PARSE);
	/* keyUsage that is no BIT STRING */
	assert_int_equal(parse_attrs("30 1c " EXT_REQ " 31 0f 30 0d 30 0b 06 "
				     "03 55 1d 0f 04 04 04 02 05 a0",
			     &c),
	    E_PARSE);
	assert_null(c);
}

static void
long_challenges(void **state)
{
	char hex[1024];
	struct csr *c = NULL;
	int n;

	(void)state;
	n = snprintf(hex, sizeof(hex),
	    "30 82 01 11 " CHALLENGE " 31 82 01 02 0c 81 ff ");
	for (int i = 0; i < 255; i++)
		n += snprintf(hex + n, sizeof(hex) - (size_t)n, "61");
	assert_int_equal(parse_attrs(hex, &c), 0);
	assert_int_equal(strlen(c->challenge), 255);
	csr_free(c);
	n = snprintf(hex, sizeof(hex),
	    "30 82 01 13 " CHALLENGE " 31 82 01 04 0c 82 01 00 ");
	for (int i = 0; i < 256; i++)
		n += snprintf(hex + n, sizeof(hex) - (size_t)n, "61");
	assert_int_equal(parse_attrs(hex, &c), E_TOO_BIG);
}

/* CERT-4: every kind of key and hash; OpenSSL reads and verifies it */
static void
built_for_openssl(void **state)
{
	static const struct {
		enum key_kind kind;
		enum hash_kind hash;
	} t[] = { { KEY_RSA2048, HASH_SHA256 }, { KEY_RSA2048, HASH_SHA384 },
		{ KEY_RSA2048, HASH_SHA512 }, { KEY_RSA3072, HASH_UNSET },
		{ KEY_P256, HASH_UNSET }, { KEY_P384, HASH_UNSET },
		{ KEY_P384, HASH_SHA512 }, { KEY_ED25519, HASH_UNSET } };
	struct san_list san;
	BUF(subject, 1024);

	(void)state;
	assert_int_equal(name_build("CN=phone1,O=Ex", NULL, &subject), 0);
	assert_int_equal(san_parse("DNS:phone1.example.com,IP:192.0.2.7,"
				   "URI:sip:a@b,EMAIL:a@b",
			     NULL, &san),
	    0);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct csr_params p = { .subject = buf_span(&subject),
			.san = &san,
			.hash = t[i].hash,
			.ku = KU_DIGITAL_SIGNATURE,
			.eku = EKU_CLIENT,
			.challenge = "pass_word" };
		AUTO(EVP_PKEY) *k = NULL;
		AUTO_STRUCT(csr) *c = NULL;
		STACK_OF(X509_EXTENSION) * ext;
		const unsigned char *at;
		X509_REQ *x;
		BUF(out, 32768);

		assert_int_equal(key_generate(t[i].kind, &k), 0);
		assert_int_equal(csr_build(k, &p, &out), 0);
		at = out.p;
		x = d2i_X509_REQ(NULL, &at, (long)out.n);
		assert_non_null(x);
		assert_int_equal(X509_REQ_verify(x, k), 1);
		ext = X509_REQ_get_extensions(x);
		assert_int_equal(sk_X509_EXTENSION_num(ext), 3);
		sk_X509_EXTENSION_pop_free(ext, X509_EXTENSION_free);
		assert_true(X509_REQ_get_attr_by_NID(
				x, NID_pkcs9_challengePassword, -1) >= 0);
		/* DER order of the attributes: encoding again gives the same */
		assert_int_equal(i2d_re_X509_REQ_tbs(x, NULL) > 0, 1);
		X509_REQ_free(x);
		assert_int_equal(csr_parse(buf_span(&out), NULL, &c), 0);
		assert_int_equal(csr_verify(c), 0);
		assert_string_equal(c->challenge, "pass_word");
	}
}

static void
what_is_not_built(void **state)
{
	AUTO(EVP_PKEY) *k = data_key("p256"), *odd = data_key("p521");
	struct csr_params p = { .subject = from_hex("30 00") };
	char longest[CSR_CHALLENGE_MAX + 1];
	BUF(out, 32768);

	(void)state;
	assert_int_equal(csr_build(k, &p, &out), 0);
	buf_reset(&out);
	assert_int_equal(csr_build(odd, &p, &out), E_UNSUPPORTED);
	p.subject = from_hex("30 02 05 00");
	assert_int_equal(csr_build(k, &p, &out), E_INVAL);
	p.subject = from_hex("30 00");
	memset(longest, 'a', sizeof(longest) - 1);
	longest[CSR_CHALLENGE_MAX] = '\0';
	p.challenge = longest;
	assert_int_equal(csr_build(k, &p, &out), E_INVAL);
	assert_int_equal(out.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_openssl),
		cmocka_unit_test(plain),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(changed_anywhere),
		cmocka_unit_test(attributes_tolerated),
		cmocka_unit_test(attributes_refused),
		cmocka_unit_test(long_challenges),
		cmocka_unit_test(built_for_openssl),
		cmocka_unit_test(what_is_not_built),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
