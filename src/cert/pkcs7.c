/* Certificates and revocation lists out of a PKCS#7 (RFC 5652 5.1). The
 * signature, if there is one, says nothing about them and is not looked at. */
#include "cert/bundle_internal.h"

#include "cert/der.h"
#include "cert/oid.h"

static int
read_set(struct bundle_reader *r, struct der *in, const char *what)
{
	int e = 0;

	while (!e && !der_is_empty(in)) {
		struct span one = der_take_raw(in, -1);

		if (in->err)
			break;
		if (one.p[0] == 0x30)
			e = bundle_read_der(r, one, NULL);
		else
			bundle_note(r, r->line, true,
			    "a %s of a kind nobody uses passed over", what);
	}
	return e;
}

static int
read_signed_data(struct bundle_reader *r, struct der *sd)
{
	struct der set;
	int e = 0;

	(void)der_take_integer(sd);           /* version */
	(void)der_take_raw(sd, DER_SET);      /* digestAlgorithms */
	(void)der_take_raw(sd, DER_SEQUENCE); /* encapContentInfo */
	if (der_peek(sd) == DER_CONTEXT_CONS(0)) {
		set = der_enter(sd, DER_CONTEXT_CONS(0));
		e = read_set(r, &set, "certificate");
		sd->err = sd->err ? sd->err : set.err;
	}
	if (!e && der_peek(sd) == DER_CONTEXT_CONS(1)) {
		set = der_enter(sd, DER_CONTEXT_CONS(1));
		e = read_set(r, &set, "revocation list");
		sd->err = sd->err ? sd->err : set.err;
	}
	(void)der_take_raw(sd, DER_SET); /* signerInfos */
	return e;
}

int
pkcs7_read(struct bundle_reader *r, struct span der)
{
	BUF(plain, BUNDLE_FILE_MAX);
	enum file_format outer = r->format;
	size_t before = r->b->n;
	struct der all, in, wrap, sd;
	int e;

	r->format = FORMAT_P7;
	if (outer == FORMAT_DER)
		r->b->format = FORMAT_P7;
	all = der_of(der);
	if (der_shape(der) != SHAPE_P7 && der_normalize(der, &plain) == 0)
		all = der_of(buf_span(&plain));
	in = der_enter(&all, DER_SEQUENCE);
	if (oid_from_span(der_take(&in, DER_OID)) != OID_SIGNED_DATA)
		in.err = E_UNSUPPORTED;
	wrap = der_enter(&in, DER_CONTEXT_CONS(0));
	sd = der_enter(&wrap, DER_SEQUENCE);
	e = sd.err ? 0 : read_signed_data(r, &sd);
	if (!e && sd.err)
		bundle_note(r, r->line, true, "PKCS#7 not read to its end: %s",
		    sd.err == E_UNSUPPORTED ? "not signed data"
					    : err_text(sd.err));
	else if (!e && r->b->n == before)
		bundle_note(r, r->line, true, "a PKCS#7 without certificates");
	r->format = outer;
	return e;
}
