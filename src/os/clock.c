#include "os/clock.h"

#include <sys/timex.h>
#include <time.h>

/* 2026-11-01T00:00:00Z, the date of this release in CHANGELOG.md: a clock
 * that shows less has never been set (CERT-7). The build may override it. */
#ifndef SIGNET_BUILD_DATE
#define SIGNET_BUILD_DATE INT64_C(1793491200)
#endif

static int64_t clock_offset_s;

int64_t
clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec + clock_offset_s;
}

int64_t
clock_monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
clock_set_offset(int64_t seconds)
{
	clock_offset_s = seconds;
}

/* CERT-7: a clock earlier than the software itself is wrong. */
bool
clock_is_sane(void)
{
	return clock_now() >= SIGNET_BUILD_DATE;
}

/* CERT-7: "never synchronised" is what the kernel says of its own clock. */
bool
clock_is_synchronised(void)
{
	struct timex t = { .modes = 0 };

	return adjtimex(&t) != TIME_ERROR;
}

int64_t
clock_build_date(void)
{
	return SIGNET_BUILD_DATE;
}
