/*
 * acodec - sample rate and channels out of audio codec headers and frames.
 * Each function returns false, and zeros, when the bytes are not what it
 * reads.
 * Context: any; never on the hot path.
 */
#ifndef RTMP_ACODEC_H
#define RTMP_ACODEC_H

#include "rtmp/flvtag.h"

/* AudioSpecificConfig, ISO 14496-3, 1.6.2.1. */
bool acodec_asc(const uint8_t *p, size_t n, struct flv_audio_info *info);
/* Identification header, RFC 7845, 5.1; decoders run at 48000 Hz. */
bool acodec_opus(const uint8_t *p, size_t n, struct flv_audio_info *info);
/* STREAMINFO, RFC 9639, 8.2, behind "fLaC" and its block header, or bare. */
bool acodec_flac(const uint8_t *p, size_t n, struct flv_audio_info *info);
/* A frame of AC-3 or E-AC-3, ETSI TS 102 366. */
bool acodec_ac3(const uint8_t *p, size_t n, struct flv_audio_info *info);
/* A frame of MPEG audio layer III, ISO 11172-3, 2.4.1.3. */
bool acodec_mp3(const uint8_t *p, size_t n, struct flv_audio_info *info);

#endif
