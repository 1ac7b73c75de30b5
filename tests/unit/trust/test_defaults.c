/* TRUST-2, and TRUST-1's drop-in folders. */
#include "trust/helper_trust.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/time.h"
#include "os/file.h"

#define YEAR (365 * TIME_DAY)

/* the table of chapter 21, as its lines 6185-6277 print it; the first has no
 * start and is known by its SHA-1 thumbprint, checked with openssl x509 */
static const struct {
	const char *name, *from, *to;
} table[] = {
	{ "Symantec Class 3 Secure Server CA - G4", NULL,
	    "2023-10-30T23:59:59Z" },
	{ "Entrust Certification Authority - L1K", "2015-10-05T19:13:56Z",
	    "2030-12-05T19:43:56Z" },
	{ "GTS Root R1", "2016-06-22T00:00:00Z", "2036-06-22T00:00:00Z" },
	{ "GTS Root R2", "2016-06-22T00:00:00Z", "2036-06-22T00:00:00Z" },
	{ "GlobalSign Root CA - R2", "2006-12-15T08:00:00Z",
	    "2021-12-15T08:00:00Z" },
	{ "ISRG Root X1", "2015-06-04T11:04:38Z", "2035-06-04T11:04:38Z" },
	{ "DigiCert Global Root CA", "2006-11-10T00:00:00Z",
	    "2031-11-10T00:00:00Z" },
	{ "DigiCert SHA2 Secure Server CA", "2013-03-08T12:00:00Z",
	    "2023-03-08T12:00:00Z" },
	{ "Let's Encrypt Authority X3", "2016-03-17T16:40:46Z",
	    "2021-03-17T16:40:46Z" },
};

static void
test_table_of_chapter_21(void **state)
{
	struct place *p = place_new("test:");
	const json_t *list;
	json_t *r = NULL;

	(void)state;
	assert_int_equal(trust_defaults_list(&p->trust, NOW, &r), 0);
	list = json_object_get(r, "certificates");
	assert_int_equal(json_array_size(list), 9);
	for (size_t i = 0; i < 9; i++) {
		const json_t *c = json_array_get(list, i);

		assert_string_equal(json_get0_text(c, "name"), table[i].name);
		assert_string_equal(
		    json_get0_text(c, "not_after"), table[i].to);
		if (table[i].from)
			assert_string_equal(
			    json_get0_text(c, "not_before"), table[i].from);
		/* GlobalSign's CN is "GlobalSign"; its OU has the name */
		assert_non_null(
		    strstr(json_get0_text(c, "subject"), table[i].name));
		assert_true(json_get0_text(c, "use")[0] != '\0');
	}
	json_decref(r);
	place_free(p);
}

/* expired ones are flagged and left out; a reset brings the rest back and
 * leaves what the operator added */
static void
test_reset(void **state)
{
	struct place *p = place_new("test:");
	struct diag d = { 0 };
	json_t *r = NULL;
	BUF(file, 1u << 20);

	(void)state;
	make_pem("Mine", true, NOW - YEAR, NOW + YEAR, &file);
	assert_int_equal(import(p, buf_span(&file), &r, &d), 0);
	json_decref(r);
	assert_int_equal(
	    trust_defaults_apply(&p->trust, "", "uid:0", "local", NOW, &d, &r),
	    0);
	assert_int_equal(json_get_int(r, "added", -1), 5);
	assert_int_equal(json_array_size(json_object_get(r, "left_out")), 4);
	json_decref(r);
	assert_int_equal(trust_list(&p->trust, "", NOW, &r), 0);
	assert_non_null(find_in(r, "ISRG Root X1"));
	assert_null(find_in(r, "Authority X3"));
	json_decref(r);
	assert_int_equal(trust_remove(&p->trust, "", "ISRG Root X1", "uid:0",
			     "local", NOW, &d, &r),
	    0);
	json_decref(r);
	assert_int_equal(
	    trust_defaults_apply(&p->trust, "", "uid:0", "local", NOW, &d, &r),
	    0);
	assert_int_equal(json_get_int(r, "added", -1), 1);
	assert_int_equal(json_get_int(r, "already", -1), 4);
	json_decref(r);
	assert_int_equal(store_flush(p->trust.store), 0);
	assert_int_equal(count_in(p, ""), 6);
	assert_int_equal(count_events(p, EVENT_TRUST_RESET), 2);
	/* ten years on: what has expired since goes with the next reset */
	assert_int_equal(trust_defaults_apply(&p->trust, "", "uid:0", "local",
			     NOW + 9 * YEAR, &d, &r),
	    0);
	assert_int_equal(json_get_int(r, "removed", -1), 3);
	json_decref(r);
	assert_int_equal(store_flush(p->trust.store), 0);
	place_free(p);
}

/* a pinned set: by name, expired ones too when named, and flagged */
static void
test_pin(void **state)
{
	struct place *p = place_new("test:");
	AUTO(json_t) *names =
	    json_pack("[s, s]", "ISRG Root X1", "Let's Encrypt Authority X3");
	AUTO(json_t) *wrong = json_pack("[s]", "Nobody's Root");
	struct diag d = { 0 };
	json_t *r = NULL;

	(void)state;
	assert_int_equal(
	    trust_defaults_pin(&p->trust, wrong, "uid:0", "local", NOW, &d),
	    E_NOT_FOUND);
	assert_int_equal(
	    trust_defaults_pin(&p->trust, names, "uid:0", "local", NOW, &d), 0);
	assert_int_equal(
	    trust_defaults_apply(&p->trust, "", "uid:0", "local", NOW, &d, &r),
	    0);
	assert_int_equal(json_get_int(r, "added", -1), 2);
	json_decref(r);
	assert_int_equal(trust_list(&p->trust, "", NOW, &r), 0);
	assert_true(has_flag(find_in(r, "Authority X3"), "expired"));
	json_decref(r);
	assert_int_equal(
	    trust_defaults_pin(&p->trust, NULL, "uid:0", "local", NOW, &d), 0);
	assert_int_equal(
	    trust_defaults_apply(&p->trust, "", "uid:0", "local", NOW, &d, &r),
	    0);
	assert_int_equal(json_get_int(r, "removed", -1), 1);
	assert_int_equal(json_get_int(r, "added", -1), 4);
	json_decref(r);
	assert_int_equal(store_flush(p->trust.store), 0);
	place_free(p);
}

/* -- drop-in folders -- */

static void
drop(struct place *p, const char *folder, const char *name, struct span bytes)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/trust/%s/%s", p->dir, folder, name);
	assert_int_equal(file_write(path, 0644, bytes, NULL), 0);
}

static bool
is_there(struct place *p, const char *rest)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/trust/%s", p->dir, rest);
	return file_is_there(path);
}

static void
pass(struct place *p)
{
	assert_int_equal(trust_drop_in(&p->trust, NOW), 0);
	assert_int_equal(store_flush(p->trust.store), 0);
}

static void
to_crlf(const struct buf *in, struct buf *out)
{
	for (size_t i = 0; i < in->n; i++) {
		if (in->p[i] == '\n')
			buf_add_text(out, "\r");
		buf_add(out, in->p + i, 1);
	}
}

static void
test_drop_in(void **state)
{
	struct place *p = place_new("test:");
	AUTO_STRUCT(bundle) *b = NULL;
	struct bundle_options none = { .have_password = false };
	BUF(pem, 65536);
	BUF(windows, 65536);

	(void)state;
	pass(p); /* makes the folders */
	make_pem("Dropped", true, NOW - YEAR, NOW + YEAR, &pem);
	to_crlf(&pem, &windows);
	assert_int_equal(
	    bundle_read(buf_span(&pem), "pem", &none, NULL, &b), 0);
	/* Windows line ends, then the same as DER */
	drop(p, "add", "one.pem", buf_span(&windows));
	pass(p);
	assert_int_equal(count_in(p, ""), 1);
	assert_true(is_there(p, "add/done/one.pem"));
	assert_false(is_there(p, "add/one.pem"));
	drop(p, "add", "one.der", b->objects[0].der);
	pass(p);
	assert_int_equal(count_in(p, ""), 1);
	assert_true(is_there(p, "add/done/one.der"));
	drop(p, "delete", "one.der", b->objects[0].der);
	pass(p);
	assert_int_equal(count_in(p, ""), 0);
	assert_true(is_there(p, "delete/done/one.der"));
	/* what is not there cannot be deleted: refused with a reason */
	drop(p, "delete", "again.pem", buf_span(&pem));
	pass(p);
	assert_true(is_there(p, "delete/refused/again.pem"));
	assert_true(is_there(p, "delete/refused/again.pem.txt"));
	drop(p, "add", "noise.pem", span_str("no certificate at all\n"));
	pass(p);
	assert_true(is_there(p, "add/refused/noise.pem"));
	assert_true(is_there(p, "add/refused/noise.pem.txt"));
	assert_int_equal(count_events(p, EVENT_TRUST_ADD), 1);
	assert_int_equal(count_events(p, EVENT_TRUST_REMOVE), 1);
	place_free(p);
}

/* not durable: the file stays and comes again */
static void
test_drop_in_and_a_failing_database(void **state)
{
	struct place *p = place_new("test:");
	BUF(pem, 65536);

	(void)state;
	pass(p);
	make_pem("Dropped", true, NOW - YEAR, NOW + YEAR, &pem);
	drop(p, "add", "one.pem", buf_span(&pem));
	store_test_fail_after(p->trust.store, 3); /* the commit */
	assert_int_equal(trust_drop_in(&p->trust, NOW), 0);
	assert_int_equal(store_flush(p->trust.store), E_DB);
	store_test_fail_after(p->trust.store, 0);
	assert_true(is_there(p, "add/one.pem"));
	pass(p);
	assert_true(is_there(p, "add/done/one.pem"));
	assert_int_equal(count_in(p, ""), 1);
	place_free(p);
}

/* a file that is still being copied is left alone */
static void
test_drop_in_waits_for_the_copy(void **state)
{
	struct place *p = place_new("test:");
	struct stat st;
	char path[512];
	BUF(pem, 65536);

	(void)state;
	pass(p);
	make_pem("Dropped", true, NOW - YEAR, NOW + YEAR, &pem);
	drop(p, "add", "half.pem", span_of(pem.p, pem.n / 2));
	snprintf(path, sizeof(path), "%s/trust/add/half.pem", p->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(trust_drop_in(&p->trust, (int64_t)st.st_mtime), 0);
	assert_int_equal(store_flush(p->trust.store), 0);
	assert_true(is_there(p, "add/half.pem"));
	drop(p, "add", "half.pem", buf_span(&pem));
	pass(p);
	assert_true(is_there(p, "add/done/half.pem"));
	place_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_of_chapter_21),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_pin),
		cmocka_unit_test(test_drop_in),
		cmocka_unit_test(test_drop_in_and_a_failing_database),
		cmocka_unit_test(test_drop_in_waits_for_the_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
