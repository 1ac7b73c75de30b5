/*
 * os/config: signet.yaml, its schema, and the command line's overrides.
 *
 * Read by signetd alone; the children get the packed struct over their
 * control channel. An unknown key, a wrong type or value is an error that
 * names file, line and key. The manual page signet.yaml(5) has the same table.
 */
#ifndef SIGNET_OS_CONFIG_H
#define SIGNET_OS_CONFIG_H

#include "base/buf.h"
#include "base/diag.h"
#include "base/reader.h"

#define CONFIG_PATH_MAX 512
#define CONFIG_TEXT_MAX 256
#define CONFIG_SCEP_MAX 16
#define CONFIG_FRONTS_MAX 16
#define CONFIG_KEYS_MAX 16

struct config_scep { /* one path /scep/NAME; name "" is /scep itself */
	char name[64];
	char profile[64]; /* for requests without an entity; "" = phone */
	bool legacy;      /* 3DES, DES, SHA-1, MD5 digests allowed */
	bool
	    pending_allowed; /* a request without password waits for approval */
};

struct config {
	char state_dir[CONFIG_PATH_MAX];
	char catalog_dir[CONFIG_PATH_MAX]; /* shipped data; default beside the
					      programs */
	char user[64];                     /* run as; "" = as started */
	char http[CONFIG_TEXT_MAX];        /* "127.0.0.1:8080"; "" = none */
	char public_url[CONFIG_TEXT_MAX]; /* base for CRL and CA URLs; "" = left
					     out of certificates */
	char database[CONFIG_PATH_MAX];   /* "" = SQLite in the state folder;
					     postgresql://... */
	uint32_t fronts, keys;            /* processes; 0 = one per core */
	char syslog_socket[CONFIG_PATH_MAX]; /* "/dev/log"; "" = off */
	uint32_t expiry_days;                /* first warning, 60 (WATCH-2) */
	uint32_t failures_max, failures_window_s, lockout_s; /* ENR-10 */
	uint32_t pending_max; /* open requests without a decision */
	char seal_passphrase_file[CONFIG_PATH_MAX]; /* "" = machine key file or
						       systemd credential */
	int64_t clock_offset_s;
	size_t scep_n;
	struct config_scep scep[CONFIG_SCEP_MAX];
};

#define CONFIG_FILE_MAX 262144  /* bytes of signet.yaml */
#define CONFIG_PACKED_MAX 16384 /* bytes of config_pack() */

void config_defaults(struct config *c);
/* config_find_catalog(c): the catalog that belongs to the running program:
 * the source tree's, or the installed one; E_NOT_FOUND leaves it "" */
int config_find_catalog(struct config *c) ERR_CHECK;
/* config_load(path, c): over the defaults; E_NOT_FOUND, E_PARSE with
 * "signet.yaml:4: http.adress: unknown key" and the nearest known key; what
 * config_check() refuses, with the line too */
int config_load(const char *path, struct diag *d, struct config *c) ERR_CHECK;
int config_check(const struct config *c, struct diag *d)
    ERR_CHECK; /* values and ranges */
void config_pack(const struct config *c, struct buf *out);
int config_unpack(struct span in, struct config *ret) ERR_CHECK;

#endif
