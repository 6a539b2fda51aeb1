#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rtmp/amf0.h"
#include "shm/directory.h"
#include "worker/link.h"
#include "worker/orders.h"
#include "worker/push.h"

enum {
	ORDER_BUCKETS = 1024,
	FIGURES_MS = 2000,
	ORPHAN_MS = 20000 /* without a master: nothing was sent for so long */
};

struct order {
	uint64_t id;
	struct push *push;
	enum pushed_state state;
	enum reason reason;
	bool refused;
	char code[IPC_CODE_MAX], error[IPC_TEXT_MAX];
	struct push_figures told;
	struct mono told_at;
	uint64_t position; /* without a master: where it was, */
	struct mono moved; /* since when; 0: not looked at yet */
	LIST_ENTRY(order) next_hash;
	TAILQ_ENTRY(order) next;
};

struct orders {
	LIST_HEAD(, order) hash[ORDER_BUCKETS];
	TAILQ_HEAD(, order) all;
};

int
orders_init(struct worker *w)
{
	struct orders *os = calloc(1, sizeof *os);
	if (os == NULL)
		return -ENOMEM;
	TAILQ_INIT(&os->all);
	w->orders = os;
	return 0;
}

static void
free_order(struct worker *w, struct order *o)
{
	LIST_REMOVE(o, next_hash);
	TAILQ_REMOVE(&w->orders->all, o, next);
	free(o);
}

void
orders_fini(struct worker *w)
{
	struct order *o;
	/* their pushes are freed by pushes_fini() */
	while ((o = TAILQ_FIRST(&w->orders->all)) != NULL)
		free_order(w, o);
	free(w->orders);
	w->orders = NULL;
}

static struct order *
find(struct worker *w, uint64_t id)
{
	struct order *o;
	LIST_FOREACH (o, &w->orders->hash[id % ORDER_BUCKETS], next_hash)
		if (o->id == id)
			return o;
	return NULL;
}

/* What the master is told ------------------------------------------------- */

static void
tell(struct worker *w, struct order *o)
{
	struct ipc_msg m = { .kind = IPC_PUSHED };
	struct ipc_pushed *d = &m.u.pushed;
	struct push_figures f = { .addr = "" };
	if (o->push != NULL)
		push_figures(o->push, &f);
	d->id = o->id;
	d->state = o->state;
	d->reason = o->reason;
	d->refused = o->refused;
	d->retries = f.retries;
	d->lag_ms = f.lag_ms;
	d->skips = f.skips;
	d->bytes = f.bytes;
	snprintf(d->addr, sizeof d->addr, "%s", f.addr);
	snprintf(d->code, sizeof d->code, "%s", o->code);
	snprintf(d->error, sizeof d->error, "%s", o->error);
	link_send(w, &m);
	f.addr = "";
	o->told = f;
	o->told_at = w->now;
}

/* The code of an information object, fit for a log and for scripts. */
static void
read_code(struct span said, char code[IPC_CODE_MAX])
{
	struct reader r;
	struct amf0_value info, v;
	size_t n = 0;
	code[0] = '\0';
	reader_init(&r, said.p, said.len);
	if (said.len == 0 || amf0_read(&r, &info) != AMF0_OK ||
	    !amf0_find(&info, "code", &v) || !amf0_is_string(&v))
		return;
	for (; n < v.str.len && n < IPC_CODE_MAX - 1; n++)
		code[n] =
		    v.str.p[n] > 32 && v.str.p[n] < 127 ? v.str.p[n] : '?';
	code[n] = '\0';
}

static void
note(struct order *o, const struct push_why *y)
{
	o->reason = y->reason;
	o->refused = y->refused;
	read_code(y->said, o->code);
	snprintf(o->error, sizeof o->error, "%s", y->text);
}

/* What a push tells ------------------------------------------------------- */

static void
on_accepted(struct worker *w, struct push *p, void *owner, struct span said)
{
	struct order *o = owner;
	(void)said;
	if (!push_is_bare(p))
		push_flow(w, p);
	o->state = PUSHED_UP;
	tell(w, o);
}

static void
on_lost(struct worker *w, struct push *p, void *owner, const struct push_why *y)
{
	struct order *o = owner;
	(void)p;
	note(o, y);
	o->state = y->refused ? PUSHED_REFUSED : PUSHED_LOST;
	tell(w, o);
}

static void
on_failed(
    struct worker *w, struct push *p, void *owner, const struct push_why *y)
{
	struct order *o = owner;
	note(o, y);
	o->state = PUSHED_OVER;
	tell(w, o);
	push_free(w, p);
	free_order(w, o);
}

static void
tell_answer(struct worker *w, const struct order *o, uint64_t call, bool ok,
    struct span value)
{
	struct ipc_msg m = { .kind = IPC_CALLED };
	struct ipc_called *d = &m.u.called;
	bool fits = value.len <= sizeof d->value;
	if (call == 0 || link_busy(w))
		return;
	d->id = o->id;
	d->call = call;
	d->ok = ok && fits;
	if (fits && value.len > 0) {
		d->valuelen = (uint32_t)value.len;
		memcpy(d->value, value.p, value.len);
	}
	link_send(w, &m);
}

static void
on_answered(struct worker *w, struct push *p, void *owner, uint64_t call,
    bool ok, struct span value)
{
	(void)p;
	tell_answer(w, owner, call, ok, value);
}

static const struct push_ops push_ops = {
	.answered = on_answered,
	.accepted = on_accepted,
	.lost = on_lost,
	.failed = on_failed,
};

/* What the master says ---------------------------------------------------- */

static uint32_t
lag_of(const struct ipc_push *q)
{
	if (q->lag_ms < PUSH_LAG_MIN)
		return PUSH_LAG_MIN;
	return q->lag_ms < PUSH_LAG_MAX ? q->lag_ms : PUSH_LAG_MAX;
}

static struct push_spec
spec_of(const struct ipc_push *q)
{
	static const char *const mode[PUSH_MODES] = {
		[PUSH_LIVE] = "live",
		[PUSH_RECORD] = "record",
		[PUSH_APPEND] = "append",
	};
	return (struct push_spec){ .key = { q->key, q->keylen },
		.url = { q->url, q->urllen },
		.name = { q->name, q->namelen },
		.via = { q->via, q->vialen },
		.hops = q->hops,
		.direct = true,
		.keep = q->keep != 0,
		.secret = q->secret != 0,
		.lag_ms = lag_of(q),
		.mode = mode[q->mode],
		.args = { q->args, q->argslen } };
}

static void
begin(struct worker *w, const struct ipc_push *q)
{
	struct push_spec s = spec_of(q);
	enum reason why = REASON_INPUT_MEMORY;
	struct order *o = calloc(1, sizeof *o), lost = { .id = q->id };
	if (o != NULL) {
		o->id = q->id;
		o->push = push_start(w, &s, &push_ops, o, &why);
	}
	if (o != NULL && o->push != NULL) {
		LIST_INSERT_HEAD(
		    &w->orders->hash[o->id % ORDER_BUCKETS], o, next_hash);
		TAILQ_INSERT_TAIL(&w->orders->all, o, next);
		tell(w, o);
		return;
	}
	free(o);
	lost.state = PUSHED_OVER;
	lost.reason = why;
	lost.refused = why != REASON_INPUT_MEMORY;
	snprintf(lost.error, sizeof lost.error, "%s", reason_text(why));
	tell(w, &lost);
}

static void
change(struct worker *w, struct order *o, const struct ipc_push *q)
{
	struct push_spec s = spec_of(q);
	if (push_is_bare(o->push) && s.name.len > 0) {
		o->state = PUSHED_CONNECTING;
		if (push_publish(w, o->push, &s))
			return;
		struct push_why y = { .reason = REASON_INPUT_MEMORY,
			.text = reason_text(REASON_INPUT_MEMORY) };
		on_failed(w, o->push, o, &y);
		return;
	}
	push_set_lag(o->push, s.lag_ms);
}

static void
call(struct worker *w, const struct ipc_call *q)
{
	const struct order *o = find(w, q->id);
	struct span args = { q->args, q->argslen };
	if (o != NULL && !push_call(w, o->push, q->call, q->method, args))
		tell_answer(w, o, q->call, false, (struct span){ "", 0 });
}

bool
orders_message(struct worker *w, const struct ipc_msg *m)
{
	if (m->kind == IPC_CALL) {
		call(w, &m->u.call);
		return true;
	}
	if (m->kind != IPC_PUSH && m->kind != IPC_UNPUSH)
		return false;
	const struct ipc_push *q = &m->u.push;
	struct order *o = find(w, q->id);
	if (m->kind == IPC_UNPUSH && o != NULL) {
		push_end(w, o->push, q->goodbye != 0);
		free_order(w, o);
	} else if (m->kind == IPC_PUSH && o != NULL) {
		change(w, o, q);
	} else if (m->kind == IPC_PUSH && !w->quitting) {
		begin(w, q);
	}
	return true;
}

void
orders_quit(struct worker *w)
{
	struct order *o;
	while ((o = TAILQ_FIRST(&w->orders->all)) != NULL) {
		push_quit(w, o->push);
		free_order(w, o);
	}
}

/* Time -------------------------------------------------------------------- */

static void
tell_figures(struct worker *w, struct order *o)
{
	struct push_figures f;
	if (mono_ms_since(o->told_at, w->now) < FIGURES_MS || link_busy(w))
		return;
	push_figures(o->push, &f);
	if (f.bytes != o->told.bytes || f.lag_ms != o->told.lag_ms ||
	    f.retries != o->told.retries || f.skips != o->told.skips)
		tell(w, o);
}

/*
 * Nobody tells that its stream has ended (a stream ends by the master), and it
 * must not keep this process alive.
 */
static void
judge_orphan(struct worker *w, struct order *o)
{
	uint64_t at = push_position(o->push);
	if (at != o->position || o->moved.ns == 0) {
		o->position = at;
		o->moved = w->now;
	} else if (mono_ms_since(o->moved, w->now) >= ORPHAN_MS) {
		push_end(w, o->push, true);
		free_order(w, o);
	}
}

void
orders_tick(struct worker *w)
{
	struct order *o, *after;
	for (o = TAILQ_FIRST(&w->orders->all); o != NULL; o = after) {
		after = TAILQ_NEXT(o, next);
		if (w->orphan)
			judge_orphan(w, o);
		else
			tell_figures(w, o);
	}
}
