/*
 * play - from rings to connections.  A player is a ring, a generation and a
 * cursor; a frame costs it one send.
 *
 *	WAIT	-> JOIN			its name is live: watch the ring
 *	JOIN	-> RUN			prologue written, cursor at a join point
 *	RUN	-> JOIN			too slow: skip to a newer keyframe
 *	any	-> WAIT			the stream ended; it waits for the next
 *
 * A name that somebody here plays is a title; a title that is live has a
 * watch, the (block, gen) whose interest bit is set.  When a stream ends, its
 * players read on to its end for at most PLAY_DRAIN_MS, finish the message
 * they are in, and leave; when the last has left, after the section, the bit
 * is cleared.  The title may watch the next publish meanwhile.
 *
 * Order of what is sent to one player (architecture rule 3):
 *	tail	the rest of a message whose ring has moved on
 *	out	replies and prologue, only where a message ends
 *	ring	[cursor, head), at most PLAY_SEND_MAX a time
 *
 * Context: the worker's thread.
 */
#ifndef WORKER_PLAY_H
#define WORKER_PLAY_H

#include "worker/session.h"

struct push;

enum {
	PLAY_SEND_MAX = 128 * 1024,	    /* per player and pass */
	PLAY_SECTION_MAX = 2 * 1024 * 1024, /* per section */
	PLAY_DRAIN_MS = 1000,
	PLAY_TAILS_MAX = 32 * 1024 * 1024 /* private copies, all together */
};

/* Returns 0 or -ENOMEM. */
int players_init(struct worker *w);
void players_fini(struct worker *w);

/* For struct session_ops. */
void play_start(struct worker *w, struct conn *c, struct netstream *ns,
    const struct cmd_play *p);
void play_stop(
    struct worker *w, struct conn *c, struct netstream *ns, enum reason why);

/*
 * ns, an NS_PUSH of an outbound connection with a key, plays that to the server
 * there.  play_stop() ends it.  False: no memory.
 */
bool play_push(struct worker *w, struct conn *c, struct netstream *ns,
    struct push *push);

/* receiveAudio, receiveVideo; pause: of a playing NetStream. */
void play_receive(struct worker *w, struct netstream *ns, bool video, bool on);
void play_pause(struct worker *w, struct netstream *ns, bool on);

/* For struct conn_ops. */
void play_closed(struct worker *w, struct conn *c);
void play_ready(struct worker *w, struct conn *c);

/*
 * One section: what is dirty, then sends of players and of all other
 * connections.  When more is to be done, worker_wake_at() says now: input is
 * looked at in between.
 */
void players_pass(struct worker *w);

/* Once per TICK_MS: grace times, ends that nobody woke us for. */
void players_tick(struct worker *w);

#endif
