#include "enroll/rig.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/provider.h>

#include "net/http_client.h"
#include "os/clock.h"

#define ROUNDS_MAX 3000

static void
on_idle(void *cookie)
{
	(void)!store_flush(((struct rig *)cookie)->store);
}

static void
pair(int fd[2])
{
	assert_int_equal(socketpair(AF_UNIX,
			     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd),
	    0);
}

struct rig *
rig_new(void)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct diag d = { 0 };
	int fd[2];

	assert_non_null(r);
	snprintf(r->dir, sizeof(r->dir), "/tmp/h-enroll-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	config_defaults(&r->config);
	snprintf(
	    r->config.state_dir, sizeof(r->config.state_dir), "%s", r->dir);
	snprintf(r->config.catalog_dir, sizeof(r->config.catalog_dir), "%s",
	    TEST_CATALOG);
	r->config.scep_n = 4;
	memset(r->config.scep, 0, sizeof(r->config.scep));
	r->config.scep[0].pending_allowed = true;
	snprintf(r->config.scep[1].name, 64, "strict");
	snprintf(r->config.scep[2].name, 64, "old");
	r->config.scep[2].legacy = true;
	snprintf(r->config.scep[3].name, 64, "modern");
	snprintf(r->config.scep[3].profile, 64, "server");
	r->config.scep[3].pending_allowed = true;
	r->loop = loop_new();
	assert_int_equal(store_open("test:", &d, &r->store), 0);
	assert_int_equal(
	    key_server_new(r->loop, &r->config, &d, &r->server), 0);
	loop_set_idle(r->loop, on_idle, r);
	assert_int_equal(ledger_open(r->store, &d, &r->ledger), 0);
	r->keys = key_client_new(r->loop);
	assert_non_null(r->keys);
	assert_int_equal(
	    ca_new(r->store, r->ledger, r->keys, &r->config, &d, &r->ca), 0);
	pair(fd);
	assert_int_equal(key_server_link(r->server, ROLE_CORE, fd[1]), 0);
	assert_int_equal(key_client_add_link(r->keys, 0, fd[0]), 0);
	assert_int_equal(decider_new(r->ca, &d, &r->decider), 0);
	return r;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void
legacy_unload(void)
{
	while (OSSL_PROVIDER_available(NULL, "legacy")) {
		OSSL_PROVIDER *p = OSSL_PROVIDER_load(NULL, "legacy");

		(void)OSSL_PROVIDER_unload(p);
		(void)OSSL_PROVIDER_unload(p);
	}
}

void
rig_free(struct rig *r)
{
	clock_set_offset(0);
	assert_int_equal(store_flush(r->store), 0);
	front_free(r->front);
	if (r->core_end)
		channel_free(r->core_end);
	decider_free(r->decider);
	ca_free(r->ca);
	key_client_free(r->keys);
	ledger_close(r->ledger);
	key_server_free(r->server);
	legacy_unload();
	store_close(r->store);
	loop_free(r->loop);
	(void)nftw(r->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(r);
}

void
rig_rounds(struct rig *r, int n)
{
	while (n-- > 0)
		assert_int_equal(loop_step(r->loop, 5), 0);
}

void
rig_wait(struct rig *r, struct outcome *o)
{
	assert_int_equal(o->calls, 0); /* never before the call returns */
	for (int i = 0; i < ROUNDS_MAX && o->calls == 0; i++)
		assert_int_equal(loop_step(r->loop, 20), 0);
	assert_int_equal(o->calls, 1);
}

void
rig_on_done(int code, json_t *answer, const struct diag *d, void *cookie)
{
	struct outcome *o = cookie;

	o->calls++;
	o->code = code;
	o->answer = json_incref(answer);
	if (d)
		snprintf(o->text, sizeof(o->text), "%s", d->fact);
}

void
rig_on_answer(const struct enrol_answer *a, void *cookie)
{
	struct outcome *o = cookie;

	o->calls++;
	o->code = a->code;
	o->status = a->status;
	memcpy(o->text, a->text, sizeof(o->text));
	buf_init(&o->cert, X509_DER_MAX);
	buf_add_span(&o->cert, a->cert);
	o->crl_n = a->crl.n;
}

void
outcome_done(struct outcome *o)
{
	buf_done(&o->cert);
	json_decref(o->answer);
	memset(o, 0, sizeof(*o));
}

void
rig_decide(struct rig *r, const struct enrolment *e, struct outcome *o)
{
	outcome_done(o);
	assert_int_equal(decide(r->decider, e, rig_on_answer, o), 0);
	rig_wait(r, o);
}

void
rig_ignite(struct rig *r)
{
	static const struct actor who = { "uid:0", "local" };
	struct ignite_params p = { .name = "Example Telephony",
		.estate = { .c = "DE", .o = "Example" } };
	struct outcome o = { 0 };

	assert_int_equal(ca_ignite(r->ca, &p, &who, rig_on_done, &o), 0);
	rig_wait(r, &o);
	if (o.code)
		fail_msg("ignition: %s", o.text);
	outcome_done(&o);
}

void
rig_entity(struct rig *r, const struct entity_row *e, int64_t uses,
    int64_t expires, char password[ENROL_PASSWORD_TEXT])
{
	struct password_row p = { .created = clock_now(),
		.expires = expires,
		.uses_total = uses,
		.uses_left = uses };
	int64_t id;

	enrol_password_new(password);
	assert_int_equal(enrol_password_hash(password, p.hash), 0);
	assert_int_equal(entity_add(r->store, e, &p.entity), 0);
	assert_int_equal(password_add(r->store, &p, &id), 0);
	assert_int_equal(store_flush(r->store), 0);
}

static int
count(const struct event_row *e, void *cookie)
{
	(void)e;
	++*(int *)cookie;
	return 0;
}

int
rig_events(struct rig *r, enum event_kind kind)
{
	struct event_filter f = { .kind = kind, .limit = 10000 };
	int n = 0;

	assert_int_equal(event_each(r->store, &f, count, &n), 0);
	return n;
}

int64_t
rig_certificates(struct rig *r)
{
	struct cert_filter f = { 0 };
	int64_t n = 0;

	assert_int_equal(cert_count(r->store, &f, &n), 0);
	return n;
}

void
rig_asked(struct asked_for *a, const char *transaction, const char *password,
    const struct party *key, const char *sans)
{
	struct client_request c = {
		.signer = key, .cn = "phone-1.example.com", .sans = sans
	};
	size_t n;

	memset(a, 0, sizeof(*a));
	n = client_csr(&c, &a->csr);
	a->e.kind = ENROL_NEW;
	snprintf(a->e.protocol, 16, "scep");
	snprintf(a->e.transaction, 256, "%s", transaction);
	snprintf(a->e.source, 64, "192.0.2.1");
	snprintf(a->e.secret, 256, "%s", password ? password : "");
	a->e.csr = span_of(a->csr, n);
}

struct entity_row
rig_entity_row(const char *name)
{
	struct entity_row e = { .token = TOKEN_USER };

	snprintf(e.name, sizeof(e.name), "%s", name);
	snprintf(e.profile, sizeof(e.profile), "phone");
	return e;
}

/* ---- the core's end of the front's link, as api/core_front.c has it ---- */

struct core_ask {
	struct rig *r;
	struct channel *c;
	uint32_t id;
};

static void
on_decided(const struct enrol_answer *a, void *cookie)
{
	struct core_ask *k = cookie;
	BUF(out, 1u << 20);

	enrol_answer_pack(a, &out);
	if (k->r->core_end == k->c)
		assert_int_equal(
		    channel_send(k->c, ENROL_ANSWER, k->id, buf_span(&out)), 0);
	free(k);
}

static int
on_ask(struct channel *c, const struct frame *f, void *cookie)
{
	struct core_ask *k;
	struct rig *r = cookie;
	struct enrolment e;

	assert_int_equal(enrolment_unpack(f->payload, &e), 0);
	if (r->mute)
		return 0;
	k = calloc(1, sizeof(*k));
	*k = (struct core_ask){ r, c, f->id };
	assert_int_equal(decide(r->decider, &e, on_decided, k), 0);
	return 0;
}

static int
on_report(struct channel *c, const struct frame *f, void *cookie)
{
	struct rig *r = cookie;
	struct enrol_report p;

	(void)c;
	assert_int_equal(enrol_report_unpack(f->payload, &p), 0);
	return decide_report(r->decider, p.source, p.protocol, p.code, p.text);
}

static int
on_fetch(struct channel *c, const struct frame *f, void *cookie)
{
	struct rig *r = cookie;
	struct reader in = reader_of(f->payload);
	char id[64];
	BUF(crl, 1u << 20);
	BUF(out, 1u << 20);

	assert_int_equal(reader_u8(&in), 1);
	reader_text(&in, id, sizeof(id));
	assert_int_equal(reader_finish(&in), 0);
	buf_add_u32(&out, (uint32_t)authority_get_crl(r->store, id, &crl));
	buf_pack_span(&out, buf_span(&crl));
	return channel_send(c, ENROL_FETCHED, f->id, buf_span(&out));
}

static const struct channel_rule rules[] = {
	{ ENROL_ASK, ENROL_MESSAGE_MAX, on_ask },
	{ ENROL_REPORT, 4096, on_report },
	{ ENROL_FETCH, 256, on_fetch },
	{ 0, 0, NULL },
};

static void
on_close(struct channel *c, void *cookie)
{
	struct rig *r = cookie;

	if (r->core_end == c)
		r->core_end = NULL;
	channel_free(c);
}

static void
tell_setup(struct rig *r)
{
	struct enrol_setup *s = calloc(1, sizeof(*s));
	BUF(out, ENROL_SETUP_MAX);

	for (size_t i = 0; i < r->ca->authority_n; i++) {
		const struct authority *a = r->ca->authorities[i];
		struct enrol_ca *to = &s->ca[s->n++];

		snprintf(to->id, sizeof(to->id), "%s", a->row.id);
		snprintf(to->ra_key, sizeof(to->ra_key), "%s", a->row.ra_key);
		to->current = a == ca_issuer(r->ca);
		to->next = a->row.state == AUTHORITY_NEXT &&
			   a->row.kind == AUTHORITY_ISSUING;
		if (a->ra_cert)
			to->ra_cert = x509_span(a->ra_cert);
		to->chain_n = ca_chain(a, to->chain);
	}
	enrol_setup_pack(s, &out);
	assert_int_equal(
	    channel_send(r->core_end, ENROL_SETUP, 0, buf_span(&out)), 0);
	free(s);
}

void
rig_cut(struct rig *r)
{
	channel_free(r->core_end);
	r->core_end = NULL;
}

void
rig_relink(struct rig *r)
{
	int fd[2];

	if (r->core_end)
		rig_cut(r);
	pair(fd);
	r->core_end = channel_new(r->loop, fd[1], rules, r, on_close);
	assert_non_null(r->core_end);
	assert_int_equal(front_core_link(r->front, fd[0]), 0);
	tell_setup(r);
}

void
rig_front(struct rig *r)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
	    link[2];

	assert_int_equal(bind(fd, (struct sockaddr *)&a, n), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	r->port = ntohs(a.sin_port);
	r->front = front_new(r->loop, &r->config);
	assert_non_null(r->front);
	assert_int_equal(front_listen(r->front, fd), 0);
	pair(link);
	assert_int_equal(key_server_link(r->server, ROLE_FRONT, link[1]), 0);
	assert_int_equal(front_key_link(r->front, 0, link[0]), 0);
}

struct call {
	struct http_call c;
	int status, result;
	struct buf *body;
	atomic_bool done;
};

static void *
call_run(void *cookie)
{
	struct call *k = cookie;

	k->result = http_call(&k->c, NULL, &k->status, k->body);
	atomic_store(&k->done, true);
	return NULL;
}

int
rig_http(struct rig *r, const char *method, const char *path, struct span body,
    struct buf *ret)
{
	size_t size = strlen(path) + 64;
	char *url = malloc(size);
	struct call k = { .c = { .url = url,
			      .method = method,
			      .body = body,
			      .timeout_s = 30 },
		.body = ret };
	pthread_t t;

	snprintf(url, size, "http://127.0.0.1:%d%s", r->port, path);
	if (body.n)
		k.c.content_type = "application/x-pki-message";
	buf_reset(ret);
	assert_int_equal(pthread_create(&t, NULL, call_run, &k), 0);
	while (!atomic_load(&k.done))
		assert_int_equal(loop_step(r->loop, 20), 0);
	pthread_join(t, NULL);
	free(url);
	return k.result ? k.result : k.status;
}
