/* api, private: what the noun files share. */
#ifndef SIGNET_API_INTERNAL_H
#define SIGNET_API_INTERNAL_H

#include "api/api.h"
#include "base/json.h"

#define API_QUERY_ARGS_MAX 32
#define API_LIST_DEFAULT 100 /* rows of a listing when nothing was said */
#define API_LIST_MAX 1000

struct api_pair {
	const char *name, *value; /* borrowed from the request */
};
struct api_request {
	struct api *api;
	struct channel *channel; /* NULL: the asker has gone */
	struct api_request *next, **prev_next;
	uint32_t id;
	int method; /* enum http_method, as the front saw it */
	char path[API_PATH_MAX], query[API_QUERY_MAX];
	char actor[32];
	const struct api_route *route;
	size_t arg_n, query_n;
	struct api_pair args[API_SEGMENTS_MAX], queries[API_QUERY_ARGS_MAX];
	char names[API_SEGMENTS_MAX][32];
	struct buf raw;
	json_t *json;
	void *keep; /* from malloc: what a call under way still borrows */
	/* the answer, while it waits for its batch */
	int status;
	const char *content_type;
	struct buf answer;
};

extern const struct api_route api_ca_routes[], api_backup_routes[],
    api_profile_routes[], api_entity_routes[], api_request_routes[],
    api_cert_routes[], api_issue_routes[], api_trust_routes[],
    api_audit_routes[], api_status_routes[], api_ignition_routes[];

/* router.c */
/* fills route and args; 0, E_NOT_FOUND, or E_UNSUPPORTED: another method */
int api_route_find(struct api_request *r) ERR_CHECK;
/* splits r->query in place, decodes %XX and '+'; E_PARSE, E_TOO_BIG */
int api_query_parse(struct api_request *r) ERR_CHECK;

/* --- for handlers; each refuses the request itself where it says so --- */
/* api_refuse_with(): diag_set() and api_refuse() in one */
void api_refuse_with(struct api *a, struct api_request *r, int code,
    const char *object, const char *fact, ...)
    __attribute__((format(printf, 5, 6)));
/* the code alone, for failures that have no more words */
void api_refuse_code(
    struct api *a, struct api_request *r, int code, const char *object);
/* api_event(): one event by this asker in the present batch; detail stolen */
int api_event(struct api *a, const struct api_request *r, enum event_kind kind,
    enum severity severity, const char *object, json_t *detail) ERR_CHECK;
/* text member of the body; NULL when absent; a non-text or one over max bytes
 * (with NUL) is refused and E_INVAL */
int api_text(struct api *a, struct api_request *r, const char *key, size_t max,
    const char **ret) ERR_CHECK;
/* base64 member of the body; absent: empty, *ret NULL; the caller frees */
int api_bytes(struct api *a, struct api_request *r, const char *key,
    uint8_t **ret, size_t *ret_n) ERR_CHECK;
/* limit= and an integer cursor next= of a listing; refuses bad ones */
int api_page(struct api *a, struct api_request *r, unsigned *ret_limit,
    int64_t *ret_after) ERR_CHECK;
/* whole number of a {x} in the path; refuses */
int api_arg_number(struct api *a, struct api_request *r, const char *name,
    int64_t *ret) ERR_CHECK;
/* {"pem","chain":[pem...]} of a certificate by this authority into o */
void api_put_pem(json_t *o, const char *key, struct span der);
void api_put_chain(const struct ca *ca, json_t *o, const char *authority);
/* a CSR in the member "csr", PEM or base64 DER; absent: *ret NULL; refuses */
int api_csr(struct api *a, struct api_request *r, struct csr **ret) ERR_CHECK;
/* organisation members c st l o ou email of the object org */
int api_estate(struct api *a, struct api_request *r, struct estate_names *ret)
    ERR_CHECK;

#endif
