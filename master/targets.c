#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "common/reason.h"
#include "common/siphash.h"
#include "master/master.h"
#include "master/targets.h"
#include "rtmp/url.h"

enum {
	BUCKETS = 4096,
	AHEAD = 16 /* messages in a worker's queue, beyond which ours wait */
};

struct target {
	struct ipc_push order; /* as it is sent */
	const struct target_ops *ops;
	void *owner;
	int slot;      /* that does it; -1: none is up */
	bool told;     /* the slot knows it */
	bool queued;   /* the slot is to be told */
	bool ended;    /* taken back, or over: nobody's any more */
	bool in_table; /* by id and by key */
	struct ipc_pushed seen;
	uint64_t bytes, skips; /* of workers that died */
	uint32_t retries;
	LIST_ENTRY(target) by_id, by_key;
	TAILQ_ENTRY(target) next; /* of its queue, or of the homeless */
};

LIST_HEAD(bucket, target);
TAILQ_HEAD(queue, target);

struct targets {
	uint64_t hash_key[2], seq;
	uint32_t n, of_slot[IPC_SLOTS_MAX];
	struct bucket id[BUCKETS], key[BUCKETS];
	struct queue queue[IPC_SLOTS_MAX], homeless;
};

struct targets *
targets_new(void)
{
	struct targets *s = calloc(1, sizeof *s);
	if (s == NULL)
		return NULL;
	for (unsigned i = 0; i < IPC_SLOTS_MAX; i++)
		TAILQ_INIT(&s->queue[i]);
	TAILQ_INIT(&s->homeless);
	if (getrandom(s->hash_key, sizeof s->hash_key, 0) !=
	    sizeof s->hash_key) {
		free(s);
		return NULL;
	}
	return s;
}

/* Memory and lists. ------------------------------------------------------- */

static struct bucket *
bucket_of_id(struct targets *s, uint64_t id)
{
	return &s->id[id % BUCKETS];
}

static struct bucket *
bucket_of_key(struct targets *s, const char *key, size_t keylen)
{
	return &s->key[siphash(s->hash_key, key, keylen) % BUCKETS];
}

static struct target *
find(struct targets *s, uint64_t id)
{
	struct target *t;
	LIST_FOREACH (t, bucket_of_id(s, id), by_id)
		if (t->order.id == id)
			return t;
	return NULL;
}

static void
enter(struct targets *s, struct target *t)
{
	LIST_INSERT_HEAD(bucket_of_id(s, t->order.id), t, by_id);
	LIST_INSERT_HEAD(
	    bucket_of_key(s, t->order.key, t->order.keylen), t, by_key);
	t->in_table = true;
}

static void
leave(struct target *t)
{
	if (!t->in_table)
		return;
	LIST_REMOVE(t, by_id);
	LIST_REMOVE(t, by_key);
	t->in_table = false;
}

static void
unqueue(struct targets *s, struct target *t)
{
	if (t->slot < 0)
		TAILQ_REMOVE(&s->homeless, t, next);
	else if (t->queued)
		TAILQ_REMOVE(&s->queue[t->slot], t, next);
	t->queued = false;
}

/* With the keys that may be in it. */
static void delete (struct targets *s, struct target *t)
{
	unqueue(s, t);
	leave(t);
	if (t->slot >= 0)
		s->of_slot[t->slot]--;
	s->n--;
	explicit_bzero(&t->order, sizeof t->order);
	free(t);
}

void
targets_free(struct targets *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; i < BUCKETS; i++)
		for (struct target *t; (t = LIST_FIRST(&s->id[i])) != NULL;)
			delete (s, t);
	for (unsigned i = 0; i < IPC_SLOTS_MAX; i++)
		for (struct target *t; (t = TAILQ_FIRST(&s->queue[i]));)
			delete (s, t);
	free(s);
}

uint32_t
targets_count(const struct targets *s)
{
	return s->n;
}

/* Workers. ---------------------------------------------------------------- */

static bool
is_up(const struct master *m, unsigned slot)
{
	const struct proc *p = &m->slot[slot].proc;
	return p->pid != 0 && p->ready && p->why == PROC_ALIVE && !p->eof;
}

void
targets_flush(struct master *m, unsigned slot)
{
	struct targets *s = m->targets;
	const struct proc *p = &m->slot[slot].proc;
	struct ipc_msg msg = { .kind = IPC_PUSH };
	struct target *t;
	while (is_up(m, slot) && p->qlen < AHEAD &&
	       (t = TAILQ_FIRST(&s->queue[slot])) != NULL) {
		msg.kind = t->ended ? IPC_UNPUSH : IPC_PUSH;
		msg.u.push = t->order;
		unqueue(s, t);
		t->told = true;
		if (t->ended)
			delete (s, t);
		/* if that fails the worker is killed, its death settles it */
		int r = master_tell(m, slot, &msg);
		ipc_wipe(&msg);
		if (r != 0)
			break;
	}
}

static void
queue(struct master *m, struct target *t)
{
	if (t->slot < 0)
		return; /* told all of it when there is a worker */
	if (!t->queued)
		TAILQ_INSERT_TAIL(&m->targets->queue[t->slot], t, next);
	t->queued = true;
	targets_flush(m, (unsigned)t->slot);
}

/* Of those that are up, the one with the fewest orders; -1: none is. */
static int
choose(const struct master *m)
{
	const uint32_t *n = m->targets->of_slot;
	int best = -1;
	for (unsigned i = 0; i < m->nslots; i++)
		if (is_up(m, i) && (best < 0 || n[i] < n[best]))
			best = (int)i;
	return best;
}

/* Find a worker for one of the homeless. */
static void
assign(struct master *m, struct target *t)
{
	struct targets *s = m->targets;
	int slot = m->stopping ? -1 : choose(m);
	if (slot < 0)
		return;
	TAILQ_REMOVE(&s->homeless, t, next);
	t->slot = slot;
	s->of_slot[slot]++;
	queue(m, t);
}

static void
assign_all(struct master *m)
{
	struct target *t, *after;
	for (t = TAILQ_FIRST(&m->targets->homeless); t != NULL; t = after) {
		after = TAILQ_NEXT(t, next);
		assign(m, t);
	}
}

void
targets_worker_ready(struct master *m, unsigned slot)
{
	(void)slot;
	assign_all(m);
}

/* What its worker knew of it counts no more. */
static void
make_homeless(struct targets *s, struct target *t)
{
	unqueue(s, t);
	s->of_slot[t->slot]--;
	t->slot = -1;
	t->told = false;
	TAILQ_INSERT_TAIL(&s->homeless, t, next);
	t->bytes = t->seen.bytes;
	t->skips = t->seen.skips;
	t->retries = t->seen.retries + 1;
	t->seen.state = PUSHED_CONNECTING;
	t->seen.addr[0] = '\0';
	t->seen.lag_ms = 0;
	snprintf(t->seen.error, sizeof t->seen.error,
	    "the worker that sent it died");
}

void
targets_worker_died(struct master *m, unsigned slot)
{
	struct targets *s = m->targets;
	struct target *t, *after;
	for (t = TAILQ_FIRST(&s->queue[slot]); t != NULL; t = after) {
		after = TAILQ_NEXT(t, next);
		if (t->ended)
			delete (s, t);
	}
	for (unsigned i = 0; s->of_slot[slot] > 0 && i < BUCKETS; i++)
		LIST_FOREACH (t, &s->id[i], by_id)
			if (t->slot == (int)slot)
				make_homeless(s, t);
	assign_all(m);
}

/* Orders. ----------------------------------------------------------------- */

static const char *
check_url(struct span url)
{
	struct url_tc u;
	if (url.len > IPC_URL_MAX)
		return "the address is too long";
	if (!url_split_tc(url, &u) || u.host.len == 0)
		return "expected an address as rtmp://host[:port]/app";
	if (url_same_host(u.scheme, span_of("rtmps")))
		return "rtmps is not in this version: expected rtmp://";
	if (!url_same_host(u.scheme, span_of("rtmp")))
		return "expected an address that begins with rtmp://";
	if (u.path.len == 0 || u.app.len == 0)
		return "the address has no application: expected "
		       "rtmp://host[:port]/app";
	return NULL;
}

static const char *
set_stream(struct target *t, const struct target_spec *spec)
{
	struct ipc_push *o = &t->order;
	if (spec->key.len > IPC_KEY_MAX || spec->name.len > IPC_NAME_MAX)
		return "the name of the stream is too long";
	memcpy(o->key, spec->key.p, spec->key.len);
	o->keylen = (uint32_t)spec->key.len;
	if (spec->name.len > 0)
		memcpy(o->name, spec->name.p, spec->name.len);
	o->namelen = (uint32_t)spec->name.len;
	if (spec->via.len > IPC_VIA_MAX)
		return "the stream came through too many servers";
	if (spec->via.len > 0)
		memcpy(o->via, spec->via.p, spec->via.len);
	o->vialen = (uint32_t)spec->via.len;
	o->hops = spec->hops;
	o->mode = spec->mode;
	o->lag_ms = spec->lag_ms;
	o->secret |= spec->secret;
	return NULL;
}

static const char *
set_order(struct target *t, const struct target_spec *spec)
{
	struct ipc_push *o = &t->order;
	const char *why = check_url(spec->url);
	if (why != NULL)
		return why;
	if (spec->args.len > IPC_ARGS_MAX)
		return "the arguments of connect are too long";
	memcpy(o->url, spec->url.p, spec->url.len);
	o->urllen = (uint32_t)spec->url.len;
	if (spec->args.len > 0)
		memcpy(o->args, spec->args.p, spec->args.len);
	o->argslen = (uint32_t)spec->args.len;
	o->keep = spec->keep;
	return set_stream(t, spec);
}

struct target *
targets_start(struct master *m, const struct target_spec *spec,
    const struct target_ops *ops, void *owner, const char **why)
{
	struct targets *s = m->targets;
	struct target *t = NULL;
	*why = "too many streams are sent to other servers";
	if (s->n < TARGETS_MAX) {
		*why = "out of memory";
		t = calloc(1, sizeof *t);
	}
	if (t == NULL)
		return NULL;
	if ((*why = set_order(t, spec)) != NULL) {
		explicit_bzero(&t->order, sizeof t->order);
		free(t);
		return NULL;
	}
	t->order.id = t->seen.id = ++s->seq;
	t->ops = ops;
	t->owner = owner;
	t->slot = -1;
	s->n++;
	TAILQ_INSERT_TAIL(&s->homeless, t, next);
	enter(s, t);
	assign(m, t);
	return t;
}

const char *
targets_publish(
    struct master *m, struct target *t, const struct target_spec *spec)
{
	leave(t);
	const char *why = set_stream(t, spec);
	enter(m->targets, t);
	if (why == NULL) {
		t->seen.state = PUSHED_CONNECTING;
		queue(m, t);
	}
	return why;
}

void
targets_set_lag(struct master *m, struct target *t, uint32_t lag_ms)
{
	t->order.lag_ms = lag_ms;
	queue(m, t);
}

const char *
targets_call(struct master *m, struct target *t, uint64_t call,
    const char *method, struct span args)
{
	struct ipc_msg msg = { .kind = IPC_CALL };
	struct ipc_call *q = &msg.u.call;
	if (t->slot < 0 || !t->told || !is_up(m, (unsigned)t->slot) ||
	    t->seen.state != PUSHED_UP)
		return "the connection is not there";
	if (m->slot[t->slot].proc.qlen >= AHEAD)
		return "too many calls wait";
	if (args.len > sizeof q->args || strlen(method) >= sizeof q->method ||
	    call >= IPC_CALLS)
		return "the method or its arguments are too long";
	q->id = t->order.id;
	q->call = call;
	strcpy(q->method, method);
	if (args.len > 0)
		memcpy(q->args, args.p, args.len);
	q->argslen = (uint32_t)args.len;
	/* if that fails the worker is killed, its death settles it */
	(void)master_tell(m, (unsigned)t->slot, &msg);
	ipc_wipe(&msg);
	return NULL;
}

void
targets_give(struct target *t, const struct target_ops *ops, void *owner)
{
	t->ops = ops;
	t->owner = owner;
}

void
targets_end(struct master *m, struct target *t, bool goodbye)
{
	if (t->ended)
		return; /* being told that it is over */
	t->ended = true;
	t->order.goodbye = goodbye;
	leave(t);
	if (t->slot < 0 || !t->told || !is_up(m, (unsigned)t->slot))
		delete (m->targets, t);
	else
		queue(m, t);
}

const struct ipc_pushed *
targets_seen(const struct target *t)
{
	return &t->seen;
}

int
targets_slot(const struct target *t)
{
	return t->slot;
}

bool
targets_is(
    const struct target *t, struct span key, struct span url, struct span name)
{
	const struct ipc_push *o = &t->order;
	return span_equal((struct span){ o->key, o->keylen }, key) &&
	       span_equal((struct span){ o->url, o->urllen }, url) &&
	       span_equal((struct span){ o->name, o->namelen }, name);
}

bool
targets_goes_to(const struct target *t, struct span url)
{
	const struct ipc_push *o = &t->order;
	return span_equal((struct span){ o->url, o->urllen }, url);
}

/* What is told. ----------------------------------------------------------- */

void
targets_stream_ended(
    struct master *m, const char *key, size_t keylen, bool goodbye)
{
	struct targets *s = m->targets;
	struct bucket *b = bucket_of_key(s, key, keylen);
	struct target *t;
	for (;;) {
		LIST_FOREACH (t, b, by_key)
			if (t->order.keylen == keylen &&
			    memcmp(t->order.key, key, keylen) == 0 &&
			    t->order.namelen > 0)
				break;
		if (t == NULL)
			return;
		struct ipc_pushed d = t->seen;
		const struct target_ops *ops = t->ops;
		void *owner = t->owner;
		d.state = PUSHED_OVER;
		d.reason = REASON_UNPUBLISHED;
		d.refused = 0;
		d.error[0] = d.code[0] = '\0';
		/* it may be over for others while they are told: not twice */
		leave(t);
		t->ended = true;
		ops->told(m, t, owner, &d);
		t->ended = false;
		targets_end(m, t, goodbye);
	}
}

static void
take(struct master *m, struct target *t, const struct ipc_pushed *d)
{
	t->seen = *d;
	t->seen.bytes += t->bytes;
	t->seen.skips += t->skips;
	t->seen.retries += t->retries;
	if (d->state != PUSHED_OVER) {
		struct ipc_pushed seen = t->seen;
		t->ops->told(m, t, t->owner, &seen); /* t may be gone */
		return;
	}
	t->ended = true;
	leave(t);
	t->ops->told(m, t, t->owner, &t->seen);
	delete (m->targets, t);
}

static int
on_called(struct master *m, unsigned slot, const struct ipc_called *d)
{
	struct target *t = find(m->targets, d->id);
	if (d->id == 0 || d->id > m->targets->seq)
		return -EPROTO;
	if (t == NULL)
		return 0;
	if (t->slot != (int)slot || !t->told)
		return -EPROTO;
	if (t->ops->answered != NULL)
		t->ops->answered(m, t, t->owner, d);
	return 0;
}

int
targets_message(struct master *m, unsigned slot, const struct ipc_msg *msg)
{
	if (msg->kind == IPC_CALLED)
		return on_called(m, slot, &msg->u.called);
	const struct ipc_pushed *d = &msg->u.pushed;
	struct target *t = find(m->targets, d->id);
	if (msg->kind != IPC_PUSHED || d->id == 0 || d->id > m->targets->seq ||
	    d->reason >= REASON_COUNT)
		return -EPROTO;
	if (t == NULL)
		return 0; /* over, or taken back */
	if (t->slot != (int)slot || !t->told)
		return -EPROTO;
	take(m, t, d);
	return 0;
}
