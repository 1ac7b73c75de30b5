/* Requests that wait for a person: how many, of whom, and adding one. */
#include <stdio.h>

#include "base/str.h"
#include "enroll/decide_internal.h"
#include "os/clock.h"

#define PAGE 500
#define SOURCES_MAX 16384 /* sources with open requests that are counted */

struct pending_source {
	char source[64];
	unsigned n;
	struct pending_source *next;
};
struct pending_table {
	size_t n;
	struct pending_source *bucket[DECIDE_BUCKETS];
};

struct pending_table *
pending_table_new(void)
{
	return calloc(1, sizeof(struct pending_table));
}

void
pending_table_free(struct pending_table *t)
{
	if (!t)
		return;
	for (unsigned b = 0; b < DECIDE_BUCKETS; b++) {
		while (t->bucket[b]) {
			struct pending_source *s = t->bucket[b];

			t->bucket[b] = s->next;
			free(s);
		}
	}
	free(t);
}

static struct pending_source **
find(const struct decider *dr, const char *source)
{
	struct pending_source **at;
	uint32_t h = 2166136261u;

	for (const char *p = source; *p; p++)
		h = (h ^ (uint8_t)*p) * 16777619u;
	at = &dr->pending->bucket[(h ^ h >> 15) % DECIDE_BUCKETS];
	while (*at && strcmp((*at)->source, source) != 0)
		at = &(*at)->next;
	return at;
}

unsigned
pending_of(const struct decider *dr, const char *source)
{
	struct pending_source *s = *find(dr, source);

	return s ? s->n : 0;
}

void
pending_count(struct decider *dr, const char *source, int by)
{
	struct pending_source **at = find(dr, source), *s = *at;

	if (!s && by > 0 && dr->pending->n < SOURCES_MAX) {
		s = calloc(1, sizeof(*s));
		if (!s)
			return; /* uncounted; the total still holds */
		snprintf(s->source, sizeof(s->source), "%s", source);
		*at = s;
		dr->pending->n++;
	}
	if (!s)
		return;
	if (by > 0) {
		s->n++;
		return;
	}
	if (s->n > 1) {
		s->n--;
		return;
	}
	*at = s->next;
	dr->pending->n--;
	free(s);
}

struct note {
	struct decider *dr;
	char source[64];
	int by;
};

static void
note_end(int result, void *cookie)
{
	struct note *n = cookie;

	if (result)
		pending_count(n->dr, n->source, -n->by);
	free(n);
}

void
pending_note(struct decider *dr, const char *source, int by)
{
	struct note *n = calloc(1, sizeof(*n));

	/* without memory for the way back it is only not counted */
	if (!n)
		return;
	n->dr = dr;
	n->by = by;
	snprintf(n->source, sizeof(n->source), "%s", source);
	pending_count(dr, source, by);
	if (store_after(dr->ca->store, note_end, n))
		free(n);
}

struct load {
	struct decider *dr;
	int64_t last;
	unsigned n;
};

static int
load_row(const struct request_row *r, void *cookie)
{
	struct load *l = cookie;

	l->last = r->id;
	l->n++;
	pending_count(l->dr, r->source, 1);
	return 0;
}

int
pending_load(struct decider *dr)
{
	struct load l = { .dr = dr };
	int e = 0;

	do {
		l.n = 0;
		e = request_each(
		    dr->ca->store, REQUEST_PENDING, l.last, PAGE, load_row, &l);
	} while (!e && l.n == PAGE);
	return e;
}

static int
check_room(struct decider *dr, const char *source, struct diag *d)
{
	int64_t n;
	int e = request_count(dr->ca->store, REQUEST_PENDING, &n);

	if (e)
		return e;
	if (n >= (int64_t)dr->ca->config->pending_max) {
		diag_set(d, E_LIMIT, "request", "ENR-10",
		    "%lld requests wait for a decision already", (long long)n);
		diag_remedy(d, "decide some: signet request list");
		return E_LIMIT;
	}
	/* an operator may upload as many as there is room for */
	if (strcmp(source, "local") == 0 ||
	    pending_of(dr, source) < DECIDE_PENDING_SOURCE_MAX)
		return 0;
	diag_set(d, E_LIMIT, "request", "ENR-10",
	    "%d requests of this source wait for a decision already",
	    DECIDE_PENDING_SOURCE_MAX);
	diag_remedy(d, "decide some: signet request list");
	return E_LIMIT;
}

static int
add_event(struct decider *dr, const struct request_row *r, int64_t id)
{
	AUTO(json_t) *detail = json_object();
	char object[160];
	struct event ev = {
		.kind = EVENT_REQUEST_PENDING,
		.severity = SEVERITY_NOTICE,
		.actor = r->protocol,
		.source = r->source,
		.object = object,
		.result = "ok",
		.detail = detail,
	};

	snprintf(object, sizeof(object), "request %lld", (long long)id);
	json_set_text(detail, "transaction", r->transaction);
	json_set_text(detail, "subject", r->subject);
	json_set_text(detail, "profile", r->profile);
	json_set_text(detail, "entity", r->entity);
	return ledger_add(dr->ca->ledger, &ev, r->created);
}

int
pending_add(struct decider *dr, const struct claim *c, const char *protocol,
    const char *source, struct diag *d, int64_t *ret_id)
{
	struct request_row r = { .state = REQUEST_PENDING };
	char renews[64];
	int64_t id = 0;
	int e = check_room(dr, source, d);

	if (e)
		return e;
	claim_fill_request(c, &r, clock_now());
	snprintf(r.protocol, sizeof(r.protocol), "%s", protocol);
	snprintf(r.source, sizeof(r.source), "%s", source);
	r.csr = span_of(c->csr->der, c->csr->n);
	if (c->renews) {
		/* what the approval must not go beyond */
		snprintf(renews, sizeof(renews), "{\"renews\":%lld}",
		    (long long)c->renews);
		r.receipt = span_str(renews);
	}
	e = request_add(dr->ca->store, &r, &id);
	/* one use, one open request: else a password could open any number */
	if (!e && c->password)
		e = password_use(dr->ca->store, c->password);
	if (!e)
		e = add_event(dr, &r, id);
	if (e) {
		store_poison(dr->ca->store);
		return e == E_EXISTS || e == E_EXPIRED ? E_DB : e;
	}
	pending_note(dr, source, 1);
	*ret_id = id;
	return 0;
}
