/* CA-2: renew keeps what was issued; create never replaces silently; activate,
 * retire. Judged by OpenSSL. */
#include "rig.h"

#include <openssl/x509v3.h>

#include "base/json.h"
#include "base/time.h"
#include "os/clock.h"
#include "store/trusts.h"

struct copies {
	struct buf root, issuing;
};

static void
copy_chain(struct rig *r, struct copies *c)
{
	buf_init(&c->root, X509_DER_MAX);
	buf_init(&c->issuing, X509_DER_MAX);
	buf_add_span(&c->root, x509_span(ca_find(r->ca, "root-1")->cert));
	buf_add_span(&c->issuing, x509_span(ca_find(r->ca, "issuing-1")->cert));
}

static void
copies_done(struct copies *c)
{
	buf_done(&c->root);
	buf_done(&c->issuing);
}

static int
verify(struct span leaf, const struct buf *root, const struct buf *issuing)
{
	struct span roots = buf_span(root), others = buf_span(issuing);

	return rig_verify(leaf, &roots, 1, &others, 1, span_of(NULL, 0));
}

static int
count_one(const struct trust_row *t, void *cookie)
{
	(void)t;
	++*(int *)cookie;
	return 0;
}

/* the renewed root alone verifies an old leaf, and the old root a new one */
static void
test_renew(void **state)
{
	struct rig *r = rig_new("sqlite", NULL);
	struct result x = { 0 }, y = { 0 };
	struct copies old, new;
	X509 *a, *b;
	int trusted = 0;

	(void)state;
	rig_ignite(r, false);
	rig_issue(r, "identity", "pbx1.example.com", NULL, &x);
	rig_wait(r, &x);
	copy_chain(r, &old);
	clock_set_offset(400 * TIME_DAY);
	assert_int_equal(ca_renew(r->ca, NULL, &rig_actor, rig_done, &y), 0);
	rig_wait(r, &y);
	assert_int_equal(y.code, 0);
	result_done(&y);
	copy_chain(r, &new);
	a = rig_x509(buf_span(&old.root));
	b = rig_x509(buf_span(&new.root));
	assert_int_equal(
	    X509_NAME_cmp(X509_get_subject_name(a), X509_get_subject_name(b)),
	    0);
	assert_int_equal(
	    EVP_PKEY_eq(X509_get0_pubkey(a), X509_get0_pubkey(b)), 1);
	assert_int_not_equal(ASN1_INTEGER_cmp(X509_get_serialNumber(a),
				 X509_get_serialNumber(b)),
	    0);
	assert_int_equal(
	    ASN1_TIME_compare(X509_get0_notAfter(a), X509_get0_notAfter(b)),
	    -1);
	assert_int_equal(ASN1_OCTET_STRING_cmp(X509_get0_subject_key_id(a),
			     X509_get0_subject_key_id(b)),
	    0);
	X509_free(a);
	X509_free(b);
	assert_int_equal(verify(buf_span(&x.der), &new.root, &new.issuing), 0);
	assert_int_equal(verify(buf_span(&x.der), &new.root, &old.issuing), 0);
	assert_int_equal(verify(buf_span(&x.der), &old.root, &new.issuing), 0);
	rig_issue(r, "identity", "pbx2.example.com", NULL, &y);
	rig_wait(r, &y);
	assert_int_equal(verify(buf_span(&y.der), &new.root, &new.issuing), 0);
	assert_int_equal(verify(buf_span(&y.der), &old.root, &old.issuing), 0);
	/* both roots are trusted */
	assert_int_equal(trust_row_each(r->store, "", count_one, &trusted), 0);
	assert_int_equal(trusted, 2);
	assert_int_equal(rig_count_events(r, EVENT_CA_RENEW), 2);
	copies_done(&old);
	copies_done(&new);
	result_done(&x);
	result_done(&y);
	rig_free(r);
}

static const char *
state_of(struct rig *r, const char *id)
{
	struct authority *a = ca_find(r->ca, id);

	return a ? authority_state_name(a->row.state) : "none";
}

static int
simple(struct rig *r,
    int (*fn)(
	struct ca *, const char *, const struct actor *, ca_done_fn, void *),
    const char *id)
{
	struct result x = { 0 };
	int code;

	assert_int_equal(fn(r->ca, id, &rig_actor, rig_done, &x), 0);
	rig_wait(r, &x);
	code = x.code;
	result_done(&x);
	return code;
}

/* a new hierarchy stands beside the present one until it is activated */
static void
test_create_and_activate(void **state)
{
	struct rig *r = rig_new("test", NULL);
	struct ignite_params p = { .name = "Second" };
	struct result x = { 0 };
	const json_t *would;
	uint64_t crl;

	(void)state;
	rig_ignite(r, false);
	rig_issue(r, "identity", "pbx1.example.com", NULL, &x);
	rig_wait(r, &x);
	result_done(&x);
	assert_int_equal(ca_create(r->ca, &p, &rig_actor, rig_done, &x), 0);
	rig_wait(r, &x);
	assert_int_equal(x.code, 0);
	would = json_object_get(x.answer, "would_break");
	assert_int_equal(json_get_int(would, "certificates", 0), 1);
	assert_string_equal(
	    json_get0_text(would, "earliest"), json_get0_text(would, "latest"));
	assert_non_null(strstr(json_get0_text(x.answer, "next_step"),
	    "signet ca activate issuing-2"));
	result_done(&x);
	assert_string_equal(state_of(r, "root-2"), "next");
	assert_string_equal(state_of(r, "issuing-1"), "current");
	assert_string_equal(ca_issuer(r->ca)->row.id, "issuing-1");
	assert_non_null(ca_find(r->ca, "issuing-2")->ra_cert);
	assert_int_equal(simple(r, ca_activate, "issuing-1"), E_STATE);
	assert_int_equal(simple(r, ca_activate, "nobody"), E_NOT_FOUND);
	assert_int_equal(simple(r, ca_activate, "issuing-2"), 0);
	assert_string_equal(state_of(r, "root-1"), "retired");
	assert_string_equal(state_of(r, "issuing-1"), "retired");
	assert_string_equal(state_of(r, "root-2"), "current");
	assert_string_equal(ca_issuer(r->ca)->row.id, "issuing-2");
	/* the retired one still answers for what it issued */
	crl = ca_find(r->ca, "issuing-1")->row.crl_number;
	assert_int_equal(simple(r, ca_crl_update, "issuing-1"), 0);
	assert_int_equal(ca_find(r->ca, "issuing-1")->row.crl_number, crl + 1);
	/* and issues no more */
	{
		struct issue i = { .authority = "issuing-1" };

		rig_issue(r, "identity", "a.example.com", &i, &x);
		rig_wait(r, &x);
		assert_int_equal(x.code, E_STATE);
		result_done(&x);
	}
	assert_int_equal(simple(r, ca_retire, "issuing-2"), E_STATE);
	assert_int_equal(simple(r, ca_retire, "root-2"), E_STATE);
	assert_int_equal(simple(r, ca_retire, "issuing-1"), E_STATE);
	rig_free(r);
}

/* one that was never activated can be given up */
static void
test_retire_the_next(void **state)
{
	struct rig *r = rig_new("test", NULL);
	struct ignite_params p = { .name = "Second", .single_level = true };
	struct result x = { 0 };

	(void)state;
	assert_int_equal(ca_create(r->ca, &p, &rig_actor, rig_done, &x), 0);
	rig_wait(r, &x);
	assert_int_equal(x.code, E_STATE); /* nothing was ignited */
	result_done(&x);
	rig_ignite(r, false);
	assert_int_equal(ca_create(r->ca, &p, &rig_actor, rig_done, &x), 0);
	rig_wait(r, &x);
	assert_int_equal(x.code, 0);
	result_done(&x);
	assert_int_equal(simple(r, ca_retire, "root-2"), 0);
	assert_string_equal(state_of(r, "root-2"), "retired");
	assert_string_equal(ca_issuer(r->ca)->row.id, "issuing-1");
	rig_free(r);
}

/* a database that fails leaves the old certificates, and the fronts untold */
static void
test_failing_database(void **state)
{
	struct rig *r = rig_new("test", NULL);
	struct copies old;
	int told;

	(void)state;
	rig_ignite(r, false);
	copy_chain(r, &old);
	told = r->told;
	for (unsigned n = 1; n < 6; n++) {
		store_test_fail_after(r->store, n);
		assert_int_equal(simple(r, ca_renew, NULL), E_DB);
		store_test_fail_after(r->store, 0);
		assert_true(
		    span_is_equal(x509_span(ca_find(r->ca, "root-1")->cert),
			buf_span(&old.root)));
	}
	assert_int_equal(r->told, told);
	assert_int_equal(simple(r, ca_renew, NULL), 0);
	assert_int_equal(r->told, told + 1);
	copies_done(&old);
	rig_free(r);
}

/* the schedule: RA certificates are renewed before they expire, checkpoints
 * of the ledger are signed and remembered */
static void
test_schedule(void **state)
{
	struct rig *r = rig_new("test", NULL);
	struct checkpoint_row c;
	int64_t end;

	(void)state;
	rig_ignite(r, false);
	end = ca_issuer(r->ca)->ra_cert->not_after;
	clock_set_offset(120);
	ca_tick(r->ca, clock_now());
	rig_rounds(r, 10);
	assert_int_equal(ca_issuer(r->ca)->ra_cert->not_after, end);
	assert_int_equal(checkpoint_last(r->store, &c), 0);
	assert_string_equal(c.key, r->ca->ledger_key);
	assert_true(c.sig.n > 0);
	checkpoint_done(&c);
	clock_set_offset(end - 10 * TIME_DAY - clock_now());
	ca_tick(r->ca, clock_now());
	rig_rounds(r, 20);
	assert_true(ca_issuer(r->ca)->ra_cert->not_after > end);
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
		cmocka_unit_test(test_renew),
		cmocka_unit_test(test_create_and_activate),
		cmocka_unit_test(test_retire_the_next),
		cmocka_unit_test(test_failing_database),
		cmocka_unit_test(test_schedule),
	};

	return cmocka_run_group_tests(tests, NULL, free_key);
}
