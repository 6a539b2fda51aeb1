/*
 * The instances of an application that its script serves, and what it is told of
 * their streams.
 */
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "master/master.h"
#include "master/scripts_own.h"
#include "shm/directory.h"

static struct instance *
find(const struct script *s, struct span name)
{
	for (struct instance *i = s->insts; i != NULL; i = i->next)
		if (span_is(name, i->name))
			return i;
	return NULL;
}

json_t *
scripts_message(const char *kind, const char *inst)
{
	json_t *j = json_pack("{s:s}", "t", kind);
	json_object_set_new(j, "inst", log_text(inst, strlen(inst)));
	return j;
}

static void
drop(struct script *s, struct instance *i)
{
	struct instance **at = &s->insts;
	while (*at != i)
		at = &(*at)->next;
	*at = i->next;
	free(i);
}

static void
tell_stop(
    struct master *m, struct script *s, const struct instance *i, bool force)
{
	json_t *j = scripts_message("stop", i->name);
	json_object_set_new(j, "code", json_string("Application.GC"));
	if (force)
		json_object_set_new(j, "force", json_true());
	scripts_tell(m, s, j);
}

/* The one that is idle longest has to go, whatever it says.  False: none is. */
static bool
evict(struct master *m, struct script *s)
{
	struct instance *oldest = NULL;
	for (struct instance *i = s->insts; i != NULL; i = i->next)
		if (i->idle_ns != 0 &&
		    (oldest == NULL || i->idle_ns < oldest->idle_ns))
			oldest = i;
	if (oldest == NULL)
		return false;
	tell_stop(m, s, oldest, true);
	drop(s, oldest);
	return true;
}

/* Names are of clients, and each costs a heap. */
static bool
is_room(struct master *m, struct script *s, struct span name)
{
	unsigned n = 0;
	for (const struct instance *i = s->insts; i != NULL; i = i->next)
		n++;
	if (n < INSTANCES_MAX || evict(m, s))
		return true;
	LOG(script_fault, .vhost = span_of(s->vhost), .app = span_of(s->app),
	    .instance = name,
	    .text = "the script serves as many instances as it may: this one "
		    "goes on without it");
	return false;
}

struct instance *
scripts_begin(struct master *m, struct script *s, struct span name)
{
	struct instance *i = find(s, name);
	if (i == NULL) {
		if (!is_room(m, s, name) ||
		    (i = calloc(1, sizeof *i + name.len + 1)) == NULL)
			return NULL;
		memcpy(i->name, name.p, name.len);
		i->next = s->insts;
		s->insts = i;
		i->stops = true;
		i->idle_ns = clock_now().ns;
	}
	/* to one that is there this says nothing */
	if (i->stops)
		scripts_tell(m, s, scripts_message("start", i->name));
	i->stops = false;
	return i;
}

void
scripts_drop_instances(struct script *s)
{
	while (s->insts != NULL)
		drop(s, s->insts);
}

void
scripts_used(struct instance *i)
{
	i->idle_ns = i->live == 0 && i->clients == 0 ? clock_now().ns : 0;
}

void
scripts_left(const struct script *s, const char *name)
{
	struct instance *i = find(s, span_of(name));
	if (i == NULL || i->clients == 0)
		return;
	i->clients--;
	scripts_used(i);
}

/* Streams. ------------------------------------------------------------------ */

static json_t *
stream_message(const char *kind, const struct instance *i, struct span stream,
    uint64_t client, json_int_t n)
{
	char id[24];
	json_t *j = scripts_message(kind, i->name);
	snprintf(id, sizeof id, "%llu", (unsigned long long)client);
	json_object_set_new(j, "stream", log_text(stream.p, stream.len));
	json_object_set_new(j, "client", json_string(id));
	if (n != 0)
		json_object_set_new(j, "n", json_integer(n));
	return j;
}

void
scripts_publish(struct master *m, struct script *s, const char *key, size_t len,
    uint64_t client)
{
	json_int_t n = scripts_tells(m, s, key, len);
	struct instance *i =
	    n == 0 ? NULL : scripts_begin(m, s, directory_part(key, len, 2));
	if (i == NULL)
		return;
	i->live++;
	scripts_used(i);
	scripts_tell(m, s,
	    stream_message(
		"publish", i, directory_part(key, len, 3), client, n));
}

void
scripts_unpublish(struct master *m, struct script *s, const char *key,
    size_t len, uint64_t client)
{
	bool told = scripts_was_told(s, key, len);
	struct instance *i = NULL;
	if (told && s->pid != 0 && s->quit_ns == 0)
		i = find(s, directory_part(key, len, 2));
	if (i == NULL || i->live == 0)
		return;
	i->live--;
	scripts_used(i);
	scripts_tell(m, s,
	    stream_message(
		"unpublish", i, directory_part(key, len, 3), client, 0));
}

/* Idle ones. ----------------------------------------------------------------- */

static void
stop(struct master *m, struct script *s, struct instance *i)
{
	i->stops = true;
	i->idle_ns = 0;
	tell_stop(m, s, i, false);
}

uint64_t
scripts_idle(struct master *m, struct script *s, uint64_t now_ns)
{
	uint64_t next = UINT64_MAX;
	for (struct instance *i = s->insts; i != NULL; i = i->next) {
		uint64_t due = i->idle_ns + s->idle_ms * NS_PER_MS;
		if (i->idle_ns == 0 || s->idle_ms == 0)
			continue;
		if (now_ns >= due)
			stop(m, s, i);
		else if (due < next)
			next = due;
	}
	return next;
}

void
scripts_inst_message(
    struct master *m, struct script *s, const char *kind, const json_t *j)
{
	struct instance *i = find(s, span_of(scripts_text(j, "inst")));
	if (i != NULL &&
	    (strcmp(kind, "started") == 0 || strcmp(kind, "failed") == 0))
		i->up = true;
	/* the next that is told of it has it started again */
	if (i != NULL && strcmp(kind, "failed") == 0)
		i->stops = true;
	/* it was used again since it was told to stop, and started again */
	if (i == NULL || !i->stops)
		return;
	if (strcmp(kind, "kept") == 0) {
		i->stops = false;
		scripts_used(i);
	} else if (strcmp(kind, "stopped") == 0) {
		drop(s, i);
		if (s->insts == NULL)
			scripts_quit(m, s, false);
	}
}
