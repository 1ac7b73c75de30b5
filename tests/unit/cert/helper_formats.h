/* tests/unit/cert/helper_formats: files of tests/data/formats, made by openssl
 * and keytool (make.sh there), read through bundle_read(). */
#ifndef SIGNET_TESTS_CERT_HELPER_FORMATS_H
#define SIGNET_TESTS_CERT_HELPER_FORMATS_H

#include "test.h"

#include "cert/bundle.h"
#include "cert/key.h"

#define FORMATS_PASSWORD "Kite-72-harbor"

/* contents with a NUL behind; valid until the next but seven loads */
struct span formats_file(const char *name);
/* bundle_read() with a password, NULL: none */
int formats_read_as(struct span file, const char *password, struct diag *d,
    struct bundle **ret);
/* must be readable; caller frees */
struct bundle *formats_bundle(const char *name, const char *password);
struct bundle *formats_text(const char *text);
/* the error of a text that must be refused */
int formats_refused(const char *text);
void assert_same(struct span got, struct span want);
/* object i is this kind and, when file is given, these bytes */
void assert_object(
    const struct bundle *b, size_t i, enum object_kind kind, const char *file);
/* object i is a private key with the public half of rsa.key */
void assert_rsa_key(const struct bundle *b, size_t i);
bool has_note(const struct bundle *b, size_t line, bool refused);

#endif
