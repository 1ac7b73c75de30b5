/*
 * base/span: borrowed bytes. Never owns; lives as long as what it points at.
 */
#ifndef SIGNET_BASE_SPAN_H
#define SIGNET_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const uint8_t *p;
	size_t n; /* bytes */
};

static inline struct span
span_of(const void *p, size_t n)
{
	return (struct span){ .p = (const uint8_t *)p, .n = n };
}

static inline struct span
span_str(const char *text)
{
	return span_of(text, strlen(text));
}

static inline bool
span_is_equal(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

#endif
