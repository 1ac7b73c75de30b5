#include "cert/crypto.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "cert/cms.h"
#include "cert/key.h"

int
crypto_open(struct diag *d)
{
	uint8_t once[16];

	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG |
				    OPENSSL_INIT_ADD_ALL_CIPHERS |
				    OPENSSL_INIT_ADD_ALL_DIGESTS,
		NULL) == 1 &&
	    RAND_bytes(once, sizeof(once)) == 1 &&
	    RAND_priv_bytes(once, sizeof(once)) == 1 && hash_md(HASH_SHA256))
		return 0;
	return diag_set(d, E_CRYPTO, "OpenSSL", NULL, "it does not start");
}
