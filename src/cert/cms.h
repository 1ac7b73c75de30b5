/*
 * cert/cms: the parts of CMS (RFC 5652) that SCEP needs: SignedData with one
 * signer, EnvelopedData with RSA key transport, certs-only bundles.
 *
 * Private keys stay elsewhere: parsing hands out what must be decrypted, and
 * building is in two steps around an outside signature. Our own reader and
 * writer instead of OpenSSL's because of its speed; docs/adr/0002.
 */
#ifndef SIGNET_CERT_CMS_H
#define SIGNET_CERT_CMS_H

#include "cert/x509.h"

#define CMS_MAX (1u << 20) /* bytes of one message */
#define CMS_CERTS_MAX 8    /* certificates looked at in one message */
#define CMS_RECIPIENTS_MAX 8
#define CMS_ATTR_MAX 32

struct cms_attr {          /* one signed attribute with a single value */
	struct span oid;   /* contents octets */
	struct span value; /* the value with its tag */
};

/* SignedData; spans borrow from the input, which must be DER (call
 * der_normalize() first when cms_signed_parse() says E_PARSE on BER input) */
struct cms_signed {
	/* eContent octets; empty and has_content false when absent */
	struct span content;
	bool has_content;
	int content_oid;                  /* enum oid */
	struct span certs[CMS_CERTS_MAX]; /* each with tag */
	size_t cert_n;
	struct span crls; /* contents of the crls field */
	bool has_signer;
	/* IssuerAndSerial or [0] SKI */
	struct span sid_issuer, sid_serial, sid_ski;
	enum hash_kind hash; /* digestAlgorithm */
	/* AlgorithmIdentifier with tag (rsaEncryption is fine) */
	struct span sig_alg;
	struct span sig;
	/* signedAttrs [0] contents as they came, any order */
	struct span attrs_raw;
	struct cms_attr attrs[CMS_ATTR_MAX];
	size_t attr_n;
};
int cms_signed_parse(struct span der, struct diag *d, struct cms_signed *ret)
    ERR_CHECK;
/* value of the attribute; empty span when absent */
struct span cms_attr_get(const struct cms_signed *s, int oid);
/* cms_signed_verify(s, spki): signature over the attributes and the
 * messageDigest over the content (RFC 5652 5.4). Tries the attributes as sent
 * and as a sorted SET: some devices sign what they send unsorted. E_CRYPTO. */
int cms_signed_verify(const struct cms_signed *s, struct span signer_spki)
    ERR_CHECK;

struct cms_enveloped {
	struct {
		struct span issuer, serial, ski;
		int oid; /* OID_RSA or OID_RSA_OAEP */
		enum hash_kind oaep_hash, oaep_mgf; /* for OAEP */
		struct span key;                    /* encrypted content key */
	} to[CMS_RECIPIENTS_MAX];
	size_t to_n;
	int cipher; /* enum oid: OID_AES128_CBC, ... */
	struct span iv;
	uint8_t *joined; /* ciphertext when it came in pieces; own */
	struct span ciphertext;
};
int cms_enveloped_parse(
    struct span der, struct diag *d, struct cms_enveloped *ret) ERR_CHECK;
void cms_enveloped_done(struct cms_enveloped *e);
size_t cms_cipher_key_size(int cipher_oid); /* bytes, 0 unknown */
/* cms_enveloped_open(e, key, out): decrypts; E_CRYPTO on bad padding */
int cms_enveloped_open(
    const struct cms_enveloped *e, struct span key, struct buf *out) ERR_CHECK;
/* cms_enveloped_build(recipient, cipher oid, content, out): RSA PKCS#1 v1.5
 * key transport to the certificate's key, as ContentInfo */
int cms_enveloped_build(const struct x509 *recipient, int cipher_oid,
    struct span content, struct buf *out) ERR_CHECK;

/* certs-only SignedData (degenerate PKCS#7) as ContentInfo */
int cms_certs_build(const struct span *certs, size_t n, const struct span *crls,
    size_t crl_n, struct buf *out) ERR_CHECK;

/* Two steps of signing: first the DER SET OF signed attributes (what is
 * hashed and signed), then the whole SignedData around the signature. */
struct cms_sign_params {
	/* eContent; an empty one is left out when !has_content */
	struct span content;
	bool has_content;
	/* besides contentType and messageDigest */
	const struct cms_attr *attrs;
	size_t attr_n;
	enum hash_kind hash;
	/* of the signer's certificate */
	struct span signer_issuer, signer_serial;
	enum key_kind signer_key;
	const struct span *certs;
	size_t cert_n; /* to include */
};
int cms_attrs_build(const struct cms_sign_params *p, struct buf *ret_set)
    ERR_CHECK;
int cms_signed_build(const struct cms_sign_params *p, struct span attrs_set,
    struct span sig, struct buf *out) ERR_CHECK;

#endif
