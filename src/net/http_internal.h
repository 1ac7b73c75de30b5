/*
 * net/http_internal: what http_server.c (listening, requests, answers) and
 * http_conn.c (one connection's states) share.
 */
#ifndef SIGNET_NET_HTTP_INTERNAL_H
#define SIGNET_NET_HTTP_INTERNAL_H

#include "base/buf.h"
#include "net/http_parse.h"
#include "net/http_server.h"

#define HTTP_PEER_MAX 64 /* text of an address */

struct http_conn;

struct http_server {
	struct loop *loop;
	struct http_options o;
	int fd;
	struct watch *watch;
	struct timer *retry; /* after running out of descriptors */
	struct http_conn *conns;
	size_t conns_n;
	struct buf head; /* scratch for the head of an answer */
	char date[32];   /* text of the Date field ... */
	int64_t date_at; /* ... in this second */
};

struct http_query_value { /* decoded on demand, freed with the request */
	struct http_query_value *next;
	char text[];
};

struct http_request {
	struct http_conn *conn; /* NULL: the client has gone */
	struct http_head head;
	struct buf body;
	size_t counted; /* bytes of the body in the sum of all bodies */
	struct http_query_value *values;
	char peer[HTTP_PEER_MAX];
	uid_t uid;
};

/* http_conn_new(s, fd, peer, uid): takes the descriptor, also on failure */
int http_conn_new(struct http_server *s, int fd, const char *peer, uid_t uid)
    ERR_CHECK;
void http_conn_close(struct http_conn *c);
/* the connection that has been without a request longest; NULL when all have
 * one or asked within the last second */
struct http_conn *http_conn_stalest(struct http_server *s);
/* http_conn_answer(): writes; afterwards the connection goes on or closes */
void http_conn_answer(struct http_conn *c, struct span head, struct span body);
bool http_conn_keeps(const struct http_conn *c);
struct http_server *http_conn_get0_server(struct http_conn *c);

void http_request_free(struct http_request *r);
/* counts what the body takes; false when all bodies together take too much */
bool http_request_count(struct http_request *r);
/* builds the answer's head in s->head; *ret borrows it */
int http_answer_head(struct http_server *s, bool keep, int status,
    const char *content_type, size_t body_n,
    const struct http_header_pair *extra, struct span *ret) ERR_CHECK;
const char *http_reason(int status);
/* called by a connection that has closed: there is room for another */
void http_server_room(struct http_server *s);

#endif
