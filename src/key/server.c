#include "key/server.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "key/server_internal.h"
#include "os/file.h"

#define ANSWER_MAX (KEY_P12_MAX + 65536)
#define SMALL (2 * KEY_ID_MAX + 64) /* an id and a few integers */

static int on_request(struct channel *c, const struct frame *f, void *cookie);

static const key_op_fn operations[] = {
	[KEY_OP_CREATE] = op_create,
	[KEY_OP_PUBLIC] = op_public,
	[KEY_OP_SIGN_CERT] = op_sign_cert,
	[KEY_OP_SIGN_CRL] = op_sign_crl,
	[KEY_OP_SIGN_CHECKPOINT] = op_sign_checkpoint,
	[KEY_OP_LAST_CHECKPOINT] = op_last_checkpoint,
	[KEY_OP_IMPORT] = op_import,
	[KEY_OP_EXPORT] = op_export,
	[KEY_OP_DESTROY] = op_destroy,
	[KEY_OP_RA_SIGN] = op_ra_sign,
	[KEY_OP_RA_DECRYPT] = op_ra_decrypt,
};

/* CA-5: a front that was taken over can only ask what an RA key may do */
static const struct channel_rule front_rules[] = {
	{ KEY_OP_RA_SIGN, SMALL + KEY_ATTRS_MAX, on_request },
	{ KEY_OP_RA_DECRYPT, SMALL + KEY_RSA_BITS_MAX / 8, on_request },
	{ 0, 0, NULL },
};

static const struct channel_rule core_rules[] = {
	{ KEY_OP_SIGN_CERT, SMALL + KEY_TBS_MAX + PROFILE_NAME_MAX,
	    on_request },
	{ KEY_OP_RA_SIGN, SMALL + KEY_ATTRS_MAX, on_request },
	{ KEY_OP_SIGN_CRL, SMALL + KEY_CRL_MAX, on_request },
	{ KEY_OP_SIGN_CHECKPOINT, SMALL + 256, on_request },
	{ KEY_OP_LAST_CHECKPOINT, 0, on_request },
	{ KEY_OP_PUBLIC, SMALL, on_request },
	{ KEY_OP_CREATE, SMALL + KEY_SUBJECT_MAX, on_request },
	{ KEY_OP_IMPORT, SMALL + KEY_P12_MAX + KEY_PASSWORD_MAX, on_request },
	{ KEY_OP_EXPORT, SMALL + KEY_P12_MAX + KEY_PASSWORD_MAX, on_request },
	{ KEY_OP_DESTROY, SMALL, on_request },
	{ 0, 0, NULL },
};

static void
answer_refusal(struct buf *out, int code, struct diag *d)
{
	if (d->code == 0)
		diag_set(d, code, "key process", NULL, "%s", err_text(code));
	buf_reset(out);
	key_pack_refusal(out, d);
}

static int
on_request(struct channel *c, const struct frame *f, void *cookie)
{
	struct key_peer *p = cookie;
	struct buf *out = &p->server->answer;
	struct reader r = reader_of(f->payload);
	struct diag d = { .code = 0 };
	int e;

	if (f->fd >= 0) { /* nobody has descriptors to give us */
		close(f->fd);
		return E_PARSE;
	}
	buf_reset(out);
	buf_add_u32(out, 0);
	e = operations[f->type](p->server, &r, out, &d);
	if (reader_finish(&r))
		return E_PARSE;
	if (!e)
		e = buf_error(out);
	if (e) {
		ERR_clear_error();
		answer_refusal(out, e, &d);
	}
	e = channel_send(c, KEY_OP_ANSWER, f->id, buf_span(out));
	/* a PKCS#12 is encrypted, a content key is not */
	secret_wipe(out->p, out->n);
	return e;
}

static void
peer_free(struct key_peer *p)
{
	struct key_server *s = p->server;

	for (size_t i = 0; i < s->peer_n; i++) {
		if (s->peers[i] != p)
			continue;
		s->peers[i] = s->peers[--s->peer_n];
		break;
	}
	channel_free(p->channel);
	free(p);
}

static void
on_close(struct channel *c, void *cookie)
{
	(void)c;
	peer_free(cookie);
}

int
key_server_link(struct key_server *s, enum role peer, int fd)
{
	const struct channel_rule *rules = NULL;
	struct key_peer *p;

	if (peer == ROLE_FRONT)
		rules = front_rules;
	if (peer == ROLE_CORE)
		rules = core_rules;
	p = rules && s->peer_n < KEY_PEERS_MAX ? calloc(1, sizeof(*p)) : NULL;
	if (!p) {
		close(fd);
		return rules ? E_LIMIT : E_DENIED;
	}
	p->server = s;
	p->channel = channel_new(s->loop, fd, rules, p, on_close);
	if (!p->channel) {
		free(p);
		return E_NOMEM;
	}
	s->peers[s->peer_n++] = p;
	return 0;
}

/* the keys that are there are loaded and their contexts made beforehand */
static int
preload(const char *path, const char *name, void *cookie)
{
	struct key_server *s = cookie;
	struct key_entry *k = NULL;
	char id[KEY_ID_MAX];
	struct diag d;
	size_t n = strlen(name);
	char text[3 * DIAG_TEXT_MAX];

	(void)path;
	if (n < 5 || n - 4 >= sizeof(id) || strcmp(name, "seal.key") == 0 ||
	    strcmp(name + n - 4, ".key") != 0)
		return 0;
	memcpy(id, name, n - 4);
	id[n - 4] = '\0';
	if (keystore_get(s->keys, id, &d, &k)) {
		diag_print(&d, text, sizeof(text));
		log_line(LOG_ERROR, "%s", text);
	}
	return 0;
}

int
key_server_new(struct loop *l, const struct config *c, struct diag *d,
    struct key_server **ret)
{
	AUTO_STRUCT(key_server) *s = calloc(1, sizeof(*s));
	int e;

	if (!s)
		return diag_set(d, E_NOMEM, "key process", NULL, "no memory");
	s->loop = l;
	buf_init(&s->answer, ANSWER_MAX);
	e = path_join(s->folder, sizeof(s->folder), c->state_dir, "key");
	if (e)
		return diag_set(d, e, c->state_dir, NULL, "is too long");
	/* CERT-2: the library of the old PKCS#12 ciphers stays mapped for
	 * cert/bundle: the sandbox allows no new executable memory */
	s->legacy = OSSL_PROVIDER_try_load(NULL, "legacy", 1);
	ERR_clear_error();
	e = seal_open(c, d, &s->seal);
	if (!e)
		e = keystore_open(s->folder, s->seal, d, &s->keys);
	if (!e)
		e = profile_load(c->catalog_dir, c->state_dir, d, &s->profiles);
	if (e)
		return e;
	e = dir_each(s->folder, KEYSTORE_MAX, preload, s);
	if (e)
		return diag_set(d, e, s->folder, "CA-5", "cannot be listed");
	*ret = TAKE(s);
	return 0;
}

void
key_server_free(struct key_server *s)
{
	if (!s)
		return;
	while (s->peer_n > 0)
		peer_free(s->peers[0]);
	if (s->legacy)
		OSSL_PROVIDER_unload(s->legacy);
	keystore_free(s->keys);
	seal_free(s->seal);
	buf_done(&s->answer);
	free(s);
}
