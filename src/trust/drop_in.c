/*
 * trust/drop_in: the folders of chapter 21 (TRUST-1): a certificate copied into
 * trust/add is trusted, one copied into trust/delete no longer. A file is put
 * aside, with its reason when it was refused, once its effect is durable.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "os/file.h"
#include "trust/trust_internal.h"

#define DROP_FILES_MAX 1000 /* files of one folder looked at */
#define DROP_SIZE_MAX (4u << 20)
#define DROP_GROWING_S 3 /* a refused file this young may be half copied */
#define DROP_PATH_MAX 1024

struct move { /* of one file, when the batch is durable */
	struct move *next;
	char from[DROP_PATH_MAX], to[DROP_PATH_MAX];
	char reason[4 * DIAG_TEXT_MAX]; /* "": done */
};
struct pass {
	struct trust *t;
	int64_t now;
	bool is_add;
	char dir[DROP_PATH_MAX];
	struct move *moves;
};

static void
pass_free(struct pass *p)
{
	struct move *m;

	while ((m = p->moves)) {
		p->moves = m->next;
		free(m);
	}
	free(p);
}

static void
put_aside(const struct move *m)
{
	char path[DROP_PATH_MAX + 8];
	struct diag d = { 0 };

	if (rename(m->from, m->to)) {
		log_line(LOG_WARNING, "%s cannot be put aside", m->from);
		return;
	}
	if (!m->reason[0])
		return;
	log_line(LOG_WARNING, "%s was refused: %s", m->from, m->reason);
	snprintf(path, sizeof(path), "%s.txt", m->to);
	if (file_write(path, 0640, span_str(m->reason), &d))
		log_line(LOG_WARNING, "%s: %s", d.object, d.fact);
}

static void
on_durable(int result, void *cookie)
{
	struct pass *p = (struct pass *)cookie;

	/* not durable: the files stay and come again */
	for (const struct move *m = p->moves; !result && m; m = m->next)
		put_aside(m);
	pass_free(p);
}

static int
later(struct pass *p, const char *path, const char *name, const char *reason)
{
	struct move *m = (struct move *)calloc(1, sizeof(*m));
	char folder[DROP_PATH_MAX];
	int e;

	if (!m)
		return E_NOMEM;
	e = path_join(
	    folder, sizeof(folder), p->dir, reason[0] ? "refused" : "done");
	if (!e)
		e = path_join(m->to, sizeof(m->to), folder, name);
	if (!e)
		e = str_copy(m->from, sizeof(m->from), path);
	if (e) {
		free(m);
		return e;
	}
	snprintf(m->reason, sizeof(m->reason), "%s", reason);
	m->next = p->moves;
	p->moves = m;
	return 0;
}

/* -- one file -- */

static void
reason_of_report(const json_t *report, struct diag *d)
{
	const json_t *notes = json_object_get(report, "notes");
	size_t i;
	json_t *n;

	(void)diag_set(d, E_PARSE, "file", "TRUST-3",
	    "not everything in it is a readable certificate");
	json_array_foreach(notes, i, n)
	{
		if (!json_get_bool(n, "refused", false))
			continue;
		(void)diag_set(d, E_PARSE, "file", "TRUST-3", "line %d: %s",
		    (int)json_get_int(n, "line", 0), json_get0_text(n, "text"));
		break;
	}
	diag_remedy(d, "correct the file and copy it here again");
}

static int
add_file(struct pass *p, struct span file, const char *name, struct diag *d)
{
	struct trust_import in = { .system = "",
		.file = file,
		.name = name,
		.origin = ORIGIN_ADDED,
		.actor = "drop-in",
		.source = "local" };
	AUTO(json_t) *report = NULL;
	int e = trust_import(p->t, &in, p->now, d, &report);

	if (e || json_get_int(report, "refused", 0) == 0)
		return e;
	reason_of_report(report, d);
	return d->code;
}

static int
delete_file(struct pass *p, struct span file, const char *name, struct diag *d)
{
	static const struct bundle_options no_password;
	AUTO_STRUCT(bundle) *b = NULL;
	int e = bundle_read(file, name, &no_password, d, &b);
	size_t n = 0;

	for (size_t i = 0; !e && i < b->n; i++) {
		AUTO_STRUCT(x509) *c = NULL;
		AUTO(json_t) *o = NULL;
		uint8_t fp[32];
		char hex[65];

		if (b->objects[i].kind != OBJECT_CERT)
			continue;
		n++;
		e = x509_parse(b->objects[i].der, d, &c);
		if (e)
			return e;
		x509_fingerprint(c, fp);
		str_hex(hex, sizeof(hex), span_of(fp, sizeof(fp)), 0);
		e = trust_remove(
		    p->t, "", hex, "drop-in", "local", p->now, d, &o);
	}
	if (!e && n == 0)
		e = diag_set(
		    d, E_UNSUPPORTED, name, NULL, "it holds no certificate");
	return e;
}

/* may a file that does not read well still be on its way? */
static bool
is_growing(const char *path, int64_t now)
{
	struct stat st;

	return stat(path, &st) == 0 &&
	       now - (int64_t)st.st_mtime < DROP_GROWING_S &&
	       now >= (int64_t)st.st_mtime;
}

static int
on_file(const char *path, const char *name, void *cookie)
{
	struct pass *p = (struct pass *)cookie;
	struct diag d = { 0 };
	char reason[4 * DIAG_TEXT_MAX] = "";
	BUF(file, DROP_SIZE_MAX);
	int e = file_read(path, DROP_SIZE_MAX, &d, &file);

	if (!e)
		e = p->is_add ? add_file(p, buf_span(&file), name, &d)
			      : delete_file(p, buf_span(&file), name, &d);
	if (e == E_DB || e == E_NOMEM || e == E_IO)
		return e; /* our trouble, not the file's */
	if (e && is_growing(path, p->now))
		return 0;
	if (e)
		diag_print(&d, reason, sizeof(reason) - 1);
	if (e && !reason[0])
		snprintf(reason, sizeof(reason), "%s", err_text(e));
	return later(p, path, name, reason);
}

/* -- folders -- */

static int
make_folders(const char *trust, const char *dir)
{
	static const char *const inner[] = { "done", "refused" };
	char path[DROP_PATH_MAX];
	int e = dir_ensure(trust, 0750, NULL);

	if (!e)
		e = dir_ensure(dir, 0750, NULL);
	for (size_t i = 0; !e && i < 2; i++) {
		e = path_join(path, sizeof(path), dir, inner[i]);
		if (!e)
			e = dir_ensure(path, 0750, NULL);
	}
	return e;
}

static int
drop_in(struct trust *t, const char *name, bool is_add, int64_t now)
{
	char trust[DROP_PATH_MAX];
	struct pass *p = (struct pass *)calloc(1, sizeof(*p));
	int e;

	if (!p)
		return E_NOMEM;
	p->t = t;
	p->now = now;
	p->is_add = is_add;
	e = path_join(trust, sizeof(trust), t->state_dir, "trust");
	if (!e)
		e = path_join(p->dir, sizeof(p->dir), trust, name);
	if (!e)
		e = make_folders(trust, p->dir);
	if (!e)
		e = dir_each(p->dir, DROP_FILES_MAX, on_file, p);
	if (e || !p->moves) {
		pass_free(p);
		return e;
	}
	e = store_after(t->store, on_durable, p);
	if (e)
		pass_free(p);
	return e;
}

int
trust_drop_in(struct trust *t, int64_t now)
{
	int e = drop_in(t, "add", true, now);

	return e ? e : drop_in(t, "delete", false, now);
}
