/* key/server, its links and its keys: CA-5: who may ask what, and what comes of
 * bytes that are no request. */
#include "test.h"

#include <unistd.h>

#include "key/rig.h"

static struct rig rig;

static int
group_open(void **state)
{
	(void)state;
	rig_open(&rig);
	assert_int_equal(rig_create(&rig, "ledger", KEY_ROLE_LEDGER,
			     KEY_ED25519, NULL, NULL),
	    0);
	return 0;
}

static int
group_close(void **state)
{
	(void)state;
	rig_close(&rig);
	return 0;
}

static int
ask_id(int op, const char *id)
{
	BUF(payload, 256);

	buf_pack_text(&payload, id);
	return rig_ask(&rig, rig.core, op, buf_span(&payload));
}

/* CA-5: a front that asks for more than an RA's work loses its link */
static void
test_front_is_bounded(void **state)
{
	static const int ops[] = { KEY_OP_CREATE, KEY_OP_PUBLIC,
		KEY_OP_SIGN_CERT, KEY_OP_SIGN_CRL, KEY_OP_SIGN_CHECKPOINT,
		KEY_OP_LAST_CHECKPOINT, KEY_OP_IMPORT, KEY_OP_EXPORT,
		KEY_OP_DESTROY, KEY_OP_ANSWER, 0, 77 };

	(void)state;
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		int fd = rig_link(&rig, ROLE_FRONT);

		assert_int_equal(
		    rig_ask(&rig, fd, ops[i], span_of(NULL, 0)), E_CLOSED);
		close(fd);
	}
	assert_int_equal(
	    key_server_link(rig.server, ROLE_LOCAL, dup(0)), E_DENIED);
	assert_int_equal(
	    key_server_link(rig.server, ROLE_KEY, dup(0)), E_DENIED);
}

static void
test_garbage(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	uint8_t huge[10] = { 0x7f, 0xff, 0xff, 0xff, 0, KEY_OP_PUBLIC };
	int fd = rig_link(&rig, ROLE_CORE);

	(void)state;
	rig_send_raw(fd, text, sizeof(text));
	assert_int_equal(rig_answer(&rig, fd), E_CLOSED);
	close(fd);
	fd = rig_link(&rig, ROLE_CORE);
	rig_send_raw(fd, huge, sizeof(huge));
	assert_int_equal(rig_answer(&rig, fd), E_CLOSED);
	close(fd);
}

/* payloads that are not exactly the fields: every operation, every length */
static void
test_malformed_payloads(void **state)
{
	uint8_t bytes[64];

	(void)state;
	for (int op = KEY_OP_CREATE; op <= KEY_OP_RA_DECRYPT; op++) {
		bool front = op == KEY_OP_RA_DECRYPT;

		for (size_t n = 1; n < sizeof(bytes); n += 6) {
			int fd = rig_link(&rig, front ? ROLE_FRONT : ROLE_CORE);

			for (size_t i = 0; i < n; i++)
				bytes[i] = (uint8_t)(i % 4 == 3 ? 1 : 0);
			assert_int_equal(
			    rig_ask(&rig, fd, op, span_of(bytes, n)), E_CLOSED);
			close(fd);
		}
	}
	/* the other links live on */
	assert_int_equal(ask_id(KEY_OP_PUBLIC, "ledger"), 0);
}

static void
test_create(void **state)
{
	BUF(first, 4096);
	BUF(again, 4096);

	(void)state;
	assert_int_equal(
	    rig_create(&rig, "ca-x", KEY_ROLE_CA, KEY_P384, "CN=X", &first), 0);
	assert_int_equal(
	    rig_create(&rig, "ca-x", KEY_ROLE_CA, KEY_P384, "CN=X", &again), 0);
	assert_true(span_is_equal(buf_span(&first), buf_span(&again)));
	assert_int_equal(
	    rig_create(&rig, "ca-x", KEY_ROLE_CA, KEY_P384, "CN=Y", NULL),
	    E_CONFLICT);
	assert_int_equal(
	    rig_create(&rig, "ca-x", KEY_ROLE_CA, KEY_P256, "CN=X", NULL),
	    E_CONFLICT);
	assert_int_equal(
	    rig_create(&rig, "c", KEY_ROLE_CA, KEY_P256, NULL, NULL), E_DENIED);
	assert_int_equal(
	    rig_create(&rig, "c", KEY_ROLE_CA, KEY_RSA1024, "CN=X", NULL),
	    E_DENIED);
	assert_int_equal(
	    rig_create(&rig, "c", KEY_ROLE_RA, KEY_P256, NULL, NULL), E_DENIED);
	assert_int_equal(
	    rig_create(&rig, "c", KEY_ROLE_LEDGER, KEY_P256, NULL, NULL),
	    E_DENIED);
	assert_int_equal(
	    rig_create(&rig, "c", (enum key_role)9, KEY_P256, NULL, NULL),
	    E_DENIED);
	assert_int_equal(
	    rig_create(&rig, "../c", KEY_ROLE_CA, KEY_P256, "CN=X", NULL),
	    E_INVAL);
	/* a restarted process has it still */
	rig_restart(&rig);
	assert_int_equal(ask_id(KEY_OP_PUBLIC, "ca-x"), 0);
	assert_int_equal(rig.answer.p[0], KEY_ROLE_CA);
	buf_consume(&rig.answer, 1);
	assert_true(span_is_equal(rig_field(&rig), buf_span(&first)));
	assert_int_equal(ask_id(KEY_OP_DESTROY, "ca-x"), 0);
	assert_int_equal(ask_id(KEY_OP_DESTROY, "ca-x"), 0);
	assert_int_equal(ask_id(KEY_OP_PUBLIC, "ca-x"), E_NOT_FOUND);
	assert_int_equal(ask_id(KEY_OP_DESTROY, "ledger"), E_DENIED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_front_is_bounded),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_malformed_payloads),
		cmocka_unit_test(test_create),
	};
	return cmocka_run_group_tests(tests, group_open, group_close);
}
