/* key/seal and key/keystore: CA-5, software keys encrypted at rest. */
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "os/file.h"
#include "key/rig.h"

struct place {
	char dir[64];
	struct config config;
	struct diag d;
};

static void
place_open(struct place *p)
{
	memset(p, 0, sizeof(*p));
	scratch_make(p->dir);
	assert_int_equal(
	    str_copy(p->config.state_dir, sizeof(p->config.state_dir), p->dir),
	    0);
	unsetenv("CREDENTIALS_DIRECTORY");
}

static void
path_of(const struct place *p, const char *name, char out[256])
{
	snprintf(out, 256, "%s/key/%s", p->dir, name);
}

static void
store_open(struct place *p, struct seal **seal, struct keystore **ks)
{
	char folder[128];

	snprintf(folder, sizeof(folder), "%s/key", p->dir);
	assert_int_equal(seal_open(&p->config, &p->d, seal), 0);
	assert_int_equal(keystore_open(folder, *seal, &p->d, ks), 0);
}

/* CA-5: what was sealed opens again, under its own name and purpose only */
static void
test_wrap(void **state)
{
	struct place p;
	AUTO_STRUCT(seal) *s = NULL, *again = NULL;
	AUTO_STRUCT(secret) *plain = NULL;
	BUF(sealed, 1024);

	(void)state;
	place_open(&p);
	assert_int_equal(seal_open(&p.config, &p.d, &s), 0);
	assert_int_equal(
	    seal_wrap(s, "key", "a", span_str("hello"), &sealed), 0);
	assert_int_equal(sealed.n, 5 + SEAL_OVERHEAD);
	assert_null(memmem(sealed.p, sealed.n, "hello", 5));
	assert_int_equal(seal_open(&p.config, &p.d, &again), 0);
	assert_int_equal(
	    seal_unwrap(again, "key", "a", buf_span(&sealed), &plain), 0);
	assert_true(span_is_equal(secret_peek(plain), span_str("hello")));
	secret_free(TAKE(plain));
	assert_int_equal(
	    seal_unwrap(s, "key", "b", buf_span(&sealed), &plain), E_CRYPTO);
	assert_int_equal(
	    seal_unwrap(s, "checkpoint", "a", buf_span(&sealed), &plain),
	    E_CRYPTO);
	assert_int_equal(seal_unwrap(s, "key", "a",
			     span_of(sealed.p, SEAL_OVERHEAD - 1), &plain),
	    E_PARSE);
	scratch_remove(p.dir);
}

/* CA-5: seal.key is for us alone, and another machine's opens nothing */
static void
test_machine(void **state)
{
	struct place p;
	AUTO_STRUCT(seal) *s = NULL, *other = NULL;
	char path[256];
	struct stat st;

	(void)state;
	place_open(&p);
	assert_int_equal(seal_open(&p.config, &p.d, &s), 0);
	path_of(&p, "seal.key", path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 32);
	/* as if the machine's part were another one */
	file_flip(p.dir, "seal.key", 7);
	assert_int_equal(seal_open(&p.config, &p.d, &other), E_PASSWORD);
	assert_non_null(strstr(p.d.remedy, "signet ca restore"));
	file_flip(p.dir, "seal.key", 7);
	assert_int_equal(seal_open(&p.config, &p.d, &other), 0);
	scratch_remove(p.dir);
}

static void
text_file(const char *path, const char *text)
{
	struct diag d;

	assert_int_equal(file_write(path, 0600, span_str(text), &d), 0);
}

/* CA-5: a passphrase file, line end or not; the wrong one is refused, and so
 * is another source than the one it was sealed with */
static void
test_passphrase(void **state)
{
	struct place p;
	AUTO_STRUCT(seal) *s = NULL, *t = NULL, *u = NULL;
	char path[256];

	(void)state;
	place_open(&p);
	snprintf(path, sizeof(path), "%s/phrase", p.dir);
	text_file(path, "correct horse battery\n");
	assert_int_equal(str_copy(p.config.seal_passphrase_file,
			     sizeof(p.config.seal_passphrase_file), path),
	    0);
	assert_int_equal(seal_open(&p.config, &p.d, &s), 0);
	text_file(path, "correct horse battery");
	assert_int_equal(seal_open(&p.config, &p.d, &t), 0);
	text_file(path, "wrong horse battery\n");
	assert_int_equal(seal_open(&p.config, &p.d, &u), E_PASSWORD);
	text_file(path, "short\n");
	assert_int_equal(seal_open(&p.config, &p.d, &u), E_PASSWORD);
	p.config.seal_passphrase_file[0] = '\0';
	assert_int_equal(seal_open(&p.config, &p.d, &u), E_STATE);
	assert_non_null(strstr(p.d.remedy, "passphrase file"));
	scratch_remove(p.dir);
}

/* CA-5: the systemd credential comes before everything else */
static void
test_credential(void **state)
{
	struct place p;
	AUTO_STRUCT(seal) *s = NULL, *t = NULL;
	char path[256];

	(void)state;
	place_open(&p);
	snprintf(path, sizeof(path), "%s/signet-seal", p.dir);
	text_file(path, "0123456789abcdef0123456789abcdef");
	setenv("CREDENTIALS_DIRECTORY", p.dir, 1);
	assert_int_equal(seal_open(&p.config, &p.d, &s), 0);
	path_of(&p, "seal.key", path);
	assert_false(file_is_there(path));
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_int_equal(seal_open(&p.config, &p.d, &t), E_STATE);
	scratch_remove(p.dir);
}

/* a changed or lost header is named, not replaced over living keys */
static void
test_header(void **state)
{
	struct place p;
	AUTO_STRUCT(seal) *s = NULL, *t = NULL;
	AUTO_STRUCT(keystore) *ks = NULL;
	AUTO(EVP_PKEY) *key = NULL;
	struct key_entry *k;
	char path[256];

	(void)state;
	place_open(&p);
	store_open(&p, &s, &ks);
	assert_int_equal(key_generate(KEY_P256, &key), 0);
	assert_int_equal(keystore_put(ks,
			     &(struct key_params){
				 .id = "a", .role = KEY_ROLE_CA, .pkey = key },
			     &p.d, &k),
	    0);
	key = NULL;
	file_flip(p.dir, "seal", 3);
	assert_int_equal(seal_open(&p.config, &p.d, &t), E_PARSE);
	path_of(&p, "seal", path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(seal_open(&p.config, &p.d, &t), E_STATE);
	scratch_remove(p.dir);
}

/* CA-5: a flipped byte anywhere in a .key file: named, refused */
static void
test_flipped(void **state)
{
	struct place p;
	AUTO_STRUCT(seal) *s = NULL;
	AUTO_STRUCT(keystore) *ks = NULL;
	AUTO(EVP_PKEY) *key = NULL;
	struct key_entry *k;
	size_t size;
	int e;

	(void)state;
	place_open(&p);
	store_open(&p, &s, &ks);
	assert_int_equal(key_generate(KEY_ED25519, &key), 0);
	assert_int_equal(
	    keystore_put(ks,
		&(struct key_params){
		    .id = "led", .role = KEY_ROLE_LEDGER, .pkey = key },
		&p.d, &k),
	    0);
	key = NULL;
	size = file_size(p.dir, "led.key");
	for (size_t at = 0; at < size; at++) {
		keystore_free(TAKE(ks));
		seal_free(TAKE(s));
		store_open(&p, &s, &ks);
		file_flip(p.dir, "led.key", at);
		e = keystore_get(ks, "led", &p.d, &k);
		assert_true(e == E_CRYPTO || e == E_PARSE);
		assert_non_null(strstr(p.d.object, "led.key"));
		file_flip(p.dir, "led.key", at);
	}
	assert_int_equal(keystore_get(ks, "led", &p.d, &k), 0);
	scratch_remove(p.dir);
}

/* several processes share the folder: new keys are found, removed ones gone */
static void
test_shared(void **state)
{
	struct place p;
	AUTO_STRUCT(seal) *s = NULL, *t = NULL;
	AUTO_STRUCT(keystore) *ks = NULL, *other = NULL;
	AUTO(EVP_PKEY) *key = NULL;
	struct key_params put = { .id = "k1", .role = KEY_ROLE_RA };
	struct key_entry *k, *seen;

	(void)state;
	place_open(&p);
	store_open(&p, &s, &ks);
	store_open(&p, &t, &other);
	assert_int_equal(keystore_get(other, "k1", &p.d, &k), E_NOT_FOUND);
	assert_int_equal(key_generate(KEY_P256, &key), 0);
	put.pkey = key;
	assert_int_equal(keystore_put(ks, &put, &p.d, &k), 0);
	key = NULL;
	assert_int_equal(keystore_get(other, "k1", &p.d, &seen), 0);
	assert_true(span_is_equal(buf_span(&k->spki), buf_span(&seen->spki)));
	assert_int_equal(
	    keystore_find(other, KEY_ROLE_RA, buf_span(&k->spki), &seen), 0);
	assert_int_equal(
	    keystore_find(other, KEY_ROLE_CA, buf_span(&k->spki), &seen),
	    E_NOT_FOUND);
	assert_int_equal(key_generate(KEY_P256, &key), 0);
	put.pkey = key;
	assert_int_equal(keystore_put(other, &put, &p.d, &seen), E_EXISTS);
	assert_int_equal(keystore_remove(ks, "k1", &p.d), 0);
	assert_int_equal(keystore_get(other, "k1", &p.d, &seen), E_NOT_FOUND);
	/* the same id anew: the other process takes the new one */
	assert_int_equal(keystore_put(ks, &put, &p.d, &k), 0);
	key = NULL;
	assert_int_equal(keystore_get(other, "k1", &p.d, &seen), 0);
	assert_true(span_is_equal(buf_span(&k->spki), buf_span(&seen->spki)));
	scratch_remove(p.dir);
}

/* ids become file names */
static void
test_ids(void **state)
{
	struct place p;
	AUTO_STRUCT(seal) *s = NULL;
	AUTO_STRUCT(keystore) *ks = NULL;
	static const char *const bad[] = { "", "../seal", "a/b", "A", "a.key",
		"-a", "a b" };
	struct key_entry *k;

	(void)state;
	place_open(&p);
	store_open(&p, &s, &ks);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(keystore_get(ks, bad[i], &p.d, &k), E_INVAL);
	assert_int_equal(
	    keystore_put(ks, &(struct key_params){ .id = "seal" }, &p.d, &k),
	    E_INVAL);
	scratch_remove(p.dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_machine),
		cmocka_unit_test(test_passphrase),
		cmocka_unit_test(test_credential),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_ids),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
