#include "ca/ca.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "ca/ca_internal.h"

#define SETTING_MAX 4096 /* bytes of a setting of ours */

int
ca_refuse(struct diag *d, int code, const char *object, const char *remedy,
    const char *fact, ...)
{
	char text[DIAG_TEXT_MAX];
	va_list ap;

	va_start(ap, fact);
	vsnprintf(text, sizeof(text), fact, ap);
	va_end(ap);
	(void)diag_set(d, code, object, NULL, "%s", text);
	if (remedy)
		diag_remedy(d, "%s", remedy);
	return code;
}

static void
authority_free(struct authority *a)
{
	if (!a)
		return;
	ca_crl_drop(a);
	free(a->crl);
	x509_free(a->cert);
	x509_free(a->ra_cert);
	authority_done(&a->row);
	free(a);
}

struct authority *
ca_find(const struct ca *ca, const char *id)
{
	for (size_t i = 0; i < ca->authority_n; i++)
		if (strcmp(ca->authorities[i]->row.id, id) == 0)
			return ca->authorities[i];
	return NULL;
}

struct authority *
ca_issuer(const struct ca *ca)
{
	struct authority *root = NULL;

	for (size_t i = 0; i < ca->authority_n; i++) {
		struct authority *a = ca->authorities[i];

		if (a->row.state != AUTHORITY_CURRENT)
			continue;
		if (a->row.kind == AUTHORITY_ISSUING)
			return a;
		root = a;
	}
	return root;
}

size_t
ca_chain(const struct authority *a, struct span out[CA_CHAIN_MAX])
{
	size_t n = 0;

	for (; a && n < CA_CHAIN_MAX; a = a->parent)
		out[n++] = x509_span(a->cert);
	return n;
}

bool
ca_has_key(const struct authority *a)
{
	return a->row.key[0] != '\0';
}

unsigned
ca_next_number(const struct ca *ca)
{
	int64_t n, top = 0;

	for (size_t i = 0; i < ca->authority_n; i++) {
		const char *dash = strrchr(ca->authorities[i]->row.id, '-');

		if (dash && str_to_int(dash + 1, 1, 1000000, &n) == 0 &&
		    n > top)
			top = n;
	}
	return (unsigned)top + 1;
}

/* -- loading -- */

static int
keep_id(const struct authority_row *a, void *cookie)
{
	struct buf *ids = (struct buf *)cookie;

	buf_add(ids, a->id, AUTHORITY_ID_MAX);
	return buf_error(ids);
}

/* takes the row over; the parsed objects follow it */
static int
authority_update(struct authority *a, struct authority_row *row, struct diag *d)
{
	AUTO_STRUCT(x509) *cert = NULL;
	AUTO_STRUCT(x509) *ra = NULL;
	struct spki_info key;
	int e = x509_parse(row->cert, d, &cert);

	if (!e)
		e = spki_parse(cert->spki, &key);
	if (!e && row->ra_cert.n)
		e = x509_parse(row->ra_cert, d, &ra);
	if (e)
		return e;
	x509_free(a->cert);
	x509_free(a->ra_cert);
	authority_done(&a->row);
	a->cert = TAKE(cert);
	a->ra_cert = TAKE(ra);
	a->key_kind = key.kind;
	a->row = *row;
	memset(row, 0, sizeof(*row));
	return 0;
}

static struct authority *
authority_room(struct ca *ca)
{
	struct authority *a;

	if (ca->authority_n == CA_AUTHORITIES_MAX)
		return NULL;
	a = (struct authority *)calloc(1, sizeof(*a));
	if (a)
		a->crl = (struct crl_job *)calloc(1, sizeof(*a->crl));
	if (!a || !a->crl) {
		free(a);
		return NULL;
	}
	return a;
}

static int
load_one(struct ca *ca, const char *id, struct diag *d)
{
	struct authority *a = ca_find(ca, id);
	bool is_new = !a;
	struct authority_row row;
	int e = authority_get(ca->store, id, &row);

	if (e)
		return e;
	if (is_new)
		a = authority_room(ca);
	e = a ? authority_update(a, &row, d) : E_LIMIT;
	authority_done(&row);
	if (e) {
		if (is_new)
			authority_free(a);
		return e;
	}
	if (is_new)
		ca->authorities[ca->authority_n++] = a;
	return 0;
}

static int
load_setting(struct ca *ca, const char *name, struct buf *ret)
{
	int e = setting_get(ca->store, name, ret);

	if (e == E_NOT_FOUND) {
		buf_reset(ret);
		e = 0;
	}
	return e;
}

static void
copy_member(const json_t *o, const char *key, char *out, size_t size)
{
	const char *text = json_get0_text(o, key);

	if (str_copy(out, size, text ? text : ""))
		out[0] = '\0';
}

static int
load_settings(struct ca *ca, struct diag *d)
{
	struct estate_names *n = &ca->estate;
	AUTO(json_t) *o = NULL;
	BUF(text, SETTING_MAX);
	int e = load_setting(ca, CA_SETTING_LEDGER_KEY, &text);

	if (!e && text.n < sizeof(ca->ledger_key)) {
		memset(ca->ledger_key, 0, sizeof(ca->ledger_key));
		if (text.n)
			memcpy(ca->ledger_key, text.p, text.n);
	}
	if (!e)
		e = load_setting(ca, CA_SETTING_ESTATE, &text);
	if (e || text.n == 0)
		return e;
	e = json_parse(buf_span(&text), SETTING_MAX, d, &o);
	if (e)
		return e;
	copy_member(o, "c", n->c, sizeof(n->c));
	copy_member(o, "st", n->st, sizeof(n->st));
	copy_member(o, "l", n->l, sizeof(n->l));
	copy_member(o, "o", n->o, sizeof(n->o));
	copy_member(o, "ou", n->ou, sizeof(n->ou));
	copy_member(o, "email", n->email, sizeof(n->email));
	return 0;
}

bool
ca_is_ignited(struct ca *ca)
{
	BUF(text, SETTING_MAX);

	return ca->authority_n > 0 ||
	       (setting_get(ca->store, CA_SETTING_IGNITED, &text) == 0 &&
		   text.n > 0);
}

/* a revocation whose CRL was not made before a crash */
static void
load_due(struct ca *ca, struct authority *a)
{
	char name[AUTHORITY_ID_MAX + 16];
	BUF(text, SETTING_MAX);

	snprintf(name, sizeof(name), "crl.due.%s", a->row.id);
	if (setting_get(ca->store, name, &text) == 0 && text.n == 1 &&
	    text.p[0] == '1')
		a->crl->is_due = true;
}

int
ca_reload(struct ca *ca, struct diag *d)
{
	BUF(ids, CA_AUTHORITIES_MAX * AUTHORITY_ID_MAX);
	int e = authority_each(ca->store, keep_id, &ids);

	for (size_t at = 0; !e && at < ids.n; at += AUTHORITY_ID_MAX)
		e = load_one(ca, (const char *)ids.p + at, d);
	if (!e)
		e = load_settings(ca, d);
	for (size_t i = 0; i < ca->authority_n; i++) {
		struct authority *a = ca->authorities[i];

		a->parent =
		    a->row.parent[0] ? ca_find(ca, a->row.parent) : NULL;
		load_due(ca, a);
	}
	return e;
}

void
ca_changed(struct ca *ca)
{
	struct diag d = { 0 };
	int e = ca_reload(ca, &d);

	if (e)
		log_line(LOG_ERROR, "authorities cannot be read: %s: %s",
		    err_name(e), d.fact);
	if (ca->on_change)
		ca->on_change(ca->on_change_cookie);
}

int
ca_new(struct store *s, struct ledger *l, struct key_client *k,
    const struct config *c, struct diag *d, struct ca **ret)
{
	struct ca *ca = (struct ca *)calloc(1, sizeof(*ca));
	int e = E_NOMEM;

	if (!ca)
		return E_NOMEM;
	ca->store = s;
	ca->ledger = l;
	ca->keys = k;
	ca->config = c;
	ca->life = (struct ca_life *)calloc(1, sizeof(*ca->life));
	ca->schedule = (struct ca_schedule *)calloc(1, sizeof(*ca->schedule));
	if (ca->life && ca->schedule) {
		ca->life->ca = ca;
		e = profile_load(
		    c->catalog_dir, c->state_dir, d, &ca->profiles);
	}
	if (!e)
		e = ca_reload(ca, d);
	/* behind the ledger's own: its end must be the durable one by then */
	if (!e)
		e = store_watch(s, tick_committed, ca);
	if (e) {
		ca_free(ca);
		return e;
	}
	*ret = ca;
	return 0;
}

void
ca_free(struct ca *ca)
{
	if (!ca)
		return;
	store_unwatch(ca->store, tick_committed, ca);
	for (size_t i = 0; i < ca->authority_n; i++)
		authority_free(ca->authorities[i]);
	if (ca->life) {
		ca->life->ca = NULL;
		if (ca->life->refs == 0)
			free(ca->life);
	}
	free(ca->schedule);
	free(ca);
}

/* -- as JSON -- */

static json_t *
cert_to_json(const struct x509 *c)
{
	char text[NAME_TEXT_MAX];
	uint8_t fp[32];
	json_t *o = json_object();

	name_print(c->subject, text, sizeof(text));
	json_set_text(o, "subject", text);
	x509_serial_print(c, text, sizeof(text));
	json_set_text(o, "serial", text);
	json_set_time(o, "not_before", c->not_before);
	json_set_time(o, "not_after", c->not_after);
	x509_fingerprint(c, fp);
	json_set_hex(o, "fingerprint", span_of(fp, sizeof(fp)));
	return o;
}

json_t *
authority_to_json(const struct ca *ca, const struct authority *a)
{
	json_t *o = cert_to_json(a->cert), *crl = json_object();

	json_set_text(o, "id", a->row.id);
	json_set_text(o, "kind", authority_kind_name(a->row.kind));
	json_set_text(o, "state", authority_state_name(a->row.state));
	json_set_text(o, "parent", a->row.parent);
	json_set_text(o, "key", a->row.key);
	json_set_text(o, "key_kind", key_kind_name(a->key_kind));
	json_set_bool(o, "issues", a == ca_issuer(ca));
	json_set_time(o, "created", a->row.created);
	if (a->ra_cert)
		(void)json_object_set_new(o, "ra", cert_to_json(a->ra_cert));
	if (a->row.crl_next) {
		json_set_int(crl, "number", (int64_t)a->row.crl_number);
		json_set_time(crl, "next_update", a->row.crl_next);
		(void)json_object_set(o, "crl", crl);
	}
	json_decref(crl);
	return o;
}
