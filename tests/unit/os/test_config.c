/* os/config: signet.yaml is read with places in its errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/address.h"
#include "os/config.h"
#include "os/file.h"

static char path[] = "/tmp/h-net-config-XXXXXX";

static int
setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	close(fd);
	return fd >= 0 ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	return unlink(path);
}

static int
load(const char *text, struct config *c, struct diag *d)
{
	config_defaults(c);
	memset(d, 0, sizeof(*d));
	assert_int_equal(file_write(path, 0600, span_str(text), d), 0);
	return config_load(path, d, c);
}

static void
defaults_hold_and_pass_the_check(void **state)
{
	struct config c;
	struct diag d;

	(void)state;
	assert_int_equal(load("# nothing\n", &c, &d), 0);
	assert_int_equal(config_check(&c, &d), 0);
	assert_string_equal(c.http, "0.0.0.0:8080");
	assert_string_equal(c.syslog_socket, "/dev/log");
	assert_int_equal(c.expiry_days, 60);
	assert_int_equal(c.failures_max, 30);
	assert_int_equal(c.lockout_s, 60);
	assert_int_equal(c.pending_max, 1000);
	assert_int_equal(c.scep_n, 1);
	assert_string_equal(c.scep[0].name, "");
	assert_string_equal(c.scep[0].profile, "phone");
	assert_true(c.scep[0].pending_allowed && !c.scep[0].legacy);
	assert_int_equal(load("", &c, &d), 0);
}

static const char whole_file[] = "http: '[::1]:80'\n"
				 "database: postgresql://db/signet\n"
				 "public_url: http://ca.example\n"
				 "user: signet\n"
				 "processes: {fronts: 2, keys: 3}\n"
				 "syslog: {socket: ''}\n"
				 "expiry: {warn_days: 90}\n"
				 "limits:\n"
				 "  failures: 5\n"
				 "  window_s: 10\n"
				 "  lockout_s: 20\n"
				 "  pending: 7\n"
				 "seal: {passphrase_file: /etc/pass}\n"
				 "scep:\n"
				 "  - {name: '', pending: no}\n"
				 "  - name: old\n"
				 "    profile: gateway\n"
				 "    legacy: true\n";

static void
every_key_arrives(void **state)
{
	struct config c;
	struct diag d;

	(void)state;
	assert_int_equal(load(whole_file, &c, &d), 0);
	assert_int_equal(config_check(&c, &d), 0);
	assert_string_equal(c.http, "[::1]:80");
	assert_string_equal(c.database, "postgresql://db/signet");
	assert_string_equal(c.public_url, "http://ca.example");
	assert_string_equal(c.user, "signet");
	assert_int_equal(c.fronts, 2);
	assert_int_equal(c.keys, 3);
	assert_string_equal(c.syslog_socket, "");
	assert_int_equal(c.expiry_days, 90);
	assert_int_equal(c.failures_max, 5);
	assert_int_equal(c.failures_window_s, 10);
	assert_int_equal(c.lockout_s, 20);
	assert_int_equal(c.pending_max, 7);
	assert_string_equal(c.seal_passphrase_file, "/etc/pass");
	assert_int_equal(c.scep_n, 2);
	assert_false(c.scep[0].pending_allowed);
	assert_string_equal(c.scep[0].profile, "phone");
	assert_string_equal(c.scep[1].name, "old");
	assert_string_equal(c.scep[1].profile, "gateway");
	assert_true(c.scep[1].legacy && c.scep[1].pending_allowed);
}

static void
place_is(const char *text, const char *place)
{
	struct config c;
	struct diag d;
	char expected[400];

	assert_int_equal(load(text, &c, &d), E_PARSE);
	snprintf(expected, sizeof(expected), "%s:%s", path, place);
	assert_string_equal(d.object, expected);
}

static void
errors_name_line_and_key(void **state)
{
	struct config c;
	struct diag d;

	(void)state;
	place_is("# c\nhttp: a\nuser: b\nusr: c\n", "4: usr");
	place_is(
	    "limits:\n  pending: 4\n  lockouts: 3\n", "3: limits.lockouts");
	place_is("limits:\n  failures: many\n", "2: limits.failures");
	place_is("limits:\n  failures: -5\n", "2: limits.failures");
	place_is("http: [a]\n", "1: http");
	place_is("http: a\nhttp: b\n", "2: http");
	place_is("scep:\n - {name: a}\n - {name: b, legcy: true}\n",
	    "3: scep.legcy");
	place_is("scep:\n - {name: a}\n - {name: b, legacy: maybe}\n",
	    "3: scep.legacy");
	place_is("http: a\n limits: 3\n", "1");
	assert_int_equal(load("syslog: {sokcet: /x}\n", &c, &d), E_PARSE);
	assert_string_equal(d.fact, "unknown key");
	assert_string_equal(d.remedy, "did you mean \"socket\"?");
	assert_int_equal(
	    config_load("/nowhere/signet.yaml", &d, &c), E_NOT_FOUND);
}

/* signet.yaml(5): file, line and key of a wrong value, too */
static void
check_is(const char *text, const char *place)
{
	struct config c;
	struct diag d;
	char expected[400];

	assert_int_not_equal(load(text, &c, &d), 0);
	snprintf(expected, sizeof(expected), "%s:%s", path, place);
	assert_string_equal(d.object, expected);
	assert_true(d.fact[0] != '\0');
}

static void
values_out_of_range(void **state)
{
	struct config c;
	struct diag d;

	(void)state;
	check_is("http: nonsense\n", "1: http");
	check_is("# http: x\nhttp: 1.2.3.4:99999\n", "2: http");
	check_is("user: a\npublic_url: ca.example\n", "2: public_url");
	check_is("database: mysql://x\n", "1: database");
	check_is("processes: {fronts: 17}\n", "1: processes.fronts");
	check_is("expiry:\n  warn_days: 0\n", "2: expiry.warn_days");
	check_is("scep: [{name: a/b}]\n", "1: scep[1].name");
	check_is("scep:\n - name: a\n   legacy: no\n - name: a\n",
	    "4: scep[2].name");
	assert_int_equal(load("http: ''\n", &c, &d), 0);
	assert_int_equal(config_check(&c, &d), 0);
}

static void
packs_and_unpacks(void **state)
{
	BUF(packed, CONFIG_PACKED_MAX);
	BUF(again, CONFIG_PACKED_MAX);
	struct config c, back;
	struct diag d;

	(void)state;
	assert_int_equal(load(whole_file, &c, &d), 0);
	c.clock_offset_s = -86400;
	config_pack(&c, &packed);
	assert_int_equal(buf_error(&packed), 0);
	assert_int_equal(config_unpack(buf_span(&packed), &back), 0);
	assert_int_equal(back.clock_offset_s, -86400);
	config_pack(&back, &again);
	assert_true(span_is_equal(buf_span(&packed), buf_span(&again)));
	for (size_t n = 0; n < packed.n; n++)
		assert_int_not_equal(
		    config_unpack(span_of(packed.p, n), &back), 0);
}

static void
addresses(void **state)
{
	struct sockaddr_storage a;
	socklen_t n;
	char text[ADDRESS_TEXT_MAX];

	(void)state;
	assert_int_equal(address_parse("localhost:80", &a, &n), 0);
	address_print(&a, text, sizeof(text));
	assert_string_equal(text, "127.0.0.1:80");
	assert_int_equal(address_parse("[2001:db8::1]:0", &a, &n), 0);
	address_print(&a, text, sizeof(text));
	assert_string_equal(text, "[2001:db8::1]:0");
	assert_int_equal(address_parse("::1:80", &a, &n), E_INVAL);
	assert_int_equal(address_parse("[127.0.0.1]:80", &a, &n), E_INVAL);
	assert_int_equal(address_parse("127.0.0.1", &a, &n), E_INVAL);
	assert_int_equal(address_parse(":80", &a, &n), E_INVAL);
}

static void
the_catalog_beside_the_build(void **state)
{
	struct config c;

	(void)state;
	config_defaults(&c);
	if (file_is_there(TEST_CATALOG)) {
		assert_int_equal(config_find_catalog(&c), 0);
		assert_string_equal(c.catalog_dir, TEST_CATALOG);
	} else {
		assert_int_equal(config_find_catalog(&c), E_NOT_FOUND);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_hold_and_pass_the_check),
		cmocka_unit_test(every_key_arrives),
		cmocka_unit_test(errors_name_line_and_key),
		cmocka_unit_test(values_out_of_range),
		cmocka_unit_test(packs_and_unpacks),
		cmocka_unit_test(addresses),
		cmocka_unit_test(the_catalog_beside_the_build),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
