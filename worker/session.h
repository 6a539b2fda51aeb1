/*
 * session - what a client says and is answered: handshake, chunks, control
 * messages, commands.  It knows connections and NetStreams; publishing and
 * playing are done by the functions of struct session_ops.
 *
 * State belongs to the NetStream (architecture rule 6):
 *
 *	IDLE	-> ASKED		publish, the master is asked
 *	ASKED	-> PUBLISH, IDLE	granted, refused
 *	PUBLISH	-> IDLE			goodbye, taken over, lost
 *	IDLE	-> PLAY			play, everybody may
 *	IDLE	-> ASKED -> PLAY, IDLE	play, the master is asked (admit.h)
 *	PLAY	-> IDLE			closeStream, deleteStream
 *	PULL				of an outbound connection (upstream.h): a
 *					stream that another server has
 *	PUSH				the same: one that is sent to it
 *
 * While a NetStream is ASKED, input of its connection is paused.
 * Context: the worker's thread.
 */
#ifndef WORKER_SESSION_H
#define WORKER_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/ipc.h"
#include "rtmp/chunk.h"
#include "rtmp/cmd.h"
#include "rtmp/handshake.h"
#include "rtmp/wire.h"
#include "worker/conn.h"
#include "worker/msg.h"

enum {
	SESSION_CTX = 4, /* chunk streams before a larger table is taken, */
	SESSION_CTX_MORE = 12, /* and before the largest */
	SESSION_COMMAND_MAX = 65536,
	SESSION_STREAMS_FEW = 16,  /* NetStreams without a table of their ids */
	SESSION_SURPLUS_MS = 5000, /* for connect, above the limit */
	SESSION_APP_MAX = 128,	   /* bytes of app, of instance */
	SESSION_REPLY = 2048	   /* any single reply fits */
};

enum ns_use { NS_IDLE, NS_ASKED, NS_PUBLISH, NS_PLAY, NS_PULL, NS_PUSH };

struct netstream {
	uint32_t id; /* message stream id, from 1 */
	enum ns_use use;
	uint32_t keylen;  /* of key: vhost NUL app NUL instance NUL stream */
	uint32_t name_at; /* where the stream's name begins in key */
	char *key;	  /* of the pool; NULL before publish or play */
	struct publish *pub;
	struct player *player;
	struct admit *admit; /* ASKED about a play */
	struct leg *leg;     /* PULL, PUSH: whose it is; NULL: nobody's */
	struct relay *relay; /* ASKED, PUBLISH on an edge: it goes on */
	uint64_t hook;	     /* request that hook.h tells the end of; 0: none */
	LIST_ENTRY(netstream) next;
};

struct session {
	struct hs_server *hs; /* of the pool, during the handshake; outbound: */
	struct hs_client *hs_out;
	struct chunk_reader cr;
	struct chunk_ctx first[SESSION_CTX];
	struct chunk_ctx *ctxs; /* first, or of the pool */
	uint32_t nctxs;
	uint32_t input; /* bytes of unfinished messages of publishes, */
	uint32_t own;	/* of commands */
	uint32_t window, acked;
	bool connected;
	bool amf3;	/* objectEncoding 3: answers are of the AMF3 types */
	bool chunk_set; /* our Set Chunk Size is sent */
	bool edge;	/* the client is a Sluice that fetches streams */
	bool trusted;	/* one of TrustedEdges */
	bool partial;	/* of an explicit address, the rest comes with a name; */
	bool bound;	/* it has come; */
	bool hooked;	/* the master knows who it is (hook.h) */
	struct guest *guest; /* somebody is asked about the client */
	struct tree *tree;   /* it carries clients of an edge */
	uint32_t part_len;   /* what connect had of url */
	uint32_t nstreams;
	uint32_t low_id; /* no lower id is free */
	uint32_t nby_id;
	struct netstream *
	    *by_id;	     /* of the pool, when there are many, or NULL */
	uint32_t prefix_len; /* vhost NUL app NUL instance in prefix, */
	char *prefix;	     /* of the pool; NULL before connect */
	/* keys and tokens: of connect, a copy of the pool; of the publish or
	 * play command at hand, inside it.  Never logged, never listed */
	struct span query, shown;
	/* what a script lets it play NUL publish, of the pool; p NULL: all */
	struct span access;
	bool stays; /* let in by a script: no CommandTimeout */
	/* tcUrl, of the pool; of an edge's clients only.  An explicit one
	 * without our own part */
	struct span url;
	struct upstream *up; /* outbound: what it is for */
	LIST_HEAD(, netstream) streams;
};

/* Publishing and playing; set once by main.c. */
struct session_ops {
	/* publish was asked for; ns->key is set, ns is NS_ASKED */
	void (*publish)(struct worker *w, struct conn *c, struct netstream *ns,
	    const struct cmd_publish *p);
	/* play; ns->key is set, ns is NS_PLAY */
	void (*play)(struct worker *w, struct conn *c, struct netstream *ns,
	    const struct cmd_play *p);
	/*
	 * End of what ns does, in any state; ns is NS_IDLE afterwards.
	 * why: REASON_UNPUBLISHED for a goodbye, else why the connection ends
	 */
	void (*stop)(struct worker *w, struct conn *c, struct netstream *ns,
	    enum reason why);
	/* receiveAudio, receiveVideo; pause: of an NS_PLAY */
	void (*receive)(
	    struct worker *w, struct netstream *ns, bool video, bool on);
	void (*pause)(struct worker *w, struct netstream *ns, bool on);
	/*
	 * A message of type audio, video or data for a publishing NetStream:
	 * may it come?  Then its bytes, then its end.
	 */
	enum reason (*begin)(struct worker *w, struct conn *c,
	    struct netstream *ns, struct msg **m, const struct chunk_ctx *x);
	enum reason (*data)(struct worker *w, struct conn *c, struct msg **m,
	    const uint8_t *p, uint32_t n);
	enum reason (*end)(struct worker *w, struct conn *c, struct msg **m);
	/* the message is given up */
	void (*drop)(struct worker *w, struct conn *c, struct msg *m);
	/*
	 * Of outbound connections: the handshake is over; a command came; a
	 * whole message of an NS_PULL that begin() has left to the session.
	 */
	void (*greeted)(struct worker *w, struct conn *c);
	enum reason (*command)(struct worker *w, struct conn *c, uint8_t type,
	    uint32_t msid, const uint8_t *p, size_t n);
	enum reason (*note)(
	    struct worker *w, struct conn *c, const struct msg *m);
	/* of a client that was asked about: a command that had to wait */
	enum reason (*again)(struct worker *w, struct conn *c, uint8_t type,
	    uint32_t msid, const uint8_t *p, size_t n);
};

/* Returns 0 or -ENOMEM; size as of conns_init(). */
int sessions_init(
    struct worker *w, const struct session_ops *ops, uint32_t size);
void sessions_fini(struct worker *w);

/* For struct conn_ops. */
void session_opened(struct worker *w, struct conn *c);
void session_input(
    struct worker *w, struct conn *c, const uint8_t *p, size_t n);
void session_closed(struct worker *w, struct conn *c);

struct session *session_of(struct worker *w, const struct conn *c);
struct netstream *session_stream(struct session *s, uint32_t id);
/* The same for what came: FFmpeg as a server says 0 for the only stream. */
struct netstream *session_stream_from(
    struct session *s, const struct conn *c, uint32_t id);

/* Chunk size, and form, of what is answered. */
static inline uint32_t
session_chunk(const struct session *s)
{
	return (uint32_t)WIRE_CHUNK | (s->amf3 ? (uint32_t)CMD_AMF3 : 0);
}

/* vhost NUL app NUL instance, of connect.  False: no memory. */
bool session_set_prefix(
    struct worker *w, struct session *s, struct span prefix);

/* Copies of the keys that connect showed, of tcUrl.  False: no memory. */
bool session_set_query(struct worker *w, struct session *s, struct span q);
bool session_set_url(struct worker *w, struct session *s, struct span url);
bool session_set_access(struct worker *w, struct session *s, struct span a);

/*
 * A new NetStream with that id, which is free; id 0: the lowest.  It is NS_IDLE,
 * and must be so again when it is freed.  NULL: no memory
 */
struct netstream *session_new_stream(
    struct worker *w, struct conn *c, uint32_t id);
void session_free_stream(
    struct worker *w, struct conn *c, struct netstream *ns);

/* Set the name of an NS_IDLE one, len bytes after the prefix and a NUL. */
enum reason netstream_set_name(struct worker *w, const struct session *s,
    struct netstream *ns, struct span name);

/* The same with a whole key, of which the name is the last part. */
bool netstream_set_key(
    struct worker *w, struct netstream *ns, const char *key, uint32_t len);

/* The stream's name, last part of its key. */
struct span netstream_name(const struct netstream *ns);

/* Drop the unfinished messages that belong to pub. */
void session_drop(struct worker *w, struct conn *c, const struct publish *pub);

/* Nothing is published or played any more: the command time-out runs again. */
void session_idle(struct worker *w, struct conn *c);

/*
 * onStatus on a NetStream.  before and after the name of the stream make the
 * description.
 */
void session_status(struct worker *w, struct conn *c,
    const struct netstream *ns, const char *level, const char *code,
    const char *before, const char *after);

/* Tell a client on its NetConnection why it is closed, and close it. */
void session_end(struct worker *w, struct conn *c, enum reason why);

/* The same with words of the caller's. */
void session_deny(struct worker *w, struct conn *c, const struct netstream *ns,
    enum reason why, const char *code, const char *text);

/* onStatus error of a reason, with its code (code NULL) and text. */
void session_refuse(struct worker *w, struct conn *c,
    const struct netstream *ns, enum reason why, const char *code);

#endif
