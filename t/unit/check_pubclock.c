/*
 * check_pubclock - worker/pubclock.h: the clock of a name (architecture rule 9)
 * and join points (rule 8), each as a table of messages and what must come out.
 */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "worker/pubclock.h"

enum { START = 1000 };

/* Some time after boot, so that times before it exist. */
enum { BOOT_MS = 1000000 };

static struct mono
at(uint64_t ms)
{
	return mono_add_ms((struct mono){ 0 }, BOOT_MS + ms);
}

/* Rule 9: source timestamp, arrival -> mapped time, new base? ------------- */

struct map_step {
	uint32_t ts;  /* of the source */
	uint64_t ms;  /* when it comes, after the publish began */
	uint32_t out; /* expected */
	bool jump;    /* expected */
};

struct map_case {
	const char *text;
	uint32_t last_ts; /* the name's clock before, if was_live */
	uint64_t ago_ms;  /* its last message came so long before */
	bool was_live;
	struct map_step step[6]; /* up to the first with out == 0 */
};

static const struct map_case maps[] = {
	{ "a new name begins at 1000, whatever the source says", 0, 0, false,
	    { { 0, 0, 1000, false }, { 40, 40, 1040, false } } },
	{ "a new name, first media late", 0, 0, false,
	    { { 7000000, 3000, 1000, false },
		{ 7000023, 3023, 1023, false } } },
	{ "a name that was live goes on: last + elapsed", 60000, 2500, true,
	    { { 0, 0, 62500, false }, { 33, 33, 62533, false } } },
	{ "elapsed counts up to the first media, not to the grant", 60000, 2500,
	    true, { { 5, 1500, 64000, false } } },
	{ "it goes on even when it came back at once", 60000, 0, true,
	    { { 900, 0, 60000, false } } },
	{ "small steps back pass untouched", 0, 0, false,
	    { { 10000, 0, 1000, false }, { 9960, 20, 960, false },
		{ 10080, 60, 1080, false } } },
	{ "5 s back is no jump, more is", 0, 0, false,
	    { { 100000, 0, 1000, false }, { 105000, 5000, 6000, false },
		{ 100000, 5000, 1000, false }, { 94999, 5000, 1000, true } } },
	{ "5 s ahead is no jump, more is", 0, 0, false,
	    { { 100000, 0, 1000, false }, { 105000, 0, 6000, false },
		{ 110001, 0, 6000, true } } },
	{ "a jump ahead: a new base at elapsed time", 0, 0, false,
	    { { 1000, 0, 1000, false }, { 1040, 40, 1040, false },
		{ 900000, 80, 1080, true }, { 900040, 120, 1120, false } } },
	{ "a source that begins anew at 0", 0, 0, false,
	    { { 500000, 0, 1000, false }, { 500040, 40, 1040, false },
		{ 0, 90, 1090, true }, { 40, 130, 1130, false } } },
	{ "a pause of the source, as long as its step, is no jump", 0, 0, false,
	    { { 1000, 0, 1000, false }, { 61000, 60000, 61000, false },
		{ 61040, 60040, 61040, false } } },
	{ "the source wraps at 2^32", 0, 0, false,
	    { { 0xfffffff0, 0, 1000, false }, { 0x10, 32, 1032, false } } },
	{ "the name's clock wraps at 2^32", 0xfffffff0, 0, true,
	    { { 0, 0, 0xfffffff0, false }, { 32, 32, 0x10, false } } },
	{ "faster than real time, in steps below the limit", 0, 0, false,
	    { { 0, 0, 1000, false }, { 5000, 1, 6000, false },
		{ 10000, 2, 11000, false } } },
};

START_TEST(rule9_table)
{
	const struct map_case *m = &maps[_i];
	struct pubclock k;
	unsigned jumps = 0;
	uint64_t last = m->was_live ? at(0).ns - m->ago_ms * NS_PER_MS : 0;
	pubclock_init(&k, at(0), START, m->last_ts, last);
	ck_assert_msg(!k.based, "%s: based before any media", m->text);
	for (const struct map_step *s = m->step; s->out != 0; s++) {
		bool jump = !s->jump;
		uint32_t out = pubclock_map(&k, s->ts, at(s->ms), &jump);
		jumps += s->jump;
		ck_assert_msg(out == s->out,
		    "%s: %u at %ju ms gives %u, not %u", m->text, s->ts,
		    (uintmax_t)s->ms, out, s->out);
		ck_assert_msg(
		    jump == s->jump, "%s: %u: jump %d", m->text, s->ts, jump);
		ck_assert_uint_eq(k.last, out);
		ck_assert_uint_eq(k.jumps, jumps);
		ck_assert(k.based);
	}
}
END_TEST

START_TEST(rule9_without_media_the_name_keeps_its_clock)
{
	struct pubclock k;
	pubclock_init(&k, at(0), START, 60000, at(0).ns - 5 * NS_PER_MS);
	ck_assert_uint_eq(k.last, 60000);
	pubclock_init(&k, at(0), START, 0, 0);
	ck_assert_uint_eq(k.last, START);
}
END_TEST

/* The next publish of a name never begins below what its viewers have seen. */
START_TEST(rule9_monotonic_over_publishes)
{
	uint32_t last = 0;
	uint64_t last_ns = 0, now = 0;
	bool jump;
	srand(1);
	for (int i = 0; i < 200; i++) {
		struct pubclock k;
		now += (uint64_t)rand() % 20000;
		pubclock_init(&k, at(now), START, last, last_ns);
		uint32_t ts = (uint32_t)rand(), was = last;
		for (int j = 0; j < 50; j++) {
			uint32_t out = pubclock_map(&k, ts, at(now), &jump);
			ck_assert_int_ge(rtmp_ts_diff(was, out), 0);
			was = out;
			ts += 40;
			now += 40;
		}
		last = k.last;
		last_ns = k.at.ns;
	}
}
END_TEST

/* Rule 8: where players may begin ---------------------------------------- */

enum what { A, V, K, END }; /* audio, inter frame, keyframe */

struct join_step {
	enum what what;
	uint64_t ms;
	enum pubclock_join join; /* expected */
};

struct join_case {
	const char *text;
	struct join_step step[14];
};

static const struct join_case joins[] = {
	{ "every keyframe",
	    { { K, 0, JOIN_KEY }, { V, 40, JOIN_NONE }, { A, 50, JOIN_NONE },
		{ K, 80, JOIN_KEY }, { K, 90, JOIN_KEY }, { END, 0, 0 } } },
	{ "audio only: nothing in the first 2 s, then one per 250 ms",
	    { { A, 0, JOIN_NONE }, { A, 1999, JOIN_NONE },
		{ A, 2000, JOIN_ANY }, { A, 2020, JOIN_NONE },
		{ A, 2249, JOIN_NONE }, { A, 2250, JOIN_ANY },
		{ A, 2500, JOIN_ANY }, { END, 0, 0 } } },
	{ "no keyframe for 10 s: any message, until one comes",
	    { { K, 0, JOIN_KEY }, { V, 1900, JOIN_NONE },
		{ V, 3800, JOIN_NONE }, { V, 5700, JOIN_NONE },
		{ V, 7600, JOIN_NONE }, { V, 9500, JOIN_NONE },
		{ V, 10000, JOIN_NONE }, { V, 10001, JOIN_ANY },
		{ A, 10200, JOIN_NONE }, { A, 10251, JOIN_ANY },
		{ K, 10300, JOIN_KEY }, { V, 10600, JOIN_NONE },
		{ END, 0, 0 } } },
	{ "a stream that never has a keyframe",
	    { { V, 0, JOIN_NONE }, { V, 1900, JOIN_NONE },
		{ V, 3800, JOIN_NONE }, { V, 5700, JOIN_NONE },
		{ V, 7600, JOIN_NONE }, { V, 9500, JOIN_NONE },
		{ V, 10040, JOIN_ANY }, { END, 0, 0 } } },
	{ "video stops for 2 s, audio goes on",
	    { { K, 0, JOIN_KEY }, { A, 1999, JOIN_NONE }, { A, 2000, JOIN_ANY },
		{ A, 2100, JOIN_NONE }, { A, 2250, JOIN_ANY },
		{ END, 0, 0 } } },
	{ "the frame that ends the drought is a join point itself",
	    { { K, 0, JOIN_KEY }, { V, 2500, JOIN_ANY }, { V, 2800, JOIN_NONE },
		{ END, 0, 0 } } },
	{ "a keyframe is one however near the last join point is",
	    { { A, 2000, JOIN_ANY }, { K, 2001, JOIN_KEY },
		{ A, 2300, JOIN_NONE }, { END, 0, 0 } } },
	{ "1 frame per second with a keyframe every 4 s is no drought",
	    { { K, 0, JOIN_KEY }, { V, 1000, JOIN_NONE },
		{ V, 2000, JOIN_NONE }, { V, 3000, JOIN_NONE },
		{ K, 4000, JOIN_KEY }, { END, 0, 0 } } },
	{ "a keyframe flag on audio means nothing",
	    { { A, 100, JOIN_NONE }, { END, 0, 0 } } },
};

START_TEST(rule8_table)
{
	const struct join_case *c = &joins[_i];
	struct pubclock k;
	pubclock_init(&k, at(0), START, 0, 0);
	for (const struct join_step *s = c->step; s->what != END; s++) {
		bool video = s->what != A;
		/* audio says "keyframe" as well: it must not count */
		enum pubclock_join j =
		    pubclock_join(&k, video, s->what != V, at(s->ms));
		ck_assert_msg(j == s->join, "%s: at %ju ms: %d, not %d",
		    c->text, (uintmax_t)s->ms, (int)j, (int)s->join);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pubclock");
	TCase *c = tcase_create("rules");
	tcase_add_loop_test(c, rule9_table, 0, sizeof maps / sizeof maps[0]);
	tcase_add_test(c, rule9_without_media_the_name_keeps_its_clock);
	tcase_add_test(c, rule9_monotonic_over_publishes);
	tcase_add_loop_test(c, rule8_table, 0, sizeof joins / sizeof joins[0]);
	suite_add_tcase(s, c);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
