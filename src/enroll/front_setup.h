/*
 * enroll/front_setup: what the core has told this front about the
 * authorities, ready for use: certificates parsed, answers built. Counted
 * references: a request under way keeps the one it began with.
 */
#ifndef SIGNET_ENROLL_FRONT_SETUP_H
#define SIGNET_ENROLL_FRONT_SETUP_H

#include "cert/x509.h"
#include "enroll/enrolment.h"

struct front_authority {
	const struct enrol_ca *info; /* id, RA key, chain */
	struct x509 *cert;           /* info->chain[0] */
	struct x509 *ra;             /* NULL when it has none */
};

struct front_setup {
	unsigned refs;
	struct buf packed; /* what all spans borrow from */
	struct enrol_setup setup;
	struct front_authority a[ENROL_CA_MAX];
	const struct front_authority *current; /* with an RA; NULL: none */
	struct buf ca_certs;   /* answer to GetCACert; empty: none */
	struct buf next_certs; /* content for GetNextCACert; empty: none */
};

/* front_setup_new(packed): a copy; caller drops it with front_setup_unref() */
int front_setup_new(struct span packed, struct front_setup **ret) ERR_CHECK;
struct front_setup *front_setup_ref(struct front_setup *s);
void front_setup_unref(struct front_setup *s);
/* NULL when there is none of that id; id need not end with NUL */
const struct front_authority *front_setup_find(
    const struct front_setup *s, struct span id);

#endif
