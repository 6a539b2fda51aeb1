#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/conf.h"

uint64_t
conf_magic(void)
{
	/* FNV-1a over names and offsets: another layout, another number */
	uint64_t h =
	    UINT64_C(0xcbf29ce484222325) ^ sizeof(struct conf) ^
	    sizeof(struct conf_vhost) << 20 ^ sizeof(struct conf_app) << 40 ^
	    sizeof(struct conf_route) << 52 ^ sizeof(struct conf_target) << 10;
	for (unsigned i = 0; i < conf_params_count; i++) {
		for (const char *s = conf_params[i].member; *s; s++)
			h = (h ^ (uint8_t)*s) * UINT64_C(0x100000001b3);
		h = (h ^ conf_params[i].offset) * UINT64_C(0x100000001b3);
	}
	return h;
}

/* The text of a table behind the head: where it will lie. */
static uint64_t
place(uint64_t *bytes, uint64_t n, size_t size)
{
	uint64_t at = *bytes;
	*bytes += (n * size + 7) / 8 * 8;
	return at;
}

static int
by_name(const void *pa, const void *pb)
{
	const struct conf_app *a = pa, *b = pb;
	if (a->vhost != b->vhost)
		return a->vhost < b->vhost ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* Applications by name, routes by virtual host, in file order. */
static void
sort(struct conf_parts *p)
{
	struct conf *h = &p->head;
	qsort(p->app, h->napps, sizeof *p->app, by_name);
	for (uint32_t i = 0; i < h->nvhosts; i++)
		p->vhost[i].napps = p->vhost[i].nroutes = 0;
	for (uint32_t i = h->napps; i-- > 0;) {
		struct conf_vhost *v = &p->vhost[p->app[i].vhost];
		v->first_app = i;
		v->napps++;
	}
	/* insertion keeps the order of the file */
	for (uint32_t i = 1; i < h->nroutes; i++)
		for (uint32_t k = i;
		     k > 0 && p->route[k].vhost < p->route[k - 1].vhost; k--) {
			struct conf_route r = p->route[k];
			p->route[k] = p->route[k - 1];
			p->route[k - 1] = r;
		}
	for (uint32_t i = h->nroutes; i-- > 0;) {
		struct conf_vhost *v = &p->vhost[p->route[i].vhost];
		v->first_route = i;
		v->nroutes++;
	}
}

static void *
at(const struct conf *c, uint64_t offset)
{
	return (void *)((uintptr_t)c + offset);
}

static void
fill(const struct conf *c, uint64_t offset, const void *from, uint64_t n,
    size_t size)
{
	if (n > 0)
		memcpy(at(c, offset), from, n * size);
}

struct conf *
conf_pack(struct conf_parts *p)
{
	struct conf *h = &p->head;
	uint64_t bytes = 0;
	sort(p);
	(void)place(&bytes, 1, sizeof *h);
	h->vhosts_at = place(&bytes, h->nvhosts, sizeof *p->vhost);
	h->apps_at = place(&bytes, h->napps, sizeof *p->app);
	h->aliases_at = place(&bytes, h->naliases, sizeof *p->alias);
	h->routes_at = place(&bytes, h->nroutes, sizeof *p->route);
	h->nets_at = place(&bytes, h->nallow + h->ndeny, sizeof *p->allow);
	h->targets_at = place(&bytes, h->ntargets, sizeof *p->target);
	h->magic = conf_magic();
	h->bytes = bytes;
	struct conf *c = calloc(1, bytes);
	if (c == NULL)
		return NULL;
	*c = *h;
	fill(c, h->vhosts_at, p->vhost, h->nvhosts, sizeof *p->vhost);
	fill(c, h->apps_at, p->app, h->napps, sizeof *p->app);
	fill(c, h->aliases_at, p->alias, h->naliases, sizeof *p->alias);
	fill(c, h->routes_at, p->route, h->nroutes, sizeof *p->route);
	fill(c, h->nets_at, p->allow, h->nallow, sizeof *p->allow);
	fill(c, h->nets_at + h->nallow * sizeof *p->allow, p->deny, h->ndeny,
	    sizeof *p->deny);
	fill(c, h->targets_at, p->target, h->ntargets, sizeof *p->target);
	return c;
}

struct conf *
conf_new(void)
{
	struct conf_vhost v = { .name = CONF_DEFAULT_VHOST };
	struct conf_app a = { 0 };
	struct conf_parts p = { .vhost = &v, .app = &a };
	p.head.nvhosts = p.head.napps = 1;
	conf_defaults(&p.head, CONF_SERVER);
	conf_defaults(&p.head, CONF_ADAPTOR);
	conf_defaults(&v, CONF_VHOST);
	conf_defaults(&a, CONF_APP);
	return conf_pack(&p);
}

struct conf_vhost *
conf_vhost(const struct conf *c, uint32_t i)
{
	return at(c, c->vhosts_at + i * sizeof(struct conf_vhost));
}

struct conf_app *
conf_app(const struct conf *c, uint32_t i)
{
	return at(c, c->apps_at + i * sizeof(struct conf_app));
}

const struct conf_alias *
conf_alias(const struct conf *c, uint32_t i)
{
	return at(c, c->aliases_at + i * sizeof(struct conf_alias));
}

const struct conf_route *
conf_route(const struct conf *c, uint32_t i)
{
	return at(c, c->routes_at + i * sizeof(struct conf_route));
}

const struct addr_net *
conf_net(const struct conf *c, uint32_t i)
{
	return at(c, c->nets_at + i * sizeof(struct addr_net));
}

const struct conf_target *
conf_target_at(const struct conf *c, uint32_t i)
{
	return at(c, c->targets_at + i * sizeof(struct conf_target));
}

static bool
same_host(const char *name, struct span s)
{
	return strlen(name) == s.len && strncasecmp(name, s.p, s.len) == 0;
}

const struct conf_vhost *
conf_find_vhost(const struct conf *c, struct span name)
{
	/* a name may end with the dot of the root */
	if (name.len > 1 && name.p[name.len - 1] == '.')
		name.len--;
	for (uint32_t i = 0; i < c->nvhosts; i++)
		if (same_host(conf_vhost(c, i)->name, name))
			return conf_vhost(c, i);
	for (uint32_t i = 0; i < c->naliases; i++)
		if (same_host(conf_alias(c, i)->name, name))
			return conf_vhost(c, conf_alias(c, i)->vhost);
	return NULL;
}

/* Order of a span and a name, as strcmp(). */
static int
compare(struct span s, const char *name)
{
	size_t n = strlen(name);
	int r = memcmp(s.p, name, s.len < n ? s.len : n);
	if (r != 0)
		return r;
	return (s.len > n) - (s.len < n);
}

struct span
conf_app_name(struct span app)
{
	size_t at = app.len;
	if (app.len == 0 || app.p[0] != '?')
		return app;
	while (at > 0 && app.p[at - 1] != '/')
		at--;
	return span_skip(app, at);
}

const struct conf_app *
conf_find_app(
    const struct conf *c, const struct conf_vhost *v, struct span name)
{
	uint32_t from = v->first_app + 1, to = v->first_app + v->napps;
	name = conf_app_name(name);
	while (from < to && name.len > 0) {
		uint32_t mid = from + (to - from) / 2;
		const struct conf_app *a = conf_app(c, mid);
		int r = compare(name, a->name);
		if (r == 0)
			return a;
		if (r < 0)
			to = mid;
		else
			from = mid + 1;
	}
	return v->listed ? NULL : conf_app(c, v->first_app);
}

static bool
within(const struct conf *c, uint32_t from, uint32_t n, const struct addr *a)
{
	for (uint32_t i = from; i < from + n; i++)
		if (addr_net_has(conf_net(c, i), a))
			return true;
	return false;
}

bool
conf_admits(const struct conf *c, const struct addr *a)
{
	bool allowed = within(c, 0, c->nallow, a);
	bool denied = within(c, c->nallow, c->ndeny, a);
	if (c->order == CONF_DENY_ALLOW)
		return allowed || !denied;
	return (allowed || c->nallow == 0) && !denied;
}

const struct conf_app *
conf_key_app(const struct conf *c, const char *key, size_t len)
{
	struct span s = { key, len };
	struct span vhost = span_head(s, span_find(s, '\0'));
	s = span_skip(s, vhost.len + 1);
	const struct conf_vhost *v = conf_find_vhost(c, vhost);
	if (v == NULL)
		v = conf_vhost(c, 0);
	const struct conf_app *a =
	    conf_find_app(c, v, span_head(s, span_find(s, '\0')));
	return a ? a : conf_app(c, v->first_app);
}

const char *
conf_hook(const struct conf_app *a, enum hook_event e)
{
	switch (e) {
	case HOOK_PUBLISH:
		return a->on_publish;
	case HOOK_PLAY:
		return a->on_play;
	case HOOK_PUBLISH_DONE:
		return a->on_publish_done;
	case HOOK_PLAY_DONE:
		return a->on_play_done;
	case HOOK_DISCONNECT:
		return a->on_disconnect;
	case HOOK_UPDATE:
		return a->on_update;
	case HOOK_CONNECT:
		return a->on_connect;
	case HOOK_EVENTS:
		break;
	}
	return "";
}

bool
conf_has_hooks(const struct conf_app *a)
{
	for (int e = 0; e < HOOK_EVENTS; e++)
		if (*conf_hook(a, (enum hook_event)e) != '\0')
			return true;
	return false;
}
