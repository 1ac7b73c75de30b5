/* signet-core: policy and the store; started by signetd. */
#include "api/core.h"

int
main(int argc, char **argv)
{
	return worker_main(&core_program, argc, argv);
}
