/* cert/cert_internal: what the files of this room share with each other only.
 */
#ifndef SIGNET_CERT_CERT_INTERNAL_H
#define SIGNET_CERT_CERT_INTERNAL_H

#include <openssl/params.h>

#include "cert/key.h"
#include "cert/x509.h"

#define EMPTY span_of(NULL, 0)

/* alg_take(d, &oid, &params): AlgorithmIdentifier; params with tag, may be
 * empty (absent) */
enum oid alg_take(struct der *d, struct span *ret_params);
/* parameters that say nothing: absent or NULL */
bool alg_params_are_null(struct span params);
/* digest OIDs and our hash kinds, both ways; HASH_UNSET, OID_UNKNOWN */
enum hash_kind hash_from_oid(enum oid id);
enum oid hash_to_oid(enum hash_kind h);
/* alg_write(w, oid, with_null): AlgorithmIdentifier */
void alg_write(struct derw *w, enum oid id, bool with_null);

/* the hash a key signs with when nobody chose one; Ed25519: HASH_UNSET */
enum hash_kind hash_for_key(enum key_kind k);
bool key_kind_is_rsa(enum key_kind k);
enum key_kind rsa_kind_of(int bits);
/* public key of OpenSSL's type from its parameters; caller frees */
int pkey_from_params(const char *type, OSSL_PARAM *params, EVP_PKEY **ret)
    ERR_CHECK;
/* empties OpenSSL's error queue; E_CRYPTO */
int crypto_failed(void);
/* verifies over a digest already made; pss for RSASSA-PSS. E_CRYPTO. */
int key_verify_digest(EVP_PKEY *k, enum hash_kind h, bool pss,
    struct span digest, struct span sig) ERR_CHECK;

/* Decodes the value of one extension into c's fields (x509_ext.c). c->ext[i]
 * is filled in; E_PARSE when a known extension is malformed. */
int x509_ext_decode(struct x509 *c, const struct x509_ext *x) ERR_CHECK;
/* ext_list_parse(list, ...): Extensions ::= SEQUENCE OF, no duplicates */
int ext_list_parse(struct span list, struct diag *d, const char *object,
    struct x509_ext *ext, size_t *ret_n) ERR_CHECK;
int ku_parse(struct span value, unsigned *ret) ERR_CHECK;
int eku_parse(struct span value, unsigned *ret) ERR_CHECK;
int bc_parse(struct span value, bool *ret_ca, int *ret_path_len) ERR_CHECK;
/* the values (without the OCTET STRING) of extensions, for tbs and csr */
void ku_write(struct derw *w, unsigned ku);
void eku_write(struct derw *w, unsigned eku);
/* wraps what was written since mark as the extension's value and puts the
 * OID and the flag in front of it */
void ext_wrap(struct derw *w, enum oid id, bool critical, size_t mark);

/* set_of_write(w, tag, elements, n): the elements, sorted in place, X.690 11.6
 */
void set_of_sort(struct span *elements, size_t n);
void set_of_write(struct derw *w, int tag, struct span *elements, size_t n);
/* derw_reserve(w, n): room for n bytes to be filled in; NULL: w->err is set */
uint8_t *derw_reserve(struct derw *w, size_t n);
/* hands what w holds to out; the error of either */
int derw_to_buf(const struct derw *w, struct buf *out) ERR_CHECK;
/* positive INTEGER contents without the sign octet; empty when negative */
struct span integer_unsigned(struct span contents);

#endif
