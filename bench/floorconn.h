/*
 * floorconn - the server half of one RTMP connection, as little of it as a
 * player needs: handshake, connect, createStream, play.  What comes after is
 * thrown away unread.  Non-blocking; one thread.
 */
#ifndef BENCH_FLOORCONN_H
#define BENCH_FLOORCONN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/cursor.h"
#include "rtmp/chunk.h"
#include "rtmp/handshake.h"

enum { FLOORCONN_CTXS = 4, FLOORCONN_COMMAND_MAX = 4096 };

/* Needed until play only. */
struct floorconn_setup {
	struct hs_server hs;
	bool shaken;
	bool gathers; /* the message that comes is a command */
	struct chunk_reader reader;
	struct chunk_ctx ctxs[FLOORCONN_CTXS];
	uint8_t command[FLOORCONN_COMMAND_MAX];
	uint32_t have;
};

struct floorconn {
	int fd;	      /* -1: free */
	bool playing; /* play came: setup is gone */
	bool on_list; /* the owner's */
	uint32_t index, stream;
	uint64_t cursor; /* the owner's */
	struct floorconn_setup *setup;
};

/*
 * A play of this name.
 * Returns the message stream that is sent on, 0: close.
 */
typedef bool floorconn_play_fn(
    void *owner, struct floorconn *c, struct span name);

/* fd is non-blocking, and the connection's from here.  Returns 0 or -errno. */
int floorconn_open(struct floorconn *c, int fd, uint64_t seed);
/*
 * There is something to read.  Returns false when the connection is over, or
 * the peer wants what is not offered; the caller closes it.
 */
bool floorconn_read(struct floorconn *c, void *owner, floorconn_play_fn *play);
void floorconn_close(struct floorconn *c);

#endif
