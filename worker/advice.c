#include "config.h"

#include "worker/advice.h"

static enum advice_kind
once(struct advice *a, enum advice_kind k, int64_t *value, int64_t v)
{
	if (a->told & 1u << k)
		return ADVICE_NONE;
	a->told |= 1u << k;
	*value = v;
	return k;
}

static enum advice_kind
look_at_keys(struct advice *a, bool keyframe, uint32_t ts, int64_t *value)
{
	int32_t apart = rtmp_ts_diff(a->key_ts, ts);
	bool far =
	    a->keyed && apart > (keyframe ? ADVICE_KEY_MS : ADVICE_NO_KEY_MS);
	if (keyframe) {
		a->keyed = true;
		a->key_ts = ts;
	}
	return far ? once(a, ADVICE_KEYFRAMES, value, apart) : ADVICE_NONE;
}

static void
begin_window(struct advice *a, uint32_t ts, struct mono now)
{
	if (a->began.ns == 0) {
		a->began = now;
		a->first_ts = ts;
	}
	a->at = now;
	a->lag = INT64_MAX;
}

/* Two windows lie between before[0] and lag. */
static enum advice_kind
end_window(struct advice *a, int64_t *value)
{
	enum advice_kind k = ADVICE_NONE;
	if (a->windows == 2) {
		int64_t percent = (a->before[0] - a->lag) * 100 /
				  (2 * (int64_t)ADVICE_WINDOW_MS);
		if (percent > ADVICE_DRIFT_PERCENT ||
		    percent < -ADVICE_DRIFT_PERCENT)
			k = once(a, ADVICE_CLOCK, value, percent);
	} else {
		a->windows++;
	}
	a->before[0] = a->before[1];
	a->before[1] = a->lag;
	return k;
}

static enum advice_kind
look_at_clock(struct advice *a, uint32_t ts, struct mono now, int64_t *value)
{
	enum advice_kind k = ADVICE_NONE;
	if (a->at.ns == 0) {
		begin_window(a, ts, now);
	} else if (mono_ms_since(a->at, now) >= ADVICE_WINDOW_MS) {
		bool whole =
		    mono_ms_since(a->at, now) < 2 * (uint64_t)ADVICE_WINDOW_MS;
		if (whole)
			k = end_window(a, value);
		else
			advice_new_base(a); /* it paused */
		begin_window(a, ts, now);
	}
	int64_t lag = (int64_t)(now.ns / NS_PER_MS) -
		      (int64_t)(a->began.ns / NS_PER_MS) -
		      rtmp_ts_diff(a->first_ts, ts);
	if (lag < a->lag)
		a->lag = lag;
	return k;
}

enum advice_kind
advice_feed(struct advice *a, bool video, bool keyframe, uint32_t ts,
    struct mono now, int64_t *value)
{
	enum advice_kind k = look_at_clock(a, ts, now, value);
	a->audio = a->audio || !video;
	a->video = a->video || video;
	if (k == ADVICE_NONE && video)
		k = look_at_keys(a, keyframe, ts, value);
	uint64_t ms = mono_ms_since(a->began, now);
	if (k == ADVICE_NONE && a->video && !a->audio && ms >= ADVICE_AUDIO_MS)
		k = once(a, ADVICE_NO_AUDIO, value, (int64_t)ms);
	return k;
}

void
advice_new_base(struct advice *a)
{
	a->windows = 0;
	a->at = (struct mono){ 0 };
}

const char *
advice_name(enum advice_kind k)
{
	switch (k) {
	case ADVICE_KEYFRAMES:
		return "keyframes";
	case ADVICE_NO_AUDIO:
		return "no-audio";
	case ADVICE_CLOCK:
		return "clock";
	case ADVICE_NONE:
		break;
	}
	return "none";
}

const char *
advice_text(enum advice_kind k)
{
	switch (k) {
	case ADVICE_KEYFRAMES:
		return "keyframes are more than 4 s apart: viewers begin that "
		       "far behind live, and slow ones lose as much; set the "
		       "keyframe interval of the encoder to 2 s";
	case ADVICE_NO_AUDIO:
		return "there is video and no audio: some players wait for "
		       "audio before they show anything; let the encoder send "
		       "a silent track";
	case ADVICE_CLOCK:
		return "timestamps run more than 5 % faster or slower than "
		       "real time: players run empty or fall behind; let the "
		       "encoder send in real time (ffmpeg: -re), or lower its "
		       "bit rate if the machine or the network cannot keep up";
	case ADVICE_NONE:
		break;
	}
	return "";
}
