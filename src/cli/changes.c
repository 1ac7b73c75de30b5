#include "cli/changes.h"

#include "cli/online.h"

#define VALUE_MAX 512

/* a text, a number, or a list of texts; "" for nothing */
static const char *
value_text(const json_t *v, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	if (!json_is_array(v)) {
		AUTO(json_t) *o = json_object();

		if (o && v && !json_is_null(v) &&
		    json_object_set(o, "v", (json_t *)(uintptr_t)v) == 0)
			online_text(o, "v", out, size);
		return out;
	}
	for (size_t i = 0; i < json_array_size(v) && n < size; i++) {
		const char *one = json_string_value(json_array_get(v, i));

		n += (size_t)snprintf(
		    out + n, size - n, "%s%s", i ? ", " : "", one ? one : "?");
	}
	return out;
}

const char *
change_text(const json_t *change, char *out, size_t size)
{
	char from[VALUE_MAX], to[VALUE_MAX], what[128], rule[128];

	value_text(json_object_get(change, "from"), from, sizeof(from));
	value_text(json_object_get(change, "to"), to, sizeof(to));
	snprintf(out, size, "%s: %s%s%s (%s)",
	    online_text(change, "what", what, sizeof(what)), from,
	    from[0] && to[0] ? " -> " : "", to,
	    online_text(change, "rule", rule, sizeof(rule)));
	return out;
}

void
changes_note(struct cli_context *c, const json_t *receipt)
{
	const json_t *changes = json_object_get(receipt, "changes");
	char text[CHANGE_TEXT_MAX];

	for (size_t i = 0; i < json_array_size(changes); i++)
		cli_note(c, "%s",
		    change_text(
			json_array_get(changes, i), text, sizeof(text)));
}
