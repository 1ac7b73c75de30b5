/* CERT-2: JKS written by keytool. */
#include "cert/helper_formats.h"

#include "cert/jks.h"

static void
with_password(void **state)
{
	AUTO_STRUCT(bundle) *b = formats_bundle("new.jks", FORMATS_PASSWORD);
	size_t keys = 0;

	(void)state;
	assert_int_equal(b->format, FORMAT_JKS);
	assert_int_equal(b->n, 4);
	assert_int_equal(b->note_total, 0);
	for (size_t i = 0; i < b->n; i++) {
		const struct object *o = &b->objects[i];

		if (o->kind == OBJECT_KEY) {
			keys++;
			assert_rsa_key(b, i);
			assert_string_equal(o->alias, "new one");
			assert_object(b, i + 1, OBJECT_CERT, "leaf.der");
			assert_object(b, i + 2, OBJECT_CERT, "ca.der");
		} else if (strcmp(o->alias, "testca") == 0) {
			assert_object(b, i, OBJECT_CERT, "ca.der");
		}
	}
	assert_int_equal(keys, 1);
}

/* certificates without a password, keys closed, and a note says so */
static void
without_password(void **state)
{
	AUTO_STRUCT(bundle) *b = formats_bundle("new.jks", NULL);
	size_t certs = 0, closed = 0;

	(void)state;
	for (size_t i = 0; i < b->n; i++) {
		certs += b->objects[i].kind == OBJECT_CERT;
		closed += b->objects[i].kind == OBJECT_ENCRYPTED_KEY;
	}
	assert_int_equal(certs, 3);
	assert_int_equal(closed, 1);
	assert_int_equal(b->note_total, 1);
}

static void
refusals(void **state)
{
	struct span file = formats_file("new.jks");
	static uint8_t copy[65536];
	struct bundle *b = NULL;
	struct diag d;

	(void)state;
	assert_int_equal(formats_read_as(file, "wrong", &d, &b), E_PASSWORD);
	memcpy(copy, file.p, file.n);
	copy[file.n / 2] ^= 1;
	assert_int_equal(
	    formats_read_as(span_of(copy, file.n), FORMATS_PASSWORD, &d, &b),
	    E_PASSWORD);
	assert_int_equal(formats_read_as(formats_file("trust.jceks"),
			     FORMATS_PASSWORD, &d, &b),
	    E_UNSUPPORTED);
	assert_non_null(strstr(d.remedy, "keytool"));
	for (size_t n = 4; n < 32; n++)
		assert_int_equal(
		    formats_read_as(span_of(file.p, n), NULL, &d, &b),
		    E_TRUNCATED);
	assert_null(b);
}

/* cut short without a password: what is lost is told */
static void
cut_short(void **state)
{
	struct span file = formats_file("new.jks");

	(void)state;
	for (size_t n = 40; n < file.n; n += 61) {
		AUTO_STRUCT(bundle) *b = NULL;
		int e = formats_read_as(span_of(file.p, n), NULL, NULL, &b);

		assert_true(e == E_PARSE || (e == 0 && has_note(b, 0, true)));
	}
}

static void
key_protection(void **state)
{
	AUTO_STRUCT(secret) *wide = NULL, *key = NULL;
	struct secret *none = NULL;
	BUF(sealed, 4096);

	(void)state;
	assert_int_equal(jks_password(span_str("a\xc3\xa4"), &wide), 0);
	assert_same(secret_peek(wide), span_of("\0a\0\xe4", 4));
	assert_int_equal(jks_password(span_str("\xff"), &none), E_INVAL);
	assert_int_equal(jks_key_seal(secret_peek(wide),
			     span_str("twenty-one bytes long"), &sealed),
	    0);
	assert_int_equal(
	    jks_key_open(secret_peek(wide), buf_span(&sealed), &key), 0);
	assert_same(secret_peek(key), span_str("twenty-one bytes long"));
	sealed.p[sealed.n - 1] ^= 1;
	assert_int_equal(
	    jks_key_open(secret_peek(wide), buf_span(&sealed), &none),
	    E_PASSWORD);
	sealed.p[10] ^= 1; /* inside the algorithm */
	assert_int_equal(
	    jks_key_open(secret_peek(wide), buf_span(&sealed), &none),
	    E_UNSUPPORTED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_password),
		cmocka_unit_test(without_password),
		cmocka_unit_test(refusals),
		cmocka_unit_test(cut_short),
		cmocka_unit_test(key_protection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
