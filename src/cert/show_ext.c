/* Extensions as JSON (RFC 5280 4.2). */
#include "cert/show_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cert/bundle.h"
#include "cert/der.h"
#include "cert/oid.h"

#define OID_SHOWN_MAX 128 /* bytes of one dotted number */

static void
append_text(json_t *array, const char *text)
{
	json_array_append_new(array, json_string(text));
}

static void
append_oid(json_t *array, struct span oid)
{
	char text[OID_SHOWN_MAX];
	const char *name = oid_name(oid_from_span(oid));

	oid_print(oid, text, sizeof(text));
	append_text(array, name ? name : text);
}

/* one GeneralName: san_from_der() takes lists, so it gets a list of one */
static void
append_general_name(json_t *array, struct span raw)
{
	AUTO(json_t) *one = NULL;
	struct san_list *list = (struct san_list *)malloc(sizeof(*list));
	DERW(w);
	size_t mark;

	if (list && derw_init(&w, raw.n + 16) == 0) {
		mark = derw_mark(&w);
		derw_raw(&w, raw);
		derw_wrap(&w, DER_SEQUENCE, mark);
		if (!w.err && san_from_der(derw_span(&w), list) == 0)
			one = san_to_json(list);
	}
	free(list);
	if (one && json_array_size(one) == 1)
		json_array_append(array, json_array_get(one, 0));
	else
		append_text(array, "unreadable");
}

static json_t *
general_names(struct span der)
{
	struct der all = der_of(der), in = der_enter(&all, DER_SEQUENCE);
	json_t *array = json_array();

	while (!der_is_empty(&in) && json_array_size(array) < SHOW_NAMES_MAX) {
		struct span raw = der_take_raw(&in, -1);

		if (in.err)
			break;
		append_general_name(array, raw);
	}
	return array;
}

static void
append_uri(json_t *array, struct span uri)
{
	AUTO(json_t) *holder = json_object();

	json_set_escaped(holder, "u", uri);
	json_array_append(array, json_object_get(holder, "u"));
}

/* [6] uniformResourceIdentifier of GeneralNames contents */
static void
append_uris(json_t *array, struct der *names)
{
	while (!der_is_empty(names)) {
		int tag;
		struct span v = der_take_any(names, &tag);

		if (names->err)
			return;
		if (tag == DER_CONTEXT(6))
			append_uri(array, v);
	}
}

/* CRLDistributionPoints: { [0] { [0] GeneralNames } ... } (4.2.1.13) */
static void
show_crl_urls(json_t *o, struct span value)
{
	struct der all = der_of(value), in = der_enter(&all, DER_SEQUENCE);
	json_t *array = json_array();

	while (!der_is_empty(&in)) {
		struct der point = der_enter(&in, DER_SEQUENCE);

		if (der_peek(&point) == DER_CONTEXT_CONS(0)) {
			struct der name =
			    der_enter(&point, DER_CONTEXT_CONS(0));
			struct der full = der_enter(&name, DER_CONTEXT_CONS(0));

			append_uris(array, &full);
		}
		if (in.err)
			break;
	}
	json_object_set_new(o, "crl_urls", array);
}

/* AuthorityInfoAccess: { { method OID, GeneralName } ... } (4.2.2.1) */
static void
show_aia(json_t *o, struct span value)
{
	struct der all = der_of(value), in = der_enter(&all, DER_SEQUENCE);
	json_t *ocsp = json_array(), *issuers = json_array();

	while (!der_is_empty(&in)) {
		struct der one = der_enter(&in, DER_SEQUENCE);
		enum oid method = oid_from_span(der_take(&one, DER_OID));

		if (one.err || in.err)
			break;
		append_uris(method == OID_AD_OCSP ? ocsp : issuers, &one);
	}
	json_object_set_new(o, "ocsp_urls", ocsp);
	json_object_set_new(o, "issuer_urls", issuers);
}

static void
show_policies(json_t *o, struct span value)
{
	struct der all = der_of(value), in = der_enter(&all, DER_SEQUENCE);
	json_t *array = json_array();

	while (!der_is_empty(&in)) {
		struct der one = der_enter(&in, DER_SEQUENCE);
		struct span oid = der_take(&one, DER_OID);

		if (one.err)
			break;
		append_oid(array, oid);
	}
	json_object_set_new(o, "policies", array);
}

static void
show_eku(json_t *o, struct span value)
{
	struct der all = der_of(value), in = der_enter(&all, DER_SEQUENCE);
	json_t *array = json_array();

	while (!der_is_empty(&in)) {
		struct span oid = der_take(&in, DER_OID);

		if (in.err)
			break;
		append_oid(array, oid);
	}
	json_object_set_new(o, "extended_key_usage", array);
}

static void
show_ku(json_t *o, struct span value)
{
	struct der all = der_of(value);
	int unused;
	struct span bits = der_take_bits(&all, &unused);
	json_t *array = json_array();

	for (unsigned i = 0; i < 9 && i / 8 < bits.n; i++)
		if (bits.p[i / 8] & 0x80 >> i % 8)
			append_text(array, ku_name(1u << i));
	json_object_set_new(o, "key_usage", array);
}

static void
show_bc(json_t *o, struct span value)
{
	struct der all = der_of(value), in = der_enter(&all, DER_SEQUENCE);
	json_t *bc = json_object();
	bool ca = der_peek(&in) == DER_BOOLEAN && der_take_bool(&in);

	json_set_bool(bc, "ca", ca);
	if (der_peek(&in) == DER_INTEGER)
		json_set_int(bc, "path_length", der_take_small(&in));
	else
		json_object_set_new(bc, "path_length", json_null());
	json_object_set_new(o, "basic_constraints", bc);
}

/* AuthorityKeyIdentifier: [0] key, [1] issuer, [2] serial (4.2.1.1) */
static void
show_aki(json_t *o, struct span value)
{
	struct der all = der_of(value), in = der_enter(&all, DER_SEQUENCE);
	struct span key;

	if (der_try(&in, DER_CONTEXT(0), &key))
		show_colon_hex(o, "authority_key_id", key);
}

static void
show_known(json_t *o, const struct x509_ext *x)
{
	struct der all = der_of(x->value);

	switch (x->id) {
	case OID_SAN:
		json_object_set_new(o, "san", general_names(x->value));
		break;
	case OID_IAN:
		json_object_set_new(
		    o, "issuer_alt_names", general_names(x->value));
		break;
	case OID_KU:
		show_ku(o, x->value);
		break;
	case OID_EKU:
		show_eku(o, x->value);
		break;
	case OID_BC:
		show_bc(o, x->value);
		break;
	case OID_SKI:
		show_colon_hex(
		    o, "subject_key_id", der_take(&all, DER_OCTET_STRING));
		break;
	case OID_AKI:
		show_aki(o, x->value);
		break;
	case OID_CRL_DP:
		show_crl_urls(o, x->value);
		break;
	case OID_AIA:
		show_aia(o, x->value);
		break;
	case OID_POLICIES:
		show_policies(o, x->value);
		break;
	default:
		break;
	}
}

void
show_extensions(json_t *o, const struct x509_ext *ext, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++) {
		char oid[OID_SHOWN_MAX];
		json_t *one = json_object();

		oid_print(ext[i].oid, oid, sizeof(oid));
		json_set_text(one, "oid", oid);
		json_set_text(one, "name", oid_name(ext[i].id));
		json_set_bool(one, "critical", ext[i].critical);
		json_array_append_new(array, one);
		show_known(o, &ext[i]);
	}
	json_object_set_new(o, "extensions", array);
}
