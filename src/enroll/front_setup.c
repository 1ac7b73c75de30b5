#include "enroll/front_setup.h"

#include "cert/cms.h"

#define CERTS_MAX 16 /* certificates in one answer */

static int
authorities_parse(struct front_setup *s)
{
	for (size_t i = 0; i < s->setup.n; i++) {
		struct front_authority *a = &s->a[i];
		const struct enrol_ca *c = &s->setup.ca[i];
		int e = x509_parse(c->chain[0], NULL, &a->cert);

		a->info = c;
		if (!e && c->ra_cert.n)
			e = x509_parse(c->ra_cert, NULL, &a->ra);
		if (e)
			return e;
		if (c->current && a->ra)
			s->current = a;
	}
	return 0;
}

static size_t
certs_add(struct span *list, size_t n, const struct span *add, size_t add_n)
{
	for (size_t i = 0; i < add_n && n < CERTS_MAX; i++) {
		bool have = add[i].n == 0;

		for (size_t k = 0; k < n; k++)
			have = have || span_is_equal(list[k], add[i]);
		if (!have)
			list[n++] = add[i];
	}
	return n;
}

/* RFC 8894 4.2.1.2: RA first, then the chain up to the root */
static int
ca_certs_build(struct front_setup *s)
{
	const struct enrol_ca *c;
	struct span list[CERTS_MAX];
	size_t n;

	if (!s->current)
		return 0;
	c = s->current->info;
	n = certs_add(list, 0, &c->ra_cert, 1);
	n = certs_add(list, n, c->chain, c->chain_n);
	return cms_certs_build(list, n, NULL, 0, &s->ca_certs);
}

/*
 * RFC 8894 4.7.1: the next authority's certificates. Without one: the present
 * certificates once they replace earlier ones that clients may still hold.
 */
static int
next_certs_build(struct front_setup *s)
{
	struct span list[CERTS_MAX];
	size_t n = 0;

	if (!s->current)
		return 0;
	for (size_t i = 0; i < s->setup.n; i++) {
		const struct enrol_ca *c = &s->setup.ca[i];

		if (!c->next)
			continue;
		n = certs_add(list, n, &c->ra_cert, 1);
		n = certs_add(list, n, c->chain, c->chain_n);
	}
	if (n == 0 && s->current->info->old_n)
		n = certs_add(list, 0, s->current->info->chain,
		    s->current->info->chain_n);
	return n ? cms_certs_build(list, n, NULL, 0, &s->next_certs) : 0;
}

int
front_setup_new(struct span packed, struct front_setup **ret)
{
	struct front_setup *s = calloc(1, sizeof(*s));
	int e;

	if (!s)
		return E_NOMEM;
	s->refs = 1;
	buf_init(&s->packed, ENROL_SETUP_MAX);
	buf_init(&s->ca_certs, CMS_MAX);
	buf_init(&s->next_certs, CMS_MAX);
	buf_add_span(&s->packed, packed);
	e = buf_error(&s->packed);
	if (!e)
		e = enrol_setup_unpack(buf_span(&s->packed), &s->setup);
	if (!e)
		e = authorities_parse(s);
	if (!e)
		e = ca_certs_build(s);
	if (!e)
		e = next_certs_build(s);
	if (e) {
		front_setup_unref(s);
		return e;
	}
	*ret = s;
	return 0;
}

struct front_setup *
front_setup_ref(struct front_setup *s)
{
	s->refs++;
	return s;
}

void
front_setup_unref(struct front_setup *s)
{
	if (!s || --s->refs)
		return;
	for (size_t i = 0; i < s->setup.n; i++) {
		x509_free(s->a[i].cert);
		x509_free(s->a[i].ra);
	}
	buf_done(&s->packed);
	buf_done(&s->ca_certs);
	buf_done(&s->next_certs);
	free(s);
}

const struct front_authority *
front_setup_find(const struct front_setup *s, struct span id)
{
	for (size_t i = 0; i < s->setup.n; i++)
		if (span_is_equal(span_str(s->setup.ca[i].id), id))
			return &s->a[i];
	return NULL;
}
