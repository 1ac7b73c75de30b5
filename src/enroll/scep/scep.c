#include "enroll/scep/scep.h"

#include "base/str.h"

/*
 * RFC 8894 3.5.2. What a client need not know it cannot choose: the old
 * algorithms are named on legacy paths only (ENR-3). SHA-384 is in no list of
 * the RFC, but we take it, and strongSwan 5.9.8 (Debian 12) mistakes its bit
 * for SCEPStandard's: without it that client believes in neither SHA-256 nor
 * renewal.
 */
static void
get_ca_caps(struct http_request *r, const struct config_scep *path)
{
	static const char modern[] = "AES\nGetNextCACert\nPOSTPKIOperation\n"
				     "Renewal\nSCEPStandard\nSHA-256\n"
				     "SHA-384\nSHA-512\n";
	static const char legacy[] = "AES\nDES3\nGetNextCACert\n"
				     "POSTPKIOperation\nRenewal\n"
				     "SCEPStandard\nSHA-1\nSHA-256\n"
				     "SHA-384\nSHA-512\n";

	http_reply(r, 200, "text/plain",
	    span_str(path->legacy ? legacy : modern), NULL);
}

/* ---- GetNextCACert: signed by the present RA, so one key operation ---- */

struct next_job {
	struct http_request *r;
	struct front_setup *setup;
	struct buf attrs;
};

static void
next_params(const struct next_job *j, const struct span *cert,
    struct cms_sign_params *ret)
{
	const struct x509 *ra = j->setup->current->ra;

	*ret = (struct cms_sign_params){
		.content = buf_span(&j->setup->next_certs),
		.has_content = true,
		.hash = HASH_SHA256,
		.signer_issuer = ra->issuer,
		.signer_serial = ra->serial,
		.signer_key = KEY_RSA2048,
		.certs = cert,
		.cert_n = 1,
	};
}

static void
next_free(struct next_job *j)
{
	front_setup_unref(j->setup);
	buf_done(&j->attrs);
	free(j);
}

static void
next_signed(
    int result, struct reader *answer, const struct diag *d, void *cookie)
{
	struct next_job *j = cookie;
	struct span cert = x509_span(j->setup->current->ra), sig = { 0 };
	struct cms_sign_params p;
	BUF(out, CMS_MAX);

	(void)d;
	if (!result) {
		sig = reader_span(answer);
		result = reader_finish(answer);
	}
	next_params(j, &cert, &p);
	if (!result)
		result = cms_signed_build(&p, buf_span(&j->attrs), sig, &out);
	if (result)
		front_busy(j->r, "the answer cannot be signed just now");
	else
		http_reply(j->r, 200, "application/x-x509-next-ca-cert",
		    buf_span(&out), NULL);
	next_free(j);
}

static void
get_next_ca_cert(struct front *f, struct http_request *r)
{
	struct next_job *j;
	struct span cert;
	struct cms_sign_params p;
	BUF(ask, KEY_ATTRS_MAX + 256);

	if (!f->setup->next_certs.n) {
		front_say(r, 404, "there is no next certificate authority");
		return;
	}
	j = calloc(1, sizeof(*j));
	if (!j) {
		front_busy(r, "out of memory");
		return;
	}
	j->r = r;
	j->setup = front_setup_ref(f->setup);
	buf_init(&j->attrs, KEY_ATTRS_MAX);
	cert = x509_span(j->setup->current->ra);
	next_params(j, &cert, &p);
	buf_pack_text(&ask, j->setup->current->info->ra_key);
	if (cms_attrs_build(&p, &j->attrs) == 0) {
		buf_pack_span(&ask, buf_span(&j->attrs));
		if (buf_error(&ask) == 0 &&
		    key_ask(f->keys, KEY_OP_RA_SIGN, buf_span(&ask),
			next_signed, j) == 0)
			return;
	}
	next_free(j);
	front_busy(r, "the answer cannot be signed just now");
}

/* ---- requests ---- */

/* the message of a GET: base64, in which careless clients leave '+' bare, so
 * that a proxy or they themselves have made blanks of it */
static void
operation_by_get(
    struct front *f, struct http_request *r, const struct config_scep *path)
{
	const char *text = http_query(r, "message", true);
	struct diag d = { 0 };
	BUF(plain, HTTP_HEADERS_MAX);
	uint8_t *bytes = NULL;
	size_t n = 0;

	for (; text && *text; text++)
		buf_add_u8(&plain, (uint8_t)(*text == ' ' ? '+' : *text));
	if (!plain.n || buf_error(&plain) ||
	    str_from_base64(buf_span(&plain), &bytes, &n)) {
		diag_set(&d, E_PARSE, "SCEP message", "RFC 8894 4.3",
		    "message= holds no base64");
		front_malformed(f, r, "scep", &d);
		return;
	}
	scep_operation(f, r, path, bytes, n);
}

void
scep_request(
    struct front *f, struct http_request *r, const struct config_scep *path)
{
	const char *op = http_query(r, "operation", false);
	bool post = http_method(r) == HTTP_POST;
	struct diag d = { 0 };

	if (!op)
		op = "";
	if (!front_has_ca(f, r))
		return;
	if (strcmp(op, "PKIOperation") == 0 && post) {
		scep_operation(f, r, path, NULL, 0);
		return;
	}
	if (strcmp(op, "PKIOperation") == 0) {
		operation_by_get(f, r, path);
		return;
	}
	if (!post && strcmp(op, "GetCACaps") == 0) {
		get_ca_caps(r, path);
		return;
	}
	if (!post && strcmp(op, "GetCACert") == 0) {
		http_reply(r, 200, "application/x-x509-ca-ra-cert",
		    buf_span(&f->setup->ca_certs), NULL);
		return;
	}
	if (!post && strcmp(op, "GetNextCACert") == 0) {
		get_next_ca_cert(f, r);
		return;
	}
	diag_set(&d, E_UNSUPPORTED, "SCEP", "RFC 8894 4.1",
	    "operation= is missing or unknown");
	diag_remedy(&d, "use GetCACaps, GetCACert, GetNextCACert, or "
			"PKIOperation by POST or GET");
	front_malformed(f, r, "scep", &d);
}
