/*
 * hosts - the list of servers that clients may name to an explicit edge (Vhost.xml,
 * Proxy/ExplicitHosts): between commas
 *
 *	origin.example		that name, whatever its address
 *	.example.net		names below it
 *	192.0.2.0/24		addresses, also of names that lead there
 *	2001:db8::1, [2001:db8::1]:1936
 *	*			any address of the Internet
 *
 * each with ":port" or ":*" behind it; without, 1935 and 443 (rtmps).  An empty list
 * is "*".  Addresses that are not of the Internet (private, loopback, link-local ...)
 * are only meant by a name or a network that has them.
 * The text itself is the list: it is short, and read only to decide.  Context: any.
 */
#ifndef COMMON_HOSTS_H
#define COMMON_HOSTS_H

#include "common/addr.h"
#include "common/cursor.h"

enum hosts_verdict {
	HOSTS_NO,
	HOSTS_YES,	 /* whatever its address */
	HOSTS_BY_ADDRESS /* ask hosts_has_addr() about each */
};

/* Returns 0, or -1 with what was expected in err. */
int hosts_check(const char *list, char *err, size_t errlen);

/* May a server of that name or address be gone to? */
enum hosts_verdict hosts_judge(
    const char *list, struct span host, uint16_t port);

/* May that address be gone to, whose name is none of the list's? */
bool hosts_has_addr(const char *list, const struct addr *a, uint16_t port);

/*
 * Is it an address of the Internet: none of those that RFC 6890 and its registries
 * call special, and no IPv6 address that stands for such an IPv4 address?
 */
bool addr_is_public(const struct addr *a);

#endif
