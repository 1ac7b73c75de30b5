/* os/address: "ADDR:PORT" of a listener: numeric, IPv6 in brackets. */
#ifndef SIGNET_OS_ADDRESS_H
#define SIGNET_OS_ADDRESS_H

#include <sys/socket.h>

#include "base/err.h"

#define ADDRESS_TEXT_MAX 64

/* address_parse(): "127.0.0.1:8080", "[::1]:0", "localhost:80"; E_INVAL */
int address_parse(const char *text, struct sockaddr_storage *ret_address,
    socklen_t *ret_n) ERR_CHECK;
/* address_print(): the same form; "?" for a family that is neither */
void address_print(const struct sockaddr_storage *a, char *out, size_t size);

#endif
