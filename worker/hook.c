#include "config.h"

#include <string.h>

#include "worker/hook.h"
#include "worker/link.h"

static uint32_t
copy(char *to, size_t cap, struct span s)
{
	size_t n = s.len < cap ? s.len : cap;
	if (n > 0)
		memcpy(to, s.p, n);
	return (uint32_t)n;
}

bool
hook_client(struct worker *w, struct conn *c, const struct cmd_connect *cc,
    struct span args)
{
	struct ipc_msg m = { .kind = IPC_CLIENT };
	struct ipc_client *to = &m.u.client;
	struct session *s = session_of(w, c);
	if (c->outbound || !conf_has_hooks(c->app))
		return true;
	if (w->orphan || link_busy(w))
		return false;
	to->conn = c->id;
	to->row = c->index;
	to->keylen = copy(
	    to->key, sizeof to->key, (struct span){ s->prefix, s->prefix_len });
	memcpy(to->addr, c->row->addr, sizeof to->addr);
	to->argslen = copy(to->args, sizeof to->args, args);
	to->urllen = copy(to->url, sizeof to->url, cc->tc_url);
	to->pagelen = copy(to->page, sizeof to->page, cc->page_url);
	to->swflen = copy(to->swf, sizeof to->swf, cc->swf_url);
	to->agentlen = copy(to->agent, sizeof to->agent, cc->flash_ver);
	link_send(w, &m);
	ipc_wipe(&m);
	s->hooked = true;
	return true;
}

static void
tell(struct worker *w, const struct conn *c, enum ipc_kind kind,
    uint64_t request)
{
	struct ipc_msg m = { .kind = kind, .request = request };
	if (link_busy(w))
		return;
	m.u.done.conn = c->id;
	m.u.done.bytes_in = c->bytes_in;
	m.u.done.bytes_out = c->bytes_out;
	link_send(w, &m);
}

void
hook_gone(struct worker *w, struct conn *c)
{
	struct session *s = session_of(w, c);
	if (s->hooked)
		tell(w, c, IPC_GONE, 0);
	s->hooked = false;
}

/* Of what a client has sent. */
static int64_t
whole(double ms)
{
	return ms > -1e12 && ms < 1e12 ? (int64_t)ms : 0;
}

bool
hook_question(struct worker *w, struct conn *c, struct netstream *ns,
    uint64_t request, const struct cmd_play *play, struct ipc_publish *p)
{
	struct session *s = session_of(w, c);
	hook_done(w, c, ns); /* of before, if it has not begun */
	if (!s->hooked)
		return true;
	if (s->shown.len > sizeof p->args)
		return false;
	ns->hook = request;
	p->argslen = copy(p->args, sizeof p->args, s->shown);
	if (play == NULL)
		return true;
	p->start_ms = whole(play->start_ms);
	/* that it is -1 may mean that it was not sent */
	p->length_ms = play->duration_ms > 0 ? whole(play->duration_ms) : 0;
	p->reset = play->reset_sent;
	return true;
}

void
hook_refused(struct netstream *ns)
{
	ns->hook = 0;
}

void
hook_done(struct worker *w, struct conn *c, struct netstream *ns)
{
	if (ns->hook != 0)
		tell(w, c, IPC_DONE, ns->hook);
	ns->hook = 0;
}

void
hook_rename(struct worker *w, struct conn *c, struct netstream *ns,
    const struct ipc_rename *r)
{
	if (r->keylen == 0 || !netstream_set_key(w, ns, r->key, r->keylen))
		conn_close(w, c, REASON_INPUT_MEMORY);
}
