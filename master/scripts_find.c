/* Where the script of an application is. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "master/master.h"
#include "master/scripts_own.h"

bool
scripts_in(const char *dir, const char *app, char path[SCRIPT_PATH])
{
	static const char *const names[] = { "/main.asc", "/", "/main.js",
		"/scripts/main.asc", "/scripts/" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		bool own = names[i][strlen(names[i]) - 1] == '/';
		int k = snprintf(path, SCRIPT_PATH, "%s%s%s%s", dir, names[i],
		    own ? app : "", own ? ".asc" : "");
		if (k > 0 && k < SCRIPT_PATH && access(path, F_OK) == 0)
			return true;
	}
	return false;
}

static bool
has_script(char path[SCRIPT_PATH], struct span dir, const char *mid,
    const char *vhost, struct span app)
{
	char own[SCRIPT_PATH], name[CONF_NAME];
	int k =
	    snprintf(own, sizeof own, "%.*s%s%s%s/%.*s", (int)dir.len, dir.p,
		mid, vhost, *vhost ? "/applications" : "", (int)app.len, app.p);
	snprintf(name, sizeof name, "%.*s", (int)app.len, app.p);
	return k > 0 && k < SCRIPT_PATH && app.len < CONF_NAME &&
	       scripts_in(own, name, path);
}

bool
scripts_find(const struct master *m, struct span vhost, struct span app,
    char path[SCRIPT_PATH])
{
	const struct conf_vhost *v = conf_find_vhost(m->conf, vhost);
	const char *dirs = v ? v->apps_dir : "";
	struct span tree = span_of(m->conf_path);
	if (v == NULL)
		return false;
	if (*dirs == '\0')
		return has_script(
			   path, tree, "/_defaultRoot_/", v->name, app) ||
		       (v == conf_vhost(m->conf, 0) &&
			   has_script(path, tree, "/applications", "", app));
	for (size_t n; *dirs != '\0'; dirs += n + (dirs[n] == ';')) {
		n = strcspn(dirs, ";");
		if (has_script(path, (struct span){ dirs, n }, "", "", app))
			return true;
	}
	return false;
}
