#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/exit.h"
#include "bench/play.h"

enum {
	TICK_MS = 50,
	SETUP_MS = 10000,	   /* from connect(2) to playing */
	STALL_BUFFER = 256 * 1024, /* bytes that a stalled player takes */
	RETRY_MS = 50,		   /* first pause before a reconnection */
	RETRY_MAX_MS = 1000,
	JOIN_S = 2,		/* delay_live: from the first picture on */
	BASE_PER_S = 200,	/* storm: how fast the first ones join */
	SLOW_BUFFER = 64 * 1024 /* bytes that the kernel takes for them */
};

struct player {
	struct client c; /* first: the ops are given this pointer */
	struct verify v;
	struct frame_scan scan[FRAME_KINDS];
	struct tally *tally; /* of its group */
	uint64_t bytes;
	uint64_t live_ns; /* frames sent later count for delay_live; 0: none */
	uint64_t retry_ns;
	uint64_t frames_before; /* of earlier stays (churn) */
	uint32_t number;
	uint32_t retry_ms;
	bool has_picture_live; /* live_ns stems from a picture */
	bool opened, connected, playing, with_picture; /* ever */
	bool failed, closed, will_stall;
};

struct play {
	const struct options *o;
	struct client_net *nets;
	struct tally *tally;
	struct player *players;
	char **names; /* of all targets */
	uint32_t count, opened;
	uint64_t start_ns;
	/* what is measured: its beginning */
	bool in_window;
	uint64_t window_bytes, window_frames, window_cpu_ns, window_wall_ns;
	uint64_t left; /* churn: players that left, in all */
};

static struct player *
player_of(struct client *c)
{
	return (struct player *)c;
}

static struct play *
run_of(const struct player *p)
{
	return p->c.net->owner;
}

static void
say(const struct player *p, const char *event)
{
	if (!run_of(p)->o->verbose)
		return;
	fprintf(stderr,
	    "player=%u port=%u stream=%s event=%s frames=%" PRIu64
	    " bytes=%" PRIu64 " gaps=%" PRIu64 " missing=%" PRIu64
	    " skips=%" PRIu64 " bad=%" PRIu64 " order=%" PRIu64 " ts=%" PRIu64
	    " restarts=%" PRIu64 "\n",
	    p->number, p->c.port, p->c.name, event, p->v.n.frames, p->bytes,
	    p->v.n.gaps, p->v.n.missing, p->v.n.skips, p->v.n.bad,
	    p->v.n.order_errors, p->v.n.ts_errors, p->v.n.restarts);
}

static void
on_running(struct client *c)
{
	struct player *p = player_of(c);
	struct tally *t = p->tally;
	p->playing = true;
	p->retry_ms = RETRY_MS;
	hist_add(&t->tcp, (c->tcp_ns - c->opened_ns) / 1000);
	hist_add(&t->byte, (c->first_ns - c->opened_ns) / 1000);
	hist_add(&t->playing_after, (clock_now().ns - c->opened_ns) / 1000);
	say(p, "play");
}

static void
on_begin(struct client *c, enum frame_kind kind, uint32_t len)
{
	struct player *p = player_of(c);
	struct play *run = run_of(p);
	if (p->scan[kind].open)
		report_error(&p->tally->report,
		    "two messages of one kind at once (not checked)",
		    span_of(""));
	frame_scan_begin(&p->scan[kind], kind, len, !run->o->no_verify);
}

static void
on_data(struct client *c, enum frame_kind kind, const uint8_t *bytes, size_t n)
{
	frame_scan_data(&player_of(c)->scan[kind], bytes, n);
}

/* Delays, once a frame is known to be right. */
static void
measure(struct player *p, const struct frame_info *f, struct mono now)
{
	struct tally *t = p->tally;
	uint64_t us = now.ns > f->sent_ns ? (now.ns - f->sent_ns) / 1000 : 0;
	hist_add(&t->delay, us);
	if (p->live_ns > 0 && f->sent_ns > p->live_ns)
		hist_add(&t->live[f->kind], us);
}

/* The first picture; sound alone stands in for it until there is one. */
static void
mark_start(struct player *p, struct mono now)
{
	bool picture = p->v.picture;
	if (p->live_ns == 0 || (picture && !p->has_picture_live))
		p->live_ns = now.ns + JOIN_S * NS_PER_S;
	/* a storm lasts no longer than that; others have their window */
	const struct options *o = run_of(p)->o;
	if (o->window_ns > p->live_ns || o->mode == MODE_STORM)
		p->live_ns = o->window_ns;
	if (picture && !p->has_picture_live) {
		p->has_picture_live = true;
		p->with_picture = true;
		hist_add(&p->tally->first, (now.ns - p->c.opened_ns) / 1000);
		/* who was there before a storm is always looked at */
		if (p->number % o->sample != 0 &&
		    !(o->mode == MODE_STORM && p->number < o->base))
			client_discard(&p->c);
	}
}

static void
count_faults(const struct player *p, unsigned faults)
{
	for (unsigned bit = 1; bit < 1u << VERIFY_FAULTS; bit <<= 1)
		if ((faults & bit) != 0)
			report_error(&p->tally->report,
			    verify_fault_text((enum verify_fault)bit),
			    span_of(p->c.name));
}

static void
on_end(struct client *c, enum frame_kind kind, uint32_t ts, struct mono now)
{
	struct player *p = player_of(c);
	struct frame_info f;
	p->bytes += p->scan[kind].len;
	enum frame_result r = frame_scan_end(&p->scan[kind], &f);
	unsigned faults = verify_frame(&p->v, ts, r, &f);
	if (faults != 0)
		count_faults(p, faults);
	if (r != FRAME_OK && r != FRAME_FOREIGN)
		return;
	if (!p->has_picture_live)
		mark_start(p, now);
	if (r == FRAME_OK)
		measure(p, &f, now);
}

/* With -c: try again, after a pause that grows. */
static void
retry_later(struct player *p)
{
	if (!run_of(p)->o->reconnect)
		return;
	p->retry_ns = mono_add_ms(clock_now(), p->retry_ms).ns;
	p->retry_ms =
	    p->retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : p->retry_ms * 2;
}

static void
on_closed(struct client *c, enum client_state was, const char *why,
    struct span detail)
{
	struct player *p = player_of(c);
	report_error(&p->tally->report, why, detail);
	if (was == CLIENT_RUNNING)
		p->closed = true;
	else
		p->failed = true;
	if (was > CLIENT_CONNECTING)
		p->connected = true;
	say(p, "close");
	retry_later(p);
}

static const struct client_ops ops = {
	.running = on_running,
	.media_begin = on_begin,
	.media_data = on_data,
	.media_end = on_end,
	.closed = on_closed,
};

static void
open_player(struct player *p)
{
	p->scan[FRAME_VIDEO].open = p->scan[FRAME_AUDIO].open = false;
	p->has_picture_live = false;
	p->live_ns = 0;
	p->retry_ns = 0;
	int err = client_open(&p->c);
	if (err < 0) {
		p->failed = true;
		report_error(&p->tally->report, strerror(-err),
		    span_of(err == -EMFILE
				? "raise the limit of open files (ulimit -n)"
				: ""));
		retry_later(p);
	}
	p->opened = true;
	p->tally->joins++;
}

/* When a player joins. */
static uint64_t
due(const struct play *run, uint32_t index)
{
	const struct options *o = run->o;
	uint64_t number = o->part + (uint64_t)index * o->parts;
	if (o->mode == MODE_STORM && number < o->base)
		return run->start_ns + number * NS_PER_S / BASE_PER_S;
	if (o->mode == MODE_STORM)
		return o->window_ns + (number - o->base) * NS_PER_S / o->ramp;
	return run->start_ns + number * NS_PER_S / o->ramp;
}

/* Open what is due.  Returns when the next one is. */
static uint64_t
ramp(struct play *run, uint64_t now)
{
	while (run->opened < run->count) {
		uint64_t at = due(run, run->opened);
		if (at > now)
			return at;
		open_player(&run->players[run->opened++]);
	}
	return UINT64_MAX;
}

static void
reconnect(struct player *p)
{
	p->tally->reconnects++;
	p->failed = p->closed = false;
	verify_reconnect(&p->v);
	open_player(p);
}

/* What time brings to a player: time-out, another try, the end of reading. */
static void
tick_player(struct player *p, uint64_t now, bool stall)
{
	struct client *c = &p->c;
	if (c->state == CLIENT_IDLE) {
		if (p->retry_ns > 0 && now >= p->retry_ns)
			reconnect(p);
		return;
	}
	if (c->state < CLIENT_RUNNING &&
	    now > c->opened_ns + SETUP_MS * NS_PER_MS)
		client_fail(c, "no answer within 10 s",
		    span_of(client_state_name((enum client_state)c->state)));
	else if (stall && p->will_stall && !c->stalled &&
		 c->state == CLIENT_RUNNING)
		client_stall(c);
	else
		client_read(c);
}

/* Churn: one leaves, every second one without a goodbye, and comes back. */
static void
leave(struct play *run)
{
	struct player *p = &run->players[run->left % run->o->count];
	run->left++;
	if (!p->opened || p->c.state != CLIENT_RUNNING)
		return;
	say(p, "leave");
	run->tally->stays++;
	run->tally->empty_stays += p->v.n.frames == p->frames_before;
	p->frames_before = p->v.n.frames;
	if (run->left % 2 == 0)
		client_end(&p->c);
	client_close(&p->c);
	verify_reconnect(&p->v);
	open_player(p);
}

static void
leave_due(struct play *run, uint64_t now)
{
	if (run->o->mode != MODE_CHURN || run->o->leave <= 0)
		return;
	uint64_t step = (uint64_t)(1e9 / run->o->leave);
	while (now >= run->start_ns + (run->left + 1) * step)
		leave(run);
}

static void
tick(struct play *run, uint64_t now)
{
	uint64_t stall_ns = (uint64_t)(run->o->stall_after_s * 1e9);
	bool stall = now >= run->start_ns + stall_ns;
	for (uint32_t i = 0; i < run->opened; i++)
		tick_player(&run->players[i], now, stall);
}

/* Is a player connected, or will one be? */
static bool
active(const struct play *run)
{
	if (run->opened < run->count)
		return true;
	for (uint32_t i = 0; i < run->opened; i++)
		if (run->players[i].c.state != CLIENT_IDLE ||
		    run->players[i].retry_ns > 0)
			return true;
	return false;
}

static uint64_t
cpu_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* What came in so far, and what it took. */
static void
look(const struct play *run, struct tally *at)
{
	at->window_bytes = at->window_frames = 0;
	for (uint32_t i = 0; i < run->o->targets; i++)
		at->window_bytes += run->nets[i].received;
	for (uint32_t i = 0; i < run->opened; i++)
		at->window_frames += run->players[i].v.n.frames;
	at->window_cpu_ns = cpu_ns();
	at->window_wall_ns = clock_now().ns;
}

static void
begin_window(struct play *run)
{
	look(run, &run->tally[0]);
	run->in_window = true;
	run->window_bytes = run->tally[0].window_bytes;
	run->window_frames = run->tally[0].window_frames;
	run->window_cpu_ns = run->tally[0].window_cpu_ns;
	run->window_wall_ns = run->tally[0].window_wall_ns;
}

static void
end_window(struct play *run)
{
	struct tally *t = &run->tally[0];
	if (!run->in_window)
		begin_window(run);
	look(run, t);
	t->window_bytes -= run->window_bytes;
	t->window_frames -= run->window_frames;
	t->window_cpu_ns -= run->window_cpu_ns;
	t->window_wall_ns -= run->window_wall_ns;
}

static uint64_t
end_of(const struct play *run)
{
	const struct options *o = run->o;
	if (o->end_ns > 0)
		return o->end_ns;
	if (o->duration_s <= 0)
		return UINT64_MAX;
	return run->start_ns + (uint64_t)(o->duration_s * 1e9);
}

static int
loop(struct play *run)
{
	uint64_t end = end_of(run);
	uint64_t next_tick = run->start_ns;
	while (!run->nets[0].stopped) {
		uint64_t now = clock_now().ns;
		if (now >= end)
			break;
		if (!run->in_window && now >= run->o->window_ns)
			begin_window(run);
		uint64_t until = ramp(run, now);
		if (now >= next_tick) {
			tick(run, now);
			leave_due(run, now);
			if (!active(run))
				break;
			next_tick = now + TICK_MS * NS_PER_MS;
		}
		until = next_tick < until ? next_tick : until;
		int err = client_net_wait(
		    &run->nets[0], (struct mono){ until < end ? until : end });
		if (err < 0)
			return err;
	}
	end_window(run);
	return 0;
}

static uint32_t
group_of(const struct options *o, uint32_t number)
{
	if (o->mode == MODE_HOPS)
		return number % o->targets;
	if (o->mode == MODE_STORM)
		return number < o->base;
	return o->mode == MODE_PLAY && number >= o->stalled &&
	       number < o->stalled + o->slow;
}

uint32_t
play_groups(const struct options *o)
{
	if (o->mode == MODE_HOPS)
		return o->targets;
	if (o->mode == MODE_STORM)
		return 2;
	return o->mode == MODE_PLAY && o->slow > 0 ? 2 : 1;
}

static void
init_player(struct play *run, struct player *p, uint32_t number)
{
	const struct options *o = run->o;
	uint32_t target = o->mode == MODE_HOPS ? number % o->targets : 0;
	uint32_t stream = number / o->targets % o->streams;
	uint32_t group = group_of(o, number);
	if (o->mode != MODE_HOPS)
		stream = number % o->streams;
	client_init(&p->c, &run->nets[target],
	    run->names[target * o->streams + stream]);
	verify_init(&p->v, o->no_verify);
	p->tally = &run->tally[group];
	p->tally->requested++;
	p->number = number;
	p->retry_ms = RETRY_MS;
	p->will_stall = number < o->stalled;
	/* or it takes tens of megabytes before it is full */
	if (p->will_stall)
		p->c.receive_buffer = STALL_BUFFER;
	if (o->mode == MODE_PLAY && group == 1) {
		p->c.receive_buffer = SLOW_BUFFER;
		p->c.read_limit =
		    (uint32_t)(o->slow_bps / 8 * TICK_MS / 1000) + 1;
	}
}

static int
init_players(struct play *run)
{
	const struct options *o = run->o;
	uint32_t total = o->count * o->targets;
	if (o->mode == MODE_STORM)
		total = o->base + o->count;
	if (o->mode == MODE_COMPARE)
		total = o->count;
	run->count = (total - o->part + o->parts - 1) / o->parts;
	if (o->part >= total)
		run->count = 0;
	run->players = calloc(run->count + 1, sizeof(*run->players));
	run->names =
	    calloc((size_t)o->streams * o->targets, sizeof(*run->names));
	if (run->players == NULL || run->names == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < o->streams * o->targets; i++) {
		run->names[i] =
		    options_stream_name(o->target[i / o->streams].url.stream,
			i % o->streams, o->streams);
		if (run->names[i] == NULL)
			return -ENOMEM;
	}
	for (uint32_t i = 0; i < run->count; i++)
		init_player(run, &run->players[i], o->part + i * o->parts);
	return 0;
}

static void
end_players(struct play *run)
{
	for (uint32_t i = 0; i < run->opened; i++) {
		struct player *p = &run->players[i];
		struct client *c = &p->c;
		if (c->state > CLIENT_CONNECTING)
			p->connected = true;
		if (c->state == CLIENT_RUNNING && p->v.n.frames == 0 &&
		    !p->will_stall && !run->o->idle)
			report_error(&p->tally->report,
			    "no media came: is the stream published?",
			    span_of(c->name));
		say(p, c->hung_up		 ? "hung-up"
		       : c->stalled		 ? "stalled"
		       : c->state == CLIENT_IDLE ? "gone"
						 : "end");
		if (c->state == CLIENT_RUNNING && !c->stalled)
			client_end(c);
		client_close(c);
	}
}

static void
sum_up(const struct play *run)
{
	for (uint32_t i = 0; i < run->count; i++) {
		const struct player *p = &run->players[i];
		struct tally *t = p->tally;
		verify_add(&t->n, &p->v.n);
		t->bytes += p->bytes;
		t->connected += p->connected;
		t->playing += p->playing;
		t->with_picture += p->with_picture;
		t->failed += p->failed || !p->opened;
		t->closed += p->closed;
		t->stalled += p->c.stalled;
		t->stalled_closed += p->c.stalled && p->c.hung_up;
		t->without_media +=
		    p->v.n.frames == 0 && !p->will_stall && !run->o->idle;
		if (run->o->idle && p->v.n.frames > 0)
			report_error(&t->report,
			    "media came, although --idle was given",
			    span_of(p->c.name));
		t->failed += run->o->idle && p->v.n.frames > 0;
	}
}

static void
fini(struct play *run)
{
	const struct options *o = run->o;
	for (uint32_t i = 0; run->names != NULL && i < o->streams * o->targets;
	     i++)
		free(run->names[i]);
	free(run->names);
	free(run->players);
}

/* All use the epoll set and the buffer of the first one. */
static void
share_net(struct play *run)
{
	struct client_net *first = &run->nets[0];
	for (uint32_t i = 0; i < run->o->targets; i++) {
		struct client_net *net = &run->nets[i];
		net->epfd = first->epfd;
		net->sigfd = first->sigfd;
		net->scratch = first->scratch;
		net->ops = &ops;
		net->owner = run;
		net->received = 0;
	}
}

void
play_streams(
    struct client_net *nets, const struct options *o, struct tally *tally)
{
	struct play run = { .o = o, .tally = tally, .nets = nets };
	for (uint32_t g = 0; g < play_groups(o); g++)
		tally_init(&tally[g]);
	run.start_ns = o->start_ns > 0 ? o->start_ns : tally->report.start.ns;
	nets[0].every_ns = (uint64_t)(o->every_ms * 1e6);
	share_net(&run);
	tally->error = init_players(&run);
	if (tally->error == 0)
		tally->error = loop(&run);
	if (tally->error == 0) {
		end_players(&run);
		sum_up(&run);
	}
	fini(&run);
}

int
play_run(struct client_net *net, const struct options *o)
{
	struct tally *tally = calloc(1, sizeof(*tally));
	if (tally == NULL)
		return EXIT_FAULTS;
	play_streams(net, o, tally);
	int status = EXIT_FAULTS;
	if (tally->error < 0) {
		fprintf(stderr, "sluice-bench: %s\n", strerror(-tally->error));
	} else {
		status = tally_judge(tally);
		if (status == EXIT_UNREACHABLE)
			report_complain(&tally->report, o->target[0].text);
		if (report_print(&tally->report,
			tally_json(tally, "play", !o->no_verify)) < 0)
			status = EXIT_FAULTS;
	}
	free(tally);
	return status;
}
