#include "key/key_client.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/secret.h"
#include "os/clock.h"

#define SLOT_BITS 12 /* low bits of a frame id; above them a generation */
#define SLOT_MASK (KEY_CLIENT_OPEN_MAX - 1)
#define TICK_MS 250 /* how exactly time-outs are kept */
#define ANSWER_MAX (KEY_P12_MAX + 131072)
#define NOBODY KEY_CLIENT_LINKS_MAX /* link of a request that waits for one */

_Static_assert(1 << SLOT_BITS == KEY_CLIENT_OPEN_MAX, "slots fit their bits");

struct request {
	uint32_t id;
	enum key_op op;
	unsigned link;
	unsigned tries; /* processes it was sent to */
	int64_t deadline_ms;
	key_done_fn fn;
	void *cookie;
	struct buf payload;
};

struct link {
	struct key_client *client;
	unsigned index;
	struct channel *channel; /* NULL: dead */
	size_t open;
};

struct key_client {
	struct loop *loop;
	struct timer *timer;
	bool is_ticking;
	struct link links[KEY_CLIENT_LINKS_MAX];
	struct request *slots[KEY_CLIENT_OPEN_MAX];
	uint16_t unused[KEY_CLIENT_OPEN_MAX]; /* a stack of free slots */
	size_t unused_n;
	uint32_t generation;
};

static void on_tick(void *cookie);

static void
request_free(struct request *q)
{
	/* payloads hold passwords */
	if (q->payload.p)
		secret_wipe(q->payload.p, q->payload.cap);
	buf_done(&q->payload);
	free(q);
}

struct key_client *
key_client_new(struct loop *l)
{
	struct key_client *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->loop = l;
	for (unsigned i = 0; i < KEY_CLIENT_LINKS_MAX; i++) {
		k->links[i].client = k;
		k->links[i].index = i;
	}
	while (k->unused_n < KEY_CLIENT_OPEN_MAX) {
		k->unused[k->unused_n] = (uint16_t)(SLOT_MASK - k->unused_n);
		k->unused_n++;
	}
	k->timer = timer_new(l, on_tick, k);
	if (!k->timer) {
		free(k);
		return NULL;
	}
	return k;
}

/* takes the request out of the table */
static void
detach(struct key_client *k, struct request *q)
{
	size_t slot = q->id & SLOT_MASK;

	if (q->link != NOBODY)
		k->links[q->link].open--;
	k->slots[slot] = NULL;
	k->unused[k->unused_n++] = (uint16_t)slot;
}

static void
fail(struct key_client *k, struct request *q, int code, const char *fact)
{
	struct reader none = reader_of(span_of(NULL, 0));
	struct diag d = { .code = 0 };

	detach(k, q);
	diag_set(&d, code, "key process", key_op_name(q->op), "%s", fact);
	diag_remedy(&d, "look at the server's log; ask again");
	q->fn(code, &none, &d, q->cookie);
	request_free(q);
}

void
key_client_free(struct key_client *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < KEY_CLIENT_OPEN_MAX; i++)
		if (k->slots[i])
			fail(k, k->slots[i], E_CLOSED, "the server stops");
	for (size_t i = 0; i < KEY_CLIENT_LINKS_MAX; i++)
		channel_free(k->links[i].channel);
	timer_free(k->timer);
	free(k);
}

size_t
key_client_open_count(const struct key_client *k)
{
	return KEY_CLIENT_OPEN_MAX - k->unused_n;
}

/* only process 0 keeps the memory of checkpoints */
static bool
is_for_first(enum key_op op)
{
	return op == KEY_OP_SIGN_CHECKPOINT || op == KEY_OP_LAST_CHECKPOINT;
}

static struct link *
choose(struct key_client *k, enum key_op op)
{
	struct link *best = NULL;

	if (is_for_first(op))
		return k->links[0].channel ? &k->links[0] : NULL;
	for (size_t i = 0; i < KEY_CLIENT_LINKS_MAX; i++) {
		struct link *l = &k->links[i];

		if (l->channel && (!best || l->open < best->open))
			best = l;
	}
	return best;
}

/* sends it, or leaves it waiting for a link */
static void
dispatch(struct key_client *k, struct request *q)
{
	struct link *l = choose(k, q->op);

	if (!l || channel_send(l->channel, (uint16_t)q->op, q->id,
		      buf_span(&q->payload)))
		return; /* a broken channel is about to say so itself */
	q->link = l->index;
	q->tries++;
	l->open++;
}

static void
dispatch_waiting(struct key_client *k)
{
	for (size_t i = 0; i < KEY_CLIENT_OPEN_MAX; i++)
		if (k->slots[i] && k->slots[i]->link == NOBODY)
			dispatch(k, k->slots[i]);
}

static void
on_link_close(struct channel *c, void *cookie)
{
	struct link *l = cookie;
	struct key_client *k = l->client;

	channel_free(c);
	l->channel = NULL;
	for (size_t i = 0; i < KEY_CLIENT_OPEN_MAX; i++) {
		struct request *q = k->slots[i];

		if (!q || q->link != l->index)
			continue;
		q->link = NOBODY;
		l->open--;
		/* what kills one process after the other is not passed on */
		if (q->tries >= KEY_CLIENT_TRIES)
			fail(k, q, E_CLOSED, "died over this request");
	}
	dispatch_waiting(k);
}

static int
on_answer(struct channel *c, const struct frame *f, void *cookie)
{
	struct link *l = cookie;
	struct key_client *k = l->client;
	struct request *q = k->slots[f->id & SLOT_MASK];
	struct diag d = { .code = 0 };
	struct reader r;
	int e, code;

	(void)c;
	if (f->fd >= 0) {
		close(f->fd);
		return E_PARSE;
	}
	if (!q || q->id != f->id || q->link != l->index)
		return 0; /* its time was up */
	e = key_unpack_answer(f->payload, &r, &d, &code);
	if (e)
		return e;
	detach(k, q);
	q->fn(code, &r, &d, q->cookie);
	request_free(q);
	return 0;
}

static const struct channel_rule answer_rules[] = {
	{ KEY_OP_ANSWER, ANSWER_MAX, on_answer },
	{ 0, 0, NULL },
};

int
key_client_add_link(struct key_client *k, unsigned index, int fd)
{
	struct link *l;
	struct channel *c;

	if (index >= KEY_CLIENT_LINKS_MAX) {
		close(fd);
		return E_LIMIT;
	}
	l = &k->links[index];
	if (l->channel)
		on_link_close(l->channel, l);
	c = channel_new(k->loop, fd, answer_rules, l, on_link_close);
	if (!c)
		return E_NOMEM;
	l->channel = c;
	dispatch_waiting(k);
	return 0;
}

static void
on_tick(void *cookie)
{
	struct key_client *k = cookie;
	int64_t now = clock_monotonic_ms();

	for (size_t i = 0; i < KEY_CLIENT_OPEN_MAX; i++) {
		struct request *q = k->slots[i];

		if (q && q->deadline_ms <= now)
			fail(k, q, E_TIMEOUT,
			    q->link == NOBODY ? "none is running"
					      : "did not answer in time");
	}
	k->is_ticking = key_client_open_count(k) > 0;
	if (k->is_ticking)
		timer_set(k->timer, TICK_MS);
}

static struct request *
request_new(enum key_op op, struct span payload)
{
	struct request *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->op = op;
	q->link = NOBODY;
	buf_init(&q->payload, CHANNEL_FRAME_MAX);
	buf_add_span(&q->payload, payload);
	if (buf_error(&q->payload)) {
		request_free(q);
		return NULL;
	}
	return q;
}

int
key_ask(struct key_client *k, enum key_op op, struct span payload,
    key_done_fn fn, void *cookie)
{
	struct request *q;
	uint16_t slot;

	if (k->unused_n == 0)
		return E_LIMIT;
	if (payload.n > CHANNEL_FRAME_MAX)
		return E_TOO_BIG;
	q = request_new(op, payload);
	if (!q)
		return E_NOMEM;
	slot = k->unused[--k->unused_n];
	q->id = ++k->generation << SLOT_BITS | slot;
	q->deadline_ms = clock_monotonic_ms() +
			 (op == KEY_OP_CREATE ? KEY_CLIENT_CREATE_WAIT_MS
					      : KEY_CLIENT_WAIT_MS);
	q->fn = fn;
	q->cookie = cookie;
	k->slots[slot] = q;
	dispatch(k, q);
	if (!k->is_ticking) {
		k->is_ticking = true;
		timer_set(k->timer, TICK_MS);
	}
	return 0;
}

size_t
key_client_open(const struct key_client *k)
{
	return KEY_CLIENT_OPEN_MAX - k->unused_n;
}
