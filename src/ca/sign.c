/* ca/sign: questions to the key process, and what every signature needs. */
#include <sodium.h>
#include <stdio.h>

#include "base/str.h"
#include "ca/ca_internal.h"
#include "base/time.h"
#include "os/clock.h"

#define SIGN_ROOM 512 /* bytes of a question besides the TBS */

struct ask {
	struct ca_life *life;
	ca_answer_fn fn;
	ca_drop_fn drop;
	void *cookie;
};

static void
life_release(struct ca_life *l)
{
	if (--l->refs == 0 && !l->ca)
		free(l);
}

static void
on_answer(int result, struct reader *answer, const struct diag *d, void *cookie)
{
	struct ask a = *(struct ask *)cookie;
	struct ca *ca = a.life->ca;

	free(cookie);
	if (ca)
		a.fn(ca, result, answer, d, a.cookie);
	else if (a.drop)
		a.drop(a.cookie);
	life_release(a.life);
}

int
ca_ask(struct ca *ca, enum key_op op, struct span payload, ca_answer_fn fn,
    ca_drop_fn drop, void *cookie)
{
	struct ask *a = (struct ask *)malloc(sizeof(*a));
	int e;

	if (!a)
		return E_NOMEM;
	*a = (struct ask){ ca->life, fn, drop, cookie };
	ca->life->refs++;
	e = key_ask(ca->keys, op, payload, on_answer, a);
	if (e) {
		ca->life->refs--;
		free(a);
	}
	return e;
}

struct signing {
	ca_signed_fn fn;
	ca_drop_fn drop;
	void *cookie;
	enum key_kind kind;
	enum hash_kind hash;
	struct buf payload; /* ends with the TBS */
	size_t tbs_n;
};

static void
signing_free(struct signing *s)
{
	buf_done(&s->payload);
	free(s);
}

static void
signing_drop(void *cookie)
{
	struct signing *s = (struct signing *)cookie;

	if (s->drop)
		s->drop(s->cookie);
	signing_free(s);
}

static void
on_signature(struct ca *ca, int result, struct reader *answer,
    const struct diag *d, void *cookie)
{
	struct signing *s = (struct signing *)cookie;
	struct span tbs =
	    span_of(s->payload.p + s->payload.n - s->tbs_n, s->tbs_n);
	BUF(der, s->tbs_n + SIGN_ROOM + KEY_SIGNATURE_MAX);

	if (result == 0) {
		struct span sig = reader_span(answer);

		result = reader_finish(answer);
		if (result == 0)
			result =
			    x509_assemble(tbs, s->kind, s->hash, sig, &der);
	}
	s->fn(ca, result, buf_span(&der), d, s->cookie);
	signing_free(s);
}

int
ca_sign(struct ca *ca, const struct ca_tbs *t, ca_signed_fn fn, ca_drop_fn drop,
    void *cookie)
{
	struct signing *s = (struct signing *)calloc(1, sizeof(*s));
	int e;

	if (!s)
		return E_NOMEM;
	s->fn = fn;
	s->drop = drop;
	s->cookie = cookie;
	s->kind = t->kind;
	s->hash = t->hash;
	s->tbs_n = t->tbs.n;
	buf_init(&s->payload, t->tbs.n + SIGN_ROOM);
	(void)buf_reserve(&s->payload, t->tbs.n + SIGN_ROOM);
	buf_pack_text(&s->payload, t->key);
	if (t->profile)
		buf_pack_text(&s->payload, t->profile);
	buf_pack_span(&s->payload, t->tbs);
	e = buf_error(&s->payload);
	if (!e)
		e = ca_ask(ca, t->profile ? KEY_OP_SIGN_CERT : KEY_OP_SIGN_CRL,
		    buf_span(&s->payload), on_signature, signing_drop, s);
	if (e)
		signing_free(s);
	return e;
}

int
ca_later(struct ca *ca, store_done_fn fn, void *cookie)
{
	/* Opens a batch; one that cannot begin still ends and tells us. */
	if (store_write(ca->store) && !store_is_writing(ca->store))
		return E_DB;
	return store_after(ca->store, fn, cookie);
}

void
ca_serial_new(uint8_t out[CERT_SERIAL_MAX])
{
	do {
		randombytes_buf(out, CERT_SERIAL_MAX);
		out[0] &= 0x7f;
	} while (out[0] == 0);
}

void
ca_urls(const struct ca *ca, const char *id, char crl[CA_URL_MAX],
    char issuers[CA_URL_MAX])
{
	const char *base = ca->config->public_url;
	size_t n = strlen(base);

	crl[0] = issuers[0] = '\0';
	while (n > 0 && base[n - 1] == '/')
		n--;
	if (n == 0 || !id)
		return;
	snprintf(crl, CA_URL_MAX, "%.*s/crl/%s.crl", (int)n, base, id);
	snprintf(issuers, CA_URL_MAX, "%.*s/ca/%s.der", (int)n, base, id);
}

int
ca_clock_check(struct diag *d)
{
	char built[TIME_TEXT_MAX], now[TIME_TEXT_MAX];

	if (clock_is_sane())
		return 0;
	/* CERT-7: no certificate is made from a bogus time */
	time_print(clock_build_date(), built);
	time_print(clock_now(), now);
	return ca_refuse(d, E_STATE, "clock",
	    "set the clock, or start a time service, and ask again",
	    "CERT-7: it says %s, but this software was built on %s", now,
	    built);
}
