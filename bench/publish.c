#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "bench/crc32c.h"
#include "bench/exit.h"
#include "bench/intro.h"
#include "bench/pace.h"
#include "bench/publish.h"
#include "bench/report.h"
#include "rtmp/wire.h"

enum {
	TICK_MS = 50,
	STEP_NS = 500000, /* many streams are looked at no more often */
	MANY = 16,
	SETUP_MS = 10000,
	RETRY_MS = 50,
	RETRY_MAX_MS = 1000,
	GOODBYE_MS = 2000 /* for the server to take the rest and close */
};

struct stream {
	struct client c; /* first: the ops are given this pointer */
	char *name;
	uint64_t start_ns, retry_ns;
	uint64_t next[FRAME_KINDS];
	uint32_t run;
	uint32_t retry_ms;
	uint32_t number;
	uint16_t tag; /* tells the frames of one stream from others */
	bool published, failed, closed, completed;
};

struct publish {
	const struct options *o;
	struct client_net *net;
	struct pace pace;
	struct report report;
	struct stream *streams;
	uint32_t opened;
	uint64_t frames[FRAME_KINDS], keyframes, bytes, reconnects;
	uint64_t queue_max;
	struct hist late;
	uint8_t *payload, *wire; /* one frame; the same in chunks */
	size_t wire_cap;
};

static struct stream *
stream_of(struct client *c)
{
	return (struct stream *)c;
}

static struct publish *
run_of(const struct stream *s)
{
	return s->c.net->owner;
}

static void
say(const struct stream *s, const char *event)
{
	if (!run_of(s)->o->verbose)
		return;
	fprintf(stderr,
	    "stream=%u port=%u name=%s event=%s video=%" PRIu64
	    " audio=%" PRIu64 "\n",
	    s->number, s->c.port, s->name, event, s->next[FRAME_VIDEO],
	    s->next[FRAME_AUDIO]);
}

static void
on_running(struct client *c)
{
	struct stream *s = stream_of(c);
	const struct options *o = run_of(s)->o;
	uint8_t buf[INTRO_MAX];
	struct writer w;
	writer_init(&w, buf, sizeof(buf));
	intro_write(&w, o, c->msid, c->chunk);
	s->published = true;
	s->retry_ms = RETRY_MS;
	s->next[FRAME_VIDEO] = s->next[FRAME_AUDIO] = 0;
	if (getrandom(&s->run, sizeof(s->run), 0) != sizeof(s->run))
		s->run++;
	s->start_ns = clock_now().ns;
	say(s, "publish");
	client_send(c, &w);
}

/* With -c: try again, after a pause that grows. */
static void
retry_later(struct stream *s)
{
	if (!run_of(s)->o->reconnect)
		return;
	s->retry_ns = mono_add_ms(clock_now(), s->retry_ms).ns;
	s->retry_ms =
	    s->retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : s->retry_ms * 2;
}

static void
on_closed(struct client *c, enum client_state was, const char *why,
    struct span detail)
{
	struct stream *s = stream_of(c);
	struct publish *run = run_of(s);
	if (was == CLIENT_ENDING) {
		s->completed = true;
		return;
	}
	report_error(&run->report, why, detail);
	if (was == CLIENT_RUNNING)
		s->closed = true;
	else
		s->failed = true;
	say(s, "close");
	retry_later(s);
}

static const struct client_ops ops = {
	.running = on_running,
	.closed = on_closed,
};

/* Build frame number next[kind] and send it; due_ns is when it should go. */
static void
send_frame(struct stream *s, enum frame_kind kind, uint64_t due_ns)
{
	struct publish *run = run_of(s);
	struct frame_info f = { .kind = kind,
		.number = s->next[kind],
		.stream = s->tag,
		.run = s->run };
	f.key = pace_is_key(&run->pace, kind, f.number);
	uint32_t len = pace_len(&run->pace, kind, f.number);
	f.sent_ns = clock_now().ns;
	frame_write(run->payload, len, &f);

	bool video = kind == FRAME_VIDEO;
	struct writer w;
	writer_init(&w, run->wire, run->wire_cap);
	wire_write(&w, video ? WIRE_CSID_VIDEO : WIRE_CSID_AUDIO,
	    video ? WIRE_VIDEO : WIRE_AUDIO, s->c.msid,
	    (uint32_t)((due_ns - s->start_ns) / NS_PER_MS), run->payload, len,
	    s->c.chunk);
	s->next[kind]++;
	run->frames[kind]++;
	run->keyframes += f.key;
	run->bytes += len;
	hist_add(
	    &run->late, f.sent_ns > due_ns ? (f.sent_ns - due_ns) / 1000 : 0);
	client_send(&s->c, &w);
	if (client_queued(&s->c) > run->queue_max)
		run->queue_max = client_queued(&s->c);
}

static uint64_t
due(const struct stream *s, enum frame_kind kind)
{
	uint64_t at = pace_due_ns(&run_of(s)->pace, kind, s->next[kind]);
	return at == UINT64_MAX ? at : s->start_ns + at;
}

/* Send what is due.  Returns when the next frame is. */
static uint64_t
pump(struct stream *s, uint64_t now)
{
	while (s->c.state == CLIENT_RUNNING) {
		uint64_t video = due(s, FRAME_VIDEO);
		uint64_t audio = due(s, FRAME_AUDIO);
		enum frame_kind kind =
		    video <= audio ? FRAME_VIDEO : FRAME_AUDIO;
		uint64_t at = video <= audio ? video : audio;
		if (at > now)
			return at;
		send_frame(s, kind, at);
	}
	return UINT64_MAX;
}

static void
open_stream(struct stream *s)
{
	s->retry_ns = 0;
	int err = client_open(&s->c);
	if (err == 0)
		return;
	s->failed = true;
	report_error(&run_of(s)->report, strerror(-err),
	    span_of(err == -EMFILE ? "raise the limit of open files (ulimit -n)"
				   : ""));
	retry_later(s);
}

static void
tick_stream(struct stream *s, uint64_t now)
{
	struct publish *run = run_of(s);
	struct client *c = &s->c;
	if (c->state == CLIENT_IDLE) {
		if (s->retry_ns == 0 || now < s->retry_ns)
			return;
		run->reconnects++;
		s->failed = s->closed = false;
		open_stream(s);
	} else if (c->state < CLIENT_RUNNING) {
		if (now > c->opened_ns + SETUP_MS * NS_PER_MS)
			client_fail(c, "no answer within 10 s",
			    span_of(client_state_name(
				(enum client_state)c->state)));
	} else if (c->state == CLIENT_ENDING &&
		   now > c->done_ns + GOODBYE_MS * NS_PER_MS) {
		s->completed = client_queued(c) == 0;
		if (!s->completed)
			report_error(&run->report,
			    "the server did not take the last frames",
			    span_of(""));
		client_close(c);
	}
}

/* Every stream: what time brings, what is due.  Returns when to come back. */
static uint64_t
pass(struct publish *run, uint64_t now, bool tick)
{
	uint64_t next = UINT64_MAX;
	for (uint32_t i = 0; i < run->opened; i++) {
		struct stream *s = &run->streams[i];
		if (tick)
			tick_stream(s, now);
		uint64_t at = pump(s, now);
		next = at < next ? at : next;
	}
	if (run->opened > MANY && next < now + STEP_NS)
		next = now + STEP_NS;
	return next;
}

static bool
over(const struct publish *run, uint64_t now)
{
	const struct options *o = run->o;
	return run->net->stopped ||
	       (o->duration_s > 0 &&
		   now >=
		       run->report.start.ns + (uint64_t)(o->duration_s * 1e9));
}

/* Is there a connection, or will there be one? */
static bool
active(const struct publish *run, bool is_over)
{
	if (run->opened < run->o->count && !is_over)
		return true;
	for (uint32_t i = 0; i < run->opened; i++)
		if (run->streams[i].c.state != CLIENT_IDLE ||
		    (run->streams[i].retry_ns > 0 && !is_over))
			return true;
	return false;
}

static void
end_all(struct publish *run)
{
	for (uint32_t i = 0; i < run->opened; i++) {
		struct stream *s = &run->streams[i];
		s->retry_ns = 0;
		if (s->c.state != CLIENT_ENDING && s->c.state != CLIENT_IDLE)
			client_end(&s->c);
	}
}

static uint64_t
ramp(struct publish *run, uint64_t now)
{
	const struct options *o = run->o;
	while (run->opened < o->count) {
		uint64_t at = run->report.start.ns +
			      run->opened * NS_PER_S / (uint64_t)o->ramp;
		if (at > now)
			return at;
		open_stream(&run->streams[run->opened++]);
	}
	return UINT64_MAX;
}

static int
loop(struct publish *run)
{
	uint64_t next_tick = run->report.start.ns;
	for (;;) {
		uint64_t now = clock_now().ns;
		bool is_over = over(run, now);
		if (is_over)
			end_all(run);
		uint64_t until = is_over ? UINT64_MAX : ramp(run, now);
		bool tick = now >= next_tick;
		if (tick)
			next_tick = now + TICK_MS * NS_PER_MS;
		uint64_t at = pass(run, now, tick);
		if (!active(run, is_over))
			return 0;
		until = at < until ? at : until;
		until = next_tick < until ? next_tick : until;
		int err = client_net_wait(run->net, (struct mono){ until });
		if (err < 0)
			return err;
	}
}

static int
init_streams(struct publish *run)
{
	const struct options *o = run->o;
	const struct pace *p = &run->pace;
	size_t len = p->key_len > p->other_len ? p->key_len : p->other_len;
	len = p->audio_len > len ? p->audio_len : len;
	run->wire_cap = wire_size(UINT32_MAX, (uint32_t)len, run->net->chunk);
	run->payload = malloc(len);
	run->wire = malloc(run->wire_cap);
	run->streams = calloc(o->count, sizeof(*run->streams));
	if (run->payload == NULL || run->wire == NULL || run->streams == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < o->count; i++) {
		struct stream *s = &run->streams[i];
		s->name = options_stream_name(o, i, o->count);
		client_init(&s->c, run->net, s->name);
		if (s->name == NULL)
			return -ENOMEM;
		s->number = i;
		s->tag =
		    (uint16_t)crc32c_add(0, s->name, strcspn(s->name, "?"));
		s->retry_ms = RETRY_MS;
	}
	return 0;
}

/* The sums of all streams. */
struct totals {
	uint32_t published, failed, closed, completed;
};

static struct totals
sum_up(const struct publish *run)
{
	struct totals t = { 0 };
	for (uint32_t i = 0; i < run->o->count; i++) {
		const struct stream *s = &run->streams[i];
		t.published += s->published;
		t.failed += s->failed || i >= run->opened;
		t.closed += s->closed;
		t.completed += s->completed;
	}
	return t;
}

static void
put(json_t *o, const char *key, uint64_t v)
{
	json_object_set_new(o, key, json_integer((json_int_t)v));
}

static json_t *
all_json(const struct publish *run, const struct totals *t)
{
	json_t *o = json_object();
	json_t *streams = json_object();
	put(streams, "requested", run->o->count);
	put(streams, "published", t->published);
	put(streams, "failed", t->failed);
	put(streams, "closed_by_server", t->closed);
	put(streams, "completed", t->completed);
	json_object_set_new(o, "mode", json_string("publish"));
	json_object_set_new(o, "streams", streams);
	put(o, "frames", run->frames[FRAME_VIDEO] + run->frames[FRAME_AUDIO]);
	put(o, "video_frames", run->frames[FRAME_VIDEO]);
	put(o, "audio_frames", run->frames[FRAME_AUDIO]);
	put(o, "keyframes", run->keyframes);
	put(o, "keyframe_bytes", run->o->video ? run->pace.key_len : 0);
	put(o, "bytes", run->bytes);
	put(o, "queue_max_bytes", run->queue_max);
	put(o, "reconnects", run->reconnects);
	json_object_set_new(o, "late_ms", report_hist(&run->late));
	return o;
}

static int
judge(const struct publish *run, const struct totals *t)
{
	if (t->published == 0)
		return EXIT_UNREACHABLE;
	if (t->published < run->o->count || t->failed > 0 || t->closed > 0)
		return EXIT_FAULTS;
	return EXIT_OK;
}

static void
free_run(struct publish *run)
{
	for (uint32_t i = 0; run->streams != NULL && i < run->o->count; i++) {
		if (i < run->opened)
			client_close(&run->streams[i].c);
		free(run->streams[i].name);
	}
	free(run->streams);
	free(run->payload);
	free(run->wire);
	free(run);
}

int
publish_run(struct client_net *net, const struct options *o)
{
	int status = EXIT_FAULTS;
	struct publish *run = calloc(1, sizeof(*run));
	if (run == NULL)
		return status;
	run->o = o;
	run->net = net;
	pace_init(&run->pace, o);
	report_init(&run->report);
	hist_init(&run->late);
	net->ops = &ops;
	net->owner = run;
	int err = init_streams(run);
	if (err == 0)
		err = loop(run);
	if (err < 0) {
		fprintf(stderr, "sluice-bench: %s\n", strerror(-err));
	} else {
		struct totals t = sum_up(run);
		status = judge(run, &t);
		if (status == EXIT_UNREACHABLE)
			report_complain(&run->report, o->text);
		if (report_print(&run->report, all_json(run, &t)) < 0)
			status = EXIT_FAULTS;
	}
	free_run(run);
	return status;
}
