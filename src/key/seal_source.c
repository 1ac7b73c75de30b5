/* key/seal, where the seal key comes from. */
#include <sodium.h>
#include <stdlib.h>

#include "base/enumtab.h"
#include "base/log.h"
#include "base/str.h"
#include "key/seal_internal.h"
#include "os/file.h"

#define CREDENTIAL "signet-seal"
#define SOURCE_FILE_MAX 4096 /* bytes of a passphrase or credential */
#define PASSPHRASE_MIN 8     /* bytes; shorter is no protection at all */
#define MACHINE_CONTEXT "signet-seal-machine-1"

static const struct enum_text sources[] = {
	{ SEAL_CREDENTIAL, "systemd credential" },
	{ SEAL_PASSPHRASE, "passphrase file" },
	{ SEAL_MACHINE, "machine key" },
	{ 0, NULL },
};

const char *
seal_source_name(enum seal_source s)
{
	return enum_name(sources, (int)s);
}

int
seal_source_choose(const struct config *c, char *path, size_t size,
    struct diag *d, enum seal_source *ret)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");

	if (folder && folder[0]) {
		if (path_join(path, size, folder, CREDENTIAL))
			return diag_set(d, E_TOO_BIG, "CREDENTIALS_DIRECTORY",
			    NULL, "the path is too long");
		if (file_is_there(path)) {
			*ret = SEAL_CREDENTIAL;
			return 0;
		}
	}
	*ret = c->seal_passphrase_file[0] ? SEAL_PASSPHRASE : SEAL_MACHINE;
	return str_copy(path, size, c->seal_passphrase_file);
}

/* Argon2id over the file's text without the line ends behind it */
static int
derive_from_text(const struct seal_header *h, const char *path, struct diag *d,
    struct secret *key)
{
	BUF(text, SOURCE_FILE_MAX);
	int e = file_read(path, SOURCE_FILE_MAX, d, &text);

	while (!e && text.n > 0 &&
	       (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
		text.n--;
	if (!e && text.n < PASSPHRASE_MIN)
		e = diag_set(d, E_PASSWORD, path, "CA-5",
		    "the passphrase has less than %d bytes", PASSPHRASE_MIN);
	if (!e && crypto_pwhash(key->p, key->n, (const char *)text.p, text.n,
		      h->salt, h->ops, h->mem, crypto_pwhash_ALG_ARGON2ID13))
		e = diag_set(
		    d, E_NOMEM, path, NULL, "not enough memory for Argon2id");
	if (text.p)
		secret_wipe(text.p, text.cap);
	return e;
}

/* seal.key: made once; when several processes make it at once, one wins */
static int
machine_key(const char *folder, struct diag *d, struct buf *out)
{
	char path[CONFIG_PATH_MAX + 16];
	struct secret *fresh;
	int e = path_join(path, sizeof(path), folder, "seal.key");

	if (e)
		return e;
	if (!file_is_there(path)) {
		fresh = secret_random(SEAL_KEY_BYTES);
		if (!fresh)
			return E_NOMEM;
		e = file_create(path, 0600, secret_peek(fresh), d);
		secret_free(fresh);
		if (e && e != E_EXISTS)
			return e;
	}
	e = file_read(path, SEAL_KEY_BYTES, d, out);
	if (!e && out->n != SEAL_KEY_BYTES)
		e = diag_set(d, E_PARSE, path, NULL, "is not %d bytes long",
		    SEAL_KEY_BYTES);
	return e;
}

static void
machine_id(struct buf *out)
{
	if (file_read("/etc/machine-id", 256, NULL, out) || out->n == 0)
		log_line(LOG_WARNING,
		    "no /etc/machine-id: a copied state folder opens anywhere; "
		    "name a seal_passphrase_file");
}

static int
derive_from_machine(const struct seal_header *h, const char *folder,
    struct diag *d, struct secret *key)
{
	BUF(file, SEAL_KEY_BYTES);
	BUF(id, 256);
	BUF(mixed, 512);
	int e = machine_key(folder, d, &file);

	if (!e) {
		machine_id(&id);
		buf_pack_text(&mixed, MACHINE_CONTEXT);
		buf_pack_span(&mixed, span_of(h->salt, sizeof(h->salt)));
		buf_pack_span(&mixed, buf_span(&id));
		e = buf_error(&mixed);
	}
	if (!e)
		crypto_generichash(
		    key->p, key->n, mixed.p, mixed.n, file.p, file.n);
	if (file.p)
		secret_wipe(file.p, file.cap);
	return e;
}

int
seal_derive(const struct seal_header *h, const char *path, const char *folder,
    struct diag *d, struct secret **ret)
{
	struct secret *key = secret_new(NULL, SEAL_KEY_BYTES);
	int e;

	if (!key)
		return diag_set(d, E_NOMEM, folder, NULL, "out of memory");
	if (h->source == SEAL_MACHINE)
		e = derive_from_machine(h, folder, d, key);
	else
		e = derive_from_text(h, path, d, key);
	if (e) {
		secret_free(key);
		return e;
	}
	*ret = key;
	return 0;
}
