#include "config.h"

#include <stdio.h>
#include <string.h>

#include "common/hosts.h"

enum { PORT_RTMP = 1935, PORT_RTMPS = 443 };

static const char blanks[] = " \t\r\n";

struct item {
	struct span host; /* without brackets and port */
	uint16_t port;	  /* 0: those of RTMP */
	bool any_port;
};

static bool
is_blank(char c)
{
	return c != '\0' && strchr(blanks, c) != NULL;
}

/* Names may end with the dot of the root. */
static struct span
without_dot(struct span s)
{
	if (s.len > 1 && s.p[s.len - 1] == '.')
		s.len--;
	return s;
}

/* The next item of *list, without blanks around it; false at the end. */
static bool
next_text(struct span *list, struct span *text)
{
	if (list->p == NULL)
		return false;
	*text = span_head(*list, span_find(*list, ','));
	if (text->len == list->len)
		*list = (struct span){ NULL, 0 };
	else
		*list = span_skip(*list, text->len + 1);
	while (text->len > 0 && is_blank(text->p[0]))
		*text = span_skip(*text, 1);
	while (text->len > 0 && is_blank(text->p[text->len - 1]))
		text->len--;
	return true;
}

static bool
read_port(struct span s, struct item *it)
{
	uint32_t v = 0;
	it->any_port = span_is(s, "*");
	if (it->any_port)
		return true;
	if (s.len == 0 || s.len > 5)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (uint32_t)(s.p[i] - '0');
	}
	it->port = (uint16_t)v;
	return v > 0 && v <= UINT16_MAX;
}

/* An IPv6 address needs brackets only when a port follows. */
static bool
read_item(struct span s, struct item *it)
{
	size_t colon = span_find(s, ':');
	*it = (struct item){ .host = s };
	if (s.len > 0 && s.p[0] == '[') {
		size_t close = span_find(s, ']');
		if (close == s.len)
			return false;
		it->host = span_head(span_skip(s, 1), close - 1);
		s = span_skip(s, close + 1);
		return s.len == 0 ||
		       (s.p[0] == ':' && read_port(span_skip(s, 1), it));
	}
	if (colon == s.len ||
	    span_find(span_skip(s, colon + 1), ':') < s.len - colon - 1)
		return s.len > 0; /* no port, or IPv6 */
	it->host = span_head(s, colon);
	return it->host.len > 0 && read_port(span_skip(s, colon + 1), it);
}

static bool
is_net(const struct item *it, struct addr_net *net)
{
	char err[8];
	return addr_net_parse(it->host.p, it->host.len, net, err, sizeof err) ==
	       0;
}

static bool
is_name(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = ascii_lower(s.p[i]);
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '-' && c != '.' && c != '_')
			return false;
	}
	return s.len > 0 && s.len < 254;
}

int
hosts_check(const char *list, char *err, size_t errlen)
{
	struct span left = span_of(list), text;
	struct addr_net net;
	struct item it;
	if (*list == '\0')
		return 0;
	while (next_text(&left, &text)) {
		bool ok = read_item(text, &it);
		bool numeric = ok && (span_find(it.host, '/') < it.host.len ||
					 span_find(it.host, ':') < it.host.len);
		if (ok && (numeric ? is_net(&it, &net)
				   : span_is(it.host, "*") || is_name(it.host)))
			continue;
		snprintf(err, errlen,
		    "expected host, .domain, network (192.0.2.0/24) or *, each "
		    "with "
		    ":port or :* if it is not 1935, with commas between; not "
		    "\"%.*s\"",
		    (int)(text.len < 60 ? text.len : 60), text.p);
		return -1;
	}
	return 0;
}

static bool
port_fits(const struct item *it, uint16_t port)
{
	if (it->any_port)
		return true;
	if (it->port != 0)
		return it->port == port;
	return port == PORT_RTMP || port == PORT_RTMPS;
}

/* host itself, or a name below .domain. */
static bool
names(const struct item *it, struct span host)
{
	struct span want = without_dot(it->host);
	if (want.len == 0 || want.p[0] != '.')
		return span_equal_case(want, host);
	return host.len > want.len &&
	       span_equal_case(span_skip(host, host.len - want.len), want);
}

/*
 * 127.1, 010.0.0.1, 2130706433, 0x7f000001: inet_aton(3) reads an address there, and
 * some resolvers do.  No name of the Internet ends like that (RFC 3696, 2).
 */
static bool
ends_in_number(struct span host)
{
	size_t at = host.len;
	while (at > 0 && host.p[at - 1] != '.')
		at--;
	host = span_skip(host, at);
	if (host.len > 1 && host.p[0] == '0' && ascii_lower(host.p[1]) == 'x')
		return true;
	for (size_t i = 0; i < host.len; i++)
		if (host.p[i] < '0' || host.p[i] > '9')
			return false;
	return true;
}

enum hosts_verdict
hosts_judge(const char *list, struct span host, uint16_t port)
{
	struct span left = span_of(*list != '\0' ? list : "*"), text;
	enum hosts_verdict v = HOSTS_NO;
	struct addr a;
	struct item it;
	if (addr_parse(host.p, host.len, &a) == 0)
		return hosts_has_addr(list, &a, port) ? HOSTS_YES : HOSTS_NO;
	host = without_dot(host);
	while (next_text(&left, &text)) {
		struct addr_net net;
		if (!read_item(text, &it) || !port_fits(&it, port))
			continue;
		if (span_is(it.host, "*") || is_net(&it, &net))
			v = HOSTS_BY_ADDRESS;
		else if (names(&it, host))
			return HOSTS_YES;
	}
	return ends_in_number(host) ? HOSTS_NO : v;
}

bool
hosts_has_addr(const char *list, const struct addr *a, uint16_t port)
{
	struct span left = span_of(*list != '\0' ? list : "*"), text;
	struct item it;
	while (next_text(&left, &text)) {
		struct addr_net net;
		if (!read_item(text, &it) || !port_fits(&it, port))
			continue;
		if (span_is(it.host, "*")
			? addr_is_public(a)
			: is_net(&it, &net) && addr_net_has(&net, a))
			return true;
	}
	return false;
}

/* Special addresses ------------------------------------------------------- */

/* IANA IPv4 Special-Purpose Address Registry, and multicast (RFC 5771). */
static const char *const special_v4[] = { "0.0.0.0/8", "10.0.0.0/8",
	"100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
	"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
	"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
	"240.0.0.0/4" };

/* Of 2000::/3, the rest of IPv6 is no address of the Internet. */
static const char *const special_v6[] = { "2001::/23", "2001:db8::/32",
	"3fff::/20" };

static bool
in_any(const struct addr *a, const char *const *nets, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct addr_net net;
		char err[8];
		if (addr_net_parse(
			nets[i], strlen(nets[i]), &net, err, sizeof err) != 0 ||
		    addr_net_has(&net, a))
			return true;
	}
	return false;
}

static bool
v4_is_public(const uint8_t b[4])
{
	struct addr a = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff } };
	memcpy(a.b + 12, b, 4);
	return !in_any(&a, special_v4, sizeof special_v4 / sizeof *special_v4);
}

bool
addr_is_public(const struct addr *a)
{
	static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
	if (addr_is_v4(a))
		return v4_is_public(a->b + 12);
	if (memcmp(a->b, nat64, sizeof nat64) == 0) /* RFC 6052 */
		return v4_is_public(a->b + 12);
	if (a->b[0] == 0x20 && a->b[1] == 0x02) /* 6to4, RFC 3056 */
		return v4_is_public(a->b + 2);
	return (a->b[0] & 0xe0) == 0x20 &&
	       !in_any(a, special_v6, sizeof special_v6 / sizeof *special_v6);
}
