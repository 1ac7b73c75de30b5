#include "rig.h"

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

int
rig_on_answer(struct channel *c, const struct frame *f, void *cookie)
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
	{ API_ANSWER, CHANNEL_FRAME_MAX, rig_on_answer },
	{ 0, 0, NULL },
};

void
rig_on_close(struct channel *c, void *cookie)
{
	struct rig *r = (struct rig *)cookie;

	r->closed = true;
	if (r->link == c)
		r->link = NULL;
	channel_free(c);
}

void
rig_pair(int fd[2])
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

int
rig_set_up(void **state)
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
	rig_pair(fd);
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
	rig_pair(fd);
	assert_int_equal(core_local_add(c, fd[0]), 0);
	r->link =
	    channel_new(r->worker.loop, fd[1], our_rules, r, rig_on_close);
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

int
rig_tear_down(void **state)
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

/* the JSON answer (borrowed until the next rig_call); its status in r->status
 */
const json_t *
rig_call_raw(struct rig *r, enum http_method m, const char *path,
    const char *query, struct span body)
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

const json_t *
rig_call(struct rig *r, enum http_method m, const char *path, const char *query,
    json_t *body)
{
	AUTO(json_t) *own = body;
	AUTO(char) *text = own ? json_to_text(own) : NULL;

	return rig_call_raw(
	    r, m, path, query, text ? span_str(text) : span_of(NULL, 0));
}

void
rig_ignite(struct rig *r)
{
	const json_t *o = rig_call(r, HTTP_POST, "/api/v1/ignition", "",
	    json_pack("{s:s}", "name", "Example"));

	if (r->status != 200)
		fail_msg("ignition: %s", json_get0_text(o, "detail"));
	assert_int_equal(json_array_size(json_object_get(o, "authorities")), 2);
}

/* PEM of a request for that CN; caller frees */
char *
rig_csr(const char *cn)
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
