#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/bug.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/reason.h"
#include "common/siphash.h"
#include "master/master.h"
#include "master/pulls_own.h"
#include "shm/directory.h"

_Static_assert(IPC_SLOTS_MAX <= 64, "a bit for each slot");

/* The table. ------------------------------------------------------------- */

struct pulls *
pulls_new(const struct conf *c)
{
	struct pulls *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->conf = c;
	s->cap = (uint32_t)(c->max_waiting + c->max_streams);
	bug_on(s->cap > PULLS_PLACE_MASK);
	for (s->nbuckets = 64; s->nbuckets < s->cap;)
		s->nbuckets *= 2;
	s->place = calloc(s->cap, sizeof *s->place);
	s->spare = calloc(s->cap, sizeof *s->spare);
	s->bucket = calloc(s->nbuckets, sizeof *s->bucket);
	s->idle = calloc(2 * c->nvhosts, sizeof *s->idle);
	s->soonest_ns = s->rested_ns = UINT64_MAX;
	for (unsigned i = 0; i < IPC_SLOTS_MAX; i++)
		TAILQ_INIT(&s->notes[i]);
	bool random =
	    getrandom(s->hash_key, sizeof s->hash_key, 0) == sizeof s->hash_key;
	if (!random || !s->place || !s->spare || !s->bucket || !s->idle) {
		pulls_free(s);
		return NULL;
	}
	for (uint32_t i = 0; i < 2 * c->nvhosts; i++)
		TAILQ_INIT(&s->idle[i]);
	return s;
}

/* With the secrets that its players may have shown. */
static void
wipe(struct pull *p)
{
	explicit_bzero(p->text, p->keylen + p->urllen + p->querylen);
	free(p);
}

void
pulls_free(struct pulls *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < IPC_SLOTS_MAX; i++)
		pulls_forget_notes(s, i);
	for (uint32_t i = 0; i < s->top; i++)
		if (s->place[i])
			wipe(s->place[i]);
	free(s->place);
	free(s->spare);
	free(s->bucket);
	free(s->idle);
	free(s);
}

uint32_t
pulls_count(const struct pulls *s)
{
	return s->n;
}

uint32_t
pulls_waiting(const struct pulls *s)
{
	return s->n - s->nlive;
}

const struct pull *
pulls_next(const struct pulls *s, uint32_t *place)
{
	while (*place < s->top) {
		const struct pull *p = s->place[(*place)++];
		if (p)
			return p;
	}
	return NULL;
}

struct pull *
pulls_find(const struct pulls *s, uint64_t id)
{
	uint64_t i = id & PULLS_PLACE_MASK;
	struct pull *p = i < s->top ? s->place[i] : NULL;
	return p && p->id == id ? p : NULL;
}

static struct pull_bucket *
bucket_of(const struct pulls *s, uint64_t hash)
{
	return &s->bucket[hash & (s->nbuckets - 1)];
}

static struct pull *
find_key(const struct pulls *s, const char *key, size_t keylen)
{
	uint64_t hash = siphash(s->hash_key, key, keylen);
	struct pull *p;
	LIST_FOREACH (p, bucket_of(s, hash), same)
		if (p->hash == hash && p->keylen == keylen &&
		    memcmp(p->text, key, keylen) == 0)
			return p;
	return NULL;
}

/* A place and an id for p.  There is room. */
static void
place(struct pulls *s, struct pull *p)
{
	uint32_t i = s->nspare > 0 ? s->spare[--s->nspare] : s->top++;
	p->id = ++s->seq << PULLS_PLACE_BITS | i;
	s->place[i] = p;
	s->n++;
	p->slot = -1;
	s->nhomeless++;
	LIST_INSERT_HEAD(bucket_of(s, p->hash), p, same);
}

static struct pull *
enter(struct master *m, const struct ipc_pull *w)
{
	struct pulls *s = m->pulls;
	struct pull *p =
	    calloc(1, sizeof *p + w->keylen + w->urllen + w->querylen);
	if (p == NULL)
		return NULL;
	p->keylen = w->keylen;
	p->urllen = w->urllen;
	p->querylen = w->querylen;
	memcpy(p->text, w->key, w->keylen);
	memcpy(p->text + w->keylen, w->url, w->urllen);
	memcpy(p->text + w->keylen + w->urllen, w->query, w->querylen);
	p->hash = siphash(s->hash_key, w->key, w->keylen);
	p->vhost = conf_key_app(s->conf, w->key, w->keylen)->vhost;
	p->since_ns = clock_now().ns;
	place(s, p);
	return p;
}

/* Names that nobody wants. ----------------------------------------------- */

static struct pull_idle *
idle_of(const struct pulls *s, const struct pull *p)
{
	return &s->idle[2 * p->vhost + p->live];
}

static void
unlinger(struct pulls *s, struct pull *p)
{
	if (p->lingers)
		TAILQ_REMOVE(idle_of(s, p), p, idle);
	p->lingers = false;
}

static void
forget(struct pulls *s, struct pull *p)
{
	uint32_t i = (uint32_t)(p->id & PULLS_PLACE_MASK);
	unlinger(s, p);
	LIST_REMOVE(p, same);
	s->nhomeless -= p->slot < 0;
	s->nlive -= p->live;
	s->place[i] = NULL;
	s->spare[s->nspare++] = i;
	s->n--;
	wipe(p);
}

static void
drop(struct master *m, struct pull *p)
{
	if (p->slot >= 0 && p->told)
		pulls_tell(m, (unsigned)p->slot, IPC_DROP, p->id);
	forget(m->pulls, p);
}

/* Nobody wants it any more. */
static void
linger(struct master *m, struct pull *p)
{
	struct pulls *s = m->pulls;
	uint64_t ms = (uint64_t)conf_vhost(s->conf, p->vhost)->linger_ms;
	if (ms == 0 || p->slot < 0) {
		drop(m, p);
		return;
	}
	p->linger_ns = mono_add_ms(clock_now(), ms).ns;
	p->lingers = true;
	TAILQ_INSERT_TAIL(idle_of(s, p), p, idle);
	if (p->linger_ns < s->soonest_ns)
		s->soonest_ns = p->linger_ns;
}

static void
drop_idle(struct master *m, uint64_t now_ns)
{
	struct pulls *s = m->pulls;
	struct pull *p;
	if (now_ns < s->soonest_ns)
		return;
	s->soonest_ns = UINT64_MAX;
	for (uint32_t i = 0; i < 2 * s->conf->nvhosts; i++) {
		while ((p = TAILQ_FIRST(&s->idle[i])) != NULL &&
		       p->linger_ns <= now_ns)
			drop(m, p);
		if (p != NULL && p->linger_ns < s->soonest_ns)
			s->soonest_ns = p->linger_ns;
	}
}

/* Make room for a name that waits.  Returns false: there is none. */
static bool
make_room(struct master *m)
{
	struct pulls *s = m->pulls;
	if (s->n < s->cap && pulls_waiting(s) < s->conf->max_waiting)
		return true;
	for (uint32_t i = 0; i < s->conf->nvhosts; i++) {
		struct pull *p = TAILQ_FIRST(&s->idle[2 * i]);
		if (p != NULL) {
			drop(m, p);
			return s->n < s->cap &&
			       pulls_waiting(s) < s->conf->max_waiting;
		}
	}
	return false;
}

/* Who pulls. ------------------------------------------------------------- */

static size_t
prefix_len(const struct pull *p)
{
	size_t stream;
	(void)directory_key_part(p->text, p->keylen, 3, &stream);
	return p->keylen - stream;
}

/*
 * The worker for a name: of those that are up the first or the second in an
 * order that each prefix has of its own.  Returns -1: none is up.
 */
static int
choose(const struct master *m, const struct pull *p)
{
	const uint64_t *key = m->pulls->hash_key;
	uint64_t of[2] = { siphash(key, p->text, prefix_len(p)), 0 };
	uint64_t best[2] = { 0, 0 };
	int slot[2] = { -1, -1 };
	for (unsigned i = 0; i < m->nslots; i++) {
		of[1] = i;
		uint64_t score = siphash(key, of, sizeof of);
		if (!pulls_slot_up(m, i))
			continue;
		unsigned at = slot[0] < 0 || score > best[0] ? 0 : 1;
		if (at == 0) {
			slot[1] = slot[0];
			best[1] = best[0];
		} else if (slot[1] >= 0 && score <= best[1])
			continue;
		slot[at] = (int)i;
		best[at] = score;
	}
	/* not the bits that choose its bucket */
	return slot[1] >= 0 && (p->hash >> 63) != 0 ? slot[1] : slot[0];
}

static void
queue_pull(struct master *m, struct pull *p)
{
	if (p->queued)
		return;
	p->queued = true;
	pulls_tell(m, (unsigned)p->slot, IPC_PULL, p->id);
}

/* Is it live, and not because it is fetched? */
static bool
published_here(const struct master *m, const struct pull *p)
{
	uint32_t b;
	uint64_t gen;
	if (!directory_find(&m->arena, p->text, p->keylen, &b, &gen))
		return false;
	const struct block *blk = &m->arena.control->block[b];
	return atomic_load_explicit(&blk->state_gen, memory_order_relaxed) ==
		   state_gen(BLOCK_LIVE, gen) &&
	       atomic_load_explicit(&blk->pull, memory_order_relaxed) == 0;
}

/* Find a worker for a name that has none. */
static void
assign(struct master *m, struct pull *p)
{
	bool may = !m->stopping && p->rest_ns <= clock_now().ns &&
		   !published_here(m, p);
	int slot = may ? choose(m, p) : -1;
	bug_on(p->slot >= 0);
	if (slot < 0)
		return;
	p->slot = slot;
	m->pulls->nhomeless--;
	queue_pull(m, p);
}

/* Messages. -------------------------------------------------------------- */

static void
deny(struct master *m, unsigned slot, const char *key, size_t keylen,
    enum reason why, const char *text)
{
	struct ipc_deny d = { .keylen = (uint32_t)keylen, .reason = why };
	memcpy(d.key, key, keylen);
	snprintf(d.text, sizeof d.text, "%s", text);
	pulls_tell_deny(m, slot, &d);
}

static struct span
part_of(const struct ipc_pull *w, unsigned i)
{
	struct span s;
	s.p = directory_key_part(w->key, w->keylen, i, &s.len);
	return s;
}

static void
deny_full(struct master *m, unsigned slot, const struct ipc_pull *w)
{
	enum reason why = REASON_WAITING_FULL;
	LOG(edge_refuse, .vhost = part_of(w, 0), .app = part_of(w, 1),
	    .instance = part_of(w, 2), .stream = part_of(w, 3), .reason = why,
	    .text = reason_text(why));
	deny(m, slot, w->key, w->keylen, why, reason_text(why));
}

static int
on_want(struct master *m, unsigned slot, const struct ipc_pull *w)
{
	struct pulls *s = m->pulls;
	uint64_t id[VIA_MAX];
	int n = via_parse(w->via, w->vialen, id);
	if (n < 0 || !directory_key_sound(w->key, w->keylen))
		return -EPROTO;
	struct pull *p = find_key(s, w->key, w->keylen);
	if (p == NULL && make_room(m))
		p = enter(m, w);
	if (p == NULL) {
		deny_full(m, slot, w);
		return 0;
	}
	unlinger(s, p);
	p->wants |= UINT64_C(1) << slot;
	bool grown = via_add(&p->via, slot, id, (unsigned)n);
	if (w->hops > p->hops) {
		p->hops = w->hops;
		grown = true;
	}
	if (p->slot < 0)
		assign(m, p);
	else if (grown)
		queue_pull(m, p);
	return 0;
}

static int
on_unwant(struct master *m, unsigned slot, const struct ipc_pull *w)
{
	uint64_t bit = UINT64_C(1) << slot;
	struct pull *p = find_key(m->pulls, w->key, w->keylen);
	if (p == NULL || (p->wants & bit) == 0)
		return 0;
	p->wants &= ~bit;
	via_leave(&p->via, slot);
	if (p->wants == 0)
		linger(m, p);
	return 0;
}

/*
 * Its worker is told DROP too: a PULL for a longer via may be under way to it,
 * and would begin again what it has given up.
 */
static void
refused(struct master *m, struct pull *p, const struct ipc_pulled *d)
{
	for (unsigned i = 0; i < m->nslots; i++)
		if (p->wants >> i & 1)
			deny(m, i, p->text, p->keylen, (enum reason)d->reason,
			    d->error);
	drop(m, p);
}

static enum pulls_claim
judge(const struct pulls *s, unsigned slot, uint64_t id)
{
	const struct pull *p = pulls_find(s, id);
	uint64_t seq = id >> PULLS_PLACE_BITS;
	if (p != NULL)
		return p->slot == (int)slot && p->told ? PULLS_YES
						       : PULLS_FOREIGN;
	return seq >= 1 && seq <= s->seq ? PULLS_OVER : PULLS_FOREIGN;
}

enum pulls_claim
pulls_claim(const struct master *m, unsigned slot, uint64_t id, const char *key,
    size_t keylen)
{
	enum pulls_claim c = judge(m->pulls, slot, id);
	const struct pull *p = pulls_find(m->pulls, id);
	if (c == PULLS_YES &&
	    (p->keylen != keylen || memcmp(p->text, key, keylen) != 0))
		return PULLS_FOREIGN;
	return c;
}

static int
on_pulled(struct master *m, unsigned slot, const struct ipc_pulled *d)
{
	enum pulls_claim c = judge(m->pulls, slot, d->id);
	struct pull *p = pulls_find(m->pulls, d->id);
	if (c == PULLS_FOREIGN || d->state > PULL_REFUSED ||
	    d->reason >= REASON_COUNT)
		return -EPROTO;
	if (c == PULLS_OVER)
		return 0;
	p->seen = *d;
	if (d->state == PULL_REFUSED)
		refused(m, p, d);
	return 0;
}

int
pulls_message(struct master *m, unsigned slot, const struct ipc_msg *msg)
{
	if (m->stopping)
		return 0;
	if (msg->kind == IPC_WANT)
		return on_want(m, slot, &msg->u.pull);
	if (msg->kind == IPC_UNWANT)
		return on_unwant(m, slot, &msg->u.pull);
	if (msg->kind == IPC_PULLED)
		return on_pulled(m, slot, &msg->u.pulled);
	if (msg->kind != IPC_HOP || msg->u.hop.hop[0] == '\0')
		return -EPROTO;
	pulls_hop(m, slot, &msg->u.hop);
	return 0;
}

void
pulls_live(struct master *m, uint64_t id, bool live)
{
	struct pulls *s = m->pulls;
	struct pull *p = pulls_find(s, id);
	if (p == NULL || p->live == live)
		return;
	bool lingered = p->lingers;
	unlinger(s, p);
	p->live = live;
	if (live)
		s->nlive++;
	else
		s->nlive--;
	/* one that comes and goes shall not linger for ever */
	if (lingered && live)
		linger(m, p);
	else if (lingered)
		drop(m, p);
}

/* p as it stands, with another id: what is said of the old one is over. */
static struct pull *
renew(struct master *m, struct pull *p)
{
	size_t size = sizeof *p + p->keylen + p->urllen + p->querylen;
	struct pull *q = malloc(size);
	if (q == NULL || p->wants == 0) {
		free(q);
		drop(m, p);
		return NULL;
	}
	memcpy(q, p, size);
	q->told = q->queued = q->live = q->lingers = false;
	memset(&q->seen, 0, sizeof q->seen);
	drop(m, p);
	place(m->pulls, q);
	return q;
}

void
pulls_published(struct master *m, const char *key, size_t keylen)
{
	struct pull *p = find_key(m->pulls, key, keylen);
	if (p != NULL && p->slot >= 0)
		(void)renew(m, p);
}

void
pulls_unpublished(struct master *m, const char *key, size_t keylen)
{
	struct pull *p = find_key(m->pulls, key, keylen);
	if (p == NULL || p->slot >= 0)
		return;
	p->rest_ns = mono_add_ms(clock_now(), PULLS_REST_MS).ns;
	if (p->rest_ns < m->pulls->rested_ns)
		m->pulls->rested_ns = p->rest_ns;
}

/* What has rested is fetched. */
static void
fetch_rested(struct master *m, uint64_t now_ns)
{
	struct pulls *s = m->pulls;
	if (now_ns < s->rested_ns)
		return;
	s->rested_ns = UINT64_MAX;
	for (uint32_t i = 0; s->nhomeless > 0 && i < s->top; i++) {
		struct pull *p = s->place[i];
		if (p == NULL || p->slot >= 0)
			continue;
		if (p->rest_ns <= now_ns) {
			p->rest_ns = 0;
			assign(m, p);
		} else if (p->rest_ns < s->rested_ns)
			s->rested_ns = p->rest_ns;
	}
}

uint64_t
pulls_tick(struct master *m, uint64_t now_ns)
{
	const struct pulls *s = m->pulls;
	drop_idle(m, now_ns);
	fetch_rested(m, now_ns);
	return s->soonest_ns < s->rested_ns ? s->soonest_ns : s->rested_ns;
}

void
pulls_rebalance(struct master *m)
{
	for (unsigned i = 0; i < m->nslots; i++)
		pulls_tell(m, i, IPC_REBALANCE, 0);
}

/* Workers that come and go. ---------------------------------------------- */

void
pulls_worker_ready(struct master *m, unsigned slot)
{
	struct pulls *s = m->pulls;
	pulls_hops_replay(m, slot);
	for (uint32_t i = 0; s->nhomeless > 0 && i < s->top; i++)
		if (s->place[i] && s->place[i]->slot < 0)
			assign(m, s->place[i]);
}

/* Its worker is gone: what that knew of it counts no more. */
static void
make_homeless(struct pulls *s, struct pull *p)
{
	p->slot = -1;
	s->nhomeless++;
	p->told = p->queued = false;
	p->seen.state = PULL_CONNECTING;
	p->seen.hop[0] = p->seen.addr[0] = '\0';
	snprintf(p->seen.error, sizeof p->seen.error,
	    "the worker that fetched it died");
}

static void
lose_worker(struct master *m, struct pull *p, unsigned slot)
{
	bool its = p->slot == (int)slot, wanted = p->wants != 0;
	p->wants &= ~(UINT64_C(1) << slot);
	via_leave(&p->via, slot);
	if (its)
		make_homeless(m->pulls, p);
	if (p->wants != 0 && its)
		assign(m, p);
	else if (p->wants == 0 && (its || wanted))
		linger(m, p);
}

void
pulls_worker_died(struct master *m, unsigned slot)
{
	struct pulls *s = m->pulls;
	pulls_forget_notes(s, slot);
	pulls_hops_forget(s, slot);
	for (uint32_t i = 0; i < s->top; i++)
		if (s->place[i])
			lose_worker(m, s->place[i], slot);
}
