/* trust, private: what the files of this room share. */
#ifndef SIGNET_TRUST_INTERNAL_H
#define SIGNET_TRUST_INTERNAL_H

#include "cert/x509.h"
#include "trust/trust.h"

#define TRUST_SOON_DAYS 60          /* "expires-soon", as WATCH-2 first warns */
#define TRUST_ENTRY_MAX (64u << 10) /* bytes of one entry as PEM */

/* "" or [A-Za-z0-9._-], at most TRUST_SYSTEM_MAX with the NUL */
int trust_system_check(const char *system, struct diag *d) ERR_CHECK;
/* array of words: expired, not-yet, expires-soon, weak-signature, leaf */
json_t *trust_flags(const struct x509 *c, int64_t now, bool with_leaf);
/* one row as JSON */
json_t *trust_row_to_json(const struct trust_row *t, int64_t now);
int trust_event(struct trust *t, enum event_kind kind,
    const struct trust_row *row, const char *actor, const char *source,
    int64_t now) ERR_CHECK;
/* fills all but alias, system, origin and der */
void trust_row_of(const struct x509 *c, int64_t now, struct trust_row *ret);

/* names taken in one system, so that each alias is there once */
struct trust_aliases {
	json_t *taken;
};
int trust_aliases_load(
    struct trust *t, const char *system, struct trust_aliases *ret) ERR_CHECK;
void trust_aliases_done(struct trust_aliases *a);
/* wanted, or wanted-2, wanted-3...; taken from then on */
int trust_aliases_take(struct trust_aliases *a, const char *wanted, char *out,
    size_t size) ERR_CHECK;
/* a name for people: CN, else OU, O, else the beginning of the fingerprint */
void trust_alias_of(const struct x509 *c, char *out, size_t size);

#endif
