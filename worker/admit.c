#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "shm/directory.h"
#include "worker/admit.h"
#include "worker/hook.h"
#include "worker/link.h"
#include "worker/node.h"
#include "worker/play.h"
#include "worker/players.h"
#include "worker/query.h"

#define DEFAULT_INSTANCE "_definst_"

enum { TEXT = 1024 };

/* A play that waits for the master's word. */
struct admit {
	uint64_t request;
	struct conn *c;
	struct netstream *ns;
	struct cmd_play play; /* what it points to: */
	uint32_t vialen, querylen;
	char via[IPC_VIA_MAX], query[IPC_QUERY_MAX];
	LIST_ENTRY(admit) next;
};

/* Asking ------------------------------------------------------------------ */

bool
admit_question(const struct session *s, const struct conn *c,
    const struct netstream *ns, struct ipc_publish *p)
{
	size_t len = 0;
	p->conn = c->id;
	p->keylen = ns->keylen;
	memcpy(p->key, ns->key, ns->keylen);
	memcpy(p->addr, c->row->addr, sizeof p->addr);
	if (!query_keep(s->shown, p->query, sizeof p->query, &len) ||
	    !query_keep(s->query, p->query, sizeof p->query, &len))
		return false;
	p->querylen = (uint32_t)len;
	return true;
}

static bool
is_open(const struct conf_app *a)
{
	return strcmp(a->play_allow, "all") == 0 && a->play_deny[0] == '\0' &&
	       !conf_has_hooks(a);
}

static void
turn_away(struct worker *w, struct conn *c, struct netstream *ns,
    enum reason why, const char *said)
{
	ns->use = NS_IDLE;
	hook_refused(ns);
	admit_refuse(w, c, ns, true, why, said);
	session_idle(w, c);
}

/* For an edge: what it showed, and through whom it came. */
static void
keep_args(
    struct admit *a, const struct cmd_play *p, const struct ipc_publish *q)
{
	a->vialen = p->via.len <= sizeof a->via ? (uint32_t)p->via.len : 0;
	if (a->vialen > 0)
		memcpy(a->via, p->via.p, a->vialen);
	a->querylen = q->querylen;
	memcpy(a->query, q->query, q->querylen);
}

void
admit_play(struct worker *w, struct conn *c, struct netstream *ns,
    const struct cmd_play *p)
{
	struct ipc_msg m = { .kind = IPC_PLAY };
	enum reason why = node_check_via(w, p->via, p->hops);
	if (why != REASON_NONE) {
		turn_away(w, c, ns, why, NULL);
		return;
	}
	if (is_open(c->app)) {
		play_start(w, c, ns, p);
		return;
	}
	m.request = link_request(w);
	bool fits = admit_question(session_of(w, c), c, ns, &m.u.publish) &&
		    hook_question(w, c, ns, m.request, p, &m.u.publish);
	struct admit *a =
	    w->orphan || link_busy(w) || !fits ? NULL : calloc(1, sizeof *a);
	if (a == NULL) {
		turn_away(w, c, ns,
		    fits ? REASON_NO_MASTER : REASON_QUERY_LIMIT, NULL);
	} else {
		a->c = c;
		a->ns = ns;
		a->play = *p;
		a->play.name = (struct span){ NULL, 0 };
		keep_args(a, p, &m.u.publish);
		a->request = m.request;
		ns->use = NS_ASKED;
		ns->admit = a;
		LIST_INSERT_HEAD(&w->players->admits, a, next);
		conn_pause(c);
		link_send(w, &m);
	}
	ipc_wipe(&m);
}

static void
wipe(struct admit *a)
{
	explicit_bzero(a->query, sizeof a->query);
	free(a);
}

static void
forget(struct admit *a)
{
	LIST_REMOVE(a, next);
	a->ns->admit = NULL;
	a->ns->use = NS_IDLE;
	wipe(a);
}

void
admit_stop(struct worker *w, struct netstream *ns)
{
	/* the answer will find nobody */
	hook_done(w, ns->admit->c, ns);
	forget(ns->admit);
}

/* Answers ----------------------------------------------------------------- */

static void
begin(struct worker *w, const struct admit *a)
{
	struct cmd_play p = a->play;
	struct session *s = session_of(w, a->c);
	p.via = (struct span){ a->via, a->vialen };
	s->shown = (struct span){ a->query, a->querylen };
	a->ns->use = NS_PLAY;
	play_start(w, a->c, a->ns, &p);
	s->shown = (struct span){ NULL, 0 };
	if (a->ns->use == NS_IDLE) /* refused here */
		hook_done(w, a->c, a->ns);
}

static void
answer(struct worker *w, struct admit *a, enum reason why, const char *said)
{
	struct conn *c = a->c;
	struct netstream *ns = a->ns;
	LIST_REMOVE(a, next);
	ns->admit = NULL;
	ns->use = NS_IDLE;
	if (why != REASON_NONE)
		turn_away(w, c, ns, why, said);
	else
		begin(w, a);
	wipe(a);
	conn_resume(w, c);
}

bool
admit_message(struct worker *w, const struct ipc_msg *m)
{
	struct admit *a;
	if (m->kind != IPC_ADMIT && m->kind != IPC_REFUSE &&
	    m->kind != IPC_RENAME)
		return false;
	LIST_FOREACH (a, &w->players->admits, next)
		if (a->request == m->request)
			break;
	if (a == NULL)
		return false;
	if (m->kind == IPC_RENAME)
		hook_rename(w, a->c, a->ns, &m->u.rename);
	else if (m->kind == IPC_ADMIT)
		answer(w, a, REASON_NONE, NULL);
	else
		answer(w, a, (enum reason)m->u.refuse.reason, m->u.refuse.text);
	return true;
}

void
admit_orphan(struct worker *w)
{
	/* input that was stashed may end any other */
	while (!LIST_EMPTY(&w->players->admits))
		answer(
		    w, LIST_FIRST(&w->players->admits), REASON_NO_MASTER, NULL);
}

/* Refusing ---------------------------------------------------------------- */

static struct span
part(const struct netstream *ns, unsigned i)
{
	size_t n;
	const char *p = directory_key_part(ns->key, ns->keylen, i, &n);
	return (struct span){ p, n };
}

/* app/name or app/inst/name */
static void
path_of(const struct netstream *ns, char *buf, size_t len)
{
	struct span app = part(ns, 1), inst = part(ns, 2), name = part(ns, 3);
	bool plain = span_is(inst, DEFAULT_INSTANCE);
	snprintf(buf, len, "%.*s/%.*s%s%.*s", (int)app.len, app.p,
	    plain ? 0 : (int)inst.len, inst.p, plain ? "" : "/", (int)name.len,
	    name.p);
}

/* The client's address without its port. */
static void
host_of(const struct conn *c, char host[64])
{
	snprintf(host, 64, "%s", c->row->addr);
	char *colon = strrchr(host, ':');
	if (colon != NULL)
		*colon = '\0';
}

/* For the client: who it is, and what the operator does about it. */
static void
describe(const struct conn *c, const struct netstream *ns, bool play,
    enum reason why, char text[TEXT])
{
	char host[64], path[IPC_KEY_MAX + 8];
	host_of(c, host);
	path_of(ns, path, sizeof path);
	if (why == REASON_KEY_MISSING && !play)
		snprintf(text, TEXT,
		    "%s needs a key to publish %s here: sluicectl stream url "
		    "%s",
		    host, path, path);
	else if (why == REASON_KEY_MISSING)
		snprintf(text, TEXT,
		    "%s needs a key or a token to play %s here: sluicectl "
		    "token make %s --play",
		    host, path, path);
	else if (why == REASON_DENIED)
		snprintf(text, TEXT, "%s may not %s %s here", host,
		    play ? "play" : "publish", path);
	else
		snprintf(text, TEXT, "%s", reason_text(why));
}

void
admit_refuse(struct worker *w, struct conn *c, const struct netstream *ns,
    bool play, enum reason why, const char *said)
{
	char text[TEXT];
	bool own = said == NULL || *said == '\0';
	const char *shown = own ? reason_text(why) : said;
	if (own)
		describe(c, ns, play, why, text);
	else
		snprintf(text, sizeof text, "%s", said);
	if (play) {
		worker_count(w, COUNTER_PLAYS_FAILED, 1);
		LOG(play_failed, .client = c->id, .stream = netstream_name(ns),
		    .reason = why, .text = shown);
	} else {
		worker_count(w, COUNTER_REFUSED, 1);
		LOG(publish_refused, .client = c->id, .addr = c->row->addr,
		    .stream = netstream_name(ns), .reason = why, .text = shown);
	}
	session_deny(
	    w, c, ns, why, play ? "NetStream.Play.Failed" : NULL, text);
}
