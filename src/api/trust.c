/* /api/v1/trust: the trusted certificate stores (TRUST-1..3). */
#include "api/api_internal.h"

#include <stdlib.h>

#include "os/clock.h"

#define EXPORT_MAX (16u << 20)

static const char *
system_of(const struct api_request *r)
{
	const char *system = api_query(r, "system");

	return system ? system : "";
}

static void
trust_list_get(struct api *a, struct api_request *r)
{
	json_t *list = NULL;
	int e = trust_list(a->trust, system_of(r), clock_now(), &list);
	AUTO(json_t) *o = NULL;

	if (e) {
		api_refuse_code(a, r, e, "trust store");
		return;
	}
	/* a bare list gets its name */
	if (json_is_object(list)) {
		api_answer(a, r, 200, list);
		return;
	}
	o = json_object();
	json_object_set_new(o, "certificates", list);
	api_answer(a, r, 200, TAKE(o));
}

static void
trust_add_post(struct api *a, struct api_request *r)
{
	struct trust_import i = {
		.origin = ORIGIN_ADDED, .actor = api_actor(r), .source = "local"
	};
	struct diag d = { 0 };
	uint8_t *file = NULL;
	json_t *report = NULL;
	size_t n = 0;
	int e = api_text(a, r, "system", TRUST_SYSTEM_MAX, &i.system);

	if (!e)
		e = api_text(a, r, "name", 256, &i.name);
	if (!e)
		e = api_text(a, r, "alias", 128, &i.alias);
	if (!e)
		e = api_bytes(a, r, "file", &file, &n);
	if (e)
		return;
	i.system = i.system ? i.system : "";
	i.name = i.name ? i.name : "file";
	i.allow_leaf = json_get_bool(r->json, "allow_leaf", false);
	i.file = span_of(file, n);
	e = trust_import(a->trust, &i, clock_now(), &d, &report);
	free(file);
	if (e && d.code == 0)
		(void)diag_set(&d, e, i.name, NULL, "%s", err_text(e));
	if (e)
		api_refuse(a, r, &d);
	else
		api_answer(a, r, 200, report);
}

static void
trust_remove_delete(struct api *a, struct api_request *r)
{
	const char *key = api_query(r, "key");
	struct diag d = { 0 };
	json_t *o = NULL;
	int e;

	if (!key) {
		api_refuse_with(a, r, E_INVAL, "key",
		    "an alias or a fingerprint must be given");
		return;
	}
	e = trust_remove(a->trust, system_of(r), key, api_actor(r), "local",
	    clock_now(), &d, &o);
	if (e && d.code == 0)
		(void)diag_set(&d, e, key, NULL, "%s", err_text(e));
	if (e)
		api_refuse(a, r, &d);
	else
		api_answer(a, r, 200, o ? o : json_object());
}

static void
trust_export_get(struct api *a, struct api_request *r)
{
	BUF(pem, EXPORT_MAX);
	int e = trust_export(a->trust, system_of(r), &pem);

	if (e)
		api_refuse_code(a, r, e, "trust store");
	else
		api_answer_bytes(
		    a, r, "application/x-pem-file", buf_span(&pem));
}

static void
defaults_get(struct api *a, struct api_request *r)
{
	json_t *list = NULL;
	int e = trust_defaults_list(a->trust, clock_now(), &list);
	AUTO(json_t) *o = NULL;

	if (e) {
		api_refuse_code(a, r, e, "default certificates");
		return;
	}
	if (json_is_object(list)) {
		api_answer(a, r, 200, list);
		return;
	}
	o = json_object();
	json_object_set_new(o, "certificates", list);
	api_answer(a, r, 200, TAKE(o));
}

static void
defaults_apply_post(struct api *a, struct api_request *r)
{
	struct diag d = { 0 };
	const char *system;
	json_t *o = NULL;
	int e;

	if (api_text(a, r, "system", TRUST_SYSTEM_MAX, &system))
		return;
	e = trust_defaults_apply(a->trust, system ? system : "", api_actor(r),
	    "local", clock_now(), &d, &o);
	if (e && d.code == 0)
		(void)diag_set(
		    &d, e, "default certificates", NULL, "%s", err_text(e));
	if (e)
		api_refuse(a, r, &d);
	else
		api_answer(a, r, 200, o ? o : json_object());
}

static void
defaults_pin_put(struct api *a, struct api_request *r)
{
	const json_t *names = json_object_get(r->json, "names");
	struct diag d = { 0 };
	int e;

	if (!json_is_array(names)) {
		api_refuse_with(a, r, E_INVAL, "names", "must be a list");
		return;
	}
	e = trust_defaults_pin(
	    a->trust, names, api_actor(r), "local", clock_now(), &d);
	if (e && d.code == 0)
		(void)diag_set(
		    &d, e, "default certificates", NULL, "%s", err_text(e));
	if (e)
		api_refuse(a, r, &d);
	else
		defaults_get(a, r);
}

const struct api_route api_trust_routes[] = {
	{ "GET", "/api/v1/trust", trust_list_get, "trusted certificates" },
	{ "POST", "/api/v1/trust", trust_add_post,
	    "import a file; every certificate is reported" },
	{ "DELETE", "/api/v1/trust", trust_remove_delete,
	    "remove by alias or fingerprint (key=)" },
	{ "GET", "/api/v1/trust/export", trust_export_get, "all as PEM" },
	{ "GET", "/api/v1/trust/defaults", defaults_get,
	    "the shipped certificates of chapter 21" },
	{ "POST", "/api/v1/trust/defaults", defaults_apply_post,
	    "security settings reset: defaults come back" },
	{ "PUT", "/api/v1/trust/defaults", defaults_pin_put,
	    "pin the default set" },
	{ NULL, NULL, NULL, NULL },
};
