/* ledger_internal: the form of a record and of what a checkpoint signs. */
#ifndef SIGNET_LEDGER_INTERNAL_H
#define SIGNET_LEDGER_INTERNAL_H

#include <openssl/evp.h>

#include "ledger/ledger.h"

#define LEDGER_MEMBER_MAX 1024 /* bytes of one member with its NUL */

/* record_clean(): text itself, or what of it may stand in a record, in room */
const char *record_clean(const char *text, char room[LEDGER_MEMBER_MAX]);
/* record_head(kind, severity, object, out): the beginning of a body, the same
 * three facts that stand in the row's columns, so that verification can
 * compare them without parsing: {"kind":..,"severity":..,"object":..  */
void record_head(int kind, int severity, const char *object, struct buf *out);
/* record_build(): a whole body; the detail, the last member, is left out when
 * the body would exceed LEDGER_BODY_MAX */
int record_build(const struct event *e, struct buf *out) ERR_CHECK;
/* record_matches(): the columns say what the hashed body says */
bool record_matches(const struct event_row *e, struct buf *scratch);

/* one digest context for a ledger's or a walk's life */
struct hasher {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
};
int hasher_init(struct hasher *h) ERR_CHECK;
void hasher_done(struct hasher *h);
/* the hash of a record: previous, seq, time and body of the row */
int hasher_record(struct hasher *h, const uint8_t previous[32],
    const struct event_row *e, uint8_t ret[32]) ERR_CHECK;

/* what the ledger key signs */
int checkpoint_text(const struct checkpoint_row *c, struct buf *out) ERR_CHECK;

#endif
