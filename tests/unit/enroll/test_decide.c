/* The decision over a real store, ledger, authority and key server: ENR-1,
 * ENR-2, ENR-3, ENR-9, ENR-10, CA-6, CERT-10. */
#include "enroll/rig.h"

#include "base/json.h"
#include "base/time.h"
#include "os/clock.h"

static const struct actor operator_ = { "uid:0", "local" };
static struct party phone, other;

static int
setup(void **state)
{
	struct rig *r = rig_new();

	rig_ignite(r);
	*state = r;
	return 0;
}

static int
teardown(void **state)
{
	rig_free(*state);
	return 0;
}

static int
parties(void **state)
{
	(void)state;
	party_make(&phone, "phone", NULL, 1, false, false);
	party_make(&other, "other", NULL, 2, false, false);
	return 0;
}

static int
parties_done(void **state)
{
	(void)state;
	party_done(&phone);
	party_done(&other);
	return 0;
}

static void
receipt_of(struct rig *r, const char *transaction, char *out, size_t size)
{
	struct request_row row = { 0 };

	assert_int_equal(
	    request_by_transaction(r->store, "scep", transaction, &row), 0);
	assert_true(row.receipt.n < size);
	memcpy(out, row.receipt.p, row.receipt.n);
	out[row.receipt.n] = '\0';
	request_done(&row);
}

/* ENR-1, ENR-2, CA-6: issued once however often it is asked; the same
 * transaction with another key is refused */
static void
test_password_and_retry(void **state)
{
	struct rig *r = *state;
	struct entity_row e = rig_entity_row("phone-1");
	struct outcome o = { 0 }, again = { 0 };
	struct asked_for a;
	char password[ENROL_PASSWORD_TEXT];
	int64_t before;

	rig_entity(r, &e, 0, 0, password);
	before = rig_certificates(r);
	rig_asked(&a, "T1", password, &phone, NULL);
	rig_decide(r, &a.e, &o);
	assert_int_equal(o.status, ENROL_ISSUED);
	assert_true(o.cert.n > 0);
	rig_decide(r, &a.e, &again);
	assert_int_equal(again.status, ENROL_ISSUED);
	assert_true(span_is_equal(buf_span(&o.cert), buf_span(&again.cert)));
	assert_int_equal(rig_certificates(r), before + 1);
	/* a retry needs no password: the key is the proof */
	a.e.secret[0] = '\0';
	rig_decide(r, &a.e, &again);
	assert_int_equal(again.status, ENROL_ISSUED);
	free(a.csr);
	rig_asked(&a, "T1", password, &other, NULL);
	rig_decide(r, &a.e, &again);
	assert_int_equal(again.status, ENROL_REFUSED);
	assert_int_equal(again.code, E_CONFLICT);
	assert_int_equal(rig_events(r, EVENT_REQUEST_REFUSED), 1);
	assert_int_equal(rig_certificates(r), before + 1);
	outcome_done(&o);
	outcome_done(&again);
	free(a.csr);
}

/* ENR-2: unknown, expired and used-up passwords, each with its words and its
 * event */
static void
test_password_refused(void **state)
{
	struct rig *r = *state;
	struct entity_row e1 = rig_entity_row("one"),
			  e2 = rig_entity_row("two");
	struct outcome o = { 0 };
	struct asked_for a;
	char once[ENROL_PASSWORD_TEXT], late[ENROL_PASSWORD_TEXT];

	rig_entity(r, &e1, 1, 0, once);
	rig_entity(r, &e2, 0, clock_now() - 7200, late);
	rig_asked(&a, "P1", "0000-0000-0000-0000-0000", &phone, NULL);
	rig_decide(r, &a.e, &o);
	assert_int_equal(o.status, ENROL_REFUSED);
	assert_int_equal(o.code, E_PASSWORD);
	assert_non_null(strstr(o.text, "unknown"));
	snprintf(a.e.secret, 256, "%s", late);
	rig_decide(r, &a.e, &o);
	assert_int_equal(o.code, E_EXPIRED);
	assert_non_null(strstr(o.text, "2 h"));
	snprintf(a.e.secret, 256, "%s", once);
	rig_decide(r, &a.e, &o);
	assert_int_equal(o.status, ENROL_ISSUED);
	snprintf(a.e.transaction, 256, "P2");
	rig_decide(r, &a.e, &o);
	assert_int_equal(o.status, ENROL_REFUSED);
	assert_int_equal(o.code, E_PASSWORD);
	assert_non_null(strstr(o.text, "used up"));
	assert_int_equal(rig_events(r, EVENT_REQUEST_REFUSED), 3);
	outcome_done(&o);
	free(a.csr);
}

/* ENR-2, CA-6: at once: one transaction twice shares one issue; a single-use
 * password serves one of two transactions */
static void
test_concurrent(void **state)
{
	struct rig *r = *state;
	struct entity_row e = rig_entity_row("one");
	struct outcome o[3] = { 0 };
	struct asked_for a, b;
	char once[ENROL_PASSWORD_TEXT];
	int64_t before = rig_certificates(r);

	rig_entity(r, &e, 1, 0, once);
	rig_asked(&a, "C1", once, &phone, NULL);
	rig_asked(&b, "C2", once, &other, NULL);
	assert_int_equal(decide(r->decider, &a.e, rig_on_answer, &o[0]), 0);
	assert_int_equal(decide(r->decider, &b.e, rig_on_answer, &o[1]), 0);
	assert_int_equal(decide(r->decider, &a.e, rig_on_answer, &o[2]), 0);
	rig_wait(r, &o[0]);
	rig_rounds(r, 3);
	assert_int_equal(o[0].status, ENROL_ISSUED);
	assert_int_equal(o[1].calls, 1);
	assert_int_equal(o[1].status, ENROL_RETRY);
	assert_int_equal(o[2].calls, 1);
	assert_int_equal(o[2].status, ENROL_ISSUED);
	assert_true(span_is_equal(buf_span(&o[0].cert), buf_span(&o[2].cert)));
	assert_int_equal(rig_certificates(r), before + 1);
	rig_decide(r, &b.e, &o[1]);
	assert_int_equal(o[1].status, ENROL_REFUSED);
	for (int i = 0; i < 3; i++)
		outcome_done(&o[i]);
	free(a.csr);
	free(b.csr);
}

/* ENR-1, CERT-10: an entity's own names stand, and the receipt says so */
static void
test_entity_names(void **state)
{
	struct rig *r = *state;
	struct entity_row e = rig_entity_row("fixed");
	struct outcome o = { 0 };
	struct asked_for a;
	struct x509 *c = NULL;
	struct san_list sans;
	char password[ENROL_PASSWORD_TEXT], cn[128], receipt[16384];

	snprintf(e.subject, sizeof(e.subject), "CN=pbx.example.com");
	snprintf(e.sans, sizeof(e.sans), "DNS:pbx.example.com,IP:192.0.2.9");
	rig_entity(r, &e, 0, 0, password);
	rig_asked(&a, "N1", password, &phone, "DNS:evil.example.org");
	rig_decide(r, &a.e, &o);
	assert_int_equal(o.status, ENROL_ISSUED);
	assert_int_equal(x509_parse(buf_span(&o.cert), NULL, &c), 0);
	assert_true(name_get(c->subject, OID_CN, cn, sizeof(cn)));
	assert_string_equal(cn, "pbx.example.com");
	assert_int_equal(san_from_der(c->san, &sans), 0);
	assert_true(san_has(&sans, SAN_DNS, "pbx.example.com"));
	assert_true(san_has(&sans, SAN_IP, "192.0.2.9"));
	assert_false(san_has(&sans, SAN_DNS, "evil.example.org"));
	receipt_of(r, "N1", receipt, sizeof(receipt));
	assert_non_null(strstr(receipt, "evil.example.org"));
	assert_non_null(strstr(receipt, "phone-1.example.com"));
	assert_non_null(strstr(receipt, "entity fixed"));
	x509_free(c);
	outcome_done(&o);
	free(a.csr);
}

/* ENR-3: a path that takes no request without password; legacy only where
 * allowed, whatever the front says */
static void
test_paths(void **state)
{
	struct rig *r = *state;
	struct outcome o = { 0 };
	struct asked_for a;

	rig_asked(&a, "S1", NULL, &phone, NULL);
	snprintf(a.e.path, 64, "strict");
	rig_decide(r, &a.e, &o);
	assert_int_equal(o.status, ENROL_REFUSED);
	assert_int_equal(o.code, E_PASSWORD);
	snprintf(a.e.path, 64, "modern");
	a.e.legacy = true;
	rig_decide(r, &a.e, &o);
	assert_int_equal(o.code, E_UNSUPPORTED);
	snprintf(a.e.path, 64, "nowhere");
	rig_decide(r, &a.e, &o);
	assert_int_equal(o.status, ENROL_REFUSED);
	a.e.path[0] = '\0'; /* profile phone says legacy_transport */
	rig_decide(r, &a.e, &o);
	assert_int_equal(o.status, ENROL_PENDING);
	outcome_done(&o);
	free(a.csr);
}

/* one certificate for phone under password; its DER in o */
static void
first(struct rig *r, struct outcome *o)
{
	struct entity_row e = rig_entity_row("renewing");
	struct asked_for a;
	char password[ENROL_PASSWORD_TEXT];

	rig_entity(r, &e, 0, 0, password);
	rig_asked(&a, "R1", password, &phone, "DNS:phone-1.example.com");
	rig_decide(r, &a.e, o);
	assert_int_equal(o->status, ENROL_ISSUED);
	free(a.csr);
}

/* ENR-3, CERT-10: a renewal under the old certificate needs no password, comes
 * under the same transaction, and gets its names and no more */
static void
test_renewal(void **state)
{
	struct rig *r = *state;
	struct outcome old = { 0 }, o = { 0 }, again = { 0 };
	struct asked_for a;
	struct x509 *c = NULL;
	struct san_list sans;

	first(r, &old);
	rig_asked(&a, "R1", NULL, &phone,
	    "DNS:phone-1.example.com,DNS:more.example.com");
	a.e.signer = buf_span(&old.cert);
	a.e.kind = ENROL_RENEW;
	rig_decide(r, &a.e, &o);
	assert_int_equal(o.status, ENROL_ISSUED);
	assert_false(span_is_equal(buf_span(&o.cert), buf_span(&old.cert)));
	assert_int_equal(x509_parse(buf_span(&o.cert), NULL, &c), 0);
	assert_int_equal(san_from_der(c->san, &sans), 0);
	assert_true(san_has(&sans, SAN_DNS, "phone-1.example.com"));
	assert_false(san_has(&sans, SAN_DNS, "more.example.com"));
	x509_free(c);
	/* the retry of a renewal; also as type 19 */
	rig_decide(r, &a.e, &again);
	assert_true(span_is_equal(buf_span(&o.cert), buf_span(&again.cert)));
	a.e.kind = ENROL_NEW;
	rig_decide(r, &a.e, &again);
	assert_true(span_is_equal(buf_span(&o.cert), buf_span(&again.cert)));
	assert_int_equal(rig_events(r, EVENT_RENEW), 1);
	outcome_done(&old);
	outcome_done(&o);
	outcome_done(&again);
	free(a.csr);
}

/* ENR-3: foreign, revoked and expired certificates renew nothing */
static void
test_renewal_refused(void **state)
{
	struct rig *r = *state;
	struct outcome old = { 0 }, o = { 0 };
	struct asked_for a;
	struct x509 *c = NULL;
	struct party fake;
	char serial[64];

	first(r, &old);
	rig_asked(&a, "R2", NULL, &phone, NULL);
	a.e.kind = ENROL_RENEW;
	a.e.signer = party_der(&phone);
	rig_decide(r, &a.e, &o);
	assert_int_equal(o.code, E_DENIED);
	/* same issuer name, same serial, other bytes */
	party_make(&fake, "fake", NULL, 3, false, false);
	a.e.signer = party_der(&fake);
	rig_decide(r, &a.e, &o);
	assert_int_equal(o.code, E_DENIED);
	party_done(&fake);
	a.e.signer = buf_span(&old.cert);
	clock_set_offset(800 * (int64_t)TIME_DAY);
	rig_decide(r, &a.e, &o);
	assert_int_equal(o.status, ENROL_REFUSED);
	assert_int_equal(o.code, E_EXPIRED);
	clock_set_offset(0);
	assert_int_equal(x509_parse(buf_span(&old.cert), NULL, &c), 0);
	x509_serial_print(c, serial, sizeof(serial));
	x509_free(c);
	outcome_done(&o);
	assert_int_equal(
	    ca_revoke(r->ca, serial, 1, &operator_, rig_on_done, &o), 0);
	rig_wait(r, &o);
	assert_int_equal(o.code, 0);
	rig_decide(r, &a.e, &o);
	assert_int_equal(o.code, E_DENIED);
	assert_non_null(strstr(o.text, "revoked"));
	outcome_done(&o);
	outcome_done(&old);
	free(a.csr);
}

/* CA-6: after its certificate's time the same key may come again */
static void
test_after_expiry(void **state)
{
	struct rig *r = *state;
	struct entity_row e = rig_entity_row("again");
	struct outcome o = { 0 }, again = { 0 };
	struct asked_for a;
	char password[ENROL_PASSWORD_TEXT];

	rig_entity(r, &e, 0, 0, password);
	rig_asked(&a, "X1", password, &phone, NULL);
	rig_decide(r, &a.e, &o);
	assert_int_equal(o.status, ENROL_ISSUED);
	clock_set_offset(800 * (int64_t)TIME_DAY);
	rig_decide(r, &a.e, &again);
	assert_int_equal(again.status, ENROL_ISSUED);
	assert_false(span_is_equal(buf_span(&o.cert), buf_span(&again.cert)));
	rig_decide(r, &a.e, &o);
	assert_true(span_is_equal(buf_span(&o.cert), buf_span(&again.cert)));
	outcome_done(&o);
	outcome_done(&again);
	free(a.csr);
}

/* ENR-10: too many failures lock out their source, once told, and nobody
 * else */
static void
test_lockout(void **state)
{
	struct rig *r = *state;
	struct entity_row e = rig_entity_row("honest");
	struct outcome o = { 0 };
	struct asked_for a;
	char password[ENROL_PASSWORD_TEXT];
	uint32_t max = r->config.failures_max;

	rig_entity(r, &e, 0, 0, password);
	rig_asked(&a, "L1", "0000-0000-0000-0000-0000", &phone, NULL);
	for (uint32_t i = 0; i < max; i++) {
		rig_decide(r, &a.e, &o);
		assert_int_equal(o.code, E_PASSWORD);
	}
	snprintf(a.e.secret, 256, "%s", password);
	for (int i = 0; i < 3; i++) {
		rig_decide(r, &a.e, &o);
		assert_int_equal(o.status, ENROL_REFUSED);
		assert_int_equal(o.code, E_LIMIT);
	}
	assert_int_equal(rig_events(r, EVENT_LOCKOUT), 1);
	assert_int_equal(rig_events(r, EVENT_REQUEST_REFUSED), (int)max);
	snprintf(a.e.source, 64, "192.0.2.77");
	rig_decide(r, &a.e, &o);
	assert_int_equal(o.status, ENROL_ISSUED);
	clock_set_offset(r->config.lockout_s + 1);
	snprintf(a.e.source, 64, "192.0.2.1");
	rig_decide(r, &a.e, &o);
	assert_int_equal(o.status, ENROL_ISSUED);
	outcome_done(&o);
	free(a.csr);
}

/* ENR-10: what a front reports is kept, and bounded */
static void
test_reports(void **state)
{
	struct rig *r = *state;

	for (int i = 0; i < 500; i++)
		assert_int_equal(decide_report(r->decider, "192.0.2.1", "scep",
				     E_PARSE, "noise\n\x01"),
		    0);
	assert_int_equal(store_flush(r->store), 0);
	assert_in_range(rig_events(r, EVENT_REQUEST_MALFORMED), 50, 150);
	assert_int_equal(decide_report(r->decider, "192.0.2.1", "scep",
			     E_CRYPTO, "signature"),
	    0);
}

/* CA-6: a store that fails at any write: told to try again, and the retry ends
 * with exactly one certificate */
static void
test_store_fails(void **state)
{
	struct rig *r = *state;
	struct entity_row e = rig_entity_row("unlucky");
	struct outcome o = { 0 };
	struct asked_for a;
	char password[ENROL_PASSWORD_TEXT], transaction[32];
	int64_t before = rig_certificates(r);
	int issued = 0;

	rig_entity(r, &e, 0, 0, password);
	for (unsigned n = 1; n <= 8; n++) {
		int err;

		snprintf(transaction, sizeof(transaction), "F%u", n);
		rig_asked(&a, transaction, password, &phone, NULL);
		outcome_done(&o);
		store_test_fail_after(r->store, n);
		err = decide(r->decider, &a.e, rig_on_answer, &o);
		if (!err)
			rig_wait(r, &o);
		store_test_fail_after(r->store, 0);
		rig_rounds(r, 2);
		if (!err)
			assert_true(o.status == ENROL_RETRY ||
				    o.status == ENROL_ISSUED);
		rig_decide(r, &a.e, &o);
		assert_int_equal(o.status, ENROL_ISSUED);
		issued++;
		assert_int_equal(rig_certificates(r), before + issued);
		free(a.csr);
	}
	outcome_done(&o);
}

int
main(void)
{
#define WITH_RIG(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_RIG(test_password_and_retry),
		WITH_RIG(test_password_refused),
		WITH_RIG(test_concurrent),
		WITH_RIG(test_entity_names),
		WITH_RIG(test_paths),
		WITH_RIG(test_renewal),
		WITH_RIG(test_renewal_refused),
		WITH_RIG(test_after_expiry),
		WITH_RIG(test_lockout),
		WITH_RIG(test_reports),
		WITH_RIG(test_store_fails),
	};

	return cmocka_run_group_tests(tests, parties, parties_done);
}
