#include "config.h"

#include <stddef.h>

#include "worker/late.h"

static struct late_span *
last_of(struct late *l)
{
	return l->n > 0 ? &l->span[(l->n - 1) % LATE_SPANS] : NULL;
}

void
late_note(struct late *l, struct mono due, struct mono now)
{
	struct late_span *s = last_of(l);
	if (mono_ms_since(due, now) < LATE_MS)
		return;
	if (s != NULL && mono_ms_since(s->end, due) < LATE_GAP_MS) {
		if (mono_before(s->end, now))
			s->end = now;
		return;
	}
	l->span[l->n++ % LATE_SPANS] = (struct late_span){ due, now };
}

uint32_t
late_within(const struct late *l, struct mono from, struct mono to)
{
	uint64_t ms = 0;
	unsigned kept = l->n < LATE_SPANS ? l->n : LATE_SPANS;
	for (unsigned i = 0; i < kept; i++) {
		struct mono a = l->span[i].begin, b = l->span[i].end;
		if (mono_before(a, from))
			a = from;
		if (mono_before(to, b))
			b = to;
		ms += mono_ms_since(a, b);
	}
	return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}
