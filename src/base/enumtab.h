/*
 * base/enumtab: one {value, text} table per enum, used both ways.
 * A table ends with an entry whose text is NULL. Value 0 means unset.
 */
#ifndef SIGNET_BASE_ENUMTAB_H
#define SIGNET_BASE_ENUMTAB_H

#include <stddef.h>
#include <string.h>

struct enum_text {
	int value;
	const char *text;
};

static inline const char *
enum_name(const struct enum_text *table, int value)
{
	for (; table->text; table++)
		if (table->value == value)
			return table->text;
	return "unset";
}

/* enum_from_name(): 0 (unset) when the text is not in the table */
static inline int
enum_from_name(const struct enum_text *table, const char *text)
{
	for (; table->text; table++)
		if (strcmp(table->text, text) == 0)
			return table->value;
	return 0;
}

#endif
