#include "config.h"

#include <string.h>

#include "common/cursor.h"
#include "rtmp/flvtag.h"

/* First byte of video: FLV 10.1, E.4.3.1; bit 7: Enhanced RTMP v2. */
enum { FRAME_KEY = 1, FRAME_COMMAND = 5 };
enum { VIDEO_AVC = 7, VIDEO_HEVC_OLD = 12 };
enum { AVC_HEADER = 0, AVC_END = 2 };
enum {
	EX_SEQUENCE_START = 0,
	EX_SEQUENCE_END = 2,
	EX_METADATA = 4,
	EX_MPEG2TS_START = 5,
	EX_MULTITRACK = 6,
	EX_MODEX = 7
};
/* First byte of audio, E.4.2.1; AUDIO_EX: Enhanced RTMP v2. */
enum { AUDIO_AAC = 10, AUDIO_EX = 9 };
enum { EX_AUDIO_START = 0, EX_AUDIO_END = 2 };

/* A header reduced to what the classes need. */
struct tag {
	unsigned frame;	 /* video frame type */
	unsigned packet; /* packet type, extended or AVC */
	bool extended;
	const uint8_t *fourcc; /* of the codec, NULL if not there */
	const uint8_t *body;   /* behind the FourCC */
};

/*
 * The extended header, ModEx and Multitrack passed over.  Multitrack is
 * classed by its first track; the full walk comes with Enhanced RTMP.
 */
static bool
read_extended(struct reader *r, struct tag *t, unsigned multitrack)
{
	while (t->packet == EX_MODEX) {
		size_t n = reader_u8(r) + 1u;
		if (n == 256)
			n = reader_u16(r) + 1u;
		reader_bytes(r, n);
		t->packet = reader_u8(r) & 0x0f;
		if (!reader_ok(r))
			return false;
	}
	if (t->packet == multitrack)
		t->packet = reader_u8(r) & 0x0f;
	t->fourcc = reader_bytes(r, 4);
	t->body = r->p;
	return reader_ok(r);
}

static bool
read_video(const uint8_t *p, size_t n, struct tag *t)
{
	struct reader r;
	memset(t, 0, sizeof(*t));
	reader_init(&r, p, n);
	uint8_t first = reader_u8(&r);
	if (!reader_ok(&r))
		return false;
	t->extended = (first & 0x80) != 0;
	t->frame = first >> 4 & 7;
	t->packet = first & 0x0f;
	/* A command has one byte more and no FourCC. */
	if (t->frame == FRAME_COMMAND && t->packet != EX_METADATA)
		return true;
	return !t->extended || read_extended(&r, t, EX_MULTITRACK);
}

static unsigned
extended_class(const struct tag *t)
{
	switch (t->packet) {
	case EX_SEQUENCE_START:
	case EX_MPEG2TS_START:
		return FLV_SEQUENCE_HEADER;
	case EX_SEQUENCE_END:
		return FLV_END_OF_SEQUENCE;
	case EX_METADATA:
		return FLV_METADATA;
	default:
		return t->frame == FRAME_KEY ? FLV_KEYFRAME : 0;
	}
}

unsigned
flv_video_class(const uint8_t *p, size_t n)
{
	struct tag t;
	if (!read_video(p, n, &t))
		return 0;
	/* Metadata ignores the frame type, so it is asked first. */
	if (t.extended && t.packet == EX_METADATA)
		return FLV_METADATA;
	if (t.frame == FRAME_COMMAND)
		return FLV_COMMAND;
	if (t.extended)
		return extended_class(&t);
	if (t.packet == VIDEO_AVC || t.packet == VIDEO_HEVC_OLD) {
		if (n < 2)
			return 0;
		if (p[1] == AVC_HEADER)
			return FLV_SEQUENCE_HEADER;
		if (p[1] == AVC_END)
			return FLV_END_OF_SEQUENCE;
	}
	return t.frame == FRAME_KEY ? FLV_KEYFRAME : 0;
}

static bool
read_audio(const uint8_t *p, size_t n, struct tag *t)
{
	enum { AUDIO_MULTITRACK = 5 };
	struct reader r;
	memset(t, 0, sizeof(*t));
	reader_init(&r, p, n);
	uint8_t first = reader_u8(&r);
	if (!reader_ok(&r))
		return false;
	t->extended = first >> 4 == AUDIO_EX;
	t->packet = first & 0x0f;
	return !t->extended || read_extended(&r, t, AUDIO_MULTITRACK);
}

unsigned
flv_audio_class(const uint8_t *p, size_t n)
{
	struct tag t;
	if (!read_audio(p, n, &t))
		return 0;
	if (t.extended)
		return t.packet == EX_AUDIO_START ? FLV_SEQUENCE_HEADER
		       : t.packet == EX_AUDIO_END ? FLV_END_OF_SEQUENCE
						  : 0;
	if (p[0] >> 4 == AUDIO_AAC && n >= 2 && p[1] == 0)
		return FLV_SEQUENCE_HEADER;
	return 0;
}

struct codec {
	char fourcc[5];
	const char *name;
};

static const char *
codec_of(const uint8_t *fourcc, const struct codec *list, size_t n)
{
	for (size_t i = 0; i < n && fourcc != NULL; i++)
		if (memcmp(fourcc, list[i].fourcc, 4) == 0)
			return list[i].name;
	return "unknown";
}

const char *
flv_video_codec(const uint8_t *p, size_t n)
{
	static const struct codec list[] = { { "avc1", "avc1" },
		{ "hvc1", "hvc1" }, { "vvc1", "vvc1" }, { "av01", "av01" },
		{ "vp09", "vp09" }, { "vp08", "vp08" } };
	static const char *const old[16] = { [2] = "h263",
		[3] = "screen",
		[4] = "vp6",
		[5] = "vp6a",
		[6] = "screen2",
		[VIDEO_AVC] = "avc1",
		[VIDEO_HEVC_OLD] = "hvc1" };
	struct tag t;
	if (!read_video(p, n, &t))
		return "unknown";
	if (t.extended)
		return codec_of(t.fourcc, list, sizeof(list) / sizeof(*list));
	return old[t.packet] != NULL ? old[t.packet] : "unknown";
}

const char *
flv_audio_codec(const uint8_t *p, size_t n)
{
	static const struct codec list[] = { { "mp4a", "aac" },
		{ "Opus", "opus" }, { ".mp3", "mp3" }, { "fLaC", "flac" },
		{ "ac-3", "ac3" }, { "ec-3", "eac3" } };
	static const char *const old[16] = { "pcm", "adpcm", "mp3", "pcm",
		"nellymoser", "nellymoser", "nellymoser", "g711a",
		"g711u", [AUDIO_AAC] = "aac", [11] = "speex", [14] = "mp3" };
	struct tag t;
	if (!read_audio(p, n, &t))
		return "unknown";
	if (t.extended)
		return codec_of(t.fourcc, list, sizeof(list) / sizeof(*list));
	return old[p[0] >> 4] != NULL ? old[p[0] >> 4] : "unknown";
}

/* Bits of an SPS, emulation prevention bytes left out (ISO 14496-10, 7.4.1).
 * Past the end it gives zeros and the error, so every loop ends. */
struct bits {
	const uint8_t *p, *end;
	unsigned bit;	/* of *p already read */
	unsigned zeros; /* zero bytes just before p */
	bool bad;
};

static unsigned
bit(struct bits *b)
{
	if (b->bit == 0 && b->zeros >= 2 && b->p < b->end && *b->p == 3) {
		b->p++;
		b->zeros = 0;
	}
	if (b->p >= b->end) {
		b->bad = true;
		return 0;
	}
	unsigned v = *b->p >> (7 - b->bit) & 1u;
	if (++b->bit == 8) {
		b->bit = 0;
		b->zeros = *b->p == 0 ? b->zeros + 1 : 0;
		b->p++;
	}
	return v;
}

static uint32_t
bits(struct bits *b, unsigned n)
{
	uint32_t v = 0;
	while (n-- > 0)
		v = v << 1 | bit(b);
	return v;
}

/* ue(v), ISO 14496-10, 9.1: at most 31 leading zeros. */
static uint32_t
golomb(struct bits *b)
{
	unsigned zeros = 0;
	while (!b->bad && bit(b) == 0)
		if (++zeros > 31) {
			b->bad = true;
			return 0;
		}
	return (uint32_t)((1u << zeros) - 1 + bits(b, zeros));
}

/* A scaling list is skipped: se(v) deltas until the next scale is 0. */
static void
skip_scaling_list(struct bits *b, unsigned size)
{
	int32_t last = 8, next = 8;
	for (unsigned i = 0; i < size && !b->bad; i++) {
		if (next != 0) {
			uint32_t k = golomb(b);
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
	uint32_t chroma = golomb(b);
	if (chroma > 3)
		b->bad = true;
	/* separate planes are cropped like monochrome */
	bool planes = chroma == 3 && bit(b) != 0;
	golomb(b);
	golomb(b);
	bit(b);
	if (bit(b) != 0)
		for (unsigned i = 0; i < (chroma == 3 ? 12u : 8u); i++)
			if (bit(b) != 0)
				skip_scaling_list(b, i < 6 ? 16 : 64);
	return planes ? 0 : chroma;
}

static void
skip_order_count(struct bits *b)
{
	uint32_t type = golomb(b);
	if (type == 0) {
		golomb(b);
	} else if (type == 1) {
		bit(b);
		golomb(b);
		golomb(b);
		uint32_t n = golomb(b);
		if (n > 255)
			b->bad = true;
		for (uint32_t i = 0; i < n && !b->bad; i++)
			golomb(b);
	} else if (type > 2) {
		b->bad = true;
	}
}

/* seq_parameter_set_data, ISO 14496-10, 7.3.2.1.1. */
static bool
read_sps(const uint8_t *p, size_t n, struct flv_video_info *info)
{
	struct bits b = { .p = p, .end = p + n };
	uint32_t chroma = 1;

	bits(&b, 8); /* NAL header */
	uint32_t profile = bits(&b, 8);
	bits(&b, 8);
	uint32_t level = bits(&b, 8);
	golomb(&b);
	if (has_chroma(profile))
		chroma = read_chroma(&b);
	golomb(&b);
	skip_order_count(&b);
	golomb(&b);
	bit(&b);
	uint64_t mbs_wide = golomb(&b) + 1ull;
	uint64_t units_high = golomb(&b) + 1ull;
	bool frames_only = bit(&b) != 0;
	if (!frames_only)
		bit(&b);
	bit(&b);
	uint64_t left = 0, right = 0, top = 0, bottom = 0;
	if (bit(&b) != 0) {
		left = golomb(&b);
		right = golomb(&b);
		top = golomb(&b);
		bottom = golomb(&b);
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
flv_video_info(const uint8_t *p, size_t n, struct flv_video_info *info)
{
	struct tag t;
	struct reader r;
	memset(info, 0, sizeof(*info));
	if (flv_video_class(p, n) != FLV_SEQUENCE_HEADER ||
	    strcmp(flv_video_codec(p, n), "avc1") != 0 || !read_video(p, n, &t))
		return false;
	reader_init(&r, p, n);
	/* packet type and composition time, or flags and FourCC */
	reader_bytes(&r, t.extended ? (size_t)(t.body - p) : 5);
	if (reader_u8(&r) != 1)
		return false;
	reader_bytes(&r, 4);
	if ((reader_u8(&r) & 0x1f) == 0)
		return false;
	size_t len = reader_u16(&r);
	const uint8_t *sps = reader_bytes(&r, len);
	return sps != NULL && read_sps(sps, len, info);
}

/* AudioSpecificConfig, ISO 14496-3, 1.6.2.1. */
static bool
read_asc(const uint8_t *p, size_t n, struct flv_audio_info *info)
{
	static const uint32_t rates[13] = { 96000, 88200, 64000, 48000, 44100,
		32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350 };
	static const uint8_t counts[8] = { 0, 1, 2, 3, 4, 5, 6, 8 };
	uint64_t word = 0; /* the first 8 bytes hold all that is read */
	for (size_t i = 0; i < 8; i++)
		word = word << 8 | (i < n ? p[i] : 0u);
	unsigned used = 5;
	unsigned type = (unsigned)(word >> 59);
	if (type == 31) {
		type = 32 + (unsigned)(word >> 53 & 0x3f);
		used += 6;
	}
	unsigned index = (unsigned)(word << used >> 60);
	used += 4;
	uint32_t rate;
	if (index == 15) {
		rate = (uint32_t)(word << used >> 40);
		used += 24;
	} else if (index < 13) {
		rate = rates[index];
	} else {
		return false;
	}
	unsigned channels = (unsigned)(word << used >> 60);
	used += 4;
	if (used > n * 8 || type == 0 || rate == 0)
		return false;
	*info = (struct flv_audio_info){ rate,
		channels < 8 ? counts[channels] : (uint8_t)0, (uint8_t)type };
	return true;
}

bool
flv_audio_info(const uint8_t *p, size_t n, struct flv_audio_info *info)
{
	struct tag t;
	memset(info, 0, sizeof(*info));
	if (flv_audio_class(p, n) != FLV_SEQUENCE_HEADER ||
	    strcmp(flv_audio_codec(p, n), "aac") != 0 || !read_audio(p, n, &t))
		return false;
	size_t head = t.extended ? (size_t)(t.body - p) : 2;
	return read_asc(p + head, n - head, info);
}
