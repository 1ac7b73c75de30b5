#include "key/seal.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/str.h"
#include "key/seal_internal.h"
#include "os/file.h"

#define FILE_MAGIC "SGNTKEY1"
#define HEADER_MAGIC "SGNTSEAL"
#define MAGIC_BYTES 8
#define HEADER_VERSION 1
#define HEADER_MAX 256
#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES
#define AD_MAX 256
#define CHECK_CONTEXT "signet-seal-check-1"
/* RFC 9106 4, second choice: what a small machine can spare at a start */
#define ARGON_OPS 3
#define ARGON_MEM (UINT64_C(64) << 20)
/* a changed header must not make us work for hours */
#define ARGON_OPS_MAX 16
#define ARGON_MEM_MAX (UINT64_C(1) << 30)
#define FILES_MAX 4096 /* names looked at in the folder */

_Static_assert(MAGIC_BYTES + NONCE_BYTES + TAG_BYTES == SEAL_OVERHEAD,
    "what a sealed file adds");

static void
header_pack(const struct seal_header *h, struct buf *out)
{
	buf_add(out, HEADER_MAGIC, MAGIC_BYTES);
	buf_add_u8(out, HEADER_VERSION);
	buf_add_u8(out, (uint8_t)h->source);
	buf_add_u32(out, h->ops);
	buf_add_u64(out, h->mem);
	buf_add(out, h->salt, sizeof(h->salt));
	buf_add(out, h->check, sizeof(h->check));
}

static int
header_unpack(struct span in, struct seal_header *ret)
{
	struct reader r = reader_of(in);
	struct span magic = reader_bytes(&r, MAGIC_BYTES), salt, check;
	uint8_t version = reader_u8(&r);
	struct seal_header h;

	h.source = (enum seal_source)reader_u8(&r);
	h.ops = reader_u32(&r);
	h.mem = reader_u64(&r);
	salt = reader_bytes(&r, sizeof(h.salt));
	check = reader_bytes(&r, sizeof(h.check));
	if (reader_finish(&r) || memcmp(magic.p, HEADER_MAGIC, magic.n) != 0 ||
	    version != HEADER_VERSION || h.source < SEAL_CREDENTIAL ||
	    h.source > SEAL_MACHINE || h.ops == 0 || h.ops > ARGON_OPS_MAX ||
	    h.mem < crypto_pwhash_MEMLIMIT_MIN || h.mem > ARGON_MEM_MAX)
		return E_PARSE;
	memcpy(h.salt, salt.p, salt.n);
	memcpy(h.check, check.p, check.n);
	*ret = h;
	return 0;
}

static void
check_of(const struct secret *key, uint8_t out[SEAL_CHECK_BYTES])
{
	crypto_generichash(out, SEAL_CHECK_BYTES,
	    (const uint8_t *)CHECK_CONTEXT, strlen(CHECK_CONTEXT), key->p,
	    key->n);
}

static int
is_sealed_key(const char *path, const char *name, void *cookie)
{
	size_t n = strlen(name);

	(void)path;
	(void)cookie;
	return n > 4 && strcmp(name + n - 4, ".key") == 0 &&
		       strcmp(name, "seal.key") != 0
		   ? E_EXISTS
		   : 0;
}

struct opening { /* of one folder */
	char folder[CONFIG_PATH_MAX + 8];
	char header_path[CONFIG_PATH_MAX + 16];
	char source_path[CONFIG_PATH_MAX + 64];
	enum seal_source source;
	struct diag *d;
};

/* a new seal; E_EXISTS when another process was faster */
static int
header_create(const struct opening *o)
{
	struct seal_header h = {
		.source = o->source, .ops = ARGON_OPS, .mem = ARGON_MEM
	};
	struct secret *key = NULL;
	BUF(out, HEADER_MAX);
	int e = dir_each(o->folder, FILES_MAX, is_sealed_key, NULL);

	if (e) {
		diag_set(o->d, E_STATE, o->header_path, "CA-5",
		    "is missing, and sealed keys are there");
		diag_remedy(o->d, "restore it from the backup, or the keys "
				  "with: signet ca restore");
		return E_STATE;
	}
	randombytes_buf(h.salt, sizeof(h.salt));
	e = seal_derive(&h, o->source_path, o->folder, o->d, &key);
	if (e)
		return e;
	check_of(key, h.check);
	secret_free(key);
	header_pack(&h, &out);
	e = buf_error(&out);
	return e ? e : file_create(o->header_path, 0600, buf_span(&out), o->d);
}

static int
header_load(const struct opening *o, struct seal_header *ret)
{
	BUF(in, HEADER_MAX);
	int e = file_read(o->header_path, HEADER_MAX, o->d, &in);

	if (e == E_NOT_FOUND) {
		e = header_create(o);
		if (e && e != E_EXISTS)
			return e;
		e = file_read(o->header_path, HEADER_MAX, o->d, &in);
	}
	if (e)
		return e;
	if (header_unpack(buf_span(&in), ret)) {
		diag_set(o->d, E_PARSE, o->header_path, "CA-5",
		    "is not a seal: it was changed or cut");
		diag_remedy(o->d, "restore with: signet ca restore");
		return E_PARSE;
	}
	if (ret->source == o->source)
		return 0;
	diag_set(o->d, E_STATE, o->header_path, "CA-5",
	    "sealed with a %s, but a %s is configured now",
	    seal_source_name(ret->source), seal_source_name(o->source));
	diag_remedy(
	    o->d, "configure the %s again", seal_source_name(ret->source));
	return E_STATE;
}

static int
refuse_key(const struct opening *o)
{
	if (o->source == SEAL_MACHINE) {
		diag_set(o->d, E_PASSWORD, o->header_path, "CA-5",
		    "sealed on another machine");
		diag_remedy(o->d, "sealed on another machine: restore with "
				  "signet ca restore");
		return E_PASSWORD;
	}
	diag_set(o->d, E_PASSWORD, o->header_path, "CA-5",
	    "sealed with another %s", seal_source_name(o->source));
	diag_remedy(o->d,
	    "put back the %s it was sealed with, or restore with "
	    "signet ca restore",
	    seal_source_name(o->source));
	return E_PASSWORD;
}

static int
opening_init(struct opening *o, const struct config *c, struct diag *d)
{
	int e;

	o->d = d;
	if (sodium_init() < 0)
		return diag_set(d, E_CRYPTO, "libsodium", NULL, "cannot start");
	e = path_join(o->folder, sizeof(o->folder), c->state_dir, "key");
	if (!e)
		e = path_join(
		    o->header_path, sizeof(o->header_path), o->folder, "seal");
	if (e)
		return diag_set(d, e, c->state_dir, NULL, "is too long");
	e = dir_ensure(o->folder, 0700, d);
	if (e)
		return e;
	return seal_source_choose(
	    c, o->source_path, sizeof(o->source_path), d, &o->source);
}

int
seal_open(const struct config *c, struct diag *d, struct seal **ret)
{
	uint8_t check[SEAL_CHECK_BYTES];
	AUTO_STRUCT(seal) *s = calloc(1, sizeof(*s));
	struct seal_header h;
	struct opening o;
	int e;

	if (!s)
		return diag_set(d, E_NOMEM, "seal", NULL, "out of memory");
	e = opening_init(&o, c, d);
	if (!e)
		e = header_load(&o, &h);
	if (!e)
		e = seal_derive(&h, o.source_path, o.folder, d, &s->key);
	if (e)
		return e;
	check_of(s->key, check);
	if (!secret_is_equal(span_of(check, sizeof(check)),
		span_of(h.check, sizeof(h.check))))
		return refuse_key(&o);
	*ret = TAKE(s);
	return 0;
}

void
seal_free(struct seal *s)
{
	if (!s)
		return;
	secret_free(s->key);
	free(s);
}

static void
ad_pack(const char *purpose, const char *name, struct buf *out)
{
	buf_add(out, FILE_MAGIC, MAGIC_BYTES);
	buf_pack_text(out, purpose);
	buf_pack_text(out, name);
}

int
seal_wrap(const struct seal *s, const char *purpose, const char *name,
    struct span plain, struct buf *out)
{
	unsigned long long n;
	BUF(ad, AD_MAX);
	uint8_t *to;
	int e;

	ad_pack(purpose, name, &ad);
	e = buf_error(&ad);
	if (e)
		return e;
	to = buf_reserve(out, SEAL_OVERHEAD + plain.n);
	if (!to)
		return buf_error(out);
	memcpy(to, FILE_MAGIC, MAGIC_BYTES);
	randombytes_buf(to + MAGIC_BYTES, NONCE_BYTES);
	if (crypto_aead_xchacha20poly1305_ietf_encrypt(
		to + MAGIC_BYTES + NONCE_BYTES, &n, plain.p, plain.n, ad.p,
		ad.n, NULL, to + MAGIC_BYTES, s->key->p))
		return E_CRYPTO;
	out->n += SEAL_OVERHEAD + plain.n;
	return 0;
}

int
seal_unwrap(const struct seal *s, const char *purpose, const char *name,
    struct span sealed, struct secret **ret)
{
	struct secret *plain;
	unsigned long long n;
	BUF(ad, AD_MAX);
	int e;

	if (sealed.n < SEAL_OVERHEAD ||
	    memcmp(sealed.p, FILE_MAGIC, MAGIC_BYTES) != 0)
		return E_PARSE;
	ad_pack(purpose, name, &ad);
	e = buf_error(&ad);
	if (e)
		return e;
	plain = secret_new(NULL, sealed.n - SEAL_OVERHEAD);
	if (!plain)
		return E_NOMEM;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain->p, &n, NULL,
		sealed.p + MAGIC_BYTES + NONCE_BYTES,
		sealed.n - MAGIC_BYTES - NONCE_BYTES, ad.p, ad.n,
		sealed.p + MAGIC_BYTES, s->key->p)) {
		secret_free(plain);
		return E_CRYPTO;
	}
	*ret = plain;
	return 0;
}
