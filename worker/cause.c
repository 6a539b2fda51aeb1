#include "config.h"

#include "worker/cause.h"

enum {
	WINDOW_SHUT = 4096,  /* a window below this takes no full segment */
	WINDOW_WIDE = 32768, /* above it somebody reads */
	QUEUE_MS = 50,	     /* of round trip beyond four times the least: */
	QUEUE_TIMES = 4	     /* packets wait in a queue on the way */
};

/* Packets wait on the way: a wide window is full of what has not arrived. */
static bool
path_is_full(const struct cause_evidence *e)
{
	return e->unacked > 0 && e->snd_wnd >= WINDOW_WIDE &&
	       e->rtt_ms > QUEUE_TIMES * e->min_rtt_ms + QUEUE_MS;
}

/* Half of the time or more, and the socket had something to send then. */
static bool
window_kept_it(const struct cause_evidence *e)
{
	return e->measured && 2 * (uint64_t)e->rwnd_ms >= e->busy_ms &&
	       2 * (uint64_t)e->busy_ms >= e->span_ms && e->rwnd_ms > 0;
}

enum cause
cause_judge(const struct cause_evidence *e)
{
	if (e->known && window_kept_it(e))
		return path_is_full(e) ? CAUSE_PATH : CAUSE_CLIENT;
	if (e->server_ms > 0 && 2 * (uint64_t)e->server_ms >= e->span_ms)
		return CAUSE_SERVER;
	if (!e->known)
		return CAUSE_UNKNOWN;
	if (e->snd_wnd < WINDOW_SHUT && e->notsent > 0)
		return CAUSE_CLIENT;
	/* the socket was empty: it was not fed */
	if (e->measured && 2 * (uint64_t)e->busy_ms < e->span_ms)
		return CAUSE_SERVER;
	return CAUSE_PATH;
}

const char *
cause_name(enum cause c)
{
	switch (c) {
	case CAUSE_CLIENT:
		return "client";
	case CAUSE_PATH:
		return "path";
	case CAUSE_SERVER:
		return "server";
	case CAUSE_UNKNOWN:
		break;
	}
	return "unknown";
}
