/* os/file: whole files, atomically, with owner and mode. */
#ifndef SIGNET_OS_FILE_H
#define SIGNET_OS_FILE_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/diag.h"

/* file_read(path, max, out): whole regular file ("-" is standard input);
 * E_NOT_FOUND, E_TOO_BIG, E_IO with the path in d */
int file_read(const char *path, size_t max, struct diag *d, struct buf *out)
    ERR_CHECK;
/* file_write(path, mode, bytes): temporary file beside it, fsync, rename,
 * fsync of the folder: after return 0 the old or the new file is there, never
 * a half one */
int file_write(const char *path, mode_t mode, struct span bytes, struct diag *d)
    ERR_CHECK;
/* file_create(): the same, but E_EXISTS when the path exists */
int file_create(
    const char *path, mode_t mode, struct span bytes, struct diag *d) ERR_CHECK;
bool file_is_there(const char *path);
/* dir_ensure(path, mode): creates it (not its parents) or accepts it */
int dir_ensure(const char *path, mode_t mode, struct diag *d) ERR_CHECK;
/* dir_each(path, max, fn, cookie): fn(whole path, name, cookie) for the regular
 * files in name order; hidden names (unfinished temporary files) are left out.
 * More than max: E_TOO_BIG before the first call. fn returns 0 to go on; its
 * other values end the walk and are returned. */
typedef int (*dir_each_fn)(const char *path, const char *name, void *cookie);
int dir_each(const char *path, size_t max, dir_each_fn fn, void *cookie)
    ERR_CHECK;
/* path_join(out, size, dir, name): E_TOO_BIG */
int path_join(char *out, size_t size, const char *dir, const char *name)
    ERR_CHECK;

#endif
