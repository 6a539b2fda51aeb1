#include "config.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/bug.h"
#include "common/clock.h"
#include "common/events.h"
#include "common/log.h"
#include "common/logbuf.h"
#include "common/lograte.h"

static struct {
	int fd; /* 0: not open, stderr */
	enum log_level least;
	_Atomic uint64_t dropped;
	struct lograte rate[EVENT_COUNT];
} the_log = { .least = LOG_LEVEL_INFO };

void
log_open(int fd, enum log_level least)
{
	the_log.fd = fd;
	the_log.least = least;
}

bool
log_wants(enum log_level level)
{
	return level >= the_log.least;
}

uint64_t
log_dropped(void)
{
	return atomic_load_explicit(&the_log.dropped, memory_order_relaxed);
}

static void
drop(void)
{
	atomic_fetch_add_explicit(&the_log.dropped, 1, memory_order_relaxed);
}

json_t *
log_text(const char *s, size_t len)
{
	static const char replacement[] = "\xef\xbf\xbd";
	char out[1536];
	size_t o = 0;
	if (len > 512)
		len = 512; /* names are shorter; a line has a limit */
	for (size_t i = 0; i < len;) {
		size_t n = logbuf_utf8((const uint8_t *)s + i, len - i);
		memcpy(out + o, n ? s + i : replacement, n ? n : 3);
		o += n ? n : 3;
		i += n ? n : 1;
	}
	json_t *j = json_stringn(out, o);
	return j ? j : json_string("");
}

/* Lines. ------------------------------------------------------------------ */

struct line {
	struct logbuf l;
	char text[LOG_LINE_MAX];
};

static void
put_string(struct line *o, const char *name, const char *s)
{
	logbuf_name(&o->l, name);
	logbuf_text(&o->l, s, strlen(s), LOGBUF_TEXT_MAX);
}

/* Begin a line.  False: there are too many of these. */
static bool
begin(struct line *o, enum log_level level, enum event id)
{
	const struct event_info *e = event_info(id);
	char when[32];
	if (e->per_s > 0 &&
	    !lograte_take(&the_log.rate[id], e->per_s, e->burst, clock_now()))
		return false;
	logbuf_begin(&o->l, o->text, sizeof o->text);
	put_string(o, "ts", clock_wall(when));
	put_string(o, "level", log_level_name(level));
	put_string(o, "event", e->name);
	logbuf_name(&o->l, "pid");
	logbuf_i64(&o->l, getpid());
	return true;
}

static void
end(struct line *o)
{
	size_t len = logbuf_end(&o->l);
	if (len == 0)
		drop();
	else if (the_log.fd == 0)
		fprintf(stderr, "%.*s\n", (int)len, o->text);
	else if (send(the_log.fd, o->text, len, MSG_DONTWAIT | MSG_NOSIGNAL) <
		 0)
		drop();
}

/* A field is not there: is it left out, null, or a bug? */
static void
put_absent(struct line *o, const char *name, enum event_need need)
{
	bug_on(need == EVENT_MUST);
	if (need == EVENT_NIL) {
		logbuf_name(&o->l, name);
		logbuf_null(&o->l);
	}
}

/* One function for each type of events.def. */
static void
put_U64(struct line *o, const char *name, enum event_need need, uint64_t v)
{
	(void)need;
	logbuf_name(&o->l, name);
	logbuf_u64(&o->l, v);
}

static void
put_I64(struct line *o, const char *name, enum event_need need, int64_t v)
{
	(void)need;
	logbuf_name(&o->l, name);
	logbuf_i64(&o->l, v);
}

static void
put_MAYBE(
    struct line *o, const char *name, enum event_need need, struct log_maybe v)
{
	if (v.set)
		put_I64(o, name, need, v.value);
	else
		put_absent(o, name, need);
}

static void
put_BOOL(struct line *o, const char *name, enum event_need need, bool v)
{
	(void)need;
	logbuf_name(&o->l, name);
	logbuf_bool(&o->l, v);
}

static void
put_REAL(struct line *o, const char *name, enum event_need need, double v)
{
	(void)need;
	logbuf_name(&o->l, name);
	logbuf_real(&o->l, v);
}

static void
put_STR(struct line *o, const char *name, enum event_need need, const char *v)
{
	if (v != NULL)
		put_string(o, name, v);
	else
		put_absent(o, name, need);
}

/* An empty name of a peer may well be NULL. */
static void
put_TEXT(struct line *o, const char *name, enum event_need need, struct span v)
{
	if (v.p == NULL && need != EVENT_MUST) {
		put_absent(o, name, need);
		return;
	}
	logbuf_name(&o->l, name);
	logbuf_text(&o->l, v.p, v.p ? v.len : 0, LOGBUF_TEXT_MAX);
}

static void
put_LIST(
    struct line *o, const char *name, enum event_need need, struct log_list v)
{
	(void)need;
	logbuf_name(&o->l, name);
	logbuf_list(&o->l, v.v, v.n);
}

static void
put_REASON(
    struct line *o, const char *name, enum event_need need, enum reason v)
{
	put_STR(o, name, need, reason_name(v));
}

/* log_put_publish_start() ... */
#define EVENT(id, name, def, also, per_s, burst, text)                         \
	void log_put_##id(enum log_level level, const struct event_##id *e)    \
	{                                                                      \
		struct line o;                                                 \
		if (!begin(&o, level, EVENT_##id))                             \
			return;
#define FIELD(type, need, name, unit, text)                                    \
	put_##type(&o, #name, EVENT_##need, e->name);
#define END(id)                                                                \
	end(&o);                                                               \
	}
#include "common/events.def"

/* What was suppressed. ---------------------------------------------------- */

static void
tell(enum event id, struct mono now)
{
	struct lograte *r = &the_log.rate[id];
	double seconds = (double)mono_ms_since(r->since, now) / 1000;
	LOG(log_suppressed, .suppressed = event_info(id)->name,
	    .count = lograte_told(r), .seconds = seconds);
}

uint64_t
log_tick(struct mono now)
{
	uint64_t next = UINT64_MAX;
	for (unsigned i = 0; i < EVENT_COUNT; i++) {
		uint64_t due = lograte_due(&the_log.rate[i]);
		if (due <= now.ns)
			tell((enum event)i, now);
		else if (due < next)
			next = due;
	}
	return next;
}

void
log_flush(void)
{
	struct mono now = clock_now();
	for (unsigned i = 0; i < EVENT_COUNT; i++)
		if (lograte_due(&the_log.rate[i]) != UINT64_MAX)
			tell((enum event)i, now);
}
