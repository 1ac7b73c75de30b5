/* The real signet-key, started as signetd starts it, in its sandbox: CA-5,
 * and CA-6: killed at any moment, its successor goes on. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "base/time.h"
#include "cert/name.h"
#include "cert/write.h"
#include "ipc/control.h"
#include "key/key_client.h"
#include "key/rig.h"

#define ROUNDS_MAX 600 /* of 100 ms */
#define NOW INT64_C(1790000000)
#define SUBJECT "C=DE,O=Example,CN=Example Root CA"

struct real { /* a running signet-key and the core's end of its link */
	char dir[64];
	struct config config;
	struct loop *loop;
	struct channel *control;
	struct key_client *client;
	pid_t pid;
	bool is_ready;
};

struct answer {
	bool done;
	int code;
	struct diag d;
	struct buf fields;
};

static int
on_ready(struct channel *c, const struct frame *f, void *cookie)
{
	(void)c;
	(void)f;
	((struct real *)cookie)->is_ready = true;
	return 0;
}

static const struct channel_rule control_rules[] = {
	{ CONTROL_READY, 0, on_ready },
	{ 0, 0, NULL },
};

static void
on_gone(struct channel *c, void *cookie)
{
	struct real *r = cookie;

	channel_free(c);
	r->control = NULL;
}

static void
pair(int fd[2])
{
	assert_int_equal(socketpair(AF_UNIX,
			     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd),
	    0);
}

static pid_t
spawn(int control)
{
	static char program[] = TEST_BIN "/signet-key";
	char *argv[] = { program, NULL };
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	if (dup2(control, CONTROL_FD) != CONTROL_FD)
		_exit(126);
	execv(program, argv);
	_exit(127);
}

static void
real_start(struct real *r)
{
	int control[2], core[2];

	pair(control);
	pair(core);
	r->is_ready = false;
	r->pid = spawn(control[1]);
	close(control[1]);
	r->control =
	    channel_new(r->loop, control[0], control_rules, r, on_gone);
	assert_non_null(r->control);
	channel_allow_fds(r->control);
	assert_int_equal(
	    control_send_config(r->control, ROLE_KEY, 0, &r->config), 0);
	assert_int_equal(
	    control_send_link(r->control, ROLE_CORE, 0, core[1]), 0);
	assert_int_equal(control_send_word(r->control, CONTROL_START), 0);
	close(core[1]);
	assert_int_equal(key_client_add_link(r->client, 0, core[0]), 0);
	for (int i = 0; i < ROUNDS_MAX && !r->is_ready && r->control; i++)
		assert_int_equal(loop_step(r->loop, 100), 0);
	assert_true(r->is_ready);
}

static int
real_wait(struct real *r)
{
	int status;

	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	return status;
}

static int
group_open(void **state)
{
	struct real *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	scratch_make(r->dir);
	config_defaults(&r->config);
	assert_int_equal(
	    str_copy(r->config.state_dir, sizeof(r->config.state_dir), r->dir),
	    0);
	assert_int_equal(str_copy(r->config.catalog_dir,
			     sizeof(r->config.catalog_dir), TEST_CATALOG),
	    0);
	r->loop = loop_new();
	assert_non_null(r->loop);
	r->client = key_client_new(r->loop);
	assert_non_null(r->client);
	real_start(r);
	*state = r;
	return 0;
}

/* STOP: it ends in order */
static int
group_close(void **state)
{
	struct real *r = *state;
	int status;

	assert_int_equal(control_send_word(r->control, CONTROL_STOP), 0);
	for (int i = 0; i < ROUNDS_MAX && r->control; i++)
		assert_int_equal(loop_step(r->loop, 100), 0);
	assert_null(r->control);
	status = real_wait(r);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	key_client_free(r->client);
	loop_free(r->loop);
	scratch_remove(r->dir);
	free(r);
	return 0;
}

static void
on_answer(int result, struct reader *in, const struct diag *d, void *cookie)
{
	struct answer *a = cookie;

	a->done = true;
	a->code = result;
	a->d = *d;
	buf_add_span(&a->fields, in->rest);
}

/* sends and waits; the caller frees a->fields */
static int
ask(struct real *r, enum key_op op, const struct buf *payload, struct answer *a)
{
	char text[4 * DIAG_TEXT_MAX];

	memset(a, 0, sizeof(*a));
	buf_init(&a->fields, 1u << 20);
	assert_int_equal(
	    key_ask(r->client, op, buf_span(payload), on_answer, a), 0);
	for (int i = 0; i < ROUNDS_MAX && !a->done; i++)
		assert_int_equal(loop_step(r->loop, 100), 0);
	assert_true(a->done);
	diag_print(&a->d, text, sizeof(text));
	if (a->code)
		print_message("%s: %s\n", key_op_name(op), text);
	return a->code;
}

static struct span
field(const struct answer *a)
{
	struct reader in = reader_of(buf_span(&a->fields));

	return reader_span(&in);
}

static void
create(struct real *r, const char *id, enum key_role role, enum key_kind kind,
    const char *subject, struct buf *ret_spki)
{
	BUF(payload, 8192);
	BUF(name, 4096);
	struct answer a;

	assert_int_equal(name_build(subject, NULL, &name), 0);
	buf_pack_text(&payload, id);
	buf_add_u8(&payload, (uint8_t)role);
	buf_add_u8(&payload, (uint8_t)kind);
	buf_pack_span(&payload, buf_span(&name));
	assert_int_equal(ask(r, KEY_OP_CREATE, &payload, &a), 0);
	buf_add_span(ret_spki, field(&a));
	buf_done(&a.fields);
}

static int
sign_root(
    struct real *r, struct span spki, struct buf *ret_tbs, struct answer *ret)
{
	uint8_t serial[16] = { 1 };
	struct tbs_params p = { .serial = span_of(serial, sizeof(serial)),
		.issuer_key = KEY_RSA2048,
		.hash = HASH_SHA256,
		.not_before = NOW,
		.not_after = NOW + 3650 * (int64_t)TIME_DAY,
		.spki = spki,
		.ca = true,
		.path_len = -1,
		.ku = KU_DIGITAL_SIGNATURE | KU_CERT_SIGN | KU_CRL_SIGN,
		.ku_critical = true };
	BUF(name, 4096);
	BUF(payload, 65536);

	assert_int_equal(name_build(SUBJECT, NULL, &name), 0);
	p.issuer = p.subject = buf_span(&name);
	assert_int_equal(tbs_build(&p, ret_tbs), 0);
	buf_pack_text(&payload, "root");
	buf_pack_text(&payload, "root-ca");
	buf_pack_span(&payload, buf_span(ret_tbs));
	return ask(r, KEY_OP_SIGN_CERT, &payload, ret);
}

/* every operation once inside the sandbox, where a forbidden system call
 * would be the end */
static void
test_in_the_sandbox(void **state)
{
	struct real *r = *state;
	struct answer a;
	BUF(root, 4096);
	BUF(ra, 4096);
	BUF(ledger, 4096);
	BUF(tbs, 65536);
	BUF(text, 256);
	BUF(id, 256);

	create(r, "root", KEY_ROLE_CA, KEY_RSA2048, SUBJECT, &root);
	create(r, "ra", KEY_ROLE_RA, KEY_RSA2048, "", &ra);
	create(r, "led", KEY_ROLE_LEDGER, KEY_ED25519, "", &ledger);
	assert_int_equal(sign_root(r, buf_span(&root), &tbs, &a), 0);
	buf_done(&a.fields);
	buf_reset(&tbs);
	assert_int_equal(sign_root(r, buf_span(&ra), &tbs, &a), E_DENIED);
	buf_done(&a.fields);
	buf_pack_text(&text, "led");
	buf_add_u32(&text, 67);
	buf_add_text(&text, "signet-checkpoint-1");
	buf_add_u64(&text, 7);
	buf_add(&text, root.p, 40); /* hash and time */
	assert_int_equal(ask(r, KEY_OP_SIGN_CHECKPOINT, &text, &a), 0);
	buf_done(&a.fields);
	buf_pack_text(&id, "ra");
	assert_int_equal(ask(r, KEY_OP_PUBLIC, &id, &a), 0);
	buf_done(&a.fields);
	assert_int_equal(ask(r, KEY_OP_DESTROY, &id, &a), 0);
	buf_done(&a.fields);
	assert_int_equal(ask(r, KEY_OP_PUBLIC, &id, &a), E_NOT_FOUND);
	buf_done(&a.fields);
}

/* a CA of old equipment: RC2-40 and 3DES with SHA-1 (CERT-2) */
static void
old_p12(struct buf *out)
{
	OSSL_PROVIDER *legacy = OSSL_PROVIDER_try_load(NULL, "legacy", 1);
	EVP_PKEY *key = EVP_RSA_gen(2048);
	static const uint8_t yes[] = { 0x30, 3, 1, 1, 0xff };
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509 *c = X509_new();
	X509_EXTENSION *bc;
	unsigned char *der = NULL;
	PKCS12 *p12;
	int n;

	assert_non_null(legacy);
	X509_set_version(c, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(c), 77);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC,
	    (const unsigned char *)"Old CA", -1, -1, 0);
	X509_set_issuer_name(c, X509_get_subject_name(c));
	X509_gmtime_adj(X509_getm_notBefore(c), 0);
	X509_gmtime_adj(X509_getm_notAfter(c), 86400);
	X509_set_pubkey(c, key);
	ASN1_OCTET_STRING_set(value, yes, sizeof(yes));
	bc =
	    X509_EXTENSION_create_by_NID(NULL, NID_basic_constraints, 1, value);
	X509_add_ext(c, bc, -1);
	assert_true(X509_sign(c, key, EVP_sha256()) > 0);
	p12 = PKCS12_create_ex("old", "ca", key, c, NULL,
	    NID_pbe_WithSHA1And3_Key_TripleDES_CBC,
	    NID_pbe_WithSHA1And40BitRC2_CBC, 2048, 2048, 0, NULL, NULL);
	assert_non_null(p12);
	n = i2d_PKCS12(p12, &der);
	buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
	PKCS12_free(p12);
	X509_EXTENSION_free(bc);
	ASN1_OCTET_STRING_free(value);
	X509_free(c);
	EVP_PKEY_free(key);
	OSSL_PROVIDER_unload(legacy);
}

static void
test_import_in_the_sandbox(void **state)
{
	struct real *r = *state;
	struct answer a;
	BUF(p12, 65536);
	BUF(payload, 1u << 17);
	BUF(ask_out, 1u << 17);
	struct reader in;

	old_p12(&p12);
	buf_pack_text(&payload, "old");
	buf_add_u8(&payload, KEY_ROLE_CA);
	buf_pack_span(&payload, buf_span(&p12));
	buf_pack_text(&payload, "old");
	assert_int_equal(ask(r, KEY_OP_IMPORT, &payload, &a), 0);
	in = reader_of(buf_span(&a.fields));
	(void)reader_span(&in);
	assert_int_equal(reader_u32(&in), 1);
	buf_pack_text(&ask_out, "old");
	buf_add_u32(&ask_out, 1);
	buf_pack_span(&ask_out, reader_span(&in));
	buf_pack_text(&ask_out, "old");
	buf_pack_text(&ask_out, "new-password");
	assert_int_equal(reader_finish(&in), 0);
	buf_done(&a.fields);
	assert_int_equal(ask(r, KEY_OP_EXPORT, &ask_out, &a), 0);
	buf_done(&a.fields);
}

/* CA-5: a front asking for a certificate loses its link; nobody else does */
static void
test_front(void **state)
{
	struct real *r = *state;
	uint8_t frame[10] = { 0, 0, 0, 0, 0, KEY_OP_SIGN_CERT, 0, 0, 0, 1 };
	struct answer a;
	BUF(id, 64);
	uint8_t byte;
	ssize_t n = -1;
	int fd[2];

	pair(fd);
	assert_int_equal(
	    control_send_link(r->control, ROLE_FRONT, 0, fd[1]), 0);
	close(fd[1]);
	rig_send_raw(fd[0], frame, sizeof(frame));
	for (int i = 0; i < ROUNDS_MAX && n < 0; i++) {
		assert_int_equal(loop_step(r->loop, 10), 0);
		n = recv(fd[0], &byte, 1, 0);
		assert_true(n == 0 || errno == EAGAIN || errno == ECONNRESET);
		if (n < 0 && errno == ECONNRESET)
			n = 0;
	}
	assert_int_equal(n, 0);
	close(fd[0]);
	buf_pack_text(&id, "root");
	assert_int_equal(ask(r, KEY_OP_PUBLIC, &id, &a), 0);
	buf_done(&a.fields);
}

/* CA-6: kill -9 with requests under way: the successor answers them */
static void
test_killed(void **state)
{
	struct real *r = *state;
	struct answer a = { .done = false };
	BUF(id, 64);

	buf_init(&a.fields, 65536);
	buf_pack_text(&id, "root");
	assert_int_equal(kill(r->pid, SIGKILL), 0);
	assert_true(WIFSIGNALED(real_wait(r)));
	assert_int_equal(
	    key_ask(r->client, KEY_OP_PUBLIC, buf_span(&id), on_answer, &a), 0);
	for (int i = 0; i < ROUNDS_MAX && r->control; i++)
		assert_int_equal(loop_step(r->loop, 100), 0);
	assert_false(a.done);
	real_start(r);
	for (int i = 0; i < ROUNDS_MAX && !a.done; i++)
		assert_int_equal(loop_step(r->loop, 100), 0);
	assert_int_equal(a.code, 0);
	assert_int_equal(a.fields.p[0], KEY_ROLE_CA);
	buf_done(&a.fields);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_the_sandbox),
		cmocka_unit_test(test_import_in_the_sandbox),
		cmocka_unit_test(test_front),
		cmocka_unit_test(test_killed),
	};
	return cmocka_run_group_tests(tests, group_open, group_close);
}
