/*
 * flvtag - what an audio or video message is, from its first bytes (FLV 10.1
 * annex E.4; Enhanced RTMP v2 for the extended video header), and details of
 * codec headers for listings.  Messages are never changed.
 * Context: any; hot path (the _class functions), no state.
 */
#ifndef RTMP_FLVTAG_H
#define RTMP_FLVTAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* First bytes that the _class functions may look at; fewer are allowed. */
enum { FLV_CLASS_BYTES = 16 };

enum flv_class {
	FLV_KEYFRAME = 1,	 /* decoding may start here */
	FLV_SEQUENCE_HEADER = 2, /* codec configuration, not a frame */
	FLV_END_OF_SEQUENCE = 4,
	FLV_COMMAND = 8,  /* frame type 5: info, no picture */
	FLV_METADATA = 16 /* Enhanced RTMP metadata packet */
};

/*
 * Bits of enum flv_class for the payload that starts with these n bytes; 0
 * for an ordinary frame, an unknown or an empty one.  A sequence header is
 * never a keyframe, whatever its frame type says.
 */
unsigned flv_video_class(const uint8_t *p, size_t n);
unsigned flv_audio_class(const uint8_t *p, size_t n);

/* Codec names for listings: "avc1", "aac"; "unknown"; never NULL. */
const char *flv_video_codec(const uint8_t *p, size_t n);
const char *flv_audio_codec(const uint8_t *p, size_t n);

/* 0 where not known. */
struct flv_video_info {
	uint32_t width, height; /* after cropping */
	uint8_t profile, level; /* AVC numbers: 100, 31 */
};
struct flv_audio_info {
	uint32_t rate_hz;
	uint8_t channels;
	uint8_t object_type; /* AAC: 2 is LC */
};

/*
 * Details out of a sequence header message: AVCDecoderConfigurationRecord
 * (ISO 14496-15, 5.3.3) with its first SPS, AudioSpecificConfig (ISO 14496-3,
 * 1.6.2.1).  Returns false, and zeros, when there is none to be read.
 */
bool flv_video_info(const uint8_t *p, size_t n, struct flv_video_info *info);
bool flv_audio_info(const uint8_t *p, size_t n, struct flv_audio_info *info);

#endif
