/*
 * key: private keys: the key process and its client side.
 *
 * key/key_msg: what is asked of the key process over a link, and by whom. A
 * request it does not expect from that role, and a payload that does not hold
 * exactly the fields listed, closes the link. All integers big endian, texts
 * and spans with u32 length (base/buf, base/reader).
 */
#ifndef SIGNET_KEY_KEY_MSG_H
#define SIGNET_KEY_KEY_MSG_H

#include "base/buf.h"
#include "base/diag.h"
#include "base/reader.h"

#define KEY_ID_MAX 65          /* bytes with NUL: [a-z0-9-] */
#define KEY_TBS_MAX 65536      /* bytes of a certificate to sign */
#define KEY_CRL_MAX (4u << 20) /* bytes of a CRL to sign */
#define KEY_ATTRS_MAX 8192     /* bytes of CMS signed attributes */
#define KEY_P12_MAX 262144
#define KEY_SUBJECT_MAX 2048   /* bytes of a CA's Name */
#define KEY_PASSWORD_MAX 1024  /* bytes with NUL of a PKCS#12 password */
#define KEY_CERTS_MAX 16       /* certificates in one PKCS#12 */
#define KEY_CONTENT_KEY_MAX 64 /* bytes of a decrypted content key */
#define KEY_SIGNATURE_MAX 2048 /* bytes; RSA 8192 has 1024 */

enum key_op { /* frame types; asked by: */
	KEY_OP_UNSET,
	KEY_OP_CREATE,    /* core: text id, u8 role, u8 key kind, span CA
			   * subject (empty Name or nothing for the other
			   * roles) -> span SPKI */
	KEY_OP_PUBLIC,    /* core: text id -> u8 role, span SPKI */
	KEY_OP_SIGN_CERT, /* core: text id, text profile, span
			   * TBSCertificate -> span signature */
	KEY_OP_SIGN_CRL, /* core: text id, span TBSCertList -> span signature */
	KEY_OP_SIGN_CHECKPOINT, /* core: text id, span text -> span signature;
				 * remembers it */
	KEY_OP_LAST_CHECKPOINT, /* core: -> u64 seq, 32 bytes hash (0: none) */
	KEY_OP_IMPORT,          /* core: text id, u8 role, span PKCS#12, text
				 * password -> span SPKI, u32 n, n spans
				 * certificates, the key's own first */
	KEY_OP_EXPORT,     /* core: text id, u32 n, n spans certificates, text
			    * alias, text password -> span PKCS#12 */
	KEY_OP_DESTROY,    /* core: text id (retired CA, replaced RA) */
	KEY_OP_RA_SIGN,    /* front, core: text RA key id, span DER SET OF
			    * attributes -> span signature (SHA-256) */
	KEY_OP_RA_DECRYPT, /* front: text RA key id, u8 oaep, u8 oaep hash, u8
			    * mgf hash, u8 wanted key size, span encrypted key
			    * -> span content key; a wrong padding yields
			    * random bytes of the wanted size, never an error */
	KEY_OP_ANSWER =
	    100, /* i32 code (0 or E_), then the fields, or a diag */
};

enum key_role { KEY_ROLE_UNSET, KEY_ROLE_CA, KEY_ROLE_RA, KEY_ROLE_LEDGER };
const char *key_role_name(enum key_role r);
const char *key_op_name(enum key_op op); /* "sign-cert", for words only */
bool key_id_is_valid(const char *id);

/* An answer that refuses carries the code and the diag's four texts. */
void key_pack_refusal(struct buf *out, const struct diag *d);
/* key_unpack_answer(payload, r, d): the code of an answer; 0: r stands before
 * the fields; refused: d is filled. E_PARSE, *ret_code untouched, when the
 * bytes are no answer. */
int key_unpack_answer(struct span payload, struct reader *r, struct diag *d,
    int *ret_code) ERR_CHECK;

#endif
