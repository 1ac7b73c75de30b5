#include "ledger/ledger_internal.h"

#include "base/json.h"
#include "base/str.h"

#define RECORD_DOMAIN "signet-ledger-1"
#define CHECKPOINT_DOMAIN "signet-checkpoint-1"

/* neither plain ASCII text nor to be taken for it */
static bool
is_foreign(uint8_t c)
{
	return c < 0x20 || c >= 0x7f;
}

/* Members are texts of ours or escaped ones. Whatever else comes is escaped
 * here: a record must go into the database and parse for ever. */
const char *
record_clean(const char *text, char room[LEDGER_MEMBER_MAX])
{
	size_t n = strlen(text), i = 0;
	AUTO(json_t) *valid = NULL;

	while (i < n && !is_foreign((uint8_t)text[i]))
		i++;
	if (i == n && n < LEDGER_MEMBER_MAX)
		return text;
	str_escape(room, LEDGER_MEMBER_MAX, text, n);
	valid = json_string(room); /* NULL: not the UTF-8 of RFC 3629 */
	if (valid)
		return room;
	for (char *p = room; *p; p++)
		if (is_foreign((uint8_t)*p))
			*p = '?';
	return room;
}

/* RFC 8259 7, of a clean text */
static void
add_json_text(struct buf *out, const char *text)
{
	size_t plain = strcspn(text, "\"\\");

	buf_add(out, "\"", 1);
	buf_add(out, text, plain);
	for (text += plain; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_add(out, "\\", 1);
		buf_add(out, text, 1);
	}
	buf_add(out, "\"", 1);
}

static void
add_member(struct buf *out, const char *name, const char *text)
{
	char room[LEDGER_MEMBER_MAX];

	buf_add_text(out, name);
	add_json_text(out, text ? record_clean(text, room) : "");
}

void
record_head(int kind, int severity, const char *object, struct buf *out)
{
	add_member(out, "{\"kind\":", event_kind_name(kind));
	add_member(out, ",\"severity\":", severity_name(severity));
	add_member(out, ",\"object\":", object);
}

/* room for the detail in place: jansson writes straight into the buffer */
static void
add_detail(struct buf *out, const json_t *detail)
{
	static const char name[] = ",\"detail\":";
	size_t flags = JSON_COMPACT | JSON_SORT_KEYS;
	size_t used = out->n + sizeof(name) - 1 + 1; /* and the brace */
	size_t room = used < out->max ? out->max - used : 0;
	uint8_t *to = buf_reserve(out, sizeof(name) - 1 + room);
	size_t n;

	if (!to)
		return;
	n = room
		? json_dumpb(detail, (char *)to + sizeof(name) - 1, room, flags)
		: 0;
	if (n == 0 || n > room)
		return;
	memcpy(to, name, sizeof(name) - 1);
	out->n += sizeof(name) - 1 + n;
}

int
record_build(const struct event *e, struct buf *out)
{
	record_head(
	    (int)e->kind, (int)e->severity, e->object ? e->object : "", out);
	add_member(out, ",\"actor\":", e->actor);
	add_member(out, ",\"source\":", e->source);
	add_member(out, ",\"result\":", e->result);
	if (e->detail && json_is_object(e->detail))
		add_detail(out, e->detail);
	buf_add(out, "}", 1);
	return buf_error(out);
}

/* The column holds the object's first bytes when it was too long for it. */
bool
record_matches(const struct event_row *e, struct buf *scratch)
{
	size_t n;

	buf_reset(scratch);
	record_head(e->kind, e->severity, e->object, scratch);
	if (buf_error(scratch))
		return false;
	n = scratch->n;
	if (strlen(e->object) >= sizeof(e->object) - 4)
		n--; /* without the closing quote */
	return e->body.n >= n && memcmp(e->body.p, scratch->p, n) == 0;
}

int
hasher_init(struct hasher *h)
{
	h->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	h->ctx = EVP_MD_CTX_new();
	return h->md && h->ctx ? 0 : E_NOMEM;
}

void
hasher_done(struct hasher *h)
{
	EVP_MD_CTX_free(h->ctx);
	EVP_MD_free(h->md);
	h->ctx = NULL;
	h->md = NULL;
}

static void
put_u64(uint8_t *out, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)(v >> (56 - 8 * i));
}

int
hasher_record(struct hasher *h, const uint8_t previous[32],
    const struct event_row *e, uint8_t ret[32])
{
	uint8_t head[sizeof(RECORD_DOMAIN) - 1 + 32 + 8 + 8];
	uint8_t *p = head;

	memcpy(p, RECORD_DOMAIN, sizeof(RECORD_DOMAIN) - 1);
	p += sizeof(RECORD_DOMAIN) - 1;
	memcpy(p, previous, 32);
	put_u64(p + 32, (uint64_t)e->seq);
	put_u64(p + 40, (uint64_t)e->time);
	if (EVP_DigestInit_ex2(h->ctx, h->md, NULL) != 1 ||
	    EVP_DigestUpdate(h->ctx, head, sizeof(head)) != 1 ||
	    EVP_DigestUpdate(h->ctx, e->body.p, e->body.n) != 1 ||
	    EVP_DigestFinal_ex(h->ctx, ret, NULL) != 1)
		return E_CRYPTO;
	return 0;
}

int
checkpoint_text(const struct checkpoint_row *c, struct buf *out)
{
	buf_add_text(out, CHECKPOINT_DOMAIN);
	buf_add_u64(out, (uint64_t)c->seq);
	buf_add(out, c->hash, 32);
	buf_add_u64(out, (uint64_t)c->time);
	return buf_error(out);
}

json_t *
event_to_json(const struct event_row *e)
{
	AUTO(json_t) *body = json_loadb(
	    (const char *)e->body.p, e->body.n, JSON_REJECT_DUPLICATES, NULL);
	json_t *o = json_object();

	json_set_int(o, "seq", e->seq);
	json_set_time(o, "time", e->time);
	/* a record somebody has damaged is still shown */
	if (json_is_object(body))
		json_object_update(o, body);
	else
		json_set_escaped(o, "damaged", e->body);
	json_set_hex(o, "hash", span_of(e->hash, 32));
	return o;
}
