/*
 * helper_pg: a PostgreSQL server of the test's own, in a scratch folder, on a
 * Unix socket only. Durable like any other: only initdb skips its fsync.
 */
#ifndef TEST_STORE_HELPER_PG_H
#define TEST_STORE_HELPER_PG_H

#include <stdbool.h>
#include <stddef.h>

/* pg_start(): initdb and start, waits until it answers. False with the reason
 * on standard error, the Debian package among it when nothing is installed. */
bool pg_start(void);
void pg_stop(void); /* and removes the folder; fine without pg_start() */
/* a URL of the test database; after pg_start() */
const char *pg_url(void);
/* pg_sql(): runs commands beside the store, as psql would; false: refused */
bool pg_sql(const char *sql);
/* pg_wanted(): false when SIGNET_TEST_NO_PG is set */
bool pg_wanted(void);

#endif
