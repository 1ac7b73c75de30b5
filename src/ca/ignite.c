/* ca/ignite: the first start of an estate (CA-1), and further hierarchies
 * beside the present one (CA-2). */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/time.h"
#include "ca/ceremony.h"
#include "os/clock.h"

#define FIRST_NAME "first-device"
#define FIRST_PROFILE "phone"
#define FIRST_HOURS 24
#define FIRST_USES 10
#define PASSWORD_CHARS                                        \
	20 /* of 5 bits, as every enrollment password (ENR-2) \
	    */

/* -- what is to be made -- */

static void
plan(struct made *m, const char *stem, unsigned number,
    enum authority_kind kind, enum key_kind key)
{
	snprintf(m->id, sizeof(m->id), "%s-%u", stem, number);
	m->kind = kind;
	m->key_kind = key;
}

static int
check_name(struct ceremony *c)
{
	size_t n = strlen(c->name);

	if (c->is_import || c->has_no_ca)
		return 0;
	for (const char *p = c->name; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			n = 0;
	/* RFC 5280 appendix A: a common name has 64 characters at most */
	if (n == 0 || n > CEREMONY_NAME_MAX - sizeof(" Issuing CA"))
		return ca_refuse(&c->d, E_INVAL, "authority name",
		    "give a name of 1 to 52 printable characters",
		    "%zu bytes that cannot stand in a common name", n);
	return 0;
}

/* before any key is made: the key process would refuse it later */
static int
check_root_profile(struct ceremony *c)
{
	const struct profile *p = ca_profile(c->ca, c->root_profile, &c->d);

	if (!p)
		return E_NOT_FOUND;
	if (p->kind != PROFILE_CA || !p->ca)
		return ca_refuse(&c->d, E_INVAL, c->root_profile,
		    "use root-ca, ipoffice-root or one of your own of kind ca",
		    "is no profile of an authority");
	if (p->path_len == 0 && !c->is_single)
		return ca_refuse(&c->d, E_INVAL, c->root_profile,
		    "make a single level, or use another profile",
		    "allows no authority below the root");
	for (size_t i = 0; i < p->key_n; i++)
		if (p->keys[i] == c->key)
			return 0;
	return ca_refuse(&c->d, E_INVAL, c->root_profile,
	    "choose one of the kinds it accepts, or another profile",
	    "does not accept a key of kind %s", key_kind_name(c->key));
}

static int
plan_hierarchy(struct ceremony *c)
{
	int e = ca_clock_check(&c->d);

	if (e)
		c->kind = EVENT_CLOCK;
	if (!e)
		e = check_name(c);
	if (e)
		return e;
	c->number = ca_next_number(c->ca);
	if (c->has_no_ca || c->is_import)
		return 0;
	e = check_root_profile(c);
	if (e)
		return e;
	plan(&c->made[0], "root", c->number, AUTHORITY_ROOT, c->key);
	c->made_n = 1;
	if (c->is_single)
		return 0;
	plan(&c->made[1], "issuing", c->number, AUTHORITY_ISSUING, c->key);
	snprintf(c->made[1].parent, AUTHORITY_ID_MAX, "%s", c->made[0].id);
	c->made_n = 2;
	return 0;
}

static int
check_ignition(struct ceremony *c)
{
	if (ca_is_ignited(c->ca))
		return ca_refuse(&c->d, E_STATE, "ignition",
		    "signet ca create makes a further hierarchy beside the "
		    "present one",
		    "this estate is ignited already");
	return plan_hierarchy(c);
}

static int
check_creation(struct ceremony *c)
{
	if (!ca_is_ignited(c->ca))
		return ca_refuse(&c->d, E_STATE, "ca create",
		    "signet ignite makes the first one",
		    "this estate is not ignited yet");
	return plan_hierarchy(c);
}

static int
make_ledger_key(struct ceremony *c)
{
	return ceremony_make_key(c, "ledger", KEY_ROLE_LEDGER, KEY_ED25519,
	    span_of(NULL, 0), c->ledger_key, &c->ledger_spki);
}

/* -- the first entity, so that a first device can enrol at once -- */

static void
make_password(char out[PASSWORD_CHARS * 2], uint8_t hash[32])
{
	/* Crockford's alphabet, as enroll/password reads it */
	static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	char plain[PASSWORD_CHARS];
	size_t at = 0;

	for (size_t i = 0; i < PASSWORD_CHARS; i++) {
		plain[i] = alphabet[randombytes_uniform(32)];
		if (i && i % 4 == 0)
			out[at++] = '-';
		out[at++] = plain[i];
	}
	out[at] = '\0';
	sha256(span_of(plain, sizeof(plain)), hash);
	secret_wipe(plain, sizeof(plain));
}

static int
add_first_entity(struct ceremony *c)
{
	struct entity_row entity = { .name = FIRST_NAME,
		.profile = FIRST_PROFILE,
		.token = TOKEN_USER,
		.created = c->now };
	struct password_row password = { .created = c->now,
		.expires = c->now + FIRST_HOURS * 3600,
		.uses_total = FIRST_USES,
		.uses_left = FIRST_USES };
	char text[PASSWORD_CHARS * 2];
	json_t *o;
	int64_t id;
	int e;

	make_password(text, password.hash);
	e = entity_add(c->ca->store, &entity, &password.entity);
	if (!e)
		e = password_add(c->ca->store, &password, &id);
	if (!e)
		e = ceremony_event(c, EVENT_ENTITY_ADD, SEVERITY_INFO,
		    "entity " FIRST_NAME, NULL);
	if (e)
		return e;
	o = json_object();
	json_set_text(o, "name", FIRST_NAME);
	json_set_text(o, "password", text);
	json_set_time(o, "expires", password.expires);
	secret_wipe(text, sizeof(text));
	return json_object_set_new(c->answer, "entity", o) ? E_NOMEM : 0;
}

/* -- recording -- */

static int
save_estate(struct ceremony *c)
{
	AUTO(json_t) *o = json_object();
	AUTO(char) *text = NULL;

	json_set_text(o, "name", c->name);
	json_set_text(o, "c", c->estate.c);
	json_set_text(o, "st", c->estate.st);
	json_set_text(o, "l", c->estate.l);
	json_set_text(o, "o", c->estate.o);
	json_set_text(o, "ou", c->estate.ou);
	json_set_text(o, "email", c->estate.email);
	text = json_to_text(o);
	return text ? setting_set(
			  c->ca->store, CA_SETTING_ESTATE, span_str(text))
		    : E_NOMEM;
}

static int
record_ignition(struct ceremony *c)
{
	struct store *s = c->ca->store;
	char when[TIME_TEXT_MAX];
	AUTO(json_t) *o = json_object();
	int e = save_estate(c);

	time_print(c->now, when);
	if (!e)
		e = setting_set(
		    s, CA_SETTING_LEDGER_KEY, span_str(c->ledger_key));
	if (!e)
		e = setting_set(
		    s, CA_SETTING_LEDGER_SPKI, buf_span(&c->ledger_spki));
	if (!e)
		e = setting_set(s, CA_SETTING_IGNITED, span_str(when));
	json_set_int(o, "authorities", (int64_t)c->made_n);
	json_set_text(o, "name", c->name);
	if (!e)
		e = ceremony_event(
		    c, EVENT_IGNITION, SEVERITY_NOTICE, "estate", o);
	if (!e && c->made_n)
		e = add_first_entity(c);
	return e;
}

static void
on_made(struct ceremony *c)
{
	ca_changed(c->ca);
	(void)json_object_set_new(
	    c->answer, "authorities", ceremony_authorities(c->ca));
}

static int
say_next_step(struct ceremony *c)
{
	const char *id = c->made_n ? c->made[c->made_n - 1].id : "";
	char text[AUTHORITY_ID_MAX + 128];

	if (c->state != AUTHORITY_NEXT)
		return 0;
	snprintf(text, sizeof(text),
	    "distribute the new root, then: signet ca activate %s", id);
	json_set_text(c->answer, "next_step", text);
	json_set_text(c->answer, "id", id);
	return hierarchy_would_break(c);
}

#define MAKE_STEPS                                                       \
	hierarchy_root_key, hierarchy_root_cert, hierarchy_issuing_key,  \
	    hierarchy_issuing_cert, hierarchy_ra_key, hierarchy_ra_cert, \
	    hierarchy_root_crl, hierarchy_issuer_crl
#define IMPORT_STEPS                                              \
	transfer_import_key, hierarchy_ra_key, hierarchy_ra_cert, \
	    hierarchy_issuer_crl

static const ceremony_step ignite_steps[] = { check_ignition, MAKE_STEPS,
	make_ledger_key, hierarchy_record, record_ignition, NULL };
static const ceremony_step ignite_import_steps[] = { check_ignition,
	IMPORT_STEPS, make_ledger_key, hierarchy_record, record_ignition,
	NULL };
static const ceremony_step create_steps[] = { check_creation, MAKE_STEPS,
	say_next_step, hierarchy_record, NULL };
static const ceremony_step import_steps[] = { check_creation, IMPORT_STEPS,
	say_next_step, hierarchy_record, NULL };

static int
take_params(struct ceremony *c, const struct ignite_params *p)
{
	c->estate = p->estate;
	c->is_single = p->single_level;
	c->has_no_ca = p->no_ca;
	/* CERT-6: RSA 2048 unless asked otherwise: IP Office takes no more */
	c->key = p->key ? p->key : KEY_RSA2048;
	c->on_durable = on_made;
	if (p->name && str_copy(c->name, sizeof(c->name), p->name))
		return ca_refuse(&c->d, E_INVAL, "authority name",
		    "give a shorter one", "longer than %d bytes",
		    CEREMONY_NAME_MAX - 1);
	if (str_copy(c->root_profile, sizeof(c->root_profile),
		p->root_profile ? p->root_profile : CA_PROFILE_ROOT))
		return ca_refuse(&c->d, E_INVAL, "root profile",
		    "see signet profile list", "too long for a name");
	if (p->p12.n && p->root_profile)
		return ca_refuse(&c->d, E_INVAL, "root profile", "leave it out",
		    "an authority that is imported is made already");
	return p->p12.n ? transfer_prepare(c, p->p12, p->p12_password) : 0;
}

int
ca_ignite(struct ca *ca, const struct ignite_params *p, const struct actor *who,
    ca_done_fn fn, void *cookie)
{
	const ceremony_step *steps =
	    p->p12.n ? ignite_import_steps : ignite_steps;
	struct ceremony *c = ceremony_new(ca, steps, who, fn, cookie);

	if (!c)
		return E_NOMEM;
	c->kind = EVENT_IGNITION;
	c->state = AUTHORITY_CURRENT;
	c->result = take_params(c, p);
	return ceremony_run(c);
}

int
ca_create(struct ca *ca, const struct ignite_params *p, const struct actor *who,
    ca_done_fn fn, void *cookie)
{
	struct ceremony *c = ceremony_new(ca, create_steps, who, fn, cookie);
	static const struct estate_names none;

	if (!c)
		return E_NOMEM;
	c->state = AUTHORITY_NEXT;
	c->result = take_params(c, p);
	c->has_no_ca = false;
	if (memcmp(&c->estate, &none, sizeof(none)) == 0)
		c->estate = ca->estate;
	return ceremony_run(c);
}

int
ca_import(struct ca *ca, struct span p12, const char *password,
    const struct actor *who, ca_done_fn fn, void *cookie)
{
	struct ceremony *c = ceremony_new(ca, import_steps, who, fn, cookie);

	if (!c)
		return E_NOMEM;
	c->kind = EVENT_CA_IMPORT;
	c->state = ca_issuer(ca) ? AUTHORITY_NEXT : AUTHORITY_CURRENT;
	c->estate = ca->estate;
	c->on_durable = on_made;
	c->result = transfer_prepare(c, p12, password);
	return ceremony_run(c);
}
