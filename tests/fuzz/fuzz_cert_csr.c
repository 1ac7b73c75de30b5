/* CERT-1, ENR-3: requests, whose first reader is the SCEP server. */
#include "cert/csr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO_STRUCT(csr) *c = NULL;
	struct san_list san;
	struct diag d = { 0 };
	char text[2048];

	if (csr_parse(span_of(data, n), &d, &c))
		return 0;
	name_print(c->subject, text, sizeof(text));
	if (c->san.n && san_from_der(c->san, &san) == 0)
		san_print(&san, text, sizeof(text));
	(void)!csr_verify(c);
	return 0;
}
