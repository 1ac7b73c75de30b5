#include "enroll/enrolment.h"

#include "base/secret.h"
#include "cert/x509.h"

void
enrolment_pack(const struct enrolment *e, struct buf *out)
{
	buf_add_u8(out, (uint8_t)e->kind);
	buf_pack_text(out, e->protocol);
	buf_pack_text(out, e->path);
	buf_pack_text(out, e->transaction);
	buf_pack_text(out, e->source);
	buf_pack_text(out, e->secret);
	buf_pack_span(out, e->csr);
	buf_pack_span(out, e->signer);
	buf_pack_span(out, e->serial);
	buf_pack_span(out, e->issuer);
	buf_add_u8(out, e->legacy);
	buf_add_u16(out, e->others);
}

int
enrolment_unpack(struct span in, struct enrolment *ret)
{
	struct reader r = reader_of(in);
	struct enrolment e = { .kind = (enum enrol_kind)reader_u8(&r) };
	uint8_t legacy;
	int err;

	reader_text(&r, e.protocol, sizeof(e.protocol));
	reader_text(&r, e.path, sizeof(e.path));
	reader_text(&r, e.transaction, sizeof(e.transaction));
	reader_text(&r, e.source, sizeof(e.source));
	reader_text(&r, e.secret, sizeof(e.secret));
	e.csr = reader_span(&r);
	e.signer = reader_span(&r);
	e.serial = reader_span(&r);
	e.issuer = reader_span(&r);
	legacy = reader_u8(&r);
	e.others = reader_u16(&r);
	err = reader_finish(&r);
	if (!err &&
	    (e.kind < ENROL_NEW || e.kind > ENROL_GET_CRL || legacy > 1))
		err = E_PARSE;
	if (!err && (e.csr.n > ENROL_CSR_MAX || e.signer.n > X509_DER_MAX))
		err = E_TOO_BIG;
	e.legacy = legacy != 0;
	if (!err)
		*ret = e;
	secret_wipe(e.secret, sizeof(e.secret));
	return err;
}

void
enrol_answer_pack(const struct enrol_answer *a, struct buf *out)
{
	buf_add_u8(out, (uint8_t)a->status);
	buf_add_u32(out, (uint32_t)a->code);
	buf_pack_text(out, a->text);
	buf_pack_span(out, a->cert);
	buf_pack_span(out, a->crl);
}

int
enrol_answer_unpack(struct span in, struct enrol_answer *ret)
{
	struct reader r = reader_of(in);
	struct enrol_answer a = { .status = (enum enrol_status)reader_u8(&r) };
	int err;

	a.code = (int32_t)reader_u32(&r);
	reader_text(&r, a.text, sizeof(a.text));
	a.cert = reader_span(&r);
	a.crl = reader_span(&r);
	err = reader_finish(&r);
	if (!err && (a.status < ENROL_ISSUED || a.status > ENROL_RETRY))
		err = E_PARSE;
	if (!err)
		*ret = a;
	return err;
}

static void
spans_pack(struct buf *out, const struct span *s, size_t n)
{
	buf_add_u8(out, (uint8_t)n);
	for (size_t i = 0; i < n; i++)
		buf_pack_span(out, s[i]);
}

static size_t
spans_take(struct reader *r, struct span *out, size_t max)
{
	size_t n = reader_u8(r);

	if (n > max) {
		r->err = r->err ? r->err : E_PARSE;
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		out[i] = reader_span(r);
	return n;
}

#define CHAIN_MAX (sizeof(((struct enrol_ca *)0)->chain) / sizeof(struct span))
#define OLD_MAX (sizeof(((struct enrol_ca *)0)->old) / sizeof(struct span))

void
enrol_setup_pack(const struct enrol_setup *s, struct buf *out)
{
	buf_add_u8(out, (uint8_t)s->n);
	for (size_t i = 0; i < s->n; i++) {
		const struct enrol_ca *c = &s->ca[i];

		buf_pack_text(out, c->id);
		buf_add_u8(out, c->current);
		buf_add_u8(out, c->next);
		buf_pack_text(out, c->ra_key);
		buf_pack_span(out, c->ra_cert);
		spans_pack(out, c->chain, c->chain_n);
		spans_pack(out, c->old, c->old_n);
	}
}

int
enrol_setup_unpack(struct span in, struct enrol_setup *ret)
{
	struct reader r = reader_of(in);
	size_t n = reader_u8(&r);

	ret->n = 0;
	if (n > ENROL_CA_MAX)
		return E_PARSE;
	for (size_t i = 0; i < n; i++) {
		struct enrol_ca *c = &ret->ca[i];

		reader_text(&r, c->id, sizeof(c->id));
		c->current = reader_u8(&r) == 1;
		c->next = reader_u8(&r) == 1;
		reader_text(&r, c->ra_key, sizeof(c->ra_key));
		c->ra_cert = reader_span(&r);
		c->chain_n = spans_take(&r, c->chain, CHAIN_MAX);
		c->old_n = spans_take(&r, c->old, OLD_MAX);
		/* everybody indexes chain[0] */
		if (!r.err && c->chain_n == 0)
			return E_PARSE;
	}
	if (reader_finish(&r))
		return E_PARSE;
	ret->n = n;
	return 0;
}

void
enrol_report_pack(const struct enrol_report *p, struct buf *out)
{
	buf_pack_text(out, p->source);
	buf_pack_text(out, p->protocol);
	buf_add_u32(out, (uint32_t)p->code);
	buf_add_u32(out, p->more);
	buf_pack_text(out, p->text);
}

int
enrol_report_unpack(struct span in, struct enrol_report *ret)
{
	struct reader r = reader_of(in);
	struct enrol_report p = { 0 };
	int err;

	reader_text(&r, p.source, sizeof(p.source));
	reader_text(&r, p.protocol, sizeof(p.protocol));
	p.code = (int32_t)reader_u32(&r);
	p.more = reader_u32(&r);
	reader_text(&r, p.text, sizeof(p.text));
	err = reader_finish(&r);
	if (!err)
		*ret = p;
	return err;
}
