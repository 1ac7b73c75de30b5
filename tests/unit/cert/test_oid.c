/* CERT-1: identifiers against OpenSSL's own table. */
#include "cert/helper_cert.h"

#include <openssl/objects.h>

/* dotted form from the standards (RFC 5280, 5652, 8894, 8017, 5754...) */
static const struct {
	enum oid id;
	const char *dotted;
} known[] = {
	{ OID_CN, "2.5.4.3" },
	{ OID_C, "2.5.4.6" },
	{ OID_L, "2.5.4.7" },
	{ OID_ST, "2.5.4.8" },
	{ OID_O, "2.5.4.10" },
	{ OID_OU, "2.5.4.11" },
	{ OID_SERIAL, "2.5.4.5" },
	{ OID_DC, "0.9.2342.19200300.100.1.25" },
	{ OID_UID, "0.9.2342.19200300.100.1.1" },
	{ OID_EMAIL, "1.2.840.113549.1.9.1" },
	{ OID_UNSTRUCTURED_NAME, "1.2.840.113549.1.9.2" },
	{ OID_GIVEN, "2.5.4.42" },
	{ OID_SURNAME, "2.5.4.4" },
	{ OID_TITLE, "2.5.4.12" },
	{ OID_RSA, "1.2.840.113549.1.1.1" },
	{ OID_RSA_OAEP, "1.2.840.113549.1.1.7" },
	{ OID_RSA_PSS, "1.2.840.113549.1.1.10" },
	{ OID_EC, "1.2.840.10045.2.1" },
	{ OID_P256, "1.2.840.10045.3.1.7" },
	{ OID_P384, "1.3.132.0.34" },
	{ OID_P521, "1.3.132.0.35" },
	{ OID_ED25519, "1.3.101.112" },
	{ OID_ED448, "1.3.101.113" },
	{ OID_DSA, "1.2.840.10040.4.1" },
	{ OID_RSA_MD5, "1.2.840.113549.1.1.4" },
	{ OID_RSA_SHA1, "1.2.840.113549.1.1.5" },
	{ OID_RSA_SHA224, "1.2.840.113549.1.1.14" },
	{ OID_RSA_SHA256, "1.2.840.113549.1.1.11" },
	{ OID_RSA_SHA384, "1.2.840.113549.1.1.12" },
	{ OID_RSA_SHA512, "1.2.840.113549.1.1.13" },
	{ OID_ECDSA_SHA1, "1.2.840.10045.4.1" },
	{ OID_ECDSA_SHA256, "1.2.840.10045.4.3.2" },
	{ OID_ECDSA_SHA384, "1.2.840.10045.4.3.3" },
	{ OID_ECDSA_SHA512, "1.2.840.10045.4.3.4" },
	{ OID_MD5, "1.2.840.113549.2.5" },
	{ OID_SHA1, "1.3.14.3.2.26" },
	{ OID_SHA224, "2.16.840.1.101.3.4.2.4" },
	{ OID_SHA256, "2.16.840.1.101.3.4.2.1" },
	{ OID_SHA384, "2.16.840.1.101.3.4.2.2" },
	{ OID_SHA512, "2.16.840.1.101.3.4.2.3" },
	{ OID_MGF1, "1.2.840.113549.1.1.8" },
	{ OID_SKI, "2.5.29.14" },
	{ OID_KU, "2.5.29.15" },
	{ OID_SAN, "2.5.29.17" },
	{ OID_IAN, "2.5.29.18" },
	{ OID_BC, "2.5.29.19" },
	{ OID_NAME_CONSTRAINTS, "2.5.29.30" },
	{ OID_CRL_DP, "2.5.29.31" },
	{ OID_POLICIES, "2.5.29.32" },
	{ OID_POLICY_MAPPINGS, "2.5.29.33" },
	{ OID_AKI, "2.5.29.35" },
	{ OID_POLICY_CONSTRAINTS, "2.5.29.36" },
	{ OID_EKU, "2.5.29.37" },
	{ OID_INHIBIT_ANY, "2.5.29.54" },
	{ OID_AIA, "1.3.6.1.5.5.7.1.1" },
	{ OID_CRL_NUMBER, "2.5.29.20" },
	{ OID_REASON, "2.5.29.21" },
	{ OID_INVALIDITY, "2.5.29.24" },
	{ OID_IDP, "2.5.29.28" },
	{ OID_DELTA, "2.5.29.27" },
	{ OID_NETSCAPE_TYPE, "2.16.840.1.113730.1.1" },
	{ OID_MS_TEMPLATE, "1.3.6.1.4.1.311.20.2" },
	{ OID_MS_TEMPLATE_V2, "1.3.6.1.4.1.311.21.7" },
	{ OID_SCT, "1.3.6.1.4.1.11129.2.4.2" },
	{ OID_AD_OCSP, "1.3.6.1.5.5.7.48.1" },
	{ OID_AD_ISSUERS, "1.3.6.1.5.5.7.48.2" },
	{ OID_OCSP_NOCHECK, "1.3.6.1.5.5.7.48.1.5" },
	{ OID_EKU_SERVER, "1.3.6.1.5.5.7.3.1" },
	{ OID_EKU_CLIENT, "1.3.6.1.5.5.7.3.2" },
	{ OID_EKU_CODE, "1.3.6.1.5.5.7.3.3" },
	{ OID_EKU_EMAIL, "1.3.6.1.5.5.7.3.4" },
	{ OID_EKU_TIME, "1.3.6.1.5.5.7.3.8" },
	{ OID_EKU_OCSP, "1.3.6.1.5.5.7.3.9" },
	{ OID_EKU_SIP_DOMAIN, "1.3.6.1.5.5.7.3.20" },
	{ OID_EKU_IPSEC_IKE, "1.3.6.1.5.5.7.3.17" },
	{ OID_EKU_ANY, "2.5.29.37.0" },
	{ OID_EKU_CMC_RA, "1.3.6.1.5.5.7.3.28" },
	{ OID_DATA, "1.2.840.113549.1.7.1" },
	{ OID_SIGNED_DATA, "1.2.840.113549.1.7.2" },
	{ OID_ENVELOPED_DATA, "1.2.840.113549.1.7.3" },
	{ OID_CONTENT_TYPE, "1.2.840.113549.1.9.3" },
	{ OID_MESSAGE_DIGEST, "1.2.840.113549.1.9.4" },
	{ OID_SIGNING_TIME, "1.2.840.113549.1.9.5" },
	{ OID_CHALLENGE, "1.2.840.113549.1.9.7" },
	{ OID_EXT_REQ, "1.2.840.113549.1.9.14" },
	{ OID_MS_EXT_REQ, "1.3.6.1.4.1.311.2.1.14" },
	{ OID_SCEP_MESSAGE_TYPE, "2.16.840.1.113733.1.9.2" },
	{ OID_SCEP_PKI_STATUS, "2.16.840.1.113733.1.9.3" },
	{ OID_SCEP_FAIL_INFO, "2.16.840.1.113733.1.9.4" },
	{ OID_SCEP_SENDER_NONCE, "2.16.840.1.113733.1.9.5" },
	{ OID_SCEP_RECIPIENT_NONCE, "2.16.840.1.113733.1.9.6" },
	{ OID_SCEP_TRANS_ID, "2.16.840.1.113733.1.9.7" },
	{ OID_SCEP_FAIL_TEXT, "1.3.6.1.5.5.7.24.1" },
	{ OID_DES_CBC, "1.3.14.3.2.7" },
	{ OID_DES3_CBC, "1.2.840.113549.3.7" },
	{ OID_AES128_CBC, "2.16.840.1.101.3.4.1.2" },
	{ OID_AES192_CBC, "2.16.840.1.101.3.4.1.22" },
	{ OID_AES256_CBC, "2.16.840.1.101.3.4.1.42" },
};

static void
every_oid_is_right(void **state)
{
	(void)state;
	assert_int_equal(sizeof(known) / sizeof(known[0]), OID_MAX - 1);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		ASN1_OBJECT *o = OBJ_txt2obj(known[i].dotted, 1);
		struct span want, got = oid_span(known[i].id);
		char text[80];

		assert_non_null(o);
		want = span_of(OBJ_get0_data(o), OBJ_length(o));
		assert_true(span_is_equal(got, want));
		assert_int_equal(oid_from_span(want), known[i].id);
		assert_non_null(oid_name(known[i].id));
		oid_print(got, text, sizeof(text));
		assert_string_equal(text, known[i].dotted);
		ASN1_OBJECT_free(o);
	}
}

static void
unknown_and_malformed(void **state)
{
	static const char *const bad[] = { "", "80", "2a 80 01", "2a 86",
		"ff ff ff ff ff ff ff ff ff ff 01" };
	char text[8];

	(void)state;
	assert_int_equal(oid_from_span(from_hex("2a 03 04")), OID_UNKNOWN);
	assert_int_equal(oid_from_span(from_hex("")), OID_UNKNOWN);
	assert_null(oid_name(OID_UNKNOWN));
	assert_null(oid_name(OID_MAX));
	assert_int_equal(oid_span(OID_UNKNOWN).n, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		oid_print(from_hex(bad[i]), text, sizeof(text));
		assert_string_equal(text, "?");
	}
	/* does not fit */
	oid_print(oid_span(OID_AES256_CBC), text, sizeof(text));
	assert_string_equal(text, "?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_oid_is_right),
		cmocka_unit_test(unknown_and_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
