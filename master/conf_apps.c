/* The directories of applications: see conf_reader.h. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "master/conf_reader.h"
#include "master/scripts.h"

static void
read_app(struct conf_reader *r, const char *dir, const char *name)
{
	char path[CONF_PATH], script_file[SCRIPT_PATH];
	bool own = conf_has_file(dir, "Application.xml", path);
	bool script = scripts_in(dir, name, script_file);
	if (!own && !script && !r->parts.vhost[r->vhost].listed)
		return;
	if (!conf_name_ok(name)) {
		conf_notice(r, LOG_LEVEL_WARNING, 0, name,
		    "no application: expected a name below 128 bytes without "
		    "blanks");
		return;
	}
	uint32_t before = r->parts.head.napps;
	r->app = conf_app_named(r, r->vhost, name);
	struct conf_app *app = &r->parts.app[r->app];
	bool known = r->app < before && !app->implied;
	app->script |= script;
	/* one that a single file describes, or an earlier directory */
	if (known)
		return;
	app->implied = !own && !r->parts.vhost[r->vhost].listed;
	if (!own)
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
	int err = conf_each_dir(r, dir, read_app);
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

void
conf_read_apps(struct conf_reader *r, const char *file)
{
	char path[CONF_PATH];
	if (r->parts.vhost[r->vhost].apps_dir[0] != '\0') {
		listed_apps(r, file);
		return;
	}
	if (r->one_file)
		return;
	conf_vhost_path(r, r->vhost, "applications", path);
	(void)conf_each_dir(r, path, read_app);
	if (r->vhost == 0 && conf_has_file(r->dir, "applications", path))
		(void)conf_each_dir(r, path, read_app);
}
