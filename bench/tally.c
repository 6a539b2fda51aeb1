#include "config.h"

#include <string.h>

#include "bench/exit.h"
#include "bench/tally.h"

void
tally_init(struct tally *t)
{
	memset(t, 0, sizeof(*t));
	report_init(&t->report);
}

void
tally_merge(struct tally *to, const struct tally *from)
{
	report_merge(&to->report, &from->report);
	verify_add(&to->n, &from->n);
	to->bytes += from->bytes;
	to->requested += from->requested;
	to->connected += from->connected;
	to->playing += from->playing;
	to->with_picture += from->with_picture;
	to->failed += from->failed;
	to->closed += from->closed;
	to->stalled += from->stalled;
	to->stalled_closed += from->stalled_closed;
	to->without_media += from->without_media;
	to->reconnects += from->reconnects;
	to->joins += from->joins;
	to->stays += from->stays;
	to->empty_stays += from->empty_stays;
	to->window_bytes += from->window_bytes;
	to->window_frames += from->window_frames;
	hist_merge(&to->delay, &from->delay);
	for (int k = 0; k < FRAME_KINDS; k++)
		hist_merge(&to->live[k], &from->live[k]);
	hist_merge(&to->tcp, &from->tcp);
	hist_merge(&to->byte, &from->byte);
	hist_merge(&to->playing_after, &from->playing_after);
	hist_merge(&to->first, &from->first);
}

static void
put(json_t *o, const char *key, uint64_t v)
{
	json_object_set_new(o, key, json_integer((json_int_t)v));
}

static json_t *
players_json(const struct tally *t)
{
	json_t *o = json_object();
	put(o, "requested", t->requested);
	put(o, "connected", t->connected);
	put(o, "playing", t->playing);
	put(o, "with_picture", t->with_picture);
	put(o, "without_media", t->without_media);
	put(o, "failed", t->failed);
	put(o, "closed_by_server", t->closed);
	put(o, "stalled", t->stalled);
	put(o, "stalled_closed", t->stalled_closed);
	return o;
}

static void
put_delays(json_t *o, const struct tally *t)
{
	struct hist all;
	hist_init(&all);
	for (int k = 0; k < FRAME_KINDS; k++)
		hist_merge(&all, &t->live[k]);
	json_object_set_new(o, "delay_ms", report_hist(&t->delay));
	json_object_set_new(o, "delay_live_ms", report_hist(&all));
	json_object_set_new(
	    o, "delay_video_ms", report_hist(&t->live[FRAME_VIDEO]));
	json_object_set_new(
	    o, "delay_audio_ms", report_hist(&t->live[FRAME_AUDIO]));
	json_object_set_new(o, "connect_ms", report_hist(&t->tcp));
	json_object_set_new(o, "first_byte_ms", report_hist(&t->byte));
	json_object_set_new(o, "playing_ms", report_hist(&t->playing_after));
	json_object_set_new(o, "first_picture_ms", report_hist(&t->first));
}

json_t *
tally_json(const struct tally *t, const char *mode, bool verified)
{
	json_t *o = json_object();
	json_object_set_new(o, "mode", json_string(mode));
	json_object_set_new(o, "verified", json_boolean(verified));
	json_object_set_new(o, "players", players_json(t));
	put(o, "frames", t->n.frames);
	put(o, "bytes", t->bytes);
	put(o, "gaps", t->n.gaps);
	put(o, "missing", t->n.missing);
	put(o, "skips", t->n.skips);
	put(o, "skipped", t->n.skipped);
	put(o, "bad", t->n.bad);
	put(o, "order_errors", t->n.order_errors);
	put(o, "ts_errors", t->n.ts_errors);
	put(o, "restarts", t->n.restarts);
	put(o, "reconnects", t->reconnects);
	put(o, "foreign", t->n.foreign);
	put_delays(o, t);
	return o;
}

int
tally_judge(const struct tally *t)
{
	if (t->connected == 0)
		return EXIT_UNREACHABLE;
	if (t->failed > 0 || t->closed > 0 || t->without_media > 0 ||
	    verify_faults(&t->n) > 0)
		return EXIT_FAULTS;
	return EXIT_OK;
}
