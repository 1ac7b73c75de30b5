#include "base/json.h"

#include "base/str.h"
#include "base/time.h"

void
json_set_text(json_t *o, const char *key, const char *text)
{
	if (o && text)
		json_object_set_new(o, key, json_string(text));
}

void
json_set_escaped(json_t *o, const char *key, struct span foreign)
{
	size_t size = foreign.n * 4 + 1;
	AUTO(char) *out = (char *)malloc(size);

	if (!o || !out)
		return;
	str_escape(out, size, (const char *)foreign.p, foreign.n);
	json_object_set_new(o, key, json_string(out));
}

void
json_set_int(json_t *o, const char *key, int64_t v)
{
	if (o)
		json_object_set_new(o, key, json_integer(v));
}

void
json_set_bool(json_t *o, const char *key, bool v)
{
	if (o)
		json_object_set_new(o, key, json_boolean(v));
}

void
json_set_time(json_t *o, const char *key, int64_t utc)
{
	char text[TIME_TEXT_MAX];

	time_print(utc, text);
	json_set_text(o, key, text);
}

void
json_set_hex(json_t *o, const char *key, struct span s)
{
	size_t size = s.n * 2 + 1;
	AUTO(char) *out = (char *)malloc(size);

	if (!out)
		return;
	str_hex(out, size, s, 0);
	json_set_text(o, key, out);
}

const char *
json_get0_text(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

int64_t
json_get_int(const json_t *o, const char *key, int64_t otherwise)
{
	const json_t *v = json_object_get(o, key);

	return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

bool
json_get_bool(const json_t *o, const char *key, bool otherwise)
{
	const json_t *v = json_object_get(o, key);

	return json_is_boolean(v) ? json_boolean_value(v) : otherwise;
}

char *
json_to_text(const json_t *o)
{
	return json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
}

int
json_parse(struct span text, size_t max, struct diag *d, json_t **ret)
{
	json_error_t e;
	json_t *o;

	if (text.n > max)
		return diag_set(d, E_TOO_BIG, "JSON", NULL,
		    "%zu bytes, at most %zu", text.n, max);
	o = json_loadb(
	    (const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &e);
	if (!o)
		return diag_set(d, E_PARSE, "JSON", "RFC 8259",
		    "line %d, column %d: %s", e.line, e.column, e.text);
	*ret = o;
	return 0;
}

json_t *
json_of_diag(const struct diag *d)
{
	json_t *o = json_object();
	char text[4 * DIAG_TEXT_MAX];
	char type[64];

	snprintf(type, sizeof(type), "urn:signet:error:%s", err_name(d->code));
	diag_print(d, text, sizeof(text));
	json_set_text(o, "type", type);
	json_set_text(o, "title", err_name(d->code));
	json_set_text(o, "detail", text);
	if (d->object[0])
		json_set_text(o, "object", d->object);
	if (d->rule[0])
		json_set_text(o, "rule", d->rule);
	if (d->fact[0])
		json_set_text(o, "fact", d->fact);
	if (d->remedy[0])
		json_set_text(o, "remedy", d->remedy);
	return o;
}
