/* What workers are told of pulls, at the pace at which they take it. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "master/master.h"
#include "master/pulls_own.h"

bool
pulls_slot_up(const struct master *m, unsigned slot)
{
	const struct proc *p = &m->slot[slot].proc;
	return p->pid != 0 && p->ready && p->why == PROC_ALIVE && !p->eof;
}

static void
compose_pull(struct pull *p, struct ipc_pull *msg)
{
	p->queued = false;
	p->told = true;
	msg->id = p->id;
	msg->keylen = p->keylen;
	msg->urllen = p->urllen;
	msg->querylen = p->querylen;
	memcpy(msg->key, p->text, p->keylen);
	memcpy(msg->url, p->text + p->keylen, p->urllen);
	memcpy(msg->query, p->text + p->keylen + p->urllen, p->querylen);
	msg->vialen = (uint32_t)via_print(&p->via, msg->via);
	msg->hops = p->hops;
}

/* Returns false when it is no longer to be said. */
static bool
compose(struct pulls *s, unsigned slot, const struct note *n, struct ipc_msg *m)
{
	struct pull *p;
	memset(m, 0, sizeof *m);
	m->kind = n->kind;
	if (n->kind == IPC_PULL) {
		p = pulls_find(s, n->id);
		if (p == NULL || p->slot != (int)slot || !p->queued)
			return false;
		compose_pull(p, &m->u.pull);
	} else if (n->kind == IPC_DROP)
		m->u.pull.id = n->id;
	else if (n->kind == IPC_DENY)
		m->u.deny = *n->deny;
	else if (n->kind == IPC_HOP)
		pulls_hop_compose(s, slot, n->id, &m->u.hop);
	return true;
}

static void
take_out(struct pulls *s, unsigned slot, struct note *n)
{
	TAILQ_REMOVE(&s->notes[slot], n, next);
	s->nnotes[slot]--;
	free(n);
}

void
pulls_flush(struct master *m, unsigned slot)
{
	struct pulls *s = m->pulls;
	const struct proc *p = &m->slot[slot].proc;
	struct ipc_msg msg;
	struct note *n;
	while (pulls_slot_up(m, slot) && p->qlen < PULLS_AHEAD &&
	       (n = TAILQ_FIRST(&s->notes[slot])) != NULL) {
		bool say = compose(s, slot, n, &msg);
		take_out(s, slot, n);
		/* if that fails the worker is killed, its death settles it */
		if (say && master_tell(m, slot, &msg) != 0)
			break;
		if (say)
			ipc_wipe(&msg);
	}
}

/*
 * Each name has at most one PULL here and one DROP of each time that it was
 * told, so what is beyond the limit comes from a worker that asks and asks and
 * reads no answer.
 */
static void
push(struct master *m, unsigned slot, enum ipc_kind kind, uint64_t id,
    const struct ipc_deny *deny)
{
	struct pulls *s = m->pulls;
	struct note *n = NULL;
	if (!pulls_slot_up(m, slot))
		return;
	if (s->nnotes[slot] < 4 * s->cap + 4 * PULLS_HOPS_MAX)
		n = calloc(1, sizeof *n + (deny ? sizeof *deny : 0));
	if (n == NULL) {
		proc_kill(&m->slot[slot].proc, PROC_QUEUE_FULL);
		return;
	}
	n->kind = kind;
	n->id = id;
	if (deny)
		n->deny[0] = *deny;
	TAILQ_INSERT_TAIL(&s->notes[slot], n, next);
	s->nnotes[slot]++;
	pulls_flush(m, slot);
}

void
pulls_tell(struct master *m, unsigned slot, enum ipc_kind kind, uint64_t id)
{
	push(m, slot, kind, id, NULL);
}

void
pulls_tell_deny(struct master *m, unsigned slot, const struct ipc_deny *d)
{
	push(m, slot, IPC_DENY, 0, d);
}

void
pulls_forget_notes(struct pulls *s, unsigned slot)
{
	struct note *n;
	while ((n = TAILQ_FIRST(&s->notes[slot])) != NULL)
		take_out(s, slot, n);
}
