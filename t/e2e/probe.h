/*
 * probe - an RTMP client that does exactly what a script says, and prints what
 * it gets, one JSON object per message.  For the scripts of t/e2e: it sends
 * what no good client sends, and sees what no player shows.
 *
 * probe.c reads the script; probe_net.c is the connection and its events.
 */
#ifndef T_E2E_PROBE_H
#define T_E2E_PROBE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cursor.h"
#include "rtmp/chunk.h"
#include "rtmp/handshake.h"

enum { PROBE_CTXS = 64, PROBE_OUT = 1 << 20 };

/* A message that is being received. */
struct probe_msg {
	uint8_t *data;
	size_t got;
};

struct probe {
	const char *host, *port;
	int fd; /* -1: not connected */
	bool ended;
	int rcvbuf; /* of the next connection, 0: the system's */
	struct chunk_reader cr;
	struct chunk_ctx ctx[PROBE_CTXS];
	struct probe_msg msg[PROBE_CTXS];
	uint32_t chunk; /* of what we send */
	bool hold;	/* gather output */
	bool bytewise;	/* one write per byte */
	size_t cut;	/* bytes that may still be sent */
	struct writer out;
	uint8_t outbuf[PROBE_OUT];
	json_t *events; /* array, in order of arrival */
	size_t seen;	/* events that earlier waits have passed */
};

/* All of these end the process with a message when the system fails. */
void probe_open(struct probe *p);
/* reset: with an RST instead of a FIN */
void probe_close(struct probe *p, bool reset);
void probe_send(struct probe *p, const void *data, size_t n);
/* What was written to p->out goes now, or at the end of a hold. */
void probe_flush(struct probe *p);
/* Plain handshake; false if it is not answered within ms. */
bool probe_handshake(struct probe *p, int ms);
/*
 * Read at most `most` bytes, waiting at most ms for the first.
 * Returns the bytes read; 0: none came, or the connection ended.
 */
size_t probe_read(struct probe *p, size_t most, int ms);

#endif
