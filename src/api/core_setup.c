/* ENROL_SETUP: the authorities as the fronts must know them. */
#include "api/core_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "os/clock.h"

struct gather { /* copies of certificates, until the message is packed */
	struct enrol_ca *to;
	uint8_t *copies[4];
	int64_t now;
};

static bool
is_in_date(struct span der, int64_t now)
{
	AUTO_STRUCT(x509) *c = NULL;

	return x509_parse(der, NULL, &c) == 0 && c->not_after > now;
}

/* RENEWED authorities: devices may hold either certificate of the same key */
static int
add_old(unsigned generation, struct span cert, void *cookie)
{
	struct gather *g = (struct gather *)cookie;
	size_t at = g->to->old_n;

	(void)generation;
	for (size_t i = 0; i < g->to->chain_n; i++)
		if (span_is_equal(g->to->chain[i], cert))
			return 0;
	if (at == sizeof(g->copies) / sizeof(g->copies[0]) ||
	    !is_in_date(cert, g->now))
		return 0;
	g->copies[at] = (uint8_t *)malloc(cert.n);
	if (!g->copies[at])
		return E_NOMEM;
	memcpy(g->copies[at], cert.p, cert.n);
	g->to->old[at] = span_of(g->copies[at], cert.n);
	g->to->old_n++;
	return 0;
}

/* the one below which no other of the same state stands enrols */
static bool
is_next_issuer(const struct ca *ca, const struct authority *a)
{
	if (a->row.state != AUTHORITY_NEXT)
		return false;
	for (size_t i = 0; i < ca->authority_n; i++)
		if (ca->authorities[i]->parent == a &&
		    ca->authorities[i]->row.state == AUTHORITY_NEXT)
			return false;
	return true;
}

static int
fill(struct core *c, const struct authority *a, struct gather *g)
{
	struct enrol_ca *to = g->to;
	int e = str_copy(to->id, sizeof(to->id), a->row.id);

	if (!e)
		e = str_copy(to->ra_key, sizeof(to->ra_key), a->row.ra_key);
	if (e)
		return e;
	to->current = a == ca_issuer(c->ca);
	to->next = is_next_issuer(c->ca, a);
	if (a->ra_cert)
		to->ra_cert = x509_span(a->ra_cert);
	to->chain_n = ca_chain(a, to->chain);
	for (const struct authority *up = a; up && !e; up = up->parent)
		e = authority_each_cert(c->store, up->row.id, add_old, g);
	return e;
}

int
core_setup_send(struct core *c, struct channel *to)
{
	struct enrol_setup *s = (struct enrol_setup *)calloc(1, sizeof(*s));
	struct gather *g =
	    (struct gather *)calloc(CA_AUTHORITIES_MAX, sizeof(*g));
	BUF(out, ENROL_SETUP_MAX);
	int e = s && g ? 0 : E_NOMEM;

	for (size_t i = 0; !e && i < c->ca->authority_n; i++) {
		const struct authority *a = c->ca->authorities[i];

		if (!a->cert || s->n == ENROL_CA_MAX)
			continue;
		g[s->n].now = clock_now();
		g[s->n].to = &s->ca[s->n];
		e = fill(c, a, &g[s->n]);
		s->n++;
	}
	if (!e)
		enrol_setup_pack(s, &out);
	if (!e)
		e = buf_error(&out);
	if (!e)
		e = channel_send(to, ENROL_SETUP, 0, buf_span(&out));
	for (size_t i = 0; g && i < CA_AUTHORITIES_MAX; i++)
		for (size_t k = 0; k < 4; k++)
			free(g[i].copies[k]);
	free(g);
	free(s);
	return e;
}
