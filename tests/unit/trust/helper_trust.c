#include "trust/helper_trust.h"

#include <ftw.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/json.h"
#include "cert/key.h"

struct place *
place_new(const char *url)
{
	struct place *p = (struct place *)calloc(1, sizeof(*p));
	struct diag d = { 0 };
	char file[128];

	assert_non_null(p);
	snprintf(p->dir, sizeof(p->dir), "/tmp/h-ca-trust-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->trust.catalog_dir, sizeof(p->trust.catalog_dir), "%s",
	    TEST_CATALOG);
	snprintf(p->trust.state_dir, sizeof(p->trust.state_dir), "%s", p->dir);
	snprintf(file, sizeof(file), "sqlite:%s/db", p->dir);
	if (strcmp(url, "sqlite") == 0)
		url = file;
	assert_int_equal(store_open(url, &d, &p->trust.store), 0);
	assert_int_equal(ledger_open(p->trust.store, &d, &p->trust.ledger), 0);
	return p;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void
place_free(struct place *p)
{
	ledger_close(p->trust.ledger);
	store_close(p->trust.store);
	(void)nftw(p->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(p);
}

static void
to_buf(BIO *b, struct buf *out)
{
	char *text;
	long n = BIO_get_mem_data(b, &text);

	buf_add(out, text, (size_t)n);
	BIO_free(b);
}

void
make_pem(const char *cn, bool ca, int64_t not_before, int64_t not_after,
    struct buf *out)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	BIO *b = BIO_new(BIO_s_mem());
	X509 *c = X509_new();
	X509_NAME *n = X509_get_subject_name(c);
	X509_EXTENSION *x;

	X509_set_version(c, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(c), 4711);
	X509_NAME_add_entry_by_txt(
	    n, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(c, n);
	ASN1_TIME_set(X509_getm_notBefore(c), (time_t)not_before);
	ASN1_TIME_set(X509_getm_notAfter(c), (time_t)not_after);
	X509_set_pubkey(c, key);
	x = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints,
	    ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	X509_add_ext(c, x, -1);
	X509_EXTENSION_free(x);
	assert_true(X509_sign(c, key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509(b, c), 1);
	to_buf(b, out);
	X509_free(c);
	EVP_PKEY_free(key);
}

void
make_key_pem(struct buf *out)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	BIO *b = BIO_new(BIO_s_mem());

	assert_int_equal(
	    PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0, NULL, NULL), 1);
	to_buf(b, out);
	EVP_PKEY_free(key);
}

int
import(struct place *p, struct span file, json_t **ret, struct diag *d)
{
	struct trust_import i = { .system = "",
		.file = file,
		.name = "file",
		.origin = ORIGIN_ADDED,
		.actor = "uid:0",
		.source = "local" };
	int e = trust_import(&p->trust, &i, NOW, d, ret);

	assert_true(store_flush(p->trust.store) == 0 || e);
	return e;
}

static int
count_one(const struct trust_row *t, void *cookie)
{
	(void)t;
	++*(int64_t *)cookie;
	return 0;
}

int64_t
count_in(struct place *p, const char *system)
{
	int64_t n = 0;

	assert_int_equal(
	    trust_row_each(p->trust.store, system, count_one, &n), 0);
	return n;
}

const json_t *
find_in(const json_t *list, const char *subject)
{
	size_t i;
	json_t *o;

	json_array_foreach(json_object_get(list, "certificates"), i, o)
	{
		const char *text = json_get0_text(o, "subject");

		if (text && strstr(text, subject))
			return o;
	}
	return NULL;
}

bool
has_flag(const json_t *certificate, const char *flag)
{
	size_t i;
	json_t *o;

	json_array_foreach(json_object_get(certificate, "flags"), i,
	    o) if (strcmp(json_string_value(o), flag) == 0) return true;
	return false;
}

static int
count_event(const struct event_row *e, void *cookie)
{
	(void)e;
	++*(int *)cookie;
	return 0;
}

int
count_events(struct place *p, enum event_kind kind)
{
	struct event_filter f = { .kind = kind, .limit = 10000 };
	int n = 0;

	assert_int_equal(event_each(p->trust.store, &f, count_event, &n), 0);
	return n;
}
