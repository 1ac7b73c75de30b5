/* CERT-2: PKCS#12 of openssl, old and new ciphers, and of keytool. */
#include "cert/helper_formats.h"

static void
assert_identity(const char *file, const char *alias)
{
	AUTO_STRUCT(bundle) *b = formats_bundle(file, FORMATS_PASSWORD);

	assert_int_equal(b->format, FORMAT_P12);
	assert_int_equal(b->n, 3);
	assert_object(b, 0, OBJECT_CERT, "leaf.der");
	assert_object(b, 1, OBJECT_CERT, "ca.der");
	assert_rsa_key(b, 2);
	assert_string_equal(b->objects[0].alias, alias);
	assert_string_equal(b->objects[1].alias, "");
	assert_string_equal(b->objects[2].alias, alias);
	assert_int_equal(b->note_total, 0);
}

static void
new_and_old(void **state)
{
	(void)state;
	assert_identity("new.p12", "New One"); /* AES-256, PBKDF2, SHA-256 */
	assert_identity("old.p12", "Old One"); /* RC2-40, 3DES, SHA-1 */
}

static void
java_trust_store(void **state)
{
	AUTO_STRUCT(bundle) *b = formats_bundle("trust.p12", FORMATS_PASSWORD);

	(void)state;
	assert_int_equal(b->n, 1);
	assert_object(b, 0, OBJECT_CERT, "ca.der");
	assert_string_equal(b->objects[0].alias, "testca");
}

static void
empty_password(void **state)
{
	AUTO_STRUCT(bundle) *none = formats_bundle("empty.p12", NULL);
	AUTO_STRUCT(bundle) *empty = formats_bundle("empty.p12", "");

	(void)state;
	assert_int_equal(none->n, 2);
	assert_int_equal(empty->n, 2);
}

static void
wrong_password(void **state)
{
	static const char *const files[] = { "new.p12", "old.p12" };
	struct bundle *b = NULL;
	struct diag d;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct span file = formats_file(files[i]);

		assert_int_equal(
		    formats_read_as(file, "wrong", &d, &b), E_PASSWORD);
		assert_true(d.remedy[0] != '\0');
		assert_int_equal(
		    formats_read_as(file, NULL, &d, &b), E_PASSWORD);
		assert_null(b);
	}
}

/* hostile work: a MAC that wants 8388607 iterations */
static void
iterations_are_limited(void **state)
{
	struct bundle *b = NULL;
	struct diag d;

	(void)state;
	assert_int_equal(formats_read_as(formats_file("hostile.p12"),
			     FORMATS_PASSWORD, &d, &b),
	    E_TOO_BIG);
}

static void
cut_short(void **state)
{
	struct span file = formats_file("new.p12");
	struct bundle *b = NULL;

	(void)state;
	for (size_t n = 1; n < file.n; n += 101)
		assert_int_equal(formats_read_as(span_of(file.p, n),
				     FORMATS_PASSWORD, NULL, &b),
		    E_PARSE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_and_old),
		cmocka_unit_test(java_trust_store),
		cmocka_unit_test(empty_password),
		cmocka_unit_test(wrong_password),
		cmocka_unit_test(iterations_are_limited),
		cmocka_unit_test(cut_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
