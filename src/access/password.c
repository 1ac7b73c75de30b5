#include "access/password.h"

#include <stdbool.h>
#include <string.h>

static char
small(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* characters, not bytes: UTF-8 continuation bytes do not count */
static size_t
count(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static int
classes(const char *text)
{
	bool lower = false, upper = false, number = false, other = false;

	for (; *text; text++) {
		if (*text >= 'a' && *text <= 'z')
			lower = true;
		else if (*text >= 'A' && *text <= 'Z')
			upper = true;
		else if (*text >= '0' && *text <= '9')
			number = true;
		else
			other = true;
	}
	return lower + upper + number + other;
}

static bool
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* longest run of one step: 0 equal characters; +1, -1 neighbours in the
 * alphabet or among the digits, upper and lower case alike */
static size_t
longest_run(const char *text, int step)
{
	size_t run = 1, best = 1;

	for (size_t i = 1; text[0] && text[i]; i++) {
		char a = small(text[i - 1]), b = small(text[i]);
		bool goes_on = b - a == step &&
			       (step == 0 || (is_alnum(a) && is_alnum(b)));

		run = goes_on ? run + 1 : 1;
		best = run > best ? run : best;
	}
	return best;
}

static bool
contains(const char *text, const char *name, bool reverse)
{
	size_t n = strlen(name), len = strlen(text);

	for (size_t at = 0; at + n <= len; at++) {
		size_t i = 0;

		while (i < n && small(text[at + i]) ==
				    small(name[reverse ? n - 1 - i : i]))
			i++;
		if (i == n)
			return true;
	}
	return false;
}

static int
refuse(struct diag *d, const char *fact, const char *remedy)
{
	(void)diag_set(d, E_PASSWORD, "password", "CERT-3", "%s", fact);
	diag_remedy(d, "%s", remedy);
	return E_PASSWORD;
}

int
password_check(const char *text, const char *name, struct diag *d)
{
	size_t n = count(text);

	if (strlen(text) > PASSWORD_MAX)
		return refuse(
		    d, "longer than 1024 bytes", "take a shorter one");
	if (n < PASSWORD_MIN)
		return refuse(d, "shorter than 10 characters",
		    "take at least 10 characters, or 16 of any kind");
	if (n < PASSWORD_LONG && classes(text) < PASSWORD_CLASSES)
		return refuse(d,
		    "fewer than three of: small letters, capitals, digits, "
		    "other characters",
		    "mix three of them, or take at least 16 characters");
	if (longest_run(text, 0) > PASSWORD_RUN_MAX)
		return refuse(d, "four or more equal characters in a row",
		    "leave out the repetition");
	if (longest_run(text, 1) > PASSWORD_RUN_MAX ||
	    longest_run(text, -1) > PASSWORD_RUN_MAX)
		return refuse(d,
		    "four or more characters in sequence, as 1234 or dcba",
		    "leave out the sequence");
	if (name && strlen(name) >= PASSWORD_NAME_MIN &&
	    (contains(text, name, false) || contains(text, name, true)))
		return refuse(d, "contains the name it is for, or its reverse",
		    "leave out the name");
	return 0;
}
