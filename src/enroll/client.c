#include "enroll/client.h"

#include <stdio.h>

#include "base/secret.h"
#include "ipc/channel.h"
#include "os/clock.h"

#define SLOT_BITS 12 /* 1 << SLOT_BITS == ENROL_OPEN_MAX */
#define SWEEP_MS 500

struct ask {
	uint32_t id; /* slot, and above it a count that tells reuse apart */
	uint16_t type;
	int64_t deadline_ms;
	struct buf packed;
	enrol_answer_fn on_answer; /* one of the two */
	enrol_fetched_fn on_fetched;
	void *cookie;
};

struct enrol_client {
	struct loop *loop;
	struct channel *link; /* NULL while the core is away */
	struct timer *sweep;
	enrol_setup_fn on_setup;
	void *cookie;
	uint32_t round;
	size_t open;
	uint16_t free_n;
	uint16_t free_slots[ENROL_OPEN_MAX];
	struct ask *slot[ENROL_OPEN_MAX];
	int64_t report_second;
	uint32_t reports, report_more;
};

static void
ask_free(struct ask *a)
{
	/* it may hold an enrollment password */
	if (a->packed.p)
		secret_wipe(a->packed.p, a->packed.cap);
	buf_done(&a->packed);
	free(a);
}

/* takes the ask out of the table; the caller frees it */
static struct ask *
ask_take(struct enrol_client *c, uint32_t id)
{
	unsigned slot = id & (ENROL_OPEN_MAX - 1);
	struct ask *a = c->slot[slot];

	if (!a || a->id != id)
		return NULL;
	c->slot[slot] = NULL;
	c->free_slots[c->free_n++] = (uint16_t)slot;
	c->open--;
	return a;
}

static void
ask_end(struct ask *a, int result, const struct enrol_answer *answer,
    struct span bytes)
{
	if (a->on_answer)
		a->on_answer(result, answer, a->cookie);
	else
		a->on_fetched(result, bytes, a->cookie);
	ask_free(a);
}

static void
sweep(void *cookie)
{
	struct enrol_client *c = cookie;
	int64_t now = clock_monotonic_ms();

	for (unsigned i = 0; i < ENROL_OPEN_MAX && c->open; i++)
		if (c->slot[i] && c->slot[i]->deadline_ms <= now)
			ask_end(ask_take(c, c->slot[i]->id), E_TIMEOUT, NULL,
			    span_of(NULL, 0));
	if (c->open)
		timer_set(c->sweep, SWEEP_MS);
}

struct enrol_client *
enrol_client_new(struct loop *l, enrol_setup_fn fn, void *cookie)
{
	struct enrol_client *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->loop = l;
	c->on_setup = fn;
	c->cookie = cookie;
	c->sweep = timer_new(l, sweep, c);
	if (!c->sweep) {
		free(c);
		return NULL;
	}
	for (unsigned i = 0; i < ENROL_OPEN_MAX; i++)
		c->free_slots[c->free_n++] = (uint16_t)i;
	return c;
}

void
enrol_client_free(struct enrol_client *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < ENROL_OPEN_MAX; i++)
		if (c->slot[i])
			ask_end(ask_take(c, c->slot[i]->id), E_CLOSED, NULL,
			    span_of(NULL, 0));
	if (c->link)
		channel_free(c->link);
	timer_free(c->sweep);
	free(c);
}

static int
on_setup(struct channel *ch, const struct frame *f, void *cookie)
{
	struct enrol_client *c = cookie;

	(void)ch;
	return c->on_setup(f->payload, c->cookie);
}

static int
on_answer(struct channel *ch, const struct frame *f, void *cookie)
{
	struct enrol_client *c = cookie;
	struct enrol_answer answer;
	struct ask *a;
	int e = enrol_answer_unpack(f->payload, &answer);

	(void)ch;
	if (e)
		return e;
	a = ask_take(c, f->id);
	if (!a)
		return 0; /* too late: it was given up */
	if (a->type != ENROL_ASK) {
		ask_end(a, E_BUG, NULL, span_of(NULL, 0));
		return E_PARSE;
	}
	ask_end(a, 0, &answer, span_of(NULL, 0));
	return 0;
}

static int
on_fetched(struct channel *ch, const struct frame *f, void *cookie)
{
	struct enrol_client *c = cookie;
	struct reader r = reader_of(f->payload);
	int code = (int32_t)reader_u32(&r);
	struct span bytes = reader_span(&r);
	struct ask *a;

	(void)ch;
	if (reader_finish(&r))
		return E_PARSE;
	a = ask_take(c, f->id);
	if (!a)
		return 0;
	if (a->type != ENROL_FETCH) {
		ask_end(a, E_BUG, NULL, span_of(NULL, 0));
		return E_PARSE;
	}
	ask_end(a, code, NULL, bytes);
	return 0;
}

static const struct channel_rule rules[] = {
	{ ENROL_SETUP, ENROL_SETUP_MAX, on_setup },
	{ ENROL_ANSWER, CHANNEL_FRAME_MAX, on_answer },
	{ ENROL_FETCHED, CHANNEL_FRAME_MAX, on_fetched },
	{ 0, 0, NULL },
};

static void
on_close(struct channel *ch, void *cookie)
{
	struct enrol_client *c = cookie;

	/* what is open waits for the next link */
	if (c->link == ch)
		c->link = NULL;
	channel_free(ch);
}

static void
ask_send(struct enrol_client *c, const struct ask *a)
{
	/* a link that fails here is closing: its successor is asked again */
	if (c->link &&
	    channel_send(c->link, a->type, a->id, buf_span(&a->packed)))
		return;
}

int
enrol_client_add_link(struct enrol_client *c, int fd)
{
	if (c->link)
		channel_free(c->link);
	c->link = channel_new(c->loop, fd, rules, c, on_close);
	if (!c->link)
		return E_NOMEM;
	for (unsigned i = 0; i < ENROL_OPEN_MAX; i++)
		if (c->slot[i])
			ask_send(c, c->slot[i]);
	return 0;
}

static int
ask_new(struct enrol_client *c, uint16_t type, size_t max, struct ask **ret)
{
	struct ask *a;
	unsigned slot;

	if (c->free_n == 0)
		return E_LIMIT;
	a = calloc(1, sizeof(*a));
	if (!a)
		return E_NOMEM;
	slot = c->free_slots[--c->free_n];
	c->round++;
	a->id = slot | c->round << SLOT_BITS;
	a->type = type;
	a->deadline_ms = clock_monotonic_ms() + ENROL_WAIT_MS;
	buf_init(&a->packed, max);
	c->slot[slot] = a;
	if (c->open++ == 0)
		timer_set(c->sweep, SWEEP_MS);
	*ret = a;
	return 0;
}

static int
ask_go(struct enrol_client *c, struct ask *a)
{
	int e = buf_error(&a->packed);

	if (e) {
		ask_free(ask_take(c, a->id));
		return e;
	}
	ask_send(c, a);
	return 0;
}

int
enrol_client_ask(struct enrol_client *c, const struct enrolment *e,
    enrol_answer_fn fn, void *cookie)
{
	struct ask *a = NULL;
	int err = ask_new(c, ENROL_ASK, ENROL_MESSAGE_MAX, &a);

	if (err)
		return err;
	a->on_answer = fn;
	a->cookie = cookie;
	/* grown once: growing again would leave copies of the password */
	(void)buf_reserve(&a->packed,
	    sizeof(*e) + e->csr.n + e->signer.n + e->serial.n + e->issuer.n);
	enrolment_pack(e, &a->packed);
	return ask_go(c, a);
}

int
enrol_client_fetch_crl(struct enrol_client *c, const char *authority,
    enrol_fetched_fn fn, void *cookie)
{
	struct ask *a = NULL;
	int err = ask_new(c, ENROL_FETCH, 256, &a);

	if (err)
		return err;
	a->on_fetched = fn;
	a->cookie = cookie;
	buf_add_u8(&a->packed, ENROL_FETCH_CRL);
	buf_pack_text(&a->packed, authority);
	return ask_go(c, a);
}

void
enrol_client_report(struct enrol_client *c, const char *source,
    const char *protocol, int code, const char *text)
{
	struct enrol_report r = { .code = code };
	int64_t second = clock_monotonic_ms() / 1000;
	BUF(packed, 4096);

	if (second != c->report_second) {
		c->report_second = second;
		c->reports = 0;
	}
	/* ENR-10: noise must not fill the ledger */
	if (c->reports >= ENROL_REPORTS_PER_S || !c->link) {
		c->report_more++;
		return;
	}
	c->reports++;
	r.more = c->report_more;
	snprintf(r.source, sizeof(r.source), "%s", source);
	snprintf(r.protocol, sizeof(r.protocol), "%s", protocol);
	snprintf(r.text, sizeof(r.text), "%s", text);
	enrol_report_pack(&r, &packed);
	if (buf_error(&packed) ||
	    channel_send(c->link, ENROL_REPORT, 0, buf_span(&packed))) {
		c->report_more++;
		return;
	}
	c->report_more = 0;
}
