/*
 * check_shm - one case per promise of shm/arena.h and shm/slot.h: geometry,
 * and who may write what.  The kernel refuses, not the code (architecture
 * section 6: the mapping enforces ownership).
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arena_fixture.h"

enum { NOBODY = 65534 };

/* The arena as worker `own` (-1: sluicectl) maps it. */
static void
map_as(struct arena *a, int own)
{
	ck_assert_int_eq(
	    arena_map(a, fix_fds.control_ro, own < 0 ? -1 : fix_fds.hints,
		fix_fds.slot_ro, FIX_SLOTS, own,
		own < 0 ? -1 : fix_fds.slot_rw[own]),
	    0);
}

/* Fork, run store() on the word at p; returns the child's wait status. */
static int
status_of_store(void *p)
{
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		__atomic_store_n((uint64_t *)p, 1, __ATOMIC_RELAXED);
		_exit(0);
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void
expect_refused(void *p)
{
	int status = status_of_store(p);
#ifdef SLUICE_SANITIZED
	ck_assert(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
#else
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGSEGV);
#endif
}

static void
expect_allowed(void *p)
{
	int status = status_of_store(p);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}

START_TEST(a_new_arena_says_what_it_is)
{
	const struct control *c = fix.control;
	ck_assert_uint_eq(c->magic, ARENA_MAGIC);
	ck_assert_uint_eq(c->layout, ARENA_LAYOUT);
	ck_assert_uint_eq(c->nslots, FIX_SLOTS);
	ck_assert_uint_eq(c->nblocks, FIX_BLOCKS);
	ck_assert_uint_eq(c->nrows, FIX_ROWS);
	ck_assert_uint_eq(c->master_pid, getpid());
	ck_assert_uint_eq(c->budget_segs, FIX_SEGS);
	ck_assert_uint_ne(c->start_ns, 0);
	ck_assert_uint_eq(c->dir_size & (c->dir_size - 1), 0);
	ck_assert_uint_ge(c->dir_size, 2 * FIX_BLOCKS);
	ck_assert_uint_ge(c->nsegs, FIX_SEGS);
}
END_TEST

START_TEST(two_arenas_have_different_keys_and_ids)
{
	struct arena other;
	struct arena_fds fds;
	const struct arena_size size = {
		.nslots = 1, .nblocks = 1, .nrows = 1, .bytes = SEGMENT_SIZE
	};
	ck_assert_int_eq(arena_create(&other, &size, &fds), 0);
	ck_assert_uint_ne(other.control->boot_id, fix.control->boot_id);
	ck_assert_uint_ne(other.control->hash_key[0], fix.control->hash_key[0]);
	arena_unmap(&other);
}
END_TEST

START_TEST(a_new_arena_holds_nothing)
{
	for (unsigned s = 0; s < FIX_SLOTS; s++) {
		ck_assert_uint_eq(arena_segments_used(&fix, s), 0);
		ck_assert_uint_eq(fix.slot[s]->section, 0);
		ck_assert_uint_eq(fix.slot[s]->asleep, 0);
		ck_assert_uint_eq(arena_half(&fix, s, 0)->gen, 0);
	}
	for (unsigned b = 0; b < FIX_BLOCKS; b++)
		ck_assert_uint_eq(fix.control->block[b].state_gen, 0);
}
END_TEST

START_TEST(the_largest_arena_can_be_made)
{
	struct arena a;
	struct arena_fds fds;
	const struct arena_size size = { .nslots = SLOTS_MAX,
		.nblocks = BLOCKS_MAX,
		.nrows = 1000,
		.bytes = UINT64_C(4) << 30 };
	ck_assert_int_eq(arena_create(&a, &size, &fds), 0);
	ck_assert_uint_eq(a.nslots, SLOTS_MAX);
	ck_assert_uint_eq(a.nblocks, BLOCKS_MAX);
	for (unsigned s = 0; s < SLOTS_MAX; s++) {
		*arena_owner(&a, s, a.nsegs - 1) = owner_word(0, 1);
		ck_assert_uint_eq(arena_segments_used(&a, s), 1);
	}
	arena_unmap(&a);
}
END_TEST

START_TEST(a_geometry_out_of_bounds_is_refused)
{
	static const struct arena_size bad[] = {
		{ .nslots = 0,
		    .nblocks = 1,
		    .nrows = 1,
		    .bytes = SEGMENT_SIZE },
		{ .nslots = SLOTS_MAX + 1,
		    .nblocks = 1,
		    .nrows = 1,
		    .bytes = SEGMENT_SIZE },
		{ .nslots = 1,
		    .nblocks = 0,
		    .nrows = 1,
		    .bytes = SEGMENT_SIZE },
		{ .nslots = 1,
		    .nblocks = BLOCKS_MAX + 1,
		    .nrows = 1,
		    .bytes = SEGMENT_SIZE },
		{ .nslots = 1, .nblocks = 1, .nrows = 1, .bytes = 0 },
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct arena a;
		struct arena_fds fds;
		ck_assert_int_lt(arena_create(&a, &bad[i], &fds), 0);
		arena_unmap(&a);
	}
}
END_TEST

static void
one_after_the_other(const uint8_t *p, size_t n, const uint8_t **end)
{
	ck_assert(p >= *end);
	*end = p + n;
}

START_TEST(parts_of_a_slot_follow_each_other)
{
	for (unsigned s = 0; s < FIX_SLOTS; s++) {
		const uint8_t *base = (const uint8_t *)fix.slot[s], *end = base;
		one_after_the_other(base, sizeof(struct slot), &end);
		for (uint32_t i = 0; i < FIX_ROWS; i++)
			one_after_the_other(
			    (const uint8_t *)arena_row(&fix, s, i),
			    sizeof(struct client_row), &end);
		for (uint32_t i = 0; i < fix.nsegs; i++)
			one_after_the_other(
			    (const uint8_t *)(uintptr_t)arena_owner(&fix, s, i),
			    8, &end);
		for (uint32_t i = 0; i < FIX_BLOCKS; i++)
			one_after_the_other(
			    (const uint8_t *)arena_half(&fix, s, i),
			    sizeof(struct ring_half), &end);
		for (uint32_t i = 0; i < fix.nsegs; i++)
			one_after_the_other(
			    arena_segment(&fix, s, i), SEGMENT_SIZE, &end);
		ck_assert(end <= base + fix.slot_size);
	}
}
END_TEST

START_TEST(shared_words_stand_on_their_own_lines)
{
	for (uint32_t b = 0; b < FIX_BLOCKS; b++)
		ck_assert_uint_eq((uintptr_t)arena_half(&fix, 1, b) % 64, 0);
	ck_assert_uint_eq((uintptr_t)arena_row(&fix, 1, 1) % 64, 0);
	ck_assert_uint_eq((uintptr_t)arena_segment(&fix, 1, 1) % 4096, 0);
}
END_TEST

START_TEST(a_slot_outside_is_a_bug)
{
	arena_row(&fix, FIX_SLOTS, 0);
}
END_TEST

START_TEST(a_row_outside_is_a_bug)
{
	arena_row(&fix, 0, FIX_ROWS);
}
END_TEST

START_TEST(an_owner_word_outside_is_a_bug)
{
	arena_owner(&fix, 0, fix.nsegs);
}
END_TEST

START_TEST(a_half_outside_is_a_bug)
{
	arena_half(&fix, 0, FIX_BLOCKS);
}
END_TEST

START_TEST(a_segment_outside_is_a_bug)
{
	arena_segment(&fix, 0, fix.nsegs);
}
END_TEST

START_TEST(every_mapping_shows_the_same_memory)
{
	struct arena w, ctl;
	map_as(&w, 2);
	map_as(&ctl, -1);
	ck_assert_uint_eq(w.nsegs, fix.nsegs);
	ck_assert_uint_eq(w.nrows, fix.nrows);
	ck_assert_uint_eq(w.slot_size, fix.slot_size);
	ck_assert_int_eq(w.slot_fd[2], fix_fds.slot_rw[2]);
	ck_assert_int_eq(w.slot_fd[1], -1);
	ck_assert_ptr_null(ctl.hints);
	*arena_owner(&w, 2, fix.nsegs - 1) = 77;
	arena_segment(&w, 2, fix.nsegs - 1)[SEGMENT_SIZE - 1] = 78;
	arena_half(&w, 2, FIX_BLOCKS - 1)->head = 79;
	ck_assert_uint_eq(*arena_owner(&ctl, 2, fix.nsegs - 1), 77);
	ck_assert_uint_eq(
	    arena_segment(&fix, 2, fix.nsegs - 1)[SEGMENT_SIZE - 1], 78);
	ck_assert_uint_eq(arena_half(&ctl, 2, FIX_BLOCKS - 1)->head, 79);
	w.hints->slot[0].sum = 80;
	ck_assert_uint_eq(fix.hints->slot[0].sum, 80);
	arena_unmap(&w);
	arena_unmap(&ctl);
}
END_TEST

START_TEST(segments_in_use_are_counted_by_their_owner_words)
{
	*arena_owner(&fix, 1, 0) = owner_word(3, 1);
	*arena_owner(&fix, 1, 5) = owner_word(0, 9);
	ck_assert_uint_eq(arena_segments_used(&fix, 1), 2);
	ck_assert_uint_eq(arena_segments_used(&fix, 0), 0);
}
END_TEST

START_TEST(punched_memory_reads_0_everywhere)
{
	struct arena ctl;
	map_as(&ctl, -1);
	memset(arena_segment(&fix, 1, 3), 0xab, 3 * SEGMENT_SIZE);
	arena_punch(&fix, 1, arena_segment(&fix, 1, 4), SEGMENT_SIZE);
	ck_assert_uint_eq(arena_segment(&ctl, 1, 4)[0], 0);
	ck_assert_uint_eq(arena_segment(&ctl, 1, 4)[SEGMENT_SIZE - 1], 0);
	ck_assert_uint_eq(arena_segment(&ctl, 1, 3)[SEGMENT_SIZE - 1], 0xab);
	ck_assert_uint_eq(arena_segment(&ctl, 1, 5)[0], 0xab);
	arena_unmap(&ctl);
}
END_TEST

START_TEST(punching_gives_memory_back)
{
	struct stat before, full, after;
	fstat(fix_fds.slot_rw[1], &before);
	memset(arena_segment(&fix, 1, 0), 1, 8 * SEGMENT_SIZE);
	fstat(fix_fds.slot_rw[1], &full);
	ck_assert_int_ge(
	    full.st_blocks - before.st_blocks, 8 * SEGMENT_SIZE / 512);
	arena_punch(&fix, 1, arena_segment(&fix, 1, 0), 8 * SEGMENT_SIZE);
	fstat(fix_fds.slot_rw[1], &after);
	ck_assert_int_le(
	    after.st_blocks, full.st_blocks - 8 * SEGMENT_SIZE / 512);
}
END_TEST

START_TEST(a_slot_without_a_writable_descriptor_is_not_punched)
{
	struct arena w;
	map_as(&w, 2);
	arena_punch(&w, 1, arena_segment(&w, 1, 0), SEGMENT_SIZE);
}
END_TEST

START_TEST(an_arena_of_another_layout_is_refused)
{
	struct arena w;
	fix.control->layout++;
	ck_assert_int_eq(arena_map(&w, fix_fds.control_ro, fix_fds.hints,
			     fix_fds.slot_ro, FIX_SLOTS, 0, fix_fds.slot_rw[0]),
	    -EPROTO);
	fix.control->layout--;
	fix.control->magic++;
	ck_assert_int_eq(arena_map(&w, fix_fds.control_ro, fix_fds.hints,
			     fix_fds.slot_ro, FIX_SLOTS, 0, fix_fds.slot_rw[0]),
	    -EPROTO);
	fix.control->magic--;
	ck_assert_int_eq(
	    arena_map(&w, fix_fds.control_ro, fix_fds.hints, fix_fds.slot_ro,
		FIX_SLOTS - 1, 0, fix_fds.slot_rw[0]),
	    -EPROTO);
	map_as(&w, 0);
	arena_unmap(&w);
}
END_TEST

START_TEST(a_refused_arena_leaves_nothing_to_unmap)
{
	struct arena w;
	fix.control->nslots = 1000;
	ck_assert_int_eq(arena_map(&w, fix_fds.control_ro, fix_fds.hints,
			     fix_fds.slot_ro, FIX_SLOTS, 0, fix_fds.slot_rw[0]),
	    -EPROTO);
	ck_assert_uint_eq(w.nslots, 0);
	arena_unmap(&w);
	const struct arena_size size = {
		.nslots = 1000, .nblocks = 1, .nrows = 1, .bytes = SEGMENT_SIZE
	};
	struct arena_fds fds;
	ck_assert_int_eq(arena_create(&w, &size, &fds), -EINVAL);
	ck_assert_uint_eq(w.nslots, 0);
	arena_unmap(&w);
}
END_TEST

START_TEST(a_worker_writes_its_own_slot_and_the_hints)
{
	struct arena w;
	map_as(&w, 2);
	expect_allowed((void *)(uintptr_t)&w.slot[2]->section);
	expect_allowed(arena_segment(&w, 2, 0));
	expect_allowed(&w.hints->slot[1]);
	arena_unmap(&w);
}
END_TEST

START_TEST(a_worker_that_writes_another_slot_dies)
{
	struct arena w;
	map_as(&w, 2);
	expect_refused(w.slot[1]);
	expect_refused(arena_segment(&w, 1, 0));
	expect_refused((void *)(uintptr_t)arena_owner(&w, 3, 0));
	expect_refused(arena_half(&w, 0, 0));
	expect_refused(w.control);
	expect_refused(&w.control->block[0]);
	expect_refused(&w.control->dir[0]);
	arena_unmap(&w);
}
END_TEST

START_TEST(sluicectl_writes_nothing)
{
	struct arena ctl;
	map_as(&ctl, -1);
	for (unsigned s = 0; s < FIX_SLOTS; s++)
		expect_refused(ctl.slot[s]);
	expect_refused(ctl.control);
	arena_unmap(&ctl);
}
END_TEST

static void
expect_read_only(int fd, size_t size)
{
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	ck_assert_ptr_eq(
	    mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0),
	    MAP_FAILED);
	ck_assert_int_eq(errno, EACCES);
	void *p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(p, MAP_FAILED);
	ck_assert_int_eq(mprotect(p, size, PROT_READ | PROT_WRITE), -1);
	ck_assert_int_eq(errno, EACCES);
	ck_assert_int_eq(write(fd, "x", 1), -1);
	ck_assert_int_eq(errno, EBADF);
	ck_assert_int_eq(
	    fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096),
	    -1);
	munmap(p, size);
}

START_TEST(a_read_only_descriptor_cannot_be_mapped_writable)
{
	expect_read_only(fix_fds.control_ro, 4096);
	for (unsigned s = 0; s < FIX_SLOTS; s++)
		expect_read_only(fix_fds.slot_ro[s], 4096);
}
END_TEST

START_TEST(a_mapping_made_by_arena_map_cannot_be_made_writable)
{
	struct arena w;
	map_as(&w, 2);
	ck_assert_int_eq(
	    mprotect(w.control, w.control_size, PROT_READ | PROT_WRITE), -1);
	ck_assert_int_eq(errno, EACCES);
	ck_assert_int_eq(
	    mprotect(w.slot[1], w.slot_size, PROT_READ | PROT_WRITE), -1);
	ck_assert_int_eq(errno, EACCES);
	arena_unmap(&w);
}
END_TEST

/* In a process of another user: 0 if every way to a writable descriptor of
 * fd is closed. */
static int
try_to_reopen(int fd)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (open(path, O_RDWR) >= 0 || errno != EACCES)
		return 1;
	if (open(path, O_WRONLY) >= 0 || errno != EACCES)
		return 2;
	if (fchmod(fd, 0600) == 0)
		return 3;
	if (ftruncate(fd, 0) == 0)
		return 4;
	return 0;
}

START_TEST(another_user_cannot_reopen_for_writing)
{
	if (geteuid() != 0)
		return; /* needs a second user; see the next case */
	int status;
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 ||
		    setuid(NOBODY) != 0)
			_exit(50);
		int r = try_to_reopen(fix_fds.control_ro);
		for (unsigned s = 0; r == 0 && s < FIX_SLOTS; s++)
			r = try_to_reopen(fix_fds.slot_ro[s]);
		_exit(r);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

START_TEST(the_files_are_of_mode_0400)
{
	struct stat st;
	for (unsigned s = 0; s < FIX_SLOTS; s++) {
		fstat(fix_fds.slot_ro[s], &st);
		ck_assert_int_eq(st.st_mode & 0777, 0400);
	}
	fstat(fix_fds.control_ro, &st);
	ck_assert_int_eq(st.st_mode & 0777, 0400);
}
END_TEST

START_TEST(sizes_are_sealed_and_writing_is_not)
{
	int want = F_SEAL_GROW | F_SEAL_SHRINK;
	for (unsigned s = 0; s < FIX_SLOTS; s++) {
		int seals = fcntl(fix_fds.slot_rw[s], F_GET_SEALS);
		ck_assert_int_eq(seals & want, want);
		ck_assert_int_eq(
		    seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE), 0);
		ck_assert_int_eq(ftruncate(fix_fds.slot_rw[s], 0), -1);
		ck_assert_int_eq(errno, EPERM);
	}
}
END_TEST

START_TEST(descriptors_are_closed_on_exec)
{
	ck_assert(fcntl(fix_fds.control_ro, F_GETFD) & FD_CLOEXEC);
	ck_assert(fcntl(fix_fds.hints, F_GETFD) & FD_CLOEXEC);
	for (unsigned s = 0; s < FIX_SLOTS; s++) {
		ck_assert(fcntl(fix_fds.slot_ro[s], F_GETFD) & FD_CLOEXEC);
		ck_assert(fcntl(fix_fds.slot_rw[s], F_GETFD) & FD_CLOEXEC);
	}
}
END_TEST

/* Architecture section 6: a restarted worker maps its own slot again. */
START_TEST(a_successor_maps_the_slot_of_the_dead_writable)
{
	for (int i = 0; i < 3; i++) {
		struct arena w;
		map_as(&w, 1);
		expect_allowed(w.slot[1]);
		arena_unmap(&w);
	}
}
END_TEST

START_TEST(memory_appears_on_first_touch)
{
	struct stat st;
	for (unsigned s = 0; s < FIX_SLOTS; s++) {
		fstat(fix_fds.slot_rw[s], &st);
		ck_assert_int_lt(st.st_blocks * 512, st.st_size / 8);
	}
}
END_TEST

START_TEST(a_row_is_copied_whole_or_not_at_all)
{
	struct client_row *r = arena_row(&fix, 0, 3), copy;
	row_begin(r);
	strcpy(r->addr, "192.0.2.1:4711");
	ck_assert_int_eq(row_read(r, &copy), -EAGAIN);
	row_end(r);
	ck_assert_int_eq(row_read(r, &copy), 0);
	ck_assert_str_eq(copy.addr, "192.0.2.1:4711");
}
END_TEST

START_TEST(a_successor_repairs_a_row_left_in_a_change)
{
	struct client_row *r = arena_row(&fix, 0, 3), copy;
	row_begin(r); /* and its worker died */
	row_begin(r);
	ck_assert_int_eq(row_read(r, &copy), -EAGAIN);
	row_end(r);
	ck_assert_int_eq(row_read(r, &copy), 0);
}
END_TEST

START_TEST(text_of_a_row_is_ended_and_its_key_bounded)
{
	struct client_row *r = arena_row(&fix, 0, 3), copy;
	row_begin(r);
	memset(r->addr, 'a', sizeof r->addr);
	memset(r->agent, 'b', sizeof r->agent);
	r->keylen = 1000;
	row_end(r);
	ck_assert_int_eq(row_read(r, &copy), 0);
	ck_assert_uint_eq(strlen(copy.addr), sizeof copy.addr - 1);
	ck_assert_uint_eq(strlen(copy.agent), sizeof copy.agent - 1);
	ck_assert_uint_eq(copy.keylen, ROW_KEY);
}
END_TEST

START_TEST(owner_words_tell_blocks_and_generations_apart)
{
	ck_assert_uint_ne(owner_word(0, 1), 0);
	ck_assert_uint_ne(owner_word(0, 1), owner_word(1, 1));
	ck_assert_uint_ne(owner_word(0, 1), owner_word(0, 2));
	ck_assert_uint_eq(owner_word(BLOCKS_MAX - 1, 5) >> 40, BLOCKS_MAX);
}
END_TEST

static void
add_geometry(TCase *t)
{
	tcase_add_test(t, a_new_arena_says_what_it_is);
	tcase_add_test(t, two_arenas_have_different_keys_and_ids);
	tcase_add_test(t, a_new_arena_holds_nothing);
	tcase_add_test(t, the_largest_arena_can_be_made);
	tcase_add_test(t, a_geometry_out_of_bounds_is_refused);
	tcase_add_test(t, parts_of_a_slot_follow_each_other);
	tcase_add_test(t, shared_words_stand_on_their_own_lines);
	tcase_add_test_raise_signal(t, a_slot_outside_is_a_bug, SIGABRT);
	tcase_add_test_raise_signal(t, a_row_outside_is_a_bug, SIGABRT);
	tcase_add_test_raise_signal(t, an_owner_word_outside_is_a_bug, SIGABRT);
	tcase_add_test_raise_signal(t, a_half_outside_is_a_bug, SIGABRT);
	tcase_add_test_raise_signal(t, a_segment_outside_is_a_bug, SIGABRT);
	tcase_add_test(t, every_mapping_shows_the_same_memory);
	tcase_add_test(t, segments_in_use_are_counted_by_their_owner_words);
	tcase_add_test(t, punched_memory_reads_0_everywhere);
	tcase_add_test(t, punching_gives_memory_back);
	tcase_add_test_raise_signal(
	    t, a_slot_without_a_writable_descriptor_is_not_punched, SIGABRT);
	tcase_add_test(t, an_arena_of_another_layout_is_refused);
	tcase_add_test(t, a_refused_arena_leaves_nothing_to_unmap);
	tcase_add_test(t, memory_appears_on_first_touch);
}

static void
add_ownership(TCase *t)
{
	tcase_add_test(t, a_worker_writes_its_own_slot_and_the_hints);
	tcase_add_test(t, a_worker_that_writes_another_slot_dies);
	tcase_add_test(t, sluicectl_writes_nothing);
	tcase_add_test(t, a_read_only_descriptor_cannot_be_mapped_writable);
	tcase_add_test(t, a_mapping_made_by_arena_map_cannot_be_made_writable);
	tcase_add_test(t, another_user_cannot_reopen_for_writing);
	tcase_add_test(t, the_files_are_of_mode_0400);
	tcase_add_test(t, sizes_are_sealed_and_writing_is_not);
	tcase_add_test(t, descriptors_are_closed_on_exec);
	tcase_add_test(t, a_successor_maps_the_slot_of_the_dead_writable);
	tcase_add_test(t, a_row_is_copied_whole_or_not_at_all);
	tcase_add_test(t, a_successor_repairs_a_row_left_in_a_change);
	tcase_add_test(t, text_of_a_row_is_ended_and_its_key_bounded);
	tcase_add_test(t, owner_words_tell_blocks_and_generations_apart);
}

int
main(void)
{
	TCase *t = fix_tcase("shm");
	add_geometry(t);
	add_ownership(t);
	return fix_main(t, "shm");
}
