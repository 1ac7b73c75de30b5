#include "enroll/front_internal.h"

#include <stdio.h>

#include "base/log.h"
#include "base/str.h"
#include "cert/crypto.h"
#include "enroll/scep/scep.h"

void
front_say(struct http_request *r, int status, const char *text)
{
	static const struct http_header_pair allow[] = {
		{ "Allow", "GET, POST" },
		{ NULL, NULL },
	};
	BUF(body, 2048);

	buf_printf(&body, "%s\n", text);
	http_reply(r, status, "text/plain; charset=utf-8", buf_span(&body),
	    status == 405 ? allow : NULL);
}

void
front_busy(struct http_request *r, const char *text)
{
	static const struct http_header_pair later[] = {
		{ "Retry-After", "5" },
		{ NULL, NULL },
	};
	BUF(body, 2048);

	buf_printf(&body, "%s\n", text);
	http_reply(r, 503, "text/plain; charset=utf-8", buf_span(&body), later);
}

void
front_malformed(struct front *f, struct http_request *r, const char *protocol,
    const struct diag *d)
{
	char text[400];

	diag_print(d, text, sizeof(text));
	enrol_client_report(f->core, http_peer(r), protocol, d->code, text);
	front_say(r, 400, text);
}

bool
front_has_ca(const struct front *f, struct http_request *r)
{
	if (f->setup && f->setup->current)
		return true;
	front_busy(
	    r, f->setup
		   ? "no certificate authority enrolls here; run signet ignite"
		   : "the server is starting; try again in a moment");
	return false;
}

static const struct config_scep *
scep_path(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->scep_n; i++)
		if (strcmp(c->scep[i].name, name) == 0)
			return &c->scep[i];
	return NULL;
}

/* ENR-14: these paths, and nothing else is reachable here */
static void
on_request(struct http_request *r, void *cookie)
{
	struct front *f = cookie;
	const char *path = http_path(r);
	enum http_method method = http_method(r);
	const struct config_scep *scep = NULL;
	bool is_crl = str_has_prefix(path, "/crl/");
	bool is_ca = str_has_prefix(path, "/ca/");

	if (strcmp(path, "/scep") == 0)
		scep = scep_path(f->config, "");
	else if (str_has_prefix(path, "/scep/"))
		scep = scep_path(f->config, path + 6);
	if (!scep && !is_crl && !is_ca) {
		front_say(r, 404, "there is nothing at this address");
		return;
	}
	if (method != HTTP_GET && !(scep && method == HTTP_POST)) {
		front_say(
		    r, 405, "this address answers GET, and POST for SCEP");
		return;
	}
	if (scep)
		scep_request(f, r, scep);
	else if (is_crl)
		front_get_crl(f, r, path + 5);
	else
		front_get_ca(f, r, path + 4);
}

/* the server has answered by itself: too large, not HTTP */
static void
on_refused(const char *peer, int status, void *cookie)
{
	struct front *f = cookie;
	char text[80];

	snprintf(
	    text, sizeof(text), "HTTP request refused with status %d", status);
	enrol_client_report(
	    f->core, peer, "http", status == 413 ? E_TOO_BIG : E_PARSE, text);
}

static int
on_setup(struct span packed, void *cookie)
{
	struct front *f = cookie;
	struct front_setup *s = NULL;
	bool first = !f->setup;
	int e = front_setup_new(packed, &s);

	if (e) {
		log_line(LOG_ERROR, "the core's list of authorities: %s",
		    err_text(e));
		return e;
	}
	front_setup_unref(f->setup);
	f->setup = s;
	if (first && f->worker)
		return worker_ready(f->worker);
	return 0;
}

struct front *
front_new(struct loop *l, const struct config *c)
{
	struct front *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->loop = l;
	f->config = c;
	f->keys = key_client_new(l);
	f->core = enrol_client_new(l, on_setup, f);
	f->crls = crl_cache_new();
	if (f->keys && f->core && f->crls)
		return f;
	front_free(f);
	return NULL;
}

void
front_free(struct front *f)
{
	if (!f)
		return;
	/* in this order: open requests are told before their server goes */
	if (f->keys)
		key_client_free(f->keys);
	f->keys = NULL;
	enrol_client_free(f->core);
	crl_cache_free(f->crls);
	if (f->server)
		http_server_free(f->server);
	front_setup_unref(f->setup);
	free(f);
}

int
front_listen(struct front *f, int fd)
{
	const struct http_options o = {
		.body_max = SCEP_MESSAGE_MAX,
		.handler = on_request,
		.on_refused = on_refused,
		.cookie = f,
	};

	f->server = http_server_new(f->loop, fd, &o);
	return f->server ? 0 : E_NOMEM;
}

int
front_core_link(struct front *f, int fd)
{
	return enrol_client_add_link(f->core, fd);
}

int
front_key_link(struct front *f, unsigned index, int fd)
{
	return key_client_add_link(f->keys, index, fd);
}

bool
front_is_ready(const struct front *f)
{
	return f->setup != NULL;
}

/* ---- under the supervisor ---- */

static int
prepare(struct worker *w, struct diag *d)
{
	struct front *f;
	int e = crypto_open(d);

	if (e)
		return e;
	f = front_new(w->loop, &w->config);
	if (!f)
		return diag_set(
		    d, E_NOMEM, "signet-front", NULL, "out of memory");
	f->worker = w;
	w->cookie = f;
	return 0;
}

static int
on_listen(struct worker *w, enum listener kind, int fd)
{
	return kind == LISTEN_HTTP ? front_listen(w->cookie, fd) : E_INVAL;
}

static int
on_link(struct worker *w, enum role peer, unsigned index, int fd)
{
	if (peer == ROLE_CORE)
		return front_core_link(w->cookie, fd);
	if (peer == ROLE_KEY)
		return front_key_link(w->cookie, index, fd);
	return E_INVAL;
}

static int
on_start(struct worker *w)
{
	(void)w; /* it serves once the core has told what there is */
	return 0;
}

static void
on_stop(struct worker *w)
{
	front_free(w->cookie);
	w->cookie = NULL;
}

const struct worker_program front_program = {
	.name = "signet-front",
	.sandbox = SANDBOX_FRONT,
	.prepare = prepare,
	.on_listen = on_listen,
	.on_link = on_link,
	.on_start = on_start,
	.on_stop = on_stop,
};
