/* tests/unit/cert/helper_cert: test data and a second opinion. */
#ifndef SIGNET_TESTS_CERT_HELPER_H
#define SIGNET_TESTS_CERT_HELPER_H

#include "test.h"

#include "cert/x509.h"

/* a file of tests/data/cert; valid until the next but seven loads */
struct span data_file(const char *name);
/* the private key of tests/data/cert/NAME.key.pem; caller frees */
EVP_PKEY *data_key(const char *name);
/* a certificate of tests/data/cert that must parse; caller frees */
struct x509 *data_cert(const char *name);
/* "30 03 02 01 05" as bytes; valid until the next but seven calls */
struct span from_hex(const char *text);
void assert_span(struct span got, const char *hex);
/* for parsers: every shorter prefix, and one byte more, is refused */
void assert_no_prefix(struct span der, int (*parse)(struct span));

#endif
