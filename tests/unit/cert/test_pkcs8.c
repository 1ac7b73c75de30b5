/* CERT-2: private keys in all their wrappings, made by openssl. */
#include "cert/helper_formats.h"

static void
assert_key(const char *file, const char *password)
{
	AUTO_STRUCT(bundle) *b = formats_bundle(file, password);

	assert_int_equal(b->n, 1);
	assert_rsa_key(b, 0);
}

static void
plain_and_encrypted(void **state)
{
	(void)state;
	assert_key("rsa.key", NULL);
	assert_key("rsa-p8.key", FORMATS_PASSWORD);
	assert_key("rsa-p8-rc2.der", FORMATS_PASSWORD);      /* needs legacy */
	assert_key("rsa-traditional.key", FORMATS_PASSWORD); /* RFC 1421 */
}

static void
other_kinds(void **state)
{
	AUTO_STRUCT(bundle) *ec = formats_bundle("ec.key", NULL);
	AUTO_STRUCT(bundle) *ed = formats_bundle("ed.key", NULL);
	AUTO_STRUCT(bundle) *pub = formats_bundle("rsa.pub", NULL);
	AUTO(EVP_PKEY) *key = NULL;

	(void)state;
	assert_object(ec, 0, OBJECT_KEY, NULL);
	assert_int_equal(
	    key_from_pkcs8(secret_peek(ec->objects[0].key), &key), 0);
	assert_int_equal(key_kind_of(key), KEY_P256);
	assert_object(ed, 0, OBJECT_KEY, NULL);
	assert_object(pub, 0, OBJECT_PUBKEY, "rsa-pub.der");
}

/* without a password they are still shown for what they are */
static void
closed_keys(void **state)
{
	static const char *const files[] = { "rsa-p8.key", "rsa-p8-rc2.der",
		"rsa-traditional.key" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		AUTO_STRUCT(bundle) *b = formats_bundle(files[i], NULL);

		assert_object(b, 0, OBJECT_ENCRYPTED_KEY, NULL);
		assert_null(b->objects[0].key);
	}
}

static void
wrong_password(void **state)
{
	static const char *const files[] = { "rsa-p8.key", "rsa-p8-rc2.der",
		"rsa-traditional.key" };
	struct bundle *b = NULL;
	struct diag d;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(
		    formats_read_as(formats_file(files[i]), "wrong", &d, &b),
		    E_PASSWORD);
}

static void
hostile_iterations(void **state)
{
	struct bundle *b = NULL;
	struct diag d;

	(void)state;
	assert_int_equal(formats_read_as(formats_file("hostile-p8.der"),
			     FORMATS_PASSWORD, &d, &b),
	    E_PARSE);
	assert_non_null(strstr(d.fact, "iterations"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_and_encrypted),
		cmocka_unit_test(other_kinds),
		cmocka_unit_test(closed_keys),
		cmocka_unit_test(wrong_password),
		cmocka_unit_test(hostile_iterations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
