/* CA files from what the core has told; CRLs fetched from it and kept for a
 * moment, so that a fleet that asks at once costs one fetch. */
#include <stdio.h>

#include "cert/cms.h"
#include "cert/write.h"
#include "enroll/front_internal.h"
#include "os/clock.h"

#define CRL_KEEP_MS 1000
#define FILE_MAX_OUT 262144 /* bytes of a CA file */

struct crl_waiter {
	struct http_request *r;
	struct crl_waiter *next;
};

struct crl_entry_cached {
	char id[64];
	struct buf der;
	int64_t fetched_ms; /* 0: never */
	bool fetching;
	struct crl_waiter *waiters;
};

struct crl_cache {
	size_t n;
	struct crl_entry_cached e[ENROL_CA_MAX];
};

struct crl_cache *
crl_cache_new(void)
{
	return calloc(1, sizeof(struct crl_cache));
}

void
crl_cache_free(struct crl_cache *c)
{
	if (!c)
		return;
	/* the client told every fetch, so no waiter is left */
	for (size_t i = 0; i < c->n; i++)
		buf_done(&c->e[i].der);
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
		{ "Cache-Control", "max-age=60" },
		{ NULL, NULL },
	};

	http_reply(r, 200, "application/pkix-crl", der, extra);
}

static void
on_crl(int result, struct span bytes, void *cookie)
{
	struct crl_entry_cached *e = cookie;
	struct crl_waiter *w = e->waiters;

	e->waiters = NULL;
	e->fetching = false;
	if (result == 0) {
		buf_reset(&e->der);
		buf_add_span(&e->der, bytes);
		/* kept only when there was room for the copy */
		e->fetched_ms = buf_error(&e->der) ? 0 : clock_monotonic_ms();
	}
	while (w) {
		struct crl_waiter *next = w->next;

		if (result == 0)
			crl_reply(w->r, bytes);
		else if (result == E_NOT_FOUND)
			front_say(w->r, 404, "there is no such CRL here");
		else
			front_busy(w->r, "the CRL cannot be had just now");
		free(w);
		w = next;
	}
}

static struct crl_entry_cached *
cache_entry(struct crl_cache *c, const char *id)
{
	struct crl_entry_cached *e;

	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->e[i].id, id) == 0)
			return &c->e[i];
	/* ids never go away, and there are no more than this */
	if (c->n == ENROL_CA_MAX)
		return NULL;
	e = &c->e[c->n++];
	snprintf(e->id, sizeof(e->id), "%s", id);
	buf_init(&e->der, CHANNEL_FRAME_MAX);
	return e;
}

void
front_get_crl(struct front *f, struct http_request *r, const char *name)
{
	const struct front_authority *a =
	    authority_of(f, r, stem(name, ".crl"));
	struct crl_entry_cached *e;
	struct crl_waiter *w;

	if (!a)
		return;
	e = cache_entry(f->crls, a->info->id);
	if (e && e->fetched_ms &&
	    clock_monotonic_ms() - e->fetched_ms < CRL_KEEP_MS) {
		crl_reply(r, buf_span(&e->der));
		return;
	}
	w = e ? calloc(1, sizeof(*w)) : NULL;
	if (!w) {
		front_busy(r, "the CRL cannot be had just now");
		return;
	}
	if (!e->fetching && enrol_client_fetch_crl(f->core, e->id, on_crl, e)) {
		free(w);
		front_busy(r, "the CRL cannot be had just now");
		return;
	}
	e->fetching = true;
	w->r = r;
	w->next = e->waiters;
	e->waiters = w;
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
