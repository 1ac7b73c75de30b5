/*
 * ca/restore: the authorities of a backup on a server that has none (CA-2).
 *
 * Keys come back as the PKCS#12 files in it. What does not leave the key
 * process is made anew: the ledger key and the RA keys. Revocations come back
 * from the CRL: its serial numbers stay revoked.
 */
#ifndef SIGNET_CA_RESTORE_H
#define SIGNET_CA_RESTORE_H

#include "ca/ca.h"

#define BACKUP_FORMAT "signet-ca-backup-1"

/* ca_restore(backup, password): backup as api/backup writes it; E_STATE when
 * ignited, E_PARSE, E_PASSWORD; all of it or nothing. Takes a reference. */
int ca_restore(struct ca *ca, json_t *backup, const char *password,
    const struct actor *who, ca_done_fn fn, void *cookie) ERR_CHECK;

#endif
