/* One event as one RFC 5424 message. */
#include "watch/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/time.h"

#define FACILITY_AUDIT 13 /* RFC 5424 table 1: log audit */
#define HOST_MAX 256      /* RFC 5424 6: 255 characters */

static int
syslog_severity(int severity)
{
	switch (severity) {
	case SEVERITY_CRITICAL:
		return 2;
	case SEVERITY_ERROR:
		return 3;
	case SEVERITY_WARNING:
		return 4;
	case SEVERITY_NOTICE:
		return 5;
	default:
		return 6;
	}
}

/* RFC 5424 6.3.3: '"', '\' and ']' are escaped; control bytes we drop */
static void
add_param(struct buf *b, const char *name, const char *value)
{
	if (!value || !value[0])
		return;
	buf_printf(b, " %s=\"", name);
	for (; *value; value++) {
		if ((unsigned char)*value < 0x20 || *value == 0x7f)
			continue;
		if (strchr("\"\\]", *value))
			buf_add_u8(b, '\\');
		buf_add_u8(b, (uint8_t)*value);
	}
	buf_add_u8(b, '"');
}

/* HOSTNAME is printable ASCII without blanks, or "-" */
static void
host_text(char out[HOST_MAX])
{
	if (gethostname(out, HOST_MAX - 1) != 0)
		out[0] = '\0';
	out[HOST_MAX - 1] = '\0';
	for (const char *p = out; *p; p++)
		if (*p <= ' ' || *p > '~')
			out[0] = '\0';
	if (!out[0])
		memcpy(out, "-", 2);
}

static void
add_header(struct buf *b, const struct event_row *e)
{
	char host[HOST_MAX], when[TIME_TEXT_MAX], seq[32];

	host_text(host);
	time_print(e->time, when);
	snprintf(seq, sizeof(seq), "%lld", (long long)e->seq);
	buf_printf(b, "<%d>1 %s %s signet %d %s [signet@32473",
	    FACILITY_AUDIT * 8 + syslog_severity(e->severity), when, host,
	    (int)getpid(), event_kind_name(e->kind));
	add_param(b, "seq", seq);
	add_param(b, "kind", event_kind_name(e->kind));
}

int
syslog_line(const struct event_row *e, char *out, unsigned long size)
{
	AUTO(json_t) *o = NULL;
	AUTO(char) *text = NULL;
	const json_t *detail;
	BUF(b, SYSLOG_LINE_MAX - 1);
	size_t n;
	int err = json_parse(e->body, LEDGER_BODY_MAX, NULL, &o);

	if (err)
		return err;
	add_header(&b, e);
	add_param(&b, "severity", severity_name(e->severity));
	add_param(&b, "object", e->object);
	add_param(&b, "actor", json_get0_text(o, "actor"));
	add_param(&b, "source", json_get0_text(o, "source"));
	add_param(&b, "result", json_get0_text(o, "result"));
	buf_printf(&b, "] %s", event_kind_name(e->kind));
	err = buf_error(&b);
	if (err)
		return err;
	/* MSG stays ASCII (RFC 5424 6.4 wants a BOM before UTF-8); a detail
	 * that would not fit is left out: the ledger has it, by seq */
	n = b.n;
	detail = json_object_get(o, "detail");
	if (detail)
		text = json_dumps(
		    detail, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
	if (text && n + 1 + strlen(text) <= b.max)
		buf_printf(&b, " %s", text);
	err = buf_error(&b);
	if (err)
		return err;
	if (b.n + 1 > size)
		return E_TOO_BIG;
	memcpy(out, b.p, b.n);
	out[b.n] = '\0';
	return 0;
}
