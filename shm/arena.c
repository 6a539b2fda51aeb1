#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/bug.h"
#include "common/clock.h"
#include "shm/arena.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

enum { PAGE = 4096, DIR_SIZE_MIN = 1024, DIR_PER_BLOCK = 4 };

static uint64_t
page_up(uint64_t n)
{
	return (n + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

static uint64_t
half_stride(void)
{
	return page_up(sizeof(struct ring_half));
}

/* Where the parts of a slot lie; from nslots, nblocks, nrows, nsegs. */
static void
lay_out(struct arena *a)
{
	a->rows_at = page_up(sizeof(struct slot));
	a->owners_at = page_up(
	    a->rows_at + (uint64_t)a->nrows * sizeof(struct client_row));
	a->halves_at =
	    page_up(a->owners_at + (uint64_t)a->nsegs * sizeof(uint64_t));
	uint64_t end = a->halves_at + (uint64_t)a->nblocks * half_stride();
	a->segments_at =
	    (end + SEGMENT_SIZE - 1) & ~(uint64_t)(SEGMENT_SIZE - 1);
	a->slot_size = a->segments_at + ((uint64_t)a->nsegs << SEGMENT_SHIFT);
	a->control_size =
	    page_up(sizeof(struct control) +
		    (uint64_t)a->dir_size * sizeof(struct dir_entry));
	a->hints_size = page_up(
	    sizeof(struct hints) + (uint64_t)a->nseats * sizeof(uint64_t));
}

static bool
geometry_ok(const struct arena *a)
{
	return a->nslots >= 1 && a->nslots <= SLOTS_MAX && a->nblocks >= 1 &&
	       a->nblocks <= BLOCKS_MAX && a->nrows >= 1 &&
	       a->nrows <= UINT32_C(1) << 20 && a->nsegs >= 1 &&
	       a->nsegs <= UINT32_C(1) << 23 && a->nseats <= SEATS_MAX &&
	       a->dir_size >= 1 && a->dir_size <= UINT32_C(1) << 20 &&
	       (a->dir_size & (a->dir_size - 1)) == 0;
}

/* A memfd of fixed size that its own user cannot reopen for writing. */
static int
make_memfd(const char *name, uint64_t size)
{
	int fd = memfd_create(
	    name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) != 0 || fchmod(fd, 0400) != 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) !=
		0) {
		int err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static int
reopen_read_only(int fd)
{
	char path[32];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	int ro = open(path, O_RDONLY | O_CLOEXEC);
	return ro < 0 ? -errno : ro;
}

static int
map_fd(int fd, uint64_t size, bool write, void *out)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return -errno;
	if ((uint64_t)st.st_size != size)
		return -EPROTO;
	void *p = mmap(NULL, size, write ? PROT_READ | PROT_WRITE : PROT_READ,
	    MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	/* a core file of the whole arena helps nobody */
	madvise(p, size, MADV_DONTDUMP);
	memcpy(out, &p, sizeof p);
	return 0;
}

static void
arena_clear(struct arena *a)
{
	memset(a, 0, sizeof *a);
	for (unsigned i = 0; i < SLOTS_MAX; i++)
		a->slot_fd[i] = -1;
}

static void
init_control(struct arena *a, const struct arena_size *size)
{
	struct control *c = a->control;
	c->nslots = a->nslots;
	c->nblocks = a->nblocks;
	c->nrows = a->nrows;
	c->nsegs = a->nsegs;
	c->dir_size = a->dir_size;
	c->nseats = a->nseats;
	c->budget_segs = size->bytes >> SEGMENT_SHIFT;
	c->start_ns = clock_now().ns;
	c->master_pid = (uint32_t)getpid();
	uint64_t random[4];
	bug_on(getrandom(random, sizeof random, 0) != sizeof random);
	c->boot_id = random[0];
	c->hash_key[0] = random[1];
	c->hash_key[1] = random[2];
	c->node = random[3];
	c->layout = ARENA_LAYOUT;
	c->magic = ARENA_MAGIC;
}

static int
create_slot(struct arena *a, unsigned i, struct arena_fds *fds)
{
	char name[32];
	snprintf(name, sizeof name, "sluice-slot%u", i);
	int fd = make_memfd(name, a->slot_size);
	if (fd < 0)
		return fd;
	fds->slot_rw[i] = a->slot_fd[i] = fd;
	fds->slot_ro[i] = reopen_read_only(fd);
	if (fds->slot_ro[i] < 0)
		return fds->slot_ro[i];
	return map_fd(fd, a->slot_size, true, &a->slot[i]);
}

static int
create_control(struct arena *a, struct arena_fds *fds)
{
	int fd = make_memfd("sluice-control", a->control_size);
	if (fd < 0)
		return fd;
	int r = map_fd(fd, a->control_size, true, &a->control);
	fds->control_ro = reopen_read_only(fd);
	close(fd); /* the mapping is the one way to write */
	return r != 0 ? r : fds->control_ro < 0 ? fds->control_ro : 0;
}

int
arena_create(
    struct arena *a, const struct arena_size *size, struct arena_fds *fds)
{
	arena_clear(a);
	a->nslots = size->nslots;
	a->nblocks = size->nblocks;
	a->nrows = size->nrows;
	a->nseats = size->nseats;
	a->nsegs = (uint32_t)(size->bytes >> SEGMENT_SHIFT);
	a->dir_size = DIR_SIZE_MIN;
	while (a->dir_size < DIR_PER_BLOCK * a->nblocks)
		a->dir_size *= 2;
	if (!geometry_ok(a)) {
		arena_clear(a);
		return -EINVAL;
	}
	lay_out(a);
	int r = create_control(a, fds);
	if (r == 0) {
		fds->hints = make_memfd("sluice-hints", a->hints_size);
		r = fds->hints < 0
			? fds->hints
			: map_fd(fds->hints, a->hints_size, true, &a->hints);
	}
	for (unsigned i = 0; r == 0 && i < a->nslots; i++)
		r = create_slot(a, i, fds);
	if (r == 0)
		init_control(a, size);
	return r;
}

/* Read the header before the size of the region is known. */
static int
read_geometry(struct arena *a, int control_fd)
{
	struct control *c;
	void *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, control_fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	c = p;
	bool same = c->magic == ARENA_MAGIC && c->layout == ARENA_LAYOUT;
	a->nslots = c->nslots;
	a->nblocks = c->nblocks;
	a->nrows = c->nrows;
	a->nsegs = c->nsegs;
	a->dir_size = c->dir_size;
	a->nseats = c->nseats;
	munmap(p, PAGE);
	return same && geometry_ok(a) ? 0 : -EPROTO;
}

int
arena_map(struct arena *a, int control_fd, int hints_fd, const int *slot_ro,
    unsigned nslots, int own, int own_fd)
{
	arena_clear(a);
	int r = read_geometry(a, control_fd);
	if (r == 0 && a->nslots != nslots)
		r = -EPROTO;
	if (r != 0) {
		arena_clear(a); /* nothing that it says holds */
		return r;
	}
	lay_out(a);
	r = map_fd(control_fd, a->control_size, false, &a->control);
	if (r == 0 && hints_fd >= 0)
		r = map_fd(hints_fd, a->hints_size, true, &a->hints);
	for (unsigned i = 0; r == 0 && i < nslots; i++)
		r = (int)i == own
			? map_fd(own_fd, a->slot_size, true, &a->slot[i])
			: map_fd(slot_ro[i], a->slot_size, false, &a->slot[i]);
	if (r == 0 && own >= 0)
		a->slot_fd[own] = own_fd;
	if (r != 0)
		arena_unmap(a);
	return r;
}

void
arena_unmap(struct arena *a)
{
	if (a->control)
		munmap(a->control, a->control_size);
	if (a->hints)
		munmap(a->hints, a->hints_size);
	for (unsigned i = 0; i < a->nslots; i++)
		if (a->slot[i])
			munmap(a->slot[i], a->slot_size);
	arena_clear(a);
}

static void *
part(const struct arena *a, unsigned s, uint64_t at)
{
	bug_on(s >= a->nslots);
	return (uint8_t *)a->slot[s] + at;
}

struct client_row *
arena_row(const struct arena *a, unsigned s, uint32_t row)
{
	bug_on(row >= a->nrows);
	return part(a, s, a->rows_at + row * sizeof(struct client_row));
}

_Atomic uint64_t *
arena_owner(const struct arena *a, unsigned s, uint32_t seg)
{
	bug_on(seg >= a->nsegs);
	return part(a, s, a->owners_at + seg * sizeof(uint64_t));
}

struct ring_half *
arena_half(const struct arena *a, unsigned s, uint32_t b)
{
	bug_on(b >= a->nblocks);
	return part(a, s, a->halves_at + b * half_stride());
}

uint8_t *
arena_segment(const struct arena *a, unsigned s, uint32_t seg)
{
	bug_on(seg >= a->nsegs);
	return part(a, s, a->segments_at + ((uint64_t)seg << SEGMENT_SHIFT));
}

void
arena_fill(void *at, uint64_t bytes)
{
	(void)madvise(at, (size_t)bytes, MADV_POPULATE_WRITE);
}

void
arena_punch(const struct arena *a, unsigned s, const void *at, uint64_t bytes)
{
	uint64_t off =
	    (uint64_t)((const uint8_t *)at - (const uint8_t *)a->slot[s]);
	bug_on(a->slot_fd[s] < 0 || off > a->slot_size ||
	       bytes > a->slot_size - off);
	while (
	    fallocate(a->slot_fd[s], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		(off_t)off, (off_t)bytes) != 0)
		bug_on(errno != EINTR);
}

uint32_t
arena_segments_used(const struct arena *a, unsigned s)
{
	uint32_t used = 0;
	const _Atomic uint64_t *word = arena_owner(a, s, 0);
	for (uint32_t i = 0; i < a->nsegs; i++)
		used +=
		    atomic_load_explicit(&word[i], memory_order_relaxed) != 0;
	return used;
}

int64_t
arena_viewers(const struct arena *a, uint32_t block)
{
	int64_t n = 0;
	for (unsigned i = 0; i < a->nslots; i++) {
		const struct slot *s = a->slot[i];
		uint64_t word = atomic_load_explicit(
		    &s->interest[block / 64], memory_order_relaxed);
		/* without interest the number is left over */
		if (word >> (block % 64) & 1)
			n += atomic_load_explicit(
			    &s->readers[block], memory_order_relaxed);
		n += atomic_load_explicit(
		    &s->beyond[block], memory_order_relaxed);
	}
	return n > 0 ? n : 0;
}
