/* enroll/scep/message against OpenSSL's CMS as the other side (ENR-3) */
#include "enroll/helper_scep.h"

#include "cert/csr.h"
#include "enroll/scep/message.h"

static struct party ca, ra, phone, old_phone, ec_phone;

static int
setup(void **state)
{
	(void)state;
	party_make(&ca, "Test CA", NULL, 1, true, false);
	party_make(&ra, "Test RA", &ca, 0x8001, false, false);
	party_make(&phone, "phone-1", NULL, 0x1234, false, false);
	party_make(&old_phone, "phone-old", &ca, 77, false, false);
	party_make(&ec_phone, "phone-ec", NULL, 5, false, true);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	party_done(&ca);
	party_done(&ra);
	party_done(&phone);
	party_done(&old_phone);
	party_done(&ec_phone);
	return 0;
}

static struct client_request
plain_request(void)
{
	return (struct client_request){
		.signer = &phone,
		.recipient = &ra,
		.cn = "phone-1.example.com",
		.challenge = "secret word",
		.sans = "DNS:phone-1.example.com",
		.transaction = "0A1B2C",
	};
}

/* reads, checks, opens: what a front does; the CSR's CN comes back */
static void
accept_bytes(struct span bytes, bool legacy, const char *cn)
{
	static const char *const hash[] = { NULL, "MD5", "SHA1", "SHA224",
		"SHA256", "SHA384", "SHA512" };
	struct scep_message m;
	struct x509 *rax = party_x509(&ra);
	struct csr *csr = NULL;
	struct diag d = { 0 };
	char got[128];
	int at;
	BUF(key, 512);
	BUF(content, 65536);

	assert_int_equal(scep_parse(bytes, &d, &m), 0);
	assert_int_equal(scep_check(&m, legacy, &d), 0);
	at = scep_recipient(&m, rax);
	assert_int_equal(at, 0);
	ra_decrypt(&ra, m.env.to[at].key, m.env.to[at].oid == OID_RSA_OAEP,
	    hash[m.env.to[at].oaep_hash], hash[m.env.to[at].oaep_mgf], &key);
	assert_int_equal(
	    cms_enveloped_open(&m.env, buf_span(&key), &content), 0);
	assert_int_equal(csr_parse(buf_span(&content), &d, &csr), 0);
	assert_int_equal(csr_verify(csr), 0);
	assert_true(name_get(csr->subject, OID_CN, got, sizeof(got)));
	assert_string_equal(got, cn);
	csr_free(csr);
	x509_free(rax);
	scep_done(&m);
}

static void
accept_request(const struct client_request *c, bool legacy)
{
	uint8_t *p = NULL;
	size_t n = client_message(c, &p);

	accept_bytes(span_of(p, n), legacy, c->cn);
	free(p);
}

/* ENR-3: a PKCSReq of a modern client; every field */
static void
test_pkcs_req(void **state)
{
	const struct client_request c = plain_request();
	struct scep_message m;
	uint8_t *p = NULL;
	size_t n = client_message(&c, &p);
	char text[80];

	(void)state;
	accept_bytes(span_of(p, n), false, "phone-1.example.com");
	assert_int_equal(scep_parse(span_of(p, n), NULL, &m), 0);
	assert_int_equal(m.type, SCEP_PKCS_REQ);
	assert_false(m.legacy);
	scep_transaction_text(&m, text, sizeof(text));
	assert_string_equal(text, "0A1B2C");
	assert_int_equal(m.nonce.n, 18);
	assert_memory_equal(m.nonce.p + 2, CLIENT_NONCE, 16);
	assert_int_equal(m.env.cipher, OID_AES128_CBC);
	scep_done(&m);
	free(p);
}

/* ENR-3: AES-256, SHA-512, RSAES-OAEP */
static void
test_modern_choices(void **state)
{
	struct client_request c = plain_request();

	(void)state;
	c.cipher = EVP_aes_256_cbc();
	c.md = EVP_sha512();
	accept_request(&c, false);
	c.oaep = true;
	accept_request(&c, false);
}

static void
refused(
    const struct client_request *c, bool legacy, int code, enum scep_fail fail)
{
	struct scep_message m;
	struct diag d = { 0 };
	uint8_t *p = NULL;
	size_t n = client_message(c, &p);

	assert_int_equal(scep_parse(span_of(p, n), &d, &m), 0);
	assert_int_equal(scep_check(&m, legacy, &d), code);
	assert_int_equal(d.code, code);
	assert_int_equal(scep_fail_of(code), fail);
	scep_done(&m);
	free(p);
}

/* ENR-3: MD5 only where a path allows it; 3DES and SHA-1 are marked */
static void
test_legacy(void **state)
{
	struct client_request c = plain_request();

	(void)state;
	c.cipher = EVP_des_ede3_cbc();
	accept_request(&c, false); /* marked: the core decides */
	accept_request(&c, true);
	c.cipher = NULL;
	c.md = EVP_sha1();
	accept_request(&c, false);
	c.md = EVP_md5();
	refused(&c, false, E_UNSUPPORTED, SCEP_BAD_ALG);
	accept_request(&c, true);
}

/* ENR-3: renewal as type 17, or as 19 under a certificate of ours, and a
 * request whose subject differs from the signer's */
static void
test_renewal(void **state)
{
	struct client_request c = plain_request();

	(void)state;
	c.signer = &old_phone;
	c.cn = "another-name";
	c.type = "17";
	accept_request(&c, false);
	c.type = "19";
	accept_request(&c, false);
}

/* a key that cannot take the answer is told so */
static void
test_ec_signer(void **state)
{
	struct client_request c = plain_request();

	(void)state;
	c.signer = &ec_phone;
	refused(&c, false, E_UNSUPPORTED, SCEP_BAD_ALG);
}

/* swaps the first two attributes; same lengths, other order */
static void
attrs_swap(uint8_t *p, size_t n, struct span *ret_raw)
{
	struct cms_signed s;
	struct der d;
	struct span a, b;
	uint8_t copy[512];

	assert_int_equal(cms_signed_parse(span_of(p, n), NULL, &s), 0);
	d = der_of(s.attrs_raw);
	a = der_take_raw(&d, DER_SEQUENCE);
	b = der_take_raw(&d, DER_SEQUENCE);
	assert_int_equal(d.err, 0);
	assert_true(a.n + b.n < sizeof(copy));
	memcpy(copy, b.p, b.n);
	memcpy(copy + b.n, a.p, a.n);
	memcpy(p + (a.p - p), copy, a.n + b.n);
	*ret_raw = s.attrs_raw;
}

/* ENR-3: unsorted authenticated attributes, signed as a sorted SET as well as
 * signed as they are sent */
static void
test_unsorted_attributes(void **state)
{
	const struct client_request c = plain_request();
	uint8_t *p = NULL, *set;
	size_t n = client_message(&c, &p);
	struct span raw;
	BUF(sig, 4096);

	(void)state;
	attrs_swap(p, n, &raw);
	accept_bytes(span_of(p, n), false, c.cn);
	/* the [0] of the message becomes a SET for signing; its length has
	 * the same form, the signature is the message's end */
	set = malloc(raw.n + 4);
	assert_non_null(set);
	assert_true(raw.n > 127 && raw.n < 256);
	set[0] = 0x31;
	set[1] = 0x81;
	set[2] = (uint8_t)raw.n;
	memcpy(set + 3, raw.p, raw.n);
	assert_int_equal(
	    key_sign(phone.key, HASH_SHA256, span_of(set, raw.n + 3), &sig), 0);
	assert_int_equal(sig.n, 256);
	memcpy(p + n - 256, sig.p, 256);
	accept_bytes(span_of(p, n), false, c.cn);
	free(set);
	free(p);
}

/* BER as old devices send it: indefinite lengths around the outer levels */
static void
test_ber(void **state)
{
	const struct client_request c = plain_request();
	uint8_t *p = NULL;
	size_t n = client_message(&c, &p);
	struct der d = der_of(span_of(p, n)), in, inner;
	struct span oid, signed_data;
	BUF(ber, 65536);

	(void)state;
	in = der_enter(&d, DER_SEQUENCE);
	oid = der_take_raw(&in, DER_OID);
	inner = der_enter(&in, DER_CONTEXT_CONS(0));
	signed_data = der_take(&inner, DER_SEQUENCE);
	assert_int_equal(der_finish(&inner), 0);
	buf_add(&ber, "\x30\x80", 2);
	buf_add_span(&ber, oid);
	buf_add(&ber, "\xa0\x80\x30\x80", 4);
	buf_add_span(&ber, signed_data);
	buf_add(&ber, "\0\0\0\0\0\0", 6);
	assert_int_equal(buf_error(&ber), 0);
	accept_bytes(buf_span(&ber), false, c.cn);
	free(p);
}

/* a changed byte anywhere is no longer accepted; badMessageCheck when it is
 * still a message */
static void
test_changed_signature(void **state)
{
	const struct client_request c = plain_request();
	struct scep_message m;
	struct diag d = { 0 };
	uint8_t *p = NULL;
	size_t n = client_message(&c, &p);

	(void)state;
	p[n - 5] ^= 1;
	assert_int_equal(scep_parse(span_of(p, n), &d, &m), 0);
	assert_int_equal(scep_check(&m, true, &d), E_CRYPTO);
	assert_int_equal(scep_fail_of(E_CRYPTO), SCEP_BAD_MESSAGE_CHECK);
	scep_done(&m);
	for (size_t i = 0; i < n; i += 11) {
		p[i] ^= 0x55;
		if (scep_parse(span_of(p, n), &d, &m) == 0)
			assert_int_not_equal(scep_check(&m, true, &d), 0);
		scep_done(&m);
		p[i] ^= 0x55;
	}
	free(p);
}

/* ENR-10: cut off at every seventh byte, and noise */
static void
test_malformed(void **state)
{
	const struct client_request c = plain_request();
	struct scep_message m;
	uint8_t *p = NULL, *cut;
	size_t n = client_message(&c, &p);
	uint32_t x = 12345;

	(void)state;
	assert_true(n < 10000);
	for (size_t i = 0; i < n; i += 7) {
		cut = malloc(i ? i : 1); /* for the sanitizer's fences */
		assert_non_null(cut);
		memcpy(cut, p, i);
		assert_int_not_equal(scep_parse(span_of(cut, i), NULL, &m), 0);
		scep_done(&m);
		free(cut);
	}
	free(p);
	p = malloc(SCEP_MESSAGE_MAX);
	assert_non_null(p);
	for (size_t i = 0; i < SCEP_MESSAGE_MAX; i++)
		p[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
	assert_int_not_equal(
	    scep_parse(span_of(p, SCEP_MESSAGE_MAX), NULL, &m), 0);
	scep_done(&m);
	/* nested deeper than anybody needs */
	memset(p, 0x30, SCEP_MESSAGE_MAX);
	for (size_t i = 1; i < SCEP_MESSAGE_MAX; i += 2)
		p[i] = 0x80;
	assert_int_not_equal(
	    scep_parse(span_of(p, SCEP_MESSAGE_MAX), NULL, &m), 0);
	scep_done(&m);
	free(p);
}

static void
expect_no_message(const struct client_request *c)
{
	struct scep_message m;
	struct diag d = { 0 };
	uint8_t *p = NULL;
	size_t n = client_message(c, &p);

	assert_int_equal(scep_parse(span_of(p, n), &d, &m), E_PARSE);
	assert_int_equal(d.code, E_PARSE);
	scep_done(&m);
	free(p);
}

/* what makes a CMS message a SCEP message must be there */
static void
test_attributes_missing(void **state)
{
	struct client_request c = plain_request();

	(void)state;
	c.transaction = NULL;
	expect_no_message(&c);
	c = plain_request();
	c.type = "23";
	expect_no_message(&c);
	c.type = "0C"; /* 0 * 10 + ('C' - '0') would be 19 */
	expect_no_message(&c);
	c.type = "3";
	expect_no_message(&c);
}

/* transactions stay distinct, bounded and printable */
static void
test_transaction_text(void **state)
{
	struct client_request c = plain_request();
	char text[80], longest[300];
	static const char *const odd[] = { "with blank", "tilde~1", "\\x41" };
	struct scep_message m;

	(void)state;
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (size_t i = 0; i < 4; i++) {
		uint8_t *p = NULL;
		size_t n;

		c.transaction = i < 3 ? odd[i] : longest;
		n = client_message(&c, &p);
		assert_int_equal(scep_parse(span_of(p, n), NULL, &m), 0);
		scep_transaction_text(&m, text, sizeof(text));
		assert_int_equal(strlen(text), 7 + 64);
		assert_memory_equal(text, "sha256-", 7);
		scep_done(&m);
		free(p);
	}
}

/* ---- answers ---- */

static size_t
answer(
    const struct scep_message *m, const struct scep_reply *r, struct buf *out)
{
	struct x509 *rax = party_x509(&ra);
	struct scep_out o;
	BUF(sig, 4096);

	scep_out_init(&o);
	assert_int_equal(scep_reply_begin(m, r, rax, &o), 0);
	ra_sign(&ra, buf_span(&o.attrs), &sig);
	assert_int_equal(scep_reply_finish(&o, rax, buf_span(&sig), out), 0);
	scep_out_done(&o);
	x509_free(rax);
	return out->n;
}

/* ENR-3: success: the leaf only, in the client's cipher, nonces and
 * transactionID echoed */
static void
test_answer_success(void **state)
{
	struct client_request c = plain_request();
	static const char *const name[] = { "aes-128-cbc", "aes-256-cbc",
		"des-ede3-cbc" };
	struct scep_reply r = { .status = SCEP_SUCCESS };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct client_answer a;
		struct scep_message m;
		uint8_t *p = NULL;
		size_t n;
		BUF(out, CMS_MAX);

		c.cipher = i == 0   ? EVP_aes_128_cbc()
			   : i == 1 ? EVP_aes_256_cbc()
				    : EVP_des_ede3_cbc();
		n = client_message(&c, &p);
		assert_int_equal(scep_parse(span_of(p, n), NULL, &m), 0);
		r.certs[0] = party_der(&old_phone);
		answer(&m, &r, &out);
		client_read(buf_span(&out), &ra, &phone, &a);
		assert_string_equal(a.status, "0");
		assert_string_equal(a.fail, "");
		assert_string_equal(a.transaction, "0A1B2C");
		assert_int_equal(a.recipient_nonce_n, 16);
		assert_memory_equal(a.recipient_nonce, CLIENT_NONCE, 16);
		assert_int_equal(a.nonce_n, 16);
		assert_memory_not_equal(a.nonce, CLIENT_NONCE, 16);
		assert_int_equal(a.certs, 1);
		assert_int_equal(X509_cmp(a.cert, old_phone.cert), 0);
		assert_string_equal(a.cipher, name[i]);
		client_answer_done(&a);
		scep_done(&m);
		free(p);
	}
}

/* ENR-3: refusal with failInfo and words; pending */
static void
test_answer_failure_and_pending(void **state)
{
	const struct client_request c = plain_request();
	char words[600];
	struct scep_reply r = { .status = SCEP_FAILURE,
		.fail = SCEP_BAD_REQUEST,
		.text = "the password expired 3 h ago" };
	struct client_answer a;
	struct scep_message m;
	uint8_t *p = NULL;
	size_t n = client_message(&c, &p);
	BUF(out, CMS_MAX);

	(void)state;
	assert_int_equal(scep_parse(span_of(p, n), NULL, &m), 0);
	answer(&m, &r, &out);
	client_read(buf_span(&out), &ra, &phone, &a);
	assert_string_equal(a.status, "2");
	assert_string_equal(a.fail, "2");
	assert_string_equal(a.text, "the password expired 3 h ago");
	/* longer words are cut between characters: 2-byte letters, odd start */
	words[0] = 'x';
	for (int i = 0; i < 298; i++)
		memcpy(words + 1 + 2 * i, "\xc3\xa4", 2);
	words[597] = '\0';
	r.text = words;
	buf_reset(&out);
	answer(&m, &r, &out);
	client_read(buf_span(&out), &ra, &phone, &a);
	assert_int_equal(strlen(a.text), 255);
	buf_reset(&out);
	r = (struct scep_reply){ .status = SCEP_PENDING };
	answer(&m, &r, &out);
	client_read(buf_span(&out), &ra, &phone, &a);
	assert_string_equal(a.status, "3");
	assert_string_equal(a.transaction, "0A1B2C");
	scep_done(&m);
	free(p);
}

/* RFC 8894 3.3.3..5: contents of CertPoll, GetCert and GetCRL */
static void
test_names_inside(void **state)
{
	X509_NAME *name = X509_get_subject_name(ca.cert);
	unsigned char *der = NULL;
	int n = i2d_X509_NAME(name, &der);
	struct span issuer, second;
	BUF(body, 1024);
	BUF(both, 1024);
	BUF(wrong, 1024);

	(void)state;
	buf_add_u8(&body, 0x30);
	buf_add_u8(&body, (uint8_t)(n + 4));
	buf_add(&body, der, (size_t)n);
	buf_add(&body, "\x02\x02\x30\x39", 4);
	assert_int_equal(
	    scep_issuer_and_serial(buf_span(&body), &issuer, &second), 0);
	assert_true(span_is_equal(issuer, span_of(der, (size_t)n)));
	assert_true(span_is_equal(second, span_of("\x30\x39", 2)));
	assert_int_not_equal(
	    scep_issuer_and_subject(buf_span(&body), &issuer, &second), 0);
	buf_add_u8(&both, 0x30);
	buf_add_u8(&both, (uint8_t)(2 * n));
	buf_add(&both, der, (size_t)n);
	buf_add(&both, der, (size_t)n);
	assert_int_equal(
	    scep_issuer_and_subject(buf_span(&both), &issuer, &second), 0);
	assert_int_not_equal(
	    scep_issuer_and_serial(buf_span(&both), &issuer, &second), 0);
	buf_add_span(&wrong, buf_span(&body));
	buf_add_u8(&wrong, 0);
	assert_int_not_equal(
	    scep_issuer_and_serial(buf_span(&wrong), &issuer, &second), 0);
	OPENSSL_free(der);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pkcs_req),
		cmocka_unit_test(test_modern_choices),
		cmocka_unit_test(test_legacy),
		cmocka_unit_test(test_renewal),
		cmocka_unit_test(test_ec_signer),
		cmocka_unit_test(test_unsorted_attributes),
		cmocka_unit_test(test_ber),
		cmocka_unit_test(test_changed_signature),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_attributes_missing),
		cmocka_unit_test(test_transaction_text),
		cmocka_unit_test(test_answer_success),
		cmocka_unit_test(test_answer_failure_and_pending),
		cmocka_unit_test(test_names_inside),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
