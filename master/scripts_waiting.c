/* Scripts that die or hang while clients wait: see scripts_clients.h. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "master/master.h"
#include "master/scripts.h"
#include "master/scripts_clients.h"

enum {
	TICK_MS = 250,
	WAITS_MS = 10000, /* for a process to be there */
	SILENT_MS = 2000, /* after the limit of a call it hangs */
	WORDS = 320
};

/* "main.asc:5: application.onConnect hung", without directories of here. */
static void
words(const struct script *s, bool blamed, const char *how, char text[WORDS])
{
	const struct script_fault *f = &s->fault;
	bool known = f->inside && f->line > 0;
	const char *file = known ? f->file : s->file;
	const char *slash = strrchr(file, '/');
	char line[32] = "";
	if (known)
		snprintf(line, sizeof line, ":%lld", (long long)f->line);
	if (blamed)
		snprintf(text, WORDS, "%.60s%s: application.onConnect %s",
		    slash ? slash + 1 : file, line, how);
	else
		snprintf(text, WORDS,
		    "the application's script has ended (%.60s%s), and is "
		    "started again",
		    slash ? slash + 1 : file, line);
}

static void
lost(struct master *m, struct client *c, const char *how)
{
	char text[WORDS];
	bool blamed = how != NULL && c->n == c->s->inside;
	words(c->s, blamed, how, text);
	c->counted = false; /* its instance is gone with the process */
	if (c->calls > 0)
		scripts_client_say(m, c, TALK_LOST, 0, text);
	c->calls = 0;
	if (!c->in || blamed)
		scripts_client_refuse(m, c, text);
	else
		scripts_client_set(c, CLIENT_WAITS);
}

void
scripts_clients_lost(struct master *m, struct script *s, const char *how)
{
	struct client *c, *after;
	for (c = TAILQ_FIRST(&s->clients); c != NULL; c = after) {
		after = TAILQ_NEXT(c, next);
		if (c->state != CLIENT_WAITS)
			lost(m, c, how);
	}
}

static uint64_t
answer_ms(const struct master *m, const struct client *c)
{
	const struct conf_vhost *v =
	    conf_find_vhost(m->conf, span_of(c->s->vhost));
	const struct conf_app *a =
	    v ? conf_find_app(m->conf, v, span_of(c->s->app)) : NULL;
	return a ? (uint64_t)a->command_ms : 30000;
}

/* c is no longer patient with its script. */
static void
judge(struct master *m, struct client *c, uint64_t now)
{
	uint64_t ms = (now - c->since_ns) / NS_PER_MS;
	char text[WORDS];
	if (!c->in && ms > answer_ms(m, c)) {
		snprintf(text, sizeof text,
		    "the application's script has not answered for %u s",
		    (unsigned)(ms / 1000));
		scripts_client_refuse(m, c, text);
	} else if (c->state == CLIENT_WAITS) {
		scripts_client_tell(m, c); /* maybe there is room now */
	}
}

/*
 * Somebody was told of, long ago, and the process has said nothing since: is it
 * there?  If it says nothing to that it hangs.
 */
static void
ask(struct master *m, struct script *s, uint64_t told, uint64_t now)
{
	uint64_t heard = s->heard_ns > told ? s->heard_ns : told;
	uint64_t quiet = now > heard ? (now - heard) / NS_PER_MS : 0;
	if (s->killed || s->pid == 0 || s->limit_ms == 0)
		return;
	if (quiet > s->limit_ms + SILENT_MS)
		scripts_kill(s);
	else if (quiet > SILENT_MS / 2)
		scripts_tell(
		    m, s, json_pack("{s:s, s:i}", "t", "ping", "n", 0));
}

uint64_t
scripts_clients_tick(struct master *m, struct script *s, uint64_t now_ns)
{
	struct client *c, *after;
	uint64_t told = 0; /* the first of those */
	if (s->nwaiting == 0 || m->stopping)
		return UINT64_MAX;
	for (c = TAILQ_FIRST(&s->clients); c != NULL; c = after) {
		after = TAILQ_NEXT(c, next);
		if (c->state == CLIENT_TOLD && (told == 0 || c->told_ns < told))
			told = c->told_ns;
		if (c->state == CLIENT_WAITS && s->pid == 0 && !c->in &&
		    now_ns - c->since_ns > WAITS_MS * NS_PER_MS)
			scripts_client_refuse(m, c,
			    "the application's script does not run: see the "
			    "server's log");
		else if (c->state != CLIENT_IN)
			judge(m, c, now_ns);
	}
	if (told != 0)
		ask(m, s, told, now_ns);
	return now_ns + TICK_MS * NS_PER_MS;
}
