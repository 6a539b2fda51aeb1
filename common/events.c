#include "config.h"

#include <string.h>

#include "common/bug.h"
#include "common/events.h"

/* fields_publish_start[] ... */
#define EVENT(id, name, level, also, per_s, burst, text)                       \
	static const struct event_field fields_##id[] = {
#define FIELD(type, need, name, unit, text)                                    \
	{ #name, EVENT_TYPE_##type, EVENT_##need, unit, text },
#define END(id)                                                                \
	{                                                                      \
		.name = NULL                                                   \
	}                                                                      \
	}                                                                      \
	;
#include "common/events.def"
#undef EVENT
#undef FIELD
#undef END

#define FIELD(type, need, name, unit, text)
#define END(id)
#define EVENT(id, name, level, also, per_s, burst, text)                       \
	{ name, LOG_LEVEL_##level, LOG_LEVEL_##also, per_s, burst, text,       \
		fields_##id },
static const struct event_info table[] = {
#include "common/events.def"
};

const struct event_info *
event_info(enum event e)
{
	bug_on(e >= EVENT_COUNT);
	return &table[e];
}

enum event
event_find(const char *name)
{
	unsigned e = 0;
	while (e < EVENT_COUNT && strcmp(table[e].name, name) != 0)
		e++;
	return (enum event)e;
}
