/* ledger: the chain, its checkpoints and what verification finds (ACC-8). */
#include <sqlite3.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "test.h"

#include "base/json.h"
#include "base/str.h"
#include "ledger/ledger.h"

struct scene {
	char folder[64], url[160], path[128];
	struct store *s;
	struct ledger *l;
	EVP_PKEY *key;
	uint8_t *spki;
	struct span public_key;
	bool ed25519;
};

static struct scene *
open_scene(const char *kind, bool ed25519)
{
	struct scene *c = (struct scene *)calloc(1, sizeof(*c));
	struct diag d = { 0 };
	int n;

	snprintf(c->folder, sizeof(c->folder), "/tmp/h-store-ledger-XXXXXX");
	assert_non_null(mkdtemp(c->folder));
	snprintf(c->path, sizeof(c->path), "%s/s.db", c->folder);
	if (kind)
		snprintf(c->url, sizeof(c->url), "%s", kind);
	else
		snprintf(c->url, sizeof(c->url), "sqlite:%s", c->path);
	assert_int_equal(store_open(c->url, &d, &c->s), 0);
	assert_int_equal(ledger_open(c->s, &d, &c->l), 0);
	c->ed25519 = ed25519;
	c->key = ed25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
			 : EVP_EC_gen("P-256");
	n = i2d_PUBKEY(c->key, &c->spki);
	c->public_key = span_of(c->spki, (size_t)n);
	return c;
}

static void
close_scene(struct scene *c)
{
	char path[140];

	ledger_close(c->l);
	store_close(c->s);
	EVP_PKEY_free(c->key);
	OPENSSL_free(c->spki);
	unlink(c->path);
	snprintf(path, sizeof(path), "%s.lock", c->path);
	unlink(path);
	assert_int_equal(rmdir(c->folder), 0);
	free(c);
}

static void
reopen(struct scene *c)
{
	struct diag d = { 0 };

	ledger_close(c->l);
	store_close(c->s);
	assert_int_equal(store_open(c->url, &d, &c->s), 0);
	assert_int_equal(ledger_open(c->s, &d, &c->l), 0);
}

static void
tamper(struct scene *c, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(c->path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	assert_true(sqlite3_changes(db) > 0 || str_has_prefix(sql, "CREATE"));
	sqlite3_close(db);
}

static struct event
sample(unsigned i)
{
	static char object[4][20];

	snprintf(object[i % 4], sizeof(object[0]), "cert %u", i);
	return (struct event){ .kind = EVENT_ISSUE,
		.severity = SEVERITY_INFO,
		.actor = "scep",
		.source = "192.0.2.1",
		.object = object[i % 4],
		.result = "ok" };
}

static void
add_events(struct scene *c, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct event e = sample(i);

		assert_int_equal(ledger_add(c->l, &e, 1000 + i), 0);
	}
	assert_int_equal(store_flush(c->s), 0);
}

/* what the key process does */
static struct checkpoint_row
add_checkpoint(struct scene *c, int64_t now)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct checkpoint_row row = { 0 };
	uint8_t sig[256];
	size_t n = sizeof(sig);
	BUF(text, 200);

	assert_int_equal(ledger_checkpoint_text(c->l, now, &row, &text), 0);
	assert_int_equal(
	    EVP_DigestSignInit_ex(ctx, NULL, c->ed25519 ? NULL : "SHA256", NULL,
		NULL, c->key, NULL),
	    1);
	assert_int_equal(EVP_DigestSign(ctx, sig, &n, text.p, text.n), 1);
	EVP_MD_CTX_free(ctx);
	snprintf(row.key, sizeof(row.key), "ledger-1");
	row.sig = span_of(sig, n);
	assert_int_equal(ledger_checkpoint_add(c->l, &row), 0);
	assert_int_equal(store_flush(c->s), 0);
	row.sig = span_of(NULL, 0);
	return row;
}

static struct ledger_verdict
verify(struct scene *c, const struct checkpoint_row *remembered)
{
	struct ledger_verdict v = { 0 };
	struct ledger_walk *w = NULL;
	unsigned steps = 0;

	assert_int_equal(ledger_walk_new(c->s, c->public_key,
			     remembered ? remembered->seq : 0,
			     remembered ? remembered->hash : NULL, &w),
	    0);
	while (!v.done) {
		assert_int_equal(ledger_walk_step(w, 7, &v), 0);
		assert_true(++steps < 1000);
	}
	ledger_walk_free(w);
	return v;
}

static void
expect_bad(struct scene *c, const struct checkpoint_row *remembered,
    int64_t first_bad, const char *word)
{
	struct ledger_verdict v = verify(c, remembered);

	assert_false(v.good);
	assert_int_equal(v.first_bad, first_bad);
	if (!strstr(v.reason, word))
		fail_msg("\"%s\" does not say \"%s\"", v.reason, word);
}

static int
copy_row(const struct event_row *e, void *cookie)
{
	char *out = (char *)cookie;
	size_t n = strlen(out);

	snprintf(out + n, 1000 - n, "%.*s|", (int)e->body.n,
	    (const char *)e->body.p);
	str_hex(out + strlen(out), 70, span_of(e->hash, 32), 0);
	return 0;
}

/* ACC-8: hashes computed with Python's hashlib from ledger.h's definition */
static void
chain_is_as_documented(void **state)
{
	struct scene *c = open_scene(NULL, true);
	struct event e = { .kind = EVENT_ISSUE,
		.severity = SEVERITY_INFO,
		.actor = "scep",
		.source = "192.0.2.1",
		.object = "cert 3a",
		.result = "ok" };
	struct event_filter f = { 0 };
	char text[1000] = "";
	uint8_t hash[32];

	(void)state;
	e.detail = json_pack("{s:s, s:i}", "b", "x", "a", 1);
	assert_int_equal(ledger_head(c->l, hash), 0);
	assert_int_equal(ledger_add(c->l, &e, 1700000000), 0);
	json_decref(e.detail);
	e = (struct event){ .kind = EVENT_ENTITY_ADD,
		.severity = SEVERITY_NOTICE,
		.actor = "uid:0",
		.object = "B\xc3\xbcro \"1\" \n",
		.result = "ok" };
	assert_int_equal(ledger_add(c->l, &e, 1700000001), 0);
	assert_int_equal(store_flush(c->s), 0);
	assert_int_equal(event_each(c->s, &f, copy_row, text), 0);
	assert_string_equal(text,
	    "{\"kind\":\"cert.issue\",\"severity\":\"info\",\"objec"
	    "t\":\"cert 3a\",\"actor\":\"scep\",\"source\":\"192.0."
	    "2.1\",\"result\":\"ok\",\"detail\":{\"a\":1,\"b\":\"x"
	    "\"}}|"
	    "de798e17db23e81ba6249c9214a60d17"
	    "8fb3cba1a91ef1f75f310a77fb564d46"
	    "{\"kind\":\"entity.add\",\"severity\":\"notice\",\"obj"
	    "ect\":\"B\xc3\xbc"
	    "ro \\\"1\\\" \\\\x0a\",\"actor\":\""
	    "uid:0\",\"source\":\"\",\"result\":\"ok\"}|"
	    "c95b487640065875701fe7ce42e76588"
	    "943857f865e43b6e6d9ccfe09d70bab0");
	reopen(c);
	assert_int_equal(ledger_head(c->l, hash), 2);
	assert_true(verify(c, NULL).good);
	close_scene(c);
}

static int
show(const struct event_row *e, void *cookie)
{
	*(json_t **)cookie = event_to_json(e);
	return 0;
}

/* foreign bytes, too long members, a detail over the maximum: still a record
 * that parses, in any database */
static void
hostile_members_are_tamed(void **state)
{
	struct scene *c = open_scene(NULL, true);
	struct event e = sample(1);
	struct event_filter f = { 0 };
	char *much = (char *)malloc(40001);
	json_t *o = NULL;

	(void)state;
	memset(much, 'x', 40000);
	much[40000] = '\0';
	e.object = much;
	e.source = "\xed\xa0\x80\x01\xff";
	e.actor = NULL;
	e.detail = json_pack("{s:s}", "much", much);
	assert_int_equal(ledger_add(c->l, &e, 1700000000), 0);
	assert_int_equal(store_flush(c->s), 0);
	json_decref(e.detail);
	free(much);
	assert_int_equal(event_each(c->s, &f, show, &o), 0);
	assert_int_equal(strlen(json_get0_text(o, "object")), 1023);
	assert_string_equal(json_get0_text(o, "actor"), "");
	assert_string_equal(json_get0_text(o, "kind"), "cert.issue");
	assert_string_equal(json_get0_text(o, "time"), "2023-11-14T22:13:20Z");
	assert_non_null(json_get0_text(o, "source"));
	assert_null(json_object_get(o, "detail"));
	assert_null(json_object_get(o, "damaged"));
	assert_int_equal(json_get_int(o, "seq", 0), 1);
	json_decref(o);
	assert_true(verify(c, NULL).good);
	close_scene(c);
}

static void
good_with_checkpoints(void **state)
{
	struct scene *c = open_scene(NULL, *(bool *)*state);
	struct checkpoint_row last;
	struct ledger_verdict v;

	assert_true(verify(c, NULL).good);
	add_events(c, 10);
	add_checkpoint(c, 2000);
	add_events(c, 13);
	last = add_checkpoint(c, 3000);
	add_events(c, 4);
	v = verify(c, &last);
	assert_true(v.good);
	assert_int_equal(v.events, 27);
	assert_int_equal(v.checkpoints, 2);
	assert_int_equal(v.first_bad, 0);
	close_scene(c);
}

/* ACC-8: each kind of tampering, named with its first record */
static void
tampering_is_found(void **state)
{
	struct scene *c = open_scene(NULL, *(bool *)*state);
	struct checkpoint_row last;

	add_events(c, 20);
	last = add_checkpoint(c, 2000);
	add_events(c, 5);

	tamper(c, "CREATE TABLE keep AS SELECT * FROM events;");
	tamper(c, "UPDATE events SET body = CAST(replace(CAST(body AS TEXT), "
		  "'scep', 'none') AS BLOB) WHERE seq = 7");
	expect_bad(c, &last, 7, "record 7 was changed");
	tamper(c, "REPLACE INTO events SELECT * FROM keep");

	tamper(c, "UPDATE events SET hash = randomblob(32) WHERE seq = 9");
	expect_bad(c, &last, 9, "record 9 was changed");
	tamper(c, "REPLACE INTO events SELECT * FROM keep");

	tamper(c, "UPDATE events SET time = time + 1 WHERE seq = 25");
	expect_bad(c, &last, 25, "record 25 was changed");
	tamper(c, "REPLACE INTO events SELECT * FROM keep");

	/* the columns that lists filter by */
	tamper(c, "UPDATE events SET severity = 5 WHERE seq = 3");
	expect_bad(c, &last, 3, "record 3 was changed");
	tamper(c, "REPLACE INTO events SELECT * FROM keep");
	tamper(c, "UPDATE events SET object = 'cert' WHERE seq = 4");
	expect_bad(c, &last, 4, "record 4 was changed");
	tamper(c, "REPLACE INTO events SELECT * FROM keep");

	tamper(c, "DELETE FROM events WHERE seq = 11");
	expect_bad(c, &last, 11, "record 11 is missing");
	tamper(c, "REPLACE INTO events SELECT * FROM keep");

	/* 5 and 6 change places */
	tamper(c, "UPDATE events SET seq = -1 WHERE seq = 5;"
		  "UPDATE events SET seq = 5 WHERE seq = 6;"
		  "UPDATE events SET seq = 6 WHERE seq = -1;");
	expect_bad(c, &last, 5, "record 5 was changed");
	tamper(c, "REPLACE INTO events SELECT * FROM keep");

	assert_true(verify(c, &last).good);
	close_scene(c);
}

/* ACC-8: the tail cut, with and without its checkpoints; all of it */
static void
cut_tail_is_found(void **state)
{
	struct scene *c = open_scene(NULL, *(bool *)*state);
	struct checkpoint_row last;

	add_events(c, 20);
	last = add_checkpoint(c, 2000);
	tamper(c, "DELETE FROM events WHERE seq > 15");
	expect_bad(c, NULL, 16, "cut off");
	tamper(c, "DELETE FROM checkpoints");
	/* the chain itself is whole now: only the memory knows */
	assert_true(verify(c, NULL).good);
	expect_bad(c, &last, 16, "cut off");
	tamper(c, "DELETE FROM events");
	expect_bad(c, &last, 1, "cut off");
	close_scene(c);
}

static void
forged_checkpoint_is_found(void **state)
{
	struct scene *c = open_scene(NULL, *(bool *)*state);

	add_events(c, 10);
	add_checkpoint(c, 2000);
	add_events(c, 10);
	add_checkpoint(c, 3000);
	tamper(c, "CREATE TABLE keep AS SELECT * FROM checkpoints;");
	tamper(c, "UPDATE checkpoints SET sig = randomblob(64) "
		  "WHERE seq = 20");
	expect_bad(c, NULL, 20, "checkpoint at record 20 was forged");
	tamper(c, "REPLACE INTO checkpoints SELECT * FROM keep");
	tamper(c, "UPDATE checkpoints SET time = 2001 WHERE seq = 10");
	expect_bad(c, NULL, 10, "checkpoint at record 10 was forged");
	tamper(c, "REPLACE INTO checkpoints SELECT * FROM keep");
	/* one for records that are still to come */
	tamper(c, "INSERT INTO checkpoints SELECT 99, time, hash, key_id, sig "
		  "FROM keep WHERE seq = 20");
	expect_bad(c, NULL, 99, "checkpoint at record 99 was forged");
	close_scene(c);
}

/* ACC-8: somebody computes the whole chain anew: it is whole, but it is not
 * what was signed */
static void
rewritten_chain_is_found(void **state)
{
	struct scene *c = open_scene(NULL, *(bool *)*state);
	struct checkpoint_row last;
	struct event e;

	add_events(c, 10);
	last = add_checkpoint(c, 2000);
	tamper(c, "DELETE FROM events");
	reopen(c);
	for (unsigned i = 0; i < 12; i++) {
		e = sample(i);
		if (i == 4)
			e.actor = "nobody";
		assert_int_equal(ledger_add(c->l, &e, 1000 + i), 0);
	}
	assert_int_equal(store_flush(c->s), 0);
	expect_bad(c, NULL, 10, "rewritten");
	tamper(c, "DELETE FROM checkpoints");
	expect_bad(c, &last, 10, "rewritten");
	close_scene(c);
}

static void
walk_refuses_a_key_it_cannot_use(void **state)
{
	struct scene *c = open_scene(NULL, true);
	struct ledger_walk *w = NULL;
	EVP_PKEY *rsa = EVP_RSA_gen(1024);
	uint8_t *der = NULL;
	int n = i2d_PUBKEY(rsa, &der);

	(void)state;
	assert_int_equal(
	    ledger_walk_new(c->s, span_of(NULL, 0), 0, NULL, &w), E_PARSE);
	assert_int_equal(
	    ledger_walk_new(c->s, span_str("no key"), 0, NULL, &w), E_PARSE);
	assert_int_equal(
	    ledger_walk_new(c->s, span_of(der, (size_t)n), 0, NULL, &w),
	    E_PARSE);
	assert_null(w);
	OPENSSL_free(der);
	EVP_PKEY_free(rsa);
	close_scene(c);
}

static void
checkpoints_become_due(void **state)
{
	struct scene *c = open_scene(NULL, true);
	struct checkpoint_row row, wrong;
	struct event e = sample(1);
	BUF(text, 200);

	(void)state;
	assert_false(ledger_checkpoint_is_due(c->l, 99999));
	assert_int_equal(
	    ledger_checkpoint_text(c->l, 1, &row, &text), E_NOT_FOUND);
	add_events(c, 1);
	assert_true(ledger_checkpoint_is_due(c->l, 2000));
	add_checkpoint(c, 2000);
	assert_false(ledger_checkpoint_is_due(c->l, 99999));
	assert_int_equal(ledger_add(c->l, &e, 2001), 0);
	assert_int_equal(
	    ledger_checkpoint_text(c->l, 2001, &row, &text), E_STATE);
	assert_int_equal(store_flush(c->s), 0);
	assert_false(ledger_checkpoint_is_due(c->l, 2059));
	assert_true(ledger_checkpoint_is_due(c->l, 2060));
	add_events(c, LEDGER_CHECKPOINT_EVENTS - 1);
	assert_true(ledger_checkpoint_is_due(c->l, 2001));
	reopen(c);
	assert_true(ledger_checkpoint_is_due(c->l, 2001));
	assert_int_equal(ledger_checkpoint_text(c->l, 2002, &row, &text), 0);
	/* "signet-checkpoint-1", seq, hash, time */
	assert_int_equal(text.n, 19 + 8 + 32 + 8);
	assert_int_equal(text.p[25] << 8 | text.p[26], 1001);
	wrong = row;
	wrong.sig = span_str("signature");
	wrong.hash[0] ^= 1;
	assert_int_equal(ledger_checkpoint_add(c->l, &wrong), E_CONFLICT);
	wrong.seq = 5000;
	assert_int_equal(ledger_checkpoint_add(c->l, &wrong), E_INVAL);
	add_checkpoint(c, 2002);
	assert_false(ledger_checkpoint_is_due(c->l, 99999));
	close_scene(c);
}

struct routed {
	struct scene *c;
	int64_t seq[20];
	size_t n;
	bool again; /* write an event from inside, once */
	char text[100];
};

static void
route(const struct event_row *e, void *cookie)
{
	struct routed *r = (struct routed *)cookie;
	struct event more = sample(3);

	assert_non_null(strstr(e->object, "cert"));
	assert_int_equal(memcmp(e->body.p, "{\"kind\"", 7), 0);
	r->seq[r->n++] = e->seq;
	if (!r->again)
		return;
	r->again = false;
	assert_int_equal(ledger_add(r->c->l, &more, 5), 0);
}

static void
waiter(int result, void *cookie)
{
	struct routed *r = (struct routed *)cookie;
	struct event more = sample(2);

	(void)result;
	assert_int_equal(ledger_add(r->c->l, &more, 6), 0);
}

/* CA-6: a rolled-back batch leaves the chain where it was, whoever writes
 * next, even a waiter of that very batch; routes hear of durable events only */
static void
rollback_takes_the_head_back(void **state)
{
	struct scene *c = open_scene("test:", true);
	struct routed r = { .c = c };
	struct event e = sample(1);
	uint8_t before[32], after[32];

	(void)state;
	assert_int_equal(ledger_add_route(c->l, route, &r), 0);
	add_events(c, 3);
	assert_int_equal(r.n, 3);
	assert_int_equal(ledger_head(c->l, before), 3);
	assert_int_equal(ledger_add(c->l, &e, 1), 0);
	assert_int_equal(ledger_add(c->l, &e, 1), 0);
	assert_int_equal(ledger_head(c->l, after), 5);
	assert_int_equal(store_after(c->s, waiter, &r), 0);
	store_test_fail_after(c->s, 1); /* the commit */
	assert_int_equal(store_flush(c->s), E_DB);
	assert_int_equal(r.n, 3);
	/* the waiter has written number 4 on the durable head */
	assert_int_equal(ledger_head(c->l, after), 4);
	r.again = true;
	assert_int_equal(store_flush(c->s), 0);
	assert_int_equal(r.n, 4);
	assert_int_equal(r.seq[3], 4);
	assert_int_equal(store_flush(c->s), 0);
	assert_int_equal(r.seq[4], 5);
	assert_int_equal(ledger_head(c->l, after), 5);
	assert_true(verify(c, NULL).good);
	/* an event that is none poisons the change that it should tell of */
	e.kind = EVENT_UNSET;
	assert_int_equal(setting_set(c->s, "x", span_str("1")), 0);
	assert_int_equal(ledger_add(c->l, &e, 1), E_INVAL);
	assert_int_equal(store_flush(c->s), E_DB);
	close_scene(c);
}

static void
names_both_ways(void **state)
{
	(void)state;
	for (int k = 1; k < EVENT_KIND_MAX; k++) {
		assert_string_not_equal(event_kind_name(k), "unset");
		assert_int_equal(event_kind_from_name(event_kind_name(k)), k);
	}
	assert_int_equal(event_kind_from_name("cert.expiring"), EVENT_EXPIRING);
	assert_int_equal(event_kind_from_name("nothing"), EVENT_UNSET);
	assert_int_equal(severity_from_name("critical"), SEVERITY_CRITICAL);
	assert_string_equal(severity_name(SEVERITY_WARNING), "warning");
}

int
main(void)
{
	static bool ed25519 = true, p256 = false;
#define BOTH(test)                                          \
	cmocka_unit_test_prestate(test, &ed25519),          \
	{                                                   \
		.name = #test " p256", .test_func = (test), \
		.initial_state = &p256                      \
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chain_is_as_documented),
		cmocka_unit_test(hostile_members_are_tamed),
		BOTH(good_with_checkpoints),
		BOTH(tampering_is_found),
		BOTH(cut_tail_is_found),
		BOTH(forged_checkpoint_is_found),
		BOTH(rewritten_chain_is_found),
		cmocka_unit_test(walk_refuses_a_key_it_cannot_use),
		cmocka_unit_test(checkpoints_become_due),
		cmocka_unit_test(rollback_takes_the_head_back),
		cmocka_unit_test(names_both_ways),
	};

	return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
