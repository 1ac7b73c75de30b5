/*
 * ipc/supervisor: signetd's logic: starts, links, restarts and stops the
 * other processes. Parses nothing foreign: its own command line, signet.yaml
 * and the typed frames of ipc/control.h.
 */
#ifndef SIGNET_IPC_SUPERVISOR_H
#define SIGNET_IPC_SUPERVISOR_H

#include "base/diag.h"
#include "base/err.h"
#include "os/config.h"

#define SUPERVISOR_RETRY_MS 2000 /* for a lock or port of one who is dying */

struct supervisor_options {
	bool is_help;
	bool
	    ignores_https; /* --https, --phones-...: nothing served there yet */
	char config_file[CONFIG_PATH_MAX]; /* "" = none */
	struct config config;
};

/* supervisor_parse(argc, argv): command line over signet.yaml over defaults,
 * checked. E_INVAL is wrong use (exit 2). */
int supervisor_parse(int argc, char **argv, struct diag *d,
    struct supervisor_options *ret) ERR_CHECK;
void supervisor_usage(void);
/* supervisor_run(): until told to stop; the return value is main()'s */
int supervisor_run(const struct supervisor_options *o);

#endif
