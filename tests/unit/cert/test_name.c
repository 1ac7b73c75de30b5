/* CERT-8, CERT-1: names. DER by hand and from openssl's own X509_NAME. */
#include "cert/helper_cert.h"

#include <openssl/x509.h>

#include "base/json.h"
#include "base/str.h"

static void
name_is(const char *text, const char *again)
{
	char out[NAME_TEXT_MAX];
	struct diag d = { 0 };
	BUF(b, 4096);

	assert_int_equal(name_build(text, &d, &b), 0);
	assert_int_equal(name_check(buf_span(&b)), 0);
	name_print(buf_span(&b), out, sizeof(out));
	assert_string_equal(out, again);
}

static void
name_fails(const char *text, const char *named)
{
	struct diag d = { 0 };
	BUF(b, 4096);

	assert_int_equal(name_build(text, &d, &b), E_INVAL);
	assert_int_equal(d.code, E_INVAL);
	assert_string_equal(d.object, named);
	assert_true(d.fact[0] != '\0');
	assert_int_equal(b.n, 0);
}

/* the bytes OpenSSL makes of the same name */
static void
as_openssl_builds_it(void **state)
{
	X509_NAME *n = X509_NAME_new();
	unsigned char *der = NULL;
	BUF(b, 4096);
	int len;

	(void)state;
	X509_NAME_add_entry_by_txt(n, "CN", V_ASN1_PRINTABLESTRING,
	    (const unsigned char *)"pbx1.example.com", -1, -1, 0);
	X509_NAME_add_entry_by_txt(n, "O", V_ASN1_UTF8STRING,
	    (const unsigned char *)"K\xc3\xb6ln, S\xc3\xbc"
				   "d",
	    -1, -1, 0);
	X509_NAME_add_entry_by_txt(n, "emailAddress", V_ASN1_IA5STRING,
	    (const unsigned char *)"a@b.c", -1, -1, 0);
	X509_NAME_add_entry_by_txt(n, "DC", V_ASN1_IA5STRING,
	    (const unsigned char *)"example", -1, -1, 0);
	X509_NAME_add_entry_by_txt(n, "C", V_ASN1_PRINTABLESTRING,
	    (const unsigned char *)"DE", -1, -1, 0);
	len = i2d_X509_NAME(n, &der);
	assert_int_equal(name_build("CN=pbx1.example.com, O=K\xc3\xb6ln\\, "
				    "S\xc3\xbc"
				    "d,E=a@b.c,dc=example,c=DE",
			     NULL, &b),
	    0);
	assert_true(span_is_equal(buf_span(&b), span_of(der, (size_t)len)));
	OPENSSL_free(der);
	X509_NAME_free(n);
}

/* RFC 4514 2.4, 4 */
static void
texts_and_escapes(void **state)
{
	(void)state;
	name_is("CN=a", "CN=a");
	name_is("CN=a,O=b,C=DE", "CN=a,O=b,C=DE");
	name_is(" CN = a , O = b ", "CN=a,O=b");
	name_is("cn=a,emailAddress=x@y", "CN=a,E=x@y");
	name_is("O=Sue\\, Grabbit and Runn", "O=Sue\\, Grabbit and Runn");
	name_is("CN=a\\2Bb\\=c", "CN=a\\+b=c");
	name_is("CN=\\#1\\ ", "CN=\\#1\\ ");
	name_is("CN=a=b", "CN=a=b");
	name_is("CN=Lu\\C4\\8Di\\C4\\87", "CN=Lu\xc4\x8di\xc4\x87");
	name_is("serialNumber=0011AABBCCDD,OU=a,OU=b",
	    "serialNumber=0011AABBCCDD,OU=a,OU=b");
	name_is("", "");
}

static void
ill_formed_texts(void **state)
{
	char text[NAME_TEXT_MAX + 8], many[NAME_TEXT_MAX];

	(void)state;
	name_fails("pbx1", "pbx1");
	name_fails("CN=a,,O=b", "");
	name_fails("CN=a,O=", "O=");
	name_fails("CN=a,", "CN=a,");
	name_fails("CN=a,XX=b", "XX=b");
	name_fails("CN=a+O=b", "CN=a+O=b");
	name_fails("CN=a\\zb", "CN=a\\zb");
	name_fails("CN=a\\", "CN=a\\");
	name_fails("C=DEU", "C=DEU");
	name_fails("C=D", "C=D");
	name_fails("CN=\xff", "CN=\\xff");
	name_fails("CN=a\\00b", "CN=a\\00b");
	name_fails("CN=a\\0Ab", "CN=a\\0Ab");
	name_fails("E=\xc3\xb6@b", "E=\xc3\xb6@b");
	memset(text, 'a', sizeof(text) - 1);
	memcpy(text, "CN=", 3);
	text[3 + 64] = '\0';
	name_is(text, text);
	text[3 + 64] = 'a';
	text[3 + 65] = '\0';
	name_fails(text, text);
	text[3 + 65] = 'a';
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(
	    name_build(text, NULL, &(struct buf){ .max = 9 }), E_INVAL);
	many[0] = '\0';
	for (size_t i = 0; i <= NAME_RDN_MAX; i++)
		snprintf(many + i * 5, sizeof(many) - i * 5, "OU=%zu,", i % 10);
	many[(NAME_RDN_MAX + 1) * 5 - 1] = '\0';
	name_fails(many, "OU=4");
}

/* foreign bytes do not reach a screen as they are */
static void
foreign_names_are_escaped(void **state)
{
	char out[200];

	(void)state;
	/* CN with escape sequence and NUL, UTF8String */
	name_print(from_hex("30 13 31 11 30 0f 06 03 55 04 03 0c 08 61 1b 5b "
			    "31 6d 00 62 2c"),
	    out, sizeof(out));
	assert_string_equal(out, "CN=a\\1B[1m\\00b\\,");
	/* right-to-left override U+202E */
	name_print(from_hex("30 10 31 0e 30 0c 06 03 55 04 03 0c 05 61 e2 80 "
			    "ae 62"),
	    out, sizeof(out));
	assert_string_equal(out, "CN=a\\E2\\80\\AEb");
	/* BMPString, T61String as Latin-1, broken UTF-8 */
	name_print(from_hex("30 0f 31 0d 30 0b 06 03 55 04 03 1e 04 00 41 20 "
			    "ac"),
	    out, sizeof(out));
	assert_string_equal(out, "CN=A\xe2\x82\xac");
	name_print(from_hex("30 0c 31 0a 30 08 06 03 55 04 03 14 01 e4"), out,
	    sizeof(out));
	assert_string_equal(out, "CN=\xc3\xa4");
	name_print(from_hex("30 0d 31 0b 30 09 06 03 55 04 03 0c 02 c3 28"),
	    out, sizeof(out));
	assert_string_equal(out, "CN=\xc3\x83(");
	/* several in one RDN, an OID without a name */
	name_print(from_hex("30 1a 31 18 30 08 06 03 55 04 03 0c 01 61 30 0c "
			    "06 07 2a 03 04 05 06 07 08 0c 01 62"),
	    out, sizeof(out));
	assert_string_equal(out, "CN=a+1.2.3.4.5.6.7.8=b");
	/* cut where it does not fit */
	name_print(
	    from_hex("30 0c 31 0a 30 08 06 03 55 04 03 0c 01 61"), out, 4);
	assert_string_equal(out, "CN=");
}

static void
malformed_names(void **state)
{
	static const char *const bad[] = {
		"",
		"31 00",
		"30 02 31 00",                            /* empty RDN */
		"30 0b 31 09 30 07 06 03 55 04 03 05 00", /* no string */
		"30 0a 31 08 30 06 06 00 0c 02 61 61",    /* empty OID */
		"30 09 31 07 30 05 06 03 55 04 03",       /* no value */
		"30 0c 31 0a 30 08 06 03 55 04 03 0c 01", /* cut */
		"30 0c 31 0a 30 08 06 03 55 04 03 0c 01 61 00",
	};
	uint8_t many[4 + (NAME_RDN_MAX + 1) * 12];
	char out[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_not_equal(name_check(from_hex(bad[i])), 0);
		assert_false(
		    name_get(from_hex(bad[i]), OID_CN, out, sizeof(out)));
		name_print(from_hex(bad[i]), out, sizeof(out));
	}
	many[0] = 0x30;
	many[1] = 0x82;
	many[2] = (uint8_t)((sizeof(many) - 4) >> 8);
	many[3] = (uint8_t)(sizeof(many) - 4);
	for (size_t i = 4; i < sizeof(many); i += 12)
		memcpy(many + i,
		    "\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01"
		    "a",
		    12);
	assert_int_equal(name_check(span_of(many, sizeof(many))), E_TOO_BIG);
	assert_true(name_is_empty(from_hex("30 00")));
	assert_int_equal(name_check(from_hex("30 00")), 0);
}

static void
getting_values(void **state)
{
	struct x509 *c = data_cert("full.der");
	json_t *o = name_to_json(c->subject);
	char out[64];
	BUF(b, 200);

	(void)state;
	assert_true(name_get(c->subject, OID_CN, out, sizeof(out)));
	assert_string_equal(out, "pbx1.example.com");
	assert_true(name_get(c->subject, OID_L, out, sizeof(out)));
	assert_string_equal(out, "K\xc3\xb6ln, S\xc3\xbc"
				 "d");
	assert_false(name_get(c->subject, OID_DC, out, sizeof(out)));
	assert_false(name_get(c->subject, OID_CN, out, 5));
	/* a NUL inside: "a\0b" must not be taken for "a" */
	assert_false(name_get(from_hex("30 0e 31 0c 30 0a 06 03 55 04 03 0c 03 "
				       "61 00 62"),
	    OID_CN, out, sizeof(out)));
	assert_string_equal(json_get0_text(o, "E"), "admin@example.com");
	assert_string_equal(json_get0_text(o, "O"), "Example \"UC\"");
	assert_string_equal(json_get0_text(o, "text"),
	    "C=DE,ST=Hessen,L=K\xc3\xb6ln\\, S\xc3\xbc"
	    "d,O=Example \\\"UC\\\",OU=Voice\\+Data,CN=pbx1.example.com,"
	    "E=admin@example.com");
	json_decref(o);
	x509_free(c);
	assert_int_equal(name_build("OU=a,OU=b,OU=c", NULL, &b), 0);
	o = name_to_json(buf_span(&b));
	assert_int_equal(json_array_size(json_object_get(o, "OU")), 3);
	json_decref(o);
	assert_true(name_get(buf_span(&b), OID_OU, out, sizeof(out)));
	assert_string_equal(out, "c"); /* the last one */
}

static void
san_is(const char *text, const char *again)
{
	struct san_list l;
	struct diag d = { 0 };
	char out[1024];

	assert_int_equal(san_parse(text, &d, &l), 0);
	san_print(&l, out, sizeof(out));
	assert_string_equal(out, again);
}

static void
san_fails(const char *text, const char *named)
{
	struct san_list l = { .n = 7 };
	struct diag d = { 0 };

	assert_int_equal(san_parse(text, &d, &l), E_INVAL);
	assert_string_equal(d.object, named);
	assert_int_equal(l.n, 7); /* untouched */
}

/* CERT-8 */
static void
san_texts(void **state)
{
	(void)state;
	san_is("DNS:pbx1.example.com,IP:192.0.2.1,URI:sip:example.com,"
	       "EMAIL:a@b.example",
	    "DNS:pbx1.example.com,IP:192.0.2.1,URI:sip:example.com,"
	    "EMAIL:a@b.example");
	san_is("dns:a, ip:2001:0DB8::0:1 ,email:A@b",
	    "DNS:a,IP:2001:db8::1,EMAIL:A@b");
	san_is("DNS:*.example.com,IP:::ffff:192.0.2.1",
	    "DNS:*.example.com,IP:::ffff:192.0.2.1");
	san_is("URI:sips:a\\,b@c", "URI:sips:a\\,b@c");
	san_is("", "");
}

/* CERT-8: duplicate, empty or ill-formed, and which one it was */
static void
san_refusals(void **state)
{
	(void)state;
	san_fails("DNS:a,DNS:A", "DNS:A");
	san_fails("IP:::1,IP:0:0::1", "IP:0:0::1");
	san_fails("DNS:a,,DNS:b", "\"\"");
	san_fails("DNS:a,", "\"\"");
	san_fails(",DNS:a", "\"\"");
	san_fails("DNS:", "DNS:");
	san_fails("DNS:a,pbx", "\"pbx\"");
	san_fails("DIRNAME:x", "\"DIRNAME:x\"");
	san_fails("DNS:a_b", "DNS:a_b");
	san_fails("DNS:-a", "DNS:-a");
	san_fails("DNS:a-.b", "DNS:a-.b");
	san_fails("DNS:a..b", "DNS:a..b");
	san_fails("DNS:a.", "DNS:a.");
	san_fails("DNS:a b", "DNS:a b");
	san_fails("DNS:*", "DNS:*");
	san_fails("DNS:a.*.b", "DNS:a.*.b");
	san_fails("DNS:*a.b", "DNS:*a.b");
	san_fails("DNS:192.0.2.1", "DNS:192.0.2.1");
	san_fails("IP:192.0.2.256", "IP:192.0.2.256");
	san_fails("IP:192.0.2", "IP:192.0.2");
	san_fails("IP:fe80::1%eth0", "IP:fe80::1%eth0");
	san_fails("URI:example.com", "URI:example.com");
	san_fails("URI:sip:", "URI:sip:");
	san_fails("URI:1a:b", "URI:1a:b");
	san_fails("URI:sip:a b", "URI:sip:a b");
	san_fails("EMAIL:a", "EMAIL:a");
	san_fails("EMAIL:@b", "EMAIL:@b");
	san_fails("EMAIL:a@b@c", "EMAIL:a@b@c");
	san_fails("EMAIL:a@", "EMAIL:a@");
}

static void
san_limits(void **state)
{
	struct san_list l = { .n = 0 };
	char text[400];

	(void)state;
	for (size_t i = 0; i < SAN_MAX; i++) {
		snprintf(text, sizeof(text), "h%zu", i);
		assert_int_equal(san_add(&l, SAN_DNS, text, NULL), 0);
	}
	assert_int_equal(san_add(&l, SAN_DNS, "more", NULL), E_INVAL);
	assert_true(san_has(&l, SAN_DNS, "H7"));
	assert_false(san_has(&l, SAN_EMAIL, "h7"));
	l.n = 0;
	memset(text, 'a', sizeof(text));
	text[399] = '\0';
	assert_int_equal(san_add(&l, SAN_DNS, text, NULL), E_INVAL);
	text[64] = '\0'; /* a label of 64 */
	assert_int_equal(san_add(&l, SAN_DNS, text, NULL), E_INVAL);
	text[63] = '\0';
	assert_int_equal(san_add(&l, SAN_DNS, text, NULL), 0);
	assert_int_equal(san_add(&l, SAN_OTHER, "x", NULL), E_INVAL);
}

static void
san_json(void **state)
{
	AUTO(json_t) *a = json_pack("[sss]", "DNS:a", "IP:::1", "URI:x:a,b");
	AUTO(json_t) *bad = json_pack("[si]", "DNS:a", 5);
	AUTO(json_t) *again = NULL;
	struct san_list l;

	(void)state;
	assert_int_equal(san_from_json(a, NULL, &l), 0);
	assert_int_equal(l.n, 3);
	again = san_to_json(&l);
	assert_true(json_equal(a, again));
	assert_int_equal(san_from_json(bad, NULL, &l), E_INVAL);
	assert_int_equal(san_from_json(NULL, NULL, &l), E_INVAL);
}

static void
san_on_the_wire(void **state)
{
	struct san_list l;
	char out[200];
	DERW(w);

	(void)state;
	assert_int_equal(derw_init(&w, 500), 0);
	assert_int_equal(
	    san_parse("DNS:a.b,IP:1.2.3.4,URI:x:y,EMAIL:a@b,IP:::1", NULL, &l),
	    0);
	san_to_der(&l, &w);
	assert_span(derw_span(&w), "30 27 82 03 61 2e 62 87 04 01 02 03 04 86 "
				   "03 78 3a 79 81 03 61 40 62 87 10 00 00 00 "
				   "00 00 00 00 00 00 00 00 00 00 00 00 01"
				   "");
	assert_int_equal(san_from_der(derw_span(&w), &l), 0);
	assert_int_equal(l.n, 5);
	/* names with a NUL, a blank or a comma never become SAN_DNS */
	assert_int_equal(san_from_der(from_hex("30 10 82 03 61 00 62 82 03 61 "
					       "20 62 82 04 61 2c 62 63"),
			     &l),
	    0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(l.e[i].kind, SAN_OTHER);
	san_print(&l, out, sizeof(out));
	assert_string_equal(out, "DNS:a\\x00b,DNS:a b,DNS:a\\,bc");
	/* an address of six octets, [3] */
	assert_int_equal(san_from_der(from_hex("30 0c 87 06 01 02 03 04 05 06 "
					       "a3 02 05 00"),
			     &l),
	    0);
	san_print(&l, out, sizeof(out));
	assert_string_equal(out, "IP:010203040506,GeneralName [3]");
	assert_int_equal(san_from_der(from_hex("30 00"), &l), E_PARSE);
	assert_int_equal(san_from_der(from_hex("30 03 02 01 05"), &l), E_PARSE);
	assert_int_equal(san_from_der(from_hex("30 02 89 00"), &l), E_PARSE);
	assert_int_equal(
	    san_from_der(from_hex("30 03 82 01 61 00"), &l), E_PARSE);
}

static void
more_entries_than_we_keep(void **state)
{
	uint8_t der[4 + 70 * 3];
	struct san_list l;

	(void)state;
	memcpy(der, "\x30\x81\xd2", 3);
	for (size_t i = 0; i < 70; i++)
		memcpy(der + 3 + 3 * i,
		    "\x82\x01"
		    "a",
		    3);
	assert_int_equal(san_from_der(span_of(der, 3 + 70 * 3), &l), E_TOO_BIG);
	assert_int_equal(l.n, SAN_MAX);
}

static void
host_names(void **state)
{
	static const char *const good[] = { "a", "pbx1", "1a", "a-b.example",
		"3com.com", "xn--kln-sna.example" };
	static const char *const bad[] = { "", ".", "a.", ".a", "-a", "a-",
		"a..b", "*.a", "1", "1.2", "a_b", "a b", "a\xc3\xb6" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(host_is_valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(host_is_valid(bad[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_openssl_builds_it),
		cmocka_unit_test(texts_and_escapes),
		cmocka_unit_test(ill_formed_texts),
		cmocka_unit_test(foreign_names_are_escaped),
		cmocka_unit_test(malformed_names),
		cmocka_unit_test(getting_values),
		cmocka_unit_test(san_texts),
		cmocka_unit_test(san_refusals),
		cmocka_unit_test(san_limits),
		cmocka_unit_test(san_json),
		cmocka_unit_test(san_on_the_wire),
		cmocka_unit_test(more_entries_than_we_keep),
		cmocka_unit_test(host_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
