/*
 * client - the client half of one RTMP connection: connect, handshake, the
 * commands up to publish or play, then media in or out.  Non-blocking; many
 * in one thread around one epoll instance (struct client_net).
 * Lifetime: the owner keeps the struct in place from client_init() until it
 * is idle; it may be opened again when it is.
 *
 *	IDLE	   -> CONNECTING		client_open()
 *	CONNECTING -> HANDSHAKE, IDLE		TCP is up
 *	HANDSHAKE  -> CONNECT, IDLE		C2 is out, connect sent
 *	CONNECT	   -> CREATE, IDLE		connect granted
 *	CREATE	   -> START, IDLE		stream id known, publish/play sent
 *	START	   -> RUNNING, IDLE		granted
 *	RUNNING	   -> ENDING, IDLE		client_end()
 *	ENDING	   -> IDLE			the server closed, or client_close()
 */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "bench/frame.h"
#include "common/clock.h"
#include "common/cursor.h"
#include "rtmp/chunk.h"
#include "rtmp/handshake.h"

enum {
	CLIENT_SCRATCH = 256 * 1024, /* bytes of one read */
	CLIENT_LOWAT = 32 * 1024,
	CLIENT_CTXS = 6, /* chunk streams before there is a malloc */
	CLIENT_CTXS_MAX = 256,
	CLIENT_COMMAND_MAX = 64 * 1024, /* longer ones are passed over */
	CLIENT_QUEUE_MAX = 64 << 20	/* bytes the server did not take yet */
};

enum client_state {
	CLIENT_IDLE,
	CLIENT_CONNECTING,
	CLIENT_HANDSHAKE,
	CLIENT_CONNECT,
	CLIENT_CREATE,
	CLIENT_START,
	CLIENT_RUNNING,
	CLIENT_ENDING
};

struct client;

typedef void client_running_fn(struct client *c);
typedef void client_media_begin_fn(
    struct client *c, enum frame_kind kind, uint32_t len);
typedef void client_media_data_fn(
    struct client *c, enum frame_kind kind, const uint8_t *p, size_t n);
/* now: when the bytes were read */
typedef void client_media_end_fn(
    struct client *c, enum frame_kind kind, uint32_t ts, struct mono now);
/*
 * The connection is gone, the client idle.
 * was		the state before
 * why		short and always the same for one cause ("closed by the
 *		server", "NetStream.Publish.BadName")
 * detail	more of it, or ""; not terminated, from the server: any bytes
 */
typedef void client_closed_fn(struct client *c, enum client_state was,
    const char *why, struct span detail);

/* The media functions may be NULL together. */
struct client_ops {
	client_running_fn *running;
	client_media_begin_fn *media_begin;
	client_media_data_fn *media_data;
	client_media_end_fn *media_end;
	client_closed_fn *closed;
};

/* What the clients of a run have in common; set up once by main. */
struct client_net {
	int epfd, sigfd;
	bool stopped; /* SIGINT or SIGTERM came */
	bool publish;
	uint32_t chunk; /* of what we send once connected */
	struct span app, tc_url;
	struct sockaddr_storage addr;
	socklen_t addr_len;
	const struct client_ops *ops;
	void *owner; /* of whoever gave the ops */
	uint8_t *scratch;
	uint64_t received; /* bytes, by all clients of it */
	uint64_t every_ns; /* look at the sockets once in so long; 0: at once */
	uint64_t looked;   /* when all were seen last, ns */
};

struct client {
	struct client_net *net;
	const char *name; /* of the stream; the owner's */
	int fd;
	uint8_t state;	     /* enum client_state */
	bool watched;	     /* in the epoll set */
	bool stalled;	     /* reads no more */
	bool hung_up;	     /* while stalled: the server closed */
	bool discards;	     /* counts what comes, looks at nothing */
	int receive_buffer;  /* SO_RCVBUF, bytes; 0: the kernel's choice */
	uint32_t read_limit; /* bytes of one client_read(), 0: reads all */
	uint16_t port;	     /* local */
	uint32_t msid;
	uint32_t chunk; /* what we send */
	uint32_t events;
	uint32_t window; /* to be acknowledged, 0: none */
	uint64_t received, acked;
	uint64_t opened_ns, tcp_ns, first_ns; /* TCP is up; first byte */
	uint64_t done_ns; /* ENDING: when client_end() was called */
	uint8_t *out;	  /* what the socket did not take */
	size_t out_at, out_len, out_cap;
	struct hs_client *hs; /* during the handshake */
	struct chunk_ctx *ctxs;
	struct chunk_reader reader;
	struct chunk_ctx first_ctxs[CLIENT_CTXS];
};

/* epoll, scratch buffer, signals.  Returns 0 or -errno. */
int client_net_init(struct client_net *net);
void client_net_fini(struct client_net *net);
/*
 * Wait until something happens or `until` has come, and do what is to do.
 * Returns 0 or -errno.
 */
int client_net_wait(struct client_net *net, struct mono until);
/*
 * Only count what comes from now on.  With every_ns it is not read before
 * CLIENT_LOWAT bytes are there.
 */
void client_discard(struct client *c);
/* For loops of others around epfd: its event without a pointer. */
void client_net_take_signal(struct client_net *net);

void client_init(struct client *c, struct client_net *net, const char *name);
/* Returns 0 or -errno (-EMFILE: no descriptors left); then nothing changed. */
int client_open(struct client *c);
/*
 * Send what was written to w, now or when the socket takes it.
 * Returns 0, or -errno after which the client is idle (closed was called).
 */
int client_send(struct client *c, const struct writer *w);
/* Bytes waiting for the socket. */
size_t client_queued(const struct client *c);
/* Say goodbye (FCUnpublish, deleteStream); close when it is sent. */
void client_end(struct client *c);
/* With a read_limit nothing is read but by this. */
void client_read(struct client *c);
/* Never read again, keep the connection. */
void client_stall(struct client *c);
/* Give up: as if the connection had failed for this reason. */
void client_fail(struct client *c, const char *why, struct span detail);
/* Close without a call of closed. */
void client_close(struct client *c);
/* "handshake", for messages. */
const char *client_state_name(enum client_state s);

#endif
