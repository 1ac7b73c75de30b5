/* CA-1, CERT-6, CERT-7: ignition, as OpenSSL reads its certificates. */
#include "rig.h"

#include <openssl/x509v3.h>

#include "base/json.h"
#include "base/time.h"
#include "os/clock.h"
#include "store/trusts.h"

static int
take_one(const struct trust_row *t, void *cookie)
{
	struct trust_row *to = (struct trust_row *)cookie;

	*to = *t;
	to->der = span_of(NULL, 0);
	return 0;
}

/* RFC 5280 4.1.2.2 and chapter 9: 20 random octets, positive */
static void
check_serial(X509 *x)
{
	const ASN1_INTEGER *n = X509_get0_serialNumber(x);

	assert_int_equal(ASN1_STRING_length(n), 20);
	assert_int_equal(ASN1_STRING_type(n), V_ASN1_INTEGER);
	assert_true(ASN1_STRING_get0_data(n)[0] != 0);
	assert_true(ASN1_STRING_get0_data(n)[0] < 0x80);
}

static int64_t
seconds_between(const ASN1_TIME *a, const ASN1_TIME *b)
{
	int days, seconds;

	assert_int_equal(ASN1_TIME_diff(&days, &seconds, a, b), 1);
	return (int64_t)days * TIME_DAY + seconds;
}

static void
check_dates(X509 *x, int64_t days)
{
	ASN1_TIME *now = ASN1_TIME_set(NULL, (time_t)clock_now());
	int64_t before = seconds_between(X509_get0_notBefore(x), now);

	/* CERT-6: valid from now minus 24 hours */
	assert_in_range(before, TIME_DAY, TIME_DAY + 120);
	assert_int_equal(
	    seconds_between(X509_get0_notBefore(x), X509_get0_notAfter(x)),
	    days * TIME_DAY);
	ASN1_TIME_free(now);
}

/* CA-1, CERT-6: root and issuing CA, field for field */
static void
test_two_levels(void **state)
{
	struct rig *r = rig_new("test", NULL);
	struct authority *root, *issuing;
	struct trust_row trusted;
	X509 *x, *y;

	(void)state;
	rig_ignite(r, false);
	root = ca_find(r->ca, "root-1");
	issuing = ca_find(r->ca, "issuing-1");
	assert_non_null(root);
	assert_non_null(issuing);
	assert_ptr_equal(ca_issuer(r->ca), issuing);
	assert_ptr_equal(issuing->parent, root);
	x = rig_x509(x509_span(root->cert));
	y = rig_x509(x509_span(issuing->cert));
	check_serial(x);
	check_serial(y);
	assert_int_equal(X509_get_version(x), X509_VERSION_3);
	assert_int_equal(
	    X509_get_signature_nid(x), NID_sha256WithRSAEncryption);
	assert_int_equal(EVP_PKEY_get_bits(X509_get0_pubkey(x)), 2048);
	check_dates(x, 3650);
	assert_true(X509_get_extension_flags(x) & EXFLAG_SS);
	assert_int_equal(X509_check_ca(x), 1);
	assert_int_equal(X509_get_pathlen(x), -1);
	assert_int_equal(X509_get_pathlen(y), 0);
	assert_int_equal(X509_check_ca(y), 1);
	assert_true(X509_get_key_usage(x) & KU_KEY_CERT_SIGN);
	assert_true(X509_get_key_usage(y) & KU_CRL_SIGN);
	assert_non_null(X509_get0_authority_key_id(y));
	assert_int_equal(ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(y),
			     X509_get0_subject_key_id(x)),
	    0);
	assert_null(X509_get0_authority_serial(y));
	X509_free(x);
	X509_free(y);
	/* its own root is trusted at once */
	assert_int_equal(trust_row_each(r->store, "", take_one, &trusted), 0);
	assert_int_equal(trusted.origin, ORIGIN_OWN_CA);
	assert_non_null(strstr(trusted.subject, "Example Telephony Root CA"));
	assert_int_equal(r->told, 1);
	assert_int_equal(rig_count_events(r, EVENT_IGNITION), 1);
	assert_int_equal(rig_count_events(r, EVENT_CA_CREATE), 2);
	assert_true(r->ca->ledger_key[0] != '\0');
	rig_free(r);
}

/* the organisation comes from the estate, escaped where it must be */
static void
test_names(void **state)
{
	struct rig *r = rig_new("test", NULL);
	char text[256];

	(void)state;
	rig_ignite(r, false);
	assert_true(name_get(ca_find(r->ca, "root-1")->cert->subject, OID_O,
	    text, sizeof(text)));
	assert_string_equal(text, "Example, Inc");
	assert_true(name_get(ca_find(r->ca, "issuing-1")->cert->subject, OID_CN,
	    text, sizeof(text)));
	assert_string_equal(text, "Example Telephony Issuing CA");
	rig_restart(r);
	assert_string_equal(r->ca->estate.o, "Example, Inc");
	assert_non_null(ca_find(r->ca, "issuing-1"));
	assert_true(r->ca->ledger_key[0] != '\0');
	rig_free(r);
}

/* CRLs and RA of the first hour, accepted by OpenSSL */
static void
test_crls_and_ra(void **state)
{
	struct rig *r = rig_new("sqlite", NULL);
	struct span root, chain[CA_CHAIN_MAX];
	struct authority *a;
	BUF(crl, X509_DER_MAX);
	X509 *ra;

	(void)state;
	rig_ignite(r, false);
	a = ca_issuer(r->ca);
	root = x509_span(a->parent->cert);
	rig_crl(r, "issuing-1", &crl);
	assert_int_equal(ca_chain(a, chain), 2);
	assert_int_equal(rig_verify(x509_span(a->ra_cert), &root, 1, chain, 1,
			     buf_span(&crl)),
	    0);
	rig_crl(r, "root-1", &crl);
	assert_int_equal(
	    rig_verify(chain[0], &root, 1, NULL, 0, buf_span(&crl)), 0);
	ra = rig_x509(x509_span(a->ra_cert));
	/* RFC 8894: signs answers, opens envelopes */
	assert_int_equal(
	    X509_get_key_usage(ra), KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT);
	assert_int_equal(X509_check_ca(ra), 0);
	X509_free(ra);
	rig_free(r);
}

/* CA-1: one root that issues */
static void
test_single_level(void **state)
{
	struct rig *r = rig_new("test", NULL);

	(void)state;
	rig_ignite(r, true);
	assert_int_equal(r->ca->authority_n, 1);
	assert_string_equal(ca_issuer(r->ca)->row.id, "root-1");
	assert_non_null(ca_issuer(r->ca)->ra_cert);
	rig_free(r);
}

/* CA-1 approaches 3 and 4: no CA of its own; the ledger has its key */
static void
test_no_ca(void **state)
{
	struct rig *r = rig_new("test", NULL);
	struct ignite_params p = { .name = "x", .no_ca = true };
	struct result x = { 0 };

	(void)state;
	assert_int_equal(ca_ignite(r->ca, &p, &rig_actor, rig_done, &x), 0);
	rig_wait(r, &x);
	assert_int_equal(x.code, 0);
	assert_int_equal(
	    json_array_size(json_object_get(x.answer, "authorities")), 0);
	result_done(&x);
	assert_null(ca_issuer(r->ca));
	assert_true(r->ca->ledger_key[0] != '\0');
	rig_issue(r, "identity", "a.example.com", NULL, &x);
	rig_wait(r, &x);
	assert_int_equal(x.code, E_STATE);
	result_done(&x);
	rig_free(r);
}

/* CA-1: refusals: twice, without a name; nothing is left behind */
static void
test_refusals(void **state)
{
	struct rig *r = rig_new("test", NULL);
	struct ignite_params p = { .name = "" };
	struct result x = { 0 };

	(void)state;
	assert_int_equal(ca_ignite(r->ca, &p, &rig_actor, rig_done, &x), 0);
	rig_wait(r, &x);
	assert_int_equal(x.code, E_INVAL);
	result_done(&x);
	assert_int_equal(r->ca->authority_n, 0);
	rig_ignite(r, false);
	p.name = "Again";
	assert_int_equal(ca_ignite(r->ca, &p, &rig_actor, rig_done, &x), 0);
	rig_wait(r, &x);
	assert_int_equal(x.code, E_STATE);
	assert_non_null(strstr(x.d.fact, "already"));
	result_done(&x);
	rig_free(r);
}

/* CA-6: the database fails at the end: nothing half made, and again works */
static void
test_failing_database(void **state)
{
	(void)state;
	for (unsigned n = 1; n < 12; n += 2) {
		struct rig *r = rig_new("test", NULL);
		struct ignite_params p = { .name = "Example" };
		struct result x = { 0 };

		store_test_fail_after(r->store, n);
		assert_int_equal(
		    ca_ignite(r->ca, &p, &rig_actor, rig_done, &x), 0);
		rig_wait(r, &x);
		assert_int_equal(x.code, E_DB);
		result_done(&x);
		assert_int_equal(r->ca->authority_n, 0);
		store_test_fail_after(r->store, 0);
		rig_ignite(r, false);
		assert_int_equal(r->ca->authority_n, 2);
		rig_free(r);
	}
}

/* CERT-7: nothing is made from a clock that cannot be right */
static void
test_bogus_clock(void **state)
{
	struct rig *r = rig_new("test", NULL);
	struct ignite_params p = { .name = "Example" };
	struct result x = { 0 };

	(void)state;
	clock_set_offset(INT64_C(1293840000) - clock_now()); /* 2011-01-01 */
	assert_int_equal(ca_ignite(r->ca, &p, &rig_actor, rig_done, &x), 0);
	rig_wait(r, &x);
	assert_int_equal(x.code, E_STATE);
	assert_non_null(strstr(x.d.fact, "CERT-7"));
	assert_true(x.d.remedy[0] != '\0');
	result_done(&x);
	assert_int_equal(rig_count_events(r, EVENT_CLOCK), 1);
	clock_set_offset(0);
	rig_ignite(r, false);
	clock_set_offset(INT64_C(1293840000) - clock_now());
	rig_issue(r, "identity", "a.example.com", NULL, &x);
	rig_wait(r, &x);
	assert_int_equal(x.code, E_STATE);
	result_done(&x);
	assert_int_equal(rig_count_events(r, EVENT_CLOCK), 2);
	rig_free(r);
}

/* the first password is one that enroll/ reads: 20 of Crockford's characters */
static void
test_first_entity(void **state)
{
	struct rig *r = rig_new("test", NULL);
	struct ignite_params p = { .name = "Example" };
	struct result x = { 0 };
	const char *password;
	struct password_row row;
	char plain[21];
	uint8_t hash[32];
	size_t n = 0;

	(void)state;
	assert_int_equal(ca_ignite(r->ca, &p, &rig_actor, rig_done, &x), 0);
	rig_wait(r, &x);
	password =
	    json_get0_text(json_object_get(x.answer, "entity"), "password");
	assert_non_null(password);
	assert_int_equal(strlen(password), 24);
	for (const char *c = password; *c; c++)
		if (*c != '-')
			plain[n++] = *c;
	assert_int_equal(n, 20);
	sha256(span_of(plain, n), hash);
	assert_int_equal(password_by_hash(r->store, hash, &row), 0);
	assert_true(row.expires > clock_now());
	result_done(&x);
	rig_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_levels),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_crls_and_ra),
		cmocka_unit_test(test_single_level),
		cmocka_unit_test(test_no_ca),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_failing_database),
		cmocka_unit_test(test_bogus_clock),
		cmocka_unit_test(test_first_entity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
