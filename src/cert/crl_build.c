/* cert/crl, building: RFC 5280 5.1.2. */
#include "base/time.h"
#include "cert/cert_internal.h"
#include "cert/crl.h"

#define ENTRY_FIXED 64 /* bytes of an entry besides its serial number */
#define SERIAL_MAX 32  /* octets */

static int
entry_write(struct derw *w, const struct crl_entry *e)
{
	size_t mark = derw_mark(w), ext = mark;
	uint8_t reason = (uint8_t)e->reason;

	if (e->serial.n == 0 || e->serial.n > SERIAL_MAX || e->reason > 10 ||
	    e->reason == 7)
		return E_INVAL;
	/* RFC 5280 5.3.1: unspecified is said by saying nothing */
	if (e->reason > 0) {
		derw_primitive(w, DER_ENUMERATED, span_of(&reason, 1));
		ext_wrap(w, OID_REASON, false, ext);
		derw_wrap(w, DER_SEQUENCE, ext);
	}
	derw_time(w, e->revoked_at);
	derw_integer(w, e->serial);
	derw_wrap(w, DER_SEQUENCE, mark);
	return w->err;
}

static void
extensions_write(struct derw *w, const struct crl_params *p)
{
	size_t mark = derw_mark(w), ext;
	uint8_t number[8];

	for (int i = 0; i < 8; i++)
		number[i] = (uint8_t)(p->number >> (56 - 8 * i));
	derw_integer(w, span_of(number, sizeof(number)));
	ext_wrap(w, OID_CRL_NUMBER, false, mark);
	ext = derw_mark(w);
	if (p->aki.n) {
		derw_primitive(w, DER_CONTEXT(0), p->aki);
		derw_wrap(w, DER_SEQUENCE, ext);
		ext_wrap(w, OID_AKI, false, ext);
	}
	derw_wrap(w, DER_SEQUENCE, mark);
	derw_wrap(w, DER_CONTEXT_CONS(0), mark);
}

static size_t
size_needed(const struct crl_params *p)
{
	size_t n = 512 + p->issuer.n + p->aki.n;

	for (size_t i = 0; i < p->entry_n && n <= CRL_DER_MAX; i++)
		n += p->entries[i].serial.n + ENTRY_FIXED;
	return n;
}

int
crl_build(const struct crl_params *p, struct buf *out)
{
	size_t size = size_needed(p), mark;
	DERW(w);
	int e;

	if (size > CRL_DER_MAX)
		return E_TOO_BIG;
	/* RFC 5280 5.1.2.5: conforming CAs always state nextUpdate */
	if (p->issuer.n < 2 || name_check(p->issuer) ||
	    p->next_update <= p->this_update || p->next_update > TIME_MAX)
		return E_INVAL;
	e = derw_init(&w, size);
	if (e)
		return e;
	extensions_write(&w, p);
	mark = derw_mark(&w);
	for (size_t i = p->entry_n; !e && i-- > 0;)
		e = entry_write(&w, &p->entries[i]);
	if (e)
		return e;
	/* RFC 5280 5.1.2.6: absent, not empty */
	if (p->entry_n)
		derw_wrap(&w, DER_SEQUENCE, mark);
	derw_time(&w, p->next_update);
	derw_time(&w, p->this_update);
	derw_raw(&w, p->issuer);
	e = key_sig_alg(p->issuer_key, p->hash, &w);
	if (e)
		return e;
	derw_small(&w, 1);
	derw_wrap(&w, DER_SEQUENCE, w.cap);
	return derw_to_buf(&w, out);
}
