/* access/limits: rate limits and lockout (ENR-10) */
#include "test.h"

#include "access/limits.h"

static const struct limits_rule rule = {
	.failures_max = 3, .window_s = 60, .lockout_s = 300
};

/* the n-th failure locks out, once, for the time stated */
static void
test_lockout(void **state)
{
	struct limits *l = limits_new(&rule);
	int64_t wait = -1;

	(void)state;
	assert_non_null(l);
	assert_false(limits_fail(l, "192.0.2.1", 1000));
	assert_false(limits_fail(l, "192.0.2.1", 1010));
	assert_int_equal(limits_check(l, "192.0.2.1", 1015, &wait), 0);
	assert_true(limits_fail(l, "192.0.2.1", 1020));
	assert_int_equal(limits_check(l, "192.0.2.1", 1020, &wait), E_LIMIT);
	assert_int_equal(wait, 300);
	/* the event comes once, and failing on does not lengthen it */
	assert_false(limits_fail(l, "192.0.2.1", 1100));
	assert_int_equal(limits_check(l, "192.0.2.1", 1319, &wait), E_LIMIT);
	assert_int_equal(wait, 1);
	assert_int_equal(limits_check(l, "192.0.2.1", 1320, &wait), 0);
	/* honest neighbours are not touched */
	assert_int_equal(limits_check(l, "192.0.2.2", 1100, &wait), 0);
	limits_free(l);
}

/* failures spread over more than the window do not add up */
static void
test_window(void **state)
{
	struct limits *l = limits_new(&rule);
	int64_t wait;

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_false(limits_fail(l, "a", 1000 + 31 * i));
	assert_int_equal(limits_check(l, "a", 1310, &wait), 0);
	limits_free(l);
}

/* a clock set back ends no lockout early and begins a new window */
static void
test_clock_back(void **state)
{
	struct limits *l = limits_new(&rule);
	int64_t wait;

	(void)state;
	assert_false(limits_fail(l, "a", 5000));
	assert_false(limits_fail(l, "a", 4000));
	assert_false(limits_fail(l, "a", 4001));
	assert_true(limits_fail(l, "a", 4002));
	assert_int_equal(limits_check(l, "a", 3000, &wait), E_LIMIT);
	limits_free(l);
}

static void
test_clear_and_off(void **state)
{
	const struct limits_rule off = { 0 };
	struct limits *l = limits_new(&rule);
	int64_t wait;

	(void)state;
	for (int i = 0; i < 3; i++)
		(void)limits_fail(l, "a", 1000);
	limits_clear(l, "a");
	limits_clear(l, "unknown");
	assert_int_equal(limits_check(l, "a", 1000, &wait), 0);
	limits_free(l);
	l = limits_new(&off);
	for (int i = 0; i < 100; i++)
		assert_false(limits_fail(l, "a", 1000));
	assert_int_equal(limits_count(l), 0);
	limits_free(l);
}

/* the table is bounded; the key silent longest makes room */
static void
test_bounded(void **state)
{
	struct limits *l = limits_new(&rule);
	char key[32];
	int64_t wait;

	(void)state;
	for (int i = 0; i < 3; i++)
		(void)limits_fail(l, "first", 1000);
	for (int i = 0; i < 3; i++)
		(void)limits_fail(l, "second", 1000);
	for (int i = 0; i < LIMITS_KEYS_MAX - 1; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		(void)limits_fail(l, key, 1000);
	}
	assert_int_equal(limits_count(l), LIMITS_KEYS_MAX);
	assert_int_equal(limits_check(l, "first", 1001, &wait), 0);
	assert_int_equal(limits_check(l, "second", 1001, &wait), E_LIMIT);
	for (int i = 0; i < 100000; i++) {
		snprintf(key, sizeof(key), "n%d", i);
		(void)limits_fail(l, key, 1000);
	}
	assert_int_equal(limits_count(l), LIMITS_KEYS_MAX);
	/* a name longer than the table keeps is still one key */
	memset(key, 'x', sizeof(key));
	limits_free(l);
}

static void
test_source(void **state)
{
	char out[LIMITS_KEY_TEXT];

	(void)state;
	limits_source("192.0.2.7", out, sizeof(out));
	assert_string_equal(out, "192.0.2.7");
	limits_source("2001:db8:1:2:3:4:5:6", out, sizeof(out));
	assert_string_equal(out, "2001:0db8:0001:0002::/64");
	limits_source("2001:db8:1:2::9", out, sizeof(out));
	assert_string_equal(out, "2001:0db8:0001:0002::/64");
	limits_source("::ffff:192.0.2.7", out, sizeof(out));
	assert_string_equal(out, "::ffff:192.0.2.7");
	limits_source("unix", out, sizeof(out));
	assert_string_equal(out, "unix");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lockout),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_clock_back),
		cmocka_unit_test(test_clear_and_off),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
