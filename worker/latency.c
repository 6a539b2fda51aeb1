#include "config.h"

#include "common/conf.h"
#include "worker/latency.h"

void
latency_init(struct latency *l, int64_t policy)
{
	*l = (struct latency){ .policy = policy };
}

void
latency_message(struct latency *l, bool video, struct mono now)
{
	if (l->first.ns == 0)
		l->first = now;
	l->video |= video;
}

struct mono
latency_due(const struct latency *l, unsigned press_ms)
{
	if (l->first.ns == 0)
		return l->first;
	if (l->policy != CONF_LATENCY_BALANCED)
		return mono_add_ms(l->first, (uint64_t)l->policy);
	struct mono due =
	    l->video ? l->first : mono_add_ms(l->first, LATENCY_RIDE_MS);
	struct mono least = mono_add_ms(l->last, press_ms);
	return mono_before(due, least) ? least : due;
}

void
latency_flushed(struct latency *l, struct mono now)
{
	l->first = (struct mono){ 0 };
	l->last = now;
	l->video = false;
}

/* Load -------------------------------------------------------------------- */

static const unsigned press_steps[] = { 0, 20, 50, 100, 200, 350 };

enum { PRESS_STEPS = sizeof press_steps / sizeof *press_steps };

static void
judge_busy(struct load *l, uint64_t busy_ns, uint64_t period_ns)
{
	uint64_t percent = busy_ns * 100 / period_ns;
	l->calm = percent < LOAD_PRESS_DOWN ? l->calm + 1 : 0;
	if (percent >= LOAD_PRESS_UP && l->step + 1 < PRESS_STEPS)
		l->step++;
	if (l->calm >= LOAD_CALM_PERIODS && l->step > 0) {
		l->step--;
		l->calm = 0;
	}
}

/* Half of what began it is enough to go on. */
static void
judge_events(struct load *l, uint64_t period_ns)
{
	uint64_t rate = l->events * NS_PER_S / period_ns;
	l->gather =
	    rate >= (l->gather ? LOAD_BUSY_EVENTS / 2 : LOAD_BUSY_EVENTS);
}

bool
load_turn(struct load *l, unsigned n, struct mono now)
{
	l->events += n;
	return now.ns - l->from.ns >= LOAD_PERIOD_MS * NS_PER_MS;
}

void
load_judge(struct load *l, struct mono now, uint64_t cpu_ns)
{
	uint64_t period_ns = now.ns - l->from.ns;
	if (l->from.ns != 0 && period_ns > 0) {
		judge_busy(l, cpu_ns - l->cpu_ns, period_ns);
		judge_events(l, period_ns);
	}
	l->events = 0;
	l->from = now;
	l->cpu_ns = cpu_ns;
}

unsigned
load_press_ms(const struct load *l)
{
	return press_steps[l->step];
}

uint64_t
load_gather_ns(const struct load *l)
{
	return l->gather ? LOAD_GATHER_NS : 0;
}
