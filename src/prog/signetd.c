/* signetd: the supervisor. Its logic is in ipc/supervisor.c. */
#include "base/log.h"
#include "ipc/supervisor.h"

static int
complain(const struct diag *d, int code)
{
	char text[4 * DIAG_TEXT_MAX];

	diag_print(d, text, sizeof(text));
	log_line(LOG_ERROR, "%s", text);
	return code;
}

int
main(int argc, char **argv)
{
	static struct supervisor_options options; /* large */
	struct diag d = { 0 };

	log_open("signetd", LOG_NOTICE);
	if (supervisor_parse(argc, argv, &d, &options) != 0)
		return complain(&d, 2);
	if (options.is_help) {
		supervisor_usage();
		return 0;
	}
	if (options.ignores_https)
		log_line(LOG_WARNING,
		    "--https and --phones-...: this version serves nothing "
		    "there; plain HTTP and the Unix socket only");
	return supervisor_run(&options);
}
