#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <libxml/parser.h>
#include <libxml/tree.h>

#include "common/bug.h"
#include "master/conf_vars.h"
#include "master/conf_xml.h"
#include "master/hostport.h"

enum { PATH_LEN = 256, TEXT_LEN = 2048 };

/* What conf_load() works on. */
struct conf_reader {
	struct conf *conf;
	struct conf_report *report;
	struct conf_vars vars;
	const char *file; /* being read */
	enum conf_file kind;
	bool doctype;	 /* one was met: parsing was stopped */
	int syntax_line; /* of the first fault; 0: none */
	char syntax[256];
};

static void fault(struct conf_reader *, int line, const char *element,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void
fault(
    struct conf_reader *r, int line, const char *element, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fprintf(stderr, "%s:", r->file);
	if (line > 0)
		fprintf(stderr, "%d:", line);
	fputc(' ', stderr);
	if (element)
		fprintf(stderr, "%s: ", element);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	r->report->faults++;
}

static void
notice(struct conf_reader *r, bool warning, int line, const char *element,
    const char *text)
{
	struct conf_report *rep = r->report;
	for (unsigned i = 0; i < rep->nnotices; i++)
		if (!warning && strcmp(rep->notice[i].element, element) == 0 &&
		    strcmp(rep->notice[i].file, r->file) == 0)
			return; /* named once */
	if (rep->nnotices == CONF_NOTICES_MAX) {
		rep->left_out++;
		return;
	}
	struct conf_notice *n = &rep->notice[rep->nnotices++];
	n->warning = warning;
	n->line = line;
	snprintf(n->file, sizeof n->file, "%s", r->file);
	snprintf(n->element, sizeof n->element, "%s", element);
	snprintf(n->text, sizeof n->text, "%s", text);
}

/* Names. ----------------------------------------------------------------- */

static const char *const fms_elements[] = {
#define FMS_ELEMENT(name) #name,
#include "master/fms_elements.def"
#undef FMS_ELEMENT
};

static bool
is_fms(const char *name)
{
	for (unsigned i = 0; i < sizeof fms_elements / sizeof *fms_elements;
	     i++)
		if (strcmp(fms_elements[i], name) == 0)
			return true;
	return false;
}

/* Edit distance of two short names, at most 9. */
static unsigned
distance(const char *a, const char *b, size_t blen)
{
	unsigned row[64];
	size_t alen = strlen(a);
	if (alen >= 64 || blen >= 64)
		return 9;
	for (unsigned j = 0; j <= alen; j++)
		row[j] = j;
	for (unsigned i = 1; i <= blen; i++) {
		unsigned diagonal = row[0];
		row[0] = i;
		for (unsigned j = 1; j <= alen; j++) {
			unsigned change = diagonal + (a[j - 1] != b[i - 1]);
			unsigned shift =
			    (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
			diagonal = row[j];
			row[j] = change < shift ? change : shift;
		}
	}
	return row[alen];
}

/* Paths of parameters of file kind at index i; HostPort comes after them. */
static const char *
our_path(enum conf_file kind, unsigned i)
{
	if (i == conf_params_count)
		return kind == CONF_ADAPTOR ? "HostPortList/HostPort" : "";
	return conf_params[i].file == kind ? conf_params[i].path : "";
}

/*
 * The name nearest to `name` among ours inside the container `path`, if it is
 * at most 2 edits away.  Returns its length, *near set; or 0.
 */
static size_t
nearest(const struct conf_reader *r, const char *path, const char *name,
    const char **near)
{
	size_t plen = strlen(path), found = 0;
	unsigned best = 3;
	for (unsigned i = 0; i <= conf_params_count; i++) {
		const char *p = our_path(r->kind, i);
		if (strncmp(p, path, plen) != 0 || p[plen] == '\0')
			continue;
		size_t len = strcspn(p + plen, "/");
		unsigned d = distance(name, p + plen, len);
		if (d < best && d < len) {
			best = d;
			*near = p + plen;
			found = len;
		}
	}
	return found;
}

static void
unknown(struct conf_reader *r, int line, const char *path, const char *name)
{
	char element[PATH_LEN + 64], text[128];
	const char *near = NULL;
	snprintf(element, sizeof element, "%s%s", path, name);
	size_t n = is_fms(name) ? 0 : nearest(r, path, name, &near);
	if (n > 0) {
		snprintf(text, sizeof text, "ignored; did you mean %.*s?",
		    (int)n, near);
		notice(r, true, line, element, text);
		return;
	}
	notice(r, false, line, element, "has no meaning here, ignored");
}

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
	char raw[TEXT_LEN], err[160];
	if (!own_text(e, raw, sizeof raw)) {
		fault(r, line_of(e), element, "expected text below %d bytes",
		    TEXT_LEN);
		return false;
	}
	if (conf_vars_expand(&r->vars, raw, out, cap, err, sizeof err) != 0) {
		fault(r, line_of(e), element, "expected %s", err);
		return false;
	}
	return true;
}

/* ${NAME} in attributes is checked wherever it stands. */
static void
check_attributes(struct conf_reader *r, const xmlNode *e)
{
	char raw[TEXT_LEN], out[TEXT_LEN], err[160];
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
			fault(r, line_of(e), (const char *)a->name,
			    "expected %s", err);
	}
}

/* A part without meaning here: still, every ${NAME} must be known. */
static void
check_ignored(struct conf_reader *r, const xmlNode *e)
{
	char text[TEXT_LEN], raw[TEXT_LEN];
	check_attributes(r, e);
	if (own_text(e, raw, sizeof raw) && strstr(raw, "${"))
		(void)expanded(r, e, (const char *)e->name, text, sizeof text);
	for (const xmlNode *n = e->children; n; n = n->next)
		if (n->type == XML_ELEMENT_NODE)
			check_ignored(r, n);
}

static void
host_port(struct conf_reader *r, const xmlNode *e)
{
	char text[TEXT_LEN], err[160];
	struct conf *c = r->conf;
	if (!expanded(r, e, "HostPort", text, sizeof text) ||
	    text[strspn(text, " \t\r\n")] == '\0')
		return;
	int tls = hostport_parse(
	    text, line_of(e), c->listen, &c->nlisten, err, sizeof err);
	if (tls < 0)
		fault(r, line_of(e), "HostPort", "expected %s", err);
	if (tls > 0)
		notice(r, true, line_of(e), "HostPortList/HostPort",
		    "TLS is not in this version; its ports (-443) are not "
		    "opened");
	if (tls > 0 && c->nlisten == 0)
		fault(r, line_of(e), "HostPort",
		    "expected a port without TLS as well (TLS is not in this "
		    "version)");
}

/* What the parameters of the file being read are set in. */
static void *
target(const struct conf_reader *r)
{
	if (r->kind == CONF_APP)
		return conf_app(r->conf, 0);
	return r->kind == CONF_VHOST ? (void *)conf_vhost(r->conf, 0)
				     : (void *)r->conf;
}

static void
param(struct conf_reader *r, const xmlNode *e, unsigned i)
{
	const struct conf_param *p = &conf_params[i];
	char text[TEXT_LEN], want[160];
	int line = line_of(e);
	if (!expanded(r, e, p->path, text, sizeof text))
		return;
	if (r->report->line[i] != 0)
		notice(r, true, line, p->path, "given twice, this one holds");
	r->report->line[i] = line;
	if (conf_set(target(r), p, text, want, sizeof want) != 0)
		fault(
		    r, line, p->path, "expected %s, not \"%.60s\"", want, text);
	else if (p->type == CONF_MODE &&
		 conf_vhost(r->conf, 0)->mode == CONF_MODE_REMOTE)
		fault(r, line, p->path,
		    "expected local (edges are not in this version)");
}

/* Is path + "/" the beginning of a path of ours? */
static bool
is_container(const struct conf_reader *r, const char *path)
{
	size_t n = strlen(path);
	for (unsigned i = 0; i <= conf_params_count; i++) {
		const char *p = our_path(r->kind, i);
		if (strncmp(p, path, n) == 0 && p[n] == '/')
			return true;
	}
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

static void walk(
    struct conf_reader *r, const xmlNode *parent, const char *path);

/* One element inside the container `path` ("" or "A/B/"). */
static void
element(struct conf_reader *r, const xmlNode *e, const char *path)
{
	char full[PATH_LEN];
	const char *name = (const char *)e->name;
	int n = snprintf(full, sizeof full - 1, "%s%s", path, name);
	if (n < 0 || (size_t)n >= sizeof full - 1) {
		unknown(r, line_of(e), path, "(long name)");
		return;
	}
	int i = param_index(r, full);
	if (i < 0 && strcmp(full, "HostPortList/HostPort") != 0 &&
	    !is_container(r, full)) {
		unknown(r, line_of(e), path, name);
		check_ignored(r, e);
		return;
	}
	check_attributes(r, e);
	if (i >= 0) {
		param(r, e, (unsigned)i);
	} else if (is_container(r, full)) {
		full[n] = '/';
		full[n + 1] = '\0';
		walk(r, e, full);
	} else {
		host_port(r, e);
	}
}

static void
walk(struct conf_reader *r, const xmlNode *parent, const char *path)
{
	for (const xmlNode *n = parent->children; n; n = n->next) {
		if (n->type == XML_ENTITY_REF_NODE)
			fault(r, line_of(parent), (const char *)n->name,
			    "expected no entities");
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

/* All four roots inside <Sluice>. */
static void
walk_all(struct conf_reader *r, const xmlNode *sluice)
{
	for (const xmlNode *n = sluice->children; n; n = n->next) {
		if (n->type != XML_ELEMENT_NODE)
			continue;
		if (kind_of_root(n, &r->kind) != 0) {
			fault(r, line_of(n), (const char *)n->name,
			    "expected Root, Adaptor, VirtualHost or "
			    "Application");
			continue;
		}
		check_attributes(r, n);
		walk(r, n, "");
	}
}

static void
read_root(struct conf_reader *r, const xmlNode *root, bool all)
{
	enum conf_file kind;
	const char *name = (const char *)root->name;
	if (all) {
		if (strcmp(name, "Sluice") == 0)
			walk_all(r, root);
		else
			fault(r, line_of(root), name,
			    "expected Sluice as the root of a configuration in "
			    "one file (or give its directory to -c)");
		return;
	}
	if (kind_of_root(root, &kind) != 0 || kind != r->kind) {
		static const char *const want[] = { "Root", "Adaptor",
			"VirtualHost", "Application" };
		fault(r, line_of(root), name, "expected %s as the root of %s",
		    want[r->kind], conf_file_name(r->kind));
		return;
	}
	check_attributes(r, root);
	walk(r, root, "");
}

/* Files. ----------------------------------------------------------------- */

/* A document type could hold entities: none is needed, none is taken. */
static void
on_doctype(void *arg, const xmlChar *name, const xmlChar *external,
    const xmlChar *system)
{
	xmlParserCtxt *ctxt = arg;
	struct conf_reader *r = ctxt->_private;
	(void)name;
	(void)external;
	(void)system;
	fault(r, ctxt->input ? ctxt->input->line : 1, "DOCTYPE",
	    "expected a document without a document type");
	r->doctype = true;
	xmlStopParser(ctxt);
}

/* The first fault is the cause; what follows from it is not shown. */
static void
on_syntax(void *arg, xmlError *e)
{
	xmlParserCtxt *ctxt = arg;
	struct conf_reader *r = ctxt->_private;
	if (r->syntax_line != 0 || e->level < XML_ERR_ERROR)
		return;
	r->syntax_line = e->line > 0 ? e->line : 1;
	snprintf(r->syntax, sizeof r->syntax, "%s",
	    e->message ? e->message : "not XML");
	r->syntax[strcspn(r->syntax, "\n")] = '\0';
}

static void
report_syntax(struct conf_reader *r)
{
	if (!r->doctype)
		fault(r, r->syntax_line ? r->syntax_line : 1, NULL,
		    "expected well-formed XML: %s",
		    r->syntax_line ? r->syntax : "not XML");
}

static void
parse(struct conf_reader *r, const char *bytes, size_t len, bool all)
{
	xmlParserCtxt *ctxt = xmlNewParserCtxt();
	bug_on(!ctxt);
	ctxt->_private = r;
	ctxt->sax->internalSubset = on_doctype;
	ctxt->sax->serror = on_syntax;
	r->doctype = false;
	r->syntax_line = 0;
	xmlDoc *doc = xmlCtxtReadMemory(ctxt, bytes, (int)len, r->file, NULL,
	    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
		XML_PARSE_BIG_LINES);
	if (!doc || r->doctype)
		report_syntax(r);
	else
		read_root(r, xmlDocGetRootElement(doc), all);
	xmlFreeDoc(doc);
	xmlFreeParserCtxt(ctxt);
}

/*
 * Read a whole file; *bytes is the caller's and ends with a NUL.
 * Returns its length, -ENOENT, or another -errno (reported).
 */
static ssize_t
slurp(struct conf_reader *r, char **bytes)
{
	int fd = open(r->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return -ENOENT;
	struct stat st;
	int err = fd < 0 || fstat(fd, &st) != 0 ? errno : 0;
	if (!err && !S_ISREG(st.st_mode))
		err = EISDIR;
	if (!err && st.st_size > CONF_FILE_MAX)
		err = EFBIG;
	ssize_t n = 0;
	if (!err) {
		*bytes = malloc(CONF_FILE_MAX + 1);
		bug_on(!*bytes);
		n = read(fd, *bytes, CONF_FILE_MAX);
		err = n < 0 ? errno : 0;
		(*bytes)[n < 0 ? 0 : n] = '\0';
		if (err) {
			free(*bytes);
			*bytes = NULL;
		}
	}
	if (fd >= 0)
		close(fd);
	if (!err)
		return n;
	fault(r, 1, NULL, "expected a readable file below 1 MiB: %s",
	    strerror(err));
	return -err;
}

static void
read_ini(struct conf_reader *r, const char *dir, const char *name)
{
	char path[512], err[160], *bytes = NULL;
	snprintf(path, sizeof path, "%s/%s", dir, name);
	r->file = path;
	if (slurp(r, &bytes) >= 0) {
		int number = 1;
		for (char *line = bytes, *next; line; line = next, number++) {
			next = strchr(line, '\n');
			if (next)
				*next++ = '\0';
			if (conf_vars_line(&r->vars, line, err, sizeof err) !=
			    0)
				fault(r, number, NULL, "expected %s", err);
		}
	}
	free(bytes);
	r->file = NULL;
}

static void
read_xml(struct conf_reader *r, const char *path, bool all)
{
	char *bytes = NULL;
	r->file = path;
	ssize_t n = slurp(r, &bytes);
	if (n >= 0)
		parse(r, bytes, (size_t)n, all);
	free(bytes);
}

static void
read_tree(struct conf_reader *r, const char *dir)
{
	static const char *const ini[] = { "fms.ini", "ams.ini", "sluice.ini" };
	for (unsigned i = 0; i < 3; i++)
		read_ini(r, dir, ini[i]);
	for (unsigned i = 0; i < 4; i++) {
		r->kind = (enum conf_file)i;
		read_xml(r, r->report->file[i], false);
	}
}

static void
name_files(struct conf_report *rep, const char *dir)
{
	static const char *const places[] = { "Server.xml",
		"_defaultRoot_/Adaptor.xml",
		"_defaultRoot_/_defaultVHost_/Vhost.xml",
		"_defaultRoot_/_defaultVHost_/Application.xml" };
	for (unsigned i = 0; i < 4; i++)
		snprintf(
		    rep->file[i], sizeof rep->file[i], "%s/%s", dir, places[i]);
}

static void
predefine(struct conf_reader *r, const char *path)
{
	char full[PATH_LEN];
	snprintf(full, sizeof full, "%s", path);
	(void)conf_vars_set(&r->vars, "CONF", full);
	char *slash = strrchr(full, '/');
	if (slash && slash > full)
		*slash = '\0';
	(void)conf_vars_set(&r->vars, "ROOT", full);
}

int
conf_load(
    const char *path, bool must_exist, struct conf **c, struct conf_report *rep)
{
	_Static_assert(sizeof(struct conf_reader) < 512 * 1024, "on the stack");
	struct conf_reader r = {
		.conf = conf_new(), .report = rep, .file = path
	};
	struct stat st;
	bug_on(!r.conf || conf_params_count > CONF_PARAMS_MAX);
	memset(rep, 0, sizeof *rep);
	*c = r.conf;
	name_files(rep, path);
	predefine(&r, path);
	if (strlen(path) > 190) {
		fault(&r, 0, NULL, "expected a path of at most 190 bytes");
	} else if (stat(path, &st) != 0) {
		if (must_exist || errno != ENOENT)
			fault(&r, 0, NULL,
			    "expected a configuration directory: %s (mkdir it: "
			    "an empty one holds every default)",
			    strerror(errno));
	} else if (S_ISDIR(st.st_mode)) {
		read_tree(&r, path);
	} else {
		for (unsigned i = 0; i < 4; i++)
			snprintf(rep->file[i], sizeof rep->file[i], "%s", path);
		read_xml(&r, path, true);
	}
	if (r.conf->nlisten == 0)
		hostport_default(r.conf->listen, &r.conf->nlisten);
	xmlCleanupParser();
	return rep->faults ? -1 : 0;
}
