/* cert/name, subject alternative names on the wire: RFC 5280 4.2.1.6. */
#include <arpa/inet.h>
#include <stdio.h>

#include "base/str.h"
#include "cert/cert_internal.h"

enum { /* GeneralName */
	GN_OTHER = DER_CONTEXT_CONS(0),
	GN_EMAIL = DER_CONTEXT(1),
	GN_DNS = DER_CONTEXT(2),
	GN_DIRECTORY = DER_CONTEXT_CONS(4),
	GN_URI = DER_CONTEXT(6),
	GN_IP = DER_CONTEXT(7),
	GN_OID = DER_CONTEXT(8),
};

/*
 * Text that compares as a C string must be the whole value: anything with a
 * blank, a NUL or a byte outside ASCII is kept for show only. So is a comma
 * in a host name or address.
 */
static void
text_entry(struct san *s, enum san_kind kind, struct span v)
{
	bool is_plain = v.n > 0 && v.n < sizeof(s->text);
	int n;

	for (size_t i = 0; is_plain && i < v.n; i++)
		is_plain = v.p[i] > 0x20 && v.p[i] < 0x7f &&
			   (kind == SAN_URI || v.p[i] != ',');
	if (is_plain) {
		s->kind = kind;
		memcpy(s->text, v.p, v.n);
		s->text[v.n] = '\0';
		return;
	}
	s->kind = SAN_OTHER;
	n = snprintf(s->text, sizeof(s->text), "%s:", san_kind_name(kind));
	str_escape(
	    s->text + n, sizeof(s->text) - (size_t)n, (const char *)v.p, v.n);
}

static void
ip_entry(struct san *s, struct span v)
{
	if (v.n == 4 || v.n == 16) {
		s->kind = SAN_IP;
		inet_ntop(v.n == 4 ? AF_INET : AF_INET6, v.p, s->text,
		    sizeof(s->text));
		return;
	}
	s->kind = SAN_OTHER;
	memcpy(s->text, "IP:", 4);
	str_hex(s->text + 3, sizeof(s->text) - 3, v, 0);
}

static int
other_entry(struct san *s, int tag, struct span v)
{
	struct der d = der_of(v);
	char name[SAN_TEXT_MAX - 16];
	struct span in;

	s->kind = SAN_OTHER;
	if (tag == GN_DIRECTORY) {
		in = der_take_raw(&d, DER_SEQUENCE);
		if (der_finish(&d) || name_check(in))
			return E_PARSE;
		name_print(in, name, sizeof(name));
		snprintf(s->text, sizeof(s->text), "DirName:%s", name);
		return 0;
	}
	if (tag == GN_OTHER || tag == GN_OID) {
		in = tag == GN_OID ? v : der_take(&d, DER_OID);
		if (d.err)
			return E_PARSE;
		oid_print(in, name, sizeof(name));
		snprintf(s->text, sizeof(s->text), "%s:%s",
		    tag == GN_OID ? "RID" : "otherName", name);
		return 0;
	}
	if ((tag & 0xc0) != 0x80 || (tag & 0x1f) > 8)
		return E_PARSE;
	snprintf(s->text, sizeof(s->text), "GeneralName [%d]", tag & 0x1f);
	return 0;
}

static int
entry_parse(struct san *s, int tag, struct span v)
{
	switch (tag) {
	case GN_DNS:
		text_entry(s, SAN_DNS, v);
		return 0;
	case GN_URI:
		text_entry(s, SAN_URI, v);
		return 0;
	case GN_EMAIL:
		text_entry(s, SAN_EMAIL, v);
		return 0;
	case GN_IP:
		ip_entry(s, v);
		return 0;
	default:
		return other_entry(s, tag, v);
	}
}

int
san_from_der(struct span general_names, struct san_list *ret)
{
	struct der d = der_of(general_names), in = der_enter(&d, DER_SEQUENCE);
	struct san_list *l = ret;
	size_t n = 0;
	int e = 0;

	while (!e && !der_is_empty(&in)) {
		int tag;
		struct span v = der_take_any(&in, &tag);

		if (in.err)
			break;
		if (n == SAN_MAX)
			e = E_TOO_BIG;
		else
			e = entry_parse(&l->e[n++], tag, v);
	}
	if (!e)
		e = der_finish(&in);
	if (!e)
		e = der_finish(&d);
	if (!e && n == 0)
		e = E_PARSE; /* SIZE (1..MAX) */
	l->n = e && e != E_TOO_BIG ? 0 : n;
	return e;
}

void
san_to_der(const struct san_list *l, struct derw *w)
{
	size_t mark = derw_mark(w);
	uint8_t raw[16];

	for (size_t i = l->n; i-- > 0;) {
		const char *text = l->e[i].text;

		if (l->e[i].kind == SAN_DNS)
			derw_primitive(w, GN_DNS, span_str(text));
		else if (l->e[i].kind == SAN_URI)
			derw_primitive(w, GN_URI, span_str(text));
		else if (l->e[i].kind == SAN_EMAIL)
			derw_primitive(w, GN_EMAIL, span_str(text));
		else if (l->e[i].kind == SAN_IP &&
			 inet_pton(AF_INET, text, raw) == 1)
			derw_primitive(w, GN_IP, span_of(raw, 4));
		else if (l->e[i].kind == SAN_IP &&
			 inet_pton(AF_INET6, text, raw) == 1)
			derw_primitive(w, GN_IP, span_of(raw, 16));
	}
	derw_wrap(w, DER_SEQUENCE, mark);
}
