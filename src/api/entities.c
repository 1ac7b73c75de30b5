/* /api/v1/entities: end entities (ENR-1) and their enrollment passwords
 * (ENR-2). */
#include "api/keystore.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "os/clock.h"

#define DEFAULT_PROFILE "phone"
#define HOURS_DEFAULT 24
#define HOURS_MAX (24 * 366 * 3)
#define USES_MAX 1000000

static const char *
password_state(const struct password_row *p, int64_t now)
{
	if (p->expires <= now)
		return "expired";
	if (p->uses_total > 0 && p->uses_left <= 0)
		return "used";
	return "valid";
}

static json_t *
password_json(const struct password_row *p, int64_t now)
{
	json_t *o = json_object();
	char left[64];

	str_duration_print(p->expires - now, left, sizeof(left));
	json_set_int(o, "id", p->id);
	json_set_text(o, "state", password_state(p, now));
	json_set_time(o, "created", p->created);
	json_set_time(o, "expires", p->expires);
	json_set_text(o, "remaining", left);
	json_set_int(o, "remaining_s", p->expires > now ? p->expires - now : 0);
	json_set_int(o, "uses_total", p->uses_total);
	json_set_int(o, "uses_left", p->uses_total ? p->uses_left : 0);
	return o;
}

static int
password_collect(const struct password_row *p, void *cookie)
{
	json_t *one = password_json(p, clock_now());

	return one && json_array_append_new((json_t *)cookie, one) == 0
		   ? 0
		   : E_NOMEM;
}

static json_t *
entity_json(struct api *a, const struct entity_row *e)
{
	json_t *o = json_object(), *list = json_array();

	json_set_int(o, "id", e->id);
	json_set_text(o, "name", e->name);
	json_set_text(o, "profile", e->profile);
	json_set_text(o, "authority", e->authority);
	json_set_text(o, "token", entity_token_name(e->token));
	json_set_text(o, "subject", e->subject);
	json_set_text(o, "sans", e->sans);
	json_set_text(o, "mac", e->mac);
	json_set_bool(o, "manual", e->manual);
	json_set_time(o, "created", e->created);
	if (!list || password_each(a->store, e->id, password_collect, list)) {
		json_decref(list);
		json_decref(o);
		return NULL;
	}
	json_object_set_new(o, "passwords", list);
	return o;
}

struct page {
	struct api *api;
	json_t *list;
	int64_t last;
	unsigned n;
};

static int
entity_collect(const struct entity_row *e, void *cookie)
{
	struct page *p = (struct page *)cookie;
	json_t *one = entity_json(p->api, e);

	p->last = e->id;
	p->n++;
	return one && json_array_append_new(p->list, one) == 0 ? 0 : E_NOMEM;
}

static void
entity_list_get(struct api *a, struct api_request *r)
{
	struct page p = { .api = a };
	AUTO(json_t) *o = json_object();
	unsigned limit;
	int64_t after;
	int e;

	if (api_page(a, r, &limit, &after))
		return;
	p.list = json_array();
	e = entity_each(a->store, after, limit, entity_collect, &p);
	json_object_set_new(o, "entities", p.list);
	if (p.n == limit)
		json_set_int(o, "next", p.last);
	if (e)
		api_refuse_code(a, r, e, "entities");
	else
		api_answer(a, r, 200, TAKE(o));
}

/* the entity of {name}; refuses when there is none */
static int
entity_arg(struct api *a, struct api_request *r, struct entity_row *ret)
{
	const char *name = api_arg(r, "name");
	int e = entity_get(a->store, name, ret);

	if (e == E_NOT_FOUND)
		api_refuse_with(a, r, e, name, "there is no such entity");
	else if (e)
		api_refuse_code(a, r, e, name);
	return e;
}

static void
entity_show_get(struct api *a, struct api_request *r)
{
	struct entity_row row;

	if (entity_arg(a, r, &row) == 0)
		api_answer(a, r, 200, entity_json(a, &row));
}

static int
name_check_entity(const char *name, struct diag *d)
{
	size_t n = 0;

	while (isalnum((unsigned char)name[n]) ||
	       (name[n] && strchr("._@-", name[n])))
		n++;
	if (n == 0 || name[n] || n >= ENTITY_NAME_MAX)
		return diag_set(d, E_INVAL, name, "ENR-1",
		    "an entity's name is letters, digits and . _ @ -");
	return 0;
}

/* twelve hexadecimal digits, however they were grouped */
static int
mac_check(const char *text, char out[32], struct diag *d)
{
	size_t n = 0;

	for (; *text; text++) {
		if (strchr(":-. ", *text))
			continue;
		if (!isxdigit((unsigned char)*text) || n == 12)
			break;
		out[n++] = (char)tolower((unsigned char)*text);
	}
	out[n] = '\0';
	if (*text || n != 12)
		return diag_set(d, E_INVAL, "mac", NULL,
		    "a MAC address has twelve hexadecimal digits");
	return 0;
}

static int
check_names(const struct entity_row *row, struct diag *d)
{
	struct san_list sans;
	BUF(name, 4096);
	int e = 0;

	if (row->subject[0])
		e = name_build(row->subject, d, &name);
	if (!e && row->sans[0])
		e = san_parse(row->sans, d, &sans);
	return e;
}

static int
check_policy(struct api *a, const struct entity_row *row, struct diag *d)
{
	const struct profile *p = profile_find(&a->ca->profiles, row->profile);

	if (!p) {
		(void)diag_set(d, E_NOT_FOUND, row->profile, NULL,
		    "there is no such profile");
		diag_remedy(d, "see: signet profile list");
		return E_NOT_FOUND;
	}
	if (p->kind != PROFILE_IDENTITY)
		return diag_set(d, E_DENIED, row->profile, "CA-3",
		    "is no profile for end entities");
	if (row->authority[0] && !ca_find(a->ca, row->authority))
		return diag_set(d, E_NOT_FOUND, row->authority, NULL,
		    "there is no such authority");
	return 0;
}

static int
copy_text(
    const json_t *body, const char *key, char *out, size_t size, struct diag *d)
{
	const char *text = json_get0_text(body, key);

	if (!text || str_copy(out, size, text) == 0)
		return 0;
	return diag_set(
	    d, E_INVAL, key, NULL, "has more than %zu bytes", size - 1);
}

static int
entity_take(
    struct api *a, const json_t *b, struct diag *d, struct entity_row *row)
{
	const char *token = json_get0_text(b, "token");
	const char *mac = json_get0_text(b, "mac");
	int e = copy_text(b, "name", row->name, sizeof(row->name), d);

	if (!e)
		e = name_check_entity(row->name, d);
	if (!e)
		e = copy_text(
		    b, "profile", row->profile, sizeof(row->profile), d);
	if (!e)
		e = copy_text(
		    b, "authority", row->authority, sizeof(row->authority), d);
	if (!e)
		e = copy_text(
		    b, "subject", row->subject, sizeof(row->subject), d);
	if (!e)
		e = copy_text(b, "sans", row->sans, sizeof(row->sans), d);
	if (!e && mac)
		e = mac_check(mac, row->mac, d);
	if (e)
		return e;
	if (!row->profile[0])
		snprintf(
		    row->profile, sizeof(row->profile), "%s", DEFAULT_PROFILE);
	row->token = token ? entity_token_from_name(token) : TOKEN_USER;
	if (row->token == TOKEN_UNSET)
		return diag_set(d, E_INVAL, "token", "ENR-1",
		    "is none of user p12 pem jks");
	row->manual = json_get_bool(b, "manual", false);
	row->created = clock_now();
	e = check_names(row, d);
	return e ? e : check_policy(a, row, d);
}

static int
lifetime_take(const json_t *b, struct diag *d, struct password_row *p)
{
	int64_t hours = json_get_int(b, "hours", HOURS_DEFAULT);
	int64_t uses = json_get_int(b, "uses", 1);

	if (hours < 1 || hours > HOURS_MAX)
		return diag_set(d, E_INVAL, "hours", "ENR-2",
		    "must be from 1 to %d", HOURS_MAX);
	if (uses < 0 || uses > USES_MAX)
		return diag_set(d, E_INVAL, "uses", "ENR-2",
		    "must be from 0 (without end) to %d", USES_MAX);
	p->created = clock_now();
	p->expires = p->created + hours * 3600;
	p->uses_total = p->uses_left = uses;
	return 0;
}

/* a new password for the entity, into the batch; shown in o this once */
static int
password_make(struct api *a, struct api_request *r, struct password_row *p,
    const char *entity, json_t *o)
{
	char text[ENROL_PASSWORD_TEXT], object[ENTITY_NAME_MAX + 16], left[64];
	json_t *detail = json_object();
	int e;

	enrol_password_new(text);
	e = enrol_password_hash(text, p->hash);
	if (!e)
		e = password_add(a->store, p, &p->id);
	json_set_int(detail, "password", p->id);
	json_set_time(detail, "expires", p->expires);
	json_set_int(detail, "uses", p->uses_total);
	snprintf(object, sizeof(object), "entity %s", entity);
	if (e)
		json_decref(detail);
	else
		e = api_event(
		    a, r, EVENT_PASSWORD_ADD, SEVERITY_NOTICE, object, detail);
	json_set_text(o, "name", entity);
	json_set_text(o, "password", text);
	secret_wipe(text, sizeof(text));
	str_duration_print(p->expires - p->created, left, sizeof(left));
	json_set_time(o, "expires", p->expires);
	json_set_text(o, "remaining", left);
	json_set_int(o, "uses", p->uses_total);
	return e;
}

static int
entity_record(struct api *a, struct api_request *r, enum event_kind kind,
    const struct entity_row *row)
{
	json_t *detail = json_object();
	char object[ENTITY_NAME_MAX + 16];

	json_set_text(detail, "profile", row->profile);
	json_set_text(detail, "token", entity_token_name(row->token));
	json_set_text(detail, "subject", row->subject);
	json_set_text(detail, "sans", row->sans);
	json_set_text(detail, "mac", row->mac);
	snprintf(object, sizeof(object), "entity %s", row->name);
	return api_event(a, r, kind, SEVERITY_NOTICE, object, detail);
}

static void
entity_add_post(struct api *a, struct api_request *r)
{
	struct entity_row row = { 0 }, old;
	struct password_row pw = { 0 };
	struct diag d = { 0 };
	AUTO(json_t) *o = json_object();
	int e = entity_take(a, r->json, &d, &row);

	if (!e)
		e = lifetime_take(r->json, &d, &pw);
	/* looked up first: a failed insert would cost the whole batch */
	if (!e && entity_get(a->store, row.name, &old) == 0)
		e = diag_set(&d, E_EXISTS, row.name, "ENR-1",
		    "there is an entity of this name");
	if (e) {
		api_refuse(a, r, &d);
		return;
	}
	e = entity_add(a->store, &row, &row.id);
	if (!e)
		e = entity_record(a, r, EVENT_ENTITY_ADD, &row);
	pw.entity = row.id;
	if (!e)
		e = password_make(a, r, &pw, row.name, o);
	json_set_text(o, "profile", row.profile);
	json_set_text(o, "token", entity_token_name(row.token));
	if (e)
		api_refuse_code(a, r, e, row.name);
	else
		api_answer(a, r, 201, TAKE(o));
}

static void
entity_remove_delete(struct api *a, struct api_request *r)
{
	struct entity_row row;
	int e = entity_arg(a, r, &row);

	if (e)
		return;
	e = entity_remove(a->store, row.name);
	if (!e)
		e = entity_record(a, r, EVENT_ENTITY_REMOVE, &row);
	if (e)
		api_refuse_code(a, r, e, row.name);
	else
		api_answer(a, r, 200, json_pack("{s:s}", "removed", row.name));
}

static void
password_add_post(struct api *a, struct api_request *r)
{
	struct password_row pw = { 0 };
	struct entity_row row;
	struct diag d = { 0 };
	AUTO(json_t) *o = json_object();
	int e = entity_arg(a, r, &row);

	if (e)
		return;
	if (lifetime_take(r->json, &d, &pw)) {
		api_refuse(a, r, &d);
		return;
	}
	pw.entity = row.id;
	e = password_make(a, r, &pw, row.name, o);
	if (e)
		api_refuse_code(a, r, e, row.name);
	else
		api_answer(a, r, 201, TAKE(o));
}

struct password_search {
	int64_t id;
	bool found;
};

static int
password_look(const struct password_row *p, void *cookie)
{
	struct password_search *s = (struct password_search *)cookie;

	s->found = s->found || p->id == s->id;
	return 0;
}

static void
password_remove_delete(struct api *a, struct api_request *r)
{
	struct password_search s = { 0 };
	struct entity_row row;
	char object[ENTITY_NAME_MAX + 16];
	json_t *detail = NULL;
	int e;

	if (entity_arg(a, r, &row) || api_arg_number(a, r, "id", &s.id))
		return;
	e = password_each(a->store, row.id, password_look, &s);
	if (!e && !s.found)
		e = E_NOT_FOUND;
	if (!e)
		e = password_remove(a->store, s.id);
	snprintf(object, sizeof(object), "entity %s", row.name);
	if (!e) {
		detail = json_object();
		json_set_int(detail, "password", s.id);
		e = api_event(a, r, EVENT_PASSWORD_REMOVE, SEVERITY_NOTICE,
		    object, detail);
	}
	if (e)
		api_refuse_code(a, r, e, object);
	else
		api_answer(
		    a, r, 200, json_pack("{s:I}", "removed", (json_int_t)s.id));
}

const struct api_route api_entity_routes[] = {
	{ "GET", "/api/v1/entities", entity_list_get, "end entities" },
	{ "POST", "/api/v1/entities", entity_add_post,
	    "a new end entity with its first password" },
	{ "GET", "/api/v1/entities/{name}", entity_show_get, "one entity" },
	{ "DELETE", "/api/v1/entities/{name}", entity_remove_delete,
	    "remove an entity and its passwords" },
	{ "POST", "/api/v1/entities/{name}/enrol", api_enrol_post,
	    "certificate for a key made at the asker's" },
	{ "POST", "/api/v1/entities/{name}/passwords", password_add_post,
	    "a new enrollment password, shown once" },
	{ "DELETE", "/api/v1/entities/{name}/passwords/{id}",
	    password_remove_delete, "take a password back" },
	{ NULL, NULL, NULL, NULL },
};
