/* signetd's command line. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "ipc/supervisor.h"
#include "os/file.h"

enum option_id {
	OPT_STATE = 256,
	OPT_CONFIG,
	OPT_HTTP,
	OPT_HTTPS,
	OPT_PHONES,
	OPT_DATABASE,
	OPT_FRONTS,
	OPT_KEYS,
	OPT_USER,
	OPT_CATALOG,
	OPT_CLOCK_OFFSET,
	OPT_HELP,
};

static const struct option long_options[] = {
	{ "state", required_argument, NULL, OPT_STATE },
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "http", required_argument, NULL, OPT_HTTP },
	{ "https", required_argument, NULL, OPT_HTTPS },
	{ "phones-https", required_argument, NULL, OPT_PHONES },
	{ "phones-http", required_argument, NULL, OPT_PHONES },
	{ "database", required_argument, NULL, OPT_DATABASE },
	{ "fronts", required_argument, NULL, OPT_FRONTS },
	{ "keys", required_argument, NULL, OPT_KEYS },
	{ "user", required_argument, NULL, OPT_USER },
	{ "catalog", required_argument, NULL, OPT_CATALOG },
	{ "clock-offset", required_argument, NULL, OPT_CLOCK_OFFSET },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

/* what was said, before the file is read that it overrides */
struct said {
	const char *state, *file, *http, *database, *user, *catalog;
	const char *fronts, *keys, *offset;
	bool is_help, ignores_https;
};

void
supervisor_usage(void)
{
	printf("Usage: signetd --state DIR [options]\n\n"
	       "  --state DIR          everything the server keeps\n"
	       "  --config FILE        instead of DIR/signet.yaml\n"
	       "  --http ADDR:PORT     SCEP, CRL, CA files; port 0 = any; "
	       "\"\" = none\n"
	       "  --https ADDR:PORT    not served by this version\n"
	       "  --phones-https ADDR:PORT, --phones-http ADDR:PORT  likewise\n"
	       "  --database URL       postgresql://... instead of SQLite\n"
	       "  --fronts N, --keys N processes; 0 = one per core\n"
	       "  --user USER          to run as, when started by root\n"
	       "  --catalog DIR        shipped data\n"
	       "  --clock-offset S     seconds added to the clock, for tests\n"
	       "  --help\n");
}

static bool
note(struct said *s, int id)
{
	switch (id) {
	case OPT_STATE:
		s->state = optarg;
		return true;
	case OPT_CONFIG:
		s->file = optarg;
		return true;
	case OPT_HTTP:
		s->http = optarg;
		return true;
	case OPT_HTTPS:
	case OPT_PHONES:
		s->ignores_https = true;
		return true;
	case OPT_DATABASE:
		s->database = optarg;
		return true;
	case OPT_FRONTS:
		s->fronts = optarg;
		return true;
	case OPT_KEYS:
		s->keys = optarg;
		return true;
	case OPT_USER:
		s->user = optarg;
		return true;
	case OPT_CATALOG:
		s->catalog = optarg;
		return true;
	case OPT_CLOCK_OFFSET:
		s->offset = optarg;
		return true;
	case OPT_HELP:
		s->is_help = true;
		return true;
	default:
		return false;
	}
}

static int
wrong_use(struct diag *d, const char *object, const char *fact)
{
	int r = diag_set(d, E_INVAL, object, NULL, "%s", fact);

	diag_remedy(d, "signetd --help lists the options");
	return r;
}

static int
listen_to(int argc, char **argv, struct diag *d, struct said *s)
{
	int id;

	opterr = 0;
	optind = 1;
	while ((id = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
		if (id == ':')
			return wrong_use(
			    d, argv[optind - 1], "needs an argument");
		if (!note(s, id))
			return wrong_use(d, argv[optind - 1], "unknown option");
	}
	if (optind < argc)
		return wrong_use(d, argv[optind], "is not an option");
	if (!s->state && !s->is_help)
		return wrong_use(d, "--state DIR", "is missing");
	return 0;
}

static int
take_text(
    const char *text, const char *name, char *out, size_t size, struct diag *d)
{
	if (!text || str_copy(out, size, text) == 0)
		return 0;
	return wrong_use(d, name, "is too long");
}

static int
take_count(const char *text, const char *name, int64_t max, uint32_t *out,
    struct diag *d)
{
	int64_t n;

	if (!text)
		return 0;
	if (str_to_int(text, 0, max, &n) != 0)
		return wrong_use(d, name, "is not a number of processes");
	*out = (uint32_t)n;
	return 0;
}

static int
take_options(const struct said *s, struct config *c, struct diag *d)
{
	int r = take_text(s->http, "--http", c->http, sizeof(c->http), d);

	if (r == 0)
		r = take_text(s->database, "--database", c->database,
		    sizeof(c->database), d);
	if (r == 0)
		r = take_text(s->user, "--user", c->user, sizeof(c->user), d);
	if (r == 0)
		r = take_text(s->catalog, "--catalog", c->catalog_dir,
		    sizeof(c->catalog_dir), d);
	if (r == 0)
		r = take_count(
		    s->fronts, "--fronts", CONFIG_FRONTS_MAX, &c->fronts, d);
	if (r == 0)
		r = take_count(s->keys, "--keys", CONFIG_KEYS_MAX, &c->keys, d);
	if (r == 0 && s->offset &&
	    str_to_int(s->offset, INT32_MIN * INT64_C(4),
		INT32_MAX * INT64_C(4), &c->clock_offset_s) != 0)
		r = wrong_use(
		    d, "--clock-offset", "is not a number of seconds");
	return r;
}

static int
take_file(const struct said *s, struct supervisor_options *o, struct diag *d)
{
	int r;

	if (s->file) {
		r = take_text(s->file, "--config", o->config_file,
		    sizeof(o->config_file), d);
		return r == 0 ? config_load(o->config_file, d, &o->config) : r;
	}
	if (path_join(o->config_file, sizeof(o->config_file), s->state,
		"signet.yaml") != 0)
		return wrong_use(d, "--state", "is too long");
	if (file_is_there(o->config_file))
		return config_load(o->config_file, d, &o->config);
	o->config_file[0] = '\0';
	return 0;
}

/* The ready line names files by their whole path; the folder need not exist
 * yet, so realpath() is no help. */
static int
take_state(const char *text, struct config *c, struct diag *d)
{
	char here[CONFIG_PATH_MAX];

	if (text[0] == '/')
		return take_text(
		    text, "--state", c->state_dir, sizeof(c->state_dir), d);
	if (!getcwd(here, sizeof(here)) ||
	    path_join(c->state_dir, sizeof(c->state_dir), here, text) != 0)
		return wrong_use(d, "--state", "is too long");
	return 0;
}

/* 0 means one per core; the limits of the arrays hold */
static void
count_processes(struct config *c)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	uint32_t n = cores < 1 ? 1 : (uint32_t)cores;

	if (c->fronts == 0)
		c->fronts = n < CONFIG_FRONTS_MAX ? n : CONFIG_FRONTS_MAX;
	if (c->keys == 0)
		c->keys = n < CONFIG_KEYS_MAX ? n : CONFIG_KEYS_MAX;
}

int
supervisor_parse(
    int argc, char **argv, struct diag *d, struct supervisor_options *ret)
{
	struct supervisor_options *o = ret;
	struct said said = { 0 };
	int r = listen_to(argc, argv, d, &said);

	memset(o, 0, sizeof(*o));
	o->is_help = said.is_help;
	o->ignores_https = said.ignores_https;
	if (r != 0 || said.is_help)
		return r;
	config_defaults(&o->config);
	r = take_file(&said, o, d);
	if (r == 0)
		r = take_options(&said, &o->config, d);
	if (r == 0)
		r = take_state(said.state, &o->config, d);
	if (r == 0)
		r = config_check(&o->config, d);
	if (r != 0)
		return r;
	if (!said.catalog && config_find_catalog(&o->config) != 0)
		return wrong_use(d, "catalog",
		    "is neither beside the programs nor given by --catalog");
	count_processes(&o->config);
	return 0;
}
