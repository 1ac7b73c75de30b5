#include "cli/cli_internal.h"

#include <string.h>

#include "base/str.h"

static size_t
min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Levenshtein distance; words over CLI_WORD_MAX are infinitely far */
static size_t
distance(const char *a, const char *b)
{
	size_t row[CLI_WORD_MAX + 1];
	size_t an = strlen(a), bn = strlen(b);

	if (an > CLI_WORD_MAX || bn > CLI_WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= bn; j++)
		row[j] = j;
	for (size_t i = 1; i <= an; i++) {
		size_t corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= bn; j++) {
			size_t above = row[j];

			row[j] = min3(row[j] + 1, row[j - 1] + 1,
			    corner + (a[i - 1] != b[j - 1]));
			corner = above;
		}
	}
	return row[bn];
}

void
cli_nearest_offer(struct cli_nearest *n, const char *word)
{
	size_t d = distance(n->asked, word);

	/* a beginning of the word counts as near: "pass" for "password" */
	if (strlen(n->asked) >= 2 && str_has_prefix(word, n->asked))
		d = 1;
	if (n->best && d >= n->distance)
		return;
	n->best = word;
	n->distance = d;
}

const char *
cli_nearest_get(const struct cli_nearest *n)
{
	size_t len = strlen(n->asked);
	size_t most = len <= 3 ? 1 : len <= 6 ? 2 : 3;

	return n->best && n->distance <= most ? n->best : NULL;
}
