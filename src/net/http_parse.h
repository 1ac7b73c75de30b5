/*
 * net/http_parse: the bytes of an HTTP/1.0 or 1.1 request (RFC 9112).
 *
 * Pure: no descriptor, no event. A refusal is an HTTP status, because that is
 * what the peer will be told. Strict where leniency lets two readers of one
 * message disagree (lengths, white space, folding); lenient in bare LF line
 * ends, an empty line before the request, and HTTP/1.0 in all its forms.
 */
#ifndef SIGNET_NET_HTTP_PARSE_H
#define SIGNET_NET_HTTP_PARSE_H

#include "base/buf.h"
#include "net/http_server.h"

#define HTTP_FIELDS_MAX 64      /* header fields of a request */
#define HTTP_CHUNK_LINE_MAX 256 /* bytes of a chunk's size line */
#define HTTP_TRAILER_MAX 8192   /* bytes of trailer fields, all ignored */

struct http_field {
	const char *name, *value;
};

struct http_head {
	char *text; /* owned; everything below points into it */
	enum http_method method;
	const char *path;  /* decoded */
	const char *query; /* raw, without '?'; "" when none */
	int minor;         /* HTTP/1.minor */
	bool keep_alive;
	bool has_length, is_chunked, expects_continue;
	uint64_t length;
	size_t fields_n;
	struct http_field fields[HTTP_FIELDS_MAX];
};

/* http_head_end(bytes, scanned): length of the head with its empty line, 0
 * when it is not complete; *scanned remembers how far earlier calls looked. */
size_t http_head_end(struct span bytes, size_t *scanned);
/* http_head_parse(bytes, head): bytes as measured by http_head_end(). 0, or
 * the status to refuse with: 400, 417, 431, 501, 505, 503 (out of memory).
 * The caller calls http_head_done() in every case. */
int http_head_parse(struct span bytes, struct http_head *h);
void http_head_done(struct http_head *h);
/* first field of that name, ASCII case ignored; NULL when absent */
const char *http_head_get0(const struct http_head *h, const char *name);

/* http_decode(from, n, plus, out): percent-decoding into out[n+1]; '+'
 * becomes a blank when plus. False on a broken escape or a NUL. */
bool http_decode(const char *from, size_t n, bool plus, char *out);

/* Decoder of a chunked body (RFC 9112 7.1); all zero before the first call. */
struct http_chunks {
	enum {
		CHUNK_SIZE,
		CHUNK_DATA,
		CHUNK_END,
		CHUNK_TRAILER,
		CHUNK_DONE
	} at;
	uint64_t left;  /* data bytes of the present chunk */
	size_t trailer; /* bytes of the trailer so far */
};
/* http_chunks_take(c, in, body, used): decodes what it can, counts the bytes
 * consumed in *ret_used. 0 go on (c->at tells when done), or 400, 413, 503. */
int http_chunks_take(
    struct http_chunks *c, struct span in, struct buf *body, size_t *ret_used);

#endif
