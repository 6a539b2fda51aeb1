/*
 * pulls_fixture - a master with pulls and streams, and four workers that are
 * lists of what they were told.
 */
#ifndef PULLS_FIXTURE_H
#define PULLS_FIXTURE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/reason.h"
#include "master/auth_run.h"
#include "master/kick.h"
#include "master/master.h"
#include "master/pulls.h"
#include "master/streams.h"
#include "t/unit/arena_fixture.h"

enum { WAITING = 64, LINGER_MS = 10000, HOLD_MS = 300000 };

/* What a worker was told, and has not read. */
struct inbox {
	struct ipc_msg *m;
	size_t n, cap, read;
	uint64_t told[IPC_KIND_COUNT];
	bool full; /* takes no more */
};

static struct master M;
static struct inbox inbox[FIX_SLOTS];

/* Of the rest of the master. ---------------------------------------------- */

int
master_tell(struct master *m, unsigned slot, const struct ipc_msg *msg)
{
	struct inbox *b = &inbox[slot];
	struct proc *p = &m->slot[slot].proc;
	ck_assert(p->pid != 0);
	if (b->full && ++p->qlen > PROC_QUEUE) {
		proc_kill(p, PROC_QUEUE_FULL);
		return -ENOBUFS;
	}
	if (b->n == b->cap) {
		b->cap = b->cap ? 2 * b->cap : 64;
		b->m = realloc(b->m, b->cap * sizeof *b->m);
		ck_assert_ptr_nonnull(b->m);
	}
	b->m[b->n++] = *msg;
	b->told[msg->kind]++;
	return 0;
}

void
proc_kill(struct proc *p, enum proc_why why)
{
	p->why = why;
}

void
master_wake_all(const struct master *m)
{
	(void)m;
}

enum reason
auth_ask(struct master *m, unsigned slot, enum token_use use,
    const struct ipc_publish *p)
{
	(void)m;
	(void)slot;
	(void)use;
	(void)p;
	return REASON_NONE;
}

/* Workers. ---------------------------------------------------------------- */

static inline void
start(unsigned slot)
{
	struct proc *p = &M.slot[slot].proc;
	memset(p, 0, sizeof *p);
	p->pid = 100 + (pid_t)slot;
	p->slot = slot;
	p->incarnation = M.next_incarnation++;
	inbox[slot].n = inbox[slot].read = 0;
	inbox[slot].full = false;
}

static inline void
ready(unsigned slot)
{
	M.slot[slot].proc.ready = true;
	pulls_worker_ready(&M, slot);
}

/* As supervise_death() does it; nobody is started. */
static inline void
die(unsigned slot)
{
	M.slot[slot].proc.pid = 0;
	inbox[slot].n = inbox[slot].read = 0;
	streams_owner_died(&M, slot, M.slot[slot].proc.incarnation);
	pulls_worker_died(&M, slot);
}

/* The socket takes again what waits in the queue. */
static inline void
drain(unsigned slot)
{
	M.slot[slot].proc.qlen = 0;
	pulls_flush(&M, slot);
}

static inline void
begin(void)
{
	memset(&M, 0, sizeof M);
	fix_create();
	log_open(-1, LOG_LEVEL_ERROR);
	M.arena = fix;
	M.nslots = FIX_SLOTS;
	M.next_incarnation = 1;
	M.conf = conf_new();
	ck_assert_ptr_nonnull(M.conf);
	M.conf->max_waiting = WAITING;
	M.conf->max_streams = FIX_BLOCKS;
	conf_vhost(M.conf, 0)->linger_ms = LINGER_MS;
	conf_vhost(M.conf, 0)->hold_ms = HOLD_MS;
	for (unsigned i = 0; i < FIX_SLOTS; i++)
		M.eventfd[i] = -1;
	M.kick = kick_new();
	M.streams = streams_new(FIX_BLOCKS);
	M.pulls = pulls_new(M.conf);
	ck_assert(M.kick && M.streams && M.pulls);
	for (unsigned i = 0; i < FIX_SLOTS; i++) {
		start(i);
		ready(i);
	}
}

static inline void
end(void)
{
	pulls_free(M.pulls);
	streams_free(M.streams);
	kick_free(M.kick);
	free(M.conf);
	for (unsigned i = 0; i < FIX_SLOTS; i++) {
		free(inbox[i].m);
		inbox[i] = (struct inbox){ 0 };
	}
	fix_remove();
}

/* A limit other than WAITING: before anything is wanted. */
static inline void
begin_again(int64_t waiting)
{
	pulls_free(M.pulls);
	M.conf->max_waiting = waiting;
	M.pulls = pulls_new(M.conf);
	ck_assert_ptr_nonnull(M.pulls);
}

/* What workers say. ------------------------------------------------------- */

/* Key of stream "name" of live. */
static inline uint32_t
key_of(char key[IPC_KEY_MAX], const char *name)
{
	return (uint32_t)directory_make_key(key, "_defaultVHost_", 14, "live",
	    4, "_definst_", 9, name, strlen(name));
}

static inline void
put(char *to, uint32_t *len, const char *text)
{
	*len = (uint32_t)strlen(text);
	memcpy(to, text, *len);
}

static inline int
say_want(unsigned slot, const char *name, const char *via)
{
	struct ipc_msg m = { .kind = IPC_WANT };
	m.u.pull.keylen = key_of(m.u.pull.key, name);
	put(m.u.pull.url, &m.u.pull.urllen, "rtmp://edge.example/live");
	put(m.u.pull.query, &m.u.pull.querylen, "a=b");
	put(m.u.pull.via, &m.u.pull.vialen, via);
	return pulls_message(&M, slot, &m);
}

static inline void
want(unsigned slot, const char *name)
{
	ck_assert_int_eq(say_want(slot, name, ""), 0);
}

static inline void
unwant(unsigned slot, const char *name)
{
	struct ipc_msg m = { .kind = IPC_UNWANT };
	m.u.pull.keylen = key_of(m.u.pull.key, name);
	ck_assert_int_eq(pulls_message(&M, slot, &m), 0);
}

static inline int
pulled(unsigned slot, uint64_t id, uint32_t state, uint32_t reason,
    const char *error)
{
	struct ipc_msg m = { .kind = IPC_PULLED };
	m.u.pulled.id = id;
	m.u.pulled.state = state;
	m.u.pulled.reason = reason;
	snprintf(m.u.pulled.error, sizeof m.u.pulled.error, "%s", error);
	return pulls_message(&M, slot, &m);
}

static inline int
publish(unsigned slot, const char *name, uint64_t pull, uint64_t request)
{
	struct ipc_msg m = { .kind = IPC_PUBLISH, .request = request };
	m.u.publish.keylen = key_of(m.u.publish.key, name);
	m.u.publish.pull = pull;
	m.u.publish.conn = 7;
	return streams_message(&M, slot, &m);
}

static inline void
unpublish(unsigned slot, const struct ipc_msg *grant, enum reason why)
{
	struct ipc_msg m = { .kind = IPC_UNPUBLISH };
	m.u.stream = grant->u.stream;
	m.u.stream.reason = why;
	ck_assert_int_eq(streams_message(&M, slot, &m), 0);
}

/* What workers hear. ------------------------------------------------------ */

/* The next message to a worker; NULL: none. */
static inline const struct ipc_msg *
heard(unsigned slot)
{
	struct inbox *b = &inbox[slot];
	return b->read < b->n ? &b->m[b->read++] : NULL;
}

static inline const struct ipc_msg *
hear(unsigned slot, enum ipc_kind kind)
{
	const struct ipc_msg *m = heard(slot);
	ck_assert_ptr_nonnull(m);
	ck_assert_uint_eq(m->kind, kind);
	return m;
}

static inline void
silence(void)
{
	for (unsigned i = 0; i < FIX_SLOTS; i++)
		ck_assert_ptr_null(heard(i));
}

/* The one slot that has something to hear. */
static inline unsigned
spoken_to(void)
{
	unsigned slot = FIX_SLOTS;
	for (unsigned i = 0; i < FIX_SLOTS; i++)
		if (inbox[i].read < inbox[i].n) {
			ck_assert_uint_eq(slot, FIX_SLOTS);
			slot = i;
		}
	ck_assert_uint_lt(slot, FIX_SLOTS);
	return slot;
}

/* Somebody wants it: who pulls it, and as what. */
static inline unsigned
pull_of(unsigned slot, const char *name, uint64_t *id)
{
	want(slot, name);
	unsigned by = spoken_to();
	*id = hear(by, IPC_PULL)->u.pull.id;
	return by;
}

/* Let ms pass, for pulls. */
static inline void
pass(uint64_t ms)
{
	pulls_tick(&M, mono_add_ms(clock_now(), ms).ns);
}

#endif
