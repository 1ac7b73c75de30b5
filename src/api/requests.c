/* /api/v1/requests: enrolment requests, by hand (ENR-8), with receipts
 * (CERT-10). */
#include "api/api_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cert/write.h"

struct page {
	json_t *list;
	int64_t last;
	unsigned n;
};

static int
collect(const struct request_row *q, void *cookie)
{
	struct page *p = (struct page *)cookie;
	json_t *one = request_to_json(q);

	p->last = q->id;
	p->n++;
	return one && json_array_append_new(p->list, one) == 0 ? 0 : E_NOMEM;
}

static void
request_list_get(struct api *a, struct api_request *r)
{
	const char *text = api_query(r, "state");
	enum request_state state =
	    request_state_from_name(text ? text : "pending");
	AUTO(json_t) *o = json_object();
	struct page p = { 0 };
	unsigned limit;
	int64_t after, total = 0;
	int e;

	if (state == REQUEST_UNSET) {
		api_refuse_with(a, r, E_INVAL, "state",
		    "is none of pending issued rejected");
		return;
	}
	if (api_page(a, r, &limit, &after))
		return;
	p.list = json_array();
	e = request_each(a->store, state, after, limit, collect, &p);
	if (!e)
		e = request_count(a->store, state, &total);
	json_object_set_new(o, "requests", p.list);
	json_set_int(o, "total", total);
	if (p.n == limit)
		json_set_int(o, "next", p.last);
	if (e)
		api_refuse_code(a, r, e, "requests");
	else
		api_answer(a, r, 200, TAKE(o));
}

static void
put_csr(json_t *o, struct span der)
{
	AUTO_STRUCT(csr) *csr = NULL;
	struct spki_info key;
	struct san_list sans = { 0 };
	BUF(pem, CSR_DER_MAX * 2);

	if (der.n == 0 || csr_parse(der, NULL, &csr))
		return;
	if (spki_parse(csr->spki, &key) == 0)
		json_set_text(o, "key", key_kind_name(key.kind));
	if (csr->san.n && san_from_der(csr->san, &sans) == 0)
		json_object_set_new(o, "san", san_to_json(&sans));
	if (pem_write("CERTIFICATE REQUEST", der, &pem) == 0)
		json_object_set_new(
		    o, "csr", json_stringn((const char *)pem.p, pem.n));
}

static int
put_cert(struct api *a, json_t *o, int64_t id)
{
	struct cert_row row = { 0 };
	int e = cert_by_id(a->store, id, &row);

	if (e)
		return e;
	json_set_hex(o, "serial", row.serial);
	json_set_time(o, "not_after", row.not_after);
	api_put_pem(o, "certificate", row.der);
	api_put_chain(a->ca, o, row.authority);
	cert_done(&row);
	return 0;
}

static void
answer_request(struct api *a, struct api_request *r, int64_t id)
{
	struct request_row q = { 0 };
	AUTO(json_t) *o = NULL, *receipt = NULL;
	int e = request_get(a->store, id, &q);

	if (e) {
		api_refuse_with(a, r, e, api_arg(r, "id"),
		    e == E_NOT_FOUND ? "there is no such request"
				     : "cannot be read");
		return;
	}
	o = request_to_json(&q);
	put_csr(o, q.csr);
	if (q.receipt.n &&
	    json_parse(q.receipt, LEDGER_BODY_MAX * 4, NULL, &receipt) == 0)
		json_object_set(o, "receipt", receipt);
	if (q.cert)
		e = put_cert(a, o, q.cert);
	request_done(&q);
	if (e)
		api_refuse_code(a, r, e, "certificate");
	else
		api_answer(a, r, 200, TAKE(o));
}

static void
request_show_get(struct api *a, struct api_request *r)
{
	int64_t id;

	if (!api_arg_number(a, r, "id", &id))
		answer_request(a, r, id);
}

static void
request_upload_post(struct api *a, struct api_request *r)
{
	struct actor who = api_who(r);
	struct manual_params p = { 0 };
	AUTO_STRUCT(csr) *csr = NULL;
	int e;

	if (api_text(a, r, "profile", PROFILE_NAME_MAX, &p.profile) ||
	    api_text(a, r, "entity", ENTITY_NAME_MAX, &p.entity) ||
	    api_csr(a, r, &csr))
		return;
	if (!csr) {
		api_refuse_with(a, r, E_INVAL, "csr", "is missing");
		return;
	}
	p.csr = span_of(csr->der, csr->n);
	e = decide_upload(a->decider, &p, &who, api_ca_done, r);
	if (e)
		api_refuse_code(a, r, e, "request");
}

static void
begun(struct api *a, struct api_request *r, int e)
{
	if (e == E_NOT_FOUND)
		api_refuse_with(
		    a, r, e, api_arg(r, "id"), "there is no such request");
	else if (e == E_STATE)
		api_refuse_with(a, r, e, api_arg(r, "id"),
		    "this request is decided already");
	else if (e)
		api_refuse_code(a, r, e, api_arg(r, "id"));
}

/* approved: the same answer as GET, certificate and receipt included */
static void
on_approved(int result, json_t *answer, const struct diag *d, void *cookie)
{
	struct api_request *r = (struct api_request *)cookie;

	if (result)
		api_ca_done(result, answer, d, cookie);
	else
		answer_request(r->api, r, json_get_int(answer, "id", 0));
}

static void
request_approve_post(struct api *a, struct api_request *r)
{
	struct actor who = api_who(r);
	const char *profile;
	int64_t id;

	if (api_arg_number(a, r, "id", &id) ||
	    api_text(a, r, "profile", PROFILE_NAME_MAX, &profile))
		return;
	begun(a, r,
	    decide_approve(a->decider, id, profile, &who, on_approved, r));
}

static void
request_reject_post(struct api *a, struct api_request *r)
{
	struct actor who = api_who(r);
	const char *reason;
	int64_t id;

	if (api_arg_number(a, r, "id", &id) ||
	    api_text(a, r, "reason", 256, &reason))
		return;
	if (!reason || !reason[0]) {
		api_refuse_with(a, r, E_INVAL, "reason", "must be given");
		return;
	}
	begun(
	    a, r, decide_reject(a->decider, id, reason, &who, api_ca_done, r));
}

const struct api_route api_request_routes[] = {
	{ "GET", "/api/v1/requests", request_list_get,
	    "requests of one state; pending ones by default" },
	{ "POST", "/api/v1/requests", request_upload_post,
	    "a PKCS#10 uploaded by hand" },
	{ "GET", "/api/v1/requests/{id}", request_show_get,
	    "one request with CSR, receipt and certificate" },
	{ "POST", "/api/v1/requests/{id}/approve", request_approve_post,
	    "issue what was asked" },
	{ "POST", "/api/v1/requests/{id}/reject", request_reject_post,
	    "refuse it, with a reason" },
	{ NULL, NULL, NULL, NULL },
};
