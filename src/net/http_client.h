/* net/http_client: one blocking request over a Unix socket or a URL (libcurl).
 */
#ifndef SIGNET_NET_HTTP_CLIENT_H
#define SIGNET_NET_HTTP_CLIENT_H

#include "base/buf.h"
#include "base/diag.h"

#define HTTP_ANSWER_MAX (256u << 20) /* bytes of an answer */

struct http_call {
	const char *socket_path; /* Unix socket, or NULL */
	const char *url;    /* "http://localhost/api/v1/..." with a socket */
	const char *method; /* "GET" */
	const char *content_type; /* NULL when there is no body */
	struct span body;
	long timeout_s; /* 0: 60 */
};
/* http_call(c, status, body): E_CLOSED when nothing listens, E_TIMEOUT, E_IO */
int http_call(const struct http_call *c, struct diag *d, int *ret_status,
    struct buf *ret_body) ERR_CHECK;

#endif
