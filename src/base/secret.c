#include "base/secret.h"

#include <sodium.h>

struct secret *
secret_new(const void *from, size_t n)
{
	struct secret *s;

	if (n > SECRET_MAX || sodium_init() < 0)
		return NULL;
	s = (struct secret *)malloc(sizeof(*s));
	if (!s)
		return NULL;
	s->n = n;
	s->p = (uint8_t *)sodium_malloc(n ? n : 1);
	if (!s->p) {
		free(s);
		return NULL;
	}
	if (from)
		memcpy(s->p, from, n);
	else
		memset(s->p, 0, n);
	return s;
}

struct secret *
secret_random(size_t n)
{
	struct secret *s = secret_new(NULL, n);

	if (s)
		randombytes_buf(s->p, n);
	return s;
}

void
secret_free(struct secret *s)
{
	if (!s)
		return;
	sodium_free(s->p);
	free(s);
}

struct span
secret_peek(const struct secret *s)
{
	return span_of(s->p, s->n);
}

bool
secret_is_equal(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || sodium_memcmp(a.p, b.p, a.n) == 0);
}

void
secret_wipe(void *p, size_t n)
{
	sodium_memzero(p, n);
}
