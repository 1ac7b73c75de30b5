/* ENR-3: SCEP's envelopes, as sent and after BER was normalized. */
#include "cert/cms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Ed25519, the cheapest key to load: signatures here are never right */
static const uint8_t spki[44] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b,
	0x65, 0x70, 0x03, 0x21, 0x00, 0x01 };

static void
both_kinds(struct span der)
{
	uint8_t key[32] = { 0 };
	struct cms_signed s;
	struct cms_enveloped v;
	struct diag d = { 0 };
	struct buf out;

	if (cms_signed_parse(der, &d, &s) == 0)
		(void)!cms_signed_verify(&s, span_of(spki, sizeof(spki)));
	if (cms_enveloped_parse(der, &d, &v))
		return;
	buf_init(&out, CMS_MAX);
	(void)!cms_enveloped_open(
	    &v, span_of(key, cms_cipher_key_size(v.cipher)), &out);
	buf_done(&out);
	cms_enveloped_done(&v);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	BUF(der, CMS_MAX);
	BUF(again, CMS_MAX);

	both_kinds(span_of(data, n));
	if (der_normalize(span_of(data, n), &der))
		return 0;
	both_kinds(buf_span(&der));
	/* what is DER already stays as it is */
	if (der_normalize(buf_span(&der), &again) ||
	    !span_is_equal(buf_span(&der), buf_span(&again)))
		abort();
	return 0;
}
