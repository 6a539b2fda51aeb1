#include "config.h"

#include "bench/exit.h"
#include "bench/tally.h"

/* The sums of all players. */
struct totals {
	struct verify_counts n;
	uint64_t bytes;
	uint32_t connected, playing, with_picture, failed, closed;
	uint32_t stalled, stalled_closed, without_media;
};

static struct totals
sum_up(const struct play *run)
{
	struct totals t = { 0 };
	for (uint32_t i = 0; i < run->o->count; i++) {
		const struct player *p = &run->players[i];
		verify_add(&t.n, &p->v.n);
		t.bytes += p->bytes;
		t.connected += p->connected;
		t.playing += p->playing;
		t.with_picture += p->with_picture;
		t.failed += p->failed || !p->opened;
		t.closed += p->closed;
		t.stalled += p->c.stalled;
		t.stalled_closed += p->c.stalled && p->c.hung_up;
		t.without_media += p->v.n.frames == 0 && !p->will_stall;
	}
	return t;
}

static void
put(json_t *o, const char *key, uint64_t v)
{
	json_object_set_new(o, key, json_integer((json_int_t)v));
}

static json_t *
players_json(const struct play *run, const struct totals *t)
{
	json_t *o = json_object();
	put(o, "requested", run->o->count);
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

static json_t *
all_json(const struct play *run, const struct totals *t)
{
	json_t *o = json_object();
	json_object_set_new(o, "mode", json_string("play"));
	json_object_set_new(o, "verified", json_boolean(run->o->verify));
	json_object_set_new(o, "players", players_json(run, t));
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
	put(o, "reconnects", run->reconnects);
	put(o, "foreign", t->n.foreign);
	json_object_set_new(o, "delay_ms", report_hist(&run->delay));
	json_object_set_new(o, "delay_live_ms", report_hist(&run->live));
	json_object_set_new(o, "first_picture_ms", report_hist(&run->first));
	return o;
}

static int
judge(const struct totals *t)
{
	if (t->connected == 0)
		return EXIT_UNREACHABLE;
	if (t->failed > 0 || t->closed > 0 || t->without_media > 0 ||
	    verify_faults(&t->n) > 0)
		return EXIT_FAULTS;
	return EXIT_OK;
}

int
tally_print(const struct play *run)
{
	struct totals t = sum_up(run);
	int status = judge(&t);
	if (status == EXIT_UNREACHABLE)
		report_complain(&run->report, run->o->text);
	if (report_print(&run->report, all_json(run, &t)) < 0)
		status = EXIT_FAULTS;
	return status;
}
