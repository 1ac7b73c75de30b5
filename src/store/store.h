/*
 * store: SQL, and nothing else knows SQL: schema, migrations, drivers
 * (SQLite, PostgreSQL, and one for tests that fails on demand).
 *
 * One writer, the core process. Writes of one loop round gather in one
 * transaction, the batch; store_flush() commits it and only then tells the
 * waiters, so nothing is answered before it is durable, and many enrolments
 * share one fsync. A failed write poisons its batch: everything in it is
 * rolled back and every waiter is told; clients retry. Reads see the batch.
 *
 * All functions: E_DB when the database refused (the log has its words),
 * E_NOMEM; what else, stands with the function. Spans and texts returned in
 * row structs are owned by the row; free with its _free() or _done().
 */
#ifndef SIGNET_STORE_STORE_H
#define SIGNET_STORE_STORE_H

#include "base/auto.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/err.h"
#include "base/span.h"

struct store;

/* store_open(url, ret): "sqlite:PATH" or "postgresql://...", or "test:" (SQLite
 * in memory, see store_test_fail_after()). Creates or migrates the schema; a
 * schema newer than this program is E_STATE. Holds the database for one writer:
 * E_EXISTS with the remedy when another core has it. */
int store_open(const char *url, struct diag *d, struct store **ret) ERR_CHECK;
void store_close(struct store *s); /* rolls back an open batch */
AUTO_DEFINE_STRUCT(store, store_close);
/* store_open_reader(): a second, read-only connection for long walks */
int store_open_reader(const char *url, struct diag *d, struct store **ret)
    ERR_CHECK;

/* The batch. store_write() opens it if need be; every function that changes
 * something calls it. */
int store_write(struct store *s) ERR_CHECK;
typedef void (*store_done_fn)(int result, void *cookie); /* 0, or E_DB */
/* store_after(s, fn, cookie): fn runs after the commit of the present batch, in
 * the order of the calls; at once with 0 when no batch is open */
int store_after(struct store *s, store_done_fn fn, void *cookie) ERR_CHECK;
void store_poison(struct store *s); /* this batch must not be committed */
/* store_watch(s, fn, cookie): fn runs after the end of every batch, before its
 * waiters: for what mirrors the database in memory and must be right again
 * before anyone writes. At most 4 (E_LIMIT); store_unwatch() takes it back. */
int store_watch(struct store *s, store_done_fn fn, void *cookie) ERR_CHECK;
void store_unwatch(struct store *s, store_done_fn fn, const void *cookie);
/* store_flush(s): commits (or rolls back a poisoned batch), runs the waiters.
 * 0 when there was nothing or the commit is durable; E_STATE from inside a
 * waiter, which may write but not flush. */
int store_flush(struct store *s) ERR_CHECK;
bool store_is_writing(const struct store *s);
/* store_is_lost(s): the connection is gone; the core exits and is restarted */
bool store_is_lost(const struct store *s);
const char *store_kind(
    const struct store *s); /* "sqlite", "postgresql", "test" */
/* test driver: the n-th write from now fails, 0: never; commits count too.
 * No effect on the others. */
void store_test_fail_after(struct store *s, unsigned n);
/* bytes the database takes on disk */
int store_size(struct store *s, int64_t *ret_bytes) ERR_CHECK;

/* settings: small named values that outlive a restart */
int setting_get(struct store *s, const char *name, struct buf *ret)
    ERR_CHECK; /* E_NOT_FOUND */
int setting_set(struct store *s, const char *name, struct span value) ERR_CHECK;

#endif
