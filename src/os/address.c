#include "os/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* "[::1]" -> "::1"; "localhost" -> "127.0.0.1" */
static int
host_of(const char *text, size_t n, char *out, size_t size)
{
	if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
	}
	if (n == 9 && memcmp(text, "localhost", n) == 0)
		return str_copy(out, size, "127.0.0.1");
	if (n == 0 || n >= size)
		return E_INVAL;
	memcpy(out, text, n);
	out[n] = '\0';
	return 0;
}

int
address_parse(
    const char *text, struct sockaddr_storage *ret_address, socklen_t *ret_n)
{
	const char *colon = strrchr(text, ':');
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	char host[ADDRESS_TEXT_MAX];
	int64_t port;

	if (!colon || str_to_int(colon + 1, 0, 65535, &port) != 0 ||
	    host_of(text, (size_t)(colon - text), host, sizeof(host)) != 0)
		return E_INVAL;
	memset(ret_address, 0, sizeof(*ret_address));
	if (text[0] != '[' && inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
		v4.sin_port = htons((uint16_t)port);
		memcpy(ret_address, &v4, sizeof(v4));
		*ret_n = sizeof(v4);
		return 0;
	}
	if (text[0] == '[' && inet_pton(AF_INET6, host, &v6.sin6_addr) == 1) {
		v6.sin6_port = htons((uint16_t)port);
		memcpy(ret_address, &v6, sizeof(v6));
		*ret_n = sizeof(v6);
		return 0;
	}
	return E_INVAL;
}

void
address_print(const struct sockaddr_storage *a, char *out, size_t size)
{
	char host[INET6_ADDRSTRLEN] = "";
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (a->ss_family == AF_INET) {
		memcpy(&v4, a, sizeof(v4));
		inet_ntop(AF_INET, &v4.sin_addr, host, sizeof(host));
		snprintf(out, size, "%s:%u", host, ntohs(v4.sin_port));
	} else if (a->ss_family == AF_INET6) {
		memcpy(&v6, a, sizeof(v6));
		inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof(host));
		snprintf(out, size, "[%s]:%u", host, ntohs(v6.sin6_port));
	} else {
		snprintf(out, size, "?");
	}
}
