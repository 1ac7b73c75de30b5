#include "cert/jks.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/reader.h"
#include "base/str.h"
#include "cert/bundle_internal.h"

static bool
has_magic(struct span file, uint32_t magic)
{
	struct reader in = reader_of(file);

	return reader_u32(&in) == magic && !in.err;
}

bool
jks_is(struct span file)
{
	return has_magic(file, JKS_MAGIC);
}

bool
jceks_is(struct span file)
{
	return has_magic(file, JCEKS_MAGIC);
}

struct jks {
	struct bundle_reader *r;
	struct secret *password; /* NULL: none given */
	struct reader in;
	uint32_t version;
};

/* Java's text: two bytes of length */
static struct span
take_text(struct reader *in)
{
	return reader_bytes(in, reader_u16(in));
}

static void
take_alias(struct jks *k)
{
	struct span alias = take_text(&k->in);

	str_escape(
	    k->r->alias, sizeof(k->r->alias), (const char *)alias.p, alias.n);
	(void)reader_u64(&k->in); /* when it was made, in ms */
}

static int
take_cert(struct jks *k)
{
	struct span type = span_str("X.509"), der;

	if (k->version == 2)
		type = take_text(&k->in);
	der = reader_bytes(&k->in, reader_u32(&k->in));
	if (k->in.err)
		return 0;
	if (span_is_equal(type, span_str("X.509")))
		return bundle_read_cert(k->r, der);
	bundle_note(k->r, 0, true, "entry \"%s\": a certificate of type %.*s",
	    k->r->alias, (int)(type.n < 40 ? type.n : 40),
	    (const char *)type.p);
	return 0;
}

static int
take_key(struct jks *k)
{
	struct span der = reader_bytes(&k->in, reader_u32(&k->in));
	struct secret *key = NULL, *whole = NULL;
	int e;

	if (k->in.err)
		return 0;
	if (!k->password)
		return bundle_add(k->r, OBJECT_ENCRYPTED_KEY, der);
	e = jks_key_open(secret_peek(k->password), der, &key);
	if (e == E_PASSWORD)
		return bundle_password(k->r, "private key");
	if (!e) {
		e = pkcs8_normalize(secret_peek(key), &whole);
		secret_free(key);
	}
	if (!e)
		return bundle_add_key(k->r, whole);
	bundle_note(k->r, 0, true, "entry \"%s\": private key not read: %s",
	    k->r->alias, err_text(e));
	return 0;
}

static int
take_entry(struct jks *k)
{
	uint32_t tag = reader_u32(&k->in), n = 1;
	int e = 0;

	take_alias(k);
	if (k->in.err)
		return 0;
	if (tag == JKS_KEY_ENTRY) {
		e = take_key(k);
		n = reader_u32(&k->in);
	} else if (tag != JKS_CERT_ENTRY) {
		k->in.err = E_PARSE;
	}
	if (n > JKS_CHAIN_MAX)
		k->in.err = E_TOO_BIG;
	while (!e && !k->in.err && n-- > 0)
		e = take_cert(k);
	k->r->alias[0] = '\0';
	return e;
}

/* The hash at the end is checked first, so that a wrong password is told as
 * one and a damaged file is not mined for certificates. Certificates are
 * readable without a password; then a note says that nothing was checked. */
static int
check_hash(struct jks *k, struct span file)
{
	uint8_t hash[JKS_HASH];
	int e;

	if (!k->r->have_password) {
		bundle_note(k->r, 0, false,
		    "no password given: contents not checked, private keys "
		    "stay closed");
		return 0;
	}
	e = jks_password(k->r->password, &k->password);
	if (!e)
		e = jks_hash(secret_peek(k->password),
		    span_of(file.p, file.n - JKS_HASH), hash);
	if (e)
		return diag_set(k->r->d, e, k->r->name, NULL,
		    "password not usable: %s", err_text(e));
	if (!secret_is_equal(span_of(hash, JKS_HASH),
		span_of(file.p + file.n - JKS_HASH, JKS_HASH)))
		return bundle_password(k->r, "JKS file");
	return 0;
}

static int
refuse_jceks(struct bundle_reader *r)
{
	(void)diag_set(r->d, E_UNSUPPORTED, r->name, "CERT-2",
	    "this is a JCEKS key store");
	diag_remedy(r->d, "convert it: keytool -importkeystore -srcstoretype "
			  "JCEKS -srckeystore IN -deststoretype PKCS12 "
			  "-destkeystore OUT.p12");
	return E_UNSUPPORTED;
}

static int
read_entries(struct jks *k, struct span file)
{
	uint32_t count;
	int e = 0;

	k->in = reader_of(span_of(file.p + 4, file.n - 4 - JKS_HASH));
	k->version = reader_u32(&k->in);
	count = reader_u32(&k->in);
	if (k->version < 1 || k->version > 2)
		return diag_set(k->r->d, E_UNSUPPORTED, k->r->name, NULL,
		    "JKS version %" PRIu32, k->version);
	for (uint32_t i = 0; !e && !k->in.err && i < count; i++)
		e = take_entry(k);
	if (!e && reader_finish(&k->in))
		bundle_note(k->r, 0, true, "JKS file not read to its end: %s",
		    err_text(reader_finish(&k->in)));
	return e;
}

int
jks_read(struct bundle_reader *r, struct span file)
{
	struct jks k = { .r = r };
	int e;

	if (jceks_is(file))
		return refuse_jceks(r);
	r->format = r->b->format = FORMAT_JKS;
	if (file.n < 12 + JKS_HASH)
		return diag_set(r->d, E_TRUNCATED, r->name, NULL,
		    "a JKS file of %zu bytes", file.n);
	e = check_hash(&k, file);
	if (!e)
		e = read_entries(&k, file);
	secret_free(k.password);
	return e;
}
