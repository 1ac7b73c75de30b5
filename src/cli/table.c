/* Aligned columns. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define CELL_MAX 1024 /* bytes shown of one cell */

struct row {
	char *cells[CLI_COLUMNS_MAX];
	enum cli_color colors[CLI_COLUMNS_MAX];
};

struct cli_table {
	size_t columns;
	size_t widths[CLI_COLUMNS_MAX]; /* characters */
	struct row *rows;               /* the first one is the titles */
	size_t n, cap;
	bool lost; /* a row did not fit in memory */
};

/* characters shown: UTF-8 continuation bytes do not count */
static size_t
width(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static char *
cell_copy(const char *text)
{
	char *copy = (char *)malloc(CELL_MAX);

	if (!copy)
		return NULL;
	str_escape(copy, CELL_MAX, text, strlen(text));
	return copy;
}

static bool
add_row(struct cli_table *t, const char *const *cells)
{
	struct row *r;

	if (t->n == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 16;

		r = (struct row *)realloc(t->rows, cap * sizeof(*r));
		if (!r)
			return false;
		t->rows = r;
		t->cap = cap;
	}
	r = &t->rows[t->n++];
	memset(r, 0, sizeof(*r));
	for (size_t i = 0; i < t->columns; i++) {
		const char *text = cells[i] && *cells[i] ? cells[i] : "-";
		size_t w;

		r->cells[i] = cell_copy(text);
		if (!r->cells[i])
			return false;
		w = width(r->cells[i]);
		if (w > t->widths[i])
			t->widths[i] = w;
	}
	return true;
}

struct cli_table *
cli_table_new(const char *const *titles)
{
	struct cli_table *t = (struct cli_table *)calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	while (titles[t->columns] && t->columns < CLI_COLUMNS_MAX)
		t->columns++;
	if (add_row(t, titles))
		return t;
	cli_table_free(t);
	return NULL;
}

void
cli_table_free(struct cli_table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		for (size_t j = 0; j < t->columns; j++)
			free(t->rows[i].cells[j]);
	free(t->rows);
	free(t);
}

void
cli_table_row(struct cli_table *t, const char *const *cells)
{
	if (t && !add_row(t, cells))
		t->lost = true;
}

void
cli_table_color(struct cli_table *t, size_t column, enum cli_color color)
{
	if (t && column < t->columns)
		t->rows[t->n - 1].colors[column] = color;
}

static void
print_row(struct cli_context *c, const struct cli_table *t, const struct row *r,
    bool title)
{
	for (size_t j = 0; j < t->columns; j++) {
		const char *text = r->cells[j] ? r->cells[j] : "-";
		enum cli_color color = title ? CLI_BOLD : r->colors[j];
		size_t pad = t->widths[j] - width(text);

		cli_print(c, "%s%s%s", color ? cli_color(c, color) : "", text,
		    color ? cli_color(c, CLI_PLAIN) : "");
		if (j + 1 < t->columns)
			cli_print(c, "%*s", (int)pad + 2, "");
	}
	cli_print(c, "\n");
}

int
cli_table_print(struct cli_context *c, const struct cli_table *t)
{
	if (!t || t->lost)
		return E_NOMEM;
	for (size_t i = 0; i < t->n; i++)
		print_row(c, t, &t->rows[i], i == 0);
	return 0;
}
