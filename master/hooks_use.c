/* Clients with callbacks, and what they publish and play: see hooks_own.h. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "master/hooks_own.h"
#include "master/master.h"
#include "shm/directory.h"

enum { SWEEP_MS = 5000, STEP_MS = 100 };

static struct hook_client **
chain(const struct master *m, uint64_t conn)
{
	uint64_t h = conn * UINT64_C(0x9e3779b97f4a7c15);
	return &m->hooks->clients[h >> 52];
}
_Static_assert(HOOKS_TABLE == 1 << 12, "12 bits of a hash");

struct hook_client *
hooks_client(const struct master *m, uint64_t conn)
{
	struct hook_client *c = *chain(m, conn);
	while (c != NULL && c->conn != conn)
		c = c->next;
	return c;
}

/* Facts. ------------------------------------------------------------------ */

static void
set(json_t *j, const char *name, struct span s)
{
	if (s.len > 0)
		json_object_set_new(j, name, log_text(s.p, s.len));
}

static void
set_number(json_t *j, const char *name, uint64_t n)
{
	if (n > 0)
		json_object_set_new(j, name, json_integer((json_int_t)n));
}

static void
set_key(json_t *j, const char *key, size_t len)
{
	static const char *const names[] = { "vhost", "app", "instance",
		"stream" };
	for (unsigned i = 0; i < 4; i++) {
		size_t n;
		const char *p = directory_key_part(key, len, i, &n);
		set(j, names[i], (struct span){ p, n });
	}
}

static void
set_client(json_t *j, const struct hook_client *c)
{
	set_number(j, "client", c->conn);
	set_key(j, c->key.p, c->key.len);
	set(j, "addr", c->addr);
	set(j, "connect_args", c->args);
	set(j, "tc_url", c->url);
	set(j, "page_url", c->page);
	set(j, "swf_url", c->swf);
	set(j, "flash_ver", c->agent);
	set_number(j, "bytes_in", c->bytes_in);
	set_number(j, "bytes_out", c->bytes_out);
	set_number(j, "epoch_ms", c->since_ns / NS_PER_MS);
}

json_t *
hooks_client_facts(const struct hook_client *c)
{
	json_t *j = json_object();
	set_client(j, c);
	return j;
}

json_t *
hooks_facts(const struct hook_client *c, const struct ipc_publish *p)
{
	json_t *j = json_object();
	if (c != NULL)
		set_client(j, c);
	set_number(j, "client", p->conn);
	set_key(j, p->key, p->keylen);
	set(j, "addr",
	    (struct span){ p->addr, strnlen(p->addr, sizeof p->addr) });
	set(j, "args", (struct span){ p->args, p->argslen });
	set(j, "type", span_of("live"));
	json_object_set_new(j, "start_ms", json_integer(p->start_ms));
	json_object_set_new(j, "length_ms", json_integer(p->length_ms));
	json_object_set_new(j, "reset", json_boolean(p->reset != 0));
	return j;
}

/* Time of the media that a stream has now. */
static uint32_t
timestamp_of(const struct master *m, const struct hook_use *u)
{
	uint32_t b;
	uint64_t gen;
	if (!directory_find(&m->arena, u->text, u->keylen, &b, &gen))
		return 0;
	unsigned slot = atomic_load_explicit(
	    &m->arena.control->block[b].owner, memory_order_relaxed);
	if (slot >= m->nslots)
		return 0;
	return atomic_load_explicit(
	    &arena_half(&m->arena, slot, b)->last_ts, memory_order_relaxed);
}

static json_t *
use_facts(const struct master *m, const struct hook_client *c,
    const struct hook_use *u, uint64_t now_ns)
{
	json_t *j = json_object();
	set_client(j, c);
	set_key(j, u->text, u->keylen);
	set(j, "args", (struct span){ u->text + u->keylen, u->argslen });
	json_object_set_new(j, "playing", json_boolean(u->playing));
	set_number(j, "seconds", (now_ns - u->begun_ns) / NS_PER_S);
	set_number(j, "timestamp_ms", timestamp_of(m, u));
	return j;
}

/* News. ------------------------------------------------------------------- */

static void
tell_done(
    struct master *m, const struct hook_client *c, const struct hook_use *u)
{
	enum hook_event e = u->playing ? HOOK_PLAY_DONE : HOOK_PUBLISH_DONE;
	if (*conf_hook(c->app, e) != '\0')
		hooks_news(m, c, e, use_facts(m, c, u, clock_now().ns));
}

static void
tell_gone(struct master *m, const struct hook_client *c)
{
	if (c->out || *conf_hook(c->app, HOOK_DISCONNECT) == '\0')
		return;
	json_t *j = hooks_client_facts(c);
	set_number(j, "seconds", (clock_now().ns - c->since_ns) / NS_PER_S);
	hooks_news(m, c, HOOK_DISCONNECT, j);
}

static void
tell_update(struct master *m, const struct hook_client *c,
    const struct hook_use *u, uint64_t now_ns)
{
	hooks_news(m, c, HOOK_UPDATE, use_facts(m, c, u, now_ns));
}

/* Uses. ------------------------------------------------------------------- */

/* What a row of its worker says; false: it is another's by now. */
static bool
look(const struct master *m, struct hook_client *c)
{
	if (c->row >= m->arena.nrows)
		return false;
	const struct client_row *r = arena_row(&m->arena, c->slot, c->row);
	uint64_t in = atomic_load_explicit(&r->bytes_in, memory_order_relaxed),
		 out =
		     atomic_load_explicit(&r->bytes_out, memory_order_relaxed);
	if (atomic_load_explicit(&r->id, memory_order_acquire) != c->conn ||
	    atomic_load_explicit(&r->role, memory_order_relaxed) == ROW_FREE)
		return false;
	c->bytes_in = in;
	c->bytes_out = out;
	return true;
}

/* In steps, so that many clients are looked at together. */
static uint64_t
next_update(const struct hook_client *c, uint64_t from_ns)
{
	uint64_t step = STEP_MS * NS_PER_MS,
		 at = from_ns + (uint64_t)c->app->hook_update_ms * NS_PER_MS;
	return (at + step - 1) / step * step;
}

void
hooks_begun(struct master *m, unsigned slot, uint64_t request, bool playing,
    const struct ipc_publish *p)
{
	struct hook_client *c = hooks_client(m, p->conn);
	if (!playing)
		hooks_relay_begin(m, slot, request, p);
	if (c == NULL || c->slot != slot || c->nuses >= HOOKS_USES)
		return;
	struct hook_use *u = malloc(sizeof *u + p->keylen + p->argslen);
	if (u == NULL)
		return;
	*u = (struct hook_use){ .next = c->uses,
		.request = request,
		.playing = playing,
		.begun_ns = clock_now().ns,
		.keylen = p->keylen,
		.argslen = p->argslen };
	memcpy(u->text, p->key, p->keylen);
	memcpy(u->text + p->keylen, p->args, p->argslen);
	if (c->app->on_update[0] != '\0') {
		u->update_ns = next_update(c, u->begun_ns);
		if (u->update_ns < m->hooks->update_ns)
			m->hooks->update_ns = u->update_ns;
	}
	c->uses = u;
	c->nuses++;
}

static void
end_first(struct master *m, struct hook_client *c, struct hook_use **at)
{
	struct hook_use *u = *at;
	*at = u->next;
	c->nuses--;
	tell_done(m, c, u);
	explicit_bzero(u->text, u->keylen + u->argslen);
	free(u);
}

static void
forget(struct master *m, struct hook_client *c)
{
	struct hook_client **p = chain(m, c->conn);
	hooks_cancel(m, c->conn, 0);
	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	m->hooks->nclients[c->slot]--;
	while (c->uses != NULL)
		end_first(m, c, &c->uses);
	tell_gone(m, c);
	explicit_bzero(c->text, c->len);
	free(c);
}

/* Messages. --------------------------------------------------------------- */

static struct span
keep(char **to, const char *from, size_t len)
{
	struct span s = { *to, len };
	if (len > 0)
		memcpy(*to, from, len);
	*to += len;
	return s;
}

/* vhost NUL app NUL instance */
static bool
prefix_sound(const char *key, size_t len)
{
	unsigned nuls = 0;
	for (size_t i = 0; i < len; i++)
		nuls += key[i] == '\0';
	return nuls == 2;
}

static int
on_client(struct master *m, unsigned slot, const struct ipc_client *from)
{
	size_t addr = strlen(from->addr);
	struct hook_client *c = hooks_client(m, from->conn);
	if (!prefix_sound(from->key, from->keylen) ||
	    from->row >= m->arena.nrows || (c != NULL && c->slot != slot))
		return -EPROTO;
	if (c != NULL)
		forget(m, c); /* it goes somewhere else with its next stream */
	/* some that are gone may not be swept yet */
	if (m->hooks->nclients[slot] >= 2 * m->arena.nrows)
		return 0; /* less is known of it */
	size_t len = from->keylen + addr + from->argslen + from->urllen +
		     from->pagelen + from->swflen + from->agentlen;
	c = calloc(1, sizeof *c + len);
	if (c == NULL)
		return 0; /* less is known of it */
	c->len = len;
	m->hooks->nclients[slot]++;
	char *p = c->text;
	c->conn = from->conn;
	c->slot = slot;
	c->incarnation = m->slot[slot].proc.incarnation;
	c->row = from->row;
	c->since_ns = clock_now().ns;
	c->key = keep(&p, from->key, from->keylen);
	c->addr = keep(&p, from->addr, addr);
	c->args = keep(&p, from->args, from->argslen);
	c->url = keep(&p, from->url, from->urllen);
	c->page = keep(&p, from->page, from->pagelen);
	c->swf = keep(&p, from->swf, from->swflen);
	c->agent = keep(&p, from->agent, from->agentlen);
	c->app = conf_key_app(m->conf, c->key.p, c->key.len);
	struct hook_client **at = chain(m, c->conn);
	c->next = *at;
	*at = c;
	return 0;
}

static void
on_done(struct master *m, struct hook_client *c, uint64_t request)
{
	for (struct hook_use **p = &c->uses; *p != NULL; p = &(*p)->next)
		if ((*p)->request == request) {
			end_first(m, c, p);
			return;
		}
	hooks_cancel(m, c->conn, request);
	hooks_relay_drop(m, c->slot, request);
}

int
hooks_message(struct master *m, unsigned slot, const struct ipc_msg *msg)
{
	if (msg->kind == IPC_CLIENT)
		return on_client(m, slot, &msg->u.client);
	const struct ipc_done *d = &msg->u.done;
	struct hook_client *c = hooks_client(m, d->conn);
	if (c != NULL && c->slot != slot)
		c = NULL;
	if (msg->kind == IPC_CONNECT)
		hooks_ask_connect(m, slot, msg, c);
	if (c == NULL || msg->kind == IPC_CONNECT)
		return 0;
	c->bytes_in = d->bytes_in;
	c->bytes_out = d->bytes_out;
	if (msg->kind == IPC_DONE)
		on_done(m, c, msg->request);
	else
		forget(m, c);
	return 0;
}

/* All clients. ------------------------------------------------------------ */

typedef bool client_fn(struct master *m, struct hook_client *c, uint64_t arg);

/* fn returns false: that client is gone. */
static void
each(struct master *m, client_fn *fn, uint64_t arg)
{
	for (unsigned i = 0; i < HOOKS_TABLE; i++) {
		struct hook_client *c = m->hooks->clients[i], *after;
		for (; c != NULL; c = after) {
			after = c->next;
			if (!fn(m, c, arg))
				forget(m, c);
		}
	}
}

static bool
lives_in_other(struct master *m, struct hook_client *c, uint64_t incarnation)
{
	(void)m;
	return c->incarnation != incarnation;
}

void
hooks_worker_died(struct master *m, unsigned slot, uint64_t incarnation)
{
	(void)slot;
	hooks_forget_worker(m, slot, incarnation);
	hooks_relay_forget(m, incarnation);
	each(m, lives_in_other, incarnation);
}

/* Its worker may have been too busy to say that it is gone. */
static bool
is_there(struct master *m, struct hook_client *c, uint64_t now_ns)
{
	return now_ns - c->since_ns < SWEEP_MS * NS_PER_MS || look(m, c);
}

static bool
update(struct master *m, struct hook_client *c, uint64_t now_ns)
{
	bool looked = false;
	for (struct hook_use *u = c->uses; u != NULL; u = u->next) {
		if (u->update_ns != 0 && now_ns >= u->update_ns) {
			if (!looked)
				(void)look(m, c);
			looked = true;
			tell_update(m, c, u, now_ns);
			u->update_ns = next_update(c, now_ns);
		}
		if (u->update_ns != 0 && u->update_ns < m->hooks->update_ns)
			m->hooks->update_ns = u->update_ns;
	}
	return true;
}

uint64_t
hooks_use_tick(struct master *m, uint64_t now_ns)
{
	struct hooks *h = m->hooks;
	if (!h->wanted)
		return UINT64_MAX;
	if (now_ns >= h->swept_ns + SWEEP_MS * NS_PER_MS) {
		h->swept_ns = now_ns;
		each(m, is_there, now_ns);
	}
	if (now_ns >= h->update_ns) {
		h->update_ns = UINT64_MAX;
		each(m, update, now_ns);
	}
	uint64_t sweep = h->swept_ns + SWEEP_MS * NS_PER_MS;
	return sweep < h->update_ns ? sweep : h->update_ns;
}

void
hooks_free_clients(struct master *m)
{
	for (unsigned i = 0; i < HOOKS_TABLE; i++)
		while (m->hooks->clients[i] != NULL) {
			struct hook_client *c = m->hooks->clients[i];
			m->hooks->clients[i] = c->next;
			while (c->uses != NULL) {
				struct hook_use *u = c->uses;
				c->uses = u->next;
				free(u);
			}
			free(c);
		}
}
