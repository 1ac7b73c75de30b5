/*
 * tests/unit/enroll/rig: the decision over a real store, ledger, authority and
 * key server, and in front of it a real front with its HTTP listener; all on
 * one loop in one process.
 */
#ifndef SIGNET_TESTS_ENROLL_RIG_H
#define SIGNET_TESTS_ENROLL_RIG_H

#include "enroll/helper_scep.h"

#include "enroll/decide.h"
#include "enroll/front.h"
#include "key/server.h"

struct rig {
	char dir[64];
	struct config config;
	struct loop *loop;
	struct store *store;
	struct ledger *ledger;
	struct key_client *keys;
	struct key_server *server;
	struct ca *ca;
	struct decider *decider;
	struct front *front;
	struct channel *core_end; /* of the front's link */
	int port;
	bool mute; /* the core takes asks and never answers */
};

struct outcome { /* of decide() or of an operator's change */
	int calls, code;
	enum enrol_status status;
	char text[400];
	struct buf cert;
	size_t crl_n;
	json_t *answer;
};

struct asked_for {
	struct enrolment e;
	uint8_t *csr;
};
/* a request of that key; caller frees csr */
void rig_asked(struct asked_for *a, const char *transaction,
    const char *password, const struct party *key, const char *sans);
struct entity_row rig_entity_row(const char *name); /* profile phone */

struct rig *rig_new(void);
void rig_free(struct rig *r);
void rig_ignite(struct rig *r);
/* an entity with one password; uses 0: without end. Text of the password. */
void rig_entity(struct rig *r, const struct entity_row *e, int64_t uses,
    int64_t expires, char password[ENROL_PASSWORD_TEXT]);
void rig_rounds(struct rig *r, int n);

void outcome_done(struct outcome *o);
/* decide() and then waits for its one answer */
void rig_decide(struct rig *r, const struct enrolment *e, struct outcome *o);
void rig_on_answer(const struct enrol_answer *a, void *cookie);
void rig_on_done(int code, json_t *answer, const struct diag *d, void *cookie);
void rig_wait(struct rig *r, struct outcome *o);
int rig_events(struct rig *r, enum event_kind kind);
int64_t rig_certificates(struct rig *r);

/* the front, listening on loopback, linked to core and key server */
void rig_front(struct rig *r);
void rig_relink(struct rig *r); /* another core takes over */
void rig_cut(struct rig *r);    /* the core has gone */
/* one HTTP request from another thread; the loop runs meanwhile */
int rig_http(struct rig *r, const char *method, const char *path,
    struct span body, struct buf *ret);

#endif
