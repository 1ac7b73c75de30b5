/* The API over a real store, ledger, key server and decision, asked as the
 * local front asks: ENR-1, ENR-2, ENR-8, CA-2, CA-3, CERT-10, TRUST-3, ACC-8.
 */
#include "rig.h"

#include "base/json.h"
#include "enroll/enrolment.h"
#include "os/clock.h"

/* whoever takes over a public front gets no further than a stranger */
static void
a_front_may_not_ask_the_api(void **state)
{
	struct rig *r = (struct rig *)*state;
	struct rig other = { .closed = false };
	struct channel *c;
	int fd[2];
	BUF(out, 256);

	rig_pair(fd);
	assert_int_equal(core_front_add(&r->core, fd[0]), 0);
	/* the setup that comes first is not ours to read here */
	static const struct channel_rule rules[] = {
		{ API_ANSWER, CHANNEL_FRAME_MAX, rig_on_answer },
		{ 0, 0, NULL },
	};
	c = channel_new(r->worker.loop, fd[1], rules, &other, rig_on_close);
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
	(void)rig_call(r, HTTP_GET, "/api/v1/status", "", NULL);
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

	o = rig_call(r, HTTP_GET, "/api/v1/nothing", "", NULL);
	assert_int_equal(r->status, 404);
	assert_string_equal(json_get0_text(o, "title"), "not-found");
	assert_int_equal(json_get_int(o, "status", 0), 404);
	(void)rig_call(r, HTTP_DELETE, "/api/v1/status", "", NULL);
	assert_int_equal(r->status, 405);
	(void)rig_call_raw(r, HTTP_POST, "/api/v1/entities", "", span_str("{"));
	assert_int_equal(r->status, 400);
	(void)rig_call_raw(
	    r, HTTP_POST, "/api/v1/entities", "", span_str("[]"));
	assert_int_equal(r->status, 400);
	(void)rig_call(r, HTTP_GET, "/api/v1/certs", "limit=%zz", NULL);
	assert_int_equal(r->status, 400);
	(void)rig_call(r, HTTP_GET, "/api/v1/certs", "limit=5000", NULL);
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

	o = rig_call(r, HTTP_POST, "/api/v1/entities", "", entity_body("pbx1"));
	assert_int_equal(r->status, 201);
	assert_int_equal(
	    enrol_password_hash(json_get0_text(o, "password"), hash), 0);
	o = rig_call(r, HTTP_POST, "/api/v1/entities", "", entity_body("pbx1"));
	assert_int_equal(r->status, 409);
	o = rig_call(r, HTTP_POST, "/api/v1/entities", "", entity_body("a b"));
	assert_int_equal(r->status, 422);
	o = rig_call(r, HTTP_GET, "/api/v1/entities/pbx1", "", NULL);
	assert_int_equal(r->status, 200);
	assert_string_equal(json_get0_text(o, "mac"), "001b4f112233");
	pw = json_array_get(json_object_get(o, "passwords"), 0);
	assert_string_equal(json_get0_text(pw, "state"), "valid");
	assert_string_equal(json_get0_text(pw, "remaining"), "2 h 0 min");
	assert_null(json_get0_text(pw, "password"));
	clock_set_offset(7201);
	o = rig_call(r, HTTP_GET, "/api/v1/entities/pbx1", "", NULL);
	pw = json_array_get(json_object_get(o, "passwords"), 0);
	assert_string_equal(json_get0_text(pw, "state"), "expired");
	o = rig_call(r, HTTP_POST, "/api/v1/entities/pbx1/passwords", "",
	    json_pack("{s:i}", "uses", 0));
	assert_int_equal(r->status, 201);
	o = rig_call(r, HTTP_GET, "/api/v1/entities", "limit=10", NULL);
	assert_int_equal(json_array_size(json_object_get(o, "entities")), 1);
	(void)rig_call(r, HTTP_DELETE, "/api/v1/entities/pbx1", "", NULL);
	assert_int_equal(r->status, 200);
	(void)rig_call(r, HTTP_GET, "/api/v1/entities/pbx1", "", NULL);
	assert_int_equal(r->status, 404);
	/* no password is in the ledger */
	o = rig_call(r, HTTP_GET, "/api/v1/audit", "raw=1", NULL);
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
	(void)rig_call(
	    r, HTTP_POST, "/api/v1/entities", "", entity_body("lost"));
	assert_int_equal(r->status, 503);
	store_test_fail_after(r->core.store, 0);
	(void)rig_call(r, HTTP_GET, "/api/v1/entities/lost", "", NULL);
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
	AUTO(char) *csr = rig_csr("pbx1.example.com");
	AUTO(char) *other = rig_csr("pbx1.example.com");
	char serial[64], path[128];
	const json_t *o;

	rig_ignite(r);
	o = rig_call(r, HTTP_POST, "/api/v1/issue", "", issue_body(csr, "t1"));
	if (r->status != 200)
		fail_msg("issue: %s", json_get0_text(o, "detail"));
	snprintf(serial, sizeof(serial), "%s", json_get0_text(o, "serial"));
	assert_non_null(json_object_get(o, "receipt"));
	assert_int_equal(json_array_size(json_object_get(o, "chain")), 2);
	o = rig_call(r, HTTP_POST, "/api/v1/issue", "", issue_body(csr, "t1"));
	assert_int_equal(r->status, 200);
	assert_string_equal(json_get0_text(o, "serial"), serial);
	(void)rig_call(
	    r, HTTP_POST, "/api/v1/issue", "", issue_body(other, "t1"));
	assert_int_equal(r->status, 409);
	(void)rig_call(r, HTTP_POST, "/api/v1/issue", "",
	    json_pack("{s:s,s:s,s:s}", "profile", "root-ca", "csr", csr,
		"transaction", "t2"));
	assert_int_equal(r->status, 403);
	o = rig_call(r, HTTP_GET, "/api/v1/certs", "", NULL);
	assert_int_equal(json_get_int(o, "total", 0), 1);
	o = rig_call(r, HTTP_GET, "/api/v1/certs", "expiring=60d", NULL);
	assert_int_equal(json_get_int(o, "total", 9), 0);
	o = rig_call(r, HTTP_GET, "/api/v1/certs", "expiring=1000d", NULL);
	assert_int_equal(json_get_int(o, "total", 9), 1);
	snprintf(path, sizeof(path), "/api/v1/certs/%s/hold", serial);
	(void)rig_call(r, HTTP_POST, path, "", NULL);
	assert_int_equal(r->status, 200);
	snprintf(path, sizeof(path), "/api/v1/certs/%s/revoke", serial);
	(void)rig_call(
	    r, HTTP_POST, path, "", json_pack("{s:s}", "reason", "bad mood"));
	assert_int_equal(r->status, 422);
	(void)rig_call(r, HTTP_POST, path, "",
	    json_pack("{s:s}", "reason", "keyCompromise"));
	assert_int_equal(r->status, 200);
	snprintf(path, sizeof(path), "/api/v1/certs/%s", serial);
	o = rig_call(r, HTTP_GET, path, "", NULL);
	assert_string_equal(json_get0_text(o, "state"), "revoked");
	assert_string_equal(json_get0_text(o, "reason"), "keyCompromise");
}

/* ENR-8 */
static void
requests_by_hand(void **state)
{
	struct rig *r = (struct rig *)*state;
	AUTO(char) *csr = rig_csr("aes.example.com");
	char path[128];
	const json_t *o;
	int64_t id;

	rig_ignite(r);
	o = rig_call(r, HTTP_POST, "/api/v1/requests", "",
	    json_pack("{s:s,s:s}", "csr", csr, "profile", "identity"));
	assert_int_equal(r->status, 200);
	assert_string_equal(json_get0_text(o, "state"), "pending");
	id = json_get_int(o, "id", 0);
	snprintf(
	    path, sizeof(path), "/api/v1/requests/%lld/reject", (long long)id);
	(void)rig_call(r, HTTP_POST, path, "", NULL);
	assert_int_equal(r->status, 422);
	snprintf(
	    path, sizeof(path), "/api/v1/requests/%lld/approve", (long long)id);
	o = rig_call(r, HTTP_POST, path, "", NULL);
	assert_int_equal(r->status, 200);
	/* "certificate" is PEM wherever it stands; a row has its own name */
	assert_memory_equal(json_get0_text(o, "certificate"),
	    "-----BEGIN CERTIFICATE-----", 27);
	assert_non_null(json_get0_text(o, "serial"));
	assert_null(json_object_get(o, "certificate_id"));
	(void)rig_call(r, HTTP_POST, path, "", NULL);
	assert_int_equal(r->status, 409);
	snprintf(path, sizeof(path), "/api/v1/requests/%lld", (long long)id);
	o = rig_call(r, HTTP_GET, path, "", NULL);
	assert_string_equal(json_get0_text(o, "state"), "issued");
	assert_non_null(json_get0_text(o, "certificate"));
	assert_non_null(json_object_get(o, "receipt"));
	o = rig_call(r, HTTP_GET, "/api/v1/requests", "state=issued", NULL);
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

	o = rig_call(r, HTTP_GET, "/api/v1/profiles/phone", "", NULL);
	yaml = strdup(json_get0_text(o, "yaml"));
	(void)rig_call(r, HTTP_POST, "/api/v1/profiles", "",
	    json_pack("{s:s,s:s}", "name", "door", "yaml", yaml));
	assert_int_equal(r->status, 200);
	assert_int_equal(r->key_restarts, 1);
	snprintf(bad, sizeof(bad), "%s\nfrobnicate: 7\n", yaml);
	o = rig_call(r, HTTP_PUT, "/api/v1/profiles/door", "",
	    json_pack("{s:s}", "yaml", bad));
	assert_true(r->status >= 400);
	assert_non_null(strstr(json_get0_text(o, "detail"), "frobnicate"));
	(void)rig_call(r, HTTP_DELETE, "/api/v1/profiles/phone", "", NULL);
	assert_int_equal(r->status, 403);
	(void)rig_call(r, HTTP_POST, "/api/v1/profiles", "",
	    json_pack("{s:s,s:s}", "name", "../x", "yaml", yaml));
	assert_int_equal(r->status, 422);
	(void)rig_call(r, HTTP_DELETE, "/api/v1/profiles/door", "", NULL);
	assert_int_equal(r->status, 200);
	(void)rig_call(r, HTTP_GET, "/api/v1/profiles/door", "", NULL);
	assert_int_equal(r->status, 404);
}

/* TRUST-3: noise is refused and nothing is added */
static void
trust_over_the_api(void **state)
{
	struct rig *r = (struct rig *)*state;
	const json_t *o;

	(void)rig_call(r, HTTP_POST, "/api/v1/trust", "",
	    json_pack("{s:s}", "file", "bm90aGluZw=="));
	assert_true(r->status >= 400);
	o = rig_call(r, HTTP_GET, "/api/v1/trust/defaults", "", NULL);
	assert_int_equal(
	    json_array_size(json_object_get(o, "certificates")), 9);
	(void)rig_call(r, HTTP_POST, "/api/v1/trust/defaults", "", NULL);
	assert_int_equal(r->status, 200);
	(void)rig_call(r, HTTP_DELETE, "/api/v1/trust", "key=nobody", NULL);
	assert_int_equal(r->status, 404);
}

/* ACC-8 */
static void
audit_verifies(void **state)
{
	struct rig *r = (struct rig *)*state;
	const json_t *o;

	rig_ignite(r);
	o = rig_call(r, HTTP_POST, "/api/v1/audit/verify", "", NULL);
	assert_int_equal(r->status, 200);
	assert_true(json_get_bool(o, "good", false));
	assert_true(json_get_int(o, "events", 0) > 3);
	o = rig_call(r, HTTP_GET, "/api/v1/audit", "limit=2", NULL);
	assert_int_equal(json_array_size(json_object_get(o, "events")), 2);
	o = rig_call(r, HTTP_GET, "/api/v1/audit", "next=0&limit=2", NULL);
	assert_int_equal(json_get_int(o, "next", 0), 2);
	(void)rig_call(r, HTTP_GET, "/api/v1/audit", "kind=nonsense", NULL);
	assert_int_equal(r->status, 422);
}

/* CA-2: what exists is imported; created out of it came an empty id */
static void
create_takes_no_pkcs12(void **state)
{
	struct rig *r = (struct rig *)*state;
	const json_t *o;

	rig_ignite(r);
	o = rig_call(r, HTTP_POST, "/api/v1/ca", "",
	    json_pack("{s:s,s:s}", "name", "Second", "p12", "AAAA"));
	assert_int_equal(r->status, 422);
	assert_non_null(
	    strstr(json_get0_text(o, "remedy"), "signet ca import"));
	o = rig_call(r, HTTP_GET, "/api/v1/ca", "", NULL);
	assert_int_equal(json_array_size(json_object_get(o, "authorities")), 2);
}

/* CA-2: a backup is protected, restores once, and issues under the old root */
static void
backup_and_restore(void **state)
{
	struct rig *r = (struct rig *)*state, *other;
	AUTO(json_t) *backup = NULL;
	AUTO(char) *csr = rig_csr("pbx1.example.com");
	AUTO(char) *root = NULL;
	void *second = NULL;
	const json_t *o;

	rig_ignite(r);
	(void)rig_call(r, HTTP_POST, "/api/v1/ca/backup", "", NULL);
	assert_int_equal(r->status, 422);
	o = rig_call(r, HTTP_POST, "/api/v1/ca/backup", "",
	    json_pack("{s:s}", "password", "Long-Winter-Night-7"));
	assert_int_equal(r->status, 200);
	backup = json_deep_copy(o);
	o = rig_call(r, HTTP_GET, "/api/v1/ca/root-1", "", NULL);
	root = strdup(json_get0_text(o, "fingerprint"));
	(void)rig_call(r, HTTP_POST, "/api/v1/ca/restore", "",
	    json_pack("{s:O,s:s}", "backup", backup, "password",
		"Long-Winter-Night-7"));
	assert_int_equal(r->status, 409);
	assert_int_equal(rig_set_up(&second), 0);
	other = (struct rig *)second;
	(void)rig_call(other, HTTP_POST, "/api/v1/ca/restore", "",
	    json_pack("{s:O,s:s}", "backup", backup, "password", "wrong"));
	assert_true(other->status >= 400);
	o = rig_call(other, HTTP_POST, "/api/v1/ca/restore", "",
	    json_pack("{s:O,s:s}", "backup", backup, "password",
		"Long-Winter-Night-7"));
	if (other->status != 200)
		fail_msg("restore: %s", json_get0_text(o, "detail"));
	o = rig_call(other, HTTP_GET, "/api/v1/ca/root-1", "", NULL);
	assert_string_equal(json_get0_text(o, "fingerprint"), root);
	(void)rig_call(
	    other, HTTP_POST, "/api/v1/issue", "", issue_body(csr, "t1"));
	assert_int_equal(other->status, 200);
	o = rig_call(other, HTTP_POST, "/api/v1/audit/verify", "", NULL);
	assert_true(json_get_bool(o, "good", false));
	assert_int_equal(rig_tear_down(&second), 0);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, rig_set_up, rig_tear_down)
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
		CASE(create_takes_no_pkcs12),
		CASE(backup_and_restore),
	};

	return cmocka_run_group_tests_name("api", tests, NULL, NULL);
}
