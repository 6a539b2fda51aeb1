#include "config.h"

#include <string.h>

#include "worker/entrance.h"
#include "worker/query.h"
#include "worker/session.h"
#include "worker/ways.h"

#define DEFAULT_INSTANCE "_definst_"

bool
entrance_name_ok(struct span s, size_t max)
{
	if (s.len == 0 || s.len > max)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if ((uint8_t)s.p[i] < 32 || s.p[i] == 127)
			return false;
	return true;
}

/* Put vhost, app and instance together; false if they are not allowed. */
static bool
set_prefix(struct entrance *e, struct span app, struct span inst)
{
	struct span vhost = span_of(e->vhost->name);
	struct writer wr;
	if (inst.len == 0 || url_same_host(inst, span_of(DEFAULT_INSTANCE)))
		inst = span_of(DEFAULT_INSTANCE);
	size_t max = explicit_is(app) ? IPC_KEY_MAX : SESSION_APP_MAX;
	if (!entrance_name_ok(app, max) ||
	    !entrance_name_ok(inst, SESSION_APP_MAX) ||
	    vhost.len + app.len + inst.len + 4 > IPC_KEY_MAX)
		return false;
	writer_init(&wr, e->prefix, sizeof e->prefix);
	writer_span(&wr, vhost);
	writer_u8(&wr, 0);
	writer_span(&wr, app);
	writer_u8(&wr, 0);
	writer_span(&wr, inst);
	e->prefix_len = (uint32_t)wr.len;
	return writer_ok(&wr);
}

/* The keys that a client shows with connect.  False: too many of them. */
static bool
keep_query(struct entrance *e)
{
	size_t len = 0;
	bool ok = query_keep(e->at.query, e->query, sizeof e->query, &len);
	e->query_len = (uint32_t)len;
	return ok;
}

/*
 * The virtual host that the client names, and the application: app as sent, or
 * the one of tcUrl when it is missing.
 */
static const struct conf_vhost *
find_vhost(
    const struct conf *conf, const struct cmd_connect *cc, struct url_app *a)
{
	struct url_tc tc = { 0 };
	struct span alt;
	const struct conf_vhost *v = NULL;
	bool split = url_split_tc(cc->tc_url, &tc);
	url_split_app(cc->app, a);
	if (split && a->query.len == 0)
		a->query = tc.query;
	if (split && a->app.len == 0) {
		a->app = tc.app;
		a->instance = tc.instance;
	}
	if (conf->alt_vhost && url_query(a->query, "_fcs_vhost", &alt))
		v = conf_find_vhost(conf, alt);
	else if (split)
		v = conf_find_vhost(conf, tc.host);
	return v ? v : conf_vhost(conf, 0);
}

/* The client has named servers behind this one. */
static enum reason
read_explicit(struct entrance *e, struct span rest, struct explicit_url *u)
{
	struct writer wr;
	writer_init(&wr, e->normal, sizeof e->normal);
	e->is_explicit = true;
	if (rest.len > IPC_URL_MAX || !explicit_parse(rest, u) ||
	    !explicit_normal(u, &wr))
		return REASON_EXPLICIT_INVALID;
	e->at = (struct url_app){ .app = { e->normal, wr.len },
		.instance = u->instance,
		.query = u->query };
	return REASON_NONE;
}

/* What is asked of an edge goes on with the tcUrl of the client. */
static enum reason
admit_edge(
    const struct conf *conf, struct entrance *e, const struct explicit_url *u)
{
	/* without a host it is known when a stream is asked for */
	bool known = !e->is_explicit || u->host.len > 0;
	enum reason why =
	    known ? ways_admit(conf, e->vhost, e->url, e->is_explicit)
		  : REASON_NONE;
	if (why == REASON_EXPLICIT_HOST && e->is_explicit)
		ways_advise(u->host, u->port, e->words);
	return why;
}

enum reason
entrance_find(
    const struct conf *conf, const struct cmd_connect *cc, struct entrance *e)
{
	struct explicit_url u = { 0 };
	struct span rest;
	memset(e, 0, sizeof *e);
	e->vhost = find_vhost(conf, cc, &e->at);
	e->app = conf_app(conf, e->vhost->first_app);
	e->url = cc->tc_url;
	bool edge = e->vhost->mode == CONF_MODE_REMOTE;
	if (explicit_find(cc->tc_url, cc->app, &rest)) {
		enum reason why = read_explicit(e, rest, &u);
		if (!edge)
			return REASON_EXPLICIT_LOCAL;
		if (why != REASON_NONE)
			return why;
		e->url = rest;
		e->partial = u.partial;
	}
	if (!set_prefix(e, e->at.app, e->at.instance) || !keep_query(e))
		return REASON_APP_INVALID;
	const struct conf_app *app =
	    e->partial ? e->app : conf_find_app(conf, e->vhost, e->at.app);
	if (app == NULL)
		return REASON_APP_UNKNOWN;
	if (app->faulty)
		return REASON_APP_FAULTY;
	e->app = app;
	return edge ? admit_edge(conf, e, &u) : REASON_NONE;
}

enum reason
entrance_bind(const struct conf *conf, const struct conf_vhost *v,
    const struct explicit_url *u, struct entrance *e)
{
	struct writer wr;
	memset(e, 0, sizeof *e);
	e->vhost = v;
	e->url = u->rest;
	e->is_explicit = true;
	e->app = conf_find_app(conf, v, u->app);
	writer_init(&wr, e->normal, sizeof e->normal);
	if (!explicit_normal(u, &wr) || u->rest.len > IPC_URL_MAX)
		return REASON_EXPLICIT_INVALID;
	if (e->app == NULL || e->app->faulty)
		return e->app == NULL ? REASON_APP_UNKNOWN : REASON_APP_FAULTY;
	enum reason why = admit_edge(conf, e, u);
	if (why != REASON_NONE)
		return why;
	return set_prefix(e, (struct span){ e->normal, wr.len }, u->instance)
		   ? REASON_NONE
		   : REASON_APP_INVALID;
}
