/*
 * route - the table that sends an edge's connections on (Vhost.xml,
 * Proxy/RouteTable), as entries
 *
 *	host:port;host:port	what goes there goes here instead
 *	host:port;null		is refused
 *
 * On the left * is any host, or any port; on the right it is the one that came.
 * A missing port is 1935; an IPv6 address stands in brackets.  Entries are
 * tried in the order of the file; one with null ends the search.
 * Pure: no I/O, no allocation.
 */
#ifndef COMMON_ROUTE_H
#define COMMON_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cursor.h"

enum {
	ROUTE_HOST = 128, /* bytes of a host, NUL included */
	ROUTE_PORT = 1935,
	ROUTE_TEXT = 2 * (ROUTE_HOST + 10)
};

/* What an edge speaks to the next server. */
enum route_protocol { ROUTE_INCOMING, ROUTE_RTMP, ROUTE_RTMPS };

struct conf_route {
	char from[ROUTE_HOST], to[ROUTE_HOST]; /* "*": any, the same */
	uint16_t from_port, to_port;	       /* 0 as the * */
	uint8_t null;			       /* refused; to is "" */
	uint8_t protocol;		       /* enum route_protocol */
	uint16_t unused;
	uint32_t vhost, line; /* in whose table it stands */
};

/* Where an entry leads: host is in the table, or what was asked for. */
struct route_hop {
	struct span host;
	uint16_t port;
	bool null;
	enum route_protocol protocol;
	uint32_t entry; /* index in the table */
};

/*
 * One entry from its text.  Sets all but protocol, vhost and line.
 * Returns 0, or -1 with what was expected in err.
 */
int route_parse(
    const char *text, struct conf_route *r, char *err, size_t errlen);

/* The entry as text. */
void route_print(const struct conf_route *r, char text[ROUTE_TEXT]);

/*
 * Entries for a connection to host:port, in the order of the table, at most
 * max; after one with null comes no other.
 * Returns how many
 */
uint32_t route_match(const struct conf_route *table, uint32_t n,
    struct span host, uint16_t port, struct route_hop *hops, uint32_t max);

/*
 * Why entry i of the table is never of use, in words; NULL if it may be.
 * *by is the entry before it that is to blame.
 */
const char *route_useless(
    const struct conf_route *table, uint32_t i, uint32_t *by);

#endif
