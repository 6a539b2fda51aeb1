#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rtmp/explicit.h"
#include "rtmp/url.h"
#include "shm/directory.h"
#include "worker/named.h"
#include "worker/node.h"
#include "worker/pushes.h"

struct span
push_part(const struct push *p, unsigned i)
{
	return directory_part(p->key, p->keylen, i);
}

static void
free_name(struct push *p)
{
	if (p->name != NULL)
		explicit_bzero(p->name, p->leg.name.len);
	free(p->name);
	p->name = NULL;
	p->leg.name = (struct span){ "", 0 };
}

void
push_delete(struct worker *w, struct push *p)
{
	TAILQ_REMOVE(&w->pushes->all, p, next);
	w->pushes->n--;
	free_name(p);
	explicit_bzero(p->text, p->size - sizeof *p);
	free(p);
}

bool
push_set_key(struct push *p, struct span key)
{
	if (key.len > IPC_KEY_MAX)
		return false;
	p->keylen = (uint32_t)key.len;
	memcpy(p->key, key.p, key.len);
	return true;
}

bool
push_set_name(struct push *p, struct span name)
{
	char *copy = malloc(name.len + 1);
	if (copy == NULL)
		return false;
	free_name(p);
	if (name.len > 0)
		memcpy(copy, name.p, name.len);
	p->name = copy;
	p->leg.name = (struct span){ copy, name.len };
	return true;
}

void
push_set_via(struct worker *w, struct push *p, const struct push_spec *s)
{
	p->leg.via.p = p->via;
	p->leg.via.len = node_extend_via(w, s->via, p->via);
	p->leg.hops = (uint32_t)s->hops + 1;
}

/* url and args behind each other. */
static void
set_text(struct push *p, const struct push_spec *s)
{
	p->url = (struct span){ p->text, s->url.len };
	p->args = (struct span){ p->text + s->url.len, s->args.len };
	memcpy(p->text, s->url.p, s->url.len);
	if (s->args.len > 0)
		memcpy(p->text + s->url.len, s->args.p, s->args.len);
}

struct push *
push_new(struct worker *w, const struct push_spec *s)
{
	size_t size = sizeof(struct push) + s->url.len + s->args.len;
	struct push *p = calloc(1, size);
	if (p == NULL || !push_set_key(p, s->key) ||
	    !push_set_name(p, s->name)) {
		free(p);
		return NULL;
	}
	p->size = size;
	p->way = -1;
	p->direct = s->direct;
	p->keep = s->keep;
	p->secret = s->secret;
	p->lag_ms = s->lag_ms;
	if (s->client != NULL)
		snprintf(p->client, sizeof p->client, "%s", s->client);
	set_text(p, s);
	p->app = conf_key_app(w->conf, p->key, p->keylen);
	p->vhost = conf_vhost(w->conf, p->app->vhost);
	ways_app_name(p->key, p->keylen, p->key_app);
	p->app_name = span_of(p->key_app);
	p->leg = (struct leg){ .ops = &push_leg_ops,
		.publish = true,
		.connect = s->direct && s->name.len == 0,
		.mode = s->mode,
		.owner = p,
		.name = p->leg.name };
	push_set_via(w, p, s);
	TAILQ_INSERT_TAIL(&w->pushes->all, p, next);
	w->pushes->n++;
	return p;
}

/* The way of a direct one.  REASON_NONE, or why there is none. */
static enum reason
set_direct(struct push *p)
{
	struct url_tc u;
	if (!url_split_tc(p->url, &u) || u.host.len == 0 ||
	    u.host.len >= ROUTE_HOST || u.path.len == 0)
		return REASON_NO_ROUTE;
	if (!url_same_host(u.scheme, span_of("rtmp")))
		return REASON_ROUTE_RTMPS;
	ways_direct(&p->ways[0], u.host, u.port);
	p->nways = 1;
	p->app_name = u.path;
	return REASON_NONE;
}

void
push_named(struct worker *w, struct named *s)
{
	const struct push *p;
	TAILQ_FOREACH (p, &w->pushes->all, next)
		if (!p->direct)
			named_add(s, p->vhost, p->ways, p->nways);
}

/* Where an edge sends it. */
static enum reason
set_routes(struct worker *w, struct push *p)
{
	enum reason why = REASON_NONE;
	struct span key = { p->key, p->keylen };
	p->nways =
	    ways_find(w->conf, p->vhost, p->url, explicit_is(push_part(p, 1)),
		span_skip(key, push_part(p, 0).len + 1), p->ways, &why);
	if (p->nways == 0)
		return why;
	unsigned n = p->nways;
	p->nways = 0; /* it is not in use yet */
	if (!named_admit(w, p->vhost, p->ways, n))
		return REASON_EXPLICIT_LIMIT;
	p->nways = n;
	return REASON_NONE;
}

enum reason
push_set_ways(struct worker *w, struct push *p)
{
	return p->direct ? set_direct(p) : set_routes(w, p);
}
