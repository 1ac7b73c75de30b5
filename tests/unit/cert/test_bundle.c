/* CERT-2: whatever a file holds. */
#include "cert/helper_formats.h"

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

/* a text made from leaf.pem, whose first body line is line 2 */
static char text[65536];

static const char *
leaf(void)
{
	return (const char *)formats_file("leaf.pem").p;
}

/* leaf.pem with a line put in after its at-th line */
static const char *
leaf_with(size_t at, const char *line)
{
	const char *from = leaf(), *p = from;

	for (size_t i = 0; i < at; i++)
		p = strchr(p, '\n') + 1;
	snprintf(
	    text, sizeof(text), "%.*s%s\n%s", (int)(p - from), from, line, p);
	return text;
}

/* every line of leaf.pem with before in front and after behind it */
static const char *
leaf_wrapped(const char *before, const char *after)
{
	const char *p = leaf();
	size_t at = 0;

	while (*p) {
		size_t n = strcspn(p, "\n");

		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%.*s%s",
		    before, (int)n, p, after);
		p += n + (p[n] == '\n');
	}
	return text;
}

static void
assert_leaf(const char *pem)
{
	AUTO_STRUCT(bundle) *b = formats_text(pem);

	assert_int_equal(b->n, 1);
	assert_object(b, 0, OBJECT_CERT, "leaf.der");
}

/* PSN006362u: three certificates, never one; page footers named by line */
static void
the_bulletin_holds_three(void **state)
{
	AUTO_STRUCT(bundle) *b = formats_bundle("bulletin.txt", NULL);

	(void)state;
	assert_int_equal(b->n, 3);
	assert_object(b, 0, OBJECT_CERT, "bulletin-1.der");
	assert_object(b, 1, OBJECT_CERT, "bulletin-2.der");
	assert_object(b, 2, OBJECT_CERT, "bulletin-3.der");
	assert_int_equal(b->objects[0].line, 3);
	assert_int_equal(b->objects[1].line, 43);
	assert_int_equal(b->objects[2].line, 75);
	for (size_t line = 17; line <= 20; line++)
		assert_true(has_note(b, line, false));
	assert_non_null(strstr(b->notes[0].text, "https://www.sectigo.com"));
	assert_true(has_note(b, 4, false)); /* blanks around lines */
	assert_int_equal(b->note_total, 5);
}

static void
line_ends_and_blanks(void **state)
{
	(void)state;
	assert_leaf(leaf());
	assert_leaf(leaf_wrapped("", "\r\n"));
	assert_leaf(leaf_wrapped("", "\r"));
	assert_leaf(leaf_wrapped("  ", " \t \n"));
	assert_leaf(leaf_wrapped("\xc2\xa0", "\xc2\xa0\n"));
	assert_leaf(leaf_wrapped("\xef\xbb\xbf", "\n"));
	assert_leaf(leaf_wrapped("", "\n\n"));
}

static void
text_between_objects(void **state)
{
	AUTO_STRUCT(bundle) *b = NULL;

	(void)state;
	snprintf(text, sizeof(text), "0 Bag\n%s\nsubject=x\n%.*s\nend\n",
	    leaf(), (int)formats_file("ca.pem").n,
	    (const char *)formats_file("ca.pem").p);
	b = formats_text(text);
	assert_int_equal(b->n, 2);
	assert_object(b, 0, OBJECT_CERT, "leaf.der");
	assert_object(b, 1, OBJECT_CERT, "ca.der");
	assert_int_equal(b->note_total, 0);
}

/* a footer of letters and digits only looks like data: found by its length */
static void
footers_that_look_like_data(void **state)
{
	static const char *const footers[] = { "143", "Certificates",
		"Chapter 6: Certificates", "Page 12", "=", "MIID" };

	(void)state;
	for (size_t i = 0; i < sizeof(footers) / sizeof(footers[0]); i++)
		for (size_t at = 1; at < 20; at += 6) {
			AUTO_STRUCT(bundle) *b =
			    formats_text(leaf_with(at, footers[i]));

			assert_int_equal(b->n, 1);
			assert_object(b, 0, OBJECT_CERT, "leaf.der");
			assert_true(has_note(b, at + 1, false));
		}
}

static void
odd_dashes(void **state)
{
	char *p;

	(void)state;
	snprintf(text, sizeof(text), "%s", leaf());
	p = strstr(text, "-----\n");
	assert_non_null(p);
	memmove(p, p + 2, strlen(p + 2) + 1); /* three dashes are enough */
	assert_leaf(text);
	/* en dashes, as chapter 6 prints them */
	p = strchr(leaf(), '\n');
	snprintf(text, sizeof(text),
	    "\xe2\x80\x93\xe2\x80\x93\xe2\x80\x93"
	    "BEGIN CERTIFICATE\xe2\x80\x93\xe2\x80\x93\xe2\x80\x93%s",
	    strchr(leaf(), '\n'));
	(void)p;
	assert_leaf(text);
}

static void
one_line_and_missing_end(void **state)
{
	AUTO_STRUCT(bundle) *b = NULL;
	char *end;

	(void)state;
	assert_leaf(leaf_wrapped("", "")); /* all on one line */
	snprintf(text, sizeof(text), "%s", leaf());
	end = strstr(text, END);
	*end = '\0';
	b = formats_text(text);
	assert_object(b, 0, OBJECT_CERT, "leaf.der");
	assert_true(has_note(b, 1, false));
}

/* two certificates, the first without its END: both are read */
static void
missing_end_before_begin(void **state)
{
	AUTO_STRUCT(bundle) *b = NULL;
	const char *whole = leaf();
	int n = (int)(strstr(whole, END) - whole);

	(void)state;
	snprintf(text, sizeof(text), "%.*s%s", n, whole, whole);
	b = formats_text(text);
	assert_int_equal(b->n, 2);
	assert_true(has_note(b, 1, false));
}

static void
utf16(void **state)
{
	struct span file = formats_file("leaf.pem");
	static uint8_t wide[65536];

	(void)state;
	for (int big = 0; big <= 1; big++)
		for (int mark = 0; mark <= 1; mark++) {
			AUTO_STRUCT(bundle) *b = NULL;
			size_t n = 0;

			if (mark) {
				wide[n++] = big ? 0xfe : 0xff;
				wide[n++] = big ? 0xff : 0xfe;
			}
			for (size_t i = 0; i < file.n; i++) {
				wide[n + (size_t)big] = file.p[i];
				wide[n + (size_t)!big] = 0;
				n += 2;
			}
			assert_int_equal(
			    formats_read_as(span_of(wide, n), NULL, NULL, &b),
			    0);
			assert_object(b, 0, OBJECT_CERT, "leaf.der");
		}
}

static void
bare_base64(void **state)
{
	AUTO_STRUCT(bundle) *b = NULL;
	const char *p = strchr(leaf(), '\n') + 1;

	(void)state;
	snprintf(text, sizeof(text), "%.*s", (int)(strstr(p, END) - p), p);
	b = formats_text(text);
	assert_int_equal(b->n, 1);
	assert_true(has_note(b, 1, false));
}

static void
other_labels(void **state)
{
	AUTO_STRUCT(bundle) *t = formats_bundle("leaf-trusted.pem", NULL);
	AUTO_STRUCT(bundle) *r = formats_bundle("leaf.csr", NULL);
	AUTO_STRUCT(bundle) *n = NULL;
	AUTO_STRUCT(bundle) *c = formats_bundle("ca.crl", NULL);
	const char *csr = (const char *)formats_file("leaf.csr").p;

	(void)state;
	assert_object(t, 0, OBJECT_CERT, "leaf.der");
	assert_object(r, 0, OBJECT_CSR, NULL);
	assert_object(c, 0, OBJECT_CRL, "crl.der");
	/* Microsoft's label, and an END line that does not fit it */
	snprintf(text, sizeof(text),
	    "-----BEGIN NEW CERTIFICATE REQUEST-----%s", strchr(csr, '\n'));
	n = formats_text(text);
	assert_object(n, 0, OBJECT_CSR, NULL);
	assert_true(n->note_total == 1 && !n->notes[0].refused);
}

static void
der_one_and_many(void **state)
{
	AUTO_STRUCT(bundle) *one = formats_bundle("leaf.der", NULL);
	AUTO_STRUCT(bundle) *two = NULL;
	struct span a = formats_file("leaf.der"), b = formats_file("ca.der");
	static uint8_t joined[65536];

	(void)state;
	assert_int_equal(one->format, FORMAT_DER);
	assert_object(one, 0, OBJECT_CERT, "leaf.der");
	memcpy(joined, a.p, a.n);
	memcpy(joined + a.n, b.p, b.n);
	joined[a.n + b.n] = '\n';
	assert_int_equal(
	    formats_read_as(span_of(joined, a.n + b.n + 1), NULL, NULL, &two),
	    0);
	assert_int_equal(two->n, 2);
	assert_object(two, 1, OBJECT_CERT, "ca.der");
	assert_int_equal(two->note_total, 1);
}

/* CERT-2: a lost object is told, never passed over in silence */
static void
a_damaged_block_is_told(void **state)
{
	AUTO_STRUCT(bundle) *b = NULL;
	const char *whole = leaf();
	char *p;

	(void)state;
	snprintf(text, sizeof(text), "%s%s", whole, whole);
	p = strchr(text, '\n') + 1 + 3 * 65; /* a line of the first lost */
	memmove(p, p + 65, strlen(p + 65) + 1);
	b = formats_text(text);
	assert_int_equal(b->n, 1);
	assert_true(has_note(b, 1, true));
}

static void
nothing_readable(void **state)
{
	struct bundle *b = NULL;
	struct span der = formats_file("leaf.der");

	(void)state;
	assert_int_equal(formats_refused("hello\n"), E_PARSE);
	assert_int_equal(formats_refused("0"), E_PARSE);
	assert_int_equal(formats_refused(BEGIN "\n" END "\n"), E_PARSE);
	assert_int_equal(formats_refused(BEGIN "\nAAAA\n" END "\n"), E_PARSE);
	assert_int_equal(formats_refused(BEGIN), E_PARSE);
	assert_int_equal(formats_refused("-----BEGIN"), E_PARSE);
	assert_int_equal(
	    formats_read_as(span_of("", 0), NULL, NULL, &b), E_PARSE);
	for (size_t n = 1; n < der.n; n += 13)
		assert_int_equal(
		    formats_read_as(span_of(der.p, n), NULL, NULL, &b),
		    E_PARSE);
}

static void
too_many_objects(void **state)
{
	const char *key =
	    strstr((const char *)formats_file("rsa.pub").p, "-----BEGIN");
	size_t n = strlen(key), count = BUNDLE_OBJECTS_MAX + 1;
	char *all = malloc(n * count + 1);
	struct bundle *b = NULL;

	(void)state;
	for (size_t i = 0; i < count; i++)
		memcpy(all + i * n, key, n);
	assert_int_equal(
	    formats_read_as(span_of(all, n * count), NULL, NULL, &b),
	    E_TOO_BIG);
	free(all);
}

static void
names_of_kinds(void **state)
{
	(void)state;
	assert_string_equal(object_kind_name(OBJECT_CRL), "crl");
	assert_string_equal(file_format_name(FORMAT_P12), "p12");
	assert_int_equal(file_format_from_name("jks"), FORMAT_JKS);
	assert_int_equal(file_format_from_name("txt"), FORMAT_UNSET);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_bulletin_holds_three),
		cmocka_unit_test(line_ends_and_blanks),
		cmocka_unit_test(text_between_objects),
		cmocka_unit_test(footers_that_look_like_data),
		cmocka_unit_test(odd_dashes),
		cmocka_unit_test(one_line_and_missing_end),
		cmocka_unit_test(missing_end_before_begin),
		cmocka_unit_test(utf16),
		cmocka_unit_test(bare_base64),
		cmocka_unit_test(other_labels),
		cmocka_unit_test(der_one_and_many),
		cmocka_unit_test(a_damaged_block_is_told),
		cmocka_unit_test(nothing_readable),
		cmocka_unit_test(too_many_objects),
		cmocka_unit_test(names_of_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
