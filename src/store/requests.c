#include "store/requests.h"

#include <sodium.h>

#include "base/enumtab.h"
#include "store/store_internal.h"

#define REQUEST_PAGE_MAX 1000 /* rows of one listing */
#define RETRY_BYTES 16        /* BLAKE2b-128 */

static const struct enum_text states[] = {
	{ REQUEST_PENDING, "pending" },
	{ REQUEST_ISSUED, "issued" },
	{ REQUEST_REJECTED, "rejected" },
	{ 0, NULL },
};

const char *
request_state_name(enum request_state s)
{
	return enum_name(states, (int)s);
}

enum request_state
request_state_from_name(const char *text)
{
	return (enum request_state)enum_from_name(states, text);
}

void
request_done(struct request_row *r)
{
	db_free(&r->csr);
	db_free(&r->receipt);
}

/* what a retry is found by: a digest of protocol, NUL, transaction id */
static int
retry_key(
    const char *protocol, const char *transaction, uint8_t ret[RETRY_BYTES])
{
	uint8_t text[sizeof(((struct request_row *)0)->protocol) +
		     REQUEST_TRANSACTION_MAX];
	size_t np = strlen(protocol) + 1, nt = strlen(transaction);

	if (np + nt > sizeof(text))
		return E_TOO_BIG;
	memcpy(text, protocol, np);
	memcpy(text + np, transaction, nt);
	crypto_generichash(ret, RETRY_BYTES, text, np + nt, NULL, 0);
	return 0;
}

/* CA-6: the unique key on protocol and transaction is what makes a retry find
 * the first answer, whichever way two of them race. */
int
request_add(struct store *s, const struct request_row *r, int64_t *ret_id)
{
	bool open = r->state == REQUEST_PENDING;
	uint8_t retry[RETRY_BYTES];
	int err;

	if (r->state < REQUEST_PENDING || r->state > REQUEST_REJECTED ||
	    !r->protocol[0] || !r->transaction[0])
		return E_INVAL;
	err = retry_key(r->protocol, r->transaction, retry);
	if (err)
		return err;
	err = db_insert(s, ST_REQUEST_ADD,
	    VALUES(val_blob(span_of(retry, RETRY_BYTES)), val_text(r->protocol),
		val_text(r->transaction), val_int(r->state), val_hash(r->spki),
		val_text(r->authority), val_text(r->profile),
		val_text(r->entity), val_text(r->source), val_text(r->subject),
		val_int(r->created), val_int(r->decided), val_text(r->reason),
		val_int(r->cert), val_blob(r->receipt),
		val_blob(open ? r->csr : span_of(NULL, 0))),
	    ret_id);
	if (!err)
		counters_add(s, COUNTED_REQUESTS, r->state, 1);
	return err;
}

/* borrows from the query; the order of REQUEST_LIST_COLUMNS */
static void
take_row(const struct query *q, struct request_row *ret)
{
	ret->id = db_int(q, 0);
	db_text(q, 1, ret->protocol, sizeof(ret->protocol));
	db_text(q, 2, ret->transaction, sizeof(ret->transaction));
	ret->state = (enum request_state)db_int(q, 3);
	db_hash(q, 4, ret->spki);
	db_text(q, 5, ret->authority, sizeof(ret->authority));
	db_text(q, 6, ret->profile, sizeof(ret->profile));
	db_text(q, 7, ret->entity, sizeof(ret->entity));
	db_text(q, 8, ret->source, sizeof(ret->source));
	db_text(q, 9, ret->subject, sizeof(ret->subject));
	ret->created = db_int(q, 10);
	ret->decided = db_int(q, 11);
	db_text(q, 12, ret->reason, sizeof(ret->reason));
	ret->cert = db_int(q, 13);
	ret->receipt = db_bytes(q, 14);
	ret->csr = span_of(NULL, 0);
}

static int
own_row(const struct query *q, struct request_row *ret)
{
	struct request_row r;
	int err;

	memset(&r, 0, sizeof(r));
	take_row(q, &r);
	r.receipt = span_of(NULL, 0);
	err = db_copy(q, 14, &r.receipt);
	if (!err)
		err = db_copy(q, 15, &r.csr);
	if (err) {
		request_done(&r);
		return err;
	}
	*ret = r;
	return 0;
}

static int
get(struct store *s, enum statement id, const struct value *v, size_t n,
    struct request_row *ret)
{
	struct query q;
	int err = db_query(&q, s, id, v, n);

	if (err)
		return err;
	err = db_step(&q);
	if (err == 1)
		err = own_row(&q, ret);
	else if (err == 0)
		err = E_NOT_FOUND;
	db_finish(&q);
	return err;
}

int
request_get(struct store *s, int64_t id, struct request_row *ret)
{
	return get(s, ST_REQUEST_GET, VALUES(val_int(id)), ret);
}

int
request_by_transaction(struct store *s, const char *protocol,
    const char *transaction, struct request_row *ret)
{
	uint8_t retry[RETRY_BYTES];
	int err = retry_key(protocol, transaction, retry);

	if (err == E_TOO_BIG)
		return E_NOT_FOUND; /* none can be stored under it */
	return get(s, ST_REQUEST_BY_TRANSACTION,
	    VALUES(val_blob(span_of(retry, RETRY_BYTES))), ret);
}

/* CA-6: only a pending request can be decided, and only once: the condition
 * is part of the statement that decides. */
int
request_decide(struct store *s, int64_t id, enum request_state st, int64_t cert,
    const char *reason, struct span receipt, int64_t now)
{
	int64_t state;
	int err;

	if ((st != REQUEST_ISSUED && st != REQUEST_REJECTED) ||
	    (st == REQUEST_ISSUED && cert == 0))
		return E_INVAL;
	err = db_change(s, ST_REQUEST_DECIDE,
	    VALUES(val_int(st), val_int(cert), val_text(reason ? reason : ""),
		val_blob(receipt), val_int(now), val_blob(span_of(NULL, 0)),
		val_int(id)));
	if (err == E_NOT_FOUND) {
		err = db_one(s, ST_REQUEST_STATE, VALUES(val_int(id)), &state);
		return err ? err : E_STATE;
	}
	if (err)
		return err;
	counters_add(s, COUNTED_REQUESTS, REQUEST_PENDING, -1);
	counters_add(s, COUNTED_REQUESTS, (int)st, 1);
	return 0;
}

int
request_count(struct store *s, enum request_state st, int64_t *ret)
{
	return counters_get(s, COUNTED_REQUESTS, (int)st, ret);
}

int
request_each(struct store *s, enum request_state st, int64_t after_id,
    unsigned limit, request_fn fn, void *cookie)
{
	int64_t most = db_limit(limit, REQUEST_PAGE_MAX);
	struct request_row r;
	struct query q;
	int err;

	if (st == REQUEST_PENDING)
		err = db_query(&q, s, ST_REQUEST_EACH_PENDING,
		    VALUES(val_int(after_id), val_int(most)));
	else
		err = db_query(&q, s, ST_REQUEST_EACH,
		    VALUES(val_int(after_id), val_int(st), val_int(most)));
	if (err)
		return err;
	memset(&r, 0, sizeof(r));
	while ((err = db_step(&q)) == 1) {
		take_row(&q, &r);
		err = fn(&r, cookie);
		if (err)
			break;
	}
	db_finish(&q);
	return err;
}
