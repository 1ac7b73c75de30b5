#include "key/key_msg.h"

#include "base/enumtab.h"

static const struct enum_text roles[] = {
	{ KEY_ROLE_CA, "ca" },
	{ KEY_ROLE_RA, "ra" },
	{ KEY_ROLE_LEDGER, "ledger" },
	{ 0, NULL },
};

static const struct enum_text ops[] = {
	{ KEY_OP_CREATE, "create" },
	{ KEY_OP_PUBLIC, "public" },
	{ KEY_OP_SIGN_CERT, "sign-cert" },
	{ KEY_OP_SIGN_CRL, "sign-crl" },
	{ KEY_OP_SIGN_CHECKPOINT, "sign-checkpoint" },
	{ KEY_OP_LAST_CHECKPOINT, "last-checkpoint" },
	{ KEY_OP_IMPORT, "import" },
	{ KEY_OP_EXPORT, "export" },
	{ KEY_OP_DESTROY, "destroy" },
	{ KEY_OP_RA_SIGN, "ra-sign" },
	{ KEY_OP_RA_DECRYPT, "ra-decrypt" },
	{ 0, NULL },
};

const char *
key_role_name(enum key_role r)
{
	return enum_name(roles, (int)r);
}

const char *
key_op_name(enum key_op op)
{
	return enum_name(ops, (int)op);
}

/* an id becomes a file name: nothing that could leave the folder */
bool
key_id_is_valid(const char *id)
{
	size_t n = strlen(id);

	if (n == 0 || n >= KEY_ID_MAX || id[0] == '-')
		return false;
	return strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

void
key_pack_refusal(struct buf *out, const struct diag *d)
{
	buf_add_u32(out, (uint32_t)(d->code ? d->code : E_BUG));
	buf_pack_text(out, d->object);
	buf_pack_text(out, d->rule);
	buf_pack_text(out, d->fact);
	buf_pack_text(out, d->remedy);
}

int
key_unpack_answer(
    struct span payload, struct reader *r, struct diag *d, int *ret_code)
{
	struct diag refusal = { .code = 0 };
	int code;

	*r = reader_of(payload);
	code = (int)(int32_t)reader_u32(r);
	if (r->err)
		return r->err;
	if (code > 0)
		return E_PARSE;
	if (code < 0) {
		refusal.code = code;
		reader_text(r, refusal.object, sizeof(refusal.object));
		reader_text(r, refusal.rule, sizeof(refusal.rule));
		reader_text(r, refusal.fact, sizeof(refusal.fact));
		reader_text(r, refusal.remedy, sizeof(refusal.remedy));
		if (reader_finish(r))
			return reader_finish(r);
		*d = refusal;
	}
	*ret_code = code;
	return 0;
}
