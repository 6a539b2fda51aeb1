/*
 * check_directory - one case per promise of shm/directory.h and shm/block.h.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "arena_fixture.h"
#include "common/clock.h"
#include "common/siphash.h"
#include "shm/directory.h"

enum { NOW = 1000000000 };
#define LATER (NOW + (DIR_IDLE_S + 1) * NS_PER_S)

/* A key whose chain begins at entry `at`; *n counts the tries, so that every
 * call gives another key. */
static size_t
key_at(uint64_t at, unsigned *n, char key[DIR_KEY_MAX])
{
	for (;;) {
		char name[32];
		int len = snprintf(name, sizeof name, "s%u", (*n)++);
		size_t keylen = directory_make_key(
		    key, "v", 1, "live", 4, "", 0, name, (size_t)len);
		uint64_t h = siphash(fix.control->hash_key, key, keylen);
		if ((h & (fix.dir_size - 1)) == (at & (fix.dir_size - 1)))
			return keylen;
	}
}

static int64_t
enter(const char *name, uint64_t now_ns)
{
	return directory_enter(&fix, name, strlen(name), now_ns);
}

static bool
find(const char *name, uint32_t *block, uint64_t *gen)
{
	return directory_find(&fix, name, strlen(name), block, gen);
}

START_TEST(an_unknown_name_is_not_found)
{
	uint32_t block;
	uint64_t gen;
	ck_assert(!find("nobody", &block, &gen));
}
END_TEST

START_TEST(a_name_without_publisher_is_not_found)
{
	uint32_t block;
	uint64_t gen;
	ck_assert_int_ge(enter("a", NOW), 0);
	ck_assert(!find("a", &block, &gen));
}
END_TEST

START_TEST(a_published_name_gives_its_block_and_generation)
{
	uint32_t block = 99;
	uint64_t gen = 99;
	int64_t i = enter("a", NOW);
	directory_point(&fix, (uint32_t)i, owner_word(0, 1), NOW);
	ck_assert(find("a", &block, &gen));
	ck_assert_uint_eq(block, 0);
	ck_assert_uint_eq(gen, 1);
	uint64_t last = (UINT64_C(1) << 40) - 1;
	directory_point(
	    &fix, (uint32_t)i, owner_word(FIX_BLOCKS - 1, last), NOW);
	ck_assert(find("a", &block, &gen));
	ck_assert_uint_eq(block, FIX_BLOCKS - 1);
	ck_assert_uint_eq(gen, last);
	directory_point(&fix, (uint32_t)i, 0, NOW);
	ck_assert(!find("a", &block, &gen));
}
END_TEST

START_TEST(a_block_outside_the_arena_is_not_given)
{
	uint32_t block;
	uint64_t gen;
	int64_t i = enter("a", NOW);
	directory_point(&fix, (uint32_t)i, owner_word(FIX_BLOCKS, 1), NOW);
	ck_assert(!find("a", &block, &gen));
}
END_TEST

START_TEST(entering_again_gives_the_same_entry)
{
	int64_t i = enter("a", NOW);
	ck_assert_int_eq(enter("a", LATER), i);
	ck_assert_int_ne(enter("b", NOW), i);
	ck_assert_int_eq(enter("a", NOW), i);
}
END_TEST

START_TEST(names_with_the_same_beginning_are_told_apart)
{
	ck_assert_int_ne(enter("ab", NOW), enter("a", NOW));
	ck_assert_int_ne(
	    directory_enter(&fix, "a\0b", 3, NOW), enter("a", NOW));
}
END_TEST

START_TEST(pointing_counts_the_epoch)
{
	int64_t i = enter("a", NOW);
	uint64_t epoch = fix.control->dir_epoch;
	directory_point(&fix, (uint32_t)i, owner_word(0, 1), NOW);
	ck_assert_uint_gt(fix.control->dir_epoch, epoch);
}
END_TEST

START_TEST(colliding_names_are_all_found)
{
	char key[40][DIR_KEY_MAX];
	size_t len[40];
	unsigned n = 0;
	for (uint32_t i = 0; i < 40; i++) {
		len[i] = key_at(fix.dir_size - 3, &n, key[i]);
		int64_t e = directory_enter(&fix, key[i], len[i], NOW);
		ck_assert_int_ge(e, 0);
		directory_point(&fix, (uint32_t)e, owner_word(i, i + 1), NOW);
	}
	for (uint32_t i = 0; i < 40; i++) {
		uint32_t block;
		uint64_t gen;
		ck_assert(directory_find(&fix, key[i], len[i], &block, &gen));
		ck_assert_uint_eq(block, i);
		ck_assert_uint_eq(gen, i + 1);
	}
}
END_TEST

START_TEST(an_entry_idle_for_10_minutes_is_used_again)
{
	char a[DIR_KEY_MAX], b[DIR_KEY_MAX], c[DIR_KEY_MAX];
	unsigned n = 0;
	size_t la = key_at(7, &n, a), lb = key_at(7, &n, b),
	       lc = key_at(7, &n, c);
	int64_t first = directory_enter(&fix, a, la, NOW);
	ck_assert_int_eq(directory_enter(&fix, b, lb, LATER), first);
	ck_assert_int_ne(directory_enter(&fix, c, lc, LATER), first);
	ck_assert_int_ne(directory_enter(&fix, a, la, LATER), first);
}
END_TEST

START_TEST(a_recent_entry_is_not_used_again)
{
	char a[DIR_KEY_MAX], b[DIR_KEY_MAX];
	unsigned n = 0;
	size_t la = key_at(7, &n, a), lb = key_at(7, &n, b);
	int64_t first = directory_enter(&fix, a, la, NOW);
	ck_assert_int_ne(
	    directory_enter(&fix, b, lb, NOW + DIR_IDLE_S * NS_PER_S - 1),
	    first);
}
END_TEST

START_TEST(an_entry_with_a_publisher_is_not_used_again)
{
	char a[DIR_KEY_MAX], b[DIR_KEY_MAX];
	unsigned n = 0;
	size_t la = key_at(7, &n, a), lb = key_at(7, &n, b);
	int64_t first = directory_enter(&fix, a, la, NOW);
	directory_point(&fix, (uint32_t)first, owner_word(1, 1), NOW);
	int64_t second = directory_enter(&fix, b, lb, LATER);
	ck_assert_int_ne(second, first);
	/* idle counts from the end of the last publish, not from its start */
	char c[DIR_KEY_MAX];
	size_t lc = key_at(7, &n, c);
	directory_point(&fix, (uint32_t)second, owner_word(2, 1), LATER);
	directory_point(&fix, (uint32_t)first, 0, LATER);
	ck_assert_int_ne(directory_enter(&fix, c, lc, LATER + NS_PER_S), first);
}
END_TEST

/* An overwritten entry must not give the old name, its clock or its owner. */
START_TEST(a_reused_entry_forgets_its_former_name)
{
	char a[DIR_KEY_MAX], b[DIR_KEY_MAX], copy[DIR_KEY_MAX];
	unsigned n = 0;
	size_t la = key_at(7, &n, a), lb = key_at(7, &n, b);
	int64_t i = directory_enter(&fix, a, la, NOW);
	struct dir_entry *e = &fix.control->dir[i];
	e->last_ns = 5;
	e->last_ts = 6;
	ck_assert_int_eq(directory_enter(&fix, b, lb, LATER), i);
	ck_assert_uint_eq(e->last_ns, 0);
	ck_assert_uint_eq(e->last_ts, 0);
	ck_assert_uint_eq(e->cur, 0);
	ck_assert_uint_eq(directory_key(&fix, (uint32_t)i, copy), lb);
	ck_assert_mem_eq(copy, b, lb);
}
END_TEST

/* A chain is looked through to its end before an idle entry is overwritten:
 * a name that stands further on keeps its entry. */
START_TEST(a_name_behind_an_idle_entry_stays_where_it_is)
{
	char a[DIR_KEY_MAX], b[DIR_KEY_MAX];
	unsigned n = 0;
	size_t la = key_at(7, &n, a), lb = key_at(7, &n, b);
	directory_enter(&fix, a, la, NOW);
	int64_t second = directory_enter(&fix, b, lb, NOW);
	ck_assert_int_eq(directory_enter(&fix, b, lb, LATER), second);
}
END_TEST

START_TEST(a_directory_full_of_recent_names_refuses)
{
	for (uint32_t i = 0; i < fix.dir_size; i++) {
		char name[16];
		snprintf(name, sizeof name, "n%u", i);
		ck_assert_int_ge(enter(name, NOW), 0);
	}
	ck_assert_int_eq(enter("one more", NOW), -ENOSPC);
	uint32_t block;
	uint64_t gen;
	ck_assert(!find("one more", &block, &gen));
	ck_assert_int_ge(enter("n0", NOW), 0);
	ck_assert_int_ge(enter("one more", LATER), 0);
}
END_TEST

START_TEST(a_key_being_changed_is_not_read)
{
	char key[DIR_KEY_MAX];
	uint32_t block;
	uint64_t gen;
	int64_t i = enter("a", NOW);
	directory_point(&fix, (uint32_t)i, owner_word(0, 1), NOW);
	fix.control->dir[i].seq |= 1;
	ck_assert_uint_eq(directory_key(&fix, (uint32_t)i, key), 0);
	ck_assert(!find("a", &block, &gen));
	fix.control->dir[i].seq++;
	ck_assert(find("a", &block, &gen));
}
END_TEST

START_TEST(keys_of_1_and_of_256_bytes_are_kept)
{
	char longest[DIR_KEY_MAX], copy[DIR_KEY_MAX];
	memset(longest, 'x', sizeof longest);
	int64_t i = directory_enter(&fix, longest, sizeof longest, NOW);
	ck_assert_uint_eq(
	    directory_key(&fix, (uint32_t)i, copy), sizeof longest);
	ck_assert_mem_eq(copy, longest, sizeof longest);
	i = directory_enter(&fix, "x", 1, NOW);
	ck_assert_uint_eq(directory_key(&fix, (uint32_t)i, copy), 1);
}
END_TEST

START_TEST(a_key_of_0_bytes_is_a_bug)
{
	directory_enter(&fix, "", 0, NOW);
}
END_TEST

START_TEST(an_entry_outside_has_no_key)
{
	char key[DIR_KEY_MAX];
	ck_assert_uint_eq(directory_key(&fix, fix.dir_size, key), 0);
	ck_assert_uint_eq(directory_key(&fix, 0, key), 0);
}
END_TEST

START_TEST(a_key_is_made_of_four_parts_and_taken_apart_again)
{
	char key[DIR_KEY_MAX];
	const char *const want[4] = { "host", "live", "", "cam" };
	size_t n =
	    directory_make_key(key, "host", 4, "live", 4, "", 0, "cam", 3);
	ck_assert_uint_eq(n, sizeof "host\0live\0\0cam" - 1);
	ck_assert_mem_eq(key, "host\0live\0\0cam", n);
	for (unsigned i = 0; i < 4; i++) {
		size_t len;
		const char *p = directory_key_part(key, n, i, &len);
		ck_assert_uint_eq(len, strlen(want[i]));
		ck_assert_mem_eq(p, want[i], len);
	}
}
END_TEST

START_TEST(a_part_that_is_not_there_is_empty)
{
	size_t len = 9;
	directory_key_part("live\0inst", 9, 2, &len);
	ck_assert_uint_eq(len, 0);
	directory_key_part("", 0, 0, &len);
	ck_assert_uint_eq(len, 0);
	directory_key_part("live", 4, 3, &len);
	ck_assert_uint_eq(len, 0);
}
END_TEST

START_TEST(a_key_that_is_too_long_is_not_made)
{
	char key[DIR_KEY_MAX], part[DIR_KEY_MAX + 1];
	memset(part, 'x', sizeof part);
	ck_assert_uint_eq(
	    directory_make_key(key, "", 0, "", 0, "", 0, part, DIR_KEY_MAX - 3),
	    DIR_KEY_MAX);
	ck_assert_uint_eq(
	    directory_make_key(key, "", 0, "", 0, "", 0, part, DIR_KEY_MAX - 2),
	    0);
	ck_assert_uint_eq(
	    directory_make_key(key, part, 100, part, 100, part, 52, "s", 1),
	    DIR_KEY_MAX);
	ck_assert_uint_eq(
	    directory_make_key(key, part, 100, part, 100, part, 53, "s", 1), 0);
	ck_assert_uint_eq(
	    directory_make_key(key, part, SIZE_MAX, "", 0, "", 0, "s", 1), 0);
}
END_TEST

START_TEST(parts_with_nul_and_empty_streams_are_refused)
{
	char key[DIR_KEY_MAX];
	ck_assert_uint_eq(
	    directory_make_key(key, "v", 1, "a\0b", 3, "", 0, "s", 1), 0);
	ck_assert_uint_eq(
	    directory_make_key(key, "v", 1, "a", 1, "", 0, "s\0", 2), 0);
	ck_assert_uint_eq(
	    directory_make_key(key, "v", 1, "a", 1, "i", 1, "", 0), 0);
}
END_TEST

START_TEST(a_block_is_live_in_its_own_generation_only)
{
	const struct block *b = &fix.control->block[3];
	ck_assert(!block_is_live(b, 1));
	fix_grant(3, 1, 7);
	ck_assert(block_is_live(b, 7));
	ck_assert(!block_has_ended(b, 7));
	ck_assert(!block_is_live(b, 6));
	ck_assert(block_has_ended(b, 6));
	fix_end(3, 7);
	ck_assert(!block_is_live(b, 7));
	ck_assert(block_has_ended(b, 7));
}
END_TEST

START_TEST(state_and_generation_share_a_word)
{
	uint64_t last = (UINT64_C(1) << 40) - 1;
	uint64_t sg = state_gen(BLOCK_ENDED, last);
	ck_assert_int_eq(state_of(sg), BLOCK_ENDED);
	ck_assert_uint_eq(gen_of(sg), last);
}
END_TEST

int
main(void)
{
	TCase *t = fix_tcase("directory");
	tcase_add_test(t, an_unknown_name_is_not_found);
	tcase_add_test(t, a_name_without_publisher_is_not_found);
	tcase_add_test(t, a_published_name_gives_its_block_and_generation);
	tcase_add_test(t, a_block_outside_the_arena_is_not_given);
	tcase_add_test(t, entering_again_gives_the_same_entry);
	tcase_add_test(t, names_with_the_same_beginning_are_told_apart);
	tcase_add_test(t, pointing_counts_the_epoch);
	tcase_add_test(t, colliding_names_are_all_found);
	tcase_add_test(t, an_entry_idle_for_10_minutes_is_used_again);
	tcase_add_test(t, a_recent_entry_is_not_used_again);
	tcase_add_test(t, an_entry_with_a_publisher_is_not_used_again);
	tcase_add_test(t, a_reused_entry_forgets_its_former_name);
	tcase_add_test(t, a_name_behind_an_idle_entry_stays_where_it_is);
	tcase_add_test(t, a_directory_full_of_recent_names_refuses);
	tcase_add_test(t, a_key_being_changed_is_not_read);
	tcase_add_test(t, keys_of_1_and_of_256_bytes_are_kept);
	tcase_add_test_raise_signal(t, a_key_of_0_bytes_is_a_bug, SIGABRT);
	tcase_add_test(t, an_entry_outside_has_no_key);
	tcase_add_test(t, a_key_is_made_of_four_parts_and_taken_apart_again);
	tcase_add_test(t, a_part_that_is_not_there_is_empty);
	tcase_add_test(t, a_key_that_is_too_long_is_not_made);
	tcase_add_test(t, parts_with_nul_and_empty_streams_are_refused);
	tcase_add_test(t, a_block_is_live_in_its_own_generation_only);
	tcase_add_test(t, state_and_generation_share_a_word);
	return fix_main(t, "directory");
}
