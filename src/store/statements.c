#include "store/statements.h"

/*
 * The numbers of states and severities stand here as digits where an index
 * covers only some rows (schema.c): the planners of both engines prove that an
 * index may be used from constants, never from parameters.
 *
 * A plus before a column keeps an index away from that condition, in both
 * engines: where the order by id is wanted, the walk must follow the ids.
 */
#define AUTHORITY_COLUMNS                                                  \
	"a.id, a.parent, a.kind, a.state, a.key_id, a.ra_key, a.ra_cert, " \
	"a.created, a.crl_number, a.crl_next, (SELECT c.cert FROM "        \
	"authority_certs c WHERE c.authority = a.id ORDER BY "             \
	"c.generation DESC LIMIT 1)"

#define CERT_LIST_COLUMNS                                                   \
	"id, serial, authority, state, not_before, not_after, revoked_at, " \
	"reason, warned_at, subject, profile, entity, request, spki"
#define CERT_COLUMNS CERT_LIST_COLUMNS ", der"

/* $1 expires_after, $2 expires_before, $3 $4 states, $5 authority */
#define CERT_FILTER                                              \
	"+not_after >= $1 AND +not_after < $2 AND +state >= $3 " \
	"AND +state <= $4 AND ($5 = '' OR authority = $5) "
/* The same, to be found by not_after; $6 $7: behind this time and id. An index
 * takes one lower bound only: $1 is the later of expires_after and $6. */
#define CERT_FILTER_EXPIRY                                    \
	"not_after >= $1 AND not_after < $2 AND state >= $3 " \
	"AND state <= $4 AND ($5 = '' OR authority = $5) "    \
	"AND (not_after > $6 OR id > $7) "

#define REQUEST_LIST_COLUMNS                                            \
	"id, protocol, txid, state, spki, authority, profile, entity, " \
	"source, "                                                      \
	"subject, created, decided, reason, cert, receipt"
#define REQUEST_COLUMNS REQUEST_LIST_COLUMNS ", csr"

#define ENTITY_COLUMNS                                                      \
	"id, name, profile, authority, token, subject, sans, mac, manual, " \
	"created"

#define PASSWORD_COLUMNS \
	"id, entity, hash, created, expires, uses_total, uses_left"

#define TRUST_COLUMNS                                                   \
	"id, system, alias, origin, fingerprint, subject, not_before, " \
	"not_after, added, der"

#define EVENT_COLUMNS "seq, time, kind, severity, object, hash, body"
/* $1 after_seq, $2 $3 times, $4 kind, $5 severity, $6 object, $7 limit */
#define EVENT_FILTER                                               \
	"time >= $2 AND time <= $3 AND ($4 = 0 OR kind = $4) AND " \
	"severity >= $5 AND ($6 = '' OR object = $6) "
#define EVENT_SELECT "SELECT " EVENT_COLUMNS " FROM events WHERE "

const char *const statement_text[ST_MAX] = {
	[ST_SCHEMA_VERSION] = "SELECT value FROM meta WHERE name = 'schema'",
	[ST_COUNTERS_GET] =
	    "SELECT cert_good, cert_revoked, cert_hold, request_pending, "
	    "request_issued, request_rejected FROM counters WHERE id = 1",
	[ST_COUNTERS_SET] =
	    "UPDATE counters SET cert_good = $1, cert_revoked = $2, "
	    "cert_hold = $3, request_pending = $4, request_issued = $5, "
	    "request_rejected = $6 WHERE id = 1",
	[ST_SETTING_GET] = "SELECT value FROM settings WHERE name = $1",
	[ST_SETTING_SET] =
	    "INSERT INTO settings (name, value) VALUES ($1, $2) "
	    "ON CONFLICT (name) DO UPDATE SET value = excluded.value",

	[ST_AUTHORITY_ADD] =
	    "INSERT INTO authorities (id, parent, kind, state, key_id, "
	    "ra_key, ra_cert, created, crl_number, crl_this, crl_next) "
	    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10) "
	    "ON CONFLICT DO NOTHING",
	[ST_AUTHORITY_GET] =
	    "SELECT " AUTHORITY_COLUMNS " FROM authorities a WHERE a.id = $1",
	[ST_AUTHORITY_EACH] =
	    "SELECT " AUTHORITY_COLUMNS " FROM authorities a ORDER BY a.place",
	[ST_AUTHORITY_SET_STATE] =
	    "UPDATE authorities SET state = $1 WHERE id = $2",
	[ST_AUTHORITY_SET_RA] =
	    "UPDATE authorities SET ra_key = $1, ra_cert = $2 WHERE id = $3",
	[ST_AUTHORITY_ADD_CERT] =
	    "INSERT INTO authority_certs (added, cert, authority, generation) "
	    "SELECT $1, $2, a.id, 1 + coalesce((SELECT max(c.generation) "
	    "FROM authority_certs c WHERE c.authority = a.id), 0) "
	    "FROM authorities a WHERE a.id = $3",
	[ST_AUTHORITY_EACH_CERT] =
	    "SELECT generation, cert FROM authority_certs "
	    "WHERE authority = $1 ORDER BY generation",
	[ST_AUTHORITY_SET_CRL] =
	    "UPDATE authorities SET crl_number = $1, crl_this = $2, "
	    "crl_next = $3 WHERE id = $4",
	[ST_AUTHORITY_PUT_CRL] =
	    "INSERT INTO authority_crls (authority, der) VALUES ($1, $2) "
	    "ON CONFLICT (authority) DO UPDATE SET der = excluded.der",
	[ST_AUTHORITY_GET_CRL] =
	    "SELECT der FROM authority_crls WHERE authority = $1",

	[ST_CERT_ADD] =
	    "INSERT INTO certificates (id, serial, authority, state, "
	    "not_before, not_after, revoked_at, reason, warned_at, subject, "
	    "profile, entity, request, spki, der) VALUES ($1, $2, $3, $4, $5, "
	    "$6, $7, $8, $9, $10, $11, $12, $13, $14, $15) "
	    "ON CONFLICT DO NOTHING",
	[ST_CERT_LAST_ID] = "SELECT coalesce(max(id), 0) FROM certificates",
	[ST_CERT_BY_SERIAL] = "SELECT " CERT_COLUMNS " FROM certificates "
			      "WHERE serial = $1 AND authority = $2",
	[ST_CERT_BY_SERIAL_ANY] = "SELECT " CERT_COLUMNS " FROM certificates "
				  "WHERE serial = $1 LIMIT 1",
	[ST_CERT_BY_ID] = "SELECT " CERT_COLUMNS " FROM certificates "
			  "WHERE id = $1",
	[ST_CERT_STATE] = "SELECT state FROM certificates WHERE id = $1",
	[ST_CERT_SET_STATE] =
	    "UPDATE certificates SET state = $1, revoked_at = $2, reason = $3 "
	    "WHERE id = $4",
	[ST_CERT_EACH_ID] =
	    "SELECT " CERT_LIST_COLUMNS " FROM certificates WHERE " CERT_FILTER
	    "AND id > $6 ORDER BY id LIMIT $7",
	[ST_CERT_EACH_ID_NOT_GOOD] =
	    "SELECT " CERT_LIST_COLUMNS " FROM certificates WHERE " CERT_FILTER
	    "AND id > $6 AND state <> 1 ORDER BY id LIMIT $7",
	[ST_CERT_EACH_ID_ENTITY] =
	    "SELECT " CERT_LIST_COLUMNS " FROM certificates WHERE " CERT_FILTER
	    "AND +id > $6 AND entity = $7 AND entity <> '' "
	    "ORDER BY id LIMIT $8",
	[ST_CERT_EACH_EXPIRY] =
	    "SELECT " CERT_LIST_COLUMNS " FROM certificates "
	    "WHERE " CERT_FILTER_EXPIRY "ORDER BY not_after, id LIMIT $8",
	/* few: found by their own index and sorted */
	[ST_CERT_EACH_EXPIRY_NOT_GOOD] =
	    "SELECT " CERT_LIST_COLUMNS " FROM certificates WHERE " CERT_FILTER
	    "AND (+not_after > $6 OR +id > $7) AND state <> 1 "
	    "ORDER BY +not_after, +id LIMIT $8",
	[ST_CERT_EACH_EXPIRY_ENTITY] =
	    "SELECT " CERT_LIST_COLUMNS " FROM certificates WHERE " CERT_FILTER
	    "AND (+not_after > $6 OR +id > $7) "
	    "AND entity = $8 AND entity <> '' ORDER BY not_after, id LIMIT $9",
	[ST_CERT_COUNT] =
	    "SELECT count(*) FROM certificates WHERE not_after >= $1 "
	    "AND not_after < $2 AND state >= $3 AND state <= $4",
	[ST_CERT_COUNT_AUTHORITY] =
	    "SELECT count(*) FROM certificates WHERE not_after >= $1 "
	    "AND not_after < $2 AND state >= $3 AND state <= $4 "
	    "AND authority = $5",
	[ST_CERT_COUNT_ENTITY] =
	    "SELECT count(*) FROM certificates WHERE " CERT_FILTER
	    "AND entity = $6 AND entity <> ''",
	[ST_CERT_EACH_REVOKED] =
	    "SELECT id, serial, revoked_at, reason FROM certificates "
	    "WHERE state <> 1 AND id > $1 AND authority = $2 "
	    "AND +not_after >= $3 ORDER BY id LIMIT $4",
	[ST_CERT_EACH_UNWARNED] =
	    "SELECT " CERT_LIST_COLUMNS " FROM certificates "
	    "WHERE warned_at = 0 AND state = 1 AND not_after > $1 "
	    "AND not_after <= $2 ORDER BY not_after, id LIMIT $3",
	[ST_CERT_SET_WARNED] =
	    "UPDATE certificates SET warned_at = $1 WHERE id = $2",
	[ST_CERT_NEXT_EXPIRY] =
	    "SELECT " CERT_COLUMNS " FROM certificates WHERE state = 1 "
	    "AND not_after >= $1 ORDER BY not_after, id LIMIT 1",

	[ST_REQUEST_ADD] =
	    "INSERT INTO requests (retry, protocol, txid, state, spki, "
	    "authority, profile, entity, source, subject, created, decided, "
	    "reason, cert, receipt, csr) VALUES ($1, $2, $3, $4, $5, $6, $7, "
	    "$8, $9, $10, $11, $12, $13, $14, $15, $16) "
	    "ON CONFLICT DO NOTHING",
	[ST_REQUEST_GET] =
	    "SELECT " REQUEST_COLUMNS " FROM requests WHERE id = $1",
	[ST_REQUEST_BY_TRANSACTION] =
	    "SELECT " REQUEST_COLUMNS " FROM requests WHERE retry = $1",
	[ST_REQUEST_STATE] = "SELECT state FROM requests WHERE id = $1",
	[ST_REQUEST_DECIDE] =
	    "UPDATE requests SET state = $1, cert = $2, reason = $3, "
	    "receipt = $4, decided = $5, csr = $6 WHERE id = $7 AND state = 1",
	[ST_REQUEST_EACH] = "SELECT " REQUEST_LIST_COLUMNS
			    " FROM requests WHERE id > $1 AND ($2 = 0 OR "
			    "state = $2) ORDER BY id LIMIT $3",
	[ST_REQUEST_EACH_PENDING] =
	    "SELECT " REQUEST_LIST_COLUMNS " FROM requests WHERE id > $1 "
	    "AND state = 1 ORDER BY id LIMIT $2",

	[ST_ENTITY_ADD] =
	    "INSERT INTO entities (name, profile, authority, token, subject, "
	    "sans, mac, manual, created) VALUES ($1, $2, $3, $4, $5, $6, $7, "
	    "$8, $9) ON CONFLICT DO NOTHING",
	[ST_ENTITY_GET] =
	    "SELECT " ENTITY_COLUMNS " FROM entities WHERE name = $1",
	[ST_ENTITY_BY_ID] =
	    "SELECT " ENTITY_COLUMNS " FROM entities WHERE id = $1",
	[ST_ENTITY_REMOVE] = "DELETE FROM entities WHERE name = $1",
	[ST_ENTITY_EACH] = "SELECT " ENTITY_COLUMNS " FROM entities "
			   "WHERE id > $1 ORDER BY id LIMIT $2",

	[ST_PASSWORD_ADD] =
	    "INSERT INTO passwords (entity, hash, created, expires, "
	    "uses_total, uses_left) VALUES ($1, $2, $3, $4, $5, $6) "
	    "ON CONFLICT DO NOTHING",
	[ST_PASSWORD_BY_HASH] =
	    "SELECT " PASSWORD_COLUMNS " FROM passwords WHERE hash = $1",
	[ST_PASSWORD_USE] =
	    "UPDATE passwords SET uses_left = uses_left - 1 "
	    "WHERE id = $1 AND uses_total > 0 AND uses_left > 0",
	[ST_PASSWORD_TOTAL] = "SELECT uses_total FROM passwords WHERE id = $1",
	[ST_PASSWORD_EACH] = "SELECT " PASSWORD_COLUMNS
			     " FROM passwords WHERE entity = $1 ORDER BY id",
	[ST_PASSWORD_REMOVE] = "DELETE FROM passwords WHERE id = $1",

	[ST_TRUST_ADD] =
	    "INSERT INTO trusts (system, alias, origin, fingerprint, subject, "
	    "not_before, not_after, added, der) VALUES ($1, $2, $3, $4, $5, "
	    "$6, $7, $8, $9) ON CONFLICT DO NOTHING",
	[ST_TRUST_GET] = "SELECT " TRUST_COLUMNS " FROM trusts "
			 "WHERE system = $1 AND fingerprint = $2",
	[ST_TRUST_REMOVE] = "DELETE FROM trusts WHERE id = $1",
	[ST_TRUST_EACH] = "SELECT " TRUST_COLUMNS " FROM trusts "
			  "WHERE system = $1 ORDER BY id",

	[ST_EVENT_ADD] =
	    "INSERT INTO events (seq, time, kind, severity, object, hash, "
	    "body) VALUES ($1, $2, $3, $4, $5, $6, $7)",
	[ST_EVENT_LAST] = "SELECT " EVENT_COLUMNS " FROM events "
			  "ORDER BY seq DESC LIMIT 1",
	[ST_EVENT_EACH] =
	    EVENT_SELECT "seq > $1 AND " EVENT_FILTER "ORDER BY seq LIMIT $7",
	[ST_EVENT_EACH_NEWEST] = EVENT_SELECT "seq > $1 AND " EVENT_FILTER
					      "ORDER BY seq DESC LIMIT $7",
	[ST_EVENT_EACH_SEVERE] = EVENT_SELECT
	"seq > $1 AND severity >= 3 AND " EVENT_FILTER "ORDER BY seq LIMIT $7",
	[ST_EVENT_EACH_SEVERE_NEWEST] =
	    EVENT_SELECT "seq > $1 AND severity >= 3 AND " EVENT_FILTER
			 "ORDER BY seq DESC LIMIT $7",
	[ST_CHECKPOINT_ADD] =
	    "INSERT INTO checkpoints (seq, time, hash, key_id, sig) "
	    "VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
	[ST_CHECKPOINT_EACH] =
	    "SELECT seq, time, hash, key_id, sig FROM checkpoints "
	    "WHERE seq > $1 ORDER BY seq LIMIT $2",
	[ST_CHECKPOINT_LAST] =
	    "SELECT seq, time, hash, key_id, sig FROM checkpoints "
	    "ORDER BY seq DESC LIMIT 1",
};
