/* WATCH-2: our own authorities' ends are told, too. */
#include "test.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/json.h"
#include "base/time.h"
#include "store/authorities.h"
#include "watch/watch.h"

#define NOW INT64_C(1800000000)

struct rig {
	struct store *store;
	struct ledger *ledger;
	EVP_PKEY *key;
};

static int
set_up(void **state)
{
	struct rig *r = (struct rig *)calloc(1, sizeof(*r));
	struct diag d = { 0 };

	assert_int_equal(store_open("test:", &d, &r->store), 0);
	assert_int_equal(ledger_open(r->store, &d, &r->ledger), 0);
	r->key = EVP_RSA_gen(2048);
	assert_non_null(r->key);
	*state = r;
	return 0;
}

static int
tear_down(void **state)
{
	struct rig *r = (struct rig *)*state;

	EVP_PKEY_free(r->key);
	ledger_close(r->ledger);
	store_close(r->store);
	free(r);
	return 0;
}

/* OpenSSL's own certificate of that name that ends then; the caller frees */
static struct span
certificate(struct rig *r, const char *cn, int64_t not_after)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);
	uint8_t *der = NULL;
	int n;

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 0x1234);
	X509_NAME_add_entry_by_txt(
	    name, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(x, name);
	ASN1_TIME_set(X509_getm_notBefore(x), NOW - 1000 * TIME_DAY);
	ASN1_TIME_set(X509_getm_notAfter(x), not_after);
	X509_set_pubkey(x, r->key);
	assert_true(X509_sign(x, r->key, EVP_sha256()) > 0);
	n = i2d_X509(x, &der);
	assert_true(n > 0);
	X509_free(x);
	return span_of(der, (size_t)n);
}

static void
free_span(struct span s)
{
	OPENSSL_free((void *)(uintptr_t)s.p);
}

static void
add(struct rig *r, const char *id, enum authority_state state, int64_t ends,
    int64_t ra_ends)
{
	struct authority_row a = {
		.kind = AUTHORITY_ISSUING, .state = state, .created = NOW
	};

	snprintf(a.id, sizeof(a.id), "%s", id);
	a.cert = certificate(r, id, ends);
	if (ra_ends)
		a.ra_cert = certificate(r, "ra", ra_ends);
	assert_int_equal(authority_add(r->store, &a), 0);
	free_span(a.cert);
	free_span(a.ra_cert);
}

struct told {
	int ca, ra, over;
	char objects[256];
};

static int
on_event(const struct event_row *e, void *cookie)
{
	struct told *t = (struct told *)cookie;
	AUTO(json_t) *o = NULL;
	const json_t *detail;
	size_t n;

	if (e->kind == EVENT_EXPIRED)
		t->over++;
	else if (e->kind != EVENT_EXPIRING)
		return 0;
	assert_int_equal(json_parse(e->body, 65536, NULL, &o), 0);
	detail = json_object_get(o, "detail");
	assert_non_null(json_get0_text(detail, "serial"));
	assert_non_null(json_get0_text(detail, "subject"));
	if (strcmp(json_get0_text(detail, "role"), "ca") == 0) {
		assert_int_equal(e->severity, SEVERITY_ERROR);
		assert_non_null(strstr(
		    json_get0_text(detail, "remedy"), "signet ca renew"));
		t->ca++;
	} else {
		assert_int_equal(e->severity, SEVERITY_WARNING);
		t->ra++;
	}
	n = strlen(t->objects);
	snprintf(t->objects + n, sizeof(t->objects) - n, "%s;", e->object);
	return 0;
}

static struct told
told(struct rig *r)
{
	struct told t = { 0 };
	struct event_filter f = { .limit = 100 };

	assert_int_equal(store_flush(r->store), 0);
	assert_int_equal(event_each(r->store, &f, on_event, &t), 0);
	return t;
}

/* those that count and are near their end; each once; a renewed one anew */
static void
authorities_are_warned_of_once(void **state)
{
	struct rig *r = (struct rig *)*state;
	unsigned n = 99;
	struct told t;
	struct span der;

	add(r, "issuing-1", AUTHORITY_CURRENT, NOW + 179 * TIME_DAY,
	    NOW + 20 * TIME_DAY);
	add(r, "issuing-2", AUTHORITY_NEXT, NOW + 181 * TIME_DAY,
	    NOW + 22 * TIME_DAY);
	add(r, "issuing-3", AUTHORITY_RETIRED, NOW + TIME_DAY, 0);
	add(r, "outside-4", AUTHORITY_OUTSIDE, NOW + TIME_DAY, 0);
	assert_int_equal(
	    sweep_authorities(r->store, r->ledger, NOW, 60, &n), 0);
	assert_int_equal(n, 2);
	t = told(r);
	assert_int_equal(t.ca, 1);
	assert_int_equal(t.ra, 1);
	assert_string_equal(t.objects, "ca issuing-1;ca issuing-1;");
	assert_int_equal(
	    sweep_authorities(r->store, r->ledger, NOW, 60, &n), 0);
	assert_int_equal(n, 0);
	/* two days later the next one is due, key by key */
	assert_int_equal(
	    sweep_authorities(r->store, r->ledger, NOW + 2 * TIME_DAY, 60, &n),
	    0);
	assert_int_equal(n, 2);
	/* a renewed certificate is another cause */
	der = certificate(r, "issuing-1", NOW + 100 * TIME_DAY);
	assert_int_equal(
	    authority_add_cert(r->store, "issuing-1", der, NOW), 0);
	free_span(der);
	assert_int_equal(
	    sweep_authorities(r->store, r->ledger, NOW + 2 * TIME_DAY, 60, &n),
	    0);
	assert_int_equal(n, 1);
	assert_int_equal(told(r).over, 0);
}

/* what ended while nobody ran is told, as ended; a lost batch tells again */
static void
an_ended_authority_is_told(void **state)
{
	struct rig *r = (struct rig *)*state;
	unsigned n = 0;

	add(r, "root-1", AUTHORITY_CURRENT, NOW - 3 * TIME_DAY, 0);
	assert_int_equal(store_flush(r->store), 0);
	assert_int_equal(
	    sweep_authorities(r->store, r->ledger, NOW, 60, &n), 0);
	store_poison(r->store);
	assert_true(store_flush(r->store) != 0);
	assert_int_equal(
	    sweep_authorities(r->store, r->ledger, NOW, 60, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(told(r).over, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    authorities_are_warned_of_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    an_ended_authority_is_told, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("authorities", tests, NULL, NULL);
}
