#include "cert/helper_formats.h"

#define FILES 8
#define FILE_MAX (1 << 20)

struct span
formats_file(const char *name)
{
	static uint8_t files[FILES][FILE_MAX];
	static size_t next;
	uint8_t *p = files[next++ % FILES];
	char path[512];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/formats/%s", TEST_DATA, name);
	f = fopen(path, "rb");
	assert_non_null(f);
	n = fread(p, 1, FILE_MAX - 1, f);
	fclose(f);
	p[n] = 0;
	return span_of(p, n);
}

int
formats_read_as(
    struct span file, const char *password, struct diag *d, struct bundle **ret)
{
	struct bundle_options o = { .have_password = password != NULL };

	if (password)
		o.password = span_str(password);
	return bundle_read(file, "test file", &o, d, ret);
}

struct bundle *
formats_bundle(const char *name, const char *password)
{
	struct bundle *b = NULL;
	struct diag d = { 0 };

	assert_int_equal(
	    formats_read_as(formats_file(name), password, &d, &b), 0);
	return b;
}

struct bundle *
formats_text(const char *text)
{
	struct bundle *b = NULL;

	assert_int_equal(formats_read_as(span_str(text), NULL, NULL, &b), 0);
	return b;
}

int
formats_refused(const char *text)
{
	struct bundle *b = NULL;
	struct diag d = { 0 };
	int e = formats_read_as(span_str(text), NULL, &d, &b);

	assert_null(b);
	assert_int_equal(d.code, e);
	assert_true(d.remedy[0] != '\0');
	return e;
}

void
assert_same(struct span got, struct span want)
{
	assert_int_equal(got.n, want.n);
	assert_memory_equal(got.p, want.p, want.n);
}

void
assert_object(
    const struct bundle *b, size_t i, enum object_kind kind, const char *file)
{
	assert_true(i < b->n);
	assert_int_equal(b->objects[i].kind, kind);
	if (file)
		assert_same(b->objects[i].der, formats_file(file));
}

void
assert_rsa_key(const struct bundle *b, size_t i)
{
	AUTO(EVP_PKEY) *key = NULL;
	BUF(spki, 65536);

	assert_object(b, i, OBJECT_KEY, NULL);
	assert_int_equal(
	    key_from_pkcs8(secret_peek(b->objects[i].key), &key), 0);
	assert_int_equal(spki_build(key, &spki), 0);
	assert_same(buf_span(&spki), formats_file("rsa-pub.der"));
}

bool
has_note(const struct bundle *b, size_t line, bool refused)
{
	for (size_t i = 0; i < b->note_n; i++)
		if (b->notes[i].line == line && b->notes[i].refused == refused)
			return true;
	return false;
}
