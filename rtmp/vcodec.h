/*
 * vcodec - picture size, profile and level out of video codec headers.  What
 * a header does not say stays 0.  Each function returns false, and zeros,
 * when the bytes are not what it reads.
 * Context: any; linear in the bytes given; never on the hot path.
 */
#ifndef RTMP_VCODEC_H
#define RTMP_VCODEC_H

#include "rtmp/flvtag.h"

/* Decoder configuration records of AVC, HEVC, VVC (ISO 14496-15). */
bool vcodec_avcc(const uint8_t *p, size_t n, struct flv_video_info *info);
bool vcodec_hvcc(const uint8_t *p, size_t n, struct flv_video_info *info);
bool vcodec_vvcc(const uint8_t *p, size_t n, struct flv_video_info *info);
/* AV1CodecConfigurationRecord, with or without the sequence header. */
bool vcodec_av1c(const uint8_t *p, size_t n, struct flv_video_info *info);
/* VPCodecConfigurationRecord: profile and level only. */
bool vcodec_vpcc(const uint8_t *p, size_t n, struct flv_video_info *info);

/* Key frames that say what they are: AV1 OBUs, VP8, VP9. */
bool vcodec_av1(const uint8_t *p, size_t n, struct flv_video_info *info);
bool vcodec_vp8(const uint8_t *p, size_t n, struct flv_video_info *info);
bool vcodec_vp9(const uint8_t *p, size_t n, struct flv_video_info *info);

#endif
