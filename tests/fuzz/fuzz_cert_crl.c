/* CERT-1: revocation lists, walked to their end. */
#include "cert/crl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO_STRUCT(crl) *c = NULL;
	struct crl_entry e;
	struct diag d = { 0 };
	size_t at = 0, seen = 0;

	if (crl_parse(span_of(data, n), &d, &c))
		return 0;
	while (crl_next(c, &at, &e))
		seen++;
	if (seen != c->entry_n)
		abort(); /* parsing counts what walking finds */
	return 0;
}
