/* CERT-7: a clock earlier than the software's release is detected. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#include "base/time.h"
#include "os/clock.h"

static void
the_release_date_is_a_day_of_the_calendar(void **state)
{
	int64_t t;

	(void)state;
	assert_int_equal(time_parse("2026-11-01T00:00:00Z", &t), 0);
	assert_int_equal(clock_build_date(), t);
}

/* CERT-7: accepted after the build date, refused before it */
static void
sanity_follows_the_clock(void **state)
{
	int64_t real = (int64_t)time(NULL);

	(void)state;
	clock_set_offset(clock_build_date() - real + TIME_DAY);
	assert_true(clock_is_sane());
	clock_set_offset(clock_build_date() - real - TIME_DAY);
	assert_false(clock_is_sane());
	clock_set_offset(-real); /* 1970, as after a flat battery */
	assert_false(clock_is_sane());
	clock_set_offset(0);
}

static void
the_offset_moves_only_the_calendar(void **state)
{
	int64_t before = clock_monotonic_ms();
	int64_t real = (int64_t)time(NULL);

	(void)state;
	clock_set_offset(86400);
	assert_in_range(clock_now() - real, 86400, 86410);
	assert_in_range(clock_monotonic_ms() - before, 0, 10000);
	clock_set_offset(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_release_date_is_a_day_of_the_calendar),
		cmocka_unit_test(sanity_follows_the_clock),
		cmocka_unit_test(the_offset_moves_only_the_calendar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
