#include "store/helper_cases.h"

#include <ftw.h>
#include <sqlite3.h>
#include <unistd.h>

#include "store/helper_pg.h"

struct fixture *
fixture_new(enum fixture_kind kind)
{
	struct fixture *f = (struct fixture *)calloc(1, sizeof(*f));

	assert_non_null(f);
	f->kind = kind;
	if (kind == FIXTURE_TEST)
		snprintf(f->url, sizeof(f->url), "test:");
	if (kind == FIXTURE_PG) {
		if (!pg_start()) {
			free(f);
			return NULL;
		}
		snprintf(f->url, sizeof(f->url), "%s", pg_url());
	}
	return f;
}

void
fixture_free(struct fixture *f)
{
	if (f && f->kind == FIXTURE_PG)
		pg_stop();
	free(f);
}

static void
open_store(struct fixture *f)
{
	struct diag d = { 0 };
	char text[1024];

	if (store_open(f->url, &d, &f->s)) {
		diag_print(&d, text, sizeof(text));
		fail_msg("%s", text);
	}
}

int
fixture_begin(void **state)
{
	struct fixture *f = (struct fixture *)*state;

	if (f->kind == FIXTURE_SQLITE) {
		snprintf(f->folder, sizeof(f->folder), "/tmp/h-store-XXXXXX");
		assert_non_null(mkdtemp(f->folder));
		snprintf(f->url, sizeof(f->url), "sqlite:%s/s.db", f->folder);
	}
	if (f->kind == FIXTURE_PG)
		assert_true(pg_sql("SET client_min_messages = error;"
				   "DROP SCHEMA public CASCADE;"
				   "CREATE SCHEMA public;"));
	open_store(f);
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

int
fixture_done(void **state)
{
	struct fixture *f = (struct fixture *)*state;

	store_close(f->s);
	f->s = NULL;
	if (f->kind == FIXTURE_SQLITE)
		return nftw(f->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

void
fixture_reopen(struct fixture *f)
{
	store_close(f->s);
	f->s = NULL;
	open_store(f);
}

void
fixture_sql(struct fixture *f, const char *sql)
{
	sqlite3 *db = NULL;

	if (f->kind == FIXTURE_PG) {
		assert_true(pg_sql(sql));
		return;
	}
	assert_int_equal(sqlite3_open(f->url + 7, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_close(db);
}

struct cert_row
sample_cert(unsigned n, int64_t not_after)
{
	struct cert_row c = { .state = CERT_GOOD,
		.not_before = 1000,
		.not_after = not_after,
		.reason = -1,
		.request = n };
	/* a row borrows its serial: each number its own place */
	static uint8_t room[4096][4];

	room[n % 4096][0] = 1;
	room[n % 4096][2] = (uint8_t)(n >> 8);
	room[n % 4096][3] = (uint8_t)n;
	c.serial = span_of(room[n % 4096], 4);
	snprintf(c.authority, sizeof(c.authority), "issuing-1");
	snprintf(c.subject, sizeof(c.subject), "CN=phone-%u,O=B\xc3\xbcro", n);
	snprintf(c.profile, sizeof(c.profile), "phone");
	snprintf(c.entity, sizeof(c.entity), "%s", n % 2 ? "" : "phone-group");
	memset(c.spki, (int)n, 32);
	c.der = span_of("DER with a \0 in it", 18);
	return c;
}

struct request_row
sample_request(unsigned n)
{
	struct request_row r = { .state = REQUEST_PENDING, .created = 5000 };

	snprintf(r.protocol, sizeof(r.protocol), "scep");
	snprintf(r.transaction, sizeof(r.transaction), "TX-%08u", n);
	memset(r.spki, (int)n, 32);
	snprintf(r.authority, sizeof(r.authority), "issuing-1");
	snprintf(r.profile, sizeof(r.profile), "phone");
	snprintf(r.entity, sizeof(r.entity), "phone-%u", n);
	snprintf(r.source, sizeof(r.source), "192.0.2.7");
	snprintf(r.subject, sizeof(r.subject), "CN=phone-%u", n);
	r.csr = span_str("csr bytes");
	r.receipt = span_str("{\"asked\":1}");
	return r;
}

struct entity_row
sample_entity(unsigned n)
{
	struct entity_row e = {
		.token = TOKEN_P12, .manual = n % 2, .created = 77
	};

	snprintf(e.name, sizeof(e.name), "phone-%u", n);
	snprintf(e.profile, sizeof(e.profile), "phone");
	snprintf(e.authority, sizeof(e.authority), "issuing-1");
	snprintf(e.subject, sizeof(e.subject), "CN=phone-%u", n);
	snprintf(e.sans, sizeof(e.sans), "DNS:p%u.example", n);
	snprintf(e.mac, sizeof(e.mac), "0123456789ab");
	return e;
}

struct authority_row
sample_authority(const char *id)
{
	struct authority_row a = { .kind = AUTHORITY_ISSUING,
		.state = AUTHORITY_CURRENT,
		.created = 42 };

	snprintf(a.id, sizeof(a.id), "%s", id);
	snprintf(a.parent, sizeof(a.parent), "root-1");
	snprintf(a.key, sizeof(a.key), "k%s", id);
	a.cert = span_str("first certificate");
	return a;
}

struct event_row
sample_event(int64_t seq)
{
	struct event_row e = { .seq = seq,
		.time = 1000 + seq,
		.kind = 1 + (int)(seq % 3),
		.severity = 1 + (int)(seq % 5) };

	snprintf(e.object, sizeof(e.object), "cert %d", (int)(seq % 4));
	e.body = span_str("{\"kind\":\"x\"}");
	memset(e.hash, (int)seq, 32);
	return e;
}
