/*
 * bench_fill: certificates by the million, and the daily sweep over them.
 *
 *   bench_fill fill DATABASE-URL COUNT    ends spread evenly over two years
 *   bench_fill sweep DATABASE-URL         the whole sweep, slice by slice
 *
 * Prints one JSON object. The server must not run on that database meanwhile.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ledger/ledger.h"
#include "base/time.h"
#include "os/clock.h"
#include "store/certificates.h"
#include "store/store.h"
#include "watch/watch.h"

#define BATCH 5000
#define DER_BYTES 950 /* what an identity of ours with two names takes */
#define TWO_YEARS (730 * INT64_C(86400))

static double
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
fill(struct store *s, long count)
{
	static uint8_t der[DER_BYTES], serial[CERT_SERIAL_MAX];
	int64_t now = clock_now(), id;
	double start = now_s();

	for (long i = 0; i < count; i++) {
		struct cert_row c = { .state = CERT_GOOD,
			.reason = -1,
			.authority = "issuing-1",
			.profile = "phone",
			.not_before = now - TIME_DAY };

		randombytes_buf(der, sizeof(der));
		randombytes_buf(serial, sizeof(serial));
		randombytes_buf(c.spki, sizeof(c.spki));
		serial[0] &= 0x7f;
		c.serial = span_of(serial, sizeof(serial));
		c.der = span_of(der, sizeof(der));
		c.not_after = now + 60 + TWO_YEARS / count * i;
		snprintf(c.subject, sizeof(c.subject), "CN=filled-%08ld", i);
		if (cert_add(s, &c, &id))
			return 1;
		if (i % BATCH == BATCH - 1 && store_flush(s))
			return 1;
	}
	if (store_flush(s))
		return 1;
	printf("{\"seconds\": %.3f, \"certificates\": %ld}\n", now_s() - start,
	    count);
	return 0;
}

static int
sweep(struct store *s)
{
	AUTO_STRUCT(ledger) *l = NULL;
	double start = now_s();
	unsigned n = 0;
	long total = 0;

	if (ledger_open(s, NULL, &l))
		return 1;
	do {
		if (sweep_slice(s, l, clock_now(), 60, &n) || store_flush(s))
			return 1;
		total += n;
	} while (n > 0);
	printf(
	    "{\"seconds\": %.3f, \"warned\": %ld}\n", now_s() - start, total);
	return 0;
}

int
main(int argc, char **argv)
{
	AUTO_STRUCT(store) *s = NULL;
	struct diag d = { 0 };
	char text[1400];

	if (argc < 3 || sodium_init() < 0) {
		fprintf(stderr, "usage: bench_fill fill URL COUNT\n"
				"       bench_fill sweep URL\n");
		return 2;
	}
	if (store_open(argv[2], &d, &s)) {
		diag_print(&d, text, sizeof(text));
		fprintf(stderr, "bench_fill: %s\n", text);
		return 1;
	}
	if (argc == 4 && strcmp(argv[1], "fill") == 0)
		return fill(s, strtol(argv[3], NULL, 10));
	if (argc == 3 && strcmp(argv[1], "sweep") == 0)
		return sweep(s);
	return 2;
}
