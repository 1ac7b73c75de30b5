#include "base/enumtab.h"
#include "ledger/ledger.h"

/* The texts stand in the records for ever: never change one, only add. */
static const struct enum_text kinds[] = {
	{ EVENT_SERVER_START, "server.start" },
	{ EVENT_SERVER_STOP, "server.stop" },
	{ EVENT_PROCESS_DIED, "process.died" },
	{ EVENT_IGNITION, "ignition" },
	{ EVENT_CA_CREATE, "ca.create" },
	{ EVENT_CA_RENEW, "ca.renew" },
	{ EVENT_CA_IMPORT, "ca.import" },
	{ EVENT_CA_EXPORT, "ca.export" },
	{ EVENT_CA_STATE, "ca.state" },
	{ EVENT_CA_CRL, "ca.crl" },
	{ EVENT_CA_BACKUP, "ca.backup" },
	{ EVENT_CA_RESTORE, "ca.restore" },
	{ EVENT_PROFILE_CHANGE, "profile.change" },
	{ EVENT_ENTITY_ADD, "entity.add" },
	{ EVENT_ENTITY_REMOVE, "entity.remove" },
	{ EVENT_PASSWORD_ADD, "password.add" },
	{ EVENT_PASSWORD_REMOVE, "password.remove" },
	{ EVENT_REQUEST_PENDING, "request.pending" },
	{ EVENT_REQUEST_APPROVE, "request.approve" },
	{ EVENT_REQUEST_REJECT, "request.reject" },
	{ EVENT_REQUEST_REFUSED, "request.refused" },
	{ EVENT_REQUEST_MALFORMED, "request.malformed" },
	{ EVENT_LOCKOUT, "lockout" },
	{ EVENT_ISSUE, "cert.issue" },
	{ EVENT_RENEW, "cert.renew" },
	{ EVENT_REVOKE, "cert.revoke" },
	{ EVENT_HOLD, "cert.hold" },
	{ EVENT_RELEASE, "cert.release" },
	{ EVENT_LEGACY_ISSUE, "cert.issue-legacy" },
	{ EVENT_TRUST_ADD, "trust.add" },
	{ EVENT_TRUST_REMOVE, "trust.remove" },
	{ EVENT_TRUST_RESET, "trust.reset" },
	{ EVENT_KEY_EXPORT, "key.export" },
	{ EVENT_KEY_REFUSED, "key.refused" },
	{ EVENT_CLOCK, "clock" },
	{ EVENT_EXPIRING, "cert.expiring" },
	{ EVENT_EXPIRED, "cert.expired" },
	{ EVENT_SWEEP, "sweep" },
	{ EVENT_SETTING_CHANGE, "setting.change" },
	{ 0, NULL },
};
/* one text for each kind */
_Static_assert(sizeof(kinds) / sizeof(kinds[0]) == EVENT_KIND_MAX,
    "an event kind without its text");

static const struct enum_text severities[] = {
	{ SEVERITY_INFO, "info" },
	{ SEVERITY_NOTICE, "notice" },
	{ SEVERITY_WARNING, "warning" },
	{ SEVERITY_ERROR, "error" },
	{ SEVERITY_CRITICAL, "critical" },
	{ 0, NULL },
};

const char *
event_kind_name(int kind)
{
	return enum_name(kinds, kind);
}

int
event_kind_from_name(const char *text)
{
	return enum_from_name(kinds, text);
}

const char *
severity_name(int severity)
{
	return enum_name(severities, severity);
}

int
severity_from_name(const char *text)
{
	return enum_from_name(severities, text);
}
