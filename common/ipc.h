/*
 * ipc - what the master and a worker say to each other, over one
 * SOCK_SEQPACKET pair per worker incarnation (descriptor IPC_FD in the
 * worker).  Every message is one struct ipc_msg; a new socket pair is made for
 * each incarnation, so nothing of a dead worker is ever mixed up.
 *
 *	SETUP	 M->W	first message; carries all descriptors
 *	READY	 W->M	listening, loop runs
 *	PUBLISH	 W->M	may client `conn` publish key?   answered with GRANT or
 *			REFUSE of the same request id
 *	GRANT	 M->W	(block, gen) is yours; LIVE already
 *	REFUSE	 M->W	reason, and words for the client
 *	PLAY	 W->M	may client `conn` play key?   answered with ADMIT or
 *			REFUSE of the same request id; not sent when the
 *			application lets everybody play
 *	ADMIT	 M->W	it may
 *	UNPUBLISH W->M	(block, gen) has no publisher any more; reason
 *	FREED	 W->M	nobody can see (block, gen), its segments are free
 *	ASK	 M->W	a newcomer wants the name of (block, gen): is its
 *			publisher alive?  answered with UNPUBLISH or KEEP
 *	KEEP	 W->M	it is
 *	KICK	 M->W	disconnect client `conn`
 *	BAN	 M->W	refuse an address until then; a time that has passed
 *			lifts the ban
 *	END	 M->W	(block, gen) shall have no publisher any more: tell it
 *			why; answered with UNPUBLISH
 *	QUIT	 M->W	stop: tell clients, close them, exit 0
 *	LEFT	 W->M	client `conn`, about whom CONNECT of talk.h asked, is gone
 *
 * Edges (Proxy/Mode remote):
 *
 *	WANT	 W->M	players here want key, which another server has, live
 *			here already or not; again when `via` has grown
 *	UNWANT	 W->M	nobody plays it here any more
 *	PULL	 M->W	fetch key; again when `via` has grown
 *	DROP	 M->W	no more (id), as an answer to PULLED refused too; an
 *			id that is over already is passed over
 *	PULLED	 W->M	what became of a pull (id)
 *	DENY	 M->W	key is refused for good: tell its players.  Answered
 *			with UNWANT, whether or not it is wanted (pulls.h)
 *	HOP	 both	a next hop was found dead, or alive again
 *	REBALANCE M->W	move pulls to the first of their routes
 *
 * Streams that are sent to other servers because a script or the configuration
 * says so (master/targets.h, worker/orders.h):
 *
 *	PUSH	 M->W	do order `id`; again when it has changed: a stream for
 *			a connection that had none, another lag_ms
 *	UNPUSH	 M->W	no more (id); one that is over is passed over
 *	PUSHED	 W->M	what became of an order, its figures
 *	CALL	 M->W	call a method of the server, on the order's connection
 *	CALLED	 W->M	what it has answered; or that it cannot be called
 *
 * Callbacks (conf_has_hooks() of the client's application):
 *
 *	CLIENT	 W->M	who `conn` is; before anything else about it
 *	CONNECT	 W->M	may `conn`, of whom CLIENT told, come in?  answered with
 *			ADMIT, REFUSE or REDIRECT of the same request id
 *	REDIRECT M->W	it may not, but may go to another server
 *	DONE	 W->M	what CONNECT, PUBLISH or PLAY of `request` was about is over,
 *			answered or not
 *	GONE	 W->M	`conn`, which CLIENT was about, is gone
 *	RENAME	 M->W	before GRANT or ADMIT of the same request: its stream
 *			has another name
 *
 * Both ends are non-blocking.  A worker that cannot send queues (bounded) and
 * stops taking publishes; a master that cannot send kills the worker
 * (architecture rule 15).
 */
#ifndef COMMON_IPC_H
#define COMMON_IPC_H

#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"

enum {
	IPC_FD = 3,	     /* the worker's end, after exec */
	IPC_KEY_MAX = 256,   /* bytes of a stream key */
	IPC_QUERY_MAX = 512, /* bytes of keys and tokens that are shown */
	IPC_URL_MAX = 512,   /* of a tcUrl */
	IPC_VIA_MAX = 272,   /* of node ids, 16 digits and a comma each */
	IPC_HOP_MAX = 140,   /* of "host:port", NUL included */
	IPC_TEXT_MAX = 160,  /* of words for people, NUL included */
	IPC_NAME_MAX = 512,  /* of a stream at another server, with its query */
	IPC_ARGS_MAX = 512,  /* of arguments of connect, AMF0 */
	IPC_METHOD_MAX = 128, /* of a method, NUL included */
	IPC_CALL_MAX = 1536,  /* of its arguments, of its answer */
	IPC_CODE_MAX = 64,    /* of a status code, NUL included */
	IPC_SHOWN_MAX = 512,  /* behind a question mark, for callbacks */
	IPC_PAGE_MAX = 256,   /* of a pageUrl, a swfUrl */
	IPC_AGENT_MAX = 128,  /* of a flashVer */
	IPC_FDS_MAX = 160,
	IPC_SLOTS_MAX = 64,
	/* connections above the limit that are told so and closed */
	IPC_SURPLUS = 64
};

/* Calls of one order are numbered below this. */
#define IPC_CALLS (UINT64_C(1) << 40)

enum ipc_kind {
	IPC_SETUP = 1,
	IPC_READY,
	IPC_PUBLISH,
	IPC_PLAY,
	IPC_GRANT,
	IPC_ADMIT,
	IPC_REFUSE,
	IPC_UNPUBLISH,
	IPC_FREED,
	IPC_ASK,
	IPC_KEEP,
	IPC_KICK,
	IPC_BAN,
	IPC_END,
	IPC_QUIT,
	IPC_LEFT,
	IPC_WANT,
	IPC_UNWANT,
	IPC_PULL,
	IPC_DROP,
	IPC_PULLED,
	IPC_DENY,
	IPC_HOP,
	IPC_REBALANCE,
	IPC_PUSH,
	IPC_UNPUSH,
	IPC_PUSHED,
	IPC_CALL,
	IPC_CALLED,
	IPC_CLIENT,
	IPC_CONNECT,
	IPC_REDIRECT,
	IPC_DONE,
	IPC_GONE,
	IPC_RENAME,
	IPC_KIND_COUNT
};

/*
 * Descriptors of SETUP, in this order: control (read-only), hints
 * (read-write), own slot (read-write), conf (read-only), log socket (write),
 * talk socket (talk.h), every slot 0..nslots-1 (read-only), every slot's eventfd, listeners.
 */
struct ipc_setup {
	uint32_t layout; /* ARENA_LAYOUT, must be equal */
	uint32_t slot;
	uint32_t nslots;
	uint32_t nlisten;  /* listeners of this slot, maybe 0 */
	uint32_t uid, gid; /* drop to these; UINT32_MAX = stay */
};

/* PUBLISH, PLAY */
struct ipc_publish {
	uint64_t conn; /* client id, for the log */
	uint64_t
	    pull; /* PUBLISH of a pull: its id; nothing is shown.  Else 0 */
	uint32_t keylen; /* vhost NUL app NUL instance NUL stream */
	char key[IPC_KEY_MAX];
	char addr[64]; /* of the client, with its port */
	uint32_t querylen;
	char query[IPC_QUERY_MAX]; /* "key=..." and "token=...", & between */
	/* for callbacks: all of what stands behind the name's question mark */
	uint32_t argslen;
	uint32_t reset;		     /* PLAY: it was sent, and true */
	int64_t start_ms, length_ms; /* PLAY; length 0: not sent */
	uint32_t vialen, hops;	     /* PUBLISH: servers that it came through */
	char via[IPC_VIA_MAX];	     /* "id,id", 16 hex digits each */
	char args[IPC_SHOWN_MAX];
};

/* CLIENT: texts as they were sent, cut where they are too long. */
struct ipc_client {
	uint64_t conn;
	uint32_t row;	 /* its index in the slot */
	uint32_t keylen; /* vhost NUL app NUL instance */
	uint32_t argslen, urllen, pagelen, swflen, agentlen;
	uint32_t unused;
	char key[IPC_KEY_MAX];
	char addr[64]; /* with its port */
	char
	    args[IPC_SHOWN_MAX]; /* behind the question mark of app, or tcUrl */
	char url[IPC_URL_MAX];	 /* tcUrl */
	char page[IPC_PAGE_MAX]; /* pageUrl */
	char swf[IPC_PAGE_MAX];	 /* swfUrl */
	char agent[IPC_AGENT_MAX]; /* flashVer */
};

/* CONNECT (conn alone), DONE, GONE */
struct ipc_done {
	uint64_t conn;
	uint64_t bytes_in, bytes_out; /* of the connection until now */
};

struct ipc_redirect {
	char url[IPC_PAGE_MAX]; /* rtmp://..., NUL-ended */
};

struct ipc_rename {
	uint32_t keylen;
	char key[IPC_KEY_MAX]; /* differs in its last part, the stream */
};

struct ipc_stream {
	uint32_t block;
	uint32_t reason; /* UNPUBLISH: enum reason */
	uint64_t gen;
	/* GRANT: clock of the name when it was live before (last_ns 0: never);
	 * UNPUBLISH: the clock it leaves behind */
	uint32_t last_ts;
	uint32_t unused;
	uint64_t last_ns;
};

struct ipc_refuse {
	uint32_t reason;	 /* enum reason */
	char text[IPC_TEXT_MAX]; /* for people; "": those of the reason */
};

struct ipc_end {
	uint32_t block;
	uint32_t reason; /* enum reason */
	uint64_t gen;
	char text[IPC_TEXT_MAX]; /* as above */
};

struct ipc_kick {
	uint64_t conn;
};

struct ipc_ban {
	struct addr addr;
	uint64_t until_ns; /* CLOCK_MONOTONIC */
};

/* WANT, UNWANT (key alone), PULL, DROP (id alone) */
struct ipc_pull {
	uint64_t id;	   /* chosen by the master, never used again */
	uint32_t keylen;   /* vhost NUL app NUL instance NUL stream */
	uint32_t urllen;   /* tcUrl of the first player, as it was sent */
	uint32_t querylen; /* what it showed with play, "" or "a=b&c=d" */
	uint32_t vialen;   /* nodes that the players came through, */
	uint32_t hops;	   /* and how many at most, one after the other */
	char key[IPC_KEY_MAX];
	char url[IPC_URL_MAX];
	char query[IPC_QUERY_MAX];
	char via[IPC_VIA_MAX]; /* "id,id", 16 hex digits each */
};

enum pull_state {
	PULL_CONNECTING, /* no server has answered yet */
	PULL_WAITING,	 /* one was asked, the name is not live there */
	PULL_LIVE,	 /* media comes */
	PULL_SILENT,	 /* none comes any more, another route is looked for */
	PULL_RETRY,	 /* no hop answers; tried again */
	PULL_REFUSED	 /* for good; the pull is over */
};

/* PULLED */
struct ipc_pulled {
	uint64_t id;
	uint32_t state;	 /* enum pull_state */
	uint32_t reason; /* REFUSED, RETRY: enum reason */
	uint32_t entry;	 /* line of the route in Vhost.xml, 0: none */
	uint32_t retries;
	uint64_t bytes;	       /* of media, of all hops */
	uint64_t media_ns;     /* CLOCK_MONOTONIC of the last media; 0: none */
	char hop[IPC_HOP_MAX]; /* "host:port" asked, or "" */
	char addr[64];	       /* of its connection, or "" */
	char error[IPC_TEXT_MAX]; /* the last, or "" */
};

struct ipc_deny {
	uint32_t keylen;
	uint32_t reason; /* enum reason */
	char key[IPC_KEY_MAX];
	char text[IPC_TEXT_MAX];
};

struct ipc_hop {
	uint32_t down;		 /* 1: dead, 0: alive again */
	char hop[IPC_HOP_MAX];	 /* "host:port", as in the route */
	char text[IPC_TEXT_MAX]; /* why */
};

enum push_mode { PUSH_LIVE, PUSH_RECORD, PUSH_APPEND, PUSH_MODES };

enum {
	PUSH_LAG_MIN = 200, /* ms, of lag_ms */
	PUSH_LAG_MAX = 600000
};

/* PUSH, UNPUSH (id and goodbye alone) */
struct ipc_push {
	uint64_t id;	  /* chosen by the master, never used again */
	uint32_t keylen;  /* vhost NUL app NUL instance NUL stream; of an order
			    * that only connects the stream is empty */
	uint32_t urllen;  /* rtmp://host[:port]/app[/instance][?query] */
	uint32_t namelen; /* of the stream there; 0: only connect */
	uint32_t argslen; /* for connect, behind its object */
	uint32_t mode;	  /* enum push_mode */
	uint32_t lag_ms;  /* further behind it skips to a keyframe */
	uint32_t keep;	  /* 1: tried again for ever */
	uint32_t vialen;  /* servers that it came through, as of PUBLISH, */
	uint32_t hops;	  /* and how many */
	uint32_t secret;  /* 1: there is a key in url or name */
	uint32_t goodbye; /* UNPUSH: the server is told that it is the end */
	char key[IPC_KEY_MAX];
	char url[IPC_URL_MAX];
	char via[IPC_VIA_MAX];
	char name[IPC_NAME_MAX];
	char args[IPC_ARGS_MAX];
};

enum pushed_state {
	PUSHED_CONNECTING, /* the server has not answered yet */
	PUSHED_UP,	   /* it takes the stream, or the connection */
	PUSHED_LOST,	   /* it is not reached, or the path broke */
	PUSHED_REFUSED,	   /* it said no */
	PUSHED_OVER	   /* the order is over: it ended, and not by UNPUSH */
};

/* PUSHED */
struct ipc_pushed {
	uint64_t id;
	uint32_t state;	  /* enum pushed_state; OVER is the last of its id */
	uint32_t reason;  /* LOST, REFUSED, OVER: enum reason */
	uint32_t refused; /* OVER: it said no */
	uint32_t retries; /* attempts after the first */
	uint32_t lag_ms;  /* behind the head of the ring, when last looked at */
	uint32_t unused;
	uint64_t skips;		  /* to a newer keyframe */
	uint64_t bytes;		  /* sent, over all its connections */
	char addr[64];		  /* of the server, or "" */
	char code[IPC_CODE_MAX];  /* status code of a refusal, or "" */
	char error[IPC_TEXT_MAX]; /* the last, or "" */
};

/* CALL */
struct ipc_call {
	uint64_t id;	  /* of the order */
	uint64_t call;	  /* below IPC_CALLS; 0: no answer is awaited */
	uint32_t argslen; /* AMF0 */
	uint32_t unused;
	char method[IPC_METHOD_MAX];
	char args[IPC_CALL_MAX];
};

/* CALLED */
struct ipc_called {
	uint64_t id, call;
	uint32_t ok;	   /* 0: an error */
	uint32_t valuelen; /* AMF0; 0: none, or it was too long */
	char value[IPC_CALL_MAX];
};

struct ipc_msg {
	uint32_t kind; /* enum ipc_kind */
	uint32_t size; /* bytes sent: the head and what the kind has of u */
	uint64_t incarnation;
	uint64_t request; /* PUBLISH, PLAY and their answers, DONE; else 0 */
	union {
		struct ipc_setup setup;
		struct ipc_publish publish;
		struct ipc_stream stream;
		struct ipc_refuse refuse;
		struct ipc_end end;
		struct ipc_kick kick;
		struct ipc_ban ban;
		struct ipc_pull pull;
		struct ipc_pulled pulled;
		struct ipc_deny deny;
		struct ipc_hop hop;
		struct ipc_push push;
		struct ipc_pushed pushed;
		struct ipc_call call;
		struct ipc_called called;
		struct ipc_client client;
		struct ipc_done done;
		struct ipc_rename rename;
		struct ipc_redirect redirect;
	} u;
};

/*
 * Send one message, with nfds descriptors (they stay the caller's).
 * Returns 0, -EAGAIN when the peer's queue is full, or another -errno.
 */
int ipc_send(int fd, const struct ipc_msg *m, const int *fds, unsigned nfds);

/*
 * Receive one message; descriptors (at most IPC_FDS_MAX, close-on-exec) go to
 * fds, their count to *nfds.  Of u only what the kind has is set.  fds may be NULL: then any are closed.
 * Returns 1, 0 at end of file, -EAGAIN, -EPROTO for a malformed message, or
 * another -errno.
 */
int ipc_recv(int fd, struct ipc_msg *m, int *fds, unsigned *nfds);

/* Forget the keys that m carries, if it does. */
void ipc_wipe(struct ipc_msg *m);

#endif
