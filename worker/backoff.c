#include "config.h"

#include "worker/backoff.h"

enum { EAGER_MS = 60000 };

uint32_t
backoff_next(struct backoff *b, struct mono now, uint32_t rnd)
{
	if (b->since.ns == 0)
		b->since = now;
	uint32_t max = mono_ms_since(b->since, now) < EAGER_MS
			   ? BACKOFF_MINUTE_MS
			   : BACKOFF_MAX_MS;
	uint32_t step = b->step_ms == 0 ? 2 * BACKOFF_FIRST_MS : b->step_ms * 2;
	b->step_ms = step < max ? step : max;
	/* between half of the step and all of it */
	return b->step_ms / 2 + rnd % (b->step_ms / 2 + 1);
}

void
backoff_reset(struct backoff *b)
{
	*b = (struct backoff){ .step_ms = 0 };
}
