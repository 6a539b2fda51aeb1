#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bug.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/reason.h"
#include "master/auth_run.h"
#include "master/kick.h"
#include "master/master.h"
#include "master/pulls.h"
#include "master/streams.h"
#include "master/via.h"

enum { FREE_STEP_MS = 2, ARENA_FULL_PERCENT = 90 };

/* A newcomer that waits for the name of a live block. */
struct pending {
	bool on;
	unsigned slot;
	uint64_t incarnation, request, deadline_ns;
	struct ipc_publish what;
};

/* A second name of (block, gen); d: its entry of the directory. */
struct alias {
	struct alias *next;
	uint32_t d, block;
	uint64_t gen;
};

/* Other servers that a stream came through. */
struct origin {
	uint32_t hops, len;
	char via[];
};

struct streams {
	struct alias *aliases;
	uint32_t nblocks, live, npending, norphans;
	uint32_t hint;		  /* no FREE block below */
	uint32_t top;		  /* no block at or above was ever used */
	struct pending *pending;  /* by block */
	struct ring_free *orphan; /* by block: of dead owners */
	struct origin **origin;	  /* by block; NULL: published here */
	bool *orphaned;
	streams_live_fn *told;		 /* or NULL */
	streams_veto_fn *veto;		 /* or NULL */
	const struct streams_gate *gate; /* or NULL */
};

struct streams *
streams_new(uint32_t nblocks)
{
	struct streams *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->nblocks = nblocks;
	s->pending = calloc(nblocks, sizeof *s->pending);
	s->orphan = calloc(nblocks, sizeof *s->orphan);
	s->orphaned = calloc(nblocks, sizeof *s->orphaned);
	s->origin = calloc(nblocks, sizeof *s->origin);
	if (s->pending && s->orphan && s->orphaned && s->origin)
		return s;
	streams_free(s);
	return NULL;
}

void
streams_free(struct streams *s)
{
	if (!s)
		return;
	for (struct alias *a; (a = s->aliases) != NULL;) {
		s->aliases = a->next;
		free(a);
	}
	for (uint32_t b = 0; s->origin && b < s->nblocks; b++)
		free(s->origin[b]);
	free(s->origin);
	free(s->pending);
	free(s->orphan);
	free(s->orphaned);
	free(s);
}

uint32_t
streams_live(const struct streams *s)
{
	return s->live;
}

/* Blocks.  Only this process writes them: relaxed loads are exact. -------- */

static struct block *
block_at(const struct master *m, uint32_t b)
{
	return &m->arena.control->block[b];
}

static uint64_t
sg_of(const struct master *m, uint32_t b)
{
	return atomic_load_explicit(
	    &block_at(m, b)->state_gen, memory_order_relaxed);
}

static bool
is(const struct master *m, uint32_t b, enum block_state state, uint64_t gen)
{
	return b < m->streams->nblocks && sg_of(m, b) == state_gen(state, gen);
}

static unsigned
owner_of(const struct master *m, uint32_t b)
{
	return atomic_load_explicit(
	    &block_at(m, b)->owner, memory_order_relaxed);
}

static uint64_t
pull_of(const struct master *m, uint32_t b)
{
	return atomic_load_explicit(
	    &block_at(m, b)->pull, memory_order_relaxed);
}

static bool
owned_by(const struct master *m, uint32_t b, unsigned slot, uint64_t inc)
{
	return owner_of(m, b) == slot &&
	       atomic_load_explicit(&block_at(m, b)->owner_incarnation,
		   memory_order_relaxed) == inc;
}

static int64_t
free_block(struct master *m)
{
	struct streams *s = m->streams;
	for (uint32_t b = s->hint; b < s->nblocks; b++)
		if (state_of(sg_of(m, b)) == BLOCK_FREE) {
			s->hint = b + 1;
			return b;
		}
	s->hint = s->nblocks;
	return -1;
}

static void
make_free(struct master *m, uint32_t b, uint64_t gen)
{
	atomic_store_explicit(&block_at(m, b)->state_gen,
	    state_gen(BLOCK_FREE, gen), memory_order_release);
	if (b < m->streams->hint)
		m->streams->hint = b;
}

/* Log. ------------------------------------------------------------------- */

static void
log_start(const struct master *m, unsigned slot, const struct ipc_publish *p,
    uint32_t b, uint64_t gen)
{
	LOG(stream_start, .vhost = directory_part(p->key, p->keylen, 0),
	    .app = directory_part(p->key, p->keylen, 1),
	    .instance = directory_part(p->key, p->keylen, 2),
	    .stream = directory_part(p->key, p->keylen, 3), .worker = slot,
	    .client = p->conn,
	    .addr = { p->addr, strnlen(p->addr, sizeof p->addr) }, .block = b,
	    .gen = gen);
	(void)m;
}

static void
log_end(const struct master *m, uint32_t b, uint64_t gen, enum reason why,
    uint64_t grace_ms)
{
	char key[DIR_KEY_MAX];
	struct block *blk = block_at(m, b);
	size_t len = directory_key(&m->arena,
	    atomic_load_explicit(&blk->dir, memory_order_relaxed), key);
	uint64_t since =
	    atomic_load_explicit(&blk->since_ns, memory_order_relaxed);
	LOG(stream_end, .vhost = directory_part(key, len, 0),
	    .app = directory_part(key, len, 1),
	    .instance = directory_part(key, len, 2),
	    .stream = directory_part(key, len, 3), .worker = owner_of(m, b),
	    .client =
		atomic_load_explicit(&blk->publisher, memory_order_relaxed),
	    .reason = why,
	    .uptime_ms = mono_ms_since((struct mono){ since }, clock_now()),
	    .grace_ms = grace_ms, .block = b, .gen = gen);
}

/* The end of a stream. --------------------------------------------------- */

/* The clock that (block, gen) leaves behind. */
struct left {
	uint32_t ts;
	uint64_t ns; /* 0: no media came */
};

/*
 * A goodbye ends the stream at once; a loss leaves time to come back.  Who is
 * taken over was lost: a worker may see the end before the newcomer's grant,
 * and its viewers (FFmpeg ends at UnpublishNotify) shall not be told.
 */
bool
streams_is_goodbye(enum reason why)
{
	return why == REASON_UNPUBLISHED || why == REASON_SERVER_STOP ||
	       why == REASON_KICKED || why == REASON_SCRIPT_FAULT ||
	       why == REASON_NONE;
}

/* What was left, checked; else what the name's entry holds already. */
static struct left
plausible(const struct master *m, uint32_t b, struct left l)
{
	struct block *blk = block_at(m, b);
	uint32_t d = atomic_load_explicit(&blk->dir, memory_order_relaxed);
	const struct dir_entry *e = &m->arena.control->dir[d];
	uint64_t since =
	    atomic_load_explicit(&blk->since_ns, memory_order_relaxed);
	if (l.ns >= since && l.ns <= clock_now().ns)
		return l;
	l.ns = atomic_load_explicit(&e->last_ns, memory_order_relaxed);
	l.ts = atomic_load_explicit(&e->last_ts, memory_order_relaxed);
	return l;
}

/* The application of the name at d of the directory. */
static const struct conf_app *
app_of(const struct master *m, uint32_t d)
{
	char key[DIR_KEY_MAX];
	size_t len = directory_key(&m->arena, d, key);
	return conf_key_app(m->conf, key, len);
}

/*
 * How long viewers of the name at d are kept.  Those of a pull whose worker
 * died wait as long for its next worker as they would for the next server.
 */
static uint64_t
grace_of(const struct master *m, uint32_t d, enum reason why, bool pulled)
{
	const struct conf_app *app = app_of(m, d);
	int64_t ms = app->grace_ms,
		hold = conf_vhost(m->conf, app->vhost)->hold_ms;
	if (streams_is_goodbye(why))
		return 0;
	if (pulled && why == REASON_OWNER_DIED && hold > ms)
		ms = hold;
	return (uint64_t)ms;
}

/* A name that was published here may be wanted from another server. */
static void
fetch_again(struct master *m, uint32_t d)
{
	char key[DIR_KEY_MAX];
	size_t len = directory_key(&m->arena, d, key);
	pulls_unpublished(m, key, len);
}

static void
tell_name(struct master *m, uint32_t b, uint32_t d, bool live, enum reason why)
{
	char key[DIR_KEY_MAX];
	if (m->streams->told == NULL)
		return;
	size_t len = directory_key(&m->arena, d, key);
	m->streams->told(m, live, key, len,
	    atomic_load_explicit(
		&block_at(m, b)->publisher, memory_order_relaxed),
	    why);
}

/* What is pulled is no publish of here. */
static void
tell_watch(struct master *m, uint32_t b, bool live, enum reason why)
{
	if (pull_of(m, b) != 0)
		return;
	tell_name(m, b,
	    atomic_load_explicit(&block_at(m, b)->dir, memory_order_relaxed),
	    live, why);
}

/* Second names. ------------------------------------------------------------ */

static void
mark_names(struct master *m)
{
	atomic_thread_fence(memory_order_seq_cst);
	for (unsigned i = 0; i < m->nslots; i++)
		wake_mark_directory(&m->arena, i);
}

/* The name at *at is nobody's any more; its clock is that of the stream. */
static void
end_alias(struct master *m, struct alias **at, enum reason why)
{
	struct alias *a = *at;
	const struct block *blk = block_at(m, a->block);
	struct dir_entry *e = &m->arena.control->dir[a->d];
	*at = a->next;
	atomic_store_explicit(&e->last_ts,
	    atomic_load_explicit(&blk->last_ts, memory_order_relaxed),
	    memory_order_relaxed);
	atomic_store_explicit(&e->last_ns,
	    atomic_load_explicit(&blk->last_ns, memory_order_relaxed),
	    memory_order_relaxed);
	directory_point(&m->arena, a->d, 0, clock_now().ns);
	mark_names(m);
	tell_name(m, a->block, a->d, false, why);
	free(a);
}

bool
streams_is_live(const struct master *m, const char *key, size_t keylen)
{
	uint32_t b;
	uint64_t gen;
	return directory_find(&m->arena, key, keylen, &b, &gen) &&
	       is(m, b, BLOCK_LIVE, gen) && pull_of(m, b) == 0;
}

struct span
streams_via(
    const struct master *m, const char *key, size_t keylen, uint32_t *hops)
{
	uint32_t b;
	uint64_t gen;
	const struct origin *o = NULL;
	if (directory_find(&m->arena, key, keylen, &b, &gen) &&
	    is(m, b, BLOCK_LIVE, gen))
		o = m->streams->origin[b];
	*hops = o != NULL ? o->hops : 0;
	return o != NULL ? (struct span){ o->via, o->len }
			 : (struct span){ "", 0 };
}

/* The watch may end others, so begin anew after each. */
static void
end_aliases(struct master *m, uint32_t b, uint64_t gen, enum reason why)
{
	struct alias **at = &m->streams->aliases;
	while (*at != NULL) {
		if ((*at)->block == b && (*at)->gen == gen) {
			end_alias(m, at, why);
			at = &m->streams->aliases;
		} else {
			at = &(*at)->next;
		}
	}
}

static struct alias **
find_alias(const struct master *m, const char *key, size_t keylen)
{
	char own[DIR_KEY_MAX];
	struct alias **at = &m->streams->aliases;
	for (; *at != NULL; at = &(*at)->next) {
		size_t len = directory_key(&m->arena, (*at)->d, own);
		if (len == keylen && memcmp(own, key, len) == 0)
			break;
	}
	return at;
}

int
streams_alias(struct master *m, const char *from, size_t fromlen,
    const char *to, size_t tolen)
{
	uint32_t b, tb;
	uint64_t gen, tgen;
	if (!directory_find(&m->arena, from, fromlen, &b, &gen) ||
	    !is(m, b, BLOCK_LIVE, gen))
		return -ENOENT;
	if (directory_find(&m->arena, to, tolen, &tb, &tgen) &&
	    is(m, tb, BLOCK_LIVE, tgen))
		return tb == b && *find_alias(m, to, tolen) ? 1 : -EEXIST;
	struct alias *a = calloc(1, sizeof *a);
	if (a == NULL)
		return -ENOMEM;
	int64_t d = directory_enter(&m->arena, to, tolen, clock_now().ns);
	if (d < 0) {
		free(a);
		return -ENOSPC;
	}
	*a = (struct alias){ m->streams->aliases, (uint32_t)d, b, gen };
	m->streams->aliases = a;
	directory_point(
	    &m->arena, (uint32_t)d, owner_word(b, gen), clock_now().ns);
	mark_names(m);
	(void)wake_sleepers(&m->arena, ~UINT64_C(0), m->eventfd, -1);
	tell_name(m, b, (uint32_t)d, true, REASON_NONE);
	return 0;
}

void
streams_unalias(struct master *m, const char *key, size_t keylen)
{
	struct alias **at = find_alias(m, key, keylen);
	if (*at == NULL)
		return;
	end_alias(m, at, REASON_UNPUBLISHED);
	master_wake_all(m);
}

/*
 * LIVE -> ENDED, in the order that lets a worker which sees the end know all
 * about it; then marks in every slot.  The caller writes the eventfds after
 * the last mark: master_wake_all().
 */
static void
end_stream(struct master *m, uint32_t b, enum reason why, struct left left)
{
	struct block *blk = block_at(m, b);
	uint64_t gen = gen_of(sg_of(m, b)), now = clock_now().ns;
	uint32_t d = atomic_load_explicit(&blk->dir, memory_order_relaxed);
	struct dir_entry *e = &m->arena.control->dir[d];
	uint64_t pull = pull_of(m, b),
		 grace_ms = grace_of(m, d, why, pull != 0);
	left = plausible(m, b, left);
	atomic_store_explicit(&blk->end_reason, why, memory_order_relaxed);
	atomic_store_explicit(&blk->grace_until_ns,
	    grace_ms ? now + grace_ms * NS_PER_MS : 0, memory_order_relaxed);
	atomic_store_explicit(&blk->last_ts, left.ts, memory_order_relaxed);
	atomic_store_explicit(&blk->last_ns, left.ns, memory_order_relaxed);
	atomic_store_explicit(&e->last_ts, left.ts, memory_order_relaxed);
	atomic_store_explicit(&e->last_ns, left.ns, memory_order_relaxed);
	atomic_store_explicit(
	    &blk->state_gen, state_gen(BLOCK_ENDED, gen), memory_order_release);
	if (atomic_load_explicit(&e->cur, memory_order_relaxed) ==
	    owner_word(b, gen))
		directory_point(&m->arena, d, 0, now);
	atomic_thread_fence(memory_order_seq_cst);
	for (unsigned i = 0; i < m->nslots; i++) {
		wake_mark_slot(&m->arena, i, b);
		wake_mark_directory(&m->arena, i);
	}
	m->streams->live--;
	log_end(m, b, gen, why, grace_ms);
	pulls_live(m, pull, false);
	if (pull == 0)
		fetch_again(m, d);
	tell_watch(m, b, false, why);
	end_aliases(m, b, gen, why);
}

void
streams_watch(struct streams *s, streams_live_fn *fn, streams_veto_fn *veto)
{
	s->told = fn;
	s->veto = veto;
}

int
streams_end(struct master *m, const char *key, size_t keylen, enum reason why,
    const char *text)
{
	struct ipc_msg msg = { .kind = IPC_END };
	struct ipc_end *e = &msg.u.end;
	if (!directory_find(&m->arena, key, keylen, &e->block, &e->gen) ||
	    !is(m, e->block, BLOCK_LIVE, e->gen) || pull_of(m, e->block) != 0 ||
	    *find_alias(m, key, keylen) != NULL)
		return -ENOENT;
	e->reason = why;
	snprintf(e->text, sizeof e->text, "%s", text);
	return master_tell(m, owner_of(m, e->block), &msg);
}

void
streams_each_live(struct master *m, streams_each_fn *fn, void *arg)
{
	for (uint32_t b = 0; b < m->streams->top; b++) {
		char key[DIR_KEY_MAX];
		const struct block *blk = block_at(m, b);
		if (state_of(sg_of(m, b)) != BLOCK_LIVE || pull_of(m, b) != 0)
			continue;
		size_t len = directory_key(&m->arena,
		    atomic_load_explicit(&blk->dir, memory_order_relaxed), key);
		fn(m, arg, key, len,
		    atomic_load_explicit(
			&blk->publisher, memory_order_relaxed));
	}
	for (struct alias *a = m->streams->aliases; a != NULL; a = a->next) {
		char key[DIR_KEY_MAX];
		size_t len = directory_key(&m->arena, a->d, key);
		fn(m, arg, key, len,
		    atomic_load_explicit(&block_at(m, a->block)->publisher,
			memory_order_relaxed));
	}
}

/* The clock in a dead owner's half: nothing else of it is trusted. */
static struct left
left_in_half(const struct master *m, uint32_t b)
{
	const struct ring_half *h = arena_half(&m->arena, owner_of(m, b), b);
	struct left l = { 0, 0 };
	if (atomic_load_explicit(&h->gen, memory_order_acquire) !=
	    gen_of(sg_of(m, b)))
		return l;
	l.ns = atomic_load_explicit(&h->last_ns, memory_order_relaxed);
	l.ts = atomic_load_explicit(&h->last_ts, memory_order_relaxed);
	return l;
}

/* Grants. ---------------------------------------------------------------- */

static void
refuse_saying(struct master *m, unsigned slot, uint64_t request,
    const struct ipc_publish *p, enum reason why, const char *text)
{
	struct ipc_msg a = { .kind = IPC_REFUSE, .request = request };
	a.u.refuse.reason = why;
	snprintf(a.u.refuse.text, sizeof a.u.refuse.text, "%s", text);
	LOG(stream_refuse, .app = directory_part(p->key, p->keylen, 1),
	    .stream = directory_part(p->key, p->keylen, 3), .reason = why,
	    .worker = slot, .client = p->conn);
	if (m->streams->gate != NULL)
		m->streams->gate->refused(m, slot, request);
	(void)master_tell(m, slot, &a);
}

static void
refuse(struct master *m, unsigned slot, uint64_t request,
    const struct ipc_publish *p, enum reason why)
{
	refuse_saying(m, slot, request, p, why, "");
}

static bool
arena_is_full(const struct master *m)
{
	uint64_t used = 0;
	for (unsigned i = 0; i < m->nslots; i++)
		used += arena_segments_used(&m->arena, i);
	return used * 100 > m->arena.control->budget_segs * ARENA_FULL_PERCENT;
}

/*
 * Make (block, gen) live for the worker and point the name to it, before
 * anybody is told.  The clock the name was left with goes to `answer`.
 */
static void
make_live(struct master *m, unsigned slot, const struct ipc_publish *p,
    uint32_t b, uint32_t d, struct ipc_stream *answer)
{
	struct block *blk = block_at(m, b);
	const struct dir_entry *e = &m->arena.control->dir[d];
	uint64_t gen = gen_of(sg_of(m, b)) + 1, now = clock_now().ns;
	answer->block = b;
	answer->gen = gen;
	answer->last_ts =
	    atomic_load_explicit(&e->last_ts, memory_order_relaxed);
	answer->last_ns =
	    atomic_load_explicit(&e->last_ns, memory_order_relaxed);
	atomic_store_explicit(&blk->owner, slot, memory_order_relaxed);
	atomic_store_explicit(&blk->owner_incarnation,
	    m->slot[slot].proc.incarnation, memory_order_relaxed);
	atomic_store_explicit(&blk->publisher, p->conn, memory_order_relaxed);
	atomic_store_explicit(&blk->pull, p->pull, memory_order_relaxed);
	atomic_store_explicit(&blk->since_ns, now, memory_order_relaxed);
	atomic_store_explicit(&blk->dir, d, memory_order_relaxed);
	atomic_store_explicit(
	    &blk->end_reason, REASON_NONE, memory_order_relaxed);
	atomic_store_explicit(&blk->grace_until_ns, 0, memory_order_relaxed);
	atomic_store_explicit(
	    &blk->state_gen, state_gen(BLOCK_LIVE, gen), memory_order_release);
	directory_point(&m->arena, d, owner_word(b, gen), now);
	for (unsigned i = 0; i < m->nslots; i++)
		wake_mark_directory(&m->arena, i);
	(void)wake_sleepers(&m->arena, ~UINT64_C(0), m->eventfd, -1);
	if (b >= m->streams->top)
		m->streams->top = b + 1;
	m->streams->live++;
}

static void
begun(struct master *m, unsigned slot, uint64_t request, bool playing,
    const struct ipc_publish *p)
{
	if (m->streams->gate != NULL)
		m->streams->gate->begun(m, slot, request, playing, p);
}

/* Where it came from, before anybody is told.  False: no memory. */
static bool
set_origin(struct streams *s, uint32_t b, const struct ipc_publish *p)
{
	struct origin *o = NULL;
	if (p->vialen > 0) {
		o = malloc(sizeof *o + p->vialen);
		if (o == NULL)
			return false;
		o->hops = p->hops;
		o->len = p->vialen;
		memcpy(o->via, p->via, p->vialen);
	}
	free(s->origin[b]);
	s->origin[b] = o;
	return true;
}

/* The name is free: grant it, or refuse by a limit. */
static void
grant(struct master *m, unsigned slot, uint64_t request,
    const struct ipc_publish *p)
{
	struct streams *s = m->streams;
	struct ipc_msg a = { .kind = IPC_GRANT, .request = request };
	if (s->live >= (uint64_t)m->conf->max_streams) {
		refuse(m, slot, request, p, REASON_NO_STREAM_LEFT);
		return;
	}
	if (arena_is_full(m)) {
		refuse(m, slot, request, p, REASON_NO_ARENA);
		return;
	}
	int64_t d =
	    directory_enter(&m->arena, p->key, p->keylen, clock_now().ns);
	int64_t b = d < 0 ? -1 : free_block(m);
	if (b < 0) {
		refuse(m, slot, request, p, REASON_NO_STREAM_LEFT);
		return;
	}
	if (!set_origin(s, (uint32_t)b, p)) {
		s->hint = 0;
		refuse(m, slot, request, p, REASON_INTERNAL);
		return;
	}
	make_live(m, slot, p, (uint32_t)b, (uint32_t)d, &a.u.stream);
	log_start(m, slot, p, (uint32_t)b, a.u.stream.gen);
	pulls_live(m, p->pull, true);
	tell_watch(m, (uint32_t)b, true, REASON_NONE);
	if (master_tell(m, slot, &a) != 0) {
		end_stream(
		    m, (uint32_t)b, REASON_INTERNAL, (struct left){ 0, 0 });
		master_wake_all(m);
	} else if (p->pull == 0) {
		pulls_published(m, p->key, p->keylen);
		begun(m, slot, request, false, p);
	}
}

/* Takeovers. ------------------------------------------------------------- */

static void
forget_pending(struct streams *s, uint32_t b)
{
	if (s->pending[b].on)
		s->npending--;
	s->pending[b].on = false;
}

/* A pull that waited for its name may be over. */
static bool
still_wanted(const struct master *m, const struct pending *p)
{
	return p->what.pull == 0 ||
	       pulls_claim(m, p->slot, p->what.pull, p->what.key,
		   p->what.keylen) == PULLS_YES;
}

/* The name of block b is free now: who waited for it gets it. */
static void
give_pending(struct master *m, uint32_t b)
{
	struct pending p = m->streams->pending[b];
	forget_pending(m->streams, b);
	if (!p.on || m->slot[p.slot].proc.pid == 0 ||
	    m->slot[p.slot].proc.incarnation != p.incarnation)
		return;
	if (still_wanted(m, &p))
		grant(m, p.slot, p.request, &p.what);
	else
		refuse(m, p.slot, p.request, &p.what, REASON_UPSTREAM_IDLE);
}

static void
refuse_pending(struct master *m, uint32_t b)
{
	struct pending p = m->streams->pending[b];
	forget_pending(m->streams, b);
	if (p.on)
		refuse(m, p.slot, p.request, &p.what, REASON_NAME_TAKEN);
}

/* Returns false if a newcomer waits already: this one is refused. */
static bool
wait_for_name(
    struct master *m, unsigned slot, const struct ipc_msg *msg, uint32_t b)
{
	struct streams *s = m->streams;
	struct pending *p = &s->pending[b];
	if (p->on) {
		refuse(
		    m, slot, msg->request, &msg->u.publish, REASON_NAME_TAKEN);
		return false;
	}
	p->on = true;
	p->slot = slot;
	p->incarnation = m->slot[slot].proc.incarnation;
	p->request = msg->request;
	p->what = msg->u.publish;
	/* what it showed was judged already */
	explicit_bzero(p->what.query, sizeof p->what.query);
	p->deadline_ns = mono_add_ms(clock_now(),
	    (uint64_t)conf_key_app(m->conf, p->what.key, p->what.keylen)
		    ->publish_timeout_ms +
		1000)
			     .ns;
	s->npending++;
	return true;
}

static void
ask_owner(struct master *m, unsigned slot, const struct ipc_msg *msg,
    uint32_t b, uint64_t gen)
{
	struct ipc_msg ask = { .kind = IPC_ASK };
	if (!wait_for_name(m, slot, msg, b))
		return;
	ask.u.stream.block = b;
	ask.u.stream.gen = gen;
	/* if that fails the owner is killed, and its death settles it */
	(void)master_tell(m, owner_of(m, b), &ask);
}

/* Messages. -------------------------------------------------------------- */

/* Is the name live?  *b, *gen: where. */
static bool
name_is_taken(const struct master *m, const struct ipc_publish *p, uint32_t *b,
    uint64_t *gen)
{
	return directory_find(&m->arena, p->key, p->keylen, b, gen) &&
	       is(m, *b, BLOCK_LIVE, *gen);
}

/*
 * A worker has media of a name that it was told to pull.  It takes over nobody:
 * only an older pull of the name, which was dropped, is waited for, because its
 * worker ends it any moment.
 */
static void
publish_pull(struct master *m, unsigned slot, const struct ipc_msg *msg,
    enum pulls_claim claim)
{
	const struct ipc_publish *p = &msg->u.publish;
	uint32_t b;
	uint64_t gen;
	if (m->stopping)
		refuse(m, slot, msg->request, p, REASON_SERVER_STOP);
	else if (claim == PULLS_OVER)
		refuse(m, slot, msg->request, p, REASON_UPSTREAM_IDLE);
	else if (kick_name_until(m, p->key, p->keylen).ns != 0)
		refuse(m, slot, msg->request, p, REASON_NAME_BANNED);
	else if (!name_is_taken(m, p, &b, &gen))
		grant(m, slot, msg->request, p);
	else if (pull_of(m, b) == 0 || pull_of(m, b) == p->pull ||
		 *find_alias(m, p->key, p->keylen) != NULL)
		refuse(m, slot, msg->request, p, REASON_NAME_TAKEN);
	else
		(void)wait_for_name(m, slot, msg, b);
}

static bool
is_remote(const struct master *m, const char *key, size_t len)
{
	return conf_vhost(m->conf, conf_key_app(m->conf, key, len)->vhost)
		   ->mode == CONF_MODE_REMOTE;
}

static bool
must_ask(struct master *m, unsigned slot, const struct ipc_msg *msg)
{
	const struct streams_gate *g = m->streams->gate;
	return g != NULL && g->ask(m, slot, msg);
}

/* Nobody is against it: is the name free? */
static void
let_publish(struct master *m, unsigned slot, const struct ipc_msg *msg)
{
	const struct ipc_publish *p = &msg->u.publish;
	uint32_t b;
	uint64_t gen;
	if (kick_name_until(m, p->key, p->keylen).ns != 0)
		refuse(m, slot, msg->request, p, REASON_NAME_BANNED);
	else if (!name_is_taken(m, p, &b, &gen))
		grant(m, slot, msg->request, p);
	else if (*find_alias(m, p->key, p->keylen) != NULL)
		refuse(m, slot, msg->request, p, REASON_NAME_TAKEN);
	else if (pull_of(m, b) != 0) {
		/* who fetches it is told to stop, and ends it any moment */
		if (wait_for_name(m, slot, msg, b))
			pulls_published(m, p->key, p->keylen);
	} else
		ask_owner(m, slot, msg, b, gen);
}

static int
on_publish(struct master *m, unsigned slot, const struct ipc_msg *msg)
{
	const struct ipc_publish *p = &msg->u.publish;
	char text[IPC_TEXT_MAX] = "";
	uint64_t id[VIA_MAX];
	if (!directory_key_sound(p->key, p->keylen) ||
	    via_parse(p->via, p->vialen, id) < 0)
		return -EPROTO;
	if (p->pull != 0) {
		enum pulls_claim c =
		    pulls_claim(m, slot, p->pull, p->key, p->keylen);
		if (c == PULLS_FOREIGN)
			return -EPROTO;
		publish_pull(m, slot, msg, c);
		return 0;
	}
	bool remote = is_remote(m, p->key, p->keylen);
	/* of an edge the origin has said yes already */
	enum reason why =
	    remote ? REASON_NONE : auth_ask(m, slot, TOKEN_PUBLISH, p);
	if (why == REASON_NONE && m->streams->veto != NULL)
		why = m->streams->veto(m, p->key, p->keylen, text);
	if (m->stopping)
		refuse(m, slot, msg->request, p, REASON_SERVER_STOP);
	else if (why != REASON_NONE)
		refuse_saying(m, slot, msg->request, p, why, text);
	else if (!must_ask(m, slot, msg))
		let_publish(m, slot, msg);
	return 0;
}

static void
let_play(struct master *m, unsigned slot, const struct ipc_msg *msg)
{
	struct ipc_msg a = { .kind = IPC_ADMIT, .request = msg->request };
	if (master_tell(m, slot, &a) == 0)
		begun(m, slot, msg->request, true, &msg->u.publish);
}

static void
refuse_play(struct master *m, unsigned slot, uint64_t request, enum reason why,
    const char *text)
{
	struct ipc_msg a = { .kind = IPC_REFUSE, .request = request };
	a.u.refuse.reason = why;
	snprintf(a.u.refuse.text, sizeof a.u.refuse.text, "%s", text);
	(void)master_tell(m, slot, &a);
}

static int
on_play(struct master *m, unsigned slot, const struct ipc_msg *msg)
{
	const struct ipc_publish *p = &msg->u.publish;
	if (!directory_key_sound(p->key, p->keylen))
		return -EPROTO;
	enum reason why = auth_ask(m, slot, TOKEN_PLAY, p);
	if (why != REASON_NONE)
		refuse_play(m, slot, msg->request, why, "");
	else if (!must_ask(m, slot, msg))
		let_play(m, slot, msg);
	return 0;
}

/* Another name for the stream of p, in the same instance; false: too long. */
static bool
set_name(struct ipc_publish *p, const char *name)
{
	size_t old = directory_part(p->key, p->keylen, 3).len, n = strlen(name);
	uint32_t head = p->keylen - (uint32_t)old;
	if (n > sizeof p->key - head)
		return false;
	memcpy(p->key + head, name, n);
	p->keylen = head + (uint32_t)n;
	return true;
}

static bool
rename_stream(
    struct master *m, unsigned slot, struct ipc_msg *msg, const char *name)
{
	struct ipc_msg r = { .kind = IPC_RENAME, .request = msg->request };
	struct ipc_publish *p = &msg->u.publish;
	if (!set_name(p, name))
		return false;
	r.u.rename.keylen = p->keylen;
	memcpy(r.u.rename.key, p->key, p->keylen);
	(void)master_tell(m, slot, &r);
	return true;
}

void
streams_answer(struct master *m, unsigned slot, const struct ipc_msg *msg,
    enum reason why, const char *text, const char *name)
{
	struct ipc_msg copy = *msg;
	bool plays = msg->kind == IPC_PLAY;
	if (why == REASON_NONE && m->stopping)
		why = REASON_SERVER_STOP;
	if (why == REASON_NONE && *name != '\0' &&
	    !rename_stream(m, slot, &copy, name))
		why = REASON_NAME_INVALID;
	if (why != REASON_NONE && plays)
		refuse_play(m, slot, msg->request, why, text);
	else if (why != REASON_NONE)
		refuse_saying(
		    m, slot, msg->request, &msg->u.publish, why, text);
	else if (plays)
		let_play(m, slot, &copy);
	else
		let_publish(m, slot, &copy);
	ipc_wipe(&copy);
}

void
streams_gate(struct streams *s, const struct streams_gate *gate)
{
	s->gate = gate;
}

static void
on_unpublish(struct master *m, unsigned slot, const struct ipc_stream *st)
{
	uint64_t inc = m->slot[slot].proc.incarnation;
	if (!is(m, st->block, BLOCK_LIVE, st->gen) ||
	    !owned_by(m, st->block, slot, inc))
		return;
	enum reason why = st->reason < REASON_COUNT ? (enum reason)st->reason
						    : REASON_INTERNAL;
	end_stream(
	    m, st->block, why, (struct left){ st->last_ts, st->last_ns });
	master_wake_all(m);
	give_pending(m, st->block);
}

static void
on_freed(struct master *m, unsigned slot, const struct ipc_stream *st)
{
	uint64_t inc = m->slot[slot].proc.incarnation;
	if (is(m, st->block, BLOCK_ENDED, st->gen) &&
	    owned_by(m, st->block, slot, inc) &&
	    !m->streams->orphaned[st->block])
		make_free(m, st->block, st->gen);
}

static void
on_keep(struct master *m, unsigned slot, const struct ipc_stream *st)
{
	uint64_t inc = m->slot[slot].proc.incarnation;
	if (is(m, st->block, BLOCK_LIVE, st->gen) &&
	    owned_by(m, st->block, slot, inc))
		refuse_pending(m, st->block);
}

int
streams_message(struct master *m, unsigned slot, const struct ipc_msg *msg)
{
	if (msg->kind == IPC_PUBLISH)
		return on_publish(m, slot, msg);
	if (msg->kind == IPC_PLAY)
		return on_play(m, slot, msg);
	if (msg->u.stream.block >= m->streams->nblocks)
		return -EPROTO;
	if (msg->kind == IPC_UNPUBLISH)
		on_unpublish(m, slot, &msg->u.stream);
	else if (msg->kind == IPC_FREED)
		on_freed(m, slot, &msg->u.stream);
	else if (msg->kind == IPC_KEEP)
		on_keep(m, slot, &msg->u.stream);
	else
		return -EPROTO;
	return 0;
}

/* Death of an owner. ----------------------------------------------------- */

static void
adopt(struct master *m, uint32_t b)
{
	struct streams *s = m->streams;
	if (s->orphaned[b])
		return;
	s->orphaned[b] = true;
	s->norphans++;
	memset(&s->orphan[b], 0, sizeof s->orphan[b]);
	s->orphan[b].slot = owner_of(m, b);
	s->orphan[b].block = b;
	s->orphan[b].gen = gen_of(sg_of(m, b));
}

void
streams_owner_died(struct master *m, unsigned slot, uint64_t incarnation)
{
	struct streams *s = m->streams;
	bool ended = false;
	for (uint32_t b = 0; b < s->top; b++) {
		enum block_state st = state_of(sg_of(m, b));
		if (s->pending[b].on && s->pending[b].slot == slot &&
		    s->pending[b].incarnation == incarnation)
			forget_pending(s, b);
		if (st == BLOCK_FREE || !owned_by(m, b, slot, incarnation))
			continue;
		if (st == BLOCK_LIVE) {
			end_stream(m, b,
			    m->stopping ? REASON_SERVER_STOP
					: REASON_OWNER_DIED,
			    left_in_half(m, b));
			ended = true;
		}
		adopt(m, b);
	}
	if (ended || s->norphans > 0)
		master_wake_all(m);
	/* only now: a grant needs the marks of the ends before it */
	for (uint32_t b = 0; ended && b < s->top; b++)
		if (s->pending[b].on && state_of(sg_of(m, b)) != BLOCK_LIVE)
			give_pending(m, b);
}

uint64_t
streams_tick(struct master *m, uint64_t now_ns)
{
	struct streams *s = m->streams;
	uint64_t next = UINT64_MAX;
	if (s->npending == 0 && s->norphans == 0)
		return next;
	for (uint32_t b = 0; b < s->top; b++) {
		struct pending *p = &s->pending[b];
		if (p->on && now_ns >= p->deadline_ns)
			refuse_pending(m, b);
		else if (p->on && p->deadline_ns < next)
			next = p->deadline_ns;
		if (!s->orphaned[b] ||
		    !ring_free_step(&m->arena, &s->orphan[b], NULL))
			continue;
		s->orphaned[b] = false;
		s->norphans--;
		make_free(m, b, s->orphan[b].gen);
	}
	if (s->norphans > 0)
		next = now_ns + FREE_STEP_MS * NS_PER_MS;
	return next;
}
