/*
 * ways - where an edge goes for what a client asks of it: the entries of the
 * route table that match the host and port of its tcUrl, in their order.  Without
 * one it goes nowhere, but for an explicit address on an explicit edge (Anonymous
 * is false): then to the server that the client names, if ExplicitHosts has it.  So
 * does an entry *:*;*:*, that leaves the host to the client.
 * Context: any; ways_ours() asks the kernel.
 */
#ifndef WORKER_WAYS_H
#define WORKER_WAYS_H

#include "common/addr.h"
#include "common/ipc.h"
#include "common/route.h"
#include "worker/worker.h"

enum { WAYS_MAX = 16 };

struct way {
	char hop[IPC_HOP_MAX]; /* "host:port" */
	char host[ROUTE_HOST];
	uint16_t port;
	uint32_t line;	/* of the entry in Vhost.xml */
	uint32_t group; /* entries with the same left side, */
	uint64_t score; /* and for which of them a stream is: select="hash" */
	bool judge;	/* the client named it: ways_judge() its addresses */
};

/* A server that no route names: of a script, of Republish/Target. */
void ways_direct(struct way *y, struct span host, uint16_t port);

/*
 * url		tcUrl, or empty: the virtual host's own name; explicit: what
 *		stands behind this server's own part
 * is_explicit	the client has named the servers on the way
 * stream	key of the stream, for tables with select="hash": among entries
 *		with the same left side each stream has an order of its own, the
 *		same on all servers (rendezvous hashing); empty: file order
 * Returns	how many; none with *why set to what is wrong with them
 */
unsigned ways_find(const struct conf *conf, const struct conf_vhost *v,
    struct span url, bool is_explicit, struct span stream,
    struct way ways[WAYS_MAX], enum reason *why);

/* May a client with that url be served by edge v?  REASON_NONE, or why not */
enum reason ways_admit(const struct conf *conf, const struct conf_vhost *v,
    struct span url, bool is_explicit);

/*
 * Addresses of a host that a client has named: those that may be gone to, in good.
 * Returns how many
 */
unsigned ways_judge(const struct conf_vhost *v, struct span host, uint16_t port,
    const struct addr *addrs, unsigned n, struct addr *good);

/* app[/instance] of a key, as the next server is told it. */
void ways_app_name(const char *key, size_t keylen, char app_name[IPC_KEY_MAX]);

/* What to do about REASON_EXPLICIT_HOST, in words. */
void ways_advise(struct span host, uint16_t port, char text[IPC_TEXT_MAX]);

/* Is any of the addresses, with this port, where this server listens? */
bool ways_ours(const struct worker *w, const struct addr *addrs, unsigned n,
    uint16_t port);

#endif
