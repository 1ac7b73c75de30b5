/*
 * enroll/client: a front's end of its link to the core.
 *
 * Asks outlive the link: when the core is restarted, what is still open is
 * asked again over the new one (transaction ids make that harmless), until
 * ENROL_WAIT_MS have passed.
 */
#ifndef SIGNET_ENROLL_CLIENT_H
#define SIGNET_ENROLL_CLIENT_H

#include "enroll/enrolment.h"
#include "net/loop.h"

#define ENROL_OPEN_MAX 4096    /* asks under way at once; more: E_LIMIT */
#define ENROL_WAIT_MS 10000    /* then E_TIMEOUT */
#define ENROL_REPORTS_PER_S 20 /* further ones are only counted */

struct enrol_client;
/* setup: an unpacked-to-be ENROL_SETUP has come; borrowed during the call; the
 * return value closes the link when it is not 0 */
typedef int (*enrol_setup_fn)(struct span packed, void *cookie);
/* NULL: out of memory */
struct enrol_client *enrol_client_new(
    struct loop *l, enrol_setup_fn fn, void *cookie);
void enrol_client_free(struct enrol_client *c); /* open asks: E_CLOSED */
/* a link to the core (again: replaces the dead one); takes fd */
int enrol_client_add_link(struct enrol_client *c, int fd) ERR_CHECK;

/* 0 with the answer (borrowed during the call), or E_TIMEOUT, E_CLOSED */
typedef void (*enrol_answer_fn)(
    int result, const struct enrol_answer *a, void *cookie);
/* never calls back before it returns */
int enrol_client_ask(struct enrol_client *c, const struct enrolment *e,
    enrol_answer_fn fn, void *cookie) ERR_CHECK;
typedef void (*enrol_fetched_fn)(int result, struct span bytes, void *cookie);
/* the latest CRL of an authority */
int enrol_client_fetch_crl(struct enrol_client *c, const char *authority,
    enrol_fetched_fn fn, void *cookie) ERR_CHECK;
/* something refused before it became a request; never fails the caller */
void enrol_client_report(struct enrol_client *c, const char *source,
    const char *protocol, int code, const char *text);

/* ENROL_FETCH: u8 what, authority id */
enum enrol_fetch { ENROL_FETCH_UNSET, ENROL_FETCH_CRL };

#endif
