/* check_flvtag - one case per promise of rtmp/flvtag.h. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rtmp/flvtag.h"

/* Bytes written as hex into a block of their exact size. */
static uint8_t *
bytes(const char *hex, size_t *n)
{
	*n = strlen(hex) / 2;
	uint8_t *p = malloc(*n > 0 ? *n : 1);
	for (size_t i = 0; i < *n; i++) {
		unsigned v;
		ck_assert_int_eq(sscanf(hex + 2 * i, "%2x", &v), 1);
		p[i] = (uint8_t)v;
	}
	return p;
}

static void
expect_video(const char *hex, unsigned class, const char *codec)
{
	size_t n;
	uint8_t *p = bytes(hex, &n);
	ck_assert_msg(flv_video_class(p, n) == class, "%s: class %u", hex,
	    flv_video_class(p, n));
	ck_assert_str_eq(flv_video_codec(p, n), codec);
	free(p);
}

static void
expect_audio(const char *hex, unsigned class, const char *codec)
{
	size_t n;
	uint8_t *p = bytes(hex, &n);
	ck_assert_msg(flv_audio_class(p, n) == class, "%s: class %u", hex,
	    flv_audio_class(p, n));
	ck_assert_str_eq(flv_audio_codec(p, n), codec);
	free(p);
}

START_TEST(legacy_video_is_classed)
{
	expect_video("", 0, "unknown");
	expect_video("17", 0, "avc1");
	expect_video("1700", FLV_SEQUENCE_HEADER, "avc1");
	expect_video("1701000000", FLV_KEYFRAME, "avc1");
	expect_video("2701000000", 0, "avc1");
	expect_video("1702000000", FLV_END_OF_SEQUENCE, "avc1");
	expect_video("12", FLV_KEYFRAME, "h263");
	expect_video("22", 0, "h263");
	expect_video("14", FLV_KEYFRAME, "vp6");
	expect_video("5700", FLV_COMMAND, "avc1");
	expect_video("1c00", FLV_SEQUENCE_HEADER, "hvc1");
	expect_video("1c01", FLV_KEYFRAME, "hvc1");
	expect_video("1f", FLV_KEYFRAME, "unknown");
}
END_TEST

START_TEST(enhanced_video_is_classed)
{
	expect_video("9068766331", FLV_SEQUENCE_HEADER, "hvc1");
	expect_video("9168766331", FLV_KEYFRAME, "hvc1");
	expect_video("9368766331", FLV_KEYFRAME, "hvc1");
	expect_video("a168766331", 0, "hvc1");
	expect_video("9061763031", FLV_SEQUENCE_HEADER, "av01");
	expect_video("9561763031", FLV_SEQUENCE_HEADER, "av01");
	expect_video("9161766331", FLV_KEYFRAME, "avc1");
	expect_video("9176703039", FLV_KEYFRAME, "vp09");
	expect_video("9268766331", FLV_END_OF_SEQUENCE, "hvc1");
	expect_video("9468766331", FLV_METADATA, "hvc1");
	expect_video("d468766331", FLV_METADATA, "hvc1");
	expect_video("d100", FLV_COMMAND, "unknown");
	expect_video("9141424344", FLV_KEYFRAME, "unknown");
	expect_video("91687663", 0, "unknown");
	/* ModEx: 3 bytes of nanoseconds, then coded frames */
	expect_video("97020000010168766331", FLV_KEYFRAME, "hvc1");
	expect_video("97ff000001", 0, "unknown");
	/* one track, coded frames */
	expect_video("96016876633100", FLV_KEYFRAME, "hvc1");
}
END_TEST

START_TEST(audio_is_classed)
{
	expect_audio("", 0, "unknown");
	expect_audio("af", 0, "aac");
	expect_audio("af00", FLV_SEQUENCE_HEADER, "aac");
	expect_audio("af01", 0, "aac");
	expect_audio("2f", 0, "mp3");
	expect_audio("b2", 0, "speex");
	expect_audio("c0", 0, "unknown");
	expect_audio("906d703461", FLV_SEQUENCE_HEADER, "aac");
	expect_audio("914f707573", 0, "opus");
	expect_audio("92664c6143", FLV_END_OF_SEQUENCE, "flac");
	expect_audio("95006d70346100", FLV_SEQUENCE_HEADER, "aac");
	expect_audio("906d7034", 0, "unknown");
}
END_TEST

/* Sequence headers of libx264 and of FFmpeg's AAC encoder. */
static const struct {
	const char *hex;
	uint32_t width, height;
	uint8_t profile, level;
} avc[] = {
	{ "170000000001f4001effe1001b67f4001e919b281405ff1380880000030008000003"
	  "019078b16cb001000668ebe3c44844fff8f800",
	    640, 360, 244, 30 },
	{ "170000000001f40028ffe1001b67f40028919b280f0044fc4e022000000300200000"
	  "0641e30632c001000668ebe3c44844fff8f800",
	    1920, 1080, 244, 40 },
	{ "170000000001f4000bffe1001967f4000b919b2869fcf1f808800000030080000019"
	  "078a14cb01000668ebe3c44844fff8f800",
	    202, 98, 244, 11 },
	{ "9061766331" /* the first one by FourCC */
	  "01f4001effe1001b67f4001e919b281405ff1380880000030008000003019078b16c"
	  "b001000668ebe3c44844fff8f800",
	    640, 360, 244, 30 },
};

START_TEST(picture_sizes_are_read_from_the_avc_header)
{
	for (size_t i = 0; i < sizeof(avc) / sizeof(*avc); i++) {
		struct flv_video_info info;
		size_t n;
		uint8_t *p = bytes(avc[i].hex, &n);
		ck_assert(flv_video_info(p, n, &info));
		ck_assert_uint_eq(info.width, avc[i].width);
		ck_assert_uint_eq(info.height, avc[i].height);
		ck_assert_uint_eq(info.profile, avc[i].profile);
		ck_assert_uint_eq(info.level, avc[i].level);
		free(p);
	}
}
END_TEST

static void
expect_asc(const char *hex, uint32_t rate_hz, unsigned channels)
{
	struct flv_audio_info info;
	size_t n;
	uint8_t *p = bytes(hex, &n);
	bool ok = flv_audio_info(p, n, &info);
	ck_assert_int_eq(ok, rate_hz != 0);
	ck_assert_uint_eq(info.rate_hz, rate_hz);
	ck_assert_uint_eq(info.channels, channels);
	free(p);
}

START_TEST(rates_and_channels_are_read_from_the_aac_header)
{
	expect_asc("af00121056e500", 44100, 2);
	expect_asc("af001190", 48000, 2);
	expect_asc("af001388", 22050, 1);
	expect_asc("af0011b8", 48000, 8);
	expect_asc("906d7034611190", 48000, 2);
	/* escape: 24 bits of rate; escape: object type 32 + 10 */
	expect_asc("af0017801f4010", 16000, 2);
	expect_asc("af00f94640", 48000, 2);
	expect_asc("af00", 0, 0);
	expect_asc("af0011", 0, 0);
	expect_asc("af001690", 0, 0); /* rate index 13 */
	expect_asc("af011190", 0, 0); /* no header at all */
}
END_TEST

START_TEST(prefixes_and_damage_do_no_harm)
{
	uint64_t x = 0xf17;
	for (size_t i = 0; i < sizeof(avc) / sizeof(*avc); i++) {
		size_t n;
		uint8_t *p = bytes(avc[i].hex, &n);
		for (int round = 0; round < 20000; round++) {
			struct flv_video_info v;
			struct flv_audio_info a;
			size_t len = (size_t)round % (n + 1);
			uint8_t *copy = malloc(len > 0 ? len : 1);
			memcpy(copy, p, len);
			for (int k = round / 200 % 6; k > 0 && len > 0; k--) {
				x ^= x << 13;
				x ^= x >> 7;
				x ^= x << 17;
				copy[x % len] = (uint8_t)(x >> 32);
			}
			if (flv_video_info(copy, len, &v)) {
				ck_assert_uint_ge(v.width, 1);
				ck_assert_uint_le(v.width, 65536);
				ck_assert_uint_le(v.height, 65536);
			} else {
				ck_assert_uint_eq(v.width + v.height, 0);
			}
			flv_audio_info(copy, len, &a);
			flv_video_class(copy, len);
			flv_audio_class(copy, len);
			flv_video_codec(copy, len);
			flv_audio_codec(copy, len);
			free(copy);
		}
		free(p);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("flvtag");
	TCase *t = tcase_create("flvtag");
	suite_add_tcase(s, t);
	tcase_add_test(t, legacy_video_is_classed);
	tcase_add_test(t, enhanced_video_is_classed);
	tcase_add_test(t, audio_is_classed);
	tcase_add_test(t, picture_sizes_are_read_from_the_avc_header);
	tcase_add_test(t, rates_and_channels_are_read_from_the_aac_header);
	tcase_add_test(t, prefixes_and_damage_do_no_harm);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
