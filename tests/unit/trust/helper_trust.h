/* tests/unit/trust: a store, a ledger, a folder, and certificates made by
 * OpenSSL. */
#ifndef SIGNET_TESTS_TRUST_HELPER_H
#define SIGNET_TESTS_TRUST_HELPER_H

#include "test.h"

#include "trust/trust.h"

#define NOW INT64_C(1795000000) /* 2026-11-18 */

struct place {
	char dir[64];
	struct trust trust;
};

struct place *place_new(const char *url); /* "test:" or "sqlite" */
void place_free(struct place *p);
/* PEM of a self-signed certificate: CA or leaf */
void make_pem(const char *cn, bool ca, int64_t not_before, int64_t not_after,
    struct buf *out);
void make_key_pem(struct buf *out);
/* imports into the server's own store and commits; the report is the caller's
 */
int import(struct place *p, struct span file, json_t **ret, struct diag *d);
int64_t count_in(struct place *p, const char *system);
/* member of the certificate whose subject holds that text */
const json_t *find_in(const json_t *list, const char *subject);
bool has_flag(const json_t *certificate, const char *flag);
int count_events(struct place *p, enum event_kind kind);

#endif
