/* ipc/channel: frames between our processes; the peer is hostile. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/channel.h"
#include "os/clock.h"

enum { T_ECHO = 1, T_ANSWER, T_BIG, T_FREE, T_BAD, T_FD, T_COUNT };

struct side {
	struct channel *c;
	int closes, answers, counted;
	uint32_t last_id;
	struct buf got;
	int fd;
};

static int
on_echo(struct channel *c, const struct frame *f, void *cookie)
{
	(void)cookie;
	return channel_send(c, T_ANSWER, f->id, f->payload);
}

static int
on_answer(struct channel *c, const struct frame *f, void *cookie)
{
	struct side *s = (struct side *)cookie;

	assert_ptr_equal(c, s->c);
	assert_ptr_equal(channel_cookie(c), s);
	s->answers++;
	s->last_id = f->id;
	buf_reset(&s->got);
	buf_add_span(&s->got, f->payload);
	return 0;
}

static int
on_free(struct channel *c, const struct frame *f, void *cookie)
{
	struct side *s = (struct side *)cookie;

	channel_free(c);
	s->c = NULL;
	/* the payload stays readable until the handler returns */
	buf_add_span(&s->got, f->payload);
	return 0;
}

static int
on_bad(struct channel *c, const struct frame *f, void *cookie)
{
	(void)c;
	(void)f;
	(void)cookie;
	return E_PARSE;
}

static int
on_fd(struct channel *c, const struct frame *f, void *cookie)
{
	struct side *s = (struct side *)cookie;

	(void)c;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = f->fd;
	s->counted++;
	return 0;
}

static int
on_count(struct channel *c, const struct frame *f, void *cookie)
{
	struct side *s = (struct side *)cookie;

	(void)c;
	/* in order, and whole */
	assert_int_equal(f->id, (uint32_t)s->counted);
	assert_int_equal(f->payload.n, f->id % 700);
	s->counted++;
	return 0;
}

static const struct channel_rule rules[] = {
	{ T_ECHO, 100, on_echo },
	{ T_ANSWER, 100, on_answer },
	{ T_BIG, CHANNEL_FRAME_MAX, on_answer },
	{ T_FREE, 100, on_free },
	{ T_BAD, 0, on_bad },
	{ T_FD, 100, on_fd },
	{ T_COUNT, 1000, on_count },
	{ 0, 0, NULL },
};

static void
on_close(struct channel *c, void *cookie)
{
	struct side *s = (struct side *)cookie;

	s->closes++;
	s->c = NULL;
	channel_free(c);
}

struct pair {
	struct loop *loop;
	struct side a, b;
	int raw; /* the other end when a has no channel there */
};

static void
side_init(struct side *s)
{
	memset(s, 0, sizeof(*s));
	s->fd = -1;
	buf_init(&s->got, CHANNEL_FRAME_MAX);
}

static int
setup(void **state)
{
	struct pair *p = (struct pair *)calloc(1, sizeof(*p));
	int fd[2];

	p->loop = loop_new();
	side_init(&p->a);
	side_init(&p->b);
	p->raw = -1;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	p->a.c = channel_new(p->loop, fd[0], rules, &p->a, on_close);
	p->b.c = channel_new(p->loop, fd[1], rules, &p->b, on_close);
	*state = p;
	return 0;
}

static int
setup_raw(void **state)
{
	struct pair *p = (struct pair *)calloc(1, sizeof(*p));
	int fd[2];

	p->loop = loop_new();
	side_init(&p->a);
	side_init(&p->b);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	p->a.c = channel_new(p->loop, fd[0], rules, &p->a, on_close);
	p->raw = fd[1];
	*state = p;
	return 0;
}

static int
teardown(void **state)
{
	struct pair *p = (struct pair *)*state;

	channel_free(p->a.c);
	channel_free(p->b.c);
	buf_done(&p->a.got);
	buf_done(&p->b.got);
	if (p->a.fd >= 0)
		close(p->a.fd);
	if (p->raw >= 0)
		close(p->raw);
	loop_free(p->loop);
	free(p);
	return 0;
}

static void
steps(struct pair *p, int n)
{
	while (n-- > 0)
		assert_int_equal(loop_step(p->loop, 0), 0);
}

static void
a_question_and_its_answer(void **state)
{
	struct pair *p = (struct pair *)*state;

	assert_int_equal(channel_send(p->a.c, T_ECHO, 77, span_str("hi")), 0);
	assert_int_equal(channel_queued(p->a.c), 12);
	steps(p, 3);
	assert_int_equal(p->a.answers, 1);
	assert_int_equal(p->a.last_id, 77);
	assert_true(span_is_equal(buf_span(&p->a.got), span_str("hi")));
	assert_int_equal(channel_queued(p->a.c), 0);
}

static void
many_frames_stay_whole_and_in_order(void **state)
{
	struct pair *p = (struct pair *)*state;
	static uint8_t bytes[700];

	for (uint32_t i = 0; i < 20000; i++)
		assert_int_equal(
		    channel_send(p->a.c, T_COUNT, i, span_of(bytes, i % 700)),
		    0);
	for (int i = 0; i < 1000 && p->b.counted < 20000; i++)
		steps(p, 1);
	assert_int_equal(p->b.counted, 20000);
	assert_int_equal(p->a.closes + p->b.closes, 0);
}

static void
large_frames_pass_in_linear_time(void **state)
{
	struct pair *p = (struct pair *)*state;
	uint8_t *bytes = (uint8_t *)malloc(CHANNEL_FRAME_MAX);

	for (size_t i = 0; i < CHANNEL_FRAME_MAX; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 4096);
	for (uint32_t id = 1; id <= 3; id++)
		assert_int_equal(channel_send(p->a.c, T_BIG, id,
				     span_of(bytes, CHANNEL_FRAME_MAX)),
		    0);
	for (int i = 0; i < 10000 && p->b.answers < 3; i++)
		steps(p, 1);
	assert_int_equal(p->b.last_id, 3);
	assert_true(span_is_equal(
	    buf_span(&p->b.got), span_of(bytes, CHANNEL_FRAME_MAX)));
	assert_int_equal(channel_send(p->a.c, T_BIG, 4,
			     span_of(bytes, CHANNEL_FRAME_MAX + 1)),
	    E_TOO_BIG);
	free(bytes);
}

static void
a_handler_may_free_its_channel(void **state)
{
	struct pair *p = (struct pair *)*state;

	assert_int_equal(channel_send(p->a.c, T_FREE, 1, span_str("bye")), 0);
	assert_int_equal(channel_send(p->a.c, T_ECHO, 2, span_str("")), 0);
	steps(p, 4);
	assert_null(p->b.c);
	assert_true(span_is_equal(buf_span(&p->b.got), span_str("bye")));
	assert_int_equal(p->b.closes, 0);
	assert_int_equal(p->a.closes, 1);
}

static void
an_unwelcome_type_closes(void **state)
{
	struct pair *p = (struct pair *)*state;

	assert_int_equal(channel_send(p->a.c, 999, 1, span_str("")), 0);
	steps(p, 3);
	assert_int_equal(p->b.closes, 1);
	assert_int_equal(p->a.closes, 1);
}

static void
a_frame_over_its_rules_maximum_closes(void **state)
{
	struct pair *p = (struct pair *)*state;
	static uint8_t bytes[101];

	assert_int_equal(
	    channel_send(p->a.c, T_ECHO, 1, span_of(bytes, 101)), 0);
	steps(p, 3);
	assert_int_equal(p->b.closes, 1);
	assert_int_equal(p->a.answers, 0);
}

static void
a_handlers_error_closes(void **state)
{
	struct pair *p = (struct pair *)*state;

	assert_int_equal(channel_send(p->a.c, T_BAD, 1, span_str("")), 0);
	steps(p, 3);
	assert_int_equal(p->b.closes, 1);
}

/* answers a peer wrote before it died are still heard, though our own frame to
 * it can no longer be written */
static void
last_words_are_heard(void **state)
{
	struct pair *p = (struct pair *)*state;

	assert_int_equal(write(p->raw, "\0\0\0\2\0\2\0\0\0\5ok", 12), 12);
	close(p->raw);
	p->raw = -1;
	assert_int_equal(channel_send(p->a.c, T_ECHO, 1, span_str("")), 0);
	steps(p, 3);
	assert_int_equal(p->a.answers, 1);
	assert_int_equal(p->a.last_id, 5);
	assert_int_equal(p->a.closes, 1);
}

static void
broken_pieces_are_joined(void **state)
{
	struct pair *p = (struct pair *)*state;
	static const char two[] = "\0\0\0\2\0\2\0\0\0\5ok\0\0\0\0\0\2\0\0\0\6";

	for (size_t i = 0; i + 1 < sizeof(two); i++) {
		assert_int_equal(write(p->raw, two + i, 1), 1);
		steps(p, 1);
	}
	assert_int_equal(p->a.answers, 2);
	assert_int_equal(p->a.last_id, 6);
	assert_int_equal(p->a.closes, 0);
}

/* the header alone decides: no memory for a claim of 2 GB */
static void
a_huge_claim_closes_at_once(void **state)
{
	struct pair *p = (struct pair *)*state;

	assert_int_equal(write(p->raw, "\x7f\xff\xff\xff\0\3\0\0\0\0", 10), 10);
	steps(p, 2);
	assert_int_equal(p->a.closes, 1);
}

static void
a_claimed_descriptor_that_is_not_there_closes(void **state)
{
	struct pair *p = (struct pair *)*state;

	channel_allow_fds(p->a.c);
	assert_int_equal(write(p->raw, "\x80\0\0\0\0\6\0\0\0\0", 10), 10);
	steps(p, 2);
	assert_int_equal(p->a.closes, 1);
	assert_int_equal(p->a.counted, 0);
}

static void
a_peer_that_never_reads_is_dropped(void **state)
{
	struct pair *p = (struct pair *)*state;
	uint8_t *bytes = (uint8_t *)calloc(1, CHANNEL_FRAME_MAX);
	int r = 0, n = 0;

	while (r == 0 && n++ < 20)
		r = channel_send(
		    p->a.c, T_BIG, 0, span_of(bytes, CHANNEL_FRAME_MAX));
	assert_int_equal(r, E_CLOSED);
	assert_in_range(n, 7, 9);
	assert_int_equal(p->a.closes, 0); /* never inside the send */
	steps(p, 2);
	assert_int_equal(p->a.closes, 1);
	free(bytes);
}

static void
descriptors_travel_with_their_frames(void **state)
{
	struct pair *p = (struct pair *)*state;
	static uint8_t bytes[100];
	int fd[2];
	char c;

	channel_allow_fds(p->b.c);
	for (int i = 0; i < 40; i++) {
		assert_int_equal(pipe(fd), 0);
		assert_int_equal(write(fd[1], &(char){ (char)i }, 1), 1);
		assert_int_equal(
		    channel_send(p->a.c, T_ECHO, 0, span_of(bytes, (size_t)i)),
		    0);
		assert_int_equal(
		    channel_send_fd(p->a.c, T_FD, 0, span_str("x"), fd[0]), 0);
		close(fd[0]);
		close(fd[1]);
	}
	for (int i = 0; i < 200 && p->b.counted < 40; i++)
		steps(p, 1);
	assert_int_equal(p->b.counted, 40);
	assert_int_equal(read(p->b.fd, &c, 1), 1);
	assert_int_equal(c, 39);
	assert_true(fcntl(p->b.fd, F_GETFD) & FD_CLOEXEC);
	close(p->b.fd);
	p->b.fd = -1;
	steps(p, 2);
	assert_int_equal(p->a.answers, 40);
}

static void
descriptors_are_refused_where_not_allowed(void **state)
{
	struct pair *p = (struct pair *)*state;

	assert_int_equal(channel_send_fd(p->a.c, T_FD, 0, span_str(""), 0), 0);
	steps(p, 3);
	assert_int_equal(p->b.closes, 1);
	assert_int_equal(p->b.counted, 0);
}

static void
send_when_idle(void *cookie)
{
	struct pair *p = (struct pair *)cookie;

	if (p->a.answers++ == 0)
		assert_int_equal(
		    channel_send(p->a.c, T_COUNT, 0, span_str("")), 0);
}

static void
a_frame_of_the_idle_hook_leaves_before_the_sleep(void **state)
{
	struct pair *p = (struct pair *)*state;
	int64_t began = clock_monotonic_ms();

	loop_set_idle(p->loop, send_when_idle, p);
	steps(p, 1);
	assert_int_equal(channel_queued(p->a.c), 0);
	assert_int_equal(loop_step(p->loop, 5000), 0);
	assert_int_equal(p->b.counted, 1);
	assert_true(clock_monotonic_ms() - began < 4000);
}

#define WITH(s, f) cmocka_unit_test_setup_teardown(f, s, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(setup, a_question_and_its_answer),
		WITH(setup, many_frames_stay_whole_and_in_order),
		WITH(setup, large_frames_pass_in_linear_time),
		WITH(setup, a_handler_may_free_its_channel),
		WITH(setup, an_unwelcome_type_closes),
		WITH(setup, a_frame_over_its_rules_maximum_closes),
		WITH(setup, a_handlers_error_closes),
		WITH(setup, descriptors_travel_with_their_frames),
		WITH(setup, descriptors_are_refused_where_not_allowed),
		WITH(setup, a_frame_of_the_idle_hook_leaves_before_the_sleep),
		WITH(setup_raw, last_words_are_heard),
		WITH(setup_raw, broken_pieces_are_joined),
		WITH(setup_raw, a_huge_claim_closes_at_once),
		WITH(setup_raw, a_claimed_descriptor_that_is_not_there_closes),
		WITH(setup_raw, a_peer_that_never_reads_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
