/*
 * The SQLite driver, and the test driver, which is SQLite in memory.
 *
 * One writer: a lock on the file DB.lock beside the database, held for the
 * life of the store. The database itself stays open to readers and to the
 * sqlite3 tool.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "store/store_internal.h"

#define BUSY_WAIT_MS 5000 /* another program may hold the file for so long */

/*
 * WAL with FULL: a commit is one fsync of the log. The page cache has room for
 * the random index pages of a million certificates (it takes what it needs).
 * The log is copied back after 40 MB: measured, 4,000 pages cost a tenth more
 * CPU for an enrolment, and more than 10,000 only a longer stop of the writer.
 * No mmap: it gains nothing here, and an I/O error would be a signal.
 */
static const char settings_file[] = "PRAGMA journal_mode = WAL;"
				    "PRAGMA synchronous = FULL;"
				    "PRAGMA wal_autocheckpoint = 10000;";
static const char settings_all[] = "PRAGMA foreign_keys = ON;"
				   "PRAGMA cache_size = -131072;"
				   "PRAGMA temp_store = MEMORY;";
static const char settings_reader[] = "PRAGMA cache_size = -8192;"
				      "PRAGMA temp_store = MEMORY;"
				      "PRAGMA query_only = ON;";

struct sqlite {
	sqlite3 *db;
	int lock;
	char path[PATH_MAX]; /* "" in memory */
	sqlite3_stmt *cached[ST_MAX];
	bool busy[ST_MAX]; /* in use by a query that is not finished */
};

static int
failed(struct store *s, const char *what, int rc)
{
	struct sqlite *l = (struct sqlite *)s->drv;

	return db_failed(s, what, sqlite3_errmsg(l->db),
	    (rc & 0xff) == SQLITE_NOMEM ? E_NOMEM : E_DB);
}

static int
sqlite_exec(struct store *s, const char *sql)
{
	struct sqlite *l = (struct sqlite *)s->drv;
	int rc = sqlite3_exec(l->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : failed(s, sql, rc);
}

static int
take_lock(struct sqlite *l, struct diag *d)
{
	char path[PATH_MAX];
	int err, n = snprintf(path, sizeof(path), "%s.lock", l->path);

	if (n < 0 || (size_t)n >= sizeof(path))
		return diag_set(
		    d, E_TOO_BIG, l->path, NULL, "the path is too long");
	l->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (l->lock < 0)
		return diag_set(d, E_IO, path, NULL, "%s", strerror(errno));
	if (flock(l->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return diag_set(d, E_IO, path, NULL, "%s", strerror(errno));
	err = diag_set(d, E_EXISTS, l->path, "one writer",
	    "another Signet has this database open");
	diag_remedy(d, "stop that server, or give this one its own --state");
	return err;
}

/* the file is ours alone from the first byte; its log takes the same mode */
static int
ensure_file(const char *path, struct diag *d)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return diag_set(d, E_IO, path, NULL, "%s", strerror(errno));
	close(fd);
	return 0;
}

static int
configure(struct store *s, struct diag *d)
{
	struct sqlite *l = (struct sqlite *)s->drv;
	int err = 0;

	sqlite3_busy_timeout(l->db, BUSY_WAIT_MS);
	sqlite3_extended_result_codes(l->db, 1);
	if (!s->reader && l->path[0])
		err = sqlite_exec(s, settings_file);
	if (!err)
		err =
		    sqlite_exec(s, s->reader ? settings_reader : settings_all);
	if (err)
		return diag_set(
		    d, err, l->path, NULL, "%s", sqlite3_errmsg(l->db));
	return 0;
}

static int
open_database(struct store *s, struct diag *d)
{
	struct sqlite *l = (struct sqlite *)s->drv;
	int flags = SQLITE_OPEN_NOMUTEX;
	int rc;

	flags |= s->reader ? SQLITE_OPEN_READONLY
			   : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	rc = sqlite3_open_v2(
	    l->path[0] ? l->path : ":memory:", &l->db, flags, NULL);
	if (rc != SQLITE_OK)
		return diag_set(d, E_DB, l->path, NULL, "%s",
		    l->db ? sqlite3_errmsg(l->db) : "no memory");
	return configure(s, d);
}

static struct sqlite *
allocate(struct store *s)
{
	struct sqlite *l = (struct sqlite *)calloc(1, sizeof(*l));

	if (l)
		l->lock = -1;
	s->drv = l;
	return l;
}

static int
sqlite_open(struct store *s, const char *where, struct diag *d)
{
	struct sqlite *l = allocate(s);
	int err;

	if (!l)
		return diag_set(d, E_NOMEM, "database", NULL, "no memory");
	/* a name with a colon would be read as an URI or as ":memory:" */
	if (str_copy(l->path, sizeof(l->path), where) || where[0] == '\0' ||
	    where[0] == ':')
		return diag_set(d, E_INVAL, "database", "sqlite:PATH",
		    "\"%s\" is no path of a file", where);
	if (s->reader)
		return open_database(s, d);
	err = take_lock(l, d);
	if (!err)
		err = ensure_file(l->path, d);
	return err ? err : open_database(s, d);
}

static int
test_open(struct store *s, const char *where, struct diag *d)
{
	(void)where;
	if (!allocate(s))
		return diag_set(d, E_NOMEM, "database", NULL, "no memory");
	if (s->reader)
		return diag_set(d, E_UNSUPPORTED, "database",
		    "test:", "lives in one connection");
	return open_database(s, d);
}

static void
sqlite_close(struct store *s)
{
	struct sqlite *l = (struct sqlite *)s->drv;

	for (size_t i = 0; i < ST_MAX; i++)
		sqlite3_finalize(l->cached[i]);
	sqlite3_close(l->db);
	if (l->lock >= 0)
		close(l->lock);
	free(l);
	s->drv = NULL;
}

static int
sqlite_begin(struct store *s)
{
	return sqlite_exec(s, "BEGIN IMMEDIATE");
}

static int
sqlite_commit(struct store *s)
{
	return sqlite_exec(s, "COMMIT");
}

static void
sqlite_rollback(struct store *s)
{
	struct sqlite *l = (struct sqlite *)s->drv;

	/* some failures have rolled back already */
	if (!sqlite3_get_autocommit(l->db))
		(void)sqlite_exec(s, "ROLLBACK");
}

static int
prepare(struct store *s, enum statement id, unsigned flags, sqlite3_stmt **ret)
{
	struct sqlite *l = (struct sqlite *)s->drv;
	int rc =
	    sqlite3_prepare_v3(l->db, statement_text[id], -1, flags, ret, NULL);

	return rc == SQLITE_OK ? 0 : failed(s, statement_text[id], rc);
}

static int
bind(struct store *s, enum statement id, sqlite3_stmt *stmt,
    const struct value *v, size_t n)
{
	static const uint8_t nothing[1] = { 0 };
	int rc = SQLITE_OK;

	for (size_t i = 0; i < n && rc == SQLITE_OK; i++) {
		int at = (int)i + 1;
		/* SQLite takes a null pointer for NULL, not for empty */
		const void *p = v[i].s.n ? v[i].s.p : nothing;

		if (v[i].s.n > INT_MAX)
			return E_TOO_BIG;
		if (v[i].kind == VALUE_INT)
			rc = sqlite3_bind_int64(stmt, at, v[i].i);
		else if (v[i].kind == VALUE_TEXT)
			rc = sqlite3_bind_text(stmt, at, (const char *)p,
			    (int)v[i].s.n, SQLITE_STATIC);
		else
			rc = sqlite3_bind_blob(
			    stmt, at, p, (int)v[i].s.n, SQLITE_STATIC);
	}
	return rc == SQLITE_OK ? 0 : failed(s, statement_text[id], rc);
}

static int
sqlite_write(struct store *s, enum statement id, const struct value *v,
    size_t n, int64_t *ret_changes, int64_t *ret_id)
{
	struct sqlite *l = (struct sqlite *)s->drv;
	sqlite3_stmt *stmt = l->cached[id];
	int err, rc;

	if (!stmt) {
		err = prepare(s, id, SQLITE_PREPARE_PERSISTENT, &stmt);
		if (err)
			return err;
		l->cached[id] = stmt;
	}
	err = bind(s, id, stmt, v, n);
	if (err)
		return err;
	rc = sqlite3_step(stmt);
	if (rc != SQLITE_DONE)
		err = failed(s, statement_text[id], rc);
	sqlite3_reset(stmt);
	if (err)
		return err;
	if (ret_changes)
		*ret_changes = sqlite3_changes64(l->db);
	if (ret_id)
		*ret_id = sqlite3_last_insert_rowid(l->db);
	return 0;
}

/* A callback of a listing may start the same listing again: the second one
 * gets a statement of its own. */
static int
sqlite_query(struct query *q, const struct value *v, size_t n)
{
	struct sqlite *l = (struct sqlite *)q->s->drv;
	sqlite3_stmt *stmt = l->cached[q->id];
	int err = 0;

	q->own = l->busy[q->id];
	if (q->own || !stmt)
		err = prepare(
		    q->s, q->id, q->own ? 0 : SQLITE_PREPARE_PERSISTENT, &stmt);
	if (err)
		return err;
	if (!q->own)
		l->cached[q->id] = stmt;
	err = bind(q->s, q->id, stmt, v, n);
	if (err) {
		if (q->own)
			sqlite3_finalize(stmt);
		return err;
	}
	if (!q->own)
		l->busy[q->id] = true;
	q->handle = stmt;
	return 0;
}

static int
sqlite_step(struct query *q)
{
	int rc = sqlite3_step((sqlite3_stmt *)q->handle);

	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : failed(q->s, statement_text[q->id], rc);
}

static int64_t
sqlite_column_int(const struct query *q, int column)
{
	return sqlite3_column_int64((sqlite3_stmt *)q->handle, column);
}

static struct span
sqlite_column_bytes(const struct query *q, int column)
{
	sqlite3_stmt *stmt = (sqlite3_stmt *)q->handle;
	const void *p = sqlite3_column_blob(stmt, column);

	return span_of(p, (size_t)sqlite3_column_bytes(stmt, column));
}

static void
sqlite_finish(struct query *q)
{
	struct sqlite *l = (struct sqlite *)q->s->drv;

	if (!q->handle)
		return;
	if (q->own) {
		sqlite3_finalize((sqlite3_stmt *)q->handle);
	} else {
		sqlite3_reset((sqlite3_stmt *)q->handle);
		l->busy[q->id] = false;
	}
	q->handle = NULL;
}

static int
sqlite_size(struct store *s, int64_t *ret_bytes)
{
	static const char *const parts[] = { "", "-wal", "-shm" };
	struct sqlite *l = (struct sqlite *)s->drv;
	char path[PATH_MAX];
	int64_t sum = 0;
	struct stat st;

	for (size_t i = 0; l->path[0] && i < 3; i++) {
		int n = snprintf(path, sizeof(path), "%s%s", l->path, parts[i]);

		if (n > 0 && (size_t)n < sizeof(path) && stat(path, &st) == 0)
			sum += (int64_t)st.st_blocks * 512;
	}
	*ret_bytes = l->path[0] ? sum : sqlite3_memory_used();
	return 0;
}

#define DRIVER(called, opens)                                                 \
	{                                                                     \
		.name = (called), .blob = "BLOB", .integer = "INTEGER",       \
		.id = "INTEGER PRIMARY KEY",                                  \
		.id_once = "INTEGER PRIMARY KEY AUTOINCREMENT",               \
		.open = (opens), .close = sqlite_close, .exec = sqlite_exec,  \
		.begin = sqlite_begin, .commit = sqlite_commit,               \
		.rollback = sqlite_rollback, .write = sqlite_write,           \
		.query = sqlite_query, .step = sqlite_step,                   \
		.column_int = sqlite_column_int,                              \
		.column_bytes = sqlite_column_bytes, .finish = sqlite_finish, \
		.size = sqlite_size,                                          \
	}

const struct driver driver_sqlite = DRIVER("sqlite", sqlite_open);
const struct driver driver_test = DRIVER("test", test_open);
