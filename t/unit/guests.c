#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "t/unit/guests.h"

struct world *x;

void
begin(void)
{
	x = world_new();
}

void
end(void)
{
	world_end(x);
}

/* A client that has streams 1..streams. */
struct client *
guest(unsigned worker, unsigned streams)
{
	struct client *c = client_open(x, worker);
	ck_assert_ptr_nonnull(c);
	c->keep = true;
	client_shake(c);
	client_connect(c, "live");
	client_set_chunk(c, 65536);
	for (unsigned i = 0; i < streams; i++)
		client_call(c, CMD_CREATE_STREAM, 0);
	client_deliver(c, SIZE_MAX, 0);
	world_run(x);
	ck_assert_uint_eq((unsigned)c->result, streams);
	return c;
}

void
go(struct client *c)
{
	client_deliver(c, SIZE_MAX, 0);
	world_run(x);
}

struct client *
publisher(unsigned worker, const char *name)
{
	struct client *c = guest(worker, 1);
	client_publish(c, 1, name);
	go(c);
	ck_assert(client_was_told(c, "NetStream.Publish.Start"));
	return c;
}

struct client *
player(unsigned worker, const char *name, unsigned msid)
{
	struct client *c = guest(worker, msid);
	client_play(c, msid, name);
	go(c);
	ck_assert(client_was_told(c, "NetStream.Play.Start"));
	return c;
}

uint32_t seed;

void
frame(struct client *c, enum frame f, uint32_t ts, size_t n)
{
	client_frame(c, f, 1, ts, n, ++seed);
	go(c);
}

/* Headers and a first picture. */
struct client *
live(unsigned worker, const char *name)
{
	struct client *c = publisher(worker, name);
	frame(c, META, 0, 0);
	frame(c, VIDEO_HEADER, 0, 40);
	frame(c, AUDIO_HEADER, 0, 7);
	frame(c, KEY, 0, 300);
	return c;
}

void
leave(struct client *c)
{
	client_window(c, SIZE_MAX);
	client_end(c, 0);
	world_run(x);
	ck_assert_ptr_null(client_conn(c));
}

uint64_t
counter(unsigned worker, unsigned c)
{
	return atomic_load_explicit(
	    &x->w[worker].slot->counters[c], memory_order_relaxed);
}
