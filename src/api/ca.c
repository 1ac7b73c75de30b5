/* /api/v1/ca: authorities (CA-2). */
#include "api/ca_params.h"

#include <stdlib.h>
#include <string.h>

static void
ca_list(struct api *a, struct api_request *r)
{
	AUTO(json_t) *o = json_object();
	json_t *list = json_array();

	for (size_t i = 0; i < a->ca->authority_n; i++) {
		json_t *one = authority_to_json(a->ca, a->ca->authorities[i]);

		if (list && one)
			json_array_append_new(list, one);
	}
	if (o && list)
		json_object_set_new(o, "authorities", list);
	api_answer(a, r, 200, TAKE(o));
}

static void
ca_show(struct api *a, struct api_request *r)
{
	const struct authority *u = ca_find(a->ca, api_arg(r, "id"));
	json_t *o;

	if (!u) {
		api_refuse_with(a, r, E_NOT_FOUND, api_arg(r, "id"),
		    "there is no such authority");
		return;
	}
	o = authority_to_json(a->ca, u);
	api_put_chain(a->ca, o, u->row.id);
	api_answer(a, r, 200, o);
}

static void
ca_create_post(struct api *a, struct api_request *r)
{
	struct actor who = api_who(r);
	struct ignite_params p;
	int e = ca_params_take(a, r, &p);

	if (e)
		return;
	if (p.p12.n) {
		struct diag d = { 0 };

		(void)diag_set(&d, E_INVAL, "p12", NULL,
		    "an authority that exists is imported, not created");
		diag_remedy(&d, "signet ca import, POST /api/v1/ca/import");
		api_refuse(a, r, &d);
		return;
	}
	e = ca_create(a->ca, &p, &who, api_ca_done, r);
	if (e)
		api_refuse_code(a, r, e, "ca create");
}

/* what was not begun is refused here; what was begun answers by itself */
static void
begun(struct api *a, struct api_request *r, int e)
{
	const char *id = api_arg(r, "id");

	if (e == E_NOT_FOUND && id)
		api_refuse_with(a, r, e, id, "there is no such authority");
	else if (e)
		api_refuse_code(a, r, e, id ? id : "authority");
}

static void
ca_renew_post(struct api *a, struct api_request *r)
{
	struct actor who = api_who(r);

	begun(a, r, ca_renew(a->ca, api_arg(r, "id"), &who, api_ca_done, r));
}

static void
ca_activate_post(struct api *a, struct api_request *r)
{
	struct actor who = api_who(r);

	begun(a, r, ca_activate(a->ca, api_arg(r, "id"), &who, api_ca_done, r));
}

static void
ca_retire_post(struct api *a, struct api_request *r)
{
	struct actor who = api_who(r);

	begun(a, r, ca_retire(a->ca, api_arg(r, "id"), &who, api_ca_done, r));
}

static void
ca_crl_post(struct api *a, struct api_request *r)
{
	struct actor who = api_who(r);

	begun(
	    a, r, ca_crl_update(a->ca, api_arg(r, "id"), &who, api_ca_done, r));
}

static void
ca_export_post(struct api *a, struct api_request *r)
{
	struct actor who = api_who(r);
	const char *password;

	if (api_text(a, r, "password", 1024, &password))
		return;
	if (!password) {
		api_refuse_with(a, r, E_PASSWORD, "export",
		    "a key leaves under a password only");
		return;
	}
	begun(a, r,
	    ca_export(a->ca, api_arg(r, "id"), password, &who, api_ca_done, r));
}

static void
ca_import_post(struct api *a, struct api_request *r)
{
	struct actor who = api_who(r);
	struct ignite_params p;

	if (ca_params_take(a, r, &p))
		return;
	if (p.p12.n == 0) {
		api_refuse_with(a, r, E_INVAL, "p12", "is missing");
		return;
	}
	begun(a, r,
	    ca_import(a->ca, p.p12, p.p12_password ? p.p12_password : "", &who,
		api_ca_done, r));
}

const struct api_route api_ca_routes[] = {
	{ "GET", "/api/v1/ca", ca_list, "authorities" },
	{ "POST", "/api/v1/ca", ca_create_post,
	    "a new hierarchy beside the current one" },
	{ "POST", "/api/v1/ca/renew", ca_renew_post,
	    "renew the issuer and everything above it: same keys" },
	{ "POST", "/api/v1/ca/import", ca_import_post,
	    "an authority from PKCS#12" },
	{ "GET", "/api/v1/ca/{id}", ca_show, "one authority with its chain" },
	{ "POST", "/api/v1/ca/{id}/renew", ca_renew_post,
	    "renew one authority: same name and key" },
	{ "POST", "/api/v1/ca/{id}/activate", ca_activate_post,
	    "a next authority becomes the current one" },
	{ "POST", "/api/v1/ca/{id}/retire", ca_retire_post,
	    "no longer issues; kept for trust" },
	{ "POST", "/api/v1/ca/{id}/export", ca_export_post,
	    "key and chain as PKCS#12" },
	{ "POST", "/api/v1/ca/{id}/crl", ca_crl_post, "make a new CRL now" },
	{ NULL, NULL, NULL, NULL },
};
