/* cert/cms_internal: shared by the three halves of cert/cms. */
#ifndef SIGNET_CERT_CMS_INTERNAL_H
#define SIGNET_CERT_CMS_INTERNAL_H

#include "cert/cert_internal.h"
#include "cert/cms.h"

#define CMS_OBJECT "CMS message"

/* cms_content_take(der, type, ret): ContentInfo of this type; what is inside
 * the [0], a SEQUENCE's contents, ready to be read */
int cms_content_take(struct span der, enum oid type, struct der *ret) ERR_CHECK;
/* cms_content_wrap(w): puts [0] and ContentInfo around all that w holds */
void cms_content_wrap(struct derw *w, enum oid type);

/* RecipientIdentifier and SignerIdentifier are of one form, RFC 5652 5.3 */
int cms_id_take(struct der *d, struct span *ret_issuer, struct span *ret_serial,
    struct span *ret_ski) ERR_CHECK;
void cms_id_write(struct derw *w, struct span issuer, struct span serial);

#define CMS_KEY_MAX 32 /* bytes of a content key */
/* a fresh content key */
int cms_cipher_key(int oid, uint8_t out[CMS_KEY_MAX]) ERR_CHECK;
/* encrypts or decrypts with PKCS#7 padding; out has room for in and a block.
 * E_CRYPTO when the padding is wrong. */
int cms_cipher_run(int oid, struct span key, struct span iv, struct span in,
    bool encrypt, uint8_t *out, size_t *ret_n) ERR_CHECK;

#endif
