/*
 * What test_supervisor.c starts: a signetd, and processes of our own making
 * that answer HTTP and one another, so that links and restarts can be seen.
 */
#include "ipc/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "ipc/channel.h"
#include "ipc/supervisor.h"
#include "ipc/worker.h"
#include "net/http_server.h"
#include "os/file.h"

struct part {
	struct worker *worker;
	struct http_server *server;
	struct channel *links[32];
	size_t links_n;
	unsigned cores, keys;
};

/* a link works when the other end answers over it */
enum { T_HELLO = 1, T_WELCOME };
static struct part part;

static int
on_hello(struct channel *c, const struct frame *f, void *cookie)
{
	(void)cookie;
	return channel_send(c, T_WELCOME, f->id, f->payload);
}

static int
on_welcome(struct channel *c, const struct frame *f, void *cookie)
{
	(void)c;
	(void)cookie;
	if (f->id == ROLE_CORE)
		part.cores++;
	else
		part.keys++;
	if (part.worker->role == ROLE_FRONT && part.cores > 0 && part.keys > 1)
		return worker_ready(part.worker);
	return 0;
}

static const struct channel_rule link_rules[] = {
	{ T_HELLO, 0, on_hello },
	{ T_WELCOME, 0, on_welcome },
	{ 0, 0, NULL },
};

static void
link_lost(struct channel *c, void *cookie)
{
	(void)cookie;
	for (size_t i = 0; i < part.links_n; i++)
		if (part.links[i] == c)
			part.links[i] = part.links[--part.links_n];
	channel_free(c);
}

static int
part_link(struct worker *w, enum role peer, unsigned index, int fd)
{
	struct channel *c;

	(void)index;
	if (w->role == ROLE_LOCAL && peer != ROLE_CORE)
		return E_DENIED;
	c = channel_new(w->loop, fd, link_rules, NULL, link_lost);
	part.links[part.links_n++] = c;
	if (peer != ROLE_CORE && peer != ROLE_KEY)
		return 0;
	return channel_send(c, T_HELLO, (uint32_t)peer, span_of(NULL, 0));
}

static void
part_answer(struct http_request *r, void *cookie)
{
	char text[200];

	(void)cookie;
	if (strcmp(http_path(r), "/forbidden") == 0)
		exit(socket(AF_INET, SOCK_STREAM, 0) < 0);
	snprintf(text, sizeof(text), "%s %ld uid=%u cores=%u keys=%u links=%zu",
	    role_name(part.worker->role), (long)getpid(), (unsigned)getuid(),
	    part.cores, part.keys, part.links_n);
	http_reply(r, 200, "text/plain", span_str(text), NULL);
}

static int
part_listen(struct worker *w, enum listener kind, int fd)
{
	struct http_options o = { .handler = part_answer,
		.local = kind == LISTEN_LOCAL };

	part.server = http_server_new(w->loop, fd, &o);
	return part.server ? 0 : E_NOMEM;
}

static int
part_prepare(struct worker *w, struct diag *d)
{
	char path[CONFIG_PATH_MAX + 32];

	part.worker = w;
	if (path_join(path, sizeof(path), w->config.state_dir, "refuse") == 0 &&
	    w->role == ROLE_CORE && file_is_there(path))
		return diag_set(d, E_DB, "database", NULL, "is not to open");
	return 0;
}

static int
part_start(struct worker *w)
{
	return w->role == ROLE_FRONT ? 0 : worker_ready(w);
}

static void
part_stop(struct worker *w)
{
	(void)w;
	http_server_free(part.server);
	for (size_t i = 0; i < part.links_n; i++)
		channel_free(part.links[i]);
}

int
parts_play(const char *name, int argc, char **argv)
{
	struct worker_program p = { .name = name,
		.sandbox = SANDBOX_FRONT,
		.prepare = part_prepare,
		.on_listen = part_listen,
		.on_link = part_link,
		.on_start = part_start,
		.on_stop = part_stop };

	if (strcmp(name, "signet-core") == 0)
		p.sandbox = SANDBOX_CORE;
	else if (strcmp(name, "signet-key") == 0)
		p.sandbox = SANDBOX_KEY;
	return worker_main(&p, argc, argv);
}

int
parts_play_signetd(int argc, char **argv)
{
	static struct supervisor_options o;
	char text[4 * DIAG_TEXT_MAX];
	struct diag d = { 0 };

	log_open("signetd", LOG_NOTICE);
	if (supervisor_parse(argc, argv, &d, &o) == 0)
		return supervisor_run(&o);
	diag_print(&d, text, sizeof(text));
	log_line(LOG_ERROR, "%s", text);
	return 2;
}
