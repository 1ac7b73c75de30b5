/*
 * trust: trust stores, path building, predicates, levels, verdict, names,
 * revocation. So far the stores and what may be put into them (TRUST-1..3).
 */
#ifndef SIGNET_TRUST_TRUST_H
#define SIGNET_TRUST_TRUST_H

#include <jansson.h>

#include "cert/bundle.h"
#include "ledger/ledger.h"
#include "store/trusts.h"

#define TRUST_SYSTEM_MAX 64

struct trust {
	struct store *store;
	struct ledger *ledger;
	char catalog_dir[512]; /* defaults: catalog/trust/NAME.pem +
				  defaults.yaml */
	char state_dir[512];   /* trust/add and trust/delete drop-in folders */
};
enum trust_result { TRUST_UNSET, TRUST_ADDED, TRUST_ALREADY, TRUST_REFUSED };

/* trust_import(system, file, options): every certificate found is added,
 * already there, or refused with the reason; nothing is half-imported: when the
 * file cannot be read to its end, or one object was refused and !partial,
 * nothing is added and the report says so. The report:
 * {"system":..,"added":n,"already":n,"refused":n,
 * "certificates":[{"subject","fingerprint","not_after","result","reason","flags":["expired"]}],
 * "notes":[{"line","text"}]}. Not durable until the batch is. */
struct trust_import {
	const char *system; /* "" the server's own */
	struct span file;
	const char *name;  /* of the file, for notes */
	const char *alias; /* NULL: from the subject's CN */
	enum trust_origin origin;
	bool allow_leaf; /* High level pins leaves: otherwise a non-CA
			    certificate is added with flag "leaf" */
	const char *actor, *source;
};
int trust_import(struct trust *t, const struct trust_import *i, int64_t now,
    struct diag *d, json_t **ret_report) ERR_CHECK;
/* key: fingerprint (hex, at least 8 digits and unique) or alias */
int trust_remove(struct trust *t, const char *system, const char *key,
    const char *actor, const char *source, int64_t now, struct diag *d,
    json_t **ret) ERR_CHECK;
/* list: flags "expired", "not-yet", "weak-signature" (not for self-signed
 * roots), "expires-soon" */
int trust_list(struct trust *t, const char *system, int64_t now, json_t **ret)
    ERR_CHECK;
int trust_export(struct trust *t, const char *system, struct buf *ret_pem)
    ERR_CHECK;
/* defaults of chapter 21: shipped data, restored by reset; expired ones are
 * flagged and left out unless they are asked for by name; pin: an operator's
 * chosen set (setting "trust.defaults") */
int trust_defaults_list(struct trust *t, int64_t now, json_t **ret) ERR_CHECK;
int trust_defaults_apply(struct trust *t, const char *system, const char *actor,
    const char *source, int64_t now, struct diag *d, json_t **ret) ERR_CHECK;
int trust_defaults_pin(struct trust *t, const json_t *names, const char *actor,
    const char *source, int64_t now, struct diag *d) ERR_CHECK;
/* drop-in folders: called at start and every few seconds; done files are moved
 * to add/done etc. */
int trust_drop_in(struct trust *t, int64_t now) ERR_CHECK;

#endif
