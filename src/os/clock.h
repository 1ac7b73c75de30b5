/* os/clock: the one clock. Tests move it; nothing else reads the time. */
#ifndef SIGNET_OS_CLOCK_H
#define SIGNET_OS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

int64_t clock_now(void);                /* UTC seconds, with the test offset */
int64_t clock_monotonic_ms(void);       /* for time-outs; never goes back */
void clock_set_offset(int64_t seconds); /* signetd --clock-offset */
/* clock_is_sane(): CERT-7: later than the day this software was built (the
 * date of CHANGELOG's release, compiled in) */
bool clock_is_sane(void);
int64_t clock_build_date(void);
/* clock_is_synchronised(): CERT-7: some time service has set the kernel's
 * clock. False in many containers and on test machines that are right all the
 * same: a reason for a warning, never for a refusal. */
bool clock_is_synchronised(void);

#endif
