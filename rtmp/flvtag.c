#include "config.h"

#include <string.h>

#include "common/cursor.h"
#include "rtmp/acodec.h"
#include "rtmp/flvtag.h"
#include "rtmp/vcodec.h"

/* First byte of video: FLV 10.1, E.4.3.1; bit 7: Enhanced RTMP v2. */
enum { FRAME_KEY = 1, FRAME_GENERATED_KEY = 4, FRAME_COMMAND = 5 };
enum { VIDEO_AVC = 7, VIDEO_HEVC_OLD = 12 };
enum { AVC_HEADER = 0, AVC_END = 2, AVC_HEAD = 5 };
/* Packet types that mean the same for audio and video. */
enum { EX_START = 0, EX_FRAMES = 1, EX_END = 2, EX_MODEX = 7 };
enum { EX_VIDEO_FRAMES_X = 3, EX_VIDEO_METADATA = 4, EX_VIDEO_TS_START = 5 };
enum { EX_VIDEO_MULTITRACK = 6 };
enum { EX_AUDIO_CHANNELS = 4, EX_AUDIO_MULTITRACK = 5 };
/* Multitrack types, with 1 added: 0 is a plain tag. */
enum { ONE_TRACK = 1, MANY_TRACKS = 2, MANY_CODECS = 3 };
/* First byte of audio, E.4.2.1; AUDIO_EX: Enhanced RTMP v2. */
enum { AUDIO_MP3 = 2, AUDIO_EX = 9, AUDIO_AAC = 10, AUDIO_MP3_8K = 14 };

#define FOURCC_AVC  FLV_FOURCC('a', 'v', 'c', '1')
#define FOURCC_HEVC FLV_FOURCC('h', 'v', 'c', '1')
#define FOURCC_VVC  FLV_FOURCC('v', 'v', 'c', '1')
#define FOURCC_AV1  FLV_FOURCC('a', 'v', '0', '1')
#define FOURCC_VP9  FLV_FOURCC('v', 'p', '0', '9')
#define FOURCC_VP8  FLV_FOURCC('v', 'p', '0', '8')
#define FOURCC_AAC  FLV_FOURCC('m', 'p', '4', 'a')
#define FOURCC_OPUS FLV_FOURCC('O', 'p', 'u', 's')
#define FOURCC_MP3  FLV_FOURCC('.', 'm', 'p', '3')
#define FOURCC_FLAC FLV_FOURCC('f', 'L', 'a', 'C')
#define FOURCC_AC3  FLV_FOURCC('a', 'c', '-', '3')
#define FOURCC_EAC3 FLV_FOURCC('e', 'c', '-', '3')

/* A header reduced to what the classes need. */
struct tag {
	bool extended;
	bool command;	 /* video: one byte more, nothing else */
	bool has_track0; /* or may have: the bytes ended before the tracks */
	uint8_t frame;	 /* video frame type */
	uint8_t packet;	 /* packet type, extended or AVC */
	uint8_t id;
	uint16_t tracks;
	uint32_t fourcc;
	const uint8_t *body; /* of track id */
	size_t len;
	struct flv_parts parts;
};

/*
 * The next track.  While a message is still coming in, size may exceed what is
 * there: then the part is as long as it is, and the last one.
 */
static bool
next_part(struct flv_parts *it, struct flv_part *part)
{
	struct reader r = { .p = it->p, .end = it->end };
	if (it->over)
		return false;
	it->over = true;
	part->fourcc = it->fourcc;
	part->id = 0;
	if (it->multitrack == MANY_CODECS)
		part->fourcc = reader_u32(&r);
	if (it->multitrack != 0)
		part->id = reader_u8(&r);
	size_t size = reader_left(&r);
	if (it->multitrack >= MANY_TRACKS)
		size = reader_u24(&r);
	it->cut = !reader_ok(&r) || size > reader_left(&r);
	if (!reader_ok(&r))
		return false;
	part->body = r.p;
	part->len = size < reader_left(&r) ? size : reader_left(&r);
	if (size < reader_left(&r)) {
		it->p = r.p + size;
		it->over = false;
	}
	return true;
}

bool
flv_parts_next(struct flv_parts *it, struct flv_part *part)
{
	return next_part(it, part) && !it->cut;
}

/* ModEx, any number of them; then the packet type is another. */
static void
pass_modex(struct reader *r, struct tag *t)
{
	while (t->packet == EX_MODEX && reader_ok(r)) {
		size_t n = reader_u8(r) + 1u;
		if (n == 256)
			n = reader_u16(r) + 1u;
		reader_bytes(r, n);
		t->packet = reader_u8(r) & 0x0f;
	}
}

/* The tracks: track 0 if it is there, else the first one. */
static bool
read_tracks(struct tag *t)
{
	struct flv_parts it = t->parts;
	struct flv_part part;
	while (next_part(&it, &part)) {
		if (t->tracks++ > 0 && part.id != 0)
			continue;
		t->id = part.id;
		t->fourcc = part.fourcc;
		t->body = part.body;
		t->len = part.len;
		if (part.id == 0)
			break;
	}
	t->has_track0 =
	    t->id == 0 || (t->parts.multitrack >= MANY_TRACKS && it.cut);
	return t->tracks > 0;
}

/* What follows the packet type of an extended header. */
static bool
read_extended(struct reader *r, struct tag *t, unsigned multitrack)
{
	struct flv_parts *it = &t->parts;
	if (t->packet == multitrack) {
		uint8_t b = reader_u8(r);
		t->packet = b & 0x0f;
		it->multitrack = (uint8_t)(ONE_TRACK + (b >> 4));
		if (it->multitrack > MANY_CODECS || t->packet == multitrack ||
		    t->packet == EX_MODEX)
			return false;
	}
	if (it->multitrack != MANY_CODECS)
		it->fourcc = reader_u32(r);
	it->p = r->p;
	it->end = r->end;
	return reader_ok(r) && read_tracks(t);
}

static uint32_t
old_video_fourcc(unsigned codec)
{
	return codec == VIDEO_AVC	 ? FOURCC_AVC
	       : codec == VIDEO_HEVC_OLD ? FOURCC_HEVC
					 : codec;
}

static uint32_t
old_audio_fourcc(unsigned format)
{
	return format == AUDIO_AAC			       ? FOURCC_AAC
	       : format == AUDIO_MP3 || format == AUDIO_MP3_8K ? FOURCC_MP3
							       : format;
}

/* A tag as it was before Enhanced RTMP. */
static bool
old_tag(struct tag *t, const uint8_t *p, size_t n, uint32_t fourcc)
{
	t->fourcc = fourcc;
	t->tracks = 1;
	t->has_track0 = true;
	t->body = p + 1;
	t->len = n - 1;
	return true;
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
	if (t->extended)
		pass_modex(&r, t);
	/* Metadata ignores the frame type. */
	t->command = t->frame == FRAME_COMMAND &&
		     !(t->extended && t->packet == EX_VIDEO_METADATA);
	if (!t->extended)
		return old_tag(t, p, n, old_video_fourcc(t->packet));
	return t->command ? reader_ok(&r)
			  : read_extended(&r, t, EX_VIDEO_MULTITRACK);
}

static bool
read_audio(const uint8_t *p, size_t n, struct tag *t)
{
	struct reader r;
	memset(t, 0, sizeof(*t));
	reader_init(&r, p, n);
	uint8_t first = reader_u8(&r);
	if (!reader_ok(&r))
		return false;
	t->extended = first >> 4 == AUDIO_EX;
	t->packet = first & 0x0f;
	if (!t->extended)
		return old_tag(t, p, n, old_audio_fourcc(first >> 4));
	pass_modex(&r, t);
	return read_extended(&r, t, EX_AUDIO_MULTITRACK);
}

static bool
is_key(const struct tag *t)
{
	return t->has_track0 &&
	       (t->frame == FRAME_KEY || t->frame == FRAME_GENERATED_KEY);
}

static unsigned
extended_class(const struct tag *t)
{
	switch (t->packet) {
	case EX_START:
	case EX_VIDEO_TS_START:
		return FLV_SEQUENCE_HEADER;
	case EX_END:
		return FLV_END_OF_SEQUENCE;
	case EX_VIDEO_METADATA:
		return FLV_METADATA;
	case EX_FRAMES:
	case EX_VIDEO_FRAMES_X:
		return is_key(t) ? FLV_KEYFRAME : 0;
	default:
		return 0;
	}
}

static unsigned
video_class(const struct tag *t)
{
	if (t->command)
		return FLV_COMMAND;
	if (t->extended)
		return extended_class(t);
	if (t->fourcc == FOURCC_AVC || t->fourcc == FOURCC_HEVC) {
		if (t->len == 0)
			return 0;
		if (t->body[0] == AVC_HEADER)
			return FLV_SEQUENCE_HEADER;
		if (t->body[0] == AVC_END)
			return FLV_END_OF_SEQUENCE;
	}
	return is_key(t) ? FLV_KEYFRAME : 0;
}

static unsigned
audio_class(const struct tag *t)
{
	if (!t->extended)
		return t->fourcc == FOURCC_AAC && t->len > 0 && t->body[0] == 0
			   ? FLV_SEQUENCE_HEADER
			   : 0;
	switch (t->packet) {
	case EX_START:
		return FLV_SEQUENCE_HEADER;
	case EX_END:
		return FLV_END_OF_SEQUENCE;
	case EX_AUDIO_CHANNELS:
		return FLV_METADATA;
	default:
		return 0;
	}
}

unsigned
flv_video_class(const uint8_t *p, size_t n)
{
	struct tag t;
	return read_video(p, n, &t) ? video_class(&t) : 0;
}

unsigned
flv_audio_class(const uint8_t *p, size_t n)
{
	struct tag t;
	return read_audio(p, n, &t) ? audio_class(&t) : 0;
}

static bool
track_of(const struct tag *t, unsigned class, struct flv_track *out)
{
	*out = (struct flv_track){ .fourcc = t->fourcc,
		.tracks = t->tracks,
		.id = t->id,
		.multitrack = t->parts.multitrack,
		.class = (uint8_t) class };
	return true;
}

bool
flv_video_track(const uint8_t *p, size_t n, struct flv_track *out)
{
	struct tag t;
	memset(out, 0, sizeof(*out));
	return read_video(p, n, &t) && !t.command &&
	       track_of(&t, video_class(&t), out);
}

bool
flv_audio_track(const uint8_t *p, size_t n, struct flv_track *out)
{
	struct tag t;
	memset(out, 0, sizeof(*out));
	return read_audio(p, n, &t) && track_of(&t, audio_class(&t), out);
}

bool
flv_video_parts(const uint8_t *p, size_t n, struct flv_parts *it)
{
	struct tag t;
	bool ok = read_video(p, n, &t) && t.extended && !t.command;
	*it = t.parts;
	it->over = !ok;
	return ok;
}

bool
flv_audio_parts(const uint8_t *p, size_t n, struct flv_parts *it)
{
	struct tag t;
	bool ok = read_audio(p, n, &t) && t.extended;
	*it = t.parts;
	it->over = !ok;
	return ok;
}

struct codec {
	uint32_t fourcc;
	char name[12];
};

static const char *
codec_of(uint32_t fourcc, const struct codec *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].fourcc == fourcc)
			return list[i].name;
	return "unknown";
}

const char *
flv_video_codec(const uint8_t *p, size_t n)
{
	static const struct codec list[] = { { FOURCC_AVC, "avc1" },
		{ FOURCC_HEVC, "hvc1" }, { FOURCC_VVC, "vvc1" },
		{ FOURCC_AV1, "av01" }, { FOURCC_VP9, "vp09" },
		{ FOURCC_VP8, "vp08" }, { 2, "h263" }, { 3, "screen" },
		{ 4, "vp6" }, { 5, "vp6a" }, { 6, "screen2" } };
	struct tag t;
	if (!read_video(p, n, &t))
		return "unknown";
	return codec_of(t.fourcc, list, sizeof(list) / sizeof(*list));
}

const char *
flv_audio_codec(const uint8_t *p, size_t n)
{
	static const struct codec list[] = { { FOURCC_AAC, "aac" },
		{ FOURCC_OPUS, "opus" }, { FOURCC_MP3, "mp3" },
		{ FOURCC_FLAC, "flac" }, { FOURCC_AC3, "ac3" },
		{ FOURCC_EAC3, "eac3" }, { 0, "pcm" }, { 1, "adpcm" },
		{ 3, "pcm" }, { 4, "nellymoser" }, { 5, "nellymoser" },
		{ 6, "nellymoser" }, { 7, "g711a" }, { 8, "g711u" },
		{ 11, "speex" } };
	struct tag t;
	if (!read_audio(p, n, &t))
		return "unknown";
	return codec_of(t.fourcc, list, sizeof(list) / sizeof(*list));
}

static bool
record_info(
    uint32_t fourcc, const uint8_t *p, size_t n, struct flv_video_info *info)
{
	switch (fourcc) {
	case FOURCC_AVC:
		return vcodec_avcc(p, n, info);
	case FOURCC_HEVC:
		return vcodec_hvcc(p, n, info);
	case FOURCC_VVC:
		return vcodec_vvcc(p, n, info);
	case FOURCC_AV1:
		return vcodec_av1c(p, n, info);
	case FOURCC_VP9:
	case FOURCC_VP8:
		return vcodec_vpcc(p, n, info);
	default:
		return false;
	}
}

/* None of these has a composition time before it. */
static bool
keyframe_info(
    uint32_t fourcc, const uint8_t *p, size_t n, struct flv_video_info *info)
{
	switch (fourcc) {
	case FOURCC_AV1:
		return vcodec_av1(p, n, info);
	case FOURCC_VP9:
		return vcodec_vp9(p, n, info);
	case FOURCC_VP8:
		return vcodec_vp8(p, n, info);
	default:
		return false;
	}
}

bool
flv_video_info(const uint8_t *p, size_t n, struct flv_video_info *info)
{
	enum { DESCRIPTOR_HEAD = 2 }; /* AV1 in MPEG-2 TS: tag, length */
	struct tag t;
	memset(info, 0, sizeof(*info));
	if (!read_video(p, n, &t) || t.command || t.id != 0)
		return false;
	unsigned class = video_class(&t);
	if (!t.extended)
		return class == FLV_SEQUENCE_HEADER && n > AVC_HEAD &&
		       record_info(t.fourcc, p + AVC_HEAD, n - AVC_HEAD, info);
	if (class == FLV_KEYFRAME)
		return keyframe_info(t.fourcc, t.body, t.len, info);
	if (class != FLV_SEQUENCE_HEADER)
		return false;
	if (t.packet == EX_START)
		return record_info(t.fourcc, t.body, t.len, info);
	return t.fourcc == FOURCC_AV1 && t.len > DESCRIPTOR_HEAD &&
	       vcodec_av1c(
		   t.body + DESCRIPTOR_HEAD, t.len - DESCRIPTOR_HEAD, info);
}

/* The codecs of FLV before AAC: in the first byte, or fixed (E.4.2.1). */
static bool
old_audio_info(const uint8_t *p, size_t n, struct flv_audio_info *info)
{
	static const uint16_t rates[] = { 5512, 11025, 22050, 44100 };
	static const uint16_t fixed[16] = { [4] = 16000,
		[5] = 8000,
		[7] = 8000,
		[8] = 8000,
		[11] = 16000,
		[AUDIO_MP3_8K] = 8000 };
	unsigned format = p[0] >> 4;
	if (format == AUDIO_AAC)
		return n > 2 && p[1] == 0 && acodec_asc(p + 2, n - 2, info);
	if (format == AUDIO_MP3 && acodec_mp3(p + 1, n - 1, info))
		return true;
	if (format > 11 && format != AUDIO_MP3_8K)
		return false;
	info->rate_hz =
	    fixed[format] != 0 ? fixed[format] : rates[p[0] >> 2 & 3];
	/* Nellymoser at a fixed rate and Speex are always mono. */
	info->channels = format == 4 || format == 5 || format == 11
			     ? 1
			     : (uint8_t)(1 + (p[0] & 1));
	return true;
}

bool
flv_audio_info(const uint8_t *p, size_t n, struct flv_audio_info *info)
{
	struct tag t;
	memset(info, 0, sizeof(*info));
	if (!read_audio(p, n, &t) || t.id != 0)
		return false;
	if (!t.extended)
		return old_audio_info(p, n, info);
	bool start = t.packet == EX_START, frames = t.packet == EX_FRAMES;
	switch (t.fourcc) {
	case FOURCC_AAC:
		return start && acodec_asc(t.body, t.len, info);
	case FOURCC_OPUS:
		return start && acodec_opus(t.body, t.len, info);
	case FOURCC_FLAC:
		return start && acodec_flac(t.body, t.len, info);
	case FOURCC_MP3:
		return frames && acodec_mp3(t.body, t.len, info);
	case FOURCC_AC3:
	case FOURCC_EAC3:
		return frames && acodec_ac3(t.body, t.len, info);
	default:
		return false;
	}
}
