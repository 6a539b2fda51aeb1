#include "config.h"

#include <string.h>

#include "bench/verify.h"
#include "common/clock.h"

void
verify_init(struct verify *v, bool allow_foreign)
{
	memset(v, 0, sizeof(*v));
	v->allow_foreign = allow_foreign;
}

void
verify_reconnect(struct verify *v)
{
	struct verify_counts n = v->n;
	verify_init(v, v->allow_foreign);
	v->n = n;
}

static unsigned
check_ts(struct verify *v, struct verify_track *t, uint32_t ts)
{
	bool back = t->has_ts && rtmp_ts_diff(t->ts, ts) < 0;
	t->ts = ts;
	t->has_ts = true;
	v->n.ts_errors += back;
	return back ? VERIFY_TIMESTAMP : 0;
}

/* Whose frame is it: of the run we follow, of a new one, or of neither? */
static unsigned
check_run(struct verify *v, const struct frame_info *f)
{
	if (v->has_run && f->run == v->run && f->stream == v->stream)
		return 0;
	if (v->has_run &&
	    (f->stream != v->stream || f->sent_ns < v->last_sent_ns)) {
		v->n.order_errors++;
		return VERIFY_MIXED;
	}
	v->n.restarts += v->has_run;
	v->has_run = true;
	v->run = f->run;
	v->stream = f->stream;
	for (int k = 0; k < FRAME_KINDS; k++)
		v->track[k].seen = v->track[k].skipped = false;
	return 0;
}

/* The first frame of a run; foreign frames have only a first one. */
static unsigned
check_first(
    struct verify *v, struct verify_track *t, const struct frame_info *f)
{
	unsigned faults = 0;
	t->seen = true;
	if (!t->header)
		faults |= VERIFY_NO_HEADER;
	if (f->kind == FRAME_VIDEO && !f->key)
		faults |= VERIFY_NO_KEYFRAME;
	v->n.order_errors += (faults & VERIFY_NO_HEADER) != 0;
	v->n.order_errors += (faults & VERIFY_NO_KEYFRAME) != 0;
	return faults;
}

static unsigned
check_number(
    struct verify *v, struct verify_track *t, const struct frame_info *f)
{
	if (f->number < t->next) {
		v->n.order_errors++;
		return VERIFY_BACKWARDS;
	}
	uint64_t lost = f->number - t->next;
	bool excused = f->kind == FRAME_VIDEO ? f->key : t->skipped;
	t->next = f->number + 1;
	t->skipped = false;
	if (lost == 0)
		return 0;
	if (!excused) {
		v->n.gaps++;
		v->n.missing += lost;
		return VERIFY_GAP;
	}
	v->n.skipped += lost;
	if (f->kind == FRAME_VIDEO) {
		v->n.skips++;
		v->track[FRAME_AUDIO].skipped = true;
	}
	return 0;
}

static unsigned
check_ours(struct verify *v, struct verify_track *t, const struct frame_info *f)
{
	unsigned faults = check_run(v, f);
	if (faults != 0)
		return faults;
	if (f->sent_ns > v->last_sent_ns)
		v->last_sent_ns = f->sent_ns;
	if (t->seen)
		return check_number(v, t, f);
	t->next = f->number + 1;
	return check_first(v, t, f);
}

static unsigned
check_foreign(
    struct verify *v, struct verify_track *t, const struct frame_info *f)
{
	if (!v->allow_foreign || v->has_run) {
		v->n.bad++;
		return VERIFY_FOREIGN;
	}
	v->n.foreign++;
	return t->seen ? 0 : check_first(v, t, f);
}

unsigned
verify_frame(struct verify *v, uint32_t ts, enum frame_result r,
    const struct frame_info *f)
{
	struct verify_track *t = &v->track[f->kind];
	if (r == FRAME_NO_MEDIA)
		return 0;
	if (r == FRAME_CODEC_HEADER) {
		t->header = true;
		return 0;
	}
	v->n.frames++;
	unsigned faults = check_ts(v, t, ts);
	if (r == FRAME_BAD_SUM || r == FRAME_BAD_HEADER) {
		v->n.bad++;
		t->next++; /* most likely the one expected: no gap on top */
		return faults | (r == FRAME_BAD_SUM ? VERIFY_BAD_SUM
						    : VERIFY_BAD_HEADER);
	}
	if (r == FRAME_OK)
		faults |= check_ours(v, t, f);
	else
		faults |= check_foreign(v, t, f);
	if (f->kind == FRAME_VIDEO && f->key)
		v->picture = true;
	return faults;
}

uint64_t
verify_faults(const struct verify_counts *n)
{
	return n->gaps + n->bad + n->order_errors + n->ts_errors;
}

void
verify_add(struct verify_counts *to, const struct verify_counts *n)
{
	to->frames += n->frames;
	to->gaps += n->gaps;
	to->missing += n->missing;
	to->skips += n->skips;
	to->skipped += n->skipped;
	to->bad += n->bad;
	to->order_errors += n->order_errors;
	to->ts_errors += n->ts_errors;
	to->restarts += n->restarts;
	to->foreign += n->foreign;
}

const char *
verify_fault_text(enum verify_fault bit)
{
	switch (bit) {
	case VERIFY_GAP:
		return "frames are missing";
	case VERIFY_BACKWARDS:
		return "a frame came again or out of order";
	case VERIFY_NO_KEYFRAME:
		return "the first picture was no keyframe";
	case VERIFY_NO_HEADER:
		return "media came before its codec header";
	case VERIFY_MIXED:
		return "a frame of another stream";
	case VERIFY_BAD_SUM:
		return "wrong checksum";
	case VERIFY_BAD_HEADER:
		return "frame header contradicts the message";
	case VERIFY_FOREIGN:
		return "frame not made by sluice-bench publish "
		       "(use --no-verify to play such streams)";
	case VERIFY_TIMESTAMP:
		return "a timestamp went back";
	case VERIFY_FAULTS:
		break;
	}
	return "unknown fault";
}
