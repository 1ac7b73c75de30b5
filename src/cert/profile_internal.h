/* cert/profile_internal: what the files behind cert/profile.h share. */
#ifndef SIGNET_CERT_PROFILE_INTERNAL_H
#define SIGNET_CERT_PROFILE_INTERNAL_H

#include "cert/profile.h"

/* the YAML half (profile_yaml.c): fields as written, not yet judged */
int profile_yaml_read(struct span text, const char *file, struct diag *d,
    struct profile *ret) ERR_CHECK;
int profile_accepts_key(const struct profile *p, struct span spki,
    const char *object, struct diag *d, enum key_kind *ret) ERR_CHECK;
/* the key usage bits that make sense for this kind of key at all */
unsigned profile_ku_fit(enum key_kind k, unsigned ku);
bool profile_allows_san(const struct profile *p, const struct san *e);
/* PSN004561u: C, ST, O equal to the signer's where the profile says so */
int profile_match_names(const struct profile *p, struct span subject,
    struct span issuer, struct diag *d) ERR_CHECK;

#endif
