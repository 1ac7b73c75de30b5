/* CERT-2: PKCS#7, DER and PEM, against files of openssl crl2pkcs7. */
#include "cert/helper_formats.h"

static void
der_with_certificates_and_list(void **state)
{
	AUTO_STRUCT(bundle) *b = formats_bundle("chain.p7b", NULL);

	(void)state;
	assert_int_equal(b->format, FORMAT_P7);
	assert_int_equal(b->n, 3);
	assert_object(b, 0, OBJECT_CERT, "leaf.der");
	assert_object(b, 1, OBJECT_CERT, "ca.der");
	assert_object(b, 2, OBJECT_CRL, "crl.der");
	assert_int_equal(b->objects[0].format, FORMAT_P7);
}

static void
pem(void **state)
{
	AUTO_STRUCT(bundle) *b = formats_bundle("chain.p7.pem", NULL);

	(void)state;
	assert_int_equal(b->format, FORMAT_PEM);
	assert_int_equal(b->n, 2);
	assert_object(b, 1, OBJECT_CERT, "ca.der");
}

/* the label of chapter 6 of the guidelines: PKCS without its number */
static void
label_without_number(void **state)
{
	AUTO_STRUCT(bundle) *b = NULL;
	const char *p =
	    strchr((const char *)formats_file("chain.p7.pem").p, '\n');
	static char text[65536];

	(void)state;
	snprintf(text, sizeof(text), "-----BEGIN PKCS-----%s", p);
	b = formats_text(text);
	assert_int_equal(b->n, 2);
}

static void
cut_or_empty_is_refused(void **state)
{
	static const uint8_t no_certs[] = { 0x30, 0x23, 0x06, 0x09, 0x2a, 0x86,
		0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02, 0xa0, 0x16, 0x30,
		0x14, 0x02, 0x01, 0x01, 0x31, 0x00, 0x30, 0x0b, 0x06, 0x09,
		0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01, 0x31,
		0x00 };
	struct span file = formats_file("chain.p7b");
	struct bundle *b = NULL;

	(void)state;
	assert_int_equal(formats_read_as(span_of(no_certs, sizeof(no_certs)),
			     NULL, NULL, &b),
	    E_PARSE);
	for (size_t n = 1; n < file.n; n += 97)
		assert_int_equal(
		    formats_read_as(span_of(file.p, n), NULL, NULL, &b),
		    E_PARSE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(der_with_certificates_and_list),
		cmocka_unit_test(pem),
		cmocka_unit_test(label_without_number),
		cmocka_unit_test(cut_or_empty_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
