#include "config.h"

#include <string.h>

#include "common/cursor.h"
#include "rtmp/bits.h"
#include "rtmp/vcodec.h"

enum { SIDE_MAX = 65536 };

/* A scaling list is skipped: se(v) deltas until the next scale is 0. */
static void
skip_scaling_list(struct bits *b, unsigned size)
{
	int32_t last = 8, next = 8;
	for (unsigned i = 0; i < size && !b->bad; i++) {
		if (next != 0) {
			uint32_t k = bits_golomb(b);
			int32_t half = (int32_t)(k / 2 + (k & 1));
			int32_t delta = k & 1 ? half : -half;
			if (delta < -128 || delta > 127) {
				b->bad = true;
				return;
			}
			next = (last + delta + 256) % 256;
		}
		last = next != 0 ? next : last;
	}
}

static bool
has_chroma(unsigned profile)
{
	static const uint8_t with[] = { 100, 110, 122, 244, 44, 83, 86, 118,
		128, 138, 139, 134, 135 };
	for (size_t i = 0; i < sizeof(with); i++)
		if (with[i] == profile)
			return true;
	return false;
}

/* chroma_format_idc up to the scaling lists; returns chroma_format_idc. */
static uint32_t
read_chroma(struct bits *b)
{
	uint32_t chroma = bits_golomb(b);
	if (chroma > 3)
		b->bad = true;
	/* separate planes are cropped like monochrome */
	bool planes = chroma == 3 && bits_flag(b);
	bits_golomb(b);
	bits_golomb(b);
	bits_skip(b, 1);
	if (bits_flag(b))
		for (unsigned i = 0; i < (chroma == 3 ? 12u : 8u); i++)
			if (bits_flag(b))
				skip_scaling_list(b, i < 6 ? 16 : 64);
	return planes ? 0 : chroma;
}

static void
skip_order_count(struct bits *b)
{
	uint32_t type = bits_golomb(b);
	if (type == 0) {
		bits_golomb(b);
	} else if (type == 1) {
		bits_skip(b, 1);
		bits_golomb(b);
		bits_golomb(b);
		uint32_t n = bits_golomb(b);
		if (n > 255)
			b->bad = true;
		for (uint32_t i = 0; i < n && !b->bad; i++)
			bits_golomb(b);
	} else if (type > 2) {
		b->bad = true;
	}
}

/* seq_parameter_set_data, ISO 14496-10, 7.3.2.1.1. */
static bool
read_avc_sps(const uint8_t *p, size_t n, struct flv_video_info *info)
{
	struct bits b;
	bits_init(&b, p, n, true);
	uint32_t chroma = 1;

	bits_read(&b, 8); /* NAL header */
	uint32_t profile = bits_read(&b, 8);
	bits_read(&b, 8);
	uint32_t level = bits_read(&b, 8);
	bits_golomb(&b);
	if (has_chroma(profile))
		chroma = read_chroma(&b);
	bits_golomb(&b);
	skip_order_count(&b);
	bits_golomb(&b);
	bits_skip(&b, 1);
	uint64_t mbs_wide = bits_golomb(&b) + 1ull;
	uint64_t units_high = bits_golomb(&b) + 1ull;
	bool frames_only = bits_flag(&b);
	if (!frames_only)
		bits_skip(&b, 1);
	bits_skip(&b, 1);
	uint64_t left = 0, right = 0, top = 0, bottom = 0;
	if (bits_flag(&b)) {
		left = bits_golomb(&b);
		right = bits_golomb(&b);
		top = bits_golomb(&b);
		bottom = bits_golomb(&b);
	}
	if (b.bad)
		return false;
	unsigned crop_x = chroma == 1 || chroma == 2 ? 2 : 1;
	unsigned crop_y = (chroma == 1 ? 2u : 1u) * (frames_only ? 1u : 2u);
	uint64_t width = mbs_wide * 16, height = units_high * 16;
	if (!frames_only)
		height *= 2;
	uint64_t cut_x = (left + right) * crop_x;
	uint64_t cut_y = (top + bottom) * crop_y;
	if (width > 65536 || height > 65536 || cut_x >= width ||
	    cut_y >= height)
		return false;
	*info = (struct flv_video_info){ (uint32_t)(width - cut_x),
		(uint32_t)(height - cut_y), (uint8_t)profile, (uint8_t)level };
	return true;
}

bool
vcodec_avcc(const uint8_t *p, size_t n, struct flv_video_info *info)
{
	struct reader r;
	memset(info, 0, sizeof(*info));
	reader_init(&r, p, n);
	if (reader_u8(&r) != 1)
		return false;
	reader_bytes(&r, 4);
	if ((reader_u8(&r) & 0x1f) == 0)
		return false;
	size_t len = reader_u16(&r);
	const uint8_t *sps = reader_bytes(&r, len);
	return sps != NULL && read_avc_sps(sps, len, info);
}

/* profile_tier_level(1, layers - 1), ISO 23008-2, 7.3.3. */
static void
skip_tier_level(struct bits *b, unsigned layers)
{
	enum { PROFILE = 88, LEVEL = 8 };
	bool profile[8], level[8];
	bits_skip(b, PROFILE + LEVEL);
	for (unsigned i = 0; i + 1 < layers; i++) {
		profile[i] = bits_flag(b);
		level[i] = bits_flag(b);
	}
	if (layers > 1)
		bits_skip(b, 2 * (9 - layers));
	for (unsigned i = 0; i + 1 < layers; i++)
		bits_skip(
		    b, (profile[i] ? PROFILE : 0) + (level[i] ? LEVEL : 0));
}

/* seq_parameter_set_rbsp up to the conformance window, 7.3.2.2.1. */
static bool
read_hevc_sps(const uint8_t *p, size_t n, struct flv_video_info *info)
{
	struct bits b;
	bits_init(&b, p, n, true);
	bits_skip(&b, 16 + 4); /* NAL header, parameter set id */
	unsigned layers = bits_read(&b, 3) + 1;
	bits_skip(&b, 1);
	if (layers > 7)
		return false;
	skip_tier_level(&b, layers);
	bits_golomb(&b);
	uint32_t chroma = bits_golomb(&b);
	if (chroma == 3 && bits_flag(&b))
		chroma = 0; /* separate planes are cropped like monochrome */
	uint64_t width = bits_golomb(&b), height = bits_golomb(&b);
	uint64_t cut_x = 0, cut_y = 0;
	if (bits_flag(&b)) {
		cut_x = bits_golomb(&b);
		cut_x += bits_golomb(&b);
		cut_y = bits_golomb(&b);
		cut_y += bits_golomb(&b);
	}
	cut_x *= chroma == 1 || chroma == 2 ? 2 : 1;
	cut_y *= chroma == 1 ? 2 : 1;
	if (b.bad || chroma > 3 || width > SIDE_MAX || height > SIDE_MAX ||
	    cut_x >= width || cut_y >= height)
		return false;
	info->width = (uint32_t)(width - cut_x);
	info->height = (uint32_t)(height - cut_y);
	return true;
}

/* HEVCDecoderConfigurationRecord, ISO 14496-15, 8.3.2.1. */
bool
vcodec_hvcc(const uint8_t *p, size_t n, struct flv_video_info *info)
{
	enum { NAL_SPS = 33, PROFILE_AT = 1, LEVEL_AT = 12, ARRAYS_AT = 22 };
	struct flv_video_info got = { .width = 0 };
	struct reader r;
	memset(info, 0, sizeof(*info));
	reader_init(&r, p, n);
	const uint8_t *head = reader_bytes(&r, ARRAYS_AT);
	unsigned arrays = reader_u8(&r);
	if (!reader_ok(&r) || head[0] > 1)
		return false;
	got.profile = head[PROFILE_AT] & 0x1f;
	got.level = head[LEVEL_AT];
	for (; arrays > 0 && got.width == 0; arrays--) {
		unsigned type = reader_u8(&r) & 0x3f;
		unsigned units = reader_u16(&r);
		for (; units > 0 && got.width == 0; units--) {
			size_t len = reader_u16(&r);
			const uint8_t *nal = reader_bytes(&r, len);
			if (nal == NULL)
				return false;
			if (type == NAL_SPS && !read_hevc_sps(nal, len, &got))
				return false;
		}
	}
	*info = got;
	return true;
}

/* VvcPTLRecord, ISO 14496-15, 11.2.4.2. */
static void
read_vvc_tier_level(
    struct reader *r, unsigned layers, struct flv_video_info *info)
{
	unsigned constraint = reader_u8(r) & 0x3f;
	info->profile = reader_u8(r) >> 1;
	info->level = reader_u8(r);
	reader_bytes(r, constraint > 0 ? constraint : 1);
	if (layers > 1) {
		unsigned present = reader_u8(r);
		for (unsigned i = 0; i + 1 < layers; i++)
			if (present & 0x80u >> i)
				reader_u8(r);
	}
	unsigned sub_profiles = reader_u8(r);
	reader_bytes(r, 4u * sub_profiles);
}

/* VvcDecoderConfigurationRecord; it holds the size itself. */
bool
vcodec_vvcc(const uint8_t *p, size_t n, struct flv_video_info *info)
{
	struct flv_video_info got = { .width = 0 };
	struct reader r;
	memset(info, 0, sizeof(*info));
	reader_init(&r, p, n);
	uint8_t first = reader_u8(&r);
	if (!reader_ok(&r) || (first & 0xf8) != 0xf8)
		return false;
	if ((first & 1) != 0) { /* ptl_present_flag */
		unsigned layers = reader_u16(&r) >> 4 & 7;
		reader_u8(&r);
		read_vvc_tier_level(&r, layers, &got);
		got.width = reader_u16(&r);
		got.height = reader_u16(&r);
	}
	if (!reader_ok(&r))
		return false;
	*info = got;
	return true;
}

/* timing_info and decoder_model_info, AV1 5.5.3, 5.5.4: bits of the delay. */
static unsigned
read_av1_timing(struct bits *b)
{
	bits_skip(b, 64);
	if (bits_flag(b))
		bits_golomb(b); /* uvlc(), 4.10.3, is ue(v) */
	if (!bits_flag(b))
		return 0;
	unsigned delay = bits_read(b, 5) + 1;
	bits_skip(b, 32 + 5 + 5);
	return delay;
}

/* The operating points; the level of the first one. */
static void
read_av1_points(struct bits *b, struct flv_video_info *info)
{
	unsigned delay = bits_flag(b) ? read_av1_timing(b) : 0;
	bool display = bits_flag(b);
	unsigned points = bits_read(b, 5) + 1;
	for (unsigned i = 0; i < points && !b->bad; i++) {
		bits_skip(b, 12);
		unsigned level = bits_read(b, 5);
		if (i == 0)
			info->level = (uint8_t)level;
		if (level > 7)
			bits_skip(b, 1);
		if (delay > 0 && bits_flag(b))
			bits_skip(b, 2 * delay + 1);
		if (display && bits_flag(b))
			bits_skip(b, 4);
	}
}

/* sequence_header_obu, AV1 5.5.1, up to the size. */
static bool
read_av1_sequence(const uint8_t *p, size_t n, struct flv_video_info *info)
{
	struct bits b;
	struct flv_video_info got = { .width = 0 };
	bits_init(&b, p, n, false);
	got.profile = (uint8_t)bits_read(&b, 3);
	bits_skip(&b, 1);
	if (bits_flag(&b)) /* reduced_still_picture_header */
		got.level = (uint8_t)bits_read(&b, 5);
	else
		read_av1_points(&b, &got);
	unsigned wide = bits_read(&b, 4) + 1, high = bits_read(&b, 4) + 1;
	got.width = bits_read(&b, wide) + 1;
	got.height = bits_read(&b, high) + 1;
	if (b.bad)
		return false;
	*info = got;
	return true;
}

/* leb128(), AV1 4.10.5: at most 8 bytes, 32 bits. */
static uint64_t
read_leb128(struct reader *r)
{
	uint64_t v = 0;
	for (unsigned i = 0; i < 8; i++) {
		uint8_t b = reader_u8(r);
		v |= (uint64_t)(b & 0x7f) << 7 * i;
		if ((b & 0x80) == 0)
			return v;
	}
	reader_fail(r);
	return 0;
}

bool
vcodec_av1(const uint8_t *p, size_t n, struct flv_video_info *info)
{
	enum { SEQUENCE = 1, HAS_EXTENSION = 4, HAS_SIZE = 2 };
	struct reader r;
	memset(info, 0, sizeof(*info));
	reader_init(&r, p, n);
	while (reader_left(&r) > 0) {
		uint8_t head = reader_u8(&r);
		if (head & HAS_EXTENSION)
			reader_u8(&r);
		uint64_t len =
		    head & HAS_SIZE ? read_leb128(&r) : reader_left(&r);
		if ((head & 0x80) != 0 || len > reader_left(&r))
			return false;
		const uint8_t *body = reader_bytes(&r, (size_t)len);
		if ((head >> 3 & 15) == SEQUENCE)
			return body != NULL &&
			       read_av1_sequence(body, (size_t)len, info);
	}
	return false;
}

/* AV1 in ISO BMFF, 2.3.3. */
bool
vcodec_av1c(const uint8_t *p, size_t n, struct flv_video_info *info)
{
	memset(info, 0, sizeof(*info));
	if (n < 4 || p[0] != 0x81) /* marker, version 1 */
		return false;
	if (!vcodec_av1(p + 4, n - 4, info)) {
		info->profile = p[1] >> 5;
		info->level = p[1] & 0x1f;
	}
	return true;
}

/* VP Codec ISO Media File Format Binding. */
bool
vcodec_vpcc(const uint8_t *p, size_t n, struct flv_video_info *info)
{
	memset(info, 0, sizeof(*info));
	if (n < 8)
		return false;
	info->profile = p[0];
	info->level = p[1];
	return true;
}

/* Frame tag and key frame header, RFC 6386, 9.1. */
bool
vcodec_vp8(const uint8_t *p, size_t n, struct flv_video_info *info)
{
	memset(info, 0, sizeof(*info));
	if (n < 10 || (p[0] & 1) != 0 || p[3] != 0x9d || p[4] != 0x01 ||
	    p[5] != 0x2a)
		return false;
	info->width = p[6] | (p[7] & 0x3fu) << 8;
	info->height = p[8] | (p[9] & 0x3fu) << 8;
	info->profile = p[0] >> 1 & 7;
	return true;
}

/* color_config, VP9 bitstream 6.2.2. */
static void
skip_vp9_colour(struct bits *b, unsigned profile)
{
	enum { RGB = 7 };
	if (profile >= 2)
		bits_skip(b, 1);
	bool rgb = bits_read(b, 3) == RGB;
	if (!rgb)
		bits_skip(b, 1);
	if (profile == 1 || profile == 3)
		bits_skip(b, rgb ? 1 : 3);
}

/* uncompressed_header of a key frame, VP9 bitstream 6.2. */
bool
vcodec_vp9(const uint8_t *p, size_t n, struct flv_video_info *info)
{
	enum { MARKER = 2, SYNC = 0x498342 };
	struct bits b;
	memset(info, 0, sizeof(*info));
	bits_init(&b, p, n, false);
	if (bits_read(&b, 2) != MARKER)
		return false;
	unsigned profile = bits_read(&b, 1);
	profile |= bits_read(&b, 1) << 1;
	if (profile == 3)
		bits_skip(&b, 1);
	/* show_existing_frame, frame_type: 0 is a key frame */
	if (bits_read(&b, 2) != 0)
		return false;
	bits_skip(&b, 2);
	if (bits_read(&b, 24) != SYNC)
		return false;
	skip_vp9_colour(&b, profile);
	uint32_t width = bits_read(&b, 16) + 1, height = bits_read(&b, 16) + 1;
	if (b.bad)
		return false;
	info->width = width;
	info->height = height;
	info->profile = (uint8_t)profile;
	return true;
}
