#include "config.h"

#include <string.h>

#include "ctl/client.h"
#include "ctl/list.h"
#include "ctl/output.h"
#include "ctl/stream.h"
#include "shm/directory.h"

enum { TRIES = 4, RATE_MIN_MS = 500 };

/* What the master states of a block, copied at one moment. */
struct facts {
	uint64_t state_gen, incarnation, publisher, pull, since_ns;
	uint32_t block, owner, end_reason;
	char key[DIR_KEY_MAX];
	size_t keylen;
};

/* Returns false if the block is free, or cannot be read at one moment. */
static bool
read_block(const struct arena *a, uint32_t i, struct facts *f)
{
	const struct block *b = &a->control->block[i];
	for (unsigned t = 0; t < TRIES; t++) {
		f->state_gen =
		    atomic_load_explicit(&b->state_gen, memory_order_acquire);
		if (state_of(f->state_gen) == BLOCK_FREE)
			return false;
		f->block = i;
		f->owner = list_word32(&b->owner);
		f->incarnation = list_word(&b->owner_incarnation);
		f->publisher = list_word(&b->publisher);
		f->pull = list_word(&b->pull);
		f->since_ns = list_word(&b->since_ns);
		f->end_reason = list_word32(&b->end_reason);
		f->keylen = directory_key(a, list_word32(&b->dir), f->key);
		atomic_thread_fence(memory_order_acquire);
		if (list_word(&b->state_gen) == f->state_gen)
			return f->owner < a->nslots;
	}
	return false;
}

static void
add_name(json_t *j, const struct facts *f)
{
	static const char *const part[] = { "vhost", "app", "instance",
		"name" };
	for (unsigned i = 0; i < 4; i++) {
		size_t len;
		const char *p = directory_key_part(f->key, f->keylen, i, &len);
		json_object_set_new(j, part[i], output_string(p, len));
	}
}

/* The worker that granted publisher lives in; its pid only while it does. */
static json_t *
publisher(const struct attach *at, const struct facts *f)
{
	const struct worker_entry *w = &at->arena.control->worker[f->owner];
	bool lives = list_word(&w->incarnation) == f->incarnation &&
		     list_word32(&w->state) != WORKER_DOWN;
	json_t *pid = lives ? list_number(list_word32(&w->pid)) : json_null();
	return json_pack("{s:s, s:o, s:i, s:o, s:o}", "kind",
	    f->pull ? "upstream" : "client", "pid", pid, "worker",
	    (int)f->owner, "id", list_number(f->publisher), "addr",
	    client_addr(at, f->owner, f->publisher));
}

static json_t *
readers(const struct arena *a, uint32_t block)
{
	json_t *by_worker = json_array();
	uint64_t total = 0;
	for (unsigned i = 0; i < a->nslots; i++) {
		const struct slot *s = a->slot[i];
		bool touches =
		    list_word(&s->interest[block / 64]) >> (block % 64) & 1;
		uint32_t n = touches ? list_word32(&s->readers[block]) : 0;
		total += n;
		json_array_append_new(by_worker, list_number(n));
	}
	return json_pack(
	    "{s:o, s:o}", "total", list_number(total), "by_worker", by_worker);
}

static uint64_t
segments_of(const struct arena *a, const struct facts *f)
{
	uint64_t want = owner_word(f->block, gen_of(f->state_gen)), n = 0;
	const _Atomic uint64_t *word = arena_owner(a, f->owner, 0);
	for (uint32_t i = 0; i < a->nsegs; i++)
		n += list_word(&word[i]) == want;
	return n;
}

/* Bytes kept, and the oldest join point among them. */
struct window {
	uint64_t bytes, join_pos, join_ns, last_ns, head;
};

static void
consider(const struct ring_join *j, uint64_t tail, struct window *w)
{
	uint64_t pos = list_word(&j->pos), ns = list_word(&j->ns);
	if (pos < tail || pos >= w->head || ns > w->last_ns)
		return;
	if (w->join_pos == 0 || pos < w->join_pos) {
		w->join_pos = pos;
		w->join_ns = ns;
	}
}

static void
find_oldest(const struct ring_half *h, uint64_t tail, struct window *w)
{
	for (unsigned i = 0; i < RING_JOINS; i++) {
		consider(&h->join[0][i], tail, w);
		consider(&h->join[1][i], tail, w);
	}
}

static struct window
read_window(const struct ring_half *h)
{
	struct window w = { 0 };
	uint64_t tail = atomic_load_explicit(&h->tail, memory_order_acquire);
	w.head = atomic_load_explicit(&h->head, memory_order_acquire);
	w.last_ns = list_word(&h->last_ns);
	/* anything else is a half that is being opened or zeroed */
	if (tail >= RING_START && w.head >= tail &&
	    w.head - tail <= (uint64_t)RING_SEGTAB * SEGMENT_SIZE) {
		w.bytes = w.head - tail;
		find_oldest(h, tail, &w);
	}
	return w;
}

/* Bits per second since the oldest join point; null for too short a time. */
static json_t *
rate(const struct window *w)
{
	uint64_t ms = w->join_pos ? (w->last_ns - w->join_ns) / NS_PER_MS : 0;
	if (ms < RATE_MIN_MS)
		return json_null();
	return list_number((w->head - w->join_pos) * 8000 / ms);
}

static json_t *
codec_name(uint64_t word)
{
	char name[sizeof word];
	memcpy(name, &word, sizeof name);
	size_t len = strnlen(name, sizeof name);
	return len ? output_string(name, len) : json_null();
}

static json_t *
video(const struct ring_half *h)
{
	return json_pack("{s:o, s:o, s:o}", "codec",
	    codec_name(list_word(&h->video_codec)), "width",
	    list_number(list_word32(&h->width)), "height",
	    list_number(list_word32(&h->height)));
}

static json_t *
audio(const struct ring_half *h)
{
	return json_pack("{s:o, s:o, s:o}", "codec",
	    codec_name(list_word(&h->audio_codec)), "rate",
	    list_number(list_word32(&h->audio_rate)), "channels",
	    list_number(list_word32(&h->audio_channels)));
}

static void
add_half(
    json_t *j, const struct arena *a, const struct facts *f, struct mono now)
{
	/* a closed half belongs to nobody: show a ring without anything */
	static const struct ring_half closed;
	const struct ring_half *h = arena_half(a, f->owner, f->block);
	if (atomic_load_explicit(&h->gen, memory_order_acquire) !=
	    gen_of(f->state_gen))
		h = &closed;
	struct window w = read_window(h);
	double seconds =
	    w.join_pos ? (double)((w.last_ns - w.join_ns) / NS_PER_MS) / 1000
		       : 0;
	json_object_set_new(j, "ring",
	    json_pack("{s:o, s:f, s:o}", "bytes", list_number(w.bytes),
		"seconds", seconds, "segments",
		list_number(segments_of(a, f))));
	json_object_set_new(j, "video", video(h));
	json_object_set_new(j, "audio", audio(h));
	json_object_set_new(j, "bytes",
	    list_number(w.head > RING_START ? w.head - RING_START : 0));
	json_object_set_new(j, "frames", list_number(list_word(&h->frames)));
	json_object_set_new(j, "dropped", list_number(list_word(&h->dropped)));
	json_object_set_new(j, "bitrate_in", rate(&w));
	json_object_set_new(j, "silent_ms",
	    w.last_ns == 0 || w.last_ns > now.ns
		? json_null()
		: list_number(mono_ms_since((struct mono){ w.last_ns }, now)));
}

static json_t *
stream(const struct attach *at, const struct facts *f, struct mono now)
{
	bool live = state_of(f->state_gen) == BLOCK_LIVE;
	json_t *j = json_object();
	add_name(j, f);
	json_object_set_new(j, "state", json_string(live ? "live" : "ended"));
	json_object_set_new(j, "end_reason",
	    live ? json_null()
		 : json_string(reason_name((enum reason)f->end_reason)));
	json_object_set_new(j, "since_s", list_age(f->since_ns, now));
	json_object_set_new(j, "publisher", publisher(at, f));
	json_object_set_new(j, "readers", readers(&at->arena, f->block));
	json_object_set_new(j, "viewers",
	    list_number((uint64_t)arena_viewers(&at->arena, f->block)));
	add_half(j, &at->arena, f, now);
	json_object_set_new(j, "block", list_number(f->block));
	json_object_set_new(j, "generation", list_number(gen_of(f->state_gen)));
	return j;
}

json_t *
stream_list(const struct attach *at, struct mono now)
{
	json_t *list = json_array();
	struct facts f;
	for (uint32_t i = 0; i < at->arena.nblocks; i++)
		if (read_block(&at->arena, i, &f))
			json_array_append_new(list, stream(at, &f, now));
	return list;
}

unsigned
stream_count(const struct arena *a, int owner)
{
	unsigned n = 0;
	for (uint32_t i = 0; i < a->nblocks; i++) {
		const struct block *b = &a->control->block[i];
		n += state_of(list_word(&b->state_gen)) == BLOCK_LIVE &&
		     (owner < 0 || list_word32(&b->owner) == (uint32_t)owner);
	}
	return n;
}
