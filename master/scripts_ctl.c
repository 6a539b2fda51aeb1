#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "master/control.h"
#include "master/master.h"
#include "master/scripts.h"
#include "master/scripts_ctl.h"
#include "master/scripts_own.h"
#include "shm/directory.h"

/* What of a packet is left to all that is not in a list. */
enum { FRAME = 4096 };

/* Rows. ---------------------------------------------------------------------- */

static json_t *
text(const char *s)
{
	return log_text(s, strlen(s));
}

static json_t *
seconds(uint64_t from_ns, uint64_t to_ns)
{
	return json_real(
	    (double)(to_ns > from_ns ? to_ns - from_ns : 0) / NS_PER_S);
}

static const char *
state(const struct script *s)
{
	if (s->pid != 0)
		return s->quit_ns != 0 ? "stopping" : "running";
	return s->respawn_ns != 0 ? "waiting" : "unloaded";
}

/* Resident memory of a process in bytes; null: it is gone. */
static json_t *
memory(pid_t pid)
{
	char path[64];
	unsigned long long size, resident = 0;
	snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
	FILE *f = pid != 0 ? fopen(path, "re") : NULL;
	bool known = f && fscanf(f, "%llu %llu", &size, &resident) == 2;
	if (f != NULL)
		fclose(f);
	return known
		   ? json_integer((json_int_t)resident * sysconf(_SC_PAGESIZE))
		   : json_null();
}

static json_t *
fault(const struct script_fault *f, uint64_t now)
{
	char at[300];
	const char *slash = strrchr(f->file, '/');
	if (f->at_ns == 0)
		return json_null();
	int n = snprintf(at, sizeof at, "%.255s", slash ? slash + 1 : f->file);
	if (f->line > 0 && n > 0)
		snprintf(
		    at + n, sizeof at - (size_t)n, ":%lld", (long long)f->line);
	return json_pack("{s:o, s:o, s:I, s:o, s:o}", "at", text(at), "file",
	    text(f->file), "line", f->line, "text", text(f->text), "since_s",
	    seconds(f->at_ns, now));
}

static json_t *
row(struct master *m, const struct script *s)
{
	uint64_t now = clock_now().ns;
	json_int_t n = 0, up = 0, clients = 0;
	for (const struct instance *i = s->insts; i != NULL; i = i->next) {
		n++;
		up += i->up;
		clients += i->clients;
	}
	json_t *j = json_pack("{s:o, s:o, s:o, s:s}", "vhost", text(s->vhost),
	    "app", text(s->app), "file", text(s->file), "state", state(s));
	json_object_set_new(
	    j, "pid", s->pid != 0 ? json_integer(s->pid) : json_null());
	json_object_set_new(j, "since_s",
	    s->pid != 0 ? seconds(s->start_ns, now) : json_null());
	json_object_set_new(j, "restart_s",
	    s->pid == 0 && s->respawn_ns != 0 ? seconds(now, s->respawn_ns)
					      : json_null());
	json_object_set_new(j, "instances", json_integer(n));
	json_object_set_new(j, "started", json_integer(up));
	json_object_set_new(j, "streams", json_integer(scripts_live(m, s)));
	json_object_set_new(j, "clients", json_integer(clients));
	json_object_set_new(j, "memory", memory(s->pid));
	json_object_set_new(j, "restarts", json_integer(s->restarts));
	json_object_set_new(j, "fault", fault(&s->fault, now));
	return j;
}

json_t *
scripts_ctl_list(struct master *m, const json_t *req)
{
	const json_t *after = json_object_get(req, "after");
	json_int_t from = json_integer_value(after), place = 0;
	size_t size = FRAME;
	if (after && (!json_is_integer(after) || from < 0))
		return control_refusal("after: expected a place");
	json_t *list = json_array(), *next = NULL;
	for (const struct script *s = m->scripts->list; s != NULL && !next;
	     s = s->next, place++) {
		if (place < from)
			continue;
		json_t *j = row(m, s);
		size += json_dumpb(j, NULL, 0, JSON_COMPACT) + 1;
		if (size > CONTROL_ANSWER_MAX) {
			json_decref(j);
			next = json_integer(place);
		} else {
			json_array_append_new(list, j);
		}
	}
	return json_pack("{s:b, s:o, s:o}", "ok", 1, "apps", list, "next",
	    next ? next : json_null());
}

/* One. ----------------------------------------------------------------------- */

static json_t *
instance(const struct instance *i, uint64_t now)
{
	return json_pack("{s:o, s:b, s:i, s:i, s:o}", "instance", text(i->name),
	    "started", i->up, "streams", (int)i->live, "clients",
	    (int)i->clients, "idle_s",
	    i->idle_ns != 0 ? seconds(i->idle_ns, now) : json_null());
}

/* What fits in an answer. */
static json_t *
instances(const struct script *s, uint64_t now)
{
	json_t *list = json_array();
	size_t size = FRAME;
	for (const struct instance *i = s->insts; i != NULL; i = i->next) {
		json_t *j = instance(i, now);
		size += json_dumpb(j, NULL, 0, JSON_COMPACT) + 1;
		if (size > CONTROL_ANSWER_MAX / 2) {
			json_decref(j);
			break;
		}
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *
whole(struct master *m, const struct script *s)
{
	const struct conf_app *app = scripts_conf(m, s);
	uint64_t now = clock_now().ns;
	json_t *j = row(m, s);
	json_object_set_new(j, "limits",
	    json_pack("{s:I, s:f, s:f}", "memory",
		(json_int_t)app->script_bytes, "call_s",
		(double)app->script_ms / 1000, "idle_s",
		(double)app->max_idle_ms / 1000));
	json_object_set_new(j, "by_instance", instances(s, now));
	json_object_set_new(
	    j, "refused", scripts_refused(s, now, CONTROL_ANSWER_MAX / 4));
	return j;
}

/*
 * The application of a request, which has run or (make) has a script.
 * Returns NULL with why not in *no
 */
static struct script *
named(struct master *m, const json_t *req, bool make, json_t **no)
{
	const char *app = scripts_text(req, "app"),
		   *vhost = scripts_text(req, "vhost");
	struct script *found = NULL;
	unsigned n = 0;
	for (struct script *s = m->scripts->list; s != NULL; s = s->next)
		if (strcmp(s->app, app) == 0 &&
		    (!*vhost || strcasecmp(s->vhost, vhost) == 0)) {
			found = s;
			n++;
		}
	if (n > 1)
		*no = control_refusal("several virtual hosts have such an "
				      "application: say which with --vhost");
	if (n == 0 && make) {
		const struct conf_vhost *v = conf_find_vhost(m->conf,
		    span_of(*vhost ? vhost : conf_vhost(m->conf, 0)->name));
		if (v != NULL)
			found = scripts_named(
			    m, span_of(v->name), span_of(app), true);
	}
	if (n <= 1 && found == NULL)
		*no = control_refusal(make ? "there is no script of that "
					     "application"
					   : "no script of that application "
					     "has run (sluicectl app list)");
	return n <= 1 ? found : NULL;
}

static json_t *
answer(json_t *app)
{
	return json_pack("{s:b, s:o}", "ok", 1, "app", app);
}

json_t *
scripts_ctl_show(struct master *m, const json_t *req)
{
	json_t *no = NULL;
	const struct script *s = named(m, req, false, &no);
	return s != NULL ? answer(whole(m, s)) : no;
}

json_t *
scripts_ctl_reload(struct master *m, const json_t *req)
{
	char file[SCRIPT_PATH];
	json_t *no = NULL;
	struct script *s = named(m, req, true, &no);
	if (s == NULL)
		return no;
	if (!scripts_find(m, span_of(s->vhost), span_of(s->app), file))
		return control_refusal("its script is gone: put it back, or "
				       "sluicectl app unload");
	memcpy(s->file, file, sizeof s->file);
	json_t *was = row(m, s);
	LOG(script_reload, .vhost = span_of(s->vhost), .app = span_of(s->app),
	    .file = s->file);
	scripts_restart(m, s);
	return answer(was);
}

json_t *
scripts_ctl_unload(struct master *m, const json_t *req)
{
	json_t *no = NULL;
	struct script *s = named(m, req, false, &no);
	if (s == NULL)
		return no;
	json_t *was = row(m, s);
	scripts_unload(m, s, "operator");
	return answer(was);
}
