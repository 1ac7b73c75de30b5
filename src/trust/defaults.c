/*
 * trust/defaults: the certificates that are trusted from the start (TRUST-2):
 * shipped as data, back with a reset, never silently when they have expired.
 */
#include <stdio.h>
#include <stdlib.h>

#include <cyaml/cyaml.h>

#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "os/file.h"
#include "trust/trust_internal.h"

#define DEFAULTS_YAML_MAX (256u << 10)
#define DEFAULTS_MAX 500 /* certificates in the shipped list */
#define PIN_MAX (64u << 10)
#define SETTING_PIN "trust.defaults"

struct yaml_entry {
	char *name, *file, *sha256, *use, *source;
};
struct yaml_list {
	struct yaml_entry *certificates;
	unsigned certificates_count;
};

#define TEXT(key)               \
	CYAML_FIELD_STRING_PTR( \
	    #key, CYAML_FLAG_POINTER, struct yaml_entry, key, 1, 300)
static const cyaml_schema_field_t entry_fields[] = { TEXT(name), TEXT(file),
	TEXT(sha256), TEXT(use), TEXT(source), CYAML_FIELD_END };
static const cyaml_schema_value_t entry_value = { CYAML_VALUE_MAPPING(
    CYAML_FLAG_DEFAULT, struct yaml_entry, entry_fields) };
static const cyaml_schema_field_t list_fields[] = {
	CYAML_FIELD_SEQUENCE("certificates", CYAML_FLAG_POINTER,
	    struct yaml_list, certificates, &entry_value, 1, DEFAULTS_MAX),
	CYAML_FIELD_END
};
static const cyaml_schema_value_t schema = { CYAML_VALUE_MAPPING(
    CYAML_FLAG_POINTER, struct yaml_list, list_fields) };

static const cyaml_config_t config = {
	.log_fn = NULL, .mem_fn = cyaml_mem, .log_level = CYAML_LOG_ERROR
};

struct defaults {
	struct yaml_list *list;
	struct x509 **certs; /* one for each entry */
	json_t *pinned;      /* array of names; NULL: all that are in date */
};

static void
defaults_done(struct defaults *f)
{
	for (size_t i = 0; f->certs && i < f->list->certificates_count; i++)
		x509_free(f->certs[i]);
	free(f->certs);
	json_decref(f->pinned);
	(void)cyaml_free(&config, &schema, f->list, 0);
}

static int
broken(const char *path, struct diag *d, const char *fact)
{
	(void)diag_set(d, E_PARSE, path, "TRUST-2", "%s", fact);
	diag_remedy(d, "install the package again: this file is shipped");
	return E_PARSE;
}

static int
folder_path(const struct trust *t, const char *name, char *out, size_t size)
{
	char folder[sizeof(t->catalog_dir) + 8];
	int e = path_join(folder, sizeof(folder), t->catalog_dir, "trust");

	return e ? e : path_join(out, size, folder, name);
}

/* the file is the one that was shipped, bit for bit */
static int
load_cert(const struct trust *t, const struct yaml_entry *y, struct diag *d,
    struct x509 **ret)
{
	static const struct bundle_options no_password;
	AUTO_STRUCT(bundle) *b = NULL;
	AUTO_STRUCT(x509) *c = NULL;
	char path[1024], hex[65];
	uint8_t fp[32];
	BUF(file, X509_DER_MAX * 2);
	int e = folder_path(t, y->file, path, sizeof(path));

	if (!e)
		e = file_read(path, X509_DER_MAX * 2, d, &file);
	if (!e)
		e = bundle_read(buf_span(&file), y->file, &no_password, d, &b);
	if (e)
		return e;
	if (b->n != 1 || b->objects[0].kind != OBJECT_CERT)
		return broken(path, d, "it does not hold one certificate");
	e = x509_parse(b->objects[0].der, d, &c);
	if (e)
		return e;
	x509_fingerprint(c, fp);
	str_hex(hex, sizeof(hex), span_of(fp, sizeof(fp)), 0);
	if (strcmp(hex, y->sha256) != 0)
		return broken(path, d, "its fingerprint is not the listed one");
	*ret = TAKE(c);
	return 0;
}

static int
load_pin(struct trust *t, json_t **ret)
{
	BUF(text, PIN_MAX);
	struct diag d;
	int e = setting_get(t->store, SETTING_PIN, &text);

	*ret = NULL;
	if (e == E_NOT_FOUND || (!e && text.n == 0))
		return 0;
	return e ? e : json_parse(buf_span(&text), PIN_MAX, &d, ret);
}

static int
load_certs(struct trust *t, struct defaults *f, struct diag *d)
{
	size_t n = f->list->certificates_count;
	int e = 0;

	f->certs = (struct x509 **)calloc(n, sizeof(*f->certs));
	if (!f->certs)
		return E_NOMEM;
	for (size_t i = 0; !e && i < n; i++)
		e = load_cert(t, &f->list->certificates[i], d, &f->certs[i]);
	return e ? e : load_pin(t, &f->pinned);
}

static int
defaults_load(struct trust *t, struct diag *d, struct defaults *ret)
{
	struct defaults f = { .list = NULL };
	char path[1024];
	BUF(file, DEFAULTS_YAML_MAX);
	int e = folder_path(t, "defaults.yaml", path, sizeof(path));

	if (!e)
		e = file_read(path, DEFAULTS_YAML_MAX, d, &file);
	if (e)
		return e;
	if (cyaml_load_data(file.p, file.n, &config, &schema,
		(cyaml_data_t **)&f.list, NULL) != CYAML_OK ||
	    !f.list)
		return broken(path, d, "it does not follow its schema");
	e = load_certs(t, &f, d);
	if (e) {
		defaults_done(&f);
		return e;
	}
	*ret = f;
	return 0;
}

static bool
is_named(const json_t *names, const char *name)
{
	size_t i;
	json_t *v;

	json_array_foreach(names, i, v)
	{
		const char *text = json_string_value(v);

		if (text && strcmp(text, name) == 0)
			return true;
	}
	return false;
}

static bool
is_expired(const struct x509 *c, int64_t now)
{
	return c->not_after < now;
}

/* pinned by name: even when expired, flagged; else what is in date */
static bool
is_wanted(const struct defaults *f, size_t i, int64_t now)
{
	if (f->pinned)
		return is_named(f->pinned, f->list->certificates[i].name);
	return !is_expired(f->certs[i], now);
}

/* -- list -- */

static json_t *
default_to_json(const struct defaults *f, size_t i, int64_t now)
{
	const struct yaml_entry *y = &f->list->certificates[i];
	const struct x509 *c = f->certs[i];
	struct trust_row row;
	json_t *o = json_object();

	trust_row_of(c, now, &row);
	json_set_text(o, "name", y->name);
	json_set_text(o, "file", y->file);
	json_set_text(o, "use", y->use);
	json_set_text(o, "source", y->source);
	json_set_text(o, "subject", row.subject);
	json_set_text(o, "fingerprint", y->sha256);
	json_set_time(o, "not_before", c->not_before);
	json_set_time(o, "not_after", c->not_after);
	json_set_bool(o, "pinned", f->pinned && is_named(f->pinned, y->name));
	json_set_bool(o, "applies", is_wanted(f, i, now));
	(void)json_object_set_new(o, "flags", trust_flags(c, now, false));
	return o;
}

int
trust_defaults_list(struct trust *t, int64_t now, json_t **ret)
{
	struct diag d = { 0 };
	struct defaults f;
	json_t *o, *a;
	int e = defaults_load(t, &d, &f);

	if (e) {
		log_line(LOG_ERROR, "%s: %s", d.object, d.fact);
		return e;
	}
	o = json_object();
	a = json_array();
	for (size_t i = 0; i < f.list->certificates_count; i++)
		(void)json_array_append_new(a, default_to_json(&f, i, now));
	json_set_bool(o, "pinned", f.pinned != NULL);
	defaults_done(&f);
	if (!o || json_object_set_new(o, "certificates", a)) {
		json_decref(o);
		return E_NOMEM;
	}
	*ret = o;
	return 0;
}

/* -- reset -- */

struct apply {
	struct trust *t;
	const char *system, *actor, *source;
	int64_t now, added, already, removed;
	const struct defaults *f;
	struct trust_aliases aliases;
	struct buf gone; /* struct trust_row each: defaults no longer wanted */
	json_t *left_out;
};

/* defaults that stand there and are not wanted any more */
static int
find_gone(const struct trust_row *row, void *cookie)
{
	struct apply *a = (struct apply *)cookie;
	struct trust_row bare = *row;
	uint8_t fp[32];

	if (row->origin != ORIGIN_DEFAULT)
		return 0;
	for (size_t i = 0; i < a->f->list->certificates_count; i++) {
		x509_fingerprint(a->f->certs[i], fp);
		if (memcmp(fp, row->fingerprint, sizeof(fp)) == 0 &&
		    is_wanted(a->f, i, a->now))
			return 0;
	}
	bare.der = span_of(NULL, 0);
	buf_add(&a->gone, &bare, sizeof(bare));
	return buf_error(&a->gone);
}

static int
remove_gone(struct apply *a)
{
	int e = trust_row_each(a->t->store, a->system, find_gone, a);

	for (size_t at = 0; !e && at < a->gone.n;
	     at += sizeof(struct trust_row)) {
		struct trust_row row;

		memcpy(&row, a->gone.p + at, sizeof(row));
		e = trust_row_remove(a->t->store, row.id);
		if (!e)
			e = trust_event(a->t, EVENT_TRUST_REMOVE, &row,
			    a->actor, a->source, a->now);
		a->removed++;
	}
	return e;
}

static int
apply_one(struct apply *a, size_t i)
{
	const struct yaml_entry *y = &a->f->list->certificates[i];
	const struct x509 *c = a->f->certs[i];
	struct trust_row row, old;
	int64_t id;
	int e;

	if (!is_wanted(a->f, i, a->now))
		return json_array_append_new(
			   a->left_out, default_to_json(a->f, i, a->now))
			   ? E_NOMEM
			   : 0;
	trust_row_of(c, a->now, &row);
	e = trust_row_get(a->t->store, a->system, row.fingerprint, &old);
	if (e == 0) {
		trust_row_done(&old);
		a->already++;
		return 0;
	}
	if (e != E_NOT_FOUND)
		return e;
	e = trust_aliases_take(
	    &a->aliases, y->name, row.alias, sizeof(row.alias));
	if (!e)
		e = str_copy(row.system, sizeof(row.system), a->system);
	if (e)
		return e;
	row.origin = ORIGIN_DEFAULT;
	row.der = x509_span(c);
	e = trust_row_add(a->t->store, &row, &id);
	if (!e)
		e = trust_event(
		    a->t, EVENT_TRUST_ADD, &row, a->actor, a->source, a->now);
	a->added++;
	return e;
}

static int
apply_all(struct apply *a)
{
	struct event ev = { .kind = EVENT_TRUST_RESET,
		.severity = SEVERITY_NOTICE,
		.actor = a->actor,
		.source = a->source,
		.object = "trust defaults",
		.result = "ok" };
	int e = ledger_add(a->t->ledger, &ev, a->now);

	if (!e)
		e = remove_gone(a);
	if (!e)
		e = trust_aliases_load(a->t, a->system, &a->aliases);
	for (size_t i = 0; !e && i < a->f->list->certificates_count; i++)
		e = apply_one(a, i);
	if (e)
		store_poison(a->t->store);
	trust_aliases_done(&a->aliases);
	return e;
}

int
trust_defaults_apply(struct trust *t, const char *system, const char *actor,
    const char *source, int64_t now, struct diag *d, json_t **ret)
{
	struct defaults f;
	struct apply a = { .t = t,
		.system = system,
		.actor = actor,
		.source = source,
		.now = now,
		.f = &f,
		.left_out = json_array() };
	json_t *o = NULL;
	int e = trust_system_check(system, d);

	buf_init(&a.gone, 64u << 20);
	if (!e)
		e = defaults_load(t, d, &f);
	if (!e) {
		e = apply_all(&a);
		defaults_done(&f);
	}
	buf_done(&a.gone);
	if (e) {
		json_decref(a.left_out);
		return e;
	}
	o = json_object();
	json_set_text(o, "system", system);
	json_set_int(o, "added", a.added);
	json_set_int(o, "already", a.already);
	json_set_int(o, "removed", a.removed);
	if (!o || json_object_set_new(o, "left_out", a.left_out)) {
		json_decref(o);
		return E_NOMEM;
	}
	*ret = o;
	return 0;
}

/* -- pin -- */

static int
check_names(const struct defaults *f, const json_t *names, struct diag *d)
{
	size_t i;
	json_t *v;

	json_array_foreach(names, i, v)
	{
		const char *text = json_string_value(v);
		size_t k = 0, n = f->list->certificates_count;

		while (text && k < n &&
		       strcmp(f->list->certificates[k].name, text) != 0)
			k++;
		if (text && k < n)
			continue;
		(void)diag_set(d, E_NOT_FOUND, text ? text : "name", "TRUST-2",
		    "there is no default certificate of this name");
		diag_remedy(d, "signet trust defaults lists them");
		return E_NOT_FOUND;
	}
	return 0;
}

/* names: an array pins that set; NULL or JSON null takes the pin away */
int
trust_defaults_pin(struct trust *t, const json_t *names, const char *actor,
    const char *source, int64_t now, struct diag *d)
{
	bool is_pin = json_is_array(names);
	struct event ev = { .kind = EVENT_SETTING_CHANGE,
		.severity = SEVERITY_NOTICE,
		.actor = actor,
		.source = source,
		.object = SETTING_PIN,
		.result = "ok" };
	AUTO(json_t) *detail = json_object();
	AUTO(char) *text = NULL;
	struct defaults f;
	int e = defaults_load(t, d, &f);

	if (e)
		return e;
	if (is_pin)
		e = check_names(&f, names, d);
	defaults_done(&f);
	if (e)
		return e;
	text = is_pin ? json_to_text(names) : NULL;
	if (is_pin && !text)
		return E_NOMEM;
	if (is_pin)
		(void)json_object_set_new(
		    detail, "names", json_deep_copy(names));
	ev.detail = detail;
	e = setting_set(t->store, SETTING_PIN, span_str(text ? text : ""));
	return e ? e : ledger_add(t->ledger, &ev, now);
}
