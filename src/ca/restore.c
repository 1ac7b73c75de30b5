#include "ca/restore.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/time.h"
#include "ca/ca_internal.h"
#include "cert/crl.h"
#include "os/clock.h"
#include "store/trusts.h"

#define GENERATIONS_MAX 16 /* certificates of one authority */
#define KEYS_MAX (2 * CA_AUTHORITIES_MAX + 1)

struct restored {                        /* one authority of the backup */
	struct authority_row row;        /* cert: the newest, owned */
	uint8_t *certs[GENERATIONS_MAX]; /* oldest first */
	size_t cert_n[GENERATIONS_MAX], n;
	uint8_t *p12, *crl;
	size_t p12_n, crl_n;
	bool has_ra;
	struct x509 *x509;
	struct buf ra_spki, ra_cert;
};

struct restore {
	struct ca *ca;
	json_t *backup;
	char password[KEY_PASSWORD_MAX];
	char who[96], source[64], ledger_key[KEY_ID_MAX];
	struct buf ledger_spki;
	struct restored *e;
	size_t n, at;
	char keys[KEYS_MAX][KEY_ID_MAX]; /* to be destroyed on failure */
	size_t key_n;
	bool ra_signed;
	struct diag d;
	int result;
	ca_done_fn fn;
	void *cookie;
};

static void go_on(struct restore *r);

static void
restore_free(void *cookie)
{
	struct restore *r = (struct restore *)cookie;

	for (size_t i = 0; r->e && i < r->n; i++) {
		struct restored *e = &r->e[i];

		for (size_t k = 0; k < e->n; k++)
			free(e->certs[k]);
		free(e->p12);
		free(e->crl);
		x509_free(e->x509);
		buf_done(&e->ra_spki);
		buf_done(&e->ra_cert);
	}
	free(r->e);
	secret_wipe(r->password, sizeof(r->password));
	buf_done(&r->ledger_spki);
	json_decref(r->backup);
	free(r);
}

/* -- reading -- */

static int
bad(struct restore *r, const char *what)
{
	return diag_set(&r->d, E_PARSE, "backup", "CA-2",
	    "%s is missing or malformed", what);
}

static int
take_bytes(const json_t *o, const char *key, uint8_t **ret, size_t *ret_n)
{
	const char *text = json_get0_text(o, key);

	return text ? str_from_base64(span_str(text), ret, ret_n) : 0;
}

static int
take_id(const json_t *o, const char *key, char *out, size_t size)
{
	const char *text = json_get0_text(o, key);

	return str_copy(out, size, text ? text : "");
}

static enum authority_kind
kind_of(const char *text)
{
	for (int k = AUTHORITY_ROOT; k <= AUTHORITY_ISSUING; k++)
		if (text && strcmp(text, authority_kind_name(
					     (enum authority_kind)k)) == 0)
			return (enum authority_kind)k;
	return AUTHORITY_KIND_UNSET;
}

static enum authority_state
state_of(const char *text)
{
	for (int s = AUTHORITY_CURRENT; s <= AUTHORITY_OUTSIDE; s++)
		if (text && strcmp(text, authority_state_name(
					     (enum authority_state)s)) == 0)
			return (enum authority_state)s;
	return AUTHORITY_UNSET;
}

static int
take_certs(struct restore *r, const json_t *o, struct restored *e)
{
	const json_t *list = json_object_get(o, "certificates");
	size_t n = json_array_size(list);

	if (n == 0 || n > GENERATIONS_MAX)
		return bad(r, "certificates");
	for (size_t i = 0; i < n; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text || str_from_base64(
				 span_str(text), &e->certs[i], &e->cert_n[i]))
			return bad(r, "certificates");
		e->n = i + 1;
	}
	e->row.cert = span_of(e->certs[n - 1], e->cert_n[n - 1]);
	return x509_parse(e->row.cert, &r->d, &e->x509);
}

static int
take_one(struct restore *r, const json_t *o, struct restored *e)
{
	struct authority_row *row = &e->row;
	const char *created = json_get0_text(o, "created");

	buf_init(&e->ra_spki, KEY_TBS_MAX);
	buf_init(&e->ra_cert, KEY_TBS_MAX);
	row->kind = kind_of(json_get0_text(o, "kind"));
	row->state = state_of(json_get0_text(o, "state"));
	row->crl_number = (uint64_t)json_get_int(o, "crl_number", 0);
	e->has_ra = json_get_bool(o, "ra", false);
	if (take_id(o, "id", row->id, sizeof(row->id)) || !row->id[0] ||
	    take_id(o, "parent", row->parent, sizeof(row->parent)) ||
	    take_id(o, "key", row->key, sizeof(row->key)) || !row->kind ||
	    !row->state || !created || time_parse(created, &row->created))
		return bad(r, "an authority");
	if (take_bytes(o, "p12", &e->p12, &e->p12_n) ||
	    take_bytes(o, "crl", &e->crl, &e->crl_n))
		return bad(r, row->id);
	if (row->key[0] && (!e->p12 || !key_id_is_valid(row->key)))
		return bad(r, "a key");
	return take_certs(r, o, e);
}

static int
take_all(struct restore *r)
{
	const json_t *list = json_object_get(r->backup, "authorities");
	const char *format = json_get0_text(r->backup, "format");
	size_t n = json_array_size(list);
	int e = 0;

	if (!format || strcmp(format, BACKUP_FORMAT) != 0)
		return bad(r, "format " BACKUP_FORMAT);
	if (n == 0 || n > CA_AUTHORITIES_MAX)
		return bad(r, "authorities");
	r->e = (struct restored *)calloc(n, sizeof(*r->e));
	if (!r->e)
		return E_NOMEM;
	for (r->n = 0; !e && r->n < n; r->n++)
		e = take_one(r, json_array_get(list, r->n), &r->e[r->n]);
	return e;
}

/* -- the end -- */

static void
forget(struct ca *ca, int result, struct reader *answer, const struct diag *d,
    void *cookie)
{
	(void)ca;
	(void)result;
	(void)answer;
	(void)d;
	(void)cookie;
}

static void
destroy_keys(struct restore *r)
{
	for (size_t i = 0; i < r->key_n; i++) {
		BUF(payload, KEY_ID_MAX + 8);

		buf_pack_text(&payload, r->keys[i]);
		/* a key left behind without an authority signs nothing */
		if (!buf_error(&payload) &&
		    ca_ask(r->ca, KEY_OP_DESTROY, buf_span(&payload), forget,
			NULL, NULL))
			return;
	}
}

static void
on_end(int result, void *cookie)
{
	struct restore *r = (struct restore *)cookie;
	AUTO(json_t) *answer = json_object();
	json_t *list = json_array();

	r->result = r->result ? r->result : result;
	if (r->result) {
		destroy_keys(r);
		if (r->d.code == 0)
			(void)diag_set(&r->d, r->result, "restore", "CA-2",
			    "%s", err_text(r->result));
	} else {
		ca_changed(r->ca);
		for (size_t i = 0; list && i < r->ca->authority_n; i++)
			json_array_append_new(list,
			    authority_to_json(r->ca, r->ca->authorities[i]));
	}
	json_object_set_new(answer, "authorities", list);
	r->fn(r->result, r->result ? NULL : answer, &r->d, r->cookie);
	restore_free(r);
}

static void
finish(struct restore *r, int result)
{
	r->result = result;
	if (ca_later(r->ca, on_end, r))
		on_end(E_NOMEM, r);
}

/* -- recording -- */

static int
add_revoked(struct restore *r, const struct restored *e)
{
	AUTO_STRUCT(crl) *crl = NULL;
	struct crl_entry entry;
	size_t at = 0;
	int64_t id;
	int err = crl_parse(span_of(e->crl, e->crl_n), &r->d, &crl);

	if (!err)
		err = crl_verify(crl, e->x509->spki);
	if (!err)
		err = authority_set_crl(r->ca->store, e->row.id,
		    e->row.crl_number, crl->this_update, crl->next_update,
		    span_of(e->crl, e->crl_n));
	while (!err && crl_next(crl, &at, &entry)) {
		struct cert_row row = { .serial = entry.serial,
			.not_before = entry.revoked_at,
			.not_after = e->x509->not_after,
			.revoked_at = entry.revoked_at,
			.reason = entry.reason,
			.state = entry.reason == 6 ? CERT_HOLD : CERT_REVOKED,
			.subject = "(from the CRL of a backup)",
			.der = span_of("", 0) };

		if (row.serial.n > 1 && row.serial.p[0] == 0)
			row.serial =
			    span_of(row.serial.p + 1, row.serial.n - 1);
		memcpy(row.authority, e->row.id, sizeof(row.authority));
		err = cert_add(r->ca->store, &row, &id);
		if (!err)
			err = cert_set_state(r->ca->store, id, row.state,
			    row.revoked_at, row.reason);
	}
	return err;
}

static int
add_trust(struct restore *r, const struct restored *e)
{
	struct trust_row row = { .origin = ORIGIN_OWN_CA,
		.added = clock_now(),
		.not_before = e->x509->not_before,
		.not_after = e->x509->not_after,
		.der = x509_span(e->x509) };
	int64_t id;
	int err;

	x509_fingerprint(e->x509, row.fingerprint);
	name_print(e->x509->subject, row.subject, sizeof(row.subject));
	if (!name_get(e->x509->subject, OID_CN, row.alias, sizeof(row.alias)))
		snprintf(row.alias, sizeof(row.alias), "%s", e->row.id);
	err = trust_row_add(r->ca->store, &row, &id);
	return err == E_EXISTS ? 0 : err;
}

static int
add_one(struct restore *r, struct restored *e)
{
	struct authority_row row = e->row;
	int err;

	row.cert = span_of(e->certs[0], e->cert_n[0]);
	row.ra_cert = buf_span(&e->ra_cert);
	err = authority_add(r->ca->store, &row);
	for (size_t i = 1; !err && i < e->n; i++)
		err = authority_add_cert(r->ca->store, row.id,
		    span_of(e->certs[i], e->cert_n[i]), clock_now());
	if (!err && e->crl)
		err = add_revoked(r, e);
	if (!err && row.kind == AUTHORITY_ROOT)
		err = add_trust(r, e);
	return err;
}

static int
add_settings(struct restore *r)
{
	struct store *s = r->ca->store;
	AUTO(char) *estate = json_to_text(json_object_get(r->backup, "estate"));
	char when[TIME_TEXT_MAX];
	int e = setting_set(s, CA_SETTING_LEDGER_KEY, span_str(r->ledger_key));

	time_print(clock_now(), when);
	if (!e)
		e = setting_set(
		    s, CA_SETTING_LEDGER_SPKI, buf_span(&r->ledger_spki));
	if (!e)
		e = setting_set(s, CA_SETTING_IGNITED, span_str(when));
	if (!e && estate)
		e = setting_set(s, CA_SETTING_ESTATE, span_str(estate));
	return e;
}

static int
record(struct restore *r)
{
	AUTO(json_t) *detail = json_object();
	struct event ev = { .kind = EVENT_CA_RESTORE,
		.severity = SEVERITY_WARNING,
		.actor = r->who,
		.source = r->source,
		.object = "ca",
		.result = "ok",
		.detail = detail };
	int e = add_settings(r);

	for (size_t i = 0; !e && i < r->n; i++)
		e = add_one(r, &r->e[i]);
	json_set_int(detail, "authorities", (int64_t)r->n);
	json_set_text(detail, "backup", json_get0_text(r->backup, "created"));
	if (!e)
		e = ledger_add(r->ca->ledger, &ev, clock_now());
	if (e)
		store_poison(r->ca->store);
	return e;
}

/* -- keys -- */

static void
own_key(struct restore *r, const char *id)
{
	if (r->key_n < KEYS_MAX)
		snprintf(r->keys[r->key_n++], KEY_ID_MAX, "%s", id);
}

static void
new_key_id(const char *stem, char out[KEY_ID_MAX])
{
	AUTO_STRUCT(secret) *s = secret_random(8);
	char hex[20] = "";

	if (s)
		str_hex(hex, sizeof(hex), secret_peek(s), 0);
	snprintf(out, KEY_ID_MAX, "%.40s-%s", stem, hex);
}

static void
on_imported(struct ca *ca, int result, struct reader *answer,
    const struct diag *d, void *cookie)
{
	struct restore *r = (struct restore *)cookie;
	struct restored *e = &r->e[r->at];

	(void)ca;
	if (result) {
		r->d = *d;
		finish(r, result);
		return;
	}
	own_key(r, e->row.key);
	if (!span_is_equal(reader_span(answer), e->x509->spki)) {
		finish(r, bad(r, "the key of the certificate"));
		return;
	}
	r->at++;
	go_on(r);
}

static int
ask_import(struct restore *r, const struct restored *e)
{
	BUF(payload, 2 * KEY_P12_MAX);
	int err;

	buf_pack_text(&payload, e->row.key);
	buf_add_u8(&payload, KEY_ROLE_CA);
	buf_pack_span(&payload, span_of(e->p12, e->p12_n));
	buf_pack_text(&payload, r->password);
	err = buf_error(&payload);
	if (!err)
		err = ca_ask(r->ca, KEY_OP_IMPORT, buf_span(&payload),
		    on_imported, restore_free, r);
	if (payload.p)
		secret_wipe(payload.p, payload.n);
	return err;
}

static void
on_made(struct ca *ca, int result, struct reader *answer, const struct diag *d,
    void *cookie)
{
	struct restore *r = (struct restore *)cookie;
	struct restored *e = r->at < r->n ? &r->e[r->at] : NULL;
	struct buf *to = e ? &e->ra_spki : &r->ledger_spki;

	(void)ca;
	if (result) {
		r->d = *d;
		finish(r, result);
		return;
	}
	own_key(r, e ? e->row.ra_key : r->ledger_key);
	buf_add_span(to, reader_span(answer));
	if (buf_error(to))
		finish(r, E_NOMEM);
	else
		go_on(r);
}

static int
ask_create(struct restore *r, const char *id, enum key_role role,
    enum key_kind kind, struct span subject)
{
	BUF(payload, KEY_TBS_MAX);
	int err;

	buf_pack_text(&payload, id);
	buf_add_u8(&payload, (uint8_t)role);
	buf_add_u8(&payload, (uint8_t)kind);
	buf_pack_span(&payload, subject);
	err = buf_error(&payload);
	return err ? err
		   : ca_ask(r->ca, KEY_OP_CREATE, buf_span(&payload), on_made,
			 restore_free, r);
}

static void
on_signed(struct ca *ca, int result, struct span der, const struct diag *d,
    void *cookie)
{
	struct restore *r = (struct restore *)cookie;

	(void)ca;
	if (result) {
		if (d)
			r->d = *d;
		finish(r, result);
		return;
	}
	buf_add_span(&r->e[r->at].ra_cert, der);
	r->at++;
	go_on(r);
}

static int
sign_ra(struct restore *r, struct restored *e)
{
	struct ca_shape s = { .issuer = e->x509,
		.issuer_id = e->row.id,
		.spki = buf_span(&e->ra_spki),
		.now = clock_now() };
	struct ca_tbs t = { .key = e->row.key, .profile = CA_PROFILE_RA };
	struct spki_info key;
	char cn[64];
	BUF(subject, 4096);
	BUF(tbs, KEY_TBS_MAX);
	int err = spki_parse(e->x509->spki, &key);

	if (!name_get(e->x509->subject, OID_CN, cn, sizeof(cn)))
		snprintf(cn, sizeof(cn), "%s", e->row.id);
	s.profile = ca_profile(r->ca, CA_PROFILE_RA, &r->d);
	if (!err && !s.profile)
		err = E_NOT_FOUND;
	cn[52] = '\0'; /* RFC 5280 appendix A: 64 characters with the rest */
	if (!err)
		err = ca_shape_name(
		    &r->ca->estate, cn, "SCEP RA", &r->d, &subject);
	s.subject = buf_span(&subject);
	s.issuer_key = key.kind;
	if (!err)
		err = ca_shape_tbs(r->ca, &s, &r->d, &tbs);
	if (err)
		return err;
	t.kind = key.kind;
	t.hash = s.profile->hash;
	t.tbs = buf_span(&tbs);
	return ca_sign(r->ca, &t, on_signed, restore_free, r);
}

/* the next thing to be asked; 1: nothing is left */
static int
next_ask(struct restore *r)
{
	/* first all keys, so that a wrong password ends it early */
	while (!r->ra_signed && r->at < r->n) {
		if (r->e[r->at].p12)
			return ask_import(r, &r->e[r->at]);
		r->at++;
	}
	if (!r->ra_signed) {
		r->ra_signed = true;
		r->at = 0;
	}
	for (; r->at < r->n; r->at++) {
		struct restored *e = &r->e[r->at];

		if (!e->has_ra || !e->p12)
			continue;
		if (e->ra_spki.n)
			return sign_ra(r, e);
		new_key_id("ra", e->row.ra_key);
		/* SCEP encrypts to this key: always RSA (RFC 8894 3.1) */
		return ask_create(r, e->row.ra_key, KEY_ROLE_RA, KEY_RSA2048,
		    span_of("\x30\x00", 2));
	}
	if (r->ledger_spki.n)
		return 1;
	new_key_id("ledger", r->ledger_key);
	return ask_create(
	    r, r->ledger_key, KEY_ROLE_LEDGER, KEY_ED25519, span_of(NULL, 0));
}

static void
go_on(struct restore *r)
{
	int e = next_ask(r);

	if (e == 1)
		finish(r, record(r));
	else if (e)
		finish(r, e);
}

int
ca_restore(struct ca *ca, json_t *backup, const char *password,
    const struct actor *who, ca_done_fn fn, void *cookie)
{
	struct restore *r = (struct restore *)calloc(1, sizeof(*r));
	int e;

	if (!r)
		return E_NOMEM;
	r->ca = ca;
	r->backup = json_incref(backup);
	r->fn = fn;
	r->cookie = cookie;
	buf_init(&r->ledger_spki, KEY_TBS_MAX);
	snprintf(r->who, sizeof(r->who), "%s", who->who);
	snprintf(r->source, sizeof(r->source), "%s", who->source);
	if (ca_is_ignited(ca)) {
		(void)ca_refuse(&r->d, E_STATE, "restore",
		    "restore on a server with an empty state directory",
		    "this server is ignited already");
		e = E_STATE;
	} else {
		e = str_copy(r->password, sizeof(r->password), password);
	}
	if (!e)
		e = take_all(r);
	if (e)
		finish(r, e);
	else
		go_on(r);
	return 0;
}
