/*
 * The PostgreSQL driver.
 *
 * The connection lives in libpq's pipeline mode: BEGIN and writes whose answer
 * nobody needs are queued and travel with the next question, or with COMMIT.
 * Their failure aborts the transaction and so shows there, which is early
 * enough: a batch with one failure is rolled back as a whole. A question costs
 * one round trip; a thousand events cost none of their own.
 *
 * One writer: a session's advisory lock, which the server drops with the
 * connection, however that ends.
 */
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "store/store_internal.h"

#define LOCK_NUMBER "126896544048500" /* "signet" in ASCII */
#define LOCK_TRIES 75                 /* of 20 ms: 1.5 s */
#define NUMBER_BYTES 8                /* every integer of ours is a BIGINT */

enum { OID_BYTEA = 17, OID_INT8 = 20, OID_TEXT = 25 }; /* pg_type.dat */

struct pg {
	PGconn *conn;
	bool prepared[ST_MAX];
	char shown[200]; /* the database without the password */
};

static PGconn *
conn_of(const struct store *s)
{
	return ((struct pg *)s->drv)->conn;
}

static int
failed(struct store *s, const char *what, const char *words)
{
	if (PQstatus(conn_of(s)) == CONNECTION_BAD)
		s->lost = true;
	return db_failed(s, what, words, E_DB);
}

/*
 * sync(s, what, ret): waits until all that was queued is answered. ret is the
 * last answer, for PQclear(); NULL when the caller wants none.
 */
static int
sync_queue(struct store *s, const char *what, PGresult **ret)
{
	PGconn *c = conn_of(s);
	PGresult *last = NULL;
	int err = 0, silent = 0;

	if (PQpipelineSync(c) != 1)
		return failed(s, what, PQerrorMessage(c));
	/* a NULL stands behind each answer; two of them: nothing will come */
	while (silent < 2) {
		PGresult *r = PQgetResult(c);
		ExecStatusType st = PQresultStatus(r);

		if (!r) {
			silent++;
			continue;
		}
		silent = 0;
		PQclear(last);
		last = r;
		if (st == PGRES_PIPELINE_SYNC)
			break;
		if (st == PGRES_PIPELINE_ABORTED)
			err = E_DB;
		else if (st != PGRES_COMMAND_OK && st != PGRES_TUPLES_OK)
			err = failed(s, what, PQresultErrorMessage(r));
		else if (!err && ret) {
			PQclear(*ret);
			*ret = r;
			last = NULL;
		}
	}
	PQclear(last);
	if (silent == 2)
		err = failed(s, what, "the connection is lost");
	if (err && ret) {
		PQclear(*ret);
		*ret = NULL;
	}
	return err;
}

/* texts outside the table; the schema's hold several commands, which a
 * pipeline does not take */
static int
pg_exec(struct store *s, const char *sql)
{
	PGconn *c = conn_of(s);
	PGresult *r;
	int err = 0;

	if (PQexitPipelineMode(c) != 1)
		return failed(s, sql, PQerrorMessage(c));
	r = PQexec(c, sql);
	if (PQresultStatus(r) != PGRES_COMMAND_OK &&
	    PQresultStatus(r) != PGRES_TUPLES_OK)
		err = failed(s, sql, PQerrorMessage(c));
	PQclear(r);
	if (PQenterPipelineMode(c) != 1 && !err)
		err = failed(s, sql, PQerrorMessage(c));
	return err;
}

static int
queue(struct store *s, const char *sql)
{
	PGconn *c = conn_of(s);

	if (PQsendQueryParams(c, sql, 0, NULL, NULL, NULL, NULL, 1) == 1)
		return 0;
	return failed(s, sql, PQerrorMessage(c));
}

static int
pg_begin(struct store *s)
{
	return queue(s, "BEGIN");
}

static int
pg_commit(struct store *s)
{
	PGresult *r = NULL;
	int err = queue(s, "COMMIT");

	if (!err)
		err = sync_queue(s, "COMMIT", &r);
	/* the COMMIT of an aborted transaction succeeds, as ROLLBACK */
	if (!err && strcmp(PQcmdStatus(r), "COMMIT") != 0)
		err = failed(s, "COMMIT", "was answered by ROLLBACK");
	PQclear(r);
	return err;
}

/* also when nothing is open: the server only warns */
static void
pg_rollback(struct store *s)
{
	if (s->lost)
		return;
	/* what is queued ends first: an aborted queue would skip ROLLBACK */
	if (sync_queue(s, "the batch", NULL) == E_DB && s->lost)
		return;
	if (queue(s, "ROLLBACK") == 0 && sync_queue(s, "ROLLBACK", NULL))
		log_line(LOG_WARNING, "postgresql: ROLLBACK failed");
}

struct parameters {
	Oid types[DB_VALUES_MAX];
	const char *values[DB_VALUES_MAX];
	int lengths[DB_VALUES_MAX];
	int formats[DB_VALUES_MAX]; /* 1 binary */
	char numbers[DB_VALUES_MAX][NUMBER_BYTES];
	int n;
};

static int
to_parameters(const struct value *v, size_t n, struct parameters *ret)
{
	for (size_t i = 0; i < n; i++) {
		const struct span s = v[i].s;

		ret->formats[i] = 1;
		if (v[i].kind == VALUE_INT) {
			for (int k = 0; k < NUMBER_BYTES; k++)
				ret->numbers[i][k] =
				    (char)((uint64_t)v[i].i >> (56 - 8 * k));
			ret->values[i] = ret->numbers[i];
			ret->lengths[i] = NUMBER_BYTES;
			ret->types[i] = OID_INT8;
			continue;
		}
		if (s.n > INT32_MAX)
			return E_TOO_BIG;
		ret->values[i] = s.n ? (const char *)s.p : "";
		ret->lengths[i] = (int)s.n;
		ret->types[i] = v[i].kind == VALUE_TEXT ? OID_TEXT : OID_BYTEA;
	}
	ret->n = (int)n;
	return 0;
}

static void
name_of(enum statement id, char out[16])
{
	snprintf(out, 16, "s%d", (int)id);
}

/* Prepared alone and waited for: one that failed within a queue would be
 * believed to exist. */
static int
prepare(
    struct store *s, enum statement id, const struct parameters *p, bool row)
{
	struct pg *g = (struct pg *)s->drv;
	BUF(sql, 8192);
	char name[16];
	int err;

	name_of(id, name);
	buf_add_text(&sql, statement_text[id]);
	if (row)
		buf_add_text(&sql, " RETURNING id");
	buf_add_u8(&sql, 0);
	err = buf_error(&sql);
	if (err)
		return err;
	if (PQsendPrepare(g->conn, name, (const char *)sql.p, p->n, p->types) !=
	    1)
		return failed(s, statement_text[id], PQerrorMessage(g->conn));
	err = sync_queue(s, statement_text[id], NULL);
	if (!err)
		g->prepared[id] = true;
	return err;
}

static int
send(struct store *s, enum statement id, const struct value *v, size_t n,
    bool row)
{
	struct pg *g = (struct pg *)s->drv;
	struct parameters p;
	char name[16];
	int err = to_parameters(v, n, &p);

	if (err)
		return err;
	if (s->lost)
		return E_DB;
	if (!g->prepared[id])
		err = prepare(s, id, &p, row);
	if (err)
		return err;
	name_of(id, name);
	if (PQsendQueryPrepared(
		g->conn, name, p.n, p.values, p.lengths, p.formats, 1) != 1)
		return failed(s, statement_text[id], PQerrorMessage(g->conn));
	return 0;
}

static int64_t
number_at(const PGresult *r, int row, int column)
{
	uint64_t v = 0;

	if (PQgetlength(r, row, column) != NUMBER_BYTES)
		return 0;
	for (int k = 0; k < NUMBER_BYTES; k++)
		v = v << 8 | (uint8_t)PQgetvalue(r, row, column)[k];
	return (int64_t)v;
}

static int
pg_write(struct store *s, enum statement id, const struct value *v, size_t n,
    int64_t *ret_changes, int64_t *ret_id)
{
	PGresult *r = NULL;
	int64_t changes = 0;
	int err = send(s, id, v, n, ret_id != NULL);

	if (err || (!ret_changes && !ret_id))
		return err;
	err = sync_queue(s, statement_text[id], &r);
	if (err)
		return err;
	if (str_to_int(PQcmdTuples(r), 0, INT64_MAX, &changes))
		changes = 0;
	if (ret_changes)
		*ret_changes = changes;
	if (ret_id && PQntuples(r) == 1)
		*ret_id = number_at(r, 0, 0);
	PQclear(r);
	return 0;
}

static int
pg_query(struct query *q, const struct value *v, size_t n)
{
	PGresult *r = NULL;
	int err = send(q->s, q->id, v, n, false);

	if (!err)
		err = sync_queue(q->s, statement_text[q->id], &r);
	if (err)
		return err;
	q->handle = r;
	q->row = -1;
	q->rows = PQntuples(r);
	return 0;
}

static int
pg_step(struct query *q)
{
	if (q->row + 1 >= q->rows)
		return 0;
	q->row++;
	return 1;
}

static int64_t
pg_column_int(const struct query *q, int column)
{
	return number_at((const PGresult *)q->handle, q->row, column);
}

static struct span
pg_column_bytes(const struct query *q, int column)
{
	const PGresult *r = (const PGresult *)q->handle;

	return span_of(PQgetvalue(r, q->row, column),
	    (size_t)PQgetlength(r, q->row, column));
}

static void
pg_finish(struct query *q)
{
	PQclear((PGresult *)q->handle);
	q->handle = NULL;
}

static int
pg_size(struct store *s, int64_t *ret_bytes)
{
	static const char sql[] = "SELECT pg_database_size(current_database())";
	PGresult *r = NULL;
	int err = s->lost ? E_DB : queue(s, sql);

	if (!err)
		err = sync_queue(s, sql, &r);
	if (err) {
		store_poison(s);
		return err;
	}
	*ret_bytes = PQntuples(r) == 1 ? number_at(r, 0, 0) : 0;
	PQclear(r);
	return 0;
}

static void
no_notice(void *cookie, const char *message)
{
	(void)cookie;
	log_line(LOG_DETAIL, "postgresql: %.*s", (int)strcspn(message, "\n"),
	    message);
}

/* connect(): what the URL says wins over our own time-outs */
static int
connect_to(struct store *s, const char *url, struct diag *d)
{
	static const char *const words[] = { "connect_timeout",
		"tcp_user_timeout", "keepalives_idle", "application_name",
		"client_encoding", "dbname", NULL };
	const char *values[] = { "10", "30000", "30", "signet", "UTF8", url,
		NULL };
	struct pg *g = (struct pg *)s->drv;
	PQconninfoOption *parsed = PQconninfoParse(url, NULL);
	int err;

	/* libpq's words would show parts of the URL, the password among them */
	if (!parsed) {
		err = diag_set(d, E_INVAL, "database", "URL",
		    "is no valid postgresql:// URL");
		diag_remedy(d, "percent-encode special characters in it");
		return err;
	}
	PQconninfoFree(parsed);
	g->conn = PQconnectdbParams(words, values, 1);
	if (!g->conn)
		return diag_set(d, E_NOMEM, "database", NULL, "no memory");
	if (PQstatus(g->conn) != CONNECTION_OK) {
		err = diag_set(d, E_DB, "database", NULL, "%.*s",
		    (int)strcspn(PQerrorMessage(g->conn), "\n"),
		    PQerrorMessage(g->conn));
		diag_remedy(d, "see that PostgreSQL runs and lets us in");
		return err;
	}
	PQsetNoticeProcessor(g->conn, no_notice, NULL);
	snprintf(g->shown, sizeof(g->shown), "postgresql %s/%s",
	    PQhost(g->conn), PQdb(g->conn));
	return 0;
}

/* ask(): one text from outside the table, before the pipeline begins */
static int
ask(struct store *s, const char *sql, char *out, size_t size)
{
	PGresult *r = PQexec(conn_of(s), sql);
	int err = 0;

	out[0] = '\0';
	if (PQresultStatus(r) != PGRES_TUPLES_OK)
		err = failed(s, sql, PQerrorMessage(conn_of(s)));
	else if (PQntuples(r) > 0)
		err = str_copy(out, size, PQgetvalue(r, 0, 0));
	PQclear(r);
	return err;
}

/* A core that was killed leaves its session to the server, which needs a
 * moment to see it: wait for that, not for a rival. */
static int
take_lock(struct store *s, struct diag *d)
{
	struct pg *g = (struct pg *)s->drv;
	char answer[16];
	int err = 0;

	for (int i = 0; i < LOCK_TRIES && !err; i++) {
		err = ask(s, "SELECT pg_try_advisory_lock(" LOCK_NUMBER ")",
		    answer, sizeof(answer));
		if (!err && answer[0] == 't')
			return 0;
		if (!err)
			err = ask(
			    s, "SELECT pg_sleep(0.02)", answer, sizeof(answer));
	}
	if (err)
		return diag_set(d, err, g->shown, "one writer",
		    "the advisory lock cannot be asked for");
	err = diag_set(d, E_EXISTS, g->shown, "one writer",
	    "another Signet has this database open");
	diag_remedy(d, "stop that server, or give this one its own database");
	return err;
}

static int
pg_configure(struct store *s, struct diag *d)
{
	struct pg *g = (struct pg *)s->drv;
	char answer[64];
	int err = ask(s, "SHOW server_encoding", answer, sizeof(answer));

	if (!err && strcmp(answer, "UTF8") != 0) {
		err = diag_set(d, E_STATE, g->shown, "encoding",
		    "is %s, must be UTF8", answer);
		diag_remedy(d, "create it with ENCODING 'UTF8'");
		return err;
	}
	/* CA-6: an answered commit is on the disk, whatever the server's
	 * default; stricter settings stay as they are */
	if (!err)
		err = ask(s,
		    "SELECT set_config('synchronous_commit', 'on', false) "
		    "WHERE current_setting('synchronous_commit') = 'off'",
		    answer, sizeof(answer));
	if (!err && s->reader)
		err = ask(s,
		    "SELECT set_config('default_transaction_read_only', 'on', "
		    "false)",
		    answer, sizeof(answer));
	if (err)
		return diag_set(
		    d, err, g->shown, NULL, "the session cannot be set up");
	return s->reader ? 0 : take_lock(s, d);
}

static int
pg_open(struct store *s, const char *where, struct diag *d)
{
	struct pg *g = (struct pg *)calloc(1, sizeof(*g));
	int err;

	if (!g)
		return diag_set(d, E_NOMEM, "database", NULL, "no memory");
	s->drv = g;
	err = connect_to(s, where, d);
	if (!err)
		err = pg_configure(s, d);
	if (!err && PQenterPipelineMode(g->conn) != 1)
		err = diag_set(
		    d, E_DB, g->shown, NULL, "%s", PQerrorMessage(g->conn));
	return err;
}

static void
pg_close(struct store *s)
{
	struct pg *g = (struct pg *)s->drv;

	PQfinish(g->conn);
	free(g);
	s->drv = NULL;
}

const struct driver driver_postgresql = {
	.name = "postgresql",
	.blob = "BYTEA",
	.integer = "BIGINT",
	.id = "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
	.id_once = "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
	.open = pg_open,
	.close = pg_close,
	.exec = pg_exec,
	.begin = pg_begin,
	.commit = pg_commit,
	.rollback = pg_rollback,
	.write = pg_write,
	.query = pg_query,
	.step = pg_step,
	.column_int = pg_column_int,
	.column_bytes = pg_column_bytes,
	.finish = pg_finish,
	.size = pg_size,
};
