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
	expect_video("4701000000", FLV_KEYFRAME, "avc1");
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

/* clang-format off */
static const struct {
	const char *hex;
	uint32_t width, height;
	uint8_t profile, level;
} others[] = {
	/* x265; by FourCC, and by the old codec id 12 */
	{ "90687663310101600000009000000000003cf000fcfdf8f800000f0320000100"
	  "1840010c01ffff01600000030090000003000003003c959809210001002b4201"
	  "0101600000030090000003000003003ca00a480b9c9596566924caf016808000"
	  "00030080000003028422000100074401c172b46240",
	    322, 182, 1, 60 },
	{ "1c000000000101600000009000000000003cf000fcfdf8f800000f0320000100"
	  "1840010c01ffff01600000030090000003000003003c959809210001002b4201"
	  "0101600000030090000003000003003ca00a480b9c9596566924caf016808000"
	  "00030080000003028422000100074401c172b46240",
	    322, 182, 1, 60 },
	/* one track; ModEx before; many tracks, 1 before 0 */
	{ "960068766331000101600000009000000000003cf000fcfdf8f800000f032000"
	  "01001840010c01ffff01600000030090000003000003003c959809210001002b"
	  "42010101600000030090000003000003003ca00a480b9c9596566924caf01680"
	  "800000030080000003028422000100074401c172b46240",
	    322, 182, 1, 60 },
	{ "97020f424000687663310101600000009000000000003cf000fcfdf8f800000f"
	  "03200001001840010c01ffff01600000030090000003000003003c9598092100"
	  "01002b42010101600000030090000003000003003ca00a480b9c9596566924ca"
	  "f01680800000030080000003028422000100074401c172b46240",
	    322, 182, 1, 60 },
	{ "97000000687663310101600000009000000000003cf000fcfdf8f800000f0320"
	  "0001001840010c01ffff01600000030090000003000003003c95980921000100"
	  "2b42010101600000030090000003000003003ca00a480b9c9596566924caf016"
	  "80800000030080000003028422000100074401c172b46240",
	    322, 182, 1, 60 },
	{ "96206176633101000002aabb6876633100000070010160000000900000000000"
	  "3cf000fcfdf8f800000f03200001001840010c01ffff01600000030090000003"
	  "000003003c959809210001002b42010101600000030090000003000003003ca0"
	  "0a480b9c9596566924caf01680800000030080000003028422000100074401c1"
	  "72b462406176633102000001aa",
	    322, 182, 1, 60 },
	{ "961068766331000000700101600000009000000000003cf000fcfdf8f800000f"
	  "03200001001840010c01ffff01600000030090000003000003003c9598092100"
	  "01002b42010101600000030090000003000003003ca00a480b9c9596566924ca"
	  "f01680800000030080000003028422000100074401c172b4624001000001aa",
	    322, 182, 1, 60 },
	/* 3 and 7 temporal layers, 4:2:2, separate planes, no SPS */
	{ "906876633101216000000090000000000078f000fcfdf8f800000f0220000100"
	  "024001210001002d420105216000000300900000030000030078d00060000003"
	  "00000300000300000300005a5aa003c0801107cb96",
	    1920, 1080, 1, 120 },
	{ "906876633101216000000090000000000078f000fcfdf8f800000f0220000100"
	  "024001210001004d42010d216000000300900000030000030078d8d060000003"
	  "00000300000300000300005a5a60000003000003000003000003000060000003"
	  "00000300000300000300005a5ab005a20090695e58",
	    716, 574, 1, 120 },
	{ "906876633101216000000090000000000078f000fcfdf8f800000f0220000100"
	  "024001210001001b4201012160000003009000000300000300789200a0402d34"
	  "c85cb0",
	    637, 353, 1, 120 },
	{ "906876633101216000000090000000000078f000fcfdf8f800000f00",
	    0, 0, 1, 120 },
	/* AVC interlaced, with scaling lists and order type 1; planes */
	{ "170000000001640028ffe1001667640028ada492492492490240aa87334ca03c"
	  "0223ed",
	    1920, 1080, 100, 40 },
	{ "170000000001f4001fffe1000b67f4001f939681415d3a40",
	    317, 159, 244, 31 },
	/* libaom, SVT-AV1; no sequence header; a still; models; no size */
	{ "9061763031812000000a0d200000043d06d4daf92021a004",
	    322, 182, 1, 0 },
	{ "906176303181000c000a0b000000043d06d402f80040",
	    322, 182, 0, 0 },
	{ "906176303181290c00",
	    0, 0, 1, 9 },
	{ "9061763031812900000a053a6627fb3a",
	    640, 360, 1, 9 },
	{ "9061763031810d000012000e001c040000000400000067a4000000052984001b"
	  "80a032600242efbfe1be",
	    3840, 2160, 0, 13 },
	{ "9061763031810d0000083a6627fb3a",
	    640, 360, 1, 9 },
	{ "9561763031800481290c00",
	    0, 0, 1, 9 },
	{ "91617630310a0d200000043d06d4daf92021a00432b70c1400a0b010b44cf092"
	  "a3",
	    322, 182, 1, 0 },
	/* VP codec records, libvpx key frames, profiles 2 and 3 */
	{ "9076703039021f800202020000",
	    0, 0, 2, 31 },
	{ "9076703038000a800202020000",
	    0, 0, 0, 10 },
	{ "9176703038b05a009d012a4201b600004708858588",
	    322, 182, 0, 0 },
	{ "9376703038b05a009d012a4201b600004708858588",
	    322, 182, 0, 0 },
	{ "9176703039a2498342e014100b560a38241c184a00",
	    322, 182, 1, 0 },
	{ "9176703039a2498342000282016ac10704",
	    322, 182, 1, 0 },
	{ "9176703039924983422027f8167c",
	    1280, 720, 2, 0 },
	{ "9176703039b124c1a13800fc007e",
	    64, 32, 3, 0 },
	/* VVC with 1 and 3 layers, and without a profile */
	{ "9076766331ff00115f01025380010000000007800438000000",
	    1920, 1080, 1, 83 },
	{ "9076766331ff00315f04025380000000c0505101000000000f000870000000",
	    3840, 2160, 1, 83 },
	{ "9076766331fe",
	    0, 0, 0, 0 },
};

/* Malformed, for another track, or no header at all. */
static const char *const no_info[] = {
	"90687663310201600000009000000000003cf000fcfdf8f800000f0320000100"
	"1840010c01ffff01600000030090000003000003003c959809210001002b4201"
	"0101600000030090000003000003003ca00a480b9c9596566924caf016808000"
	"00030080000003028422000100074401c172b46240",
	"90687663310101600000009000000000003cf000fcfdf8f800000f",
	"90687663310101600000009000000000003cf000fcfdf8f800000f0320000100"
	"1840010c01ffff01600000030090000003000003003c95",
	"906176303180000c00",
	"906176303181",
	"956176303180",
	"9176703039624983",
	"9176703039b6",
	"9176703039a249834300",
	"9176703039a2498342e0",
	"9176703038b15a009d012a4201b600",
	"9176703038b05a009d01",
	"907670303900",
	"9076766331",
	"907676633107",
	"9076766331ff0011",
	"90687663320101600000009000000000003cf000fcfdf8f800000f0320000100"
	"1840010c01ffff01600000030090000003000003003c959809210001002b4201"
	"0101600000030090000003000003003ca00a480b9c9596566924caf016808000"
	"00030080000003028422000100074401c172b46240",
	"9068766331",
	"21687663310101600000009000000000003cf000fcfdf8f800000f0320000100"
	"1840010c01ffff01600000030090000003000003003c959809210001002b4201"
	"0101600000030090000003000003003ca00a480b9c9596566924caf016808000"
	"00030080000003028422000100074401c172b46240",
	"91687663310101600000009000000000003cf000fcfdf8f800000f0320000100"
	"1840010c01ffff01600000030090000003000003003c959809210001002b4201"
	"0101600000030090000003000003003ca00a480b9c9596566924caf016808000"
	"00030080000003028422000100074401c172b46240",
	"9168766331000000",
	"9661",
	"a176703038b05a009d012a4201b600004708858588",
	"960068766331010101600000009000000000003cf000fcfdf8f800000f032000"
	"01001840010c01ffff01600000030090000003000003003c959809210001002b"
	"42010101600000030090000003000003003ca00a480b9c9596566924caf01680"
	"800000030080000003028422000100074401c172b46240",
	"91617630310a0d20",
	"91617630318a0d20",
	"91617630310affffffffffffffffff",
	"91617630311200",
	"91617630310a0200ff",
	"906176633100",
	"906176633101f4001fffe0",
	"906176633101f4001fffe1000b67f4",
	"d100",
	"906876633101216000000090000000000078f000fcfdf8f800000f0121000100"
	"0442010e00",
	"906876633101216000000090000000000078f000fcfdf8f800000f0121000100"
	"1042010101600000030090000003000003",
};
/* clang-format on */

START_TEST(details_are_read_from_the_headers_of_all_codecs)
{
	struct flv_video_info info;
	size_t n;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		uint8_t *p = bytes(others[i].hex, &n);
		ck_assert_msg(
		    flv_video_info(p, n, &info), "none: %s", others[i].hex);
		ck_assert_msg(info.width == others[i].width &&
				  info.height == others[i].height &&
				  info.profile == others[i].profile &&
				  info.level == others[i].level,
		    "%s: %ux%u, profile %u, level %u", others[i].hex,
		    info.width, info.height, info.profile, info.level);
		free(p);
	}
	for (size_t i = 0; i < sizeof(no_info) / sizeof(*no_info); i++) {
		uint8_t *p = bytes(no_info[i], &n);
		ck_assert_msg(
		    !flv_video_info(p, n, &info), "read: %s", no_info[i]);
		ck_assert_uint_eq(info.width + info.height + info.profile, 0);
		free(p);
	}
}
END_TEST

/* clang-format off */
static const struct {
	const char *hex;
	uint32_t rate_hz;
	uint8_t channels;
} audio[] = {
	{ "904f707573" "4f7075734865616401023801443a0000000000", 48000, 2 },
	{ "904f707573" "4f7075734865616401003801443a0000000000", 0, 0 },
	{ "904f707573", 0, 0 },
	/* FLAC with its marks, without, bare; other blocks */
	{ "90664c6143" "664c614300000022120012000000c100055c0bb802f0000025803e"
	  "1ee165e1ad7b03b62982b91ec1e78d", 48000, 2 },
	{ "90664c6143" "00000022120012000000c100055c0bb802f0000025803e"
	  "1ee165e1ad7b03b62982b91ec1e78d", 48000, 2 },
	{ "90664c6143" "120012000000c100055c0bb802f0000025803e"
	  "1ee165e1ad7b03b62982b91ec1e78d", 48000, 2 },
	{ "90664c6143" "664c614304000022120012000000c100055c0bb802f0000025803e"
	  "1ee165e1ad7b03b62982b91ec1e78d", 0, 0 },
	{ "90664c6143" "120012000000c100055c", 0, 0 },
	/* FFmpeg: AC-3 5.1 at 44100 Hz, E-AC-3 stereo, MP3 mono */
	{ "9161632d33" "0b770dce5e40ebf8403eff9dffc2107f", 44100, 6 },
	{ "9165632d33" "0b77017f3487c0002084210837208c06", 48000, 2 },
	{ "912e6d7033" "fff340c40014688670175818007fe4a0", 22050, 1 },
	/* modes 1 and 2, half rate; E-AC-3 at half rate; reserved codes */
	{ "9161632d33" "0b770000004020000000", 48000, 1 },
	{ "9161632d33" "0b770000404840000000", 22050, 2 },
	{ "9161632d33" "0b770000c04020000000", 0, 0 },
	{ "9161632d33" "0b770000" "00f8" "20000000", 0, 0 },
	{ "9165632d33" "0b77017fd58000000000", 22050, 3 },
	{ "9165632d33" "0b77017ff58000000000", 0, 0 },
	{ "9161632d33" "0b78017ff58000000000", 0, 0 },
	{ "9161632d33" "0b77", 0, 0 },
	{ "9061632d33" "0b770dce5e40ebf8403eff9dffc2107f", 0, 0 },
	{ "912e6d7033" "fffb9064", 44100, 2 },
	{ "912e6d7033" "ffe39064", 11025, 2 },
	{ "912e6d7033" "fffb9c64", 0, 0 },
	{ "912e6d7033" "ffeb9064", 0, 0 },
	{ "912e6d7033" "fffd9064", 0, 0 },
	{ "912e6d7033" "00fb9064", 0, 0 },
	{ "906d703461" "1190", 48000, 2 },
	{ "9500" "6d703461" "00" "1190", 48000, 2 },
	{ "9500" "6d703461" "01" "1190", 0, 0 },
	{ "914f707575" "1190", 0, 0 },
	/* the old ones */
	{ "2e" "fffb9064", 44100, 2 },
	{ "2e", 44100, 1 }, { "2f", 44100, 2 }, { "b2", 16000, 1 },
	{ "72", 8000, 1 }, { "83", 8000, 2 }, { "46", 16000, 1 },
	{ "57", 8000, 1 }, { "6b", 22050, 2 }, { "04", 11025, 1 },
	{ "e0", 8000, 1 }, { "c0", 0, 0 }, { "d0", 0, 0 }, { "f0", 0, 0 },
	{ "", 0, 0 },
};
/* clang-format on */

START_TEST(rates_and_channels_are_read_from_all_codecs)
{
	for (size_t i = 0; i < sizeof(audio) / sizeof(*audio); i++) {
		struct flv_audio_info info;
		size_t n;
		uint8_t *p = bytes(audio[i].hex, &n);
		bool ok = flv_audio_info(p, n, &info);
		ck_assert_msg(ok == (audio[i].rate_hz != 0) &&
				  info.rate_hz == audio[i].rate_hz &&
				  info.channels == audio[i].channels,
		    "%s: %u Hz, %u channels", audio[i].hex, info.rate_hz,
		    info.channels);
		free(p);
	}
}
END_TEST

/* Each packet type with each FourCC of video. */
START_TEST(every_video_codec_is_classed_alike)
{
	static const char *const codecs[] = { "avc1", "hvc1", "vvc1", "av01",
		"vp09", "vp08" };
	static const unsigned key[16] = { FLV_SEQUENCE_HEADER, FLV_KEYFRAME,
		FLV_END_OF_SEQUENCE, FLV_KEYFRAME, FLV_METADATA,
		FLV_SEQUENCE_HEADER };
	for (size_t c = 0; c < 6; c++) {
		for (unsigned packet = 0; packet < 16; packet++) {
			for (unsigned frame = 1; frame < 5; frame++) {
				uint8_t tag[5];
				tag[0] = (uint8_t)(0x80 | frame << 4 | packet);
				memcpy(tag + 1, codecs[c], 4);
				unsigned want = key[packet];
				if (frame == 2 || frame == 3)
					want &= ~(unsigned)FLV_KEYFRAME;
				ck_assert_msg(flv_video_class(tag, 5) == want,
				    "%s %u %u", codecs[c], packet, frame);
				if (packet != 6 && packet != 7)
					ck_assert_str_eq(
					    flv_video_codec(tag, 5), codecs[c]);
			}
		}
	}
}
END_TEST

START_TEST(every_audio_codec_is_classed_alike)
{
	/* clang-format off */
	static const char *const codecs[][2] = { { "mp4a", "aac" },
		{ "Opus", "opus" }, { ".mp3", "mp3" }, { "fLaC", "flac" },
		{ "ac-3", "ac3" }, { "ec-3", "eac3" } };
	/* clang-format on */
	static const unsigned classes[16] = { FLV_SEQUENCE_HEADER, 0,
		FLV_END_OF_SEQUENCE, 0, FLV_METADATA };
	for (size_t c = 0; c < 6; c++)
		for (unsigned packet = 0; packet < 16; packet++) {
			uint8_t tag[5];
			tag[0] = (uint8_t)(0x90 | packet);
			memcpy(tag + 1, codecs[c][0], 4);
			ck_assert_uint_eq(
			    flv_audio_class(tag, 5), classes[packet]);
			if (packet != 5 && packet != 7)
				ck_assert_str_eq(
				    flv_audio_codec(tag, 5), codecs[c][1]);
		}
}
END_TEST

START_TEST(only_a_keyframe_of_track_0_is_one)
{
	/* one track: 0, 1, id cut off */
	expect_video("96016876633100", FLV_KEYFRAME, "hvc1");
	expect_video("96016876633101", 0, "hvc1");
	expect_video("960168766331", 0, "unknown");
	/* many tracks of one codec: 1 and 0, 1 and 2, 1 and cut */
	expect_video("96116876633101000001aa00000001bb", FLV_KEYFRAME, "hvc1");
	expect_video("96116876633101000001aa02000001bb", 0, "hvc1");
	expect_video("96116876633101000101aa", FLV_KEYFRAME, "hvc1");
	expect_video("a6116876633101000101aa", 0, "hvc1");
	/* many codecs */
	expect_video(
	    "96216876633100000001aa6176303101000001bb", FLV_KEYFRAME, "hvc1");
	expect_video(
	    "96216876633101000001aa6176303100000001bb", FLV_KEYFRAME, "av01");
	expect_video("96236876633101000001aa6176303102000001bb", 0, "hvc1");
	/* headers and ends of any track */
	expect_video("96006876633101", FLV_SEQUENCE_HEADER, "hvc1");
	expect_video("96026876633101", FLV_END_OF_SEQUENCE, "hvc1");
	/* multitrack in multitrack, ModEx in it, an unknown type */
	expect_video("96066876633100", 0, "unknown");
	expect_video("96076876633100", 0, "unknown");
	expect_video("96316876633100", 0, "unknown");
	expect_audio("95054f70757300", 0, "unknown");
}
END_TEST

START_TEST(modex_may_repeat_before_everything)
{
	/* twice nanoseconds, then a key frame of track 0 */
	expect_video("9702000001070200000201"
		     "68766331",
	    FLV_KEYFRAME, "hvc1");
	expect_video("9702000001"
		     "06"
		     "01"
		     "6876633100",
	    FLV_KEYFRAME, "hvc1");
	/* before a command, before metadata with frame type command */
	expect_video("d70200000101"
		     "00",
	    FLV_COMMAND, "unknown");
	expect_video("d70200000104"
		     "68766331",
	    FLV_METADATA, "hvc1");
	expect_audio("970200000100"
		     "4f707573",
	    FLV_SEQUENCE_HEADER, "opus");
	/* a size of 16 bits: 256 bytes and more */
	uint8_t big[400] = { 0x97, 0xff, 0x00, 0xff };
	big[4 + 256] = 0x01;
	memcpy(big + 4 + 257, "hvc1", 4);
	ck_assert_uint_eq(flv_video_class(big, sizeof(big)), FLV_KEYFRAME);
	ck_assert_uint_eq(flv_video_class(big, FLV_CLASS_BYTES), 0);
	/* four of them leave room for the rest in the first bytes */
	uint8_t four[FLV_CLASS_BYTES] = { 0x97 };
	for (size_t i = 0; i < 4; i++)
		memcpy(four + 1 + 5 * i, "\2\0\0\1\7", 5);
	four[20] = 6;
	memcpy(four + 21, "\1hvc1\0", 6);
	ck_assert_uint_eq(flv_video_class(four, sizeof(four)), FLV_KEYFRAME);
}
END_TEST

static void
expect_track(bool video, const char *hex, const char *fourcc, unsigned id,
    unsigned tracks, unsigned multitrack, unsigned class)
{
	struct flv_track t;
	size_t n;
	uint8_t *p = bytes(hex, &n);
	bool ok = video ? flv_video_track(p, n, &t) : flv_audio_track(p, n, &t);
	ck_assert_msg(ok == (fourcc != NULL), "%s", hex);
	if (ok) {
		ck_assert_uint_eq(
		    t.fourcc, FLV_FOURCC((uint8_t)fourcc[0], fourcc[1],
				  fourcc[2], (uint8_t)fourcc[3]));
	}
	ck_assert_msg(t.id == id && t.tracks == tracks &&
			  t.multitrack == multitrack && t.class == class,
	    "%s: %u %u %u %u", hex, t.id, t.tracks, t.multitrack, t.class);
	free(p);
}

START_TEST(sequence_headers_are_told_apart)
{
	const unsigned h = FLV_SEQUENCE_HEADER;
	expect_track(true, "1700000000", "avc1", 0, 1, 0, h);
	expect_track(true, "1c00000000", "hvc1", 0, 1, 0, h);
	expect_track(true, "12", "\0\0\0\2", 0, 1, 0, FLV_KEYFRAME);
	expect_track(true, "9061763031", "av01", 0, 1, 0, h);
	expect_track(true, "96006876633107aa", "hvc1", 7, 1, 1, h);
	expect_track(
	    true, "96106876633101000001aa00000001bb", "hvc1", 0, 2, 2, h);
	expect_track(
	    true, "96106876633103000001aa02000001bb", "hvc1", 3, 2, 2, h);
	expect_track(true, "96206176633102000001aa6876633100000001bb", "hvc1",
	    0, 2, 3, h);
	expect_track(true, "9668", NULL, 0, 0, 0, 0);
	expect_track(true, "d100", NULL, 0, 0, 0, 0);
	expect_track(true, "", NULL, 0, 0, 0, 0);
	expect_track(false, "af001190", "mp4a", 0, 1, 0, h);
	expect_track(false, "2f", ".mp3", 0, 1, 0, 0);
	expect_track(false, "b2", "\0\0\0\013", 0, 1, 0, 0);
	expect_track(false, "904f707573", "Opus", 0, 1, 0, h);
	expect_track(false, "95004f70757302", "Opus", 2, 1, 1, h);
	expect_track(false, "944f707573", "Opus", 0, 1, 0, FLV_METADATA);
	expect_track(false, "95", NULL, 0, 0, 0, 0);
}
END_TEST

START_TEST(the_parts_of_a_message_are_walked)
{
	struct flv_parts it;
	struct flv_part part;
	size_t n;
	uint8_t *p = bytes("96206176633102000001aa6876633100000002bbcc", &n);
	ck_assert(flv_video_parts(p, n, &it));
	ck_assert(flv_parts_next(&it, &part));
	ck_assert_uint_eq(part.fourcc, FLV_FOURCC('a', 'v', 'c', '1'));
	ck_assert(part.id == 2 && part.len == 1 && part.body[0] == 0xaa);
	ck_assert(flv_parts_next(&it, &part));
	ck_assert_uint_eq(part.fourcc, FLV_FOURCC('h', 'v', 'c', '1'));
	ck_assert(part.id == 0 && part.len == 2 && part.body[1] == 0xcc);
	ck_assert(!flv_parts_next(&it, &part));
	/* cut in the second track */
	ck_assert(flv_video_parts(p, n - 1, &it));
	ck_assert(flv_parts_next(&it, &part));
	ck_assert(!flv_parts_next(&it, &part));
	ck_assert(!flv_parts_next(&it, &part));
	free(p);
	p = bytes("914f707573aabb", &n);
	ck_assert(flv_audio_parts(p, n, &it));
	ck_assert(flv_parts_next(&it, &part));
	ck_assert(part.id == 0 && part.len == 2);
	ck_assert(!flv_parts_next(&it, &part));
	ck_assert(!flv_video_parts((const uint8_t *)"\x17\0", 2, &it));
	ck_assert(!flv_parts_next(&it, &part));
	ck_assert(!flv_audio_parts((const uint8_t *)"\xaf\0", 2, &it));
	free(p);
}
END_TEST

/* Everything on these bytes; a detail read must be a possible one. */
static void
read_everything(const uint8_t *p, size_t n)
{
	struct flv_video_info v;
	struct flv_audio_info a;
	struct flv_track t;
	struct flv_parts it;
	struct flv_part part;
	if (flv_video_info(p, n, &v)) {
		ck_assert_uint_le(v.width, 65536);
		ck_assert_uint_le(v.height, 65536);
	} else {
		ck_assert_uint_eq(v.width + v.height, 0);
	}
	if (!flv_audio_info(p, n, &a))
		ck_assert_uint_eq(a.rate_hz + a.channels, 0);
	ck_assert_uint_le(flv_video_class(p, n), 16);
	ck_assert_uint_le(flv_audio_class(p, n), 16);
	ck_assert_ptr_nonnull(flv_video_codec(p, n));
	ck_assert_ptr_nonnull(flv_audio_codec(p, n));
	if (flv_video_track(p, n, &t))
		ck_assert_uint_eq(t.class, flv_video_class(p, n));
	if (flv_audio_track(p, n, &t))
		ck_assert_uint_eq(t.class, flv_audio_class(p, n));
	flv_video_parts(p, n, &it);
	while (flv_parts_next(&it, &part))
		ck_assert(part.body >= p && part.body + part.len <= p + n);
	flv_audio_parts(p, n, &it);
	while (flv_parts_next(&it, &part))
		ck_assert(part.body >= p && part.body + part.len <= p + n);
}

static uint64_t
next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Every prefix of hex, and damaged ones, each in a block of its size. */
static void
damage(const char *hex, uint64_t *x)
{
	size_t n;
	uint8_t *p = bytes(hex, &n);
	for (int round = 0; round < 3000; round++) {
		size_t len = round <= (int)n ? (size_t)round : *x % (n + 1);
		uint8_t *copy = malloc(len > 0 ? len : 1);
		memcpy(copy, p, len);
		for (int k = round / 500; k > 0 && len > 0; k--) {
			next_random(x);
			copy[*x % len] = (uint8_t)(*x >> 32);
		}
		read_everything(copy, len);
		free(copy);
		next_random(x);
	}
	free(p);
}

START_TEST(prefixes_and_damage_do_no_harm)
{
	uint64_t x = 0xf17;
	for (size_t i = 0; i < sizeof(avc) / sizeof(*avc); i++)
		damage(avc[i].hex, &x);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		damage(others[i].hex, &x);
	for (size_t i = 0; i < sizeof(audio) / sizeof(*audio); i++)
		damage(audio[i].hex, &x);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("flvtag");
	TCase *t = tcase_create("flvtag");
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	tcase_add_test(t, legacy_video_is_classed);
	tcase_add_test(t, enhanced_video_is_classed);
	tcase_add_test(t, audio_is_classed);
	tcase_add_test(t, picture_sizes_are_read_from_the_avc_header);
	tcase_add_test(t, rates_and_channels_are_read_from_the_aac_header);
	tcase_add_test(t, details_are_read_from_the_headers_of_all_codecs);
	tcase_add_test(t, rates_and_channels_are_read_from_all_codecs);
	tcase_add_test(t, every_video_codec_is_classed_alike);
	tcase_add_test(t, every_audio_codec_is_classed_alike);
	tcase_add_test(t, only_a_keyframe_of_track_0_is_one);
	tcase_add_test(t, modex_may_repeat_before_everything);
	tcase_add_test(t, sequence_headers_are_told_apart);
	tcase_add_test(t, the_parts_of_a_message_are_walked);
	tcase_add_test(t, prefixes_and_damage_do_no_harm);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
