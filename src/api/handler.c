/* What every noun's handlers need: bodies, pages, events, PEM. */
#include "api/api_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cert/bundle.h"
#include "cert/write.h"
#include "os/clock.h"

int
api_event(struct api *a, const struct api_request *r, enum event_kind kind,
    enum severity severity, const char *object, json_t *detail)
{
	AUTO(json_t) *own = detail;
	struct event e = { .kind = kind,
		.severity = severity,
		.actor = r->actor,
		.source = "local",
		.object = object,
		.result = "ok",
		.detail = own };

	return ledger_add(a->ledger, &e, clock_now());
}

int
api_text(struct api *a, struct api_request *r, const char *key, size_t max,
    const char **ret)
{
	const json_t *v = json_object_get(r->json, key);
	const char *text = json_string_value(v);

	if (!v || json_is_null(v)) {
		*ret = NULL;
		return 0;
	}
	/* an inner NUL would be one text here and another in the ledger */
	if (!text || json_string_length(v) != strlen(text)) {
		api_refuse_with(a, r, E_INVAL, key, "must be a text");
		return E_INVAL;
	}
	if (strlen(text) >= max) {
		api_refuse_with(a, r, E_INVAL, key,
		    "has %zu bytes, at most %zu", strlen(text), max - 1);
		return E_INVAL;
	}
	*ret = text;
	return 0;
}

int
api_bytes(struct api *a, struct api_request *r, const char *key, uint8_t **ret,
    size_t *ret_n)
{
	const char *text;
	int e = api_text(a, r, key, API_BODY_MAX, &text);

	if (e)
		return e;
	if (!text) {
		*ret = NULL;
		*ret_n = 0;
		return 0;
	}
	e = str_from_base64(span_str(text), ret, ret_n);
	if (e)
		api_refuse_with(a, r, e, key, "is no base64");
	return e;
}

static int
csr_of_file(struct span file, struct diag *d, struct csr **ret)
{
	struct bundle_options none = { 0 };
	AUTO_STRUCT(bundle) *b = NULL;
	int e = bundle_read(file, "CSR", &none, d, &b);

	if (e)
		return e;
	for (size_t i = 0; i < b->n; i++)
		if (b->objects[i].kind == OBJECT_CSR)
			return csr_parse(b->objects[i].der, d, ret);
	return diag_set(
	    d, E_PARSE, "CSR", NULL, "there is no certification request in it");
}

int
api_csr(struct api *a, struct api_request *r, struct csr **ret)
{
	AUTO_STRUCT(csr) *csr = NULL;
	struct diag d = { 0 };
	uint8_t *der = NULL;
	const char *text;
	size_t n = 0;
	int e = api_text(a, r, "csr", CSR_DER_MAX * 2, &text);

	*ret = NULL;
	if (e || !text)
		return e;
	if (strstr(text, "-----BEGIN")) {
		e = csr_of_file(span_str(text), &d, &csr);
	} else {
		e = api_bytes(a, r, "csr", &der, &n);
		if (e)
			return e;
		e = csr_of_file(span_of(der, n), &d, &csr);
		free(der);
	}
	if (!e && csr_verify(csr))
		e = diag_set(&d, E_CRYPTO, "CSR", "RFC 2986 4.2",
		    "its signature is not by its own key");
	if (e)
		api_refuse(a, r, &d);
	else
		*ret = TAKE(csr);
	return e;
}

int
api_page(struct api *a, struct api_request *r, unsigned *ret_limit,
    int64_t *ret_after)
{
	const char *limit = api_query(r, "limit"), *next = api_query(r, "next");
	int64_t n = API_LIST_DEFAULT, after = 0;

	if (limit && str_to_int(limit, 1, API_LIST_MAX, &n)) {
		api_refuse_with(a, r, E_INVAL, "limit",
		    "must be a number from 1 to %d", API_LIST_MAX);
		return E_INVAL;
	}
	if (next && str_to_int(next, 0, INT64_MAX, &after)) {
		api_refuse_with(a, r, E_INVAL, "next",
		    "must be the \"next\" of an earlier answer");
		return E_INVAL;
	}
	*ret_limit = (unsigned)n;
	*ret_after = after;
	return 0;
}

int
api_arg_number(
    struct api *a, struct api_request *r, const char *name, int64_t *ret)
{
	const char *text = api_arg(r, name);

	if (text && str_to_int(text, 1, INT64_MAX, ret) == 0)
		return 0;
	api_refuse_with(a, r, E_NOT_FOUND, name, "is no number of ours");
	return E_NOT_FOUND;
}

static json_t *
pem_text(struct span der)
{
	BUF(pem, X509_DER_MAX * 2);

	if (pem_write("CERTIFICATE", der, &pem))
		return NULL;
	return json_stringn((const char *)pem.p, pem.n);
}

void
api_put_pem(json_t *o, const char *key, struct span der)
{
	json_t *pem = der.n ? pem_text(der) : NULL;

	if (o && pem)
		json_object_set_new(o, key, pem);
}

void
api_put_chain(const struct ca *ca, json_t *o, const char *authority)
{
	struct span chain[CA_CHAIN_MAX];
	const struct authority *a = ca_find(ca, authority);
	size_t n = a ? ca_chain(a, chain) : 0;
	json_t *list = json_array();

	for (size_t i = 0; list && i < n; i++) {
		json_t *pem = pem_text(chain[i]);

		if (pem)
			json_array_append_new(list, pem);
	}
	if (o && list)
		json_object_set_new(o, "chain", list);
}

int
api_estate(struct api *a, struct api_request *r, struct estate_names *ret)
{
	const json_t *org = json_object_get(r->json, "org");
	struct estate_names names = { 0 };
	const struct {
		const char *key;
		char *to;
		size_t size;
	} fields[] = {
		{ "c", names.c, sizeof(names.c) },
		{ "st", names.st, sizeof(names.st) },
		{ "l", names.l, sizeof(names.l) },
		{ "o", names.o, sizeof(names.o) },
		{ "ou", names.ou, sizeof(names.ou) },
		{ "email", names.email, sizeof(names.email) },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const char *text = json_get0_text(org, fields[i].key);

		if (text && str_copy(fields[i].to, fields[i].size, text)) {
			api_refuse_with(a, r, E_INVAL, fields[i].key,
			    "has more than %zu bytes", fields[i].size - 1);
			return E_INVAL;
		}
	}
	if (names.c[0] && strlen(names.c) != 2) {
		api_refuse_with(
		    a, r, E_INVAL, "c", "a country is two letters (ISO 3166)");
		return E_INVAL;
	}
	*ret = names;
	return 0;
}
