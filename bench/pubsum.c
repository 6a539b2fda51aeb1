#include "config.h"

#include "bench/exit.h"
#include "bench/pubsum.h"

static void
put(json_t *o, const char *key, uint64_t v)
{
	json_object_set_new(o, key, json_integer((json_int_t)v));
}

json_t *
pubsum_json(const struct pubsum *s)
{
	json_t *o = json_object();
	json_t *streams = json_object();
	put(streams, "requested", s->requested);
	put(streams, "published", s->published);
	put(streams, "failed", s->failed);
	put(streams, "closed_by_server", s->closed);
	put(streams, "completed", s->completed);
	json_object_set_new(o, "mode", json_string("publish"));
	json_object_set_new(o, "streams", streams);
	put(o, "frames", s->frames[FRAME_VIDEO] + s->frames[FRAME_AUDIO]);
	put(o, "video_frames", s->frames[FRAME_VIDEO]);
	put(o, "audio_frames", s->frames[FRAME_AUDIO]);
	put(o, "keyframes", s->keyframes);
	put(o, "keyframe_bytes", s->keyframe_bytes);
	put(o, "bytes", s->bytes);
	put(o, "queue_max_bytes", s->queue_max);
	put(o, "reconnects", s->reconnects);
	if (s->returns > 0)
		put(o, "returns", s->returns);
	json_object_set_new(o, "late_ms", report_hist(&s->late));
	if (s->window.closed)
		window_put(&s->window, o);
	return o;
}

int
pubsum_judge(const struct pubsum *s)
{
	if (s->published == 0)
		return EXIT_UNREACHABLE;
	if (s->published < s->requested || s->failed > 0 || s->closed > 0)
		return EXIT_FAULTS;
	return EXIT_OK;
}
