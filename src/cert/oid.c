#include "cert/oid.h"

#include <stdio.h>

#define X520 "\x55\x04"
#define CE "\x55\x1d"
#define PKCS1 "\x2a\x86\x48\x86\xf7\x0d\x01\x01"
#define PKCS7 "\x2a\x86\x48\x86\xf7\x0d\x01\x07"
#define PKCS9 "\x2a\x86\x48\x86\xf7\x0d\x01\x09"
#define PILOT "\x09\x92\x26\x89\x93\xf2\x2c\x64\x01"
#define X962 "\x2a\x86\x48\xce\x3d"
#define NIST "\x60\x86\x48\x01\x65\x03\x04"
#define PKIX "\x2b\x06\x01\x05\x05\x07"
#define MICROSOFT "\x2b\x06\x01\x04\x01\x82\x37"
#define SCEP "\x60\x86\x48\x01\x86\xf8\x45\x01\x09"

#define ENTRY(id, bytes, text) \
	[id] = { (const uint8_t *)(bytes), sizeof(bytes) - 1, text }

static const struct {
	const uint8_t *p;
	size_t n;
	const char *name;
} table[OID_MAX] = {
	ENTRY(OID_CN, X520 "\x03", "CN"),
	ENTRY(OID_C, X520 "\x06", "C"),
	ENTRY(OID_L, X520 "\x07", "L"),
	ENTRY(OID_ST, X520 "\x08", "ST"),
	ENTRY(OID_O, X520 "\x0a", "O"),
	ENTRY(OID_OU, X520 "\x0b", "OU"),
	ENTRY(OID_SERIAL, X520 "\x05", "serialNumber"),
	ENTRY(OID_DC, PILOT "\x19", "DC"),
	ENTRY(OID_UID, PILOT "\x01", "UID"),
	ENTRY(OID_EMAIL, PKCS9 "\x01", "E"),
	ENTRY(OID_UNSTRUCTURED_NAME, PKCS9 "\x02", "unstructuredName"),
	ENTRY(OID_GIVEN, X520 "\x2a", "GN"),
	ENTRY(OID_SURNAME, X520 "\x04", "SN"),
	ENTRY(OID_TITLE, X520 "\x0c", "title"),

	ENTRY(OID_RSA, PKCS1 "\x01", "rsaEncryption"),
	ENTRY(OID_RSA_OAEP, PKCS1 "\x07", "rsaesOaep"),
	ENTRY(OID_RSA_PSS, PKCS1 "\x0a", "rsassaPss"),
	ENTRY(OID_EC, X962 "\x02\x01", "ecPublicKey"),
	ENTRY(OID_P256, X962 "\x03\x01\x07", "P-256"),
	ENTRY(OID_P384, "\x2b\x81\x04\x00\x22", "P-384"),
	ENTRY(OID_P521, "\x2b\x81\x04\x00\x23", "P-521"),
	ENTRY(OID_ED25519, "\x2b\x65\x70", "Ed25519"),
	ENTRY(OID_ED448, "\x2b\x65\x71", "Ed448"),
	ENTRY(OID_DSA, "\x2a\x86\x48\xce\x38\x04\x01", "dsa"),
	ENTRY(OID_RSA_MD5, PKCS1 "\x04", "md5WithRSAEncryption"),
	ENTRY(OID_RSA_SHA1, PKCS1 "\x05", "sha1WithRSAEncryption"),
	ENTRY(OID_RSA_SHA224, PKCS1 "\x0e", "sha224WithRSAEncryption"),
	ENTRY(OID_RSA_SHA256, PKCS1 "\x0b", "sha256WithRSAEncryption"),
	ENTRY(OID_RSA_SHA384, PKCS1 "\x0c", "sha384WithRSAEncryption"),
	ENTRY(OID_RSA_SHA512, PKCS1 "\x0d", "sha512WithRSAEncryption"),
	ENTRY(OID_ECDSA_SHA1, X962 "\x04\x01", "ecdsa-with-SHA1"),
	ENTRY(OID_ECDSA_SHA256, X962 "\x04\x03\x02", "ecdsa-with-SHA256"),
	ENTRY(OID_ECDSA_SHA384, X962 "\x04\x03\x03", "ecdsa-with-SHA384"),
	ENTRY(OID_ECDSA_SHA512, X962 "\x04\x03\x04", "ecdsa-with-SHA512"),
	ENTRY(OID_MD5, "\x2a\x86\x48\x86\xf7\x0d\x02\x05", "md5"),
	ENTRY(OID_SHA1, "\x2b\x0e\x03\x02\x1a", "sha1"),
	ENTRY(OID_SHA224, NIST "\x02\x04", "sha224"),
	ENTRY(OID_SHA256, NIST "\x02\x01", "sha256"),
	ENTRY(OID_SHA384, NIST "\x02\x02", "sha384"),
	ENTRY(OID_SHA512, NIST "\x02\x03", "sha512"),
	ENTRY(OID_MGF1, PKCS1 "\x08", "mgf1"),

	ENTRY(OID_SKI, CE "\x0e", "subjectKeyIdentifier"),
	ENTRY(OID_KU, CE "\x0f", "keyUsage"),
	ENTRY(OID_SAN, CE "\x11", "subjectAltName"),
	ENTRY(OID_IAN, CE "\x12", "issuerAltName"),
	ENTRY(OID_BC, CE "\x13", "basicConstraints"),
	ENTRY(OID_NAME_CONSTRAINTS, CE "\x1e", "nameConstraints"),
	ENTRY(OID_CRL_DP, CE "\x1f", "crlDistributionPoints"),
	ENTRY(OID_POLICIES, CE "\x20", "certificatePolicies"),
	ENTRY(OID_POLICY_MAPPINGS, CE "\x21", "policyMappings"),
	ENTRY(OID_AKI, CE "\x23", "authorityKeyIdentifier"),
	ENTRY(OID_POLICY_CONSTRAINTS, CE "\x24", "policyConstraints"),
	ENTRY(OID_EKU, CE "\x25", "extendedKeyUsage"),
	ENTRY(OID_INHIBIT_ANY, CE "\x36", "inhibitAnyPolicy"),
	ENTRY(OID_AIA, PKIX "\x01\x01", "authorityInfoAccess"),
	ENTRY(OID_CRL_NUMBER, CE "\x14", "cRLNumber"),
	ENTRY(OID_REASON, CE "\x15", "cRLReason"),
	ENTRY(OID_INVALIDITY, CE "\x18", "invalidityDate"),
	ENTRY(OID_IDP, CE "\x1c", "issuingDistributionPoint"),
	ENTRY(OID_DELTA, CE "\x1b", "deltaCRLIndicator"),
	ENTRY(OID_NETSCAPE_TYPE, "\x60\x86\x48\x01\x86\xf8\x42\x01\x01",
	    "netscapeCertType"),
	ENTRY(OID_MS_TEMPLATE, MICROSOFT "\x14\x02", "msCertTemplateName"),
	ENTRY(OID_MS_TEMPLATE_V2, MICROSOFT "\x15\x07", "msCertTemplate"),
	ENTRY(OID_SCT, "\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x02",
	    "signedCertificateTimestamps"),
	ENTRY(OID_AD_OCSP, PKIX "\x30\x01", "ocsp"),
	ENTRY(OID_AD_ISSUERS, PKIX "\x30\x02", "caIssuers"),
	ENTRY(OID_OCSP_NOCHECK, PKIX "\x30\x01\x05", "ocspNoCheck"),

	ENTRY(OID_EKU_SERVER, PKIX "\x03\x01", "serverAuth"),
	ENTRY(OID_EKU_CLIENT, PKIX "\x03\x02", "clientAuth"),
	ENTRY(OID_EKU_CODE, PKIX "\x03\x03", "codeSigning"),
	ENTRY(OID_EKU_EMAIL, PKIX "\x03\x04", "emailProtection"),
	ENTRY(OID_EKU_TIME, PKIX "\x03\x08", "timeStamping"),
	ENTRY(OID_EKU_OCSP, PKIX "\x03\x09", "OCSPSigning"),
	ENTRY(OID_EKU_SIP_DOMAIN, PKIX "\x03\x14", "sipDomain"),
	ENTRY(OID_EKU_IPSEC_IKE, PKIX "\x03\x11", "ipsecIKE"),
	ENTRY(OID_EKU_ANY, CE "\x25\x00", "anyExtendedKeyUsage"),
	ENTRY(OID_EKU_CMC_RA, PKIX "\x03\x1c", "cmcRA"),

	ENTRY(OID_DATA, PKCS7 "\x01", "data"),
	ENTRY(OID_SIGNED_DATA, PKCS7 "\x02", "signedData"),
	ENTRY(OID_ENVELOPED_DATA, PKCS7 "\x03", "envelopedData"),
	ENTRY(OID_CONTENT_TYPE, PKCS9 "\x03", "contentType"),
	ENTRY(OID_MESSAGE_DIGEST, PKCS9 "\x04", "messageDigest"),
	ENTRY(OID_SIGNING_TIME, PKCS9 "\x05", "signingTime"),
	ENTRY(OID_CHALLENGE, PKCS9 "\x07", "challengePassword"),
	ENTRY(OID_EXT_REQ, PKCS9 "\x0e", "extensionRequest"),
	ENTRY(OID_MS_EXT_REQ, MICROSOFT "\x02\x01\x0e", "msExtensionRequest"),
	ENTRY(OID_SCEP_MESSAGE_TYPE, SCEP "\x02", "messageType"),
	ENTRY(OID_SCEP_PKI_STATUS, SCEP "\x03", "pkiStatus"),
	ENTRY(OID_SCEP_FAIL_INFO, SCEP "\x04", "failInfo"),
	ENTRY(OID_SCEP_SENDER_NONCE, SCEP "\x05", "senderNonce"),
	ENTRY(OID_SCEP_RECIPIENT_NONCE, SCEP "\x06", "recipientNonce"),
	ENTRY(OID_SCEP_TRANS_ID, SCEP "\x07", "transactionID"),
	ENTRY(OID_SCEP_FAIL_TEXT, PKIX "\x18\x01", "failInfoText"),

	ENTRY(OID_DES_CBC, "\x2b\x0e\x03\x02\x07", "des-cbc"),
	ENTRY(OID_DES3_CBC, "\x2a\x86\x48\x86\xf7\x0d\x03\x07", "des-ede3-cbc"),
	ENTRY(OID_AES128_CBC, NIST "\x01\x02", "aes128-cbc"),
	ENTRY(OID_AES192_CBC, NIST "\x01\x16", "aes192-cbc"),
	ENTRY(OID_AES256_CBC, NIST "\x01\x2a", "aes256-cbc"),
};

struct span
oid_span(enum oid id)
{
	if (id <= OID_UNKNOWN || id >= OID_MAX)
		return span_of(NULL, 0);
	return span_of(table[id].p, table[id].n);
}

enum oid
oid_from_span(struct span s)
{
	if (s.n == 0)
		return OID_UNKNOWN;
	/* the last octet tells most of them apart; memcmp() then confirms */
	for (int i = 1; i < OID_MAX; i++)
		if (table[i].n == s.n && table[i].p[s.n - 1] == s.p[s.n - 1] &&
		    memcmp(table[i].p, s.p, s.n) == 0)
			return (enum oid)i;
	return OID_UNKNOWN;
}

const char *
oid_name(enum oid id)
{
	return id > OID_UNKNOWN && id < OID_MAX ? table[id].name : NULL;
}

/* one more arc; at past size means the text did not fit */
static size_t
arc_print(char *out, size_t size, size_t at, uint64_t arc)
{
	int n;

	if (at >= size)
		return at;
	n = snprintf(out + at, size - at, ".%llu", (unsigned long long)arc);
	return n < 0 ? size : at + (size_t)n;
}

static bool
print_arcs(struct span s, char *out, size_t size)
{
	uint64_t v = 0;
	size_t at = 0;
	bool is_first = true;

	for (size_t i = 0; i < s.n; i++) {
		if (v == 0 && s.p[i] == 0x80)
			return false; /* padded arc, X.690 8.19.2 */
		if (v >> 56)
			return false;
		v = v << 7 | (s.p[i] & 0x7f);
		if (s.p[i] & 0x80)
			continue;
		if (is_first) {
			unsigned root = v < 40 ? 0 : v < 80 ? 1 : 2;

			at = (size_t)snprintf(out, size, "%u", root);
			v -= root * 40u;
			is_first = false;
		}
		at = arc_print(out, size, at, v);
		v = 0;
	}
	return s.n > 0 && !(s.p[s.n - 1] & 0x80) && at < size;
}

void
oid_print(struct span contents, char *out, size_t size)
{
	if (size == 0)
		return;
	if (!print_arcs(contents, out, size))
		snprintf(out, size, "?");
}
