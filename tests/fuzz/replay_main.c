/*
 * Runs a fuzz target over every file of the directories (or files) given:
 * the corpus as a normal test where libFuzzer is not built in. An empty
 * directory fails: a lost corpus must not look like success.
 */
#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FILE_MAX (64u << 20) /* bytes of one corpus file */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int
replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = NULL;
	struct stat st;
	size_t n = 0;
	int ok = 0;

	if (f && fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size <= (off_t)FILE_MAX) {
		n = (size_t)st.st_size;
		/* exact size, so that the sanitizer sees one byte too far */
		data = (uint8_t *)malloc(n ? n : 1);
		ok = data && fread(data, 1, n, f) == n;
	}
	if (f)
		fclose(f);
	if (ok)
		LLVMFuzzerTestOneInput(data, n);
	else
		fprintf(stderr, "%s: cannot be read\n", path);
	free(data);
	return ok ? 0 : -1;
}

/* how many files were run; -1 when one could not be read */
static int
replay_dir(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	char file[4096];
	int n = 0;

	while (dir && n >= 0 && (e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
		n = replay_file(file) ? -1 : n + 1;
	}
	if (dir)
		closedir(dir);
	return n;
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: %s DIRECTORY|FILE...\n", argv[0]);
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		struct stat st;
		int n;

		if (stat(argv[i], &st)) {
			perror(argv[i]);
			return 1;
		}
		n = S_ISDIR(st.st_mode) ? replay_dir(argv[i])
					: 1 + 2 * replay_file(argv[i]);
		if (n <= 0) {
			fprintf(stderr, "%s: nothing to replay\n", argv[i]);
			return 1;
		}
		printf("%s: %d inputs\n", argv[i], n);
	}
	return 0;
}
