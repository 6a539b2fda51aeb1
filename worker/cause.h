/*
 * cause - why a player is slow: its own window (it does not read), the path to
 * it (the network), or this server.  A pure judgement over evidence; who reads
 * it from the kernel is slow.c.
 */
#ifndef WORKER_CAUSE_H
#define WORKER_CAUSE_H

#include <stdbool.h>
#include <stdint.h>

enum cause { CAUSE_UNKNOWN, CAUSE_CLIENT, CAUSE_PATH, CAUSE_SERVER };

/*
 * What is known of a slow player.  Times are parts of span_ms, the time since
 * it began to lag; `measured` is false when nobody looked then: they are 0, and
 * span_ms is the lag itself.
 */
struct cause_evidence {
	bool known;    /* the kernel has told what follows */
	bool measured; /* busy_ms, rwnd_ms, retrans are of span_ms */
	uint32_t lag_ms, span_ms;
	uint32_t busy_ms;   /* the socket had bytes to send */
	uint32_t rwnd_ms;   /* and the peer's window kept it from that */
	uint32_t server_ms; /* this worker was late */
	uint32_t retrans;   /* segments sent again */
	uint32_t rtt_ms, min_rtt_ms;
	uint32_t snd_wnd; /* what the peer would take, bytes */
	uint32_t unacked; /* segments on their way */
	uint32_t notsent; /* bytes that wait behind them */
};

enum cause cause_judge(const struct cause_evidence *e);

/* "client", "path", "server", "unknown". */
const char *cause_name(enum cause c);

#endif
