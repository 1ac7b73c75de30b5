/* Who asks, with what proof (ENR-9): a certificate of ours, an enrollment
 * password, or nothing but the hope that somebody approves it. */
#include <stdio.h>

#include "base/str.h"
#include "base/time.h"
#include "enroll/decide_internal.h"
#include "os/clock.h"

#define OBJECT "enrolment"

int
proof_signer(struct decider *dr, struct span signer, struct cert_row *ret)
{
	AUTO_STRUCT(x509) *c = NULL;
	struct span serial;
	int e;

	if (!signer.n || x509_parse(signer, NULL, &c))
		return E_NOT_FOUND;
	serial = c->serial;
	/* the store keeps serials unsigned; DER has a sign octet */
	if (serial.n > 1 && serial.p[0] == 0)
		serial = span_of(serial.p + 1, serial.n - 1);
	for (size_t i = 0; i < dr->ca->authority_n; i++) {
		const struct authority *a = dr->ca->authorities[i];

		if (!a->cert || !span_is_equal(a->cert->subject, c->issuer))
			continue;
		e = cert_by_serial(dr->ca->store, a->row.id, serial, ret);
		if (e == E_NOT_FOUND)
			continue;
		if (e)
			return e;
		/* equal to the last octet: the one we issued, not one that
		 * only says so */
		if (span_is_equal(ret->der, signer))
			return 0;
		cert_done(ret);
	}
	return E_NOT_FOUND;
}

static int
check_old(const struct cert_row *old, int64_t now, struct diag *d)
{
	char ago[64];

	if (old->state != CERT_GOOD)
		return diag_set(d, E_DENIED, OBJECT, "ENR-3",
		    "the certificate to renew is %s",
		    old->state == CERT_HOLD ? "on hold" : "revoked");
	if (now > old->not_after) {
		str_duration_print(now - old->not_after, ago, sizeof(ago));
		diag_set(d, E_EXPIRED, OBJECT, "ENR-3",
		    "the certificate to renew expired %s ago", ago);
		diag_remedy(d, "enroll anew with a password: signet entity "
			       "password NAME");
		return E_EXPIRED;
	}
	if (now < old->not_before)
		return diag_set(d, E_DENIED, OBJECT, "ENR-3",
		    "the certificate to renew is not valid yet");
	return 0;
}

static int
judge_renewal(struct decider *dr, const struct cert_row *old, struct claim *c,
    struct diag *d)
{
	struct entity_row *entity;
	int e = check_old(old, clock_now(), d);

	if (!e)
		e = claim_take_renewed(dr, c, old, d);
	if (e || !c->entity[0])
		return e;
	entity = calloc(1, sizeof(*entity));
	if (!entity)
		return E_NOMEM;
	/* "every request waits for approval" holds for renewals too; an entity
	 * that is gone asks for nothing */
	e = entity_get(dr->ca->store, c->entity, entity);
	if (!e)
		c->is_pending = entity->manual;
	free(entity);
	return e == E_NOT_FOUND ? 0 : e;
}

static int
check_password(struct decider *dr, const struct password_row *p, struct diag *d)
{
	int64_t now = clock_now();
	char ago[64];

	if (p->expires && now >= p->expires) {
		str_duration_print(now - p->expires, ago, sizeof(ago));
		diag_set(d, E_EXPIRED, OBJECT, "ENR-2",
		    "the enrollment password expired %s ago", ago);
		diag_remedy(d, "make a new one: signet entity password NAME");
		return E_EXPIRED;
	}
	if (p->uses_total && p->uses_left <= 0) {
		diag_set(d, E_PASSWORD, OBJECT, "ENR-2",
		    "the enrollment password is used up (%lld of %lld uses)",
		    (long long)p->uses_total, (long long)p->uses_total);
		diag_remedy(d, "make a new one: signet entity password NAME");
		return E_PASSWORD;
	}
	/* the last use is being made by a request under way: whether it will
	 * succeed is not known yet */
	if (p->uses_total && p->uses_left <= flight_uses(dr, p->id))
		return diag_set(d, E_STATE, OBJECT, "ENR-2",
		    "the last use of this enrollment password is under way");
	return 0;
}

/* E_PASSWORD when nobody has this password */
static int
find_password(struct decider *dr, const char *secret, struct password_row *ret,
    struct diag *d)
{
	uint8_t hash[32];
	int e = enrol_password_hash(secret, hash);

	if (!e)
		e = password_by_hash(dr->ca->store, hash, ret);
	if (e != E_NOT_FOUND && e != E_INVAL)
		return e;
	diag_set(d, E_PASSWORD, OBJECT, "ENR-2",
	    "the enrollment password is unknown");
	diag_remedy(d, "see signet entity list");
	return E_PASSWORD;
}

static int
entity_lockout(struct decider *dr, const char *name, struct diag *d)
{
	int64_t wait;
	char text[64];

	if (!limits_check(dr->entities, name, clock_now(), &wait))
		return 0;
	str_duration_print(wait, text, sizeof(text));
	return diag_set(d, E_LIMIT, OBJECT, "ENR-10",
	    "too many failures for this entity; locked out for %s more", text);
}

static int
judge_password(struct decider *dr, const struct enrolment *e, struct claim *c,
    struct diag *d)
{
	struct password_row p;
	struct entity_row *entity;
	int err = find_password(dr, e->secret, &p, d);

	if (err)
		return err;
	entity = calloc(1, sizeof(*entity));
	if (!entity)
		return E_NOMEM;
	err = entity_by_id(dr->ca->store, p.entity, entity);
	if (!err)
		/* named before the password is judged: failures count there */
		err = str_copy(c->entity, sizeof(c->entity), entity->name);
	if (!err)
		err = entity_lockout(dr, entity->name, d);
	if (!err)
		err = check_password(dr, &p, d);
	if (!err)
		err = claim_take_entity(dr, c, entity, d);
	if (!err)
		c->password = p.id;
	free(entity);
	return err;
}

static int
judge_nothing(struct decider *dr, const struct config_scep *path,
    struct claim *c, struct diag *d)
{
	if (path->pending_allowed) {
		c->is_pending = true;
		return claim_take_profile(
		    dr, c, path->profile[0] ? path->profile : "phone", d);
	}
	diag_set(d, E_PASSWORD, OBJECT, "ENR-2",
	    "there is no enrollment password in the request");
	diag_remedy(d, "put the password of an end entity into "
		       "challengePassword; see signet entity add");
	return E_PASSWORD;
}

static const struct config_scep *
path_of(const struct decider *dr, const char *name)
{
	const struct config *c = dr->ca->config;

	for (size_t i = 0; i < c->scep_n; i++)
		if (strcmp(c->scep[i].name, name) == 0)
			return &c->scep[i];
	return NULL;
}

/* ENR-3: DES, 3DES and SHA-1 only where the path or the profile says so */
static int
judge_algorithms(const struct enrolment *e, const struct config_scep *path,
    const struct claim *c, struct diag *d)
{
	if (!e->legacy || path->legacy || c->profile->legacy_transport)
		return 0;
	diag_set(d, E_UNSUPPORTED, OBJECT, "ENR-3",
	    "DES, 3DES and SHA-1 are not accepted under profile %s",
	    c->profile->name);
	diag_remedy(d, "use AES and SHA-256, or a profile with "
		       "legacy_transport: true");
	return E_UNSUPPORTED;
}

static int
judge_proof(struct decider *dr, const struct enrolment *e,
    const struct config_scep *path, const struct cert_row *ours,
    struct claim *c, struct diag *d)
{
	int err;

	if (ours) {
		err = judge_renewal(dr, ours, c, d);
		/* a device whose certificate has lapsed may come with a
		 * password instead */
		if (!err || e->kind == ENROL_RENEW || !e->secret[0] ||
		    (err != E_EXPIRED && err != E_DENIED))
			return err;
		c->renews = 0;
		c->entity[0] = '\0';
	} else if (e->signer.n && (e->kind == ENROL_RENEW || !e->secret[0])) {
		return diag_set(d, E_DENIED, OBJECT, "ENR-3",
		    "the certificate that signed the request was not issued "
		    "here");
	}
	if (e->secret[0])
		return judge_password(dr, e, c, d);
	return judge_nothing(dr, path, c, d);
}

int
proof_judge(struct decider *dr, const struct enrolment *e,
    const struct cert_row *ours, struct claim *c, struct diag *d)
{
	const struct config_scep *path = path_of(dr, e->path);
	int err;

	/* the front has looked; it may have been taken over */
	if (!path)
		return diag_set(d, E_UNSUPPORTED, OBJECT, "ENR-3",
		    "there is no path /scep/%s", e->path);
	err = judge_proof(dr, e, path, ours, c, d);
	return err ? err : judge_algorithms(e, path, c, d);
}
