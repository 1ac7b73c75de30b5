/*
 * key/seal: what lies in STATE/key is sealed with one key per installation.
 *
 * The seal key comes from the first of these that is there:
 *   1. the systemd credential $CREDENTIALS_DIRECTORY/signet-seal, Argon2id;
 *   2. the file config.seal_passphrase_file names, Argon2id;
 *   3. STATE/key/seal.key, random, 0600, mixed with /etc/machine-id: a copied
 *      folder opens on no other machine. `signet ca restore` is the way there.
 * STATE/key/seal says which, holds salt and Argon2id parameters, and a check
 * value, so that a wrong key and a changed file are told apart.
 *
 * A sealed file: "SGNTKEY1", 24 bytes nonce, XChaCha20-Poly1305 ciphertext;
 * purpose and name are associated data, so files cannot be swapped.
 */
#ifndef SIGNET_KEY_SEAL_H
#define SIGNET_KEY_SEAL_H

#include "base/buf.h"
#include "base/diag.h"
#include "base/secret.h"
#include "os/config.h"

#define SEAL_OVERHEAD 48 /* bytes: magic, nonce, tag */

struct seal;
/* seal_open(c, d, ret): makes STATE/key and a seal when there is none yet;
 * called before the sandbox. E_PASSWORD with the remedy when it is sealed
 * under another machine or passphrase; E_STATE when the source has changed.
 * Free with seal_free(), which wipes. */
int seal_open(const struct config *c, struct diag *d, struct seal **ret)
    ERR_CHECK;
void seal_free(struct seal *s);
AUTO_DEFINE_STRUCT(seal, seal_free);

int seal_wrap(const struct seal *s, const char *purpose, const char *name,
    struct span plain, struct buf *out) ERR_CHECK;
/* seal_unwrap(): E_PARSE when it is no sealed file, E_CRYPTO when a single
 * byte was changed or it is another's; caller frees (wipes) */
int seal_unwrap(const struct seal *s, const char *purpose, const char *name,
    struct span sealed, struct secret **ret) ERR_CHECK;

#endif
