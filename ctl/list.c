#include "config.h"

#include <string.h>

#include "common/counters.h"
#include "ctl/list.h"
#include "ctl/stream.h"

json_t *
list_age(uint64_t since_ns, struct mono now)
{
	if (since_ns == 0)
		return json_null();
	uint64_t ms = mono_ms_since((struct mono){ since_ns }, now);
	return json_real((double)ms / 1000);
}

static const char *
state_name(uint32_t state)
{
	static const char *const name[] = {
		[WORKER_DOWN] = "down",
		[WORKER_STARTING] = "starting",
		[WORKER_UP] = "up",
		[WORKER_QUIT] = "quitting",
	};
	return state < sizeof name / sizeof *name ? name[state] : "unknown";
}

static json_t *
worker(const struct attach *at, unsigned i, struct mono now)
{
	const struct arena *a = &at->arena;
	const struct worker_entry *w = &a->control->worker[i];
	const struct slot *s = a->slot[i];
	json_t *j = json_pack("{s:i, s:s, s:b}", "slot", (int)i, "state",
	    state_name(list_word32(&w->state)), "asleep",
	    (int)(list_word32(&s->asleep) != 0));
	const struct {
		const char *name;
		uint64_t n;
	} number[] = {
		{ "pid", list_word32(&w->pid) },
		{ "incarnation", list_word(&w->incarnation) },
		{ "deaths", list_word(&w->deaths) },
		{ "clients", list_word(&s->clients) },
		{ "streams", stream_count(a, (int)i) },
		{ "segments_used", arena_segments_used(a, i) },
		{ "segments_resident", list_word(&s->resident) },
		{ "bytes_in", list_word(&s->counters[COUNTER_BYTES_IN]) },
		{ "bytes_out", list_word(&s->counters[COUNTER_BYTES_OUT]) },
		{ "loops", list_word(&s->loops) },
		{ "sleeps", list_word(&s->counters[COUNTER_SLEEPS]) },
		{ "wakes", list_word(&s->counters[COUNTER_WAKES]) },
	};
	for (unsigned k = 0; k < sizeof number / sizeof *number; k++)
		json_object_set_new(
		    j, number[k].name, list_number(number[k].n));
	json_object_set_new(
	    j, "uptime_s", list_age(list_word(&w->since_ns), now));
	return j;
}

json_t *
list_workers(const struct attach *at, struct mono now)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < at->nslots; i++)
		json_array_append_new(list, worker(at, i, now));
	return list;
}

/* Counters of slots from..to - 1, added up. */
static json_t *
counters(const struct attach *at, unsigned from, unsigned to)
{
	json_t *j = json_object();
	for (unsigned c = 0; c < COUNTER_COUNT; c++) {
		char name[64];
		uint64_t sum = 0;
		for (unsigned i = from; i < to; i++)
			sum += list_word(&at->arena.slot[i]->counters[c]);
		json_object_set_new(j, counter_name(c, name), list_number(sum));
	}
	return j;
}

static json_t *
by_worker(const struct attach *at)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < at->nslots; i++)
		json_array_append_new(
		    list, json_pack("{s:i, s:o}", "slot", (int)i, "counters",
			      counters(at, i, i + 1)));
	return list;
}

static json_t *
arena_facts(const struct arena *a)
{
	uint64_t used = 0, resident = 0;
	for (unsigned i = 0; i < a->nslots; i++) {
		used += arena_segments_used(a, i);
		resident += list_word(&a->slot[i]->resident);
	}
	uint64_t limit = a->control->budget_segs;
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "bytes_limit",
	    list_number(limit << SEGMENT_SHIFT), "bytes_used",
	    list_number(used << SEGMENT_SHIFT), "bytes_resident",
	    list_number(resident << SEGMENT_SHIFT), "segments_used",
	    list_number(used), "segments_resident", list_number(resident));
}

/* Clients of all slots; workers that are up. */
static json_t *
total_clients(const struct arena *a)
{
	uint64_t n = 0;
	for (unsigned i = 0; i < a->nslots; i++)
		n += list_word(&a->slot[i]->clients);
	return list_number(n);
}

static unsigned
workers_up(const struct arena *a)
{
	unsigned n = 0;
	for (unsigned i = 0; i < a->nslots; i++)
		n += list_word32(&a->control->worker[i].state) == WORKER_UP;
	return n;
}

json_t *
list_server(const struct attach *at, struct mono now)
{
	static const char *const told[] = { "version", "listen", "conf", "run",
		"log", "start_time" };
	const struct arena *a = &at->arena;
	json_t *j = json_object();
	for (unsigned i = 0; i < sizeof told / sizeof *told; i++) {
		json_t *v = json_object_get(at->hello, told[i]);
		if (v)
			json_object_set(j, told[i], v);
		else
			json_object_set_new(j, told[i], json_null());
	}
	json_object_set_new(j, "pid", list_number(a->control->master_pid));
	json_object_set_new(j, "uptime_s", list_age(a->control->start_ns, now));
	json_object_set_new(j, "workers", list_number(a->nslots));
	json_object_set_new(j, "workers_up", list_number(workers_up(a)));
	json_object_set_new(j, "clients", total_clients(a));
	json_object_set_new(j, "streams", list_number(stream_count(a, -1)));
	json_object_set_new(j, "arena", arena_facts(a));
	json_object_set_new(j, "counters", counters(at, 0, at->nslots));
	json_object_set_new(j, "by_worker", by_worker(at));
	return j;
}
