/* Proxy/RouteTable: see conf_reader.h. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "master/conf_reader.h"

static bool
read_protocol(struct conf_reader *r, const struct conf_element *e,
    enum route_protocol *protocol)
{
	struct span s = conf_trimmed(e->protocol);
	if (conf_is_word(s, "rtmp"))
		*protocol = ROUTE_RTMP;
	else if (conf_is_word(s, "rtmps"))
		conf_fault(r, e->line, e->path,
		    "expected protocol=\"rtmp\" or none (TLS is not in this "
		    "version)");
	else if (s.len > 0)
		conf_fault(r, e->line, e->path,
		    "expected protocol=\"rtmp\" or none, not \"%.*s\"",
		    s.len > 60 ? 60 : (int)s.len, s.p);
	return s.len > 0;
}

void
conf_route_table(struct conf_reader *r, const struct conf_element *e)
{
	struct span select = conf_trimmed(e->select);
	r->protocol = ROUTE_INCOMING;
	(void)read_protocol(r, e, &r->protocol);
	if (conf_is_word(select, "hash"))
		r->parts.vhost[r->vhost].routes_hashed = true;
	else if (select.len > 0)
		conf_fault(r, e->line, e->path,
		    "expected select=\"hash\" or none, not \"%.*s\"",
		    select.len > 60 ? 60 : (int)select.len, select.p);
}

/* Complain about entry i, the last of its table, if it is of no use. */
static void
judge_route(struct conf_reader *r, const struct conf_element *e)
{
	const struct conf_parts *p = &r->parts;
	char entry[ROUTE_TEXT];
	uint32_t from = p->head.nroutes, by = 0;
	while (from > 0 && p->route[from - 1].vhost == r->vhost)
		from--;
	const char *why =
	    route_useless(p->route + from, p->head.nroutes - 1 - from, &by);
	if (why == NULL)
		return;
	route_print(&p->route[p->head.nroutes - 1], entry);
	char element[128];
	snprintf(element, sizeof element, "RouteEntry %.110s", entry);
	conf_notice(r, LOG_LEVEL_WARNING, e->line, element, why);
}

void
conf_route_entry(struct conf_reader *r, const struct conf_element *e)
{
	struct conf_parts *p = &r->parts;
	struct conf_route route;
	char err[160];
	enum route_protocol protocol = r->protocol;
	(void)read_protocol(r, e, &protocol);
	if (conf_trimmed(e->text).len == 0)
		return;
	if (route_parse(e->text, &route, err, sizeof err) != 0) {
		struct span s = conf_trimmed(e->text);
		conf_fault(r, e->line, e->path, "expected %s, not \"%.*s\"",
		    err, s.len > 80 ? 80 : (int)s.len, s.p);
		return;
	}
	struct conf_route *t =
	    conf_grow(p->route, &p->head.nroutes, sizeof *t, CONF_ROUTES_MAX);
	if (t == NULL) {
		conf_fault(r, e->line, e->path,
		    "expected at most %d entries together", CONF_ROUTES_MAX);
		return;
	}
	p->route = t;
	route.vhost = r->vhost;
	route.line = (uint32_t)e->line;
	route.protocol = (uint8_t)protocol;
	t[p->head.nroutes - 1] = route;
	judge_route(r, e);
}

void
conf_check_routes(struct conf_reader *r)
{
	const struct conf_parts *p = &r->parts;
	for (uint32_t i = 0; i < p->head.nroutes; i++) {
		const struct conf_route *route = &p->route[i];
		const struct conf_vhost *v = &p->vhost[route->vhost];
		bool known = !v->anonymous || route->vhost == 0 ||
			     p->head.alt_vhost ||
			     strcmp(route->from, "*") == 0 ||
			     strcasecmp(route->from, v->name) == 0;
		for (uint32_t k = 0; !known && k < p->head.naliases; k++)
			known = p->alias[k].vhost == route->vhost &&
				strcasecmp(p->alias[k].name, route->from) == 0;
		char entry[ROUTE_TEXT], element[128];
		if (known)
			continue;
		route_print(route, entry);
		snprintf(element, sizeof element, "RouteEntry %.110s", entry);
		conf_late_notice(r, route->vhost, route->line, element,
		    "can never match: it names neither this virtual host nor "
		    "an alias of it");
	}
}
