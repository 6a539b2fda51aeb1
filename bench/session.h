/*
 * session - what a client says and hears once the handshake is done: the
 * commands, the control messages, and media handed to the owner's functions.
 * Called by client.c only.
 */
#ifndef BENCH_SESSION_H
#define BENCH_SESSION_H

#include "bench/client.h"

/* Send connect. */
void session_start(struct client *c);
/* Bytes from the server.  The client may be idle afterwards. */
void session_feed(struct client *c, const uint8_t *p, const uint8_t *end);
/* Bytes came that nobody looks at: acknowledge them when it is time. */
void session_discarded(struct client *c);
/* FCUnpublish and deleteStream. */
void session_goodbye(struct client *c);
/* Give back what messages gathered; in any state. */
void session_fini(struct client *c);

#endif
