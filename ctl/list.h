/*
 * list - the facts that sluicectl shows, gathered from shared memory as JSON
 * documents.  Their fields are stable and described in sluicectl(8).
 *
 * Nobody is asked and nobody waits.  A worker may be half-way through a change,
 * stopped or dead: every index and length is checked, and what cannot be read
 * whole is null.
 *
 * All functions return a new reference, and take `now` from clock_now().
 */
#ifndef CTL_LIST_H
#define CTL_LIST_H

#include <jansson.h>
#include <stdatomic.h>

#include "common/clock.h"
#include "ctl/attach.h"

/* sluicectl server status: an object. */
json_t *list_server(const struct attach *at, struct mono now);

/* sluicectl worker list: an array, one object per slot. */
json_t *list_workers(const struct attach *at, struct mono now);

/* Shared words are read one by one; a value above INT64_MAX is shown as 0. */
static inline json_t *
list_number(uint64_t n)
{
	return json_integer(n > INT64_MAX ? 0 : (json_int_t)n);
}

static inline uint64_t
list_word(const _Atomic uint64_t *w)
{
	return atomic_load_explicit(w, memory_order_relaxed);
}

static inline uint32_t
list_word32(const _Atomic uint32_t *w)
{
	return atomic_load_explicit(w, memory_order_relaxed);
}

/* Seconds from since_ns to now, rounded to milliseconds; null if unset. */
json_t *list_age(uint64_t since_ns, struct mono now);

#endif
