/*
 * base/str: text helpers; the only place that does what strcpy and kin do.
 */
#ifndef SIGNET_BASE_STR_H
#define SIGNET_BASE_STR_H

#include "base/err.h"
#include "base/span.h"

/* str_copy(out, size, text): whole text or E_TOO_BIG (out is then ""). */
int str_copy(char *out, size_t size, const char *text) ERR_CHECK;
/* str_escape(): printable ASCII and valid UTF-8 letters stay; control bytes
 * and broken UTF-8 become \xNN. Cuts at size, never inside an escape. */
void str_escape(char *out, size_t size, const char *text, size_t n);
/* str_hex(): lower-case hex with separator sep (0 for none); out needs
 * 2*n+1 bytes, 3*n with a separator. */
void str_hex(char *out, size_t size, struct span s, char sep);
/* str_from_hex(): accepts ':' and ' ' between bytes; E_PARSE otherwise. */
int str_from_hex(const char *text, uint8_t *out, size_t max, size_t *ret_n)
    ERR_CHECK;
/* str_to_int(): whole decimal text within [min,max] or E_INVAL. */
int str_to_int(const char *text, int64_t min, int64_t max, int64_t *ret)
    ERR_CHECK;
/* str_duration(): "60d", "12h", "30m", "45s", "2y" -> seconds; E_INVAL. */
int str_duration(const char *text, int64_t *ret_seconds) ERR_CHECK;
/* str_duration_print(): "3 d 4 h", "5 h 10 min", "expired" for negative. */
void str_duration_print(int64_t seconds, char *out, size_t size);
bool str_is_equal_nocase(const char *a, const char *b); /* ASCII only */
bool str_has_prefix(const char *text, const char *prefix);
/* base64 (RFC 4648 4), no line breaks; out from malloc, caller frees */
int str_base64(struct span s, char **ret_text) ERR_CHECK;
/* str_from_base64(): white space is skipped; anything else E_PARSE. */
int str_from_base64(struct span text, uint8_t **ret, size_t *ret_n) ERR_CHECK;

#endif
