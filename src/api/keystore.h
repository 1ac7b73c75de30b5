/* api/keystore: enrolment of an entity with a key made elsewhere. */
#ifndef SIGNET_API_KEYSTORE_H
#define SIGNET_API_KEYSTORE_H

#include "api/api_internal.h"

void api_enrol_post(struct api *a, struct api_request *r);

#endif
