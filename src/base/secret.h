/*
 * base/secret: bytes that must not leak: locked in memory, wiped on free,
 * compared in constant time, never printed. Over libsodium.
 */
#ifndef SIGNET_BASE_SECRET_H
#define SIGNET_BASE_SECRET_H

#include "base/auto.h"
#include "base/err.h"
#include "base/span.h"

#define SECRET_MAX 65536 /* bytes: a PKCS#8 RSA-4096 key fits 20 times */

struct secret {
	size_t n;
	uint8_t *p; /* guarded pages of libsodium */
};

/* secret_new(from, n): a copy (from may be NULL: zeroed room). NULL when out
 * of memory or over SECRET_MAX. Free with secret_free(). */
struct secret *secret_new(const void *from, size_t n);
struct secret *secret_random(size_t n);
void secret_free(struct secret *s);
struct span secret_peek(const struct secret *s);
bool secret_is_equal(struct span a, struct span b); /* constant time */
void secret_wipe(void *p, size_t n);

AUTO_DEFINE_STRUCT(secret, secret_free);

#endif
