/*
 * torture - processes that publish, read, sleep and are killed at random, on
 * the real shm/ code.  Every byte says where it belongs, so that a foreign, a
 * torn and a reused one are all found.
 *
 *	ring_torture.c		options, forms, verdict
 *	torture_master.c	the master's part: grants, ends, deaths, chaos
 *	torture_publish.c	the owner's part: publish, retire, free
 *	torture_play.c		the reader's part: watch, join, verify
 *	torture_worker.c	one worker: the two parts and its sleep
 *	torture_wake.c		lost wake-ups, one publish at a time
 *	torture_steps.c		death after every single instruction (ptrace)
 */
#ifndef T_STRESS_TORTURE_H
#define T_STRESS_TORTURE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shm/arena.h"
#include "shm/ring.h"

enum {
	SLOTS = 4,
	PUBLISHERS = 2, /* slots 0, 1 publish and play; the rest only plays */
	STREAMS = 3,	/* names of each publishing slot */
	NAMES = PUBLISHERS * STREAMS,
	BLOCKS = NAMES + 3, /* few: generations follow each other quickly */
	PLAYERS = 2 * NAMES,
	QUOTA = 8 * SEGMENT_SIZE,
	BUDGET = 100 /* segments; fewer than all streams could take */
};

/* Control forms: what is left out on purpose. */
enum fault { FAULT_NONE, FAULT_GRACE, FAULT_RECHECK };

/* Everything that only the test shares. */
struct score {
	_Atomic uint64_t bad, messages, bytes, published, streams, freed, joins,
	    skips, late, dropped, sleeps, rounds;
	char what[200]; /* the first bad thing */
};

struct seen {
	_Atomic uint64_t gen, head;
};

struct torture {
	struct arena a; /* the master's */
	struct arena_fds fds;
	int efd[SLOTS];
	uint64_t seed;
	unsigned seconds;
	bool threads;
	enum fault fault;
	_Atomic uint32_t stop;	       /* 1: publish no more; 2: end */
	struct score score[SLOTS + 1]; /* last: the master's */
	struct seen seen[SLOTS][BLOCKS];
};

/* What a process knows.  In threads form all share one arena. */
struct worker {
	struct torture *t;
	struct arena own; /* mappings of a process */
	const struct arena *a;
	unsigned self;
	int sock;
	uint64_t rng;
	struct score *score;
};

/* Messages between worker and master. */
enum { T_PUBLISH, T_GRANT, T_REFUSE, T_UNPUBLISH, T_FREED };
struct tmsg {
	uint32_t kind, name;
	uint32_t block, unused;
	uint64_t gen;
};

/* What every message begins with; the payload follows. */
struct thead {
	uint64_t check; /* of all that follows */
	uint64_t gen, number;
	uint32_t block, len; /* len: of the payload */
	uint32_t ts, key;
	uint32_t tag[RING_PARTS]; /* codec headers in force */
};

extern enum fault torture_fault; /* of this process */

/* ring_torture.c: chance and content */
uint64_t mix(uint64_t x);
uint64_t chance(uint64_t *rng, uint64_t below);
uint64_t check_of(const struct thead *h);
uint64_t seed_of(const struct thead *h);
void content(uint64_t seed, uint64_t off, uint8_t *p, size_t n);
size_t tag_content(const struct thead *h, unsigned part, uint8_t *p);
size_t name_key(unsigned name, char key[DIR_KEY_MAX]);
uint64_t now_ns(void);
void add(_Atomic uint64_t *word, uint64_t n);
__attribute__((format(printf, 2, 3))) void bad(
    struct score *s, const char *fmt, ...);

/* torture_publish.c */
struct publisher;
struct publisher *publisher_new(struct worker *w);
void publisher_free(struct publisher *p);
void publisher_take(struct publisher *p, const struct tmsg *m);
bool publisher_pass(struct publisher *p, bool stop); /* true: look again soon */

/* torture_play.c */
struct audience;
struct audience *audience_new(struct worker *w);
void audience_free(struct audience *au);
bool audience_pass(struct audience *p); /* true: more to read */

/* torture_worker.c */
void worker_run(struct worker *w);

/* torture_master.c */
void master_run(struct torture *t);

/* torture_wake.c, torture_steps.c */
int wake_run(struct torture *t);
int steps_run(struct torture *t);

#endif
