/* ENR-3: SignedData of ours, read by OpenSSL and by ourselves. */
#include "cert/helper_cert.h"

#include <openssl/cms.h>
#include <openssl/x509.h>

#include "cert/cms.h"

#define MSG "hello, registration authority"

struct made {
	struct x509 *signer;
	EVP_PKEY *key;
	struct cms_attr attrs[2];
	struct cms_sign_params p;
	struct span cert;
	struct buf set, sig, out;
};

static void
made_init(struct made *m, bool has_content)
{
	memset(m, 0, sizeof(*m));
	buf_init(&m->set, 4096);
	buf_init(&m->sig, 4096);
	buf_init(&m->out, CMS_MAX);
	m->signer = data_cert("full.der");
	m->key = data_key("leaf");
	m->cert = x509_span(m->signer);
	/* SCEP: transactionID and messageType, PrintableString */
	m->attrs[0] =
	    (struct cms_attr){ oid_span(OID_SCEP_TRANS_ID), span_str("\x13\x04"
								     "4711") };
	m->attrs[1] = (struct cms_attr){ oid_span(OID_SCEP_MESSAGE_TYPE),
		span_str("\x13\x01"
			 "3") };
	m->p = (struct cms_sign_params){
		.content = has_content ? span_str(MSG) : span_of(NULL, 0),
		.has_content = has_content,
		.attrs = m->attrs,
		.attr_n = 2,
		.hash = HASH_SHA256,
		.signer_issuer = m->signer->issuer,
		.signer_serial = m->signer->serial,
		.signer_key = KEY_RSA2048,
		.certs = &m->cert,
		.cert_n = 1,
	};
}

static void
made_sign(struct made *m)
{
	assert_int_equal(cms_attrs_build(&m->p, &m->set), 0);
	assert_int_equal(
	    key_sign(m->key, m->p.hash, buf_span(&m->set), &m->sig), 0);
	assert_int_equal(cms_signed_build(&m->p, buf_span(&m->set),
			     buf_span(&m->sig), &m->out),
	    0);
}

static void
made_done(struct made *m)
{
	buf_done(&m->set);
	buf_done(&m->sig);
	buf_done(&m->out);
	x509_free(m->signer);
	EVP_PKEY_free(m->key);
}

/* OpenSSL verifies what we sign, with content and without (RFC 8894 3.3) */
static void
signed_for_openssl(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct made m;
		const unsigned char *p;
		CMS_ContentInfo *ci;
		struct cms_signed s;
		BIO *none = BIO_new_mem_buf("", 0), *got;

		made_init(&m, i % 2 == 0);
		m.p.hash = i < 2 ? HASH_SHA256 : HASH_SHA1;
		made_sign(&m);
		p = m.out.p;
		ci = d2i_CMS_ContentInfo(NULL, &p, (long)m.out.n);
		assert_non_null(ci);
		assert_ptr_equal(p, m.out.p + m.out.n);
		got = BIO_new(BIO_s_mem());
		assert_int_equal(
		    CMS_verify(ci, NULL, NULL, i % 2 ? none : NULL, got,
			CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY),
		    1);
		BIO_free(got);
		BIO_free(none);
		CMS_ContentInfo_free(ci);
		assert_int_equal(
		    cms_signed_parse(buf_span(&m.out), NULL, &s), 0);
		assert_int_equal(s.has_content, i % 2 == 0);
		assert_int_equal(s.attr_n, 4);
		assert_span(
		    cms_attr_get(&s, OID_SCEP_TRANS_ID), "13 04 34 37 31 31");
		assert_int_equal(
		    cms_attr_get(&s, OID_SCEP_RECIPIENT_NONCE).n, 0);
		assert_int_equal(cms_signed_verify(&s, m.signer->spki), 0);
		made_done(&m);
	}
}

/* takes the attributes of a set apart and puts them back in reverse */
static void
reverse(struct buf *set, struct buf *ret)
{
	struct der d = der_of(buf_span(set)), in = der_enter(&d, DER_SET);
	struct span e[8];
	size_t n = 0;

	while (!der_is_empty(&in))
		e[n++] = der_take_raw(&in, DER_SEQUENCE);
	assert_true(n > 1);
	buf_add(ret, set->p, set->n);
	ret->n = set->n - (size_t)(in.rest.p - e[0].p);
	while (n > 0)
		buf_add_span(ret, e[--n]);
	assert_int_equal(ret->n, set->n);
}

/* ENR-3: attributes in any order, signed as sent or signed as sorted */
static void
unsorted_attributes(void **state)
{
	(void)state;
	for (int as_sent = 0; as_sent < 2; as_sent++) {
		struct made m;
		struct cms_signed s;
		BUF(unsorted, 4096);

		made_init(&m, true);
		assert_int_equal(cms_attrs_build(&m.p, &m.set), 0);
		reverse(&m.set, &unsorted);
		assert_int_equal(
		    key_sign(m.key, HASH_SHA256,
			as_sent ? buf_span(&unsorted) : buf_span(&m.set),
			&m.sig),
		    0);
		assert_int_equal(cms_signed_build(&m.p, buf_span(&unsorted),
				     buf_span(&m.sig), &m.out),
		    0);
		assert_int_equal(
		    cms_signed_parse(buf_span(&m.out), NULL, &s), 0);
		assert_int_equal(cms_signed_verify(&s, m.signer->spki), 0);
		made_done(&m);
	}
}

/* RFC 5652 11: twice the same attribute; values other than one */
static void
attributes_refused(void **state)
{
	struct made m;
	struct cms_signed s;

	(void)state;
	made_init(&m, true);
	m.attrs[1] = m.attrs[0];
	made_sign(&m);
	assert_int_equal(cms_signed_parse(buf_span(&m.out), NULL, &s), E_PARSE);
	made_done(&m);
	made_init(&m, true);
	m.attrs[0].value = span_str("\x13\x01"
				    "a\x13\x01"
				    "b");
	made_sign(&m);
	assert_int_equal(cms_signed_parse(buf_span(&m.out), NULL, &s), E_PARSE);
	/* but another maker's attribute may have two */
	made_done(&m);
	made_init(&m, true);
	m.attrs[0] =
	    (struct cms_attr){ span_str("\x2a\x03"), span_str("\x13\x01"
							      "a\x13\x01"
							      "b") };
	made_sign(&m);
	assert_int_equal(cms_signed_parse(buf_span(&m.out), NULL, &s), 0);
	assert_int_equal(cms_signed_verify(&s, m.signer->spki), 0);
	m.p.attr_n = CMS_ATTR_MAX;
	assert_int_equal(cms_attrs_build(&m.p, &m.set), E_INVAL);
	made_done(&m);
}

/* the content of another message under these attributes */
static void
digest_must_agree(void **state)
{
	struct made m;
	struct cms_signed s;

	(void)state;
	made_init(&m, true);
	made_sign(&m);
	assert_int_equal(cms_signed_parse(buf_span(&m.out), NULL, &s), 0);
	s.content_oid = OID_SIGNED_DATA;
	assert_int_equal(cms_signed_verify(&s, m.signer->spki), E_CRYPTO);
	s.content_oid = OID_DATA;
	s.hash = HASH_SHA384;
	assert_int_equal(cms_signed_verify(&s, m.signer->spki), E_CRYPTO);
	made_done(&m);
}

static void
certificates_only(void **state)
{
	struct x509 *a = data_cert("full.der"), *b = data_cert("ca.der");
	struct span certs[2] = { x509_span(a), x509_span(b) };
	struct span crl = data_file("crl.der");
	const unsigned char *p;
	CMS_ContentInfo *ci;
	STACK_OF(X509) * got;
	STACK_OF(X509_CRL) * crls;
	struct cms_signed s;
	BUF(out, CMS_MAX);

	(void)state;
	assert_int_equal(cms_certs_build(certs, 2, &crl, 1, &out), 0);
	p = out.p;
	ci = d2i_CMS_ContentInfo(NULL, &p, (long)out.n);
	assert_non_null(ci);
	got = CMS_get1_certs(ci);
	crls = CMS_get1_crls(ci);
	assert_int_equal(sk_X509_num(got), 2);
	assert_int_equal(sk_X509_CRL_num(crls), 1);
	sk_X509_pop_free(got, X509_free);
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
	CMS_ContentInfo_free(ci);
	assert_int_equal(cms_signed_parse(buf_span(&out), NULL, &s), 0);
	assert_false(s.has_signer);
	assert_int_equal(s.cert_n, 2);
	assert_true(span_is_equal(s.certs[0], certs[0]));
	assert_true(span_is_equal(s.crls, crl));
	x509_free(a);
	x509_free(b);
}

static void
too_many_certificates(void **state)
{
	struct x509 *c = data_cert("p256.der");
	struct span certs[CMS_CERTS_MAX + 1];
	struct cms_signed s;
	BUF(out, CMS_MAX);

	(void)state;
	for (size_t i = 0; i <= CMS_CERTS_MAX; i++)
		certs[i] = x509_span(c);
	assert_int_equal(
	    cms_certs_build(certs, CMS_CERTS_MAX + 1, NULL, 0, &out), 0);
	assert_int_equal(cms_signed_parse(buf_span(&out), NULL, &s), E_TOO_BIG);
	x509_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signed_for_openssl),
		cmocka_unit_test(unsorted_attributes),
		cmocka_unit_test(attributes_refused),
		cmocka_unit_test(digest_must_agree),
		cmocka_unit_test(certificates_only),
		cmocka_unit_test(too_many_certificates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
