/*
 * tree - what Sluice servers say to each other about clients: one connection from
 * an edge to the server above carries all clients of the edge, and those of edges
 * below it.
 *
 * It begins as any other, with sluiceTree 1 in connect; the answer has sluiceTree 1
 * too, or the server does not do it.  Then each client is a message stream, with a
 * number that the edge chose and never takes again on this connection, and what is
 * said on it is what the client says, and is told, itself:
 *
 *	edge	connect		of the client, with app and tcUrl as the next server
 *				shall see them, its address (sluiceClient) and the
 *				servers that it came through (sluiceVia, sluiceHops)
 *	server	_result, _error	to connect.  In the information object of _result
 *				sluiceAsk false: nobody there judges clients of this
 *				application, the next need not wait for the answer;
 *				_error may come after _result: it is out again
 *	both	commands	of the NetConnection: calls, their answers, onStatus
 *	edge	sluiceGone	(message stream 0) the client is gone
 *	server	close		disconnect the client
 *
 * Messages go on as they came, byte for byte; but for connect.
 * Context: any; pure.
 */
#ifndef RTMP_TREE_H
#define RTMP_TREE_H

#include <stdbool.h>

#include "rtmp/cmd.h"

#define TREE_GONE "sluiceGone"

/* What a connect says to the next server, other than the client has said. */
struct tree_connect {
	struct span app, url; /* p NULL: as the client sent them */
	struct span client;   /* its address, "" for a server of another make */
	struct span via;      /* "": left out */
	double hops;
};

/*
 * Write connect of a client once more, as a payload of type WIRE_COMMAND: all its
 * properties and arguments as they came, but for those above; what it says of
 * sluice... itself is left out.
 *
 * c		as cmd_parse() gave it
 * Returns	false: its command object cannot be read
 */
bool tree_write_connect(
    struct writer *w, const struct cmd *c, const struct tree_connect *t);

/* sluiceGone of a client, a whole message. */
void tree_write_gone(struct writer *w, uint32_t chunk, uint32_t client);

/* The client of sluiceGone; false: it is no such command, or malformed. */
bool tree_parse_gone(const struct cmd *c, uint32_t *client);

#endif
