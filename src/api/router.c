/* Which handler a path means, and the query behind it. */
#include "api/api_internal.h"

#include <stdio.h>
#include <string.h>

#include "net/http_server.h"

static const struct api_route *const tables[] = {
	api_status_routes,
	api_ignition_routes,
	api_ca_routes,
	api_backup_routes,
	api_profile_routes,
	api_entity_routes,
	api_request_routes,
	api_cert_routes,
	api_issue_routes,
	api_trust_routes,
	api_audit_routes,
};
#define TABLE_N (sizeof(tables) / sizeof(tables[0]))

/* one segment of the path, up to the next '/' */
static struct span
segment(const char **at)
{
	const char *from = *at;
	size_t n = strcspn(from, "/");

	*at = from[n] ? from + n + 1 : from + n;
	return span_of(from, n);
}

/* compares without keeping anything; arguments are cut out afterwards */
static bool
is_match(const char *pattern, const char *path)
{
	if (*pattern++ != '/' || *path++ != '/')
		return false;
	while (*pattern && *path) {
		struct span want = segment(&pattern), have = segment(&path);

		if (have.n == 0)
			return false;
		if (want.p[0] != '{' && !span_is_equal(want, have))
			return false;
	}
	return !*pattern && !*path;
}

/* cuts the path at its slashes: its segments become C strings in place */
static int
take_args(struct api_request *r)
{
	const char *pattern = r->route->path;
	char *path = r->path;

	while (*pattern) {
		struct span want = segment(&pattern);
		size_t n = strcspn(path, "/");
		bool more = path[n] == '/';

		path[n] = '\0';
		if (want.p[0] == '{') {
			if (r->arg_n == API_SEGMENTS_MAX)
				return E_TOO_BIG;
			snprintf(r->names[r->arg_n], sizeof(r->names[0]),
			    "%.*s", (int)want.n - 2, (const char *)want.p + 1);
			r->args[r->arg_n].name = r->names[r->arg_n];
			r->args[r->arg_n++].value = path;
		}
		path += more ? n + 1 : n;
	}
	return 0;
}

int
api_route_find(struct api_request *r)
{
	const char *method = http_method_name((enum http_method)r->method);
	bool other_method = false;

	for (size_t t = 0; t < TABLE_N; t++) {
		const struct api_route *k = tables[t];

		for (; k->method; k++) {
			if (!is_match(k->path, r->path))
				continue;
			if (strcmp(k->method, method) == 0) {
				r->route = k;
				return take_args(r);
			}
			other_method = true;
		}
	}
	return other_method ? E_UNSUPPORTED : E_NOT_FOUND;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

/* %XX and '+' in place */
static int
decode(char *text)
{
	char *to = text;

	for (; *text; text++, to++) {
		int high, low;

		*to = *text == '+' ? ' ' : *text;
		if (*text != '%')
			continue;
		high = hex_value(text[1]);
		low = high < 0 ? -1 : hex_value(text[2]);
		if (low < 0 || high * 16 + low == 0)
			return E_PARSE;
		*to = (char)(high * 16 + low);
		text += 2;
	}
	*to = '\0';
	return 0;
}

int
api_query_parse(struct api_request *r)
{
	char *at = r->query;

	while (*at) {
		size_t n = strcspn(at, "&");
		char *next = at[n] ? at + n + 1 : at + n;
		char *value;

		at[n] = '\0';
		value = at + strcspn(at, "=");
		if (*value)
			*value++ = '\0';
		if (r->query_n == API_QUERY_ARGS_MAX)
			return E_TOO_BIG;
		if (decode(at) || decode(value))
			return E_PARSE;
		r->queries[r->query_n].name = at;
		r->queries[r->query_n++].value = value;
		at = next;
	}
	return 0;
}
