/* key/key_client against a fake key process on the other end: CA-6, nothing
 * asked is lost when a process dies, nothing waits for ever. */
#include "test.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "key/key_client.h"
#include "os/clock.h"

#define ROUNDS_MAX 400

struct ask { /* what a callback was told */
	bool done;
	int result;
	uint32_t value;
	struct key_client *again; /* ask once more from inside */
	struct ask *next;
};

struct bench {
	struct loop *loop;
	struct key_client *client;
	int fd[KEY_CLIENT_LINKS_MAX]; /* the fakes' ends */
};

static void
on_done(int result, struct reader *answer, const struct diag *d, void *cookie)
{
	struct ask *a = cookie;

	assert_false(a->done);
	a->done = true;
	a->result = result;
	assert_int_equal(d->code, result);
	if (result == 0)
		a->value = reader_u32(answer);
	if (a->again)
		assert_int_equal(key_ask(a->again, KEY_OP_PUBLIC, span_str("n"),
				     on_done, a->next),
		    0);
}

static void
bench_open(struct bench *b, size_t links)
{
	memset(b, 0, sizeof(*b));
	b->loop = loop_new();
	assert_non_null(b->loop);
	b->client = key_client_new(b->loop);
	assert_non_null(b->client);
	for (size_t i = 0; i < KEY_CLIENT_LINKS_MAX; i++)
		b->fd[i] = -1;
	for (size_t i = 0; i < links; i++) {
		int fd[2];

		assert_int_equal(
		    socketpair(AF_UNIX,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd),
		    0);
		assert_int_equal(
		    key_client_add_link(b->client, (unsigned)i, fd[0]), 0);
		b->fd[i] = fd[1];
	}
}

static void
die(struct bench *b, size_t link)
{
	close(b->fd[link]);
	b->fd[link] = -1;
}

static void
revive(struct bench *b, size_t link)
{
	int fd[2];

	if (b->fd[link] >= 0)
		die(b, link);
	assert_int_equal(socketpair(AF_UNIX,
			     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd),
	    0);
	assert_int_equal(
	    key_client_add_link(b->client, (unsigned)link, fd[0]), 0);
	b->fd[link] = fd[1];
}

static void
bench_close(struct bench *b)
{
	key_client_free(b->client);
	loop_free(b->loop);
	for (size_t i = 0; i < KEY_CLIENT_LINKS_MAX; i++)
		if (b->fd[i] >= 0)
			close(b->fd[i]);
}

static int
ask(struct bench *b, enum key_op op, struct ask *a)
{
	return key_ask(b->client, op, span_str("payload"), on_done, a);
}

/* the next request at this fake; false when there is none */
static bool
fake_take(struct bench *b, size_t link, uint32_t *ret_id, uint16_t *ret_op)
{
	uint8_t head[10], rest[64];
	struct reader r;
	uint32_t n;

	for (int i = 0; i < 3; i++)
		assert_int_equal(loop_step(b->loop, 0), 0);
	if (recv(b->fd[link], head, sizeof(head), 0) != sizeof(head))
		return false;
	r = reader_of(span_of(head, sizeof(head)));
	n = reader_u32(&r);
	*ret_op = reader_u16(&r);
	*ret_id = reader_u32(&r);
	assert_true(n <= sizeof(rest));
	assert_int_equal(recv(b->fd[link], rest, n, 0), n);
	return true;
}

static void
fake_send(struct bench *b, size_t link, uint32_t id, struct span payload)
{
	BUF(frame, 4096);

	buf_add_u32(&frame, (uint32_t)payload.n);
	buf_add_u16(&frame, KEY_OP_ANSWER);
	buf_add_u32(&frame, id);
	buf_add_span(&frame, payload);
	assert_int_equal(
	    send(b->fd[link], frame.p, frame.n, MSG_NOSIGNAL), frame.n);
}

static void
fake_answer(struct bench *b, size_t link, uint32_t id, uint32_t value)
{
	BUF(payload, 64);

	buf_add_u32(&payload, 0);
	buf_add_u32(&payload, value);
	fake_send(b, link, id, buf_span(&payload));
}

static void
step_until(struct bench *b, const bool *done)
{
	for (int i = 0; i < ROUNDS_MAX && !*done; i++)
		assert_int_equal(loop_step(b->loop, 100), 0);
	assert_true(*done);
}

static void
test_answer(void **state)
{
	struct bench b;
	struct ask a = { .done = false }, refused = { .done = false };
	struct diag d;
	uint32_t id;
	uint16_t op;
	BUF(refusal, 4096);

	(void)state;
	bench_open(&b, 1);
	assert_int_equal(ask(&b, KEY_OP_PUBLIC, &a), 0);
	assert_false(a.done);
	assert_true(fake_take(&b, 0, &id, &op));
	assert_int_equal(op, KEY_OP_PUBLIC);
	fake_answer(&b, 0, id, 4711);
	step_until(&b, &a.done);
	assert_int_equal(a.result, 0);
	assert_int_equal(a.value, 4711);
	/* the same answer again has nobody any more */
	fake_answer(&b, 0, id, 4712);
	assert_int_equal(ask(&b, KEY_OP_SIGN_CERT, &refused), 0);
	assert_true(fake_take(&b, 0, &id, &op));
	diag_set(&d, E_DENIED, "root", "CA-5", "no");
	key_pack_refusal(&refusal, &d);
	fake_send(&b, 0, id, buf_span(&refusal));
	step_until(&b, &refused.done);
	assert_int_equal(refused.result, E_DENIED);
	assert_int_equal(key_client_open_count(b.client), 0);
	bench_close(&b);
}

/* to the link with the fewest open requests; checkpoints to process 0 */
static void
test_spread(void **state)
{
	struct bench b;
	struct ask a[9];
	unsigned seen[3] = { 0 };
	uint32_t id;
	uint16_t op;

	(void)state;
	memset(a, 0, sizeof(a));
	bench_open(&b, 3);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(ask(&b, KEY_OP_SIGN_CERT, &a[i]), 0);
	for (size_t i = 6; i < 8; i++)
		assert_int_equal(ask(&b, KEY_OP_SIGN_CHECKPOINT, &a[i]), 0);
	assert_int_equal(ask(&b, KEY_OP_LAST_CHECKPOINT, &a[8]), 0);
	for (size_t link = 0; link < 3; link++)
		while (fake_take(&b, link, &id, &op)) {
			seen[link]++;
			if (op == KEY_OP_SIGN_CHECKPOINT)
				assert_int_equal(link, 0);
		}
	assert_int_equal(seen[0], 5);
	assert_int_equal(seen[1], 2);
	assert_int_equal(seen[2], 2);
	bench_close(&b);
	for (size_t i = 0; i < 9; i++) /* all were told */
		assert_int_equal(a[i].result, E_CLOSED);
}

/* CA-6: a process dies in the middle: asked again of another one, and of its
 * successor when there is no other */
static void
test_death(void **state)
{
	struct bench b;
	struct ask a[4];
	uint32_t id;
	uint16_t op;

	(void)state;
	memset(a, 0, sizeof(a));
	bench_open(&b, 2);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(ask(&b, KEY_OP_SIGN_CERT, &a[i]), 0);
	assert_true(fake_take(&b, 0, &id, &op));
	fake_answer(&b, 0, id, 1); /* this one is answered before it dies */
	die(&b, 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(loop_step(b.loop, 10), 0);
	for (unsigned n = 0; n < 3; n++) {
		assert_true(fake_take(&b, 1, &id, &op));
		if (n == 0)
			fake_answer(&b, 1, id, 2);
	}
	assert_false(fake_take(&b, 1, &id, &op));
	die(&b, 1); /* one answered, two open, nobody left */
	for (int i = 0; i < 5; i++)
		assert_int_equal(loop_step(b.loop, 10), 0);
	assert_int_equal(key_client_open_count(b.client), 2);
	revive(&b, 1);
	for (unsigned n = 0; n < 2; n++) {
		assert_true(fake_take(&b, 1, &id, &op));
		fake_answer(&b, 1, id, 3);
	}
	for (size_t i = 0; i < 4; i++) {
		step_until(&b, &a[i].done);
		assert_int_equal(a[i].result, 0);
	}
	bench_close(&b);
}

/* a request that kills whoever gets it is given up */
static void
test_poison(void **state)
{
	struct bench b;
	struct ask a = { .done = false };
	uint32_t id;
	uint16_t op;

	(void)state;
	bench_open(&b, 1);
	assert_int_equal(ask(&b, KEY_OP_SIGN_CERT, &a), 0);
	for (int i = 0; i < KEY_CLIENT_TRIES; i++) {
		assert_false(a.done);
		assert_true(fake_take(&b, 0, &id, &op));
		revive(&b, 0);
	}
	step_until(&b, &a.done);
	assert_int_equal(a.result, E_CLOSED);
	assert_false(fake_take(&b, 0, &id, &op));
	bench_close(&b);
}

/* bytes that are no answer: the link is dropped, the request asked again */
static void
test_hostile_process(void **state)
{
	struct bench b;
	struct ask a = { .done = false };
	uint32_t id;
	uint16_t op;

	(void)state;
	bench_open(&b, 1);
	assert_int_equal(ask(&b, KEY_OP_PUBLIC, &a), 0);
	assert_true(fake_take(&b, 0, &id, &op));
	fake_send(&b, 0, id, span_str("\xff"));
	for (int i = 0; i < 5; i++)
		assert_int_equal(loop_step(b.loop, 10), 0);
	assert_false(a.done);
	revive(&b, 0);
	assert_true(fake_take(&b, 0, &id, &op));
	fake_answer(&b, 0, id, 9);
	step_until(&b, &a.done);
	assert_int_equal(a.value, 9);
	bench_close(&b);
}

/* no process at all: told after KEY_CLIENT_WAIT_MS, not before the callback's
 * asker has returned, not never */
static void
test_timeout(void **state)
{
	struct bench b;
	struct ask waiting = { .done = false }, sent = { .done = false };
	int64_t began = clock_monotonic_ms();
	uint32_t id;
	uint16_t op;

	(void)state;
	bench_open(&b, 0);
	assert_int_equal(ask(&b, KEY_OP_SIGN_CERT, &waiting), 0);
	revive(&b, 1); /* checkpoints have to wait for process 0 all the same */
	assert_int_equal(ask(&b, KEY_OP_LAST_CHECKPOINT, &sent), 0);
	assert_true(fake_take(&b, 1, &id, &op));
	assert_int_equal(op, KEY_OP_SIGN_CERT);
	assert_false(fake_take(&b, 1, &id, &op));
	step_until(&b, &waiting.done);
	step_until(&b, &sent.done);
	assert_int_equal(waiting.result, E_TIMEOUT);
	assert_int_equal(sent.result, E_TIMEOUT);
	assert_true(clock_monotonic_ms() - began >= KEY_CLIENT_WAIT_MS);
	bench_close(&b);
}

static void
test_full(void **state)
{
	struct bench b;
	struct ask *a = calloc(KEY_CLIENT_OPEN_MAX + 1, sizeof(*a));

	(void)state;
	assert_non_null(a);
	bench_open(&b, 0);
	for (size_t i = 0; i < KEY_CLIENT_OPEN_MAX; i++)
		assert_int_equal(ask(&b, KEY_OP_PUBLIC, &a[i]), 0);
	assert_int_equal(
	    ask(&b, KEY_OP_PUBLIC, &a[KEY_CLIENT_OPEN_MAX]), E_LIMIT);
	assert_int_equal(
	    key_client_add_link(b.client, KEY_CLIENT_LINKS_MAX, dup(0)),
	    E_LIMIT);
	bench_close(&b);
	assert_false(a[KEY_CLIENT_OPEN_MAX].done);
	for (size_t i = 0; i < KEY_CLIENT_OPEN_MAX; i++)
		assert_int_equal(a[i].result, E_CLOSED);
	free(a);
}

/* a callback may ask anew */
static void
test_ask_inside(void **state)
{
	struct bench b;
	struct ask second = { .done = false }, first = { .next = &second };
	uint32_t id;
	uint16_t op;

	(void)state;
	bench_open(&b, 1);
	first.again = b.client;
	assert_int_equal(ask(&b, KEY_OP_PUBLIC, &first), 0);
	assert_true(fake_take(&b, 0, &id, &op));
	fake_answer(&b, 0, id, 1);
	step_until(&b, &first.done);
	assert_true(fake_take(&b, 0, &id, &op));
	fake_answer(&b, 0, id, 2);
	step_until(&b, &second.done);
	assert_int_equal(second.value, 2);
	bench_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_death),
		cmocka_unit_test(test_poison),
		cmocka_unit_test(test_hostile_process),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_ask_inside),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
