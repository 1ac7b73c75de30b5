/* Requests that wait for a person, and requests by hand: ENR-1, ENR-3, ENR-8,
 * ENR-10. */
#include "enroll/rig.h"

#include "base/json.h"

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

static int64_t
request_id(struct rig *r, const char *protocol, const char *transaction)
{
	struct request_row row = { 0 };
	int64_t id;

	assert_int_equal(
	    request_by_transaction(r->store, protocol, transaction, &row), 0);
	id = row.id;
	request_done(&row);
	return id;
}

/* ENR-3, ENR-8: without a password it waits; approved or rejected by a person,
 * then polled */
static void
test_pending(void **state)
{
	struct rig *r = *state;
	struct outcome o = { 0 };
	struct asked_for a, b;

	rig_asked(&a, "W1", NULL, &phone, "DNS:phone-1.example.com");
	rig_asked(&b, "W2", NULL, &phone, NULL);
	rig_decide(r, &a.e, &o);
	assert_int_equal(o.status, ENROL_PENDING);
	rig_decide(r, &a.e, &o);
	assert_int_equal(o.status, ENROL_PENDING);
	rig_decide(r, &b.e, &o);
	assert_int_equal(o.status, ENROL_PENDING);
	assert_int_equal(rig_events(r, EVENT_REQUEST_PENDING), 2);
	outcome_done(&o);
	assert_int_equal(decide_approve(r->decider, request_id(r, "scep", "W1"),
			     NULL, &operator_, rig_on_done, &o),
	    0);
	rig_wait(r, &o);
	assert_int_equal(o.code, 0);
	assert_non_null(json_object_get(o.answer, "receipt"));
	outcome_done(&o);
	/* twice is once */
	assert_int_equal(decide_approve(r->decider, request_id(r, "scep", "W1"),
			     NULL, &operator_, rig_on_done, &o),
	    0);
	rig_wait(r, &o);
	assert_int_equal(o.code, E_STATE);
	outcome_done(&o);
	assert_int_equal(decide_reject(r->decider, request_id(r, "scep", "W2"),
			     "who is this?", &operator_, rig_on_done, &o),
	    0);
	rig_wait(r, &o);
	assert_int_equal(o.code, 0);
	a.e.kind = b.e.kind = ENROL_POLL;
	a.e.csr = b.e.csr = span_of(NULL, 0);
	a.e.signer = b.e.signer = party_der(&phone);
	rig_decide(r, &a.e, &o);
	assert_int_equal(o.status, ENROL_ISSUED);
	rig_decide(r, &b.e, &o);
	assert_int_equal(o.status, ENROL_REFUSED);
	assert_non_null(strstr(o.text, "who is this?"));
	/* another key may not fetch it, and what nobody asked is not there */
	a.e.signer = party_der(&other);
	rig_decide(r, &a.e, &o);
	assert_int_equal(o.code, E_NOT_FOUND);
	snprintf(a.e.transaction, 256, "W9");
	rig_decide(r, &a.e, &o);
	assert_int_equal(o.code, E_NOT_FOUND);
	assert_int_equal(rig_events(r, EVENT_REQUEST_APPROVE), 1);
	assert_int_equal(rig_events(r, EVENT_REQUEST_REJECT), 1);
	outcome_done(&o);
	free(a.csr);
	free(b.csr);
}

/* ENR-10: open requests are bounded, per source and in all */
static void
test_pending_bounds(void **state)
{
	struct rig *r = *state;
	struct outcome o = { 0 };
	struct asked_for a;

	r->config.pending_max = 52;
	rig_asked(&a, "", NULL, &phone, NULL);
	for (int i = 0; i < 50; i++) {
		snprintf(a.e.transaction, 256, "B%d", i);
		rig_decide(r, &a.e, &o);
		assert_int_equal(o.status, ENROL_PENDING);
	}
	snprintf(a.e.transaction, 256, "B50");
	rig_decide(r, &a.e, &o);
	assert_int_equal(o.status, ENROL_REFUSED);
	assert_int_equal(o.code, E_LIMIT);
	for (int i = 50; i < 53; i++) {
		snprintf(a.e.transaction, 256, "B%d", i);
		snprintf(a.e.source, 64, "192.0.2.%d", i);
		rig_decide(r, &a.e, &o);
		assert_int_equal(
		    o.status, i < 52 ? ENROL_PENDING : ENROL_REFUSED);
	}
	outcome_done(&o);
	free(a.csr);
}

/* ENR-1: a manual entity waits though the password is right, and the password
 * is used by that */
static void
test_manual_entity(void **state)
{
	struct rig *r = *state;
	struct entity_row e = rig_entity_row("careful");
	struct outcome o = { 0 };
	struct asked_for a;
	char once[ENROL_PASSWORD_TEXT];

	e.manual = true;
	snprintf(e.sans, sizeof(e.sans), "DNS:careful.example.com");
	rig_entity(r, &e, 1, 0, once);
	rig_asked(&a, "M1", once, &phone, "DNS:other.example.com");
	rig_decide(r, &a.e, &o);
	assert_int_equal(o.status, ENROL_PENDING);
	snprintf(a.e.transaction, 256, "M2");
	rig_decide(r, &a.e, &o);
	assert_int_equal(o.status, ENROL_REFUSED);
	outcome_done(&o);
	assert_int_equal(decide_approve(r->decider, request_id(r, "scep", "M1"),
			     NULL, &operator_, rig_on_done, &o),
	    0);
	rig_wait(r, &o);
	assert_int_equal(o.code, 0);
	/* approving grants the entity's names, not the request's */
	snprintf(a.e.transaction, 256, "M1");
	rig_decide(r, &a.e, &o);
	assert_int_equal(o.status, ENROL_ISSUED);
	{
		struct x509 *c = NULL;
		struct san_list sans;

		assert_int_equal(x509_parse(buf_span(&o.cert), NULL, &c), 0);
		assert_int_equal(san_from_der(c->san, &sans), 0);
		assert_true(san_has(&sans, SAN_DNS, "careful.example.com"));
		assert_false(san_has(&sans, SAN_DNS, "other.example.com"));
		x509_free(c);
	}
	outcome_done(&o);
	free(a.csr);
}

/* ENR-8: a PKCS#10 as a file, PEM or DER, uploaded twice, approved */
static void
test_upload(void **state)
{
	struct rig *r = *state;
	struct manual_params p = { .profile = "identity" };
	struct outcome o = { 0 };
	struct asked_for a;
	int64_t id;

	rig_asked(&a, "", NULL, &phone, "DNS:pbx2.example.com");
	p.csr = a.e.csr;
	for (int i = 0; i < 2; i++) {
		outcome_done(&o);
		assert_int_equal(
		    decide_upload(r->decider, &p, &operator_, rig_on_done, &o),
		    0);
		rig_wait(r, &o);
		assert_int_equal(o.code, 0);
	}
	id = json_get_int(o.answer, "id", 0);
	assert_string_equal(json_get0_text(o.answer, "state"), "pending");
	assert_int_equal(rig_events(r, EVENT_REQUEST_PENDING), 1);
	outcome_done(&o);
	assert_int_equal(decide_approve(r->decider, id, "server", &operator_,
			     rig_on_done, &o),
	    0);
	rig_wait(r, &o);
	assert_int_equal(o.code, 0);
	outcome_done(&o);
	/* no request, a broken one, a CA profile, an unknown entity */
	p.csr = span_str("-----BEGIN NOTHING-----\n");
	assert_int_equal(
	    decide_upload(r->decider, &p, &operator_, rig_on_done, &o), 0);
	rig_wait(r, &o);
	assert_int_not_equal(o.code, 0);
	outcome_done(&o);
	a.csr[a.e.csr.n - 1] ^= 1;
	p.csr = a.e.csr;
	assert_int_equal(
	    decide_upload(r->decider, &p, &operator_, rig_on_done, &o), 0);
	rig_wait(r, &o);
	assert_int_equal(o.code, E_CRYPTO);
	outcome_done(&o);
	free(a.csr);
	rig_asked(&a, "", NULL, &other, NULL);
	p.csr = a.e.csr;
	p.profile = "issuing-ca";
	assert_int_equal(
	    decide_upload(r->decider, &p, &operator_, rig_on_done, &o), 0);
	rig_wait(r, &o);
	assert_int_equal(o.code, E_DENIED);
	outcome_done(&o);
	p.profile = NULL;
	p.entity = "nobody";
	assert_int_equal(
	    decide_upload(r->decider, &p, &operator_, rig_on_done, &o), 0);
	rig_wait(r, &o);
	assert_int_equal(o.code, E_NOT_FOUND);
	outcome_done(&o);
	assert_int_equal(
	    decide_approve(r->decider, 4711, NULL, &operator_, rig_on_done, &o),
	    0);
	rig_wait(r, &o);
	assert_int_equal(o.code, E_NOT_FOUND);
	outcome_done(&o);
	free(a.csr);
}

int
main(void)
{
#define WITH_RIG(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_RIG(test_pending),
		WITH_RIG(test_pending_bounds),
		WITH_RIG(test_manual_entity),
		WITH_RIG(test_upload),
	};

	return cmocka_run_group_tests(tests, parties, parties_done);
}
