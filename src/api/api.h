/*
 * api: /api/v1: one file a noun; the command line and the console use nothing
 * else. Handlers run in the core; the HTTP itself is the front's: the local
 * front turns a request on the Unix socket into one API_ASK frame.
 */
#ifndef SIGNET_API_API_H
#define SIGNET_API_API_H

#include <jansson.h>

#include "ca/ca.h"
#include "enroll/decide.h"
#include "ipc/channel.h"
#include "trust/trust.h"

#define API_BODY_MAX (4u << 20) /* bytes of a request */
#define API_ANSWER_MAX                                                \
	(7u << 20)         /* bytes of an answer; a frame takes 8 MiB \
			    */
#define API_PATH_MAX 1024  /* bytes with NUL */
#define API_QUERY_MAX 4096 /* bytes with NUL */
#define API_SEGMENTS_MAX 8
#define API_OPEN_MAX 1024 /* requests under way at once */

/* Frames of the link between the local front and the core. The numbers keep
 * clear of enum enrol_frame: what is meant for one link is refused on the
 * other. */
enum api_frame {
	API_FRAME_UNSET,
	API_ASK =
	    200, /* u8 method, text path, text raw query, u32 uid, span body */
	API_ANSWER, /* u16 status, text content type, span body */
};

struct api { /* what handlers may reach */
	struct store *store;
	struct ledger *ledger;
	struct ca *ca;
	struct decider *decider;
	struct trust *trust;
	struct config *config;
	struct loop *loop;
	int64_t started;
	int (*restart_keys)(void *cookie); /* a changed profile */
	void *cookie;
	struct store
	    *reader; /* read-only connection for long walks; NULL: use store */
	struct api_request *open; /* not yet answered */
	unsigned open_n;
};

struct api_request; /* lives until it is answered */
typedef void (*api_handler)(struct api *a, struct api_request *r);
struct api_route {
	const char *method; /* "GET" */
	const char *path; /* "/api/v1/ca/{id}/renew": {x} matches one segment */
	api_handler handler;
	const char *summary; /* for the OpenAPI document of issue 4 */
};
/* each noun file has one: extern const struct api_route api_ca_routes[]; ends
 * with NULL */

const char *api_arg(
    const struct api_request *r, const char *name); /* {id}; NULL */
const char *api_query(const struct api_request *r, const char *name); /* NULL */
const json_t *api_body(
    const struct api_request *r); /* object; an empty one when there was none */
struct span api_body_raw(const struct api_request *r);
const char *api_actor(const struct api_request *r); /* "uid:0" */
struct actor api_who(const struct api_request *r);

/* Answers end the request. The JSON is stolen. Both wait for the present batch
 * to be durable; if it fails the asker gets 503 instead. */
void api_answer(struct api *a, struct api_request *r, int status, json_t *body);
void api_answer_bytes(struct api *a, struct api_request *r,
    const char *content_type, struct span body);
/* RFC 9457; status from the code: 404, 409, 403, 400, 422, 503 ... */
void api_refuse(struct api *a, struct api_request *r, const struct diag *d);
/* ready-made ca_done_fn whose cookie is the request: answers 200 with the JSON
 * or refuses */
void api_ca_done(
    int result, json_t *answer, const struct diag *d, void *cookie);

/* core side: rules for the local front's link; front side: api_local_* in
 * api/local.h */
int api_frame_ask(struct channel *c, const struct frame *f, void *cookie)
    ERR_CHECK; /* cookie: struct api */
/* the link has gone: its requests run on, their answers go nowhere */
void api_link_gone(struct api *a, struct channel *c);
/* what handlers share, besides the above, is in api/api_internal.h */

#endif
