/* Issues under way, and answers that wait for the batch to be durable. */
#include <stdio.h>

#include "enroll/decide_internal.h"

static unsigned
bucket_of(const char *protocol, const char *transaction)
{
	uint32_t h = 2166136261u;

	for (; *protocol; protocol++)
		h = (h ^ (uint8_t)*protocol) * 16777619u;
	for (; *transaction; transaction++)
		h = (h ^ (uint8_t)*transaction) * 16777619u;
	return (h ^ h >> 15) % DECIDE_BUCKETS;
}

struct flight *
flight_find(
    const struct decider *dr, const char *protocol, const char *transaction)
{
	struct flight *f = dr->flights[bucket_of(protocol, transaction)];

	while (f && (strcmp(f->transaction, transaction) != 0 ||
			strcmp(f->protocol, protocol) != 0))
		f = f->next;
	return f;
}

int
flight_new(struct decider *dr, const char *protocol, const char *transaction,
    const uint8_t spki[32], struct flight **ret)
{
	struct flight *f;
	unsigned b = bucket_of(protocol, transaction);

	if (dr->flight_n >= DECIDE_FLIGHTS_MAX)
		return E_LIMIT;
	f = calloc(1, sizeof(*f));
	if (!f)
		return E_NOMEM;
	f->d = dr;
	snprintf(f->protocol, sizeof(f->protocol), "%s", protocol);
	snprintf(f->transaction, sizeof(f->transaction), "%s", transaction);
	memcpy(f->spki, spki, sizeof(f->spki));
	f->next = dr->flights[b];
	dr->flights[b] = f;
	dr->flight_n++;
	*ret = f;
	return 0;
}

int
flight_join(struct flight *f, decide_fn fn, void *cookie)
{
	struct waiter *w = calloc(1, sizeof(*w));
	struct waiter **at = &f->waiters;

	if (!w)
		return E_NOMEM;
	w->fn = fn;
	w->cookie = cookie;
	while (*at)
		at = &(*at)->next;
	*at = w;
	return 0;
}

static void
flight_remove(struct flight *f)
{
	struct flight **at =
	    &f->d->flights[bucket_of(f->protocol, f->transaction)];

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	f->d->flight_n--;
}

static void
waiters_tell(struct waiter *w, const struct enrol_answer *a)
{
	while (w) {
		struct waiter *next = w->next;

		if (a)
			w->fn(a, w->cookie);
		free(w);
		w = next;
	}
}

void
flight_end(struct flight *f, const struct enrol_answer *a)
{
	flight_remove(f);
	waiters_tell(f->waiters, a);
	free(f);
}

unsigned
flight_uses(const struct decider *dr, int64_t password)
{
	unsigned n = 0;

	/* few are under way, and only limited passwords are looked for */
	for (unsigned b = 0; b < DECIDE_BUCKETS && dr->flight_n; b++)
		for (const struct flight *f = dr->flights[b]; f; f = f->next)
			n += f->password == password;
	return n;
}

void
flights_free(struct decider *dr)
{
	for (unsigned b = 0; b < DECIDE_BUCKETS; b++)
		while (dr->flights[b])
			flight_end(dr->flights[b], NULL);
}

/* ---- answers ---- */

struct later {
	struct enrol_answer a;
	struct buf bytes; /* of certificate or CRL */
	decide_fn fn;
	json_t *json;
	struct diag d;
	ca_done_fn done;
	void *cookie;
};

static void
later_free(struct later *l)
{
	buf_done(&l->bytes);
	json_decref(l->json);
	free(l);
}

static void
later_run(int result, void *cookie)
{
	struct later *l = cookie;
	const struct enrol_answer retry = {
		.status = ENROL_RETRY,
		.code = result,
		.text = "the server could not record this; try again",
	};

	if (l->fn)
		l->fn(result ? &retry : &l->a, l->cookie);
	else if (result)
		l->done(result, NULL,
		    (diag_set(&l->d, result, "request", NULL,
			 "the change could not be recorded"),
			&l->d),
		    l->cookie);
	else
		l->done(
		    l->d.code, l->d.code ? NULL : l->json, &l->d, l->cookie);
	later_free(l);
}

static int
later_go(struct decider *dr, struct later *l)
{
	/* a batch, even an empty one: the answer may rest on what stands in
	 * it uncommitted, and must never come before we return */
	int e = buf_error(&l->bytes);

	if (!e)
		e = store_write(dr->ca->store);
	if (!e)
		e = store_after(dr->ca->store, later_run, l);
	if (e)
		later_free(l);
	return e;
}

int
answer_later(struct decider *dr, const struct enrol_answer *a, decide_fn fn,
    void *cookie)
{
	struct later *l = calloc(1, sizeof(*l));
	size_t cert = a->cert.n;

	if (!l)
		return E_NOMEM;
	buf_init(&l->bytes, ENROL_MESSAGE_MAX + (64u << 20));
	buf_add_span(&l->bytes, a->cert);
	buf_add_span(&l->bytes, a->crl);
	l->a = *a;
	l->a.cert = span_of(l->bytes.p, cert);
	l->a.crl = span_of(cert ? l->bytes.p + cert : l->bytes.p, a->crl.n);
	l->fn = fn;
	l->cookie = cookie;
	return later_go(dr, l);
}

int
done_later(struct decider *dr, json_t *answer, const struct diag *d,
    ca_done_fn fn, void *cookie)
{
	struct later *l = calloc(1, sizeof(*l));

	if (!l) {
		json_decref(answer);
		return E_NOMEM;
	}
	buf_init(&l->bytes, 1);
	l->json = answer;
	if (d)
		l->d = *d;
	l->done = fn;
	l->cookie = cookie;
	return later_go(dr, l);
}
