/* enroll/front_internal: what the front's files share with each other. */
#ifndef SIGNET_ENROLL_FRONT_INTERNAL_H
#define SIGNET_ENROLL_FRONT_INTERNAL_H

#include "enroll/client.h"
#include "enroll/front.h"
#include "enroll/front_setup.h"
#include "key/key_client.h"
#include "net/http_server.h"

struct crl_cache;

struct front {
	struct loop *loop;
	const struct config *config;
	struct worker *worker; /* NULL in tests */
	struct http_server *server;
	struct key_client *keys;
	struct enrol_client *core;
	struct front_setup *setup; /* NULL until the core has told */
	struct crl_cache *crls;
};

/* a plain-text answer: what, and what to do; "\n" is added */
void front_say(struct http_request *r, int status, const char *text);
/* 503 with Retry-After */
void front_busy(struct http_request *r, const char *text);
/* bytes that are no request: 400 with the diag's words, and a report */
void front_malformed(struct front *f, struct http_request *r,
    const char *protocol, const struct diag *d);
/* 503 when no authority enrolls here; otherwise true */
bool front_has_ca(const struct front *f, struct http_request *r);

/* /crl/ID.crl and /ca/ID.{pem,der,p7c}; name is what follows the folder */
struct crl_cache *crl_cache_new(void);
void crl_cache_free(struct crl_cache *c); /* after the core's client */
void front_get_crl(struct front *f, struct http_request *r, const char *name);
void front_get_ca(struct front *f, struct http_request *r, const char *name);

#endif
