/* CA-3, CA-6, CERT-6, CERT-10: issuing, as OpenSSL reads the result and as the
 * store and the ledger hold it. */
#include "rig.h"

#include <openssl/x509v3.h>

#include "base/json.h"
#include "base/str.h"
#include "base/time.h"
#include "os/clock.h"

static const char *const databases[] = { "test", "sqlite" };

static int
chain_error(struct rig *r, struct span leaf)
{
	struct authority *a = ca_issuer(r->ca);
	struct span root = x509_span(a->parent->cert);
	struct span issuing = x509_span(a->cert);

	return rig_verify(leaf, &root, 1, &issuing, 1, span_of(NULL, 0));
}

static bool
has_san(X509 *x, const char *dns)
{
	return X509_check_host(
		   x, dns, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1;
}

/* CERT-6: "Identity Certificate" of chapter 9: 2 years, serial, key usage,
 * extended key usage, end entity; CA-6: durable rows and an event */
static void
test_identity(void **state)
{
	for (size_t i = 0; i < 2; i++) {
		struct rig *r = rig_new(databases[i], NULL);
		struct result x = { 0 };
		struct cert_row row;
		struct request_row request;
		int days, seconds;
		X509 *c;

		(void)state;
		rig_ignite(r, false);
		rig_issue(r, "identity", "pbx1.example.com", NULL, &x);
		rig_wait(r, &x);
		assert_int_equal(x.code, 0);
		assert_int_equal(chain_error(r, buf_span(&x.der)), 0);
		c = rig_x509(buf_span(&x.der));
		assert_int_equal(
		    ASN1_STRING_length(X509_get0_serialNumber(c)), 20);
		assert_int_equal(
		    ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(c),
			X509_get0_notAfter(c)),
		    1);
		assert_int_equal(days, 730);
		assert_int_equal(X509_get_key_usage(c),
		    KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION |
			KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT |
			KU_KEY_AGREEMENT);
		assert_int_equal(X509_get_extended_key_usage(c),
		    XKU_SSL_SERVER | XKU_SSL_CLIENT);
		assert_true(has_san(c, "pbx1.example.com"));
		assert_int_equal(X509_check_ca(c), 0);
		assert_non_null(X509_get0_authority_key_id(c));
		assert_null(X509_get0_authority_serial(c));
		assert_int_equal(
		    X509_get_ext_by_NID(c, NID_crl_distribution_points, -1),
		    -1);
		X509_free(c);
		assert_int_equal(cert_by_id(r->store, x.cert, &row), 0);
		assert_true(span_is_equal(row.der, buf_span(&x.der)));
		assert_int_equal(row.request, x.request);
		assert_int_equal(row.state, CERT_GOOD);
		cert_done(&row);
		assert_int_equal(request_get(r->store, x.request, &request), 0);
		assert_int_equal(request.cert, x.cert);
		assert_int_equal(request.state, REQUEST_ISSUED);
		/* CERT-10 */
		assert_true(request.receipt.n > 0);
		assert_non_null(json_object_get(x.answer, "granted"));
		request_done(&request);
		assert_int_equal(rig_count_events(r, EVENT_ISSUE), 1);
		result_done(&x);
		rig_free(r);
	}
}

/* URLs stand in a certificate only when there is a public URL */
static void
test_urls(void **state)
{
	struct rig *r = rig_new("test", "http://pki.example.com/");
	struct result x = { 0 };
	STACK_OF(DIST_POINT) * dp;
	AUTHORITY_INFO_ACCESS *a;
	GENERAL_NAMES *names;
	X509 *c;
	int type;

	(void)state;
	rig_ignite(r, false);
	rig_issue(r, "identity", "pbx1.example.com", NULL, &x);
	rig_wait(r, &x);
	c = rig_x509(buf_span(&x.der));
	dp = X509_get_ext_d2i(c, NID_crl_distribution_points, NULL, NULL);
	assert_int_equal(sk_DIST_POINT_num(dp), 1);
	names = sk_DIST_POINT_value(dp, 0)->distpoint->name.fullname;
	assert_string_equal(
	    (const char *)ASN1_STRING_get0_data(GENERAL_NAME_get0_value(
		sk_GENERAL_NAME_value(names, 0), &type)),
	    "http://pki.example.com/crl/issuing-1.crl");
	sk_DIST_POINT_pop_free(dp, DIST_POINT_free);
	a = X509_get_ext_d2i(c, NID_info_access, NULL, NULL);
	assert_int_equal(sk_ACCESS_DESCRIPTION_num(a), 1);
	assert_string_equal(
	    (const char *)ASN1_STRING_get0_data(GENERAL_NAME_get0_value(
		sk_ACCESS_DESCRIPTION_value(a, 0)->location, &type)),
	    "http://pki.example.com/ca/issuing-1.der");
	AUTHORITY_INFO_ACCESS_free(a);
	X509_free(c);
	/* the issuing CA points to the root's; the root to nobody */
	c = rig_x509(x509_span(ca_find(r->ca, "root-1")->cert));
	assert_int_equal(
	    X509_get_ext_by_NID(c, NID_crl_distribution_points, -1), -1);
	X509_free(c);
	c = rig_x509(x509_span(ca_find(r->ca, "issuing-1")->cert));
	assert_true(
	    X509_get_ext_by_NID(c, NID_crl_distribution_points, -1) >= 0);
	X509_free(c);
	result_done(&x);
	rig_free(r);
}

static void
add_password(struct rig *r, int64_t uses, int64_t *ret)
{
	struct entity_row e = {
		.name = "phone-1", .profile = "phone", .token = TOKEN_USER
	};
	struct password_row p = { .created = clock_now(),
		.expires = clock_now() + 3600,
		.uses_total = uses,
		.uses_left = uses };

	memset(p.hash, 7, sizeof(p.hash));
	assert_int_equal(entity_add(r->store, &e, &p.entity), 0);
	assert_int_equal(password_add(r->store, &p, ret), 0);
	assert_int_equal(store_flush(r->store), 0);
}

static int64_t
uses_left(struct rig *r)
{
	struct password_row p;
	uint8_t hash[32];

	memset(hash, 7, sizeof(hash));
	assert_int_equal(password_by_hash(r->store, hash, &p), 0);
	return p.uses_left;
}

static int64_t
count_certs(struct rig *r)
{
	struct cert_filter f = { 0 };
	int64_t n;

	assert_int_equal(cert_count(r->store, &f, &n), 0);
	return n;
}

/* ENR-2, CA-6: one use, two askers at once: one certificate, one refusal that
 * leaves nothing but its event */
static void
test_password_is_used_once(void **state)
{
	struct rig *r = rig_new("test", NULL);
	struct issue i = { 0 };
	struct result x = { 0 }, y = { 0 };
	int64_t pending;

	(void)state;
	rig_ignite(r, false);
	add_password(r, 1, &i.password);
	rig_issue(r, "identity", "a.example.com", &i, &x);
	rig_issue(r, "identity", "b.example.com", &i, &y);
	rig_wait(r, &x);
	if (!y.calls)
		rig_wait(r, &y);
	assert_int_equal((x.code == 0) + (y.code == 0), 1);
	assert_int_equal(x.code ? x.code : y.code, E_EXPIRED);
	assert_int_equal(uses_left(r), 0);
	assert_int_equal(count_certs(r), 1);
	assert_int_equal(request_count(r->store, REQUEST_PENDING, &pending), 0);
	assert_int_equal(pending, 0);
	assert_int_equal(rig_count_events(r, EVENT_REQUEST_REFUSED), 1);
	result_done(&x);
	result_done(&y);
	rig_free(r);
}

/* CA-6: the same transaction twice: one certificate; the second is refused and
 * costs no use of the password, and the batch of the others stays good */
static void
test_same_transaction_twice(void **state)
{
	(void)state;
	for (int with_password = 0; with_password < 2; with_password++) {
		struct rig *r = rig_new("test", NULL);
		struct issue i = { .request.transaction = "same" };
		struct result x = { 0 }, y = { 0 }, z = { 0 };

		rig_ignite(r, false);
		if (with_password)
			add_password(r, 5, &i.password);
		rig_issue(r, "identity", "a.example.com", &i, &x);
		rig_issue(r, "identity", "a.example.com", &i, &y);
		rig_issue(r, "identity", "other.example.com", NULL, &z);
		rig_wait(r, &x);
		rig_rounds(r, 20);
		assert_int_equal(x.code, 0);
		assert_int_equal(y.calls, 1);
		assert_int_equal(y.code, E_EXISTS);
		assert_int_equal(z.calls, 1);
		assert_int_equal(z.code, 0);
		assert_int_equal(count_certs(r), 2);
		if (with_password)
			assert_int_equal(uses_left(r), 4);
		result_done(&x);
		result_done(&y);
		result_done(&z);
		rig_free(r);
	}
}

/* CA-6: a failing write anywhere: nothing half recorded, told once */
static void
test_failing_database(void **state)
{
	struct rig *r = rig_new("test", NULL);
	int64_t pending, before;
	int n = 0, failed = 0;

	(void)state;
	rig_ignite(r, false);
	for (n = 1; n < 8; n++) {
		struct result x = { 0 };

		before = count_certs(r);
		store_test_fail_after(r->store, (unsigned)n);
		rig_issue(r, "identity", "a.example.com", NULL, &x);
		rig_wait(r, &x);
		store_test_fail_after(r->store, 0);
		failed += x.code != 0;
		if (x.code)
			assert_int_equal(x.code, E_DB);
		assert_int_equal(count_certs(r), before + (x.code == 0));
		assert_int_equal(
		    request_count(r->store, REQUEST_PENDING, &pending), 0);
		assert_int_equal(pending, 0);
		result_done(&x);
	}
	assert_true(failed >= 4);
	rig_free(r);
}

/* CA-3, CA-5: what is refused, each with an event and nothing else */
static void
test_refusals(void **state)
{
	struct rig *r = rig_new("test", NULL);
	struct result x = { 0 };
	struct issue i = { .authority = "issuing-9" };
	BUF(spki, 4096);
	EVP_PKEY *weak;

	(void)state;
	rig_ignite(r, false);
	/* a CA certificate for whoever asks */
	rig_issue(r, "issuing-ca", "evil.example.com", NULL, &x);
	rig_wait(r, &x);
	assert_int_equal(x.code, E_DENIED);
	result_done(&x);
	/* an authority that is none */
	rig_issue(r, "identity", "a.example.com", &i, &x);
	rig_wait(r, &x);
	assert_int_equal(x.code, E_NOT_FOUND);
	result_done(&x);
	/* a key that is too small (CERT-5) */
	assert_int_equal(key_generate(KEY_RSA1024, &weak), 0);
	assert_int_equal(spki_build(weak, &spki), 0);
	i.authority = NULL;
	i.asked.spki = buf_span(&spki);
	rig_issue(r, "identity", "a.example.com", &i, &x);
	rig_wait(r, &x);
	assert_int_equal(x.code, E_DENIED);
	assert_true(x.d.fact[0] != '\0');
	result_done(&x);
	assert_int_equal(count_certs(r), 0);
	assert_int_equal(rig_count_events(r, EVENT_REQUEST_REFUSED), 3);
	/* CERT-5: the legacy profile takes it, and says so */
	rig_issue(r, "legacy", "old.example.com", &i, &x);
	rig_wait(r, &x);
	assert_int_equal(x.code, 0);
	result_done(&x);
	assert_int_equal(rig_count_events(r, EVENT_LEGACY_ISSUE), 1);
	EVP_PKEY_free(weak);
	rig_free(r);
}

/* a pending request is decided by its certificate, never twice */
static void
test_pending_request(void **state)
{
	struct rig *r = rig_new("test", NULL);
	struct request_row q = { .protocol = "manual",
		.transaction = "m1",
		.state = REQUEST_PENDING,
		.created = 5 };
	struct issue i = { 0 };
	struct result x = { 0 };

	(void)state;
	rig_ignite(r, false);
	assert_int_equal(request_add(r->store, &q, &q.id), 0);
	i.request = q;
	rig_issue(r, "identity", "a.example.com", &i, &x);
	rig_wait(r, &x);
	assert_int_equal(x.code, 0);
	assert_int_equal(x.request, q.id);
	result_done(&x);
	rig_issue(r, "identity", "a.example.com", &i, &x);
	rig_wait(r, &x);
	assert_true(x.code != 0);
	result_done(&x);
	assert_int_equal(count_certs(r), 1);
	rig_free(r);
}

/* the key process dies under the request: its successor answers */
static void
test_key_process_dies(void **state)
{
	struct rig *r = rig_new("test", NULL);
	struct result x = { 0 };

	(void)state;
	rig_ignite(r, false);
	rig_issue(r, "identity", "a.example.com", NULL, &x);
	rig_replace_server(r);
	rig_wait(r, &x);
	assert_int_equal(x.code, 0);
	result_done(&x);
	assert_int_equal(count_certs(r), 1);
	rig_free(r);
}

/* the core ends while the key process still thinks: nobody is called */
static void
test_core_ends(void **state)
{
	struct rig *r = rig_new("test", NULL);
	struct result x = { 0 };

	(void)state;
	rig_ignite(r, false);
	rig_issue(r, "identity", "a.example.com", NULL, &x);
	rig_restart(r);
	rig_rounds(r, 10);
	assert_int_equal(x.calls, 0);
	rig_issue(r, "identity", "a.example.com", NULL, &x);
	rig_wait(r, &x);
	assert_int_equal(x.code, 0);
	result_done(&x);
	rig_free(r);
}

static int
free_key(void **state)
{
	(void)state;
	EVP_PKEY_free(rig_key());
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_password_is_used_once),
		cmocka_unit_test(test_same_transaction_twice),
		cmocka_unit_test(test_failing_database),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_pending_request),
		cmocka_unit_test(test_key_process_dies),
		cmocka_unit_test(test_core_ends),
	};

	return cmocka_run_group_tests(tests, NULL, free_key);
}
