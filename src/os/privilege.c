/* privilege_drop() of os/sandbox.h. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "os/sandbox.h"

int
privilege_look_up(
    const char *user, struct diag *d, uid_t *ret_uid, gid_t *ret_gid)
{
	const struct passwd *entry;
	int64_t number;

	if (str_to_int(user, 0, UINT32_MAX - 1, &number) == 0) {
		*ret_uid = (uid_t)number;
		*ret_gid = (gid_t)number;
		return 0;
	}
	entry = getpwnam(user);
	if (!entry)
		return diag_set(d, E_NOT_FOUND, "user", NULL,
		    "there is no user \"%s\"", user);
	*ret_uid = entry->pw_uid;
	*ret_gid = entry->pw_gid;
	return 0;
}

int
privilege_drop(const char *user, struct diag *d)
{
	uid_t uid = 0;
	gid_t gid = 0;
	int r;

	if (!user || !*user)
		return 0;
	r = privilege_look_up(user, d, &uid, &gid);
	if (r != 0 || (uid == geteuid() && uid != 0))
		return r;
	if (geteuid() != 0)
		return diag_set(d, E_DENIED, "user", NULL,
		    "only root can run as \"%s\"", user);
	if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(uid, uid, uid) != 0)
		return diag_set(d, E_DENIED, "user", NULL,
		    "cannot become \"%s\": %s", user, strerror(errno));
	/* believed only when the way back is closed */
	if (uid != 0 && setresuid(0, 0, 0) == 0)
		return diag_set(d, E_BUG, "user", NULL,
		    "root's rights could be taken back");
	return 0;
}

int
privilege_drop_to_owner(const char *path, struct diag *d)
{
	struct stat st;

	if (geteuid() != 0)
		return 0;
	if (stat(path, &st) != 0)
		return diag_set(
		    d, E_IO, path, NULL, "cannot examine: %s", strerror(errno));
	if (st.st_uid == 0)
		return 0;
	if (setgroups(0, NULL) != 0 ||
	    setresgid(st.st_gid, st.st_gid, st.st_gid) != 0 ||
	    setresuid(st.st_uid, st.st_uid, st.st_uid) != 0)
		return diag_set(d, E_DENIED, path, NULL,
		    "cannot become its owner: %s", strerror(errno));
	return 0;
}
