/* /api/v1/certs: issued certificates: list, show, revoke, hold, release. */
#include "api/api_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/time.h"
#include "cert/crl.h"
#include "os/clock.h"

#define CURSOR_MAX 64

static json_t *
cert_json(const struct cert_row *c, int64_t now)
{
	json_t *o = json_object();

	json_set_hex(o, "serial", c->serial);
	json_set_text(o, "subject", c->subject);
	json_set_text(o, "state", cert_state_name(c->state));
	json_set_time(o, "not_before", c->not_before);
	json_set_time(o, "not_after", c->not_after);
	json_set_int(o, "days_left", (c->not_after - now) / TIME_DAY);
	json_set_text(o, "authority", c->authority);
	json_set_text(o, "profile", c->profile);
	json_set_text(o, "entity", c->entity);
	json_set_int(o, "request", c->request);
	if (c->revoked_at) {
		json_set_time(o, "revoked_at", c->revoked_at);
		json_set_text(o, "reason", crl_reason_name(c->reason));
	}
	return o;
}

struct page {
	json_t *list;
	int64_t now, last_id, last_time;
	unsigned n;
};

static int
collect(const struct cert_row *c, void *cookie)
{
	struct page *p = (struct page *)cookie;
	json_t *one = cert_json(c, p->now);

	p->last_id = c->id;
	p->last_time = c->not_after;
	p->n++;
	return one && json_array_append_new(p->list, one) == 0 ? 0 : E_NOMEM;
}

/* "ID", or "TIME-ID" when the list is in order of expiry */
static int
cursor_take(const char *text, struct cert_filter *f)
{
	char first[CURSOR_MAX];
	const char *dash = strchr(text, '-');

	if (!f->by_expiry)
		return str_to_int(text, 0, INT64_MAX, &f->after_id);
	if (!dash || (size_t)(dash - text) >= sizeof(first))
		return E_INVAL;
	snprintf(first, sizeof(first), "%.*s", (int)(dash - text), text);
	if (str_to_int(first, 0, TIME_MAX, &f->after_time))
		return E_INVAL;
	return str_to_int(dash + 1, 0, INT64_MAX, &f->after_id);
}

static int
filter_take(
    struct api_request *r, int64_t now, struct diag *d, struct cert_filter *f)
{
	const char *expiring = api_query(r, "expiring");
	const char *state = api_query(r, "state"), *next = api_query(r, "next");
	const char *limit = api_query(r, "limit");
	int64_t seconds, n = API_LIST_DEFAULT;

	f->entity = api_query(r, "entity");
	f->authority = api_query(r, "authority");
	if (expiring) {
		if (str_duration(expiring, &seconds) || seconds < 0)
			return diag_set(d, E_INVAL, "expiring", NULL,
			    "is no time such as 60d");
		f->expires_before = now + seconds;
		f->expires_after = now;
		f->by_expiry = true;
		/* what is revoked needs no renewal */
		f->state = CERT_GOOD;
	}
	if (state) {
		f->state = cert_state_from_name(state);
		if (f->state == CERT_UNSET)
			return diag_set(d, E_INVAL, "state", NULL,
			    "is none of good revoked hold");
	}
	if (limit && str_to_int(limit, 1, API_LIST_MAX, &n))
		return diag_set(d, E_INVAL, "limit", NULL,
		    "must be a number from 1 to %d", API_LIST_MAX);
	f->limit = (unsigned)n;
	if (next && cursor_take(next, f))
		return diag_set(d, E_INVAL, "next", NULL,
		    "must be the \"next\" of an earlier answer");
	return 0;
}

static void
put_next(json_t *o, const struct cert_filter *f, const struct page *p)
{
	char text[CURSOR_MAX];

	if (p->n < f->limit)
		return;
	if (f->by_expiry)
		snprintf(text, sizeof(text), "%lld-%lld",
		    (long long)p->last_time, (long long)p->last_id);
	else
		snprintf(text, sizeof(text), "%lld", (long long)p->last_id);
	json_set_text(o, "next", text);
}

static void
cert_list_get(struct api *a, struct api_request *r)
{
	struct page p = { .now = clock_now() };
	struct cert_filter f = { 0 }, all;
	struct diag d = { 0 };
	AUTO(json_t) *o = json_object();
	int64_t total = 0;
	int e;

	if (filter_take(r, p.now, &d, &f)) {
		api_refuse(a, r, &d);
		return;
	}
	p.list = json_array();
	e = cert_each(a->store, &f, collect, &p);
	all = f;
	all.after_id = all.after_time = 0;
	if (!e)
		e = cert_count(a->store, &all, &total);
	json_object_set_new(o, "certificates", p.list);
	json_set_int(o, "total", total);
	put_next(o, &f, &p);
	if (e)
		api_refuse_code(a, r, e, "certificates");
	else
		api_answer(a, r, 200, TAKE(o));
}

static void
cert_show_get(struct api *a, struct api_request *r)
{
	const char *serial = api_arg(r, "serial");
	struct cert_row row = { 0 };
	uint8_t bytes[64];
	size_t n;
	json_t *o;
	int e = str_from_hex(serial, bytes, CERT_SERIAL_MAX, &n);

	if (!e)
		e = cert_by_serial(a->store, "", span_of(bytes, n), &row);
	if (e) {
		api_refuse_with(a, r, E_NOT_FOUND, serial,
		    "there is no certificate of this serial number");
		return;
	}
	o = cert_json(&row, clock_now());
	api_put_pem(o, "certificate", row.der);
	api_put_chain(a->ca, o, row.authority);
	cert_done(&row);
	api_answer(a, r, 200, o);
}

static void
begun(struct api *a, struct api_request *r, int e, const char *state)
{
	const char *serial = api_arg(r, "serial");

	if (e == E_STATE)
		api_refuse_with(a, r, e, serial, "%s", state);
	else if (e == E_NOT_FOUND || e == E_PARSE || e == E_TOO_BIG)
		api_refuse_with(a, r, E_NOT_FOUND, serial,
		    "there is no certificate of this serial number");
	else if (e)
		api_refuse_code(a, r, e, serial);
}

static void
cert_revoke_post(struct api *a, struct api_request *r)
{
	struct actor who = api_who(r);
	const char *text;
	int reason;

	if (api_text(a, r, "reason", 64, &text))
		return;
	reason = crl_reason_from_name(text ? text : "unspecified");
	/* 6 is a hold, 8 only leaves a delta CRL (RFC 5280 5.3.1) */
	if (reason < 0 || reason == 6 || reason == 8) {
		api_refuse_with(a, r, E_INVAL, "reason",
		    "is none of keyCompromise affiliationChanged superseded "
		    "cessationOfOperation privilegeWithdrawn unspecified");
		return;
	}
	begun(a, r,
	    ca_revoke(
		a->ca, api_arg(r, "serial"), reason, &who, api_ca_done, r),
	    "this certificate is revoked already");
}

static void
cert_hold_post(struct api *a, struct api_request *r)
{
	struct actor who = api_who(r);

	begun(a, r,
	    ca_hold(a->ca, api_arg(r, "serial"), true, &who, api_ca_done, r),
	    "only a good certificate can be put on hold");
}

static void
cert_release_post(struct api *a, struct api_request *r)
{
	struct actor who = api_who(r);

	begun(a, r,
	    ca_hold(a->ca, api_arg(r, "serial"), false, &who, api_ca_done, r),
	    "only a certificate on hold can be released");
}

const struct api_route api_cert_routes[] = {
	{ "GET", "/api/v1/certs", cert_list_get,
	    "issued certificates; expiring= state= entity= authority=" },
	{ "GET", "/api/v1/certs/{serial}", cert_show_get,
	    "one certificate with its chain" },
	{ "POST", "/api/v1/certs/{serial}/revoke", cert_revoke_post,
	    "revoke for good" },
	{ "POST", "/api/v1/certs/{serial}/hold", cert_hold_post,
	    "put on hold" },
	{ "POST", "/api/v1/certs/{serial}/release", cert_release_post,
	    "end a hold" },
	{ NULL, NULL, NULL, NULL },
};
