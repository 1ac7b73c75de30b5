/* CERT-2: foreign bytes through bundle_read(), as a pkcs12 file. */
#include "cert_bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_bundle(data, size);
}
