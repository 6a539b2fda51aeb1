#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "callback/verdict.h"
#include "common/logbuf.h"

/* Texts. ------------------------------------------------------------------ */

/*
 * s as text for people: one line, words with one blank between, no controls, UTF-8,
 * cut at a character.
 */
static void
clean(struct span s, char text[HOOKS_TEXT])
{
	size_t at = 0;
	bool blank = false;
	while (s.len > 0) {
		size_t n = logbuf_utf8((const uint8_t *)s.p, s.len);
		unsigned char c = (unsigned char)s.p[0];
		bool c1 = n == 2 && c == 0xc2 && (unsigned char)s.p[1] < 0xa0;
		if (n == 0 || c <= 32 || c == 127 || c1) {
			blank = at > 0;
			s = span_skip(s, n > 0 ? n : 1);
			continue;
		}
		if (at + blank + n >= HOOKS_TEXT)
			break;
		if (blank)
			text[at++] = ' ';
		blank = false;
		memcpy(text + at, s.p, n);
		at += n;
		s = span_skip(s, n);
	}
	text[at] = '\0';
}

/* Words for people in an object of JSON. */
static struct span
words_in(const json_t *j)
{
	static const char *const names[] = { "description", "message", "msg",
		"error", "data" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const json_t *v = json_object_get(j, names[i]);
		if (json_is_string(v) && json_string_length(v) > 0)
			return (struct span){ json_string_value(v),
				json_string_length(v) };
	}
	return span_of("");
}

static json_t *
parse(struct span body)
{
	return json_loadb(body.p != NULL ? body.p : "", body.len,
	    JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
}

/* Why it is refused: what the body says, if that is for people. */
static void
describe(const struct http_answer *a, char text[HOOKS_TEXT])
{
	struct span body = span_trim(a->body);
	json_t *j = parse(body);
	text[0] = '\0';
	if (json_is_object(j))
		clean(words_in(j), text);
	else if (j == NULL && body.len > 0 && body.p[0] != '<')
		clean(body, text);
	json_decref(j);
	if (text[0] == '\0')
		snprintf(text, HOOKS_TEXT, "refused by the server's callback");
}

/* Decisions. -------------------------------------------------------------- */

void
verdict_none(const char *why, struct decision *d)
{
	*d = (struct decision){ .verdict = HOOK_FAIL };
	clean(span_of(why), d->text);
}

static void
refuse(const struct http_answer *a, struct decision *d)
{
	d->verdict = HOOK_REFUSE;
	describe(a, d->text);
}

static bool
begins(struct span s, const char *with)
{
	size_t n = strlen(with);
	return s.len >= n && strncasecmp(s.p, with, n) == 0;
}

/* No blanks, no controls, short enough. */
static bool
is_plain(struct span s)
{
	if (s.len == 0 || s.len >= HOOKS_NAME)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] <= 32 || s.p[i] == 127)
			return false;
	return true;
}

/* A name that a stream can have; a leading slash would be lost. */
static bool
is_name(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] == '?' || s.p[i] == '#')
			return false;
	return s.p[0] != '/' && memmem(s.p, s.len, "://", 3) == NULL;
}

static void
moved(enum hook_event e, const struct http_answer *a, struct decision *d)
{
	struct span to = span_trim(a->location);
	bool url = begins(to, "rtmp://") || begins(to, "rtmps://");
	if (!is_plain(to) || (!url && !is_name(to))) {
		verdict_none(
		    "its Location is neither the name of a stream nor an "
		    "rtmp:// URL",
		    d);
		return;
	}
	if (!url && e == HOOK_CONNECT) {
		verdict_none(
		    "an application cannot be renamed: its Location must "
		    "be an rtmp:// URL",
		    d);
		return;
	}
	d->verdict = url ? HOOK_REDIRECT : HOOK_RENAME;
	memcpy(d->name, to.p, to.len);
	d->name[to.len] = '\0';
}

static void
by_status(const struct http_answer *a, struct decision *d)
{
	char why[HOOKS_TEXT];
	snprintf(why, sizeof why, "its answer was HTTP status %d", a->status);
	verdict_none(why, d);
}

/* What SRS takes as an answer. */
static void
by_body(const struct http_answer *a, struct decision *d)
{
	json_t *j = parse(span_trim(a->body));
	const json_t *code = json_is_object(j) ? json_object_get(j, "code") : j;
	if (!json_is_integer(code))
		verdict_none("its answer was neither 0 nor an object with a "
			     "number `code'",
		    d);
	else if (json_integer_value(code) == 0)
		d->verdict = HOOK_ALLOW;
	else
		refuse(a, d);
	json_decref(j);
}

void
verdict_of(enum hook_format f, enum hook_event e, const struct http_answer *a,
    struct decision *d)
{
	int kind = a->status / 100;
	*d = (struct decision){ .verdict = HOOK_FAIL };
	if (kind == 4)
		refuse(a, d);
	else if (f == HOOK_SRS && (a->status == 200 || a->status == 201))
		by_body(a, d);
	else if (f != HOOK_SRS && kind == 2)
		d->verdict = HOOK_ALLOW;
	else if (f != HOOK_SRS && kind == 3)
		moved(e, a, d);
	else
		by_status(a, d);
}
