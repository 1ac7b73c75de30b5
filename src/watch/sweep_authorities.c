/* The sweep's second part (WATCH-2): our own CA and RA certificates. They are
 * no rows of the certificates table; that one was warned of stands in a setting
 * named by its SHA-256, in the batch of the event. */
#include "watch/watch_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/str.h"
#include "base/time.h"
#include "cert/name.h"
#include "cert/x509.h"
#include "store/authorities.h"

#define SWEEP_CA_DAYS 180 /* a CA takes longer to replace than a leaf */
/* ca/tick renews an RA 30 days before its end: so near, that has failed */
#define SWEEP_RA_DAYS 21
#define SWEEP_DUE_MAX 256 /* warnings of one run; the rest the next day */
#define SETTING_MAX 80    /* "warned." and 64 digits */

struct due { /* a certificate within its time */
	char id[AUTHORITY_ID_MAX], setting[SETTING_MAX];
	bool is_ca;
	struct x509 *cert;
};
struct gather {
	int64_t now;
	uint32_t warn_days;
	struct due *due;
	size_t n;
};

static int
look_at(
    struct gather *g, const struct authority_row *a, struct span der, bool ca)
{
	uint32_t days = ca ? SWEEP_CA_DAYS : SWEEP_RA_DAYS;
	AUTO_STRUCT(x509) *c = NULL;
	struct due *u = &g->due[g->n];
	uint8_t print[32];
	char hex[2 * sizeof(print) + 1];

	if (ca ? g->warn_days > days : g->warn_days < days)
		days = g->warn_days;
	if (der.n == 0 || g->n == SWEEP_DUE_MAX)
		return 0;
	/* what cannot be read was refused at the start already */
	if (x509_parse(der, NULL, &c) ||
	    c->not_after > g->now + (int64_t)days * TIME_DAY)
		return 0;
	x509_fingerprint(c, print);
	str_hex(hex, sizeof(hex), span_of(print, sizeof(print)), 0);
	snprintf(u->setting, sizeof(u->setting), "warned.%s", hex);
	snprintf(u->id, sizeof(u->id), "%s", a->id);
	u->is_ca = ca;
	u->cert = TAKE(c);
	g->n++;
	return 0;
}

static int
collect(const struct authority_row *a, void *cookie)
{
	struct gather *g = (struct gather *)cookie;
	int e;

	if (a->state != AUTHORITY_CURRENT && a->state != AUTHORITY_NEXT)
		return 0;
	e = look_at(g, a, a->cert, true);
	return e ? e : look_at(g, a, a->ra_cert, false);
}

static int
warn(struct store *s, struct ledger *l, const struct due *u, int64_t now)
{
	AUTO(json_t) *detail = json_object();
	char object[AUTHORITY_ID_MAX + 8], text[NAME_TEXT_MAX];
	bool is_over = u->cert->not_after <= now;
	struct event e = { .kind = is_over ? EVENT_EXPIRED : EVENT_EXPIRING,
		.severity = u->is_ca ? SEVERITY_ERROR : SEVERITY_WARNING,
		.actor = "schedule",
		.source = "local",
		.object = object,
		.result = "ok",
		.detail = detail };
	int err;

	if (!detail)
		return E_NOMEM;
	snprintf(object, sizeof(object), "ca %s", u->id);
	json_set_text(detail, "role", u->is_ca ? "ca" : "ra");
	x509_serial_print(u->cert, text, sizeof(text));
	json_set_text(detail, "serial", text);
	name_print(u->cert->subject, text, sizeof(text));
	json_set_text(detail, "subject", text);
	json_set_time(detail, "not_after", u->cert->not_after);
	json_set_int(
	    detail, "days_left", (u->cert->not_after - now) / TIME_DAY);
	snprintf(text, sizeof(text), "signet ca renew %s", u->id);
	json_set_text(detail, "remedy",
	    u->is_ca ? text : "its renewal has failed: see the server's log");
	err = setting_set_number(s, u->setting, now);
	return err ? err : ledger_add(l, &e, now);
}

int
sweep_authorities(struct store *s, struct ledger *l, int64_t now,
    uint32_t warn_days, unsigned *ret_n)
{
	struct gather g = { .now = now, .warn_days = warn_days };
	unsigned warned = 0;
	int e;

	g.due = (struct due *)calloc(SWEEP_DUE_MAX, sizeof(*g.due));
	if (!g.due)
		return E_NOMEM;
	/* gathered first: nothing may be asked or written under an open
	 * reading */
	e = authority_each(s, collect, &g);
	for (size_t i = 0; !e && i < g.n; i++) {
		if (setting_number(s, g.due[i].setting, 0))
			continue;
		e = warn(s, l, &g.due[i], now);
		warned++;
	}
	if (!e)
		*ret_n = warned;
	for (size_t i = 0; i < g.n; i++)
		x509_free(g.due[i].cert);
	free(g.due);
	return e;
}
