#include "config.h"

#include <string.h>

#include "worker/have.h"

uint32_t
have_hash(const uint8_t *p, size_t n)
{
	uint32_t h = 2166136261u;
	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 16777619u;
	return h;
}

static uint32_t
shape_of(const struct have_msg *m)
{
	return m->len << 2 | (uint32_t)m->keyframe << 1 | (uint32_t)m->kind;
}

void
have_init(
    struct have *h, const struct pubclock *k, uint64_t last_ns, bool repeats)
{
	memset(h, 0, sizeof *h);
	have_source(h);
	h->before = last_ns != 0;
	h->repeats = repeats;
	for (unsigned i = 0; h->before && i < HAVE_KINDS; i++)
		h->last[i] = k->last;
}

void
have_source(struct have *h)
{
	h->at = 0;
	h->dropped = 0;
	h->since = (struct mono){ 0 };
	for (unsigned i = 0; i < HAVE_KINDS; i++) {
		h->matching[i] = true;
		h->seen[i] = false;
	}
}

static uint64_t
oldest(const struct have *h)
{
	return h->n > HAVE_MESSAGES ? h->n - HAVE_MESSAGES : 0;
}

static const struct have_row *
row_at(const struct have *h, uint64_t i)
{
	return &h->row[i % HAVE_MESSAGES];
}

/* Row of the message with that mapped time; begins where the last one was. */
static bool
find(struct have *h, const struct have_msg *m, uint32_t ts)
{
	uint64_t first = oldest(h), rows = h->n - first;
	uint64_t at = h->at > first ? h->at : first;
	for (uint64_t i = 0; i < rows; i++) {
		uint64_t r = first + (at - first + i) % rows;
		const struct have_row *e = row_at(h, r);
		if (e->ts == ts && e->shape == shape_of(m) &&
		    e->hash == m->hash) {
			h->at = r + 1;
			return true;
		}
	}
	return false;
}

/* The newest keyframe of that size and bytes, whatever its time. */
static bool
find_keyframe(struct have *h, const struct have_msg *m, uint32_t *ts)
{
	if (m->kind != HAVE_VIDEO || !m->keyframe)
		return false;
	for (uint64_t r = h->n; r > oldest(h); r--) {
		const struct have_row *e = row_at(h, r - 1);
		if (e->shape != shape_of(m) || e->hash != m->hash)
			continue;
		*ts = e->ts;
		h->at = r;
		return true;
	}
	return false;
}

/* The difference of the source's clock is known. */
static void
set_offset(struct pubclock *k, const struct have_msg *m, uint32_t mapped)
{
	k->based = true;
	k->offset = mapped - m->ts;
	k->source = m->ts;
}

static enum have_verdict
old(struct have *h, const struct have_msg *m, uint32_t ts)
{
	if (h->any[m->kind] && ts == h->last[m->kind])
		h->seen[m->kind] = true;
	h->dropped++;
	return HAVE_OLD;
}

/* The source goes on where the record ends, or jumps over something. */
static enum have_verdict
fresh(struct have *h, enum have_kind kind)
{
	bool had = h->any[kind] || h->before;
	h->matching[kind] = false;
	return kind == HAVE_VIDEO && had && !h->seen[kind] ? HAVE_GAP
							   : HAVE_NEW;
}

/* What the viewers have of any kind: the newest time. */
static uint32_t
newest(const struct have *h)
{
	uint32_t v = h->last[HAVE_VIDEO], a = h->last[HAVE_AUDIO];
	if (!h->any[HAVE_VIDEO] && !h->before)
		return a;
	if (!h->any[HAVE_AUDIO] && !h->before)
		return v;
	return rtmp_ts_diff(v, a) > 0 ? a : v;
}

/* Is `ts` plausible as a time of the clock that the viewers have? */
static bool
same_clock(const struct have *h, const struct pubclock *k, uint32_t ts,
    struct mono now)
{
	int64_t ahead = rtmp_ts_diff(newest(h), ts);
	int64_t elapsed = (int64_t)mono_ms_since(k->at, now);
	return ahead > -HAVE_BACK_MS && ahead <= elapsed + PUBCLOCK_STEP;
}

/*
 * May a message that is not in the record have been had?  A little older than the
 * record it may; what lies inside, or long before, is of another clock.
 */
static bool
may_be_had(const struct have *h, uint32_t ts)
{
	int32_t before = rtmp_ts_diff(row_at(h, oldest(h))->ts, ts);
	return before < 0 && before > -PUBCLOCK_STEP;
}

/* Another clock, and nothing that was had: as after a loss. */
static enum have_verdict
new_base(struct have *h, struct pubclock *k, const struct have_msg *m,
    struct mono now)
{
	set_offset(k, m, newest(h) + (uint32_t)mono_ms_since(k->at, now));
	return fresh(h, m->kind);
}

/*
 * The first messages of a source.  Decides what the message is, and what the
 * difference of the clocks is.
 */
static enum have_verdict
match(struct have *h, struct pubclock *k, const struct have_msg *m,
    struct mono now)
{
	uint32_t ts = m->ts + (k->based ? k->offset : 0), mapped;
	bool known = h->before || h->any[HAVE_VIDEO] || h->any[HAVE_AUDIO];
	if (h->since.ns == 0)
		h->since = now;
	if (!known) {
		set_offset(k, m, m->ts); /* the server's own times */
		return fresh(h, m->kind);
	}
	if (mono_ms_since(h->since, now) > HAVE_REPEAT_MS &&
	    rtmp_ts_diff(newest(h), ts) <= 0)
		return new_base(h, k, m, now);
	if (find(h, m, ts))
		return old(h, m, ts);
	if (find_keyframe(h, m, &mapped)) {
		set_offset(k, m, mapped);
		return old(h, m, mapped);
	}
	bool later = rtmp_ts_diff(h->last[m->kind], ts) > 0;
	bool begun = h->any[m->kind] || h->before;
	bool repeated = h->any[m->kind] ? may_be_had(h, ts) : h->repeats;
	if (!same_clock(h, k, ts, now) || (!later && begun && !repeated))
		return new_base(h, k, m, now);
	set_offset(k, m, ts);
	return !later && begun ? old(h, m, ts) : fresh(h, m->kind);
}

static void
keep(struct have *h, const struct have_msg *m, uint32_t ts)
{
	h->row[h->n % HAVE_MESSAGES] =
	    (struct have_row){ ts, shape_of(m), m->hash };
	h->n++;
	h->any[m->kind] = true;
	h->last[m->kind] = ts;
}

/*
 * A bit older than what was taken: while video and audio of a source are matched
 * one after the other, the difference of the clocks may still change.
 */
static bool
steps_back(
    const struct have *h, const struct pubclock *k, const struct have_msg *m)
{
	int32_t step = rtmp_ts_diff(h->last[m->kind], m->ts + k->offset);
	return h->any[m->kind] && step < 0 && step > -PUBCLOCK_STEP;
}

enum have_verdict
have_judge(struct have *h, struct pubclock *k, const struct have_msg *m,
    struct mono now, uint32_t *ts, bool *jump)
{
	enum have_verdict v = HAVE_NEW;
	*jump = false;
	if (h->matching[m->kind])
		v = match(h, k, m, now);
	else if (steps_back(h, k, m))
		v = old(h, m, m->ts + k->offset);
	if (v == HAVE_OLD)
		return v;
	*ts = pubclock_map(k, m->ts, now, jump);
	keep(h, m, *ts);
	return v;
}

/* What a codec header is for: kind and, in Enhanced RTMP, codec and track. */
static uint32_t
header_key(uint8_t type, const uint8_t *p, size_t n)
{
	bool enhanced = n > 0 && ((p[0] & 0x80) != 0 || p[0] >> 4 == 9);
	size_t use = enhanced ? 7 : 1;
	return have_hash(p, n < use ? n : use) ^ (uint32_t)type << 24;
}

bool
have_other(
    struct have *h, uint8_t type, bool header, const uint8_t *p, size_t n)
{
	static const char metadata[] = "\2\0\12onMetaData";
	bool meta = n >= sizeof metadata - 1 &&
		    memcmp(p, metadata, sizeof metadata - 1) == 0;
	if (!header && !meta)
		return h->matching[HAVE_VIDEO] && h->matching[HAVE_AUDIO];
	uint32_t key = header_key(type, p, n), hash = have_hash(p, n);
	unsigned i = 0;
	while (i < h->nheaders && h->header[i].key != key)
		i++;
	if (i < h->nheaders && h->header[i].hash == hash)
		return true;
	if (i == h->nheaders && i == HAVE_HEADERS)
		return false; /* too many to remember: said again */
	h->header[i].key = key;
	h->header[i].hash = hash;
	if (i == h->nheaders)
		h->nheaders++;
	return false;
}
