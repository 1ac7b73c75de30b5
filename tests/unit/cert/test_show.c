/* CERT-1: every field, against what `openssl x509 -text` says of the files
 * (tests/data/formats/make.sh, req.cnf); the end-to-end test compares with a
 * live openssl. */
#include "cert/helper_formats.h"

#include "base/json.h"
#include "cert/show.h"

static json_t *
shown(const char *file, const char *password, size_t i)
{
	AUTO_STRUCT(bundle) *b = formats_bundle(file, password);
	json_t *o;

	assert_true(i < b->n);
	o = object_to_json(&b->objects[i]);
	assert_non_null(o);
	return o;
}

static void
assert_text(const json_t *o, const char *key, const char *want)
{
	const char *got = json_get0_text(o, key);

	assert_non_null(got);
	assert_string_equal(got, want);
}

/* "a|b|c" against an array of texts */
static void
assert_list(const json_t *o, const char *key, const char *want)
{
	const json_t *array = json_object_get(o, key), *one;
	BUF(got, 65536);
	size_t i;

	json_array_foreach(array, i, one)
	{
		if (i)
			buf_add_text(&got, "|");
		buf_add_text(&got, json_string_value(one));
	}
	buf_add_u8(&got, 0);
	assert_int_equal(buf_error(&got), 0);
	assert_string_equal((const char *)got.p, want);
}

static void
a_full_certificate(void **state)
{
	AUTO(json_t) *o = shown("leaf.pem", NULL, 0);
	const json_t *subject = json_object_get(o, "subject");
	const json_t *key = json_object_get(o, "public_key");
	const json_t *bc = json_object_get(o, "basic_constraints");

	(void)state;
	assert_text(o, "kind", "certificate");
	assert_text(o, "format", "pem");
	assert_int_equal(json_get_int(o, "line", 0), 1);
	assert_int_equal(json_get_int(o, "version", 0), 3);
	assert_text(o, "serial", "1122334455667788");
	assert_text(o, "signature_algorithm", "sha256WithRSAEncryption");
	assert_text(o, "issued_by", "Test CA");
	assert_text(o, "issued_to", "pbx1.example.com");
	assert_text(subject, "C", "DE");
	assert_text(subject, "ST", "Hessen");
	assert_text(subject, "L", "Frankfurt");
	assert_text(subject, "O", "Beispiel, GmbH");
	assert_text(subject, "OU", "Telefonie");
	assert_text(subject, "CN", "pbx1.example.com");
	assert_text(subject, "E", "admin@example.com");
	assert_text(key, "algorithm", "RSA");
	assert_int_equal(json_get_int(key, "bits", 0), 2048);
	assert_text(key, "exponent", "010001");
	assert_false(json_get_bool(bc, "ca", true));
	assert_true(json_is_null(json_object_get(bc, "path_length")));
	assert_false(json_get_bool(o, "self_issued", true));
}

static void
its_extensions(void **state)
{
	AUTO(json_t) *o = shown("leaf.pem", NULL, 0);
	const json_t *all = json_object_get(o, "extensions");

	(void)state;
	assert_list(o, "san",
	    "DNS:pbx1.example.com|DNS:*.example.com|IP:192.0.2.1|"
	    "IP:2001:db8::1|URI:sip:example.com|EMAIL:admin@example.com|"
	    "RID:1.2.3.4|DirName:CN=other");
	assert_list(o, "key_usage",
	    "digitalSignature|nonRepudiation|keyEncipherment|"
	    "dataEncipherment");
	assert_list(o, "extended_key_usage",
	    "serverAuth|clientAuth|1.3.6.1.4.1.99999.1");
	assert_list(o, "crl_urls",
	    "http://ca.example.com/1.crl|http://ca2.example.com/1.crl");
	assert_list(o, "ocsp_urls", "http://ocsp.example.com");
	assert_list(o, "issuer_urls", "http://ca.example.com/1.der");
	assert_list(o, "policies", "1.2.3.4.5");
	assert_int_equal(json_array_size(all), 9);
	assert_text(json_array_get(all, 0), "oid", "2.5.29.19");
	assert_text(json_array_get(all, 0), "name", "basicConstraints");
	assert_true(json_get_bool(json_array_get(all, 0), "critical", false));
	assert_false(json_get_bool(json_array_get(all, 2), "critical", true));
}

static void
an_authority(void **state)
{
	AUTO(json_t) *o = shown("ca.pem", NULL, 0);
	const json_t *bc = json_object_get(o, "basic_constraints");

	(void)state;
	assert_true(json_get_bool(bc, "ca", false));
	assert_int_equal(json_get_int(bc, "path_length", -1), 1);
	assert_true(json_get_bool(o, "self_issued", false));
	assert_list(o, "key_usage", "keyCertSign|cRLSign");
}

/* openssl x509 -fingerprint, -dates over the published certificate */
static void
a_public_one(void **state)
{
	AUTO(json_t) *o = shown("bulletin.txt", NULL, 0);

	(void)state;
	assert_text(o, "sha1",
	    "40:ce:f3:04:6c:91:6e:d7:ae:55:7f:60:e7:68:42:82:8b:51:de:53");
	assert_text(o, "sha256",
	    "72:a3:4a:c2:b4:24:ae:d3:f6:b0:b0:47:55:b8:8c:c0:27:dc:cc:80:6f:"
	    "dd:b2:2b:4c:d7:c4:77:73:97:3e:c0");
	assert_text(o, "not_before", "2018-11-02T00:00:00Z");
	assert_text(o, "not_after", "2030-12-31T23:59:59Z");
	assert_text(o, "subject_key_id",
	    "17:d9:d6:25:27:67:f9:31:c2:49:43:d9:30:36:44:8c:6c:a9:4f:eb");
	assert_text(o, "authority_key_id",
	    "53:79:bf:5a:aa:2b:4a:cf:54:80:e1:d8:9b:c0:9d:f2:b2:03:66:cb");
}

/* CERT-5: legacy is read and judged */
static void
weak_ones_are_judged(void **state)
{
	AUTO(json_t) *weak = shown("weak.pem", NULL, 0);
	AUTO(json_t) *sha1 = shown("bulletin.txt", NULL, 2);
	AUTO(json_t) *good = shown("leaf.pem", NULL, 0);

	(void)state;
	assert_list(weak, "weak", "signature with MD5|RSA key below 2048 bits");
	assert_list(sha1, "weak", "signature with SHA-1");
	assert_null(json_object_get(good, "weak"));
}

static void
requests_lists_keys(void **state)
{
	AUTO(json_t) *csr = shown("leaf.csr", NULL, 0);
	AUTO(json_t) *crl = shown("ca.crl", NULL, 0);
	AUTO(json_t) *ec = shown("ec.key", NULL, 0);
	AUTO(json_t) *closed = shown("rsa-p8.key", NULL, 0);
	const json_t *entry =
	    json_array_get(json_object_get(crl, "entries"), 0);

	(void)state;
	assert_text(csr, "kind", "csr");
	assert_true(json_get_bool(csr, "signature_valid", false));
	assert_false(json_get_bool(csr, "has_challenge", true));
	assert_int_equal(json_array_size(json_object_get(csr, "san")), 8);
	assert_text(crl, "issued_by", "Test CA");
	assert_text(crl, "crl_number", "01");
	assert_int_equal(json_get_int(crl, "entries_total", 0), 1);
	assert_text(entry, "serial", "1122334455667788");
	assert_text(entry, "reason", "keyCompromise");
	assert_text(ec, "kind", "private-key");
	assert_text(json_object_get(ec, "public_key"), "kind", "p256");
	assert_true(json_get_bool(closed, "needs_password", false));
}

/* the private half is nowhere in the answer: only these members */
static void
keys_stay_private(void **state)
{
	AUTO(json_t) *o = shown("rsa.key", NULL, 0);

	(void)state;
	assert_int_equal(json_object_size(o), 4); /* kind format line public */
	assert_int_equal(json_object_size(json_object_get(o, "public_key")), 5);
}

static void
text_says_the_same(void **state)
{
	static const char *const want[] = { "certificate (pem, line 1)", "V3",
		"1122334455667788", "DNS:*.example.com",
		"EMAIL:admin@example.com", "keyUsage (critical)", "end entity",
		"RSA 2048 bit", "http://ca2.example.com/1.crl", "Test CA",
		"serverAuth, clientAuth" };
	AUTO(json_t) *o = shown("leaf.pem", NULL, 0);
	BUF(out, 1 << 20);

	(void)state;
	object_print(o, &out);
	buf_add_u8(&out, 0);
	assert_int_equal(buf_error(&out), 0);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		assert_non_null(strstr((const char *)out.p, want[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_certificate),
		cmocka_unit_test(its_extensions),
		cmocka_unit_test(an_authority),
		cmocka_unit_test(a_public_one),
		cmocka_unit_test(weak_ones_are_judged),
		cmocka_unit_test(requests_lists_keys),
		cmocka_unit_test(keys_stay_private),
		cmocka_unit_test(text_says_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
