#include "key/keystore.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "os/clock.h"
#include "os/file.h"

#define PURPOSE "key"
#define RECORD_VERSION 1
#define FILES_MAX 4096 /* names looked at in the folder */
#define REJECT_CONTEXT "signet-reject-1"

struct keystore {
	char folder[CONFIG_PATH_MAX + 8];
	const struct seal *seal;
	struct key_entry *keys[KEYSTORE_MAX];
	size_t n;
};

static void
entry_free(struct key_entry *k)
{
	if (!k)
		return;
	for (int h = 0; h <= HASH_SHA512; h++)
		EVP_PKEY_CTX_free(k->sign[h]);
	EVP_PKEY_CTX_free(k->decrypt);
	EVP_PKEY_free(k->pkey);
	buf_done(&k->subject);
	buf_done(&k->spki);
	secret_wipe(k->reject_key, sizeof(k->reject_key));
	free(k);
}

AUTO_DEFINE_STRUCT(key_entry, entry_free);

int
keystore_open(const char *folder, const struct seal *seal, struct diag *d,
    struct keystore **ret)
{
	AUTO_STRUCT(keystore) *ks = calloc(1, sizeof(*ks));

	if (!ks)
		return diag_set(d, E_NOMEM, folder, NULL, "out of memory");
	ks->seal = seal;
	if (str_copy(ks->folder, sizeof(ks->folder), folder))
		return diag_set(d, E_TOO_BIG, folder, NULL, "path too long");
	*ret = TAKE(ks);
	return 0;
}

void
keystore_free(struct keystore *ks)
{
	if (!ks)
		return;
	for (size_t i = 0; i < ks->n; i++)
		entry_free(ks->keys[i]);
	free(ks);
}

static struct key_entry *
entry_new(const struct keystore *ks, const char *id)
{
	struct key_entry *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	buf_init(&k->subject, KEY_SUBJECT_MAX);
	buf_init(&k->spki, KEY_TBS_MAX);
	snprintf(k->path, sizeof(k->path), "%s/%s.key", ks->folder, id);
	if (str_copy(k->id, sizeof(k->id), id)) {
		entry_free(k);
		return NULL;
	}
	return k;
}

/* what follows from the private key alone */
static int
entry_complete(struct key_entry *k, struct span pkcs8)
{
	crypto_generichash_state h;
	int e = 0;

	if (!k->pkey)
		e = key_from_pkcs8(pkcs8, &k->pkey);
	if (e)
		return e;
	k->kind = key_kind_of(k->pkey);
	e = spki_build(k->pkey, &k->spki);
	if (e)
		return e;
	crypto_generichash_init(&h, NULL, 0, sizeof(k->reject_key));
	crypto_generichash_update(
	    &h, (const uint8_t *)REJECT_CONTEXT, strlen(REJECT_CONTEXT));
	crypto_generichash_update(&h, pkcs8.p, pkcs8.n);
	crypto_generichash_final(&h, k->reject_key, sizeof(k->reject_key));
	secret_wipe(&h, sizeof(h));
	return 0;
}

static int
entry_unpack(struct key_entry *k, struct span record)
{
	struct reader r = reader_of(record);
	uint8_t version = reader_u8(&r);
	uint8_t role = reader_u8(&r);
	int64_t created = (int64_t)reader_u64(&r);
	struct span subject = reader_span(&r), pkcs8 = reader_span(&r);

	if (reader_finish(&r) || version != RECORD_VERSION ||
	    role < KEY_ROLE_CA || role > KEY_ROLE_LEDGER)
		return E_PARSE;
	k->role = (enum key_role)role;
	k->created = created;
	buf_add_span(&k->subject, subject);
	if (buf_error(&k->subject))
		return buf_error(&k->subject);
	return entry_complete(k, pkcs8);
}

static int
refuse_file(const struct key_entry *k, int code, struct diag *d)
{
	if (code == E_NOMEM)
		return diag_set(d, code, k->id, NULL, "out of memory");
	diag_set(d, E_CRYPTO, k->path, "CA-5",
	    code == E_CRYPTO ? "was changed, or is another key's file"
			     : "is not a sealed key");
	diag_remedy(d, "restore with: signet ca restore");
	return E_CRYPTO; /* never E_PARSE: the asker's input is not at fault */
}

static int
entry_load(const struct keystore *ks, const char *id, struct diag *d,
    struct key_entry **ret)
{
	AUTO_STRUCT(key_entry) *k = entry_new(ks, id);
	AUTO_STRUCT(secret) *record = NULL;
	BUF(file, KEYSTORE_FILE_MAX);
	int e;

	if (!k)
		return diag_set(d, E_NOMEM, id, NULL, "out of memory");
	/* before the reading: a file replaced meanwhile is read again */
	if (stat(k->path, &k->mark) != 0)
		return diag_set(
		    d, E_NOT_FOUND, id, "CA-5", "there is no key of this id");
	e = file_read(k->path, KEYSTORE_FILE_MAX, d, &file);
	if (e)
		return e;
	e = seal_unwrap(ks->seal, PURPOSE, id, buf_span(&file), &record);
	if (e)
		return refuse_file(k, e, d);
	e = entry_unpack(k, secret_peek(record));
	if (e)
		return refuse_file(k, e, d);
	*ret = TAKE(k);
	return 0;
}

static bool
is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev &&
	       a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static size_t
find_loaded(const struct keystore *ks, const char *id)
{
	size_t i;

	for (i = 0; i < ks->n; i++)
		if (strcmp(ks->keys[i]->id, id) == 0)
			break;
	return i;
}

static void
forget(struct keystore *ks, size_t i)
{
	entry_free(ks->keys[i]);
	ks->keys[i] = ks->keys[--ks->n];
}

int
keystore_get(
    struct keystore *ks, const char *id, struct diag *d, struct key_entry **ret)
{
	size_t i = find_loaded(ks, id);
	struct key_entry *k = NULL;
	struct stat now;
	int e;

	if (i < ks->n) {
		k = ks->keys[i];
		if (stat(k->path, &now) == 0 && is_same_file(&now, &k->mark)) {
			*ret = k;
			return 0;
		}
		forget(ks, i);
	}
	if (!key_id_is_valid(id))
		return diag_set(d, E_INVAL, id, "CA-5", "is not a key id");
	if (ks->n == KEYSTORE_MAX)
		return diag_set(
		    d, E_LIMIT, id, "CA-5", "%d keys are loaded", KEYSTORE_MAX);
	e = entry_load(ks, id, d, &k);
	if (e)
		return e;
	ks->keys[ks->n++] = k;
	*ret = k;
	return 0;
}

static int
record_write(const struct keystore *ks, const struct key_params *p,
    const char *path, struct diag *d)
{
	AUTO_STRUCT(secret) *pkcs8 = NULL;
	BUF(record, KEYSTORE_FILE_MAX);
	BUF(sealed, KEYSTORE_FILE_MAX);
	int e = key_to_pkcs8(p->pkey, &pkcs8);

	if (e)
		return diag_set(d, e, p->id, NULL, "the key cannot be written");
	/* all at once: growing would leave copies behind */
	(void)buf_reserve(&record, pkcs8->n + p->subject.n + 32);
	buf_add_u8(&record, RECORD_VERSION);
	buf_add_u8(&record, (uint8_t)p->role);
	buf_add_u64(&record, (uint64_t)clock_now());
	buf_pack_span(&record, p->subject);
	buf_pack_span(&record, secret_peek(pkcs8));
	e = buf_error(&record);
	if (!e)
		e = seal_wrap(
		    ks->seal, PURPOSE, p->id, buf_span(&record), &sealed);
	if (record.p)
		secret_wipe(record.p, record.cap);
	if (e)
		return diag_set(d, e, p->id, NULL, "the key cannot be sealed");
	return file_create(path, 0600, buf_span(&sealed), d);
}

int
keystore_put(struct keystore *ks, const struct key_params *p, struct diag *d,
    struct key_entry **ret)
{
	char path[CONFIG_PATH_MAX + KEY_ID_MAX + 16];
	int e;

	/* "seal" would take the machine key's file name */
	if (!key_id_is_valid(p->id) || strcmp(p->id, "seal") == 0)
		return diag_set(d, E_INVAL, p->id, "CA-5", "is not a key id");
	if (p->subject.n > KEY_SUBJECT_MAX)
		return diag_set(
		    d, E_TOO_BIG, p->id, "CA-5", "the subject is too long");
	snprintf(path, sizeof(path), "%s/%s.key", ks->folder, p->id);
	e = record_write(ks, p, path, d);
	if (e)
		return e;
	e = keystore_get(ks, p->id, d, ret);
	if (e)
		return e;
	EVP_PKEY_free(p->pkey);
	return 0;
}

int
keystore_remove(struct keystore *ks, const char *id, struct diag *d)
{
	struct key_entry *k = NULL;
	int e = keystore_get(ks, id, d, &k);

	if (e)
		return e;
	if (unlink(k->path) != 0)
		return diag_set(d, E_IO, k->path, NULL, "cannot be removed");
	forget(ks, find_loaded(ks, id));
	return 0;
}

struct search {
	struct keystore *ks;
	enum key_role role;
	struct span spki;
	struct key_entry *found;
};

static int
look_at(const char *path, const char *name, void *cookie)
{
	struct search *s = cookie;
	size_t n = strlen(name);
	char id[KEY_ID_MAX];
	struct key_entry *k = NULL;

	(void)path;
	if (n < 5 || n - 4 >= sizeof(id) || strcmp(name + n - 4, ".key") != 0 ||
	    strcmp(name, "seal.key") == 0)
		return 0;
	memcpy(id, name, n - 4);
	id[n - 4] = '\0';
	/* a broken file is the finding of whoever needs that key */
	if (keystore_get(s->ks, id, NULL, &k) || k->role != s->role ||
	    !span_is_equal(buf_span(&k->spki), s->spki))
		return 0;
	s->found = k;
	return 1;
}

int
keystore_find(struct keystore *ks, enum key_role role, struct span spki,
    struct key_entry **ret)
{
	struct search s = { .ks = ks, .role = role, .spki = spki };
	int e = dir_each(ks->folder, FILES_MAX, look_at, &s);

	if (e < 0)
		return e;
	if (!s.found)
		return E_NOT_FOUND;
	*ret = s.found;
	return 0;
}
