/* The file half of os/config.h: schema and error places over libcyaml. */
#include "os/config.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cyaml/cyaml.h>

#include "base/str.h"
#include "os/file.h"

/* What the file holds; NULL where it says nothing and the default stays. */
struct yaml_processes {
	uint32_t *fronts, *keys;
};
struct yaml_syslog {
	char *socket;
};
struct yaml_expiry {
	uint32_t *warn_days;
};
struct yaml_limits {
	uint32_t *failures, *window_s, *lockout_s, *pending;
};
struct yaml_seal {
	char *passphrase_file;
};
struct yaml_scep {
	char *name, *profile;
	int *legacy, *pending;
};
struct yaml_root {
	char *http, *database, *public_url, *user;
	struct yaml_processes *processes;
	struct yaml_syslog *syslog;
	struct yaml_expiry *expiry;
	struct yaml_limits *limits;
	struct yaml_seal *seal;
	struct yaml_scep *scep;
	unsigned scep_count;
};

#define OPTIONAL (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define TEXT(key, type, max) \
	CYAML_FIELD_STRING_PTR(#key, OPTIONAL, struct type, key, 0, max)
#define NUMBER(key, type) CYAML_FIELD_UINT_PTR(#key, OPTIONAL, struct type, key)
/* libcyaml's own bool takes any word for true */
#define YES_NO(key, type)                                                     \
	CYAML_FIELD_ENUM_PTR(#key, OPTIONAL | CYAML_FLAG_STRICT, struct type, \
	    key, yes_no, sizeof(yes_no) / sizeof(yes_no[0]))
#define GROUP(key)               \
	CYAML_FIELD_MAPPING_PTR( \
	    #key, OPTIONAL, struct yaml_root, key, key##_fields)

static const cyaml_strval_t yes_no[] = {
	{ "true", 1 },
	{ "yes", 1 },
	{ "on", 1 },
	{ "false", 0 },
	{ "no", 0 },
	{ "off", 0 },
};
static const cyaml_schema_field_t processes_fields[] = {
	NUMBER(fronts, yaml_processes),
	NUMBER(keys, yaml_processes),
	CYAML_FIELD_END,
};
static const cyaml_schema_field_t syslog_fields[] = {
	TEXT(socket, yaml_syslog, CONFIG_PATH_MAX - 1),
	CYAML_FIELD_END,
};
static const cyaml_schema_field_t expiry_fields[] = {
	NUMBER(warn_days, yaml_expiry),
	CYAML_FIELD_END,
};
static const cyaml_schema_field_t limits_fields[] = {
	NUMBER(failures, yaml_limits),
	NUMBER(window_s, yaml_limits),
	NUMBER(lockout_s, yaml_limits),
	NUMBER(pending, yaml_limits),
	CYAML_FIELD_END,
};
static const cyaml_schema_field_t seal_fields[] = {
	TEXT(passphrase_file, yaml_seal, CONFIG_PATH_MAX - 1),
	CYAML_FIELD_END,
};
static const cyaml_schema_field_t scep_fields[] = {
	TEXT(name, yaml_scep, 63),
	TEXT(profile, yaml_scep, 63),
	YES_NO(legacy, yaml_scep),
	YES_NO(pending, yaml_scep),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t scep_entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_scep, scep_fields),
};
static const cyaml_schema_field_t root_fields[] = {
	TEXT(http, yaml_root, CONFIG_TEXT_MAX - 1),
	TEXT(database, yaml_root, CONFIG_PATH_MAX - 1),
	TEXT(public_url, yaml_root, CONFIG_TEXT_MAX - 1),
	TEXT(user, yaml_root, 63),
	GROUP(processes),
	GROUP(syslog),
	GROUP(expiry),
	GROUP(limits),
	GROUP(seal),
	CYAML_FIELD_SEQUENCE("scep", OPTIONAL, struct yaml_root, scep,
	    &scep_entry, 0, CONFIG_SCEP_MAX),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t root_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_root, root_fields),
};
static const struct {
	const char *key;
	const cyaml_schema_field_t *fields;
} groups[] = {
	{ "processes", processes_fields },
	{ "syslog", syslog_fields },
	{ "expiry", expiry_fields },
	{ "limits", limits_fields },
	{ "seal", seal_fields },
	{ "scep", scep_fields },
};

/* What libcyaml's log tells of the first error: its words, and the way from
 * the place up to the root. */
struct complaint {
	char fact[DIAG_TEXT_MAX];
	char key[DIAG_TEXT_MAX / 2]; /* "limits.failures" */
	long line;
};

static const char unknown_key[] = "Unexpected key: ";
static const char seen_before[] = "Mapping field already seen";

static void
key_add_parent(struct complaint *c, const char *name, size_t n)
{
	char whole[2 * DIAG_TEXT_MAX];

	snprintf(whole, sizeof(whole), "%.*s%s%s", (int)n, name,
	    c->key[0] ? "." : "", c->key);
	if (str_copy(c->key, sizeof(c->key), whole) != 0)
		c->key[0] = '\0';
}

static void
note_backtrace(struct complaint *c, const char *text)
{
	const char *name = strstr(text, "in mapping field '");
	const char *line = strstr(text, "(line: ");
	const char *end;

	if (name) {
		name += strlen("in mapping field '");
		end = strchr(name, '\'');
		if (end)
			key_add_parent(c, name, (size_t)(end - name));
	}
	if (line && c->line == 0)
		c->line = strtol(line + strlen("(line: "), NULL, 10);
}

__attribute__((format(printf, 3, 0))) static void
on_log(cyaml_log_t level, void *cookie, const char *fmt, va_list ap)
{
	struct complaint *c = (struct complaint *)cookie;
	char text[DIAG_TEXT_MAX], *at = text;

	if (level < CYAML_LOG_ERROR)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	at[strcspn(at, "\n")] = '\0';
	if (str_has_prefix(at, "Load: "))
		at += strlen("Load: ");
	if (str_has_prefix(at, "  in ")) {
		note_backtrace(c, at);
		return;
	}
	if (c->fact[0] || str_has_prefix(at, "Backtrace"))
		return;
	if (str_copy(c->fact, sizeof(c->fact), at) != 0)
		c->fact[0] = '\0';
	if (str_has_prefix(at, unknown_key))
		key_add_parent(c, at + strlen(unknown_key),
		    strlen(at) - strlen(unknown_key));
}

/* libcyaml tells the line before an unknown key: the key is looked for from
 * there on. */
static long
line_of_key(struct span text, const char *key, long from)
{
	size_t n = strlen(key), i = 0;
	bool is_comment = false;
	long line = 1;

	for (; i + n < text.n; i++) {
		bool at_word = i == 0 || !isalnum(text.p[i - 1]);
		size_t after = i + n;

		if (text.p[i] == '\n')
			line++;
		is_comment =
		    text.p[i] != '\n' && (is_comment || text.p[i] == '#');
		if (line < from || !at_word || is_comment ||
		    memcmp(text.p + i, key, n) != 0)
			continue;
		while (after < text.n && text.p[after] == ' ')
			after++;
		if (after < text.n && text.p[after] == ':')
			return line;
	}
	return from;
}

/* the line of the nth "-" from a line on */
static long
line_of_item(struct span text, long from, long nth)
{
	bool at_start = true;
	long line = 1;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '-' && at_start && line >= from && --nth == 0)
			return line;
		at_start =
		    text.p[i] == '\n' || (at_start && (text.p[i] == ' '));
		line += text.p[i] == '\n';
	}
	return from;
}

/* a value is judged only when all is read: "scep[2].name" is looked for again,
 * part by part */
static long
line_of_path(struct span text, const char *path)
{
	char part[DIAG_TEXT_MAX];
	long line = 1;

	while (*path) {
		size_t n = strcspn(path, ".[");

		snprintf(part, sizeof(part), "%.*s", (int)n, path);
		line = line_of_key(text, part, line);
		path += n;
		if (*path == '[') {
			line = line_of_item(
			    text, line, strtol(path + 1, NULL, 10));
			path += strcspn(path, ".");
		}
		if (*path == '.')
			path++;
	}
	return line;
}

static int
judge(
    const char *path, struct span text, const struct config *c, struct diag *d)
{
	char object[2 * DIAG_TEXT_MAX];
	struct diag found = { 0 };
	int r = config_check(c, &found);

	if (r == 0 || !d)
		return r;
	snprintf(object, sizeof(object), "%s:%ld: %s", path,
	    line_of_path(text, found.object), found.object);
	(void)diag_set(d, r, object, NULL, "%s", found.fact);
	if (found.remedy[0])
		diag_remedy(d, "%s", found.remedy);
	return r;
}

static const cyaml_schema_field_t *
fields_of(const char *key)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (str_has_prefix(key, groups[i].key) &&
		    key[strlen(groups[i].key)] == '.')
			return groups[i].fields;
	return root_fields;
}

#define WORD_MAX 32

/* Levenshtein's distance, for words of at most WORD_MAX letters */
static size_t
distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1], n = strlen(b);

	if (n > WORD_MAX || strlen(a) > WORD_MAX)
		return WORD_MAX;
	for (size_t k = 0; k <= n; k++)
		row[k] = k;
	for (size_t i = 1; *a; a++, i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t k = 1; k <= n; k++) {
			size_t best = diagonal + (*a != b[k - 1]);

			diagonal = row[k];
			if (row[k] + 1 < best)
				best = row[k] + 1;
			if (row[k - 1] + 1 < best)
				best = row[k - 1] + 1;
			row[k] = best;
		}
	}
	return row[n];
}

static void
suggest_key(const char *key, struct diag *d)
{
	const cyaml_schema_field_t *f = fields_of(key);
	const char *dot = strrchr(key, '.');
	const char *word = dot ? dot + 1 : key;
	const char *nearest = NULL;
	size_t least = WORD_MAX;

	for (; f->key; f++) {
		size_t now = distance(word, f->key);

		if (now < least) {
			least = now;
			nearest = f->key;
		}
	}
	if (nearest && least <= 1 + strlen(word) / 2)
		diag_remedy(d, "did you mean \"%s\"?", nearest);
	else
		diag_remedy(d, "signet.yaml(5) lists the keys");
}

static int
explain(const char *path, struct span text, struct complaint *c, cyaml_err_t e,
    struct diag *d)
{
	char object[DIAG_TEXT_MAX];
	bool is_unknown = e == CYAML_ERR_INVALID_KEY && c->key[0];
	const char *dot = strrchr(c->key, '.');

	if (e == CYAML_ERR_OOM)
		return diag_set(d, E_NOMEM, path, NULL, "out of memory");
	if (is_unknown)
		c->line = line_of_key(text, dot ? dot + 1 : c->key, c->line);
	else if (str_has_prefix(c->fact, seen_before))
		c->line =
		    line_of_key(text, dot ? dot + 1 : c->key, c->line + 1);
	if (e == CYAML_ERR_LIBYAML_PARSER)
		c->key[0] = '\0'; /* the one before, which is right */
	snprintf(object, sizeof(object), "%s:%ld%s%s", path, c->line,
	    c->key[0] ? ": " : "", c->key);
	(void)diag_set(d, E_PARSE, object, NULL, "%s",
	    is_unknown   ? "unknown key"
	    : c->fact[0] ? c->fact
			 : cyaml_strerror(e));
	if (is_unknown)
		suggest_key(c->key, d);
	return E_PARSE;
}

static int
take_text(char *out, size_t size, const char *text)
{
	return text ? str_copy(out, size, text) : 0;
}

static void
take_number(uint32_t *out, const uint32_t *number)
{
	if (number)
		*out = *number;
}

static void
apply_numbers(const struct yaml_root *y, struct config *c)
{
	if (y->processes) {
		take_number(&c->fronts, y->processes->fronts);
		take_number(&c->keys, y->processes->keys);
	}
	if (y->expiry)
		take_number(&c->expiry_days, y->expiry->warn_days);
	if (y->limits) {
		take_number(&c->failures_max, y->limits->failures);
		take_number(&c->failures_window_s, y->limits->window_s);
		take_number(&c->lockout_s, y->limits->lockout_s);
		take_number(&c->pending_max, y->limits->pending);
	}
}

static int
apply_scep(const struct yaml_root *y, struct config *c)
{
	int r = 0;

	if (y->scep_count == 0)
		return 0;
	c->scep_n = y->scep_count;
	for (size_t i = 0; r == 0 && i < c->scep_n; i++) {
		const struct yaml_scep *from = &y->scep[i];
		struct config_scep *to = &c->scep[i];

		memset(to, 0, sizeof(*to));
		to->legacy = from->legacy && *from->legacy;
		to->pending_allowed = !from->pending || *from->pending;
		r = take_text(to->name, sizeof(to->name), from->name);
		if (r == 0)
			r = str_copy(to->profile, sizeof(to->profile),
			    from->profile ? from->profile : "phone");
	}
	return r;
}

static int
apply(const struct yaml_root *y, struct config *c)
{
	int r = take_text(c->http, sizeof(c->http), y->http);

	if (r == 0)
		r = take_text(c->database, sizeof(c->database), y->database);
	if (r == 0)
		r = take_text(
		    c->public_url, sizeof(c->public_url), y->public_url);
	if (r == 0)
		r = take_text(c->user, sizeof(c->user), y->user);
	if (r == 0 && y->syslog)
		r = take_text(c->syslog_socket, sizeof(c->syslog_socket),
		    y->syslog->socket);
	if (r == 0 && y->seal)
		r = take_text(c->seal_passphrase_file,
		    sizeof(c->seal_passphrase_file), y->seal->passphrase_file);
	apply_numbers(y, c);
	return r == 0 ? apply_scep(y, c) : r;
}

static int
load(const char *path, struct span text, struct diag *d, struct config *c)
{
	struct complaint complaint = { .line = 0 };
	const cyaml_config_t config = {
		.log_fn = on_log,
		.log_ctx = &complaint,
		.mem_fn = cyaml_mem,
		.log_level = CYAML_LOG_ERROR,
		/* an alias can blow a small file up */
		.flags = CYAML_CFG_NO_ALIAS,
	};
	struct yaml_root *y = NULL;
	cyaml_err_t e;
	int r;

	e = cyaml_load_data(
	    text.p, text.n, &config, &root_schema, (cyaml_data_t **)&y, NULL);
	if (e != CYAML_OK)
		return explain(path, text, &complaint, e, d);
	if (!y)
		return 0; /* an empty file changes nothing */
	r = apply(y, c);
	if (r != 0)
		r = diag_set(d, r, path, NULL, "a text is too long");
	if (r == 0)
		r = judge(path, text, c, d);
	cyaml_free(&config, &root_schema, y, 0);
	return r;
}

int
config_load(const char *path, struct diag *d, struct config *c)
{
	BUF(text, CONFIG_FILE_MAX);
	int r = file_read(path, CONFIG_FILE_MAX, d, &text);

	if (r != 0)
		return r;
	return text.n ? load(path, buf_span(&text), d, c) : 0;
}
