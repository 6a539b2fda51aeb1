#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "bench/crc32c.h"
#include "bench/exit.h"
#include "bench/flvfile.h"
#include "bench/intro.h"
#include "bench/pace.h"
#include "bench/publish.h"
#include "bench/report.h"
#include "rtmp/amf0.h"
#include "rtmp/flvtag.h"
#include "rtmp/wire.h"

enum {
	TICK_MS = 50,
	STEP_NS = 500000, /* many streams are looked at no more often */
	MANY = 16,
	SETUP_MS = 10000,
	RETRY_MS = 50,
	RETRY_MAX_MS = 1000,
	GOODBYE_MS = 2000, /* for the server to take the rest and close */
	SETTLE_S = 3	   /* -W: after the last stream has begun */
};

struct stream {
	struct client c; /* first: the ops are given this pointer */
	char *name;
	uint64_t start_ns, retry_ns;
	uint64_t next[FRAME_KINDS];
	struct flvfile_at file_at;
	uint32_t run;
	uint32_t retry_ms;
	uint32_t number;
	uint16_t tag; /* tells the frames of one stream from others */
	bool published, failed, closed, completed;
	bool returns; /* left by itself, comes back at retry_ns */
};

struct publish {
	const struct options *o;
	struct client_net *net;
	struct pubsum *sum;
	struct pace pace;
	struct flvfile file; /* count 0: synthetic frames */
	struct stream *streams;
	uint32_t opened;
	uint64_t left;		 /* streams that left, in all */
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
	if (o->file == NULL)
		intro_write(&w, o, c->msid, c->chunk);
	s->file_at = (struct flvfile_at){ 0 };
	s->published = true;
	s->retry_ms = RETRY_MS;
	s->next[FRAME_VIDEO] = s->next[FRAME_AUDIO] = 0;
	if (getrandom(&s->run, sizeof(s->run), 0) != sizeof(s->run))
		s->run++;
	s->start_ns = clock_now().ns;
	say(s, "publish");
	if (w.len > 0)
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
		s->completed = !s->returns;
		return;
	}
	report_error(&run->sum->report, why, detail);
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

/* Count and send what stands in w: a message of len bytes, due at due_ns. */
static void
send_message(struct stream *s, struct writer *w, uint32_t len, uint64_t due_ns,
    uint64_t now_ns)
{
	struct pubsum *sum = run_of(s)->sum;
	sum->bytes += len;
	hist_add(&sum->late, now_ns > due_ns ? (now_ns - due_ns) / 1000 : 0);
	client_send(&s->c, w);
	if (client_queued(&s->c) > sum->queue_max)
		sum->queue_max = client_queued(&s->c);
}

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
	run->sum->frames[kind]++;
	run->sum->keyframes += f.key;
	send_message(s, &w, len, due_ns, f.sent_ns);
}

/* Send the message of the file at which the stream is, and go on. */
static void
send_tag(struct stream *s, uint64_t due_ns)
{
	struct publish *run = run_of(s);
	const struct flvfile_tag *t = &run->file.tags[s->file_at.tag];
	const uint8_t *body = run->file.map + t->at;
	uint32_t ts = (uint32_t)((due_ns - s->start_ns) / NS_PER_MS);
	struct wire_mark m;
	struct writer w;
	writer_init(&w, run->wire, run->wire_cap);
	if (t->type == WIRE_DATA) {
		wire_begin(&w, &m, WIRE_CSID_DATA, WIRE_DATA, s->c.msid, ts);
		amf0_write_text(&w, "@setDataFrame");
		writer_bytes(&w, body, t->len);
		wire_end(&w, &m, s->c.chunk);
	} else {
		bool video = t->type == WIRE_VIDEO;
		wire_write(&w, video ? WIRE_CSID_VIDEO : WIRE_CSID_AUDIO,
		    t->type, s->c.msid, ts, body, t->len, s->c.chunk);
		s->next[video ? FRAME_VIDEO : FRAME_AUDIO]++;
		run->sum->frames[video ? FRAME_VIDEO : FRAME_AUDIO]++;
		unsigned class = video ? flv_video_class(body, t->len) : 0;
		run->sum->keyframes += (class & FLV_KEYFRAME) != 0;
	}
	flvfile_next(&run->file, &s->file_at);
	send_message(s, &w, t->len, due_ns, clock_now().ns);
}

static uint64_t
due(const struct stream *s, enum frame_kind kind)
{
	uint64_t at = pace_due_ns(&run_of(s)->pace, kind, s->next[kind]);
	return at == UINT64_MAX ? at : s->start_ns + at;
}

/* Send what is due of a file.  Returns when the next message is due. */
static uint64_t
pump_file(struct stream *s, uint64_t now)
{
	const struct flvfile *f = &run_of(s)->file;
	while (s->c.state == CLIENT_RUNNING) {
		uint64_t at =
		    s->start_ns + flvfile_ms(f, &s->file_at) * NS_PER_MS;
		if (at > now)
			return at;
		send_tag(s, at);
	}
	return UINT64_MAX;
}

/* Send what is due.  Returns when the next frame is. */
static uint64_t
pump(struct stream *s, uint64_t now)
{
	if (run_of(s)->file.count > 0)
		return pump_file(s, now);
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
	report_error(&run_of(s)->sum->report, strerror(-err),
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
		if (s->returns)
			run->sum->returns++;
		else
			run->sum->reconnects++;
		s->returns = false;
		s->failed = s->closed = false;
		open_stream(s);
	} else if (c->state < CLIENT_RUNNING) {
		if (now > c->opened_ns + SETUP_MS * NS_PER_MS)
			client_fail(c, "no answer within 10 s",
			    span_of(client_state_name(
				(enum client_state)c->state)));
	} else if (c->state == CLIENT_ENDING &&
		   now > c->done_ns + GOODBYE_MS * NS_PER_MS) {
		s->completed = client_queued(c) == 0 && !s->returns;
		if (client_queued(c) > 0)
			report_error(&run->sum->report,
			    "the server did not take the last frames",
			    span_of(""));
		client_close(c);
	}
}

/* Churn: every second one breaks off without a goodbye. */
static void
leave(struct publish *run, uint64_t now)
{
	struct stream *s = &run->streams[run->left % run->o->count];
	run->left++;
	if (s->c.state != CLIENT_RUNNING)
		return;
	say(s, "leave");
	s->returns = true;
	s->retry_ns = now + (uint64_t)(run->o->gone_s * 1e9) + 1;
	if (run->left % 2 == 0)
		client_end(&s->c);
	else
		client_close(&s->c);
}

static void
leave_due(struct publish *run, uint64_t now)
{
	if (run->o->mode != MODE_CHURN || run->o->pub_leave <= 0)
		return;
	uint64_t step = (uint64_t)(1e9 / run->o->pub_leave);
	while (now >= run->sum->report.start.ns + (run->left + 1) * step)
		leave(run, now);
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
		   now >= run->sum->report.start.ns +
			      (uint64_t)(o->duration_s * 1e9));
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
		uint64_t at = run->sum->report.start.ns +
			      run->opened * NS_PER_S / (uint64_t)o->ramp;
		if (at > now)
			return at;
		open_stream(&run->streams[run->opened++]);
	}
	return UINT64_MAX;
}

/* With -p: open and close the window in which the server is looked at. */
static int
measure(struct publish *run, uint64_t now, bool is_over)
{
	const struct options *o = run->o;
	struct window *w = &run->sum->window;
	double begin = (double)o->count / o->ramp +
		       (o->warm_s >= 0 ? o->warm_s : SETTLE_S);
	if (o->mode != MODE_PUBLISH || o->pids[0].count == 0 || w->closed)
		return 0;
	if (w->open)
		return is_over ? window_close(w, &o->pids[0], run->sum->bytes)
			       : 0;
	if (now < run->sum->report.start.ns + (uint64_t)(begin * 1e9))
		return 0;
	return window_open(w, &o->pids[0], run->sum->bytes);
}

static int
loop(struct publish *run)
{
	uint64_t next_tick = run->sum->report.start.ns;
	for (;;) {
		uint64_t now = clock_now().ns;
		bool is_over = over(run, now);
		int bad = measure(run, now, is_over);
		if (bad < 0)
			return bad;
		if (is_over)
			end_all(run);
		uint64_t until = is_over ? UINT64_MAX : ramp(run, now);
		bool tick = now >= next_tick;
		if (tick) {
			next_tick = now + TICK_MS * NS_PER_MS;
			leave_due(run, now);
		}
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
	if (run->file.len_max > 0)
		len = run->file.len_max + 32; /* and @setDataFrame */
	run->wire_cap = wire_size(UINT32_MAX, (uint32_t)len, run->net->chunk);
	run->payload = malloc(len);
	run->wire = malloc(run->wire_cap);
	run->streams = calloc(o->count, sizeof(*run->streams));
	if (run->payload == NULL || run->wire == NULL || run->streams == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < o->count; i++) {
		struct stream *s = &run->streams[i];
		s->name =
		    options_stream_name(o->target[0].url.stream, i, o->count);
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

static void
sum_up(const struct publish *run)
{
	struct pubsum *sum = run->sum;
	sum->requested = run->o->count;
	sum->keyframe_bytes =
	    run->o->no_video || run->file.count > 0 ? 0 : run->pace.key_len;
	for (uint32_t i = 0; i < run->o->count; i++) {
		const struct stream *s = &run->streams[i];
		sum->published += s->published;
		sum->failed += s->failed || i >= run->opened;
		sum->closed += s->closed;
		sum->completed += s->completed;
	}
}

static void
fini(struct publish *run)
{
	for (uint32_t i = 0; run->streams != NULL && i < run->o->count; i++) {
		if (i < run->opened)
			client_close(&run->streams[i].c);
		free(run->streams[i].name);
	}
	free(run->streams);
	free(run->payload);
	free(run->wire);
	flvfile_close(&run->file);
}

static int
open_file(struct publish *run)
{
	const char *path = run->o->file;
	if (path == NULL)
		return 0;
	int err = flvfile_open(&run->file, path);
	if (err < 0)
		fprintf(stderr, "sluice-bench: %s: %s\n", path,
		    err == -EBADMSG   ? "not an FLV file (ffmpeg -i it -c "
					"copy x.flv makes one)"
		    : err == -ENODATA ? "no audio and no video in it"
				      : strerror(-err));
	return err;
}

void
publish_streams(
    struct client_net *net, const struct options *o, struct pubsum *sum)
{
	memset(sum, 0, sizeof(*sum));
	struct publish run = { .o = o, .net = net, .sum = sum };
	pace_init(&run.pace, o);
	report_init(&sum->report);
	hist_init(&sum->late);
	net->ops = &ops;
	net->owner = &run;
	sum->error = open_file(&run);
	if (sum->error == 0)
		sum->error = init_streams(&run);
	if (sum->error == 0)
		sum->error = loop(&run);
	if (sum->error == 0)
		sum_up(&run);
	fini(&run);
}

int
publish_run(struct client_net *net, const struct options *o)
{
	struct pubsum *sum = calloc(1, sizeof(*sum));
	if (sum == NULL)
		return EXIT_FAULTS;
	publish_streams(net, o, sum);
	int status = EXIT_FAULTS;
	if (sum->error < 0) {
		if (o->file == NULL)
			fprintf(stderr, "sluice-bench: %s\n",
			    strerror(-sum->error));
	} else if (sum->window.closed && !window_counts(&sum->window)) {
		status = EXIT_OVERLOADED;
	} else {
		status = pubsum_judge(sum);
		if (status == EXIT_UNREACHABLE)
			report_complain(&sum->report, o->target[0].text);
		if (report_print(&sum->report, pubsum_json(sum)) < 0)
			status = EXIT_FAULTS;
	}
	free(sum);
	return status;
}
