#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "worker/pubclock.h"

void
pubclock_init(struct pubclock *k, struct mono now, uint32_t start,
    uint32_t last_ts, uint64_t last_ns)
{
	memset(k, 0, sizeof *k);
	k->opened = now;
	k->last = start;
	k->at = now;
	if (last_ns != 0) {
		k->last = last_ts;
		k->at = (struct mono){ last_ns };
	}
}

/* Before the first message `last` and `at` are what the name was left with. */
uint32_t
pubclock_map(struct pubclock *k, uint32_t ts, struct mono now, bool *jump)
{
	int64_t step = rtmp_ts_diff(k->source, ts);
	int64_t elapsed = (int64_t)mono_ms_since(k->at, now);
	*jump = false;
	if (!k->based) {
		bool fresh = k->at.ns == k->opened.ns;
		k->offset = k->last + (fresh ? 0 : (uint32_t)elapsed) - ts;
		k->based = true;
	} else if (llabs(step) > PUBCLOCK_STEP &&
		   llabs(step - elapsed) > PUBCLOCK_STEP) {
		k->offset = k->last + (uint32_t)elapsed - ts;
		k->jumps++;
		*jump = true;
	}
	k->source = ts;
	k->at = now;
	k->last = ts + k->offset;
	return k->last;
}

static uint64_t
since(struct mono t, struct mono opened, struct mono now)
{
	return mono_ms_since(t.ns != 0 ? t : opened, now);
}

enum pubclock_join
pubclock_join(struct pubclock *k, bool video, bool keyframe, struct mono now)
{
	enum pubclock_join r = JOIN_NONE;
	/* judged before this message counts: it may end a drought itself */
	bool drought = since(k->key, k->opened, now) > PUBCLOCK_KEY_MS ||
		       since(k->video, k->opened, now) >= PUBCLOCK_VIDEO_MS;
	if (video && keyframe)
		r = JOIN_KEY;
	else if (drought && (k->join.ns == 0 || mono_ms_since(k->join, now) >=
						    PUBCLOCK_JOIN_MS))
		r = JOIN_ANY;
	if (video)
		k->video = now;
	if (r == JOIN_KEY)
		k->key = now;
	if (r != JOIN_NONE)
		k->join = now;
	return r;
}
