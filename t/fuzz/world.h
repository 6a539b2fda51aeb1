/*
 * world - two workers, the master's part in streams, and clients, in one
 * process and one thread, without sockets: the modules of worker/ and
 * master/streams.c as they are, over a fake loop, a fake link and a clock that
 * moves when the test says so.
 *
 * Context: one world at a time.  Anything wrong ends the process by abort(),
 * after a line on stderr.
 */
#ifndef FUZZ_WORLD_H
#define FUZZ_WORLD_H

#include "common/token.h"
#include "master/master.h"
#include "rtmp/cmd.h"
#include "t/fuzz/fakeloop.h"
#include "t/fuzz/model.h"
#include "worker/players.h"
#include "worker/publishers.h"
#include "worker/sessions.h"

enum {
	WORLD_WORKERS = 2,
	WORLD_CLIENTS = 24,
	WORLD_BLOCKS = 8,
	WORLD_SEGMENTS = 128,
	WORLD_STATUSES = 64,
	WORLD_QUEUE = 512,
	WORLD_SEATS = 64,  /* MaxWaitingNames */
	WORLD_PLAYS = 16,  /* Client/MaxStreams */
	WORLD_VIRTUAL = 40 /* clients of edges, in each worker */
};

struct world;

/* What a client plays on one of its message streams. */
struct world_play {
	uint32_t msid;	/* 0: none yet */
	char name[256]; /* what Play.Start named last */
	struct model_player player;
};

/* A command that came from the server. */
struct world_cmd {
	uint8_t type;
	uint32_t msid, len;
	uint8_t *data;
};

/* The other end of one connection: a client, or a server that a worker dialled. */
struct client {
	struct world *x;
	bool used;
	bool above; /* it is such a server */
	bool edge;  /* it carries clients: what is said is not to it */
	bool gone;  /* the server has closed it */
	unsigned worker;
	int fd; /* the server's number for it */
	uint32_t index, gen;
	uint64_t id;
	/* to the server */
	uint8_t *out;
	size_t out_len, out_off, out_cap;
	uint32_t chunk; /* size in which we send */
	struct tap mirror;
	uint64_t *known; /* hashes of the messages that were delivered */
	size_t nknown;
	/* from the server */
	size_t window; /* bytes that its socket takes */
	bool reset;
	bool has_tcp;
	struct tcp_sample tcp; /* what the kernel says of it */
	size_t offered;	       /* most bytes in one send */
	struct tap tap;
	size_t received;
	uint32_t chunk_sets; /* Set Chunk Size, how often */
	struct world_play play[WORLD_PLAYS];
	bool filters; /* receiveAudio, receiveVideo: messages may be missing */
	unsigned nstatus;
	char status[WORLD_STATUSES][64];
	double result; /* of the last createStream */
	uint32_t pong;
	size_t pong_at;	       /* media messages before it */
	uint32_t pinged, ping; /* how often, and what was said */
	/* every media message, when wanted */
	bool keep;
	struct model_msg *got;
	size_t ngot;
	/* every command, when wanted */
	bool listens;
	struct world_cmd *cmd;
	size_t ncmd;
};

struct said {
	unsigned slot;
	struct ipc_msg m;
};

struct link {
	struct world *x;
	uint64_t request;
	bool busy; /* what link_busy() says */
};

struct world {
	struct mono now;
	struct conf *conf;
	struct conf_app *app; /* of the first virtual host, its only one */
	struct master master;
	struct worker w[WORLD_WORKERS];
	struct link link[WORLD_WORKERS];
	struct mono next_tick[WORLD_WORKERS];
	bool poked[WORLD_WORKERS]; /* the master has said something */
	struct client client[WORLD_CLIENTS];
	struct model model;
	bool hold; /* what the master says waits */
	bool far;  /* time passes for connections to other servers, too */
	/* who may publish and play: what it says, was asked last */
	enum reason auth_says;
	unsigned asked;
	enum token_use asked_use;
	char asked_query[IPC_QUERY_MAX + 1];
	struct said to_worker[WORLD_QUEUE], to_master[WORLD_QUEUE];
	unsigned nto_worker, nto_master;
};

struct world *world_new(void);
/* Ends everything, checks that nothing is left, frees. */
void world_end(struct world *x);
/* The same without the client's help: all peers are gone. */
void world_drain(struct world *x);

/* One turn of a worker's loop; all of them until nothing is left to do. */
void world_turn(struct world *x, unsigned worker);
void world_run(struct world *x);
/* The clock alone; the clock in steps of at most 10 ms, with turns. */
void world_clock(struct world *x, uint64_t ms);
void world_wait(struct world *x, uint64_t ms);
/* What the master said arrives; x->hold keeps it back. */
void world_release(struct world *x);

/* A new connection, or NULL: refused, or no client left (ended ones are reused). */
struct client *client_open(struct world *x, unsigned worker);
struct conn *client_conn(struct client *c);
/* Queue bytes for the server; deliver at most n of them, in cuts of `cut`. */
void client_put(struct client *c, const void *p, size_t n);
size_t client_deliver(struct client *c, size_t n, size_t cut);
void client_end(struct client *c, int32_t res); /* 0: EOF, or -errno */
void client_window(struct client *c, size_t n);

/*
 * The server that worker dialled, of those that wait the first; shakes hands and says
 * its chunk size when that is delivered.  NULL: none is dialled, or it has no room.
 * server_missing(): it does not answer; false: none is dialled
 */
struct client *server_open(struct world *x, unsigned worker);
bool server_missing(struct world *x, unsigned worker);

/* Queue well-formed input. */
void client_shake(struct client *c);
void client_message(struct client *c, uint32_t csid, uint8_t type,
    uint32_t msid, uint32_t ts, const void *p, size_t n);
void client_connect(struct client *c, const char *app);
void client_call(struct client *c, enum cmd_id id, uint32_t msid);
void client_call_name(struct client *c, enum cmd_id id, const char *name);
void client_publish(struct client *c, uint32_t msid, const char *name);
void client_play(struct client *c, uint32_t msid, const char *name);
void client_delete(struct client *c, uint32_t msid);
void client_set_chunk(struct client *c, uint32_t size);

/* What a media message is. */
enum frame { KEY, INTER, VIDEO_HEADER, AUDIO, AUDIO_HEADER, META, DATA };
/* Bytes of a frame, different for every seed; returns how many. */
size_t frame_make(enum frame f, uint8_t *to, size_t n, uint32_t seed);
uint8_t frame_type(enum frame f);
void client_frame(struct client *c, enum frame f, uint32_t msid, uint32_t ts,
    size_t n, uint32_t seed);

bool client_was_told(const struct client *c, const char *code);

#endif
