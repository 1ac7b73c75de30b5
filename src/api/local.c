#include "api/local.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api.h"
#include "base/json.h"
#include "base/log.h"
#include "net/http_server.h"
#include "os/clock.h"

#define LOCAL_LOOK_MS 250 /* how often held requests are looked at */
#define LOCAL_TRIES_MAX                                      \
	3 /* cores asked: one that kills them must not go on \
	   */

struct held { /* a request that is not answered yet */
	struct local *local;
	struct http_request *http;
	uint32_t id;
	unsigned tries;   /* cores that got it */
	bool sent;        /* to the core of the present link */
	int64_t hold_end; /* monotonic ms; 0 while a core has it */
	struct held *next, **prev_next;
};
struct local {
	struct loop *loop;
	struct http_server *server;
	struct channel *core; /* NULL: none at present */
	struct timer *timer;
	struct held *open;
	unsigned open_n;
	uint32_t last_id;
	uid_t owner;
};

static void
reply_problem(struct http_request *http, int status, int code,
    const char *object, const char *fact, const char *remedy)
{
	AUTO(json_t) *o = NULL;
	AUTO(char) *text = NULL;
	struct diag d = { 0 };

	(void)diag_set(&d, code, object, NULL, "%s", fact);
	diag_remedy(&d, "%s", remedy);
	o = json_of_diag(&d);
	json_set_int(o, "status", status);
	text = json_to_text(o);
	http_reply(http, status, "application/problem+json",
	    span_str(text ? text : "{}"), NULL);
}

static void
held_free(struct held *h)
{
	*h->prev_next = h->next;
	if (h->next)
		h->next->prev_next = h->prev_next;
	h->local->open_n--;
	free(h);
}

static void
held_refuse(struct held *h)
{
	reply_problem(h->http, 503, E_CLOSED, "signet-core",
	    h->sent ? "was restarted while it worked on this request"
		    : "is not running at present",
	    h->sent ? "look whether it was done, then try again" : "try again");
	held_free(h);
}

/* 0, or why the core did not get it */
static int
held_send(struct held *h)
{
	struct http_request *r = h->http;
	BUF(out, CHANNEL_FRAME_MAX);
	int e;

	if (!h->local->core)
		return E_CLOSED;
	buf_add_u8(&out, (uint8_t)http_method(r));
	buf_pack_text(&out, http_path(r));
	buf_pack_text(&out, http_query_raw(r));
	buf_add_u32(&out, (uint32_t)http_peer_uid(r));
	buf_pack_span(&out, http_body(r));
	e = buf_error(&out);
	if (!e)
		e = channel_send(
		    h->local->core, API_ASK, h->id, buf_span(&out));
	if (out.p)
		secret_wipe(out.p, out.n);
	if (e)
		return e;
	h->sent = true;
	h->tries++;
	h->hold_end = 0;
	return 0;
}

static void
on_timer(void *cookie)
{
	struct local *l = (struct local *)cookie;
	int64_t now = clock_monotonic_ms();
	struct held *next;

	for (struct held *h = l->open; h; h = next) {
		next = h->next;
		if (h->hold_end && now >= h->hold_end)
			held_refuse(h);
	}
	if (l->open)
		timer_set(l->timer, LOCAL_LOOK_MS);
}

static void
hold(struct held *h)
{
	h->hold_end = clock_monotonic_ms() + LOCAL_HOLD_MS;
	timer_set(h->local->timer, LOCAL_LOOK_MS);
}

/* Only root and the owner of the state folder. Not whom this process runs as:
 * started by root a front becomes nobody, and nobody is everybody's. */
static bool
is_let_in(const struct local *l, uid_t uid)
{
	return uid != (uid_t)-1 && (uid == 0 || uid == l->owner);
}

static void
on_request(struct http_request *r, void *cookie)
{
	struct local *l = (struct local *)cookie;
	struct held *h;

	if (!is_let_in(l, http_peer_uid(r))) {
		reply_problem(r, 403, E_DENIED, "local socket",
		    "this account may not administer the server",
		    "use root or the account the server runs as");
		return;
	}
	if (strlen(http_path(r)) >= API_PATH_MAX ||
	    strlen(http_query_raw(r)) >= API_QUERY_MAX) {
		reply_problem(r, 414, E_TOO_BIG, "address", "is too long",
		    "put what is long into the body");
		return;
	}
	h = l->open_n < LOCAL_OPEN_MAX ? (struct held *)calloc(1, sizeof(*h))
				       : NULL;
	if (!h) {
		reply_problem(r, 503, E_LIMIT, "local socket",
		    "too many requests are open", "try again");
		return;
	}
	h->local = l;
	h->http = r;
	h->id = ++l->last_id;
	h->next = l->open;
	h->prev_next = &l->open;
	if (h->next)
		h->next->prev_next = &h->next;
	l->open = h;
	l->open_n++;
	if (held_send(h))
		hold(h);
}

static int
on_answer(struct channel *c, const struct frame *f, void *cookie)
{
	struct local *l = (struct local *)cookie;
	struct reader r = reader_of(f->payload);
	char type[64];
	struct span body;
	int status = reader_u16(&r);

	(void)c;
	reader_text(&r, type, sizeof(type));
	body = reader_span(&r);
	if (reader_finish(&r))
		return E_PARSE;
	for (struct held *h = l->open; h; h = h->next) {
		if (h->id != f->id)
			continue;
		http_reply(h->http, status, type, body, NULL);
		held_free(h);
		return 0;
	}
	return 0;
}

static const struct channel_rule rules[] = {
	{ API_ANSWER, CHANNEL_FRAME_MAX, on_answer },
	{ 0, 0, NULL },
};

/* what only reads is asked again of the next core; what may have been done is
 * answered with "look first" */
static void
core_gone(struct local *l)
{
	struct held *next;

	channel_free(l->core);
	l->core = NULL;
	for (struct held *h = l->open; h; h = next) {
		next = h->next;
		if (!h->sent)
			continue;
		if (http_method(h->http) == HTTP_GET &&
		    h->tries < LOCAL_TRIES_MAX)
			hold(h);
		else
			held_refuse(h);
	}
}

static void
on_close(struct channel *c, void *cookie)
{
	(void)c;
	core_gone((struct local *)cookie);
}

int
local_link(struct local *l, int fd)
{
	if (l->core)
		core_gone(l);
	l->core = channel_new(l->loop, fd, rules, l, on_close);
	if (!l->core)
		return E_NOMEM;
	for (struct held *h = l->open; h; h = h->next)
		if (held_send(h))
			log_line(LOG_WARNING, "a held request waits on");
	return 0;
}

int
local_listen(struct local *l, int fd)
{
	struct http_options o = { .body_max = API_BODY_MAX,
		.local = true,
		.handler = on_request,
		.cookie = l };

	l->server = http_server_new(l->loop, fd, &o);
	return l->server ? 0 : E_NOMEM;
}

struct local *
local_new(struct loop *loop, uid_t owner)
{
	struct local *l = (struct local *)calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->loop = loop;
	l->owner = owner;
	l->timer = timer_new(loop, on_timer, l);
	if (!l->timer) {
		free(l);
		return NULL;
	}
	return l;
}

void
local_free(struct local *l)
{
	if (!l)
		return;
	if (l->server)
		http_server_free(l->server);
	while (l->open)
		held_free(l->open);
	if (l->core)
		channel_free(l->core);
	timer_free(l->timer);
	free(l);
}

static int
local_prepare(struct worker *w, struct diag *d)
{
	struct stat st;

	/* before root is given up: it may be closed to whom we become */
	if (stat(w->config.state_dir, &st) != 0)
		return diag_set(
		    d, E_IO, w->config.state_dir, NULL, "%s", strerror(errno));
	w->cookie = local_new(w->loop, st.st_uid);
	return w->cookie
		   ? 0
		   : diag_set(d, E_NOMEM, "local front", NULL, "no memory");
}

static int
local_on_listen(struct worker *w, enum listener kind, int fd)
{
	if (kind == LISTEN_LOCAL)
		return local_listen((struct local *)w->cookie, fd);
	close(fd);
	return E_INVAL;
}

static int
local_on_link(struct worker *w, enum role peer, unsigned index, int fd)
{
	(void)index;
	if (peer == ROLE_CORE)
		return local_link((struct local *)w->cookie, fd);
	close(fd);
	return E_INVAL;
}

static int
local_on_start(struct worker *w)
{
	return worker_ready(w);
}

static void
local_on_stop(struct worker *w)
{
	local_free((struct local *)w->cookie);
	w->cookie = NULL;
}

const struct worker_program api_local_program = {
	.name = "signet-front",
	.sandbox = SANDBOX_FRONT,
	.prepare = local_prepare,
	.on_listen = local_on_listen,
	.on_link = local_on_link,
	.on_start = local_on_start,
	.on_stop = local_on_stop,
};
