/* cert/name_text: ASN.1 strings of all types as valid UTF-8 in fixed room. */
#ifndef SIGNET_CERT_NAME_TEXT_H
#define SIGNET_CERT_NAME_TEXT_H

#include "base/span.h"

struct text {
	char *out;
	size_t size, n;
	bool is_full; /* something did not fit */
	bool has_nul; /* the value held a NUL; nothing after it was added */
};

/* text_add(t, p, n): all of it or nothing; always NUL-terminated */
void text_add(struct text *t, const char *p, size_t n);
/* text_add_value(t, tag, value, escaped): the value of a string type; with
 * escaped, RFC 4514 2.4: a backslash before what is special, control
 * characters as hex pairs. Bytes that are no UTF-8 are read as Latin-1. */
void text_add_value(struct text *t, int tag, struct span value, bool escaped);
/* length of the UTF-8 character at p, 0 when broken or a control character */
size_t text_utf8_len(const uint8_t *p, size_t n);
bool text_is_printable_string(uint8_t c); /* X.680 41.4 */

#endif
