/*
 * fuzz_flvtag - libFuzzer entry point for rtmp/flvtag.h and the codec headers
 * behind it.  What the first bytes say must agree with what all of them say.
 */
#include "config.h"

#include <stdlib.h>

#include "rtmp/flvtag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
walk(struct flv_parts *it, const uint8_t *data, size_t size)
{
	struct flv_part part;
	while (flv_parts_next(it, &part))
		if (part.body < data ||
		    part.len > (size_t)(data + size - part.body))
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct flv_video_info v;
	struct flv_audio_info a;
	struct flv_track t;
	struct flv_parts it;
	size_t first = size < FLV_CLASS_BYTES ? size : FLV_CLASS_BYTES;
	unsigned early = flv_video_class(data, first);
	unsigned all = flv_video_class(data, size);
	/* A keyframe may turn out to be one of another track only. */
	if (early != 0 && early != all && early != FLV_KEYFRAME)
		abort();
	early = flv_audio_class(data, first);
	if (early != 0 && early != flv_audio_class(data, size))
		abort();
	if (flv_video_track(data, size, &t) && t.class != all)
		abort();
	flv_audio_track(data, size, &t);
	if (flv_video_info(data, size, &v) &&
	    (v.width > 65536 || v.height > 65536))
		abort();
	flv_audio_info(data, size, &a);
	flv_video_codec(data, size);
	flv_audio_codec(data, size);
	if (flv_video_parts(data, size, &it))
		walk(&it, data, size);
	if (flv_audio_parts(data, size, &it))
		walk(&it, data, size);
	return 0;
}
