/*
 * events - the table of events (events.def) as data: what checks, describes
 * and limits the lines of the log reads it here.  Read-only.
 */
#ifndef COMMON_EVENTS_H
#define COMMON_EVENTS_H

#include "common/conf.h"

#define EVENT(id, name, level, also, per_s, burst, text) EVENT_##id,
#define FIELD(type, need, name, unit, text)
#define END(id)
enum event {
#include "common/events.def"
	EVENT_COUNT
};
#undef EVENT
#undef FIELD
#undef END

enum event_type {
	EVENT_TYPE_U64,
	EVENT_TYPE_I64,
	EVENT_TYPE_MAYBE,
	EVENT_TYPE_BOOL,
	EVENT_TYPE_REAL,
	EVENT_TYPE_STR,
	EVENT_TYPE_TEXT,
	EVENT_TYPE_LIST,
	EVENT_TYPE_REASON
};

enum event_need { EVENT_MUST, EVENT_MAY, EVENT_NIL };

struct event_field {
	const char *name; /* NULL ends the fields of an event */
	enum event_type type;
	enum event_need need;
	const char *unit, *text;
};

struct event_info {
	const char *name;
	enum log_level level, also;
	unsigned per_s, burst; /* of one process; per_s 0: no limit */
	const char *text;
	const struct event_field *fields;
};

const struct event_info *event_info(enum event e);

/* The event of that name, or EVENT_COUNT. */
enum event event_find(const char *name);

#endif
