#include "config.h"

#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/crc32c.h"
#include "bench/exit.h"
#include "bench/floor.h"
#include "bench/floorconn.h"
#include "bench/floorring.h"
#include "bench/intro.h"
#include "bench/pace.h"
#include "bench/report.h"
#include "common/bug.h"
#include "rtmp/wire.h"

enum { MSID = 1, BATCH = 256, BACKLOG = 4096 };

struct source {
	struct floorring ring;
	char *name;
	struct floorconn **players;
	uint32_t count, cap;
	uint32_t run;
	uint16_t tag;
	uint64_t next[FRAME_KINDS];
};

struct floor {
	const struct options *o;
	struct client_net net;
	struct report report;
	struct pace pace;
	struct source *sources;
	struct io_uring uring;
	int listener;
	bool has_uring;
	uint32_t queued; /* requests of this batch */
	uint32_t connected;
	uint64_t accepted, refused, slow, gone;
	uint64_t frames, sends, short_sends, bytes;
	uint8_t *payload;
};

/* Players ----------------------------------------------------------------- */

static bool
on_play(void *owner, struct floorconn *c, struct span name)
{
	struct floor *f = owner;
	const struct options *o = f->o;
	struct span want = span_head(name, span_find(name, '?'));
	uint32_t i = 0;
	while (i < o->streams && !span_is(want, f->sources[i].name))
		i++;
	if (i == o->streams)
		return false;
	struct source *s = &f->sources[i];
	if (s->count == s->cap) {
		uint32_t cap = s->cap == 0 ? 8 : s->cap * 2;
		struct floorconn **bigger =
		    reallocarray(s->players, cap, sizeof(struct floorconn *));
		if (bigger == NULL)
			return false;
		s->players = bigger;
		s->cap = cap;
	}
	uint8_t buf[INTRO_MAX];
	struct writer w;
	writer_init(&w, buf, sizeof(buf));
	intro_write(&w, o, MSID, WIRE_CHUNK);
	if (send(c->fd, w.buf, w.len, MSG_NOSIGNAL | MSG_DONTWAIT) !=
	    (ssize_t)w.len)
		return false;
	c->cursor = s->ring.key;
	c->stream = i;
	c->index = s->count;
	c->on_list = true;
	s->players[s->count++] = c;
	return true;
}

static void
drop(struct floor *f, struct floorconn *c)
{
	if (c->on_list) {
		struct source *s = &f->sources[c->stream];
		struct floorconn *last = s->players[--s->count];
		last->index = c->index;
		s->players[c->index] = last;
	}
	floorconn_close(c);
	free(c);
	f->connected--;
}

static void
take(struct floor *f)
{
	int fd;
	while ((fd = accept4(f->listener, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		int one = 1;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		struct floorconn *c = calloc(1, sizeof(*c));
		struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
		uint64_t seed = clock_now().ns;
		f->accepted++;
		f->connected++;
		if (c == NULL || floorconn_open(c, fd, seed) < 0 ||
		    epoll_ctl(f->net.epfd, EPOLL_CTL_ADD, fd, &ev) < 0) {
			close(fd);
			free(c);
			f->refused++;
			f->connected--;
		}
	}
}

static void
on_input(struct floor *f, struct floorconn *c)
{
	if (floorconn_read(c, f, on_play))
		return;
	f->gone += c->playing;
	drop(f, c);
}

/* Sending ----------------------------------------------------------------- */

/* The outcome of a send: bytes or -errno.  Returns false: close. */
static bool
sent(struct floor *f, struct floorconn *c, int64_t n)
{
	struct floorring *r = &f->sources[c->stream].ring;
	f->sends++;
	if (n < 0 && n != -EAGAIN && n != -EINTR)
		return false;
	if (n > 0) {
		c->cursor += (uint64_t)n;
		f->bytes += (uint64_t)n;
	}
	f->short_sends += c->cursor != r->head;
	if (r->head - c->cursor <= r->size / 2)
		return true;
	f->slow++; /* soon overwritten */
	return false;
}

/* The kernel has copied or refused all bytes when this returns. */
static void
finish_batch(struct floor *f)
{
	struct io_uring_cqe *cqe;
	if (f->queued == 0)
		return;
	io_uring_submit_and_wait(&f->uring, f->queued);
	while (f->queued > 0 && io_uring_wait_cqe(&f->uring, &cqe) == 0) {
		struct floorconn *c = io_uring_cqe_get_data(cqe);
		int n = cqe->res;
		io_uring_cqe_seen(&f->uring, cqe);
		f->queued--;
		if (!sent(f, c, n))
			shutdown(c->fd, SHUT_RDWR); /* epoll tells, then */
	}
}

static void
queue(struct floor *f, struct floorconn *c, const void *p, size_t n)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&f->uring);
	bug_on(sqe == NULL); /* batches are not larger than the ring */
	io_uring_prep_send(sqe, c->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	io_uring_sqe_set_data(sqe, c);
	if (++f->queued == BATCH)
		finish_batch(f);
}

/* Everything that is new, to every player of a source.  The hot path. */
static void
flush(struct floor *f, struct source *s)
{
	for (uint32_t i = 0; i < s->count; i++) {
		struct floorconn *c = s->players[i];
		size_t n = (size_t)(s->ring.head - c->cursor);
		const void *p = floorring_at(&s->ring, c->cursor);
		if (n == 0)
			continue;
		if (f->has_uring) {
			queue(f, c, p, n);
			continue;
		}
		ssize_t done = send(c->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (!sent(f, c, done < 0 ? -errno : done))
			shutdown(c->fd, SHUT_RDWR);
	}
	if (f->has_uring)
		finish_batch(f);
}

/* Frames ------------------------------------------------------------------ */

static void
make_frame(
    struct floor *f, struct source *s, enum frame_kind kind, uint64_t due_ns)
{
	struct frame_info info = { .kind = kind,
		.number = s->next[kind],
		.stream = s->tag,
		.run = s->run };
	info.key = pace_is_key(&f->pace, kind, info.number);
	uint32_t len = pace_len(&f->pace, kind, info.number);
	info.sent_ns = clock_now().ns;
	frame_write(f->payload, len, &info);
	bool video = kind == FRAME_VIDEO;
	struct writer w;
	writer_init(&w, floorring_at(&s->ring, s->ring.head), s->ring.size / 4);
	wire_write(&w, video ? WIRE_CSID_VIDEO : WIRE_CSID_AUDIO,
	    video ? WIRE_VIDEO : WIRE_AUDIO, MSID,
	    (uint32_t)((due_ns - f->report.start.ns) / NS_PER_MS), f->payload,
	    len, WIRE_CHUNK);
	if (info.key)
		s->ring.key = s->ring.head;
	s->ring.head += w.len;
	s->next[kind]++;
	f->frames++;
	if (f->o->window_ms <= 0)
		flush(f, s);
}

static uint64_t
due(const struct floor *f, const struct source *s, enum frame_kind kind)
{
	uint64_t at = pace_due_ns(&f->pace, kind, s->next[kind]);
	return at == UINT64_MAX ? at : f->report.start.ns + at;
}

/* Frames of one source that are due.  Returns when the next one is. */
static uint64_t
pump(struct floor *f, struct source *s, uint64_t now)
{
	for (;;) {
		uint64_t video = due(f, s, FRAME_VIDEO);
		uint64_t audio = due(f, s, FRAME_AUDIO);
		bool first = video <= audio;
		uint64_t at = first ? video : audio;
		if (at > now)
			return at;
		make_frame(f, s, first ? FRAME_VIDEO : FRAME_AUDIO, at);
	}
}

static uint64_t
pump_all(struct floor *f, uint64_t now)
{
	uint64_t next = UINT64_MAX;
	for (uint32_t i = 0; i < f->o->streams; i++) {
		uint64_t at = pump(f, &f->sources[i], now);
		next = at < next ? at : next;
	}
	return next;
}

/* The run ----------------------------------------------------------------- */

static int
wait_until(struct floor *f, uint64_t until)
{
	struct epoll_event ev[256];
	uint64_t now = clock_now().ns;
	uint64_t left = until > now ? until - now : 0;
	struct timespec ts = { .tv_sec = (time_t)(left / NS_PER_S),
		.tv_nsec = (long)(left % NS_PER_S) };
	int n = epoll_pwait2(f->net.epfd, ev, 256, &ts, NULL);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++)
		if (ev[i].data.ptr == NULL)
			client_net_take_signal(&f->net);
		else if (ev[i].data.ptr == f)
			take(f);
		else
			on_input(f, ev[i].data.ptr);
	return 0;
}

static int
loop(struct floor *f)
{
	uint64_t start = f->report.start.ns;
	uint64_t window = (uint64_t)(f->o->window_ms * 1e6);
	uint64_t next_window = start + window;
	uint64_t end = f->o->duration_s > 0
			   ? start + (uint64_t)(f->o->duration_s * 1e9)
			   : UINT64_MAX;
	while (!f->net.stopped) {
		uint64_t now = clock_now().ns;
		if (now >= end)
			break;
		uint64_t until = pump_all(f, now);
		if (window > 0 && now >= next_window) {
			for (uint32_t i = 0; i < f->o->streams; i++)
				flush(f, &f->sources[i]);
			next_window +=
			    ((now - next_window) / window + 1) * window;
		}
		if (window > 0 && next_window < until)
			until = next_window;
		int err = wait_until(f, until < end ? until : end);
		if (err < 0)
			return err;
	}
	return 0;
}

static int
listen_at(struct floor *f)
{
	int one = 1;
	const struct sockaddr *at = (const struct sockaddr *)&f->net.addr;
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = f };
	f->listener = socket(
	    at->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (f->listener < 0)
		return -errno;
	setsockopt(f->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(f->listener, at, f->net.addr_len) < 0 ||
	    listen(f->listener, BACKLOG) < 0 ||
	    epoll_ctl(f->net.epfd, EPOLL_CTL_ADD, f->listener, &ev) < 0)
		return -errno;
	return 0;
}

static int
init_uring(struct floor *f)
{
	if (!f->o->uring)
		return 0;
	struct io_uring_params p = { .flags = IORING_SETUP_SINGLE_ISSUER |
					      IORING_SETUP_DEFER_TASKRUN };
	int err = io_uring_queue_init_params(BATCH, &f->uring, &p);
	f->has_uring = err == 0;
	return err;
}

/* Four keyframe distances, and what a frame may be at most. */
static int
init_sources(struct floor *f)
{
	const struct options *o = f->o;
	const struct pace *p = &f->pace;
	double gop =
	    (double)p->gop / o->fps * ((double)o->bitrate + o->audio_bps) / 8;
	size_t longest = p->key_len > p->audio_len ? p->key_len : p->audio_len;
	longest = p->other_len > longest ? p->other_len : longest;
	f->payload = malloc(longest);
	f->sources = calloc(o->streams, sizeof(*f->sources));
	if (f->payload == NULL || f->sources == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < o->streams; i++) {
		struct source *s = &f->sources[i];
		s->name =
		    options_stream_name(o->target[0].url.stream, i, o->streams);
		if (s->name == NULL)
			return -ENOMEM;
		s->tag =
		    (uint16_t)crc32c_add(0, s->name, strcspn(s->name, "?"));
		if (getrandom(&s->run, sizeof(s->run), 0) != sizeof(s->run))
			s->run = i;
		int err =
		    floorring_open(&s->ring, (size_t)(gop * 4) + longest * 5);
		if (err < 0)
			return err;
	}
	return 0;
}

static json_t *
floor_json(const struct floor *f)
{
	json_t *o = json_object();
	static const char *const name[] = { "streams", "accepted", "refused",
		"too_slow", "left", "frames", "sends", "short_sends", "bytes" };
	const uint64_t v[] = { f->o->streams, f->accepted, f->refused, f->slow,
		f->gone, f->frames, f->sends, f->short_sends, f->bytes };
	json_object_set_new(o, "mode", json_string("floor"));
	json_object_set_new(
	    o, "how", json_string(f->has_uring ? "io_uring" : "send"));
	json_object_set_new(o, "window_ms", json_real(f->o->window_ms));
	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++)
		json_object_set_new(o, name[i], json_integer((json_int_t)v[i]));
	return o;
}

static void
fini(struct floor *f)
{
	for (uint32_t i = 0; f->sources != NULL && i < f->o->streams; i++) {
		struct source *s = &f->sources[i];
		while (s->count > 0)
			drop(f, s->players[0]);
		floorring_close(&s->ring);
		free(s->players);
		free(s->name);
	}
	if (f->has_uring)
		io_uring_queue_exit(&f->uring);
	if (f->listener > 0)
		close(f->listener);
	free(f->sources);
	free(f->payload);
}

int
floor_run(const struct client_net *net, const struct options *o)
{
	struct floor f = { .o = o, .net = *net };
	int err = client_net_init(&f.net);
	if (err < 0) {
		fprintf(stderr, "sluice-bench: %s\n", strerror(-err));
		return EXIT_FAULTS;
	}
	pace_init(&f.pace, o);
	err = listen_at(&f);
	if (err < 0)
		fprintf(stderr, "sluice-bench: cannot listen at %s: %s\n",
		    o->target[0].text, strerror(-err));
	if (err == 0)
		err = init_uring(&f);
	if (err == 0)
		err = init_sources(&f);
	report_init(&f.report);
	if (err == 0)
		err = loop(&f);
	if (err < 0)
		fprintf(stderr, "sluice-bench: floor: %s\n", strerror(-err));
	else
		err = report_print(&f.report, floor_json(&f));
	fini(&f);
	client_net_fini(&f.net);
	return err < 0 ? EXIT_FAULTS : EXIT_OK;
}
