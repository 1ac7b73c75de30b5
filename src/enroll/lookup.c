/* Answers that need no decision: a transaction that is known, a poll, a
 * certificate or CRL asked for by name. */
#include <stdio.h>

#include "base/str.h"
#include "enroll/decide_internal.h"
#include "os/clock.h"

#define OBJECT "enrolment"
#define AGAIN_MAX 16 /* expired certificates of one transaction walked past */

int
lookup_renewal_name(
    const char *transaction, const struct cert_row *old, char *out, size_t size)
{
	char serial[2 * 32 + 1];
	int n;

	if (old->serial.n > 32)
		return E_TOO_BIG;
	str_hex(serial, sizeof(serial), old->serial, 0);
	/* clients derive the id from the key, so that a renewal with the same
	 * key comes under the same one; fronts let no '~' through */
	n = snprintf(out, size, "%s~%s", transaction, serial);
	return n > 0 && (size_t)n < size ? 0 : E_TOO_BIG;
}

static void
refuse_text(struct enrol_answer *a, const struct diag *d)
{
	a->status = ENROL_REFUSED;
	a->code = d->code;
	diag_print(d, a->text, sizeof(a->text));
}

/* the same request again: what became of the first one */
static int
answer_row(struct decider *dr, const struct request_row *r,
    struct cert_row *cert, struct enrol_answer *ret, bool *ret_expired)
{
	struct diag d = { 0 };
	int e;

	*ret_expired = false;
	if (r->state == REQUEST_PENDING) {
		ret->status = ENROL_PENDING;
		return 0;
	}
	if (r->state == REQUEST_REJECTED) {
		diag_set(&d, E_DENIED, "request", "ENR-8",
		    "it was rejected: %s", r->reason);
		refuse_text(ret, &d);
		return 0;
	}
	e = cert_by_id(dr->ca->store, r->cert, cert);
	if (e)
		return e;
	if (cert->state == CERT_REVOKED) {
		diag_set(&d, E_DENIED, "request", "CA-6",
		    "the certificate issued for it is revoked");
		diag_remedy(&d, "enroll with a new key");
		refuse_text(ret, &d);
		return 0;
	}
	*ret_expired = cert->not_after < clock_now();
	ret->status = ENROL_ISSUED;
	ret->cert = cert->der;
	return 0;
}

int
lookup_known(struct decider *dr, const struct enrolment *e, struct claim *c,
    struct cert_row *row, struct enrol_answer *ret, enum known *ret_known)
{
	char base[REQUEST_TRANSACTION_MAX];
	struct request_row r;
	struct diag d = { 0 };
	bool expired;
	int err;

	memcpy(base, c->transaction, sizeof(base));
	for (int i = 0; i < AGAIN_MAX; i++) {
		int n;

		memset(&r, 0, sizeof(r));
		err = request_by_transaction(
		    dr->ca->store, e->protocol, c->transaction, &r);
		*ret_known = err ? KNOWN_NOT : KNOWN_ANSWER;
		if (err)
			return err == E_NOT_FOUND ? 0 : err;
		if (memcmp(r.spki, c->spki, sizeof(r.spki)) != 0) {
			diag_set(&d, E_CONFLICT, OBJECT, "RFC 8894 3.2.1.1",
			    "same transactionID with another key");
			refuse_text(ret, &d);
			request_done(&r);
			return 0;
		}
		err = answer_row(dr, &r, row, ret, &expired);
		request_done(&r);
		if (err || !expired)
			return err;
		/* the same key comes back after its certificate's time */
		cert_done(row);
		memset(row, 0, sizeof(*row));
		n = snprintf(c->transaction, sizeof(c->transaction), "%s~%lld",
		    base, (long long)r.id);
		if (n < 0 || (size_t)n >= sizeof(c->transaction))
			return E_TOO_BIG;
	}
	return E_LIMIT;
}

/* ---- poll ---- */

/* the key that signed is the key that asked, or the old certificate's did */
static bool
may_poll(const struct request_row *r, const struct x509 *signer, bool renewal)
{
	uint8_t hash[32];

	sha256(signer->spki, hash);
	return renewal || memcmp(hash, r->spki, sizeof(hash)) == 0;
}

static int
poll_find(struct decider *dr, const struct enrolment *e,
    struct request_row *ret, bool *ret_renewal)
{
	char name[REQUEST_TRANSACTION_MAX];
	struct cert_row old = { 0 };
	int err = proof_signer(dr, e->signer, &old);

	*ret_renewal = false;
	if (!err) {
		err = lookup_renewal_name(
		    e->transaction, &old, name, sizeof(name));
		cert_done(&old);
		if (!err)
			err = request_by_transaction(
			    dr->ca->store, e->protocol, name, ret);
		*ret_renewal = !err;
	}
	if (err != E_NOT_FOUND)
		return err;
	return request_by_transaction(
	    dr->ca->store, e->protocol, e->transaction, ret);
}

static int
poll_answer(struct decider *dr, const struct enrolment *e,
    struct cert_row *cert, struct enrol_answer *ret)
{
	AUTO_STRUCT(x509) *signer = NULL;
	struct request_row r = { 0 };
	struct diag d = { 0 };
	bool renewal, expired;
	int err = x509_parse(e->signer, NULL, &signer);

	if (!err)
		err = poll_find(dr, e, &r, &renewal);
	if (err == E_NOT_FOUND || (!err && !may_poll(&r, signer, renewal))) {
		diag_set(&d, E_NOT_FOUND, OBJECT, "RFC 8894 3.3.3",
		    "there is no such request of this key");
		refuse_text(ret, &d);
		err = 0;
	} else if (!err) {
		err = answer_row(dr, &r, cert, ret, &expired);
	}
	request_done(&r);
	return err;
}

/* ---- GetCert, GetCRL ---- */

static const struct authority *
by_issuer(const struct decider *dr, struct span issuer, size_t *at)
{
	for (; *at < dr->ca->authority_n; (*at)++) {
		const struct authority *a = dr->ca->authorities[*at];

		if (a->cert && span_is_equal(a->cert->subject, issuer)) {
			(*at)++;
			return a;
		}
	}
	return NULL;
}

static int
get_cert(struct decider *dr, const struct enrolment *e, struct cert_row *cert)
{
	struct span serial = e->serial;
	const struct authority *a;
	size_t at = 0;
	int err = E_NOT_FOUND;

	if (serial.n > 1 && serial.p[0] == 0)
		serial = span_of(serial.p + 1, serial.n - 1);
	while (err == E_NOT_FOUND && (a = by_issuer(dr, e->issuer, &at)))
		err = cert_by_serial(dr->ca->store, a->row.id, serial, cert);
	return err;
}

static int
get_crl(struct decider *dr, const struct enrolment *e, struct buf *crl)
{
	const struct authority *a;
	size_t at = 0;
	int err = E_NOT_FOUND;

	while (err == E_NOT_FOUND && (a = by_issuer(dr, e->issuer, &at)))
		err = authority_get_crl(dr->ca->store, a->row.id, crl);
	return err;
}

int
lookup_answer(
    struct decider *dr, const struct enrolment *e, decide_fn fn, void *cookie)
{
	struct enrol_answer a = { 0 };
	struct cert_row cert = { 0 };
	struct diag d = { 0 };
	BUF(crl, 64u << 20);
	int err;

	if (e->kind == ENROL_POLL)
		err = poll_answer(dr, e, &cert, &a);
	else if (e->kind == ENROL_GET_CERT)
		err = get_cert(dr, e, &cert);
	else
		err = get_crl(dr, e, &crl);
	if (!err && e->kind != ENROL_POLL) {
		a.status = ENROL_ISSUED;
		a.cert = cert.der;
		a.crl = buf_span(&crl);
	} else if (err == E_NOT_FOUND) {
		diag_set(&d, E_NOT_FOUND, OBJECT, "RFC 8894 3.3.4",
		    "no %s of that issuer and serial number is known here",
		    e->kind == ENROL_GET_CRL ? "CRL" : "certificate");
		refuse_text(&a, &d);
		err = 0;
	}
	if (!err)
		err = answer_later(dr, &a, fn, cookie);
	cert_done(&cert);
	return err;
}
