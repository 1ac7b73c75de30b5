/* /api/v1/ca/backup and restore: all authorities with their keys in one JSON
 * document; keys in it are PKCS#12 under the backup's password (CA-2). */
#include "api/ca_params.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "ca/restore.h"
#include "os/clock.h"

#define CRL_MAX (2u << 20) /* bytes of one CRL in a backup */

struct backup {
	struct api_request *r;
	struct api *api;
	const char *password; /* the request's */
	json_t *out, *list;
	size_t at;
};

static void go_on(struct backup *b);

static void
backup_free(struct backup *b)
{
	json_decref(b->out);
	free(b);
}

static void
set_base64(json_t *o, const char *key, struct span bytes)
{
	AUTO(char) *text = NULL;

	if (str_base64(bytes, &text) == 0)
		json_set_text(o, key, text);
}

static int
add_cert(unsigned generation, struct span cert, void *cookie)
{
	AUTO(char) *text = NULL;
	int e = str_base64(cert, &text);

	(void)generation;
	if (e)
		return e;
	return json_array_append_new((json_t *)cookie, json_string(text))
		   ? E_NOMEM
		   : 0;
}

static int
authority_take(struct api *a, const struct authority *u, json_t *o)
{
	json_t *certs = json_array();
	BUF(crl, CRL_MAX);
	int e;

	json_set_text(o, "id", u->row.id);
	json_set_text(o, "parent", u->row.parent);
	json_set_text(o, "kind", authority_kind_name(u->row.kind));
	json_set_text(o, "state", authority_state_name(u->row.state));
	json_set_text(o, "key", u->row.key);
	json_set_time(o, "created", u->row.created);
	json_set_bool(o, "ra", u->row.ra_key[0] != '\0');
	json_set_int(o, "crl_number", (int64_t)u->row.crl_number);
	e = certs ? authority_each_cert(a->store, u->row.id, add_cert, certs)
		  : E_NOMEM;
	if (o && certs)
		json_object_set_new(o, "certificates", certs);
	if (!e)
		e = authority_get_crl(a->store, u->row.id, &crl);
	if (!e)
		set_base64(o, "crl", buf_span(&crl));
	return e == E_NOT_FOUND ? 0 : e;
}

static void
on_exported(int result, json_t *answer, const struct diag *d, void *cookie)
{
	struct backup *b = (struct backup *)cookie;
	json_t *last = json_array_get(b->list, json_array_size(b->list) - 1);

	if (result) {
		api_ca_done(result, NULL, d, b->r);
		backup_free(b);
		return;
	}
	json_set_text(last, "p12", json_get0_text(answer, "p12"));
	go_on(b);
}

static void
finish(struct backup *b)
{
	json_t *detail = json_object();
	int e;

	json_set_int(detail, "authorities", (int64_t)b->at);
	e = api_event(
	    b->api, b->r, EVENT_CA_BACKUP, SEVERITY_WARNING, "ca", detail);
	if (e)
		api_refuse_code(b->api, b->r, e, "backup");
	else
		api_answer(b->api, b->r, 200, TAKE(b->out));
	backup_free(b);
}

static void
go_on(struct backup *b)
{
	struct ca *ca = b->api->ca;
	struct actor who = api_who(b->r);

	while (b->at < ca->authority_n) {
		const struct authority *u = ca->authorities[b->at++];
		json_t *o = json_object();
		int e = o && json_array_append_new(b->list, o) == 0
			    ? authority_take(b->api, u, o)
			    : E_NOMEM;

		if (!e && u->row.key[0]) {
			e = ca_export(
			    ca, u->row.id, b->password, &who, on_exported, b);
			if (!e)
				return; /* goes on when it is exported */
		}
		if (e) {
			api_refuse_code(b->api, b->r, e, u->row.id);
			backup_free(b);
			return;
		}
	}
	finish(b);
}

static json_t *
estate_json(const struct estate_names *n)
{
	json_t *o = json_object();

	json_set_text(o, "c", n->c);
	json_set_text(o, "st", n->st);
	json_set_text(o, "l", n->l);
	json_set_text(o, "o", n->o);
	json_set_text(o, "ou", n->ou);
	json_set_text(o, "email", n->email);
	return o;
}

static void
backup_post(struct api *a, struct api_request *r)
{
	struct backup *b;
	const char *password;

	if (api_text(a, r, "password", 1024, &password))
		return;
	if (!password || a->ca->authority_n == 0) {
		api_refuse_with(a, r, password ? E_STATE : E_PASSWORD, "backup",
		    password ? "there is no authority here"
			     : "keys leave under a password only");
		return;
	}
	b = (struct backup *)calloc(1, sizeof(*b));
	if (!b) {
		api_refuse_code(a, r, E_NOMEM, "backup");
		return;
	}
	b->r = r;
	b->api = a;
	b->password = password;
	b->out = json_object();
	b->list = json_array();
	json_set_text(b->out, "format", BACKUP_FORMAT);
	json_set_time(b->out, "created", clock_now());
	json_object_set_new(b->out, "estate", estate_json(&a->ca->estate));
	json_object_set_new(b->out, "authorities", b->list);
	go_on(b);
}

static void
on_restored(int result, json_t *answer, const struct diag *d, void *cookie)
{
	struct api_request *r = (struct api_request *)cookie;

	if (result == 0)
		ignition_leave_mark(r->api);
	api_ca_done(result, answer, d, cookie);
}

static void
restore_post(struct api *a, struct api_request *r)
{
	json_t *backup = json_object_get(r->json, "backup");
	struct actor who = api_who(r);
	const char *password;
	int e;

	if (api_text(a, r, "password", 1024, &password))
		return;
	if (!json_is_object(backup) || !password) {
		api_refuse_with(
		    a, r, E_INVAL, "restore", "backup and password are needed");
		return;
	}
	e = ca_restore(a->ca, backup, password, &who, on_restored, r);
	if (e)
		api_refuse_code(a, r, e, "restore");
}

const struct api_route api_backup_routes[] = {
	{ "POST", "/api/v1/ca/backup", backup_post,
	    "all authorities and their keys" },
	{ "POST", "/api/v1/ca/restore", restore_post,
	    "a backup, on a server without a CA" },
	{ NULL, NULL, NULL, NULL },
};
