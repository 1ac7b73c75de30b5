/* Revocation, hold and release (CA-4's first part, CA-6): states, CRL numbers,
 * and OpenSSL's verdict over the CRL. */
#include "rig.h"

#include <openssl/x509v3.h>

#include "base/json.h"
#include "base/str.h"
#include "base/time.h"
#include "cert/crl.h"
#include "os/clock.h"

#define KEY_COMPROMISE 1

static void
serial_of(struct rig *r, int64_t cert, char *out, size_t size)
{
	struct cert_row row;

	assert_int_equal(cert_by_id(r->store, cert, &row), 0);
	str_hex(out, size, row.serial, 0);
	cert_done(&row);
}

static int
verdict(struct rig *r, struct span leaf)
{
	struct authority *a = ca_issuer(r->ca);
	struct span chain[CA_CHAIN_MAX];
	size_t n = ca_chain(a, chain);
	BUF(crl, 1u << 20);

	rig_crl(r, a->row.id, &crl);
	return rig_verify(leaf, &chain[n - 1], 1, chain, n - 1, buf_span(&crl));
}

static int
call(struct rig *r, int what, const char *serial)
{
	struct result x = { 0 };
	int e, code;

	if (what == 'h' || what == 'r')
		e = ca_hold(
		    r->ca, serial, what == 'h', &rig_actor, rig_done, &x);
	else
		e = ca_revoke(
		    r->ca, serial, what - '0', &rig_actor, rig_done, &x);
	assert_int_equal(e, 0);
	rig_wait(r, &x);
	code = x.code;
	result_done(&x);
	return code;
}

/* hold, release, revoke, and what cannot be undone */
static void
test_states(void **state)
{
	struct rig *r = rig_new("sqlite", NULL);
	struct result x = { 0 }, y = { 0 };
	struct cert_row row;
	char serial[64];

	(void)state;
	rig_ignite(r, false);
	rig_issue(r, "identity", "gone.example.com", NULL, &x);
	rig_wait(r, &x);
	rig_issue(r, "identity", "stays.example.com", NULL, &y);
	rig_wait(r, &y);
	serial_of(r, x.cert, serial, sizeof(serial));
	assert_int_equal(verdict(r, buf_span(&x.der)), 0);
	assert_int_equal(call(r, 'r', serial), E_STATE);
	assert_int_equal(call(r, 'h', serial), 0);
	assert_int_equal(verdict(r, buf_span(&x.der)), X509_V_ERR_CERT_REVOKED);
	assert_int_equal(call(r, 'h', serial), E_STATE);
	assert_int_equal(call(r, 'r', serial), 0);
	assert_int_equal(verdict(r, buf_span(&x.der)), 0);
	assert_int_equal(call(r, '1', serial), 0);
	assert_int_equal(verdict(r, buf_span(&x.der)), X509_V_ERR_CERT_REVOKED);
	assert_int_equal(verdict(r, buf_span(&y.der)), 0);
	assert_int_equal(call(r, 'r', serial), E_STATE);
	assert_int_equal(call(r, 'h', serial), E_STATE);
	assert_int_equal(call(r, '1', serial), E_STATE);
	assert_int_equal(cert_by_id(r->store, x.cert, &row), 0);
	assert_int_equal(row.state, CERT_REVOKED);
	assert_int_equal(row.reason, KEY_COMPROMISE);
	cert_done(&row);
	assert_int_equal(rig_count_events(r, EVENT_REVOKE), 1);
	assert_int_equal(rig_count_events(r, EVENT_HOLD), 1);
	assert_int_equal(rig_count_events(r, EVENT_RELEASE), 1);
	result_done(&x);
	result_done(&y);
	rig_free(r);
}

/* what is no serial number, no certificate, no reason */
static void
test_refusals(void **state)
{
	struct rig *r = rig_new("test", NULL);
	struct result x = { 0 };

	(void)state;
	rig_ignite(r, false);
	assert_int_equal(call(r, '1', "zz"), E_INVAL);
	assert_int_equal(call(r, '1', ""), E_INVAL);
	assert_int_equal(call(r, '1', "00ff00"), E_NOT_FOUND);
	assert_int_equal(call(r, '7', "00ff00"), E_INVAL);
	assert_int_equal(call(r, '6', "00ff00"), E_INVAL);
	assert_int_equal(
	    ca_crl_update(r->ca, "issuing-7", &rig_actor, rig_done, &x), 0);
	rig_wait(r, &x);
	assert_int_equal(x.code, E_NOT_FOUND);
	result_done(&x);
	rig_free(r);
}

/* RFC 5280 5.2.3, 5.3.1: numbers ascend; reasons as OpenSSL reads them; many
 * revocations at once share CRLs, and each is answered after one that has it */
static void
test_many_at_once(void **state)
{
	enum { N = 12 };
	struct rig *r = rig_new("test", NULL);
	struct result x[N] = { 0 }, done[N] = { 0 };
	char serial[64];
	const uint8_t *p;
	ASN1_INTEGER *number;
	X509_CRL *crl;
	BUF(der, 1u << 20);

	(void)state;
	rig_ignite(r, false);
	for (int i = 0; i < N; i++) {
		rig_issue(r, "identity", "x.example.com", NULL, &x[i]);
		rig_wait(r, &x[i]);
	}
	for (int i = 0; i < N; i++) {
		serial_of(r, x[i].cert, serial, sizeof(serial));
		assert_int_equal(ca_revoke(r->ca, serial, KEY_COMPROMISE,
				     &rig_actor, rig_done, &done[i]),
		    0);
		rig_rounds(r, i % 3);
	}
	for (int i = 0; i < 2000 && !done[N - 1].calls; i++)
		rig_rounds(r, 1);
	for (int i = 0; i < N; i++) {
		assert_int_equal(done[i].calls, 1);
		assert_int_equal(done[i].code, 0);
		result_done(&done[i]);
		result_done(&x[i]);
	}
	rig_crl(r, "issuing-1", &der);
	p = der.p;
	crl = d2i_X509_CRL(NULL, &p, (long)der.n);
	assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), N);
	number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	assert_true(ASN1_INTEGER_get(number) >= 2);
	assert_int_equal(
	    ASN1_INTEGER_get(number), (long)ca_issuer(r->ca)->row.crl_number);
	ASN1_INTEGER_free(number);
	X509_CRL_free(crl);
	rig_free(r);
}

/* the CRL cannot be made: the revocation stands, and the clock's work, also
 * after a restart, makes it good */
static void
test_crl_after_a_crash(void **state)
{
	struct rig *r = rig_new("test", NULL);
	struct result x = { 0 }, done = { 0 };
	char serial[64];

	(void)state;
	rig_ignite(r, false);
	rig_issue(r, "identity", "gone.example.com", NULL, &x);
	rig_wait(r, &x);
	serial_of(r, x.cert, serial, sizeof(serial));
	assert_int_equal(ca_revoke(r->ca, serial, KEY_COMPROMISE, &rig_actor,
			     rig_done, &done),
	    0);
	/* durable, and then the core ends before the CRL is signed */
	assert_int_equal(store_flush(r->store), 0);
	rig_restart(r);
	rig_rounds(r, 5);
	assert_int_equal(done.calls, 0);
	assert_int_equal(verdict(r, buf_span(&x.der)), 0);
	ca_tick(r->ca, clock_now());
	rig_rounds(r, 10);
	assert_int_equal(verdict(r, buf_span(&x.der)), X509_V_ERR_CERT_REVOKED);
	result_done(&x);
	rig_free(r);
}

/* a batch that fails: told once, nothing revoked */
static void
test_failing_database(void **state)
{
	struct rig *r = rig_new("test", NULL);
	struct result x = { 0 };
	struct cert_row row;
	char serial[64];

	(void)state;
	rig_ignite(r, false);
	rig_issue(r, "identity", "stays.example.com", NULL, &x);
	rig_wait(r, &x);
	serial_of(r, x.cert, serial, sizeof(serial));
	for (unsigned n = 1; n < 4; n++) {
		store_test_fail_after(r->store, n);
		assert_int_equal(call(r, '1', serial), E_DB);
		store_test_fail_after(r->store, 0);
		assert_int_equal(cert_by_id(r->store, x.cert, &row), 0);
		assert_int_equal(row.state, CERT_GOOD);
		cert_done(&row);
	}
	assert_int_equal(call(r, '1', serial), 0);
	result_done(&x);
	rig_free(r);
}

/* by the clock: a day before nextUpdate, and not before */
static void
test_due_crl(void **state)
{
	struct rig *r = rig_new("test", NULL);
	uint64_t first;
	int64_t next;

	(void)state;
	rig_ignite(r, false);
	first = ca_issuer(r->ca)->row.crl_number;
	next = ca_issuer(r->ca)->row.crl_next;
	/* seven days */
	assert_in_range(next - clock_now(), 7 * TIME_DAY - 120, 7 * TIME_DAY);
	ca_tick(r->ca, next - TIME_DAY - 60);
	rig_rounds(r, 10);
	assert_int_equal(ca_issuer(r->ca)->row.crl_number, first);
	clock_set_offset(6 * TIME_DAY + 60);
	ca_tick(r->ca, clock_now());
	rig_rounds(r, 10);
	assert_int_equal(ca_issuer(r->ca)->row.crl_number, first + 1);
	assert_true(ca_issuer(r->ca)->row.crl_next > next);
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
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_crl_after_a_crash),
		cmocka_unit_test(test_failing_database),
		cmocka_unit_test(test_due_crl),
	};

	return cmocka_run_group_tests(tests, NULL, free_key);
}
