#include "enroll/helper_scep.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "cert/key.h"

static void
oids_once(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	OBJ_create("2.16.840.1.113733.1.9.2", "scepType", "scepType");
	OBJ_create("2.16.840.1.113733.1.9.3", "scepStatus", "scepStatus");
	OBJ_create("2.16.840.1.113733.1.9.4", "scepFail", "scepFail");
	OBJ_create("2.16.840.1.113733.1.9.5", "scepNonce", "scepNonce");
	OBJ_create("2.16.840.1.113733.1.9.6", "scepRnonce", "scepRnonce");
	OBJ_create("2.16.840.1.113733.1.9.7", "scepTrans", "scepTrans");
	OBJ_create("1.3.6.1.5.5.7.24.1", "scepText", "scepText");
}

void
party_make(struct party *p, const char *cn, const struct party *issuer,
    long serial, bool ca, bool ec)
{
	X509_NAME *name = X509_NAME_new();
	X509_EXTENSION *x;
	X509V3_CTX ctx;

	memset(p, 0, sizeof(*p));
	p->key = ec ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048);
	p->cert = X509_new();
	assert_non_null(p->key);
	X509_NAME_add_entry_by_txt(
	    name, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0);
	X509_set_version(p->cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(p->cert), serial);
	X509_set_subject_name(p->cert, name);
	X509_set_issuer_name(
	    p->cert, issuer ? X509_get_subject_name(issuer->cert) : name);
	X509_gmtime_adj(X509_getm_notBefore(p->cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(p->cert), 86400L * 365);
	X509_set_pubkey(p->cert, p->key);
	X509V3_set_ctx(
	    &ctx, issuer ? issuer->cert : p->cert, p->cert, NULL, NULL, 0);
	x = X509V3_EXT_conf_nid(NULL, &ctx, NID_basic_constraints,
	    ca ? "critical,CA:TRUE" : "CA:FALSE");
	X509_add_ext(p->cert, x, -1);
	X509_EXTENSION_free(x);
	assert_true(X509_sign(p->cert, issuer ? issuer->key : p->key,
			EVP_sha256()) > 0);
	p->n = i2d_X509(p->cert, &p->der);
	assert_true(p->n > 0);
	X509_NAME_free(name);
}

void
party_done(struct party *p)
{
	EVP_PKEY_free(p->key);
	X509_free(p->cert);
	OPENSSL_free(p->der);
}

struct span
party_der(const struct party *p)
{
	return span_of(p->der, (size_t)p->n);
}

struct x509 *
party_x509(const struct party *p)
{
	struct x509 *c = NULL;

	assert_int_equal(x509_parse(party_der(p), NULL, &c), 0);
	return c;
}

static size_t
take_der(int n, unsigned char **der, uint8_t **ret)
{
	assert_true(n > 0);
	*ret = malloc((size_t)n);
	assert_non_null(*ret);
	memcpy(*ret, *der, (size_t)n);
	OPENSSL_free(*der);
	return (size_t)n;
}

size_t
client_csr(const struct client_request *c, uint8_t **ret)
{
	X509_REQ *r = X509_REQ_new();
	EVP_PKEY *key = c->csr_key ? c->csr_key : c->signer->key;
	unsigned char *der = NULL;
	size_t n;

	X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(r), "CN",
	    MBSTRING_UTF8, (const unsigned char *)c->cn, -1, -1, 0);
	X509_REQ_set_pubkey(r, key);
	if (c->challenge)
		X509_REQ_add1_attr_by_NID(r, NID_pkcs9_challengePassword,
		    MBSTRING_UTF8, (const unsigned char *)c->challenge, -1);
	if (c->sans) {
		STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();

		sk_X509_EXTENSION_push(
		    list, X509V3_EXT_conf_nid(
			      NULL, NULL, NID_subject_alt_name, c->sans));
		X509_REQ_add_extensions(r, list);
		sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	}
	assert_true(
	    X509_REQ_sign(r, key, c->csr_md ? c->csr_md : EVP_sha256()) > 0);
	n = take_der(i2d_X509_REQ(r, &der), &der, ret);
	X509_REQ_free(r);
	return n;
}

static size_t
client_envelope(const struct client_request *c, uint8_t **ret)
{
	BIO *in;
	CMS_ContentInfo *cms;
	CMS_RecipientInfo *ri;
	uint8_t *csr = NULL;
	unsigned char *der = NULL;
	size_t n = c->content.n ? 0 : client_csr(c, &csr);
	const EVP_CIPHER *cipher = c->cipher ? c->cipher : EVP_aes_128_cbc();
	unsigned flags = CMS_BINARY | CMS_PARTIAL | CMS_KEY_PARAM;

	in = c->content.n ? BIO_new_mem_buf(c->content.p, (int)c->content.n)
			  : BIO_new_mem_buf(csr, (int)n);
	cms = CMS_encrypt(NULL, in, cipher, flags);
	assert_non_null(cms);
	ri = CMS_add1_recipient_cert(cms, c->recipient->cert, flags);
	assert_non_null(ri);
	if (c->oaep) {
		EVP_PKEY_CTX *k = CMS_RecipientInfo_get0_pkey_ctx(ri);

		EVP_PKEY_CTX_set_rsa_padding(k, RSA_PKCS1_OAEP_PADDING);
		EVP_PKEY_CTX_set_rsa_oaep_md(k, EVP_sha256());
		EVP_PKEY_CTX_set_rsa_mgf1_md(k, EVP_sha256());
	}
	assert_int_equal(CMS_final(cms, in, NULL, flags), 1);
	n = take_der(i2d_CMS_ContentInfo(cms, &der), &der, ret);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	free(csr);
	return n;
}

static void
attr_text(CMS_SignerInfo *si, const char *name, const char *text)
{
	if (text)
		assert_int_equal(
		    CMS_signed_add1_attr_by_txt(si, name,
			V_ASN1_PRINTABLESTRING, text, (int)strlen(text)),
		    1);
}

size_t
client_message(const struct client_request *c, uint8_t **ret)
{
	uint8_t *env = NULL;
	unsigned char *der = NULL;
	size_t n;
	unsigned flags = CMS_BINARY | CMS_PARTIAL | CMS_NOSMIMECAP;
	CMS_ContentInfo *cms;
	CMS_SignerInfo *si;
	BIO *in;

	oids_once();
	n = client_envelope(c, &env);
	in = BIO_new_mem_buf(env, (int)n);
	cms = CMS_sign(NULL, NULL, NULL, in, flags);
	si = CMS_add1_signer(cms, c->signer->cert, c->signer->key,
	    c->md ? c->md : EVP_sha256(), flags);
	assert_non_null(si);
	attr_text(si, "scepType", c->type ? c->type : "19");
	attr_text(si, "scepTrans", c->transaction);
	CMS_signed_add1_attr_by_txt(
	    si, "scepNonce", V_ASN1_OCTET_STRING, CLIENT_NONCE, 16);
	assert_int_equal(CMS_final(cms, in, NULL, flags), 1);
	n = take_der(i2d_CMS_ContentInfo(cms, &der), &der, ret);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	free(env);
	return n;
}

static int
attr_get(CMS_SignerInfo *si, const char *name, void *out, int size)
{
	int at = CMS_signed_get_attr_by_NID(si, OBJ_txt2nid(name), -1), n;
	ASN1_TYPE *v;

	memset(out, 0, (size_t)size);
	if (at < 0)
		return 0;
	v = X509_ATTRIBUTE_get0_type(CMS_signed_get_attr(si, at), 0);
	n = ASN1_STRING_length(v->value.asn1_string);
	assert_true(n < size);
	memcpy(out, ASN1_STRING_get0_data(v->value.asn1_string), (size_t)n);
	return n;
}

static void
bundle_read_openssl(BIO *plain, struct client_answer *ret)
{
	CMS_ContentInfo *cms = d2i_CMS_bio(plain, NULL);
	STACK_OF(X509) * certs;
	STACK_OF(X509_CRL) * crls;

	assert_non_null(cms);
	certs = CMS_get1_certs(cms);
	crls = CMS_get1_crls(cms);
	ret->certs = sk_X509_num(certs);
	if (ret->certs > 0) {
		ret->cert = sk_X509_value(certs, 0);
		X509_up_ref(ret->cert);
	}
	if (sk_X509_CRL_num(crls) > 0) {
		ret->crl = sk_X509_CRL_value(crls, 0);
		X509_CRL_up_ref(ret->crl);
	}
	sk_X509_pop_free(certs, X509_free);
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
	CMS_ContentInfo_free(cms);
}

static void
envelope_read(
    BIO *content, const struct party *client, struct client_answer *ret)
{
	CMS_ContentInfo *env = d2i_CMS_bio(content, NULL);
	BIO *plain = BIO_new(BIO_s_mem()), *text = BIO_new(BIO_s_mem());
	char *p;
	long n;

	assert_non_null(env);
	CMS_ContentInfo_print_ctx(text, env, 0, NULL);
	n = BIO_get_mem_data(text, &p);
	snprintf(ret->cipher, sizeof(ret->cipher), "%s",
	    memmem(p, (size_t)n, "aes-256-cbc", 11)    ? "aes-256-cbc"
	    : memmem(p, (size_t)n, "aes-128-cbc", 11)  ? "aes-128-cbc"
	    : memmem(p, (size_t)n, "des-ede3-cbc", 12) ? "des-ede3-cbc"
						       : "other");
	assert_int_equal(CMS_decrypt(env, client->key, client->cert, NULL,
			     plain, CMS_BINARY),
	    1);
	bundle_read_openssl(plain, ret);
	CMS_ContentInfo_free(env);
	BIO_free(plain);
	BIO_free(text);
}

void
client_read(struct span answer, const struct party *ra,
    const struct party *client, struct client_answer *ret)
{
	const unsigned char *p = answer.p;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long)answer.n);
	STACK_OF(X509) *signers = sk_X509_new_null();
	BIO *content = BIO_new(BIO_s_mem()), *nothing = BIO_new(BIO_s_null());
	CMS_SignerInfo *si;
	ASN1_OCTET_STRING **inner;

	memset(ret, 0, sizeof(*ret));
	oids_once();
	assert_non_null(cms);
	assert_ptr_equal(p, answer.p + answer.n);
	sk_X509_push(signers, ra->cert);
	inner = CMS_get0_content(cms);
	/* RFC 8894 3.3.2: without content the digest is over nothing */
	assert_int_equal(
	    CMS_verify(cms, signers, NULL, inner && *inner ? NULL : nothing,
		content, CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY),
	    1);
	si = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
	attr_get(si, "scepStatus", ret->status, sizeof(ret->status));
	attr_get(si, "scepFail", ret->fail, sizeof(ret->fail));
	attr_get(si, "scepText", ret->text, sizeof(ret->text));
	attr_get(si, "scepTrans", ret->transaction, sizeof(ret->transaction));
	ret->nonce_n =
	    attr_get(si, "scepNonce", ret->nonce, sizeof(ret->nonce));
	ret->recipient_nonce_n = attr_get(si, "scepRnonce",
	    ret->recipient_nonce, sizeof(ret->recipient_nonce));
	if (strcmp(ret->status, "0") == 0)
		envelope_read(content, client, ret);
	else
		assert_int_equal(BIO_pending(content), 0);
	CMS_ContentInfo_free(cms);
	sk_X509_free(signers);
	BIO_free(nothing);
	BIO_free(content);
}

void
client_answer_done(struct client_answer *a)
{
	X509_free(a->cert);
	X509_CRL_free(a->crl);
}

void
ra_decrypt(const struct party *ra, struct span encrypted, bool oaep,
    const char *oaep_hash, const char *mgf_hash, struct buf *out)
{
	EVP_PKEY_CTX *k = EVP_PKEY_CTX_new(ra->key, NULL);
	uint8_t plain[512];
	size_t n = sizeof(plain);

	assert_int_equal(EVP_PKEY_decrypt_init(k), 1);
	if (oaep) {
		EVP_PKEY_CTX_set_rsa_padding(k, RSA_PKCS1_OAEP_PADDING);
		EVP_PKEY_CTX_set_rsa_oaep_md(
		    k, EVP_get_digestbyname(oaep_hash));
		EVP_PKEY_CTX_set_rsa_mgf1_md(k, EVP_get_digestbyname(mgf_hash));
	}
	/* a wrong padding yields other bytes, never an error */
	if (EVP_PKEY_decrypt(k, plain, &n, encrypted.p, encrypted.n) != 1) {
		memset(plain, 7, 16);
		n = 16;
	}
	buf_add(out, plain, n);
	EVP_PKEY_CTX_free(k);
}

void
ra_sign(const struct party *ra, struct span attrs, struct buf *out)
{
	assert_int_equal(key_sign(ra->key, HASH_SHA256, attrs, out), 0);
}
