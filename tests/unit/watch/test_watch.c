/* WATCH-2: the expiry sweep and the syslog route. */
#include "test.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/json.h"
#include "base/time.h"
#include "os/clock.h"
#include "watch/watch.h"

struct rig {
	struct loop *loop;
	struct store *store;
	struct ledger *ledger;
	char dir[64], path[80];
	int fd;
};

static void
on_idle(void *cookie)
{
	(void)!store_flush(((struct rig *)cookie)->store);
}

static int
set_up(void **state)
{
	struct rig *r = (struct rig *)calloc(1, sizeof(*r));
	struct diag d = { 0 };

	r->loop = loop_new();
	assert_int_equal(store_open("test:", &d, &r->store), 0);
	assert_int_equal(ledger_open(r->store, &d, &r->ledger), 0);
	loop_set_idle(r->loop, on_idle, r);
	snprintf(r->dir, sizeof(r->dir), "/tmp/h-api-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->path, sizeof(r->path), "%s/log", r->dir);
	r->fd = -1;
	*state = r;
	return 0;
}

static int
tear_down(void **state)
{
	struct rig *r = (struct rig *)*state;

	if (r->fd >= 0)
		close(r->fd);
	(void)unlink(r->path);
	(void)rmdir(r->dir);
	ledger_close(r->ledger);
	store_close(r->store);
	loop_free(r->loop);
	free(r);
	return 0;
}

static void
collector_up(struct rig *r)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	(void)unlink(r->path);
	r->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	memcpy(a.sun_path, r->path, strlen(r->path));
	assert_int_equal(
	    bind(r->fd, (const struct sockaddr *)&a, sizeof(a)), 0);
}

static void
collector_down(struct rig *r)
{
	close(r->fd);
	(void)unlink(r->path);
	r->fd = -1;
}

/* the next line, "" when there is none within some rounds */
static const char *
next_line(struct rig *r)
{
	static char line[SYSLOG_LINE_MAX + 1];

	for (int i = 0; i < 50; i++) {
		ssize_t n = recv(r->fd, line, SYSLOG_LINE_MAX, 0);

		if (n >= 0) {
			line[n] = '\0';
			return line;
		}
		assert_int_equal(loop_step(r->loop, 5), 0);
	}
	return "";
}

static void
add_cert_row(struct rig *r, uint8_t serial, int64_t not_after)
{
	struct cert_row c = { .serial = span_of(&serial, 1),
		.authority = "issuing-1",
		.state = CERT_GOOD,
		.not_before = not_after - 1000,
		.not_after = not_after,
		.reason = -1,
		.profile = "phone",
		.entity = "e1",
		.der = span_of("x", 1) };
	int64_t id;

	snprintf(c.subject, sizeof(c.subject), "CN=phone-%u", serial);
	c.spki[0] = serial;
	assert_int_equal(cert_add(r->store, &c, &id), 0);
}

static int
count_expiring(const struct event_row *e, void *cookie)
{
	AUTO(json_t) *o = NULL;
	const json_t *detail;

	if (e->kind != EVENT_EXPIRING)
		return 0;
	assert_int_equal(json_parse(e->body, 65536, NULL, &o), 0);
	detail = json_object_get(o, "detail");
	assert_non_null(json_get0_text(detail, "serial"));
	assert_non_null(json_get0_text(detail, "subject"));
	*(int64_t *)cookie += 1 + 1000 * json_get_int(detail, "days_left", 0);
	return 0;
}

/* WATCH-2: those within the time and no others; never twice for one cause */
static void
sweep_warns_once(void **state)
{
	struct rig *r = (struct rig *)*state;
	int64_t now = INT64_C(1800000000), sum = 0;
	struct event_filter f = { .limit = 100 };
	unsigned n = 99;

	add_cert_row(r, 1, now + 10 * TIME_DAY);
	add_cert_row(r, 2, now + 59 * TIME_DAY);
	add_cert_row(r, 3, now + 61 * TIME_DAY);
	add_cert_row(r, 4, now - 5);
	assert_int_equal(sweep_slice(r->store, r->ledger, now, 60, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(store_flush(r->store), 0);
	assert_int_equal(event_each(r->store, &f, count_expiring, &sum), 0);
	assert_int_equal(sum, 2 + 1000 * (10 + 59));
	assert_int_equal(sweep_slice(r->store, r->ledger, now, 60, &n), 0);
	assert_int_equal(n, 0);
	/* two days later only the one that came within the time */
	assert_int_equal(
	    sweep_slice(r->store, r->ledger, now + 2 * TIME_DAY, 60, &n), 0);
	assert_int_equal(n, 1);
}

/* WATCH-2: what was not committed is warned of again */
static void
sweep_survives_a_failed_batch(void **state)
{
	struct rig *r = (struct rig *)*state;
	int64_t now = INT64_C(1800000000);
	unsigned n;

	add_cert_row(r, 1, now + 10 * TIME_DAY);
	assert_int_equal(store_flush(r->store), 0);
	assert_int_equal(sweep_slice(r->store, r->ledger, now, 60, &n), 0);
	store_poison(r->store);
	assert_true(store_flush(r->store) != 0);
	assert_int_equal(sweep_slice(r->store, r->ledger, now, 60, &n), 0);
	assert_int_equal(n, 1);
}

static void
add_event(struct rig *r, enum severity severity, const char *object)
{
	struct event e = { .kind = EVENT_TRUST_ADD,
		.severity = severity,
		.actor = "uid:0",
		.source = "local",
		.object = object,
		.result = "ok" };

	assert_int_equal(ledger_add(r->ledger, &e, INT64_C(1795227528)), 0);
}

static struct watch_room *
start(struct rig *r)
{
	struct config c;
	struct diag d = { 0 };
	struct watch_room *w = NULL;

	config_defaults(&c);
	snprintf(c.syslog_socket, sizeof(c.syslog_socket), "%s", r->path);
	assert_int_equal(
	    watch_start(r->loop, r->store, r->ledger, &c, &d, &w), 0);
	return w;
}

/* the core ends and begins anew */
static void
restart(struct rig *r, struct watch_room *w)
{
	struct diag d = { 0 };

	watch_end(w);
	assert_int_equal(store_flush(r->store), 0);
	ledger_close(r->ledger);
	assert_int_equal(ledger_open(r->store, &d, &r->ledger), 0);
}

/* WATCH-2, RFC 5424 6: header, structured data with escapes, nothing below
 * notice */
static void
syslog_lines_are_rfc5424(void **state)
{
	struct rig *r = (struct rig *)*state;
	struct watch_room *w;
	const char *line;

	collector_up(r);
	w = start(r);
	add_event(r, SEVERITY_INFO, "quiet");
	add_event(r, SEVERITY_WARNING, "a \"b\" \\c]d");
	line = next_line(r);
	/* facility 13, severity 4: 13 * 8 + 4 */
	assert_memory_equal(line, "<108>1 2026-11-21T02:18:48Z ", 28);
	assert_non_null(strstr(line, " signet "));
	assert_non_null(strstr(line, "[signet@32473 seq=\"2\" kind=\""));
	assert_non_null(strstr(line, "object=\"a \\\"b\\\" \\\\c\\]d\""));
	assert_non_null(strstr(line, "actor=\"uid:0\""));
	assert_null(strstr(line, "quiet"));
	assert_string_equal(next_line(r), "");
	watch_end(w);
}

/* WATCH-2: a collector that is away loses nothing */
static void
syslog_waits_for_its_collector(void **state)
{
	struct rig *r = (struct rig *)*state;
	struct watch_room *w = start(r);
	char want[32];

	for (int i = 1; i <= 300; i++) {
		snprintf(want, sizeof(want), "o%d.", i);
		add_event(r, SEVERITY_NOTICE, want);
	}
	for (int i = 0; i < 5; i++)
		assert_int_equal(loop_step(r->loop, 1), 0);
	restart(r, w);
	collector_up(r);
	w = start(r);
	for (int i = 1; i <= 300; i++) {
		snprintf(want, sizeof(want), "\"o%d.\"", i);
		if (!strstr(next_line(r), want))
			fail_msg("line %d is missing", i);
	}
	collector_down(r);
	add_event(r, SEVERITY_NOTICE, "while away");
	for (int i = 0; i < 5; i++)
		assert_int_equal(loop_step(r->loop, 1), 0);
	restart(r, w);
	collector_up(r);
	w = start(r);
	assert_non_null(strstr(next_line(r), "while away"));
	assert_string_equal(next_line(r), "");
	watch_end(w);
}

/* what is rolled back is never told */
static void
syslog_tells_only_what_is_durable(void **state)
{
	struct rig *r = (struct rig *)*state;
	struct watch_room *w;

	collector_up(r);
	w = start(r);
	add_event(r, SEVERITY_NOTICE, "undone");
	store_poison(r->store);
	assert_string_equal(next_line(r), "");
	add_event(r, SEVERITY_NOTICE, "done");
	assert_non_null(strstr(next_line(r), "\"done\""));
	watch_end(w);
}

/* a detail too long for one datagram is left out, the line stays whole */
static void
syslog_line_is_bounded(void **state)
{
	AUTO(json_t) *o = json_object();
	AUTO(json_t) *detail = json_object();
	char big[3000], line[SYSLOG_LINE_MAX];
	struct event_row e = { .seq = 7,
		.time = 0,
		.kind = EVENT_ISSUE,
		.severity = SEVERITY_NOTICE,
		.object = "cert 01" };
	char *text;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	json_set_text(detail, "big", big);
	json_object_set(o, "detail", detail);
	text = json_to_text(o);
	e.body = span_str(text);
	assert_int_equal(syslog_line(&e, line, sizeof(line)), 0);
	assert_null(strstr(line, "xxx"));
	assert_non_null(strstr(line, "object=\"cert 01\"]"));
	assert_int_equal(syslog_line(&e, line, 20), E_TOO_BIG);
	e.body = span_str("{");
	assert_int_equal(syslog_line(&e, line, sizeof(line)), E_PARSE);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    sweep_warns_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    sweep_survives_a_failed_batch, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    syslog_lines_are_rfc5424, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    syslog_waits_for_its_collector, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    syslog_tells_only_what_is_durable, set_up, tear_down),
		cmocka_unit_test(syslog_line_is_bounded),
	};

	return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
