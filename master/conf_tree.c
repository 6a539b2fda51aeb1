/* The files of a configuration, and the tables: see conf_reader.h. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
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

int
conf_each_dir(struct conf_reader *r, const char *path, conf_dir_fn *fn)
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

bool
conf_has_file(const char *dir, const char *file, char path[CONF_PATH])
{
	int n = snprintf(path, CONF_PATH, "%s/%s", dir, file);
	return n > 0 && n < CONF_PATH && access(path, F_OK) == 0;
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
	conf_read_apps(r, path);
}

static void
other_vhost(struct conf_reader *r, const char *dir, const char *name)
{
	char path[CONF_PATH];
	if (strcmp(name, CONF_DEFAULT_VHOST) == 0)
		return;
	r->file = dir;
	r->kind = CONF_VHOST;
	if (!conf_has_file(dir, "Vhost.xml", path) &&
	    !conf_has_file(dir, "Application.xml", path)) {
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
	if (strcmp(name, ROOT_DIR) == 0 ||
	    !conf_has_file(dir, "Adaptor.xml", path))
		return;
	r->file = path;
	r->kind = CONF_ADAPTOR;
	conf_notice(r, LOG_LEVEL_WARNING, 1, name,
	    "this adaptor is not read: there is one, " ROOT_DIR
	    ", and its HostPortList may hold many addresses");
}

/* All. -------------------------------------------------------------------- */

/* Is it another directory than the one that is meant?  Then it is a fault. */
static bool
is_another(struct conf_reader *r)
{
	static const struct {
		const char *file, *server;
	} signs[] = { { "nginx.conf", "nginx" }, { "srs.conf", "SRS" },
		{ "Adaptor.xml", NULL }, { "Vhost.xml", NULL },
		{ "Application.xml", NULL } };
	char path[CONF_PATH];
	if (conf_has_file(r->dir, "Server.xml", path) ||
	    conf_has_file(r->dir, ROOT_DIR, path))
		return false;
	for (unsigned i = 0; i < sizeof signs / sizeof *signs; i++) {
		if (!conf_has_file(r->dir, signs[i].file, path))
			continue;
		r->file = path;
		if (signs[i].server != NULL)
			conf_foreign(r, 1, signs[i].server);
		else
			conf_fault(r, 1, NULL,
			    "expected this file below " ROOT_DIR
			    ": the configuration is the directory around that");
		r->file = r->dir;
		return true;
	}
	return false;
}

/* Files of Flash Media Server that are not read. */
static void
name_unread(struct conf_reader *r)
{
	static const struct {
		const char *file, *text;
	} unread[] = {
		{ "Users.xml", "not read: who may use sluicectl is a matter of "
			       "the control socket's mode" },
		{ "Logger.xml", "not read: see Logging in Server.xml" },
		{ "substitution.xml", "not read: write NAME = value in "
				      "sluice.ini" },
	};
	char path[CONF_PATH];
	for (unsigned i = 0; i < sizeof unread / sizeof *unread; i++) {
		if (!conf_has_file(r->dir, unread[i].file, path))
			continue;
		r->file = path;
		conf_notice(r, LOG_LEVEL_NOTICE, 1, "", unread[i].text);
	}
	r->file = r->dir;
}

static void
read_tree(struct conf_reader *r)
{
	static const char *const ini[] = { "fms.ini", "ams.ini", "sluice.ini" };
	char path[CONF_PATH];
	if (is_another(r))
		return;
	r->kind = CONF_SERVER;
	name_unread(r);
	for (unsigned i = 0; i < 3; i++)
		conf_read_ini(r, r->dir, ini[i]);
	for (unsigned i = CONF_SERVER; i <= CONF_ADAPTOR; i++) {
		r->kind = (enum conf_file)i;
		conf_read_xml(r, r->report->file[i], false);
	}
	r->vhost = 0;
	read_vhost(r);
	snprintf(path, sizeof path, "%s/" ROOT_DIR, r->dir);
	(void)conf_each_dir(r, path, other_vhost);
	(void)conf_each_dir(r, r->dir, other_adaptor);
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
		conf_read_apps(r, path);
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
	free(p->target);
	return rep->faults ? -1 : 0;
}
