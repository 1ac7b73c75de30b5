/* signet: the command line. */
#include <signal.h>
#include <stdio.h>

#include "cli/cli.h"

int
main(int argc, char **argv)
{
	/* a reader that leaves early ends us by an error, not by a signal */
	signal(SIGPIPE, SIG_IGN);
	return cli_main(argc, argv, stdin, stdout, stderr);
}
