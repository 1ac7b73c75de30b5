#include "os/sandbox_internal.h"

#include <sys/mman.h>
#include <sys/prctl.h>

/* Memory that is to be executed was mapped before the first foreign byte. */
int
sandbox_extra_calls(scmp_filter_ctx filter)
{
	if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
		SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) != 0 ||
	    seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
		SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) != 0)
		return E_IO;
	return 0;
}

int
sandbox_hide_memory(void)
{
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : E_IO;
}
