#include "rig.h"

#include <ftw.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/provider.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/json.h"
#include "os/clock.h"
#include "os/file.h"

#define ROUNDS_MAX 20000

const struct actor rig_actor = { "uid:0", "local" };

static void
on_idle(void *cookie)
{
	(void)!store_flush(((struct rig *)cookie)->store);
}

static void
on_change(void *cookie)
{
	((struct rig *)cookie)->told++;
}

static void
link_up(struct rig *r)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX,
			     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd),
	    0);
	assert_int_equal(key_server_link(r->server, ROLE_CORE, fd[1]), 0);
	assert_int_equal(key_client_add_link(r->keys, 0, fd[0]), 0);
}

static void
core_start(struct rig *r)
{
	struct diag d = { 0 };

	assert_int_equal(ledger_open(r->store, &d, &r->ledger), 0);
	r->keys = key_client_new(r->loop);
	assert_non_null(r->keys);
	assert_int_equal(
	    ca_new(r->store, r->ledger, r->keys, &r->config, &d, &r->ca), 0);
	r->ca->on_change = on_change;
	r->ca->on_change_cookie = r;
	link_up(r);
}

static void
core_stop(struct rig *r)
{
	/* the order of api/core.c */
	ca_free(r->ca);
	key_client_free(r->keys);
	ledger_close(r->ledger);
}

struct rig *
rig_new(const char *database, const char *public_url)
{
	struct rig *r = (struct rig *)calloc(1, sizeof(*r));
	struct diag d = { 0 };

	assert_non_null(r);
	snprintf(r->dir, sizeof(r->dir), "/tmp/h-ca-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	if (strcmp(database, "test") == 0)
		snprintf(r->url, sizeof(r->url), "test:");
	else
		snprintf(r->url, sizeof(r->url), "sqlite:%s/db", r->dir);
	config_defaults(&r->config);
	snprintf(
	    r->config.state_dir, sizeof(r->config.state_dir), "%s", r->dir);
	snprintf(r->config.catalog_dir, sizeof(r->config.catalog_dir), "%s",
	    TEST_CATALOG);
	snprintf(r->config.public_url, sizeof(r->config.public_url), "%s",
	    public_url ? public_url : "");
	r->loop = loop_new();
	assert_int_equal(store_open(r->url, &d, &r->store), 0);
	assert_int_equal(
	    key_server_new(r->loop, &r->config, &d, &r->server), 0);
	loop_set_idle(r->loop, on_idle, r);
	core_start(r);
	return r;
}

void
rig_restart(struct rig *r)
{
	core_stop(r);
	core_start(r);
}

void
rig_replace_server(struct rig *r)
{
	struct diag d = { 0 };

	key_server_free(r->server);
	assert_int_equal(
	    key_server_new(r->loop, &r->config, &d, &r->server), 0);
	link_up(r);
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

/* the key server activates OpenSSL's legacy provider for the life of its
 * process; here that life ends before the leak check */
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
	core_stop(r);
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
rig_wait(struct rig *r, struct result *x)
{
	assert_int_equal(x->calls, 0); /* never before the call returns */
	for (int i = 0; i < ROUNDS_MAX && x->calls == 0; i++)
		assert_int_equal(loop_step(r->loop, 20), 0);
	rig_rounds(r, 2);
	assert_int_equal(x->calls, 1); /* exactly once */
}

void
rig_done(int code, json_t *answer, const struct diag *d, void *cookie)
{
	struct result *x = (struct result *)cookie;

	x->calls++;
	x->code = code;
	x->answer = json_incref(answer);
	if (d)
		x->d = *d;
}

void
result_done(struct result *x)
{
	json_decref(x->answer);
	buf_done(&x->der);
	memset(x, 0, sizeof(*x));
}

void
rig_ignite(struct rig *r, bool single_level)
{
	struct ignite_params p = { .name = "Example Telephony",
		.single_level = single_level,
		.estate = { .c = "DE", .o = "Example, Inc" } };
	struct result x = { 0 };

	assert_int_equal(ca_ignite(r->ca, &p, &rig_actor, rig_done, &x), 0);
	rig_wait(r, &x);
	if (x.code)
		fail_msg("ignition: %s: %s", x.d.object, x.d.fact);
	result_done(&x);
}

EVP_PKEY *
rig_key(void)
{
	static EVP_PKEY *key;

	if (!key)
		assert_int_equal(key_generate(KEY_RSA2048, &key), 0);
	return key;
}

static void
on_issued(const struct issued *i, void *cookie)
{
	struct result *x = (struct result *)cookie;

	x->calls++;
	x->code = i->result;
	x->d = i->d;
	x->cert = i->cert_id;
	x->request = i->request_id;
	x->answer = json_incref(i->receipt);
	buf_init(&x->der, X509_DER_MAX);
	buf_add_span(&x->der, i->der);
}

void
rig_issue(struct rig *r, const char *profile, const char *host,
    const struct issue *more, struct result *x)
{
	static unsigned number;
	struct issue i = { 0 };
	BUF(subject, 1024);
	BUF(spki, 4096);
	char dn[256];
	int e;

	if (more)
		i = *more;
	i.profile = profile_find(&r->ca->profiles, profile);
	assert_non_null(i.profile);
	snprintf(dn, sizeof(dn), "CN=%s", host);
	assert_int_equal(name_build(dn, NULL, &subject), 0);
	if (!i.asked.spki.n) {
		assert_int_equal(spki_build(rig_key(), &spki), 0);
		i.asked.spki = buf_span(&spki);
	}
	i.asked.subject = buf_span(&subject);
	snprintf(i.actor, sizeof(i.actor), "scep");
	snprintf(i.source, sizeof(i.source), "192.0.2.9");
	if (!i.request.id) {
		snprintf(i.request.protocol, 16, "scep");
		if (!i.request.transaction[0])
			snprintf(i.request.transaction, 256, "t%u", number++);
		snprintf(i.request.profile, 64, "%s", profile);
		i.request.created = clock_now();
	}
	e = ca_issue(r->ca, &i, on_issued, x);
	assert_int_equal(e, 0);
}

/* -- OpenSSL's view -- */

X509 *
rig_x509(struct span der)
{
	const uint8_t *p = der.p;
	X509 *c = d2i_X509(NULL, &p, (long)der.n);

	assert_non_null(c);
	return c;
}

static STACK_OF(X509) * stack_of(const struct span *certs, size_t n)
{
	STACK_OF(X509) *s = sk_X509_new_null();

	for (size_t i = 0; i < n; i++)
		sk_X509_push(s, rig_x509(certs[i]));
	return s;
}

static void
add_crl(X509_STORE *s, struct span der)
{
	const uint8_t *p = der.p;
	X509_CRL *crl = d2i_X509_CRL(NULL, &p, (long)der.n);

	assert_non_null(crl);
	assert_int_equal(X509_STORE_add_crl(s, crl), 1);
	X509_STORE_set_flags(s, X509_V_FLAG_CRL_CHECK);
	X509_CRL_free(crl);
}

int
rig_verify(struct span leaf, const struct span *roots, size_t root_n,
    const struct span *others, size_t other_n, struct span crl)
{
	X509_STORE *s = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *more = stack_of(others, other_n);
	X509 *x = rig_x509(leaf);
	int error;

	for (size_t i = 0; i < root_n; i++) {
		X509 *root = rig_x509(roots[i]);

		assert_int_equal(X509_STORE_add_cert(s, root), 1);
		X509_free(root);
	}
	if (crl.n)
		add_crl(s, crl);
	X509_STORE_set_flags(s, X509_V_FLAG_X509_STRICT);
	assert_int_equal(X509_STORE_CTX_init(ctx, s, x, more), 1);
	X509_VERIFY_PARAM_set_time(
	    X509_STORE_CTX_get0_param(ctx), (time_t)clock_now());
	error = X509_verify_cert(ctx) == 1 ? 0 : X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(s);
	sk_X509_pop_free(more, X509_free);
	X509_free(x);
	return error;
}

void
rig_crl(struct rig *r, const char *id, struct buf *out)
{
	buf_reset(out);
	assert_int_equal(authority_get_crl(r->store, id, out), 0);
}

static int
count(const struct event_row *e, void *cookie)
{
	(void)e;
	++*(int *)cookie;
	return 0;
}

int
rig_count_events(struct rig *r, enum event_kind kind)
{
	struct event_filter f = { .kind = kind, .limit = 10000 };
	int n = 0;

	assert_int_equal(event_each(r->store, &f, count, &n), 0);
	return n;
}
