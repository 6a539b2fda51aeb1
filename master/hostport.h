/*
 * hostport - the text of Adaptor.xml's HostPort as addresses:
 *
 *	[ip]:port,port...	these ports of that address
 *	:port,port		of every address, IPv6 and IPv4
 *	ip, ip:			port 1935 of that address
 *	:			port 1935 of every address
 *
 * Port 0 lets the kernel choose.  A port with a minus (-443) is a TLS port.
 * Pure: bytes in, struct conf_listen out.
 */
#ifndef MASTER_HOSTPORT_H
#define MASTER_HOSTPORT_H

#include <stddef.h>

#include "common/conf.h"

enum { HOSTPORT_DEFAULT = 1935, HOSTPORT_TEXT = 80 };

/*
 * Parse text and append to list[*n], which holds at most CONF_LISTEN_MAX.
 *
 * line		where it stands, kept in each entry
 * Returns	the number of TLS ports that were left out, or -1 with what was
 *		expected in err
 */
int hostport_parse(const char *text, int line, struct conf_listen *list,
    uint32_t *n, char *err, size_t errlen);

/* The addresses that hold when none is configured. */
void hostport_default(struct conf_listen *list, uint32_t *n);

/* "127.0.0.1:1935", "[::1]:1935" into buf. */
const char *hostport_text(const struct conf_listen *l, char buf[HOSTPORT_TEXT]);

#endif
