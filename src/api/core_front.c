/* The core's end of its links: public fronts may enrol, report and fetch; only
 * the local front may ask the API. Anything else closes the link. */
#include "api/core_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/core.h"
#include "base/log.h"

#define REPORT_MAX 4096 /* bytes of one ENROL_REPORT */
#define FETCH_MAX 256   /* bytes of one ENROL_FETCH */
#define FETCH_CRL 1     /* the only thing there is to fetch so far */

struct ask { /* an enrolment under way; outlives its link */
	struct core_front *front; /* NULL: gone */
	uint32_t id;
	struct ask *next, **prev_next;
};
struct core_front {
	struct core *core;
	struct channel *channel;
	struct ask *asks;
	unsigned ask_n;
	struct core_front *next, **prev_next;
};

static void
ask_free(struct ask *a)
{
	if (a->front) {
		*a->prev_next = a->next;
		if (a->next)
			a->next->prev_next = a->prev_next;
		a->front->ask_n--;
	}
	free(a);
}

static struct ask *
ask_new(struct core_front *front, uint32_t id)
{
	struct ask *a = (struct ask *)calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->front = front;
	a->id = id;
	a->next = front->asks;
	a->prev_next = &front->asks;
	if (a->next)
		a->next->prev_next = &a->next;
	front->asks = a;
	front->ask_n++;
	return a;
}

static void
send_answer(
    struct core_front *front, uint32_t id, const struct enrol_answer *answer)
{
	BUF(out, API_ANSWER_MAX);
	int e;

	enrol_answer_pack(answer, &out);
	e = buf_error(&out);
	if (!e)
		e = channel_send(
		    front->channel, ENROL_ANSWER, id, buf_span(&out));
	if (e)
		log_line(LOG_WARNING, "an enrolment answer was not sent: %s",
		    err_name(e));
}

static void
on_decided(const struct enrol_answer *answer, void *cookie)
{
	struct ask *a = (struct ask *)cookie;

	if (a->front)
		send_answer(a->front, a->id, answer);
	ask_free(a);
}

static void
refuse(struct core_front *front, uint32_t id, int code)
{
	struct enrol_answer answer = { .status = ENROL_RETRY, .code = code };

	send_answer(front, id, &answer);
}

static int
on_ask(struct channel *c, const struct frame *f, void *cookie)
{
	struct core_front *front = (struct core_front *)cookie;
	struct enrolment e;
	struct ask *a;
	int err = enrolment_unpack(f->payload, &e);

	(void)c;
	if (err)
		return err;
	front->core->others = e.others;
	a = front->ask_n < CORE_FRONT_ASKS_MAX ? ask_new(front, f->id) : NULL;
	if (!a) {
		refuse(front, f->id, E_LIMIT);
		return 0;
	}
	err = decide(front->core->decider, &e, on_decided, a);
	secret_wipe(e.secret, sizeof(e.secret));
	if (err) {
		ask_free(a);
		refuse(front, f->id, err);
	}
	return 0;
}

static int
on_report(struct channel *c, const struct frame *f, void *cookie)
{
	struct core_front *front = (struct core_front *)cookie;
	struct enrol_report r;
	char text[sizeof(r.text) + 48];
	int err = enrol_report_unpack(f->payload, &r);

	(void)c;
	if (err)
		return err;
	if (r.more)
		snprintf(
		    text, sizeof(text), "%s (and %u more)", r.text, r.more);
	else
		snprintf(text, sizeof(text), "%s", r.text);
	err = decide_report(
	    front->core->decider, r.source, r.protocol, r.code, text);
	if (err)
		log_line(LOG_WARNING, "a front's report was not kept: %s",
		    err_name(err));
	return 0;
}

static int
on_fetch(struct channel *c, const struct frame *f, void *cookie)
{
	struct core_front *front = (struct core_front *)cookie;
	struct reader r = reader_of(f->payload);
	char id[AUTHORITY_ID_MAX];
	uint8_t what = reader_u8(&r);
	BUF(crl, API_ANSWER_MAX);
	BUF(out, API_ANSWER_MAX + 16);
	int err;

	reader_text(&r, id, sizeof(id));
	err = reader_finish(&r);
	if (err)
		return err;
	err = what == FETCH_CRL
		  ? authority_get_crl(front->core->store, id, &crl)
		  : E_UNSUPPORTED;
	buf_add_u32(&out, (uint32_t)err);
	buf_pack_span(&out, buf_span(&crl));
	if (buf_error(&out))
		return buf_error(&out);
	return channel_send(c, ENROL_FETCHED, f->id, buf_span(&out));
}

/* A front faces strangers: whoever takes it over may ask for certificates as
 * everybody may, and nothing else. API_ASK is not in this list. */
static const struct channel_rule front_rules[] = {
	{ ENROL_ASK, ENROL_MESSAGE_MAX, on_ask },
	{ ENROL_REPORT, REPORT_MAX, on_report },
	{ ENROL_FETCH, FETCH_MAX, on_fetch },
	{ 0, 0, NULL },
};

static void
front_free(struct core_front *front)
{
	for (struct ask *a = front->asks; a; a = a->next)
		a->front = NULL;
	*front->prev_next = front->next;
	if (front->next)
		front->next->prev_next = front->prev_next;
	channel_free(front->channel);
	free(front);
}

static void
on_front_close(struct channel *c, void *cookie)
{
	(void)c;
	front_free((struct core_front *)cookie);
}

int
core_front_add(struct core *c, int fd)
{
	struct core_front *front =
	    (struct core_front *)calloc(1, sizeof(*front));

	if (!front) {
		close(fd);
		return E_NOMEM;
	}
	front->core = c;
	front->channel = channel_new(
	    c->worker->loop, fd, front_rules, front, on_front_close);
	if (!front->channel) {
		free(front);
		return E_NOMEM;
	}
	front->next = c->fronts;
	front->prev_next = &c->fronts;
	if (front->next)
		front->next->prev_next = &front->next;
	c->fronts = front;
	return core_setup_send(c, front->channel);
}

void
core_fronts_tell(struct core *c)
{
	for (struct core_front *f = c->fronts; f; f = f->next)
		/* a link too full for it closes by itself; the front's
		 * successor is told on linking */
		if (core_setup_send(c, f->channel))
			log_line(LOG_WARNING, "a front was not told of the CA");
}

static const struct channel_rule local_rules[] = {
	{ API_ASK, API_BODY_MAX + API_PATH_MAX + API_QUERY_MAX + 64,
	    api_frame_ask },
	{ 0, 0, NULL },
};

static void
local_drop(struct core *c)
{
	api_link_gone(&c->api, c->local);
	channel_free(c->local);
	c->local = NULL;
}

static void
on_local_close(struct channel *link, void *cookie)
{
	struct api *a = (struct api *)cookie;

	(void)link;
	local_drop((struct core *)a->cookie);
}

int
core_local_add(struct core *c, int fd)
{
	if (c->local)
		local_drop(c);
	c->local = channel_new(
	    c->worker->loop, fd, local_rules, &c->api, on_local_close);
	return c->local ? 0 : E_NOMEM;
}

void
core_links_free(struct core *c)
{
	while (c->fronts)
		front_free(c->fronts);
	if (c->local)
		local_drop(c);
}
