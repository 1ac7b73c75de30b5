/*
 * store_internal: what the files of this folder share and nobody else sees:
 * the drivers' vtable, statements by number, values, rows, counters.
 *
 * A statement is a constant text with $1, $2, ... in order of first
 * appearance, so that SQLite (which numbers named parameters by appearance)
 * and PostgreSQL (which numbers them by digit) mean the same. It is prepared
 * at its first use and kept per connection.
 */
#ifndef SIGNET_STORE_INTERNAL_H
#define SIGNET_STORE_INTERNAL_H

#include <stdlib.h>

#include "store/statements.h"
#include "store/store.h"

#define DB_VALUES_MAX 20    /* parameters of one statement */
#define DB_WATCH_MAX 4      /* store_watch() */
#define DB_ROWS_DEFAULT 100 /* rows of a listing whose limit is 0 */

enum value_kind { VALUE_UNSET, VALUE_INT, VALUE_TEXT, VALUE_BLOB };
struct value {
	enum value_kind kind;
	int64_t i;
	struct span s; /* borrowed until the statement has ended */
};

static inline struct value
val_int(int64_t i)
{
	return (struct value){ .kind = VALUE_INT, .i = i };
}

static inline struct value
val_text(const char *text)
{
	return (struct value){ .kind = VALUE_TEXT, .s = span_str(text) };
}

static inline struct value
val_blob(struct span s)
{
	return (struct value){ .kind = VALUE_BLOB, .s = s };
}

static inline struct value
val_hash(const uint8_t hash[32])
{
	return val_blob(span_of(hash, 32));
}

/* VALUES(val_int(1), val_text("x")): the two last arguments of db_query() and
 * db_write() */
#define VALUES(...)                                         \
	(const struct value[]){ __VA_ARGS__ },              \
	    sizeof((const struct value[]){ __VA_ARGS__ }) / \
		sizeof(struct value)

/* one running question; the caller's memory */
struct query {
	struct store *s;
	enum statement id;
	void *handle; /* sqlite3_stmt or PGresult */
	bool own;     /* handle is not the cached one */
	int row, rows;
};

/* what ret_changes and ret_id of a write are for stands at db_write() */
struct driver {
	const char *name;
	const char *blob, *integer; /* column types */
	const char *id;             /* ascending primary key */
	const char *id_once;        /* the same, never reused after removal */
	int (*open)(struct store *s, const char *where, struct diag *d);
	void (*close)(struct store *s);
	/* texts outside the table, for the schema: may hold several commands */
	int (*exec)(struct store *s, const char *sql);
	int (*begin)(struct store *s);
	int (*commit)(struct store *s);
	void (*rollback)(struct store *s);
	int (*write)(struct store *s, enum statement id, const struct value *v,
	    size_t n, int64_t *ret_changes, int64_t *ret_id);
	int (*query)(struct query *q, const struct value *v, size_t n);
	int (*step)(struct query *q); /* 1 a row, 0 the end, or E_... */
	int64_t (*column_int)(const struct query *q, int column);
	struct span (*column_bytes)(const struct query *q, int column);
	void (*finish)(struct query *q);
	int (*size)(struct store *s, int64_t *ret_bytes);
};
extern const struct driver driver_sqlite, driver_test, driver_postgresql;

/* Rows by state, kept beside the tables and written once per batch: counting
 * a million rows at every look at the status page would be work for nothing. */
enum counted { COUNTED_CERTIFICATES, COUNTED_REQUESTS, COUNTED_MAX };
#define COUNTED_STATES 4 /* 1..3 used */
struct counters {
	int64_t n[COUNTED_MAX][COUNTED_STATES];
};

struct waiter {
	store_done_fn fn;
	void *cookie;
};
struct waiters {
	struct waiter *p;
	size_t n, cap;
};

struct store {
	const struct driver *driver;
	void *drv; /* the driver's own */
	bool reader;
	bool writing;  /* a batch is open */
	bool poisoned; /* and is rolled back already; its end is to be told */
	bool ending;   /* callbacks of store_flush() are running */
	bool lost;
	unsigned fail_after; /* test driver */
	struct waiters waiters, spare;
	struct waiter watchers[DB_WATCH_MAX];
	struct counters counters, durable;
	bool counters_dirty;
	int64_t cert_last; /* number given last; 0: not asked yet */
};

/* db_query(q, s, id, values, n): starts a question; every start that returns
 * 0 needs db_finish(). Inside a batch a failure poisons it: PostgreSQL ends
 * the transaction then, so no driver goes on. E_INVAL: text that is no UTF-8.
 */
/* E_INVAL: a text that is no UTF-8: PostgreSQL would end the batch over it */
int db_check_values(const struct value *v, size_t n) ERR_CHECK;
int db_query(struct query *q, struct store *s, enum statement id,
    const struct value *v, size_t n) ERR_CHECK;
int db_step(struct query *q) ERR_CHECK; /* 1 a row, 0 the end, or E_... */
void db_finish(struct query *q);
int64_t db_int(const struct query *q, int column);
struct span db_bytes(const struct query *q, int column); /* until db_step() */
void db_text(const struct query *q, int column, char *out, size_t size);
void db_hash(const struct query *q, int column, uint8_t out[32]);
/* an own copy; E_NOMEM */
int db_copy(const struct query *q, int column, struct span *ret) ERR_CHECK;
void db_free(struct span *s);
/* db_one(): the single integer a question answers; E_NOT_FOUND */
int db_one(struct store *s, enum statement id, const struct value *v, size_t n,
    int64_t *ret) ERR_CHECK;

/* db_write(s, id, values, n, ret_changes, ret_id): one change, within the
 * batch. Without ret_changes and ret_id the driver need not wait for the
 * database's answer; a failure then shows at the next question or commit. */
int db_write(struct store *s, enum statement id, const struct value *v,
    size_t n, int64_t *ret_changes, int64_t *ret_id) ERR_CHECK;
/* db_insert(): E_EXISTS when ON CONFLICT DO NOTHING did nothing; ret_id may
 * be NULL for tables without a number */
int db_insert(struct store *s, enum statement id, const struct value *v,
    size_t n, int64_t *ret_id) ERR_CHECK;
/* db_change(): E_NOT_FOUND when no row was touched */
int db_change(struct store *s, enum statement id, const struct value *v,
    size_t n) ERR_CHECK;
/* what every driver does with a failure: words to the log, the code back */
int db_failed(struct store *s, const char *what, const char *words, int code);
unsigned db_limit(unsigned wanted, unsigned most);

int schema_ensure(struct store *s, struct diag *d) ERR_CHECK;
int schema_check(struct store *s, struct diag *d) ERR_CHECK; /* for readers */

int counters_load(struct store *s) ERR_CHECK;
int counters_save(struct store *s) ERR_CHECK;
void counters_add(struct store *s, enum counted what, int state, int64_t n);
/* the number of rows in a state (0: all) */
int counters_get(struct store *s, enum counted what, int state, int64_t *ret)
    ERR_CHECK;

#endif
