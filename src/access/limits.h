/*
 * access: service users, rights, password policy, lockout, sessions, tokens.
 *
 * access/limits: who has failed too often (ENR-10). Failures are counted per
 * key (a network source, an entity) in a window; too many lock that key out
 * for a while, and nobody else. The table is bounded: the key that has been
 * silent longest makes room for a new one.
 */
#ifndef SIGNET_ACCESS_LIMITS_H
#define SIGNET_ACCESS_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define LIMITS_KEYS_MAX 4096
#define LIMITS_KEY_TEXT 136 /* bytes with NUL; longer keys are cut */

struct limits_rule {
	uint32_t failures_max; /* this many within the window; 0: no limit */
	uint32_t window_s;
	uint32_t lockout_s;
};

struct limits;
/* limits_new(rule): NULL when out of memory */
struct limits *limits_new(const struct limits_rule *rule);
void limits_free(struct limits *l);
/* limits_check(key): E_LIMIT while the key is locked out, with the seconds
 * that remain in ret_wait_s */
int limits_check(struct limits *l, const char *key, int64_t now,
    int64_t *ret_wait_s) ERR_CHECK;
/* limits_fail(key): one failure more; true when it began a lockout */
bool limits_fail(struct limits *l, const char *key, int64_t now);
/* limits_clear(key): forgets its failures and ends its lockout */
void limits_clear(struct limits *l, const char *key);
size_t limits_count(const struct limits *l); /* keys in the table */
/* limits_source(address, out): the key of a network source: an IPv6 address
 * counts by its /64, as one subscriber has them all */
void limits_source(const char *address, char *out, size_t size);

#endif
