#include "cert/name.h"

#include <stdio.h>

#include "base/json.h"
#include "base/str.h"
#include "cert/cert_internal.h"
#include "cert/name_text.h"

#define RULE "RFC 4514"

/* keys of the text form; upper bounds of X.520 (RFC 5280 A.1) */
static const struct {
	const char *key;
	enum oid id;
	size_t max; /* characters */
} keys[] = {
	{ "CN", OID_CN, 64 },
	{ "C", OID_C, 2 },
	{ "ST", OID_ST, 128 },
	{ "S", OID_ST, 128 },
	{ "L", OID_L, 128 },
	{ "O", OID_O, 64 },
	{ "OU", OID_OU, 64 },
	{ "E", OID_EMAIL, 255 },
	{ "emailAddress", OID_EMAIL, 255 },
	{ "UID", OID_UID, 256 },
	{ "DC", OID_DC, 63 },
	{ "serialNumber", OID_SERIAL, 64 },
	{ "GN", OID_GIVEN, 64 },
	{ "SN", OID_SURNAME, 64 },
	{ "title", OID_TITLE, 64 },
};
#define KEY_N (sizeof(keys) / sizeof(keys[0]))

struct attr { /* one entry of the text form */
	enum oid id;
	int tag;
	struct span value;
};

struct pieces {                   /* text taken apart */
	char text[NAME_TEXT_MAX]; /* values without their escapes */
	size_t used;
	struct attr attr[NAME_RDN_MAX];
	size_t n;
};

static int
refuse(struct diag *d, const char *entry, size_t n, const char *fact)
{
	char object[NAME_TEXT_MAX];

	str_escape(object, sizeof(object), entry, n);
	return diag_set(d, E_INVAL, object, RULE, "%s", fact);
}

static int
string_type(enum oid id, struct span v)
{
	if (id == OID_EMAIL || id == OID_DC)
		return DER_IA5;
	for (size_t i = 0; i < v.n; i++)
		if (!text_is_printable_string(v.p[i]))
			return DER_UTF8;
	return DER_PRINTABLE;
}

/* what the value of this key may hold; NULL when it is fine */
static const char *
value_fault(size_t key, struct span v)
{
	size_t chars = 0;

	if (v.n == 0)
		return "the value is empty";
	for (size_t i = 0; i < v.n; chars++) {
		size_t len = text_utf8_len(v.p + i, v.n - i);

		if (len == 0)
			return "the value is not UTF-8 text";
		if (len > 1 && string_type(keys[key].id, v) == DER_IA5)
			return "only ASCII is possible here";
		i += len;
	}
	if (chars > keys[key].max)
		return "the value is too long (RFC 5280 A.1)";
	if (keys[key].id == OID_C &&
	    (chars != 2 || string_type(OID_C, v) != DER_PRINTABLE))
		return "a country is two letters (ISO 3166)";
	return NULL;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* one value up to the next bare comma, escapes undone; NULL: ill-formed */
static const char *
take_value(const char *p, struct pieces *ps, struct span *ret)
{
	char *out = ps->text + ps->used;
	size_t n = 0, keep = 0; /* keep: an escaped blank at the end stays */

	while (*p == ' ')
		p++;
	for (; *p && *p != ','; p++) {
		char c = *p;

		if (strchr("+\"<>;", c))
			return NULL;
		if (c == '\\' && hex_digit(p[1]) >= 0 && hex_digit(p[2]) >= 0) {
			c = (char)(hex_digit(p[1]) << 4 | hex_digit(p[2]));
			p += 2;
			keep = n + 1;
		} else if (c == '\\') {
			c = *++p;
			if (!c || !strchr(" \"#+,;<=>\\", c))
				return NULL;
			keep = n + 1;
		}
		out[n++] = c;
	}
	while (n > keep && out[n - 1] == ' ')
		n--;
	*ret = span_of(out, n);
	ps->used += n;
	return p;
}

static size_t
key_find(const char *p, size_t n)
{
	char key[16];
	size_t i;

	while (n > 0 && p[n - 1] == ' ')
		n--;
	if (n >= sizeof(key))
		return KEY_N;
	memcpy(key, p, n);
	key[n] = '\0';
	for (i = 0; i < KEY_N; i++)
		if (str_is_equal_nocase(key, keys[i].key))
			break;
	return i;
}

/* one "KEY=value"; ret_end is the comma or the final NUL */
static int
take_attr(
    const char *p, struct pieces *ps, struct diag *d, const char **ret_end)
{
	size_t to_comma = strcspn(p, ","), key_n = strcspn(p, "=,");
	struct span value;
	const char *end, *fault;
	size_t key;

	if (p[key_n] != '=')
		return refuse(d, p, to_comma, "not of the form KEY=value");
	key = key_find(p, key_n);
	if (key == KEY_N)
		return refuse(d, p, to_comma,
		    "unknown key (CN C ST L O OU E UID DC serialNumber)");
	end = take_value(p + key_n + 1, ps, &value);
	if (!end)
		return refuse(d, p, to_comma,
		    "a character that needs a backslash in front of it");
	fault = value_fault(key, value);
	if (fault)
		return refuse(d, p, (size_t)(end - p), fault);
	if (ps->n == NAME_RDN_MAX)
		return refuse(d, p, to_comma, "too many attributes");
	ps->attr[ps->n++] = (struct attr){ keys[key].id,
		string_type(keys[key].id, value), value };
	*ret_end = end;
	return 0;
}

static int
pieces_write(const struct pieces *ps, struct buf *out)
{
	DERW(w);
	int e = derw_init(&w, ps->used + ps->n * 32 + 16);

	if (e)
		return e;
	for (size_t i = ps->n; i-- > 0;) {
		size_t mark = derw_mark(&w);

		derw_primitive(&w, ps->attr[i].tag, ps->attr[i].value);
		derw_oid(&w, oid_span(ps->attr[i].id));
		derw_wrap(&w, DER_SEQUENCE, mark);
		derw_wrap(&w, DER_SET, mark);
	}
	derw_wrap(&w, DER_SEQUENCE, w.cap);
	return derw_to_buf(&w, out);
}

int
name_build(const char *text, struct diag *d, struct buf *out)
{
	struct pieces ps = { .n = 0 };
	const char *p = text;
	int e;

	if (strlen(text) >= NAME_TEXT_MAX)
		return refuse(d, text, 40, "the name is too long");
	while (*p == ' ')
		p++;
	while (*p) {
		e = take_attr(p, &ps, d, &p);
		if (e)
			return e;
		if (*p == '\0')
			break;
		p += 1 + strspn(p + 1, " ");
		if (*p == '\0')
			return refuse(
			    d, text, strlen(text), "an empty entry at the end");
	}
	return pieces_write(&ps, out);
}

/*
 * Walking a DER Name: one attribute after the other, across the SETs.
 */
struct walk {
	struct der names; /* RelativeDistinguishedNames */
	struct der set;   /* attributes of the present one */
	size_t n;
	bool is_new_rdn;
};

static struct walk
walk_of(struct span der)
{
	struct der d = der_of(der);
	struct walk w = { .names = der_enter(&d, DER_SEQUENCE) };

	if (der_finish(&d))
		w.names.err = E_PARSE;
	w.set = der_of(EMPTY);
	return w;
}

static bool
is_string(int tag)
{
	return tag == DER_UTF8 || tag == DER_PRINTABLE || tag == DER_T61 ||
	       tag == DER_IA5 || tag == DER_NUMERIC || tag == DER_BMP ||
	       tag == DER_UNIVERSAL || tag == 0x1a /* VisibleString */;
}

/* the next attribute; false at the end or at an error, which names.err has */
static bool
walk_next(
    struct walk *w, struct span *ret_oid, int *ret_tag, struct span *ret_value)
{
	struct der attr;

	if (w->names.err)
		return false;
	w->is_new_rdn = der_is_empty(&w->set);
	if (w->is_new_rdn) {
		if (der_is_empty(&w->names))
			return false;
		w->set = der_enter(&w->names, DER_SET);
	}
	attr = der_enter(&w->set, DER_SEQUENCE);
	*ret_oid = der_take(&attr, DER_OID);
	*ret_value = der_take_any(&attr, ret_tag);
	if (der_finish(&attr) || ret_oid->n == 0 || !is_string(*ret_tag))
		w->names.err = E_PARSE;
	else if (++w->n > NAME_RDN_MAX)
		w->names.err = E_TOO_BIG;
	return w->names.err == 0;
}

int
name_check(struct span der)
{
	struct walk w = walk_of(der);
	struct span oid, value;
	int tag;

	while (walk_next(&w, &oid, &tag, &value))
		;
	return w.names.err;
}

bool
name_is_empty(struct span der)
{
	return der.n == 2 && der.p[0] == DER_SEQUENCE && der.p[1] == 0;
}

static void
key_print(struct span oid, char *out, size_t size)
{
	enum oid id = oid_from_span(oid);

	if (id >= OID_CN && id <= OID_TITLE)
		snprintf(out, size, "%s", oid_name(id));
	else
		oid_print(oid, out, size);
}

void
name_print(struct span der, char *out, size_t size)
{
	struct walk w = walk_of(der);
	struct span oid, value;
	struct text t = { .out = out, .size = size };
	char key[128];
	int tag;

	if (size == 0)
		return;
	out[0] = '\0';
	while (walk_next(&w, &oid, &tag, &value)) {
		if (w.n > 1)
			text_add(&t, w.is_new_rdn ? "," : "+", 1);
		key_print(oid, key, sizeof(key));
		text_add(&t, key, strlen(key));
		text_add(&t, "=", 1);
		text_add_value(&t, tag, value, true);
	}
}

bool
name_get(struct span der, int oid, char *out, size_t size)
{
	struct walk w = walk_of(der);
	struct span key, value, found = EMPTY;
	struct text t = { .out = out, .size = size };
	int tag, found_tag = -1;

	while (walk_next(&w, &key, &tag, &value)) {
		if ((int)oid_from_span(key) != oid)
			continue;
		found = value;
		found_tag = tag;
	}
	if (found_tag < 0 || w.names.err || size == 0)
		return false;
	out[0] = '\0';
	text_add_value(&t, found_tag, found, false);
	/* a NUL inside would show less than the signer signed */
	if (t.is_full || t.has_nul)
		out[0] = '\0';
	return !t.is_full && !t.has_nul;
}

/* a second attribute of the same kind makes the member an array */
static void
json_add(json_t *o, const char *key, const char *value)
{
	json_t *old = json_object_get(o, key), *list;

	if (!old) {
		json_object_set_new(o, key, json_string(value));
		return;
	}
	if (json_is_array(old)) {
		json_array_append_new(old, json_string(value));
		return;
	}
	list = json_array();
	json_array_append(list, old);
	json_array_append_new(list, json_string(value));
	json_object_set_new(o, key, list);
}

json_t *
name_to_json(struct span der)
{
	struct walk w = walk_of(der);
	struct span oid, value;
	char key[128], text[NAME_TEXT_MAX];
	json_t *o = json_object();
	int tag;

	if (!o)
		return NULL;
	while (walk_next(&w, &oid, &tag, &value)) {
		struct text t = { .out = text, .size = sizeof(text) };

		text[0] = '\0';
		key_print(oid, key, sizeof(key));
		text_add_value(&t, tag, value, false);
		if (t.has_nul) {
			t = (struct text){ .out = text, .size = sizeof(text) };
			text_add_value(&t, tag, value, true);
		}
		json_add(o, key, text);
	}
	name_print(der, text, sizeof(text));
	json_set_text(o, "text", text);
	return o;
}
