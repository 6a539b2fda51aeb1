/*
 * check_have - worker/have.h: a new source of a stream repeats what was had, goes
 * on behind it, has another clock, or leaves a gap.
 */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "worker/have.h"

enum { BOOT_MS = 1000000, GOP = 50, STEP = 40 };

static struct have have;
static struct pubclock clock_of;

static struct mono
at(uint64_t ms)
{
	return mono_add_ms((struct mono){ 0 }, BOOT_MS + ms);
}

/* Message i of a stream at 25 frames a second; audio stands behind each. */
static struct have_msg
video(unsigned i, uint32_t base)
{
	struct have_msg m = { .kind = HAVE_VIDEO,
		.keyframe = i % GOP == 0,
		.ts = base + i * STEP,
		.len = 1000 + i * 7 % 919,
		.hash = i * 2654435761u };
	return m;
}

static struct have_msg
audio(unsigned i, uint32_t base)
{
	struct have_msg m = { .kind = HAVE_AUDIO,
		.ts = base + i * STEP + 5,
		.len = 200,
		.hash = 7 };
	return m;
}

static void
begin(uint64_t now, uint32_t last_ts, uint64_t last_ms)
{
	struct mono last = at(last_ms);
	uint64_t last_ns = last_ms > 0 ? last.ns : 0;
	pubclock_init(&clock_of, at(now), 1000, last_ts, last_ns);
	have_init(&have, &clock_of, last_ns, true);
}

/* Feed one; *ts is its mapped time. */
static enum have_verdict
feed(struct have_msg m, uint64_t now, uint32_t *ts)
{
	bool jump;
	enum have_verdict v =
	    have_judge(&have, &clock_of, &m, at(now), ts, &jump);
	ck_assert(!jump);
	return v;
}

/* Messages [from, to) that are all new and keep their times plus offset. */
static void
feed_new(unsigned from, unsigned to, uint32_t base, uint32_t offset)
{
	for (unsigned i = from; i < to; i++) {
		uint32_t ts = 0;
		ck_assert_int_eq(feed(video(i, base), i * STEP, &ts), HAVE_NEW);
		ck_assert_uint_eq(ts, base + i * STEP + offset);
		ck_assert_int_eq(feed(audio(i, base), i * STEP, &ts), HAVE_NEW);
		ck_assert_uint_eq(ts, base + i * STEP + 5 + offset);
	}
}

static void
feed_old(unsigned from, unsigned to, uint32_t base, uint64_t now)
{
	uint32_t ts;
	for (unsigned i = from; i < to; i++) {
		ck_assert_int_eq(feed(video(i, base), now, &ts), HAVE_OLD);
		ck_assert_int_eq(feed(audio(i, base), now, &ts), HAVE_OLD);
	}
}

START_TEST(keeps_times)
{
	begin(0, 0, 0);
	feed_new(0, 200, 123456, 0);
}
END_TEST

/* The next source begins with its group of pictures: nothing comes twice. */
START_TEST(goes_on)
{
	begin(0, 0, 0);
	feed_new(0, 120, 5000, 0);
	have_source(&have);
	feed_old(100, 120, 5000, 120 * STEP);
	ck_assert_uint_eq(have.dropped, 40);
	feed_new(120, 150, 5000, 0);
}
END_TEST

/* The same, but the new source counts from 0 for each player. */
START_TEST(other_clock)
{
	uint32_t ts = 0;
	begin(0, 0, 0);
	feed_new(0, 120, 500000, 0);
	have_source(&have);
	/* its frame 100 is its time 0 */
	for (unsigned i = 100; i < 120; i++) {
		struct have_msg m = video(i, 0);
		m.ts -= 100 * STEP;
		ck_assert_int_eq(feed(m, 120 * STEP, &ts), HAVE_OLD);
	}
	struct have_msg m = video(120, 0);
	m.ts -= 100 * STEP;
	ck_assert_int_eq(feed(m, 120 * STEP, &ts), HAVE_NEW);
	ck_assert_uint_eq(ts, 500000 + 120 * STEP);
}
END_TEST

/* What lies between was lost: video waits for a keyframe. */
START_TEST(gap)
{
	uint32_t ts = 0;
	begin(0, 0, 0);
	feed_new(0, 120, 5000, 0);
	have_source(&have);
	ck_assert_int_eq(feed(audio(150, 5000), 150 * STEP, &ts), HAVE_NEW);
	ck_assert_int_eq(feed(video(150, 5000), 150 * STEP, &ts), HAVE_GAP);
	ck_assert_uint_eq(ts, 5000 + 150 * STEP);
	ck_assert_int_eq(feed(video(151, 5000), 151 * STEP, &ts), HAVE_NEW);
}
END_TEST

/* The server above began anew: its clock is mapped to the viewers'. */
START_TEST(restarted)
{
	uint32_t ts = 0;
	begin(0, 0, 0);
	feed_new(0, 1500, 5000, 0);
	have_source(&have);
	struct have_msg m = video(4000, 0);
	m.ts = 1000;
	ck_assert_int_eq(feed(m, 1500 * STEP + 3000, &ts), HAVE_GAP);
	ck_assert_int_ge(rtmp_ts_diff(5000 + 1499 * STEP, ts), 3000);
	ck_assert_int_le(rtmp_ts_diff(5000 + 1499 * STEP, ts), 3100);
	uint32_t before = ts;
	m.ts = 1040;
	m.keyframe = false;
	ck_assert_int_eq(feed(m, 1501 * STEP + 3000, &ts), HAVE_NEW);
	ck_assert_uint_eq(ts, before + 40);
}
END_TEST

/* The same content once more, at the same times: after 3 s it is news. */
START_TEST(played_again)
{
	uint32_t ts = 0, last = 5000 + 199 * STEP;
	begin(0, 0, 0);
	feed_new(0, 200, 5000, 0);
	have_source(&have);
	uint64_t now = 200 * STEP;
	unsigned i = 50;
	while (feed(video(i, 5000), now, &ts) == HAVE_OLD) {
		i++;
		now += STEP;
		ck_assert_uint_lt(i, 50 + 3100 / STEP);
	}
	ck_assert_uint_ge(i, 50 + 3000 / STEP);
	ck_assert_int_gt(rtmp_ts_diff(last, ts), 0);
	ck_assert_int_le(rtmp_ts_diff(last, ts), 3200);
}
END_TEST

/* The server above began anew soon after the first time. */
START_TEST(restarted_soon)
{
	uint32_t ts = 0;
	begin(0, 0, 0);
	feed_new(0, 100, 1000, 0);
	have_source(&have);
	struct have_msg m = video(4000, 0);
	m.ts = 2000;
	ck_assert_int_eq(feed(m, 100 * STEP + 1000, &ts), HAVE_GAP);
	ck_assert_int_gt(rtmp_ts_diff(1000 + 99 * STEP, ts), 900);
}
END_TEST

/* It ended with a goodbye, and nothing of it can come again. */
START_TEST(after_a_goodbye)
{
	uint32_t ts = 0;
	struct mono last = at(4900);
	pubclock_init(&clock_of, at(5000), 1000, 9000, last.ns);
	have_init(&have, &clock_of, last.ns, false);
	ck_assert_int_eq(feed(video(0, 1000), 5000, &ts), HAVE_GAP);
	ck_assert_int_gt(rtmp_ts_diff(9000, ts), 0);
}
END_TEST

/* Another worker fetched it until it died: only its last time is known. */
START_TEST(after_another)
{
	uint32_t ts = 0;
	begin(5000, 90000, 4900);
	ck_assert_int_eq(feed(video(0, 88000), 5000, &ts), HAVE_OLD);
	ck_assert_int_eq(feed(audio(0, 88000), 5000, &ts), HAVE_OLD);
	ck_assert_int_eq(feed(video(50, 88000), 5000, &ts), HAVE_OLD);
	ck_assert_int_eq(feed(video(51, 88000), 5000, &ts), HAVE_GAP);
	ck_assert_uint_eq(ts, 88000 + 51 * STEP);
}
END_TEST

/* The clock wraps after 49 days. */
START_TEST(wraps)
{
	uint32_t base = UINT32_MAX - 60 * STEP;
	begin(0, 0, 0);
	feed_new(0, 120, base, 0);
	have_source(&have);
	feed_old(70, 120, base, 120 * STEP);
	feed_new(120, 130, base, 0);
}
END_TEST

START_TEST(headers)
{
	static const uint8_t avc[] = { 0x17, 0, 0, 0, 0, 1, 0x64 },
			     avc2[] = { 0x17, 0, 0, 0, 0, 1, 0x4d },
			     aac[] = { 0xaf, 0, 0x12, 0x10 };
	begin(0, 0, 0);
	ck_assert(!have_other(&have, 9, true, avc, sizeof avc));
	ck_assert(!have_other(&have, 8, true, aac, sizeof aac));
	ck_assert(have_other(&have, 9, true, avc, sizeof avc));
	ck_assert(!have_other(&have, 9, true, avc2, sizeof avc2));
	ck_assert(!have_other(&have, 9, true, avc, sizeof avc));
	ck_assert(have_other(&have, 8, true, aac, sizeof aac));
}
END_TEST

START_TEST(data)
{
	static const uint8_t meta[] = "\2\0\12onMetaData\10",
			     cue[] = "\2\0\3cue";
	begin(0, 0, 0);
	ck_assert(!have_other(&have, 18, false, meta, sizeof meta - 1));
	ck_assert(have_other(&have, 18, false, meta, sizeof meta - 1));
	ck_assert(have_other(&have, 18, false, cue, sizeof cue - 1));
	feed_new(0, 2, 0, 0);
	ck_assert(!have_other(&have, 18, false, cue, sizeof cue - 1));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("have");
	TCase *t = tcase_create("have");
	tcase_add_test(t, keeps_times);
	tcase_add_test(t, goes_on);
	tcase_add_test(t, other_clock);
	tcase_add_test(t, gap);
	tcase_add_test(t, restarted);
	tcase_add_test(t, played_again);
	tcase_add_test(t, restarted_soon);
	tcase_add_test(t, after_a_goodbye);
	tcase_add_test(t, after_another);
	tcase_add_test(t, wraps);
	tcase_add_test(t, headers);
	tcase_add_test(t, data);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
