/*
 * base/err: the error codes every module returns.
 *
 * A function that can fail returns 0 or one of these negative codes and is
 * marked ERR_CHECK.  The code says what kind of failure it was; the words for
 * people are in struct diag (base/diag.h).
 */
#ifndef SIGNET_BASE_ERR_H
#define SIGNET_BASE_ERR_H

#define ERR_CHECK __attribute__((warn_unused_result))

enum {
	E_OK = 0,
	E_NOMEM = -1,       /* out of memory; the caller lives on */
	E_INVAL = -2,       /* the caller's argument breaks a rule */
	E_PARSE = -3,       /* foreign bytes are malformed */
	E_TRUNCATED = -4,   /* foreign bytes end too early */
	E_TOO_BIG = -5,     /* a stated maximum is exceeded */
	E_UNSUPPORTED = -6, /* well-formed, but nothing we know or allow */
	E_NOT_FOUND = -7,
	E_EXISTS = -8,    /* already there: unique name, serial, id */
	E_DENIED = -9,    /* rights, policy or proof forbid it */
	E_EXPIRED = -10,  /* was valid once */
	E_STATE = -11,    /* not possible in the present state */
	E_CONFLICT = -12, /* same identifier, different content */
	E_CRYPTO = -13,   /* signature or decryption failed */
	E_PASSWORD = -14, /* wrong or missing password */
	E_IO = -15,       /* file or socket; errno has told the log */
	E_DB = -16,       /* the store refused or lost a statement */
	E_TIMEOUT = -17,
	E_CLOSED = -18,  /* the peer has gone */
	E_LIMIT = -19,   /* rate limit or lockout in force */
	E_PENDING = -20, /* accepted; the answer comes later */
	E_BUG = -21,     /* our own mistake, caught */
};

/* err_name(code): constant lower-case word for a code ("parse", "denied"...);
 * "unknown" for a number that is no code. Used in JSON and logs. */
const char *err_name(int code);

/* err_text(code): short sentence part for people ("is malformed"). */
const char *err_text(int code);

#endif
