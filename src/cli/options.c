/* Which command is meant and with which options; every wrong use is answered
 * here, in one place, with the nearest right name and the next command. */
#include "cli/cli_internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "base/time.h"

const struct cli_option cli_common_options[] = {
	{ .name = "json", .help = "answer as JSON" },
	{ .name = "state",
	    .arg = "DIR",
	    .help = "the server's state directory (or SIGNET_STATE)" },
	{ .name = "server",
	    .arg = "URL",
	    .help = "a remote server (or SIGNET_SERVER)" },
	{ .name = "token-file",
	    .arg = "FILE",
	    .help = "file with the access token for --server" },
	{ .name = "timeout",
	    .arg = "SECONDS",
	    .help = "wait so long for an answer: 60; work on keys 120" },
	{ .name = "color",
	    .arg = "WHEN",
	    .help = "auto, always or never; NO_COLOR is honoured" },
	{ .name = "help", .letter = 'h', .help = "this text" },
	{ .name = NULL },
};

#define ENDED(code) ((code) + 1)
#define TIMEOUT_MAX_S 3600

struct parse {
	struct cli_context *c;
	const struct cli_command *const *tables;
	const char *noun; /* NULL until it is known */
	bool help, version, no_more_options;
	char where[128]; /* "signet cert show": what to ask --help of */
};

const struct cli_option *
cli_option_find(const struct cli_option *list, const char *name, size_t len)
{
	for (; list && list->name; list++)
		if (strncmp(list->name, name, len) == 0 && !list->name[len])
			return list;
	return NULL;
}

static const struct cli_option *
find_letter(const struct cli_option *list, char letter)
{
	for (; list && list->name; list++)
		if (list->letter && list->letter == letter)
			return list;
	return NULL;
}

static int
refuse(struct parse *p, const char *nearest, const char *prefix,
    const char *object, const char *fact)
{
	struct diag d;

	(void)diag_set(&d, E_INVAL, object, NULL, "%s", fact);
	if (nearest)
		diag_remedy(&d, "did you mean \"%s%s\"? try: %s --help", prefix,
		    nearest, p->where);
	else
		diag_remedy(&d, "try: %s --help", p->where);
	return ENDED(cli_fail_as(p->c, &d, CLI_USAGE));
}

static void
offer_options(struct cli_nearest *n, const struct cli_option *list)
{
	for (; list && list->name; list++)
		cli_nearest_offer(n, list->name);
}

static int
unknown_option(struct parse *p, const char *text)
{
	char word[CLI_WORD_MAX + 1];
	struct cli_nearest n = { .asked = word };
	size_t len = strcspn(text, "=");

	while (*text == '-' && len > 0) {
		text++;
		len--;
	}
	len = len < CLI_WORD_MAX ? len : CLI_WORD_MAX;
	memcpy(word, text, len);
	word[len] = '\0';
	offer_options(&n, cli_common_options);
	if (p->c->command)
		offer_options(&n, p->c->command->options);
	return refuse(p, cli_nearest_get(&n), "--", text, "no such option");
}

static int
store(struct parse *p, const struct cli_option *o, const char *value)
{
	struct cli_context *c = p->c;

	if (strcmp(o->name, "help") == 0)
		p->help = true;
	for (size_t i = 0; i < c->value_n && !o->repeat && o->arg; i++)
		if (c->values[i].option == o)
			return refuse(
			    p, NULL, "", o->name, "given more than once");
	if (c->value_n == CLI_VALUES_MAX)
		return refuse(p, NULL, "", o->name, "too many options");
	c->values[c->value_n].option = o;
	c->values[c->value_n].text = value;
	c->value_n++;
	return 0;
}

/* one option at argv[*at]; moves *at over its argument */
static int
take_option(struct parse *p, int argc, char **argv, int *at)
{
	const char *text = argv[*at], *value = NULL;
	const struct cli_option *own =
	    p->c->command ? p->c->command->options : NULL;
	const struct cli_option *o;

	if (text[1] == '-') {
		size_t len = strcspn(text + 2, "=");

		o = cli_option_find(own, text + 2, len);
		if (!o)
			o = cli_option_find(cli_common_options, text + 2, len);
		value = text[2 + len] == '=' ? text + 3 + len : NULL;
	} else {
		o = find_letter(own, text[1]);
		if (!o)
			o = find_letter(cli_common_options, text[1]);
		value = text[2] ? text + 2 : NULL;
	}
	if (!o)
		return unknown_option(p, text);
	if (!o->arg && value)
		return refuse(p, NULL, "", text, "this option takes no value");
	if (o->arg && !value) {
		if (*at + 1 >= argc)
			return refuse(p, NULL, "", text, "needs a value");
		value = argv[++*at];
	}
	return store(p, o, value);
}

/* a noun may be spread over several tables */
static const struct cli_command *
find_verb(struct parse *p, const char *verb)
{
	for (size_t t = 0; p->tables[t]; t++)
		for (const struct cli_command *k = p->tables[t]; k->noun; k++)
			if (k->run && strcmp(k->noun, p->noun) == 0 &&
			    (verb ? k->verb && strcmp(k->verb, verb) == 0
				  : !k->verb))
				return k;
	return NULL;
}

static int
take_noun(struct parse *p, const char *word)
{
	struct cli_nearest n = { .asked = word };

	for (size_t t = 0; p->tables[t]; t++)
		for (const struct cli_command *k = p->tables[t]; k->noun; k++) {
			cli_nearest_offer(&n, k->noun);
			if (strcmp(k->noun, word) == 0)
				p->noun = k->noun;
		}
	if (!p->noun)
		return refuse(
		    p, cli_nearest_get(&n), "", word, "no such command");
	snprintf(p->where, sizeof(p->where), "signet %s", p->noun);
	p->c->command = find_verb(p, NULL);
	return 0;
}

static void
offer_verbs(struct parse *p, struct cli_nearest *n)
{
	for (size_t t = 0; p->tables[t]; t++)
		for (const struct cli_command *k = p->tables[t]; k->noun; k++)
			if (k->verb && strcmp(k->noun, p->noun) == 0)
				cli_nearest_offer(n, k->verb);
}

static int
take_verb(struct parse *p, const char *word)
{
	struct cli_nearest n = { .asked = word };
	char object[2 * CLI_WORD_MAX];

	p->c->command = find_verb(p, word);
	if (p->c->command) {
		snprintf(
		    p->where, sizeof(p->where), "signet %s %s", p->noun, word);
		return 0;
	}
	offer_verbs(p, &n);
	snprintf(
	    object, sizeof(object), "%s %.*s", p->noun, CLI_WORD_MAX, word);
	return refuse(p, cli_nearest_get(&n), "", object, "no such command");
}

static int
take_word(struct parse *p, const char *word)
{
	if (!p->noun)
		return take_noun(p, word);
	if (!p->c->command)
		return take_verb(p, word);
	p->c->args[p->c->arg_n++] = word;
	return 0;
}

static int
show_help(struct parse *p)
{
	if (p->c->command)
		cli_help_verb(p->c, p->c->command);
	else if (p->noun)
		cli_help_noun(p->c, p->tables, p->noun);
	else
		cli_help_all(p->c, p->tables);
	return ENDED(CLI_YES);
}

/* a common option's value, also where a verb has its own of that name: in
 * "signet --state DIR certs --state good" each --state is another */
static const char *
get_common(const struct cli_context *c, const char *name)
{
	const struct cli_option *o =
	    cli_option_find(cli_common_options, name, strlen(name));

	for (size_t i = c->value_n; i-- > 0;)
		if (c->values[i].option == o)
			return c->values[i].text;
	return NULL;
}

/* what the option values mean for the context */
static int
settle(struct parse *p)
{
	struct cli_context *c = p->c;
	const char *color = cli_get(c, "color"), *no_color = getenv("NO_COLOR");
	const char *state = get_common(c, "state"),
		   *url = get_common(c, "server"),
		   *timeout = get_common(c, "timeout");
	int64_t seconds = 0;

	c->json = cli_has(c, "json");
	c->state_dir = state ? state : getenv("SIGNET_STATE");
	c->server_url = url ? url : getenv("SIGNET_SERVER");
	c->token_file = cli_get(c, "token-file");
	if (color && strcmp(color, "auto") != 0 &&
	    strcmp(color, "always") != 0 && strcmp(color, "never") != 0)
		return refuse(
		    p, NULL, "", color, "--color takes auto, always or never");
	if (timeout && str_to_int(timeout, 1, TIMEOUT_MAX_S, &seconds))
		return refuse(p, NULL, "", timeout,
		    "--timeout takes a number of seconds, 3600 at most");
	c->timeout_s = (long)seconds;
	c->color = isatty(fileno(c->out)) == 1 && !(no_color && *no_color);
	if (color && strcmp(color, "auto") != 0)
		c->color = strcmp(color, "always") == 0;
	c->color = c->color && !c->json;
	return 0;
}

static int
check_command(struct parse *p)
{
	const struct cli_command *k = p->c->command;
	int n = (int)p->c->arg_n;

	if (!k)
		return refuse(p, NULL, "", p->noun, "which verb?");
	for (const struct cli_option *o = k->options; o && o->name; o++)
		if (o->required && !cli_has(p->c, o->name))
			return refuse(
			    p, NULL, "", o->name, "this option is needed");
	if (n < k->arg_min)
		return refuse(p, NULL, "", k->arguments, "argument missing");
	if (k->arg_max >= 0 && n > k->arg_max)
		return refuse(p, NULL, "", p->c->args[k->arg_max],
		    "one argument too many");
	if (k->needs_server && !p->c->state_dir && !p->c->server_url) {
		struct diag d;

		(void)diag_set(&d, E_INVAL, p->where, NULL,
		    "which server? neither --state nor --server was given");
		diag_remedy(&d,
		    "try: signet --state DIR%s, or set SIGNET_STATE",
		    p->where + strlen("signet"));
		return ENDED(cli_fail_as(p->c, &d, CLI_USAGE));
	}
	return 0;
}

/* --json counts for refusals of the words before it, too */
static bool
wants_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--json") == 0)
			return true;
	return false;
}

int
cli_parse(struct cli_context *c, const struct cli_command *const *tables,
    int argc, char **argv)
{
	struct parse p = { .c = c, .tables = tables, .where = "signet" };
	int e;

	c->json = wants_json(argc, argv);
	for (int i = 1; i < argc; i++) {
		if (!p.no_more_options && strcmp(argv[i], "--") == 0) {
			p.no_more_options = true;
			continue;
		}
		if (i == 1 && strcmp(argv[i], "--version") == 0) {
			cli_print(c, "signet %s\n", SIGNET_VERSION);
			return ENDED(CLI_YES);
		}
		if (!p.no_more_options && argv[i][0] == '-' && argv[i][1])
			e = take_option(&p, argc, argv, &i);
		else
			e = take_word(&p, argv[i]);
		if (e)
			return e;
	}
	if (p.help || !p.noun)
		return show_help(&p);
	e = settle(&p);
	return e ? e : check_command(&p);
}

/* a verb's own option hides a common one of the same name */
static bool
is_meant(
    const struct cli_context *c, const struct cli_option *o, const char *name)
{
	const struct cli_option *own =
	    c->command
		? cli_option_find(c->command->options, name, strlen(name))
		: NULL;

	return strcmp(o->name, name) == 0 && (!own || own == o);
}

const char *
cli_get(const struct cli_context *c, const char *name)
{
	for (size_t i = c->value_n; i-- > 0;)
		if (is_meant(c, c->values[i].option, name))
			return c->values[i].text;
	return NULL;
}

bool
cli_has(const struct cli_context *c, const char *name)
{
	for (size_t i = 0; i < c->value_n; i++)
		if (is_meant(c, c->values[i].option, name))
			return true;
	return false;
}

const char *
cli_get_nth(const struct cli_context *c, const char *name, size_t nth)
{
	for (size_t i = 0; i < c->value_n; i++)
		if (is_meant(c, c->values[i].option, name) && nth-- == 0)
			return c->values[i].text;
	return NULL;
}

int
cli_get_int(struct cli_context *c, const char *name, int64_t min, int64_t max,
    int64_t *ret)
{
	const char *text = cli_get(c, name);
	int64_t v;

	if (!text)
		return 0;
	if (str_to_int(text, min, max, &v)) {
		cli_usage(c, NULL, "--%s %s: a whole number from %lld to %lld",
		    name, text, (long long)min, (long long)max);
		return E_INVAL;
	}
	*ret = v;
	return 0;
}

int
cli_get_duration(struct cli_context *c, const char *name, int64_t *ret_seconds)
{
	const char *text = cli_get(c, name);

	if (!text || str_duration(text, ret_seconds) == 0)
		return 0;
	cli_usage(c, NULL, "--%s %s: a time such as 60d, 12h, 30m, 45s or 2y",
	    name, text);
	return E_INVAL;
}

int
cli_get_time(struct cli_context *c, const char *name, int64_t *ret_utc)
{
	const char *text = cli_get(c, name);

	if (!text || time_parse(text, ret_utc) == 0)
		return 0;
	cli_usage(c, NULL,
	    "--%s %s: a moment such as 2026-11-21 or 2026-11-21T08:00:00Z",
	    name, text);
	return E_INVAL;
}
