/* key/seal_internal: the seal key and where it comes from. */
#ifndef SIGNET_KEY_SEAL_INTERNAL_H
#define SIGNET_KEY_SEAL_INTERNAL_H

#include "key/seal.h"

#define SEAL_KEY_BYTES 32
#define SEAL_SALT_BYTES 16
#define SEAL_CHECK_BYTES 32

enum seal_source {
	SEAL_UNSET,
	SEAL_CREDENTIAL,
	SEAL_PASSPHRASE,
	SEAL_MACHINE,
};

struct seal_header { /* what STATE/key/seal holds */
	enum seal_source source;
	uint32_t ops; /* Argon2id passes */
	uint64_t mem; /* Argon2id bytes */
	uint8_t salt[SEAL_SALT_BYTES];
	uint8_t check[SEAL_CHECK_BYTES];
};

struct seal {
	struct secret *key;
};

const char *seal_source_name(enum seal_source s);
/* the first source that is there; path: its file, "" for the machine */
int seal_source_choose(const struct config *c, char *path, size_t size,
    struct diag *d, enum seal_source *ret) ERR_CHECK;
/* the seal key from its source with the header's salt and parameters */
int seal_derive(const struct seal_header *h, const char *path,
    const char *folder, struct diag *d, struct secret **ret) ERR_CHECK;

#endif
