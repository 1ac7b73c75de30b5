/* The room as the core sees it: start, end, and the settings both parts keep.
 */
#include "watch/watch_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"

struct watch_room {
	struct sweeper *sweeper;
	struct syslog_route *syslog; /* NULL: no socket configured */
};

int64_t
setting_number(struct store *s, const char *name, int64_t otherwise)
{
	BUF(b, 64);
	int64_t v;

	if (setting_get(s, name, &b))
		return otherwise;
	buf_add_u8(&b, 0);
	if (buf_error(&b) ||
	    str_to_int((const char *)b.p, INT64_MIN, INT64_MAX, &v))
		return otherwise;
	return v;
}

int
setting_set_number(struct store *s, const char *name, int64_t v)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, v);
	return setting_set(s, name, span_str(text));
}

int
watch_start(struct loop *l, struct store *s, struct ledger *g,
    const struct config *c, struct diag *d, struct watch_room **ret)
{
	struct watch_room *w = (struct watch_room *)calloc(1, sizeof(*w));
	int e = w ? 0 : E_NOMEM;

	if (!e && c->syslog_socket[0])
		e = syslog_route_new(l, s, g, c->syslog_socket, d, &w->syslog);
	if (!e)
		e = sweeper_new(l, s, g, c->expiry_days, &w->sweeper);
	if (e) {
		watch_end(w);
		return diag_set(d, e, "watch", NULL, "cannot be started");
	}
	*ret = w;
	return 0;
}

void
watch_end(struct watch_room *w)
{
	if (!w)
		return;
	sweeper_free(w->sweeper);
	syslog_route_free(w->syslog);
	free(w);
}
