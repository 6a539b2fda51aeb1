/*
 * addr - IP addresses of both families as 16 bytes (IPv4 as ::ffff:a.b.c.d,
 * RFC 4291, 2.5.5.2), and networks of them in CIDR notation (RFC 4632).
 */
#ifndef COMMON_ADDR_H
#define COMMON_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;

struct addr {
	uint8_t b[16];
};

/* A network: the first `bits` of b, 0..128. */
struct addr_net {
	struct addr base;
	uint8_t bits;
};

/* One address of each family at most. */
struct addr_pair {
	bool has_v4, has_v6;
	struct addr v4, v6;
};

enum { ADDR_TEXT = 46, ADDR_NET_TEXT = 50 };

/*
 * From text of len bytes: "192.0.2.1", "2001:db8::1"; not a name, and no port.
 * Returns 0 or -1.
 */
int addr_parse(const char *text, size_t len, struct addr *a);

/* The address of "192.0.2.1:1935" or "[2001:db8::1]:1935".  0 or -1. */
int addr_parse_peer(const char *text, struct addr *a);

/*
 * From "", "192.0.2.1", "2001:db8::1", or two of them with a comma between.
 * Returns 0, or -1: something else, or two of one family.
 */
int addr_pair_parse(const char *text, struct addr_pair *p);

/* From a socket's; anything but IP is "::".  */
void addr_from_sockaddr(const struct sockaddr *sa, struct addr *a);

/* As text; IPv4 in its own form. */
void addr_print(const struct addr *a, char text[ADDR_TEXT]);

bool addr_is_v4(const struct addr *a);
bool addr_is_loopback(const struct addr *a);
bool addr_equal(const struct addr *a, const struct addr *b);

/*
 * From "192.0.2.0/24", "2001:db8::/32", or an address alone.  Bits beyond the
 * prefix must be 0, as they are likely a mistake.
 * Returns 0 or -1 with what was expected in err
 */
int addr_net_parse(
    const char *text, size_t len, struct addr_net *n, char *err, size_t errlen);

bool addr_net_has(const struct addr_net *n, const struct addr *a);
void addr_net_print(const struct addr_net *n, char text[ADDR_NET_TEXT]);

#endif
