/* The files of a configuration, and the tables: see conf_reader.h. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/bug.h"
#include "master/conf_reader.h"
#include "master/hostport.h"

#define ROOT_DIR "_defaultRoot_"

/* Complaints. ------------------------------------------------------------- */

void
conf_fault(
    struct conf_reader *r, int line, const char *element, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (r->own_app) {
		r->parts.app[r->app].faulty = true;
		r->report->app_faults++;
		conf_notice(
		    r, LOG_LEVEL_ERROR, line, element ? element : "", text);
		return;
	}
	fprintf(stderr, "%s:", r->file);
	if (line > 0)
		fprintf(stderr, "%d:", line);
	if (element)
		fprintf(stderr, " %s:", element);
	fprintf(stderr, " %s\n", text);
	r->report->faults++;
}

void
conf_notice(struct conf_reader *r, enum log_level level, int line,
    const char *element, const char *text)
{
	struct conf_report *rep = r->report;
	for (unsigned i = 0; i < rep->nnotices; i++)
		if (level == LOG_LEVEL_NOTICE &&
		    rep->notice[i].kind == r->kind &&
		    strcmp(rep->notice[i].element, element) == 0 &&
		    strcmp(rep->notice[i].text, text) == 0 &&
		    (!r->own_app || strcmp(rep->notice[i].file, r->file) == 0))
			return; /* named once */
	if (rep->nnotices == CONF_NOTICES_MAX) {
		rep->left_out++;
		return;
	}
	struct conf_notice *n = &rep->notice[rep->nnotices++];
	n->level = level;
	n->kind = r->kind;
	n->line = line;
	snprintf(n->file, sizeof n->file, "%s", r->file);
	snprintf(n->element, sizeof n->element, "%s", element);
	snprintf(n->text, sizeof n->text, "%s", text);
}

/* Tables. ----------------------------------------------------------------- */

void *
conf_grow(void *array, uint32_t *n, size_t size, uint32_t max)
{
	if (*n >= max)
		return NULL;
	/* twice as much at each power of two */
	if ((*n & (*n - 1)) == 0) {
		array = realloc(array, (*n ? *n * (size_t)2 : 1) * size);
		bug_on(array == NULL);
	}
	memset((char *)array + *n * size, 0, size);
	++*n;
	return array;
}

bool
conf_name_ok(const char *name)
{
	size_t n = strlen(name);
	if (n == 0 || n >= CONF_NAME)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)name[i] <= ' ' || name[i] == 127 ||
		    name[i] == '/')
			return false;
	return true;
}

uint32_t
conf_app_named(struct conf_reader *r, uint32_t vhost, const char *name)
{
	struct conf_parts *p = &r->parts;
	uint32_t n = p->head.napps, general = UINT32_MAX;
	for (uint32_t i = 0; i < n; i++) {
		if (p->app[i].vhost != vhost)
			continue;
		if (strcmp(p->app[i].name, name) == 0)
			return i;
		if (p->app[i].name[0] == '\0')
			general = i;
	}
	struct conf_app *a =
	    conf_grow(p->app, &p->head.napps, sizeof *a, CONF_APPS_MAX);
	if (a == NULL) {
		conf_fault(r, 0, name, "expected at most %d applications",
		    CONF_APPS_MAX);
		return 0;
	}
	p->app = a;
	if (general != UINT32_MAX)
		a[n] = a[general];
	else
		conf_defaults(&a[n], CONF_APP);
	a[n].vhost = vhost;
	snprintf(a[n].name, sizeof a[n].name, "%s", name);
	return n;
}

uint32_t
conf_vhost_named(struct conf_reader *r, const char *name)
{
	struct conf_parts *p = &r->parts;
	uint32_t n = p->head.nvhosts;
	for (uint32_t i = 0; i < n; i++)
		if (strcasecmp(p->vhost[i].name, name) == 0)
			return i;
	struct conf_vhost *v =
	    conf_grow(p->vhost, &p->head.nvhosts, sizeof *v, CONF_VHOSTS_MAX);
	if (v == NULL) {
		conf_fault(r, 0, name, "expected at most %d virtual hosts",
		    CONF_VHOSTS_MAX);
		return 0;
	}
	p->vhost = v;
	conf_defaults(&v[n], CONF_VHOST);
	snprintf(v[n].name, sizeof v[n].name, "%s", name);
	(void)conf_app_named(r, n, "");
	return n;
}

/* Directories. ------------------------------------------------------------ */

static int
by_strcmp(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static bool
is_dir(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

typedef void dir_fn(struct conf_reader *r, const char *path, const char *name);

/* Call fn for each directory in path, by name.  Returns 0 or -errno. */
static int
each_dir(struct conf_reader *r, const char *path, dir_fn *fn)
{
	struct dirent **list;
	int n = scandir(path, &list, visible, by_strcmp);
	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		char full[CONF_PATH];
		int len =
		    snprintf(full, sizeof full, "%s/%s", path, list[i]->d_name);
		if (len > 0 && (size_t)len < sizeof full && is_dir(full))
			fn(r, full, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return 0;
}

static bool
has_file(const char *dir, const char *file, char path[CONF_PATH])
{
	int n = snprintf(path, CONF_PATH, "%s/%s", dir, file);
	return n > 0 && n < CONF_PATH && access(path, F_OK) == 0;
}

/* Applications. ----------------------------------------------------------- */

static void
read_app(struct conf_reader *r, const char *dir, const char *name)
{
	char path[CONF_PATH];
	bool own = has_file(dir, "Application.xml", path);
	if (!own && !r->parts.vhost[r->vhost].listed)
		return;
	if (!conf_name_ok(name)) {
		conf_notice(r, LOG_LEVEL_WARNING, 0, name,
		    "no application: expected a name below 128 bytes without "
		    "blanks");
		return;
	}
	uint32_t before = r->parts.head.napps;
	r->app = conf_app_named(r, r->vhost, name);
	/* one that a single file describes, or an earlier directory */
	if (!own || r->app < before)
		return;
	r->kind = CONF_APP;
	r->own_app = true;
	conf_read_xml(r, path, false);
	r->own_app = false;
}

/* One of AppsDir: it must be there. */
static void
apps_dir(struct conf_reader *r, const char *file, const char *dir)
{
	r->file = file;
	int err = each_dir(r, dir, read_app);
	r->file = file;
	if (err != 0)
		conf_fault(r, r->apps_line[r->vhost], "AppsDir",
		    "expected a directory, %.200s: %s (make it, or leave "
		    "AppsDir empty and any name is an application)",
		    dir, strerror(-err));
}

/*
 * AppsDir with its relative parts put behind the configuration directory: what
 * is printed is what is read.
 */
static void
listed_apps(struct conf_reader *r, const char *file)
{
	char text[CONF_STRING], all[CONF_STRING] = "", dir[CONF_PATH];
	snprintf(text, sizeof text, "%s", r->parts.vhost[r->vhost].apps_dir);
	r->parts.vhost[r->vhost].listed = true;
	char *rest = NULL;
	size_t used = 0;
	for (char *s = strtok_r(text, ";", &rest); s;
	     s = strtok_r(NULL, ";", &rest)) {
		s += strspn(s, " \t");
		for (size_t n = strlen(s); n > 1 && strchr("/ \t", s[n - 1]);)
			s[--n] = '\0';
		bool rel = s[0] != '/' && strcmp(r->dir, ".") != 0;
		snprintf(dir, sizeof dir, "%s%s%s", rel ? r->dir : "",
		    rel ? "/" : "", s);
		apps_dir(r, file, dir);
		int n = snprintf(all + used, sizeof all - used, "%s%s",
		    used ? ";" : "", dir);
		if (n < 0 || (used += (size_t)n) >= sizeof all) {
			conf_fault(r, r->apps_line[r->vhost], "AppsDir",
			    "expected paths of less than %d bytes together",
			    CONF_STRING);
			return;
		}
	}
	memcpy(r->parts.vhost[r->vhost].apps_dir, all, sizeof all);
}

static void
read_apps(struct conf_reader *r, const char *file)
{
	char path[CONF_PATH];
	if (r->parts.vhost[r->vhost].apps_dir[0] != '\0') {
		listed_apps(r, file);
		return;
	}
	if (r->one_file)
		return;
	conf_vhost_path(r, r->vhost, "applications", path);
	(void)each_dir(r, path, read_app);
	if (r->vhost == 0 && has_file(r->dir, "applications", path))
		(void)each_dir(r, path, read_app);
}

/* Virtual hosts. ---------------------------------------------------------- */

void
conf_vhost_path(const struct conf_reader *r, uint32_t vhost, const char *file,
    char path[CONF_PATH])
{
	snprintf(path, CONF_PATH, "%s/" ROOT_DIR "/%s/%s", r->dir,
	    r->parts.vhost[vhost].name, file);
}

static void
read_vhost(struct conf_reader *r)
{
	char path[CONF_PATH];
	r->app = conf_app_named(r, r->vhost, "");
	memset(r->locked, 0, sizeof r->locked);
	r->kind = CONF_APP;
	conf_vhost_path(r, r->vhost, "Application.xml", path);
	conf_read_xml(r, path, false);
	r->kind = CONF_VHOST;
	conf_vhost_path(r, r->vhost, "Vhost.xml", path);
	conf_read_xml(r, path, false);
	read_apps(r, path);
}

static void
other_vhost(struct conf_reader *r, const char *dir, const char *name)
{
	char path[CONF_PATH];
	if (strcmp(name, CONF_DEFAULT_VHOST) == 0)
		return;
	r->file = dir;
	r->kind = CONF_VHOST;
	if (!has_file(dir, "Vhost.xml", path) &&
	    !has_file(dir, "Application.xml", path)) {
		conf_notice(r, LOG_LEVEL_WARNING, 0, name,
		    "no virtual host: it has neither Vhost.xml nor "
		    "Application.xml");
		return;
	}
	if (!conf_name_ok(name)) {
		conf_fault(r, 0, NULL,
		    "expected a host name below %d bytes as the name of this "
		    "directory",
		    CONF_NAME);
		return;
	}
	uint32_t before = r->parts.head.nvhosts;
	r->vhost = conf_vhost_named(r, name);
	if (r->vhost < before) {
		conf_fault(r, 0, NULL,
		    "expected another name: that of %.100s differs only in "
		    "capitals",
		    r->parts.vhost[r->vhost].name);
		return;
	}
	read_vhost(r);
}

/* A directory beside _defaultRoot_. */
static void
other_adaptor(struct conf_reader *r, const char *dir, const char *name)
{
	char path[CONF_PATH];
	if (strcmp(name, ROOT_DIR) == 0 || !has_file(dir, "Adaptor.xml", path))
		return;
	r->file = path;
	r->kind = CONF_ADAPTOR;
	conf_notice(r, LOG_LEVEL_WARNING, 1, name,
	    "this adaptor is not read: there is one, " ROOT_DIR
	    ", and its HostPortList may hold many addresses");
}

/* All. -------------------------------------------------------------------- */

static void
read_tree(struct conf_reader *r)
{
	static const char *const ini[] = { "fms.ini", "ams.ini", "sluice.ini" };
	char path[CONF_PATH];
	for (unsigned i = 0; i < 3; i++)
		conf_read_ini(r, r->dir, ini[i]);
	for (unsigned i = CONF_SERVER; i <= CONF_ADAPTOR; i++) {
		r->kind = (enum conf_file)i;
		conf_read_xml(r, r->report->file[i], false);
	}
	r->vhost = 0;
	read_vhost(r);
	snprintf(path, sizeof path, "%s/" ROOT_DIR, r->dir);
	(void)each_dir(r, path, other_vhost);
	(void)each_dir(r, r->dir, other_adaptor);
}

static void
read_one_file(struct conf_reader *r, const char *path)
{
	char dir[CONF_PATH];
	snprintf(dir, sizeof dir, "%s", path);
	char *slash = strrchr(dir, '/');
	if (slash)
		*slash = '\0';
	r->dir = slash ? (dir[0] ? dir : "/") : ".";
	r->one_file = true;
	for (unsigned i = 0; i < 4; i++)
		snprintf(
		    r->report->file[i], sizeof r->report->file[i], "%s", path);
	conf_read_xml(r, path, true);
	for (r->vhost = 0; r->vhost < r->parts.head.nvhosts; r->vhost++)
		read_apps(r, path);
	r->file = path;
	conf_element_check(r);
}

static void
name_files(struct conf_report *rep, const char *dir)
{
	static const char *const places[] = { "Server.xml",
		ROOT_DIR "/Adaptor.xml",
		ROOT_DIR "/" CONF_DEFAULT_VHOST "/Vhost.xml",
		ROOT_DIR "/" CONF_DEFAULT_VHOST "/Application.xml" };
	for (unsigned i = 0; i < 4; i++)
		snprintf(
		    rep->file[i], sizeof rep->file[i], "%s/%s", dir, places[i]);
}

/* CONF, an absolute path, and ROOT, the directory around it. */
static void
predefine(struct conf_reader *r, const char *path)
{
	char cwd[CONF_PATH / 2] = "", full[CONF_PATH];
	if (path[0] != '/' && !getcwd(cwd, sizeof cwd))
		cwd[0] = '\0';
	snprintf(full, sizeof full, "%s%s%.200s", cwd, cwd[0] ? "/" : "", path);
	(void)conf_vars_set(&r->vars, "CONF", full);
	char *slash = strrchr(full, '/');
	if (slash && slash > full)
		*slash = '\0';
	(void)conf_vars_set(&r->vars, "ROOT", full);
}

static void
read_path(struct conf_reader *r, const char *path, bool must_exist)
{
	struct stat st;
	if (strlen(path) > 190) {
		conf_fault(r, 0, NULL, "expected a path of at most 190 bytes");
	} else if (stat(path, &st) != 0) {
		if (must_exist || errno != ENOENT)
			conf_fault(r, 0, NULL,
			    "expected a configuration directory: %s (mkdir it: "
			    "an empty one holds every default)",
			    strerror(errno));
	} else if (S_ISDIR(st.st_mode)) {
		read_tree(r);
		conf_element_check(r);
	} else {
		read_one_file(r, path);
	}
}

int
conf_load(
    const char *path, bool must_exist, struct conf **c, struct conf_report *rep)
{
	_Static_assert(sizeof(struct conf_reader) < 512 * 1024, "on the stack");
	struct conf_reader r = { .report = rep, .file = path, .dir = path };
	struct conf_parts *p = &r.parts;
	bug_on(conf_params_count > CONF_PARAMS_MAX);
	memset(rep, 0, sizeof *rep);
	conf_defaults(&p->head, CONF_SERVER);
	conf_defaults(&p->head, CONF_ADAPTOR);
	(void)conf_vhost_named(&r, CONF_DEFAULT_VHOST);
	name_files(rep, path);
	predefine(&r, path);
	read_path(&r, path, must_exist);
	if (p->head.nlisten == 0)
		hostport_default(p->head.listen, &p->head.nlisten);
	conf_xml_end();
	*c = conf_pack(p);
	bug_on(*c == NULL);
	free(p->vhost);
	free(p->app);
	free(p->alias);
	free(p->route);
	free(p->allow);
	free(p->deny);
	return rep->faults ? -1 : 0;
}
