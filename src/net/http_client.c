#include "net/http_client.h"

#include <stdio.h>
#include <unistd.h>

#include <curl/curl.h>

#include "os/unix_socket.h"

#define TIMEOUT_DEFAULT_S 60
#define CONNECT_TIMEOUT_S 10

static size_t
on_body(char *p, size_t size, size_t n, void *cookie)
{
	struct buf *out = (struct buf *)cookie;

	buf_add(out, p, size * n);
	return buf_error(out) == 0 ? size * n : 0;
}

static int
set_body(CURL *h, const struct http_call *c, struct curl_slist **fields)
{
	char line[256];
	struct curl_slist *more;

	/* "Expect: 100-continue" would cost a round trip for nothing */
	*fields = curl_slist_append(NULL, "Expect:");
	snprintf(line, sizeof(line), "Content-Type: %s",
	    c->content_type ? c->content_type : "application/octet-stream");
	more = *fields ? curl_slist_append(*fields, line) : NULL;
	if (!more)
		return E_NOMEM;
	*fields = more;
	curl_easy_setopt(h, CURLOPT_HTTPHEADER, *fields);
	curl_easy_setopt(h, CURLOPT_POST, 1L);
	curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body.n);
	curl_easy_setopt(
	    h, CURLOPT_POSTFIELDS, c->body.n ? (const char *)c->body.p : "");
	return 0;
}

static int
set_up(CURL *h, const struct http_call *c, const char *socket_name,
    struct curl_slist **fields, struct buf *out)
{
	int r = 0;

	if (c->body.n > 0 || c->content_type)
		r = set_body(h, c, fields);
	if (r != 0)
		return r;
	curl_easy_setopt(h, CURLOPT_URL, c->url);
	curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, c->method);
	if (strcmp(c->method, "HEAD") == 0)
		curl_easy_setopt(h, CURLOPT_NOBODY, 1L);
	curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
	curl_easy_setopt(h, CURLOPT_TIMEOUT,
	    c->timeout_s > 0 ? c->timeout_s : (long)TIMEOUT_DEFAULT_S);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, out);
	if (!socket_name)
		return 0;
	/* our own socket: no proxy of the environment stands between */
	curl_easy_setopt(h, CURLOPT_PROXY, "");
	curl_easy_setopt(h, CURLOPT_UNIX_SOCKET_PATH, socket_name);
	return 0;
}

static int
code_of(CURLcode code, const struct buf *out)
{
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_WRITE_ERROR:
		return buf_error(out) != 0 ? buf_error(out) : E_IO;
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
		return E_CLOSED;
	case CURLE_OPERATION_TIMEDOUT:
		return E_TIMEOUT;
	case CURLE_OUT_OF_MEMORY:
		return E_NOMEM;
	default:
		return E_IO;
	}
}

static int
perform(const struct http_call *c, const char *socket_name, struct diag *d,
    int *ret_status, struct buf *out)
{
	char words[CURL_ERROR_SIZE] = "";
	struct curl_slist *fields = NULL;
	CURL *h = curl_easy_init();
	long status = 0;
	int r = h ? set_up(h, c, socket_name, &fields, out) : E_NOMEM;

	if (r == 0) {
		CURLcode code;

		curl_easy_setopt(h, CURLOPT_ERRORBUFFER, words);
		code = curl_easy_perform(h);
		r = code_of(code, out);
		curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
		if (r != 0)
			r = diag_set(d, r,
			    c->socket_path ? c->socket_path : c->url, NULL,
			    "%s", words[0] ? words : curl_easy_strerror(code));
	} else {
		r = diag_set(d, r, c->url, NULL, "out of memory");
	}
	curl_slist_free_all(fields);
	curl_easy_cleanup(h);
	if (r == 0)
		*ret_status = (int)status;
	return r;
}

int
http_call(const struct http_call *c, struct diag *d, int *ret_status,
    struct buf *ret_body)
{
	char name[UNIX_PATH_MAX_SHORT];
	int folder = -1, r;

	if (c->socket_path) {
		r = unix_short_path(c->socket_path, name, &folder);
		if (r != 0)
			return diag_set(d, E_CLOSED, c->socket_path, NULL,
			    "there is no server's socket");
	}
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		r = diag_set(d, E_NOMEM, "libcurl", NULL, "cannot start");
	} else {
		r = perform(
		    c, c->socket_path ? name : NULL, d, ret_status, ret_body);
		curl_global_cleanup();
	}
	if (folder >= 0)
		close(folder);
	return r;
}
