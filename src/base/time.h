/*
 * base/time: UTC seconds since 1970 as int64_t; RFC 3339 and ASN.1 at the
 * edges. No time zone, no leap second, no gmtime.
 */
#ifndef SIGNET_BASE_TIME_H
#define SIGNET_BASE_TIME_H

#include "base/err.h"
#include "base/span.h"

#define TIME_TEXT_MAX 32
#define TIME_DAY 86400
#define TIME_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z (RFC 5280) */

struct time_civil {
	int year, month, day, hour, minute, second;
};

struct time_civil time_to_civil(int64_t utc);
int time_from_civil(const struct time_civil *c, int64_t *ret) ERR_CHECK;
/* "2026-11-21T02:18:48Z"; out needs TIME_TEXT_MAX bytes */
void time_print(int64_t utc, char *out);
/* RFC 3339 with Z or a numeric offset, or a plain date (midnight UTC) */
int time_parse(const char *text, int64_t *ret) ERR_CHECK;

#endif
