/*
 * key/server, checkpoints of the ledger: signed, and the latest remembered
 * in STATE/key/checkpoint, so that a ledger with its tail cut off shows.
 * The record, sealed: u64 seq, 32 bytes hash.
 */
#include "key/server_internal.h"
#include "os/file.h"

#define PURPOSE "checkpoint"
#define PREFIX "signet-checkpoint-1"
#define HASH_BYTES 32
#define RECORD_MAX 256

struct memory {
	uint64_t seq; /* 0: none yet */
	uint8_t hash[HASH_BYTES];
};

static int
memory_path(const struct key_server *s, char *path, size_t size)
{
	return path_join(path, size, s->folder, "checkpoint");
}

static int
memory_load(const struct key_server *s, struct diag *d, struct memory *ret)
{
	char path[CONFIG_PATH_MAX + 32];
	AUTO_STRUCT(secret) *plain = NULL;
	BUF(file, RECORD_MAX);
	struct reader r;
	struct memory m = { .seq = 0 };
	struct span hash;
	int e = memory_path(s, path, sizeof(path));

	if (e)
		return e;
	if (file_is_there(path)) {
		e = file_read(path, RECORD_MAX, d, &file);
		if (e)
			return e;
		if (seal_unwrap(s->seal, PURPOSE, "", buf_span(&file), &plain))
			return diag_set(d, E_CRYPTO, path, "CA-6",
			    "the memory of the last checkpoint was changed");
		r = reader_of(secret_peek(plain));
		m.seq = reader_u64(&r);
		hash = reader_bytes(&r, HASH_BYTES);
		if (reader_finish(&r))
			return diag_set(d, E_PARSE, path, NULL, "is malformed");
		memcpy(m.hash, hash.p, hash.n);
	}
	*ret = m;
	return 0;
}

static int
memory_save(const struct key_server *s, const struct memory *m, struct diag *d)
{
	char path[CONFIG_PATH_MAX + 32];
	BUF(plain, RECORD_MAX);
	BUF(sealed, RECORD_MAX);
	int e = memory_path(s, path, sizeof(path));

	if (e)
		return e;
	buf_add_u64(&plain, m->seq);
	buf_add(&plain, m->hash, sizeof(m->hash));
	e = buf_error(&plain);
	if (!e)
		e = seal_wrap(s->seal, PURPOSE, "", buf_span(&plain), &sealed);
	return e ? e : file_write(path, 0600, buf_span(&sealed), d);
}

/* prefix, u64 seq, hash, u64 time (ledger/ledger.h) */
static int
text_parse(struct span text, struct memory *ret)
{
	struct reader r = reader_of(text);
	struct span prefix = reader_bytes(&r, strlen(PREFIX)), hash;
	uint64_t seq = reader_u64(&r);

	hash = reader_bytes(&r, HASH_BYTES);
	(void)reader_u64(&r);
	if (reader_finish(&r) || seq == 0 ||
	    !span_is_equal(prefix, span_str(PREFIX)))
		return E_PARSE;
	ret->seq = seq;
	memcpy(ret->hash, hash.p, hash.n);
	return 0;
}

int
op_sign_checkpoint(
    struct key_server *s, struct reader *r, struct buf *out, struct diag *d)
{
	char id[KEY_ID_MAX];
	struct memory last, now;
	struct key_entry *k = NULL;
	struct span text;
	int e;

	reader_text(r, id, sizeof(id));
	text = reader_span(r);
	e = reader_finish(r);
	if (!e)
		e = key_of_role(s, id, KEY_ROLE_LEDGER, d, &k);
	if (e)
		return e;
	if (text_parse(text, &now))
		return diag_set(d, E_DENIED, id, "CA-6", "is no checkpoint");
	e = memory_load(s, d, &last);
	if (e)
		return e;
	if (now.seq < last.seq ||
	    (now.seq == last.seq &&
		memcmp(now.hash, last.hash, HASH_BYTES) != 0)) {
		diag_set(d, E_CONFLICT, id, "CA-6",
		    "the ledger went back: event %llu is asked for, %llu was "
		    "signed before",
		    (unsigned long long)now.seq, (unsigned long long)last.seq);
		diag_remedy(d, "look at: signet audit verify");
		return E_CONFLICT;
	}
	/* remembered before it leaves: the other order could forget one */
	if (now.seq != last.seq)
		e = memory_save(s, &now, d);
	return e ? e : sign_into(k, HASH_UNSET, text, out, d);
}

int
op_last_checkpoint(
    struct key_server *s, struct reader *r, struct buf *out, struct diag *d)
{
	struct memory last;
	int e = reader_finish(r);

	if (!e)
		e = memory_load(s, d, &last);
	if (e)
		return e;
	buf_add_u64(out, last.seq);
	buf_add(out, last.hash, sizeof(last.hash));
	return 0;
}
