/* CERT-3, ACC-4: what a password must be. */
#include "test.h"

#include "access/password.h"

static int
check(const char *text, const char *name)
{
	struct diag d = { 0 };
	int e = password_check(text, name, &d);

	assert_int_equal(d.code, e);
	if (e)
		assert_true(d.fact[0] && d.remedy[0] && d.rule[0]);
	assert_null(strstr(d.fact, text));
	return e;
}

static void
good_ones(void **state)
{
	(void)state;
	assert_int_equal(check("Kite-72-harbor", "pbx1"), 0);
	assert_int_equal(check("xaCR12efTH", NULL), 0);
	assert_int_equal(check("purplemonkeydishwasher", "pbx1"), 0);
	assert_int_equal(check("aaa-BBB-222", ""), 0);
	assert_int_equal(check("Gr\xc3\xbc\xc3\x9f-Gott-9", "x"), 0);
}

static void
length_and_mixture(void **state)
{
	char huge[PASSWORD_MAX + 2];

	(void)state;
	memset(huge, 'x', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	assert_int_equal(check("Ab1-Ab1-A", NULL), E_PASSWORD);
	assert_int_equal(check("harborkites", NULL), E_PASSWORD);
	assert_int_equal(check("harbor7kites", NULL), E_PASSWORD);
	assert_int_equal(check("Harbor7kites", NULL), 0);
	assert_int_equal(check(huge, NULL), E_PASSWORD);
	/* ten characters are meant, not ten bytes */
	assert_int_equal(check("\xc3\xa4\xc3\xb6\xc3\xbc"
			       "A1-b",
			     NULL),
	    E_PASSWORD);
}

static void
runs(void **state)
{
	(void)state;
	assert_int_equal(check("Kite-aaaa-72", NULL), E_PASSWORD);
	assert_int_equal(check("Kite-1234-ho", NULL), E_PASSWORD);
	assert_int_equal(check("Kite-4321-ho", NULL), E_PASSWORD);
	assert_int_equal(check("Kite7-aBcD-x", NULL), E_PASSWORD);
	assert_int_equal(check("Kite-123-432", NULL), 0);
	assert_int_equal(check("purplemonkey0000dish", NULL), E_PASSWORD);
}

static void
names(void **state)
{
	(void)state;
	assert_int_equal(check("Xx-PBX1-harbor", "pbx1"), E_PASSWORD);
	assert_int_equal(check("Xx-1xbp-harbor", "pbx1"), E_PASSWORD);
	assert_int_equal(check("Xx-pbx-7-harbor", "pbx1"), 0);
	assert_int_equal(check("Kite-72-harbor", "ar"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones),
		cmocka_unit_test(length_and_mixture),
		cmocka_unit_test(runs),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
