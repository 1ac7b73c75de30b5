#include "ipc/control.h"

#include "base/enumtab.h"

static const struct enum_text role_names[] = {
	{ ROLE_SUPERVISOR, "supervisor" },
	{ ROLE_FRONT, "front" },
	{ ROLE_LOCAL, "local" },
	{ ROLE_CORE, "core" },
	{ ROLE_KEY, "key" },
	{ 0, NULL },
};

const char *
role_name(enum role r)
{
	return enum_name(role_names, (int)r);
}

static bool
is_child_role(unsigned role)
{
	return role == ROLE_FRONT || role == ROLE_LOCAL || role == ROLE_CORE ||
	       role == ROLE_KEY;
}

int
control_send_config(struct channel *c, enum role role, unsigned index,
    const struct config *config)
{
	BUF(b, CONTROL_CONFIG_MAX);

	buf_add_u8(&b, (uint8_t)role);
	buf_add_u32(&b, index);
	config_pack(config, &b);
	if (buf_error(&b) != 0)
		return buf_error(&b);
	return channel_send(c, CONTROL_CONFIG, 0, buf_span(&b));
}

int
control_read_config(struct span payload, enum role *ret_role,
    unsigned *ret_index, struct config *ret_config)
{
	struct reader r = reader_of(payload);
	unsigned role = reader_u8(&r), index = reader_u32(&r);

	if (r.err || !is_child_role(role))
		return E_PARSE;
	*ret_role = (enum role)role;
	*ret_index = index;
	return config_unpack(r.rest, ret_config);
}

int
control_send_listen(struct channel *c, enum listener kind, int fd)
{
	uint8_t b = (uint8_t)kind;

	return channel_send_fd(c, CONTROL_LISTEN, 0, span_of(&b, 1), fd);
}

int
control_read_listen(struct span payload, enum listener *ret)
{
	if (payload.n != 1 ||
	    (payload.p[0] != LISTEN_HTTP && payload.p[0] != LISTEN_LOCAL))
		return E_PARSE;
	*ret = (enum listener)payload.p[0];
	return 0;
}

int
control_send_link(struct channel *c, enum role peer, unsigned index, int fd)
{
	BUF(b, 16);

	buf_add_u8(&b, (uint8_t)peer);
	buf_add_u32(&b, index);
	if (buf_error(&b) != 0)
		return buf_error(&b);
	return channel_send_fd(c, CONTROL_LINK, 0, buf_span(&b), fd);
}

int
control_read_link(struct span payload, enum role *ret_peer, unsigned *ret_index)
{
	struct reader r = reader_of(payload);
	unsigned role = reader_u8(&r), index = reader_u32(&r);

	if (reader_finish(&r) != 0 || !is_child_role(role))
		return E_PARSE;
	*ret_peer = (enum role)role;
	*ret_index = index;
	return 0;
}

int
control_send_word(struct channel *c, enum control_type type)
{
	return channel_send(c, (uint16_t)type, 0, span_of(NULL, 0));
}

int
control_send_restart(struct channel *c, enum role role)
{
	uint8_t b = (uint8_t)role;

	return channel_send(c, CONTROL_RESTART, 0, span_of(&b, 1));
}

int
control_read_restart(struct span payload, enum role *ret)
{
	if (payload.n != 1 || !is_child_role(payload.p[0]))
		return E_PARSE;
	*ret = (enum role)payload.p[0];
	return 0;
}
