#include "config.h"

#include <string.h>

#include "rtmp/url.h"
#include "worker/guest.h"
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

/* Who is told of: at its own connection, or virtual. */
struct who {
	uint64_t id;
	uint32_t row;
	struct span prefix, args;
	const char *addr;
};

static bool
tell_client(
    struct worker *w, const struct who *who, const struct cmd_connect *cc)
{
	struct ipc_msg m = { .kind = IPC_CLIENT };
	struct ipc_client *to = &m.u.client;
	if (w->orphan || link_busy(w))
		return false;
	to->conn = who->id;
	to->row = who->row;
	to->keylen = copy(to->key, sizeof to->key, who->prefix);
	(void)copy(to->addr, sizeof to->addr - 1, span_of(who->addr));
	to->argslen = copy(to->args, sizeof to->args, who->args);
	to->urllen = copy(to->url, sizeof to->url, cc->tc_url);
	to->pagelen = copy(to->page, sizeof to->page, cc->page_url);
	to->swflen = copy(to->swf, sizeof to->swf, cc->swf_url);
	to->agentlen = copy(to->agent, sizeof to->agent, cc->flash_ver);
	link_send(w, &m);
	ipc_wipe(&m);
	return true;
}

bool
hook_client(struct worker *w, struct conn *c, const struct cmd_connect *cc,
    struct span args)
{
	struct session *s = session_of(w, c);
	struct who who = { c->id, c->index, { s->prefix, s->prefix_len }, args,
		c->row->addr };
	if (c->outbound || !conf_has_hooks(c->app))
		return true;
	s->hooked = tell_client(w, &who, cc);
	return s->hooked;
}

static void
tell(struct worker *w, uint64_t id, enum ipc_kind kind, uint64_t request,
    const struct conn *c)
{
	struct ipc_msg m = { .kind = kind, .request = request };
	if (link_busy(w))
		return;
	m.u.done.conn = id;
	m.u.done.bytes_in = c != NULL ? c->bytes_in : 0;
	m.u.done.bytes_out = c != NULL ? c->bytes_out : 0;
	link_send(w, &m);
}

/* Behind the question mark of app, or of tcUrl. */
static struct span
args_of(const struct cmd_connect *cc)
{
	struct url_app a;
	struct url_tc tc;
	url_split_app(cc->app, &a);
	if (a.query.len == 0 && url_split_tc(cc->tc_url, &tc))
		return tc.query;
	return a.query;
}

bool
hook_guest(struct worker *w, struct guest *g)
{
	struct cmd_connect cc;
	struct cmd cmd;
	if (g->tree == NULL || !conf_has_hooks(g->app))
		return true;
	if (cmd_parse(g->connect_type, (const uint8_t *)g->connect.p,
		g->connect.len, &cmd) != AMF0_OK ||
	    cmd_parse_connect(&cmd, &cc) != AMF0_OK)
		return false;
	struct who who = { g->id, w->conns->size + g->seat, g->prefix,
		args_of(&cc), g->addr };
	g->told = tell_client(w, &who, &cc);
	return g->told;
}

void
hook_guest_gone(struct worker *w, struct guest *g)
{
	if (g->told)
		tell(w, g->id, IPC_GONE, 0, NULL);
	g->told = false;
}

void
hook_gone(struct worker *w, struct conn *c)
{
	struct session *s = session_of(w, c);
	if (s->hooked)
		tell(w, c->id, IPC_GONE, 0, c);
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
		tell(w, c->id, IPC_DONE, ns->hook, c);
	ns->hook = 0;
}

void
hook_rename(struct worker *w, struct conn *c, struct netstream *ns,
    const struct ipc_rename *r)
{
	if (r->keylen == 0 || !netstream_set_key(w, ns, r->key, r->keylen))
		conn_close(w, c, REASON_INPUT_MEMORY);
}
