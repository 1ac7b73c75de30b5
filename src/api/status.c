/* GET /api/v1/status: is it well, what expires next, what is wrong. */
#include "api/api_internal.h"

#include <stdio.h>

#include "base/str.h"
#include "base/time.h"
#include "os/clock.h"

#define CA_WARN_DAYS                                            \
	180 /* an authority takes longer to replace than a leaf \
	     */

static void
alarm_add(
    json_t *list, const char *severity, const char *text, const char *remedy)
{
	json_t *o = json_object();

	json_set_text(o, "severity", severity);
	json_set_text(o, "text", text);
	json_set_text(o, "remedy", remedy);
	if (list && o)
		json_array_append_new(list, o);
}

static json_t *
server_json(const struct api *a, int64_t now)
{
	json_t *o = json_object();
	int64_t bytes;

	json_set_text(o, "version", SIGNET_VERSION);
	json_set_time(o, "started", a->started);
	json_set_time(o, "now", now);
	json_set_text(o, "state", a->config->state_dir);
	json_set_text(o, "database", store_kind(a->store));
	if (store_size(a->store, &bytes) == 0)
		json_set_int(o, "database_bytes", bytes);
	return o;
}

static json_t *
next_expiry(struct api *a, int64_t now)
{
	struct cert_row row = { 0 };
	json_t *o;

	if (cert_next_expiry(a->store, now, &row))
		return json_null();
	o = json_object();
	json_set_hex(o, "serial", row.serial);
	json_set_text(o, "subject", row.subject);
	json_set_time(o, "not_after", row.not_after);
	json_set_int(o, "days_left", (row.not_after - now) / TIME_DAY);
	cert_done(&row);
	return o;
}

static void
authority_alarms(const struct api *a, int64_t now, json_t *list)
{
	for (size_t i = 0; i < a->ca->authority_n; i++) {
		const struct authority *u = a->ca->authorities[i];
		char text[200], remedy[128];
		int64_t left;

		if (!u->cert || u->row.state != AUTHORITY_CURRENT)
			continue;
		left = (u->cert->not_after - now) / TIME_DAY;
		snprintf(
		    remedy, sizeof(remedy), "signet ca renew %s", u->row.id);
		snprintf(text, sizeof(text),
		    left < 0 ? "authority %s expired %lld days ago"
			     : "authority %s expires in %lld days",
		    u->row.id, (long long)(left < 0 ? -left : left));
		if (left < CA_WARN_DAYS)
			alarm_add(list, left < 30 ? "critical" : "warning",
			    text, remedy);
		snprintf(remedy, sizeof(remedy), "signet ca crl %s", u->row.id);
		snprintf(text, sizeof(text), "the CRL of %s is past its time",
		    u->row.id);
		if (u->row.crl_next && u->row.crl_next < now)
			alarm_add(list, "critical", text, remedy);
	}
}

static int
expiring(struct api *a, int64_t now, json_t *o, json_t *alarms)
{
	struct cert_filter f = { .expires_before =
				     now +
				     (int64_t)a->config->expiry_days * TIME_DAY,
		.expires_after = now,
		.state = CERT_GOOD };
	char text[128], remedy[64];
	json_t *part = json_object();
	int64_t n = 0;
	int e = cert_count(a->store, &f, &n);

	json_set_int(part, "days", a->config->expiry_days);
	json_set_int(part, "count", n);
	if (o && part)
		json_object_set_new(o, "expiring", part);
	snprintf(text, sizeof(text), "%lld certificates expire within %u days",
	    (long long)n, a->config->expiry_days);
	snprintf(remedy, sizeof(remedy), "signet certs --expiring %ud",
	    a->config->expiry_days);
	if (!e && n > 0)
		alarm_add(alarms, "warning", text, remedy);
	return e;
}

static json_t *
ca_json(const struct api *a)
{
	const struct authority *issuer = ca_issuer(a->ca);
	json_t *o = json_object();

	json_set_bool(o, "ignited", a->ca->ledger_key[0] != '\0');
	json_set_int(o, "authorities", (int64_t)a->ca->authority_n);
	if (o)
		json_object_set_new(o, "issuer",
		    issuer ? authority_to_json(a->ca, issuer) : json_null());
	return o;
}

static void
status_get(struct api *a, struct api_request *r)
{
	int64_t now = clock_now(), pending = 0;
	AUTO(json_t) *o = json_object();
	json_t *alarms = json_array();
	uint8_t hash[32];
	int e = request_count(a->store, REQUEST_PENDING, &pending);

	if (!clock_is_sane())
		alarm_add(alarms, "critical",
		    "the clock is earlier than this software",
		    "set the time; no certificate is made until then");
	else if (!clock_is_synchronised())
		alarm_add(alarms, "warning",
		    "no time service has set this machine's clock",
		    "run chrony or systemd-timesyncd");
	if (!a->ca->ledger_key[0])
		alarm_add(alarms, "warning", "not ignited yet",
		    "signet ignite --name NAME");
	authority_alarms(a, now, alarms);
	json_object_set_new(o, "server", server_json(a, now));
	json_object_set_new(o, "ca", ca_json(a));
	json_object_set_new(o, "next_expiry", next_expiry(a, now));
	if (!e)
		e = expiring(a, now, o, alarms);
	json_set_int(o, "pending_requests", pending);
	json_set_int(o, "ledger_events", ledger_head(a->ledger, hash));
	json_object_set_new(o, "alarms", alarms);
	if (e)
		api_refuse_code(a, r, e, "status");
	else
		api_answer(a, r, 200, TAKE(o));
}

const struct api_route api_status_routes[] = {
	{ "GET", "/api/v1/status", status_get,
	    "server, CA, next expiry, open alarms" },
	{ NULL, NULL, NULL, NULL },
};
