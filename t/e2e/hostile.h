/*
 * hostile - what no good client does, case by case (t/e2e/64-hostile-cases.sh).
 * A case is one row of a table: a name, the state from which it attacks, a
 * script, and how it must end.
 *
 *	hostile_cases.c		the rows
 *	hostile_matrix.c	rows made of every command in every state
 *	hostile_script.c	the steps that scripts are made of
 *	hostile_peer.c		one connection
 *	hostile_server.c	the server seen from outside: counters, processes
 *	hostile.c		runs the rows, prints a JSON line for each
 */
#ifndef T_E2E_HOSTILE_H
#define T_E2E_HOSTILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/cursor.h"

/* Where a case begins: what has been done before its script. */
enum stage {
	AT_OPEN,       /* TCP only */
	AT_C1,	       /* C0 and C1 sent, S0 S1 S2 not waited for */
	AT_HELLO,      /* handshake done */
	AT_CONNECTED,  /* connect granted */
	AT_STREAM,     /* and message stream 1 created */
	AT_PUBLISHING, /* $n on message stream 1 */
	AT_PLAYING     /* cam on message stream 1, media flows */
};

enum ending {
	END_CLOSED, /* the server closes */
	END_LEFT,   /* the script itself ends the connection */
	END_SAYS,   /* `says` arrives, and a ping is answered after it */
	END_LIVES   /* a ping is answered */
};

struct hostile_case {
	const char *name;
	enum stage from;
	const char *script; /* see hostile_script.c */
	enum ending ending;
	const char *says;    /* END_SAYS: a code or name in an answer */
	const char *counter; /* rises; by exactly 1 if the connection ends */
	int within_ms;	     /* not 0: runs beside the others, and may take
				so long */
	int rcvbuf;	     /* SO_RCVBUF if not 0 */
	int cpu_ms;	     /* of the workers; 0: HOSTILE_CPU_MS */
};

#define CLOSED(reason)	     .ending = END_CLOSED, .counter = "closed." reason
#define LEFT(reason)	     .ending = END_LEFT, .counter = "closed." reason
#define SAYS(text)	     REFUSED(text, "messages.in")
#define REFUSED(text, rises) .ending = END_SAYS, .says = text, .counter = rises
#define LIVES(rises)	     .ending = END_LIVES, .counter = rises

enum {
	HOSTILE_TIME_MS = 4000, /* a case that waits for no time-out */
	HOSTILE_CPU_MS = 700,	/* of all workers, innocent clients included */
	HOSTILE_GROWTH_KB = 49152
};

extern const struct hostile_case hostile_cases[];
extern const size_t hostile_ncases;

/* Every command in every state; n is set to their number. */
const struct hostile_case *hostile_matrix(size_t *n);

/* One connection. --------------------------------------------------------- */

enum { PEER_OUT = 32 << 20, PEER_IN = 512 << 10 };

struct peer {
	const char *host, *port;
	const char *name; /* of the case: $n */
	char error[256];  /* the first that went wrong; "" */
	int fd;
	uint32_t number; /* of the case: its source address */
	char addr[32];	 /* ours, as the server logs it */
	int rcvbuf;
	bool ended; /* end of file, or a reset */
	bool was_reset;
	bool deaf;	/* reads nothing */
	int drip_ms;	/* a byte each so many ms */
	uint32_t chunk; /* of what we send */
	struct writer out;
	uint8_t *in; /* what came, the oldest may be gone */
	size_t in_len, seen;
	int scale; /* of every time limit */
};

uint64_t peer_now_ms(void);
void peer_init(struct peer *p, const char *host, const char *port, int scale);
void peer_fini(struct peer *p);
bool peer_open(struct peer *p);
void peer_close(struct peer *p, bool hard);
/* Send what was written to p->out; false if the connection has ended. */
bool peer_flush(struct peer *p);
/* Take what comes for at most ms; false if nothing came. */
bool peer_read(struct peer *p, int ms);
/* Until text comes, behind what earlier waits have passed. */
bool peer_wait(struct peer *p, const void *text, size_t len, int ms);
bool peer_wait_end(struct peer *p, int ms);
bool peer_pong(struct peer *p, int ms);
bool peer_handshake(struct peer *p);
/* Remember what went wrong first; returns false. */
bool peer_fail(struct peer *p, const char *what);

/* Run a script; false: see p->error. */
bool script_run(struct peer *p, const char *script);
/* Bring a new connection to a stage. */
bool script_stage(struct peer *p, enum stage at);

/* The server from outside. ------------------------------------------------ */

struct server {
	const char *ctl, *run;
	pid_t master;
	char pids[512]; /* of the workers at the start */
	uint64_t base_kb;
};

bool server_init(struct server *s);
/* All counters; the caller's. */
json_t *server_counters(const struct server *s);
uint64_t counter_of(const json_t *counters, const char *name);
/* By the log: has it closed the connection from this address? */
bool server_closed(const struct server *s, const char *addr);
bool server_same_pids(const struct server *s);
/* Anonymous memory, and CPU time, of all workers. */
uint64_t server_kb(const struct server *s);
uint64_t server_cpu_ms(const struct server *s);

#endif
