/* CERT-1, CERT-2, CERT-5: certificates made by openssl; ours read back by it.
 */
#include "cert/helper_cert.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/str.h"

/* OpenSSL counts the bits from the other end under the same names */
#undef KU_DIGITAL_SIGNATURE
#undef KU_NON_REPUDIATION
#undef KU_KEY_ENCIPHERMENT
#undef KU_DATA_ENCIPHERMENT
#undef KU_KEY_AGREEMENT
#undef KU_CRL_SIGN
#undef KU_ENCIPHER_ONLY
#undef KU_DECIPHER_ONLY
#define OPENSSL_KU_DIGITAL_SIGNATURE 0x0080
#define OPENSSL_KU_KEY_AGREEMENT 0x0008
#define OPENSSL_KU_DECIPHER_ONLY 0x8000

#define T2026 INT64_C(1767225600) /* date -u -d 2026-01-01 +%s */
#define T2056 INT64_C(2713955696) /* 2056-01-01T12:34:56Z */

/* CERT-1: the fields that make.sh asked openssl for */
static void
every_field(void **state)
{
	struct x509 *c = data_cert("full.der"), *ca = data_cert("ca.der");
	struct san_list san;
	char text[1024];
	uint8_t fp[32];

	(void)state;
	assert_int_equal(c->version, 3);
	x509_serial_print(c, text, sizeof(text));
	assert_string_equal(text, "8fedcba98765432100");
	assert_true(span_is_equal(c->issuer, ca->subject));
	assert_int_equal(c->not_before, T2026);
	assert_int_equal(c->not_after, T2056);
	assert_true(c->has_bc && !c->ca && c->path_len == -1);
	assert_true(c->has_ku);
	assert_int_equal(c->ku, KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT);
	assert_true(x509_ext_get0(c, OID_KU)->critical);
	assert_int_equal(
	    c->eku, EKU_SERVER | EKU_CLIENT | EKU_SIP_DOMAIN | EKU_OTHER);
	assert_true(span_is_equal(c->aki, ca->ski));
	assert_int_equal(c->ext_n, 8);
	assert_false(c->unknown_critical);
	assert_null(x509_ext_get0(c, OID_NAME_CONSTRAINTS));
	assert_int_equal(san_from_der(c->san, &san), 0);
	san_print(&san, text, sizeof(text));
	assert_string_equal(text,
	    "DNS:pbx1.example.com,DNS:*.example.com,IP:192.0.2.1,"
	    "IP:2001:db8::1,URI:sip:example.com,EMAIL:admin@example.com,"
	    "DirName:O=Directory Name,otherName:1.2.3.4");
	x509_fingerprint(c, fp);
	assert_true(ca->ca && ca->path_len == 3 && x509_is_self_issued(ca));
	assert_int_equal(ca->ku, KU_CERT_SIGN | KU_CRL_SIGN);
	assert_int_equal(x509_verify(c, ca->spki), 0);
	assert_int_equal(x509_verify(c, c->spki), E_CRYPTO);
	x509_free(ca);
	x509_free(c);
}

/* CERT-5, CERT-2: old, rare and present algorithms; all self-signed */
static void
all_algorithms(void **state)
{
	static const struct {
		const char *file;
		enum key_kind key;
		enum hash_kind hash;
		int version;
	} t[] = {
		{ "ca.der", KEY_RSA2048, HASH_SHA256, 3 },
		{ "p256.der", KEY_P256, HASH_SHA256, 1 },
		{ "p384.der", KEY_P384, HASH_SHA384, 1 },
		{ "p521.der", KEY_OTHER, HASH_SHA512, 1 },
		{ "ed25519.der", KEY_ED25519, HASH_UNSET, 1 },
		{ "rsa1024-md5.der", KEY_RSA1024, HASH_MD5, 1 },
		{ "rsa1024-sha1.der", KEY_RSA1024, HASH_SHA1, 1 },
		{ "pss.der", KEY_RSA2048, HASH_SHA256, 1 },
		{ "v1.der", KEY_RSA2048, HASH_SHA256, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct x509 *c = data_cert(t[i].file);
		struct spki_info info;
		enum hash_kind h;
		int oid;

		assert_int_equal(c->version, t[i].version);
		assert_int_equal(spki_parse(c->spki, &info), 0);
		assert_int_equal(info.kind, t[i].key);
		assert_int_equal(sig_alg_parse(c->sig_alg, &h, &oid), 0);
		assert_int_equal(h, t[i].hash);
		assert_int_equal(x509_verify(c, c->spki), 0);
		c->der[c->n - 1] ^= 1;
		assert_int_equal(x509_verify(c, c->spki), E_CRYPTO);
		c->der[c->n - 1] ^= 1;
		c->der[c->tbs.p - c->der + 20] ^= 1; /* in the serial or so */
		assert_int_not_equal(x509_verify(c, c->spki), 0);
		x509_free(c);
	}
}

static int
parse(struct span der)
{
	struct x509 *c = NULL;
	struct diag d = { 0 };
	int e = x509_parse(der, &d, &c);

	assert_int_equal(e, d.code);
	assert_true(e == 0 || d.fact[0]);
	x509_free(c);
	return e;
}

static void
cut_anywhere(void **state)
{
	(void)state;
	assert_no_prefix(data_file("full.der"), parse);
	assert_no_prefix(data_file("v1.der"), parse);
	assert_no_prefix(data_file("ed25519.der"), parse);
}

/* no single byte changed may crash it or pass the signature */
static void
changed_anywhere(void **state)
{
	struct span good = data_file("p256.der");
	struct x509 *signer = data_cert("p256.der");
	uint8_t der[512];

	(void)state;
	for (size_t i = 0; i < good.n; i++) {
		struct x509 *c = NULL;

		memcpy(der, good.p, good.n);
		der[i] ^= (uint8_t)(1u << (i % 8));
		if (x509_parse(span_of(der, good.n), NULL, &c))
			continue;
		assert_int_not_equal(x509_verify(c, signer->spki), 0);
		x509_free(c);
	}
	x509_free(signer);
}

/* the bytes of full.der with one place changed */
static int
parse_patched(const char *find, const char *put)
{
	struct span good = data_file("full.der"), f = from_hex(find);
	struct span p = from_hex(put);
	uint8_t der[2048];
	uint8_t *at;

	memcpy(der, good.p, good.n);
	at = (uint8_t *)memmem(der, good.n, f.p, f.n);
	assert_non_null(at);
	assert_int_equal(f.n, p.n);
	memcpy(at, p.p, p.n);
	return parse(span_of(der, good.n));
}

/* RFC 5280 4.1: each rule of strict intake */
static void
strictness(void **state)
{
	(void)state;
	/* version 2 with extensions; version 4 */
	assert_int_equal(
	    parse_patched("a0 03 02 01 02", "a0 03 02 01 01"), E_PARSE);
	assert_int_equal(
	    parse_patched("a0 03 02 01 02", "a0 03 02 01 03"), E_PARSE);
	/* inner algorithm differs from the outer one (comes first) */
	assert_int_equal(parse_patched("2a864886f70d01010b 05 00 30",
			     "2a864886f70d01010c 05 00 30"),
	    E_PARSE);
	/* keyUsage becomes a second basicConstraints */
	assert_int_equal(
	    parse_patched("06 03 55 1d 0f", "06 03 55 1d 13"), E_PARSE);
	/* the same extension twice, of a kind we do not decode */
	assert_int_equal(
	    parse_patched("06 03 55 1d 25", "06 03 55 1d 0f"), E_PARSE);
	/* month 13; not Z */
	assert_int_equal(
	    parse_patched("17 0d 32 36 30 31", "17 0d 32 36 31 33"), E_PARSE);
	assert_int_equal(
	    parse_patched("30 30 30 30 5a", "30 30 30 30 2b"), E_PARSE);
	/* critical: 01 is no DER TRUE */
	assert_int_equal(parse_patched("01 01 ff", "01 01 01"), E_PARSE);
	/* serial number not minimal */
	assert_int_equal(parse_patched("02 0a 00 8f", "02 0a 00 7f"), E_PARSE);
	/* a name value of type NULL */
	assert_int_equal(parse_patched("55 04 03 0c", "55 04 03 05"), E_PARSE);
	/* signature with unused bits */
	assert_int_equal(
	    parse_patched("03 82 01 01 00", "03 82 01 01 01"), E_PARSE);
	/* unknown but critical: read, and said */
	assert_int_equal(parse_patched("06 03 55 1d 0f", "06 03 55 1d 7f"), 0);
}

static void
critical_and_unknown(void **state)
{
	struct span good = data_file("full.der");
	uint8_t der[2048], *at;
	struct x509 *c = NULL;

	(void)state;
	memcpy(der, good.p, good.n);
	at = (uint8_t *)memmem(der, good.n, "\x55\x1d\x0f", 3);
	at[2] = 0x7f;
	assert_int_equal(x509_parse(span_of(der, good.n), NULL, &c), 0);
	assert_true(c->unknown_critical);
	assert_false(c->has_ku);
	x509_free(c);
}

static void
too_big(void **state)
{
	uint8_t *big = (uint8_t *)calloc(1, X509_DER_MAX + 1);

	(void)state;
	assert_int_equal(parse(span_of(big, X509_DER_MAX + 1)), E_TOO_BIG);
	assert_int_equal(parse(span_of(NULL, 0)), E_TRUNCATED);
	free(big);
}

static void
usage_names(void **state)
{
	(void)state;
	for (unsigned b = KU_DIGITAL_SIGNATURE; b <= KU_DECIPHER_ONLY; b <<= 1)
		assert_int_equal(ku_from_name(ku_name(b)), b);
	for (unsigned b = EKU_SERVER; b <= EKU_CMC_RA; b <<= 1)
		assert_int_equal(eku_from_name(eku_name(b)), b);
	assert_int_equal(ku_from_name("signature"), 0);
	assert_int_equal(eku_from_name("other"), 0);
	assert_string_equal(eku_name(EKU_OTHER), "other");
}

struct made {
	struct tbs_params p;
	struct buf issuer, subject, tbs, sig, cert, spki;
	struct san_list san;
	uint8_t serial[20];
	EVP_PKEY *key;
};

static void
made_init(struct made *m, const char *key, const char *san)
{
	memset(m, 0, sizeof(*m));
	buf_init(&m->issuer, 1024);
	buf_init(&m->subject, 1024);
	buf_init(&m->tbs, 65536);
	buf_init(&m->sig, 4096);
	buf_init(&m->cert, 65536);
	buf_init(&m->spki, 4096);
	m->key = data_key(key);
	memset(m->serial, 0x7f, sizeof(m->serial));
	assert_int_equal(name_build("CN=Issuer,O=Ex", NULL, &m->issuer), 0);
	assert_int_equal(name_build("CN=pbx1,C=DE", NULL, &m->subject), 0);
	assert_int_equal(san_parse(san, NULL, &m->san), 0);
	assert_int_equal(spki_build(m->key, &m->spki), 0);
	m->p = (struct tbs_params){
		.serial = span_of(m->serial, 20),
		.issuer_key = key_kind_of(m->key),
		.hash = HASH_SHA256,
		.issuer = buf_span(&m->issuer),
		.subject = buf_span(&m->subject),
		.not_before = T2026,
		.not_after = T2056,
		.spki = buf_span(&m->spki),
		.path_len = -1,
		.ku = KU_DIGITAL_SIGNATURE | KU_KEY_AGREEMENT,
		.ku_critical = true,
		.eku = EKU_SERVER | EKU_CLIENT,
		.san = &m->san,
		.aki = span_str("0123456789abcdef0123"),
		.crl_url = "http://pki.example.com/ca.crl",
		.issuers_url = "http://pki.example.com/ca.cer",
		.ocsp_url = "http://ocsp.example.com/",
	};
}

static void
made_done(struct made *m)
{
	buf_done(&m->issuer);
	buf_done(&m->subject);
	buf_done(&m->tbs);
	buf_done(&m->sig);
	buf_done(&m->cert);
	buf_done(&m->spki);
	EVP_PKEY_free(m->key);
}

/* the whole certificate, as OpenSSL reads it */
static X509 *
made_cert(struct made *m)
{
	const unsigned char *p;
	X509 *x;

	assert_int_equal(tbs_build(&m->p, &m->tbs), 0);
	assert_int_equal(
	    key_sign(m->key, m->p.hash, buf_span(&m->tbs), &m->sig), 0);
	assert_int_equal(x509_assemble(buf_span(&m->tbs), m->p.issuer_key,
			     m->p.hash, buf_span(&m->sig), &m->cert),
	    0);
	p = m->cert.p;
	x = d2i_X509(NULL, &p, (long)m->cert.n);
	assert_non_null(x);
	assert_ptr_equal(p, m->cert.p + m->cert.n);
	assert_int_equal(X509_verify(x, m->key), 1);
	return x;
}

/* what we build, read by OpenSSL */
static void
built_for_openssl(void **state)
{
	static const char *const keys[] = { "leaf", "p256", "ed25519" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct made m;
		GENERAL_NAMES *names;
		ASN1_OCTET_STRING *ski;
		uint8_t id[20];
		X509 *x;

		made_init(&m, keys[i], "DNS:pbx1.example.com,IP:2001:db8::1");
		x = made_cert(&m);
		assert_int_equal(X509_get_version(x), 2);
		assert_int_equal(X509_get_key_usage(x),
		    OPENSSL_KU_DIGITAL_SIGNATURE | OPENSSL_KU_KEY_AGREEMENT);
		assert_int_equal(X509_get_extended_key_usage(x),
		    XKU_SSL_SERVER | XKU_SSL_CLIENT);
		assert_int_equal(X509_check_ca(x), 0);
		assert_int_equal(
		    X509_check_host(x, "pbx1.example.com", 0, 0, NULL), 1);
		assert_int_equal(X509_check_ip_asc(x, "2001:db8::1", 0), 1);
		ski = (ASN1_OCTET_STRING *)X509_get0_subject_key_id(x);
		assert_int_equal(spki_key_id(buf_span(&m.spki), id), 0);
		assert_memory_equal(ASN1_STRING_get0_data(ski), id, 20);
		assert_memory_equal(
		    ASN1_STRING_get0_data(X509_get0_authority_key_id(x)),
		    "0123456789abcdef0123", 20);
		names = (GENERAL_NAMES *)X509_get_ext_d2i(
		    x, NID_subject_alt_name, NULL, NULL);
		assert_int_equal(sk_GENERAL_NAME_num(names), 2);
		GENERAL_NAMES_free(names);
		assert_int_equal(parse(buf_span(&m.cert)), 0);
		X509_free(x);
		made_done(&m);
	}
}

static void
built_ca(void **state)
{
	struct made m;
	struct x509 bare;
	X509 *x;

	(void)state;
	made_init(&m, "p384", "");
	m.p.ca = true;
	m.p.path_len = 0;
	m.p.ku = KU_CERT_SIGN | KU_CRL_SIGN | KU_DECIPHER_ONLY;
	m.p.eku = 0;
	m.p.crl_url = m.p.issuers_url = m.p.ocsp_url = NULL;
	m.p.hash = HASH_SHA384;
	x = made_cert(&m);
	assert_int_equal(X509_check_ca(x), 1);
	assert_int_equal(X509_get_pathlen(x), 0);
	assert_true(X509_get_key_usage(x) & OPENSSL_KU_DECIPHER_ONLY);
	assert_int_equal(X509_get_ext_count(x), 4);
	/* x509_parse_tbs(): the same from the unsigned part */
	assert_int_equal(x509_parse_tbs(buf_span(&m.tbs), NULL, &bare), 0);
	assert_true(bare.ca && bare.path_len == 0 && bare.der == NULL);
	assert_int_equal(bare.ku, m.p.ku);
	assert_int_equal(bare.sig.n, 0);
	m.tbs.n--;
	assert_int_not_equal(x509_parse_tbs(buf_span(&m.tbs), NULL, &bare), 0);
	X509_free(x);
	made_done(&m);
}

/* RFC 5280 4.2.1.6: the SAN is critical where it alone names the subject */
static void
empty_subject(void **state)
{
	struct made m;
	X509 *x;
	int crit;

	(void)state;
	made_init(&m, "p256", "DNS:a.example");
	m.p.subject = from_hex("30 00");
	x = made_cert(&m);
	GENERAL_NAMES_free((GENERAL_NAMES *)X509_get_ext_d2i(
	    x, NID_subject_alt_name, &crit, NULL));
	assert_int_equal(crit, 1);
	X509_free(x);
	m.p.san = NULL;
	assert_int_equal(tbs_build(&m.p, &m.tbs), E_INVAL);
	made_done(&m);
}

static void
what_is_not_built(void **state)
{
	struct made m;
	struct tbs_params p;

	(void)state;
	made_init(&m, "p256", "DNS:a.example");
	p = m.p;
	m.serial[0] = 0x80; /* 21 octets with its sign */
	assert_int_equal(tbs_build(&p, &m.tbs), E_INVAL);
	memset(m.serial, 0, sizeof(m.serial));
	assert_int_equal(tbs_build(&p, &m.tbs), E_INVAL);
	m.serial[19] = 1;
	p.not_after = p.not_before - 1;
	assert_int_equal(tbs_build(&p, &m.tbs), E_INVAL);
	p = m.p;
	p.not_after = INT64_C(253402300800);
	assert_int_equal(tbs_build(&p, &m.tbs), E_INVAL);
	p = m.p;
	p.path_len = 0; /* on a leaf */
	assert_int_equal(tbs_build(&p, &m.tbs), E_INVAL);
	p = m.p;
	p.issuer = from_hex("30 00");
	assert_int_equal(tbs_build(&p, &m.tbs), E_INVAL);
	p = m.p;
	p.crl_url = "http://a b/";
	assert_int_equal(tbs_build(&p, &m.tbs), E_INVAL);
	p = m.p;
	p.spki = from_hex("30 00");
	assert_int_equal(tbs_build(&p, &m.tbs), E_PARSE);
	p = m.p;
	p.issuer_key = KEY_OTHER;
	assert_int_equal(tbs_build(&p, &m.tbs), E_UNSUPPORTED);
	assert_int_equal(m.tbs.n, 0);
	made_done(&m);
}

static void
serial_numbers(void **state)
{
	struct x509 c = { .serial = from_hex("00") };
	char out[80];

	(void)state;
	x509_serial_print(&c, out, sizeof(out));
	assert_string_equal(out, "00");
	c.serial = from_hex("00 ff");
	x509_serial_print(&c, out, sizeof(out));
	assert_string_equal(out, "ff");
	c.serial = from_hex("ff 00"); /* -256 */
	x509_serial_print(&c, out, sizeof(out));
	assert_string_equal(out, "-0100");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field),
		cmocka_unit_test(all_algorithms),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(changed_anywhere),
		cmocka_unit_test(strictness),
		cmocka_unit_test(critical_and_unknown),
		cmocka_unit_test(too_big),
		cmocka_unit_test(usage_names),
		cmocka_unit_test(built_for_openssl),
		cmocka_unit_test(built_ca),
		cmocka_unit_test(empty_subject),
		cmocka_unit_test(what_is_not_built),
		cmocka_unit_test(serial_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
