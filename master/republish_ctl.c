/* Republish/Target at the control socket. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "master/control.h"
#include "master/master.h"
#include "master/republish.h"
#include "master/republish_ctl.h"
#include "master/target_rule.h"
#include "master/targets.h"
#include "shm/directory.h"

/* What of a packet is left to all that is not a row. */
enum { FRAME = 256 };

static const char *
state_name(const struct sent *e)
{
	static const char *const name[] = {
		[PUSHED_CONNECTING] = "connecting",
		[PUSHED_UP] = "up",
		[PUSHED_LOST] = "lost",
		[PUSHED_REFUSED] = "refused",
		[PUSHED_OVER] = "failed",
	};
	return e == NULL ? "idle" : name[e->seen.state];
}

static json_t *
text_or_null(const char *s)
{
	return *s ? log_text(s, strlen(s)) : json_null();
}

static json_t *
number(uint64_t n)
{
	return json_integer(n > INT64_MAX ? 0 : (json_int_t)n);
}

/* With ${key} as it stands there: keys are shown to nobody. */
static void
add_place(json_t *j, const struct rule *r, const struct sent *e)
{
	char url[IPC_URL_MAX + 1], name[IPC_NAME_MAX + 1];
	struct target_facts f = { span_of("${app}"), span_of("${instance}"),
		span_of("${stream}"), { NULL, 0 } };
	struct span *part[] = { &f.app, &f.instance, &f.stream };
	for (unsigned i = 0; e != NULL && i < 3; i++)
		part[i]->p =
		    directory_key_part(e->key, e->keylen, i + 1, &part[i]->len);
	(void)target_rule_url(&r->what, &f, url, sizeof url);
	(void)target_rule_name(&r->what, &f, name, sizeof name);
	json_object_set_new(j, "url",
	    log_text(e ? url : r->what.url, strlen(e ? url : r->what.url)));
	json_object_set_new(j, "name", log_text(name, strlen(name)));
}

static void
add_key(json_t *j, const struct rule *r, const struct sent *e)
{
	static const char *const part[] = { "app", "instance", "stream" };
	json_object_set_new(j, "vhost", text_or_null(r->vhost));
	for (unsigned i = 0; e != NULL && i < 3; i++) {
		size_t len;
		const char *s =
		    directory_key_part(e->key, e->keylen, i + 1, &len);
		json_object_set_new(j, part[i], log_text(s, len));
	}
	if (e != NULL)
		return;
	json_object_set_new(j, "app", text_or_null(r->what.app));
	json_object_set_new(j, "instance", json_null());
	json_object_set_new(j, "stream", json_null());
}

static json_t *
row(const struct rule *r, const struct sent *e, struct mono now)
{
	static const struct ipc_pushed none = { .addr = "" };
	const struct ipc_pushed *d = e != NULL ? &e->seen : &none;
	const struct target *t = e != NULL ? e->target : NULL;
	json_t *j = json_object();
	json_object_set_new(j, "id", number(r->id));
	add_key(j, r, e);
	add_place(j, r, e);
	json_object_set_new(j, "state", json_string(state_name(e)));
	json_object_set_new(
	    j, "from", json_string(r->added ? "added" : "file"));
	json_object_set_new(j, "if", text_or_null(r->what.when));
	json_object_set_new(j, "keyfile", text_or_null(r->what.keyfile));
	json_object_set_new(j, "worker",
	    t != NULL && targets_slot(t) >= 0 ? json_integer(targets_slot(t))
					      : json_null());
	json_object_set_new(j, "addr", text_or_null(d->addr));
	json_object_set_new(j, "since_s",
	    e == NULL ? json_null()
		      : json_real((double)mono_ms_since(
				      (struct mono){ e->since_ns }, now) /
				  1000));
	json_object_set_new(j, "bytes", number(d->bytes));
	json_object_set_new(j, "lag_ms", number(d->lag_ms));
	json_object_set_new(j, "buffer_ms", number(r->what.lag_ms));
	json_object_set_new(j, "skips", number(d->skips));
	json_object_set_new(j, "retries", number(d->retries));
	json_object_set_new(j, "code", text_or_null(d->code));
	json_object_set_new(j, "error", text_or_null(d->error));
	return j;
}

/* Rows behind each other, from the one at place `from` on. */
struct listing {
	json_t *list;
	size_t size;
	json_int_t from, place;
	bool full;
};

static void
add_row(struct listing *l, const struct rule *r, const struct sent *e,
    struct mono now)
{
	if (l->full || l->place++ < l->from)
		return;
	json_t *j = row(r, e, now);
	l->size += json_dumpb(j, NULL, 0, JSON_COMPACT) + 1;
	if (l->size <= CONTROL_ANSWER_MAX) {
		json_array_append_new(l->list, j);
		return;
	}
	json_decref(j);
	l->full = true;
	l->place--;
}

json_t *
republish_ctl_list(struct master *m, const json_t *req)
{
	const json_t *after = json_object_get(req, "after");
	struct listing l = { .size = FRAME };
	struct mono now = clock_now();
	const struct sent *e;
	l.from = json_integer_value(after);
	if (after && (!json_is_integer(after) || l.from < 0))
		return control_refusal("after: expected a place");
	l.list = json_array();
	for (const struct rule *r = republish_next(m->republish, NULL);
	     r != NULL; r = republish_next(m->republish, r)) {
		if (TAILQ_EMPTY(&r->sent))
			add_row(&l, r, NULL, now);
		TAILQ_FOREACH (e, &r->sent, next)
			add_row(&l, r, e, now);
	}
	return json_pack("{s:b, s:o, s:o}", "ok", 1, "targets", l.list, "next",
	    l.full ? json_integer(l.place) : json_null());
}

/* A text of the request into a field; false: it is too long, or has a NUL. */
static bool
take(const json_t *req, const char *name, char *out, size_t cap)
{
	const json_t *j = json_object_get(req, name);
	const char *s = json_string_value(j);
	out[0] = '\0';
	if (s == NULL)
		return j == NULL || json_is_null(j);
	if (strlen(s) != json_string_length(j) || strlen(s) >= cap)
		return false;
	strcpy(out, s);
	return true;
}

static json_t *
refuse(const char *name, const char *want)
{
	char text[200];
	snprintf(text, sizeof text, "%s: expected %s", name, want);
	return control_refusal(text);
}

static const struct conf_vhost *
find_vhost(const struct master *m, const json_t *req)
{
	char name[CONF_NAME];
	if (!take(req, "vhost", name, sizeof name))
		return NULL;
	return name[0] == '\0' ? conf_vhost(m->conf, 0)
			       : conf_find_vhost(m->conf, span_of(name));
}

json_t *
republish_ctl_add(struct master *m, const json_t *req)
{
	struct conf_target t = { .lag_ms = TARGET_BUFFER_MS };
	char buffer[32];
	const struct conf_vhost *v = find_vhost(m, req);
	static const char text[] = "text below 256 bytes";
	if (v == NULL)
		return refuse("vhost", "a virtual host of this server");
	if (!take(req, "app", t.app, sizeof t.app) || t.app[0] == '\0' ||
	    strpbrk(t.app, "/ \t") != NULL ||
	    conf_find_app(m->conf, v, span_of(t.app)) == NULL)
		return refuse("app", "an application of that virtual host");
	if (!take(req, "url", t.url, sizeof t.url))
		return refuse("url", text);
	if (!take(req, "stream", t.stream, sizeof t.stream))
		return refuse("stream", text);
	if (!take(req, "if", t.when, sizeof t.when))
		return refuse("if", text);
	if (!take(req, "keyfile", t.keyfile, sizeof t.keyfile) ||
	    (t.keyfile[0] != '\0' && t.keyfile[0] != '/'))
		return refuse("keyfile", "an absolute path below 256 bytes");
	if (!take(req, "buffer", buffer, sizeof buffer) ||
	    (buffer[0] != '\0' && !target_rule_buffer(buffer, &t.lag_ms)))
		return refuse("buffer", "seconds from 0.2 to 600");
	const char *why = target_rule_check(&t);
	if (why != NULL)
		return control_refusal(why);
	const struct rule *r = republish_add(m, v->name, &t);
	if (r == NULL)
		return control_refusal("there are too many targets");
	return json_pack("{s:b, s:I}", "ok", 1, "id", (json_int_t)r->id);
}

json_t *
republish_ctl_remove(struct master *m, const json_t *req)
{
	json_int_t id = json_integer_value(json_object_get(req, "id"));
	if (id <= 0 || id > UINT32_MAX || !republish_remove(m, (uint32_t)id))
		return control_refusal("there is no target of that id: "
				       "sluicectl republish list shows them");
	return json_pack("{s:b}", "ok", 1);
}

json_t *
republish_ctl_reload(struct master *m)
{
	char err[1024];
	unsigned n = 0;
	if (republish_reload(m, err, sizeof err) != 0)
		return control_refusal(err);
	for (const struct rule *r = republish_next(m->republish, NULL);
	     r != NULL; r = republish_next(m->republish, r))
		n++;
	return json_pack("{s:b, s:i}", "ok", 1, "targets", (int)n);
}
