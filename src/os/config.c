#include "os/config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "os/address.h"
#include "os/file.h"

#define PACK_VERSION 1

/* str_copy() of a constant that is known to fit */
static void
set_text(char *out, size_t size, const char *text)
{
	if (str_copy(out, size, text) != 0)
		out[0] = '\0';
}

void
config_defaults(struct config *c)
{
	memset(c, 0, sizeof(*c));
	set_text(c->http, sizeof(c->http), "0.0.0.0:8080");
	set_text(c->syslog_socket, sizeof(c->syslog_socket), "/dev/log");
	c->expiry_days = 60;  /* WATCH-2 */
	c->failures_max = 30; /* ENR-10 */
	c->failures_window_s = 60;
	c->lockout_s = 60;
	c->pending_max = 1000;
	c->scep_n = 1;
	set_text(c->scep[0].profile, sizeof(c->scep[0].profile), "phone");
	c->scep[0].pending_allowed = true;
}

int
config_find_catalog(struct config *c)
{
	static const char *const places[] = { "../../catalog",
		"../share/signet/catalog" };
	char exe[PATH_MAX], *slash;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	c->catalog_dir[0] = '\0';
	if (n <= 0)
		return E_NOT_FOUND;
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	if (!slash)
		return E_NOT_FOUND;
	*slash = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char raw[PATH_MAX], whole[PATH_MAX];

		if (path_join(raw, sizeof(raw), exe, places[i]) == 0 &&
		    realpath(raw, whole))
			return str_copy(
			    c->catalog_dir, sizeof(c->catalog_dir), whole);
	}
	return E_NOT_FOUND;
}

struct range {
	const char *key;
	uint32_t value, min, max;
};

static int
check_ranges(const struct config *c, struct diag *d)
{
	const struct range all[] = {
		{ "processes.fronts", c->fronts, 0, CONFIG_FRONTS_MAX },
		{ "processes.keys", c->keys, 0, CONFIG_KEYS_MAX },
		{ "expiry.warn_days", c->expiry_days, 1, 3650 },
		{ "limits.failures", c->failures_max, 1, 1000000 },
		{ "limits.window_s", c->failures_window_s, 1, 86400 },
		{ "limits.lockout_s", c->lockout_s, 1, 604800 },
		{ "limits.pending", c->pending_max, 1, 1000000 },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].value < all[i].min || all[i].value > all[i].max)
			return diag_set(d, E_INVAL, all[i].key, NULL,
			    "%u is not between %u and %u", all[i].value,
			    all[i].min, all[i].max);
	return 0;
}

/* a path's last part, and an option of URLs we write into certificates */
static bool
is_plain_name(const char *name)
{
	return strspn(name,
		   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		   "0123456789._-") == strlen(name);
}

static int
check_scep(const struct config *c, struct diag *d)
{
	char object[80];

	if (c->scep_n > CONFIG_SCEP_MAX)
		return diag_set(d, E_TOO_BIG, "scep", NULL,
		    "has more than %d entries", CONFIG_SCEP_MAX);
	for (size_t i = 0; i < c->scep_n; i++) {
		snprintf(object, sizeof(object), "scep[%zu].name", i + 1);
		if (!is_plain_name(c->scep[i].name))
			return diag_set(d, E_INVAL, object, NULL,
			    "\"%s\" has other characters than letters, "
			    "digits, dot, dash and underscore",
			    c->scep[i].name);
		for (size_t k = 0; k < i; k++)
			if (strcmp(c->scep[i].name, c->scep[k].name) == 0)
				return diag_set(d, E_EXISTS, object, NULL,
				    "\"%s\" is there twice", c->scep[i].name);
	}
	return 0;
}

int
config_check(const struct config *c, struct diag *d)
{
	struct sockaddr_storage a;
	socklen_t n;
	int r;

	if (c->http[0] && address_parse(c->http, &a, &n) != 0) {
		r = diag_set(d, E_INVAL, "http", NULL,
		    "\"%s\" is not ADDRESS:PORT", c->http);
		diag_remedy(d, "write 0.0.0.0:8080, [::]:8080 or \"\"");
		return r;
	}
	if (c->public_url[0] && !str_has_prefix(c->public_url, "http://") &&
	    !str_has_prefix(c->public_url, "https://"))
		return diag_set(d, E_INVAL, "public_url", NULL,
		    "\"%s\" is not an http:// address", c->public_url);
	if (c->database[0] && !str_has_prefix(c->database, "postgresql://") &&
	    !str_has_prefix(c->database, "postgres://"))
		return diag_set(d, E_INVAL, "database", NULL,
		    "does not begin with postgresql://");
	r = check_ranges(c, d);
	return r != 0 ? r : check_scep(c, d);
}

void
config_pack(const struct config *c, struct buf *out)
{
	buf_add_u8(out, PACK_VERSION);
	buf_pack_text(out, c->state_dir);
	buf_pack_text(out, c->catalog_dir);
	buf_pack_text(out, c->user);
	buf_pack_text(out, c->http);
	buf_pack_text(out, c->public_url);
	buf_pack_text(out, c->database);
	buf_add_u32(out, c->fronts);
	buf_add_u32(out, c->keys);
	buf_pack_text(out, c->syslog_socket);
	buf_add_u32(out, c->expiry_days);
	buf_add_u32(out, c->failures_max);
	buf_add_u32(out, c->failures_window_s);
	buf_add_u32(out, c->lockout_s);
	buf_add_u32(out, c->pending_max);
	buf_pack_text(out, c->seal_passphrase_file);
	buf_add_u64(out, (uint64_t)c->clock_offset_s);
	buf_add_u8(out, (uint8_t)c->scep_n);
	for (size_t i = 0; i < c->scep_n; i++) {
		buf_pack_text(out, c->scep[i].name);
		buf_pack_text(out, c->scep[i].profile);
		buf_add_u8(out, c->scep[i].legacy);
		buf_add_u8(out, c->scep[i].pending_allowed);
	}
}

static void
unpack_head(struct reader *r, struct config *c)
{
	reader_text(r, c->state_dir, sizeof(c->state_dir));
	reader_text(r, c->catalog_dir, sizeof(c->catalog_dir));
	reader_text(r, c->user, sizeof(c->user));
	reader_text(r, c->http, sizeof(c->http));
	reader_text(r, c->public_url, sizeof(c->public_url));
	reader_text(r, c->database, sizeof(c->database));
	c->fronts = reader_u32(r);
	c->keys = reader_u32(r);
	reader_text(r, c->syslog_socket, sizeof(c->syslog_socket));
	c->expiry_days = reader_u32(r);
	c->failures_max = reader_u32(r);
	c->failures_window_s = reader_u32(r);
	c->lockout_s = reader_u32(r);
	c->pending_max = reader_u32(r);
	reader_text(
	    r, c->seal_passphrase_file, sizeof(c->seal_passphrase_file));
	c->clock_offset_s = (int64_t)reader_u64(r);
}

int
config_unpack(struct span in, struct config *ret)
{
	struct reader r = reader_of(in);
	struct config c;
	int code;

	memset(&c, 0, sizeof(c));
	if (reader_u8(&r) != PACK_VERSION)
		return E_PARSE;
	unpack_head(&r, &c);
	c.scep_n = reader_u8(&r);
	if (c.scep_n > CONFIG_SCEP_MAX)
		return E_PARSE;
	for (size_t i = 0; i < c.scep_n; i++) {
		reader_text(&r, c.scep[i].name, sizeof(c.scep[i].name));
		reader_text(&r, c.scep[i].profile, sizeof(c.scep[i].profile));
		c.scep[i].legacy = reader_u8(&r) != 0;
		c.scep[i].pending_allowed = reader_u8(&r) != 0;
	}
	code = reader_finish(&r);
	if (code == 0)
		*ret = c;
	return code;
}
