/* key/server, the plain operations: make, show, destroy, RA signature, RA
 * decryption. */
#include "cert/name.h"
#include "key/server_internal.h"

int
key_of_role(struct key_server *s, const char *id, enum key_role role,
    struct diag *d, struct key_entry **ret)
{
	struct key_entry *k = NULL;
	int e = keystore_get(s->keys, id, d, &k);

	if (e)
		return e;
	if (k->role != role)
		return diag_set(d, E_DENIED, id, "CA-5",
		    "is a key of role %s, not %s", key_role_name(k->role),
		    key_role_name(role));
	*ret = k;
	return 0;
}

int
sign_into(struct key_entry *k, enum hash_kind hash, struct span data,
    struct buf *out, struct diag *d)
{
	size_t at = out->n, n;
	int e;

	buf_add_u32(out, 0); /* the length, known afterwards */
	e = key_entry_sign(k, hash, data, out);
	if (e)
		return diag_set(d, e, k->id, "CA-5", "signing failed");
	n = out->n - at - 4;
	for (int i = 0; i < 4; i++)
		out->p[at + i] = (uint8_t)(n >> (24 - 8 * i));
	return 0;
}

static int
refuse_create(const char *id, struct diag *d, const char *fact)
{
	return diag_set(d, E_DENIED, id, "CA-5", "%s", fact);
}

static int
create_check(const char *id, enum key_role role, enum key_kind kind,
    struct span subject, struct diag *d)
{
	if (!key_id_is_valid(id))
		return diag_set(d, E_INVAL, id, "CA-5", "is not a key id");
	if (kind <= KEY_RSA1024 || kind > KEY_ED25519)
		return refuse_create(id, d, "no key of this kind is made here");
	switch (role) {
	case KEY_ROLE_CA:
		/* a CA without a name could not be anybody's issuer */
		if (name_check(subject) || name_is_empty(subject))
			return refuse_create(id, d, "a CA needs its name");
		return 0;
	case KEY_ROLE_RA:
		/* SCEP encrypts to it */
		if (kind > KEY_RSA4096)
			return refuse_create(id, d, "an RA key must be RSA");
		return 0;
	case KEY_ROLE_LEDGER:
		if (kind != KEY_ED25519)
			return refuse_create(
			    id, d, "the ledger's key must be Ed25519");
		return 0;
	default:
		return refuse_create(id, d, "is of no role known here");
	}
}

/* asked again after a process died: the same content answers again */
static int
create_again(const struct key_entry *k, const struct key_params *p,
    enum key_kind kind, struct buf *out, struct diag *d)
{
	if (k->role != p->role || k->kind != kind ||
	    !span_is_equal(buf_span(&k->subject), p->subject))
		return diag_set(d, E_CONFLICT, p->id, "CA-5",
		    "there is another key of this id");
	buf_pack_span(out, buf_span(&k->spki));
	return 0;
}

int
op_create(
    struct key_server *s, struct reader *r, struct buf *out, struct diag *d)
{
	char id[KEY_ID_MAX];
	struct key_params p = { .id = id };
	AUTO(EVP_PKEY) *key = NULL;
	struct key_entry *k = NULL;
	enum key_kind kind;
	int e;

	reader_text(r, id, sizeof(id));
	p.role = (enum key_role)reader_u8(r);
	kind = (enum key_kind)reader_u8(r);
	p.subject = reader_span(r);
	e = reader_finish(r);
	if (!e)
		e = create_check(id, p.role, kind, p.subject, d);
	if (e)
		return e;
	if (p.role != KEY_ROLE_CA)
		p.subject = span_of(NULL, 0);
	e = keystore_get(s->keys, id, d, &k);
	if (!e)
		return create_again(k, &p, kind, out, d);
	if (e != E_NOT_FOUND)
		return e;
	e = key_generate(kind, &key);
	if (e)
		return diag_set(d, e, id, NULL, "the key cannot be made");
	p.pkey = key;
	e = keystore_put(s->keys, &p, d, &k);
	if (e)
		return e;
	key = NULL;
	buf_pack_span(out, buf_span(&k->spki));
	return 0;
}

int
op_public(
    struct key_server *s, struct reader *r, struct buf *out, struct diag *d)
{
	char id[KEY_ID_MAX];
	struct key_entry *k = NULL;
	int e;

	reader_text(r, id, sizeof(id));
	e = reader_finish(r);
	if (!e)
		e = keystore_get(s->keys, id, d, &k);
	if (e)
		return e;
	buf_add_u8(out, (uint8_t)k->role);
	buf_pack_span(out, buf_span(&k->spki));
	return 0;
}

int
op_destroy(
    struct key_server *s, struct reader *r, struct buf *out, struct diag *d)
{
	char id[KEY_ID_MAX];
	struct key_entry *k = NULL;
	int e;

	(void)out;
	reader_text(r, id, sizeof(id));
	e = reader_finish(r);
	if (e)
		return e;
	e = keystore_get(s->keys, id, d, &k);
	if (e == E_NOT_FOUND && key_id_is_valid(id))
		return 0; /* asked again */
	if (e)
		return e;
	if (k->role == KEY_ROLE_LEDGER)
		return diag_set(d, E_DENIED, id, "CA-5",
		    "the ledger's key is never destroyed");
	return keystore_remove(s->keys, id, d);
}

int
op_ra_sign(
    struct key_server *s, struct reader *r, struct buf *out, struct diag *d)
{
	char id[KEY_ID_MAX];
	struct key_entry *k = NULL;
	struct span attrs;
	struct der der;
	int e;

	reader_text(r, id, sizeof(id));
	attrs = reader_span(r);
	e = reader_finish(r);
	if (!e)
		e = key_of_role(s, id, KEY_ROLE_RA, d, &k);
	if (e)
		return e;
	/* RFC 5652 5.4: what is signed is a SET OF; nothing else is, so that
	 * this signature can never be one over a certificate */
	der = der_of(attrs);
	(void)der_take(&der, DER_SET);
	if (der_finish(&der) || attrs.n > KEY_ATTRS_MAX)
		return diag_set(d, E_DENIED, id, "RFC 5652 5.4",
		    "an RA key signs a SET of attributes only");
	return sign_into(k, HASH_SHA256, attrs, out, d);
}

int
op_ra_decrypt(
    struct key_server *s, struct reader *r, struct buf *out, struct diag *d)
{
	char id[KEY_ID_MAX];
	struct key_ciphertext c;
	struct key_entry *k = NULL;
	int e;

	reader_text(r, id, sizeof(id));
	c.oaep = reader_u8(r) != 0;
	c.hash = (enum hash_kind)reader_u8(r);
	c.mgf = (enum hash_kind)reader_u8(r);
	c.wanted = reader_u8(r);
	c.bytes = reader_span(r);
	e = reader_finish(r);
	if (!e)
		e = key_of_role(s, id, KEY_ROLE_RA, d, &k);
	if (e)
		return e;
	buf_add_u32(out, (uint32_t)c.wanted);
	e = key_entry_decrypt(k, &c, out);
	if (e)
		return diag_set(d, e, id, "RFC 8894 3.2.2",
		    "this cannot be a content key for this RA key");
	return 0;
}
