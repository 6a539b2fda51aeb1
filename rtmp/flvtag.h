/*
 * flvtag - what an audio or video message is, from its first bytes (FLV 10.1
 * annex E.4; Enhanced RTMP v2 for extended headers, ModEx and multitrack),
 * and details of codec headers for listings.  Messages are never changed.
 * Context: any; hot path (the _class functions), no state.
 */
#ifndef RTMP_FLVTAG_H
#define RTMP_FLVTAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * First bytes that the _class functions may look at; fewer are allowed.  Room
 * for four ModEx of nanoseconds, or three small tracks, before the last word.
 */
enum { FLV_CLASS_BYTES = 32 };

enum flv_class {
	FLV_KEYFRAME = 1,	 /* decoding of the default track may start */
	FLV_SEQUENCE_HEADER = 2, /* codec configuration, not a frame */
	FLV_END_OF_SEQUENCE = 4,
	FLV_COMMAND = 8,  /* frame type 5: info, no picture */
	FLV_METADATA = 16 /* Enhanced RTMP: colour, or channel order (audio) */
};

/*
 * Bits of enum flv_class for the payload that starts with these n bytes; 0
 * for an ordinary frame, an unknown or an empty one.  A sequence header is
 * never a keyframe, whatever its frame type says.
 *
 * In multitrack messages a keyframe counts only if track 0 is in them.  If
 * the bytes end before all tracks were seen, it is taken to be among the rest:
 * a stream that cannot be joined is worse than a late first picture.  Headers
 * and ends count for any track: flv_video_track() says for which.
 */
unsigned flv_video_class(const uint8_t *p, size_t n);
unsigned flv_audio_class(const uint8_t *p, size_t n);

/* Which track and codec a message is for. */
struct flv_track {
	uint32_t fourcc;    /* 'avc1' as a big-endian number; below */
	uint16_t tracks;    /* in the message, as far as the bytes go */
	uint8_t id;	    /* track 0 if it is among them, else the first */
	uint8_t multitrack; /* 0: a plain tag, else 1 + multitrack type */
	uint8_t class;	    /* as flv_video_class(), flv_audio_class() */
};

#define FLV_FOURCC(a, b, c, d)                                                 \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

/*
 * Tell sequence headers (and anything else) apart by track and codec, so that
 * one can be kept for each.  Old tags are track 0; of AVC, HEVC (codec id 12),
 * AAC and MP3 they have the FourCC of Enhanced RTMP, of other codecs their
 * number.  Returns false, and zeros, if the bytes end within the header, or
 * for a command, which has neither.
 */
bool flv_video_track(const uint8_t *p, size_t n, struct flv_track *out);
bool flv_audio_track(const uint8_t *p, size_t n, struct flv_track *out);

/* One track of a message. */
struct flv_part {
	uint32_t fourcc;
	uint8_t id;
	const uint8_t *body; /* behind the FourCC; composition time included */
	size_t len;
};
struct flv_parts {
	const uint8_t *p, *end;
	uint32_t fourcc;
	uint8_t multitrack;
	bool over;
	bool cut; /* the bytes ended within a track */
};

/*
 * Over the tracks of a whole message of an extended header; a plain tag has
 * one.  Returns false if there is no such header.
 */
bool flv_video_parts(const uint8_t *p, size_t n, struct flv_parts *it);
bool flv_audio_parts(const uint8_t *p, size_t n, struct flv_parts *it);
/* False at the end, and where the message is malformed. */
bool flv_parts_next(struct flv_parts *it, struct flv_part *part);

/* Codec names for listings: "avc1", "aac"; "unknown"; never NULL. */
const char *flv_video_codec(const uint8_t *p, size_t n);
const char *flv_audio_codec(const uint8_t *p, size_t n);

/* 0 where not known. */
struct flv_video_info {
	uint32_t width, height; /* after cropping; VVC: before */
	/* As the codec counts: AVC 100, 31; HEVC 1, 93; AV1 0, 8. */
	uint8_t profile, level;
};
struct flv_audio_info {
	uint32_t rate_hz;
	uint8_t channels;
	uint8_t object_type; /* AAC: 2 is LC */
};

/*
 * Details of the default track, out of a sequence header; of AV1, VP8, VP9
 * also out of a keyframe (VP headers say no size), of AC-3, E-AC-3, MP3 out of
 * a frame, of the older audio codecs out of any tag.
 * Returns false, and zeros, when there is none to be read.
 */
bool flv_video_info(const uint8_t *p, size_t n, struct flv_video_info *info);
bool flv_audio_info(const uint8_t *p, size_t n, struct flv_audio_info *info);

#endif
