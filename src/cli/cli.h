/*
 * cli: the `signet` command: a table of nouns and verbs, and what every verb
 * needs: options, arguments, passwords, files, tables, JSON, exit codes.
 *
 * A noun is one file, cmd_NOUN.c, with one table of struct cli_command that
 * ends with a noun of NULL; commands.c lists the tables (several may share a
 * noun).  Help, option
 * checking and "did you mean" all come from these tables; a verb's function
 * only does the work and returns an exit code.
 *
 * What goes where.  Standard output carries the answer and nothing else; with
 * --json it is exactly one JSON document.  Everything else (errors, notes,
 * warnings, progress) goes to standard error.  An error there is one line
 * "signet: object: rule: fact; remedy"; with --json it is instead one line of
 * JSON, the members of an RFC 9457 problem (type, title, detail, and where
 * known object, rule, fact, remedy) plus "exit", the exit code.  So with
 * --json standard output is empty exactly when there is no answer.
 */
#ifndef SIGNET_CLI_CLI_H
#define SIGNET_CLI_CLI_H

#include <stdio.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/json.h"
#include "base/secret.h"

#define CLI_OPTIONS_MAX 48  /* options of one verb, the common ones included */
#define CLI_VALUES_MAX 1024 /* option values on one command line */
#define CLI_PASSWORD_MAX 1024 /* bytes of a password read from a file */
#define CLI_COLUMNS_MAX 16    /* columns of one table */

enum cli_exit {
	CLI_YES = 0,   /* yes, or done */
	CLI_NO = 1,    /* the answer is no: rejected, findings, not found */
	CLI_USAGE = 2, /* wrong use, or input that cannot be read */
	CLI_UNREACHABLE = 3, /* the server cannot be reached */
};

struct cli_option {
	const char *name; /* without dashes: "key-out" */
	char letter;      /* 'o' for -o; 0: none */
	const char *arg;  /* name of its argument, "FILE"; NULL: a flag */
	const char *help; /* one line */
	bool repeat;      /* may be given several times */
	bool required;
};

struct cli_context;

struct cli_command {
	const char *noun; /* "cert"; NULL ends a table */
	const char *verb; /* "show"; NULL: the noun stands alone ("status"), or,
			   * with run NULL, the line that describes a noun */
	int (*run)(struct cli_context *c); /* returns an enum cli_exit */
	const char *summary;   /* "every object in the files", one line */
	const char *arguments; /* "FILE..."; NULL or "" when it takes none */
	int arg_min, arg_max;  /* how many; -1: no upper limit */
	const struct cli_option *options; /* ends with name NULL; may be NULL */
	bool needs_server;  /* fails early when neither --state nor --server */
	bool starts_server; /* none need run: it starts its own */
	const char *more;   /* text under the options of its --help; or NULL */
};

/* Common to every verb: --json --state DIR --server URL --token-file FILE
 * --timeout SECONDS --color auto|always|never --help.  They may stand anywhere.
 */
struct cli_context {
	const char *state_dir; /* --state, else SIGNET_STATE; NULL: not given */
	const char *server_url; /* --server, else SIGNET_SERVER; NULL */
	long timeout_s;         /* --timeout; 0: the call's own */
	const char *token_file; /* --token-file; NULL (tokens never in argv) */
	bool json;
	bool color;   /* for standard output: a terminal, NO_COLOR not set */
	bool err_tty; /* standard error is a terminal: progress may be drawn */
	FILE *in, *out, *err;
	const struct cli_command *command;
	size_t arg_n;
	const char **args; /* positional arguments, borrowed from argv */
	void *cookie;      /* for a noun's own use (a connection) */
	/* private to options.c */
	size_t value_n;
	struct cli_value {
		const struct cli_option *option;
		const char *text;
	} values[CLI_VALUES_MAX];
};

/* cli_main(argc, argv, in, out, err): the whole command; returns the exit
 * code. main() only calls this; tests call it with memory streams. */
int cli_main(int argc, char **argv, FILE *in, FILE *out, FILE *err);

/* cli_run(tables, ...): the same over other tables (tests) */
int cli_run(const struct cli_command *const *tables, int argc, char **argv,
    FILE *in, FILE *out, FILE *err);

/* the tables of all nouns, NULL at the end (commands.c) */
extern const struct cli_command *const cli_commands[];

/* --- options: borrowed from argv; name without dashes --- */
const char *cli_get(
    const struct cli_context *c, const char *name); /* last; NULL */
bool cli_has(const struct cli_context *c, const char *name);
/* cli_get_nth(): for options with repeat; NULL past the last */
const char *cli_get_nth(
    const struct cli_context *c, const char *name, size_t i);
/* cli_get_int/duration/time(): absent leaves *ret alone and is 0; otherwise a
 * bad value has been reported and E_INVAL comes back: return CLI_USAGE */
int cli_get_int(struct cli_context *c, const char *name, int64_t min,
    int64_t max, int64_t *ret) ERR_CHECK;
int cli_get_duration(
    struct cli_context *c, const char *name, int64_t *ret_seconds) ERR_CHECK;
int cli_get_time(struct cli_context *c, const char *name, int64_t *ret_utc)
    ERR_CHECK;

/* --- refusals --- */
/* cli_exit_of(code): the exit code an E_... means: E_DENIED, E_NOT_FOUND,
 * E_EXISTS, E_CONFLICT, E_CRYPTO, E_EXPIRED, E_STATE, E_LIMIT, E_PENDING are
 * CLI_NO; E_CLOSED and E_TIMEOUT CLI_UNREACHABLE; all others CLI_USAGE. */
int cli_exit_of(int code);
/* cli_fail(c, d): prints the diag and returns cli_exit_of(d->code) */
int cli_fail(struct cli_context *c, const struct diag *d);
/* cli_fail_as(): the same with the exit code given */
int cli_fail_as(
    struct cli_context *c, const struct diag *d, enum cli_exit code);
/* cli_usage(c, remedy, fact...): wrong use; CLI_USAGE. remedy may be NULL:
 * then it points to this verb's --help. */
int cli_usage(struct cli_context *c, const char *remedy, const char *fact, ...)
    __attribute__((format(printf, 3, 4)));
/* cli_note(c, fmt...): a line on standard error ("signet: ..."), escaped; with
 * --json {"note": "..."} so that every line there stays JSON */
void cli_note(struct cli_context *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* --- output --- */
/* cli_print(c, fmt...): to standard output, as is: escape foreign text first */
void cli_print(struct cli_context *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void cli_print_span(struct cli_context *c, struct span text);
/* cli_print_json(c, o): one indented document; does not take the reference */
void cli_print_json(struct cli_context *c, const json_t *o);
enum cli_color { CLI_PLAIN, CLI_BOLD, CLI_GOOD, CLI_BAD, CLI_WARN, CLI_DIM };
/* the escape sequence that starts this colour, "" without colours; CLI_PLAIN
 * ends it */
const char *cli_color(const struct cli_context *c, enum cli_color color);

/* A table: titles, rows, print. Cells are copied and escaped; a NULL cell is
 * shown as "-". Columns align by display characters; trailing blanks are not
 * written. Nothing but the titles to say: "none" texts are the caller's. */
struct cli_table;
/* titles end with NULL; NULL when out of memory (row and print accept that) */
struct cli_table *cli_table_new(const char *const *titles);
void cli_table_free(struct cli_table *t);
AUTO_DEFINE_STRUCT(cli_table, cli_table_free);
/* cli_table_row(t, cells): as many cells as titles */
void cli_table_row(struct cli_table *t, const char *const *cells);
void cli_table_color(struct cli_table *t, size_t column,
    enum cli_color color); /* of the last row */
/* cli_table_print(): E_NOMEM when any row was lost */
int cli_table_print(struct cli_context *c, const struct cli_table *t) ERR_CHECK;

/* --- files and passwords (input.c) --- */
/* cli_read(c, path, out, d): whole file up to the maximum of out; "-" is
 * standard input */
int cli_read(struct cli_context *c, const char *path, struct buf *out,
    struct diag *d) ERR_CHECK;
/* cli_write(c, path, bytes, mode, force, d): a new file, complete or not at
 * all; E_EXISTS unless force; "-" is standard output (not for secrets) */
int cli_write(struct cli_context *c, const char *path, struct span bytes,
    unsigned mode, bool force, struct diag *d) ERR_CHECK;
/* cli_password(c, option, prompt, twice, ret, d): the first line of the file
 * that --OPTION names ("-": standard input), else asked on the terminal without
 * echo, twice to be sure; E_PASSWORD when there is no terminal either. */
int cli_password(struct cli_context *c, const char *option, const char *prompt,
    bool twice, struct secret **ret, struct diag *d) ERR_CHECK;
/* cli_confirm(c, question): y on the terminal; false without one */
bool cli_confirm(struct cli_context *c, const char *question);

#endif
