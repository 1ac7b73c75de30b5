/* key/server, as a program of the supervisor. */
#include "key/server.h"

static int
prepare(struct worker *w, struct diag *d)
{
	struct key_server *s;
	int e = key_server_new(w->loop, &w->config, d, &s);

	if (!e)
		w->cookie = s;
	return e;
}

static int
on_link(struct worker *w, enum role peer, unsigned index, int fd)
{
	(void)index;
	return key_server_link(w->cookie, peer, fd);
}

static int
on_start(struct worker *w)
{
	return worker_ready(w);
}

static void
on_stop(struct worker *w)
{
	/* keys and seal are wiped */
	key_server_free(w->cookie);
	w->cookie = NULL;
}

const struct worker_program key_program = {
	.name = "signet-key",
	.sandbox = SANDBOX_KEY,
	.prepare = prepare,
	.on_link = on_link,
	.on_start = on_start,
	.on_stop = on_stop,
};
