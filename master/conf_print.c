/* The canonical form of a configuration: see conf_xml.h. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "common/bug.h"
#include "master/conf_xml.h"
#include "master/hostport.h"

enum { DEPTH_MAX = 8 };

/* Elements that are open: names point into paths of conf_params. */
struct printer {
	FILE *out;
	unsigned depth;
	struct {
		const char *name;
		size_t len;
	} open[DEPTH_MAX];
};

static void
indent(const struct printer *p)
{
	for (unsigned i = 0; i < p->depth + 1; i++)
		fputc('\t', p->out);
}

static void
push(struct printer *p, const char *name, size_t len)
{
	bug_on(p->depth >= DEPTH_MAX);
	indent(p);
	fprintf(p->out, "<%.*s>\n", (int)len, name);
	p->open[p->depth].name = name;
	p->open[p->depth++].len = len;
}

static void
pop(struct printer *p)
{
	p->depth--;
	indent(p);
	fprintf(p->out, "</%.*s>\n", (int)p->open[p->depth].len,
	    p->open[p->depth].name);
}

static void
text(FILE *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '&')
			fputs("&amp;", out);
		else if (*s == '<')
			fputs("&lt;", out);
		else if (*s == '>')
			fputs("&gt;", out);
		else if (*s == '"')
			fputs("&quot;", out);
		else
			fputc(*s, out);
	}
}

/* Close and open containers until those of path are open, from level base. */
static const char *
enter(struct printer *p, unsigned base, const char *path)
{
	unsigned level = base;
	const char *slash;
	for (; (slash = strchr(path, '/')); path = slash + 1, level++) {
		size_t len = (size_t)(slash - path);
		if (level < p->depth && p->open[level].len == len &&
		    memcmp(p->open[level].name, path, len) == 0)
			continue;
		while (p->depth > level)
			pop(p);
		push(p, path, len);
	}
	while (p->depth > level)
		pop(p);
	return path;
}

static void
listeners(struct printer *p, const struct conf *c)
{
	char buf[HOSTPORT_TEXT];
	push(p, "HostPortList", strlen("HostPortList"));
	for (uint32_t i = 0; i < c->nlisten; i++) {
		const struct conf_listen *l = &c->listen[i];
		indent(p);
		if (l->implicit && i + 1 < c->nlisten) {
			fprintf(p->out, "<HostPort>:%u</HostPort>\n",
			    (unsigned)l->port);
			i++; /* its IPv4 half */
			continue;
		}
		fprintf(
		    p->out, "<HostPort>%s</HostPort>\n", hostport_text(l, buf));
	}
	pop(p);
}

/* One line, as long as the list is. */
static void
nets(struct printer *p, const struct conf *c, const char *name, uint32_t from,
    uint32_t n)
{
	char buf[ADDR_NET_TEXT];
	indent(p);
	fprintf(p->out, "<%s>", name);
	for (uint32_t i = 0; i < n; i++) {
		const struct addr_net *net = conf_net(c, from + i);
		addr_net_print(net, buf);
		fprintf(p->out, "%s%s", i ? "," : "", net->bits ? buf : "all");
	}
	fprintf(p->out, "</%s>\n", name);
}

static void
params(struct printer *p, const void *of, enum conf_file file)
{
	unsigned base = p->depth;
	char buf[CONF_STRING];
	for (unsigned i = 0; i < conf_params_count; i++) {
		const struct conf_param *row = &conf_params[i];
		if (row->file != file)
			continue;
		const char *name = enter(p, base, row->path);
		conf_print(of, row, buf, sizeof buf);
		indent(p);
		fprintf(p->out, "<%s>", name);
		text(p->out, buf);
		fprintf(p->out, "</%s>\n", name);
	}
	while (p->depth > base)
		pop(p);
}

static void
aliases(struct printer *p, const struct conf *c, uint32_t vhost)
{
	bool any = false;
	for (uint32_t i = 0; i < c->naliases; i++) {
		const struct conf_alias *a = conf_alias(c, i);
		if (a->vhost != vhost)
			continue;
		if (!any)
			push(p, "AliasList", strlen("AliasList"));
		any = true;
		indent(p);
		fputs("<Alias name=\"", p->out);
		text(p->out, a->name);
		fputs("\"></Alias>\n", p->out);
	}
	if (any)
		pop(p);
}

static void
routes(struct printer *p, const struct conf *c, const struct conf_vhost *v)
{
	static const char *const protocol[] = { "", " protocol=\"rtmp\"",
		" protocol=\"rtmps\"" };
	char buf[ROUTE_TEXT];
	if (v->nroutes == 0 && !v->routes_hashed)
		return;
	push(p, "Proxy", strlen("Proxy"));
	indent(p);
	fprintf(p->out, "<RouteTable%s>\n",
	    v->routes_hashed ? " select=\"hash\"" : "");
	for (uint32_t i = 0; i < v->nroutes; i++) {
		const struct conf_route *r = conf_route(c, v->first_route + i);
		route_print(r, buf);
		indent(p);
		fprintf(p->out, "\t<RouteEntry%s>%s</RouteEntry>\n",
		    protocol[r->protocol], buf);
	}
	indent(p);
	fputs("</RouteTable>\n", p->out);
	pop(p);
}

static void
attribute(FILE *out, const char *name, const char *value)
{
	if (value[0] == '\0')
		return;
	fprintf(out, " %s=\"", name);
	text(out, value);
	fputc('"', out);
}

/* Those of application `app` of a virtual host. */
static void
targets(
    struct printer *p, const struct conf *c, uint32_t vhost, const char *app)
{
	bool any = false;
	for (uint32_t i = 0; i < c->ntargets; i++) {
		const struct conf_target *t = conf_target_at(c, i);
		if (t->vhost != vhost || strcmp(t->app, app) != 0)
			continue;
		if (!any)
			push(p, "Republish", strlen("Republish"));
		any = true;
		indent(p);
		fputs("<Target", p->out);
		attribute(p->out, "url", t->url);
		attribute(p->out, "stream", t->stream);
		attribute(p->out, "if", t->when);
		attribute(p->out, "keyfile", t->keyfile);
		fprintf(p->out, " buffer=\"%g\"></Target>\n",
		    (double)t->lag_ms / 1000);
	}
	if (any)
		pop(p);
}

/* <name name="of">; the name is left out where it is the default. */
static void
root(struct printer *p, const char *name, const char *of)
{
	indent(p);
	fprintf(p->out, "<%s", name);
	if (of[0] != '\0') {
		fputs(" name=\"", p->out);
		text(p->out, of);
		fputc('"', p->out);
	}
	fputs(">\n", p->out);
	p->open[p->depth].name = name;
	p->open[p->depth++].len = strlen(name);
}

static void
server(struct printer *p, const struct conf *c)
{
	root(p, "Root", "");
	push(p, "Server", strlen("Server"));
	params(p, c, CONF_SERVER);
	pop(p);
	pop(p);
	root(p, "Adaptor", "");
	listeners(p, c);
	nets(p, c, "Allow", 0, c->nallow);
	nets(p, c, "Deny", c->nallow, c->ndeny);
	params(p, c, CONF_ADAPTOR);
	pop(p);
}

static void
vhost(struct printer *p, const struct conf *c, uint32_t i)
{
	const struct conf_vhost *v = conf_vhost(c, i);
	root(p, "VirtualHost", i ? v->name : "");
	aliases(p, c, i);
	params(p, v, CONF_VHOST);
	routes(p, c, v);
	pop(p);
	for (uint32_t k = 0; k < v->napps; k++) {
		const struct conf_app *a = conf_app(c, v->first_app + k);
		if (a->implied)
			continue;
		root(p, "Application", a->name);
		params(p, a, CONF_APP);
		targets(p, c, i, a->name);
		pop(p);
	}
}

void
conf_dump(const struct conf *c, FILE *out)
{
	struct printer p = { .out = out };
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Sluice>\n", out);
	server(&p, c);
	for (uint32_t i = 0; i < c->nvhosts; i++)
		vhost(&p, c, i);
	fputs("</Sluice>\n", out);
}
