/*
 * cert/profile: what a certificate of one kind may hold (CA-3, CERT-6): data
 * in YAML, one file a profile, shipped in CATALOG/profiles and the operator's
 * own in STATE/profiles (which may not take a shipped name). The core builds
 * by it; the key process reads the same files and checks by it before a CA
 * key signs (CA-5). The format: docs/man/signet-profile.5.scd.
 */
#ifndef SIGNET_CERT_PROFILE_H
#define SIGNET_CERT_PROFILE_H

#include <jansson.h>

#include "cert/csr.h"
#include "cert/x509.h"

#define PROFILE_NAME_MAX 64 /* bytes with NUL: [a-z0-9-] */
#define PROFILE_MAX 128     /* profiles in one set */
#define PROFILE_KEYS_MAX 8
#define PROFILE_STEPS_MAX 4
#define PROFILE_FILE_MAX 65536   /* bytes of one file */
#define PROFILE_DAYS_MAX 36525   /* a hundred years */
#define PROFILE_BACKDATE_MAX 720 /* hours */

enum profile_kind {
	PROFILE_UNSET,
	PROFILE_IDENTITY,   /* end entity */
	PROFILE_CA,         /* root or issuing authority */
	PROFILE_OCSP,       /* OCSP signer */
	PROFILE_RA,         /* SCEP registration authority */
	PROFILE_STANDALONE, /* self-signed identity of chapter 9; never signed
			     * by a CA key */
};

struct profile_step { /* CA-3: from that day on a shorter life */
	int64_t from;
	uint32_t days_max;
};

struct profile {
	char name[PROFILE_NAME_MAX];
	char title[128]; /* for lists */
	char file[512];  /* where it was read */
	bool shipped;
	enum profile_kind kind;
	bool legacy; /* CERT-5: RSA 1024 and SHA-1 allowed, each issue a
		      * warning event */
	bool legacy_transport;   /* ENR-3: a request may come with DES, 3DES or
				  * SHA-1, as old phones send it */
	uint32_t days, days_max; /* granted by default, at most */
	struct profile_step steps[PROFILE_STEPS_MAX];
	size_t step_n;
	uint32_t backdate_h; /* notBefore = now minus this: 24 */
	enum key_kind keys[PROFILE_KEYS_MAX]; /* accepted */
	size_t key_n;
	enum hash_kind hash;
	unsigned ku, eku;                 /* always put in */
	unsigned ku_allowed, eku_allowed; /* may be asked for besides */
	bool ku_critical;
	bool san_dns, san_ip, san_uri, san_email, san_wildcard;
	uint32_t san_max; /* entries */
	bool san_required;
	bool
	    san_from_cn; /* a host name CN becomes the first DNS SAN (CERT-8) */
	bool match_c, match_st, match_o; /* must equal the CA's (PSN004561u) */
	bool org_from_estate; /* C ST L O OU E are filled from the estate's
			       * settings when absent */
	bool ca;              /* basicConstraints cA (CA and standalone) */
	int path_len;         /* -1 none */
};

struct profile_set {
	size_t n;
	struct profile e[PROFILE_MAX];
};

const char *profile_kind_name(enum profile_kind k); /* "identity", "ca", ... */
/* profile_parse(text, file): one YAML file; the profile's name is the file's
 * without folder and ".yaml". E_PARSE naming file, line and key. */
int profile_parse(struct span text, const char *file, struct diag *d,
    struct profile *ret) ERR_CHECK;
/* profile_load(catalog_dir, state_dir): reads catalog_dir/profiles, and
 * state_dir/profiles when it is there (state_dir may be NULL); an unreadable
 * shipped file is an error, an operator's broken one is skipped with a log
 * line. Caller's memory, about 130 KB. */
int profile_load(const char *catalog_dir, const char *state_dir, struct diag *d,
    struct profile_set *ret) ERR_CHECK;
/* NULL when there is none of that name */
const struct profile *profile_find(
    const struct profile_set *s, const char *name);
/* as YAML that profile_parse() reads as the same profile */
int profile_print(const struct profile *p, struct buf *out) ERR_CHECK;
/* the longest life of what is issued at that time, in days */
uint32_t profile_days_max(const struct profile *p, int64_t issued_at);

/* What an asker wants, and what the profile grants of it. */
struct asked {
	struct span subject;        /* Name with tag; may be an empty Name */
	const struct san_list *san; /* may be NULL */
	struct span spki;
	unsigned ku, eku; /* 0: nothing asked */
	uint32_t days;    /* from now on; 0: the profile's */
};
struct granted {
	struct buf subject; /* Name with tag */
	struct san_list san;
	unsigned ku, eku;
	int64_t not_before, not_after;
	json_t *receipt; /* CERT-10: {"profile", "asked": {..}, "granted": {..},
			  * "changes": [{"what", "rule", "from", "to"}]} */
};
struct estate_names { /* organisation fields of the estate's settings, each may
			 be "" */
	char c[3], st[128], l[128], o[128], ou[128], email[128];
};
/* profile_grant(): the one place where policy shapes a certificate's content.
 * E_DENIED with the rule (key kind, missing SAN, name not allowed...) in d,
 * E_EXPIRED when the signer's own life is over. ca_subject: Name of the
 * signer, empty span for a self-signed one; ca_not_after bounds the lifetime,
 * 0: nothing does. Free ret with granted_done(). */
int profile_grant(const struct profile *p, const struct asked *a,
    struct span ca_subject, int64_t ca_not_after,
    const struct estate_names *estate, int64_t now, struct diag *d,
    struct granted *ret) ERR_CHECK;
void granted_done(struct granted *g);

/* profile_check_tbs(): the key process's own judgement of a TBSCertificate:
 * CA flag, path length, key usage, EKU, SAN kinds, key kind, names, lifetime,
 * extensions outside the list we write. E_DENIED with the rule in d. */
int profile_check_tbs(
    const struct profile *p, const struct x509 *tbs, struct diag *d) ERR_CHECK;

#endif
