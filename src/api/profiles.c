/* /api/v1/profiles: what certificates may hold (CA-3); operators' own ones are
 * files in STATE/profiles, checked before they are written. */
#include "api/api_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "os/file.h"

#define PROFILE_YAML_MAX 65536

static void
bits_to_json(
    json_t *o, const char *key, unsigned bits, const char *(*name)(unsigned))
{
	json_t *list = json_array();

	for (unsigned bit = 1; bit && bit <= EKU_OTHER; bit <<= 1)
		if (list && (bits & bit))
			json_array_append_new(list, json_string(name(bit)));
	if (o && list)
		json_object_set_new(o, key, list);
}

static json_t *
profile_json(const struct profile *p)
{
	json_t *o = json_object(), *keys = json_array();

	json_set_text(o, "name", p->name);
	json_set_text(o, "title", p->title);
	json_set_text(o, "kind", profile_kind_name(p->kind));
	json_set_bool(o, "shipped", p->shipped);
	json_set_bool(o, "legacy", p->legacy);
	json_set_int(o, "days", p->days);
	json_set_int(o, "days_max", p->days_max);
	for (size_t i = 0; keys && i < p->key_n; i++)
		json_array_append_new(
		    keys, json_string(key_kind_name(p->keys[i])));
	if (o && keys)
		json_object_set_new(o, "keys", keys);
	bits_to_json(o, "key_usage", p->ku, ku_name);
	bits_to_json(o, "extended_key_usage", p->eku, eku_name);
	return o;
}

static void
profile_list_get(struct api *a, struct api_request *r)
{
	AUTO(json_t) *o = json_object();
	json_t *list = json_array();

	for (size_t i = 0; i < a->ca->profiles.n; i++) {
		json_t *one = profile_json(&a->ca->profiles.e[i]);

		if (list && one)
			json_array_append_new(list, one);
	}
	if (o && list)
		json_object_set_new(o, "profiles", list);
	api_answer(a, r, 200, TAKE(o));
}

/* the profile of {name}; refuses when there is none */
static const struct profile *
profile_arg(struct api *a, struct api_request *r)
{
	const char *name = api_arg(r, "name");
	const struct profile *p = profile_find(&a->ca->profiles, name);

	if (!p)
		api_refuse_with(
		    a, r, E_NOT_FOUND, name, "there is no such profile");
	return p;
}

static void
profile_show_get(struct api *a, struct api_request *r)
{
	const struct profile *p = profile_arg(a, r);
	BUF(yaml, PROFILE_YAML_MAX);
	json_t *o;
	int e;

	if (!p)
		return;
	/* as it was written, with its comments, where that can be read */
	e = file_read(p->file, PROFILE_YAML_MAX, NULL, &yaml);
	if (e) {
		buf_reset(&yaml);
		e = profile_print(p, &yaml);
	}
	o = profile_json(p);
	if (!e && o)
		json_object_set_new(
		    o, "yaml", json_stringn((const char *)yaml.p, yaml.n));
	json_set_text(o, "file", p->file);
	api_answer(a, r, 200, o);
}

static bool
name_is_good(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 0 && n < PROFILE_NAME_MAX && !name[n] && name[0] != '-';
}

static int
own_path(const struct api *a, const char *name, char *out, size_t size)
{
	int n = snprintf(
	    out, size, "%s/profiles/%s.yaml", a->config->state_dir, name);

	return n > 0 && (size_t)n < size ? 0 : E_TOO_BIG;
}

static int
reload(struct api *a, struct diag *d)
{
	struct profile_set *set = (struct profile_set *)calloc(1, sizeof(*set));
	int e = set ? 0 : E_NOMEM;

	if (!e)
		e = profile_load(
		    a->config->catalog_dir, a->config->state_dir, d, set);
	/* in place: whoever holds a profile of the old set for the time of one
	 * issue copied what it needs */
	if (!e)
		a->ca->profiles = *set;
	free(set);
	return e;
}

static int
record(struct api *a, struct api_request *r, const char *name, const char *what)
{
	json_t *detail = json_object();
	char object[PROFILE_NAME_MAX + 16];

	json_set_text(detail, "change", what);
	snprintf(object, sizeof(object), "profile %s", name);
	return api_event(
	    a, r, EVENT_PROFILE_CHANGE, SEVERITY_NOTICE, object, detail);
}

static void
settle(struct api *a, struct api_request *r, const char *name, int e,
    struct diag *d)
{
	const struct profile *p;

	if (e) {
		/* the record must not stay when the file did not change */
		store_poison(a->store);
		if (d->code == 0)
			(void)diag_set(d, e, name, NULL, "%s", err_text(e));
		log_line(LOG_ERROR, "profile %s: %s", name, d->fact);
		api_refuse(a, r, d);
		return;
	}
	/* the key process judges by its own copy: it reads anew, too */
	e = reload(a, d);
	if (!e)
		e = a->restart_keys(a->cookie);
	if (e) {
		log_line(LOG_ERROR, "profiles were not reloaded: %s", d->fact);
		if (d->code == 0)
			(void)diag_set(d, e, name, NULL,
			    "is written, but the key process was not told");
		api_refuse(a, r, d);
		return;
	}
	p = profile_find(&a->ca->profiles, name);
	api_answer(a, r, 200, p ? profile_json(p) : json_object());
}

/* whether {name} may be written now; refuses */
static int
check_name(struct api *a, struct api_request *r, const char *name, bool is_new)
{
	const struct profile *p = profile_find(&a->ca->profiles, name);

	if (!name_is_good(name)) {
		api_refuse_with(a, r, E_INVAL, name,
		    "a profile's name is small letters, digits and '-'");
		return E_INVAL;
	}
	if (p && p->shipped) {
		api_refuse_with(a, r, E_DENIED, name,
		    "is shipped and cannot be changed; copy it under another "
		    "name");
		return E_DENIED;
	}
	if (p && is_new) {
		api_refuse_with(a, r, E_EXISTS, name, "exists already");
		return E_EXISTS;
	}
	if (!p && !is_new) {
		api_refuse_with(
		    a, r, E_NOT_FOUND, name, "there is no such profile");
		return E_NOT_FOUND;
	}
	return 0;
}

static void
write_profile(
    struct api *a, struct api_request *r, const char *name, bool is_new)
{
	char path[CONFIG_PATH_MAX + PROFILE_NAME_MAX + 16],
	    dir[CONFIG_PATH_MAX + 16];
	struct profile *parsed;
	struct diag d = { 0 };
	const char *yaml;
	int e;

	if (check_name(a, r, name, is_new) ||
	    api_text(a, r, "yaml", PROFILE_YAML_MAX, &yaml))
		return;
	parsed = (struct profile *)calloc(1, sizeof(*parsed));
	snprintf(path, sizeof(path), "%s.yaml", name);
	e = !parsed ? E_NOMEM
	    : !yaml ? diag_set(&d, E_INVAL, name, NULL, "no YAML was sent")
		    : profile_parse(span_str(yaml), path, &d, parsed);
	free(parsed);
	if (e) {
		if (d.code == 0)
			(void)diag_set(&d, e, name, NULL, "%s", err_text(e));
		api_refuse(a, r, &d);
		return;
	}
	e = record(a, r, name, is_new ? "add" : "edit");
	if (!e)
		e = path_join(
		    dir, sizeof(dir), a->config->state_dir, "profiles");
	if (!e)
		e = dir_ensure(dir, 0755, &d);
	if (!e)
		e = own_path(a, name, path, sizeof(path));
	if (!e)
		e = file_write(path, 0644, span_str(yaml), &d);
	settle(a, r, name, e, &d);
}

static void
profile_add_post(struct api *a, struct api_request *r)
{
	const char *name;

	if (api_text(a, r, "name", PROFILE_NAME_MAX, &name))
		return;
	write_profile(a, r, name ? name : "", true);
}

static void
profile_edit_put(struct api *a, struct api_request *r)
{
	write_profile(a, r, api_arg(r, "name"), false);
}

struct search {
	const char *profile;
	char entity[ENTITY_NAME_MAX];
	int64_t last;
};

static int
look_for_use(const struct entity_row *e, void *cookie)
{
	struct search *s = (struct search *)cookie;

	s->last = e->id;
	if (strcmp(e->profile, s->profile) != 0)
		return 0;
	snprintf(s->entity, sizeof(s->entity), "%s", e->name);
	return 1;
}

static void
profile_remove_delete(struct api *a, struct api_request *r)
{
	const char *name = api_arg(r, "name");
	char path[CONFIG_PATH_MAX + PROFILE_NAME_MAX + 16];
	struct search s = { .profile = name };
	struct diag d = { 0 };
	int64_t before;
	int e;

	if (check_name(a, r, name, false))
		return;
	do {
		before = s.last;
		e = entity_each(
		    a->store, s.last, API_LIST_MAX, look_for_use, &s);
	} while (e == 0 && s.last != before);
	if (s.entity[0]) {
		api_refuse_with(
		    a, r, E_STATE, name, "entity %s uses it", s.entity);
		return;
	}
	e = record(a, r, name, "remove");
	if (!e)
		e = own_path(a, name, path, sizeof(path));
	if (!e && unlink(path) != 0)
		e = diag_set(&d, E_IO, path, NULL, "cannot be removed");
	settle(a, r, name, e, &d);
}

const struct api_route api_profile_routes[] = {
	{ "GET", "/api/v1/profiles", profile_list_get, "all profiles" },
	{ "POST", "/api/v1/profiles", profile_add_post, "a new own profile" },
	{ "GET", "/api/v1/profiles/{name}", profile_show_get,
	    "one profile with its YAML" },
	{ "PUT", "/api/v1/profiles/{name}", profile_edit_put,
	    "change an own profile" },
	{ "DELETE", "/api/v1/profiles/{name}", profile_remove_delete,
	    "remove an own profile" },
	{ NULL, NULL, NULL, NULL },
};
