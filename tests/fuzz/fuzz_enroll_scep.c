/* ENR-3, ENR-10: whatever a front reads of a stranger before the RA key is
 * asked, and what a taken-over front may send the core. */
#include "enroll/enrolment.h"
#include "enroll/scep/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
as_message(struct span in)
{
	uint8_t key[32] = { 0 };
	struct scep_message m;
	struct diag d = { 0 };
	char text[80];
	BUF(out, CMS_MAX);

	if (scep_parse(in, &d, &m) == 0) {
		scep_transaction_text(&m, text, sizeof(text));
		(void)scep_recipient(&m, m.signer);
		if (scep_check(&m, false, &d) == 0 &&
		    cms_enveloped_open(&m.env,
			span_of(key, cms_cipher_key_size(m.env.cipher)),
			&out) == 0)
			buf_reset(&out);
	}
	scep_done(&m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = span_of(data, n), a, b;
	struct enrolment e;
	struct enrol_answer answer;
	struct enrol_report report;

	as_message(in);
	(void)!scep_issuer_and_serial(in, &a, &b);
	(void)!scep_issuer_and_subject(in, &a, &b);
	(void)!enrolment_unpack(in, &e);
	(void)!enrol_answer_unpack(in, &answer);
	(void)!enrol_report_unpack(in, &report);
	return 0;
}
