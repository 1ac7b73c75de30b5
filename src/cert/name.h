/*
 * cert/name: distinguished names and subject alternative names.
 *
 * Text form of a DN: "CN=pbx1.example.com,O=Example,C=DE" (RFC 4514 escapes,
 * keys CN C ST L O OU E UID DC serialNumber). Text form of a SAN list:
 * "DNS:pbx1.example.com,IP:192.0.2.1,URI:sip:example.com,EMAIL:a@b" (chapter
 * 7: comma, no spaces; we also accept ", ").
 */
#ifndef SIGNET_CERT_NAME_H
#define SIGNET_CERT_NAME_H

#include <jansson.h>

#include "base/buf.h"
#include "base/diag.h"
#include "cert/der.h"

#define NAME_TEXT_MAX 1024
#define NAME_RDN_MAX 64  /* attributes in one name */
#define SAN_MAX 64       /* entries we put into one certificate */
#define SAN_TEXT_MAX 256 /* bytes of one entry (a DNS name has 253) */

enum san_kind { SAN_UNSET, SAN_DNS, SAN_IP, SAN_URI, SAN_EMAIL, SAN_OTHER };

struct san {
	enum san_kind kind;
	char text[SAN_TEXT_MAX]; /* IP addresses in canonical text */
};

struct san_list {
	size_t n;
	struct san e[SAN_MAX];
};

/* name_build(text, out): DN text -> DER Name. Values become PrintableString
 * where possible, else UTF8String; email IA5String. E_INVAL with the entry
 * named in d. An empty text gives an empty Name. */
int name_build(const char *text, struct diag *d, struct buf *out) ERR_CHECK;
/* name_print(der, out): one line, most significant last as openssl's RFC2253
 * order is not: the order of the certificate. Foreign text is escaped. */
void name_print(struct span der, char *out, size_t size);
/* name_get(der, oid, out): value of the last attribute of this kind as UTF-8;
 * false when there is none */
bool name_get(struct span der, int oid, char *out, size_t size);
json_t *name_to_json(struct span der);     /* {"CN": "...", ...} + "text" */
int name_check(struct span der) ERR_CHECK; /* well-formed Name within limits */
bool name_is_empty(struct span der);

/* san_parse(text, list): the text form; CERT-8: duplicate, empty or ill-formed
 * entries are refused with the entry named in d. Replaces list. */
int san_parse(const char *text, struct diag *d, struct san_list *ret) ERR_CHECK;
int san_add(struct san_list *l, enum san_kind kind, const char *text,
    struct diag *d) ERR_CHECK;
bool san_has(const struct san_list *l, enum san_kind kind, const char *text);
void san_print(const struct san_list *l, char *out, size_t size);
json_t *san_to_json(const struct san_list *l); /* ["DNS:..", ...] */
int san_from_json(const json_t *a, struct diag *d, struct san_list *ret)
    ERR_CHECK;
/* GeneralNames (the extension's contents) <-> list. Reading keeps at most
 * SAN_MAX entries (E_TOO_BIG past it); kinds we do not write are SAN_OTHER,
 * and so is text that could not be compared: with a NUL, a blank, a comma.
 * Syntax is not judged here: who puts a foreign name into a certificate
 * passes it through san_add(). */
int san_from_der(struct span general_names, struct san_list *ret) ERR_CHECK;
void san_to_der(const struct san_list *l, struct derw *w);
const char *san_kind_name(enum san_kind kind); /* "DNS", "IP", ... */

/* host_is_valid(text): LDH host name, at least one label, no wildcard, not all
 * digits */
bool host_is_valid(const char *text);

#endif
