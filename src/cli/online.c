#include "cli/online.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "net/http_client.h"

#define ANSWER_MAX (64u << 20) /* bytes of one answer */
#define FILE_MAX                                                    \
	(2u << 20) /* bytes of a file sent along: base64 fits 4 MiB \
		    */
#define TEXT_MAX 1024

void
online_path(struct online_path *p, const char *start)
{
	buf_init(&p->text, ONLINE_PATH_MAX);
	p->has_query = false;
	p->timeout_s = ONLINE_TIMEOUT_S;
	buf_add_text(&p->text, "http://localhost");
	buf_add_text(&p->text, start);
}

void
online_path_done(struct online_path *p)
{
	buf_done(&p->text);
}

/* RFC 3986 2.3: all but the unreserved characters */
static void
add_escaped(struct buf *b, const char *text)
{
	for (; *text; text++) {
		unsigned char u = (unsigned char)*text;

		if ((u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') ||
		    (u >= '0' && u <= '9') || strchr("-._~", u))
			buf_add_u8(b, u);
		else
			buf_printf(b, "%%%02X", u);
	}
}

void
online_segment(struct online_path *p, const char *text)
{
	buf_add_text(&p->text, "/");
	add_escaped(&p->text, text);
}

void
online_add(struct online_path *p, const char *more)
{
	buf_add_text(&p->text, more);
}

void
online_query(struct online_path *p, const char *name, const char *value)
{
	if (!value)
		return;
	buf_add_text(&p->text, p->has_query ? "&" : "?");
	buf_add_text(&p->text, name);
	buf_add_text(&p->text, "=");
	add_escaped(&p->text, value);
	p->has_query = true;
}

void
online_page(struct cli_context *c, struct online_path *p)
{
	online_query(p, "limit", cli_get(c, "limit"));
	online_query(p, "next", cli_get(c, "after"));
}

static int
code_from_name(const char *name)
{
	for (int code = E_NOMEM; code >= E_BUG; code--)
		if (name && strcmp(err_name(code), name) == 0)
			return code;
	return E_IO;
}

/* an RFC 9457 problem back into the diag it was made of */
static int
problem_take(struct span body, int status, struct diag *d)
{
	AUTO(json_t) *o = NULL;
	const char *fact, *rule, *object, *remedy;
	int code;

	if (json_parse(body, ANSWER_MAX, NULL, &o))
		return diag_set(
		    d, E_IO, "server", NULL, "answered with status %d", status);
	code = code_from_name(json_get0_text(o, "title"));
	object = json_get0_text(o, "object");
	rule = json_get0_text(o, "rule");
	fact = json_get0_text(o, "fact");
	remedy = json_get0_text(o, "remedy");
	(void)diag_set(d, code, object ? object : "server", rule, "%s",
	    fact ? fact : err_text(code));
	if (remedy)
		diag_remedy(d, "%s", remedy);
	return code;
}

static int
no_remote(struct diag *d)
{
	(void)diag_set(d, E_UNSUPPORTED, "--server", NULL,
	    "a server on another machine cannot be administered yet");
	diag_remedy(d, "log in there and use --state DIR");
	return E_UNSUPPORTED;
}

static int
not_connected(struct cli_context *c, const char *path, struct diag *d)
{
	if (access(path, F_OK) != 0 && errno == EACCES) {
		(void)diag_set(d, E_CLOSED, path, NULL,
		    "this account may not reach the server's socket");
		diag_remedy(
		    d, "use root or the account that owns %s", c->state_dir);
		return E_CLOSED;
	}
	if (access(path, F_OK) == 0 && access(path, W_OK) != 0) {
		(void)diag_set(d, E_CLOSED, path, NULL,
		    "this account may not use the server's socket");
		diag_remedy(
		    d, "use root or the account that owns %s", c->state_dir);
		return E_CLOSED;
	}
	(void)diag_set(d, E_CLOSED, path, NULL, "no server listens here");
	diag_remedy(d, "start it: signetd --state %s", c->state_dir);
	return E_CLOSED;
}

/* libcurl's words speak of a host and a port that nobody gave */
static int
not_answered(
    struct cli_context *c, const struct http_call *call, int e, struct diag *d)
{
	bool reads = strcmp(call->method, "GET") == 0;

	switch (e) {
	case E_CLOSED:
		return not_connected(c, call->socket_path, d);
	case E_TIMEOUT:
		(void)diag_set(d, e, call->socket_path, NULL,
		    "the server did not answer within %ld s", call->timeout_s);
		diag_remedy(d,
		    "%ssee signetd's log, try again, or give "
		    "--timeout SECONDS",
		    reads ? ""
			  : "look whether it was done (signet audit "
			    "list); ");
		return e;
	case E_TOO_BIG:
	case E_LIMIT:
		return diag_set(d, E_TOO_BIG, call->socket_path, NULL,
		    "the answer has more than %u bytes", ANSWER_MAX);
	default:
		(void)diag_set(d, E_CLOSED, call->socket_path, NULL,
		    "the connection broke before the answer was complete");
		diag_remedy(d, "try again; see signetd's log");
		return E_CLOSED;
	}
}

static int
send_to(struct cli_context *c, struct http_call *call, const json_t *body,
    struct buf *ret_body, struct diag *d)
{
	AUTO(char) *text = body ? json_to_text(body) : NULL;
	int status, e;

	if (body && !text)
		return diag_set(d, E_NOMEM, "request", NULL, "out of memory");
	if (text) {
		call->content_type = "application/json";
		call->body = span_str(text);
	}
	e = http_call(call, d, &status, ret_body);
	if (text)
		secret_wipe(text, strlen(text));
	if (e)
		return not_answered(c, call, e, d);
	return status >= 400 ? problem_take(buf_span(ret_body), status, d) : 0;
}

int
online_ask(struct cli_context *c, const char *method, struct online_path *p,
    json_t *body, struct buf *ret_body, struct diag *d)
{
	AUTO(json_t) *own = body;
	char path[ONLINE_PATH_MAX];
	struct http_call call = { .method = method, .socket_path = path };

	if (!c->state_dir)
		return no_remote(d);
	buf_add_u8(&p->text, 0);
	if (buf_error(&p->text) ||
	    (size_t)snprintf(path, sizeof(path), "%s/%s", c->state_dir,
		ONLINE_SOCKET) >= sizeof(path))
		return diag_set(d, E_TOO_BIG, "request", NULL, "is too long");
	call.url = (const char *)p->text.p;
	call.timeout_s = c->timeout_s ? c->timeout_s : (long)p->timeout_s;
	return send_to(c, &call, own, ret_body, d);
}

int
online_fail(struct cli_context *c, struct diag *d)
{
	return cli_fail(c, d);
}

int
online_call(struct cli_context *c, const char *method, struct online_path *p,
    json_t *body, json_t **ret)
{
	struct diag d = { 0 };
	BUF(answer, ANSWER_MAX);
	int e = online_ask(c, method, p, body, &answer, &d);

	if (!e)
		e = json_parse(buf_span(&answer), ANSWER_MAX, &d, ret);
	if (!e)
		return CLI_YES;
	if (d.code == 0)
		(void)diag_set(&d, e, "server", NULL, "%s", err_text(e));
	return online_fail(c, &d);
}

void
online_line(struct cli_context *c, const char *label, const char *text)
{
	char safe[4 * TEXT_MAX];

	if (!text || !text[0])
		return;
	str_escape(safe, sizeof(safe), text, strlen(text));
	cli_print(c, "%-14s %s\n", label, safe);
}

const char *
online_text(const json_t *o, const char *key, char *out, size_t size)
{
	const json_t *v = json_object_get(o, key);

	if (json_is_string(v))
		snprintf(out, size, "%s", json_string_value(v));
	else if (json_is_integer(v))
		snprintf(out, size, "%" PRId64, (int64_t)json_integer_value(v));
	else if (json_is_boolean(v))
		snprintf(out, size, "%s", json_is_true(v) ? "yes" : "no");
	else
		out[0] = '\0';
	if (!out[0])
		snprintf(out, size, "-");
	return out;
}

void
online_member(
    struct cli_context *c, const char *label, const json_t *o, const char *key)
{
	char text[TEXT_MAX];

	if (json_object_get(o, key) &&
	    strcmp(online_text(o, key, text, sizeof(text)), "-") != 0)
		online_line(c, label, text);
}

static int
table_row(struct cli_table *t, const json_t *o, const char *const *keys)
{
	const char *cells[CLI_COLUMNS_MAX + 1] = { NULL };
	char *texts = (char *)calloc(CLI_COLUMNS_MAX, TEXT_MAX);

	if (!texts)
		return E_NOMEM;
	for (size_t i = 0; i < CLI_COLUMNS_MAX && keys[i]; i++)
		cells[i] =
		    online_text(o, keys[i], texts + i * TEXT_MAX, TEXT_MAX);
	cli_table_row(t, cells);
	free(texts);
	return 0;
}

int
online_table(struct cli_context *c, const json_t *list,
    const char *const *titles, const char *const *keys)
{
	AUTO_STRUCT(cli_table) *t = cli_table_new(titles);
	struct diag d = { 0 };
	int e = 0;

	if (json_array_size(list) == 0) {
		cli_print(c, "none\n");
		return CLI_YES;
	}
	for (size_t i = 0; !e && i < json_array_size(list); i++)
		e = table_row(t, json_array_get(list, i), keys);
	if (!e)
		e = cli_table_print(c, t);
	if (!e)
		return CLI_YES;
	(void)diag_set(&d, e, "table", NULL, "%s", err_text(e));
	return cli_fail(c, &d);
}

void
online_more(struct cli_context *c, const json_t *o, size_t shown)
{
	char next[TEXT_MAX], total[64];

	if (!json_object_get(o, "next"))
		return;
	online_text(o, "next", next, sizeof(next));
	online_text(o, "total", total, sizeof(total));
	cli_print(c, "%zu of %s shown; more: --after %s\n", shown,
	    strcmp(total, "-") == 0 ? "more" : total, next);
}

int
online_file(struct cli_context *c, const char *path, json_t *o, const char *key)
{
	AUTO(char) *text = NULL;
	struct diag d = { 0 };
	BUF(file, FILE_MAX);
	int e = cli_read(c, path, &file, &d);

	if (!e)
		e = str_base64(buf_span(&file), &text);
	if (file.p)
		secret_wipe(file.p, file.n);
	if (e && d.code == 0)
		(void)diag_set(&d, e, path, NULL, "%s", err_text(e));
	if (e)
		return cli_fail_as(c, &d, CLI_USAGE);
	json_set_text(o, key, text);
	return CLI_YES;
}

int
online_password(struct cli_context *c, const char *option, const char *prompt,
    bool twice, json_t *o)
{
	AUTO_STRUCT(secret) *s = NULL;
	struct diag d = { 0 };
	struct span text;
	int e = cli_password(c, option, prompt, twice, &s, &d);

	if (e)
		return cli_fail_as(c, &d, CLI_USAGE);
	text = secret_peek(s);
	if (json_object_set_new(o, "password",
		json_stringn((const char *)text.p, text.n)) != 0) {
		(void)diag_set(&d, E_INVAL, "password", NULL, "is no UTF-8");
		return cli_fail(c, &d);
	}
	return CLI_YES;
}

int
online_sans(struct cli_context *c, json_t *body, const char *member)
{
	BUF(text, 8192);
	const char *one;

	for (size_t i = 0; (one = cli_get_nth(c, "san", i)); i++) {
		if (i)
			buf_add_text(&text, ",");
		buf_add_text(&text, one);
	}
	buf_add_u8(&text, 0);
	if (buf_error(&text))
		return cli_usage(c, NULL, "too many --san");
	if (text.n > 1)
		json_set_text(body, member, (const char *)text.p);
	return CLI_YES;
}
