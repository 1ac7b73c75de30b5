/*
 * One PKIOperation from its bytes to its answer. Between the steps it waits:
 * for the RA key to open the content key, for the core to decide, for the RA
 * key to sign the answer.
 *
 *   scep_operation -> (decrypt) on_content_key -> (decide) on_decided
 *	-> reply_begin -> (sign) on_signed
 */
#include <stdio.h>

#include "base/secret.h"
#include "cert/csr.h"
#include "enroll/scep/scep.h"

#define CONTENT_MAX 65536 /* bytes of a decrypted request */
#define KEY_ASK_MAX 16384

struct scep_job {
	struct front *f;
	struct http_request *r;
	struct front_setup *setup;
	const struct config_scep *path;
	uint8_t *decoded; /* of a GET; else NULL */
	struct scep_message m;
	const struct front_authority *ra; /* who answers */
	int recipient;
	struct buf content;
	struct csr *csr;
	struct scep_out out;
};

static void
job_free(struct scep_job *j)
{
	scep_done(&j->m);
	csr_free(j->csr);
	/* it holds the enrollment password */
	if (j->content.p)
		secret_wipe(j->content.p, j->content.cap);
	buf_done(&j->content);
	scep_out_done(&j->out);
	front_setup_unref(j->setup);
	free(j->decoded);
	free(j);
}

static void
job_busy(struct scep_job *j, const char *text)
{
	front_busy(j->r, text);
	job_free(j);
}

/* ---- the answer ---- */

static void
on_signed(int result, struct reader *answer, const struct diag *d, void *cookie)
{
	struct scep_job *j = cookie;
	struct span sig = { 0 };
	BUF(out, CMS_MAX);

	(void)d;
	if (!result) {
		sig = reader_span(answer);
		result = reader_finish(answer);
	}
	if (!result)
		result = scep_reply_finish(&j->out, j->ra->ra, sig, &out);
	if (result) {
		job_busy(j, "the answer cannot be signed just now");
		return;
	}
	http_reply(
	    j->r, 200, "application/x-pki-message", buf_span(&out), NULL);
	job_free(j);
}

static void
job_reply(struct scep_job *j, const struct scep_reply *reply)
{
	BUF(ask, KEY_ATTRS_MAX + 256);
	int e = scep_reply_begin(&j->m, reply, j->ra->ra, &j->out);

	if (!e) {
		buf_pack_text(&ask, j->ra->info->ra_key);
		buf_pack_span(&ask, buf_span(&j->out.attrs));
		e = buf_error(&ask);
	}
	if (!e)
		e = key_ask(
		    j->f->keys, KEY_OP_RA_SIGN, buf_span(&ask), on_signed, j);
	if (e)
		job_busy(j, "the answer cannot be signed just now");
}

static void
job_fail(struct scep_job *j, int code, const char *text)
{
	const struct scep_reply reply = {
		.status = SCEP_FAILURE,
		.fail = scep_fail_of(code),
		.text = text,
	};

	job_reply(j, &reply);
}

/* refused here, before it became a request: counted, and in the ledger */
static void
job_refuse(struct scep_job *j, const struct diag *d)
{
	char text[400];

	diag_print(d, text, sizeof(text));
	enrol_client_report(j->f->core, http_peer(j->r), "scep", d->code, text);
	job_fail(j, d->code, text);
}

/* ---- the decision ---- */

static void
on_decided(int result, const struct enrol_answer *a, void *cookie)
{
	struct scep_job *j = cookie;
	struct scep_reply reply = { .status = SCEP_SUCCESS };

	if (result) {
		job_busy(j, "the server is busy; try again in a moment");
		return;
	}
	switch (a->status) {
	case ENROL_ISSUED:
		reply.certs[0] = a->cert;
		reply.crl = a->crl;
		break;
	case ENROL_PENDING:
		reply.status = SCEP_PENDING;
		break;
	case ENROL_REFUSED:
		job_fail(j, a->code, a->text);
		return;
	default:
		job_busy(j, a->text[0] ? a->text : "try again in a moment");
		return;
	}
	job_reply(j, &reply);
}

static void
job_ask(struct scep_job *j, struct enrolment *e)
{
	int err;

	memcpy(e->protocol, "scep", 5);
	snprintf(e->path, sizeof(e->path), "%s", j->path->name);
	snprintf(e->source, sizeof(e->source), "%s", http_peer(j->r));
	scep_transaction_text(&j->m, e->transaction, sizeof(e->transaction));
	e->legacy = j->m.legacy;
	e->others = (uint16_t)key_client_open(j->f->keys);
	err = enrol_client_ask(j->f->core, e, on_decided, j);
	secret_wipe(e->secret, sizeof(e->secret));
	if (err)
		job_busy(j, "too many requests are under way");
}

/* ---- what was asked ---- */

static int
csr_judge(struct scep_job *j, struct diag *d)
{
	enum hash_kind hash = HASH_UNSET;
	int oid, e = csr_parse(buf_span(&j->content), d, &j->csr);

	if (e)
		return e;
	if (sig_alg_parse(j->csr->sig_alg, &hash, &oid))
		return diag_set(d, E_UNSUPPORTED, "certification request",
		    "RFC 2986 4.2", "its signature algorithm is unknown");
	if (hash == HASH_MD5 || hash == HASH_SHA1)
		j->m.legacy = true;
	if (hash == HASH_MD5 && !j->path->legacy)
		return diag_set(d, E_UNSUPPORTED, "certification request",
		    "ENR-3", "%s is not accepted on this path",
		    hash_name(hash));
	e = csr_verify(j->csr);
	if (e == E_NOMEM)
		return e;
	if (e)
		return diag_set(d, E_CRYPTO, "certification request",
		    "RFC 2986 4.2",
		    "its signature does not verify: no proof of possession");
	return 0;
}

static void
enrol_by_csr(struct scep_job *j)
{
	struct enrolment e = { .kind = ENROL_NEW };
	struct diag d = { 0 };
	int err = csr_judge(j, &d);

	if (err == E_NOMEM) {
		job_busy(j, "out of memory");
		return;
	}
	if (err) {
		job_refuse(j, &d);
		return;
	}
	e.csr = span_of(j->csr->der, j->csr->n);
	/* signed by an earlier certificate: a renewal, whether the type says
	 * so or not (ENR-3) */
	if (j->m.type == SCEP_RENEWAL_REQ || !x509_is_self_issued(j->m.signer))
		e.signer = x509_span(j->m.signer);
	if (j->m.type == SCEP_RENEWAL_REQ)
		e.kind = ENROL_RENEW;
	snprintf(e.secret, sizeof(e.secret), "%s", j->csr->challenge);
	job_ask(j, &e);
}

static void
enrol_by_name(struct scep_job *j)
{
	struct enrolment e = { .kind = ENROL_POLL };
	struct span in = buf_span(&j->content), subject;
	struct diag d = { 0 };
	int err;

	if (j->m.type == SCEP_CERT_POLL) {
		err = scep_issuer_and_subject(in, &e.issuer, &subject);
		e.signer = x509_span(j->m.signer);
	} else {
		e.kind =
		    j->m.type == SCEP_GET_CERT ? ENROL_GET_CERT : ENROL_GET_CRL;
		err = scep_issuer_and_serial(in, &e.issuer, &e.serial);
	}
	if (err) {
		diag_set(&d, E_PARSE, "SCEP request", "RFC 8894 3.3",
		    "its content is malformed");
		job_refuse(j, &d);
		return;
	}
	job_ask(j, &e);
}

static void
on_content_key(
    int result, struct reader *answer, const struct diag *d, void *cookie)
{
	struct scep_job *j = cookie;
	struct diag words = { 0 };
	struct span key;

	(void)d;
	if (!result) {
		key = reader_span(answer);
		result = reader_finish(answer);
	}
	if (result) {
		job_busy(j, "the RA key cannot be used just now");
		return;
	}
	result = cms_enveloped_open(&j->m.env, key, &j->content);
	if (result == E_NOMEM) {
		job_busy(j, "out of memory");
		return;
	}
	if (result) {
		/* one answer for every way this can fail: no oracle */
		diag_set(&words, E_CRYPTO, "SCEP message", "RFC 8894 3.1",
		    "its content cannot be decrypted");
		job_refuse(j, &words);
		return;
	}
	if (j->m.type == SCEP_PKCS_REQ || j->m.type == SCEP_RENEWAL_REQ)
		enrol_by_csr(j);
	else
		enrol_by_name(j);
}

/* ---- the beginning ---- */

static int
find_recipient(struct scep_job *j, struct diag *d)
{
	const struct front_setup *s = j->setup;

	for (size_t i = 0; i < s->setup.n; i++) {
		int at = s->a[i].ra ? scep_recipient(&j->m, s->a[i].ra) : -1;

		if (at < 0)
			continue;
		j->ra = &s->a[i];
		j->recipient = at;
		return 0;
	}
	for (size_t i = 0; i < s->setup.n; i++) {
		if (scep_recipient(&j->m, s->a[i].cert) < 0)
			continue;
		diag_set(d, E_CRYPTO, "SCEP message", "RFC 8894 3.1",
		    "it is encrypted to the CA certificate, whose key "
		    "decrypts nothing");
		diag_remedy(d, "encrypt to the RA certificate, the first one "
			       "in the answer to GetCACert");
		return E_CRYPTO;
	}
	diag_set(d, E_CRYPTO, "SCEP message", "RFC 8894 3.1",
	    "it is encrypted to a certificate that is not ours");
	diag_remedy(d, "fetch GetCACert anew");
	return E_CRYPTO;
}

static void
job_decrypt(struct scep_job *j)
{
	const struct cms_enveloped *env = &j->m.env;
	BUF(ask, KEY_ASK_MAX);
	int i = j->recipient;

	buf_pack_text(&ask, j->ra->info->ra_key);
	buf_add_u8(&ask, env->to[i].oid == OID_RSA_OAEP);
	buf_add_u8(&ask, (uint8_t)env->to[i].oaep_hash);
	buf_add_u8(&ask, (uint8_t)env->to[i].oaep_mgf);
	buf_add_u8(&ask, (uint8_t)cms_cipher_key_size(env->cipher));
	buf_pack_span(&ask, env->to[i].key);
	if (buf_error(&ask) || key_ask(j->f->keys, KEY_OP_RA_DECRYPT,
				   buf_span(&ask), on_content_key, j))
		job_busy(j, "too many requests are under way");
}

void
scep_operation(struct front *f, struct http_request *r,
    const struct config_scep *path, uint8_t *decoded, size_t n)
{
	struct scep_job *j = calloc(1, sizeof(*j));
	struct diag d = { 0 };
	int e;

	if (!j) {
		free(decoded);
		front_busy(r, "out of memory");
		return;
	}
	j->f = f;
	j->r = r;
	j->path = path;
	j->decoded = decoded;
	j->setup = front_setup_ref(f->setup);
	j->ra = j->setup->current;
	buf_init(&j->content, CONTENT_MAX);
	scep_out_init(&j->out);
	e = scep_parse(decoded ? span_of(decoded, n) : http_body(r), &d, &j->m);
	if (e == E_NOMEM) {
		job_busy(j, "out of memory");
		return;
	}
	if (e) {
		front_malformed(f, r, "scep", &d);
		job_free(j);
		return;
	}
	e = scep_check(&j->m, path->legacy, &d);
	if (!e)
		e = find_recipient(j, &d);
	if (e == E_NOMEM)
		job_busy(j, "out of memory");
	else if (e)
		job_refuse(j, &d);
	else
		job_decrypt(j);
}
