/* profile_grant() and profile_check_tbs(): CERT-6, CERT-8, CERT-10, CA-3. */
#include "test.h"

#include "base/json.h"
#include "base/time.h"
#include "cert/profile.h"

#define NOW INT64_C(1790000000)
#define DAY ((int64_t)TIME_DAY)

static struct profile_set set;
static struct buf rsa, rsa4096, ec, ed;
static struct buf ca_name;

static void
make(enum key_kind kind, struct buf *out)
{
	EVP_PKEY *k;

	buf_init(out, 4096);
	assert_int_equal(key_generate(kind, &k), 0);
	assert_int_equal(spki_build(k, out), 0);
	EVP_PKEY_free(k);
}

static int
group_open(void **state)
{
	(void)state;
	assert_int_equal(profile_load(TEST_CATALOG, NULL, NULL, &set), 0);
	make(KEY_RSA2048, &rsa);
	make(KEY_RSA3072, &rsa4096);
	make(KEY_P256, &ec);
	make(KEY_ED25519, &ed);
	buf_init(&ca_name, 4096);
	assert_int_equal(
	    name_build("C=DE,ST=Hessen,O=Example,CN=CA", NULL, &ca_name), 0);
	return 0;
}

static int
group_close(void **state)
{
	(void)state;
	buf_done(&rsa);
	buf_done(&rsa4096);
	buf_done(&ec);
	buf_done(&ed);
	buf_done(&ca_name);
	return 0;
}

struct wish {
	struct buf subject;
	struct san_list san;
	struct asked a;
	int64_t ca_end;
	const struct estate_names *estate;
	struct granted g;
	struct diag d;
};

static void
wish_init(struct wish *w, const char *subject, const char *san)
{
	memset(w, 0, sizeof(*w));
	buf_init(&w->subject, 4096);
	assert_int_equal(name_build(subject, NULL, &w->subject), 0);
	if (san)
		assert_int_equal(san_parse(san, NULL, &w->san), 0);
	w->a.subject = buf_span(&w->subject);
	w->a.san = san ? &w->san : NULL;
	w->a.spki = buf_span(&rsa);
	w->ca_end = NOW + 3650 * DAY;
}

static int
grant(struct wish *w, const char *profile)
{
	return profile_grant(profile_find(&set, profile), &w->a,
	    buf_span(&ca_name), w->ca_end, w->estate, NOW, &w->d, &w->g);
}

static void
wish_done(struct wish *w)
{
	granted_done(&w->g);
	buf_done(&w->subject);
}

/* the receipt's change of that name, NULL when there is none */
static const json_t *
change(const struct wish *w, const char *what)
{
	const json_t *list = json_object_get(w->g.receipt, "changes");
	const json_t *c;
	size_t i;

	assert_true(json_is_array(list));
	for (i = 0; i < json_array_size(list); i++) {
		c = json_array_get(list, i);
		if (strcmp(json_get0_text(c, "what"), what) == 0)
			return c;
	}
	return NULL;
}

static void
assert_sans(const struct wish *w, const char *expect)
{
	char text[4096];

	san_print(&w->g.san, text, sizeof(text));
	assert_string_equal(text, expect);
}

static void
assert_subject(const struct wish *w, const char *expect)
{
	char text[NAME_TEXT_MAX];

	name_print(buf_span(&w->g.subject), text, sizeof(text));
	assert_string_equal(text, expect);
}

/* CERT-10: nothing changed, nothing listed but what the profile adds */
static void
test_plain(void **state)
{
	struct wish w;

	(void)state;
	wish_init(&w, "CN=pbx1.example.com", "DNS:pbx1.example.com");
	w.a.ku = 31;
	w.a.eku = EKU_SERVER | EKU_CLIENT;
	assert_int_equal(grant(&w, "identity"), 0);
	assert_int_equal(
	    json_array_size(json_object_get(w.g.receipt, "changes")), 0);
	assert_int_equal(w.g.ku, 31);
	assert_int_equal(w.g.eku, EKU_SERVER | EKU_CLIENT);
	/* CERT-6: from now minus 24 hours, two years */
	assert_int_equal(w.g.not_before, NOW - DAY);
	assert_int_equal(w.g.not_after, NOW - DAY + 730 * DAY);
	assert_sans(&w, "DNS:pbx1.example.com");
	assert_subject(&w, "CN=pbx1.example.com");
	assert_string_equal(json_get0_text(w.g.receipt, "profile"), "identity");
	wish_done(&w);
}

/* CERT-10: key usage added and dropped, each with its line */
static void
test_usage(void **state)
{
	struct wish w;
	const json_t *c;

	(void)state;
	wish_init(&w, "CN=pbx1.example.com", NULL);
	w.a.ku = KU_DIGITAL_SIGNATURE | KU_CERT_SIGN;
	w.a.eku = EKU_SERVER | EKU_CODE;
	assert_int_equal(grant(&w, "identity"), 0);
	assert_int_equal(w.g.ku, 31);
	assert_int_equal(w.g.eku, EKU_SERVER | EKU_CLIENT);
	c = change(&w, "key usage added");
	assert_non_null(c);
	assert_string_equal(json_get0_text(c, "rule"), "identity");
	assert_int_equal(json_array_size(json_object_get(c, "to")), 4);
	c = change(&w, "key usage dropped");
	assert_string_equal(
	    json_string_value(json_array_get(json_object_get(c, "from"), 0)),
	    "keyCertSign");
	assert_non_null(change(&w, "extended key usage added"));
	assert_non_null(change(&w, "extended key usage dropped"));
	wish_done(&w);
}

/* RFC 5480, RFC 8410: what an EC or Ed25519 key cannot do is not said */
static void
test_usage_by_key(void **state)
{
	struct wish w;

	(void)state;
	wish_init(&w, "CN=pbx1.example.com", NULL);
	w.a.spki = buf_span(&ec);
	assert_int_equal(grant(&w, "identity"), 0);
	assert_int_equal(w.g.ku,
	    KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION | KU_KEY_AGREEMENT);
	granted_done(&w.g);
	w.a.spki = buf_span(&ed);
	assert_int_equal(grant(&w, "identity"), 0);
	assert_int_equal(w.g.ku, KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION);
	wish_done(&w);
}

/* CERT-8: a host name CN is the first DNS name */
static void
test_names_from_cn(void **state)
{
	static const struct {
		const char *subject, *san, *expect, *what;
	} cases[] = {
		{ "CN=pbx1.example.com", NULL, "DNS:pbx1.example.com",
		    "name added" },
		{ "CN=pbx1.example.com", "DNS:a.example.com,IP:192.0.2.1",
		    "DNS:pbx1.example.com,DNS:a.example.com,IP:192.0.2.1",
		    "name added" },
		{ "CN=pbx1.example.com",
		    "IP:192.0.2.1,DNS:a.example.com,DNS:pbx1.example.com",
		    "DNS:pbx1.example.com,IP:192.0.2.1,DNS:a.example.com",
		    "name moved to the front" },
		{ "CN=PBX1.example.com", "DNS:pbx1.example.com",
		    "DNS:pbx1.example.com", NULL },
		{ "CN=Front Desk", "DNS:a.example.com", "DNS:a.example.com",
		    NULL },
		{ "CN=10443311", NULL, "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wish w;

		wish_init(&w, cases[i].subject, cases[i].san);
		assert_int_equal(grant(&w, "identity"), 0);
		assert_sans(&w, cases[i].expect);
		if (cases[i].what)
			assert_non_null(change(&w, cases[i].what));
		else
			assert_null(change(&w, "name added"));
		wish_done(&w);
	}
}

/* CERT-10: names dropped, with the rule */
static void
test_names_dropped(void **state)
{
	struct wish w;

	(void)state;
	wish_init(&w, "CN=pbx1.example.com",
	    "DNS:pbx1.example.com,EMAIL:a@example.com,DNS:*.example.com,"
	    "IP:192.0.2.1");
	assert_int_equal(grant(&w, "ipoffice"), 0);
	assert_sans(&w, "DNS:pbx1.example.com,IP:192.0.2.1");
	assert_string_equal(json_get0_text(change(&w, "name dropped"), "from"),
	    "EMAIL:a@example.com");
	wish_done(&w);
	/* more than eight: the last ones, also when the CN takes a place */
	wish_init(&w, "CN=pbx1.example.com",
	    "IP:192.0.2.1,IP:192.0.2.2,IP:192.0.2.3,IP:192.0.2.4,IP:192.0.2.5,"
	    "IP:192.0.2.6,IP:192.0.2.7,IP:192.0.2.8,IP:192.0.2.9");
	assert_int_equal(grant(&w, "ipoffice"), 0);
	assert_int_equal(w.g.san.n, 8);
	assert_string_equal(w.g.san.e[0].text, "pbx1.example.com");
	assert_string_equal(w.g.san.e[7].text, "192.0.2.7");
	assert_string_equal(
	    json_get0_text(change(&w, "name dropped"), "rule"), "names.max");
	wish_done(&w);
}

/* CERT-6: organisation fields come from the estate, where absent */
static void
test_estate(void **state)
{
	static const struct estate_names estate = { .c = "DE",
		.st = "Hessen",
		.o = "Example, Inc",
		.ou = "UC",
		.email = "uc@example.com" };
	struct wish w;

	(void)state;
	wish_init(&w, "OU=Site 2,CN=pbx1.example.com", NULL);
	w.estate = &estate;
	assert_int_equal(grant(&w, "identity"), 0);
	assert_subject(&w, "C=DE,ST=Hessen,O=Example\\, Inc,OU=Site 2,"
			   "CN=pbx1.example.com,E=uc@example.com");
	assert_non_null(change(&w, "O"));
	assert_null(change(&w, "OU"));
	wish_done(&w);
	wish_init(&w, "CN=pbx1.example.com", "DNS:pbx1.example.com");
	w.estate = &estate;
	assert_int_equal(grant(&w, "public-tls"), 0); /* says nothing of it */
	assert_subject(&w, "CN=pbx1.example.com");
	wish_done(&w);
}

static void
test_lifetime(void **state)
{
	struct wish w;

	(void)state;
	/* asked days count from now */
	wish_init(&w, "CN=pbx1.example.com", NULL);
	w.a.days = 1;
	assert_int_equal(grant(&w, "identity"), 0);
	assert_int_equal(w.g.not_after, NOW + DAY);
	assert_null(change(&w, "lifetime cut"));
	granted_done(&w.g);
	/* CA-3: at most 1095 days in all */
	w.a.days = 2000;
	assert_int_equal(grant(&w, "identity"), 0);
	assert_int_equal(w.g.not_after - w.g.not_before, 1095 * DAY);
	assert_string_equal(json_get0_text(change(&w, "lifetime cut"), "rule"),
	    "validity.max_days");
	granted_done(&w.g);
	/* never beyond the CA */
	w.a.days = 0;
	w.ca_end = NOW + 100 * DAY;
	assert_int_equal(grant(&w, "identity"), 0);
	assert_int_equal(w.g.not_after, NOW + 100 * DAY);
	assert_non_null(change(&w, "lifetime cut"));
	granted_done(&w.g);
	w.ca_end = NOW;
	assert_int_equal(grant(&w, "identity"), E_EXPIRED);
	wish_done(&w);
}

/* refusals, each with its rule */
static void
test_refusals(void **state)
{
	static const struct {
		const char *profile, *subject, *san;
		const struct buf *key;
		const char *rule;
	} cases[] = {
		{ "ipoffice", "CN=pbx1.example.com", NULL, &rsa4096,
		    "key.accept" },
		{ "ipoffice", "CN=pbx1.example.com", NULL, &ec, "key.accept" },
		{ "server", "CN=Front Desk", NULL, &rsa, "names.required" },
		{ "server", "CN=Front Desk", "EMAIL:a@example.com", &rsa,
		    "names.required" },
		{ "id-client-server", "CN=pbx1.example.com", NULL, &rsa,
		    "names.match" },
		{ "id-client-server", "C=DE,ST=Bayern,O=Example,CN=p", NULL,
		    &rsa, "names.match" },
		{ "ipoffice", "", "EMAIL:a@example.com", &rsa,
		    "RFC 5280 4.1.2.6" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wish w;

		wish_init(&w, cases[i].subject, cases[i].san);
		w.a.spki = buf_span(cases[i].key);
		assert_int_equal(grant(&w, cases[i].profile), E_DENIED);
		assert_string_equal(w.d.rule, cases[i].rule);
		wish_done(&w);
	}
}

/* CA-3, PSN004561u: C, ST, O as the CA has them */
static void
test_match(void **state)
{
	struct wish w;

	(void)state;
	wish_init(&w, "C=DE,ST=Hessen,O=Example,CN=pbx1.example.com", NULL);
	assert_int_equal(grant(&w, "id-client-server"), 0);
	wish_done(&w);
}

/* what grant gives, tbs_build writes and check accepts: for every profile a
 * CA key may sign, and every key it takes */
static void
test_grant_passes_check(void **state)
{
	static const struct estate_names estate = {
		.c = "DE", .st = "Hessen", .o = "Example"
	};
	const struct buf *keys[] = { &rsa, &ec, &ed };
	uint8_t serial[16] = { 1 };
	size_t checked = 0;

	(void)state;
	for (size_t i = 0; i < set.n; i++)
		for (size_t k = 0; k < 3; k++) {
			const struct profile *p = &set.e[i];
			struct tbs_params t = { .serial = span_of(
						    serial, sizeof(serial)),
				.issuer_key = KEY_RSA2048,
				.hash = p->hash,
				.issuer = buf_span(&ca_name),
				.ku_critical = p->ku_critical,
				.ca = p->ca,
				.path_len = p->path_len };
			struct x509 x;
			struct wish w;
			BUF(tbs, 65536);

			wish_init(&w, "CN=a.example.com",
			    "DNS:b.example.com,IP:192.0.2.1,"
			    "URI:sip:example.com,EMAIL:a@example.com,"
			    "DNS:*.example.com");
			w.estate = &estate;
			w.a.spki = buf_span(keys[k]);
			w.a.ku = 0x1ff;
			w.a.eku = 0x1ff;
			w.a.days = 30000;
			w.ca_end = 0;
			if (grant(&w, p->name)) {
				assert_string_equal(w.d.rule, "key.accept");
				wish_done(&w);
				continue;
			}
			t.subject = buf_span(&w.g.subject);
			t.spki = w.a.spki;
			t.san = &w.g.san;
			t.ku = w.g.ku;
			t.eku = w.g.eku;
			t.not_before = w.g.not_before;
			t.not_after = w.g.not_after;
			assert_int_equal(tbs_build(&t, &tbs), 0);
			assert_int_equal(
			    x509_parse_tbs(buf_span(&tbs), NULL, &x), 0);
			if (profile_check_tbs(p, &x, &w.d))
				fail_msg(
				    "%s: %s: %s", p->name, w.d.rule, w.d.fact);
			checked++;
			/* one second more is too much */
			t.not_after++;
			buf_reset(&tbs);
			assert_int_equal(tbs_build(&t, &tbs), 0);
			assert_int_equal(
			    x509_parse_tbs(buf_span(&tbs), NULL, &x), 0);
			assert_int_equal(
			    profile_check_tbs(p, &x, &w.d), E_DENIED);
			assert_string_equal(w.d.rule, "validity.max_days");
			wish_done(&w);
		}
	assert_true(checked >= set.n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_usage_by_key),
		cmocka_unit_test(test_names_from_cn),
		cmocka_unit_test(test_names_dropped),
		cmocka_unit_test(test_estate),
		cmocka_unit_test(test_lifetime),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_grant_passes_check),
	};
	return cmocka_run_group_tests(tests, group_open, group_close);
}
