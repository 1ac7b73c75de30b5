/* TRUST-1, TRUST-3, CERT-2: import, list, remove, export. */
#include "trust/helper_trust.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/json.h"
#include "base/str.h"
#include "base/time.h"
#include "os/file.h"

#define YEAR (365 * TIME_DAY)

static void
read_file(const char *path, struct buf *out)
{
	assert_int_equal(file_read(path, 1u << 20, NULL, out), 0);
}

/* TRUST-3, CERT-2: the bundle as published (PSN006362u): three, with notes of
 * the page footers; a second time all are there already */
static void
test_published_bundle(void **state)
{
	static const char *const names[] = {
		"Sectigo RSA Organization Validation",
		"USERTrust RSA Certification Authority",
		"AAA Certificate Services",
	};
	struct place *p = place_new("test:");
	struct diag d = { 0 };
	json_t *r = NULL;
	size_t i, footers = 0;
	json_t *n;
	BUF(file, 1u << 20);

	(void)state;
	read_file(TEST_DATA "/trust/push-notification-bundle.txt", &file);
	assert_int_equal(import(p, buf_span(&file), &r, &d), 0);
	assert_int_equal(json_get_int(r, "added", -1), 3);
	assert_int_equal(json_get_int(r, "already", -1), 0);
	assert_int_equal(json_get_int(r, "refused", -1), 0);
	for (i = 0; i < 3; i++)
		assert_non_null(find_in(r, names[i]));
	json_array_foreach(json_object_get(r, "notes"), i,
	    n) if (strstr(json_get0_text(n, "text"), "sectigo.com/knowledge") &&
		   json_get_int(n, "line", 0) > 0) footers++;
	assert_true(footers >= 4);
	/* SHA-1 on a root's own signature is no weakness */
	assert_false(
	    has_flag(find_in(r, "AAA Certificate Services"), "weak-signature"));
	json_decref(r);
	assert_int_equal(count_in(p, ""), 3);
	assert_int_equal(count_events(p, EVENT_TRUST_ADD), 3);
	assert_int_equal(import(p, buf_span(&file), &r, &d), 0);
	assert_int_equal(json_get_int(r, "added", -1), 0);
	assert_int_equal(json_get_int(r, "already", -1), 3);
	json_decref(r);
	assert_int_equal(count_in(p, ""), 3);
	place_free(p);
}

/* TRUST-3: one broken object: nothing is added, and the report says why */
static void
test_nothing_half_imported(void **state)
{
	struct place *p = place_new("test:");
	struct diag d = { 0 };
	json_t *r = NULL;
	BUF(file, 1u << 20);

	(void)state;
	make_pem("Good One", true, NOW - YEAR, NOW + YEAR, &file);
	buf_add_text(&file, "-----BEGIN CERTIFICATE-----\nMIIBAAAA\n"
			    "-----END CERTIFICATE-----\n");
	make_pem("Good Two", true, NOW - YEAR, NOW + YEAR, &file);
	assert_int_equal(import(p, buf_span(&file), &r, &d), 0);
	assert_int_equal(json_get_int(r, "added", -1), 0);
	assert_true(json_get_int(r, "refused", -1) >= 1);
	assert_string_equal(
	    json_get0_text(find_in(r, "Good One"), "result"), "refused");
	assert_non_null(json_get0_text(find_in(r, "Good One"), "reason"));
	json_decref(r);
	assert_int_equal(count_in(p, ""), 0);
	/* a failing database is no half import either */
	buf_reset(&file);
	make_pem("Good One", true, NOW - YEAR, NOW + YEAR, &file);
	make_pem("Good Two", true, NOW - YEAR, NOW + YEAR, &file);
	store_test_fail_after(p->trust.store, 3);
	r = NULL;
	assert_int_equal(import(p, buf_span(&file), &r, &d), E_DB);
	assert_null(r);
	store_test_fail_after(p->trust.store, 0);
	assert_int_equal(count_in(p, ""), 0);
	place_free(p);
}

/* a private key is no trust anchor; beside certificates it is left out */
static void
test_private_keys(void **state)
{
	struct place *p = place_new("test:");
	struct diag d = { 0 };
	json_t *r = NULL, *n;
	bool noted = false;
	size_t i;
	BUF(file, 1u << 20);

	(void)state;
	make_key_pem(&file);
	assert_int_equal(import(p, buf_span(&file), &r, &d), E_UNSUPPORTED);
	assert_true(d.remedy[0] != '\0');
	make_pem("With Key", true, NOW - YEAR, NOW + YEAR, &file);
	assert_int_equal(import(p, buf_span(&file), &r, &d), 0);
	assert_int_equal(json_get_int(r, "added", -1), 1);
	json_array_foreach(json_object_get(r, "notes"), i, n) noted |=
	    strstr(json_get0_text(n, "text"), "private-key") != NULL;
	assert_true(noted);
	json_decref(r);
	assert_int_equal(import(p, span_of(NULL, 0), &r, &d), E_PARSE);
	assert_int_equal(count_in(p, ""), 1);
	place_free(p);
}

/* flags: expired, not yet, soon, leaf; aliases are unique */
static void
test_flags_and_aliases(void **state)
{
	struct place *p = place_new("sqlite");
	struct diag d = { 0 };
	json_t *r = NULL;
	BUF(file, 1u << 20);

	(void)state;
	make_pem("Old", true, NOW - 2 * YEAR, NOW - YEAR, &file);
	make_pem("Soon", true, NOW - YEAR, NOW + 5 * TIME_DAY, &file);
	make_pem("Future", true, NOW + TIME_DAY, NOW + YEAR, &file);
	make_pem("Leaf", false, NOW - YEAR, NOW + YEAR, &file);
	make_pem("Twin", true, NOW - YEAR, NOW + YEAR, &file);
	make_pem("Twin", true, NOW - YEAR, NOW + YEAR, &file);
	assert_int_equal(import(p, buf_span(&file), &r, &d), 0);
	assert_int_equal(json_get_int(r, "added", -1), 6);
	assert_true(has_flag(find_in(r, "Leaf"), "leaf"));
	json_decref(r);
	assert_int_equal(trust_list(&p->trust, "", NOW, &r), 0);
	assert_true(has_flag(find_in(r, "Old"), "expired"));
	assert_true(has_flag(find_in(r, "Soon"), "expires-soon"));
	assert_true(has_flag(find_in(r, "Future"), "not-yet"));
	assert_false(has_flag(find_in(r, "Twin"), "expired"));
	json_decref(r);
	/* the two of one name have two aliases */
	assert_int_equal(
	    trust_remove(&p->trust, "", "Twin", "uid:0", "local", NOW, &d, &r),
	    0);
	json_decref(r);
	assert_int_equal(trust_remove(&p->trust, "", "Twin-2", "uid:0", "local",
			     NOW, &d, &r),
	    0);
	json_decref(r);
	assert_int_equal(
	    trust_remove(&p->trust, "", "Twin", "uid:0", "local", NOW, &d, &r),
	    E_NOT_FOUND);
	assert_int_equal(store_flush(p->trust.store), 0);
	assert_int_equal(count_in(p, ""), 4);
	assert_int_equal(count_events(p, EVENT_TRUST_REMOVE), 2);
	place_free(p);
}

/* by fingerprint: with and without colons, short ones only when unique */
static void
test_remove_by_fingerprint(void **state)
{
	struct place *p = place_new("test:");
	struct diag d = { 0 };
	json_t *r = NULL, *gone = NULL;
	char fp[65], colons[96];
	uint8_t bytes[32];
	size_t n;
	BUF(file, 1u << 20);

	(void)state;
	make_pem("One", true, NOW - YEAR, NOW + YEAR, &file);
	assert_int_equal(import(p, buf_span(&file), &r, &d), 0);
	snprintf(fp, sizeof(fp), "%s",
	    json_get0_text(find_in(r, "One"), "fingerprint"));
	json_decref(r);
	assert_int_equal(str_from_hex(fp, bytes, sizeof(bytes), &n), 0);
	str_hex(colons, sizeof(colons), span_of(bytes, n), ':');
	fp[7] = '\0'; /* too short to be a fingerprint */
	assert_int_equal(
	    trust_remove(&p->trust, "", fp, "uid:0", "local", NOW, &d, &gone),
	    E_NOT_FOUND);
	assert_int_equal(trust_remove(&p->trust, "", colons, "uid:0", "local",
			     NOW, &d, &gone),
	    0);
	json_decref(gone);
	assert_int_equal(store_flush(p->trust.store), 0);
	assert_int_equal(count_in(p, ""), 0);
	place_free(p);
}

/* TRUST-1: stores of systems are apart; more than 64 entries; OpenSSL reads
 * the export */
static void
test_systems_and_export(void **state)
{
	struct place *p = place_new("test:");
	struct trust_import i = { .system = "pbx1",
		.name = "many",
		.origin = ORIGIN_IMPORT,
		.actor = "uid:0",
		.source = "local" };
	struct diag d = { 0 };
	json_t *r = NULL;
	int found = 0;
	X509 *c;
	BIO *b;
	BUF(file, 1u << 20);
	BUF(pem, 1u << 20);

	(void)state;
	for (int k = 0; k < 80; k++) {
		char cn[32];

		snprintf(cn, sizeof(cn), "Root %d", k);
		make_pem(cn, true, NOW - YEAR, NOW + YEAR, &file);
	}
	i.file = buf_span(&file);
	assert_int_equal(trust_import(&p->trust, &i, NOW, &d, &r), 0);
	assert_int_equal(json_get_int(r, "added", -1), 80);
	json_decref(r);
	assert_int_equal(store_flush(p->trust.store), 0);
	assert_int_equal(count_in(p, "pbx1"), 80);
	assert_int_equal(count_in(p, ""), 0);
	assert_int_equal(trust_export(&p->trust, "pbx1", &pem), 0);
	b = BIO_new_mem_buf(pem.p, (int)pem.n);
	while ((c = PEM_read_bio_X509(b, NULL, NULL, NULL))) {
		found++;
		X509_free(c);
	}
	BIO_free(b);
	assert_int_equal(found, 80);
	i.system = "../etc";
	assert_int_equal(trust_import(&p->trust, &i, NOW, &d, &r), E_INVAL);
	place_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published_bundle),
		cmocka_unit_test(test_nothing_half_imported),
		cmocka_unit_test(test_private_keys),
		cmocka_unit_test(test_flags_and_aliases),
		cmocka_unit_test(test_remove_by_fingerprint),
		cmocka_unit_test(test_systems_and_export),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
