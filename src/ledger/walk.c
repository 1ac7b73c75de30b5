/*
 * ACC-8: proof that nothing in the ledger was altered or cut.
 *
 * The chain alone shows clumsy changes: whoever can write the database can
 * also compute it anew from the changed record on. The checkpoints show that,
 * for the ledger key is out of reach; and the checkpoint that the key process
 * remembers shows a tail cut together with its checkpoints.
 */
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>

#include "ledger/ledger_internal.h"

#define SPKI_MAX 512 /* bytes; P-256 takes 91, Ed25519 44 */

struct ledger_walk {
	struct store *store;
	struct hasher hasher;
	struct buf scratch;
	EVP_PKEY *key;
	bool ed25519;
	int64_t remembered_seq;
	uint8_t remembered_hash[32];
	int64_t seq; /* last record seen and its hash */
	uint8_t hash[32];
	struct checkpoint_row next; /* first checkpoint from seq on */
	bool has_next;
	int failure; /* E_... of the store, not of the ledger */
	struct ledger_verdict verdict;
};

static __attribute__((format(printf, 3, 4))) void
is_bad(struct ledger_walk *w, int64_t seq, const char *fmt, ...)
{
	struct ledger_verdict *v = &w->verdict;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(v->reason, sizeof(v->reason), fmt, ap);
	va_end(ap);
	v->first_bad = seq;
	v->good = false;
	v->done = true;
}

static int
load_key(struct ledger_walk *w, struct span public_key)
{
	const uint8_t *p = public_key.p;

	if (public_key.n == 0 || public_key.n > SPKI_MAX)
		return E_PARSE;
	w->key = d2i_PUBKEY(NULL, &p, (long)public_key.n);
	if (!w->key || p != public_key.p + public_key.n)
		return E_PARSE;
	w->ed25519 = EVP_PKEY_is_a(w->key, "ED25519") == 1;
	return w->ed25519 || EVP_PKEY_is_a(w->key, "EC") == 1 ? 0 : E_PARSE;
}

int
ledger_walk_new(struct store *s, struct span public_key, int64_t remembered_seq,
    const uint8_t remembered_hash[32], struct ledger_walk **ret)
{
	struct ledger_walk *w = (struct ledger_walk *)calloc(1, sizeof(*w));
	int err;

	if (!w)
		return E_NOMEM;
	w->store = s;
	w->remembered_seq = remembered_seq;
	if (remembered_seq)
		memcpy(w->remembered_hash, remembered_hash, 32);
	buf_init(&w->scratch, LEDGER_BODY_MAX);
	err = hasher_init(&w->hasher);
	if (!err)
		err = load_key(w, public_key);
	if (err) {
		ledger_walk_free(w);
		return err;
	}
	*ret = w;
	return 0;
}

void
ledger_walk_free(struct ledger_walk *w)
{
	if (!w)
		return;
	if (w->has_next)
		checkpoint_done(&w->next);
	EVP_PKEY_free(w->key);
	hasher_done(&w->hasher);
	buf_done(&w->scratch);
	free(w);
}

static bool
is_signed(struct ledger_walk *w, const struct checkpoint_row *c)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok;

	buf_reset(&w->scratch);
	ok = ctx && checkpoint_text(c, &w->scratch) == 0 &&
	     EVP_DigestVerifyInit_ex(ctx, NULL, w->ed25519 ? NULL : "SHA256",
		 NULL, NULL, w->key, NULL) == 1 &&
	     EVP_DigestVerify(
		 ctx, c->sig.p, c->sig.n, w->scratch.p, w->scratch.n) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

static int
keep_checkpoint(const struct checkpoint_row *c, void *cookie)
{
	struct ledger_walk *w = (struct ledger_walk *)cookie;
	uint8_t *sig = (uint8_t *)malloc(c->sig.n + 1);

	if (!sig)
		return E_NOMEM;
	if (c->sig.n)
		memcpy(sig, c->sig.p, c->sig.n);
	w->next = *c;
	w->next.sig = span_of(sig, c->sig.n);
	w->has_next = true;
	return 0;
}

static int
fetch_checkpoint(struct ledger_walk *w, int64_t after)
{
	if (w->has_next)
		checkpoint_done(&w->next);
	w->has_next = false;
	return checkpoint_each(w->store, after, 1, keep_checkpoint, w);
}

/* the checkpoint at the record just seen */
static int
meet_checkpoint(struct ledger_walk *w)
{
	int64_t seq = w->next.seq;

	if (!is_signed(w, &w->next)) {
		is_bad(w, seq,
		    "the checkpoint at record %" PRId64 " was forged: its "
		    "signature is not of the ledger key",
		    seq);
		return E_CRYPTO;
	}
	if (memcmp(w->next.hash, w->hash, 32) != 0) {
		is_bad(w, seq,
		    "record %" PRId64 " or one before it was rewritten: its "
		    "checkpoint signs another hash",
		    seq);
		return E_CRYPTO;
	}
	w->verdict.checkpoints++;
	w->failure = fetch_checkpoint(w, seq);
	return w->failure;
}

static int
meet_event(const struct event_row *e, void *cookie)
{
	struct ledger_walk *w = (struct ledger_walk *)cookie;
	int64_t expected = w->seq + 1;
	uint8_t hash[32];

	if (e->seq != expected) {
		is_bad(w, expected,
		    "record %" PRId64 " is missing: %" PRId64
		    " follows %" PRId64,
		    expected, e->seq, w->seq);
		return E_CRYPTO;
	}
	w->failure = hasher_record(&w->hasher, w->hash, e, hash);
	if (w->failure)
		return w->failure;
	if (memcmp(hash, e->hash, 32) != 0) {
		is_bad(w, e->seq,
		    "record %" PRId64 " was changed: its hash does not fit "
		    "its content and the record before it",
		    e->seq);
		return E_CRYPTO;
	}
	if (!record_matches(e, &w->scratch)) {
		is_bad(w, e->seq,
		    "record %" PRId64 " was changed: its kind, severity or "
		    "object is not what its content says",
		    e->seq);
		return E_CRYPTO;
	}
	w->seq = e->seq;
	memcpy(w->hash, hash, 32);
	w->verdict.events++;
	if (w->seq == w->remembered_seq &&
	    memcmp(hash, w->remembered_hash, 32) != 0) {
		is_bad(w, e->seq,
		    "record %" PRId64 " or one before it was rewritten: the "
		    "key process remembers another hash",
		    e->seq);
		return E_CRYPTO;
	}
	return w->has_next && w->next.seq == w->seq ? meet_checkpoint(w) : 0;
}

/* no more records: is this the end that was signed? */
static void
meet_end(struct ledger_walk *w)
{
	int64_t known = w->remembered_seq;

	if (w->has_next && w->next.seq > w->seq) {
		if (!is_signed(w, &w->next)) {
			is_bad(w, w->next.seq,
			    "the checkpoint at record %" PRId64 " was forged: "
			    "its signature is not of the ledger key",
			    w->next.seq);
			return;
		}
		if (w->next.seq > known)
			known = w->next.seq;
	}
	if (known > w->seq) {
		is_bad(w, w->seq + 1,
		    "the end was cut off: records %" PRId64 " to at least "
		    "%" PRId64 " are missing",
		    w->seq + 1, known);
		return;
	}
	w->verdict.good = true;
	w->verdict.done = true;
}

int
ledger_walk_step(
    struct ledger_walk *w, unsigned records, struct ledger_verdict *ret)
{
	struct event_filter f = { .after_seq = w->seq, .limit = records };
	int64_t before = w->verdict.events;
	int err;

	if (w->verdict.done) {
		*ret = w->verdict;
		return 0;
	}
	/* before the records: what a checkpoint signs is there when it is */
	if (!w->has_next)
		w->failure = fetch_checkpoint(w, w->seq);
	if (w->failure)
		return w->failure;
	err = event_each(w->store, &f, meet_event, w);
	if (w->failure)
		return w->failure;
	if (err && !w->verdict.done)
		return err;
	if (!w->verdict.done && w->verdict.events == before)
		meet_end(w);
	*ret = w->verdict;
	return 0;
}
