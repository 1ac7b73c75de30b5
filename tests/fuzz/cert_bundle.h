/* What the four bundle targets do with their input: read it with and without
 * a password, and show whatever came out. They differ in their corpus only. */
#ifndef SIGNET_TESTS_FUZZ_CERT_BUNDLE_H
#define SIGNET_TESTS_FUZZ_CERT_BUNDLE_H

#include <stdlib.h>

#include "cert/bundle.h"
#include "cert/show.h"

#define FUZZ_PASSWORD "Kite-72-harbor" /* tests/data/formats/password.txt */

static void
fuzz_show(const struct bundle *b)
{
	for (size_t i = 0; i < b->n; i++) {
		json_t *o = object_to_json(&b->objects[i]);
		BUF(text, 64 << 20);

		if (o)
			object_print(o, &text);
		json_decref(o);
	}
}

static int
fuzz_bundle(const uint8_t *data, size_t size)
{
	for (int with = 0; with <= 1; with++) {
		struct bundle_options o = { .have_password = with == 1 };
		struct bundle *b = NULL;
		struct diag d;

		if (with)
			o.password = span_str(FUZZ_PASSWORD);
		if (bundle_read(span_of(data, size), "fuzz", &o, &d, &b) == 0)
			fuzz_show(b);
		else if (b)
			abort();
		bundle_free(b);
	}
	return 0;
}

#endif
