/*
 * log - one JSON object per event, one line each.
 *
 * The events and their fields are in common/events.def: each is a struct, and
 * the compiler checks what is written:
 *
 *	LOG(publish_start, .client = c->id, .addr = c->addr, .app = app,
 *	    .stream = name, .worker = w->self, .waited_ms = ms);
 *
 * ts, level, event and pid are added.  A field that is not named is 0, false or
 * empty; a STR that must be there may not be NULL (a bug, aborts).
 *
 * A process hands whole lines to the log writer (a thread of the master) over
 * a non-blocking datagram socket; a full socket drops the line and counts it
 * (architecture rule 18).  Before log_open(), and in programs without a
 * master, lines go to stderr.  Not for the hot path.  Context: one thread per
 * process.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/conf.h"
#include "common/cursor.h"
#include "common/reason.h"

enum { LOG_LINE_MAX = 8192 };

/* An integer that may be missing: .status = { exited, status } */
struct log_maybe {
	bool set;
	int64_t value;
};

struct log_list {
	const char *const *v;
	size_t n;
};

/* Types of the members: see events.def. */
#define LOG_C_U64    uint64_t
#define LOG_C_I64    int64_t
#define LOG_C_MAYBE  struct log_maybe
#define LOG_C_BOOL   bool
#define LOG_C_REAL   double
#define LOG_C_STR    const char *
#define LOG_C_TEXT   struct span
#define LOG_C_LIST   struct log_list
#define LOG_C_REASON enum reason

/* struct event_publish_start { uint64_t client; ... } and its writer. */
#define EVENT(id, name, level, also, per_s, burst, text) struct event_##id {
#define FIELD(type, need, name, unit, text)		 LOG_C_##type name;
#define END(id)                                                                \
	}                                                                      \
	;                                                                      \
	void log_put_##id(enum log_level level, const struct event_##id *e);
#include "common/events.def"
#undef EVENT
#undef FIELD
#undef END

/* The level that LOG() gives to an event. */
#define FIELD(type, need, name, unit, text)
#define END(id)
#define EVENT(id, name, level, also, per_s, burst, text)                       \
	LOG_LEVEL_OF_##id = LOG_LEVEL_##level,
enum {
#include "common/events.def"
};
#undef EVENT
#undef FIELD
#undef END

/* Write an event: LOG(id, .field = value, ...). */
#define LOG(id, ...) LOG_AT((enum log_level)LOG_LEVEL_OF_##id, id, __VA_ARGS__)

/* Write an event at one of its two levels. */
#define LOG_AT(level, id, ...)                                                 \
	do {                                                                   \
		enum log_level log_at_ = (level);                              \
		if (log_wants(log_at_))                                        \
			log_put_##id(                                          \
			    log_at_, &(struct event_##id){ __VA_ARGS__ });     \
	} while (0)

/*
 * Tell what the rate limits of events.def suppressed (log.suppressed), where it
 * is due.  To be called now and then; each process has its own limits.
 * Returns	when it is due next, in ns of the monotonic clock; UINT64_MAX: never
 */
uint64_t log_tick(struct mono now);

/* The end of the process: tell at once what was suppressed. */
void log_flush(void);

/* From now on send lines of at least `least` to socket fd (not closed here). */
void log_open(int fd, enum log_level least);

/* Would an event of this level be written? */
bool log_wants(enum log_level level);

/*
 * len bytes of untrusted text as a JSON string, for other JSON than the log:
 * bytes that are not UTF-8 become U+FFFD.  Returns a new reference, never NULL.
 */
json_t *log_text(const char *s, size_t len);

/* Lines dropped by this process so far. */
uint64_t log_dropped(void);

#endif
