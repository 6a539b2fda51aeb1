#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/bug.h"
#include "t/fuzz/keep.h"

void __wrap_arena_punch(
    const struct arena *a, unsigned s, const void *at, uint64_t bytes);

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define KEEP_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(KEEP_ASAN)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)	  ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

enum { SHIFT_MIN = 16, SHIFT_MAX = 26, GUARD = 64, SPARE_MAX = 256 };

/* Blocks of 2^i bytes that nobody has; the leak sanitizer must see them. */
static struct {
	unsigned n;
	void *block[SPARE_MAX];
} spare[SHIFT_MAX + 1];

/* The class of n bytes with a guard behind them; 0 for those of malloc. */
static unsigned
class_of(size_t n)
{
	unsigned shift = SHIFT_MIN;
	if (n <= (size_t)1 << SHIFT_MIN)
		return 0;
	while (n + GUARD > (size_t)1 << shift)
		shift++;
	return shift <= SHIFT_MAX ? shift : 0;
}

void *
keep_get(size_t n)
{
	unsigned shift = class_of(n);
	size_t size = shift > 0 ? (size_t)1 << shift : n;
	uint8_t *b;
	if (spare[shift].n > 0) {
		b = spare[shift].block[--spare[shift].n];
		ASAN_UNPOISON_MEMORY_REGION(b, size);
	} else {
		b = malloc(size);
		bug_on(b == NULL);
	}
	ASAN_POISON_MEMORY_REGION(b + n, size - n);
	return b;
}

void
keep_put(void *p, size_t n)
{
	unsigned shift = class_of(n);
	if (shift == 0 || p == NULL || spare[shift].n == SPARE_MAX) {
		free(p);
		return;
	}
	spare[shift].block[spare[shift].n++] = p;
	ASAN_POISON_MEMORY_REGION(p, (size_t)1 << shift);
}

void *
keep_grow(void *p, size_t n, size_t used, size_t to)
{
	void *b = keep_get(to);
	if (used > 0)
		memcpy(b, p, used);
	keep_put(p, n);
	return b;
}

/* The arena --------------------------------------------------------------- */

static struct {
	struct arena a;
	struct arena_fds fds;
	void *control; /* as it was after its creation */
} first;

static void
create(const struct arena_size *size)
{
	bug_on(arena_create(&first.a, size, &first.fds) != 0);
	struct control *c = first.a.control;
	c->boot_id = 1;
	c->hash_key[0] = 2;
	c->hash_key[1] = 3;
	first.control = malloc(first.a.control_size);
	bug_on(first.control == NULL);
	memcpy(first.control, c, first.a.control_size);
}

void
keep_arena(
    struct arena *a, const struct arena_size *size, struct arena_fds *fds)
{
	if (first.control == NULL)
		create(size);
	*a = first.a;
	*fds = first.fds;
	memcpy(a->control, first.control, a->control_size);
	memset(a->hints, 0, a->hints_size);
	for (unsigned i = 0; i < a->nslots; i++)
		memset(a->slot[i], 0, a->segments_at);
}

/* Halves are zero after it; segments may keep what they hold, because nobody
 * may read there before it is written. */
void
__wrap_arena_punch(
    const struct arena *a, unsigned s, const void *at, uint64_t bytes)
{
	uint8_t *slot = (uint8_t *)a->slot[s];
	uint64_t off = (uint64_t)((const uint8_t *)at - slot);
	bug_on(off > a->slot_size || bytes > a->slot_size - off);
	if (off < a->segments_at)
		memset(slot + off, 0, bytes);
}
