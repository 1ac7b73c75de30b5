/* CERT-3: what we write, read again; openssl and keytool read it in
 * tests/e2e/test_offline_cert.py. */
#include "cert/helper_formats.h"

#include "cert/write.h"

#define OUT_MAX (1 << 20)

static EVP_PKEY *
rsa_key(void)
{
	AUTO_STRUCT(bundle) *b = formats_bundle("rsa.key", NULL);
	EVP_PKEY *key = NULL;

	assert_int_equal(
	    key_from_pkcs8(secret_peek(b->objects[0].key), &key), 0);
	return key;
}

static void
chain(struct span certs[2])
{
	certs[0] = formats_file("leaf.der");
	certs[1] = formats_file("ca.der");
}

static struct bundle *
again(const struct buf *out)
{
	struct bundle *b = NULL;

	assert_int_equal(
	    formats_read_as(buf_span(out), FORMATS_PASSWORD, NULL, &b), 0);
	assert_int_equal(b->note_total, 0);
	return b;
}

static void
pem_and_p7(void **state)
{
	BUF(pem, OUT_MAX);
	BUF(p7, OUT_MAX);
	struct span certs[2];

	(void)state;
	chain(certs);
	assert_int_equal(pem_write("CERTIFICATE", certs[0], &pem), 0);
	assert_same(buf_span(&pem), formats_file("leaf.pem"));
	for (int as_pem = 0; as_pem <= 1; as_pem++) {
		AUTO_STRUCT(bundle) *b = NULL;

		buf_reset(&p7);
		assert_int_equal(p7_write(certs, 2, as_pem, &p7), 0);
		b = again(&p7);
		assert_int_equal(b->n, 2);
	}
}

static void
p12_identity(void **state)
{
	AUTO(EVP_PKEY) *key = rsa_key();
	struct span certs[2];

	(void)state;
	chain(certs);
	for (int legacy = 0; legacy <= 1; legacy++) {
		AUTO_STRUCT(bundle) *b = NULL;
		BUF(out, OUT_MAX);

		assert_int_equal(p12_write(key, certs, 2, "pbx1",
				     FORMATS_PASSWORD, legacy, &out),
		    0);
		b = again(&out);
		assert_int_equal(b->n, 3);
		assert_object(b, 0, OBJECT_CERT, "leaf.der");
		assert_object(b, 1, OBJECT_CERT, "ca.der");
		assert_rsa_key(b, 2);
		assert_string_equal(b->objects[2].alias, "pbx1");
	}
}

static void
p12_and_jks_without_key(void **state)
{
	struct span certs[2];

	(void)state;
	chain(certs);
	for (int jks = 0; jks <= 1; jks++) {
		AUTO_STRUCT(bundle) *b = NULL;
		BUF(out, OUT_MAX);

		assert_int_equal(jks ? jks_write(NULL, certs, 2, "Trust",
					   FORMATS_PASSWORD, 1700000000, &out)
				     : p12_write(NULL, certs, 2, "trust",
					   FORMATS_PASSWORD, false, &out),
		    0);
		b = again(&out);
		assert_int_equal(b->n, 2);
		assert_object(b, 0, OBJECT_CERT, "leaf.der");
		assert_string_equal(b->objects[0].alias, "trust");
		assert_string_equal(b->objects[1].alias, "trust-2");
	}
}

static void
jks_identity(void **state)
{
	AUTO(EVP_PKEY) *key = rsa_key();
	AUTO_STRUCT(bundle) *b = NULL;
	BUF(out, OUT_MAX);
	struct span certs[2];

	(void)state;
	chain(certs);
	assert_int_equal(jks_write(key, certs, 2, "PBX1", FORMATS_PASSWORD,
			     1700000000, &out),
	    0);
	b = again(&out);
	assert_int_equal(b->n, 3);
	assert_rsa_key(b, 0);
	assert_string_equal(b->objects[0].alias, "pbx1");
	assert_int_equal(
	    jks_write(key, certs, 0, "x", FORMATS_PASSWORD, 0, &out), E_INVAL);
}

static void
keys(void **state)
{
	AUTO(EVP_PKEY) *key = rsa_key();

	(void)state;
	for (int pem = 0; pem <= 1; pem++) {
		AUTO_STRUCT(bundle) *b = NULL;
		BUF(out, OUT_MAX);

		assert_int_equal(p8_write(key, FORMATS_PASSWORD, pem, &out), 0);
		b = again(&out);
		assert_rsa_key(b, 0);
	}
}

/* CERT-3: no key leaves without a password, but by its own function */
static void
never_without_password(void **state)
{
	AUTO(EVP_PKEY) *key = rsa_key();
	BUF(out, OUT_MAX);
	struct span certs[2];

	(void)state;
	chain(certs);
	assert_int_equal(p8_write(key, "", true, &out), E_PASSWORD);
	assert_int_equal(
	    p12_write(key, certs, 2, "x", "", false, &out), E_PASSWORD);
	assert_int_equal(
	    jks_write(key, certs, 2, "x", "", 0, &out), E_PASSWORD);
	assert_int_equal(out.n, 0);
	assert_int_equal(key_write_plain(key, &out), 0);
	assert_memory_equal(out.p, "-----BEGIN PRIVATE KEY-----", 27);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pem_and_p7),
		cmocka_unit_test(p12_identity),
		cmocka_unit_test(p12_and_jks_without_key),
		cmocka_unit_test(jks_identity),
		cmocka_unit_test(keys),
		cmocka_unit_test(never_without_password),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
