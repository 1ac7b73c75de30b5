#include "cert/profile.h"

#include <stdio.h>

#include "base/enumtab.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "cert/profile_internal.h"
#include "os/file.h"

#define SUFFIX ".yaml"

static const struct enum_text kinds[] = {
	{ PROFILE_IDENTITY, "identity" },
	{ PROFILE_CA, "ca" },
	{ PROFILE_OCSP, "ocsp" },
	{ PROFILE_RA, "ra" },
	{ PROFILE_STANDALONE, "standalone" },
	{ 0, NULL },
};

const char *
profile_kind_name(enum profile_kind k)
{
	return enum_name(kinds, (int)k);
}

static int
refuse(
    const struct profile *p, struct diag *d, const char *key, const char *fact)
{
	diag_set(d, E_PARSE, p->file, key, "%s", fact);
	diag_remedy(d, "signet-profile(5) lists every key and value");
	return E_PARSE;
}

/* the file's name without folder and suffix */
static int
name_take(struct profile *p, const char *file, struct diag *d)
{
	const char *base = strrchr(file, '/');
	size_t n;

	base = base ? base + 1 : file;
	n = strlen(base);
	if (n > strlen(SUFFIX) &&
	    strcmp(base + n - strlen(SUFFIX), SUFFIX) == 0)
		n -= strlen(SUFFIX);
	if (str_copy(p->file, sizeof(p->file), file) || n == 0 ||
	    n >= sizeof(p->name) ||
	    strspn(base, "abcdefghijklmnopqrstuvwxyz0123456789-") < n)
		return refuse(
		    p, d, "name", "a profile's file is named [a-z0-9-].yaml");
	memcpy(p->name, base, n);
	p->name[n] = '\0';
	return 0;
}

static int
validity_check(const struct profile *p, struct diag *d)
{
	if (p->days == 0 || p->days_max > PROFILE_DAYS_MAX)
		return refuse(p, d, "validity.days", "from 1 day to 100 years");
	if (p->days > p->days_max)
		return refuse(p, d, "validity.days", "is over max_days");
	if (p->backdate_h > PROFILE_BACKDATE_MAX)
		return refuse(p, d, "validity.backdate_hours", "is over 720");
	for (size_t i = 0; i < p->step_n; i++) {
		if (p->steps[i].days_max == 0 ||
		    p->steps[i].days_max > p->days_max)
			return refuse(p, d, "validity.steps.max_days",
			    "from 1 to max_days");
		if (i && p->steps[i].from <= p->steps[i - 1].from)
			return refuse(p, d, "validity.steps.from",
			    "the dates do not rise");
	}
	return 0;
}

/* CERT-5: what is outdated is made only where the profile says legacy */
static int
legacy_check(const struct profile *p, struct diag *d)
{
	if (p->legacy)
		return 0;
	if (p->hash < HASH_SHA256)
		return refuse(p, d, "key.hash", "needs legacy: true (CERT-5)");
	for (size_t i = 0; i < p->key_n; i++)
		if (p->keys[i] == KEY_RSA1024)
			return refuse(p, d, "key.accept",
			    "rsa1024 needs legacy: true (CERT-5)");
	return 0;
}

static int
ca_check(const struct profile *p, struct diag *d)
{
	unsigned ku = p->ku | p->ku_allowed;

	if (p->kind == PROFILE_CA && !(p->ca && p->ku & KU_CERT_SIGN))
		return refuse(p, d, "ca.is",
		    "kind ca needs ca.is: true and always keyCertSign");
	if (p->ca && p->kind != PROFILE_CA && p->kind != PROFILE_STANDALONE)
		return refuse(p, d, "ca.is", "only for kind ca or standalone");
	/* RFC 5280 4.2.1.9 and 4.2.1.3 */
	if (!p->ca && p->path_len >= 0)
		return refuse(p, d, "ca.path_length", "needs ca.is: true");
	if (p->path_len < -1 || p->path_len > 32)
		return refuse(p, d, "ca.path_length", "from 0 to 32");
	if (!p->ca && (ku & (KU_CERT_SIGN | KU_CRL_SIGN)))
		return refuse(p, d, "key_usage",
		    "keyCertSign and cRLSign need ca.is: true");
	return 0;
}

static int
names_check(const struct profile *p, struct diag *d)
{
	bool any = p->san_dns || p->san_ip || p->san_uri || p->san_email;

	if (p->san_max > SAN_MAX)
		return refuse(p, d, "names.max", "is over 64");
	if (p->san_required && (!any || p->san_max == 0))
		return refuse(
		    p, d, "names.required", "but no kind of name is allowed");
	if (p->san_wildcard && !p->san_dns)
		return refuse(p, d, "names.wildcard", "needs dns: true");
	if (p->san_from_cn && !p->san_dns)
		return refuse(p, d, "names.from_cn", "needs dns: true");
	return 0;
}

int
profile_parse(
    struct span text, const char *file, struct diag *d, struct profile *ret)
{
	struct profile p;
	int e = profile_yaml_read(text, file, d, &p);

	if (!e)
		e = name_take(&p, file, d);
	if (!e)
		e = validity_check(&p, d);
	if (!e)
		e = legacy_check(&p, d);
	if (!e)
		e = ca_check(&p, d);
	if (!e)
		e = names_check(&p, d);
	if (e)
		return e;
	*ret = p;
	return 0;
}

struct loading { /* of one folder */
	struct profile_set *set;
	struct diag *d;
	bool shipped;
};

static int
load_one(
    struct loading *l, const char *path, const char *name, struct profile *ret)
{
	BUF(text, PROFILE_FILE_MAX);
	int e = file_read(path, PROFILE_FILE_MAX, l->d, &text);

	if (!e)
		e = profile_parse(buf_span(&text), path, l->d, ret);
	if (!e && profile_find(l->set, ret->name))
		return diag_set(l->d, E_EXISTS, path, "CA-3",
		    "a shipped profile has this name");
	if (!e && l->set->n == PROFILE_MAX)
		return diag_set(l->d, E_LIMIT, name, "CA-3",
		    "more than %d profiles", PROFILE_MAX);
	return e;
}

static int
on_file(const char *path, const char *name, void *cookie)
{
	struct loading *l = cookie;
	struct profile *p = l->set->n < PROFILE_MAX ? &l->set->e[l->set->n]
						    : &(struct profile){ 0 };
	size_t n = strlen(name);
	char text[4 * DIAG_TEXT_MAX];
	int e;

	if (n <= strlen(SUFFIX) ||
	    strcmp(name + n - strlen(SUFFIX), SUFFIX) != 0)
		return 0;
	e = load_one(l, path, name, p);
	if (!e) {
		p->shipped = l->shipped;
		l->set->n++;
		return 0;
	}
	if (l->shipped)
		return e;
	diag_print(l->d, text, sizeof(text));
	log_line(LOG_WARNING, "profile left out: %s", text);
	return 0;
}

int
profile_load(const char *catalog_dir, const char *state_dir, struct diag *d,
    struct profile_set *ret)
{
	char path[sizeof(ret->e[0].file)];
	struct diag own = { .code = 0 };
	struct loading l = { .set = ret, .d = &own, .shipped = true };
	int e = path_join(path, sizeof(path), catalog_dir, "profiles");

	ret->n = 0;
	if (!e)
		e = dir_each(path, PROFILE_MAX, on_file, &l);
	if (e) {
		if (own.code == 0)
			diag_set(&own, e, catalog_dir, "CA-3",
			    "the shipped profiles cannot be read");
		if (d)
			*d = own;
		return e;
	}
	if (!state_dir || state_dir[0] == '\0')
		return 0;
	l.shipped = false;
	e = path_join(path, sizeof(path), state_dir, "profiles");
	if (!e)
		e = dir_each(path, 4 * PROFILE_MAX, on_file, &l);
	if (e && e != E_NOT_FOUND)
		return diag_set(d, e, path, "CA-3", "cannot be read");
	return 0;
}

const struct profile *
profile_find(const struct profile_set *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->e[i].name, name) == 0)
			return &s->e[i];
	return NULL;
}

uint32_t
profile_days_max(const struct profile *p, int64_t issued_at)
{
	uint32_t days = p->days_max;

	for (size_t i = 0; i < p->step_n; i++)
		if (issued_at >= p->steps[i].from)
			days = p->steps[i].days_max;
	return days;
}
