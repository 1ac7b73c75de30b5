/* trust/list: what stands in a store, out of it, and gone from it (TRUST-1). */
#include <ctype.h>
#include <stdio.h>

#include "base/json.h"
#include "base/str.h"
#include "cert/write.h"
#include "trust/trust_internal.h"

#define KEY_HEX_MIN 8 /* digits of a fingerprint that may be given */

struct listing {
	json_t *array;
	int64_t now;
};

static int
list_one(const struct trust_row *t, void *cookie)
{
	struct listing *l = (struct listing *)cookie;
	json_t *o = trust_row_to_json(t, l->now);

	return o && json_array_append_new(l->array, o) == 0 ? 0 : E_NOMEM;
}

int
trust_list(struct trust *t, const char *system, int64_t now, json_t **ret)
{
	struct listing l = { json_array(), now };
	json_t *o = json_object();
	int e = l.array && o ? trust_row_each(t->store, system, list_one, &l)
			     : E_NOMEM;

	json_set_text(o, "system", system);
	if (e || json_object_set_new(o, "certificates", l.array)) {
		if (e)
			json_decref(l.array);
		json_decref(o);
		return e ? e : E_NOMEM;
	}
	*ret = o;
	return 0;
}

static int
export_one(const struct trust_row *t, void *cookie)
{
	return pem_write("CERTIFICATE", t->der, (struct buf *)cookie);
}

int
trust_export(struct trust *t, const char *system, struct buf *ret_pem)
{
	int e = trust_row_each(t->store, system, export_one, ret_pem);

	return e ? e : buf_error(ret_pem);
}

/* -- removing -- */

struct search {
	const char *key;
	char hex[65]; /* the key as bare digits; "" when it is none */
	size_t found;
	struct trust_row row; /* without der */
};

static void
key_to_hex(const char *key, char hex[65])
{
	size_t n = 0;

	for (; *key; key++) {
		if (*key == ':' || *key == ' ')
			continue;
		if (n == 64 || !isxdigit((unsigned char)*key)) {
			n = 0;
			break;
		}
		hex[n++] = (char)tolower((unsigned char)*key);
	}
	hex[n < KEY_HEX_MIN ? 0 : n] = '\0';
}

static int
match(const struct trust_row *t, void *cookie)
{
	struct search *s = (struct search *)cookie;
	char fp[65];

	str_hex(fp, sizeof(fp), span_of(t->fingerprint, 32), 0);
	if (strcmp(t->alias, s->key) != 0 &&
	    !(s->hex[0] && str_has_prefix(fp, s->hex)))
		return 0;
	s->found++;
	s->row = *t;
	s->row.der = span_of(NULL, 0);
	return 0;
}

static int
refuse(struct diag *d, const char *key, size_t found)
{
	int code = found ? E_CONFLICT : E_NOT_FOUND;

	(void)diag_set(d, code, key, NULL,
	    found ? "%zu certificates go by this name"
		  : "no certificate goes by this name (%zu found)",
	    found);
	diag_remedy(
	    d, found ? "give more digits of the fingerprint"
		     : "signet trust list shows aliases and fingerprints");
	return code;
}

int
trust_remove(struct trust *t, const char *system, const char *key,
    const char *actor, const char *source, int64_t now, struct diag *d,
    json_t **ret)
{
	struct search s = { .key = key };
	json_t *o;
	int e;

	key_to_hex(key, s.hex);
	e = trust_row_each(t->store, system, match, &s);
	if (e)
		return e;
	if (s.found != 1)
		return refuse(d, key, s.found);
	e = trust_row_remove(t->store, s.row.id);
	if (!e)
		e = trust_event(
		    t, EVENT_TRUST_REMOVE, &s.row, actor, source, now);
	if (e)
		return e;
	o = trust_row_to_json(&s.row, now);
	if (!o)
		return E_NOMEM;
	json_set_text(o, "result", "removed");
	*ret = o;
	return 0;
}
