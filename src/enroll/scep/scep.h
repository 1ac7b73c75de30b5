/*
 * enroll/scep: RFC 8894 over HTTP, the front's part.
 */
#ifndef SIGNET_ENROLL_SCEP_SCEP_H
#define SIGNET_ENROLL_SCEP_SCEP_H

#include "enroll/front_internal.h"
#include "enroll/scep/message.h"

/* scep_request(): answers r, now or later */
void scep_request(
    struct front *f, struct http_request *r, const struct config_scep *path);
/* PKIOperation (scep/job.c): decoded is the message of a GET; taken over */
void scep_operation(struct front *f, struct http_request *r,
    const struct config_scep *path, uint8_t *decoded, size_t n);

#endif
