/*
 * key: private keys: the key process and its client side.
 *
 * key/key_msg: what is asked of the key process over a link, and by whom. A
 * request it does not expect from that role closes the link. All integers big endian,
 * texts and spans with u32 length (base/buf, base/reader).
 */
#ifndef SIGNET_KEY_KEY_MSG_H
#define SIGNET_KEY_KEY_MSG_H

#include "base/buf.h"
#include "base/diag.h"
#include "base/reader.h"

#define KEY_ID_MAX 65		/* bytes with NUL: [a-z0-9-] */
#define KEY_TBS_MAX 65536	/* bytes of a certificate to sign */
#define KEY_CRL_MAX (4u << 20)	/* bytes of a CRL to sign */
#define KEY_ATTRS_MAX 8192	/* bytes of CMS signed attributes */
#define KEY_P12_MAX 262144

enum key_op {			/* frame types; asked by: */
	KEY_OP_UNSET,
	KEY_OP_CREATE,		/* core: id, role, kind, CA subject -> SPKI */
	KEY_OP_PUBLIC,		/* core: id -> role, SPKI */
	KEY_OP_SIGN_CERT,	/* core: id, profile name, TBSCertificate -> signature */
	KEY_OP_SIGN_CRL,	/* core: id, TBSCertList -> signature */
	KEY_OP_SIGN_CHECKPOINT,	/* core: id, text -> signature; remembers it */
	KEY_OP_LAST_CHECKPOINT,	/* core: -> u64 seq, 32 bytes hash (0: none) */
	KEY_OP_IMPORT,		/* core: id, role, PKCS#12, password -> SPKI, certificates */
	KEY_OP_EXPORT,		/* core: id, certificates, alias, password -> PKCS#12 */
	KEY_OP_DESTROY,		/* core: id (retired CA, replaced RA) */
	KEY_OP_RA_SIGN,		/* front, core: RA key id, DER SET OF attributes -> signature (SHA-256) */
	KEY_OP_RA_DECRYPT,	/* front: RA key id, u8 oaep, u8 oaep hash, u8 mgf hash, u8 wanted key size,
				 * encrypted key -> content key; a wrong padding yields
				 * random bytes of the wanted size, never an error */
	KEY_OP_ANSWER = 100,	/* i32 code (0 or E_), then the fields, or a diag */
};

enum key_role { KEY_ROLE_UNSET, KEY_ROLE_CA, KEY_ROLE_RA, KEY_ROLE_LEDGER };
const char *key_role_name(enum key_role r);
bool key_id_is_valid(const char *id);

/* An answer that refuses carries the diag's four texts. */
void key_pack_refusal(struct buf *out, const struct diag *d);

#endif
