/*
 * check_frame - one case per promise of bench/frame.h, bench/crc32c.h and
 * bench/verify.h.
 */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "bench/crc32c.h"
#include "bench/frame.h"
#include "bench/verify.h"
#include "rtmp/flvtag.h"

enum { RUN = 0x5eed, LEN = 300 };

static const struct frame_info key = { .kind = FRAME_VIDEO,
	.key = true,
	.stream = 7,
	.run = RUN,
	.number = UINT64_C(0x123456789a),
	.sent_ns = UINT64_C(987654321012) };

/* Scan a message in pieces of `step` bytes, each in a block of its own. */
static enum frame_result
scan(const uint8_t *msg, size_t len, enum frame_kind kind, size_t step,
    struct frame_info *f)
{
	struct frame_scan s;
	memset(&s, 0xa5, sizeof(s));
	frame_scan_begin(&s, kind, (uint32_t)len, true);
	for (size_t at = 0; at < len; at += step) {
		size_t n = len - at < step ? len - at : step;
		uint8_t *piece = malloc(n);
		memcpy(piece, msg + at, n);
		frame_scan_data(&s, piece, n);
		free(piece);
	}
	return frame_scan_end(&s, f);
}

START_TEST(crc32c_has_the_published_values)
{
	/* RFC 3720, B.4 */
	uint8_t b[32];
	memset(b, 0, sizeof(b));
	ck_assert_uint_eq(crc32c_add(0, b, 32), 0x8a9136aa);
	ck_assert_uint_eq(crc32c_add_table(0, b, 32), 0x8a9136aa);
	memset(b, 0xff, sizeof(b));
	ck_assert_uint_eq(crc32c_add(0, b, 32), 0x62a8ab43);
	ck_assert_uint_eq(crc32c_add_table(0, b, 32), 0x62a8ab43);
	for (unsigned i = 0; i < 32; i++)
		b[i] = (uint8_t)i;
	ck_assert_uint_eq(crc32c_add(0, b, 32), 0x46dd794e);
	ck_assert_uint_eq(crc32c_add_table(0, b, 32), 0x46dd794e);
	ck_assert_uint_eq(crc32c_add(0, "123456789", 9), 0xe3069283);
	ck_assert_uint_eq(crc32c_add_table(0, "123456789", 9), 0xe3069283);
}
END_TEST

START_TEST(crc32c_may_be_cut_anywhere)
{
	uint8_t b[61];
	for (unsigned i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)(i * 37 + 11);
	uint32_t whole = crc32c_add(0, b, sizeof(b));
	for (size_t cut = 0; cut <= sizeof(b); cut++) {
		uint32_t c = crc32c_add(0, b, cut);
		ck_assert_uint_eq(
		    crc32c_add(c, b + cut, sizeof(b) - cut), whole);
		c = crc32c_add_table(0, b, cut);
		ck_assert_uint_eq(
		    crc32c_add_table(c, b + cut, sizeof(b) - cut), whole);
	}
}
END_TEST

static void
expect_same(const struct frame_info *a, const struct frame_info *b)
{
	ck_assert_int_eq(a->kind, b->kind);
	ck_assert_int_eq(a->key, b->key);
	ck_assert_uint_eq(a->stream, b->stream);
	ck_assert_uint_eq(a->run, b->run);
	ck_assert_uint_eq(a->number, b->number);
	ck_assert_uint_eq(a->sent_ns, b->sent_ns);
}

START_TEST(what_is_written_is_read_in_pieces_of_any_size)
{
	struct frame_info forms[3] = { key, key, key };
	forms[1].key = false;
	forms[2].key = false;
	forms[2].kind = FRAME_AUDIO;
	for (int i = 0; i < 3; i++) {
		uint8_t msg[LEN];
		struct frame_info f;
		frame_write(msg, sizeof(msg), &forms[i]);
		for (size_t step = 1; step <= LEN; step++) {
			enum frame_result r =
			    scan(msg, LEN, forms[i].kind, step, &f);
			ck_assert_int_eq(r, FRAME_OK);
			expect_same(&f, &forms[i]);
		}
	}
}
END_TEST

START_TEST(servers_take_the_frames_for_avc_and_aac)
{
	uint8_t msg[LEN];
	struct frame_info f = key;
	frame_write(msg, LEN, &f);
	ck_assert_uint_eq(flv_video_class(msg, LEN), FLV_KEYFRAME);
	ck_assert_str_eq(flv_video_codec(msg, LEN), "avc1");
	ck_assert_uint_eq(msg[7] << 8 | msg[8], LEN - 9);
	ck_assert_uint_eq(msg[9], 0x65);
	f.key = false;
	frame_write(msg, LEN, &f);
	ck_assert_uint_eq(flv_video_class(msg, LEN), 0);
	ck_assert_uint_eq(msg[9], 0x41);
	f.kind = FRAME_AUDIO;
	frame_write(msg, LEN, &f);
	ck_assert_uint_eq(flv_audio_class(msg, LEN), 0);
	ck_assert_str_eq(flv_audio_codec(msg, LEN), "aac");
}
END_TEST

START_TEST(a_flipped_bit_anywhere_is_found)
{
	for (int kind = 0; kind < FRAME_KINDS; kind++) {
		struct frame_info f = key;
		f.kind = (enum frame_kind)kind;
		f.key = kind == FRAME_VIDEO;
		uint8_t msg[FRAME_LEN_MIN + 13];
		frame_write(msg, sizeof(msg), &f);
		for (size_t bit = 0; bit < 8 * sizeof(msg); bit++) {
			struct frame_info got;
			msg[bit / 8] ^= (uint8_t)(1u << bit % 8);
			ck_assert_int_ne(
			    scan(msg, sizeof(msg), f.kind, 29, &got), FRAME_OK);
			msg[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}
END_TEST

START_TEST(bytes_of_the_frame_before_are_found)
{
	uint8_t a[LEN];
	uint8_t b[LEN];
	struct frame_info f = key;
	frame_write(a, LEN, &f);
	f.number++;
	frame_write(b, LEN, &f);
	for (size_t at = 50; at + 8 <= LEN; at++) {
		uint8_t msg[LEN];
		struct frame_info got;
		memcpy(msg, b, LEN);
		memcpy(msg + at, a + at, 8);
		ck_assert_int_eq(
		    scan(msg, LEN, FRAME_VIDEO, LEN, &got), FRAME_BAD_SUM);
	}
}
END_TEST

START_TEST(a_message_cut_short_is_found)
{
	uint8_t msg[LEN];
	frame_write(msg, LEN, &key);
	for (size_t len = 0; len < LEN; len++) {
		struct frame_info got;
		ck_assert_int_ne(
		    scan(msg, len, FRAME_VIDEO, 64, &got), FRAME_OK);
	}
}
END_TEST

START_TEST(without_verify_only_the_header_counts)
{
	uint8_t msg[LEN];
	struct frame_info got;
	struct frame_scan s;
	frame_write(msg, LEN, &key);
	msg[LEN - 1] ^= 1;
	frame_scan_begin(&s, FRAME_VIDEO, LEN, false);
	frame_scan_data(&s, msg, LEN);
	ck_assert_int_eq(frame_scan_end(&s, &got), FRAME_OK);
	expect_same(&got, &key);
}
END_TEST

START_TEST(headers_and_strangers_are_told_apart)
{
	struct frame_info f;
	static const uint8_t avc[] = { 0x17, 0, 0, 0, 0, 1, 0x64 };
	static const uint8_t aac[] = { 0xaf, 0, 0x12, 0x10 };
	static const uint8_t end[] = { 0x17, 2, 0, 0, 0 };
	uint8_t other[100] = { 0x17, 1 };
	ck_assert_int_eq(
	    scan(avc, sizeof(avc), FRAME_VIDEO, 1, &f), FRAME_CODEC_HEADER);
	ck_assert_int_eq(
	    scan(aac, sizeof(aac), FRAME_AUDIO, 1, &f), FRAME_CODEC_HEADER);
	ck_assert_int_eq(
	    scan(end, sizeof(end), FRAME_VIDEO, 1, &f), FRAME_NO_MEDIA);
	ck_assert_int_eq(scan(end, 0, FRAME_AUDIO, 1, &f), FRAME_NO_MEDIA);
	ck_assert_int_eq(
	    scan(other, sizeof(other), FRAME_VIDEO, 9, &f), FRAME_FOREIGN);
	ck_assert(f.key);
	ck_assert_int_eq(scan(other, 20, FRAME_VIDEO, 9, &f), FRAME_FOREIGN);
}
END_TEST

/* The checker: a player that has its headers, fed with good frames. ------- */

static struct verify v;

static void
setup(void)
{
	struct frame_info f = { .kind = FRAME_VIDEO };
	verify_init(&v, false);
	verify_frame(&v, 0, FRAME_CODEC_HEADER, &f);
	f.kind = FRAME_AUDIO;
	verify_frame(&v, 0, FRAME_CODEC_HEADER, &f);
}

/* Keyframes are those whose number 10 divides; time is 40 ms a frame. */
static unsigned
feed(enum frame_kind kind, uint64_t number)
{
	struct frame_info f = { .kind = kind,
		.key = kind == FRAME_VIDEO && number % 10 == 0,
		.run = RUN,
		.number = number,
		.sent_ns = 1000 + number };
	return verify_frame(&v, (uint32_t)number * 40, FRAME_OK, &f);
}

START_TEST(frames_in_order_are_no_fault)
{
	for (uint64_t i = 20; i < 60; i++) {
		ck_assert_uint_eq(feed(FRAME_VIDEO, i), 0);
		ck_assert_uint_eq(feed(FRAME_AUDIO, i), 0);
	}
	ck_assert_uint_eq(v.n.frames, 80);
	ck_assert_uint_eq(verify_faults(&v.n), 0);
	ck_assert_uint_eq(v.n.skips, 0);
	ck_assert(v.picture);
}
END_TEST

START_TEST(a_dropped_frame_is_a_gap)
{
	feed(FRAME_VIDEO, 20);
	feed(FRAME_VIDEO, 21);
	ck_assert_uint_eq(feed(FRAME_VIDEO, 23), VERIFY_GAP);
	feed(FRAME_AUDIO, 5);
	ck_assert_uint_eq(feed(FRAME_AUDIO, 10), VERIFY_GAP);
	ck_assert_uint_eq(v.n.gaps, 2);
	ck_assert_uint_eq(v.n.missing, 1 + 4);
	ck_assert_uint_eq(v.n.skips, 0);
	ck_assert_uint_eq(verify_faults(&v.n), 2);
}
END_TEST

START_TEST(a_jump_to_a_keyframe_is_a_skip_with_its_audio)
{
	feed(FRAME_VIDEO, 20);
	feed(FRAME_AUDIO, 20);
	ck_assert_uint_eq(feed(FRAME_VIDEO, 40), 0);
	ck_assert_uint_eq(feed(FRAME_AUDIO, 40), 0);
	ck_assert_uint_eq(v.n.skips, 1);
	ck_assert_uint_eq(v.n.skipped, 19 + 19);
	ck_assert_uint_eq(v.n.gaps, 0);
	/* only the first audio frame after it is excused */
	ck_assert_uint_eq(feed(FRAME_AUDIO, 42), VERIFY_GAP);
}
END_TEST

START_TEST(a_keyframe_that_follows_is_no_skip)
{
	for (uint64_t i = 20; i <= 30; i++)
		feed(FRAME_VIDEO, i);
	ck_assert_uint_eq(v.n.skips, 0);
	ck_assert_uint_eq(v.n.skipped, 0);
}
END_TEST

START_TEST(a_repeated_or_late_frame_is_an_order_error)
{
	feed(FRAME_VIDEO, 20);
	feed(FRAME_VIDEO, 21);
	ck_assert_uint_eq(feed(FRAME_VIDEO, 21), VERIFY_BACKWARDS);
	ck_assert_uint_eq(
	    feed(FRAME_VIDEO, 20), VERIFY_BACKWARDS | VERIFY_TIMESTAMP);
	ck_assert_uint_eq(v.n.order_errors, 2);
	ck_assert_uint_eq(v.n.gaps, 0);
}
END_TEST

START_TEST(a_start_without_keyframe_is_an_order_error)
{
	ck_assert_uint_eq(feed(FRAME_VIDEO, 21), VERIFY_NO_KEYFRAME);
	ck_assert_uint_eq(v.n.order_errors, 1);
	ck_assert_uint_eq(feed(FRAME_VIDEO, 22), 0);
	ck_assert(!v.picture);
}
END_TEST

START_TEST(media_before_its_codec_header_is_an_order_error)
{
	verify_init(&v, false);
	ck_assert_uint_eq(feed(FRAME_VIDEO, 20), VERIFY_NO_HEADER);
	ck_assert_uint_eq(feed(FRAME_AUDIO, 20), VERIFY_NO_HEADER);
	ck_assert_uint_eq(feed(FRAME_AUDIO, 21), 0);
	ck_assert_uint_eq(v.n.order_errors, 2);
}
END_TEST

START_TEST(a_timestamp_that_goes_back_is_counted_across_the_wrap)
{
	struct frame_info f = {
		.kind = FRAME_VIDEO, .key = true, .run = RUN, .sent_ns = 1
	};
	verify_frame(&v, UINT32_MAX - 10, FRAME_OK, &f);
	f.number++;
	ck_assert_uint_eq(verify_frame(&v, 30, FRAME_OK, &f), 0);
	f.number++;
	ck_assert_uint_eq(verify_frame(&v, 30, FRAME_OK, &f), 0);
	f.number++;
	ck_assert_uint_eq(
	    verify_frame(&v, UINT32_MAX - 5, FRAME_OK, &f), VERIFY_TIMESTAMP);
	ck_assert_uint_eq(v.n.ts_errors, 1);
}
END_TEST

START_TEST(a_bad_frame_is_bad_once_and_no_gap)
{
	struct frame_info f = { .kind = FRAME_VIDEO };
	feed(FRAME_VIDEO, 20);
	ck_assert_uint_eq(
	    verify_frame(&v, 21 * 40, FRAME_BAD_SUM, &f), VERIFY_BAD_SUM);
	ck_assert_uint_eq(feed(FRAME_VIDEO, 22), 0);
	ck_assert_uint_eq(v.n.bad, 1);
	ck_assert_uint_eq(v.n.gaps, 0);
}
END_TEST

START_TEST(a_frame_of_another_stream_is_mixed_up)
{
	struct frame_info f = { .kind = FRAME_VIDEO,
		.stream = 1,
		.run = RUN + 1,
		.number = 21,
		.sent_ns = 5000 };
	feed(FRAME_VIDEO, 20);
	ck_assert_uint_eq(verify_frame(&v, 840, FRAME_OK, &f), VERIFY_MIXED);
	ck_assert_uint_eq(feed(FRAME_VIDEO, 21), 0);
	ck_assert_uint_eq(v.n.order_errors, 1);
}
END_TEST

START_TEST(a_publisher_that_comes_back_is_a_restart)
{
	struct frame_info f = { .kind = FRAME_VIDEO,
		.key = true,
		.run = RUN + 1,
		.sent_ns = 5000 };
	feed(FRAME_VIDEO, 20);
	ck_assert_uint_eq(verify_frame(&v, 900, FRAME_OK, &f), 0);
	f.number = 1;
	f.key = false;
	ck_assert_uint_eq(verify_frame(&v, 940, FRAME_OK, &f), 0);
	ck_assert_uint_eq(v.n.restarts, 1);
	ck_assert_uint_eq(verify_faults(&v.n), 0);
	/* but the old one does not come back after it */
	ck_assert_uint_ne(feed(FRAME_VIDEO, 21) & VERIFY_MIXED, 0);
}
END_TEST

START_TEST(strangers_are_bad_unless_allowed)
{
	struct frame_info f = { .kind = FRAME_VIDEO, .key = true };
	ck_assert_uint_eq(
	    verify_frame(&v, 0, FRAME_FOREIGN, &f), VERIFY_FOREIGN);
	ck_assert_uint_eq(v.n.bad, 1);
	verify_init(&v, true);
	ck_assert_uint_eq(
	    verify_frame(&v, 0, FRAME_FOREIGN, &f), VERIFY_NO_HEADER);
	ck_assert_uint_eq(verify_frame(&v, 40, FRAME_FOREIGN, &f), 0);
	ck_assert_uint_eq(v.n.foreign, 2);
	ck_assert_uint_eq(v.n.bad, 0);
	ck_assert(v.picture);
}
END_TEST

START_TEST(a_reconnected_player_begins_again_and_keeps_its_counts)
{
	feed(FRAME_VIDEO, 20);
	feed(FRAME_VIDEO, 22);
	verify_reconnect(&v);
	struct frame_info f = { .kind = FRAME_VIDEO };
	verify_frame(&v, 0, FRAME_CODEC_HEADER, &f);
	ck_assert_uint_eq(feed(FRAME_VIDEO, 50), 0);
	ck_assert_uint_eq(v.n.frames, 3);
	ck_assert_uint_eq(v.n.gaps, 1);
	ck_assert_uint_eq(v.n.restarts, 0);
}
END_TEST

static TCase *
frame_case(void)
{
	TCase *t = tcase_create("frame");
	tcase_add_test(t, crc32c_has_the_published_values);
	tcase_add_test(t, crc32c_may_be_cut_anywhere);
	tcase_add_test(t, what_is_written_is_read_in_pieces_of_any_size);
	tcase_add_test(t, servers_take_the_frames_for_avc_and_aac);
	tcase_add_test(t, a_flipped_bit_anywhere_is_found);
	tcase_add_test(t, bytes_of_the_frame_before_are_found);
	tcase_add_test(t, a_message_cut_short_is_found);
	tcase_add_test(t, without_verify_only_the_header_counts);
	tcase_add_test(t, headers_and_strangers_are_told_apart);
	return t;
}

static TCase *
verify_case(void)
{
	TCase *t = tcase_create("verify");
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, frames_in_order_are_no_fault);
	tcase_add_test(t, a_dropped_frame_is_a_gap);
	tcase_add_test(t, a_jump_to_a_keyframe_is_a_skip_with_its_audio);
	tcase_add_test(t, a_keyframe_that_follows_is_no_skip);
	tcase_add_test(t, a_repeated_or_late_frame_is_an_order_error);
	tcase_add_test(t, a_start_without_keyframe_is_an_order_error);
	tcase_add_test(t, media_before_its_codec_header_is_an_order_error);
	tcase_add_test(
	    t, a_timestamp_that_goes_back_is_counted_across_the_wrap);
	tcase_add_test(t, a_bad_frame_is_bad_once_and_no_gap);
	tcase_add_test(t, a_frame_of_another_stream_is_mixed_up);
	tcase_add_test(t, a_publisher_that_comes_back_is_a_restart);
	tcase_add_test(t, strangers_are_bad_unless_allowed);
	tcase_add_test(
	    t, a_reconnected_player_begins_again_and_keeps_its_counts);
	return t;
}

int
main(void)
{
	Suite *s = suite_create("frame");
	suite_add_tcase(s, frame_case());
	suite_add_tcase(s, verify_case());
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
