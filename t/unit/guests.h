/*
 * guests - the clients of tests over t/fuzz/world.h, one call each.  A client
 * that is not let in, or not told so, fails the test.
 */
#ifndef UNIT_GUESTS_H
#define UNIT_GUESTS_H

#include "t/fuzz/world.h"

extern struct world *x; /* from begin() to end() */
extern uint32_t seed;	/* of the last frame() */

/* Fixture. */
void begin(void);
void end(void);

/* A client that has streams 1..streams. */
struct client *guest(unsigned worker, unsigned streams);
/* What is queued arrives, and the world runs. */
void go(struct client *c);
struct client *publisher(unsigned worker, const char *name);
struct client *player(unsigned worker, const char *name, unsigned msid);
/* Publish one message on stream 1. */
void frame(struct client *c, enum frame f, uint32_t ts, size_t n);
/* A publisher with headers and a first picture. */
struct client *live(unsigned worker, const char *name);
void leave(struct client *c);
uint64_t counter(unsigned worker, unsigned c);

#endif
