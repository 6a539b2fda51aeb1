#include "config.h"

#include <string.h>

#include "common/hooks.h"

static const char *const events[] = { "on_connect", "on_publish", "on_play",
	"on_publish_done", "on_play_done", "on_disconnect", "on_update" };
static const char *const formats[] = { "json", "nginx-rtmp", "srs" };
static const char *const verdicts[] = { "allow", "refuse", "rename", "redirect",
	"fail" };

_Static_assert(
    sizeof events / sizeof *events == HOOK_EVENTS, "a name for each");
_Static_assert(
    sizeof formats / sizeof *formats == HOOK_FORMATS, "a name for each");
_Static_assert(
    sizeof verdicts / sizeof *verdicts == HOOK_VERDICTS, "a name for each");

static int
find(const char *const *names, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

bool
hook_is_question(enum hook_event e)
{
	return e == HOOK_CONNECT || e == HOOK_PUBLISH || e == HOOK_PLAY;
}

const char *
hook_event_name(enum hook_event e)
{
	return events[e];
}

const char *
hook_format_name(enum hook_format f)
{
	return formats[f];
}

const char *
hook_verdict_name(enum hook_verdict v)
{
	return verdicts[v];
}

int
hook_event_find(const char *name)
{
	return find(events, HOOK_EVENTS, name);
}

int
hook_format_find(const char *name)
{
	return find(formats, HOOK_FORMATS, name);
}

int
hook_verdict_find(const char *name)
{
	return find(verdicts, HOOK_VERDICTS, name);
}
