/*
 * sluice-callback - asks by HTTP whether clients may connect, publish and play, and
 * tells what has ended, for the master `sluice`, which starts it (common/hooks.h).
 * It never sees media, nor clients.
 *
 * HOOKS_AT_ONCE requests are on their way, HOOKS_NEWS of them about what has ended or
 * goes on, so that nobody who is slow to take those holds up a client; others wait in line.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "callback/http.h"
#include "common/log.h"

enum {
	ON = -1,	   /* go on */
	MESSAGES = 64,	   /* at a time */
	MASTER_MS = 10000, /* it takes a message within that, or is gone */
	NAME = 64,
	NICE = 5
};

struct callback {
	struct http *http;
	struct asks waiting, news; /* in line; questions go first */
	unsigned nwaiting;	   /* of both */
	unsigned nnews;		   /* on their way, of both HOOKS_AT_ONCE */
	bool quits, gone;
	char server[NAME], service[NAME];
};

/* Answers. ---------------------------------------------------------------- */

static void
tell(struct callback *c, json_t *j)
{
	char *text = json_dumps(j, JSON_COMPACT | JSON_ENSURE_ASCII);
	size_t len = text != NULL ? strlen(text) : 0;
	json_decref(j);
	while (!c->gone) {
		struct pollfd p = { .fd = HOOKS_FD, .events = POLLOUT };
		if (text == NULL || len > HOOKS_MAX)
			c->gone = true; /* it would wait for ever */
		else if (send(HOOKS_FD, text, len,
			     MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			break;
		else if (errno == EAGAIN)
			c->gone = poll(&p, 1, MASTER_MS) == 0;
		else
			c->gone = errno != EINTR;
	}
	free(text);
}

static void
log_answer(const struct ask *a, const struct decision *d, int status)
{
	const struct facts *f = &a->facts;
	char url[HOOKS_NAME];
	enum log_level level =
	    d->verdict == HOOK_FAIL ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO;
	LOG_AT(level, callback_answer, .called = hook_event_name(f->event),
	    .url = ask_shown_url(a->url, url), .vhost = f->vhost, .app = f->app,
	    .client = f->client, .verdict = hook_verdict_name(d->verdict),
	    .http_status = { status > 0, status },
	    .waited_ms = mono_ms_since(a->came, clock_now()), .text = d->text);
}

static void
answered(void *arg, struct ask *a, const struct decision *d, int status)
{
	struct callback *c = arg;
	c->nnews -= !hook_is_question(a->facts.event);
	log_answer(a, d, status);
	tell(c, ask_answer(a->id, d, status));
	ask_free(a);
}

static void
fail(struct callback *c, uint64_t id, const char *why)
{
	struct decision d;
	verdict_none(why, &d);
	if (id != 0)
		tell(c, ask_answer(id, &d, 0));
}

/* The line. --------------------------------------------------------------- */

/* In the order in which they become late. */
static void
stand_in_line(struct callback *c, struct ask *a)
{
	struct asks *line =
	    hook_is_question(a->facts.event) ? &c->waiting : &c->news;
	struct ask *before = TAILQ_LAST(line, asks);
	while (before != NULL && mono_before(a->until, before->until))
		before = TAILQ_PREV(before, asks, next);
	if (before != NULL)
		TAILQ_INSERT_AFTER(line, before, a, next);
	else
		TAILQ_INSERT_HEAD(line, a, next);
	c->nwaiting++;
}

static void
take_ask(struct callback *c, json_t *j)
{
	uint64_t id;
	struct ask *a = NULL;
	if (c->nwaiting < HOOKS_WAITING)
		a = ask_new(j, span_of(c->server), span_of(c->service),
		    clock_now(), &id);
	else
		id = (uint64_t)json_integer_value(json_object_get(j, "id"));
	if (a == NULL) {
		fail(c, id,
		    c->nwaiting < HOOKS_WAITING ? "the request is malformed"
						: "too many requests wait");
		return;
	}
	stand_in_line(c, a);
}

/* The first in line, if it may go: there is room, or it is late. */
static struct ask *
leave_line(struct callback *c, struct asks *line, bool room, struct mono now)
{
	struct ask *a = TAILQ_FIRST(line);
	if (a == NULL || (!room && mono_before(now, a->until)))
		return NULL;
	TAILQ_REMOVE(line, a, next);
	c->nwaiting--;
	return a;
}

static void
start_waiting(struct callback *c)
{
	struct ask *a;
	struct mono now = clock_now();
	/* those whose time is over leave the line: http_start() says so */
	while ((a = leave_line(c, &c->waiting,
		    http_count(c->http) < HOOKS_AT_ONCE, now)) != NULL)
		http_start(c->http, a, now);
	while (
	    (a = leave_line(c, &c->news,
		 http_count(c->http) < HOOKS_AT_ONCE && c->nnews < HOOKS_NEWS,
		 now)) != NULL) {
		c->nnews++;
		http_start(c->http, a, now);
	}
}

/* Milliseconds until the first in line is late, max if there is none. */
static uint64_t
late_ms(const struct asks *line, struct mono now, uint64_t max)
{
	const struct ask *a = TAILQ_FIRST(line);
	uint64_t ms = a != NULL ? mono_ms_since(now, a->until) : max;
	return ms < max ? ms : max;
}

static int
wait_ms(const struct callback *c, uint64_t next_ns)
{
	struct mono now = clock_now();
	uint64_t ms = late_ms(&c->news, now, late_ms(&c->waiting, now, 60000));
	if (next_ns <= now.ns)
		return 0;
	uint64_t other = (next_ns - now.ns) / NS_PER_MS + 1;
	return (int)(other < ms ? other : ms);
}

/* Messages. --------------------------------------------------------------- */

static void
name(const json_t *j, const char *member, char to[NAME])
{
	const char *s = json_string_value(json_object_get(j, member));
	snprintf(to, NAME, "%s", s != NULL ? s : "");
}

static void
on_message(struct callback *c, json_t *j)
{
	const char *kind = json_string_value(json_object_get(j, "t"));
	if (kind == NULL)
		return;
	if (strcmp(kind, "ask") == 0) {
		take_ask(c, j);
	} else if (strcmp(kind, "setup") == 0) {
		name(j, "server", c->server);
		name(j, "service", c->service);
		tell(c, json_pack("{s:s}", "t", "ready"));
	} else if (strcmp(kind, "quit") == 0) {
		c->quits = true;
	}
}

/* Returns ON, or an exit status. */
static int
receive(struct callback *c)
{
	static char text[HOOKS_MAX];
	for (unsigned i = 0; i < MESSAGES; i++) {
		ssize_t n = recv(HOOKS_FD, text, sizeof text, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return ON;
		if (n <= 0)
			return HOOKS_EXIT_NO_MASTER;
		json_t *j = json_loadb(text, (size_t)n,
		    JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
		if (json_is_object(j))
			on_message(c, j);
		json_decref(j);
	}
	return ON;
}

static int
loop(struct callback *c)
{
	for (;;) {
		int r = receive(c);
		start_waiting(c);
		if (r != ON || c->gone)
			return r != ON ? r : HOOKS_EXIT_NO_MASTER;
		if (c->quits && c->nwaiting == 0 && http_count(c->http) == 0)
			return 0;
		uint64_t next = log_tick(clock_now());
		if (http_wait(c->http, HOOKS_FD, wait_ms(c, next)) != 0)
			return HOOKS_EXIT_ENGINE;
	}
}

static void
empty(struct callback *c)
{
	struct ask *a;
	while ((a = TAILQ_FIRST(&c->waiting)) != NULL) {
		TAILQ_REMOVE(&c->waiting, a, next);
		ask_free(a);
	}
	while ((a = TAILQ_FIRST(&c->news)) != NULL) {
		TAILQ_REMOVE(&c->news, a, next);
		ask_free(a);
	}
	http_free(c->http);
}

int
main(void)
{
	struct callback c = { 0 };
	int type = 0;
	socklen_t len = sizeof type;
	if (getsockopt(HOOKS_FD, SOL_SOCKET, SO_TYPE, &type, &len) != 0 ||
	    type != SOCK_SEQPACKET) {
		fputs("sluice-callback is started by sluice, not by hand\n",
		    stderr);
		return 64;
	}
	(void)!nice(NICE); /* media first */
	log_open(HOOKS_LOG_FD, LOG_LEVEL_DEBUG);
	TAILQ_INIT(&c.waiting);
	TAILQ_INIT(&c.news);
	c.http = http_new(answered, &c);
	if (c.http == NULL)
		return HOOKS_EXIT_ENGINE;
	int r = loop(&c);
	empty(&c);
	log_flush();
	return r;
}
