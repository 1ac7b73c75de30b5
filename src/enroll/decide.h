/*
 * enroll/decide: the one decision about an enrolment (ENR-9): who asks, with
 * what proof, for what key and names, under which profile, and whether that is
 * granted, refused or waits for a person. In the core; the only caller of
 * ca_issue() for enrolments.
 */
#ifndef SIGNET_ENROLL_DECIDE_H
#define SIGNET_ENROLL_DECIDE_H

#include "ca/ca.h"
#include "enroll/enrolment.h"

struct decider;
int decider_new(struct ca *ca, struct diag *d, struct decider **ret) ERR_CHECK;
void decider_free(struct decider *d);

/* answer is borrowed during the callback, which runs after the commit */
typedef void (*decide_fn)(const struct enrol_answer *a, void *cookie);
/* decide(e): retries of one transaction with the same key get the same
 * certificate, those under way join the one under way; the same transaction
 * with another key is E_CONFLICT. Never calls back before it returns. */
int decide(struct decider *d, const struct enrolment *e, decide_fn fn,
    void *cookie) ERR_CHECK;
/* a report of a front: malformed or refused before it was a request */
int decide_report(struct decider *d, const char *source, const char *protocol,
    int code, const char *text) ERR_CHECK;

/* a request as every answer shows it; NULL: no memory */
json_t *request_to_json(const struct request_row *r);

/* By hand (ENR-8): a PKCS#10 uploaded by an operator waits like any other
 * request */
struct manual_params {
	struct span csr;
	const char *profile, *entity; /* may be NULL */
};
int decide_upload(struct decider *d, const struct manual_params *p,
    const struct actor *who, ca_done_fn fn, void *cookie) ERR_CHECK;
int decide_approve(struct decider *d, int64_t request, const char *profile,
    const struct actor *who, ca_done_fn fn, void *cookie) ERR_CHECK;
int decide_reject(struct decider *d, int64_t request, const char *reason,
    const struct actor *who, ca_done_fn fn, void *cookie) ERR_CHECK;

#endif
