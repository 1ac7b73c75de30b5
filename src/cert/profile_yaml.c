/* cert/profile, the YAML side: schema, reading, printing. */
#include <cyaml/cyaml.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "base/time.h"
#include "cert/profile_internal.h"

#define SAN_MAX_DEFAULT 32
#define BACKDATE_DEFAULT 24 /* CERT-6: valid from now minus 24 hours */
#define DATE_MAX 32

enum { MATCH_C = 1, MATCH_ST = 2, MATCH_O = 4 };

struct raw_step {
	char from[DATE_MAX];
	uint32_t max_days;
};

struct raw_validity {
	uint32_t days, max_days;
	uint32_t *backdate_hours;
	struct raw_step *steps;
	unsigned steps_count;
};

struct raw_key {
	enum key_kind *accept;
	unsigned accept_count;
	enum hash_kind hash;
};

struct raw_usage {
	unsigned always, allowed;
	bool critical;
};

struct raw_names {
	bool dns, ip, uri, email, wildcard, required, from_cn, org_from_estate;
	uint32_t *max;
	unsigned match;
};

struct raw_ca {
	bool is;
	int32_t *path_length;
};

struct raw {
	char title[128];
	enum profile_kind kind;
	bool legacy, legacy_transport;
	struct raw_validity validity;
	struct raw_key key;
	struct raw_usage ku, eku;
	struct raw_names names;
	struct raw_ca ca;
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define OPTIONAL CYAML_FLAG_OPTIONAL
#define STRICT (CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT)

static const cyaml_strval_t kinds[] = {
	{ "identity", PROFILE_IDENTITY },
	{ "ca", PROFILE_CA },
	{ "ocsp", PROFILE_OCSP },
	{ "ra", PROFILE_RA },
	{ "standalone", PROFILE_STANDALONE },
};

static const cyaml_strval_t key_kinds[] = {
	{ "rsa1024", KEY_RSA1024 },
	{ "rsa2048", KEY_RSA2048 },
	{ "rsa3072", KEY_RSA3072 },
	{ "rsa4096", KEY_RSA4096 },
	{ "p256", KEY_P256 },
	{ "p384", KEY_P384 },
	{ "ed25519", KEY_ED25519 },
};

static const cyaml_strval_t hashes[] = {
	{ "sha1", HASH_SHA1 },
	{ "sha256", HASH_SHA256 },
	{ "sha384", HASH_SHA384 },
	{ "sha512", HASH_SHA512 },
};

static const cyaml_strval_t key_usages[] = {
	{ "digitalSignature", KU_DIGITAL_SIGNATURE },
	{ "nonRepudiation", KU_NON_REPUDIATION },
	{ "keyEncipherment", KU_KEY_ENCIPHERMENT },
	{ "dataEncipherment", KU_DATA_ENCIPHERMENT },
	{ "keyAgreement", KU_KEY_AGREEMENT },
	{ "keyCertSign", KU_CERT_SIGN },
	{ "cRLSign", KU_CRL_SIGN },
};

static const cyaml_strval_t extended_usages[] = {
	{ "serverAuth", EKU_SERVER },
	{ "clientAuth", EKU_CLIENT },
	{ "codeSigning", EKU_CODE },
	{ "emailProtection", EKU_EMAIL },
	{ "timeStamping", EKU_TIME },
	{ "OCSPSigning", EKU_OCSP },
	{ "sipDomain", EKU_SIP_DOMAIN },
	{ "ipsecIKE", EKU_IPSEC_IKE },
	{ "anyExtendedKeyUsage", EKU_ANY },
	{ "cmcRA", EKU_CMC_RA },
};

static const cyaml_strval_t matches[] = {
	{ "C", MATCH_C },
	{ "ST", MATCH_ST },
	{ "O", MATCH_O },
};

static const cyaml_schema_field_t step_fields[] = {
	CYAML_FIELD_STRING(
	    "from", CYAML_FLAG_DEFAULT, struct raw_step, from, 1),
	CYAML_FIELD_UINT(
	    "max_days", CYAML_FLAG_DEFAULT, struct raw_step, max_days),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t step_value = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_step, step_fields),
};

static const cyaml_schema_field_t validity_fields[] = {
	CYAML_FIELD_UINT("days", CYAML_FLAG_DEFAULT, struct raw_validity, days),
	CYAML_FIELD_UINT("max_days", OPTIONAL, struct raw_validity, max_days),
	CYAML_FIELD_UINT_PTR(
	    "backdate_hours", OPTIONAL, struct raw_validity, backdate_hours),
	CYAML_FIELD_SEQUENCE("steps", CYAML_FLAG_POINTER | OPTIONAL,
	    struct raw_validity, steps, &step_value, 0, PROFILE_STEPS_MAX),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t key_kind_value = {
	CYAML_VALUE_ENUM(
	    CYAML_FLAG_STRICT, enum key_kind, key_kinds, COUNT(key_kinds)),
};

static const cyaml_schema_field_t key_fields[] = {
	CYAML_FIELD_SEQUENCE("accept", CYAML_FLAG_POINTER, struct raw_key,
	    accept, &key_kind_value, 1, PROFILE_KEYS_MAX),
	CYAML_FIELD_ENUM(
	    "hash", STRICT, struct raw_key, hash, hashes, COUNT(hashes)),
	CYAML_FIELD_END
};

static const cyaml_schema_field_t ku_fields[] = {
	CYAML_FIELD_FLAGS("always", STRICT, struct raw_usage, always,
	    key_usages, COUNT(key_usages)),
	CYAML_FIELD_FLAGS("allowed", STRICT, struct raw_usage, allowed,
	    key_usages, COUNT(key_usages)),
	CYAML_FIELD_BOOL("critical", OPTIONAL, struct raw_usage, critical),
	CYAML_FIELD_END
};

static const cyaml_schema_field_t eku_fields[] = {
	CYAML_FIELD_FLAGS("always", STRICT, struct raw_usage, always,
	    extended_usages, COUNT(extended_usages)),
	CYAML_FIELD_FLAGS("allowed", STRICT, struct raw_usage, allowed,
	    extended_usages, COUNT(extended_usages)),
	CYAML_FIELD_END
};

static const cyaml_schema_field_t name_fields[] = {
	CYAML_FIELD_BOOL("dns", OPTIONAL, struct raw_names, dns),
	CYAML_FIELD_BOOL("ip", OPTIONAL, struct raw_names, ip),
	CYAML_FIELD_BOOL("uri", OPTIONAL, struct raw_names, uri),
	CYAML_FIELD_BOOL("email", OPTIONAL, struct raw_names, email),
	CYAML_FIELD_BOOL("wildcard", OPTIONAL, struct raw_names, wildcard),
	CYAML_FIELD_UINT_PTR("max", OPTIONAL, struct raw_names, max),
	CYAML_FIELD_BOOL("required", OPTIONAL, struct raw_names, required),
	CYAML_FIELD_BOOL("from_cn", OPTIONAL, struct raw_names, from_cn),
	CYAML_FIELD_FLAGS(
	    "match", STRICT, struct raw_names, match, matches, COUNT(matches)),
	CYAML_FIELD_BOOL(
	    "org_from_estate", OPTIONAL, struct raw_names, org_from_estate),
	CYAML_FIELD_END
};

static const cyaml_schema_field_t ca_fields[] = {
	CYAML_FIELD_BOOL("is", CYAML_FLAG_DEFAULT, struct raw_ca, is),
	CYAML_FIELD_INT_PTR(
	    "path_length", OPTIONAL, struct raw_ca, path_length),
	CYAML_FIELD_END
};

static const cyaml_schema_field_t fields[] = {
	CYAML_FIELD_STRING("title", CYAML_FLAG_DEFAULT, struct raw, title, 1),
	CYAML_FIELD_ENUM(
	    "kind", CYAML_FLAG_STRICT, struct raw, kind, kinds, COUNT(kinds)),
	CYAML_FIELD_BOOL("legacy", OPTIONAL, struct raw, legacy),
	CYAML_FIELD_BOOL(
	    "legacy_transport", OPTIONAL, struct raw, legacy_transport),
	CYAML_FIELD_MAPPING("validity", CYAML_FLAG_DEFAULT, struct raw,
	    validity, validity_fields),
	CYAML_FIELD_MAPPING(
	    "key", CYAML_FLAG_DEFAULT, struct raw, key, key_fields),
	CYAML_FIELD_MAPPING("key_usage", OPTIONAL, struct raw, ku, ku_fields),
	CYAML_FIELD_MAPPING(
	    "extended_key_usage", OPTIONAL, struct raw, eku, eku_fields),
	CYAML_FIELD_MAPPING("names", OPTIONAL, struct raw, names, name_fields),
	CYAML_FIELD_MAPPING("ca", OPTIONAL, struct raw, ca, ca_fields),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw, fields),
};

/*
 * libcyaml tells its errors as log lines: what, "Backtrace:", then one line
 * a level, the innermost first: "  in mapping field 'kind' (line: 2, ...".
 */
struct story {
	char what[DIAG_TEXT_MAX];
	char path[DIAG_TEXT_MAX];
	unsigned line;
};

static void
prepend_key(struct story *s, const char *key, size_t n)
{
	char whole[DIAG_TEXT_MAX];
	int made = snprintf(whole, sizeof(whole), "%.*s%s%s", (int)n, key,
	    s->path[0] ? "." : "", s->path);

	if (made > 0 && (size_t)made < sizeof(whole))
		memcpy(s->path, whole, (size_t)made + 1);
}

static void __attribute__((format(printf, 3, 0)))
on_log(cyaml_log_t level, void *cookie, const char *fmt, va_list args)
{
	struct story *s = cookie;
	char text[DIAG_TEXT_MAX];
	const char *at, *key, *end;

	(void)level;
	if (vsnprintf(text, sizeof(text), fmt, args) < 0)
		return;
	text[strcspn(text, "\n")] = '\0';
	at = strstr(text, "(line: ");
	if (at && s->line == 0)
		s->line = (unsigned)strtoul(at + 7, NULL, 10);
	key = strstr(text, "mapping field '");
	end = key ? strchr(key + 15, '\'') : NULL;
	if (end)
		prepend_key(s, key + 15, (size_t)(end - key) - 15);
	if (s->what[0] == '\0' && !at) {
		at = str_has_prefix(text, "Load: ") ? text + 6 : text;
		snprintf(s->what, sizeof(s->what), "%s", at);
	}
}

/*
 * For a key it does not know libcyaml names the line of the value before it.
 * The key itself stands there or below.
 */
static void
line_correct(struct story *s, struct span text)
{
	static const char unknown[] = "Unexpected key: ";
	const char *key = s->what + strlen(unknown);
	const uint8_t *at = text.p, *end = text.p + text.n;
	size_t n;

	if (!str_has_prefix(s->what, unknown) || s->line == 0)
		return;
	n = strlen(key);
	for (unsigned line = 1; at < end; line++) {
		const uint8_t *stop = memchr(at, '\n', (size_t)(end - at));

		stop = stop ? stop : end;
		while (at < stop && (*at == ' ' || *at == '-'))
			at++;
		if (line >= s->line && (size_t)(stop - at) > n &&
		    memcmp(at, key, n) == 0 && at[n] == ':') {
			s->line = line;
			return;
		}
		at = stop + 1;
	}
}

static int
refuse(const struct story *s, const char *file, struct diag *d)
{
	char object[DIAG_TEXT_MAX];

	if (s->line)
		snprintf(object, sizeof(object), "%.280s:%u", file, s->line);
	else
		snprintf(object, sizeof(object), "%.280s", file);
	diag_set(d, E_PARSE, object, s->path[0] ? s->path : NULL, "%s",
	    s->what[0] ? s->what : "is empty");
	diag_remedy(d, "signet-profile(5) lists every key and value");
	return E_PARSE;
}

static int
steps_take(
    const struct raw *r, const char *file, struct diag *d, struct profile *p)
{
	for (unsigned i = 0; i < r->validity.steps_count; i++) {
		const struct raw_step *s = &r->validity.steps[i];

		if (time_parse(s->from, &p->steps[i].from))
			return diag_set(d, E_PARSE, file, "validity.steps.from",
			    "%s is no date", s->from);
		p->steps[i].days_max = s->max_days;
	}
	p->step_n = r->validity.steps_count;
	return 0;
}

static void
names_take(const struct raw_names *n, struct profile *p)
{
	p->san_dns = n->dns;
	p->san_ip = n->ip;
	p->san_uri = n->uri;
	p->san_email = n->email;
	p->san_wildcard = n->wildcard;
	p->san_max = n->max ? *n->max : SAN_MAX_DEFAULT;
	p->san_required = n->required;
	p->san_from_cn = n->from_cn;
	p->match_c = n->match & MATCH_C;
	p->match_st = n->match & MATCH_ST;
	p->match_o = n->match & MATCH_O;
	p->org_from_estate = n->org_from_estate;
}

static int
raw_take(
    const struct raw *r, const char *file, struct diag *d, struct profile *p)
{
	memset(p, 0, sizeof(*p));
	memcpy(p->title, r->title, sizeof(p->title));
	p->kind = r->kind;
	p->legacy = r->legacy;
	p->legacy_transport = r->legacy_transport;
	p->days = r->validity.days;
	p->days_max =
	    r->validity.max_days ? r->validity.max_days : r->validity.days;
	p->backdate_h = r->validity.backdate_hours ? *r->validity.backdate_hours
						   : BACKDATE_DEFAULT;
	for (unsigned i = 0; i < r->key.accept_count; i++)
		p->keys[p->key_n++] = r->key.accept[i];
	p->hash = r->key.hash ? r->key.hash : HASH_SHA256;
	p->ku = r->ku.always;
	p->ku_allowed = r->ku.allowed;
	p->ku_critical = r->ku.critical;
	p->eku = r->eku.always;
	p->eku_allowed = r->eku.allowed;
	names_take(&r->names, p);
	p->ca = r->ca.is;
	p->path_len = r->ca.path_length ? *r->ca.path_length : -1;
	return steps_take(r, file, d, p);
}

int
profile_yaml_read(
    struct span text, const char *file, struct diag *d, struct profile *ret)
{
	struct story story = { .line = 0 };
	cyaml_config_t config = {
		.log_fn = on_log,
		.log_ctx = &story,
		.mem_fn = cyaml_mem,
		.log_level = CYAML_LOG_ERROR,
		.flags = CYAML_CFG_NO_ALIAS, /* no file that grows in memory */
	};
	struct raw *raw = NULL;
	int e;

	if (text.n > PROFILE_FILE_MAX)
		return diag_set(d, E_TOO_BIG, file, NULL,
		    "is larger than %d bytes", PROFILE_FILE_MAX);
	if (cyaml_load_data(text.p, text.n, &config, &schema,
		(cyaml_data_t **)&raw, NULL) != CYAML_OK ||
	    !raw) {
		line_correct(&story, text);
		return refuse(&story, file, d);
	}
	e = raw_take(raw, file, d, ret);
	cyaml_free(&config, &schema, raw, 0);
	return e;
}

static const char *
text_of(const cyaml_strval_t *table, size_t n, int64_t value)
{
	for (size_t i = 0; i < n; i++)
		if (table[i].val == value)
			return table[i].str;
	return "unset";
}

static void
print_flags(struct buf *out, const char *key, const cyaml_strval_t *table,
    size_t n, unsigned flags)
{
	const char *comma = "";

	buf_printf(out, "%s: [", key);
	for (size_t i = 0; i < n; i++) {
		if (!(flags & (unsigned)table[i].val))
			continue;
		buf_printf(out, "%s%s", comma, table[i].str);
		comma = ", ";
	}
	buf_add_text(out, "]\n");
}

static void
print_title(struct buf *out, const char *title)
{
	buf_add_text(out, "title: \"");
	for (; *title; title++) {
		if (*title == '"' || *title == '\\')
			buf_add_text(out, "\\");
		buf_add(out, title, 1);
	}
	buf_add_text(out, "\"\n");
}

static void
print_validity(struct buf *out, const struct profile *p)
{
	char date[TIME_TEXT_MAX];

	buf_printf(out,
	    "validity:\n  days: %u\n  max_days: %u\n"
	    "  backdate_hours: %u\n",
	    p->days, p->days_max, p->backdate_h);
	if (p->step_n)
		buf_add_text(out, "  steps:\n");
	for (size_t i = 0; i < p->step_n; i++) {
		time_print(p->steps[i].from, date);
		buf_printf(out, "    - {from: \"%s\", max_days: %u}\n", date,
		    p->steps[i].days_max);
	}
}

static void
print_key(struct buf *out, const struct profile *p)
{
	buf_add_text(out, "key:\n  accept: [");
	for (size_t i = 0; i < p->key_n; i++)
		buf_printf(out, "%s%s", i ? ", " : "",
		    text_of(key_kinds, COUNT(key_kinds), p->keys[i]));
	buf_printf(
	    out, "]\n  hash: %s\n", text_of(hashes, COUNT(hashes), p->hash));
}

static void
print_usages(struct buf *out, const struct profile *p)
{
	buf_add_text(out, "key_usage:\n");
	print_flags(out, "  always", key_usages, COUNT(key_usages), p->ku);
	print_flags(
	    out, "  allowed", key_usages, COUNT(key_usages), p->ku_allowed);
	buf_printf(out, "  critical: %s\n", p->ku_critical ? "true" : "false");
	buf_add_text(out, "extended_key_usage:\n");
	print_flags(
	    out, "  always", extended_usages, COUNT(extended_usages), p->eku);
	print_flags(out, "  allowed", extended_usages, COUNT(extended_usages),
	    p->eku_allowed);
}

static void
print_names(struct buf *out, const struct profile *p)
{
	const struct {
		const char *key;
		bool value;
	} switches[] = {
		{ "dns", p->san_dns },
		{ "ip", p->san_ip },
		{ "uri", p->san_uri },
		{ "email", p->san_email },
		{ "wildcard", p->san_wildcard },
		{ "required", p->san_required },
		{ "from_cn", p->san_from_cn },
		{ "org_from_estate", p->org_from_estate },
	};
	unsigned match = (p->match_c ? MATCH_C : 0) |
			 (p->match_st ? MATCH_ST : 0) |
			 (p->match_o ? MATCH_O : 0);

	buf_printf(out, "names:\n  max: %u\n", p->san_max);
	for (size_t i = 0; i < COUNT(switches); i++)
		buf_printf(out, "  %s: %s\n", switches[i].key,
		    switches[i].value ? "true" : "false");
	print_flags(out, "  match", matches, COUNT(matches), match);
}

int
profile_print(const struct profile *p, struct buf *out)
{
	print_title(out, p->title);
	buf_printf(out, "kind: %s\nlegacy: %s\nlegacy_transport: %s\n",
	    profile_kind_name(p->kind), p->legacy ? "true" : "false",
	    p->legacy_transport ? "true" : "false");
	print_validity(out, p);
	print_key(out, p);
	print_usages(out, p);
	print_names(out, p);
	if (p->ca && p->path_len >= 0)
		buf_printf(
		    out, "ca: {is: true, path_length: %d}\n", p->path_len);
	else
		buf_printf(out, "ca: {is: %s}\n", p->ca ? "true" : "false");
	return buf_error(out);
}
