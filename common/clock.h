/*
 * clock - monotonic time as a type of its own (so that the compiler refuses
 * to mix it with counts), wall time for the log, 32-bit RTMP timestamps.
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct mono {
	uint64_t ns;
};

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

/* CLOCK_MONOTONIC now; the same in every process of the machine. */
struct mono clock_now(void);

/* CPU time in ns, user and system, that the calling thread has used.  A system call. */
uint64_t clock_thread_cpu(void);

static inline struct mono
mono_add_ms(struct mono t, uint64_t ms)
{
	return (struct mono){ t.ns + ms * NS_PER_MS };
}

static inline bool
mono_before(struct mono a, struct mono b)
{
	return a.ns < b.ns;
}

/* Milliseconds from a to b, 0 if b is before a. */
static inline uint64_t
mono_ms_since(struct mono a, struct mono b)
{
	return b.ns > a.ns ? (b.ns - a.ns) / NS_PER_MS : 0;
}

/* RTMP timestamps wrap at 2^32 ms: signed distance from a to b. */
static inline int32_t
rtmp_ts_diff(uint32_t a, uint32_t b)
{
	return (int32_t)(b - a);
}

/*
 * Wall time as RFC 3339 with milliseconds, UTC ("2026-11-24T10:00:00.123Z").
 * buf	at least 32 bytes
 */
const char *clock_wall(char buf[32]);

#endif
