#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/bug.h"
#include "common/clock.h"
#include "common/log.h"

static struct {
	int fd; /* 0: not open, stderr */
	enum log_level least;
	_Atomic uint64_t dropped;
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

/* Length of the UTF-8 sequence at s (n bytes left), 0 if there is none. */
static size_t
utf8_len(const uint8_t *s, size_t n)
{
	size_t len = s[0] < 0x80 ? 1
	    : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
	    : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
	    : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
					  : 0;
	if (len == 0 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
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
		size_t n = utf8_len((const uint8_t *)s + i, len - i);
		memcpy(out + o, n ? s + i : replacement, n ? n : 3);
		o += n ? n : 3;
		i += n ? n : 1;
	}
	json_t *j = json_stringn(out, o);
	return j ? j : json_string("");
}

static void
send_line(const char *line, size_t len)
{
	if (the_log.fd == 0) {
		fprintf(stderr, "%.*s\n", (int)len, line);
		return;
	}
	if (send(the_log.fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		drop();
}

void
log_event(enum log_level level, const char *event, const char *fmt, ...)
{
	if (!log_wants(level))
		return;
	char when[32], format[512];
	int n = snprintf(format, sizeof format, "{%s}", fmt ? fmt : "");
	bug_on(n < 0 || (size_t)n >= sizeof format);
	json_error_t err;
	va_list ap;
	va_start(ap, fmt);
	json_t *details = json_vpack_ex(&err, 0, format, ap);
	va_end(ap);
	json_t *j = json_pack("{s:s, s:s, s:s, s:i}", "ts", clock_wall(when),
	    "level", log_level_name(level), "event", event, "pid",
	    (int)getpid());
	if (!j || !details) {
		fprintf(stderr, "log_event(%s): %s\n", event, err.text);
		bug_on(!j || !details);
	}
	json_object_update(j, details);
	json_decref(details);
	char line[LOG_LINE_MAX];
	size_t len = json_dumpb(
	    j, line, sizeof line, JSON_COMPACT | JSON_REAL_PRECISION(12));
	json_decref(j);
	if (len == 0 || len > sizeof line)
		drop();
	else
		send_line(line, len);
}
