/*
 * helper_cases: the tests that every driver must pass, and their fixture: one
 * empty store per test, of the kind the group says.
 */
#ifndef TEST_STORE_HELPER_CASES_H
#define TEST_STORE_HELPER_CASES_H

#include "store/authorities.h"
#include "store/certificates.h"
#include "store/entities.h"
#include "store/events.h"
#include "store/requests.h"
#include "store/trusts.h"
#include "test.h"

enum fixture_kind { FIXTURE_SQLITE, FIXTURE_TEST, FIXTURE_PG };

struct fixture {
	enum fixture_kind kind;
	struct store *s;
	char url[256];
	char folder[64]; /* scratch, of sqlite */
};

/* fixture_start/end(): once per group; begin/done: once per test */
int fixture_begin(void **state);
int fixture_done(void **state);
struct fixture *fixture_new(enum fixture_kind kind); /* NULL: no PostgreSQL */
void fixture_free(struct fixture *f);
/* closes and opens the same database again; not for FIXTURE_TEST */
void fixture_reopen(struct fixture *f);
/* SQL beside the store; it must succeed. Not for FIXTURE_TEST */
void fixture_sql(struct fixture *f, const char *sql);

/* rows with every member set; n makes them differ */
struct cert_row sample_cert(unsigned n, int64_t not_after);
struct request_row sample_request(unsigned n);
struct entity_row sample_entity(unsigned n);
struct authority_row sample_authority(const char *id);
struct event_row sample_event(int64_t seq);

typedef void (*case_fn)(void **state);
struct named_case {
	const char *name;
	case_fn fn;
};
extern const struct named_case cases_tables[], cases_certificates[],
    cases_batch[]; /* each ends with a NULL name */

#endif
