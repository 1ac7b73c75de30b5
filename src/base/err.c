#include "base/err.h"

#include <stddef.h>

static const struct {
	int code;
	const char *name;
	const char *text;
} err_table[] = {
	{ E_OK, "ok", "succeeded" },
	{ E_NOMEM, "no-memory", "needs more memory than there is" },
	{ E_INVAL, "invalid", "is not a valid value" },
	{ E_PARSE, "malformed", "is malformed" },
	{ E_TRUNCATED, "truncated", "ends too early" },
	{ E_TOO_BIG, "too-big", "is larger than allowed" },
	{ E_UNSUPPORTED, "unsupported", "is not supported" },
	{ E_NOT_FOUND, "not-found", "does not exist" },
	{ E_EXISTS, "exists", "exists already" },
	{ E_DENIED, "denied", "is not allowed" },
	{ E_EXPIRED, "expired", "has expired" },
	{ E_STATE, "wrong-state", "is not possible in this state" },
	{ E_CONFLICT, "conflict", "contradicts what is there" },
	{ E_CRYPTO, "bad-signature", "does not verify" },
	{ E_PASSWORD, "bad-password", "needs another password" },
	{ E_IO, "io", "could not be read or written" },
	{ E_DB, "database", "was refused by the database" },
	{ E_TIMEOUT, "timeout", "took too long" },
	{ E_CLOSED, "closed", "was closed by the other side" },
	{ E_LIMIT, "limited", "came too often" },
	{ E_PENDING, "pending", "is waiting for a decision" },
	{ E_BUG, "internal", "met an internal error" },
};

const char *
err_name(int code)
{
	for (size_t i = 0; i < sizeof(err_table) / sizeof(err_table[0]); i++)
		if (err_table[i].code == code)
			return err_table[i].name;
	return "unknown";
}

const char *
err_text(int code)
{
	for (size_t i = 0; i < sizeof(err_table) / sizeof(err_table[0]); i++)
		if (err_table[i].code == code)
			return err_table[i].text;
	return "failed";
}
