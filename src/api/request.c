/* One request of the local front, from its frame to its answer. */
#include "api/api_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "os/clock.h"

static const char problem_type[] = "application/problem+json";

/* passwords came in the body: neither copy of it stays in memory */
static void
wipe_secrets(json_t *o)
{
	const char *text = json_get0_text(o, "password");

	if (text) {
		union {
			const char *from;
			char *to;
		} u = { .from = text };

		secret_wipe(u.to, strlen(text));
	}
	json_decref(o);
}

static void
request_free(struct api_request *r)
{
	*r->prev_next = r->next;
	if (r->next)
		r->next->prev_next = r->prev_next;
	r->api->open_n--;
	if (r->raw.p)
		secret_wipe(r->raw.p, r->raw.n);
	if (r->answer.p)
		secret_wipe(r->answer.p, r->answer.n);
	wipe_secrets(r->json);
	free(r->keep);
	buf_done(&r->raw);
	buf_done(&r->answer);
	free(r);
}

void
api_link_gone(struct api *a, struct channel *c)
{
	for (struct api_request *r = a->open; r; r = r->next)
		if (r->channel == c)
			r->channel = NULL;
}

static void
send_answer(struct api_request *r)
{
	BUF(out, API_ANSWER_MAX + 1024);
	int e;

	if (!r->channel)
		return;
	buf_add_u16(&out, (uint16_t)r->status);
	buf_pack_text(&out, r->content_type);
	buf_pack_span(&out, buf_span(&r->answer));
	e = buf_error(&out);
	if (!e)
		e = channel_send(r->channel, API_ANSWER, r->id, buf_span(&out));
	if (out.p)
		secret_wipe(out.p, out.n);
	/* the front gives up by itself when nothing comes */
	if (e)
		log_line(
		    LOG_WARNING, "an API answer was not sent: %s", err_name(e));
}

static int
status_of(int code)
{
	switch (code) {
	case E_PARSE:
	case E_TRUNCATED:
		return 400;
	case E_DENIED:
		return 403;
	case E_NOT_FOUND:
		return 404;
	case E_EXISTS:
	case E_CONFLICT:
	case E_STATE:
		return 409;
	case E_TOO_BIG:
		return 413;
	case E_INVAL:
	case E_UNSUPPORTED:
	case E_CRYPTO:
	case E_PASSWORD:
	case E_EXPIRED:
		return 422;
	case E_LIMIT:
		return 429;
	case E_PENDING:
		return 202;
	case E_BUG:
		return 500;
	default:
		return 503;
	}
}

/* replaces whatever answer there was by an RFC 9457 problem */
static void
set_problem(struct api_request *r, const struct diag *d, int status)
{
	AUTO(json_t) *o = json_of_diag(d);
	AUTO(char) *text = NULL;

	json_set_int(o, "status", status);
	text = json_to_text(o);
	buf_reset(&r->answer);
	buf_add_text(&r->answer, text ? text : "{}");
	r->status = status;
	r->content_type = problem_type;
}

static void
on_durable(int result, void *cookie)
{
	struct api_request *r = (struct api_request *)cookie;

	if (result) {
		struct diag d = { 0 };

		(void)diag_set(&d, result, "the store", NULL,
		    "did not keep the change; nothing was done");
		diag_remedy(&d, "try again");
		set_problem(r, &d, 503);
	}
	send_answer(r);
	request_free(r);
}

static void
finish(struct api *a, struct api_request *r)
{
	if (buf_error(&r->answer)) {
		struct diag d = { 0 };

		(void)diag_set(&d, buf_error(&r->answer), "answer", NULL,
		    "has more than %u bytes", API_ANSWER_MAX);
		diag_remedy(&d, "ask for fewer rows (limit=)");
		set_problem(r, &d, 413);
	}
	/* nothing is answered before it is durable (CA-6) */
	if (store_after(a->store, on_durable, r))
		on_durable(E_DB, r);
}

void
api_answer(struct api *a, struct api_request *r, int status, json_t *body)
{
	AUTO(json_t) *o = body;
	AUTO(char) *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	struct diag d = { 0 };

	if (!text) {
		(void)diag_set(&d, E_NOMEM, "answer", NULL, "out of memory");
		api_refuse(a, r, &d);
		return;
	}
	r->status = status;
	r->content_type = "application/json";
	buf_add_text(&r->answer, text);
	secret_wipe(text, strlen(text));
	finish(a, r);
}

void
api_answer_bytes(struct api *a, struct api_request *r, const char *content_type,
    struct span body)
{
	r->status = 200;
	r->content_type = content_type;
	buf_add_span(&r->answer, body);
	finish(a, r);
}

void
api_refuse(struct api *a, struct api_request *r, const struct diag *d)
{
	struct diag own = *d;

	if (own.code == 0)
		(void)diag_set(
		    &own, E_BUG, "request", NULL, "refused without a reason");
	set_problem(r, &own, status_of(own.code));
	finish(a, r);
}

void
api_refuse_with(struct api *a, struct api_request *r, int code,
    const char *object, const char *fact, ...)
{
	struct diag d = { 0 };
	char text[DIAG_TEXT_MAX];
	va_list ap;

	va_start(ap, fact);
	vsnprintf(text, sizeof(text), fact, ap);
	va_end(ap);
	(void)diag_set(&d, code, object, NULL, "%s", text);
	api_refuse(a, r, &d);
}

void
api_refuse_code(
    struct api *a, struct api_request *r, int code, const char *object)
{
	api_refuse_with(a, r, code, object, "%s", err_text(code));
}

void
api_ca_done(int result, json_t *answer, const struct diag *d, void *cookie)
{
	struct api_request *r = (struct api_request *)cookie;
	struct diag own = { 0 };

	if (result == 0) {
		api_answer(r->api, r, 200,
		    answer ? json_incref(answer) : json_object());
		return;
	}
	if (d && d->code)
		own = *d;
	else
		(void)diag_set(
		    &own, result, r->route->path, NULL, "%s", err_text(result));
	api_refuse(r->api, r, &own);
}

const char *
api_arg(const struct api_request *r, const char *name)
{
	for (size_t i = 0; i < r->arg_n; i++)
		if (strcmp(r->args[i].name, name) == 0)
			return r->args[i].value;
	return NULL;
}

const char *
api_query(const struct api_request *r, const char *name)
{
	for (size_t i = 0; i < r->query_n; i++)
		if (strcmp(r->queries[i].name, name) == 0)
			return r->queries[i].value;
	return NULL;
}

const json_t *
api_body(const struct api_request *r)
{
	return r->json;
}

struct span
api_body_raw(const struct api_request *r)
{
	return buf_span(&r->raw);
}

const char *
api_actor(const struct api_request *r)
{
	return r->actor;
}

struct actor
api_who(const struct api_request *r)
{
	return (struct actor){ .who = r->actor, .source = "local" };
}

static int
unpack(struct api_request *r, struct span payload)
{
	struct reader in = reader_of(payload);
	struct span body;

	r->method = reader_u8(&in);
	reader_text(&in, r->path, sizeof(r->path));
	reader_text(&in, r->query, sizeof(r->query));
	snprintf(r->actor, sizeof(r->actor), "uid:%u", reader_u32(&in));
	body = reader_span(&in);
	if (reader_finish(&in))
		return E_PARSE;
	buf_add_span(&r->raw, body);
	return buf_error(&r->raw);
}

static void
serve(struct api *a, struct api_request *r)
{
	struct diag d = { 0 };
	int e = api_query_parse(r);

	if (e) {
		api_refuse_code(a, r, e, "query");
		return;
	}
	if (r->raw.n > 0)
		e = json_parse(buf_span(&r->raw), API_BODY_MAX, &d, &r->json);
	if (!e && !r->json)
		r->json = json_object();
	if (!e && !json_is_object(r->json))
		e = diag_set(&d, E_PARSE, "body", NULL, "is no JSON object");
	if (e) {
		api_refuse(a, r, &d);
		return;
	}
	e = api_route_find(r);
	if (e == E_UNSUPPORTED) {
		(void)diag_set(
		    &d, e, r->path, NULL, "does not take this method");
		set_problem(r, &d, 405);
		finish(a, r);
		return;
	}
	if (e) {
		api_refuse_with(a, r, e, r->path, "no such resource");
		return;
	}
	r->route->handler(a, r);
}

int
api_frame_ask(struct channel *c, const struct frame *f, void *cookie)
{
	struct api *a = (struct api *)cookie;
	struct api_request *r;
	int e;

	/* the front never opens so many: it is not ours any more */
	if (a->open_n >= API_OPEN_MAX)
		return E_LIMIT;
	r = (struct api_request *)calloc(1, sizeof(*r));
	if (!r)
		return E_NOMEM;
	r->api = a;
	r->channel = c;
	r->id = f->id;
	buf_init(&r->raw, API_BODY_MAX);
	buf_init(&r->answer, API_ANSWER_MAX);
	r->next = a->open;
	r->prev_next = &a->open;
	if (r->next)
		r->next->prev_next = &r->next;
	a->open = r;
	a->open_n++;
	e = unpack(r, f->payload);
	if (e) {
		request_free(r);
		return e;
	}
	serve(a, r);
	return 0;
}
