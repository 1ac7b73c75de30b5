#include "cli/self_sign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/password.h"
#include "base/time.h"
#include "cert/profile.h"
#include "cert/write.h"
#include "cli/changes.h"
#include "cli/keystore.h"
#include "os/clock.h"
#include "os/config.h"

#define SERIAL_BYTES 20 /* CERT-6: large and random */

struct self {
	struct keystore store;
	struct csr_spec spec;
	struct profile_set profiles;
	const struct profile *profile;
};

static int
load_profile(struct cli_context *c, struct self *s, struct diag *d)
{
	const char *name = cli_get(c, "profile");
	struct config *cfg = (struct config *)calloc(1, sizeof(*cfg));
	int e = cfg ? config_find_catalog(cfg) : E_NOMEM;

	name = name ? name : "standalone";
	if (e)
		e = diag_set(d, e, "catalog", NULL,
		    "is not where the programs expect it");
	if (!e)
		e = profile_load(cfg->catalog_dir,
		    c->state_dir ? c->state_dir : "", d, &s->profiles);
	free(cfg);
	if (e)
		return e;
	s->profile = profile_find(&s->profiles, name);
	if (s->profile && s->profile->kind == PROFILE_STANDALONE)
		return 0;
	(void)diag_set(d, E_DENIED, name, "CERT-6",
	    s->profile ? "is no profile for self-signed identities"
		       : "there is no such profile");
	diag_remedy(d, "use standalone or standalone-secondary");
	return E_DENIED;
}

/* CERT-7: no certificate is made from a clock that cannot be right */
static int
check_clock(struct diag *d)
{
	if (clock_is_sane())
		return 0;
	(void)diag_set(
	    d, E_STATE, "clock", "CERT-7", "is earlier than this software");
	diag_remedy(d, "set the time, then make the certificate");
	return E_STATE;
}

static int
sign(struct self *s, const struct granted *g, struct span spki,
    struct buf *ret_der)
{
	AUTO_STRUCT(secret) *serial = secret_random(SERIAL_BYTES);
	struct tbs_params p = { .issuer_key = key_kind_of(s->store.key),
		.hash = s->profile->hash,
		.subject = buf_span(&g->subject),
		.issuer = buf_span(&g->subject),
		.not_before = g->not_before,
		.not_after = g->not_after,
		.spki = spki,
		.ca = s->profile->ca,
		.path_len = s->profile->ca ? s->profile->path_len : -1,
		.ku = g->ku,
		.eku = g->eku,
		.ku_critical = s->profile->ku_critical,
		.san = &g->san };
	BUF(tbs, X509_DER_MAX);
	BUF(sig, 4096);
	int e;

	if (!serial)
		return E_NOMEM;
	/* RFC 5280 4.1.2.2: positive, and no leading zero octet */
	serial->p[0] = (uint8_t)((serial->p[0] & 0x7f) | 0x40);
	p.serial = secret_peek(serial);
	e = tbs_build(&p, &tbs);
	if (!e)
		e = key_sign(s->store.key, p.hash, buf_span(&tbs), &sig);
	return e ? e
		 : x509_assemble(buf_span(&tbs), p.issuer_key, p.hash,
		       buf_span(&sig), ret_der);
}

/* the CSR says what is asked for; the profile says what of it is granted */
static int
make(struct cli_context *c, struct self *s, struct span csr_der, struct diag *d,
    struct buf *ret_der)
{
	static const struct estate_names none;
	AUTO_STRUCT(csr) *csr = NULL;
	struct granted g;
	struct asked a = { .san = &s->spec.san };
	int e = csr_parse(csr_der, d, &csr);

	if (e)
		return e;
	a.subject = csr->subject;
	a.spki = csr->spki;
	e = profile_grant(s->profile, &a, span_of(NULL, 0), TIME_MAX, &none,
	    clock_now(), d, &g);
	if (e)
		return e;
	e = sign(s, &g, csr->spki, ret_der);
	if (!e)
		changes_note(c, g.receipt);
	granted_done(&g);
	return e;
}

static int
write_out(
    struct cli_context *c, struct self *s, struct span der, struct diag *d)
{
	AUTO(json_t) *answer = json_object();
	BUF(pem, X509_DER_MAX * 2);
	int e = pem_write("CERTIFICATE", der, &pem);

	if (e)
		return e;
	json_object_set_new(
	    answer, "certificate", json_stringn((const char *)pem.p, pem.n));
	return keystore_write(c, &s->store, answer, d);
}

static int
password(struct cli_context *c, struct self *s, struct diag *d)
{
	AUTO_STRUCT(secret) *text = NULL;
	struct span pw;
	int e = cli_password(c, "password-file", "password for the keystore",
	    true, &s->store.password, d);

	if (e)
		return e;
	pw = secret_peek(s->store.password);
	text = secret_new(NULL, pw.n + 1);
	if (!text)
		return diag_set(d, E_NOMEM, "password", NULL, "out of memory");
	memcpy(text->p, pw.p, pw.n);
	return password_check((const char *)text->p, s->spec.cn, d);
}

static int
prepare(struct cli_context *c, struct self *s, struct diag *d)
{
	int e = check_clock(d);

	s->spec.key = KEY_RSA2048;
	if (!e)
		e = keystore_open(c, &s->store, d);
	if (!e)
		e = load_profile(c, s, d);
	if (!e)
		e = csr_spec_options(c, &s->spec, d);
	return e ? e : password(c, s, d);
}

static void
say(struct cli_context *c, const struct self *s, struct span der)
{
	AUTO_STRUCT(x509) *x = NULL;
	AUTO(json_t) *o = json_object();
	char text[NAME_TEXT_MAX];

	if (x509_parse(der, NULL, &x))
		return;
	name_print(x->subject, text, sizeof(text));
	json_set_text(o, "file", s->store.out);
	json_set_text(o, "subject", text);
	x509_serial_print(x, text, sizeof(text));
	json_set_text(o, "serial", text);
	json_set_time(o, "not_before", x->not_before);
	json_set_time(o, "not_after", x->not_after);
	if (c->json)
		cli_print_json(c, o);
	else
		cli_print(c, "%s written, until %s\n", s->store.out,
		    json_get0_text(o, "not_after"));
}

int
cert_self_sign(struct cli_context *c)
{
	struct self *s = (struct self *)calloc(1, sizeof(*s));
	struct diag d = { 0 };
	BUF(csr, 65536);
	BUF(der, X509_DER_MAX);
	bool added;
	int e = s ? prepare(c, s, &d) : E_NOMEM;

	if (!e)
		e = csr_spec_settle(&s->spec, &added, &d);
	if (!e)
		e = key_generate(s->spec.key, &s->store.key);
	if (!e)
		snprintf(
		    s->store.alias, sizeof(s->store.alias), "%s", s->spec.cn);
	if (!e)
		e = csr_spec_build(&s->spec, s->store.key, &csr, &d);
	if (!e)
		e = make(c, s, buf_span(&csr), &d, &der);
	if (!e)
		e = write_out(c, s, buf_span(&der), &d);
	if (!e)
		say(c, s, buf_span(&der));
	if (s)
		keystore_done(&s->store);
	free(s);
	if (e && d.code == 0)
		(void)diag_set(&d, e, "certificate", NULL, "%s", err_text(e));
	return e ? cli_fail(c, &d) : CLI_YES;
}

const struct cli_option cert_self_sign_options[] = {
	{ .name = "profile",
	    .arg = "NAME",
	    .help = "standalone (default) or standalone-secondary" },
	{ .name = "cn", .arg = "N", .help = "common name", .required = true },
	{ .name = "san",
	    .arg = "LIST",
	    .help = "DNS:..,IP:..",
	    .repeat = true },
	{ .name = "subject",
	    .arg = "LIST",
	    .help = "O=..,OU=..,L=..,ST=..,C=..,E=.. beside the CN" },
	{ .name = "key", .arg = "KIND", .help = "rsa2048: IP Office takes it" },
	{ .name = "out",
	    .letter = 'o',
	    .arg = "FILE",
	    .help = "the keystore: .p12, .jks or .pem",
	    .required = true },
	{ .name = "to", .arg = "FORMAT", .help = "p12, jks or pem" },
	{ .name = "password-file",
	    .arg = "FILE",
	    .help = "password for the keystore; else it is asked" },
	{ .name = "force", .help = "replace an existing file" },
	{ .name = NULL },
};
