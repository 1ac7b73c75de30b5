/* CA files from what the core has told; CRLs fetched from it. No CRL is kept
 * here: a revocation that was answered must show in the next answer. Requests
 * that come while a fetch is under way share the one after it, so that a fleet
 * that asks at once costs two. */
#include <stdio.h>

#include "cert/cms.h"
#include "cert/write.h"
#include "enroll/front_internal.h"

#define FILE_MAX_OUT 262144 /* bytes of a CA file */

struct crl_waiter {
	struct http_request *r;
	struct crl_waiter *next;
};

struct crl_fetch { /* one for each authority that was asked for */
	struct front *front;
	char id[64];
	struct crl_waiter *now;   /* of the fetch under way; NULL: none is */
	struct crl_waiter *later; /* came since it began: of the next one */
};

struct crl_cache {
	size_t n;
	struct crl_fetch e[ENROL_CA_MAX];
};

struct crl_cache *
crl_cache_new(void)
{
	return calloc(1, sizeof(struct crl_cache));
}

void
crl_cache_free(struct crl_cache *c)
{
	/* the client told every fetch, so no waiter is left */
	free(c);
}

/* "issuing-1.crl", ".crl" -> "issuing-1"; empty when it ends otherwise */
static struct span
stem(const char *name, const char *ending)
{
	size_t n = strlen(name), k = strlen(ending);

	if (n <= k || strcmp(name + n - k, ending) != 0)
		return span_of(NULL, 0);
	return span_of(name, n - k);
}

static const struct front_authority *
authority_of(struct front *f, struct http_request *r, struct span id)
{
	const struct front_authority *a;

	if (!f->setup) {
		front_busy(r, "the server is starting; try again in a moment");
		return NULL;
	}
	a = id.n ? front_setup_find(f->setup, id) : NULL;
	if (!a)
		front_say(r, 404, "there is no such authority or file here");
	return a;
}

static void
crl_reply(struct http_request *r, struct span der)
{
	static const struct http_header_pair extra[] = {
		{ "Cache-Control", "no-cache" },
		{ NULL, NULL },
	};

	http_reply(r, 200, "application/pkix-crl", der, extra);
}

static void
tell(struct crl_waiter **list, int result, struct span der)
{
	struct crl_waiter *w = *list;

	*list = NULL;
	while (w) {
		struct crl_waiter *next = w->next;

		if (result == 0)
			crl_reply(w->r, der);
		else if (result == E_NOT_FOUND)
			front_say(w->r, 404, "there is no such CRL here");
		else
			front_busy(w->r, "the CRL cannot be had just now");
		free(w);
		w = next;
	}
}

static void
on_crl(int result, struct span der, void *cookie)
{
	struct crl_fetch *f = cookie;

	tell(&f->now, result, der);
	/* after a failure there may be no core left to ask */
	if (result)
		tell(&f->later, result, der);
	if (!f->later)
		return;
	f->now = f->later;
	f->later = NULL;
	if (enrol_client_fetch_crl(f->front->core, f->id, on_crl, f))
		tell(&f->now, E_CLOSED, der);
}

static struct crl_fetch *
fetch_of(struct front *f, const char *id)
{
	struct crl_cache *c = f->crls;
	struct crl_fetch *e;

	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->e[i].id, id) == 0)
			return &c->e[i];
	/* ids never go away, and there are no more than this */
	if (c->n == ENROL_CA_MAX)
		return NULL;
	e = &c->e[c->n++];
	e->front = f;
	snprintf(e->id, sizeof(e->id), "%s", id);
	return e;
}

static void
wait_in(struct crl_waiter **list, struct crl_waiter *w)
{
	w->next = *list;
	*list = w;
}

void
front_get_crl(struct front *f, struct http_request *r, const char *name)
{
	const struct front_authority *a =
	    authority_of(f, r, stem(name, ".crl"));
	struct crl_fetch *e;
	struct crl_waiter *w;

	if (!a)
		return;
	e = fetch_of(f, a->info->id);
	w = e ? calloc(1, sizeof(*w)) : NULL;
	if (!w) {
		front_busy(r, "the CRL cannot be had just now");
		return;
	}
	w->r = r;
	if (e->now) {
		wait_in(&e->later, w);
		return;
	}
	wait_in(&e->now, w);
	if (enrol_client_fetch_crl(f->core, e->id, on_crl, e))
		tell(&e->now, E_CLOSED, span_of(NULL, 0));
}

void
front_get_ca(struct front *f, struct http_request *r, const char *name)
{
	struct span pem = stem(name, ".pem"), der = stem(name, ".der"),
		    p7c = stem(name, ".p7c");
	const struct front_authority *a = authority_of(f, r,
	    pem.n   ? pem
	    : der.n ? der
		    : p7c);
	const char *type = "application/pkix-cert";
	BUF(out, FILE_MAX_OUT);
	int e = 0;

	if (!a)
		return;
	if (der.n) {
		buf_add_span(&out, a->info->chain[0]);
	} else if (p7c.n) {
		type = "application/pkcs7-mime";
		e = cms_certs_build(
		    a->info->chain, a->info->chain_n, NULL, 0, &out);
	} else {
		type = "application/x-pem-file";
		for (size_t i = 0; i < a->info->chain_n && !e; i++)
			e = pem_write("CERTIFICATE", a->info->chain[i], &out);
	}
	if (!e)
		e = buf_error(&out);
	if (e)
		front_busy(r, "the file cannot be made just now");
	else
		http_reply(r, 200, type, buf_span(&out), NULL);
}
