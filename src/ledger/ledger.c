#include "ledger/ledger.h"

#include "base/str.h"
#include "ledger/ledger_internal.h"

#define ROUTES_MAX 16 /* syslog, SNMP, mail, web hooks, metrics, console */

/* an event of the present batch, kept for the routes */
struct kept {
	struct kept *next;
	struct event_row row; /* body in the same allocation */
};

struct head {
	int64_t seq;
	uint8_t hash[32];
	int64_t checkpoint_seq, checkpoint_time;
};

struct ledger {
	struct store *store;
	struct head now;     /* with the open batch */
	struct head durable; /* what is committed */
	struct hasher hasher;
	struct buf body; /* one event's, reused */
	struct {
		ledger_route_fn fn;
		void *cookie;
	} routes[ROUTES_MAX];
	size_t routes_n;
	struct kept *first, **end; /* for the routes, in order */
};

static void
free_kept(struct kept *k)
{
	while (k) {
		struct kept *next = k->next;

		free(k);
		k = next;
	}
}

static struct kept *
take_kept(struct ledger *l)
{
	struct kept *k = l->first;

	l->first = NULL;
	l->end = &l->first;
	return k;
}

/* The end of a batch, before anyone who waits for it: a waiter may write the
 * next event at once and needs the right head to stand on. */
static void
batch_ended(int result, void *cookie)
{
	struct ledger *l = (struct ledger *)cookie;
	struct kept *told = take_kept(l);

	if (result) {
		l->now = l->durable;
		free_kept(told);
		return;
	}
	l->durable = l->now;
	for (struct kept *k = told; k; k = k->next)
		for (size_t i = 0; i < l->routes_n; i++)
			l->routes[i].fn(&k->row, l->routes[i].cookie);
	free_kept(told);
}

/* the end of the chain and its latest checkpoint */
static int
find_head(struct ledger *l)
{
	struct checkpoint_row c;
	struct event_row e;
	int err = event_last(l->store, &e);

	if (err == E_NOT_FOUND)
		return 0;
	if (err)
		return err;
	l->now.seq = e.seq;
	memcpy(l->now.hash, e.hash, 32);
	event_done(&e);
	err = checkpoint_last(l->store, &c);
	if (err == E_NOT_FOUND)
		err = 0;
	else if (!err) {
		l->now.checkpoint_seq = c.seq;
		l->now.checkpoint_time = c.time;
		checkpoint_done(&c);
	}
	l->durable = l->now;
	return err;
}

int
ledger_open(struct store *s, struct diag *d, struct ledger **ret)
{
	struct ledger *l = (struct ledger *)calloc(1, sizeof(*l));
	int err;

	if (!l)
		return diag_set(d, E_NOMEM, "ledger", NULL, "no memory");
	l->store = s;
	l->end = &l->first;
	buf_init(&l->body, LEDGER_BODY_MAX);
	err = hasher_init(&l->hasher);
	if (!err)
		err = find_head(l);
	if (!err)
		err = store_watch(s, batch_ended, l);
	if (err) {
		diag_set(d, err, "ledger", NULL, "its end cannot be read");
		ledger_close(l);
		return err;
	}
	*ret = l;
	return 0;
}

void
ledger_close(struct ledger *l)
{
	if (!l)
		return;
	store_unwatch(l->store, batch_ended, l);
	free_kept(l->first);
	hasher_done(&l->hasher);
	buf_done(&l->body);
	free(l);
}

static int
keep(struct ledger *l, const struct event_row *e)
{
	struct kept *k;

	if (l->routes_n == 0)
		return 0;
	k = (struct kept *)malloc(sizeof(*k) + e->body.n);
	if (!k)
		return E_NOMEM;
	k->next = NULL;
	k->row = *e;
	memcpy(k + 1, e->body.p, e->body.n);
	k->row.body.p = (const uint8_t *)(k + 1);
	*l->end = k;
	l->end = &k->next;
	return 0;
}

static int
make_row(
    struct ledger *l, const struct event *e, int64_t now, struct event_row *ret)
{
	char room[LEDGER_MEMBER_MAX];
	const char *object = record_clean(e->object ? e->object : "", room);
	int err;

	if (e->kind <= EVENT_UNSET || e->kind >= EVENT_KIND_MAX ||
	    e->severity < SEVERITY_INFO || e->severity > SEVERITY_CRITICAL)
		return E_INVAL;
	ret->seq = l->now.seq + 1;
	ret->time = now;
	ret->kind = (int)e->kind;
	ret->severity = (int)e->severity;
	str_escape(ret->object, sizeof(ret->object), object, strlen(object));
	buf_reset(&l->body);
	err = record_build(e, &l->body);
	if (err)
		return err;
	ret->body = buf_span(&l->body);
	return hasher_record(&l->hasher, l->now.hash, ret, ret->hash);
}

/* ACC-8: the event goes the way of the change it tells of: one batch, and
 * without the record no change. */
int
ledger_add(struct ledger *l, const struct event *e, int64_t now)
{
	struct event_row row;
	int err = store_write(l->store);

	if (!err)
		err = make_row(l, e, now, &row);
	if (!err)
		err = event_append(l->store, &row);
	if (!err)
		err = keep(l, &row);
	if (err) {
		store_poison(l->store);
		return err;
	}
	l->now.seq = row.seq;
	memcpy(l->now.hash, row.hash, 32);
	return 0;
}

int64_t
ledger_head(const struct ledger *l, uint8_t hash[32])
{
	memcpy(hash, l->now.hash, 32);
	return l->now.seq;
}

int
ledger_add_route(struct ledger *l, ledger_route_fn fn, void *cookie)
{
	if (l->routes_n == ROUTES_MAX)
		return E_LIMIT;
	l->routes[l->routes_n].fn = fn;
	l->routes[l->routes_n].cookie = cookie;
	l->routes_n++;
	return 0;
}

bool
ledger_checkpoint_is_due(const struct ledger *l, int64_t now)
{
	int64_t events = l->durable.seq - l->now.checkpoint_seq;

	if (events <= 0)
		return false;
	return events >= LEDGER_CHECKPOINT_EVENTS ||
	       now - l->now.checkpoint_time >= LEDGER_CHECKPOINT_S;
}

int
ledger_checkpoint_text(struct ledger *l, int64_t now,
    struct checkpoint_row *ret_row, struct buf *ret_text)
{
	struct checkpoint_row c = { .seq = l->durable.seq, .time = now };
	int err;

	if (store_is_writing(l->store))
		return E_STATE;
	if (c.seq == 0)
		return E_NOT_FOUND;
	memcpy(c.hash, l->durable.hash, 32);
	buf_reset(ret_text);
	err = checkpoint_text(&c, ret_text);
	if (err)
		return err;
	*ret_row = c;
	return 0;
}

int
ledger_checkpoint_add(struct ledger *l, const struct checkpoint_row *c)
{
	int err;

	if (c->seq <= 0 || c->seq > l->durable.seq || c->sig.n == 0)
		return E_INVAL;
	if (c->seq == l->durable.seq &&
	    memcmp(c->hash, l->durable.hash, 32) != 0)
		return E_CONFLICT;
	err = checkpoint_add(l->store, c);
	if (err)
		return err;
	l->now.checkpoint_seq = c->seq;
	l->now.checkpoint_time = c->time;
	return 0;
}
