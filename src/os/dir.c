/* The folder half of os/file.h. */
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int
path_join(char *out, size_t size, const char *dir, const char *name)
{
	size_t n = strlen(dir);
	const char *between = n > 0 && dir[n - 1] == '/' ? "" : "/";
	int made = snprintf(out, size, "%s%s%s", dir, between, name);

	if (made < 0 || (size_t)made >= size) {
		if (size > 0)
			out[0] = '\0';
		return E_TOO_BIG;
	}
	return 0;
}

int
dir_ensure(const char *path, mode_t mode, struct diag *d)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return 0;
	if (errno != EEXIST)
		return diag_set(d, errno == ENOENT ? E_NOT_FOUND : E_IO, path,
		    NULL, "cannot create: %s", strerror(errno));
	if (stat(path, &st) != 0)
		return diag_set(
		    d, E_IO, path, NULL, "cannot examine: %s", strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return diag_set(d, E_EXISTS, path, NULL, "is not a folder");
	return 0;
}

struct names {
	char **v;
	size_t n, cap;
};

static void
names_done(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->v[i]);
	free(names->v);
}

static int
names_add(struct names *names, const char *name)
{
	char *copy;

	if (names->n == names->cap) {
		size_t cap = names->cap ? names->cap * 2 : 64;
		char **v = (char **)realloc(names->v, cap * sizeof(*names->v));

		if (!v)
			return E_NOMEM;
		names->v = v;
		names->cap = cap;
	}
	copy = strdup(name);
	if (!copy)
		return E_NOMEM;
	names->v[names->n++] = copy;
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
names_read(const char *path, size_t max, struct names *names)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	int r = 0;

	if (!dir)
		return errno == ENOENT ? E_NOT_FOUND : E_IO;
	while (r == 0 && (e = readdir(dir))) {
		struct stat st;

		if (e->d_name[0] == '.' ||
		    fstatat(dirfd(dir), e->d_name, &st, 0) != 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		r = names->n >= max ? E_TOO_BIG : names_add(names, e->d_name);
	}
	closedir(dir);
	return r;
}

int
dir_each(const char *path, size_t max, dir_each_fn fn, void *cookie)
{
	struct names names = { 0 };
	int r = names_read(path, max, &names);

	if (r == 0 && names.n > 0)
		qsort(names.v, names.n, sizeof(*names.v), by_name);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		char whole[PATH_MAX];

		r = path_join(whole, sizeof(whole), path, names.v[i]);
		if (r == 0)
			r = fn(whole, names.v[i], cookie);
	}
	names_done(&names);
	return r;
}
