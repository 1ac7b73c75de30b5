/*
 * net/http_server: HTTP/1.0 and 1.1 on descriptors handed in; every request
 * goes to one handler, which answers now or later.
 */
#ifndef SIGNET_NET_HTTP_SERVER_H
#define SIGNET_NET_HTTP_SERVER_H

#include <sys/types.h>

#include "base/span.h"
#include "net/loop.h"

#define HTTP_BODY_MAX (4u << 20) /* default bytes of a request body */
#define HTTP_HEADERS_MAX                                          \
	65536          /* bytes of request line and headers: SCEP \
			* GET carries base64 messages in the path */
#define HTTP_IDLE_S 60 /* seconds a connection may be silent */
#define HTTP_CONNECTIONS_MAX                                       \
	4096               /* at once; the stalest that is between \
			    * requests makes room, else more wait */
#define HTTP_HEAD_S 20     /* seconds for a whole request head */
#define HTTP_GRACE_S 30    /* seconds before the slowest rate counts */
#define HTTP_RATE_MIN 4096 /* bytes a second, of bodies and answers */
#define HTTP_BODIES_MAX (256u << 20) /* bytes of all bodies under way: 503 */
#define HTTP_DRAIN_MAX (32u << 20)   /* bytes thrown away after a refusal, so */
#define HTTP_DRAIN_S 5               /* that the client lives to read it */

enum http_method {
	HTTP_OTHER,
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_DELETE,
	HTTP_PATCH
};

struct http_server;
struct http_request; /* valid until http_reply(), even when the client left */
typedef void (*http_handler)(struct http_request *r, void *cookie);

struct http_options {
	size_t body_max;        /* 0: HTTP_BODY_MAX; larger bodies get 413 and
				 * on_refused is told */
	size_t connections_max; /* 0: HTTP_CONNECTIONS_MAX */
	int64_t head_ms;  /* 0: HTTP_HEAD_S; tests cannot wait that long */
	int64_t grace_ms; /* 0: HTTP_GRACE_S */
	bool local;       /* a Unix socket: http_peer_uid() works */
	http_handler handler;
	/* a request answered by the server itself (400, 408, 413, 417, 431,
	 * 501, 503, 505): for counting */
	void (*on_refused)(const char *peer, int status, void *cookie);
	void *cookie;
};

/* http_server_new(loop, listening fd, options): takes the descriptor */
struct http_server *http_server_new(
    struct loop *l, int fd, const struct http_options *o);
/* http_server_free(): closes all connections. A request that was not answered
 * yet stays valid; its http_reply() then only frees it. Not to be called from
 * inside a handler. */
void http_server_free(struct http_server *s);
size_t http_server_connections(const struct http_server *s);

enum http_method http_method(const struct http_request *r);
const char *http_method_name(enum http_method m);
const char *http_path(
    const struct http_request *r); /* decoded, no query; never NULL */
const char *http_query_raw(const struct http_request *r); /* "" when none */
/* http_query(r, key): decoded value, borrowed; NULL when absent. '+' stays '+'
 * when raw_plus (SCEP GET messages are base64 sent by careless clients) */
const char *http_query(struct http_request *r, const char *key, bool raw_plus);
const char *http_header(const struct http_request *r, const char *name);
struct span http_body(const struct http_request *r);
const char *http_peer(const struct http_request *r); /* "192.0.2.7", "unix" */
uid_t http_peer_uid(
    const struct http_request *r); /* (uid_t)-1 when not local */

struct http_header_pair {
	const char *name, *value;
};
/* http_reply(): answers and frees r; a client that has gone is no error. extra
 * may be NULL, else ends with a pair of NULLs. */
void http_reply(struct http_request *r, int status, const char *content_type,
    struct span body, const struct http_header_pair *extra);

#endif
