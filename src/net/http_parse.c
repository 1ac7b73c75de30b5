#include "net/http_parse.h"

#include <stdlib.h>
#include <strings.h>

#include "base/enumtab.h"
#include "base/str.h"

static const struct enum_text methods[] = {
	{ HTTP_GET, "GET" },
	{ HTTP_HEAD, "HEAD" },
	{ HTTP_POST, "POST" },
	{ HTTP_PUT, "PUT" },
	{ HTTP_DELETE, "DELETE" },
	{ HTTP_PATCH, "PATCH" },
	{ 0, NULL },
};

const char *
http_method_name(enum http_method m)
{
	return m == HTTP_OTHER ? "other" : enum_name(methods, (int)m);
}

size_t
http_head_end(struct span bytes, size_t *scanned)
{
	size_t i = *scanned;

	/* RFC 9112 2.2: a server ignores empty lines before a request */
	while (i < bytes.n) {
		const uint8_t *lf =
		    (const uint8_t *)memchr(bytes.p + i, '\n', bytes.n - i);
		size_t at, next;

		if (!lf)
			break;
		at = (size_t)(lf - bytes.p);
		next = at + 1;
		if (next < bytes.n && bytes.p[next] == '\r')
			next++;
		if (next >= bytes.n) {
			*scanned = at; /* the next byte will tell */
			return 0;
		}
		if (bytes.p[next] == '\n' && at > 0 &&
		    !(at == 1 && bytes.p[0] == '\r'))
			return next + 1;
		i = at + 1;
	}
	*scanned = bytes.n;
	return 0;
}

/* RFC 9110 5.6.2 */
static bool
is_token(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || (unsigned char)*s >= 127 ||
		    strchr("\"(),/:;<=>?@[\\]{}", *s))
			return false;
	return true;
}

static bool
has_control(const char *s)
{
	for (; *s; s++)
		if (((unsigned char)*s < ' ' && *s != '\t') || *s == 127)
			return true;
	return false;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
http_decode(const char *from, size_t n, bool plus, char *out)
{
	size_t o = 0;

	for (size_t i = 0; i < n; i++) {
		int high, low;

		if (from[i] != '%') {
			out[o++] = from[i] == '+' && plus ? ' ' : from[i];
			continue;
		}
		if (n - i < 3)
			return false;
		high = hex_digit(from[i + 1]);
		low = hex_digit(from[i + 2]);
		if (high < 0 || low < 0 || (high | low) == 0)
			return false;
		out[o++] = (char)(high << 4 | low);
		i += 2;
	}
	out[o] = '\0';
	return true;
}

/* Cuts the next line out of *at (LF or CRLF ended, as http_head_end found);
 * NULL when a CR or NUL stands anywhere else in it. */
static char *
next_line(char **at)
{
	char *line = *at;
	char *lf = strchr(line, '\n');

	if (!lf)
		return NULL;
	*at = lf + 1;
	if (lf > line && lf[-1] == '\r')
		lf--;
	*lf = '\0';
	return strchr(line, '\r') ? NULL : line;
}

/* RFC 9112 3.2.2: the absolute form is accepted and its authority ignored. */
static int
parse_target(struct http_head *h, char *target)
{
	char *path = target, *mark;

	if (str_has_prefix(target, "http://") ||
	    str_has_prefix(target, "https://")) {
		path = strchr(strchr(target, ':') + 3, '/');
		if (!path) {
			h->path = "/";
			h->query = "";
			return 0;
		}
	}
	if (*path != '/')
		return 400;
	mark = strchr(path, '#');
	if (mark)
		*mark = '\0';
	h->query = "";
	mark = strchr(path, '?');
	if (mark) {
		*mark = '\0';
		h->query = mark + 1;
	}
	/* in place: decoding never grows */
	if (!http_decode(path, strlen(path), false, path) || has_control(path))
		return 400;
	h->path = path;
	return 0;
}

static int
parse_request_line(struct http_head *h, char *line)
{
	char *target = strchr(line, ' ');
	char *version = target ? strchr(target + 1, ' ') : NULL;

	if (!version)
		return 400;
	*target++ = '\0';
	*version++ = '\0';
	if (!is_token(line) || has_control(target) || strchr(version, ' '))
		return 400;
	if (!str_has_prefix(version, "HTTP/") || strlen(version) != 8 ||
	    version[6] != '.')
		return 400;
	if (version[5] != '1' || version[7] < '0' || version[7] > '9')
		return 505;
	h->minor = version[7] - '0';
	h->method = (enum http_method)enum_from_name(methods, line);
	if (h->method == HTTP_OTHER)
		return 501;
	return parse_target(h, target);
}

static int
parse_field(struct http_head *h, char *line)
{
	char *value = strchr(line, ':');
	char *end;

	if (h->fields_n == HTTP_FIELDS_MAX)
		return 431;
	if (!value)
		return 400;
	*value++ = '\0';
	/* RFC 9112 5.1, 5.2: no blank before the colon, no folded line; both
	 * make the name something other than a token */
	if (!is_token(line) || has_control(value))
		return 400;
	value += strspn(value, " \t");
	end = value + strlen(value);
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = '\0';
	h->fields[h->fields_n++] =
	    (struct http_field){ .name = line, .value = value };
	return 0;
}

const char *
http_head_get0(const struct http_head *h, const char *name)
{
	for (size_t i = 0; i < h->fields_n; i++)
		if (str_is_equal_nocase(h->fields[i].name, name))
			return h->fields[i].value;
	return NULL;
}

static size_t
count_of(const struct http_head *h, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < h->fields_n; i++)
		if (str_is_equal_nocase(h->fields[i].name, name))
			n++;
	return n;
}

/* one element of a comma separated list, ASCII case ignored */
static bool
list_has(const char *list, const char *word)
{
	size_t n = strlen(word);

	while (*list) {
		size_t len;

		list += strspn(list, " \t,");
		len = strcspn(list, " \t,;");
		if (len == n && strncasecmp(list, word, n) == 0)
			return true;
		list += strcspn(list, ",");
	}
	return false;
}

/* RFC 9112 6.3: when two readers could disagree about where the body ends,
 * the request is refused. */
static int
judge_length(struct http_head *h)
{
	const char *coding = http_head_get0(h, "Transfer-Encoding");
	const char *length = http_head_get0(h, "Content-Length");
	int64_t n;

	if (coding) {
		if (length || h->minor == 0 ||
		    count_of(h, "Transfer-Encoding") > 1)
			return 400;
		if (!str_is_equal_nocase(coding, "chunked"))
			return 501;
		h->is_chunked = true;
		return 0;
	}
	if (!length)
		return 0;
	if (count_of(h, "Content-Length") > 1 ||
	    strspn(length, "0123456789") != strlen(length) ||
	    str_to_int(length, 0, INT64_MAX, &n) != 0)
		return 400;
	h->has_length = true;
	h->length = (uint64_t)n;
	return 0;
}

static int
judge(struct http_head *h)
{
	const char *connection = http_head_get0(h, "Connection");
	const char *expect = http_head_get0(h, "Expect");

	h->keep_alive = h->minor > 0;
	if (connection && list_has(connection, "close"))
		h->keep_alive = false;
	else if (connection && list_has(connection, "keep-alive"))
		h->keep_alive = true;
	/* RFC 9112 3.2 */
	if (count_of(h, "Host") > 1 ||
	    (h->minor > 0 && !http_head_get0(h, "Host")))
		return 400;
	/* RFC 9110 10.1.1: not in HTTP/1.0 */
	if (expect && h->minor > 0) {
		if (!str_is_equal_nocase(expect, "100-continue"))
			return 417;
		h->expects_continue = true;
	}
	return judge_length(h);
}

int
http_head_parse(struct span bytes, struct http_head *h)
{
	char *at, *line;
	int status;

	memset(h, 0, sizeof(*h));
	h->path = h->query = "";
	if (memchr(bytes.p, 0, bytes.n))
		return 400;
	h->text = (char *)malloc(bytes.n + 1);
	if (!h->text)
		return 503;
	memcpy(h->text, bytes.p, bytes.n);
	h->text[bytes.n] = '\0';
	at = h->text + (h->text[0] == '\r');
	at += *at == '\n';
	line = next_line(&at);
	status = line ? parse_request_line(h, line) : 400;
	while (status == 0) {
		line = next_line(&at);
		if (!line)
			return 400;
		if (!*line)
			return judge(h);
		status = parse_field(h, line);
	}
	return status;
}

void
http_head_done(struct http_head *h)
{
	free(h->text);
	memset(h, 0, sizeof(*h));
}

/* One line of the framing within `max` bytes: 0 and its length with the end;
 * *ret_n 0 when it is not complete. */
static int
frame_line(struct span in, size_t max, size_t *ret_n)
{
	const uint8_t *lf =
	    (const uint8_t *)memchr(in.p, '\n', in.n < max ? in.n : max);

	*ret_n = lf ? (size_t)(lf - in.p) + 1 : 0;
	return !lf && in.n >= max ? 400 : 0;
}

/* "1a3;name=value\r\n": the extension is ignored (RFC 9112 7.1.1) */
static int
take_size(struct http_chunks *c, struct span line)
{
	uint64_t size = 0;
	size_t i = 0;

	for (; i < line.n && hex_digit((char)line.p[i]) >= 0; i++) {
		if (size >> 60)
			return 400;
		size = size << 4 | (uint64_t)hex_digit((char)line.p[i]);
	}
	if (i == 0 || line.p[i] == 0 || !strchr("; \t\r\n", line.p[i]))
		return 400;
	c->left = size;
	c->at = size > 0 ? CHUNK_DATA : CHUNK_TRAILER;
	return 0;
}

static int
take_data(
    struct http_chunks *c, struct span in, struct buf *body, size_t *ret_n)
{
	size_t n = in.n < c->left ? in.n : (size_t)c->left;

	if (c->left > body->max - body->n)
		return 413;
	buf_add(body, in.p, n);
	if (buf_error(body) != 0)
		return 503;
	c->left -= n;
	if (c->left == 0)
		c->at = CHUNK_END;
	*ret_n = n;
	return 0;
}

/* A line that is not data: size, the end of a chunk, or of the trailer. */
static int
take_line(struct http_chunks *c, struct span in, size_t *ret_n)
{
	bool is_empty;
	int status = frame_line(in,
	    c->at == CHUNK_TRAILER ? HTTP_TRAILER_MAX : HTTP_CHUNK_LINE_MAX,
	    ret_n);

	if (status != 0 || *ret_n == 0)
		return status;
	if (c->at == CHUNK_SIZE)
		return take_size(c, span_of(in.p, *ret_n));
	is_empty = *ret_n == 1 || (*ret_n == 2 && in.p[0] == '\r');
	if (c->at == CHUNK_END) {
		c->at = CHUNK_SIZE;
		return is_empty ? 0 : 400;
	}
	c->trailer += *ret_n;
	if (is_empty)
		c->at = CHUNK_DONE;
	return c->trailer > HTTP_TRAILER_MAX ? 400 : 0;
}

int
http_chunks_take(
    struct http_chunks *c, struct span in, struct buf *body, size_t *ret_used)
{
	size_t used = 0;
	int status = 0;

	while (status == 0 && used < in.n && c->at != CHUNK_DONE) {
		struct span rest = span_of(in.p + used, in.n - used);
		size_t n = 0;

		if (c->at == CHUNK_DATA)
			status = take_data(c, rest, body, &n);
		else
			status = take_line(c, rest, &n);
		if (n == 0)
			break;
		used += n;
	}
	*ret_used = used;
	return status;
}
