/* The batch, the one writer, the schema: what every driver must keep. */
#include "store/helper_cases.h"

static struct store *
store_in(void **state)
{
	return ((struct fixture *)*state)->s;
}

struct told {
	struct store *s;
	char text[200];
	bool write; /* starts the next batch from inside */
};

static void
tell(struct told *t, const char *who, int result)
{
	size_t n = strlen(t->text);

	snprintf(t->text + n, sizeof(t->text) - n, "%s%d ", who, result);
}

static void
first(int result, void *cookie)
{
	struct told *t = (struct told *)cookie;

	tell(t, "a", result);
	if (!t->write)
		return;
	/* of the next batch: not run with this one */
	assert_false(store_is_writing(t->s));
	assert_int_equal(setting_set(t->s, "next", span_str("1")), 0);
	t->write = false;
	assert_int_equal(store_after(t->s, first, t), 0);
	assert_int_equal(store_flush(t->s), E_STATE);
}

static void
second(int result, void *cookie)
{
	tell((struct told *)cookie, "b", result);
}

static void
watcher(int result, void *cookie)
{
	tell((struct told *)cookie, "w", result);
}

/* CA-6: nobody is told before the commit, all in the order they came */
static void
waiters_run_after_the_commit(void **state)
{
	struct told t = { .s = store_in(state) };

	assert_int_equal(store_flush(t.s), 0);
	assert_int_equal(store_after(t.s, second, &t), 0);
	assert_string_equal(t.text, "b0 ");
	t.text[0] = '\0';
	t.write = true;
	assert_int_equal(store_watch(t.s, watcher, &t), 0);
	assert_int_equal(setting_set(t.s, "x", span_str("1")), 0);
	assert_true(store_is_writing(t.s));
	assert_int_equal(store_after(t.s, first, &t), 0);
	assert_int_equal(store_after(t.s, second, &t), 0);
	assert_string_equal(t.text, "");
	assert_int_equal(store_flush(t.s), 0);
	assert_string_equal(t.text, "w0 a0 b0 ");
	assert_true(store_is_writing(t.s));
	assert_int_equal(store_flush(t.s), 0);
	assert_string_equal(t.text, "w0 a0 b0 w0 a0 ");
	store_unwatch(t.s, watcher, &t);
}

/* a poisoned batch leaves nothing and tells everyone; the next one is clean */
static void
poison_rolls_everything_back(void **state)
{
	struct store *s = store_in(state);
	struct told t = { .s = s };
	struct cert_row c = sample_cert(1, 9000);
	struct request_row r = sample_request(1);
	BUF(out, 10);
	int64_t id, n = -1;

	assert_int_equal(setting_set(s, "kept", span_str("1")), 0);
	assert_int_equal(store_flush(s), 0);
	assert_int_equal(cert_add(s, &c, &id), 0);
	assert_int_equal(request_add(s, &r, &id), 0);
	assert_int_equal(setting_set(s, "kept", span_str("2")), 0);
	assert_int_equal(setting_get(s, "kept", &out), 0);
	assert_true(span_is_equal(buf_span(&out), span_str("2")));
	assert_int_equal(store_after(s, first, &t), 0);
	store_poison(s);
	assert_int_equal(setting_set(s, "more", span_str("2")), E_DB);
	assert_int_equal(store_after(s, second, &t), 0);
	assert_int_equal(setting_get(s, "kept", &out), 0);
	assert_true(span_is_equal(buf_span(&out), span_str("1")));
	assert_int_equal(store_flush(s), E_DB);
	assert_string_equal(t.text, "a-16 b-16 ");
	assert_int_equal(cert_count(s, &(struct cert_filter){ 0 }, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(request_count(s, REQUEST_UNSET, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(cert_add(s, &c, &id), 0);
	assert_int_equal(store_flush(s), 0);
	assert_int_equal(cert_count(s, &(struct cert_filter){ 0 }, &n), 0);
	assert_int_equal(n, 1);
}

static void
close_drops_an_open_batch(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	struct cert_row c = sample_cert(1, 9000);
	int64_t id, n = -1;

	if (f->kind == FIXTURE_TEST)
		return;
	assert_int_equal(cert_add(f->s, &c, &id), 0);
	assert_int_equal(store_flush(f->s), 0);
	c = sample_cert(2, 9000);
	assert_int_equal(cert_add(f->s, &c, &id), 0);
	fixture_reopen(f);
	assert_int_equal(cert_count(f->s, &(struct cert_filter){ 0 }, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(
	    cert_by_serial(f->s, "issuing-1", c.serial, &c), E_NOT_FOUND);
}

static void
second_writer_is_refused(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	struct store *other = NULL;
	struct diag d = { 0 };

	if (f->kind == FIXTURE_TEST)
		return;
	assert_int_equal(store_open(f->url, &d, &other), E_EXISTS);
	assert_null(other);
	assert_true(d.remedy[0] != '\0');
	/* the refused one has taken nothing from the first */
	assert_int_equal(setting_set(f->s, "x", span_str("1")), 0);
	assert_int_equal(store_flush(f->s), 0);
	fixture_reopen(f);
}

static void
reader_sees_what_is_durable(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	struct cert_row c = sample_cert(1, 9000);
	struct store *reader = NULL;
	struct diag d = { 0 };
	int64_t id, n = -1;

	if (f->kind == FIXTURE_TEST) {
		assert_int_equal(
		    store_open_reader(f->url, &d, &reader), E_UNSUPPORTED);
		return;
	}
	assert_int_equal(store_open_reader(f->url, &d, &reader), 0);
	assert_int_equal(cert_add(f->s, &c, &id), 0);
	assert_int_equal(cert_count(reader, &(struct cert_filter){ 0 }, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(store_flush(f->s), 0);
	assert_int_equal(cert_count(reader, &(struct cert_filter){ 0 }, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(cert_by_id(reader, id, &c), 0);
	cert_done(&c);
	assert_int_equal(setting_set(reader, "x", span_str("1")), E_STATE);
	store_close(reader);
}

static void
newer_schema_is_refused(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	struct store *s = NULL;
	struct diag d = { 0 };

	if (f->kind == FIXTURE_TEST)
		return;
	store_close(f->s);
	f->s = NULL;
	fixture_sql(f, "UPDATE meta SET value = 999 WHERE name = 'schema'");
	assert_int_equal(store_open(f->url, &d, &s), E_STATE);
	assert_non_null(strstr(d.fact, "999"));
	assert_true(d.remedy[0] != '\0');
	assert_int_equal(store_open_reader(f->url, &d, &s), E_STATE);
	fixture_sql(f, "UPDATE meta SET value = 1 WHERE name = 'schema'");
	fixture_reopen(f);
}

static const char drop_all[] =
    "DROP TABLE settings; DROP TABLE counters; DROP TABLE authority_certs;"
    "DROP TABLE authority_crls; DROP TABLE authorities;"
    "DROP TABLE certificates; DROP TABLE requests; DROP TABLE passwords;"
    "DROP TABLE entities; DROP TABLE trusts; DROP TABLE events;"
    "DROP TABLE checkpoints; UPDATE meta SET value = 0;";

/* from version 0; and when a migration fails, the version before it stays
 * whole: here the last table it wants is there already */
static void
migrates_all_or_nothing(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	struct store *s = NULL;
	struct diag d = { 0 };

	if (f->kind == FIXTURE_TEST)
		return;
	store_close(f->s);
	f->s = NULL;
	fixture_sql(f, drop_all);
	assert_int_equal(store_open_reader(f->url, &d, &s), E_STATE);
	fixture_sql(f, "CREATE TABLE checkpoints (x INTEGER)");
	assert_int_equal(store_open(f->url, &d, &s), E_DB);
	/* refused whole: the first table is not there */
	fixture_sql(f, "CREATE TABLE settings (x INTEGER);"
		       "DROP TABLE settings; DROP TABLE checkpoints;");
	fixture_reopen(f);
	assert_int_equal(setting_set(f->s, "x", span_str("1")), 0);
	assert_int_equal(store_flush(f->s), 0);
}

/* CA-6: the server goes away within a batch: everyone is told, and the core
 * learns that it must begin again; what was durable is still there */
static void
lost_connection_is_noticed(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	struct told t = { .s = f->s };
	BUF(out, 10);

	if (f->kind != FIXTURE_PG)
		return;
	assert_int_equal(setting_set(f->s, "kept", span_str("1")), 0);
	assert_int_equal(store_flush(f->s), 0);
	assert_int_equal(setting_set(f->s, "kept", span_str("2")), 0);
	assert_int_equal(store_after(f->s, second, &t), 0);
	fixture_sql(f, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
		       "WHERE application_name = 'signet'");
	assert_int_equal(store_flush(f->s), E_DB);
	assert_string_equal(t.text, "b-16 ");
	assert_true(store_is_lost(f->s));
	assert_int_equal(setting_set(f->s, "kept", span_str("3")), E_DB);
	assert_int_equal(store_flush(f->s), E_DB);
	assert_int_equal(setting_get(f->s, "kept", &out), E_DB);
	fixture_reopen(f);
	assert_int_equal(setting_get(f->s, "kept", &out), 0);
	assert_true(span_is_equal(buf_span(&out), span_str("1")));
}

static void
knows_its_size_and_kind(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	int64_t n = 0;

	assert_int_equal(setting_set(f->s, "x", span_str("1")), 0);
	assert_int_equal(store_flush(f->s), 0);
	assert_int_equal(store_size(f->s, &n), 0);
	assert_true(n > 4096);
	assert_string_equal(
	    store_kind(f->s), f->kind == FIXTURE_SQLITE ? "sqlite"
			      : f->kind == FIXTURE_TEST ? "test"
							: "postgresql");
	assert_false(store_is_lost(f->s));
}

const struct named_case cases_batch[] = {
	{ "CA-6 waiters run after the commit", waiters_run_after_the_commit },
	{ "poison rolls everything back", poison_rolls_everything_back },
	{ "close drops an open batch", close_drops_an_open_batch },
	{ "second writer is refused", second_writer_is_refused },
	{ "reader sees what is durable", reader_sees_what_is_durable },
	{ "newer schema is refused", newer_schema_is_refused },
	{ "migrates all or nothing", migrates_all_or_nothing },
	{ "CA-6 lost connection is noticed", lost_connection_is_noticed },
	{ "knows its size and kind", knows_its_size_and_kind },
	{ NULL, NULL },
};
