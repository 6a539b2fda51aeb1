/* Elements that are no parameters, but make lists: see conf_reader.h. */
#include "config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/bug.h"
#include "common/cursor.h"
#include "master/conf_reader.h"
#include "master/hostport.h"

struct span
conf_trimmed(const char *text)
{
	return span_trim(span_of(text));
}

bool
conf_is_word(struct span s, const char *word)
{
	return s.len == strlen(word) && strncasecmp(s.p, word, s.len) == 0;
}

static void
host_port(struct conf_reader *r, const struct conf_element *e)
{
	char err[160];
	struct conf *c = &r->parts.head;
	if (conf_trimmed(e->text).len == 0)
		return;
	int tls = hostport_parse(
	    e->text, e->line, c->listen, &c->nlisten, err, sizeof err);
	if (tls < 0)
		conf_fault(r, e->line, "HostPort", "expected %s, not \"%.60s\"",
		    err, e->text);
	if (tls > 0)
		conf_notice(r, LOG_LEVEL_WARNING, e->line, e->path,
		    "TLS is not in this version; its ports (-443) are not "
		    "opened");
	if (tls > 0 && c->nlisten == 0)
		conf_fault(r, e->line, "HostPort",
		    "expected a port without TLS as well (TLS is not in this "
		    "version)");
}

/* Allow, Deny. ------------------------------------------------------------ */

/* "10.60" or "10.60.": the beginning of an IPv4 address. */
static bool
partial(struct span s, struct addr_net *net)
{
	char text[INET_ADDRSTRLEN + 1];
	unsigned dots = 0;
	size_t n = 0;
	if (s.len > 0 && s.p[s.len - 1] == '.')
		s.len--;
	if (s.len == 0 || s.len > 11)
		return false;
	for (; n < s.len; n++) {
		text[n] = s.p[n];
		dots += s.p[n] == '.';
		if (s.p[n] != '.' && !isdigit((unsigned char)s.p[n]))
			return false;
	}
	if (dots > 2)
		return false;
	for (unsigned i = dots; i < 3; i++, n += 2)
		memcpy(text + n, ".0", 2);
	if (addr_parse(text, n, &net->base) != 0)
		return false;
	net->bits = (uint8_t)(96 + 8 * (dots + 1));
	return true;
}

static void
add_net(struct conf_reader *r, const struct conf_element *e, bool allow,
    const struct addr_net *net)
{
	struct conf_parts *p = &r->parts;
	struct addr_net **list = allow ? &p->allow : &p->deny;
	uint32_t *n = allow ? &p->head.nallow : &p->head.ndeny;
	struct addr_net *array =
	    conf_grow(*list, n, sizeof *array, CONF_NETS_MAX);
	if (array == NULL) {
		conf_fault(r, e->line, e->path, "expected at most %d networks",
		    CONF_NETS_MAX);
		return;
	}
	*list = array;
	array[*n - 1] = *net;
}

static void
net_item(struct conf_reader *r, const struct conf_element *e, bool allow,
    struct span s)
{
	struct addr_net net = { 0 };
	char err[160];
	if (conf_is_word(s, "all")) {
		add_net(r, e, allow, &net);
	} else if (conf_is_word(s, "localhost")) {
		(void)addr_net_parse("127.0.0.0/8", 11, &net, err, sizeof err);
		add_net(r, e, allow, &net);
		(void)addr_net_parse("::1", 3, &net, err, sizeof err);
		add_net(r, e, allow, &net);
	} else if (partial(s, &net) ||
		   addr_net_parse(s.p, s.len, &net, err, sizeof err) == 0) {
		add_net(r, e, allow, &net);
	} else {
		conf_fault(r, e->line, e->path,
		    "expected all, localhost, or addresses as 192.0.2.7, "
		    "192.0.2, 192.0.2.0/24, 2001:db8::/32 with commas between "
		    "(not names: whoever owns an address can claim any), not "
		    "\"%.*s\"",
		    s.len > 60 ? 60 : (int)s.len, s.p);
	}
}

static void
nets(struct conf_reader *r, const struct conf_element *e, bool allow)
{
	const char *text = e->text;
	while (*text) {
		char item[CONF_TEXT];
		size_t n = strcspn(text, ",");
		memcpy(item, text, n);
		item[n] = '\0';
		if (conf_trimmed(item).len > 0)
			net_item(r, e, allow, conf_trimmed(item));
		text += n + (text[n] == ',');
	}
}

static void
allow(struct conf_reader *r, const struct conf_element *e)
{
	nets(r, e, true);
}

static void
deny(struct conf_reader *r, const struct conf_element *e)
{
	nets(r, e, false);
}

/* Virtual hosts. ---------------------------------------------------------- */

/* The first that has a name keeps it: is the last one the second? */
static void
judge_alias(struct conf_reader *r, int line)
{
	const struct conf_parts *p = &r->parts;
	const struct conf_alias *a = &p->alias[p->head.naliases - 1];
	char element[CONF_NAME], words[128];
	for (const struct conf_alias *b = p->alias; b < a; b++) {
		if (strcasecmp(b->name, a->name) != 0 || b->vhost == a->vhost)
			continue;
		snprintf(element, sizeof element, "Alias %.100s", a->name);
		snprintf(words, sizeof words,
		    "never used: %.60s has this alias already, take one away",
		    p->vhost[b->vhost].name);
		conf_notice(r, LOG_LEVEL_WARNING, line, element, words);
		return;
	}
}

/* The name is an attribute; older trees have it, in full, as text. */
static void
add_alias(struct conf_reader *r, const struct conf_element *e, struct span name)
{
	struct conf_parts *p = &r->parts;
	char text[CONF_NAME];
	if (name.len == 0)
		return;
	snprintf(text, sizeof text, "%.*s",
	    name.len < CONF_NAME ? (int)name.len : 0, name.p);
	if (!conf_name_ok(text)) {
		conf_fault(r, e->line, e->path,
		    "expected a host name below %d bytes, not \"%.*s\"",
		    CONF_NAME, name.len > 60 ? 60 : (int)name.len, name.p);
		return;
	}
	struct conf_alias *a =
	    conf_grow(p->alias, &p->head.naliases, sizeof *a, CONF_ALIASES_MAX);
	if (a == NULL) {
		conf_fault(r, e->line, e->path,
		    "expected at most %d aliases together", CONF_ALIASES_MAX);
		return;
	}
	p->alias = a;
	a += p->head.naliases - 1;
	memcpy(a->name, text, sizeof a->name);
	a->vhost = r->vhost;
	a->line = (uint32_t)e->line;
	judge_alias(r, e->line);
}

static void
alias(struct conf_reader *r, const struct conf_element *e)
{
	struct span name = conf_trimmed(e->name), text = conf_trimmed(e->text);
	add_alias(r, e, name);
	if (text.len != name.len || memcmp(text.p, name.p, text.len) != 0)
		add_alias(r, e, text);
}

void
conf_late_notice(struct conf_reader *r, uint32_t vhost, uint32_t line,
    const char *element, const char *text)
{
	char path[CONF_PATH];
	const char *file = r->file;
	if (!r->one_file) {
		conf_vhost_path(r, vhost, "Vhost.xml", path);
		r->file = path;
	}
	conf_notice(r, LOG_LEVEL_WARNING, (int)line, element, text);
	r->file = file;
}

static void
late_alias(struct conf_reader *r, const struct conf_alias *a)
{
	char element[CONF_NAME];
	snprintf(element, sizeof element, "Alias %.100s", a->name);
	conf_late_notice(r, a->vhost, a->line, element,
	    "never used as an alias: a virtual host has this name");
}

/* The aliases that are names of virtual hosts. */
static void
check_aliases(struct conf_reader *r)
{
	const struct conf_parts *p = &r->parts;
	for (uint32_t i = 0; i < p->head.naliases; i++)
		for (uint32_t k = 0; k < p->head.nvhosts; k++)
			if (p->alias[i].vhost != k &&
			    strcasecmp(p->alias[i].name, p->vhost[k].name) == 0)
				late_alias(r, &p->alias[i]);
}

/* An edge of which clients say where it goes, and nobody where it may. */
static void
check_explicit(struct conf_reader *r)
{
	const struct conf_parts *p = &r->parts;
	for (uint32_t i = 0; i < p->head.nvhosts && r->report->faults == 0; i++)
		if (p->vhost[i].mode == CONF_MODE_REMOTE &&
		    !p->vhost[i].anonymous &&
		    p->vhost[i].explicit_hosts[0] == '\0')
			conf_late_notice(r, i, 0, "Proxy/ExplicitHosts",
			    "not given: clients may send this edge to any "
			    "address of the Internet, port 1935; name those "
			    "that it is for");
}

static void
cache_dir(struct conf_reader *r, const struct conf_element *e)
{
	bool on = conf_is_word(conf_trimmed(e->enabled), "true");
	conf_notice(r, on ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE, e->line,
	    e->path,
	    on ? "recorded content is not in this version, nothing is cached "
		 "on disk"
	       : "has no meaning here, ignored");
}

/* The table. -------------------------------------------------------------- */

#define TARGET "Republish/Target"

static const struct {
	enum conf_file kind;
	bool container;
	const char *path;
	void (*take)(struct conf_reader *r, const struct conf_element *e);
} elements[] = {
	{ CONF_ADAPTOR, false, "HostPortList/HostPort", host_port },
	{ CONF_ADAPTOR, false, "Allow", allow },
	{ CONF_ADAPTOR, false, "Deny", deny },
	{ CONF_VHOST, false, "AliasList/Alias", alias },
	{ CONF_VHOST, true, "Proxy/RouteTable", conf_route_table },
	{ CONF_VHOST, false, "Proxy/RouteTable/RouteEntry", conf_route_entry },
	{ CONF_VHOST, false, "Proxy/CacheDir", cache_dir },
	{ CONF_APP, false, TARGET, conf_target },
};
enum { NELEMENTS = sizeof elements / sizeof *elements };

const char *
conf_element_path(unsigned i, enum conf_file *kind)
{
	if (i >= NELEMENTS)
		return NULL;
	*kind = elements[i].kind;
	return elements[i].path;
}

int
conf_element_find(enum conf_file kind, const char *path)
{
	for (int i = 0; i < NELEMENTS; i++)
		if (elements[i].kind == kind &&
		    strcmp(elements[i].path, path) == 0)
			return i;
	return -1;
}

bool
conf_element_is_container(unsigned i)
{
	return elements[i].container;
}

bool
conf_element_is_later(unsigned i)
{
	return strcmp(elements[i].path, TARGET) == 0;
}

void
conf_element_take(
    struct conf_reader *r, unsigned i, const struct conf_element *e)
{
	elements[i].take(r, e);
}

void
conf_element_check(struct conf_reader *r)
{
	check_aliases(r);
	check_explicit(r);
	conf_check_routes(r);
}
