/* XML to parameters and elements: see conf_reader.h. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <libxml/tree.h>

#include "common/bug.h"
#include "common/hosts.h"
#include "master/conf_reader.h"

/* The tree. -------------------------------------------------------------- */

static int
line_of(const xmlNode *n)
{
	long line = xmlGetLineNo(n);
	return line > 0 && line < INT32_MAX ? (int)line : 1;
}

/* Text of an element without its children's; false if it is too long. */
static bool
own_text(const xmlNode *e, char *buf, size_t cap)
{
	size_t used = 0;
	buf[0] = '\0';
	for (const xmlNode *n = e->children; n; n = n->next) {
		if (n->type != XML_TEXT_NODE &&
		    n->type != XML_CDATA_SECTION_NODE)
			continue;
		const char *s = (const char *)n->content;
		size_t len = s ? strlen(s) : 0;
		if (used + len >= cap)
			return false;
		if (len)
			memcpy(buf + used, s, len);
		used += len;
		buf[used] = '\0';
	}
	return true;
}

/* Text of e with its ${NAME} replaced; faults are reported. */
static bool
expanded(struct conf_reader *r, const xmlNode *e, const char *element,
    char *out, size_t cap)
{
	char raw[CONF_TEXT], err[160];
	if (!own_text(e, raw, sizeof raw)) {
		conf_fault(r, line_of(e), element,
		    "expected text below %d bytes", CONF_TEXT);
		return false;
	}
	if (conf_vars_expand(&r->vars, raw, out, cap, err, sizeof err) != 0) {
		conf_fault(r, line_of(e), element, "expected %s", err);
		return false;
	}
	return true;
}

/* ${NAME} in attributes is checked wherever it stands. */
static void
check_attributes(struct conf_reader *r, const xmlNode *e)
{
	char raw[CONF_TEXT], out[CONF_TEXT], err[160];
	for (const xmlAttr *a = e->properties; a; a = a->next) {
		size_t used = 0;
		raw[0] = '\0';
		for (const xmlNode *n = a->children; n; n = n->next) {
			const char *s = (const char *)n->content;
			size_t len = s ? strlen(s) : 0;
			if (used + len >= sizeof raw)
				break;
			if (len)
				memcpy(raw + used, s, len + 1);
			used += len;
		}
		if (conf_vars_expand(
			&r->vars, raw, out, sizeof out, err, sizeof err) != 0)
			conf_fault(r, line_of(e), (const char *)a->name,
			    "expected %s", err);
	}
}

/* A part without meaning here: still, every ${NAME} must be known. */
static void
check_ignored(struct conf_reader *r, const xmlNode *e)
{
	char text[CONF_TEXT], raw[CONF_TEXT];
	check_attributes(r, e);
	if (own_text(e, raw, sizeof raw) && strstr(raw, "${"))
		(void)expanded(r, e, (const char *)e->name, text, sizeof text);
	for (const xmlNode *n = e->children; n; n = n->next)
		if (n->type == XML_ELEMENT_NODE)
			check_ignored(r, n);
}

/* What the parameters of the file being read are set in. */
static void *
target(struct conf_reader *r)
{
	if (r->kind == CONF_APP)
		return &r->parts.app[r->app];
	if (r->kind == CONF_VHOST)
		return &r->parts.vhost[r->vhost];
	return &r->parts.head;
}

/* Is it the file that conf_report has lines of? */
static bool
is_general(const struct conf_reader *r)
{
	return r->kind == CONF_SERVER || r->kind == CONF_ADAPTOR ||
	       (r->vhost == 0 && (r->kind == CONF_VHOST || r->app == 0));
}

static void
check_address(struct conf_reader *r, const struct conf_param *p, int line)
{
	const char *text = r->parts.vhost[r->vhost].local_address;
	struct addr_pair a;
	if (addr_pair_parse(text, &a) != 0)
		conf_fault(r, line, p->path,
		    "expected an IPv4 or IPv6 address of this machine, or one "
		    "of each with a comma between, not \"%.60s\"",
		    text);
}

/* Of a format that has no such callback. */
static void
check_update(struct conf_reader *r, const struct conf_param *p, int line)
{
	const struct conf_app *a = &r->parts.app[r->app];
	if (a->hook_format == HOOK_SRS && a->on_update[0] != '\0')
		conf_fault(r, line, p->path,
		    "expected no OnUpdate with the format srs, which has no "
		    "such callback");
}

static void
set_param(struct conf_reader *r, unsigned i, int line, const char *text)
{
	const struct conf_param *p = &conf_params[i];
	char want[240];
	if (conf_set(target(r), p, text, want, sizeof want) != 0)
		conf_fault(
		    r, line, p->path, "expected %s, not \"%.60s\"", want, text);
	else if (strcmp(p->member, "apps_dir") == 0)
		r->apps_line[r->vhost] = line;
	else if (strcmp(p->member, "local_address") == 0)
		check_address(r, p, line);
	else if (strcmp(p->member, "hook_format") == 0 ||
		 strcmp(p->member, "on_update") == 0)
		check_update(r, p, line);
	else if (strcmp(p->member, "explicit_hosts") == 0 &&
		 hosts_check(r->parts.vhost[r->vhost].explicit_hosts, want,
		     sizeof want) != 0)
		conf_fault(r, line, p->path, "%s", want);
}

static void
param(struct conf_reader *r, const xmlNode *e, unsigned i)
{
	const struct conf_param *p = &conf_params[i];
	char text[CONF_TEXT];
	int line = line_of(e);
	if (!expanded(r, e, p->path, text, sizeof text))
		return;
	if (r->own_app && r->locked[i]) {
		conf_notice(r, LOG_LEVEL_NOTICE, line, p->path,
		    "not taken: override=\"no\" in the virtual host's "
		    "Application.xml");
		return;
	}
	if (r->seen[i] != 0)
		conf_notice(r, LOG_LEVEL_WARNING, line, p->path,
		    "given twice, this one holds");
	r->seen[i] = line;
	if (is_general(r))
		r->report->line[i] = line;
	set_param(r, i, line, text);
}

/* Is path, "A/B/", the beginning of a path of ours? */
static bool
is_container(const struct conf_reader *r, const char *path)
{
	const char *p;
	for (unsigned i = 0; (p = conf_our_path(r->kind, i)); i++)
		if (strncmp(p, path, strlen(path)) == 0)
			return true;
	return false;
}

static int
param_index(const struct conf_reader *r, const char *path)
{
	for (unsigned i = 0; i < conf_params_count; i++)
		if (conf_params[i].file == r->kind &&
		    strcmp(conf_params[i].path, path) == 0)
			return (int)i;
	return -1;
}

/* An attribute with its ${NAME} replaced; names unknown were reported. */
static void
attribute(struct conf_reader *r, const xmlNode *e, const char *name,
    char out[CONF_ATTR])
{
	char all[CONF_TEXT], err[160];
	xmlChar *raw = xmlGetNoNsProp(e, (const xmlChar *)name);
	out[0] = '\0';
	if (raw != NULL && conf_vars_expand(&r->vars, (const char *)raw, all,
			       sizeof all, err, sizeof err) == 0) {
		if (strlen(all) < CONF_ATTR)
			strcpy(out, all);
		else
			conf_fault(r, line_of(e), name,
			    "expected text below %d bytes", CONF_ATTR);
	}
	xmlFree(raw);
}

static void
special(
    struct conf_reader *r, const xmlNode *node, const char *path, unsigned i)
{
	struct conf_element e = { .line = line_of(node), .path = path };
	if (!conf_element_is_container(i) &&
	    !expanded(r, node, path, e.text, sizeof e.text))
		return;
	attribute(r, node, "name", e.name);
	attribute(r, node, "protocol", e.protocol);
	attribute(r, node, "select", e.select);
	attribute(r, node, "enabled", e.enabled);
	attribute(r, node, "url", e.url);
	attribute(r, node, "stream", e.stream);
	attribute(r, node, "if", e.when);
	attribute(r, node, "keyfile", e.keyfile);
	attribute(r, node, "buffer", e.buffer);
	conf_element_take(r, i, &e);
}

/*
 * override="no" in the Application.xml of a virtual host: files of applications
 * do not change this element and what is in it.
 */
static void
lock(struct conf_reader *r, const xmlNode *e, const char *path)
{
	char value[CONF_ATTR];
	size_t n = strlen(path);
	if (r->kind != CONF_APP)
		return;
	attribute(r, e, "override", value);
	if (r->own_app) {
		if (value[0] != '\0')
			conf_notice(r, LOG_LEVEL_NOTICE, line_of(e), path,
			    "override means nothing here, but in the virtual "
			    "host's Application.xml");
		return;
	}
	if (strcmp(value, "no") != 0) {
		if (value[0] != '\0' && strcmp(value, "yes") != 0)
			conf_fault(r, line_of(e), path,
			    "expected override=\"yes\" or \"no\", not "
			    "\"%.60s\"",
			    value);
		return;
	}
	for (unsigned i = 0; i < conf_params_count; i++) {
		const char *p = conf_params[i].path;
		if (conf_params[i].file == CONF_APP &&
		    strncmp(p, path, n) == 0 && (p[n] == '/' || p[n] == '\0'))
			r->locked[i] = true;
	}
}

static void walk(
    struct conf_reader *r, const xmlNode *parent, const char *path);

static void
known(
    struct conf_reader *r, const xmlNode *e, char full[CONF_PATH], int i, int k)
{
	if (i >= 0)
		param(r, e, (unsigned)i);
	if (k >= 0)
		special(r, e, full, (unsigned)k);
	strcat(full, "/");
	if (i < 0 && is_container(r, full)) {
		walk(r, e, full);
		return;
	}
	for (const xmlNode *n = e->children; n; n = n->next)
		if (n->type == XML_ELEMENT_NODE) {
			if (i >= 0)
				conf_unknown(
				    r, line_of(n), full, (const char *)n->name);
			check_ignored(r, n);
		}
}

/* One element inside the container `path` ("" or "A/B/"). */
static void
element(struct conf_reader *r, const xmlNode *e, const char *path)
{
	char full[CONF_PATH];
	const char *name = (const char *)e->name;
	int n = snprintf(full, sizeof full - 1, "%s%s", path, name);
	if (n < 0 || (size_t)n >= sizeof full - 1) {
		conf_unknown(r, line_of(e), path, "(long name)");
		return;
	}
	int i = param_index(r, full), k = conf_element_find(r->kind, full);
	lock(r, e, full);
	strcat(full, "/");
	bool ours = i >= 0 || k >= 0 || is_container(r, full);
	full[n] = '\0';
	if (!ours) {
		conf_unknown(r, line_of(e), path, name);
		check_ignored(r, e);
		return;
	}
	r->vars.later = k >= 0 && conf_element_is_later((unsigned)k);
	check_attributes(r, e);
	known(r, e, full, i, k);
	r->vars.later = false;
}

/* <Proxy>remote</Proxy> */
static void
stray_text(struct conf_reader *r, const xmlNode *parent, const xmlNode *text)
{
	char words[128];
	struct span s = conf_trimmed((const char *)text->content);
	snprintf(words, sizeof words,
	    "ignored: \"%.*s\"; elements belong here, no text",
	    s.len > 40 ? 40 : (int)s.len, s.p);
	conf_notice(r, LOG_LEVEL_WARNING, line_of(parent),
	    (const char *)parent->name, words);
}

static void
walk(struct conf_reader *r, const xmlNode *parent, const char *path)
{
	for (const xmlNode *n = parent->children; n; n = n->next) {
		if (n->type == XML_ENTITY_REF_NODE)
			conf_fault(r, line_of(parent), (const char *)n->name,
			    "expected no entities");
		if (n->type == XML_TEXT_NODE && !xmlIsBlankNode(n))
			stray_text(r, parent, n);
		if (n->type != XML_ELEMENT_NODE)
			continue;
		if (r->kind == CONF_SERVER && path[0] == '\0' &&
		    strcmp((const char *)n->name, "Server") == 0)
			walk(r, n, path);
		else
			element(r, n, path);
	}
}

static const struct {
	const char *name;
	enum conf_file kind;
} roots[] = { { "Root", CONF_SERVER }, { "Server", CONF_SERVER },
	{ "Adaptor", CONF_ADAPTOR }, { "VirtualHost", CONF_VHOST },
	{ "Application", CONF_APP } };
enum { NROOTS = sizeof roots / sizeof *roots };

static int
kind_of_root(const xmlNode *root, enum conf_file *kind)
{
	for (unsigned i = 0; i < NROOTS; i++)
		if (strcmp(roots[i].name, (const char *)root->name) == 0) {
			*kind = roots[i].kind;
			return 0;
		}
	return -1;
}

static void
begin_vhost(struct conf_reader *r, const xmlNode *n, const char *name)
{
	uint32_t before = r->parts.head.nvhosts;
	r->vhost = conf_vhost_named(r, name);
	if (r->vhost < before && (r->vhost > 0 || r->default_begun))
		conf_fault(r, line_of(n), "VirtualHost",
		    "expected each virtual host once: %.100s is above already",
		    name);
	r->default_begun |= r->vhost == 0;
	r->general_begun = false;
}

/* What is general comes first: others begin as a copy of it. */
static void
begin_app(struct conf_reader *r, const xmlNode *n, const char *name)
{
	uint32_t before = r->parts.head.napps;
	r->app = conf_app_named(r, r->vhost, name);
	if (name[0] == '\0' ? r->general_begun : r->app < before)
		conf_fault(r, line_of(n), "Application",
		    "expected each application of a virtual host once, the "
		    "one without a name first");
	r->general_begun = true;
}

/*
 * <VirtualHost name="..."> begins another, the <Application name="..."> behind
 * it are of it; without a name they are _defaultVHost_ and the general one.
 */
static void
begin(struct conf_reader *r, const xmlNode *n)
{
	char name[CONF_ATTR];
	attribute(r, n, "name", name);
	memset(r->seen, 0, sizeof r->seen);
	if (name[0] != '\0' && !conf_name_ok(name))
		conf_fault(r, line_of(n), (const char *)n->name,
		    "expected a name below %d bytes without blanks and "
		    "slashes, not \"%.60s\"",
		    CONF_NAME, name);
	else if (r->kind == CONF_VHOST)
		begin_vhost(r, n, name[0] ? name : CONF_DEFAULT_VHOST);
	else if (r->kind == CONF_APP)
		begin_app(r, n, name);
}

/* All roots inside <Sluice>. */
static void
walk_all(struct conf_reader *r, const xmlNode *sluice)
{
	for (const xmlNode *n = sluice->children; n; n = n->next) {
		if (n->type != XML_ELEMENT_NODE)
			continue;
		if (kind_of_root(n, &r->kind) != 0) {
			conf_fault(r, line_of(n), (const char *)n->name,
			    "expected Root, Adaptor, VirtualHost or "
			    "Application");
			continue;
		}
		check_attributes(r, n);
		begin(r, n);
		walk(r, n, "");
	}
}

void
conf_read_root(struct conf_reader *r, const struct _xmlNode *root, bool all)
{
	enum conf_file kind;
	const char *name = (const char *)root->name;
	if (all) {
		if (strcmp(name, "Sluice") == 0)
			walk_all(r, root);
		else
			conf_fault(r, line_of(root), name,
			    "expected Sluice as the root of a configuration in "
			    "one file (or give its directory to -c)");
		return;
	}
	if (kind_of_root(root, &kind) != 0 || kind != r->kind) {
		static const char *const want[] = { "Root", "Adaptor",
			"VirtualHost", "Application" };
		conf_fault(r, line_of(root), name,
		    "expected %s as the root of %s", want[r->kind],
		    conf_file_name(r->kind));
		return;
	}
	check_attributes(r, root);
	walk(r, root, "");
}
