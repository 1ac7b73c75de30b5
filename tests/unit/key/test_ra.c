/* key/server, the doors open to fronts: RA_SIGN, RA_DECRYPT; and checkpoints,
 * import, export. CA-2, CA-5, ENR-3. */
#include "test.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <unistd.h>

#include "cert/name.h"
#include "cert/write.h"
#include "key/rig.h"

static struct rig rig;
static struct buf ra_spki, ledger_spki;
static EVP_PKEY *ra_public;

static int
group_open(void **state)
{
	const unsigned char *p;

	(void)state;
	rig_open(&rig);
	buf_init(&ra_spki, 4096);
	buf_init(&ledger_spki, 4096);
	assert_int_equal(
	    rig_create(&rig, "ra", KEY_ROLE_RA, KEY_RSA2048, NULL, &ra_spki),
	    0);
	assert_int_equal(rig_create(&rig, "led", KEY_ROLE_LEDGER, KEY_ED25519,
			     NULL, &ledger_spki),
	    0);
	p = ra_spki.p;
	ra_public = d2i_PUBKEY(NULL, &p, (long)ra_spki.n);
	assert_non_null(ra_public);
	return 0;
}

static int
group_close(void **state)
{
	(void)state;
	EVP_PKEY_free(ra_public);
	buf_done(&ra_spki);
	buf_done(&ledger_spki);
	rig_close(&rig);
	return 0;
}

static int
ra_sign(const char *id, struct span attrs)
{
	BUF(payload, 65536);

	buf_pack_text(&payload, id);
	buf_pack_span(&payload, attrs);
	return rig_ask(&rig, rig.front, KEY_OP_RA_SIGN, buf_span(&payload));
}

/* ENR-3: SHA-256 with RSA over the SET, as OpenSSL verifies it */
static void
test_ra_sign(void **state)
{
	static const uint8_t set[] = { 0x31, 0x05, 0x30, 0x03, 0x06, 0x01,
		0x2a };
	static const uint8_t seq[] = { 0x30, 0x05, 0x30, 0x03, 0x06, 0x01,
		0x2a };
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct span sig;

	(void)state;
	for (int i = 0; i < 3; i++) { /* the kept context serves again */
		assert_int_equal(ra_sign("ra", span_of(set, sizeof(set))), 0);
		sig = rig_field(&rig);
		assert_int_equal(EVP_DigestVerifyInit(
				     ctx, NULL, EVP_sha256(), NULL, ra_public),
		    1);
		assert_int_equal(
		    EVP_DigestVerify(ctx, sig.p, sig.n, set, sizeof(set)), 1);
	}
	EVP_MD_CTX_free(ctx);
	/* CA-5: what could be a certificate is not signed */
	assert_int_equal(ra_sign("ra", span_of(seq, sizeof(seq))), E_DENIED);
	assert_int_equal(ra_sign("ra", span_of(set, 6)), E_DENIED);
	assert_int_equal(ra_sign("ra", span_of(NULL, 0)), E_DENIED);
	assert_int_equal(ra_sign("led", span_of(set, sizeof(set))), E_DENIED);
	assert_int_equal(ra_sign("x", span_of(set, sizeof(set))), E_NOT_FOUND);
}

static void
test_ra_sign_too_big(void **state)
{
	BUF(set, 65536);
	DERW(w);
	int fd = rig.front;

	(void)state;
	assert_non_null(buf_reserve(&set, KEY_ATTRS_MAX));
	memset(set.p, 0, KEY_ATTRS_MAX);
	set.n = KEY_ATTRS_MAX;
	assert_int_equal(derw_init(&w, 65536), 0);
	derw_primitive(&w, DER_SET, buf_span(&set));
	assert_int_equal(ra_sign("ra", derw_span(&w)), E_DENIED);
	rig.front = rig_link(&rig, ROLE_FRONT);
	close(fd);
}

struct sealed {
	uint8_t p[256];
	size_t n;
};

static void
encrypt(struct span key, int padding, struct sealed *ret)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, ra_public, NULL);

	ret->n = sizeof(ret->p);
	assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, padding), 1);
	if (padding == RSA_PKCS1_OAEP_PADDING) {
		assert_int_equal(
		    EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()), 1);
		assert_int_equal(
		    EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()), 1);
	}
	assert_int_equal(
	    EVP_PKEY_encrypt(ctx, ret->p, &ret->n, key.p, key.n), 1);
	EVP_PKEY_CTX_free(ctx);
}

static int
ra_decrypt(const char *id, bool oaep, size_t wanted, struct span bytes)
{
	BUF(payload, 65536);

	buf_pack_text(&payload, id);
	buf_add_u8(&payload, oaep);
	buf_add_u8(&payload, HASH_SHA256);
	buf_add_u8(&payload, HASH_SHA256);
	buf_add_u8(&payload, (uint8_t)wanted);
	buf_pack_span(&payload, bytes);
	return rig_ask(&rig, rig.front, KEY_OP_RA_DECRYPT, buf_span(&payload));
}

static void
assert_content_key(struct span expect, bool equal)
{
	struct span got = rig_field(&rig);

	assert_int_equal(got.n, expect.n);
	assert_true(span_is_equal(got, expect) == equal);
}

/* ENR-3: content keys of DES, 3DES, AES-128 and AES-256 come back */
static void
test_ra_decrypt(void **state)
{
	static const size_t sizes[] = { 8, 16, 24, 32 };
	uint8_t key[32];
	struct sealed c;

	(void)state;
	memset(key, 0x5a, sizeof(key));
	for (size_t i = 0; i < 4; i++) {
		struct span k = span_of(key, sizes[i]);

		encrypt(k, RSA_PKCS1_PADDING, &c);
		assert_int_equal(
		    ra_decrypt("ra", false, k.n, span_of(c.p, c.n)), 0);
		assert_content_key(k, true);
		encrypt(k, RSA_PKCS1_OAEP_PADDING, &c);
		assert_int_equal(
		    ra_decrypt("ra", true, k.n, span_of(c.p, c.n)), 0);
		assert_content_key(k, true);
	}
}

/* a wrong padding: bytes of the wanted size, the same ones when asked again,
 * never an error (Bleichenbacher) */
static void
test_no_oracle(void **state)
{
	uint8_t key[16], first[16];
	struct sealed c;
	struct span got;

	(void)state;
	memset(key, 0x5a, sizeof(key));
	for (int oaep = 0; oaep < 2; oaep++) {
		encrypt(span_of(key, 16),
		    oaep ? RSA_PKCS1_OAEP_PADDING : RSA_PKCS1_PADDING, &c);
		c.p[100] ^= 1;
		for (int i = 0; i < 2; i++) {
			assert_int_equal(
			    ra_decrypt("ra", oaep, 16, span_of(c.p, c.n)), 0);
			assert_content_key(span_of(key, 16), false);
			got = rig_field(&rig);
			if (i)
				assert_memory_equal(got.p, first, 16);
			memcpy(first, got.p, 16);
		}
		/* right padding, another size than wanted */
		c.p[100] ^= 1;
		assert_int_equal(
		    ra_decrypt("ra", oaep, 24, span_of(c.p, c.n)), 0);
		assert_int_equal(rig_field(&rig).n, 24);
		/* shorter, longer, empty, larger than the modulus */
		assert_int_equal(
		    ra_decrypt("ra", oaep, 16, span_of(c.p, 255)), 0);
		assert_int_equal(rig_field(&rig).n, 16);
		assert_int_equal(
		    ra_decrypt("ra", oaep, 16, span_of(NULL, 0)), 0);
		assert_int_equal(rig_field(&rig).n, 16);
		memset(c.p, 0xff, sizeof(c.p));
		assert_int_equal(
		    ra_decrypt("ra", oaep, 16, span_of(c.p, 256)), 0);
		assert_int_equal(rig_field(&rig).n, 16);
	}
}

/* RFC 8017 7.2.2 case by case, over a block made by hand */
static void
test_paddings(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		bool good;
	} cases[] = {
		{ 200, 0x77, true }, /* still padding */
		{ 0, 1, false },     /* first octet */
		{ 1, 1, false },     /* block type */
		{ 2, 0, false },     /* separator too early */
		{ 100, 0, false },
		{ 238, 0, false }, /* message one octet too long */
		{ 239, 1, false }, /* no separator where it belongs */
	};
	uint8_t em[256], key[16];

	(void)state;
	memset(key, 0, sizeof(key)); /* zeros in the key are no separators */
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sealed c;

		memset(em, 0x11, sizeof(em));
		em[0] = 0;
		em[1] = 2;
		em[239] = 0;
		memcpy(em + 240, key, 16);
		em[cases[i].at] = cases[i].value;
		encrypt(span_of(em, 256), RSA_NO_PADDING, &c);
		assert_int_equal(
		    ra_decrypt("ra", false, 16, span_of(c.p, c.n)), 0);
		assert_content_key(span_of(key, 16), cases[i].good);
	}
}

static void
test_decrypt_refusals(void **state)
{
	uint8_t bytes[256] = { 1 };

	(void)state;
	assert_int_equal(
	    ra_decrypt("ra", false, 0, span_of(bytes, 256)), E_INVAL);
	assert_int_equal(
	    ra_decrypt("ra", false, 65, span_of(bytes, 256)), E_INVAL);
	assert_int_equal(
	    ra_decrypt("led", false, 16, span_of(bytes, 256)), E_DENIED);
}

/* -- checkpoints -- */

static int
checkpoint(const char *id, uint64_t seq, uint8_t hash, uint64_t time)
{
	uint8_t h[32];
	BUF(text, 256);
	BUF(payload, 512);

	memset(h, hash, sizeof(h));
	buf_add_text(&text, "signet-checkpoint-1");
	buf_add_u64(&text, seq);
	buf_add(&text, h, sizeof(h));
	buf_add_u64(&text, time);
	buf_pack_text(&payload, id);
	buf_pack_span(&payload, buf_span(&text));
	return rig_ask(
	    &rig, rig.core, KEY_OP_SIGN_CHECKPOINT, buf_span(&payload));
}

static uint64_t
last_checkpoint(uint8_t *ret_hash)
{
	struct reader r;
	uint64_t seq;

	assert_int_equal(
	    rig_ask(&rig, rig.core, KEY_OP_LAST_CHECKPOINT, span_of(NULL, 0)),
	    0);
	r = reader_of(buf_span(&rig.answer));
	seq = reader_u64(&r);
	*ret_hash = reader_bytes(&r, 32).p[31];
	assert_int_equal(reader_finish(&r), 0);
	return seq;
}

/* CA-6: a ledger that went back is not signed, also not by a new process */
static void
test_checkpoints(void **state)
{
	uint8_t hash;
	BUF(payload, 256);

	(void)state;
	assert_int_equal(last_checkpoint(&hash), 0);
	assert_int_equal(hash, 0);
	assert_int_equal(checkpoint("led", 10, 1, 5), 0);
	assert_int_equal(rig_field(&rig).n, 64);
	assert_int_equal(checkpoint("led", 10, 1, 6), 0);
	assert_int_equal(checkpoint("led", 10, 2, 6), E_CONFLICT);
	assert_int_equal(checkpoint("led", 9, 1, 6), E_CONFLICT);
	assert_int_equal(checkpoint("led", 12, 3, 7), 0);
	rig_restart(&rig);
	assert_int_equal(last_checkpoint(&hash), 12);
	assert_int_equal(hash, 3);
	assert_int_equal(checkpoint("led", 11, 9, 8), E_CONFLICT);
	assert_int_equal(checkpoint("ra", 13, 1, 5), E_DENIED);
	/* nothing but checkpoints */
	buf_pack_text(&payload, "led");
	buf_pack_span(&payload, span_str("signet-checkpoint-2 and so on"));
	assert_int_equal(
	    rig_ask(&rig, rig.core, KEY_OP_SIGN_CHECKPOINT, buf_span(&payload)),
	    E_DENIED);
	/* a changed memory is no empty one */
	file_flip(rig.dir, "checkpoint", 60);
	assert_int_equal(checkpoint("led", 14, 1, 9), E_CRYPTO);
	file_flip(rig.dir, "checkpoint", 60);
	assert_int_equal(checkpoint("led", 14, 1, 9), 0);
}

/* -- import, export -- */

/* a self-signed certificate by OpenSSL alone */
static X509 *
openssl_cert(EVP_PKEY *key, bool ca)
{
	static const uint8_t yes[] = { 0x30, 3, 1, 1, 0xff },
			     no[] = { 0x30, 0 };
	ASN1_OCTET_STRING *value;
	X509 *c = X509_new();
	X509_NAME *name = X509_get_subject_name(c);
	X509_EXTENSION *bc;

	X509_set_version(c, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(c), 77);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)"Imported CA", -1, -1, 0);
	X509_set_issuer_name(c, name);
	X509_gmtime_adj(X509_getm_notBefore(c), 0);
	X509_gmtime_adj(X509_getm_notAfter(c), 86400L * 365);
	X509_set_pubkey(c, key);
	value = ASN1_OCTET_STRING_new();
	ASN1_OCTET_STRING_set(value, ca ? yes : no, ca ? sizeof(yes) : 2);
	bc = X509_EXTENSION_create_by_NID(
	    NULL, NID_basic_constraints, ca, value);
	ASN1_OCTET_STRING_free(value);
	assert_non_null(bc);
	X509_add_ext(c, bc, -1);
	X509_EXTENSION_free(bc);
	assert_true(X509_sign(c, key, EVP_sha256()) > 0);
	return c;
}

static void
openssl_p12(EVP_PKEY *key, X509 *c, const char *password, struct buf *out)
{
	PKCS12 *p12 = PKCS12_create_ex(
	    password, "name", key, c, NULL, 0, 0, 0, 0, 0, NULL, NULL);
	unsigned char *der = NULL;
	int n;

	assert_non_null(p12);
	n = i2d_PKCS12(p12, &der);
	buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
	PKCS12_free(p12);
}

static int
import(const char *id, enum key_role role, struct span p12, const char *pw)
{
	BUF(payload, 1u << 19);

	buf_pack_text(&payload, id);
	buf_add_u8(&payload, (uint8_t)role);
	buf_pack_span(&payload, p12);
	buf_pack_text(&payload, pw);
	return rig_ask(&rig, rig.core, KEY_OP_IMPORT, buf_span(&payload));
}

static int export(const char *id, struct span cert, const char *pw)
{
	BUF(payload, 1u << 19);

	buf_pack_text(&payload, id);
	buf_add_u32(&payload, 1);
	buf_pack_span(&payload, cert);
	buf_pack_text(&payload, "alias");
	buf_pack_text(&payload, pw);
	return rig_ask(&rig, rig.core, KEY_OP_EXPORT, buf_span(&payload));
}

/* what came out, read by OpenSSL */
static void
assert_p12_holds(struct span p12, const char *pw, EVP_PKEY *key)
{
	const unsigned char *p = p12.p;
	PKCS12 *in = d2i_PKCS12(NULL, &p, (long)p12.n);
	EVP_PKEY *got = NULL;
	X509 *cert = NULL;

	assert_non_null(in);
	assert_int_equal(PKCS12_parse(in, pw, &got, &cert, NULL), 1);
	assert_int_equal(EVP_PKEY_eq(got, key), 1);
	EVP_PKEY_free(got);
	X509_free(cert);
	PKCS12_free(in);
}

/* CA-1, CA-2: a CA comes as PKCS#12, signs, and leaves as PKCS#12 */
static void
test_import_export(void **state)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	X509 *ca = openssl_cert(key, true), *leaf = openssl_cert(key, false);
	unsigned char *der = NULL;
	size_t der_n = (size_t)i2d_X509(ca, &der);
	struct reader r;
	BUF(p12, 65536);
	BUF(not_ca, 65536);

	(void)state;
	openssl_p12(key, ca, "secret-1", &p12);
	openssl_p12(key, leaf, "secret-1", &not_ca);
	assert_int_equal(
	    import("imp", KEY_ROLE_CA, buf_span(&p12), "wrong"), E_PASSWORD);
	assert_int_equal(
	    import("imp", KEY_ROLE_CA, buf_span(&not_ca), "secret-1"),
	    E_DENIED);
	assert_int_equal(
	    import("imp", KEY_ROLE_LEDGER, buf_span(&p12), "secret-1"),
	    E_DENIED);
	assert_true(import("imp", KEY_ROLE_CA, span_of(p12.p, p12.n / 2),
			"secret-1") < 0);
	for (int i = 0; i < 2; i++) { /* asked again: the same answer */
		assert_int_equal(
		    import("imp", KEY_ROLE_CA, buf_span(&p12), "secret-1"), 0);
		r = reader_of(buf_span(&rig.answer));
		(void)reader_span(&r);
		assert_int_equal(reader_u32(&r), 1);
		assert_true(
		    span_is_equal(reader_span(&r), span_of(der, der_n)));
		assert_int_equal(reader_finish(&r), 0);
	}
	assert_int_equal(
	    import("ra", KEY_ROLE_RA, buf_span(&p12), "secret-1"), E_CONFLICT);
	assert_int_equal(export("imp", span_of(der, der_n), "other-22"), 0);
	assert_p12_holds(rig_field(&rig), "other-22", key);
	/* CERT-3: never without a password; and only CA keys at all */
	assert_int_equal(export("imp", span_of(der, der_n), ""), E_PASSWORD);
	assert_int_equal(export("ra", span_of(der, der_n), "x"), E_DENIED);
	assert_int_equal(export("led", span_of(der, der_n), "x"), E_DENIED);
	OPENSSL_free(der);
	X509_free(ca);
	X509_free(leaf);
	EVP_PKEY_free(key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ra_sign),
		cmocka_unit_test(test_ra_sign_too_big),
		cmocka_unit_test(test_ra_decrypt),
		cmocka_unit_test(test_no_oracle),
		cmocka_unit_test(test_paddings),
		cmocka_unit_test(test_decrypt_refusals),
		cmocka_unit_test(test_checkpoints),
		cmocka_unit_test(test_import_export),
	};
	return cmocka_run_group_tests(tests, group_open, group_close);
}
