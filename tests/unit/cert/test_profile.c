/* cert/profile: the YAML files (CA-3), and the shipped ones against the
 * tables of chapter 9 (CERT-6). */
#include "test.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "base/time.h"
#include "cert/profile.h"
#include "os/file.h"

#define MINIMAL                      \
	"title: T\nkind: identity\n" \
	"validity: {days: 10}\n"     \
	"key: {accept: [rsa2048]}\n"

static struct profile_set set;

static int
group_open(void **state)
{
	struct diag d;
	char text[4 * DIAG_TEXT_MAX];

	(void)state;
	if (profile_load(TEST_CATALOG, NULL, &d, &set)) {
		diag_print(&d, text, sizeof(text));
		fail_msg("%s", text);
	}
	return 0;
}

static const struct profile *
shipped(const char *name)
{
	const struct profile *p = profile_find(&set, name);

	assert_non_null(p);
	assert_true(p->shipped);
	return p;
}

/* "IP500 V2 Initial Certificate Settings" */
static void
test_standalone(void **state)
{
	const struct profile *p = shipped("standalone");

	(void)state;
	assert_int_equal(p->kind, PROFILE_STANDALONE);
	assert_int_equal(p->hash, HASH_SHA256); /* sha256RSA */
	assert_int_equal(p->key_n, 1);          /* RSA, 2048 bits */
	assert_int_equal(p->keys[0], KEY_RSA2048);
	assert_int_equal(p->backdate_h, 24); /* creation minus 24 hours */
	assert_int_equal(p->days, 825);
	assert_true(p->ca);               /* cA: true */
	assert_int_equal(p->path_len, 0); /* pathLenConstraint: 0 */
	assert_int_equal(p->eku, EKU_SERVER | EKU_CLIENT);
	assert_int_equal(p->ku, KU_KEY_AGREEMENT | KU_KEY_ENCIPHERMENT |
				    KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION |
				    KU_DATA_ENCIPHERMENT | KU_CERT_SIGN);
	assert_false(p->ku_critical);         /* marked as non-critical */
	assert_true(p->san_dns && p->san_ip); /* DNS, IP, IP */
}

/* "Default IP Office CA Root Certificate" */
static void
test_ipoffice_root(void **state)
{
	const struct profile *p = shipped("ipoffice-root");

	(void)state;
	assert_int_equal(p->kind, PROFILE_CA);
	assert_int_equal(p->hash, HASH_SHA256);
	assert_int_equal(p->key_n, 1);
	assert_int_equal(p->keys[0], KEY_RSA2048);
	assert_int_equal(p->backdate_h, 24);
	assert_int_equal(p->days, 3650); /* approximately 10 years */
	assert_true(p->ca);
	assert_int_equal(p->path_len, -1); /* none */
	assert_int_equal(p->eku, EKU_SERVER | EKU_CLIENT);
	assert_int_equal(p->ku, 97); /* "Key Usage = 97" */
	assert_false(p->ku_critical);
	assert_true(p->san_uri); /* URL:... */
}

/* "Identity Certificate" issued by that root */
static void
test_identity(void **state)
{
	static const char *const names[] = { "identity", "ipoffice" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct profile *p = shipped(names[i]);

		assert_int_equal(p->kind, PROFILE_IDENTITY);
		assert_int_equal(p->hash, HASH_SHA256);
		assert_int_equal(p->keys[0], KEY_RSA2048);
		assert_int_equal(p->days, 730);      /* approximately 2 years */
		assert_int_equal(p->days_max, 1095); /* CA-3 */
		assert_false(p->ca);                 /* end entity */
		assert_int_equal(p->path_len, -1);
		assert_int_equal(p->ku, 31); /* "Key Usage = 31" */
		assert_false(p->ku_critical);
		assert_int_equal(p->eku, EKU_SERVER | EKU_CLIENT);
		assert_true(p->san_dns && p->san_ip);
	}
	assert_int_equal(shipped("ipoffice")->key_n, 1);
	assert_int_equal(shipped("ipoffice")->san_max, 8);
}

/* "Server Edition Secondary/Linux Expansion Initial Certificate Settings" */
static void
test_secondary(void **state)
{
	const struct profile *p = shipped("standalone-secondary");

	(void)state;
	assert_int_equal(p->kind, PROFILE_STANDALONE);
	assert_int_equal(p->hash, HASH_SHA256);
	assert_int_equal(p->key_n, 1);
	assert_int_equal(p->keys[0], KEY_RSA2048);
	assert_int_equal(p->backdate_h, 24);
	assert_int_equal(p->days, 730);
	assert_false(p->ca);
	assert_int_equal(p->path_len, -1);
	assert_int_equal(p->ku | p->ku_allowed, 0);   /* none */
	assert_int_equal(p->eku | p->eku_allowed, 0); /* none */
	assert_false(p->san_dns || p->san_ip || p->san_uri || p->san_email);
	assert_false(p->san_from_cn);
}

/* CA-3: the kinds that must be there; CERT-5: only one makes legacy content */
static void
test_shipped(void **state)
{
	static const char *const names[] = { "identity", "server", "client",
		"root-ca", "issuing-ca", "ocsp", "ra", "sip-domain", "phone",
		"legacy", "public-tls", "id-client-server" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)shipped(names[i]);
	for (size_t i = 0; i < set.n; i++)
		assert_true(
		    set.e[i].legacy == (strcmp(set.e[i].name, "legacy") == 0));
	assert_int_equal(shipped("server")->eku, EKU_SERVER);
	assert_int_equal(shipped("client")->eku, EKU_CLIENT);
	assert_int_equal(shipped("ocsp")->eku, EKU_OCSP);
	assert_true(shipped("sip-domain")->eku & EKU_SIP_DOMAIN);
	assert_int_equal(shipped("issuing-ca")->path_len, 0);
	assert_int_equal(shipped("root-ca")->path_len, -1);
	assert_int_equal(shipped("legacy")->hash, HASH_SHA1);
	assert_true(shipped("id-client-server")->match_c &&
		    shipped("id-client-server")->match_st &&
		    shipped("id-client-server")->match_o);
	assert_null(profile_find(&set, "nothing"));
}

/* CA-3: 200 days since 2026-03-15, 100 from 2027-03-15, 47 from 2029-03-15 */
static void
test_steps(void **state)
{
	static const struct {
		const char *when;
		uint32_t days;
	} cases[] = {
		{ "2026-03-14T23:59:59Z", 398 },
		{ "2026-03-15T00:00:00Z", 200 },
		{ "2027-03-14T23:59:59Z", 200 },
		{ "2027-03-15T00:00:00Z", 100 },
		{ "2029-03-14T23:59:59Z", 100 },
		{ "2029-03-15T00:00:00Z", 47 },
	};
	int64_t t;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(time_parse(cases[i].when, &t), 0);
		assert_int_equal(
		    profile_days_max(shipped("public-tls"), t), cases[i].days);
	}
	assert_int_equal(profile_days_max(shipped("identity"), t), 1095);
}

/* what is printed reads back as the same profile */
static void
test_round_trip(void **state)
{
	(void)state;
	for (size_t i = 0; i < set.n; i++) {
		struct profile p, want = set.e[i];
		struct diag d;
		BUF(text, PROFILE_FILE_MAX);

		assert_int_equal(profile_print(&set.e[i], &text), 0);
		assert_int_equal(
		    profile_parse(buf_span(&text), want.file, &d, &p), 0);
		p.shipped = true;
		assert_string_equal(p.title, want.title);
		assert_memory_equal(&p.kind, &want.kind,
		    sizeof(p) - offsetof(struct profile, kind));
	}
}

static void
test_defaults(void **state)
{
	struct profile p;
	struct diag d;

	(void)state;
	assert_int_equal(
	    profile_parse(span_str(MINIMAL), "/x/my-own.yaml", &d, &p), 0);
	assert_string_equal(p.name, "my-own");
	assert_int_equal(p.days_max, 10);
	assert_int_equal(p.backdate_h, 24);
	assert_int_equal(p.hash, HASH_SHA256);
	assert_int_equal(p.path_len, -1);
	assert_int_equal(p.san_max, 32);
	assert_false(p.legacy || p.ca || p.shipped);
}

/* a schema error names file, line and key */
static void
test_schema_errors(void **state)
{
	static const struct {
		const char *text, *object, *rule;
	} cases[] = {
		{ "", "p.yaml", NULL },
		{ "- a\n", "p.yaml", NULL },
		{ MINIMAL "validty: 3\n", "p.yaml:5", NULL },
		{ "title: T\nkind: idenity\n", "p.yaml:2", "kind" },
		{ "title: T\nkind: ca\nvalidity:\n  days: many\n", "p.yaml:4",
		    "validity.days" },
		{ "title: T\nkind: ca\nvalidity:\n  dais: 3\n", "p.yaml:4",
		    "validity" },
		{ "title: T\nkind: ca\nvalidity: {days: 3}\n"
		  "key: {accept: [rsa2048, dsa]}\n",
		    "p.yaml:4", "key.accept" },
		{ MINIMAL "key_usage: {always: [keySign]}\n", "p.yaml:5",
		    "key_usage.always" },
		{ "title: T\ntitle: U\n", "p.yaml", "title" },
		{ MINIMAL "names: &a {dns: true}\n", "p.yaml", NULL },
		{ "title: [\n", "p.yaml", NULL },
	};
	struct profile p;
	struct diag d;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int e =
		    profile_parse(span_str(cases[i].text), "p.yaml", &d, &p);

		if (strchr(cases[i].text, '&'))
			continue; /* an anchor nobody uses is harmless */
		assert_int_equal(e, E_PARSE);
		assert_non_null(strstr(d.object, cases[i].object));
		if (cases[i].rule)
			assert_string_equal(d.rule, cases[i].rule);
		assert_true(d.fact[0] != '\0' && d.remedy[0] != '\0');
	}
}

/* well-formed, but no profile: the key is named */
static void
test_rules(void **state)
{
	static const struct {
		const char *text, *key;
	} cases[] = {
		{ "key: {accept: [rsa1024]}\n", "key.accept" }, /* CERT-5 */
		{ "key: {accept: [rsa2048], hash: sha1}\n", "key.hash" },
		{ "kind: ca\n", "ca.is" },
		{ "ca: {is: true}\n", "ca.is" },
		{ "ca: {is: false, path_length: 0}\n", "ca.path_length" },
		{ "key_usage: {allowed: [keyCertSign]}\n", "key_usage" },
		{ "key_usage: {always: [cRLSign]}\n", "key_usage" },
		{ "validity: {days: 0}\n", "validity.days" },
		{ "validity: {days: 40000}\n", "validity.days" },
		{ "validity: {days: 9, max_days: 8}\n", "validity.days" },
		{ "validity: {days: 9, backdate_hours: 1000}\n",
		    "validity.backdate_hours" },
		{ "validity: {days: 9, steps: [{from: soon, max_days: 8}]}\n",
		    "validity.steps.from" },
		{ "names: {required: true}\n", "names.required" },
		{ "names: {wildcard: true}\n", "names.wildcard" },
		{ "names: {dns: true, max: 65}\n", "names.max" },
		{ "names: {from_cn: true}\n", "names.from_cn" },
	};
	static const char *const lines[] = { "title: T\n", "kind: identity\n",
		"validity: {days: 10}\n", "key: {accept: [rsa2048]}\n" };
	struct profile p;
	struct diag d;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t key = strcspn(cases[i].text, ":") + 1;
		BUF(text, 4096);

		for (size_t n = 0; n < 4; n++)
			if (strncmp(lines[n], cases[i].text, key) != 0)
				buf_add_text(&text, lines[n]);
		buf_add_text(&text, cases[i].text);
		assert_int_equal(
		    profile_parse(buf_span(&text), "p.yaml", &d, &p), E_PARSE);
		assert_string_equal(d.rule, cases[i].key);
	}
	assert_int_equal(
	    profile_parse(span_str(MINIMAL), "Bad_Name.yaml", &d, &p), E_PARSE);
}

static void
own_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	struct diag d;

	snprintf(path, sizeof(path), "%s/profiles/%s", dir, name);
	assert_int_equal(file_write(path, 0600, span_str(text), &d), 0);
}

/* the operator's own: loaded, never over a shipped one, skipped when broken */
static void
test_own(void **state)
{
	static const char *const files[] = { "mine.yaml", "identity.yaml",
		"broken.yaml", "notes.txt" };
	char dir[] = "/tmp/h-key-pXXXXXX", path[256];
	struct profile_set *own = calloc(1, sizeof(*own));
	struct diag d;

	(void)state;
	assert_non_null(own);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(profile_load(TEST_CATALOG, dir, &d, own), 0);
	assert_int_equal(own->n, set.n);
	snprintf(path, sizeof(path), "%s/profiles", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	own_file(dir, files[0], MINIMAL);
	own_file(dir, files[1], MINIMAL);
	own_file(dir, files[2], "title: [\n");
	own_file(dir, files[3], "nothing");
	assert_int_equal(profile_load(TEST_CATALOG, dir, &d, own), 0);
	assert_int_equal(own->n, set.n + 1);
	assert_false(profile_find(own, "mine")->shipped);
	assert_true(profile_find(own, "identity")->shipped);
	/* a broken shipped file is an error */
	assert_int_equal(profile_load(dir, NULL, &d, own), E_PARSE);
	assert_non_null(strstr(d.object, "broken.yaml"));
	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/profiles/%s", dir, files[i]);
		assert_int_equal(unlink(path), 0);
	}
	snprintf(path, sizeof(path), "%s/profiles", dir);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(profile_load(dir, NULL, &d, own), E_NOT_FOUND);
	assert_int_equal(rmdir(dir), 0);
	free(own);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_standalone),
		cmocka_unit_test(test_ipoffice_root),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_secondary),
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_schema_errors),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_own),
	};
	return cmocka_run_group_tests(tests, group_open, NULL);
}
