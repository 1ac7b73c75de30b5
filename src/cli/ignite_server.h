/*
 * cli/ignite_server: a signetd for the time of one call, when none runs; and
 * what ignition shares with "ca create".
 */
#ifndef SIGNET_CLI_IGNITE_SERVER_H
#define SIGNET_CLI_IGNITE_SERVER_H

#include <sys/types.h>

#include "cli/cli.h"

#define IGNITE_READY_MS 60000 /* signetd must say that it is ready */

struct ignite_server {
	pid_t pid; /* 0: not started by us */
	int out;   /* its standard output */
};
bool ignite_server_is_there(struct cli_context *c);
/* signetd beside this program, loopback port 0; waits for its ready line */
int ignite_server_start(
    struct cli_context *c, struct ignite_server *s, struct diag *d) ERR_CHECK;
/* SIGTERM, and waits for its end */
void ignite_server_stop(struct ignite_server *s);

/* name, org, key, single-level, root-profile into a body; reports, exit code */
int hierarchy_body(struct cli_context *c, json_t *o);

#define HIERARCHY_OPTIONS                                                      \
	{                                                                      \
		.name = "name",                                                \
		.arg = "CN",                                                   \
		.help =                                                        \
		    "the authorities become \"CN Root CA\", \"CN Issuing CA\"" \
	},                                                                     \
	    { .name = "org",                                                   \
		    .arg = "O",                                                \
		    .help =                                                    \
			"organisation, or FIELD=VALUE of C ST L O OU EMAIL",   \
		    .repeat = true },                                          \
	    { .name = "single-level",                                          \
		    .help = "the root issues; no issuing CA below it" },       \
	    { .name = "key",                                                   \
		    .arg = "KIND",                                             \
		    .help =                                                    \
			"rsa2048 (default), rsa3072, rsa4096, p256, p384" },   \
	{                                                                      \
		.name = "root-profile", .arg = "NAME",                         \
		.help = "root-ca (default), ipoffice-root, or one of your own" \
	}

#endif
