/* signet-front: faces strangers; or, as "local", the Unix socket only. */
#include <string.h>

#include "api/local.h"
#include "enroll/front.h"

int
main(int argc, char **argv)
{
	/* the supervisor passes the role's name */
	if (argc > 1 && strcmp(argv[1], "local") == 0)
		return worker_main(&api_local_program, argc, argv);
	return worker_main(&front_program, argc, argv);
}
