#include "cert/helper_cert.h"

#include <openssl/pem.h>

#include "base/str.h"

#define SLOTS 8
#define SLOT_SIZE 70000

static uint8_t slots[SLOTS][SLOT_SIZE];
static unsigned next_slot;

struct span
data_file(const char *name)
{
	uint8_t *p = slots[next_slot++ % SLOTS];
	char path[512];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), TEST_DATA "/cert/%s", name);
	f = fopen(path, "rb");
	assert_non_null(f);
	n = fread(p, 1, SLOT_SIZE, f);
	fclose(f);
	assert_true(n > 0 && n < SLOT_SIZE);
	return span_of(p, n);
}

EVP_PKEY *
data_key(const char *name)
{
	char path[512];
	EVP_PKEY *k;
	FILE *f;

	snprintf(path, sizeof(path), TEST_DATA "/cert/%s.key.pem", name);
	f = fopen(path, "rb");
	assert_non_null(f);
	k = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	assert_non_null(k);
	return k;
}

struct x509 *
data_cert(const char *name)
{
	struct x509 *c = NULL;

	assert_int_equal(x509_parse(data_file(name), NULL, &c), 0);
	return c;
}

struct span
from_hex(const char *text)
{
	uint8_t *p = slots[next_slot++ % SLOTS];
	size_t n;

	assert_int_equal(str_from_hex(text, p, SLOT_SIZE, &n), 0);
	return span_of(p, n);
}

void
assert_span(struct span got, const char *hex)
{
	struct span want = from_hex(hex);

	assert_int_equal(got.n, want.n);
	assert_memory_equal(got.p, want.p, want.n);
}

void
assert_no_prefix(struct span der, int (*parse)(struct span))
{
	assert_int_equal(parse(der), 0);
	for (size_t n = 0; n < der.n; n++) {
		/* own memory of that size, for the address sanitizer */
		uint8_t *p = (uint8_t *)malloc(n ? n : 1);

		assert_non_null(p);
		memcpy(p, der.p, n);
		assert_true(parse(span_of(p, n)) < 0);
		free(p);
	}
	uint8_t *longer = (uint8_t *)malloc(der.n + 1);

	assert_non_null(longer);
	memcpy(longer, der.p, der.n);
	longer[der.n] = 0;
	assert_true(parse(span_of(longer, der.n + 1)) < 0);
	free(longer);
}
