/* POST /api/v1/issue: a certificate by an operator's own word (CERT-10). */
#include "api/api_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "os/clock.h"

#define PROTOCOL "operator"

struct wish { /* what was asked, while it is put together */
	struct csr *csr;
	struct buf subject;
	struct san_list sans;
};

static int
put_row(struct api *a, json_t *o, int64_t cert_id)
{
	struct cert_row row = { 0 };
	int e = cert_by_id(a->store, cert_id, &row);

	if (e)
		return e;
	json_set_hex(o, "serial", row.serial);
	json_set_text(o, "subject", row.subject);
	json_set_text(o, "profile", row.profile);
	json_set_time(o, "not_before", row.not_before);
	json_set_time(o, "not_after", row.not_after);
	json_set_text(o, "authority", row.authority);
	api_put_pem(o, "certificate", row.der);
	api_put_chain(a->ca, o, row.authority);
	cert_done(&row);
	return 0;
}

static void
on_issued(const struct issued *i, void *cookie)
{
	struct api_request *r = (struct api_request *)cookie;
	struct api *a = r->api;
	AUTO(json_t) *o = NULL;
	struct diag d = i->d;
	int e = i->result;

	if (e) {
		if (d.code == 0)
			(void)diag_set(
			    &d, e, "certificate", NULL, "%s", err_text(e));
		api_refuse(a, r, &d);
		return;
	}
	o = json_object();
	e = put_row(a, o, i->cert_id);
	json_set_int(o, "request", i->request_id);
	if (i->receipt)
		json_object_set(o, "receipt", i->receipt);
	if (e)
		api_refuse_code(a, r, e, "certificate");
	else
		api_answer(a, r, 200, TAKE(o));
}

static int
sans_add(struct san_list *to, const struct san_list *from, struct diag *d)
{
	int e = 0;

	for (size_t i = 0; !e && i < from->n; i++)
		if (from->e[i].kind != SAN_OTHER &&
		    !san_has(to, from->e[i].kind, from->e[i].text))
			e = san_add(to, from->e[i].kind, from->e[i].text, d);
	return e;
}

/* "CN=" and the name as it is, whatever it holds (RFC 4514 2.4) */
static int
name_of_cn(const char *cn, struct diag *d, struct buf *out)
{
	BUF(text, NAME_TEXT_MAX);

	buf_add_text(&text, "CN=");
	for (const char *p = cn; *p; p++) {
		bool end = p == cn || !p[1];

		if (strchr("\"+,;<>\\=", *p) || (end && *p == ' ') ||
		    (p == cn && *p == '#'))
			buf_add_u8(&text, '\\');
		buf_add_u8(&text, (uint8_t)*p);
	}
	buf_add_u8(&text, 0);
	if (buf_error(&text))
		return diag_set(d, E_TOO_BIG, "cn", NULL, "is too long");
	return name_build((const char *)text.p, d, out);
}

/* the operator's words come first; the CSR fills in what they leave open */
static int
wish_take(const json_t *b, struct diag *d, struct wish *w)
{
	const char *cn = json_get0_text(b, "cn");
	const char *subject = json_get0_text(b, "subject");
	const char *san = json_get0_text(b, "san");
	struct san_list from_csr = { 0 };
	int e = 0;

	if (subject)
		e = name_build(subject, d, &w->subject);
	else if (cn)
		e = name_of_cn(cn, d, &w->subject);
	else
		buf_add_span(&w->subject, w->csr->subject);
	if (!e && san)
		e = san_parse(san, d, &w->sans);
	if (!e && w->csr->san.n) {
		e = san_from_der(w->csr->san, &from_csr);
		if (e)
			return diag_set(d, e, "CSR", "RFC 5280 4.2.1.6",
			    "its subject alternative names cannot be read");
		e = sans_add(&w->sans, &from_csr, d);
	}
	return e ? e : buf_error(&w->subject);
}

/* a request sent twice (the core was restarted) is one certificate (CA-6) */
static bool
is_answered_before(struct api *a, struct api_request *r, const struct issue *i)
{
	struct request_row old = { 0 };
	AUTO(json_t) *o = NULL;
	bool same;
	int e = request_by_transaction(
	    a->store, PROTOCOL, i->request.transaction, &old);

	if (e)
		return false;
	same = memcmp(old.spki, i->request.spki, sizeof(old.spki)) == 0 &&
	       old.cert != 0;
	o = json_object();
	json_set_int(o, "request", old.id);
	e = same ? put_row(a, o, old.cert) : E_CONFLICT;
	request_done(&old);
	if (e == E_CONFLICT)
		api_refuse_with(
		    a, r, e, "transaction", "was used for another request");
	else if (e)
		api_refuse_code(a, r, e, "certificate");
	else
		api_answer(a, r, 200, TAKE(o));
	return true;
}

static int
issue_fill(struct api *a, struct api_request *r, struct wish *w, struct diag *d,
    struct issue *i)
{
	const char *profile = json_get0_text(r->json, "profile");
	const char *transaction = json_get0_text(r->json, "transaction");
	struct request_row *q = &i->request;

	i->profile = profile ? profile_find(&a->ca->profiles, profile) : NULL;
	if (!i->profile) {
		(void)diag_set(d, E_NOT_FOUND, profile ? profile : "profile",
		    NULL, "there is no such profile");
		diag_remedy(d, "see: signet profile list");
		return E_NOT_FOUND;
	}
	if (i->profile->kind != PROFILE_IDENTITY)
		return diag_set(d, E_DENIED, i->profile->name, "CA-3",
		    "is no profile for identities");
	if (!transaction || !transaction[0])
		return diag_set(d, E_INVAL, "transaction", "CA-6",
		    "a text of your own is needed, new for every request");
	i->authority = json_get0_text(r->json, "authority");
	i->asked.subject = buf_span(&w->subject);
	i->asked.san = &w->sans;
	i->asked.spki = w->csr->spki;
	i->asked.ku = w->csr->has_ku ? w->csr->ku : 0;
	i->asked.eku = w->csr->has_eku ? w->csr->eku : 0;
	i->asked.days = (uint32_t)json_get_int(r->json, "days", 0);
	snprintf(i->actor, sizeof(i->actor), "%s", r->actor);
	snprintf(i->source, sizeof(i->source), "local");
	snprintf(q->protocol, sizeof(q->protocol), PROTOCOL);
	snprintf(q->source, sizeof(q->source), "local");
	snprintf(q->profile, sizeof(q->profile), "%s", i->profile->name);
	q->created = clock_now();
	name_print(i->asked.subject, q->subject, sizeof(q->subject));
	sha256(w->csr->spki, q->spki);
	if (str_copy(q->transaction, sizeof(q->transaction), transaction))
		return diag_set(d, E_INVAL, "transaction", NULL, "is too long");
	return 0;
}

static void
issue_wish(struct api *a, struct api_request *r, struct wish *w)
{
	struct issue i = { 0 };
	struct diag d = { 0 };
	int e = wish_take(r->json, &d, w);

	if (!e)
		e = issue_fill(a, r, w, &d, &i);
	if (e && d.code == 0)
		(void)diag_set(&d, e, "request", NULL, "%s", err_text(e));
	if (e) {
		api_refuse(a, r, &d);
		return;
	}
	if (is_answered_before(a, r, &i))
		return;
	/* copies what it needs */
	e = ca_issue(a->ca, &i, on_issued, r);
	if (e)
		api_refuse_code(a, r, e, "certificate");
}

static void
issue_post(struct api *a, struct api_request *r)
{
	struct wish *w = (struct wish *)calloc(1, sizeof(*w));

	if (!w) {
		api_refuse_code(a, r, E_NOMEM, "issue");
		return;
	}
	buf_init(&w->subject, NAME_TEXT_MAX * 4);
	if (api_csr(a, r, &w->csr) == 0) {
		if (w->csr)
			issue_wish(a, r, w);
		else
			api_refuse_with(a, r, E_INVAL, "csr", "is missing");
	}
	csr_free(w->csr);
	buf_done(&w->subject);
	free(w);
}

const struct api_route api_issue_routes[] = {
	{ "POST", "/api/v1/issue", issue_post,
	    "a certificate for a CSR by an operator's own word" },
	{ NULL, NULL, NULL, NULL },
};
