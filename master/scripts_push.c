/*
 * Connections of scripts and what they republish into this server; what goes to
 * others is scripts_remote.c's.  A connection to this very
 * server is no socket, only a target; a push over it is a second name for the
 * ring of its stream (streams_alias()), and so is Stream.play.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/cursor.h"
#include "common/log.h"
#include "master/master.h"
#include "master/scripts_own.h"
#include "master/streams.h"
#include "shm/directory.h"

#define DEFAULT_INSTANCE "_definst_"

/* A connection of instance inst: to APP/INSTANCE of this server. */
struct nc {
	struct nc *next;
	json_int_t nc;
	char inst[CONF_NAME], app[CONF_NAME], target[CONF_NAME];
};

/* A second name that a script has made; nc 0: by Stream.play. */
struct push {
	struct push *next;
	json_int_t nc, ns;
	char inst[CONF_NAME];
	size_t keylen;
	char key[DIR_KEY_MAX];
};

enum { NAMES_MAX = 20000 }; /* of a process; the prelude has a limit as well */

const char *
scripts_text(const json_t *j, const char *name)
{
	const char *s = json_string_value(json_object_get(j, name));
	return s ? s : "";
}

static json_int_t
number(const json_t *j, const char *name)
{
	return json_integer_value(json_object_get(j, name));
}

static bool
put(char *to, size_t size, struct span s)
{
	if (s.len >= size || memchr(s.p, '\0', s.len) != NULL)
		return false;
	memcpy(to, s.p, s.len);
	to[s.len] = '\0';
	return true;
}

/* Connections. ------------------------------------------------------------- */

void
scripts_say_nc(struct master *m, struct script *s, const char *inst,
    json_int_t nc, const char *code, const char *text)
{
	json_t *a = scripts_message("nc", inst);
	json_object_set_new(a, "nc", json_integer(nc));
	json_object_set_new(a, "code", json_string(code));
	json_object_set_new(a, "text", json_string(text));
	scripts_tell(m, s, a);
}

/* Is HOST[:PORT] this server?  Without a port it is on whatever it listens. */
static bool
is_here(const struct master *m, struct span where)
{
	static const char *const hosts[] = { "localhost", "127.0.0.1",
		"[::1]" };
	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
		size_t n = strlen(hosts[i]);
		if (where.len < n || strncasecmp(where.p, hosts[i], n) != 0)
			continue;
		struct span port = span_skip(where, n);
		if (port.len == 0)
			return true;
		for (unsigned k = 0; k < m->listeners.naddrs; k++) {
			const char *own = strrchr(m->listeners.name[k], ':');
			if (own != NULL && span_is(port, own))
				return true;
		}
	}
	return false;
}

static bool
is_local(const struct master *m, const char *url)
{
	struct span u = span_of(url);
	if (u.len < 7 || strncasecmp(url, "rtmp://", 7) != 0)
		return false;
	u = span_skip(u, 7);
	return is_here(m, span_head(u, span_find(u, '/')));
}

/* Read rtmp://HERE/app[/instance]; returns NULL or why it cannot be. */
static const char *
read_url(const struct master *m, const char *url, struct nc *c,
    const struct script *s)
{
	struct span u = span_of(url);
	u = span_skip(u, 7);
	struct span where = span_head(u, span_find(u, '/'));
	u = span_skip(u, where.len < u.len ? where.len + 1 : u.len);
	u = span_head(u, span_find(u, '?'));
	struct span app = span_head(u, span_find(u, '/'));
	struct span inst = span_skip(u, app.len < u.len ? app.len + 1 : u.len);
	while (inst.len > 0 && inst.p[inst.len - 1] == '/')
		inst.len--;
	if (inst.len == 0)
		inst = span_of(DEFAULT_INSTANCE);
	const struct conf_vhost *v =
	    conf_find_vhost(m->conf, span_of(s->vhost));
	if (app.len == 0 || v == NULL || !conf_find_app(m->conf, v, app))
		return "there is no application of that name";
	return put(c->app, sizeof c->app, app) &&
		       put(c->target, sizeof c->target, inst)
		   ? NULL
		   : "the name of the application or instance is too long";
}

static struct nc **
find_nc(struct script *s, const char *inst, json_int_t nc)
{
	struct nc **at = &s->ncs;
	while (*at && ((*at)->nc != nc || strcmp((*at)->inst, inst) != 0))
		at = &(*at)->next;
	return at;
}

static unsigned
connections(const struct script *s)
{
	unsigned n = 0;
	for (const struct nc *c = s->ncs; c != NULL; c = c->next)
		n++;
	return n;
}

static void
open_nc(struct master *m, struct script *s, const char *inst, const json_t *j)
{
	if (!is_local(m, scripts_text(j, "url"))) {
		scripts_remote_open(m, s, inst, j);
		return;
	}
	json_int_t nc = number(j, "nc");
	bool full = connections(s) >= NAMES_MAX;
	struct nc *c = full ? NULL : calloc(1, sizeof *c);
	const char *why =
	    full ? "the application has too many connections" : "out of memory";
	if (c != NULL)
		why = put(c->inst, sizeof c->inst, span_of(inst))
			  ? read_url(m, scripts_text(j, "url"), c, s)
			  : "the name of the instance is too long";
	if (why != NULL) {
		free(c);
		scripts_say_nc(
		    m, s, inst, nc, "NetConnection.Connect.Failed", why);
		return;
	}
	c->nc = nc;
	c->next = s->ncs;
	s->ncs = c;
	scripts_say_nc(m, s, inst, nc, "NetConnection.Connect.Success", "");
}

/* Second names. ------------------------------------------------------------ */

static void
say_push(struct master *m, struct script *s, const struct push *p,
    const char *push_code, const char *play_code, const char *text)
{
	json_t *a = scripts_message(p->nc ? "ns" : "relay", p->inst);
	size_t n;
	const char *stream = directory_key_part(p->key, p->keylen, 3, &n);
	if (p->nc)
		json_object_set_new(a, "ns", json_integer(p->ns));
	else
		json_object_set_new(a, "stream", log_text(stream, n));
	json_object_set_new(
	    a, "code", json_string(p->nc ? push_code : play_code));
	json_object_set_new(a, "text", json_string(text));
	scripts_tell(m, s, a);
}

static unsigned
names(const struct script *s)
{
	unsigned n = 0;
	for (const struct push *p = s->pushes; p != NULL; p = p->next)
		n++;
	return n;
}

static size_t
make_key(char key[DIR_KEY_MAX], const char *vhost, const char *app,
    const char *inst, const char *stream)
{
	return directory_make_key(key, vhost, strlen(vhost), app, strlen(app),
	    inst, strlen(inst), stream, strcspn(stream, "?"));
}

/* Returns p->key as a second name of the stream: NULL, or why not. */
static const char *
begin(struct master *m, struct script *s, struct push *p, const char *stream)
{
	char from[DIR_KEY_MAX];
	size_t len = make_key(from, s->vhost, s->app, p->inst, stream);
	if (len == 0 || p->keylen == 0)
		return "the name is empty or too long";
	if (names(s) >= NAMES_MAX)
		return "too many streams are republished by this application";
	switch (streams_alias(m, from, len, p->key, p->keylen)) {
	case 0:
	case 1:
		return NULL;
	case -ENOENT:
		return "the stream is not live in this instance";
	case -EEXIST:
		return "the name is taken by another stream";
	default:
		return "no stream is left (MaxStreams)";
	}
}

/* p is taken. */
static void
republish(
    struct master *m, struct script *s, struct push *p, const char *stream)
{
	const char *why = begin(m, s, p, stream);
	if (why != NULL) {
		say_push(m, s, p, "NetStream.Publish.BadName",
		    "NetStream.Play.Failed", why);
		free(p);
		return;
	}
	p->next = s->pushes;
	s->pushes = p;
	say_push(
	    m, s, p, "NetStream.Publish.Start", "NetStream.Play.Start", "");
}

static void
push(struct master *m, struct script *s, const char *inst, const json_t *j)
{
	struct nc *c = *find_nc(s, inst, number(j, "nc"));
	if (c == NULL) {
		(void)scripts_remote_push(m, s, inst, j);
		return;
	}
	struct push *p = calloc(1, sizeof *p);
	if (p == NULL)
		return;
	p->nc = c->nc;
	p->ns = number(j, "ns");
	memcpy(p->inst, c->inst, sizeof p->inst);
	const char *mode = scripts_text(j, "mode");
	if (*mode != '\0' && strcmp(mode, "live") != 0) {
		say_push(m, s, p, "NetStream.Failed", "",
		    "recording is not in this version: publish it live");
		free(p);
		return;
	}
	p->keylen = make_key(
	    p->key, s->vhost, c->app, c->target, scripts_text(j, "target"));
	republish(m, s, p, scripts_text(j, "stream"));
}

static void
relay(struct master *m, struct script *s, const char *inst, const json_t *j)
{
	struct push *p = calloc(1, sizeof *p);
	if (p == NULL || !put(p->inst, sizeof p->inst, span_of(inst))) {
		free(p);
		return;
	}
	p->keylen = make_key(
	    p->key, s->vhost, s->app, p->inst, scripts_text(j, "stream"));
	republish(m, s, p, scripts_text(j, "source"));
}

/* The name ends, and scripts_push_ended() tells the script; p is gone then. */
static void
end_push(struct master *m, struct script *s, const struct push *p)
{
	char key[DIR_KEY_MAX];
	size_t len = p->keylen;
	memcpy(key, p->key, len);
	streams_unalias(m, key, len);
	scripts_push_ended(m, s, key, len); /* whatever became of the name */
}

static void
end_ns(struct master *m, struct script *s, const char *inst, json_int_t ns)
{
	if (scripts_remote_end(m, s, inst, ns))
		return;
	for (struct push *p = s->pushes; p != NULL; p = p->next)
		if (p->nc && p->ns == ns && strcmp(p->inst, inst) == 0) {
			end_push(m, s, p);
			return;
		}
}

static void
end_relay(
    struct master *m, struct script *s, const char *inst, const char *stream)
{
	char key[DIR_KEY_MAX];
	size_t len = make_key(key, s->vhost, s->app, inst, stream);
	for (struct push *p = s->pushes; len > 0 && p != NULL; p = p->next)
		if (!p->nc && p->keylen == len &&
		    memcmp(p->key, key, len) == 0) {
			end_push(m, s, p);
			return;
		}
}

static void
close_nc(struct master *m, struct script *s, const char *inst, json_int_t nc)
{
	struct nc **at = find_nc(s, inst, nc), *c = *at;
	if (c == NULL) {
		(void)scripts_remote_close(m, s, inst, nc);
		return;
	}
	for (struct push *p = s->pushes; p != NULL;) {
		bool mine = p->nc == nc && strcmp(p->inst, inst) == 0;
		struct push *next = p->next;
		if (mine) {
			end_push(m, s, p);
			next = s->pushes; /* the list has changed */
		}
		p = next;
	}
	*at = c->next;
	free(c);
	scripts_say_nc(m, s, inst, nc, "NetConnection.Connect.Closed", "");
}

void
scripts_push_ended(
    struct master *m, struct script *s, const char *key, size_t keylen)
{
	for (struct push **at = &s->pushes; *at != NULL;) {
		struct push *p = *at;
		if (p->keylen != keylen || memcmp(p->key, key, keylen) != 0) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		if (s->pid != 0)
			say_push(m, s, p, "NetStream.Unpublish.Success",
			    "NetStream.Play.Stop", "");
		free(p);
	}
}

void
scripts_push_forget(struct master *m, struct script *s)
{
	scripts_remote_forget(m, s);
	for (struct push *p; (p = s->pushes) != NULL;) {
		s->pushes = p->next;
		free(p);
	}
	for (struct nc *c; (c = s->ncs) != NULL;) {
		s->ncs = c->next;
		free(c);
	}
}

uint32_t
scripts_lag_ms(json_int_t ms)
{
	if (ms < PUSH_LAG_MIN)
		return PUSH_LAG_MIN;
	return ms < PUSH_LAG_MAX ? (uint32_t)ms : PUSH_LAG_MAX;
}

void
scripts_say_failed(struct master *m, struct script *s, const char *inst,
    json_int_t nc, const json_t *call, const char *text)
{
	json_t *a = scripts_message("nc_result", inst);
	json_object_set_new(a, "nc", json_integer(nc));
	json_object_set_new(a, "call", json_integer(json_integer_value(call)));
	json_object_set_new(a, "ok", json_false());
	json_object_set_new(a, "value",
	    json_pack("{s:s, s:s, s:s}", "level", "error", "code",
		"NetConnection.Call.Failed", "description", text));
	if (json_is_integer(call))
		scripts_tell(m, s, a);
	else
		json_decref(a); /* nobody waits */
}

/* This server has no methods but those of clients. */
static void
call(struct master *m, struct script *s, const char *inst, const json_t *j)
{
	if (!scripts_remote_call(m, s, inst, j))
		scripts_say_failed(m, s, inst, number(j, "nc"),
		    json_object_get(j, "call"),
		    "no methods of this server itself can be called");
}

bool
scripts_push_message(
    struct master *m, struct script *s, const char *kind, const json_t *j)
{
	const char *inst = scripts_text(j, "inst");
	if (strcmp(kind, "nc_open") == 0)
		open_nc(m, s, inst, j);
	else if (strcmp(kind, "nc_close") == 0)
		close_nc(m, s, inst, number(j, "nc"));
	else if (strcmp(kind, "push") == 0)
		push(m, s, inst, j);
	else if (strcmp(kind, "push_end") == 0)
		end_ns(m, s, inst, number(j, "ns"));
	else if (strcmp(kind, "buffer") == 0)
		scripts_remote_buffer(
		    m, s, inst, number(j, "ns"), number(j, "buffer_ms"));
	else if (strcmp(kind, "nc_call") == 0)
		call(m, s, inst, j);
	else if (strcmp(kind, "relay") == 0)
		relay(m, s, inst, j);
	else if (strcmp(kind, "relay_end") == 0)
		end_relay(m, s, inst, scripts_text(j, "stream"));
	else
		return false;
	return true;
}
