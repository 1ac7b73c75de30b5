/* api/ca_params: what ignition and "create new" take from a body. */
#ifndef SIGNET_API_CA_PARAMS_H
#define SIGNET_API_CA_PARAMS_H

#include "api/api_internal.h"

/* refuses the request itself; all of ret borrows from the request */
int ca_params_take(
    struct api *a, struct api_request *r, struct ignite_params *ret) ERR_CHECK;
/* STATE/ignited, for scripts */
void ignition_leave_mark(const struct api *a);

#endif
