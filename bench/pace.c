#include "config.h"

#include <math.h>

#include "bench/pace.h"
#include "common/clock.h"
#include "rtmp/wire.h"

/* AAC has 1024 samples in a frame: 43 frames per second. */
#define AUDIO_INTERVAL_NS (1024.0 / 44100.0 * 1e9)

static uint32_t
clamp(double len)
{
	if (len < FRAME_LEN_MIN)
		return FRAME_LEN_MIN;
	return len > WIRE_MESSAGE_MAX ? WIRE_MESSAGE_MAX : (uint32_t)len;
}

static void
size_video(struct pace *p, const struct options *o)
{
	double others = (double)(p->gop - 1);
	double bytes =
	    (double)o->bitrate / 8 * (double)p->gop / o->fps; /* of a GOP */
	double unit = bytes / (o->key_factor + others);
	double key = unit * o->key_factor;
	if (o->key_bytes > 0)
		key = o->key_bytes;
	p->key_len = clamp(key);
	p->other_len = others > 0 ? clamp((bytes - key) / others) : p->key_len;
}

void
pace_init(struct pace *p, const struct options *o)
{
	double frames = round(o->gop_s * o->fps);
	p->gop = frames < 1 ? 1 : (uint64_t)frames;
	p->interval_ns[FRAME_VIDEO] = !o->no_video ? 1e9 / o->fps : 0;
	p->interval_ns[FRAME_AUDIO] = o->audio_bps > 0 ? AUDIO_INTERVAL_NS : 0;
	size_video(p, o);
	p->pause_at_ns = (uint64_t)(o->pause_after_s * 1e9);
	p->pause_ns = (uint64_t)(o->pause_s * 1e9);
	p->audio_len = clamp(o->audio_bps / 8.0 * AUDIO_INTERVAL_NS / 1e9);
}

uint64_t
pace_due_ns(const struct pace *p, enum frame_kind kind, uint64_t n)
{
	double step = p->interval_ns[kind];
	if (step <= 0)
		return UINT64_MAX;
	uint64_t at = (uint64_t)((double)n * step);
	return kind == FRAME_VIDEO && at >= p->pause_at_ns ? at + p->pause_ns
							   : at;
}

bool
pace_is_key(const struct pace *p, enum frame_kind kind, uint64_t n)
{
	return kind == FRAME_VIDEO && n % p->gop == 0;
}

uint32_t
pace_len(const struct pace *p, enum frame_kind kind, uint64_t n)
{
	if (kind == FRAME_AUDIO)
		return p->audio_len;
	return pace_is_key(p, kind, n) ? p->key_len : p->other_len;
}
