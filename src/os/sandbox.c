#include "os/sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/sandbox_internal.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What every role needs: memory, time, its open descriptors, and to end. */
static const int common_calls[] = { SCMP_SYS(read), SCMP_SYS(readv),
	SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(close), SCMP_SYS(lseek),
	SCMP_SYS(fstat), SCMP_SYS(fcntl), SCMP_SYS(dup), SCMP_SYS(munmap),
	SCMP_SYS(brk), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(mlock),
	SCMP_SYS(munlock), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(futex),
	SCMP_SYS(sched_yield), SCMP_SYS(restart_syscall),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday),
	SCMP_SYS(time), SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep),
	SCMP_SYS(getrandom), SCMP_SYS(getpid), SCMP_SYS(gettid),
	SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
	SCMP_SYS(getegid), SCMP_SYS(uname), SCMP_SYS(sysinfo),
	SCMP_SYS(getrusage), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(poll),
	SCMP_SYS(ppoll), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg),
	SCMP_SYS(recvfrom), SCMP_SYS(sendto), SCMP_SYS(shutdown),
	SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(getsockname),
	SCMP_SYS(getpeername), SCMP_SYS(exit), SCMP_SYS(exit_group) };

static const int front_calls[] = { SCMP_SYS(accept4), SCMP_SYS(accept) };

/* Files, as SQLite and os/file use them. */
static const int file_calls[] = { SCMP_SYS(openat), SCMP_SYS(open),
	SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(statx),
	SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
	SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getcwd),
	SCMP_SYS(getdents64), SCMP_SYS(pread64), SCMP_SYS(pwrite64),
	SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(ftruncate),
	SCMP_SYS(fallocate), SCMP_SYS(flock), SCMP_SYS(fchmod),
	SCMP_SYS(fchown), SCMP_SYS(umask), SCMP_SYS(rename), SCMP_SYS(renameat),
	SCMP_SYS(renameat2), SCMP_SYS(link), SCMP_SYS(linkat), SCMP_SYS(unlink),
	SCMP_SYS(unlinkat), SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(rmdir),
	SCMP_SYS(utimensat) };

static int
allow(scmp_filter_ctx filter, const int *calls, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0) != 0)
			return E_IO;
	return 0;
}

/* only with this value of the first argument */
static int
allow_first(scmp_filter_ctx filter, int call, scmp_datum_t value)
{
	const struct scmp_arg_cmp is_value = {
		.arg = 0, .op = SCMP_CMP_EQ, .datum_a = value
	};

	if (seccomp_rule_add_array(
		filter, SCMP_ACT_ALLOW, call, 1, &is_value) != 0)
		return E_IO;
	return 0;
}

/* abort() signals itself, and nobody else */
static int
allow_abort(scmp_filter_ctx filter)
{
	return allow_first(filter, SCMP_SYS(tgkill), (scmp_datum_t)getpid());
}

/* The syslog socket: a local one, so a connect() can reach no network. */
static int
allow_local_socket(scmp_filter_ctx filter)
{
	static const int connect_call = SCMP_SYS(connect);
	int r = allow_first(filter, SCMP_SYS(socket), AF_UNIX);

	return r == 0 ? allow(filter, &connect_call, 1) : r;
}

/* clock_is_synchronised(); to set the clock needs a capability we dropped */
static const int clock_calls[] = { SCMP_SYS(clock_adjtime),
	SCMP_SYS(adjtimex) };

static int
add_rules(scmp_filter_ctx filter, enum sandbox_role role)
{
	int r = allow(filter, common_calls, COUNT(common_calls));

	if (r == 0)
		r = allow_abort(filter);
	if (r == 0)
		r = sandbox_extra_calls(filter);
	if (r != 0)
		return r;
	switch (role) {
	case SANDBOX_FRONT:
		return allow(filter, front_calls, COUNT(front_calls));
	case SANDBOX_CORE:
		r = allow(filter, file_calls, COUNT(file_calls));
		if (r == 0)
			r = allow(filter, clock_calls, COUNT(clock_calls));
		return r == 0 ? allow_local_socket(filter) : r;
	case SANDBOX_KEY:
		return allow(filter, file_calls, COUNT(file_calls));
	case SANDBOX_UNSET:
		break;
	}
	return E_BUG;
}

/* A root process keeps its files but none of root's powers over others', the
 * clock, or the machine; locking memory for keys is left. */
static int
drop_capabilities(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { 0 };
	const uint32_t lock = UINT32_C(1) << CAP_IPC_LOCK;

	if (geteuid() == 0)
		sets[0].effective = sets[0].permitted = lock;
	if (syscall(SYS_capset, &head, sets) == 0)
		return 0;
	/* a container may have taken even that one away */
	memset(sets, 0, sizeof(sets));
	return syscall(SYS_capset, &head, sets) == 0 ? 0 : E_IO;
}

int
sandbox_enter(enum sandbox_role role, struct diag *d)
{
	scmp_filter_ctx filter;
	int r;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    drop_capabilities() != 0 || sandbox_hide_memory() != 0)
		return diag_set(d, E_UNSUPPORTED, "sandbox", NULL,
		    "cannot give up rights: %s", strerror(errno));
	filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!filter)
		return diag_set(d, E_NOMEM, "sandbox", NULL, "out of memory");
	r = add_rules(filter, role);
	if (r != 0)
		(void)diag_set(
		    d, r, "sandbox", NULL, "cannot build the filter");
	else if (seccomp_load(filter) != 0)
		r = diag_set(d, E_UNSUPPORTED, "sandbox", NULL,
		    "the kernel refuses the seccomp filter");
	seccomp_release(filter);
	return r;
}
