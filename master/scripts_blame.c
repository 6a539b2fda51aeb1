/*
 * What a script dies of.  Its process says which message it is at (enter, leave
 * of proto.h); when it hangs or dies there, the stream that the message was about is
 * to blame:
 *
 *	its publisher is told why, and loses it
 *	the name is refused for a minute, twice as long each time, up to an hour
 *	the next processes are not told of it; so goes on a stream that nobody
 *	published but a script (a second name)
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "master/master.h"
#include "master/scripts.h"
#include "master/scripts_own.h"
#include "master/streams.h"
#include "shm/directory.h"

enum { REFUSED_MIN_MS = 60000, REFUSED_MAX_MS = 3600000, BLAMES_MAX = 256 };

struct blame {
	struct blame *next;
	uint64_t until_ns;
	unsigned times;
	bool untold; /* live, and the process does not know it */
	char text[IPC_TEXT_MAX];
	size_t keylen;
	char key[];
};

/* Who is to blame. --------------------------------------------------------- */

static struct blame *
find(const struct script *s, const char *key, size_t keylen)
{
	for (struct blame *b = s->blames; b != NULL; b = b->next)
		if (b->keylen == keylen && memcmp(b->key, key, keylen) == 0)
			return b;
	return NULL;
}

static void
drop(struct script *s, struct blame *b)
{
	struct blame **at = &s->blames;
	while (*at != b)
		at = &(*at)->next;
	*at = b->next;
	free(b);
}

/* Those whose time has been over for as long again are forgotten. */
static void
expire(struct script *s, uint64_t now)
{
	unsigned n = 0;
	struct blame *first = NULL, *next;
	for (struct blame *b = s->blames; b != NULL; b = next) {
		next = b->next;
		if (!b->untold && now > b->until_ns &&
		    now - b->until_ns > REFUSED_MAX_MS * NS_PER_MS) {
			drop(s, b);
			continue;
		}
		n++;
		if (first == NULL || b->until_ns < first->until_ns)
			first = b;
	}
	if (n >= BLAMES_MAX)
		drop(s, first);
}

static struct blame *
make(struct script *s, const struct told *t)
{
	struct blame *b = find(s, t->key, t->keylen);
	if (b != NULL)
		return b;
	expire(s, clock_now().ns);
	b = calloc(1, sizeof *b + t->keylen);
	if (b == NULL)
		return NULL;
	b->keylen = t->keylen;
	memcpy(b->key, t->key, t->keylen);
	b->next = s->blames;
	s->blames = b;
	return b;
}

void
scripts_pardon(struct script *s)
{
	while (s->blames != NULL)
		drop(s, s->blames);
}

static uint64_t
refused_ms(unsigned times)
{
	uint64_t ms = REFUSED_MIN_MS;
	for (; times > 1 && ms < REFUSED_MAX_MS; times--)
		ms *= 2;
	return ms < REFUSED_MAX_MS ? ms : REFUSED_MAX_MS;
}

enum reason
scripts_veto(struct master *m, const char *key, size_t keylen, char *text)
{
	uint64_t now = clock_now().ns;
	for (struct script *s = m->scripts->list; s != NULL; s = s->next) {
		const struct blame *b = find(s, key, keylen);
		if (b == NULL || now >= b->until_ns)
			continue;
		snprintf(text, IPC_TEXT_MAX, "%.120s; refused for %llu s more",
		    b->text,
		    (unsigned long long)((b->until_ns - now) /
					     (1000 * NS_PER_MS) +
					 1));
		return REASON_SCRIPT_FAULT;
	}
	return REASON_NONE;
}

json_t *
scripts_refused(const struct script *s, uint64_t now, size_t bytes)
{
	json_t *list = json_array();
	size_t size = 0, n;
	for (const struct blame *b = s->blames; b != NULL; b = b->next) {
		if (now >= b->until_ns)
			continue;
		const char *inst = directory_key_part(b->key, b->keylen, 2, &n);
		json_t *j = json_pack("{s:o}", "instance", log_text(inst, n));
		const char *name = directory_key_part(b->key, b->keylen, 3, &n);
		json_object_set_new(j, "stream", log_text(name, n));
		json_object_set_new(
		    j, "text", log_text(b->text, strlen(b->text)));
		json_object_set_new(j, "seconds_left",
		    json_integer(
			(json_int_t)((b->until_ns - now) / (1000 * NS_PER_MS)) +
			1));
		size += json_dumpb(j, NULL, 0, JSON_COMPACT) + 1;
		if (size > bytes) {
			json_decref(j);
			break;
		}
		json_array_append_new(list, j);
	}
	return list;
}

/* What the process is told. ------------------------------------------------ */

json_int_t
scripts_tells(
    struct master *m, struct script *s, const char *key, size_t keylen)
{
	struct blame *b = find(s, key, keylen);
	if (b != NULL && (b->untold || clock_now().ns < b->until_ns)) {
		b->untold = true;
		return 0;
	}
	struct told *t = malloc(sizeof *t + keylen);
	if (t == NULL)
		return 0;
	*t = (struct told){ NULL, ++m->scripts->next_n, keylen };
	memcpy(t->key, key, keylen);
	*s->last_told = t;
	s->last_told = &t->next;
	return t->n;
}

bool
scripts_was_told(struct script *s, const char *key, size_t keylen)
{
	struct blame *b = find(s, key, keylen);
	bool told = b == NULL || !b->untold;
	if (b != NULL)
		b->untold = false;
	return told;
}

static void
drop_told(struct script *s)
{
	struct told *t = s->told;
	s->told = t->next;
	if (s->told == NULL)
		s->last_told = &s->told;
	free(t);
}

/* Numbers come back in their order; any other is nonsense. */
static void
left(struct script *s, json_int_t n)
{
	if (n != s->inside)
		return;
	s->inside = 0;
	while (s->told != NULL && s->told->n <= n)
		drop_told(s);
}

/* What it says. ------------------------------------------------------------ */

static void
keep_fault(struct script *s, const json_t *j, const char *text)
{
	struct script_fault *f = &s->fault;
	json_int_t line = json_integer_value(json_object_get(j, "line"));
	snprintf(f->file, sizeof f->file, "%s", scripts_text(j, "file"));
	snprintf(f->text, sizeof f->text, "%s", text);
	f->line = f->file[0] != '\0' && line > 0 ? line : 0;
	f->inside = true;
	f->at_ns = clock_now().ns;
}

static void
hung(struct script *s, const json_t *j)
{
	char text[sizeof s->fault.text];
	snprintf(text, sizeof text, "%s hung", scripts_text(j, "entry"));
	keep_fault(s, j, text);
	LOG(script_hung, .vhost = span_of(s->vhost), .app = span_of(s->app),
	    .instance = span_of(scripts_text(j, "inst")),
	    .called = scripts_text(j, "entry"),
	    .function = scripts_text(j, "function"),
	    .file = scripts_text(j, "file"),
	    .line = { s->fault.line > 0, s->fault.line },
	    .limit_ms = s->limit_ms);
}

bool
scripts_blame_message(struct script *s, const char *kind, const json_t *j)
{
	json_int_t n = json_integer_value(json_object_get(j, "n"));
	if (strcmp(kind, "enter") == 0) {
		s->inside = n;
		s->fault.inside = false;
	} else if (strcmp(kind, "leave") == 0)
		left(s, n);
	else if (strcmp(kind, "fault") == 0)
		keep_fault(s, j, scripts_text(j, "text"));
	else if (strcmp(kind, "failed") == 0) {
		keep_fault(s, j, scripts_text(j, "text"));
		return false; /* of an instance, too */
	} else if (strcmp(kind, "hung") == 0)
		hung(s, j);
	else
		return false;
	return true;
}

/* Deaths. ------------------------------------------------------------------ */

/* "main.asc:5: application.onPublish ...", without directories of here. */
static void
words(const struct script *s, const char *how, char text[IPC_TEXT_MAX])
{
	const struct script_fault *f = &s->fault;
	bool known = f->inside && f->line > 0;
	const char *file = known ? f->file : s->file;
	const char *slash = strrchr(file, '/');
	char line[32] = "";
	if (known)
		snprintf(line, sizeof line, ":%lld", (long long)f->line);
	snprintf(text, IPC_TEXT_MAX, "%.60s%s: application.onPublish %s",
	    slash ? slash + 1 : file, line, how);
}

static struct span
part(const struct told *t, unsigned i)
{
	size_t n;
	const char *p = directory_key_part(t->key, t->keylen, i, &n);
	return (struct span){ p, n };
}

static void
blame(struct master *m, struct script *s, const struct told *t, const char *how)
{
	struct blame *b = make(s, t);
	if (b == NULL)
		return;
	uint64_t ms = refused_ms(++b->times);
	b->until_ns = clock_now().ns + ms * NS_PER_MS;
	words(s, how, b->text);
	bool ended = streams_end(m, t->key, t->keylen, REASON_SCRIPT_FAULT,
			 b->text) == 0;
	LOG(script_blame, .vhost = part(t, 0), .app = part(t, 1),
	    .instance = part(t, 2), .stream = part(t, 3), .text = b->text,
	    .ended = ended, .refused_ms = ms);
}

void
scripts_blame(struct master *m, struct script *s, const char *how)
{
	for (; s->told != NULL; drop_told(s))
		if (how != NULL && s->inside != 0 && s->told->n == s->inside)
			blame(m, s, s->told, how);
	s->inside = 0;
}
