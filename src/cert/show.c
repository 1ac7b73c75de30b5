#include "cert/show.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/str.h"
#include "cert/crl.h"
#include "cert/csr.h"
#include "cert/show_internal.h"

#define NAME_SHOWN_MAX 512
#define SERIAL_SHOWN_MAX 128 /* bytes of hex */
#define RSA_BITS_FLOOR 2048  /* chapter 6: below is not secure */

void
show_colon_hex(json_t *o, const char *key, struct span s)
{
	size_t size = 3 * s.n + 1;
	AUTO(char) *text = (char *)malloc(size);

	if (!text)
		return;
	str_hex(text, size, s, ':');
	json_set_text(o, key, text);
}

void
show_digests(json_t *o, struct span der)
{
	uint8_t hash[64];
	size_t n;

	if (digest(HASH_SHA1, der, hash, &n) == 0)
		show_colon_hex(o, "sha1", span_of(hash, n));
	if (digest(HASH_SHA256, der, hash, &n) == 0)
		show_colon_hex(o, "sha256", span_of(hash, n));
}

/* CERT-5: readable, and judged */
static void
add_weak(json_t *o, const char *text)
{
	json_t *array = json_object_get(o, "weak");

	if (!array) {
		array = json_array();
		json_object_set_new(o, "weak", array);
	}
	json_array_append_new(array, json_string(text));
}

static const char *
algorithm_name(const struct spki_info *info)
{
	switch (info->oid) {
	case OID_RSA:
		return "RSA";
	case OID_RSA_PSS:
		return "RSA-PSS";
	case OID_EC:
		return "ECDSA";
	case OID_ED25519:
		return "Ed25519";
	case OID_ED448:
		return "Ed448";
	case OID_DSA:
		return "DSA";
	default:
		return "unknown";
	}
}

void
show_spki(json_t *o, struct span spki)
{
	struct spki_info info;
	json_t *key = json_object();
	uint8_t hash[32];

	sha256(spki, hash);
	json_object_set_new(o, "public_key", key);
	if (spki_parse(spki, &info)) {
		json_set_text(key, "algorithm", "unknown");
	} else {
		json_set_text(key, "algorithm", algorithm_name(&info));
		json_set_int(key, "bits", info.bits);
		json_set_text(key, "kind", key_kind_name(info.kind));
		if (info.curve)
			json_set_text(
			    key, "curve", oid_name((enum oid)info.curve));
		if (info.exponent.n)
			json_set_hex(key, "exponent", info.exponent);
		if (info.modulus.n && info.bits < RSA_BITS_FLOOR)
			add_weak(o, "RSA key below 2048 bits");
	}
	json_set_hex(key, "spki_sha256", span_of(hash, sizeof(hash)));
}

void
show_sig_alg(json_t *o, struct span alg)
{
	struct der all = der_of(alg), in = der_enter(&all, DER_SEQUENCE);
	struct span oid = der_take(&in, DER_OID);
	const char *name = oid_name(oid_from_span(oid));
	enum hash_kind hash;
	char dotted[128];
	int id;

	oid_print(oid, dotted, sizeof(dotted));
	json_set_text(o, "signature_algorithm", name ? name : dotted);
	if (sig_alg_parse(alg, &hash, &id))
		return;
	if (hash == HASH_MD5)
		add_weak(o, "signature with MD5");
	if (hash == HASH_SHA1)
		add_weak(o, "signature with SHA-1");
}

static void
show_cn(json_t *o, const char *key, struct span name)
{
	char text[NAME_SHOWN_MAX];

	if (name_get(name, OID_CN, text, sizeof(text)))
		json_set_escaped(o, key, span_str(text));
}

static int
show_cert(json_t *o, struct span der)
{
	AUTO_STRUCT(x509) *c = NULL;
	char serial[SERIAL_SHOWN_MAX];
	int e = x509_parse(der, NULL, &c);

	if (e)
		return e;
	x509_serial_print(c, serial, sizeof(serial));
	json_set_int(o, "version", c->version);
	json_set_text(o, "serial", serial);
	show_sig_alg(o, c->sig_alg);
	json_object_set_new(o, "issuer", name_to_json(c->issuer));
	json_object_set_new(o, "subject", name_to_json(c->subject));
	show_cn(o, "issued_by", c->issuer);
	show_cn(o, "issued_to", c->subject);
	json_set_time(o, "not_before", c->not_before);
	json_set_time(o, "not_after", c->not_after);
	show_spki(o, c->spki);
	show_extensions(o, c->ext, c->ext_n);
	json_set_bool(o, "self_issued", x509_is_self_issued(c));
	show_digests(o, der);
	return 0;
}

static int
show_csr(json_t *o, struct span der)
{
	AUTO_STRUCT(csr) *c = NULL;
	int e = csr_parse(der, NULL, &c);

	if (e)
		return e;
	show_sig_alg(o, c->sig_alg);
	json_object_set_new(o, "subject", name_to_json(c->subject));
	show_cn(o, "issued_to", c->subject);
	show_spki(o, c->spki);
	show_extensions(o, c->ext, c->ext_n);
	json_set_bool(o, "has_challenge", c->challenge[0] != '\0');
	json_set_bool(o, "signature_valid", csr_verify(c) == 0);
	show_digests(o, der);
	return 0;
}

static void
show_entries(json_t *o, const struct crl *c)
{
	json_t *array = json_array();
	struct crl_entry entry;
	size_t at = 0;

	while (json_array_size(array) < SHOW_CRL_ENTRIES_MAX &&
	       crl_next(c, &at, &entry)) {
		json_t *one = json_object();

		json_set_hex(one, "serial", entry.serial);
		json_set_time(one, "revoked_at", entry.revoked_at);
		if (entry.reason >= 0)
			json_set_text(
			    one, "reason", crl_reason_name(entry.reason));
		json_array_append_new(array, one);
	}
	json_object_set_new(o, "entries", array);
	json_set_int(o, "entries_total", (int64_t)c->entry_n);
}

static int
show_crl(json_t *o, struct span der)
{
	AUTO_STRUCT(crl) *c = NULL;
	int e = crl_parse(der, NULL, &c);

	if (e)
		return e;
	show_sig_alg(o, c->sig_alg);
	json_object_set_new(o, "issuer", name_to_json(c->issuer));
	show_cn(o, "issued_by", c->issuer);
	json_set_time(o, "this_update", c->this_update);
	if (c->next_update)
		json_set_time(o, "next_update", c->next_update);
	if (c->number.n)
		json_set_hex(o, "crl_number", c->number);
	if (c->aki.n)
		show_colon_hex(o, "authority_key_id", c->aki);
	show_digests(o, der);
	show_entries(o, c);
	return 0;
}

/* nothing of the private half is shown */
static int
show_key(json_t *o, const struct secret *key)
{
	AUTO(EVP_PKEY) *k = NULL;
	BUF(spki, 65536);
	int e = key_from_pkcs8(secret_peek(key), &k);

	if (!e)
		e = spki_build(k, &spki);
	if (!e)
		show_spki(o, buf_span(&spki));
	return e;
}

static int
show_kind(json_t *o, const struct object *object)
{
	switch (object->kind) {
	case OBJECT_CERT:
		return show_cert(o, object->der);
	case OBJECT_CSR:
		return show_csr(o, object->der);
	case OBJECT_CRL:
		return show_crl(o, object->der);
	case OBJECT_KEY:
		return show_key(o, object->key);
	case OBJECT_PUBKEY:
		show_spki(o, object->der);
		return 0;
	case OBJECT_ENCRYPTED_KEY:
		json_set_bool(o, "needs_password", true);
		return 0;
	case OBJECT_UNSET:
		break;
	}
	return E_BUG;
}

json_t *
object_to_json(const struct object *object)
{
	AUTO(json_t) *o = json_object();
	int e;

	json_set_text(o, "kind", object_kind_name(object->kind));
	json_set_text(o, "format", file_format_name(object->format));
	if (object->line)
		json_set_int(o, "line", (int64_t)object->line);
	if (object->alias[0])
		json_set_text(o, "alias", object->alias);
	e = o ? show_kind(o, object) : E_NOMEM;
	if (e == E_NOMEM)
		return NULL;
	/* seldom: parsed before, yet a part of it has no meaning to us */
	if (e)
		json_set_text(o, "unreadable", err_text(e));
	return TAKE(o);
}
