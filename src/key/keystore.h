/*
 * key/keystore: the private keys of one folder, sealed on disk, loaded in
 * memory.
 *
 * STATE/key/ID.key holds, sealed under purpose "key" and the id: u8 version,
 * u8 role, u64 created, span CA subject Name, span PKCS#8. Several processes
 * share the folder and the files are the truth: an unknown id is looked up on
 * disk, a key whose file has gone or was replaced is no longer used.
 */
#ifndef SIGNET_KEY_KEYSTORE_H
#define SIGNET_KEY_KEYSTORE_H

#include <sys/stat.h>

#include "cert/key.h"
#include "key/key_msg.h"
#include "key/seal.h"

#define KEYSTORE_MAX 1024       /* keys in one folder */
#define KEYSTORE_FILE_MAX 32768 /* bytes of one sealed key */

struct key_entry {
	char id[KEY_ID_MAX];
	char path[CONFIG_PATH_MAX + KEY_ID_MAX + 16];
	struct stat mark; /* of the file it was loaded from */
	enum key_role role;
	enum key_kind kind;
	int64_t created;
	EVP_PKEY *pkey;
	struct buf subject; /* CA: its Name with tag; else empty */
	struct buf spki;
	uint8_t reject_key[32]; /* decrypt.c: for the implicit rejection */
	/* contexts set up once: OpenSSL 3.0 spends 10 us on a new one */
	EVP_PKEY_CTX *sign[HASH_SHA512 + 1];
	EVP_PKEY_CTX *decrypt;
};

struct key_params { /* a key to keep; pkey is taken on success */
	const char *id;
	enum key_role role;
	struct span subject;
	EVP_PKEY *pkey;
};

struct keystore;
/* keystore_open(folder, seal): seal stays borrowed; keystore_free() wipes */
int keystore_open(const char *folder, const struct seal *seal, struct diag *d,
    struct keystore **ret) ERR_CHECK;
void keystore_free(struct keystore *ks);
AUTO_DEFINE_STRUCT(keystore, keystore_free);

/* keystore_get(id): borrowed until the next call. E_NOT_FOUND; E_CRYPTO or
 * E_PARSE naming the file when a single byte of it was changed. */
int keystore_get(struct keystore *ks, const char *id, struct diag *d,
    struct key_entry **ret) ERR_CHECK;
/* keystore_put(): durable before it returns; E_EXISTS when the id is taken */
int keystore_put(struct keystore *ks, const struct key_params *p,
    struct diag *d, struct key_entry **ret) ERR_CHECK;
int keystore_remove(struct keystore *ks, const char *id, struct diag *d)
    ERR_CHECK;
/* keystore_find(role, spki): the key of this role with that public half,
 * looking at every file; E_NOT_FOUND */
int keystore_find(struct keystore *ks, enum key_role role, struct span spki,
    struct key_entry **ret) ERR_CHECK;

/* key_entry_sign(): hash HASH_UNSET for Ed25519; appends the signature */
int key_entry_sign(struct key_entry *k, enum hash_kind hash, struct span data,
    struct buf *out) ERR_CHECK;

struct key_ciphertext {
	bool oaep;
	enum hash_kind hash, mgf; /* OAEP only */
	size_t wanted;            /* bytes of the content key */
	struct span bytes;
};
/* key_entry_decrypt(): appends c->wanted bytes, whatever the padding says: an
 * attacker who changes messages learns nothing from us (Bleichenbacher 1998,
 * Manger 2001). E_INVAL for what cannot be at all: no RSA key, sizes. */
int key_entry_decrypt(struct key_entry *k, const struct key_ciphertext *c,
    struct buf *out) ERR_CHECK;

#endif
