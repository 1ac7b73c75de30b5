/* The front over HTTP, with a real core and key server behind it and OpenSSL's
 * CMS as the client: ENR-3, ENR-10, ENR-14. */
#include "enroll/rig.h"

#include "base/str.h"
#include "enroll/scep/message.h"

#define POST "/scep?operation=PKIOperation"

struct scene {
	struct rig *r;
	struct party ca, ra, phone;
	char password[ENROL_PASSWORD_TEXT];
};

static void
party_from(struct party *p, const struct x509 *c)
{
	const unsigned char *at = c->der;

	memset(p, 0, sizeof(*p));
	p->cert = d2i_X509(NULL, &at, (long)c->n);
	assert_non_null(p->cert);
}

static int
setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct entity_row e = {
		.name = "phones", .profile = "phone", .token = TOKEN_USER
	};

	s->r = rig_new();
	rig_ignite(s->r);
	rig_entity(s->r, &e, 0, 0, s->password);
	rig_front(s->r);
	rig_relink(s->r);
	party_from(&s->ra, ca_issuer(s->r->ca)->ra_cert);
	party_from(&s->ca, ca_issuer(s->r->ca)->cert);
	party_make(&s->phone, "phone-1", NULL, 17, false, false);
	*state = s;
	return 0;
}

static int
teardown(void **state)
{
	struct scene *s = *state;

	party_done(&s->phone);
	party_done(&s->ra);
	party_done(&s->ca);
	rig_free(s->r);
	free(s);
	return 0;
}

static struct client_request
request_of(struct scene *s, const char *transaction)
{
	return (struct client_request){
		.signer = &s->phone,
		.recipient = &s->ra,
		.cn = "phone-1.example.com",
		.challenge = s->password,
		.transaction = transaction,
	};
}

static void
ask(struct scene *s, const char *path, const struct client_request *c,
    struct client_answer *ret)
{
	uint8_t *p = NULL;
	size_t n = client_message(c, &p);
	BUF(body, 1u << 20);

	assert_int_equal(
	    rig_http(s->r, "POST", path, span_of(p, n), &body), 200);
	client_read(buf_span(&body), &s->ra, &s->phone, ret);
	free(p);
}

static void
assert_ours(struct scene *s, X509 *cert)
{
	EVP_PKEY *key = X509_get0_pubkey(s->ca.cert);

	assert_non_null(cert);
	assert_int_equal(X509_verify(cert, key), 1);
	assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(cert), s->phone.key), 1);
}

/* ENR-3: enrolled by POST; asked again the same certificate comes */
static void
test_enrol(void **state)
{
	struct scene *s = *state;
	struct client_request c = request_of(s, "T1");
	struct client_answer a, b;

	ask(s, POST, &c, &a);
	assert_string_equal(a.status, "0");
	assert_int_equal(a.certs, 1);
	assert_ours(s, a.cert);
	ask(s, POST, &c, &b);
	assert_string_equal(b.status, "0");
	assert_int_equal(X509_cmp(a.cert, b.cert), 0);
	assert_int_equal(rig_certificates(s->r) >= 1, 1);
	client_answer_done(&a);
	client_answer_done(&b);
}

/* ENR-3: by GET, base64 whose '+' arrives as it is, percent-coded, or as a
 * blank */
static void
test_enrol_by_get(void **state)
{
	struct scene *s = *state;
	struct client_request c = request_of(s, "T2");
	uint8_t *p = NULL;
	size_t n = client_message(&c, &p);
	char *text = NULL;
	static const char *const plus[] = { "+", "%2B", "%20" };
	BUF(body, 1u << 20);

	assert_int_equal(str_base64(span_of(p, n), &text), 0);
	assert_non_null(strchr(text, '+'));
	for (int i = 0; i < 3; i++) {
		struct client_answer a;
		BUF(path, 1u << 20);

		buf_add_text(&path, POST "&message=");
		for (const char *t = text; *t; t++) {
			if (*t == '+')
				buf_add_text(&path, plus[i]);
			else if (*t == '=')
				buf_add_text(&path, "%3D");
			else
				buf_add_u8(&path, (uint8_t)*t);
		}
		buf_add_u8(&path, 0);
		assert_int_equal(rig_http(s->r, "GET", (char *)path.p,
				     span_of(NULL, 0), &body),
		    200);
		client_read(buf_span(&body), &s->ra, &s->phone, &a);
		assert_string_equal(a.status, "0");
		assert_ours(s, a.cert);
		client_answer_done(&a);
	}
	assert_int_equal(rig_http(s->r, "GET", POST "&message=%25%25",
			     span_of(NULL, 0), &body),
	    400);
	free(text);
	free(p);
}

static int
get(struct scene *s, const char *path, struct buf *body)
{
	return rig_http(s->r, "GET", path, span_of(NULL, 0), body);
}

/* ENR-3: capabilities; the old algorithms on the legacy path only */
static void
test_caps(void **state)
{
	struct scene *s = *state;
	BUF(body, 65536);

	assert_int_equal(get(s, "/scep?operation=GetCACaps", &body), 200);
	buf_add_u8(&body, 0);
	assert_non_null(strstr((char *)body.p, "AES\n"));
	assert_non_null(strstr((char *)body.p, "SHA-256\n"));
	assert_non_null(strstr((char *)body.p, "SCEPStandard\n"));
	assert_null(strstr((char *)body.p, "DES3"));
	assert_null(strstr((char *)body.p, "SHA-1\n"));
	assert_int_equal(get(s, "/scep/old?operation=GetCACaps", &body), 200);
	buf_add_u8(&body, 0);
	assert_non_null(strstr((char *)body.p, "DES3\n"));
	assert_non_null(strstr((char *)body.p, "SHA-1\n"));
}

/* ENR-3: MD5 is refused with badAlg, and served where allowed */
static void
test_legacy_path(void **state)
{
	struct scene *s = *state;
	struct client_request c = request_of(s, "T3");
	struct client_answer a;

	c.cipher = EVP_des_ede3_cbc();
	c.md = EVP_md5();
	ask(s, POST, &c, &a);
	assert_string_equal(a.status, "2");
	assert_string_equal(a.fail, "0");
	ask(s, "/scep/old?operation=PKIOperation", &c, &a);
	assert_string_equal(a.status, "0");
	assert_string_equal(a.cipher, "des-ede3-cbc");
	client_answer_done(&a);
	/* a request signed with MD5 inside a modern message */
	c = request_of(s, "T3b");
	c.csr_md = EVP_md5();
	ask(s, POST, &c, &a);
	assert_string_equal(a.status, "2");
	assert_string_equal(a.fail, "0");
}

/* ENR-3: GetCACert is RA, issuing CA and root, for OpenSSL to read */
static void
test_ca_cert(void **state)
{
	struct scene *s = *state;
	const unsigned char *p;
	CMS_ContentInfo *cms;
	STACK_OF(X509) * certs;
	BUF(body, 65536);

	assert_int_equal(get(s, "/scep?operation=GetCACert", &body), 200);
	p = body.p;
	cms = d2i_CMS_ContentInfo(NULL, &p, (long)body.n);
	assert_non_null(cms);
	certs = CMS_get1_certs(cms);
	assert_int_equal(sk_X509_num(certs), 3);
	assert_int_equal(X509_cmp(sk_X509_value(certs, 0), s->ra.cert), 0);
	assert_int_equal(X509_cmp(sk_X509_value(certs, 1), s->ca.cert), 0);
	sk_X509_pop_free(certs, X509_free);
	CMS_ContentInfo_free(cms);
}

/* ENR-3: without a next authority there is none to get; with one it comes
 * signed by the present RA */
static void
test_next_ca_cert(void **state)
{
	static const struct actor who = { "uid:0", "local" };
	struct ignite_params p = { .name = "Example Next" };
	struct scene *s = *state;
	struct outcome o = { 0 };
	const unsigned char *at;
	CMS_ContentInfo *cms, *inner;
	STACK_OF(X509) *signers = sk_X509_new_null(), *certs;
	BIO *content = BIO_new(BIO_s_mem());
	BUF(body, 65536);

	assert_int_equal(get(s, "/scep?operation=GetNextCACert", &body), 404);
	assert_int_equal(ca_create(s->r->ca, &p, &who, rig_on_done, &o), 0);
	rig_wait(s->r, &o);
	assert_int_equal(o.code, 0);
	outcome_done(&o);
	rig_relink(s->r);
	rig_rounds(s->r, 3);
	assert_int_equal(get(s, "/scep?operation=GetNextCACert", &body), 200);
	at = body.p;
	cms = d2i_CMS_ContentInfo(NULL, &at, (long)body.n);
	sk_X509_push(signers, s->ra.cert);
	assert_int_equal(CMS_verify(cms, signers, NULL, NULL, content,
			     CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY),
	    1);
	inner = d2i_CMS_bio(content, NULL);
	certs = CMS_get1_certs(inner);
	assert_true(sk_X509_num(certs) >= 2);
	assert_int_not_equal(X509_cmp(sk_X509_value(certs, 0), s->ra.cert), 0);
	sk_X509_pop_free(certs, X509_free);
	CMS_ContentInfo_free(inner);
	CMS_ContentInfo_free(cms);
	sk_X509_free(signers);
	BIO_free(content);
}

/* ENR-14: nothing but these paths, and only these methods */
static void
test_paths(void **state)
{
	static const char *const none[] = { "/", "/api/v1/ca", "/scep/unknown",
		"/scepx", "/ca/", "/ca/../etc/passwd", "/ca/root-9.pem",
		"/crl/", "/crl/issuing-1", "/crl/none.crl", "/metrics",
		"/ca/.pem" };
	struct scene *s = *state;
	BUF(body, 65536);

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(get(s, none[i], &body), 404);
	assert_int_equal(
	    rig_http(s->r, "DELETE", "/scep", span_of(NULL, 0), &body), 405);
	assert_int_equal(rig_http(s->r, "POST", "/crl/issuing-1.crl",
			     span_of("x", 1), &body),
	    405);
	assert_int_equal(get(s, "/scep?operation=Nonsense", &body), 400);
	assert_int_equal(get(s, "/scep", &body), 400);
}

/* the CRL that is served now, checked; its number */
static int64_t
crl_number(struct scene *s)
{
	const unsigned char *p;
	X509_CRL *crl;
	ASN1_INTEGER *n;
	int64_t number;
	BUF(body, 65536);

	assert_int_equal(get(s, "/crl/issuing-1.crl", &body), 200);
	p = body.p;
	crl = d2i_X509_CRL(NULL, &p, (long)body.n);
	assert_non_null(crl);
	assert_int_equal(X509_CRL_verify(crl, X509_get0_pubkey(s->ca.cert)), 1);
	n = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	assert_int_equal(ASN1_INTEGER_get_int64(&number, n), 1);
	ASN1_INTEGER_free(n);
	X509_CRL_free(crl);
	return number;
}

/* ENR-14: CA files and CRL, as OpenSSL reads them */
static void
test_files(void **state)
{
	struct scene *s = *state;
	const unsigned char *p;
	X509 *cert;
	BIO *pem;
	BUF(body, 65536);

	assert_int_equal(get(s, "/ca/issuing-1.der", &body), 200);
	p = body.p;
	cert = d2i_X509(NULL, &p, (long)body.n);
	assert_int_equal(X509_cmp(cert, s->ca.cert), 0);
	X509_free(cert);
	assert_int_equal(get(s, "/ca/issuing-1.pem", &body), 200);
	pem = BIO_new_mem_buf(body.p, (int)body.n);
	for (int i = 0; i < 2; i++) {
		cert = PEM_read_bio_X509(pem, NULL, NULL, NULL);
		assert_non_null(cert);
		X509_free(cert);
	}
	BIO_free(pem);
	assert_int_equal(get(s, "/ca/root-1.p7c", &body), 200);
}

/* CA-4: no answer is older than the CRL made before the question */
static void
test_the_crl_is_never_an_old_one(void **state)
{
	const struct actor by = { "uid:0", "local" };
	struct scene *s = *state;
	struct outcome o = { 0 };
	int64_t before = crl_number(s);

	o.code = ca_crl_update(s->r->ca, "issuing-1", &by, rig_on_done, &o);
	assert_int_equal(o.code, 0);
	rig_wait(s->r, &o);
	outcome_done(&o);
	assert_true(crl_number(s) > before);
}

/* ENR-10: bytes that are no request: an answer, an event, and on it goes */
static void
test_malformed(void **state)
{
	struct scene *s = *state;
	struct client_request c = request_of(s, "T5");
	struct client_answer a;
	uint8_t *p = NULL, *noise = malloc(SCEP_MESSAGE_MAX + 1);
	size_t n = client_message(&c, &p);
	uint32_t x = 4711;
	BUF(body, 1u << 20);

	for (size_t i = 0; i <= SCEP_MESSAGE_MAX; i++)
		noise[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
	assert_int_equal(rig_http(s->r, "POST", POST,
			     span_of(noise, SCEP_MESSAGE_MAX), &body),
	    400);
	assert_true(body.n > 0);
	assert_int_equal(rig_http(s->r, "POST", POST,
			     span_of(noise, SCEP_MESSAGE_MAX + 1), &body),
	    413);
	for (size_t i = 1; i < n; i += 7 * 13)
		assert_int_equal(
		    rig_http(s->r, "POST", POST, span_of(p, i), &body), 400);
	rig_rounds(s->r, 3);
	assert_true(rig_events(s->r, EVENT_REQUEST_MALFORMED) >= 3);
	/* and the next honest one is served */
	ask(s, POST, &c, &a);
	assert_string_equal(a.status, "0");
	client_answer_done(&a);
	free(noise);
	free(p);
}

/* a message we can read but not accept is answered in SCEP */
static void
test_refusals(void **state)
{
	struct scene *s = *state;
	struct client_request c = request_of(s, "T6");
	struct client_answer a;
	EVP_PKEY *other = EVP_RSA_gen(2048);

	c.challenge = "WRONG-WRONG-WRONG";
	ask(s, POST, &c, &a);
	assert_string_equal(a.status, "2");
	assert_string_equal(a.fail, "2");
	assert_non_null(strstr(a.text, "unknown"));
	/* same transactionID with another key */
	c = request_of(s, "T6");
	ask(s, POST, &c, &a);
	assert_string_equal(a.status, "0");
	client_answer_done(&a);
	c.csr_key = other;
	ask(s, POST, &c, &a);
	assert_string_equal(a.status, "2");
	assert_non_null(strstr(a.text, "same transactionID with another key"));
	/* encrypted to the CA, whose key decrypts nothing */
	c = request_of(s, "T7");
	c.recipient = &s->ca;
	ask(s, POST, &c, &a);
	assert_string_equal(a.fail, "1");
	assert_non_null(strstr(a.text, "CA certificate"));
	/* content that is no certification request */
	c = request_of(s, "T8");
	c.content = span_str("hello");
	ask(s, POST, &c, &a);
	assert_string_equal(a.fail, "2");
	EVP_PKEY_free(other);
}

/* ENR-3: RSAES-OAEP and AES-256 all the way to the key server */
static void
test_oaep(void **state)
{
	struct scene *s = *state;
	struct client_request c = request_of(s, "T9");
	struct client_answer a;

	c.oaep = true;
	c.cipher = EVP_aes_256_cbc();
	ask(s, POST, &c, &a);
	assert_string_equal(a.status, "0");
	assert_string_equal(a.cipher, "aes-256-cbc");
	assert_ours(s, a.cert);
	client_answer_done(&a);
}

static size_t
issuer_and(struct scene *s, bool serial, X509 *cert, uint8_t *out)
{
	unsigned char *p = out + 4;
	int n;

	i2d_X509_NAME(X509_get_subject_name(s->ca.cert), &p);
	if (serial)
		i2d_ASN1_INTEGER(X509_get0_serialNumber(cert), &p);
	else
		i2d_X509_NAME(X509_get_subject_name(cert), &p);
	n = (int)(p - out - 4);
	out[0] = 0x30;
	out[1] = 0x82;
	out[2] = (uint8_t)(n >> 8);
	out[3] = (uint8_t)n;
	if (n < 256) { /* DER: the shortest form */
		memmove(out + (n < 128 ? 2 : 3), out + 4, (size_t)n);
		out[1] = n < 128 ? (uint8_t)n : 0x81;
		if (n >= 128)
			out[2] = (uint8_t)n;
		return (size_t)n + (n < 128 ? 2 : 3);
	}
	return (size_t)n + 4;
}

/* ENR-3: pending, poll, GetCert, GetCRL */
static void
test_poll_and_gets(void **state)
{
	static const struct actor who = { "uid:0", "local" };
	struct scene *s = *state;
	struct client_request c = request_of(s, "T10");
	struct client_answer a, b;
	struct request_row row = { 0 };
	struct outcome o = { 0 };
	uint8_t body[1024];

	c.challenge = NULL;
	ask(s, POST, &c, &a);
	assert_string_equal(a.status, "3");
	c.type = "20";
	c.content = span_of(body, issuer_and(s, false, s->phone.cert, body));
	ask(s, POST, &c, &a);
	assert_string_equal(a.status, "3");
	assert_int_equal(
	    request_by_transaction(s->r->store, "scep", "T10", &row), 0);
	assert_int_equal(
	    decide_approve(s->r->decider, row.id, NULL, &who, rig_on_done, &o),
	    0);
	request_done(&row);
	rig_wait(s->r, &o);
	assert_int_equal(o.code, 0);
	outcome_done(&o);
	ask(s, POST, &c, &a);
	assert_string_equal(a.status, "0");
	assert_ours(s, a.cert);
	c = request_of(s, "T11");
	c.type = "21";
	c.content = span_of(body, issuer_and(s, true, a.cert, body));
	ask(s, POST, &c, &b);
	assert_string_equal(b.status, "0");
	assert_int_equal(X509_cmp(a.cert, b.cert), 0);
	client_answer_done(&b);
	c.type = "22";
	ask(s, POST, &c, &b);
	assert_string_equal(b.status, "0");
	assert_non_null(b.crl);
	client_answer_done(&b);
	c.type = "21";
	c.content = span_of(body, issuer_and(s, true, s->phone.cert, body));
	ask(s, POST, &c, &b);
	assert_string_equal(b.status, "2");
	assert_string_equal(b.fail, "4");
	client_answer_done(&a);
}

struct relink {
	struct rig *r;
	struct timer *t;
};

static void
on_relink(void *cookie)
{
	struct relink *k = cookie;

	k->r->mute = false;
	rig_relink(k->r);
}

/* CA-6: the core goes while an ask is open; it is asked again */
static void
test_core_restart(void **state)
{
	struct scene *s = *state;
	struct client_request c = request_of(s, "T12");
	struct client_answer a;
	struct relink k = { .r = s->r };

	k.t = timer_new(s->r->loop, on_relink, &k);
	timer_set(k.t, 300);
	s->r->mute = true;
	ask(s, POST, &c, &a);
	assert_string_equal(a.status, "0");
	client_answer_done(&a);
	timer_free(k.t);
}

/* no authority: 503 with words */
static void
test_no_ca(void **state)
{
	struct rig *r = rig_new();
	BUF(body, 65536);

	(void)state;
	rig_front(r);
	assert_false(front_is_ready(r->front));
	assert_int_equal(rig_http(r, "GET", "/scep?operation=GetCACert",
			     span_of(NULL, 0), &body),
	    503);
	rig_relink(r);
	assert_int_equal(rig_http(r, "GET", "/scep?operation=GetCACert",
			     span_of(NULL, 0), &body),
	    503);
	assert_true(front_is_ready(r->front));
	buf_add_u8(&body, 0);
	assert_non_null(strstr((char *)body.p, "signet ignite"));
	rig_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_enrol),
		cmocka_unit_test(test_enrol_by_get),
		cmocka_unit_test(test_caps),
		cmocka_unit_test(test_legacy_path),
		cmocka_unit_test(test_ca_cert),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_the_crl_is_never_an_old_one),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_oaep),
		cmocka_unit_test(test_poll_and_gets),
		cmocka_unit_test(test_core_restart),
		cmocka_unit_test(test_next_ca_cert),
		cmocka_unit_test(test_no_ca),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
