/* check_advice - one case per promise of worker/advice.h. */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "worker/advice.h"

/*
 * A stream of 25 frames and 50 audio messages per second: what is told in s
 * seconds, as bits; the last value of each kind.
 */
struct source {
	uint32_t first, gop_ms; /* 0: one keyframe, at the start */
	unsigned percent;	/* speed of its clock */
	bool audio, video;
	uint32_t jitter_ms; /* each message is up to this late */
};

static int64_t values[8];
static unsigned counts[8];

static void
say(enum advice_kind k, int64_t v)
{
	if (k == ADVICE_NONE)
		return;
	values[k] = v;
	counts[k]++;
}

static unsigned
told(const struct source *s, unsigned seconds)
{
	struct advice a = { 0 };
	unsigned bits = 0;
	for (unsigned k = 0; k < 8; k++)
		counts[k] = 0;
	srand(1);
	for (uint32_t ms = 0; ms < seconds * 1000; ms += 20) {
		uint32_t late =
		    s->jitter_ms ? (uint32_t)rand() % s->jitter_ms : 0;
		struct mono now = { (UINT64_C(5000) + ms + late) * NS_PER_MS };
		uint32_t media = ms * s->percent / 100;
		int64_t v = 0;
		enum advice_kind k;
		if (s->audio) {
			k = advice_feed(
			    &a, false, false, s->first + media, now, &v);
			say(k, v);
		}
		if (s->video && ms % 40 == 0) {
			bool key = s->gop_ms ? ms % s->gop_ms == 0 : ms == 0;
			k = advice_feed(
			    &a, true, key, s->first + media, now, &v);
			say(k, v);
		}
	}
	for (unsigned k = 0; k < 8; k++) {
		ck_assert_uint_le(counts[k], 1); /* once */
		bits |= counts[k] << k;
	}
	return bits;
}

#define BIT(k) (1u << ADVICE_##k)

START_TEST(a_sound_stream_gets_none)
{
	struct source s = { 0, 2000, 100, true, true, 0 };
	ck_assert_uint_eq(told(&s, 120), 0);
	s.gop_ms = 4000;
	ck_assert_uint_eq(told(&s, 120), 0);
	s.first = UINT32_MAX - 30000; /* wraps on the way */
	s.gop_ms = 2000;
	ck_assert_uint_eq(told(&s, 120), 0);
}
END_TEST

START_TEST(a_network_that_holds_back_is_no_clock)
{
	struct source s = { 0, 2000, 100, true, true, 3000 };
	ck_assert_uint_eq(told(&s, 300), 0);
}
END_TEST

START_TEST(keyframes_that_are_far_apart)
{
	struct source s = { 0, 10000, 100, true, true, 0 };
	ck_assert_uint_eq(told(&s, 9), 0);
	ck_assert_uint_eq(told(&s, 60), BIT(KEYFRAMES));
	ck_assert_int_eq(values[ADVICE_KEYFRAMES], 10000);
	s.gop_ms = 4040;
	ck_assert_uint_eq(told(&s, 60), BIT(KEYFRAMES));
	ck_assert_int_eq(values[ADVICE_KEYFRAMES], 4040);
	s.gop_ms = 0;
	ck_assert_uint_eq(told(&s, 12), 0);
	ck_assert_uint_eq(told(&s, 60), BIT(KEYFRAMES));
	ck_assert_int_gt(values[ADVICE_KEYFRAMES], ADVICE_NO_KEY_MS);
}
END_TEST

START_TEST(video_without_audio)
{
	struct source s = { 77, 2000, 100, false, true, 0 };
	ck_assert_uint_eq(told(&s, 9), 0);
	ck_assert_uint_eq(told(&s, 60), BIT(NO_AUDIO));
	ck_assert_int_ge(values[ADVICE_NO_AUDIO], ADVICE_AUDIO_MS);
}
END_TEST

START_TEST(audio_alone_is_a_radio)
{
	struct source s = { 77, 2000, 100, true, false, 0 };
	ck_assert_uint_eq(told(&s, 60), 0);
}
END_TEST

START_TEST(a_clock_that_runs_fast_or_slow)
{
	struct source s = { 0, 2000, 110, true, true, 0 };
	ck_assert_uint_eq(told(&s, 20), 0);
	ck_assert_uint_eq(told(&s, 60), BIT(CLOCK));
	ck_assert_int_ge(values[ADVICE_CLOCK], 9);
	ck_assert_int_le(values[ADVICE_CLOCK], 11);
	s.percent = 90;
	ck_assert_uint_eq(told(&s, 60), BIT(CLOCK));
	ck_assert_int_le(values[ADVICE_CLOCK], -9);
	s.percent = 104;
	ck_assert_uint_eq(told(&s, 120), 0);
	s.percent = 97;
	ck_assert_uint_eq(told(&s, 120), 0);
	s.percent = 200;
	ck_assert_uint_eq(told(&s, 60), BIT(CLOCK));
}
END_TEST

START_TEST(a_pause_or_a_new_base_is_no_drift)
{
	struct advice a = { 0 };
	int64_t v;
	uint32_t ts = 0;
	struct mono now = { NS_PER_S };
	for (unsigned i = 0; i < 120 * 50; i++) {
		if (i == 25 * 50) /* the media go on where they stopped */
			now = mono_add_ms(now, 30000);
		if (i == 60 * 50) {
			ts += 40000;
			advice_new_base(&a);
		}
		ck_assert_int_eq(
		    advice_feed(&a, false, false, ts, now, &v), ADVICE_NONE);
		ts += 20;
		now = mono_add_ms(now, 20);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("advice");
	TCase *t = tcase_create("advice");
	suite_add_tcase(s, t);
	tcase_add_test(t, a_sound_stream_gets_none);
	tcase_add_test(t, a_network_that_holds_back_is_no_clock);
	tcase_add_test(t, keyframes_that_are_far_apart);
	tcase_add_test(t, video_without_audio);
	tcase_add_test(t, audio_alone_is_a_radio);
	tcase_add_test(t, a_clock_that_runs_fast_or_slow);
	tcase_add_test(t, a_pause_or_a_new_base_is_no_drift);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
