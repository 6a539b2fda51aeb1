/*
 * check_ring - one case per promise of shm/ring.h, in one process: slot 0
 * publishes, slot 1 reads.  What needs many processes is t/stress/ring_torture.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "arena_fixture.h"
#include "common/clock.h"
#include "shm/ring.h"
#include "shm/ring_pool.h"
#include "shm/section.h"
#include "shm/wake.h"

enum { BLOCK = 70, GEN = 9, QUOTA = 8 * SEGMENT_SIZE, OWNER = 0, READER = 1 };
#define T0  (UINT64_C(1000) * NS_PER_S)
#define SEC NS_PER_S

static struct ring_pool pool;
static struct ring_writer w;
static struct ring_view v;
static uint8_t big[4 * SEGMENT_SIZE], back[4 * SEGMENT_SIZE];
static uint8_t cfg[RING_CFG_MAX + 1], cfg_back[RING_CFG_MAX];

/* Called by ring.c in place of section_snapshot() (ld --wrap). */
void __real_section_snapshot(const struct arena *a, uint64_t *snap);
void __wrap_section_snapshot(const struct arena *a, uint64_t *snap);
static uint64_t tail_at_snapshot;

void
__wrap_section_snapshot(const struct arena *a, uint64_t *snap)
{
	if (a == &fix)
		tail_at_snapshot = arena_half(a, OWNER, BLOCK)->tail;
	__real_section_snapshot(a, snap);
}

static void
fill(uint8_t *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)((i * 2654435761u + seed * 40503u) >> 7);
}

static void
setup_grant(void)
{
	fix_create();
	ck_assert_int_eq(ring_pool_init(&pool, &fix, OWNER), 0);
	fix_grant(BLOCK, OWNER, GEN);
}

static void
setup_open(void)
{
	setup_grant();
	ring_open(&w, &pool, BLOCK, GEN, QUOTA);
	ck_assert(ring_watch(&fix, READER, BLOCK, GEN, false, &v));
}

static void
teardown(void)
{
	ring_pool_fini(&pool);
	fix_remove();
}

/* Look in a section of its own: nothing else runs meanwhile. */
static bool
look(void)
{
	section_enter(fix.slot[READER]);
	bool open = ring_look(&v);
	section_leave(fix.slot[READER]);
	return open;
}

/* Publish n bytes; returns what ring_room() said. */
static int
publish(size_t n, unsigned seed, uint64_t now)
{
	int r = ring_room(&w, n, now);
	if (r != 0)
		return r;
	fill(big, n, seed);
	ring_put(&w, 0, big, n);
	ring_commit(&w, n, seed, now);
	return 0;
}

static void
publish_segments(unsigned n, uint64_t now)
{
	while (n-- > 0)
		ck_assert_int_eq(publish(SEGMENT_SIZE, n, now), 0);
}

static bool
free_step(struct ring_free *f)
{
	return ring_free_step(&fix, f, &pool);
}

static bool
interest(unsigned s)
{
	return fix.slot[s]->interest[BLOCK / 64] >> (BLOCK % 64) & 1;
}

/* Opening, watching ------------------------------------------------------- */

START_TEST(a_ring_that_is_not_open_shows_nothing)
{
	ck_assert(ring_watch(&fix, READER, BLOCK, GEN, false, &v));
	ck_assert(!look());
	ring_open(&w, &pool, BLOCK, GEN, QUOTA);
	ck_assert(look());
	ck_assert_uint_eq(v.head, RING_START);
	ck_assert_uint_eq(v.tail, RING_START);
	ck_assert_uint_eq(v.soft, RING_START);
}
END_TEST

START_TEST(opening_claims_no_memory)
{
	ring_open(&w, &pool, BLOCK, GEN, QUOTA);
	ck_assert_uint_eq(arena_segments_used(&fix, OWNER), 0);
}
END_TEST

START_TEST(a_half_of_another_generation_shows_nothing)
{
	ck_assert(ring_watch(&fix, READER, BLOCK, GEN, false, &v));
	ring_open(&w, &pool, BLOCK, GEN + 1, QUOTA);
	ck_assert(!look());
}
END_TEST

START_TEST(opening_a_half_that_was_not_freed_is_a_bug)
{
	ring_open(&w, &pool, BLOCK, GEN, QUOTA);
	ring_open(&w, &pool, BLOCK, GEN + 1, QUOTA);
}
END_TEST

START_TEST(watching_sets_the_interest_bit_of_this_slot_only)
{
	ck_assert(ring_watch(&fix, READER, BLOCK, GEN, false, &v));
	ck_assert(interest(READER));
	ck_assert(!interest(OWNER));
	ck_assert(!interest(2));
	ck_assert_uint_eq(v.owner, OWNER);
	ck_assert_uint_eq(v.block, BLOCK);
	ck_assert_uint_eq(v.gen, GEN);
	ring_unwatch(&fix, READER, BLOCK);
	ck_assert(!interest(READER));
}
END_TEST

START_TEST(unwatching_leaves_other_blocks)
{
	fix_grant(BLOCK + 1, OWNER, 1);
	ck_assert(ring_watch(&fix, READER, BLOCK + 1, 1, false, &v));
	ck_assert(ring_watch(&fix, READER, BLOCK, GEN, false, &v));
	ring_unwatch(&fix, READER, BLOCK + 1);
	ck_assert(interest(READER));
}
END_TEST

START_TEST(watching_an_ended_or_other_generation_fails)
{
	ck_assert(!ring_watch(&fix, READER, BLOCK, GEN - 1, false, &v));
	ck_assert(!ring_watch(&fix, READER, BLOCK, GEN + 1, false, &v));
	ck_assert(!ring_watch(&fix, READER, BLOCK + 1, GEN, false, &v));
	fix_end(BLOCK, GEN);
	ck_assert(!ring_watch(&fix, READER, BLOCK, GEN, false, &v));
	ck_assert(!interest(READER));
}
END_TEST

/* Section 6: "a failed re-check clears the bit only if no other player of this
 * worker is on that block". */
START_TEST(a_failed_watch_leaves_the_bit_of_another_player)
{
	ck_assert(ring_watch(&fix, READER, BLOCK, GEN, false, &v));
	fix_end(BLOCK, GEN);
	ck_assert(!ring_watch(&fix, READER, BLOCK, GEN, true, &v));
	ck_assert(interest(READER));
	ck_assert(!ring_watch(&fix, READER, BLOCK, GEN, false, &v));
	ck_assert(!interest(READER));
}
END_TEST

START_TEST(a_watched_ring_is_marked_by_its_producer)
{
	ck_assert_uint_eq(wake_mark(&fix, BLOCK), 1 << READER);
	ring_unwatch(&fix, READER, BLOCK);
	ck_assert_uint_eq(wake_mark(&fix, BLOCK), 0);
}
END_TEST

/* Writing and reading ----------------------------------------------------- */

START_TEST(nothing_above_head_is_seen_before_the_commit)
{
	ck_assert_int_eq(ring_room(&w, 100, T0), 0);
	ring_put(&w, 0, "abc", 3);
	ck_assert(look());
	ck_assert_uint_eq(v.head, RING_START);
	ring_commit(&w, 3, 1, T0);
	ck_assert(look());
	ck_assert_uint_eq(v.head, RING_START + 3);
	ck_assert(ring_copy(&v, RING_START, back, 3));
	ck_assert_mem_eq(back, "abc", 3);
}
END_TEST

START_TEST(bytes_of_every_length_come_back)
{
	static const size_t sizes[] = { 0, 1, 2, 4095, 4096, SEGMENT_SIZE - 1,
		SEGMENT_SIZE, SEGMENT_SIZE + 1, 2 * SEGMENT_SIZE };
	for (unsigned i = 0; i < 40; i++) {
		size_t n = sizes[i % (sizeof sizes / sizeof *sizes)];
		ck_assert_int_eq(publish(n, i, T0 + i * SEC), 0);
		ck_assert(look());
		ck_assert(ring_copy(&v, v.head - n, back, n));
		ck_assert_mem_eq(big, back, n);
	}
}
END_TEST

START_TEST(a_message_may_be_put_in_any_pieces)
{
	size_t n = SEGMENT_SIZE + 5000;
	fill(big, n, 3);
	ck_assert_int_eq(publish(SEGMENT_SIZE - 17, 1, T0), 0);
	fill(big, n, 3);
	ck_assert_int_eq(ring_room(&w, n, T0), 0);
	for (size_t at = n; at > 0;) {
		size_t k = at < 777 ? at : 777;
		at -= k;
		ring_put(&w, at, big + at, k);
	}
	ring_peek(&w, 0, back, n);
	ck_assert_mem_eq(big, back, n);
	ring_commit(&w, n, 0, T0);
	ck_assert(look());
	memset(back, 0, n);
	ck_assert(ring_copy(&v, v.head - n, back, n));
	ck_assert_mem_eq(big, back, n);
}
END_TEST

START_TEST(writing_outside_the_room_is_a_bug)
{
	ck_assert_int_eq(ring_room(&w, 1, T0), 0);
	ring_put(&w, SEGMENT_SIZE, "x", 1);
}
END_TEST

START_TEST(committing_more_than_the_room_is_a_bug)
{
	ck_assert_int_eq(ring_room(&w, 1, T0), 0);
	ring_commit(&w, SEGMENT_SIZE + 1, 0, T0);
}
END_TEST

START_TEST(room_already_made_costs_nothing)
{
	ck_assert_int_eq(ring_room(&w, 1, T0), 0);
	ck_assert_int_eq(ring_room(&w, SEGMENT_SIZE, T0), 0);
	ck_assert_uint_eq(arena_segments_used(&fix, OWNER), 1);
	ck_assert_int_eq(ring_room(&w, SEGMENT_SIZE + 1, T0), 0);
	ck_assert_uint_eq(arena_segments_used(&fix, OWNER), 2);
}
END_TEST

START_TEST(spans_cover_exactly_what_was_asked)
{
	struct iovec iov[4];
	publish_segments(3, T0);
	ck_assert(look());
	ck_assert_uint_eq(
	    ring_spans(&v, RING_START + 5, RING_START + 10, iov, 4), 1);
	ck_assert_uint_eq(iov[0].iov_len, 5);
	ck_assert_ptr_eq(iov[0].iov_base, arena_segment(&fix, OWNER, 0) + 5);
	uint64_t from = RING_START + SEGMENT_SIZE - 10;
	ck_assert_uint_eq(
	    ring_spans(&v, from, from + SEGMENT_SIZE + 20, iov, 4), 3);
	ck_assert_uint_eq(iov[0].iov_len, 10);
	ck_assert_uint_eq(iov[1].iov_len, SEGMENT_SIZE);
	ck_assert_uint_eq(iov[2].iov_len, 10);
	ck_assert_uint_eq(ring_spans(&v, from, from, iov, 4), 0);
}
END_TEST

START_TEST(spans_are_cut_at_max)
{
	struct iovec iov[2];
	publish_segments(3, T0);
	ck_assert(look());
	ck_assert_uint_eq(ring_spans(&v, v.tail, v.head, iov, 2), 2);
	ck_assert_uint_eq(iov[0].iov_len + iov[1].iov_len, 2 * SEGMENT_SIZE);
}
END_TEST

START_TEST(copy_refuses_what_is_not_between_tail_and_head)
{
	publish_segments(2, T0);
	ck_assert(look());
	ck_assert(!ring_copy(&v, v.tail - 1, back, 1));
	ck_assert(!ring_copy(&v, v.head, back, 1));
	ck_assert(!ring_copy(&v, v.head - 1, back, 2));
	ck_assert(!ring_copy(&v, v.head + 1, back, 0));
	ck_assert(!ring_copy(&v, v.tail, back, SIZE_MAX));
	ck_assert(!ring_copy(&v, UINT64_MAX, back, 2));
	ck_assert(ring_copy(&v, v.head, back, 0));
	ck_assert(ring_copy(&v, v.tail, back, 2 * SEGMENT_SIZE));
}
END_TEST

START_TEST(spans_outside_the_window_are_a_bug)
{
	struct iovec iov[2];
	publish_segments(2, T0);
	ck_assert(look());
	ring_spans(&v, v.tail - 1, v.head, iov, 2);
}
END_TEST

/* Rule 9: the clock is stored before head; here: with every commit. */
START_TEST(rule_9_the_clock_comes_with_the_commit)
{
	ck_assert_int_eq(ring_room(&w, 10, T0), 0);
	ring_commit(&w, 10, 4711, T0 + 5);
	ck_assert_uint_eq(v.half->last_ts, 4711);
	ck_assert_uint_eq(v.half->last_ns, T0 + 5);
	ck_assert_uint_eq(v.half->head, RING_START + 10);
}
END_TEST

/* Retiring ---------------------------------------------------------------- */

START_TEST(the_quota_holds_while_nobody_reads)
{
	for (unsigned i = 0; i < 200; i++) {
		ck_assert_int_eq(publish(SEGMENT_SIZE / 2, i, T0 + i), 0);
		/* one more may wait in limbo */
		ck_assert_uint_le(
		    arena_segments_used(&fix, OWNER), QUOTA / SEGMENT_SIZE + 1);
	}
}
END_TEST

START_TEST(tail_is_the_start_of_a_segment_and_never_above_soft)
{
	uint64_t tail = 0, soft = 0;
	for (unsigned i = 0; i < 300; i++) {
		ck_assert_int_eq(
		    publish(1 + i * 7919 % 60000, i, T0 + i * SEC / 50), 0);
		ring_trim(&w, T0 + i * SEC / 50);
		ck_assert(look());
		ck_assert_uint_eq(v.tail % SEGMENT_SIZE, 0);
		ck_assert_uint_le(v.tail, v.soft);
		ck_assert_uint_le(v.soft, v.head);
		ck_assert_uint_ge(v.tail, tail);
		ck_assert_uint_ge(v.soft, soft);
		tail = v.tail;
		soft = v.soft;
	}
	ck_assert_uint_gt(tail, RING_START);
}
END_TEST

START_TEST(bytes_between_tail_and_head_never_change)
{
	uint64_t from = 0;
	for (unsigned i = 0; i < 100; i++) {
		ck_assert(look());
		from = v.head;
		ck_assert_int_eq(publish(50000, i, T0 + i), 0);
		for (unsigned k = 1; k <= 5; k++)
			ck_assert_int_eq(publish(50000, 1000 + k, T0 + i), 0);
		fill(big, 50000, i);
		ck_assert(look());
		ck_assert(ring_copy(&v, from, back, 50000));
		ck_assert_mem_eq(big, back, 50000);
	}
}
END_TEST

START_TEST(a_reader_in_a_section_keeps_its_bytes)
{
	publish_segments(8, T0);
	section_enter(fix.slot[READER]);
	ck_assert(ring_look(&v));
	uint64_t tail = v.tail;
	unsigned done = 0;
	while (publish(SEGMENT_SIZE, 100, T0 + 1) == 0)
		ck_assert_uint_lt(++done, 20);
	fill(big, SEGMENT_SIZE, 7);
	ck_assert(ring_copy(&v, tail, back, SEGMENT_SIZE));
	ck_assert_mem_eq(big, back, SEGMENT_SIZE);
	section_leave(fix.slot[READER]);
	ck_assert_int_eq(publish(SEGMENT_SIZE, 100, T0 + 2), 0);
}
END_TEST

START_TEST(the_producer_drops_and_does_not_wait_while_a_section_lasts)
{
	publish_segments(8, T0);
	section_enter(fix.slot[READER]);
	while (publish(SEGMENT_SIZE, 0, T0) == 0)
		;
	ck_assert_int_eq(ring_room(&w, SEGMENT_SIZE, T0), -ENOBUFS);
	/* the quota, a quarter of it and one large message */
	ck_assert_uint_le(
	    arena_segments_used(&fix, OWNER), QUOTA / SEGMENT_SIZE * 5 / 4 + 2);
	uint64_t head = w.head;
	ck_assert(ring_look(&v));
	ck_assert_uint_eq(v.head, head);
	section_leave(fix.slot[READER]);
	publish_segments(20, T0);
}
END_TEST

/* Section 6: "The segment table entry n mod size is reused only when the
 * segment formerly there has left limbo." */
START_TEST(segtab_entries_in_limbo_are_not_reused)
{
	struct ring_view old;
	publish_segments(8, T0);
	section_enter(fix.slot[READER]);
	ck_assert(ring_look(&v));
	old = v;
	for (unsigned i = 0; i < 2 * RING_SEGTAB; i++)
		publish(SEGMENT_SIZE, i, T0 + i);
	for (unsigned i = 0; i < 8; i++) {
		fill(big, SEGMENT_SIZE, 7 - i);
		ck_assert(ring_copy(
		    &old, old.tail + i * SEGMENT_SIZE, back, SEGMENT_SIZE));
		ck_assert_mem_eq(big, back, SEGMENT_SIZE);
	}
	section_leave(fix.slot[READER]);
}
END_TEST

START_TEST(the_largest_quota_never_laps_the_segment_table)
{
	struct arena_size size = { .nslots = 2,
		.nblocks = 2,
		.nrows = 1,
		.bytes = (uint64_t)(2 * RING_SEGTAB) << SEGMENT_SHIFT };
	struct arena a;
	struct arena_fds fds;
	struct ring_pool p;
	ck_assert_int_eq(arena_create(&a, &size, &fds), 0);
	ck_assert_int_eq(ring_pool_init(&p, &a, 0), 0);
	ring_open(&w, &p, 0, 1, UINT64_MAX);
	ck_assert_uint_le(w.quota, (uint64_t)(RING_SEGTAB - 1) << 17);
	section_enter(a.slot[1]);
	for (unsigned i = 0; i < 2 * RING_SEGTAB; i++) {
		if (ring_room(&w, SEGMENT_SIZE, T0) != 0)
			break;
		ring_commit(&w, SEGMENT_SIZE, 0, T0);
		ck_assert_uint_le(arena_segments_used(&a, 0), RING_SEGTAB);
	}
	ck_assert_uint_le(
	    w.head - RING_START, (uint64_t)RING_SEGTAB << SEGMENT_SHIFT);
	section_leave(a.slot[1]);
	for (unsigned i = 0; i < 3 * RING_SEGTAB; i++) {
		ck_assert_int_eq(ring_room(&w, SEGMENT_SIZE, T0), 0);
		ring_commit(&w, SEGMENT_SIZE, 0, T0);
	}
	ring_pool_fini(&p);
	arena_unmap(&a);
}
END_TEST

START_TEST(a_quota_below_8_segments_becomes_8)
{
	ring_close(&w);
	fix_grant(BLOCK + 1, OWNER, 1);
	ring_open(&w, &pool, BLOCK + 1, 1, 1);
	ck_assert_uint_eq(w.quota, 8 * SEGMENT_SIZE);
}
END_TEST

START_TEST(soft_goes_first_and_tail_follows_later)
{
	ring_mark_join(&w, 0, true, T0);
	publish_segments(3, T0);
	publish_segments(2, T0 + 40 * SEC);
	ring_trim(&w, T0 + 41 * SEC);
	ck_assert(look());
	ck_assert_uint_gt(v.soft, v.tail);
	uint64_t soft = v.soft;
	ring_trim(&w, T0 + 41 * SEC + (RING_LEAVE_MS - 1) * NS_PER_MS);
	ck_assert(look());
	ck_assert_uint_eq(v.tail, RING_START);
	ring_trim(&w, T0 + 41 * SEC + (RING_LEAVE_MS + 1) * NS_PER_MS);
	ck_assert(look());
	ck_assert_uint_eq(v.tail, soft);
}
END_TEST

START_TEST(readers_are_warned_a_message_before_the_quota_forces)
{
	/* 8 segments of quota: with the seventh, two more would not fit */
	for (unsigned i = 0; i < 7; i++)
		ck_assert_int_eq(publish(SEGMENT_SIZE, i, T0), 0);
	ck_assert(look());
	ck_assert_uint_eq(v.tail, RING_START);
	ck_assert_uint_gt(v.soft, v.tail);
}
END_TEST

START_TEST(history_of_2_seconds_is_kept)
{
	/* 6 segments in 1.2 s, then a pass right after the last */
	for (unsigned i = 0; i < 6; i++) {
		uint64_t now = T0 + i * SEC / 5;
		ck_assert_int_eq(publish(SEGMENT_SIZE - 1, i, now), 0);
		ck_assert_int_eq(publish(1, i, now), 0);
		ring_trim(&w, now);
		ck_assert(look());
		ck_assert_uint_eq(v.soft, RING_START);
	}
	ring_trim(&w, T0 + 1900 * NS_PER_MS);
	ck_assert(look());
	ck_assert_uint_eq(v.soft, RING_START);
}
END_TEST

START_TEST(the_last_two_keyframes_are_kept)
{
	ck_assert_int_eq(ring_room(&w, 10, T0), 0);
	ring_mark_join(&w, 0, true, T0);
	publish_segments(2, T0);
	ring_mark_join(&w, 0, true, T0 + 10 * SEC);
	publish_segments(3, T0 + 10 * SEC);
	for (unsigned i = 1; i < 10; i++)
		ring_trim(&w, T0 + 10 * SEC + i * SEC);
	ck_assert(look());
	ck_assert_uint_eq(v.soft, RING_START);
}
END_TEST

/* Section 7, fences: tail store -> snapshot.  The other way, a reader could
 * enter between them, see the old tail and not be waited for. */
START_TEST(tail_is_stored_before_the_snapshot)
{
	for (unsigned i = 0; i < 30; i++) {
		uint64_t tail = w.tail;
		ck_assert_int_eq(publish(SEGMENT_SIZE, i, T0), 0);
		if (w.tail != tail)
			ck_assert_uint_eq(tail_at_snapshot, w.tail);
	}
	ck_assert_uint_gt(w.tail, RING_START);
}
END_TEST

START_TEST(trim_says_whether_segments_wait_in_limbo)
{
	publish_segments(5, T0);
	ck_assert(!ring_trim(&w, T0 + 40 * SEC)); /* soft only */
	section_enter(fix.slot[READER]);
	ck_assert(ring_trim(&w, T0 + 50 * SEC));
	ck_assert(ring_trim(&w, T0 + 60 * SEC));
	ck_assert_uint_eq(arena_segments_used(&fix, OWNER), 5);
	section_leave(fix.slot[READER]);
	while (ring_trim(&w, T0 + 60 * SEC))
		;
	ck_assert_uint_lt(arena_segments_used(&fix, OWNER), 5);
}
END_TEST

/* Join points ------------------------------------------------------------- */

START_TEST(without_a_join_point_there_is_none)
{
	struct ring_point p;
	publish_segments(1, T0);
	ck_assert(look());
	ck_assert(!ring_newest_join(&v, true, &p));
	ck_assert(!ring_newest_join(&v, false, &p));
}
END_TEST

START_TEST(the_newest_join_point_of_its_kind_is_found)
{
	struct ring_point p;
	for (unsigned i = 0; i < 50; i++) {
		bool key = i % 3 == 0;
		uint64_t pos = w.head;
		ck_assert_int_eq(ring_room(&w, 100, T0), 0);
		ring_mark_join(&w, 40 * i, key, T0 + i);
		ck_assert_int_eq(publish(100, i, T0 + i), 0);
		ck_assert(look());
		ck_assert(ring_newest_join(&v, key, &p));
		ck_assert_uint_eq(p.pos, pos);
		ck_assert_uint_eq(p.ts, 40 * i);
		ck_assert_uint_eq(p.ns, T0 + i);
	}
}
END_TEST

START_TEST(a_join_point_above_the_head_looked_at_is_not_given)
{
	struct ring_point p;
	publish_segments(1, T0);
	ck_assert(look());
	ck_assert_int_eq(publish(100, 1, T0), 0);
	ck_assert_int_eq(ring_room(&w, 100, T0), 0);
	ring_mark_join(&w, 40, true, T0);
	ck_assert(!ring_newest_join(&v, true, &p));
}
END_TEST

START_TEST(a_join_point_below_soft_is_not_given)
{
	struct ring_point p;
	ring_mark_join(&w, 40, true, T0);
	for (unsigned i = 0; i < 40; i++)
		ck_assert_int_eq(publish(SEGMENT_SIZE / 2, i, T0 + i), 0);
	ck_assert(look());
	ck_assert_uint_gt(v.soft, RING_START);
	ck_assert(!ring_newest_join(&v, true, &p));
}
END_TEST

/* Rule 7 ------------------------------------------------------------------ */

static int
set_cfg(enum ring_part part, size_t n, unsigned seed)
{
	fill(cfg, n, seed);
	return ring_set_header(&w, part, cfg, n);
}

static int
read_cfg(uint32_t ver, uint32_t len[RING_PARTS])
{
	return ring_read_headers(&v, ver, cfg_back, len);
}

START_TEST(rule_7_both_parts_come_back_after_each_other)
{
	uint32_t len[RING_PARTS];
	ck_assert_int_eq(set_cfg(RING_VIDEO, 101, 1), 1);
	ck_assert_int_eq(set_cfg(RING_AUDIO, 13, 2), 1);
	ck_assert_int_eq(read_cfg(w.cfg_ver, len), 0);
	ck_assert_uint_eq(len[RING_VIDEO], 101);
	ck_assert_uint_eq(len[RING_AUDIO], 13);
	fill(cfg, 101, 1);
	ck_assert_mem_eq(cfg_back, cfg, 101);
	fill(cfg, 13, 2);
	ck_assert_mem_eq(cfg_back + 101, cfg, 13);
	/* video again, of another length: audio stays */
	ck_assert_int_eq(set_cfg(RING_VIDEO, 50, 3), 1);
	ck_assert_int_eq(read_cfg(w.cfg_ver, len), 0);
	ck_assert_uint_eq(len[RING_VIDEO], 50);
	fill(cfg, 13, 2);
	ck_assert_mem_eq(cfg_back + 50, cfg, 13);
}
END_TEST

START_TEST(rule_7_an_identical_header_makes_no_new_version)
{
	set_cfg(RING_VIDEO, 100, 1);
	set_cfg(RING_AUDIO, 10, 1);
	uint32_t ver = w.cfg_ver;
	ck_assert_int_eq(set_cfg(RING_VIDEO, 100, 1), 0);
	ck_assert_int_eq(set_cfg(RING_AUDIO, 10, 1), 0);
	ck_assert_uint_eq(w.cfg_ver, ver);
	ck_assert_uint_eq(v.half->cfg_ver, ver);
	ck_assert_int_eq(set_cfg(RING_VIDEO, 99, 1), 1);
	ck_assert_int_eq(set_cfg(RING_AUDIO, 10, 2), 1);
	ck_assert_uint_eq(v.half->cfg_ver, ver + 2);
}
END_TEST

START_TEST(rule_7_an_empty_header_again_makes_no_new_version)
{
	ck_assert_int_eq(ring_set_header(&w, RING_VIDEO, NULL, 0), 0);
	set_cfg(RING_VIDEO, 100, 1);
	ck_assert_int_eq(ring_set_header(&w, RING_AUDIO, NULL, 0), 0);
	ck_assert_int_eq(ring_set_header(&w, RING_VIDEO, NULL, 0), 1);
}
END_TEST

START_TEST(rule_7_headers_that_do_not_fit_are_not_kept)
{
	uint32_t len[RING_PARTS];
	ck_assert_int_eq(set_cfg(RING_VIDEO, RING_CFG_MAX + 1, 1), -E2BIG);
	ck_assert_int_eq(set_cfg(RING_VIDEO, RING_CFG_MAX - 10, 1), 1);
	ck_assert_int_eq(set_cfg(RING_AUDIO, 11, 2), -E2BIG);
	ck_assert_int_eq(set_cfg(RING_AUDIO, 11, 2), -E2BIG);
	ck_assert_int_eq(
	    ring_set_header(&w, RING_AUDIO, cfg, SIZE_MAX), -E2BIG);
	ck_assert_int_eq(set_cfg(RING_AUDIO, 10, 2), 1);
	ck_assert_int_eq(read_cfg(w.cfg_ver, len), 0);
	ck_assert_uint_eq(len[RING_VIDEO] + len[RING_AUDIO], RING_CFG_MAX);
}
END_TEST

START_TEST(rule_7_headers_go_with_the_join_point_they_belong_to)
{
	struct ring_point p;
	uint32_t len[RING_PARTS];
	set_cfg(RING_VIDEO, 100, 1);
	ring_mark_join(&w, 0, true, T0);
	ck_assert_int_eq(publish(10, 1, T0), 0);
	set_cfg(RING_VIDEO, 90, 2); /* after the join point */
	ck_assert(look());
	ck_assert(ring_newest_join(&v, true, &p));
	ck_assert_int_eq(read_cfg(p.cfg_ver, len), 0);
	ck_assert_uint_eq(len[RING_VIDEO], 100);
	fill(cfg, 100, 1);
	ck_assert_mem_eq(cfg_back, cfg, 100);
}
END_TEST

START_TEST(an_overwritten_version_is_refused)
{
	uint32_t len[RING_PARTS];
	set_cfg(RING_VIDEO, 100, 0);
	uint32_t ver = w.cfg_ver;
	for (unsigned i = 1; i < RING_VERSIONS - 1; i++) {
		set_cfg(RING_VIDEO, 100, i);
		ck_assert_int_eq(read_cfg(ver, len), 0);
	}
	for (unsigned i = 0; i < 5; i++) {
		set_cfg(RING_VIDEO, 100, 100 + i);
		ck_assert_int_eq(read_cfg(ver, len), -EAGAIN);
	}
}
END_TEST

START_TEST(version_0_has_no_bytes)
{
	uint32_t len[RING_PARTS] = { 7, 7 };
	ck_assert_int_eq(read_cfg(0, len), 0);
	ck_assert_uint_eq(len[RING_VIDEO], 0);
	ck_assert_uint_eq(len[RING_AUDIO], 0);
}
END_TEST

START_TEST(rule_7_of_metadata_the_newest_wins)
{
	uint32_t len, ver;
	ck_assert_int_eq(ring_read_meta(&v, cfg_back, &len, &ver), 0);
	ck_assert_uint_eq(len, 0);
	ck_assert_int_eq(ring_set_meta(&w, "one", 3), 1);
	ck_assert_int_eq(ring_set_meta(&w, "one", 3), 0);
	ck_assert_int_eq(ring_set_meta(&w, "two", 3), 1);
	ck_assert_int_eq(ring_read_meta(&v, cfg_back, &len, &ver), 0);
	ck_assert_uint_eq(ver, w.meta_ver);
	ck_assert_uint_eq(len, 3);
	ck_assert_mem_eq(cfg_back, "two", 3);
	ck_assert_int_eq(ring_set_meta(&w, NULL, 0), 1);
	ck_assert_int_eq(ring_set_meta(&w, NULL, 0), 0);
	ck_assert_int_eq(ring_read_meta(&v, cfg_back, &len, &ver), 0);
	ck_assert_uint_eq(len, 0);
}
END_TEST

START_TEST(rule_7_metadata_has_versions_of_its_own)
{
	set_cfg(RING_VIDEO, 10, 1);
	uint32_t ver = w.cfg_ver;
	ring_set_meta(&w, "x", 1);
	ck_assert_uint_eq(w.cfg_ver, ver);
	ck_assert_uint_eq(v.half->cfg_ver, ver);
}
END_TEST

START_TEST(rule_7_metadata_that_does_not_fit_is_not_kept)
{
	uint32_t len, ver;
	ring_set_meta(&w, "old", 3);
	ck_assert_int_eq(ring_set_meta(&w, cfg, RING_CFG_MAX + 1), -E2BIG);
	ck_assert_int_eq(ring_read_meta(&v, cfg_back, &len, &ver), 0);
	ck_assert_uint_eq(len, 3);
	fill(cfg, RING_CFG_MAX, 5);
	ck_assert_int_eq(ring_set_meta(&w, cfg, RING_CFG_MAX), 1);
	ck_assert_int_eq(ring_read_meta(&v, cfg_back, &len, &ver), 0);
	ck_assert_mem_eq(cfg_back, cfg, RING_CFG_MAX);
}
END_TEST

/* The pool ---------------------------------------------------------------- */

START_TEST(claims_are_first_fit)
{
	uint64_t word = owner_word(BLOCK, GEN);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(ring_pool_claim(&pool, word), i);
	ring_pool_release(&pool, 1, word);
	ring_pool_release(&pool, 3, word);
	ck_assert_int_eq(ring_pool_claim(&pool, word), 1);
	ck_assert_int_eq(ring_pool_claim(&pool, word), 3);
	ck_assert_int_eq(ring_pool_claim(&pool, word), 5);
	ck_assert_uint_eq(*arena_owner(&fix, OWNER, 5), word);
	ck_assert_uint_eq(arena_segments_used(&fix, OWNER), 6);
}
END_TEST

START_TEST(releasing_what_is_not_ours_is_a_bug)
{
	uint64_t word = owner_word(BLOCK, GEN);
	ck_assert_int_eq(ring_pool_claim(&pool, word), 0);
	ring_pool_release(&pool, 0, owner_word(BLOCK, GEN + 1));
}
END_TEST

START_TEST(all_slots_share_one_budget)
{
	struct ring_pool other;
	uint64_t word = owner_word(BLOCK, GEN);
	ck_assert_int_eq(ring_pool_init(&other, &fix, 2), 0);
	unsigned n = 0;
	while (ring_pool_claim(n % 2 ? &pool : &other, word) >= 0)
		ck_assert_uint_le(++n, FIX_SEGS);
	ck_assert_uint_eq(n, FIX_SEGS);
	ck_assert_int_eq(ring_pool_claim(&pool, word), -ENOBUFS);
	/* a segment that holds memory already is no growth */
	ring_pool_release(&pool, 0, word);
	ck_assert_int_eq(ring_pool_claim(&other, word), -ENOBUFS);
	ck_assert_int_eq(ring_pool_claim(&pool, word), 0);
	ring_pool_fini(&other);
}
END_TEST

START_TEST(without_memory_a_message_is_refused)
{
	uint64_t word = owner_word(BLOCK + 1, 1);
	while (ring_pool_claim(&pool, word) >= 0)
		;
	ck_assert_int_eq(publish(10, 0, T0), -ENOBUFS);
	ring_pool_release(&pool, 17, word);
	ring_pool_tick(&pool);
	ck_assert_int_eq(publish(10, 0, T0), 0);
}
END_TEST

static int64_t
resident_bytes(void)
{
	struct stat st;
	fstat(fix_fds.slot_rw[OWNER], &st);
	return (int64_t)st.st_blocks * 512;
}

START_TEST(idle_memory_goes_back_to_the_kernel)
{
	publish_segments(8, T0);
	int64_t full = resident_bytes();
	ring_close(&w);
	fix_end(BLOCK, GEN);
	ring_unwatch(&fix, READER, BLOCK);
	struct ring_free f = { .slot = OWNER, .block = BLOCK, .gen = GEN };
	while (!free_step(&f))
		;
	for (int i = 0; i < 10; i++)
		ring_pool_tick(&pool);
	ck_assert_int_lt(resident_bytes(), full - 7 * SEGMENT_SIZE);
	ck_assert_uint_eq(fix.slot[OWNER]->resident, 0);
}
END_TEST

START_TEST(memory_in_use_is_not_given_back)
{
	publish_segments(5, T0);
	for (int i = 0; i < 10; i++)
		ring_pool_tick(&pool);
	ck_assert(look());
	for (unsigned i = 0; i < 5; i++) {
		fill(big, SEGMENT_SIZE, 4 - i);
		ck_assert(ring_copy(
		    &v, v.tail + i * SEGMENT_SIZE, back, SEGMENT_SIZE));
		ck_assert_mem_eq(big, back, SEGMENT_SIZE);
	}
	ck_assert_uint_eq(fix.slot[OWNER]->resident, 5);
}
END_TEST

/* The end ----------------------------------------------------------------- */

START_TEST(section_6_freeing_waits_for_the_masters_end)
{
	struct ring_free f = { .slot = OWNER, .block = BLOCK, .gen = GEN };
	publish_segments(3, T0);
	ring_unwatch(&fix, READER, BLOCK);
	ring_close(&w);
	for (int i = 0; i < 5; i++)
		ck_assert(!free_step(&f));
	ck_assert_uint_eq(arena_segments_used(&fix, OWNER), 3);
	fix_end(BLOCK, GEN);
	while (!free_step(&f))
		;
	ck_assert_uint_eq(arena_segments_used(&fix, OWNER), 0);
}
END_TEST

START_TEST(section_6_freeing_waits_for_every_interest_bit)
{
	struct ring_free f = { .slot = OWNER, .block = BLOCK, .gen = GEN };
	struct ring_view second;
	ck_assert(ring_watch(&fix, 3, BLOCK, GEN, false, &second));
	publish_segments(3, T0);
	ring_close(&w);
	fix_end(BLOCK, GEN);
	for (int i = 0; i < 5; i++)
		ck_assert(!free_step(&f));
	ring_unwatch(&fix, READER, BLOCK);
	for (int i = 0; i < 5; i++)
		ck_assert(!free_step(&f));
	ck_assert(look()); /* still there for those who watch */
	ck_assert_uint_eq(arena_segments_used(&fix, OWNER), 3);
	ring_unwatch(&fix, 3, BLOCK);
	while (!free_step(&f))
		;
	ck_assert_uint_eq(arena_segments_used(&fix, OWNER), 0);
}
END_TEST

START_TEST(section_6_freeing_waits_for_the_grace_period)
{
	struct ring_free f = { .slot = OWNER, .block = BLOCK, .gen = GEN };
	publish_segments(3, T0);
	ring_close(&w);
	fix_end(BLOCK, GEN);
	section_enter(fix.slot[READER]);
	ck_assert(ring_look(&v));
	ring_unwatch(&fix, READER, BLOCK);
	for (int i = 0; i < 5; i++)
		ck_assert(!free_step(&f));
	ck_assert_uint_eq(arena_segments_used(&fix, OWNER), 3);
	section_leave(fix.slot[READER]);
	ck_assert(free_step(&f));
	ck_assert_uint_eq(arena_segments_used(&fix, OWNER), 0);
}
END_TEST

START_TEST(section_6_the_half_is_zero_when_freed)
{
	struct ring_free f = { .slot = OWNER, .block = BLOCK, .gen = GEN };
	set_cfg(RING_VIDEO, 1000, 1);
	ring_mark_join(&w, 0, true, T0);
	publish_segments(3, T0);
	ring_close(&w);
	fix_end(BLOCK, GEN);
	ring_unwatch(&fix, READER, BLOCK);
	while (!free_step(&f))
		;
	const uint8_t *h = (const uint8_t *)arena_half(&fix, OWNER, BLOCK);
	for (size_t i = 0; i < sizeof(struct ring_half); i++)
		ck_assert_uint_eq(h[i], 0);
	/* and the block can be granted again */
	fix_grant(BLOCK, OWNER, GEN + 1);
	ring_open(&w, &pool, BLOCK, GEN + 1, QUOTA);
	publish_segments(1, T0);
}
END_TEST

START_TEST(freeing_leaves_other_generations_and_blocks)
{
	struct ring_free f = { .slot = OWNER, .block = BLOCK, .gen = GEN };
	publish_segments(2, T0);
	ring_unwatch(&fix, READER, BLOCK);
	*arena_owner(&fix, OWNER, 20) = owner_word(BLOCK, GEN + 1);
	*arena_owner(&fix, OWNER, 21) = owner_word(BLOCK + 1, GEN);
	arena_half(&fix, OWNER, BLOCK + 1)->head = 5;
	ring_close(&w);
	fix_end(BLOCK, GEN);
	while (!free_step(&f))
		;
	ck_assert_uint_eq(arena_segments_used(&fix, OWNER), 2);
	ck_assert_uint_eq(arena_half(&fix, OWNER, BLOCK + 1)->head, 5);
}
END_TEST

START_TEST(what_was_claimed_above_head_or_waits_in_limbo_is_freed_as_well)
{
	struct ring_free f = { .slot = OWNER, .block = BLOCK, .gen = GEN };
	publish_segments(8, T0);
	section_enter(fix.slot[READER]);
	while (ring_room(&w, SEGMENT_SIZE, T0) == 0)
		ring_commit(&w, SEGMENT_SIZE, 0, T0);
	ring_close(&w);
	fix_end(BLOCK, GEN);
	section_leave(fix.slot[READER]);
	ring_unwatch(&fix, READER, BLOCK);
	while (!free_step(&f))
		;
	ck_assert_uint_eq(arena_segments_used(&fix, OWNER), 0);
	ck_assert_uint_eq(pool.used, 0);
}
END_TEST

START_TEST(an_ended_ring_stays_readable_for_those_who_watch)
{
	struct ring_free f = { .slot = OWNER, .block = BLOCK, .gen = GEN };
	publish_segments(2, T0);
	ring_close(&w);
	fix_end(BLOCK, GEN);
	ck_assert(!free_step(&f));
	ck_assert(look());
	fill(big, SEGMENT_SIZE, 0);
	ck_assert(ring_copy(&v, v.head - SEGMENT_SIZE, back, SEGMENT_SIZE));
	ck_assert_mem_eq(big, back, SEGMENT_SIZE);
}
END_TEST

/* A death ----------------------------------------------------------------- */

START_TEST(section_6_a_successor_initialises_nothing_of_the_dead)
{
	struct ring_pool next;
	set_cfg(RING_VIDEO, 100, 1);
	publish_segments(3, T0);
	fix_end(BLOCK, GEN); /* the worker of slot 0 is dead: the master */
	section_repair(fix.slot[OWNER]);
	ck_assert_int_eq(ring_pool_init(&next, &fix, OWNER), 0);
	ck_assert_uint_eq(arena_segments_used(&fix, OWNER), 3);
	ck_assert(look());
	for (unsigned i = 0; i < 3; i++) {
		fill(big, SEGMENT_SIZE, 2 - i);
		ck_assert(ring_copy(
		    &v, v.tail + i * SEGMENT_SIZE, back, SEGMENT_SIZE));
		ck_assert_mem_eq(big, back, SEGMENT_SIZE);
	}
	ring_pool_fini(&next);
}
END_TEST

START_TEST(section_6_a_successor_does_not_claim_foreign_owner_words)
{
	struct ring_pool next;
	publish_segments(3, T0);
	fix_end(BLOCK, GEN);
	ck_assert_int_eq(ring_pool_init(&next, &fix, OWNER), 0);
	uint64_t word = owner_word(BLOCK + 1, 1);
	ck_assert_int_eq(ring_pool_claim(&next, word), 3);
	ck_assert_uint_eq(*arena_owner(&fix, OWNER, 0), owner_word(BLOCK, GEN));
	ring_pool_fini(&next);
}
END_TEST

START_TEST(the_master_frees_for_a_dead_owner_and_gives_memory_back)
{
	struct ring_pool next;
	struct ring_free f = { .slot = OWNER, .block = BLOCK, .gen = GEN };
	publish_segments(6, T0);
	int64_t full = resident_bytes();
	fix_end(BLOCK, GEN);
	ck_assert_int_eq(ring_pool_init(&next, &fix, OWNER), 0);
	ck_assert_uint_eq(fix.slot[OWNER]->resident, 6);
	ck_assert(!ring_free_step(&fix, &f, NULL)); /* somebody watches */
	ring_unwatch(&fix, READER, BLOCK);
	while (!ring_free_step(&fix, &f, NULL))
		;
	ck_assert_uint_eq(arena_segments_used(&fix, OWNER), 0);
	ck_assert_uint_eq(arena_half(&fix, OWNER, BLOCK)->gen, 0);
	ring_pool_tick(&next);
	ck_assert_uint_eq(fix.slot[OWNER]->resident, 0);
#ifndef SLUICE_POISON
	ck_assert_int_le(resident_bytes(), full - 6 * SEGMENT_SIZE);
#endif
	(void)full;
	ring_pool_fini(&next);
}
END_TEST

/* What the master frees beside a running successor is used again by it. */
START_TEST(a_successor_takes_over_what_the_master_frees)
{
	struct ring_pool next;
	struct ring_free f = { .slot = OWNER, .block = BLOCK, .gen = GEN };
	publish_segments(4, T0);
	fix_end(BLOCK, GEN);
	ring_unwatch(&fix, READER, BLOCK);
	ck_assert_int_eq(ring_pool_init(&next, &fix, OWNER), 0);
	uint64_t word = owner_word(BLOCK + 1, 1);
	ck_assert_int_eq(ring_pool_claim(&next, word), 4);
	while (!ring_free_step(&fix, &f, NULL))
		;
	ring_pool_tick(&next);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(ring_pool_claim(&next, word), i);
	for (int i = 0; i < 5; i++)
		ring_pool_release(&next, (uint32_t)i, word);
	for (int i = 0; i < 10; i++)
		ring_pool_tick(&next);
	ck_assert_uint_eq(fix.slot[OWNER]->resident, 0);
	ring_pool_fini(&next);
}
END_TEST

/* The same without a tick between the master's frees and the claims. */
START_TEST(claims_of_freed_foreign_words_are_counted_once)
{
	struct ring_pool next;
	struct ring_free f = { .slot = OWNER, .block = BLOCK, .gen = GEN };
	publish_segments(4, T0);
	fix_end(BLOCK, GEN);
	ring_unwatch(&fix, READER, BLOCK);
	ck_assert_int_eq(ring_pool_init(&next, &fix, OWNER), 0);
	while (!ring_free_step(&fix, &f, NULL))
		;
	uint64_t word = owner_word(BLOCK + 1, 1);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(ring_pool_claim(&next, word), i);
	ck_assert_uint_eq(next.touched, 4);
	ring_pool_tick(&next);
	ck_assert_uint_eq(next.touched, 4);
	ck_assert_uint_eq(next.used, 4);
	ring_pool_fini(&next);
}
END_TEST

static void
add_reading(TCase *t)
{
	tcase_add_test_raise_signal(
	    t, writing_outside_the_room_is_a_bug, SIGABRT);
	tcase_add_test_raise_signal(
	    t, committing_more_than_the_room_is_a_bug, SIGABRT);
	tcase_add_test_raise_signal(
	    t, spans_outside_the_window_are_a_bug, SIGABRT);
	tcase_add_test(t, a_watched_ring_is_marked_by_its_producer);
	tcase_add_test(t, nothing_above_head_is_seen_before_the_commit);
	tcase_add_test(t, bytes_of_every_length_come_back);
	tcase_add_test(t, a_message_may_be_put_in_any_pieces);
	tcase_add_test(t, room_already_made_costs_nothing);
	tcase_add_test(t, spans_cover_exactly_what_was_asked);
	tcase_add_test(t, spans_are_cut_at_max);
	tcase_add_test(t, copy_refuses_what_is_not_between_tail_and_head);
	tcase_add_test(t, rule_9_the_clock_comes_with_the_commit);
}

static void
add_retiring(TCase *t)
{
	tcase_add_test(t, the_quota_holds_while_nobody_reads);
	tcase_add_test(t, tail_is_the_start_of_a_segment_and_never_above_soft);
	tcase_add_test(t, bytes_between_tail_and_head_never_change);
	tcase_add_test(t, a_reader_in_a_section_keeps_its_bytes);
	tcase_add_test(
	    t, the_producer_drops_and_does_not_wait_while_a_section_lasts);
	tcase_add_test(t, segtab_entries_in_limbo_are_not_reused);
	tcase_add_test(t, the_largest_quota_never_laps_the_segment_table);
	tcase_add_test(t, a_quota_below_8_segments_becomes_8);
	tcase_add_test(t, soft_goes_first_and_tail_follows_later);
	tcase_add_test(t, readers_are_warned_a_message_before_the_quota_forces);
	tcase_add_test(t, history_of_2_seconds_is_kept);
	tcase_add_test(t, the_last_two_keyframes_are_kept);
	tcase_add_test(t, tail_is_stored_before_the_snapshot);
	tcase_add_test(t, trim_says_whether_segments_wait_in_limbo);
}

static void
add_joining(TCase *t)
{
	tcase_add_test(t, without_a_join_point_there_is_none);
	tcase_add_test(t, the_newest_join_point_of_its_kind_is_found);
	tcase_add_test(t, a_join_point_above_the_head_looked_at_is_not_given);
	tcase_add_test(t, a_join_point_below_soft_is_not_given);
	tcase_add_test(t, rule_7_both_parts_come_back_after_each_other);
	tcase_add_test(t, rule_7_an_identical_header_makes_no_new_version);
	tcase_add_test(t, rule_7_an_empty_header_again_makes_no_new_version);
	tcase_add_test(t, rule_7_headers_that_do_not_fit_are_not_kept);
	tcase_add_test(t, rule_7_headers_go_with_the_join_point_they_belong_to);
	tcase_add_test(t, an_overwritten_version_is_refused);
	tcase_add_test(t, version_0_has_no_bytes);
	tcase_add_test(t, rule_7_of_metadata_the_newest_wins);
	tcase_add_test(t, rule_7_metadata_has_versions_of_its_own);
	tcase_add_test(t, rule_7_metadata_that_does_not_fit_is_not_kept);
}

static void
add_pool(TCase *t)
{
	tcase_add_test(t, claims_are_first_fit);
	tcase_add_test_raise_signal(
	    t, releasing_what_is_not_ours_is_a_bug, SIGABRT);
	tcase_add_test(t, all_slots_share_one_budget);
	tcase_add_test(t, without_memory_a_message_is_refused);
	tcase_add_test(t, idle_memory_goes_back_to_the_kernel);
	tcase_add_test(t, memory_in_use_is_not_given_back);
}

static void
add_end(TCase *t)
{
	tcase_add_test(t, section_6_freeing_waits_for_the_masters_end);
	tcase_add_test(t, section_6_freeing_waits_for_every_interest_bit);
	tcase_add_test(t, section_6_freeing_waits_for_the_grace_period);
	tcase_add_test(t, section_6_the_half_is_zero_when_freed);
	tcase_add_test(t, freeing_leaves_other_generations_and_blocks);
	tcase_add_test(
	    t, what_was_claimed_above_head_or_waits_in_limbo_is_freed_as_well);
	tcase_add_test(t, an_ended_ring_stays_readable_for_those_who_watch);
	tcase_add_test(
	    t, section_6_a_successor_initialises_nothing_of_the_dead);
	tcase_add_test(
	    t, section_6_a_successor_does_not_claim_foreign_owner_words);
	tcase_add_test(
	    t, the_master_frees_for_a_dead_owner_and_gives_memory_back);
	tcase_add_test(t, a_successor_takes_over_what_the_master_frees);
	tcase_add_test(t, claims_of_freed_foreign_words_are_counted_once);
}

static TCase *
open_case(const char *name, void (*setup)(void), void (*add)(TCase *))
{
	TCase *t = tcase_create(name);
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	add(t);
	return t;
}

static void
add_opening(TCase *t)
{
	tcase_add_test(t, a_ring_that_is_not_open_shows_nothing);
	tcase_add_test(t, opening_claims_no_memory);
	tcase_add_test(t, a_half_of_another_generation_shows_nothing);
	tcase_add_test_raise_signal(
	    t, opening_a_half_that_was_not_freed_is_a_bug, SIGABRT);
	tcase_add_test(t, watching_sets_the_interest_bit_of_this_slot_only);
	tcase_add_test(t, unwatching_leaves_other_blocks);
	tcase_add_test(t, watching_an_ended_or_other_generation_fails);
	tcase_add_test(t, a_failed_watch_leaves_the_bit_of_another_player);
}

int
main(void)
{
	Suite *s = suite_create("ring");
	suite_add_tcase(s, open_case("opening", setup_grant, add_opening));
	suite_add_tcase(s, open_case("reading", setup_open, add_reading));
	suite_add_tcase(s, open_case("retiring", setup_open, add_retiring));
	suite_add_tcase(s, open_case("joining", setup_open, add_joining));
	suite_add_tcase(s, open_case("pool", setup_open, add_pool));
	suite_add_tcase(s, open_case("end", setup_open, add_end));
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
