/* POST /api/v1/entities/{name}/enrol: "create keystore" of PSN004561u (ENR-1).
 * The key is made at the asker's; here only its CSR and the entity's password
 * arrive, and go through the same decision as every other enrolment (ENR-9). */
#include "api/keystore.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

static int
put_issued(struct api *a, json_t *o, struct span der)
{
	AUTO_STRUCT(x509) *cert = NULL;
	struct cert_row row = { 0 };
	char serial[2 * X509_SERIAL_MAX + 8];
	struct span number;
	int e = x509_parse(der, NULL, &cert);

	if (e)
		return e;
	number = cert->serial;
	/* a positive number's sign octet is not part of the serial's name */
	if (number.n > 1 && number.p[0] == 0)
		number = span_of(number.p + 1, number.n - 1);
	e = cert_by_serial(a->store, "", number, &row);
	if (e)
		return e;
	str_hex(serial, sizeof(serial), row.serial, 0);
	json_set_text(o, "serial", serial);
	json_set_text(o, "subject", row.subject);
	json_set_time(o, "not_after", row.not_after);
	json_set_text(o, "authority", row.authority);
	api_put_pem(o, "certificate", der);
	api_put_chain(a->ca, o, row.authority);
	cert_done(&row);
	return 0;
}

static void
on_decided(const struct enrol_answer *answer, void *cookie)
{
	struct api_request *r = (struct api_request *)cookie;
	struct api *a = r->api;
	const char *name = api_arg(r, "name");
	AUTO(json_t) *o = json_object();
	struct entity_row row;
	int e;

	if (answer->status == ENROL_PENDING) {
		json_set_text(o, "state", "pending");
		api_answer(a, r, 202, TAKE(o));
		return;
	}
	if (answer->status != ENROL_ISSUED) {
		api_refuse_with(a, r, answer->code ? answer->code : E_DENIED,
		    name, "%s", answer->text);
		return;
	}
	e = put_issued(a, o, answer->cert);
	if (!e && entity_get(a->store, name, &row) == 0)
		json_set_text(o, "token", entity_token_name(row.token));
	if (e)
		api_refuse_code(a, r, e, name);
	else
		api_answer(a, r, 200, TAKE(o));
}

/* another entity's password must not make a keystore under this name */
static int
check_owner(struct api *a, const struct entity_row *row, const char *password)
{
	struct password_row pw;
	uint8_t hash[32];
	int e = enrol_password_hash(password, hash);

	if (e)
		return 0; /* the decision refuses it, with its event */
	e = password_by_hash(a->store, hash, &pw);
	if (e == E_NOT_FOUND)
		return 0;
	return e ? e : pw.entity == row->id ? 0 : E_PASSWORD;
}

void
api_enrol_post(struct api *a, struct api_request *r)
{
	struct enrolment e = {
		.kind = ENROL_NEW, .protocol = "keystore", .source = "local"
	};
	AUTO_STRUCT(csr) *csr = NULL;
	const char *name = api_arg(r, "name"), *password, *transaction;
	struct entity_row row;
	int err;

	if (api_text(a, r, "password", sizeof(e.secret), &password) ||
	    api_text(a, r, "transaction", 64, &transaction) ||
	    api_csr(a, r, &csr))
		return;
	if (!csr || !password || !transaction) {
		api_refuse_with(a, r, E_INVAL, name,
		    "csr, password and transaction are needed");
		return;
	}
	err = entity_get(a->store, name, &row);
	if (!err)
		err = check_owner(a, &row, password);
	if (!err)
		err = str_copy(e.secret, sizeof(e.secret), password);
	if (!err)
		err =
		    str_copy(e.transaction, sizeof(e.transaction), transaction);
	e.csr = span_of(csr->der, csr->n);
	if (!err)
		err = decide(a->decider, &e, on_decided, r);
	secret_wipe(e.secret, sizeof(e.secret));
	if (err == E_PASSWORD)
		api_refuse_with(
		    a, r, err, name, "this password is not the entity's");
	else if (err == E_NOT_FOUND)
		api_refuse_with(a, r, err, name, "there is no such entity");
	else if (err)
		api_refuse_code(a, r, err, name);
}
