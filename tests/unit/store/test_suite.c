/*
 * One suite for all drivers (STYLE 25): SQLite in a file, the test driver, and
 * a PostgreSQL server that the suite starts itself.
 */
#include "store/helper_cases.h"
#include "store/helper_pg.h"

#define CASES_MAX 64

static int
run_kind(enum fixture_kind kind, const char *name)
{
	const struct named_case *const lists[] = { cases_tables,
		cases_certificates, cases_batch };
	static struct CMUnitTest tests[CASES_MAX];
	struct fixture *f = fixture_new(kind);
	size_t n = 0;
	int bad;

	if (!f)
		return 1;
	for (size_t i = 0; i < 3; i++)
		for (const struct named_case *c = lists[i]; c->name; c++) {
			assert_true(n < CASES_MAX);
			tests[n++] = (struct CMUnitTest){ .name = c->name,
				.test_func = c->fn,
				.setup_func = fixture_begin,
				.teardown_func = fixture_done,
				.initial_state = f };
		}
	bad = _cmocka_run_group_tests(name, tests, n, NULL, NULL);
	fixture_free(f);
	return bad;
}

int
main(void)
{
	int bad = run_kind(FIXTURE_SQLITE, "sqlite");

	bad += run_kind(FIXTURE_TEST, "test");
	if (pg_wanted())
		bad += run_kind(FIXTURE_PG, "postgresql");
	return bad != 0;
}
