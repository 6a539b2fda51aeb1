/*
 * ring_torture - see torture.h.
 *
 *	ring_torture [-f form] [-s seconds] [-r seed] [-x fault]
 *
 *	form	processes	killed and stopped at random (default)
 *		threads		the same without kills, for TSan
 *		wake		one publish at a time: no wake-up may be lost
 *		steps		death after each instruction of a publish
 *	fault	grace, recheck	a control: the fault must be found
 *
 * Exit 0 if nothing was wrong (with -x: if something was), else 1; 77 skipped.
 */
#include "config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/clock.h"
#include "shm/section.h"
#include "shm/wake.h"
#include "torture.h"

enum fault torture_fault;

uint64_t
mix(uint64_t x)
{
	x ^= x >> 30;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 27;
	x *= UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

uint64_t
chance(uint64_t *rng, uint64_t below)
{
	*rng += UINT64_C(0x9e3779b97f4a7c15);
	return mix(*rng) % below;
}

uint64_t
now_ns(void)
{
	return clock_now().ns;
}

/* A statistic with one writer (or several: it is only a statistic). */
void
add(_Atomic uint64_t *word, uint64_t n)
{
	atomic_fetch_add_explicit(word, n, memory_order_relaxed);
}

void
bad(struct score *s, const char *fmt, ...)
{
	va_list ap;
	if (atomic_fetch_add_explicit(&s->bad, 1, memory_order_relaxed) != 0)
		return;
	va_start(ap, fmt);
	vsnprintf(s->what, sizeof s->what, fmt, ap);
	va_end(ap);
}

uint64_t
check_of(const struct thead *h)
{
	uint64_t x = mix(h->gen ^ (uint64_t)h->block << 48);
	x = mix(x ^ h->number);
	x = mix(x ^ ((uint64_t)h->len << 32 | h->ts));
	x = mix(x ^ ((uint64_t)h->tag[0] << 32 | h->tag[1]));
	return mix(x ^ h->key);
}

uint64_t
seed_of(const struct thead *h)
{
	return mix(h->check ^ h->gen);
}

/* n bytes at offset off of what seed stands for. */
void
content(uint64_t seed, uint64_t off, uint8_t *p, size_t n)
{
	while (n > 0) {
		uint64_t word =
		    (seed ^ off >> 3) * UINT64_C(0x9e3779b97f4a7c15);
		size_t at = off & 7, k = 8 - at < n ? 8 - at : n;
		word ^= word >> 29;
		memcpy(p, (const uint8_t *)&word + at, k);
		p += k;
		off += k;
		n -= k;
	}
}

/* The codec header that a tag stands for; at most 7 KiB.  Returns its length,
 * 0 for tag 0: none was set. */
size_t
tag_content(const struct thead *h, unsigned part, uint8_t *p)
{
	uint32_t tag = h->tag[part];
	if (tag == 0)
		return 0;
	uint64_t seed =
	    mix(h->gen ^ (uint64_t)tag << 40 ^ (uint64_t)h->block << 8 ^ part);
	size_t n = 1 + seed % 7000;
	content(seed, 0, p, n);
	return n;
}

size_t
name_key(unsigned name, char key[DIR_KEY_MAX])
{
	char stream[16];
	int n = snprintf(stream, sizeof stream, "s%u", name);
	return directory_make_key(
	    key, "v", 1, "live", 4, "", 0, stream, (size_t)n);
}

/*
 * The controls: these stand between the library's objects (ld --wrap), and
 * leave a step out when told to.
 */
bool __real_section_passed(const struct arena *a, const uint64_t *snap);
bool __wrap_section_passed(const struct arena *a, const uint64_t *snap);
bool __real_wake_may_sleep(const struct arena *a, unsigned self);
bool __wrap_wake_may_sleep(const struct arena *a, unsigned self);

bool
__wrap_section_passed(const struct arena *a, const uint64_t *snap)
{
	return torture_fault == FAULT_GRACE || __real_section_passed(a, snap);
}

bool
__wrap_wake_may_sleep(const struct arena *a, unsigned self)
{
	if (torture_fault != FAULT_RECHECK)
		return __real_wake_may_sleep(a, self);
	atomic_store_explicit(&a->slot[self]->asleep, 1, memory_order_relaxed);
	return true;
}

static struct torture *
torture_new(void)
{
	struct torture *t = mmap(NULL, sizeof *t, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const struct arena_size size = { .nslots = SLOTS,
		.nblocks = 65,
		.nrows = 1,
		.bytes = (uint64_t)BUDGET * SEGMENT_SIZE };
	if (t == MAP_FAILED || arena_create(&t->a, &size, &t->fds) != 0) {
		perror("ring_torture: shared memory");
		exit(1);
	}
	for (unsigned i = 0; i < SLOTS; i++)
		t->efd[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return t;
}

static uint64_t
total(const struct torture *t, size_t at)
{
	uint64_t n = 0;
	for (unsigned i = 0; i <= SLOTS; i++) {
		const char *p = (const char *)&t->score[i] + at;
		n += atomic_load_explicit(
		    (const _Atomic uint64_t *)(const void *)p,
		    memory_order_relaxed);
	}
	return n;
}

#define SUM(field) total(t, offsetof(struct score, field))

/* Print what happened; returns the exit status. */
static int
verdict(const struct torture *t)
{
	uint64_t wrong = SUM(bad);
	printf("%" PRIu64 " streams (%" PRIu64
	       " freed by their owners), %" PRIu64
	       " messages published, %" PRIu64 " dropped\n",
	    SUM(streams), SUM(freed), SUM(published), SUM(dropped));
	printf("%" PRIu64 " messages, %" PRIu64 " MB verified; %" PRIu64
	       " joins, %" PRIu64 " skips, %" PRIu64 " late, %" PRIu64
	       " sleeps, %" PRIu64 " rounds\n",
	    SUM(messages), SUM(bytes) >> 20, SUM(joins), SUM(skips), SUM(late),
	    SUM(sleeps), SUM(rounds));
	for (unsigned i = 0; i <= SLOTS; i++)
		if (t->score[i].what[0] != '\0')
			printf("slot %u: %s\n", i, t->score[i].what);
	printf("%" PRIu64 " bad\n", wrong);
	if (t->fault == FAULT_NONE)
		return wrong != 0 || SUM(published) == 0;
	/* a reader must have found it, not the master */
	if (wrong == t->score[SLOTS].bad) {
		printf("the fault was not found: this test proves nothing\n");
		return 1;
	}
	return 0;
}

static int
usage(void)
{
	fprintf(stderr, "usage: ring_torture [-f processes|threads|wake|steps] "
			"[-s seconds] [-r seed] [-x grace|recheck]\n");
	return 2;
}

int
main(int argc, char **argv)
{
	struct torture *t = torture_new();
	const char *form = "processes", *fault = "";
	t->seconds = 6;
	t->seed = now_ns();
	for (int c; (c = getopt(argc, argv, "f:s:r:x:")) != -1;) {
		if (c == 'f')
			form = optarg;
		else if (c == 's')
			t->seconds = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'r')
			t->seed = strtoull(optarg, NULL, 10);
		else if (c == 'x')
			fault = optarg;
		else
			return usage();
	}
	t->fault = strcmp(fault, "grace") == 0	   ? FAULT_GRACE
		   : strcmp(fault, "recheck") == 0 ? FAULT_RECHECK
						   : FAULT_NONE;
	torture_fault = t->fault;
	t->threads = strcmp(form, "threads") == 0;
	if (*fault != '\0' && t->fault == FAULT_NONE)
		return usage();
	printf("ring_torture: %s, %u s, seed %" PRIu64 "%s%s\n", form,
	    t->seconds, t->seed, *fault ? ", without " : "", fault);
	fflush(stdout);
	int r = 0;
	if (strcmp(form, "wake") == 0)
		r = wake_run(t);
	else if (strcmp(form, "steps") == 0)
		r = steps_run(t);
	else if (t->threads || strcmp(form, "processes") == 0)
		master_run(t);
	else
		return usage();
	return r != 0 ? r : verdict(t);
}
