#include "config.h"

#include <string.h>

#include "common/cursor.h"
#include "rtmp/acodec.h"
#include "rtmp/bits.h"

bool
acodec_asc(const uint8_t *p, size_t n, struct flv_audio_info *info)
{
	static const uint32_t rates[13] = { 96000, 88200, 64000, 48000, 44100,
		32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350 };
	static const uint8_t counts[8] = { 0, 1, 2, 3, 4, 5, 6, 8 };
	memset(info, 0, sizeof(*info));
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
acodec_opus(const uint8_t *p, size_t n, struct flv_audio_info *info)
{
	memset(info, 0, sizeof(*info));
	if (n < 19 || memcmp(p, "OpusHead", 8) != 0 || p[9] == 0)
		return false;
	info->rate_hz = 48000;
	info->channels = p[9];
	return true;
}

bool
acodec_flac(const uint8_t *p, size_t n, struct flv_audio_info *info)
{
	enum { STREAMINFO = 34, BLOCK_HEAD = 4, RATE_AT = 10 };
	struct reader r;
	memset(info, 0, sizeof(*info));
	reader_init(&r, p, n);
	if (n >= 4 && memcmp(p, "fLaC", 4) == 0)
		reader_bytes(&r, 4);
	if (reader_left(&r) >= BLOCK_HEAD + STREAMINFO) {
		if ((reader_u8(&r) & 0x7f) != 0 || reader_u24(&r) < STREAMINFO)
			return false;
	}
	reader_bytes(&r, RATE_AT);
	uint32_t word = reader_u32(&r);
	reader_bytes(&r, STREAMINFO - RATE_AT - 4);
	if (!reader_ok(&r) || word >> 12 == 0)
		return false;
	info->rate_hz = word >> 12;
	info->channels = (uint8_t)((word >> 9 & 7) + 1);
	return true;
}

/* syncinfo and bsi, ETSI TS 102 366, 4.3.1, 4.3.2: up to lfeon. */
static bool
read_ac3(struct bits *b, unsigned bsid, unsigned *rate, unsigned *mode)
{
	static const uint16_t rates[] = { 48000, 44100, 32000 };
	enum { HALF_RATE = 8 }; /* bsid 9 halves it, 10 once more */
	bits_skip(b, 16);
	unsigned code = bits_read(b, 2);
	bits_skip(b, 6 + 5 + 3);
	if (code > 2)
		return false;
	*rate = rates[code] >> (bsid > HALF_RATE ? bsid - HALF_RATE : 0);
	*mode = bits_read(b, 3);
	if ((*mode & 1) != 0 && *mode != 1)
		bits_skip(b, 2);
	if ((*mode & 4) != 0)
		bits_skip(b, 2);
	if (*mode == 2)
		bits_skip(b, 2);
	return true;
}

/* bsi of E-AC-3, E.1.2.2. */
static bool
read_eac3(struct bits *b, unsigned *rate, unsigned *mode)
{
	static const uint16_t rates[] = { 48000, 44100, 32000 };
	bits_skip(b, 2 + 3 + 11);
	unsigned code = bits_read(b, 2), code2 = bits_read(b, 2);
	if (code == 3 && code2 == 3)
		return false;
	*rate = code == 3 ? rates[code2] / 2u : rates[code];
	*mode = bits_read(b, 3);
	return true;
}

bool
acodec_ac3(const uint8_t *p, size_t n, struct flv_audio_info *info)
{
	static const uint8_t channels[] = { 2, 1, 2, 3, 3, 4, 4, 5 };
	unsigned rate, mode;
	struct bits b;
	memset(info, 0, sizeof(*info));
	if (n < 8 || p[0] != 0x0b || p[1] != 0x77)
		return false;
	unsigned bsid = p[5] >> 3; /* in the same place in both */
	bits_init(&b, p + 2, n - 2, false);
	if (bsid > 16 || !(bsid > 10 ? read_eac3(&b, &rate, &mode)
				     : read_ac3(&b, bsid, &rate, &mode)))
		return false;
	info->rate_hz = rate;
	info->channels = (uint8_t)(channels[mode] + (bits_flag(&b) ? 1u : 0u));
	return true;
}

bool
acodec_mp3(const uint8_t *p, size_t n, struct flv_audio_info *info)
{
	static const uint16_t rates[] = { 44100, 48000, 32000 };
	enum { MPEG1 = 3, MPEG2 = 2, RESERVED = 1, LAYER_3 = 1, MONO = 3 };
	memset(info, 0, sizeof(*info));
	if (n < 4 || p[0] != 0xff || (p[1] & 0xe0) != 0xe0)
		return false;
	unsigned version = p[1] >> 3 & 3, rate = p[2] >> 2 & 3;
	if (version == RESERVED || (p[1] >> 1 & 3) != LAYER_3 || rate == 3)
		return false;
	info->rate_hz = (uint32_t)rates[rate] >> (version == MPEG1	? 0
						     : version == MPEG2 ? 1
									: 2);
	info->channels = p[3] >> 6 == MONO ? 1 : 2;
	return true;
}
