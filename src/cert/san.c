/* cert/name, the other half: subject alternative names. */
#include "cert/name.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/enumtab.h"
#include "base/str.h"
#include "cert/cert_internal.h"
#include "cert/name_text.h"

#define RULE "CERT-8"
#define HOST_MAX 253 /* characters, RFC 1035 2.3.4 without the final dot */
#define LABEL_MAX 63

static const struct enum_text kinds[] = {
	{ SAN_DNS, "DNS" },
	{ SAN_IP, "IP" },
	{ SAN_URI, "URI" },
	{ SAN_EMAIL, "EMAIL" },
	{ SAN_OTHER, "OTHER" },
	{ 0, NULL },
};

const char *
san_kind_name(enum san_kind kind)
{
	return enum_name(kinds, (int)kind);
}

static bool
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

bool
host_is_valid(const char *text)
{
	size_t n = strlen(text), label = 0;
	bool has_letter = false;

	if (n == 0 || n > HOST_MAX || text[n - 1] == '.')
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		if (c == '.') {
			if (label == 0 || text[i - 1] == '-')
				return false;
			label = 0;
			continue;
		}
		/* RFC 1123 2.1: letters, digits, inner hyphens */
		if ((!is_alnum(c) && c != '-') || (c == '-' && label == 0) ||
		    ++label > LABEL_MAX)
			return false;
		has_letter = has_letter || !(c >= '0' && c <= '9');
	}
	return has_letter && text[n - 1] != '-';
}

/* RFC 3986 2: what may stand in a URI at all */
static bool
is_uri_char(char c)
{
	return c > 0x20 && c < 0x7f && !strchr("\"<>\\^`{|}", c);
}

static const char *
uri_fault(const char *text)
{
	size_t n = strcspn(text, ":");

	if (text[n] != ':' || n == 0 || is_alnum(text[0]) == false ||
	    (text[0] >= '0' && text[0] <= '9'))
		return "a URI begins with a scheme and a colon";
	for (size_t i = 0; i < n; i++)
		if (!is_alnum(text[i]) && !strchr("+-.", text[i]))
			return "a URI begins with a scheme and a colon";
	if (text[n + 1] == '\0')
		return "nothing after the scheme";
	for (const char *p = text + n; *p; p++)
		if (!is_uri_char(*p))
			return "a character that no URI may hold";
	return NULL;
}

static const char *
email_fault(const char *text)
{
	const char *at = strchr(text, '@');

	if (!at || at == text || strchr(at + 1, '@'))
		return "an e-mail address has one @ with text before it";
	for (const char *p = text; p < at; p++)
		if (*p <= 0x20 || *p >= 0x7f || strchr("\"(),:;<>[\\]", *p))
			return "a character that no e-mail address may hold";
	return host_is_valid(at + 1) ? NULL : "no host name after the @";
}

static const char *
dns_fault(const char *text)
{
	struct in_addr a;

	if (inet_pton(AF_INET, text, &a) == 1)
		return "an IP address; write IP: before it";
	if (str_has_prefix(text, "*."))
		text += 2;
	return host_is_valid(text) ? NULL : "no host name (RFC 1123 2.1)";
}

/* the address as everybody writes it: RFC 5952 for IPv6 */
static const char *
ip_canonical(const char *text, char *out, size_t size)
{
	uint8_t raw[16];

	if (inet_pton(AF_INET, text, raw) == 1 &&
	    inet_ntop(AF_INET, raw, out, (socklen_t)size))
		return NULL;
	if (inet_pton(AF_INET6, text, raw) == 1 &&
	    inet_ntop(AF_INET6, raw, out, (socklen_t)size))
		return NULL;
	return "no IPv4 or IPv6 address";
}

static int
refuse(struct diag *d, enum san_kind kind, const char *text, const char *fact)
{
	char object[SAN_TEXT_MAX + 16];

	if (kind == SAN_UNSET)
		snprintf(object, sizeof(object), "\"%.200s\"", text);
	else
		snprintf(object, sizeof(object), "%s:%.200s",
		    san_kind_name(kind), text);
	return diag_set(d, E_INVAL, object, RULE, "%s", fact);
}

bool
san_has(const struct san_list *l, enum san_kind kind, const char *text)
{
	for (size_t i = 0; i < l->n; i++) {
		if (l->e[i].kind != kind)
			continue;
		if (kind == SAN_DNS ? str_is_equal_nocase(l->e[i].text, text)
				    : strcmp(l->e[i].text, text) == 0)
			return true;
	}
	return false;
}

int
san_add(
    struct san_list *l, enum san_kind kind, const char *text, struct diag *d)
{
	char canonical[SAN_TEXT_MAX];
	const char *fault;

	if (text[0] == '\0')
		return refuse(d, kind, text, "the entry is empty");
	if (str_copy(canonical, sizeof(canonical), text))
		return refuse(d, kind, text, "the entry is too long");
	if (kind == SAN_DNS)
		fault = dns_fault(text);
	else if (kind == SAN_IP)
		fault = ip_canonical(text, canonical, sizeof(canonical));
	else if (kind == SAN_URI)
		fault = uri_fault(text);
	else if (kind == SAN_EMAIL)
		fault = email_fault(text);
	else
		fault = "not a kind of name we write";
	if (!fault && san_has(l, kind, canonical))
		fault = "the entry is there twice";
	if (!fault && l->n == SAN_MAX)
		fault = "too many entries";
	if (fault)
		return refuse(d, kind, text, fault);
	l->e[l->n].kind = kind;
	memcpy(l->e[l->n].text, canonical, sizeof(canonical));
	l->n++;
	return 0;
}

/* "DNS:pbx1" */
static int
add_entry(struct san_list *l, const char *entry, struct diag *d)
{
	size_t n = strcspn(entry, ":");
	char kind[8];

	if (entry[0] == '\0')
		return refuse(d, SAN_UNSET, entry, "an empty entry");
	if (n < sizeof(kind) && entry[n] == ':') {
		memcpy(kind, entry, n);
		kind[n] = '\0';
		for (size_t i = 0; kinds[i].value != SAN_OTHER; i++)
			if (str_is_equal_nocase(kind, kinds[i].text))
				return san_add(l, (enum san_kind)kinds[i].value,
				    entry + n + 1, d);
	}
	return refuse(d, SAN_UNSET, entry,
	    "an entry begins with DNS: IP: URI: or EMAIL:");
}

int
san_parse(const char *text, struct diag *d, struct san_list *ret)
{
	struct san_list l = { .n = 0 };
	char entry[SAN_TEXT_MAX + 8];
	const char *p = text;
	int e;

	while (*p) {
		size_t n = 0;

		p += strspn(p, " ");
		for (; *p && *p != ','; p++) {
			/* "\," is a comma that belongs to the entry */
			if (p[0] == '\\' && p[1] == ',')
				p++;
			if (n + 1 >= sizeof(entry))
				return refuse(
				    d, SAN_UNSET, text, "an entry is too long");
			entry[n++] = *p;
		}
		while (n > 0 && entry[n - 1] == ' ')
			n--;
		entry[n] = '\0';
		e = add_entry(&l, entry, d);
		if (e)
			return e;
		if (*p == ',' && *++p == '\0')
			return refuse(d, SAN_UNSET, "", "an empty entry");
	}
	*ret = l;
	return 0;
}

void
san_print(const struct san_list *l, char *out, size_t size)
{
	struct text t = { .out = out, .size = size };

	if (size == 0)
		return;
	out[0] = '\0';
	for (size_t i = 0; i < l->n; i++) {
		const char *kind = san_kind_name(l->e[i].kind);

		if (i)
			text_add(&t, ",", 1);
		if (l->e[i].kind != SAN_OTHER) {
			text_add(&t, kind, strlen(kind));
			text_add(&t, ":", 1);
		}
		for (const char *p = l->e[i].text; *p; p++)
			text_add(&t, *p == ',' ? "\\," : p, *p == ',' ? 2 : 1);
	}
}

json_t *
san_to_json(const struct san_list *l)
{
	char text[SAN_TEXT_MAX + 8];
	json_t *a = json_array();

	for (size_t i = 0; a && i < l->n; i++) {
		snprintf(text, sizeof(text), "%s%s%s",
		    l->e[i].kind == SAN_OTHER ? ""
					      : san_kind_name(l->e[i].kind),
		    l->e[i].kind == SAN_OTHER ? "" : ":", l->e[i].text);
		json_array_append_new(a, json_string(text));
	}
	return a;
}

int
san_from_json(const json_t *a, struct diag *d, struct san_list *ret)
{
	struct san_list l = { .n = 0 };
	size_t i;
	json_t *v;
	int e;

	if (!json_is_array(a))
		return refuse(d, SAN_UNSET, "", "not a list of names");
	json_array_foreach(a, i, v)
	{
		const char *text = json_string_value(v);

		if (!text)
			return refuse(d, SAN_UNSET, "", "an entry is no text");
		e = add_entry(&l, text, d);
		if (e)
			return e;
	}
	*ret = l;
	return 0;
}
