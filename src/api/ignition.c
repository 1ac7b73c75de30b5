/* POST /api/v1/ignition (CA-1), and what ignition and "create new" share. */
#include "api/ca_params.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "os/file.h"

int
ca_params_take(struct api *a, struct api_request *r, struct ignite_params *ret)
{
	struct ignite_params p = { 0 };
	const char *key = NULL;
	uint8_t *p12 = NULL;
	size_t n = 0;
	int e = api_text(a, r, "name", 128, &p.name);

	if (!e)
		e = api_text(a, r, "password", 1024, &p.p12_password);
	if (!e)
		e = api_text(a, r, "key", 16, &key);
	if (!e)
		e = api_text(
		    a, r, "root_profile", PROFILE_NAME_MAX, &p.root_profile);
	if (!e)
		e = api_estate(a, r, &p.estate);
	if (e)
		return e;
	p.single_level = json_get_bool(r->json, "single_level", false);
	p.no_ca = json_get_bool(r->json, "no_ca", false);
	if (key)
		p.key = key_kind_from_name(key);
	if (key && p.key == KEY_UNSET) {
		api_refuse_with(a, r, E_INVAL, "key",
		    "is none of rsa2048 rsa3072 rsa4096 p256 p384");
		return E_INVAL;
	}
	e = api_bytes(a, r, "p12", &p12, &n);
	if (e)
		return e;
	r->keep = p12;
	p.p12 = span_of(p12, n);
	*ret = p;
	return 0;
}

/* STATE/ignited tells scripts, which cannot read the store, not to ignite */
void
ignition_leave_mark(const struct api *a)
{
	char path[CONFIG_PATH_MAX + 16];
	struct diag d = { 0 };

	if (path_join(path, sizeof(path), a->config->state_dir, "ignited") ||
	    file_is_there(path))
		return;
	if (file_write(path, 0644, span_str("ignited\n"), &d))
		log_line(LOG_WARNING, "%s: %s", d.object, d.fact);
}

static void
on_ignited(int result, json_t *answer, const struct diag *d, void *cookie)
{
	struct api_request *r = (struct api_request *)cookie;

	if (result == 0)
		ignition_leave_mark(r->api);
	api_ca_done(result, answer, d, cookie);
}

static void
ignition_post(struct api *a, struct api_request *r)
{
	struct actor who = api_who(r);
	struct ignite_params p;
	int e = ca_params_take(a, r, &p);

	if (e)
		return;
	if (!p.name)
		p.name = "Signet";
	e = ca_ignite(a->ca, &p, &who, on_ignited, r);
	if (e == E_STATE)
		api_refuse_with(a, r, e, "server", "is ignited already");
	else if (e)
		api_refuse_code(a, r, e, "ignition");
}

const struct api_route api_ignition_routes[] = {
	{ "POST", "/api/v1/ignition", ignition_post,
	    "first start of an estate: authorities, ledger key, first "
	    "password" },
	{ NULL, NULL, NULL, NULL },
};
