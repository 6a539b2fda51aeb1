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
section(struct printer *p, const struct conf *c, enum conf_file file,
    const char *root)
{
	push(p, root, strlen(root));
	if (file == CONF_SERVER)
		push(p, "Server", strlen("Server"));
	if (file == CONF_ADAPTOR)
		listeners(p, c);
	if (file == CONF_APP)
		params(p, conf_app(c, 0), file);
	else
		params(p,
		    file == CONF_VHOST ? (const void *)conf_vhost(c, 0) : c,
		    file);
	while (p->depth > 0)
		pop(p);
}

void
conf_dump(const struct conf *c, FILE *out)
{
	struct printer p = { .out = out };
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Sluice>\n", out);
	section(&p, c, CONF_SERVER, "Root");
	section(&p, c, CONF_ADAPTOR, "Adaptor");
	section(&p, c, CONF_VHOST, "VirtualHost");
	section(&p, c, CONF_APP, "Application");
	fputs("</Sluice>\n", out);
}
