/*
 * cli/online: asking the server: one call of /api/v1 over the Unix socket in
 * the state directory, refusals turned into the exit codes everybody uses.
 */
#ifndef SIGNET_CLI_ONLINE_H
#define SIGNET_CLI_ONLINE_H

#include "cli/cli.h"

#define ONLINE_SOCKET "run/signet.sock" /* in the state directory */
#define ONLINE_PATH_MAX 4096            /* bytes of path and query */
#define ONLINE_TIMEOUT_S 60             /* a call without an answer ends */
#define ONLINE_CEREMONY_S 120           /* one that makes keys of 4096 bits */

/* A path and its query: online_path(&p, "/api/v1/ca"); online_segment(&p, id);
 * online_query(&p, "limit", "10"). Segments and values are escaped; a NULL
 * value adds nothing. */
struct online_path {
	struct buf text;
	bool has_query;
	int64_t timeout_s; /* ONLINE_TIMEOUT_S; --timeout comes before it */
};
void online_path(struct online_path *p, const char *start);
void online_path_done(struct online_path *p);
void online_segment(struct online_path *p, const char *text);
void online_add(struct online_path *p, const char *more); /* as it is */
void online_query(struct online_path *p, const char *name, const char *value);

static inline void
auto_online_path_(struct online_path *p)
{
	online_path_done(p);
}
#define ONLINE_PATH(name, start)                                             \
	__attribute__((cleanup(auto_online_path_))) struct online_path name; \
	online_path(&name, start)

/* online_ask(): E_CLOSED when no server listens, E_TIMEOUT when it does not
 * answer in time; a problem answered by the server is its code with d filled.
 * body (stolen) may be NULL. *ret_body is text (JSON or PEM). */
int online_ask(struct cli_context *c, const char *method, struct online_path *p,
    json_t *body, struct buf *ret_body, struct diag *d) ERR_CHECK;
/* online_call(): the same as JSON; reports a refusal and returns the exit
 * code, CLI_YES with *ret set */
int online_call(struct cli_context *c, const char *method,
    struct online_path *p, json_t *body, json_t **ret);
/* online_fail(): reports d as online_call() does (no server: exit 3) */
int online_fail(struct cli_context *c, struct diag *d);

/* --- saying it --- */
/* "label   text" with the label padded; NULL or empty text: nothing */
void online_line(struct cli_context *c, const char *label, const char *text);
/* the member of o under that key, whatever type it has */
void online_member(
    struct cli_context *c, const char *label, const json_t *o, const char *key);
/* text of a member, numbers too, into out; "-" when absent */
const char *online_text(
    const json_t *o, const char *key, char *out, size_t size);
/* a table of the objects in list; keys and titles end with NULL */
int online_table(struct cli_context *c, const json_t *list,
    const char *const *titles, const char *const *keys);
/* "(100 of 1234; more: --after CURSOR)" under a table when there are more */
void online_more(struct cli_context *c, const json_t *o, size_t shown);
/* the whole file as base64 text into o under key; reports, exit code */
int online_file(
    struct cli_context *c, const char *path, json_t *o, const char *key);
/* the password of --OPTION or the terminal into o under "password" */
int online_password(struct cli_context *c, const char *option,
    const char *prompt, bool twice, json_t *o);

#define ONLINE_PAGE_OPTIONS                                             \
	{ .name = "limit",                                              \
		.arg = "N",                                             \
		.help = "at most so many rows: 100; 1000 at most" },    \
	{                                                               \
		.name = "after", .arg = "NEXT",                         \
		.help = "go on where an earlier answer's \"next\" says" \
	}
/* --limit and --after into the query */
void online_page(struct cli_context *c, struct online_path *p);

/* all --san joined into one member of the body; none: no member */
int online_sans(struct cli_context *c, json_t *body, const char *member)
    ERR_CHECK;

#endif
