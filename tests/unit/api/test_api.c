/* The API over a real store, ledger, key server and decision, asked as the
 * local front asks: ENR-1, ENR-2, ENR-8, CA-2, CA-3, CERT-10, TRUST-3, ACC-8.
 */
#include "test.h"

#include <ftw.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/core_internal.h"
#include "base/json.h"
#include "base/str.h"
#include "cert/csr.h"
#include "cert/write.h"
#include "enroll/enrolment.h"
#include "key/server.h"
#include "net/http_server.h"
#include "os/clock.h"

#define ROUNDS_MAX 2000

struct rig {
	char dir[64];
	struct worker worker;
	struct core core;
	struct key_server *server;
	struct channel *link; /* our end of the local front's */
	bool closed;
	int status;
	uint32_t id;
	json_t *answer;
	int key_restarts;
};

static void
on_idle(void *cookie)
{
	(void)!store_flush(((struct rig *)cookie)->core.store);
}

static int
restart_keys(void *cookie)
{
	struct core *c = (struct core *)cookie;

	((struct rig *)c->worker->cookie)->key_restarts++;
	return 0;
}

static int
on_answer(struct channel *c, const struct frame *f, void *cookie)
{
	struct rig *r = (struct rig *)cookie;
	struct reader in = reader_of(f->payload);
	char type[64];
	struct span body;

	(void)c;
	r->status = reader_u16(&in);
	reader_text(&in, type, sizeof(type));
	body = reader_span(&in);
	assert_int_equal(reader_finish(&in), 0);
	assert_int_equal(f->id, r->id);
	if (strstr(type, "json"))
		assert_int_equal(
		    json_parse(body, API_ANSWER_MAX, NULL, &r->answer), 0);
	return 0;
}

static const struct channel_rule our_rules[] = {
	{ API_ANSWER, CHANNEL_FRAME_MAX, on_answer },
	{ 0, 0, NULL },
};

static void
on_close(struct channel *c, void *cookie)
{
	struct rig *r = (struct rig *)cookie;

	r->closed = true;
	if (r->link == c)
		r->link = NULL;
	channel_free(c);
}

static void
pair(int fd[2])
{
	assert_int_equal(socketpair(AF_UNIX,
			     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd),
	    0);
}

static void
set_config(struct rig *r)
{
	struct config *c = &r->worker.config;

	config_defaults(c);
	snprintf(c->state_dir, sizeof(c->state_dir), "%s", r->dir);
	snprintf(c->catalog_dir, sizeof(c->catalog_dir), "%s", TEST_CATALOG);
	snprintf(r->core.trust.state_dir, sizeof(r->core.trust.state_dir), "%s",
	    r->dir);
	snprintf(r->core.trust.catalog_dir, sizeof(r->core.trust.catalog_dir),
	    "%s", TEST_CATALOG);
}

static int
set_up(void **state)
{
	struct rig *r = (struct rig *)calloc(1, sizeof(*r));
	struct core *c = &r->core;
	struct diag d = { 0 };
	int fd[2];

	snprintf(r->dir, sizeof(r->dir), "/tmp/h-api-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	r->worker.loop = loop_new();
	r->worker.cookie = r;
	c->worker = &r->worker;
	set_config(r);
	assert_int_equal(store_open("test:", &d, &c->store), 0);
	assert_int_equal(ledger_open(c->store, &d, &c->ledger), 0);
	c->keys = key_client_new(r->worker.loop);
	assert_int_equal(
	    key_server_new(r->worker.loop, &r->worker.config, &d, &r->server),
	    0);
	pair(fd);
	assert_int_equal(key_server_link(r->server, ROLE_CORE, fd[1]), 0);
	assert_int_equal(key_client_add_link(c->keys, 0, fd[0]), 0);
	assert_int_equal(
	    ca_new(c->store, c->ledger, c->keys, &r->worker.config, &d, &c->ca),
	    0);
	assert_int_equal(decider_new(c->ca, &d, &c->decider), 0);
	c->trust.store = c->store;
	c->trust.ledger = c->ledger;
	c->api = (struct api){ .store = c->store,
		.ledger = c->ledger,
		.ca = c->ca,
		.decider = c->decider,
		.trust = &c->trust,
		.config = &r->worker.config,
		.loop = r->worker.loop,
		.restart_keys = restart_keys,
		.cookie = c };
	loop_set_idle(r->worker.loop, on_idle, r);
	pair(fd);
	assert_int_equal(core_local_add(c, fd[0]), 0);
	r->link = channel_new(r->worker.loop, fd[1], our_rules, r, on_close);
	assert_non_null(r->link);
	*state = r;
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

static int
tear_down(void **state)
{
	struct rig *r = (struct rig *)*state;
	struct core *c = &r->core;

	clock_set_offset(0);
	json_decref(r->answer);
	if (r->link)
		channel_free(r->link);
	core_links_free(c);
	decider_free(c->decider);
	ca_free(c->ca);
	key_client_free(c->keys);
	key_server_free(r->server);
	ledger_close(c->ledger);
	store_close(c->store);
	loop_free(r->worker.loop);
	(void)nftw(r->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(r);
	return 0;
}

/* the JSON answer (borrowed until the next call); its status in r->status */
static const json_t *
call_raw(struct rig *r, enum http_method m, const char *path, const char *query,
    struct span body)
{
	BUF(out, API_BODY_MAX + 65536);

	json_decref(r->answer);
	r->answer = NULL;
	r->status = 0;
	buf_add_u8(&out, (uint8_t)m);
	buf_pack_text(&out, path);
	buf_pack_text(&out, query);
	buf_add_u32(&out, 0);
	buf_pack_span(&out, body);
	assert_int_equal(
	    channel_send(r->link, API_ASK, ++r->id, buf_span(&out)), 0);
	for (int i = 0; i < ROUNDS_MAX && !r->status && !r->closed; i++)
		assert_int_equal(loop_step(r->worker.loop, 20), 0);
	return r->answer;
}

static const json_t *
call(struct rig *r, enum http_method m, const char *path, const char *query,
    json_t *body)
{
	AUTO(json_t) *own = body;
	AUTO(char) *text = own ? json_to_text(own) : NULL;

	return call_raw(
	    r, m, path, query, text ? span_str(text) : span_of(NULL, 0));
}

static void
ignite(struct rig *r)
{
	const json_t *o = call(r, HTTP_POST, "/api/v1/ignition", "",
	    json_pack("{s:s}", "name", "Example"));

	if (r->status != 200)
		fail_msg("ignition: %s", json_get0_text(o, "detail"));
	assert_int_equal(json_array_size(json_object_get(o, "authorities")), 2);
}

/* PEM of a request for that CN; caller frees */
static char *
make_csr(const char *cn)
{
	AUTO(EVP_PKEY) *key = NULL;
	struct csr_params p = { .hash = HASH_SHA256 };
	char text[128];
	BUF(name, 1024);
	BUF(der, CSR_DER_MAX);
	BUF(pem, CSR_DER_MAX * 2);

	snprintf(text, sizeof(text), "CN=%s", cn);
	assert_int_equal(name_build(text, NULL, &name), 0);
	assert_int_equal(key_generate(KEY_P256, &key), 0);
	p.subject = buf_span(&name);
	assert_int_equal(csr_build(key, &p, &der), 0);
	assert_int_equal(
	    pem_write("CERTIFICATE REQUEST", buf_span(&der), &pem), 0);
	buf_add_u8(&pem, 0);
	return strdup((const char *)pem.p);
}

/* whoever takes over a public front gets no further than a stranger */
static void
a_front_may_not_ask_the_api(void **state)
{
	struct rig *r = (struct rig *)*state;
	struct rig other = { .closed = false };
	struct channel *c;
	int fd[2];
	BUF(out, 256);

	pair(fd);
	assert_int_equal(core_front_add(&r->core, fd[0]), 0);
	/* the setup that comes first is not ours to read here */
	static const struct channel_rule rules[] = {
		{ API_ANSWER, CHANNEL_FRAME_MAX, on_answer },
		{ 0, 0, NULL },
	};
	c = channel_new(r->worker.loop, fd[1], rules, &other, on_close);
	buf_add_u8(&out, HTTP_GET);
	buf_pack_text(&out, "/api/v1/status");
	buf_pack_text(&out, "");
	buf_add_u32(&out, 0);
	buf_pack_span(&out, span_of(NULL, 0));
	assert_int_equal(channel_send(c, API_ASK, 1, buf_span(&out)), 0);
	for (int i = 0; i < 50 && (!other.closed || r->core.fronts); i++)
		assert_int_equal(loop_step(r->worker.loop, 5), 0);
	assert_true(other.closed);
	assert_null(r->core.fronts);
	assert_int_equal(other.status, 0);
	/* and the others are served on */
	(void)call(r, HTTP_GET, "/api/v1/status", "", NULL);
	assert_int_equal(r->status, 200);
}

/* and the local front may not enrol */
static void
a_malformed_ask_closes_the_link(void **state)
{
	struct rig *r = (struct rig *)*state;

	assert_int_equal(
	    channel_send(r->link, API_ASK, 1, span_str("nonsense")), 0);
	for (int i = 0; i < 50 && !r->closed; i++)
		assert_int_equal(loop_step(r->worker.loop, 5), 0);
	assert_true(r->closed);
}

static void
what_is_not_there_is_said(void **state)
{
	struct rig *r = (struct rig *)*state;
	const json_t *o;

	o = call(r, HTTP_GET, "/api/v1/nothing", "", NULL);
	assert_int_equal(r->status, 404);
	assert_string_equal(json_get0_text(o, "title"), "not-found");
	assert_int_equal(json_get_int(o, "status", 0), 404);
	(void)call(r, HTTP_DELETE, "/api/v1/status", "", NULL);
	assert_int_equal(r->status, 405);
	(void)call_raw(r, HTTP_POST, "/api/v1/entities", "", span_str("{"));
	assert_int_equal(r->status, 400);
	(void)call_raw(r, HTTP_POST, "/api/v1/entities", "", span_str("[]"));
	assert_int_equal(r->status, 400);
	(void)call(r, HTTP_GET, "/api/v1/certs", "limit=%zz", NULL);
	assert_int_equal(r->status, 400);
	(void)call(r, HTTP_GET, "/api/v1/certs", "limit=5000", NULL);
	assert_int_equal(r->status, 422);
}

static json_t *
entity_body(const char *name)
{
	return json_pack("{s:s,s:s,s:i,s:s}", "name", name, "profile", "phone",
	    "hours", 2, "mac", "00:1B:4F:11:22:33");
}

/* ENR-1, ENR-2: made, shown once, listed with the time that remains, expired */
static void
entities_and_their_passwords(void **state)
{
	struct rig *r = (struct rig *)*state;
	const json_t *o, *pw;
	uint8_t hash[32];

	o = call(r, HTTP_POST, "/api/v1/entities", "", entity_body("pbx1"));
	assert_int_equal(r->status, 201);
	assert_int_equal(
	    enrol_password_hash(json_get0_text(o, "password"), hash), 0);
	o = call(r, HTTP_POST, "/api/v1/entities", "", entity_body("pbx1"));
	assert_int_equal(r->status, 409);
	o = call(r, HTTP_POST, "/api/v1/entities", "", entity_body("a b"));
	assert_int_equal(r->status, 422);
	o = call(r, HTTP_GET, "/api/v1/entities/pbx1", "", NULL);
	assert_int_equal(r->status, 200);
	assert_string_equal(json_get0_text(o, "mac"), "001b4f112233");
	pw = json_array_get(json_object_get(o, "passwords"), 0);
	assert_string_equal(json_get0_text(pw, "state"), "valid");
	assert_string_equal(json_get0_text(pw, "remaining"), "2 h 0 min");
	assert_null(json_get0_text(pw, "password"));
	clock_set_offset(7201);
	o = call(r, HTTP_GET, "/api/v1/entities/pbx1", "", NULL);
	pw = json_array_get(json_object_get(o, "passwords"), 0);
	assert_string_equal(json_get0_text(pw, "state"), "expired");
	o = call(r, HTTP_POST, "/api/v1/entities/pbx1/passwords", "",
	    json_pack("{s:i}", "uses", 0));
	assert_int_equal(r->status, 201);
	o = call(r, HTTP_GET, "/api/v1/entities", "limit=10", NULL);
	assert_int_equal(json_array_size(json_object_get(o, "entities")), 1);
	(void)call(r, HTTP_DELETE, "/api/v1/entities/pbx1", "", NULL);
	assert_int_equal(r->status, 200);
	(void)call(r, HTTP_GET, "/api/v1/entities/pbx1", "", NULL);
	assert_int_equal(r->status, 404);
	/* no password is in the ledger */
	o = call(r, HTTP_GET, "/api/v1/audit", "raw=1", NULL);
	{
		AUTO(char) *text = json_to_text(o);

		assert_non_null(strstr(text, "entity pbx1"));
		assert_null(strstr(text, "\"password\":\""));
	}
}

/* the answer is no answer when the batch was lost */
static void
a_lost_batch_answers_503(void **state)
{
	struct rig *r = (struct rig *)*state;

	store_test_fail_after(r->core.store, 2);
	(void)call(r, HTTP_POST, "/api/v1/entities", "", entity_body("lost"));
	assert_int_equal(r->status, 503);
	store_test_fail_after(r->core.store, 0);
	(void)call(r, HTTP_GET, "/api/v1/entities/lost", "", NULL);
	assert_int_equal(r->status, 404);
	assert_null(r->core.api.open);
}

static json_t *
issue_body(const char *csr, const char *transaction)
{
	return json_pack("{s:s,s:s,s:s,s:s}", "profile", "identity", "cn",
	    "pbx1.example.com", "csr", csr, "transaction", transaction);
}

/* CERT-10, CA-6: with its receipt; asked twice it is one certificate */
static void
issue_and_revoke(void **state)
{
	struct rig *r = (struct rig *)*state;
	AUTO(char) *csr = make_csr("pbx1.example.com");
	AUTO(char) *other = make_csr("pbx1.example.com");
	char serial[64], path[128];
	const json_t *o;

	ignite(r);
	o = call(r, HTTP_POST, "/api/v1/issue", "", issue_body(csr, "t1"));
	if (r->status != 200)
		fail_msg("issue: %s", json_get0_text(o, "detail"));
	snprintf(serial, sizeof(serial), "%s", json_get0_text(o, "serial"));
	assert_non_null(json_object_get(o, "receipt"));
	assert_int_equal(json_array_size(json_object_get(o, "chain")), 2);
	o = call(r, HTTP_POST, "/api/v1/issue", "", issue_body(csr, "t1"));
	assert_int_equal(r->status, 200);
	assert_string_equal(json_get0_text(o, "serial"), serial);
	(void)call(r, HTTP_POST, "/api/v1/issue", "", issue_body(other, "t1"));
	assert_int_equal(r->status, 409);
	(void)call(r, HTTP_POST, "/api/v1/issue", "",
	    json_pack("{s:s,s:s,s:s}", "profile", "root-ca", "csr", csr,
		"transaction", "t2"));
	assert_int_equal(r->status, 403);
	o = call(r, HTTP_GET, "/api/v1/certs", "", NULL);
	assert_int_equal(json_get_int(o, "total", 0), 1);
	o = call(r, HTTP_GET, "/api/v1/certs", "expiring=60d", NULL);
	assert_int_equal(json_get_int(o, "total", 9), 0);
	o = call(r, HTTP_GET, "/api/v1/certs", "expiring=1000d", NULL);
	assert_int_equal(json_get_int(o, "total", 9), 1);
	snprintf(path, sizeof(path), "/api/v1/certs/%s/hold", serial);
	(void)call(r, HTTP_POST, path, "", NULL);
	assert_int_equal(r->status, 200);
	snprintf(path, sizeof(path), "/api/v1/certs/%s/revoke", serial);
	(void)call(
	    r, HTTP_POST, path, "", json_pack("{s:s}", "reason", "bad mood"));
	assert_int_equal(r->status, 422);
	(void)call(r, HTTP_POST, path, "",
	    json_pack("{s:s}", "reason", "keyCompromise"));
	assert_int_equal(r->status, 200);
	snprintf(path, sizeof(path), "/api/v1/certs/%s", serial);
	o = call(r, HTTP_GET, path, "", NULL);
	assert_string_equal(json_get0_text(o, "state"), "revoked");
	assert_string_equal(json_get0_text(o, "reason"), "keyCompromise");
}

/* ENR-8 */
static void
requests_by_hand(void **state)
{
	struct rig *r = (struct rig *)*state;
	AUTO(char) *csr = make_csr("aes.example.com");
	char path[128];
	const json_t *o;
	int64_t id;

	ignite(r);
	o = call(r, HTTP_POST, "/api/v1/requests", "",
	    json_pack("{s:s,s:s}", "csr", csr, "profile", "identity"));
	assert_int_equal(r->status, 200);
	assert_string_equal(json_get0_text(o, "state"), "pending");
	id = json_get_int(o, "id", 0);
	snprintf(
	    path, sizeof(path), "/api/v1/requests/%lld/reject", (long long)id);
	(void)call(r, HTTP_POST, path, "", NULL);
	assert_int_equal(r->status, 422);
	snprintf(
	    path, sizeof(path), "/api/v1/requests/%lld/approve", (long long)id);
	(void)call(r, HTTP_POST, path, "", NULL);
	assert_int_equal(r->status, 200);
	(void)call(r, HTTP_POST, path, "", NULL);
	assert_int_equal(r->status, 409);
	snprintf(path, sizeof(path), "/api/v1/requests/%lld", (long long)id);
	o = call(r, HTTP_GET, path, "", NULL);
	assert_string_equal(json_get0_text(o, "state"), "issued");
	assert_non_null(json_get0_text(o, "certificate"));
	assert_non_null(json_object_get(o, "receipt"));
	o = call(r, HTTP_GET, "/api/v1/requests", "state=issued", NULL);
	assert_int_equal(json_get_int(o, "total", 0), 1);
}

/* CA-3: an own profile; what is wrong in it is named, what is shipped stays */
static void
profiles_of_ones_own(void **state)
{
	struct rig *r = (struct rig *)*state;
	AUTO(char) *yaml = NULL;
	char bad[8192];
	const json_t *o;

	o = call(r, HTTP_GET, "/api/v1/profiles/phone", "", NULL);
	yaml = strdup(json_get0_text(o, "yaml"));
	(void)call(r, HTTP_POST, "/api/v1/profiles", "",
	    json_pack("{s:s,s:s}", "name", "door", "yaml", yaml));
	assert_int_equal(r->status, 200);
	assert_int_equal(r->key_restarts, 1);
	snprintf(bad, sizeof(bad), "%s\nfrobnicate: 7\n", yaml);
	o = call(r, HTTP_PUT, "/api/v1/profiles/door", "",
	    json_pack("{s:s}", "yaml", bad));
	assert_true(r->status >= 400);
	assert_non_null(strstr(json_get0_text(o, "detail"), "frobnicate"));
	(void)call(r, HTTP_DELETE, "/api/v1/profiles/phone", "", NULL);
	assert_int_equal(r->status, 403);
	(void)call(r, HTTP_POST, "/api/v1/profiles", "",
	    json_pack("{s:s,s:s}", "name", "../x", "yaml", yaml));
	assert_int_equal(r->status, 422);
	(void)call(r, HTTP_DELETE, "/api/v1/profiles/door", "", NULL);
	assert_int_equal(r->status, 200);
	(void)call(r, HTTP_GET, "/api/v1/profiles/door", "", NULL);
	assert_int_equal(r->status, 404);
}

/* TRUST-3: noise is refused and nothing is added */
static void
trust_over_the_api(void **state)
{
	struct rig *r = (struct rig *)*state;
	const json_t *o;

	(void)call(r, HTTP_POST, "/api/v1/trust", "",
	    json_pack("{s:s}", "file", "bm90aGluZw=="));
	assert_true(r->status >= 400);
	o = call(r, HTTP_GET, "/api/v1/trust/defaults", "", NULL);
	assert_int_equal(
	    json_array_size(json_object_get(o, "certificates")), 9);
	(void)call(r, HTTP_POST, "/api/v1/trust/defaults", "", NULL);
	assert_int_equal(r->status, 200);
	(void)call(r, HTTP_DELETE, "/api/v1/trust", "key=nobody", NULL);
	assert_int_equal(r->status, 404);
}

/* ACC-8 */
static void
audit_verifies(void **state)
{
	struct rig *r = (struct rig *)*state;
	const json_t *o;

	ignite(r);
	o = call(r, HTTP_POST, "/api/v1/audit/verify", "", NULL);
	assert_int_equal(r->status, 200);
	assert_true(json_get_bool(o, "good", false));
	assert_true(json_get_int(o, "events", 0) > 3);
	o = call(r, HTTP_GET, "/api/v1/audit", "limit=2", NULL);
	assert_int_equal(json_array_size(json_object_get(o, "events")), 2);
	o = call(r, HTTP_GET, "/api/v1/audit", "next=0&limit=2", NULL);
	assert_int_equal(json_get_int(o, "next", 0), 2);
	(void)call(r, HTTP_GET, "/api/v1/audit", "kind=nonsense", NULL);
	assert_int_equal(r->status, 422);
}

/* CA-2: a backup is protected, restores once, and issues under the old root */
static void
backup_and_restore(void **state)
{
	struct rig *r = (struct rig *)*state, *other;
	AUTO(json_t) *backup = NULL;
	AUTO(char) *csr = make_csr("pbx1.example.com");
	AUTO(char) *root = NULL;
	void *second = NULL;
	const json_t *o;

	ignite(r);
	(void)call(r, HTTP_POST, "/api/v1/ca/backup", "", NULL);
	assert_int_equal(r->status, 422);
	o = call(r, HTTP_POST, "/api/v1/ca/backup", "",
	    json_pack("{s:s}", "password", "Long-Winter-Night-7"));
	assert_int_equal(r->status, 200);
	backup = json_deep_copy(o);
	o = call(r, HTTP_GET, "/api/v1/ca/root-1", "", NULL);
	root = strdup(json_get0_text(o, "fingerprint"));
	(void)call(r, HTTP_POST, "/api/v1/ca/restore", "",
	    json_pack("{s:O,s:s}", "backup", backup, "password",
		"Long-Winter-Night-7"));
	assert_int_equal(r->status, 409);
	assert_int_equal(set_up(&second), 0);
	other = (struct rig *)second;
	(void)call(other, HTTP_POST, "/api/v1/ca/restore", "",
	    json_pack("{s:O,s:s}", "backup", backup, "password", "wrong"));
	assert_true(other->status >= 400);
	o = call(other, HTTP_POST, "/api/v1/ca/restore", "",
	    json_pack("{s:O,s:s}", "backup", backup, "password",
		"Long-Winter-Night-7"));
	if (other->status != 200)
		fail_msg("restore: %s", json_get0_text(o, "detail"));
	o = call(other, HTTP_GET, "/api/v1/ca/root-1", "", NULL);
	assert_string_equal(json_get0_text(o, "fingerprint"), root);
	(void)call(
	    other, HTTP_POST, "/api/v1/issue", "", issue_body(csr, "t1"));
	assert_int_equal(other->status, 200);
	o = call(other, HTTP_POST, "/api/v1/audit/verify", "", NULL);
	assert_true(json_get_bool(o, "good", false));
	assert_int_equal(tear_down(&second), 0);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(a_front_may_not_ask_the_api),
		CASE(a_malformed_ask_closes_the_link),
		CASE(what_is_not_there_is_said),
		CASE(entities_and_their_passwords),
		CASE(a_lost_batch_answers_503),
		CASE(issue_and_revoke),
		CASE(requests_by_hand),
		CASE(profiles_of_ones_own),
		CASE(trust_over_the_api),
		CASE(audit_verifies),
		CASE(backup_and_restore),
	};

	return cmocka_run_group_tests_name("api", tests, NULL, NULL);
}
