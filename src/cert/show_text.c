/* The text for people, made from the same JSON, so that both say the same. */
#include "cert/show.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

#define LABEL_WIDTH 22
#define VALUE_MAX 4096

static void
line(struct buf *out, const char *label, const char *value)
{
	char text[VALUE_MAX];

	str_escape(text, sizeof(text), value, strlen(value));
	buf_printf(out, "  %-*s %s\n", LABEL_WIDTH, label, text);
}

static void
text_line(struct buf *out, const json_t *o, const char *key, const char *label)
{
	const char *value = json_get0_text(o, key);

	if (value)
		line(out, label, value);
}

static void
list_line(struct buf *out, const json_t *o, const char *key, const char *label)
{
	const json_t *array = json_object_get(o, key), *one;
	size_t i;

	json_array_foreach(array, i, one)
	{
		if (json_is_string(one))
			line(out, i ? "" : label, json_string_value(one));
	}
}

/* "Key usage" members on one line, "(critical)" after it */
static void
joined_line(
    struct buf *out, const json_t *o, const char *key, const char *label)
{
	const json_t *array = json_object_get(o, key), *one;
	char text[VALUE_MAX];
	size_t i, at = 0;

	text[0] = '\0';
	json_array_foreach(array, i, one)
	{
		int n = snprintf(text + at, sizeof(text) - at, "%s%s",
		    i ? ", " : "", json_string_value(one));

		if (n < 0 || (size_t)n >= sizeof(text) - at)
			break;
		at += (size_t)n;
	}
	if (text[0])
		line(out, label, text);
}

static void
name_line(struct buf *out, const json_t *o, const char *key, const char *label)
{
	const json_t *name = json_object_get(o, key);
	const char *text = json_get0_text(name, "text");

	if (name)
		line(out, label, text && *text ? text : "(empty)");
}

static void
key_line(struct buf *out, const json_t *o)
{
	const json_t *key = json_object_get(o, "public_key");
	const char *algorithm = json_get0_text(key, "algorithm");
	const char *curve = json_get0_text(key, "curve");
	char text[160];

	if (!key)
		return;
	snprintf(text, sizeof(text), "%s %" PRId64 " bit%s%s",
	    algorithm ? algorithm : "unknown", json_get_int(key, "bits", 0),
	    curve ? ", " : "", curve ? curve : "");
	line(out, "Public key", text);
	text_line(out, key, "spki_sha256", "Public key SHA-256");
}

static void
constraints_line(struct buf *out, const json_t *o)
{
	const json_t *bc = json_object_get(o, "basic_constraints");
	const json_t *path = json_object_get(bc, "path_length");
	char text[64];

	if (!bc)
		return;
	line(out, "Subject type",
	    json_get_bool(bc, "ca", false) ? "CA" : "end entity");
	if (json_is_integer(path))
		snprintf(text, sizeof(text), "%" PRId64,
		    (int64_t)json_integer_value(path));
	else
		snprintf(text, sizeof(text), "none");
	if (json_get_bool(bc, "ca", false))
		line(out, "Path length", text);
}

static void
extension_lines(struct buf *out, const json_t *o)
{
	const json_t *array = json_object_get(o, "extensions"), *one;
	size_t i;

	json_array_foreach(array, i, one)
	{
		const char *name = json_get0_text(one, "name");
		char text[256];

		snprintf(text, sizeof(text), "%s%s",
		    name ? name : json_get0_text(one, "oid"),
		    json_get_bool(one, "critical", false) ? " (critical)" : "");
		line(out, i ? "" : "Extensions", text);
	}
}

static void
entry_lines(struct buf *out, const json_t *o)
{
	const json_t *array = json_object_get(o, "entries"), *one;
	char text[256];
	size_t i;

	if (!array)
		return;
	snprintf(text, sizeof(text), "%" PRId64,
	    json_get_int(o, "entries_total", 0));
	line(out, "Revoked certificates", text);
	json_array_foreach(array, i, one)
	{
		const char *reason = json_get0_text(one, "reason");

		snprintf(text, sizeof(text), "%s  %s  %s",
		    json_get0_text(one, "serial"),
		    json_get0_text(one, "revoked_at"), reason ? reason : "");
		line(out, "", text);
	}
}

static void
head(struct buf *out, const json_t *o)
{
	const char *kind = json_get0_text(o, "kind");
	const char *format = json_get0_text(o, "format");
	const char *alias = json_get0_text(o, "alias");
	int64_t at = json_get_int(o, "line", 0);

	buf_printf(out, "%s (%s", kind ? kind : "?", format ? format : "?");
	if (at)
		buf_printf(out, ", line %" PRId64, at);
	if (alias)
		buf_printf(out, ", alias \"%s\"", alias);
	buf_add_text(out, ")\n");
}

static void
valid_line(struct buf *out, const json_t *o, const char *key, const char *label)
{
	if (json_object_get(o, key))
		line(out, label,
		    json_get_bool(o, key, false) ? "valid" : "NOT valid");
}

void
object_print(const json_t *o, struct buf *out)
{
	head(out, o);
	if (json_object_get(o, "version"))
		buf_printf(out, "  %-*s V%" PRId64 "\n", LABEL_WIDTH, "Version",
		    json_get_int(o, "version", 0));
	text_line(out, o, "serial", "Serial number");
	text_line(out, o, "signature_algorithm", "Signature algorithm");
	name_line(out, o, "issuer", "Issuer");
	name_line(out, o, "subject", "Subject");
	text_line(out, o, "issued_by", "Issued by");
	text_line(out, o, "issued_to", "Issued to");
	text_line(out, o, "not_before", "Valid from");
	text_line(out, o, "not_after", "Valid to");
	text_line(out, o, "this_update", "This update");
	text_line(out, o, "next_update", "Next update");
	text_line(out, o, "crl_number", "CRL number");
	key_line(out, o);
	list_line(out, o, "san", "Alternative names");
	joined_line(out, o, "extended_key_usage", "Extended key usage");
	joined_line(out, o, "key_usage", "Key usage");
	constraints_line(out, o);
	text_line(out, o, "subject_key_id", "Subject key id");
	text_line(out, o, "authority_key_id", "Authority key id");
	list_line(out, o, "crl_urls", "CRL");
	list_line(out, o, "ocsp_urls", "OCSP");
	list_line(out, o, "issuer_urls", "Issuer's certificate");
	joined_line(out, o, "policies", "Policies");
	extension_lines(out, o);
	valid_line(out, o, "signature_valid", "Own signature");
	text_line(out, o, "sha1", "SHA-1 thumbprint");
	text_line(out, o, "sha256", "SHA-256 thumbprint");
	list_line(out, o, "weak", "Weak");
	entry_lines(out, o);
	if (json_object_get(o, "needs_password"))
		line(out, "Contents", "need a password (--password-file)");
	text_line(out, o, "unreadable", "Unreadable");
}
