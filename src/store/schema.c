#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "store/store_internal.h"

/*
 * The schema as a list of migrations: number n brings a database of version
 * n - 1 to version n, in one transaction. Never edit one that has been
 * released; append the next. Types that the engines name differently are
 * {BLOB}, {INT}, {ID} (ascending key) and {ONCE} (a key that is not given
 * again after its row was removed).
 *
 * Indexes are few on purpose: each one costs every enrolment, and a random one
 * a page of write-ahead log. (serial, authority) finds a serial number with or
 * without its authority; a request is found by a digest of protocol and
 * transaction id, a quarter of their length. The events have none but their
 * number: long searches use a reader.
 */
static const char *const migrations[] = {
	/* 1 */
	"CREATE TABLE settings (name TEXT PRIMARY KEY, value {BLOB} NOT NULL);"

	"CREATE TABLE counters (id {INT} PRIMARY KEY,"
	" cert_good {INT} NOT NULL, cert_revoked {INT} NOT NULL,"
	" cert_hold {INT} NOT NULL, request_pending {INT} NOT NULL,"
	" request_issued {INT} NOT NULL, request_rejected {INT} NOT NULL);"
	"INSERT INTO counters VALUES (1, 0, 0, 0, 0, 0, 0);"

	"CREATE TABLE authorities (place {ID}, id TEXT NOT NULL UNIQUE,"
	" parent TEXT NOT NULL, kind {INT} NOT NULL, state {INT} NOT NULL,"
	" key_id TEXT NOT NULL, ra_key TEXT NOT NULL, ra_cert {BLOB} NOT NULL,"
	" created {INT} NOT NULL, crl_number {INT} NOT NULL,"
	" crl_this {INT} NOT NULL, crl_next {INT} NOT NULL);"
	"CREATE TABLE authority_certs ("
	" authority TEXT NOT NULL REFERENCES authorities (id),"
	" generation {INT} NOT NULL, added {INT} NOT NULL,"
	" cert {BLOB} NOT NULL, PRIMARY KEY (authority, generation));"
	"CREATE TABLE authority_crls ("
	" authority TEXT PRIMARY KEY REFERENCES authorities (id),"
	" der {BLOB} NOT NULL);"

	"CREATE TABLE certificates (id {ID}, serial {BLOB} NOT NULL,"
	" authority TEXT NOT NULL, state {INT} NOT NULL,"
	" not_before {INT} NOT NULL, not_after {INT} NOT NULL,"
	" revoked_at {INT} NOT NULL, reason {INT} NOT NULL,"
	" warned_at {INT} NOT NULL, subject TEXT NOT NULL,"
	" profile TEXT NOT NULL, entity TEXT NOT NULL,"
	" request {INT} NOT NULL, spki {BLOB} NOT NULL, der {BLOB} NOT NULL);"
	"CREATE UNIQUE INDEX cert_serial ON certificates (serial, authority);"
	"CREATE INDEX cert_expiry ON certificates (not_after, state);"
	"CREATE INDEX cert_unwarned ON certificates (not_after)"
	" WHERE warned_at = 0 AND state = 1;"
	"CREATE INDEX cert_not_good ON certificates (id) WHERE state <> 1;"
	"CREATE INDEX cert_entity ON certificates (entity)"
	" WHERE entity <> '';"

	"CREATE TABLE requests (id {ID}, retry {BLOB} NOT NULL,"
	" protocol TEXT NOT NULL, txid TEXT NOT NULL, state {INT} NOT NULL, "
	"spki {BLOB} NOT NULL,"
	" authority TEXT NOT NULL, profile TEXT NOT NULL,"
	" entity TEXT NOT NULL, source TEXT NOT NULL, subject TEXT NOT NULL,"
	" created {INT} NOT NULL, decided {INT} NOT NULL,"
	" reason TEXT NOT NULL, cert {INT} NOT NULL,"
	" receipt {BLOB} NOT NULL, csr {BLOB} NOT NULL);"
	"CREATE UNIQUE INDEX request_retry ON requests (retry);"
	"CREATE INDEX request_pending ON requests (id) WHERE state = 1;"

	"CREATE TABLE entities (id {ONCE}, name TEXT NOT NULL UNIQUE,"
	" profile TEXT NOT NULL, authority TEXT NOT NULL,"
	" token {INT} NOT NULL, subject TEXT NOT NULL, sans TEXT NOT NULL,"
	" mac TEXT NOT NULL, manual {INT} NOT NULL, created {INT} NOT NULL);"
	"CREATE TABLE passwords (id {ONCE},"
	" entity {INT} NOT NULL REFERENCES entities (id) ON DELETE CASCADE,"
	" hash {BLOB} NOT NULL UNIQUE, created {INT} NOT NULL,"
	" expires {INT} NOT NULL, uses_total {INT} NOT NULL,"
	" uses_left {INT} NOT NULL);"
	"CREATE INDEX password_entity ON passwords (entity);"

	"CREATE TABLE trusts (id {ONCE}, system TEXT NOT NULL,"
	" alias TEXT NOT NULL, origin {INT} NOT NULL,"
	" fingerprint {BLOB} NOT NULL, subject TEXT NOT NULL,"
	" not_before {INT} NOT NULL, not_after {INT} NOT NULL,"
	" added {INT} NOT NULL, der {BLOB} NOT NULL,"
	" UNIQUE (system, fingerprint));"

	"CREATE TABLE events (seq {INT} PRIMARY KEY, time {INT} NOT NULL,"
	" kind {INT} NOT NULL, severity {INT} NOT NULL, object TEXT NOT NULL,"
	" hash {BLOB} NOT NULL, body {BLOB} NOT NULL);"
	"CREATE INDEX event_severe ON events (seq) WHERE severity >= 3;"
	"CREATE TABLE checkpoints (seq {INT} PRIMARY KEY,"
	" time {INT} NOT NULL, hash {BLOB} NOT NULL, key_id TEXT NOT NULL,"
	" sig {BLOB} NOT NULL);",
};
#define SCHEMA_VERSION ((int64_t)(sizeof(migrations) / sizeof(migrations[0])))
#define SCHEMA_TEXT_MAX 16384 /* bytes of one migration */

static void
add_translated(const struct driver *dr, const char *text, struct buf *out)
{
	const struct {
		const char *token, *type;
	} words[] = {
		{ "{BLOB}", dr->blob },
		{ "{INT}", dr->integer },
		{ "{ID}", dr->id },
		{ "{ONCE}", dr->id_once },
	};

	for (; *text; text++) {
		size_t i, n = 0;

		for (i = 0; i < 4; i++) {
			n = strlen(words[i].token);
			if (strncmp(text, words[i].token, n) == 0)
				break;
		}
		if (i == 4) {
			buf_add(out, text, 1);
			continue;
		}
		buf_add_text(out, words[i].type);
		text += n - 1;
	}
}

static int
migrate(struct store *s, int64_t version)
{
	BUF(sql, SCHEMA_TEXT_MAX);
	int err;

	add_translated(s->driver, "BEGIN;", &sql);
	add_translated(s->driver, migrations[version - 1], &sql);
	buf_printf(&sql,
	    "UPDATE meta SET value = %" PRId64 " WHERE name = 'schema';"
	    "COMMIT;",
	    version);
	buf_add_u8(&sql, 0);
	err = buf_error(&sql);
	if (!err)
		err = s->driver->exec(s, (const char *)sql.p);
	if (err)
		s->driver->rollback(s);
	return err;
}

static int
refuse(struct diag *d, int64_t version)
{
	int err = diag_set(d, E_STATE, "database", "schema",
	    "version %" PRId64 ", this program knows %" PRId64, version,
	    SCHEMA_VERSION);

	diag_remedy(d,
	    version > SCHEMA_VERSION
		? "start the newer Signet that made it, or restore a backup"
		: "start the server once: it brings the database up to date");
	return err;
}

int
schema_ensure(struct store *s, struct diag *d)
{
	BUF(sql, SCHEMA_TEXT_MAX);
	int64_t version = 0;
	int err;

	add_translated(s->driver,
	    "CREATE TABLE IF NOT EXISTS meta"
	    " (name TEXT PRIMARY KEY, value {INT} NOT NULL);"
	    "INSERT INTO meta VALUES ('schema', 0) ON CONFLICT DO NOTHING;",
	    &sql);
	buf_add_u8(&sql, 0);
	err = buf_error(&sql);
	if (!err)
		err = s->driver->exec(s, (const char *)sql.p);
	if (!err)
		err = db_one(s, ST_SCHEMA_VERSION, NULL, 0, &version);
	if (!err && version > SCHEMA_VERSION)
		return refuse(d, version);
	while (!err && version < SCHEMA_VERSION)
		err = migrate(s, ++version);
	if (err)
		diag_set(d, err, "database", "schema",
		    "version %" PRId64 " could not be made; the log has the "
		    "database's words",
		    version);
	return err;
}

int
schema_check(struct store *s, struct diag *d)
{
	int64_t version = 0;
	int err = db_one(s, ST_SCHEMA_VERSION, NULL, 0, &version);

	if (err) {
		diag_set(d, err, "database", "schema",
		    "has no version: no database of Signet");
		return err;
	}
	return version == SCHEMA_VERSION ? 0 : refuse(d, version);
}
