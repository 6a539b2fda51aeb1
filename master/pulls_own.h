/*
 * pulls_own - what pulls.c, pulls_tell.c and pulls_hops.c share; nobody else
 * includes it.
 */
#ifndef MASTER_PULLS_OWN_H
#define MASTER_PULLS_OWN_H

#include "master/pulls.h"

enum {
	PULLS_HOPS_MAX = 256,
	/* messages in a worker's queue, beyond which ours wait here */
	PULLS_AHEAD = 16,
	/* an id is a number and, below, its place in the table */
	PULLS_PLACE_BITS = 24
};
#define PULLS_PLACE_MASK ((UINT64_C(1) << PULLS_PLACE_BITS) - 1)

/* Something that a worker is to be told. */
struct note {
	TAILQ_ENTRY(note) next;
	enum ipc_kind kind;
	uint64_t id; /* PULL, DROP; HOP: its index */
	struct ipc_deny deny[];
};
TAILQ_HEAD(notes, note);

struct hop_state {
	char hop[IPC_HOP_MAX], text[IPC_TEXT_MAX];
	bool down;
	uint64_t since_ns;
	uint64_t untold; /* slots for which a note waits */
};

LIST_HEAD(pull_bucket, pull);
TAILQ_HEAD(pull_idle, pull);

struct pulls {
	const struct conf *conf;
	uint64_t hash_key[2], seq;
	/* places: used ones and those of `spare` are below top */
	struct pull **place;
	uint32_t *spare, nspare, cap, top;
	uint32_t n, nlive, nhomeless;
	struct pull_bucket *bucket;
	uint32_t nbuckets;
	/* 2 per virtual host, not live and live; each by linger_ns */
	struct pull_idle *idle;
	uint64_t soonest_ns; /* no idle one is due before, */
	uint64_t rested_ns;  /* and none that rests */
	struct notes notes[IPC_SLOTS_MAX];
	uint32_t nnotes[IPC_SLOTS_MAX];
	struct hop_state hop[PULLS_HOPS_MAX];
	uint32_t nhops;
};

/* NULL: it is over. */
struct pull *pulls_find(const struct pulls *s, uint64_t id);

/* Does the slot have a worker that listens? */
bool pulls_slot_up(const struct master *m, unsigned slot);

/* Tell a worker; if it is not up, nothing. */
void pulls_tell(
    struct master *m, unsigned slot, enum ipc_kind kind, uint64_t id);
void pulls_tell_deny(struct master *m, unsigned slot, const struct ipc_deny *d);
void pulls_forget_notes(struct pulls *s, unsigned slot);

/* Hops: HOP of a slot; a new worker; a dead one; fill in a HOP. */
void pulls_hop(struct master *m, unsigned slot, const struct ipc_hop *h);
void pulls_hops_replay(struct master *m, unsigned slot);
void pulls_hops_forget(struct pulls *s, unsigned slot);
void pulls_hop_compose(
    struct pulls *s, unsigned slot, uint64_t index, struct ipc_hop *h);

#endif
