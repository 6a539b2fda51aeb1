#include "config.h"

#include <stdio.h>
#include <string.h>

#include "common/hosts.h"
#include "common/log.h"
#include "common/reason.h"
#include "master/control.h"
#include "master/explain.h"
#include "master/master.h"
#include "master/pulls.h"
#include "rtmp/explicit.h"

enum { OTHERS_MAX = 20, TEXT = 320 };

/* A URL, and where it leads. */
struct journey {
	struct master *m;
	struct url_tc url;
	bool is_explicit;
	struct explicit_url u;
	struct span host; /* of the next server, as the client names it */
	uint16_t port;
	const struct conf_vhost *v;
	const char *by; /* how the virtual host was found */
	json_t *entries;
	unsigned ways, others;
	bool null;
};

static json_t *
text(struct span s)
{
	return log_text(s.p, s.len);
}

static void
find_vhost(struct journey *j)
{
	const struct conf *c = j->m->conf;
	struct span alt;
	j->v = NULL;
	if (url_query(j->url.query, "_fcs_vhost", &alt)) {
		if (c->alt_vhost)
			j->v = conf_find_vhost(c, alt);
		j->by = !c->alt_vhost  ? "default: _fcs_vhost is not taken, "
					 "EnableAltVhost is false"
			: j->v != NULL ? "_fcs_vhost"
				       : "default: _fcs_vhost names none";
		if (c->alt_vhost || j->v != NULL)
			goto found;
	}
	j->v = conf_find_vhost(c, j->url.host);
	if (j->v != NULL)
		j->by = url_same_host(span_of(j->v->name), j->url.host)
			    ? "name"
			    : "alias";
	else if (j->by == NULL)
		j->by = "default: no virtual host has that name";
found:
	if (j->v == NULL)
		j->v = conf_vhost(c, 0);
}

/* Where an entry leads for this URL: "host:port". */
static void
print_hop(
    const struct conf_route *r, const struct journey *j, char hop[IPC_HOP_MAX])
{
	struct route_hop h;
	if (route_match(r, 1, j->host, j->port, &h, 1) == 0 || h.null) {
		hop[0] = '\0';
		return;
	}
	bool v6 = memchr(h.host.p, ':', h.host.len) != NULL;
	snprintf(hop, IPC_HOP_MAX, v6 ? "[%.*s]:%u" : "%.*s:%u",
	    (int)(h.host.len < ROUTE_HOST ? h.host.len : ROUTE_HOST), h.host.p,
	    h.port);
}

/* Is it an address that we listen on?  Names are looked up by workers. */
static bool
is_ours(const struct journey *j, const char *hop)
{
	for (unsigned i = 0; i < j->m->listeners.naddrs; i++)
		if (strcmp(j->m->listeners.name[i], hop) == 0)
			return true;
	return false;
}

static const char *
why_not(const struct conf_route *r, const struct journey *j)
{
	if (r->from_port != 0 && r->from_port != j->port)
		return "no: another port";
	(void)j;
	return "no: another host";
}

/* Does ExplicitHosts, of an entry that names no host itself? */
static bool
refuses(const struct journey *j, const struct conf_route *r)
{
	return strcmp(r->from, "*") == 0 && strcmp(r->to, "*") == 0 &&
	       hosts_judge(j->v->explicit_hosts, j->host,
		   r->to_port ? r->to_port : j->port) == HOSTS_NO;
}

/* What becomes of an entry that matches. */
static void
judge(struct journey *j, const struct conf_route *r, const char *hop,
    char why[TEXT])
{
	const char *down = pulls_hop_down(j->m->pulls, hop);
	if (j->null)
		snprintf(why, TEXT, "matches, but an entry before it refuses");
	else if (r->null)
		snprintf(why, TEXT, "matches: refused");
	else if (r->protocol == ROUTE_RTMPS)
		snprintf(why, TEXT, "matches, but rtmps is not spoken here");
	else if (refuses(j, r))
		snprintf(why, TEXT,
		    "matches, but leaves the host to the client, and "
		    "ExplicitHosts does not have it");
	else if (is_ours(j, hop))
		snprintf(why, TEXT, "matches, skipped: it is this server");
	else if (down != NULL)
		snprintf(why, TEXT, "way %u, tried last: it is down (%.160s)",
		    ++j->ways, down);
	else
		snprintf(why, TEXT, "way %u", ++j->ways);
	j->null |= r->null;
}

static void
add_entry(struct journey *j, const struct conf_route *r)
{
	struct route_hop h;
	char entry[ROUTE_TEXT], hop[IPC_HOP_MAX], why[TEXT];
	bool match = route_match(r, 1, j->host, j->port, &h, 1) > 0;
	if (!match && ++j->others > OTHERS_MAX)
		return;
	route_print(r, entry);
	print_hop(r, j, hop);
	if (match)
		judge(j, r, hop, why);
	else
		snprintf(why, TEXT, "%s", why_not(r, j));
	json_array_append_new(j->entries,
	    json_pack("{s:i, s:s, s:o, s:b, s:s}", "line", (int)r->line,
		"entry", entry, "to", hop[0] ? json_string(hop) : json_null(),
		"matches", match, "why", why));
}

/* Does an entry lead to the server that was named? */
static bool
in_table(const struct journey *j)
{
	const struct conf_route *r = conf_route(j->m->conf, j->v->first_route);
	for (uint32_t i = 0; i < j->v->nroutes; i++)
		if (!r[i].null && r[i].to_port == j->port &&
		    url_same_host(span_of(r[i].to), j->host))
			return true;
	return false;
}

/* No entry matches: it goes to the server that was named, or not. */
static json_t *
named(const struct journey *j)
{
	const char *list = j->v->explicit_hosts;
	int n = (int)(j->host.len < ROUTE_HOST ? j->host.len : ROUTE_HOST);
	enum hosts_verdict v = hosts_judge(list, j->host, j->port);
	if (in_table(j))
		return json_sprintf("goes to %.*s:%u: an entry leads there", n,
		    j->host.p, j->port);
	if (v == HOSTS_YES)
		return json_sprintf("goes to %.*s:%u: ExplicitHosts allows it",
		    n, j->host.p, j->port);
	if (v == HOSTS_BY_ADDRESS)
		return json_sprintf("goes to %.*s:%u, if its address is %s", n,
		    j->host.p, j->port,
		    list[0] != '\0'
			? "one that ExplicitHosts allows"
			: "one of the Internet (there is no ExplicitHosts)");
	return json_sprintf("refused: %.*s:%u is not in ExplicitHosts: add it "
			    "there, in Vhost.xml",
	    n, j->host.p, j->port);
}

static json_t *
result(const struct journey *j)
{
	if (j->v->mode == CONF_MODE_LOCAL)
		return json_string(
		    j->is_explicit
			? "refused: an explicit URL, but this virtual host is "
			  "no edge; set Proxy/Mode to remote"
			: "served here: Proxy/Mode is local");
	if (j->ways > 0)
		return json_sprintf("fetched: %u way%s%s", j->ways,
		    j->ways > 1 ? "s" : "",
		    j->v->routes_hashed && j->ways > 1
			? ", each stream by an order of its own (select=hash)"
			: "");
	if (j->null)
		return json_string("refused by the route table");
	if (j->is_explicit && !j->v->anonymous)
		return named(j);
	return json_string(
	    j->v->anonymous
		? "refused: no entry of the route table leads anywhere; add "
		  "<RouteEntry>HOST:*;NEXT:1935</RouteEntry>"
		: "refused: plain URL on an explicit edge, and no entry "
		  "matches; set Anonymous to true and add a RouteEntry");
}

static struct span
app_of(const struct journey *j)
{
	return j->is_explicit ? j->u.app : j->url.app;
}

static const char *
app_is(const struct journey *j)
{
	const struct conf_app *a = conf_find_app(j->m->conf, j->v, app_of(j));
	if (app_of(j).len == 0)
		return "missing in the URL";
	if (a == NULL)
		return "unknown: it has no directory in AppsDir";
	if (a->faulty)
		return "refused: its Application.xml is wrong";
	return a->name[0] != '\0' ? "with settings of its own"
				  : "with the general settings";
}

json_t *
explain_url(struct master *m, const json_t *req)
{
	const char *url = json_string_value(json_object_get(req, "url"));
	struct journey j = { .m = m };
	if (url == NULL || !url_split_tc(span_of(url), &j.url) ||
	    j.url.host.len == 0)
		return control_refusal(
		    "url: expected rtmp://HOST[:PORT]/APP[/INSTANCE]");
	struct span rest;
	j.host = j.url.host;
	j.port = j.url.port != 0 ? j.url.port : ROUTE_PORT;
	j.is_explicit = explicit_find(span_of(url), span_of(""), &rest);
	if (j.is_explicit) {
		if (!explicit_parse(rest, &j.u) || j.u.host.len == 0)
			return control_refusal(
			    reason_text(REASON_EXPLICIT_INVALID));
		j.host = j.u.host;
		j.port = j.u.port;
	}
	j.entries = json_array();
	find_vhost(&j);
	for (uint32_t i = 0; j.v->mode == CONF_MODE_REMOTE && i < j.v->nroutes;
	     i++)
		add_entry(&j, conf_route(m->conf, j.v->first_route + i));
	return json_pack("{s:b, s:s, s:s, s:s, s:b, s:o, s:s, s:o, s:i, s:o}",
	    "ok", 1, "vhost", j.v->name, "vhost_by", j.by, "mode",
	    j.v->mode == CONF_MODE_REMOTE ? "remote" : "local", "anonymous",
	    j.v->anonymous != 0, "app", text(app_of(&j)), "app_is", app_is(&j),
	    "entries", j.entries, "not_shown",
	    j.others > OTHERS_MAX ? (int)(j.others - OTHERS_MAX) : 0, "result",
	    result(&j));
}
