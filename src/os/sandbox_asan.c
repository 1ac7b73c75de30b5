/* AddressSanitizer reads /proc/self, and its leak check clones a thread that
 * attaches to the process by ptrace. */
#include "os/sandbox_internal.h"

#include <stddef.h>
#include <sys/prctl.h>

int
sandbox_extra_calls(scmp_filter_ctx filter)
{
	static const int calls[] = { SCMP_SYS(mmap), SCMP_SYS(mprotect),
		SCMP_SYS(openat), SCMP_SYS(open), SCMP_SYS(readlink),
		SCMP_SYS(readlinkat), SCMP_SYS(stat), SCMP_SYS(newfstatat),
		SCMP_SYS(statx), SCMP_SYS(access), SCMP_SYS(getdents),
		SCMP_SYS(getdents64), SCMP_SYS(prctl), SCMP_SYS(arch_prctl),
		SCMP_SYS(clone), SCMP_SYS(wait4), SCMP_SYS(ptrace),
		SCMP_SYS(prlimit64), SCMP_SYS(getrlimit),
		SCMP_SYS(sched_getaffinity), SCMP_SYS(getppid),
		SCMP_SYS(process_vm_readv), SCMP_SYS(pipe), SCMP_SYS(pipe2) };

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0) != 0)
			return E_IO;
	return 0;
}

int
sandbox_hide_memory(void)
{
	/* the leak check attaches to the process; a change of user forbids it
	 */
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0 ? 0 : E_IO;
}
