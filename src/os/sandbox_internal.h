/* os/sandbox_internal: where a sanitizer build differs (sandbox_asan.c). */
#ifndef SIGNET_OS_SANDBOX_INTERNAL_H
#define SIGNET_OS_SANDBOX_INTERNAL_H

#include <seccomp.h>

#include "base/err.h"

/* what the build needs of the kernel beyond the role's own list */
int sandbox_extra_calls(scmp_filter_ctx filter) ERR_CHECK;
/* no core dump, no ptrace by the same user: keys stay in this process */
int sandbox_hide_memory(void) ERR_CHECK;

#endif
