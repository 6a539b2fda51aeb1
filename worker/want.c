#include "config.h"

#include <string.h>

#include "common/siphash.h"
#include "worker/link.h"
#include "worker/query.h"
#include "worker/want.h"

bool
want_is_remote(const struct worker *w, const struct title *t)
{
	return conf_vhost(w->conf, t->app->vhost)->mode == CONF_MODE_REMOTE;
}

static void
put_key(struct ipc_pull *q, const struct title *t)
{
	q->keylen = t->keylen;
	memcpy(q->key, t->key, t->keylen);
}

void
want_add(struct worker *w, const struct conn *c, const struct netstream *ns,
    struct title *t, const struct cmd_play *cp)
{
	struct ipc_msg m = { .kind = IPC_WANT };
	struct ipc_pull *q = &m.u.pull;
	struct session *s = session_of(w, c);
	size_t len = 0;
	(void)ns;
	if (!want_is_remote(w, t) ||
	    (t->wanted && (cp->via.len == 0 || t->cur != NULL)))
		return;
	put_key(q, t);
	q->urllen = (uint32_t)s->url.len;
	if (s->url.len > 0)
		memcpy(q->url, s->url.p, s->url.len);
	if (query_keep(s->shown, q->query, sizeof q->query, &len))
		q->querylen = (uint32_t)len;
	q->vialen = (uint32_t)cp->via.len;
	if (cp->via.len > 0)
		memcpy(q->via, cp->via.p, cp->via.len);
	q->hops = (uint32_t)cp->hops;
	link_send(w, &m);
	ipc_wipe(&m);
	t->wanted = true;
}

void
want_again(struct worker *w, struct title *t)
{
	static const struct cmd_play plain;
	const struct player *p = TAILQ_FIRST(&t->players);
	while (p != NULL && p->push != NULL)
		p = TAILQ_NEXT(p, next_title);
	if (!t->wanted && t->cur == NULL && p != NULL)
		want_add(w, p->c, p->ns, t, &plain);
}

static void
tell_unwant(struct worker *w, const char *key, uint32_t keylen)
{
	struct ipc_msg m = { .kind = IPC_UNWANT };
	m.u.pull.keylen = keylen;
	memcpy(m.u.pull.key, key, keylen);
	link_send(w, &m);
}

void
want_drop(struct worker *w, struct title *t)
{
	if (!t->wanted)
		return;
	t->wanted = false;
	tell_unwant(w, t->key, t->keylen);
}

void
want_denied(struct worker *w, const struct ipc_msg *m)
{
	const struct ipc_deny *d = &m->u.deny;
	struct title *t = title_known(w, d->key, d->keylen);
	enum reason why = d->reason > REASON_NONE && d->reason < REASON_COUNT
			      ? (enum reason)d->reason
			      : REASON_INTERNAL;
	struct player *p, *after;
	tell_unwant(w, d->key, d->keylen);
	if (t == NULL)
		return;
	t->wanted = false;
	for (p = TAILQ_FIRST(&t->players); p != NULL; p = after) {
		after = TAILQ_NEXT(p, next_title);
		/* one that still gets the end of a ring: want_again() */
		if (p->watch != NULL || p->tail != NULL || p->push != NULL)
			continue;
		bool last = t->n == 1;
		player_deny(w, p, why, d->text);
		if (last)
			return; /* t went with it */
	}
}
