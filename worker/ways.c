#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/hosts.h"
#include "common/siphash.h"
#include "rtmp/explicit.h"
#include "rtmp/url.h"
#include "shm/directory.h"
#include "worker/ways.h"

#define DEFAULT_INSTANCE "_definst_"

static const struct span none = { "", 0 };

static void
set_way(struct way *y, struct span host, uint16_t port, uint32_t line)
{
	bool v6 = memchr(host.p, ':', host.len) != NULL;
	int n = (int)(host.len < ROUTE_HOST - 1 ? host.len : ROUTE_HOST - 1);
	snprintf(y->host, sizeof y->host, "%.*s", n, host.p);
	snprintf(
	    y->hop, sizeof y->hop, v6 ? "[%s]:%u" : "%s:%u", y->host, port);
	y->port = port;
	y->line = line;
}

void
ways_direct(struct way *y, struct span host, uint16_t port)
{
	memset(y, 0, sizeof *y);
	set_way(y, host, port != 0 ? port : ROUTE_PORT, 0);
}

/* What the client asked for: host and port of tcUrl. */
static void
asked_for(const struct conf_vhost *v, struct span url, bool is_explicit,
    struct span *host, uint16_t *port)
{
	struct url_tc tc;
	if (is_explicit) {
		struct explicit_url u;
		explicit_parse(url, &u); /* of connect, where it was checked */
		*host = u.host;
		*port = u.port;
		return;
	}
	bool split = url_split_tc(url, &tc) && tc.host.len > 0;
	*host = split ? tc.host : span_of(v->name);
	*port = split && tc.port != 0 ? tc.port : ROUTE_PORT;
}

static bool
is_rtmps(struct span url)
{
	struct url_tc tc;
	return url_split_tc(url, &tc) &&
	       url_same_host(tc.scheme, span_of("rtmps"));
}

/* Does an entry of v's table lead to that server? */
static bool
in_table(const struct conf *conf, const struct conf_vhost *v, struct span host,
    uint16_t port)
{
	const struct conf_route *table = conf_route(conf, v->first_route);
	for (uint32_t i = 0; i < v->nroutes; i++)
		if (!table[i].null && table[i].to_port == port &&
		    url_same_host(span_of(table[i].to), host))
			return true;
	return false;
}

/* The server that the client has named itself. */
static unsigned
named(const struct conf *conf, const struct conf_vhost *v, struct span host,
    uint16_t port, struct way *y, enum reason *why)
{
	bool table = in_table(conf, v, host, port);
	*why = REASON_EXPLICIT_HOST;
	if (host.len == 0 || host.len >= ROUTE_HOST ||
	    (!table && hosts_judge(v->explicit_hosts, host, port) == HOSTS_NO))
		return 0;
	set_way(y, host, port, 0);
	y->judge = !table;
	y->group = 0;
	y->score = 0;
	return 1;
}

/* An entry that leads to whatever host the client says names none itself. */
static bool
by_client(const struct conf_route *r)
{
	return strcmp(r->from, "*") == 0 && strcmp(r->to, "*") == 0;
}

static bool
same_left(const struct conf_route *a, const struct conf_route *b)
{
	return strcasecmp(a->from, b->from) == 0 &&
	       a->from_port == b->from_port;
}

/* The first entry with the left side of entry i. */
static uint32_t
group_of(const struct conf_route *table, uint32_t i)
{
	uint32_t g = 0;
	while (!same_left(&table[g], &table[i]))
		g++;
	return g;
}

/* The same on all servers, so that a stream comes to all of them by one. */
static uint64_t
score_of(struct span stream, const char *hop)
{
	static const uint64_t seed[2] = { 0x736c75696365, 0x726f757465 };
	uint64_t of[2] = { siphash(seed, stream.p, stream.len),
		siphash(seed, hop, strlen(hop)) };
	return siphash(seed, of, sizeof of);
}

/* Within a group the highest score first; groups stay where they are. */
static void
order(struct way *ways, unsigned n)
{
	for (unsigned i = 1; i < n; i++) {
		struct way y = ways[i];
		unsigned at = i;
		for (; at > 0 && ways[at - 1].group == y.group &&
		       ways[at - 1].score < y.score;
		     at--)
			ways[at] = ways[at - 1];
		ways[at] = y;
	}
}

unsigned
ways_find(const struct conf *conf, const struct conf_vhost *v, struct span url,
    bool is_explicit, struct span stream, struct way ways[WAYS_MAX],
    enum reason *why)
{
	struct route_hop hop[WAYS_MAX];
	const struct conf_route *table = conf_route(conf, v->first_route);
	struct span host;
	uint16_t port;
	unsigned n = 0;
	asked_for(v, url, is_explicit, &host, &port);
	if (is_explicit && is_rtmps(url)) {
		*why = REASON_ROUTE_RTMPS;
		return 0;
	}
	uint32_t found =
	    route_match(table, v->nroutes, host, port, hop, WAYS_MAX);
	if (found == 0 && is_explicit && !v->anonymous)
		return named(conf, v, host, port, ways, why);
	*why = REASON_NO_ROUTE;
	for (uint32_t i = 0; i < found; i++) {
		bool judge = by_client(&table[hop[i].entry]);
		if (hop[i].null)
			*why = REASON_ROUTE_NULL;
		else if (hop[i].protocol == ROUTE_RTMPS)
			*why = REASON_ROUTE_RTMPS;
		else if (judge && hosts_judge(v->explicit_hosts, hop[i].host,
				      hop[i].port) == HOSTS_NO)
			*why = REASON_EXPLICIT_HOST;
		else {
			struct way *y = &ways[n++];
			set_way(y, hop[i].host, hop[i].port,
			    table[hop[i].entry].line);
			y->group = group_of(table, hop[i].entry);
			y->score = score_of(stream, y->hop);
			y->judge = judge;
		}
	}
	if (v->routes_hashed && stream.len > 0)
		order(ways, n);
	return n;
}

enum reason
ways_admit(const struct conf *conf, const struct conf_vhost *v, struct span url,
    bool is_explicit)
{
	struct way ways[WAYS_MAX];
	enum reason why;
	unsigned n = ways_find(conf, v, url, is_explicit, none, ways, &why);
	if (url.len > IPC_URL_MAX)
		return REASON_APP_INVALID;
	if (n > 0)
		return REASON_NONE;
	return why == REASON_NO_ROUTE && !v->anonymous ? REASON_PLAIN_URL : why;
}

unsigned
ways_judge(const struct conf_vhost *v, struct span host, uint16_t port,
    const struct addr *addrs, unsigned n, struct addr *good)
{
	unsigned k = 0;
	enum hosts_verdict verdict = hosts_judge(v->explicit_hosts, host, port);
	for (unsigned i = 0; i < n; i++)
		if (verdict == HOSTS_YES ||
		    (verdict == HOSTS_BY_ADDRESS &&
			hosts_has_addr(v->explicit_hosts, &addrs[i], port)))
			good[k++] = addrs[i];
	return k;
}

void
ways_app_name(const char *key, size_t keylen, char app_name[IPC_KEY_MAX])
{
	struct span app, inst;
	app.p = directory_key_part(key, keylen, 1, &app.len);
	inst.p = directory_key_part(key, keylen, 2, &inst.len);
	app = explicit_next_app(app);
	bool plain = span_is(inst, DEFAULT_INSTANCE);
	snprintf(app_name, IPC_KEY_MAX, "%.*s%s%.*s", (int)app.len, app.p,
	    plain ? "" : "/", plain ? 0 : (int)inst.len, inst.p);
}

void
ways_advise(struct span host, uint16_t port, char text[IPC_TEXT_MAX])
{
	bool v6 = memchr(host.p, ':', host.len) != NULL;
	snprintf(text, IPC_TEXT_MAX,
	    "this edge does not go to %s%.*s%s:%u: add it to "
	    "Proxy/ExplicitHosts in Vhost.xml",
	    v6 ? "[" : "", (int)(host.len < 60 ? host.len : 60), host.p,
	    v6 ? "]" : "", port);
}

/* Is it an address of this machine?  Only to such a one can be bound. */
static bool
is_local(const struct addr *a)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		/* without IPv6 */
		struct sockaddr_in in = { .sin_family = AF_INET };
		memcpy(&in.sin_addr, a->b + 12, 4);
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		bool r = fd >= 0 && addr_is_v4(a) &&
			 bind(fd, (struct sockaddr *)&in, sizeof in) == 0;
		if (fd >= 0)
			close(fd);
		return r;
	}
	memcpy(&in6.sin6_addr, a->b, 16); /* an IPv4 address is mapped */
	bool r = bind(fd, (struct sockaddr *)&in6, sizeof in6) == 0;
	close(fd);
	return r;
}

/* Does a listener of the configuration take connections to a? */
static bool
listens(const struct conf_listen *l, const struct addr *a)
{
	struct addr at;
	if (strcmp(l->host, "::") == 0 || strcmp(l->host, "0.0.0.0") == 0)
		return true;
	return addr_parse(l->host, strlen(l->host), &at) == 0 &&
	       addr_equal(&at, a);
}

bool
ways_ours(
    const struct worker *w, const struct addr *addrs, unsigned n, uint16_t port)
{
	for (uint32_t i = 0; i < w->conf->nlisten; i++) {
		const struct conf_listen *l = &w->conf->listen[i];
		if (l->port != port)
			continue;
		for (unsigned k = 0; k < n; k++)
			if (listens(l, &addrs[k]) && is_local(&addrs[k]))
				return true;
	}
	return false;
}
