/*
 * edges - the two ends of connections that carry clients (rtmp/tree.h), for tests over
 * t/fuzz/world.h: an edge below a worker, and a server above one.
 */
#ifndef UNIT_EDGES_H
#define UNIT_EDGES_H

#include "t/unit/guests.h"

/* What a client says with connect; NULL and 0: the usual. */
struct edge_client {
	double txn;
	const char *app, *url, *addr, *via;
	double hops;
};

/* Everybody is in TrustedEdges. */
void edges_trusted(void);
/* The workers are an edge themselves: the server above is 192.0.2.1:1935. */
void edges_remote(void);
/* There is another way to go, too: 192.0.2.1:1936. */
void edges_two_ways(void);

/* A connection that says it carries clients, of that tcUrl; accepted or not. */
struct client *edge_open(unsigned worker, const char *url);
/* The same, which must be accepted. */
struct client *edge(unsigned worker);
/* On it: connect of a client, a call of one, sluiceGone.  Delivered by go(). */
void edge_connect(struct client *e, uint32_t msid, const struct edge_client *k);
void edge_call(struct client *e, uint32_t msid, const char *name, double txn);
void edge_gone(struct client *e, double msid);

/* A client on a connection of its own; nothing of the answer is looked at. */
struct client *client_at(unsigned worker, const char *url);

/* What a server says: answers to connect; tree: that it carries clients. */
void server_accepts(
    struct client *s, uint32_t msid, double txn, bool tree, bool informed);
void server_refuses(struct client *s, uint32_t msid, double txn);
void server_closes(struct client *s, uint32_t msid);
void server_returns(
    struct client *s, uint32_t msid, const char *name, double txn);

/* Commands of that name on that message stream that came over c; the last. */
unsigned heard(const struct client *c, const char *name, uint32_t msid);
const struct world_cmd *last(
    const struct client *c, const char *name, struct cmd *cmd);
/* Forget what was heard. */
void deaf(struct client *c);

/* Rows of virtual clients that are taken. */
unsigned virtuals(unsigned worker);

#endif
