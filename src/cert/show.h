/* cert/show: every field of an object as JSON (CERT-1) and as text made from
 * it. */
#ifndef SIGNET_CERT_SHOW_H
#define SIGNET_CERT_SHOW_H

#include <jansson.h>

#include "base/buf.h"
#include "cert/bundle.h"

/* object_to_json(o): stable members; see docs/man/signet-cert.1. NULL: no
 * memory */
json_t *object_to_json(const struct object *o);
/* object_print(json, out): aligned lines for people, from that same JSON */
void object_print(const json_t *object, struct buf *out);

#endif
