#include "access/limits.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024

/* Entries never move: the table is one array, linked twice by index: in a
 * bucket's chain and in the order of last use. */
struct entry {
	char key[LIMITS_KEY_TEXT];
	uint32_t failures;
	int64_t window_start, locked_until;
	int next;         /* in the bucket; -1 end */
	int newer, older; /* by last use; -1 end */
};

struct limits {
	struct limits_rule rule;
	uint32_t seed;
	int n;
	int newest, oldest;
	int bucket[BUCKETS];
	struct entry e[LIMITS_KEYS_MAX];
};

struct limits *
limits_new(const struct limits_rule *rule)
{
	struct limits *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->rule = *rule;
	/* peers choose the keys; the seed keeps chains unpredictable */
	l->seed = (uint32_t)(uintptr_t)l ^ 0x9e3779b9u;
	l->newest = l->oldest = -1;
	memset(l->bucket, 0xff, sizeof(l->bucket));
	return l;
}

void
limits_free(struct limits *l)
{
	free(l);
}

static unsigned
bucket_of(const struct limits *l, const char *key)
{
	uint32_t h = l->seed ^ 2166136261u;

	for (size_t i = 0; i < LIMITS_KEY_TEXT - 1 && key[i]; i++)
		h = (h ^ (uint8_t)key[i]) * 16777619u;
	return (h ^ h >> 15) % BUCKETS;
}

static int
find(const struct limits *l, const char *key)
{
	int i = l->bucket[bucket_of(l, key)];

	while (i >= 0 && strncmp(l->e[i].key, key, LIMITS_KEY_TEXT - 1) != 0)
		i = l->e[i].next;
	return i;
}

static void
order_remove(struct limits *l, int i)
{
	struct entry *e = &l->e[i];

	if (e->newer >= 0)
		l->e[e->newer].older = e->older;
	else
		l->newest = e->older;
	if (e->older >= 0)
		l->e[e->older].newer = e->newer;
	else
		l->oldest = e->newer;
}

static void
order_first(struct limits *l, int i)
{
	struct entry *e = &l->e[i];

	e->newer = -1;
	e->older = l->newest;
	if (l->newest >= 0)
		l->e[l->newest].newer = i;
	l->newest = i;
	if (l->oldest < 0)
		l->oldest = i;
}

static void
bucket_remove(struct limits *l, int i)
{
	int *at = &l->bucket[bucket_of(l, l->e[i].key)];

	while (*at != i)
		at = &l->e[*at].next;
	*at = l->e[i].next;
}

static int
entry_for(struct limits *l, const char *key)
{
	int i = find(l, key);
	unsigned b;

	if (i >= 0) {
		order_remove(l, i);
		order_first(l, i);
		return i;
	}
	if (l->n < LIMITS_KEYS_MAX) {
		i = l->n++;
	} else {
		i = l->oldest;
		order_remove(l, i);
		bucket_remove(l, i);
	}
	memset(&l->e[i], 0, sizeof(l->e[i]));
	snprintf(l->e[i].key, sizeof(l->e[i].key), "%s", key);
	b = bucket_of(l, key);
	l->e[i].next = l->bucket[b];
	l->bucket[b] = i;
	order_first(l, i);
	return i;
}

int
limits_check(
    struct limits *l, const char *key, int64_t now, int64_t *ret_wait_s)
{
	int i = find(l, key);

	if (i < 0 || l->e[i].locked_until <= now)
		return 0;
	*ret_wait_s = l->e[i].locked_until - now;
	return E_LIMIT;
}

bool
limits_fail(struct limits *l, const char *key, int64_t now)
{
	struct entry *e;

	if (l->rule.failures_max == 0)
		return false;
	e = &l->e[entry_for(l, key)];
	if (e->locked_until > now)
		return false;
	if (e->failures == 0 || now < e->window_start ||
	    now - e->window_start >= (int64_t)l->rule.window_s) {
		e->failures = 0;
		e->window_start = now;
	}
	if (++e->failures < l->rule.failures_max)
		return false;
	e->failures = 0;
	e->locked_until = now + l->rule.lockout_s;
	return true;
}

void
limits_clear(struct limits *l, const char *key)
{
	int i = find(l, key);

	if (i < 0)
		return;
	l->e[i].failures = 0;
	l->e[i].locked_until = 0;
}

size_t
limits_count(const struct limits *l)
{
	return (size_t)l->n;
}

void
limits_source(const char *address, char *out, size_t size)
{
	struct in6_addr a;

	if (!strchr(address, ':') || inet_pton(AF_INET6, address, &a) != 1 ||
	    IN6_IS_ADDR_V4MAPPED(&a)) {
		snprintf(out, size, "%s", address);
		return;
	}
	snprintf(out, size, "%02x%02x:%02x%02x:%02x%02x:%02x%02x::/64",
	    a.s6_addr[0], a.s6_addr[1], a.s6_addr[2], a.s6_addr[3],
	    a.s6_addr[4], a.s6_addr[5], a.s6_addr[6], a.s6_addr[7]);
}
