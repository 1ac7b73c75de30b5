/*
 * base/json: jansson with owned locals and the few shapes we use.
 */
#ifndef SIGNET_BASE_JSON_H
#define SIGNET_BASE_JSON_H

#include <jansson.h>

#include "base/auto.h"
#include "base/diag.h"
#include "base/err.h"
#include "base/span.h"

AUTO_DEFINE(json_t, json_decref);

/* json_set_text/int/bool/time(): no-ops on a NULL object, so that building
 * needs one test at the end. A NULL text adds nothing. */
void json_set_text(json_t *o, const char *key, const char *text);
void json_set_escaped(json_t *o, const char *key, struct span foreign);
void json_set_int(json_t *o, const char *key, int64_t v);
void json_set_bool(json_t *o, const char *key, bool v);
void json_set_time(json_t *o, const char *key, int64_t utc); /* RFC 3339 */
void json_set_hex(json_t *o, const char *key, struct span s);
/* borrowed text of a string member; NULL when absent or of another type */
const char *json_get0_text(const json_t *o, const char *key);
int64_t json_get_int(const json_t *o, const char *key, int64_t otherwise);
bool json_get_bool(const json_t *o, const char *key, bool otherwise);
/* json_to_text(): compact, sorted keys; from malloc, the caller frees */
char *json_to_text(const json_t *o);
/* json_parse(): object or array, at most max bytes; E_PARSE with line in d */
int json_parse(struct span text, size_t max, struct diag *d, json_t **ret)
    ERR_CHECK;
/* a diag as the members of an RFC 9457 problem: type, title, detail, remedy */
json_t *json_of_diag(const struct diag *d);

#endif
