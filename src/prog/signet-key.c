#include "key/server.h"

int
main(int argc, char **argv)
{
	return worker_main(&key_program, argc, argv);
}
