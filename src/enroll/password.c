/* Enrollment passwords (ENR-2): Crockford's base32 leaves out I, L, O and U,
 * so that what was written down by hand can be read back. */
#include <sodium.h>

#include "base/secret.h"
#include "cert/key.h"
#include "enroll/enrolment.h"

#define PASSWORD_CHARS 20 /* of 5 bits: 100 bits */

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void
enrol_password_new(char out[ENROL_PASSWORD_TEXT])
{
	uint8_t random[PASSWORD_CHARS];
	size_t at = 0;

	randombytes_buf(random, sizeof(random));
	for (size_t i = 0; i < PASSWORD_CHARS; i++) {
		if (i && i % 4 == 0)
			out[at++] = '-';
		out[at++] = alphabet[random[i] & 31];
	}
	out[at] = '\0';
	secret_wipe(random, sizeof(random));
}

/* what a person may have typed instead; 0 for what is none of ours */
static char
normal(char c)
{
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	if (c == 'O')
		return '0';
	if (c == 'I' || c == 'L')
		return '1';
	return c && strchr(alphabet, c) ? c : 0;
}

int
enrol_password_hash(const char *text, uint8_t out[32])
{
	char plain[PASSWORD_CHARS];
	size_t n = 0;
	int e = 0;

	for (; *text && !e; text++) {
		if (*text == '-' || *text == ' ')
			continue;
		if (n == PASSWORD_CHARS || !(plain[n++] = normal(*text)))
			e = E_INVAL;
	}
	if (!e && n != PASSWORD_CHARS)
		e = E_INVAL;
	if (!e)
		sha256(span_of(plain, n), out);
	secret_wipe(plain, sizeof(plain));
	return e;
}
