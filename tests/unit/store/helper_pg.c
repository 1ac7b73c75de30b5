#include "store/helper_pg.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_WAIT_MS 60000 /* a loaded machine under a sanitizer */

static char folder[64];
static char url[256];
static pid_t server;

bool
pg_wanted(void)
{
	return getenv("SIGNET_TEST_NO_PG") == NULL;
}

const char *
pg_url(void)
{
	return url;
}

/* the newest /usr/lib/postgresql/N/bin */
static bool
find_programs(char *out, size_t size)
{
	DIR *d = opendir("/usr/lib/postgresql");
	struct dirent *e;
	long best = 0;

	while (d && (e = readdir(d))) {
		long version = strtol(e->d_name, NULL, 10);

		if (version > best)
			best = version;
	}
	if (d)
		closedir(d);
	snprintf(out, size, "/usr/lib/postgresql/%ld/bin", best);
	return best > 0;
}

/* run(argv): as the user postgres when we are root, which the server refuses
 * to be; output goes to the folder's log */
static pid_t
run(const char *const argv[])
{
	/* killed with us: no server outlives its test */
	const char *all[32] = { "setpriv", "--pdeathsig=INT",
		"--reuid=postgres", "--regid=postgres", "--clear-groups" };
	size_t n = geteuid() == 0 ? 5 : 2;
	char path[128];
	pid_t pid;

	for (size_t i = 0; argv[i] && n < 31; i++)
		all[n++] = argv[i];
	snprintf(path, sizeof(path), "%s/log", folder);
	pid = fork();
	if (pid == 0) {
		int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);

		if (fd >= 0) {
			dup2(fd, 1);
			dup2(fd, 2);
		}
		if (chdir("/") == 0)
			execvp(all[0], (char *const *)(uintptr_t)all);
		_exit(127);
	}
	return pid;
}

static bool
run_to_end(const char *const argv[])
{
	pid_t pid = run(argv);
	int status = -1;

	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status == 0;
}

static void
show_log(void)
{
	char path[128], line[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/log", folder);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		fputs(line, stderr);
	if (f)
		fclose(f);
}

static bool
make_folder(void)
{
	const struct passwd *pw = getpwnam("postgres");

	snprintf(folder, sizeof(folder), "/tmp/h-store-pg-XXXXXX");
	if (!mkdtemp(folder))
		return false;
	if (geteuid() != 0)
		return true;
	return pw && chown(folder, pw->pw_uid, pw->pw_gid) == 0;
}

/* PQping() waits on nothing of its own; ask until the server has an answer */
static bool
wait_until_up(const char *maintenance)
{
	const struct timespec pause = { .tv_nsec = 20000000 };

	for (int ms = 0; ms < START_WAIT_MS; ms += 20) {
		if (PQping(maintenance) == PQPING_OK)
			return true;
		if (waitpid(server, NULL, WNOHANG) == server) {
			server = 0;
			return false;
		}
		nanosleep(&pause, NULL);
	}
	return false;
}

static bool
sql_at(const char *where, const char *sql)
{
	PGconn *c = PQconnectdb(where);
	PGresult *r = PQexec(c, sql);
	ExecStatusType st = PQresultStatus(r);
	bool ok = st == PGRES_COMMAND_OK || st == PGRES_TUPLES_OK;

	if (!ok)
		fprintf(stderr, "%s: %s", sql, PQerrorMessage(c));
	PQclear(r);
	PQfinish(c);
	return ok;
}

bool
pg_sql(const char *sql)
{
	return sql_at(url, sql);
}

static bool
start_server(const char *bin)
{
	char initdb[160], postgres[160], data[96], maintenance[192];
	const char *const make[] = { initdb, "-D", data, "-U", "signet", "-A",
		"trust", "-E", "UTF8", "--locale=C", "--no-sync", NULL };
	const char *const serve[] = { postgres, "-D", data, "-k", folder, "-c",
		"listen_addresses=", "-c", "max_connections=20", NULL };

	snprintf(initdb, sizeof(initdb), "%s/initdb", bin);
	snprintf(postgres, sizeof(postgres), "%s/postgres", bin);
	snprintf(data, sizeof(data), "%s/data", folder);
	if (!run_to_end(make))
		return false;
	server = run(serve);
	snprintf(maintenance, sizeof(maintenance),
	    "host=%s user=signet dbname=postgres", folder);
	snprintf(url, sizeof(url), "postgresql:///signet?host=%s&user=signet",
	    folder);
	return wait_until_up(maintenance) &&
	       sql_at(maintenance, "CREATE DATABASE signet");
}

bool
pg_start(void)
{
	char bin[64];

	if (!find_programs(bin, sizeof(bin))) {
		fprintf(stderr,
		    "no PostgreSQL server under /usr/lib/postgresql:\n"
		    "    apt-get install postgresql\n"
		    "or set SIGNET_TEST_NO_PG=1 to leave its tests out\n");
		return false;
	}
	if (!make_folder()) {
		perror("PostgreSQL's scratch folder");
		return false;
	}
	if (start_server(bin))
		return true;
	show_log();
	pg_stop();
	return false;
}

void
pg_stop(void)
{
	const char *const clean[] = { "rm", "-rf", folder, NULL };
	struct stat st;

	if (server > 0) {
		/* setpriv has become the server; SIGINT: fast shutdown */
		kill(server, SIGINT);
		while (waitpid(server, NULL, 0) < 0 && errno == EINTR)
			;
		server = 0;
	}
	if (folder[0] && stat(folder, &st) == 0) {
		pid_t pid = fork();

		if (pid == 0) {
			execvp("rm", (char *const *)(uintptr_t)clean);
			_exit(127);
		}
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
	folder[0] = '\0';
}
