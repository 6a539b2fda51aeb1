/*
 * assemble - messages of a publisher into its ring (publish.h says how).
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "common/bug.h"
#include "common/log.h"
#include "rtmp/aggregate.h"
#include "rtmp/cmd.h"
#include "rtmp/flvtag.h"
#include "rtmp/wire.h"
#include "worker/publishers.h"

enum {
	PENDING_MAX = 64,
	PACE_AHEAD_MS = 5000,
	PACE_HOLD_MS = 1000,
	PACE_AGAIN_MS = 10000
};

static uint32_t *
account(struct worker *w, const struct publish *p)
{
	return &session_of(w, p->c)->input;
}

static const uint8_t *
bytes_of(const struct msg *m)
{
	return m->spill != NULL ? m->spill : m->data;
}

static uint32_t
csid_of(uint8_t type)
{
	return type == WIRE_AUDIO   ? WIRE_CSID_AUDIO
	       : type == WIRE_VIDEO ? WIRE_CSID_VIDEO
				    : WIRE_CSID_DATA;
}

/* What a message is, by its first bytes. */
static void
classify(struct msg *m)
{
	uint32_t n = m->got < FLV_CLASS_BYTES ? m->got : FLV_CLASS_BYTES;
	if (m->type == WIRE_VIDEO)
		m->class = (uint8_t)flv_video_class(m->data, n);
	else if (m->type == WIRE_AUDIO)
		m->class = (uint8_t)flv_audio_class(m->data, n);
	if (m->type == WIRE_AGGREGATE)
		m->kind = MSG_AGGREGATE;
	else if (m->type != WIRE_AUDIO && m->type != WIRE_VIDEO)
		m->kind = MSG_DATA;
	else if (m->class & (FLV_SEQUENCE_HEADER | FLV_METADATA))
		m->kind = MSG_HEADER;
	else
		m->kind = MSG_MEDIA;
}

/* Into the ring ----------------------------------------------------------- */

/* Payload bytes [off, off + n) of a message above head, with chunk headers. */
static void
put_payload(struct publish *p, const struct msg *m, uint32_t off,
    const uint8_t *from, uint32_t n)
{
	uint8_t head[WIRE_HEAD3_MAX];
	size_t h0 = wire_head0_size(m->ts), h3 = wire_head3_size(m->ts);
	while (n > 0) {
		uint32_t chunk = off / WIRE_CHUNK, at = off % WIRE_CHUNK;
		uint32_t fits = WIRE_CHUNK - at < n ? WIRE_CHUNK - at : n;
		if (at == 0 && chunk > 0)
			ring_put(&p->ring, h0 + off + h3 * (chunk - 1), head,
			    wire_head3(head, csid_of(m->type), m->ts));
		ring_put(&p->ring, h0 + off + h3 * chunk, from, fits);
		off += fits;
		from += fits;
		n -= fits;
	}
}

/* The other way: the first n payload bytes of the message above head. */
static void
peek_payload(const struct publish *p, const struct msg *m, uint8_t *to)
{
	size_t h0 = wire_head0_size(m->ts), h3 = wire_head3_size(m->ts);
	for (uint32_t off = 0; off < m->got;) {
		uint32_t n =
		    m->got - off < WIRE_CHUNK ? m->got - off : WIRE_CHUNK;
		ring_peek(
		    &p->ring, h0 + off + h3 * (off / WIRE_CHUNK), to + off, n);
		off += n;
	}
}

/* Begin m above head with mapped time m->ts.  False: there is no room. */
static bool
place(struct worker *w, struct publish *p, struct msg *m)
{
	uint8_t head[WIRE_HEAD0_MAX];
	uint8_t type = m->type == WIRE_DATA_AMF3 ? WIRE_DATA : m->type;
	uint64_t size = wire_size(m->ts, m->len, WIRE_CHUNK);
	if (ring_room(&p->ring, size, w->now.ns) != 0)
		return false;
	ring_put(&p->ring, 0, head,
	    wire_head0(head, csid_of(m->type), m->ts, m->len, type, 1));
	put_payload(p, m, 0, bytes_of(m), m->got);
	return true;
}

static void
count_drop(struct worker *w, struct publish *p)
{
	p->dropped++;
	atomic_store_explicit(
	    &p->ring.half->dropped, p->dropped, memory_order_relaxed);
	worker_count(w, COUNTER_FRAMES_DROPPED, 1);
}

/* Publish the message above head; it is whole. */
static void
commit(struct worker *w, struct publish *p, const struct msg *m)
{
	uint64_t size = wire_size(m->ts, m->len, WIRE_CHUNK);
	bool video = m->type == WIRE_VIDEO;
	p->pace_due |= m->kind == MSG_MEDIA;
	if (m->kind == MSG_MEDIA) {
		bool key = video && (m->class & FLV_KEYFRAME) != 0;
		enum pubclock_join j =
		    pubclock_join(&p->clock, video, key, w->now);
		if (j != JOIN_NONE)
			ring_mark_join(
			    &p->ring, m->ts, j == JOIN_KEY, w->now.ns);
	}
	ring_commit(&p->ring, size, p->clock.last, w->now.ns);
	p->frames++;
	p->bytes += m->len;
	atomic_store_explicit(
	    &p->ring.half->frames, p->frames, memory_order_relaxed);
	worker_count(w, COUNTER_FRAMES_IN, 1);
	latency_message(&p->latency, video, w->now);
	publish_activate(w, p);
}

/* Facts for listings ------------------------------------------------------ */

static uint64_t
name_word(const char *name)
{
	uint64_t v = 0;
	memcpy(&v, name, strnlen(name, sizeof v));
	return v;
}

/* VP8, VP9 and AV1 may tell their size in a keyframe only. */
static bool
size_unknown(const struct ring_half *h, const struct msg *m)
{
	return (m->class & FLV_KEYFRAME) != 0 &&
	       atomic_load_explicit(&h->width, memory_order_relaxed) == 0;
}

static void
note_codec(struct publish *p, const struct msg *m)
{
	struct ring_half *h = p->ring.half;
	bool video = m->type == WIRE_VIDEO;
	_Atomic uint64_t *word = video ? &h->video_codec : &h->audio_codec;
	struct flv_track t;
	const uint8_t *b = bytes_of(m);
	if (m->got == 0 ||
	    (m->kind != MSG_HEADER && !size_unknown(h, m) &&
		atomic_load_explicit(word, memory_order_relaxed) != 0))
		return;
	if ((video ? flv_video_track(b, m->got, &t)
		   : flv_audio_track(b, m->got, &t)) &&
	    (t.id != 0 || (t.class & FLV_METADATA) != 0))
		return; /* the listing shows the default track */
	const char *name =
	    video ? flv_video_codec(b, m->got) : flv_audio_codec(b, m->got);
	atomic_store_explicit(word, name_word(name), memory_order_relaxed);
	struct flv_video_info v;
	struct flv_audio_info a;
	if (video && flv_video_info(b, m->got, &v)) {
		atomic_store_explicit(&h->width, v.width, memory_order_relaxed);
		atomic_store_explicit(
		    &h->height, v.height, memory_order_relaxed);
	} else if (!video && flv_audio_info(b, m->got, &a)) {
		atomic_store_explicit(
		    &h->audio_rate, a.rate_hz, memory_order_relaxed);
		atomic_store_explicit(
		    &h->audio_channels, a.channels, memory_order_relaxed);
	}
}

static int
keep_header(struct worker *w, struct publish *p, const struct msg *m)
{
	enum ring_part part = m->type == WIRE_VIDEO ? RING_VIDEO : RING_AUDIO;
	uint8_t records[RING_CFG_MAX];
	int n = headers_put(w, &p->headers, part, bytes_of(m), m->got, records);
	return n < 0 ? n : ring_set_header(&p->ring, part, records, (size_t)n);
}

/* Keep codec headers and metadata for joiners (rule 7). */
static void
keep_for_joiners(struct worker *w, struct publish *p, const struct msg *m)
{
	int r;
	if (m->kind == MSG_HEADER)
		r = keep_header(w, p, m);
	else
		r = ring_set_meta(&p->ring, bytes_of(m), m->got);
	if (r >= 0)
		return;
	worker_count(w, COUNTER_META_TOO_LARGE, 1);
	if (p->told_large)
		return;
	p->told_large = true;
	LOG(publish_too_large, .client = p->c->id, .bytes = m->got,
	    .text = "codec headers or metadata of more than 15 KiB, or of too "
		    "many tracks, are not kept for players that join later");
}

/*
 * Headers and metadata wait for the time of the next media message.
 * False: there is no room, and the media behind them must not come first.
 */
static bool
flush_pending(struct worker *w, struct publish *p, uint32_t ts)
{
	struct msg *m;
	while ((m = TAILQ_FIRST(&p->pending)) != NULL) {
		m->ts = ts;
		if (!place(w, p, m))
			return false; /* it stays for the next media message */
		if (m->kind == MSG_HEADER) {
			keep_for_joiners(w, p, m);
			note_codec(p, m);
		}
		commit(w, p, m);
		TAILQ_REMOVE(&p->pending, m, next);
		p->npending--;
		msg_free(w, m, account(w, p));
	}
	return true;
}

static void
to_pending(struct worker *w, struct publish *p, struct msg *m)
{
	if (p->npending == PENDING_MAX) {
		/* the first are of the tracks that everybody needs */
		count_drop(w, p);
		msg_free(w, m, account(w, p));
		return;
	}
	TAILQ_INSERT_TAIL(&p->pending, m, next);
	p->npending++;
}

/* After a loss: is this a message to go on with? */
static bool
may_go_on(const struct worker *w, const struct publish *p, const struct msg *m)
{
	if (!p->need_key)
		return true;
	if (m->type == WIRE_VIDEO)
		return (m->class & FLV_KEYFRAME) != 0;
	/* no video (any more): any message will do */
	return p->clock.video.ns == 0 ||
	       mono_ms_since(p->clock.video, w->now) >= PUBCLOCK_VIDEO_MS;
}

/* m finds no room or no keyframe: what follows waits for one. */
static void
lose(struct worker *w, struct publish *p)
{
	p->need_key = true;
	count_drop(w, p);
}

/* What the publisher should know about its stream, each thing once. */
static void
advise(struct worker *w, struct publish *p, const struct msg *m)
{
	int64_t v = 0;
	/* of a stream that is fetched the server above says it */
	if (p->have != NULL || (m->type != WIRE_VIDEO && m->type != WIRE_AUDIO))
		return;
	enum advice_kind k = advice_feed(&p->advice, m->type == WIRE_VIDEO,
	    (m->class & FLV_KEYFRAME) != 0, m->ts, w->now, &v);
	if (k != ADVICE_NONE)
		LOG(publish_advice, .client = p->c->id,
		    .stream = netstream_name(p->ns), .advice = advice_name(k),
		    .text = advice_text(k), .for_ms = { k != ADVICE_CLOCK, v },
		    .percent = { k == ADVICE_CLOCK, v });
}

/*
 * A stream that is fetched: was m had already?  If not, its time is set and the
 * clock goes on; behind a gap it goes on with a keyframe.
 */
static bool
is_news(struct worker *w, struct publish *p, struct msg *m, bool *jump)
{
	uint32_t n = m->got < FLV_CLASS_BYTES ? m->got : FLV_CLASS_BYTES;
	struct have_msg h = {
		.kind = m->type == WIRE_VIDEO ? HAVE_VIDEO : HAVE_AUDIO,
		.keyframe = (m->class & FLV_KEYFRAME) != 0,
		.ts = m->ts,
		.len = m->len,
		.hash = have_hash(m->data, n),
	};
	enum have_verdict v =
	    have_judge(p->have, &p->clock, &h, w->now, &m->ts, jump);
	if (v == HAVE_OLD) {
		worker_count(w, COUNTER_PULL_DUPLICATES, 1);
		return false;
	}
	p->need_key |= v == HAVE_GAP;
	return true;
}

/*
 * Begin a classified media message above head, or give it up.  The time of
 * the stream is taken from it here.
 */
static bool
start_media(struct worker *w, struct publish *p, struct msg *m)
{
	bool jump;
	if (p->have == NULL) {
		m->ts = pubclock_map(&p->clock, m->ts, w->now, &jump);
	} else if (!is_news(w, p, m, &jump)) {
		m->dropped = true;
		return false;
	}
	if (jump) {
		worker_count(w, COUNTER_CLOCK_JUMPS, 1);
		advice_new_base(&p->advice);
	}
	if (jump && p->clock.jumps == 1) {
		/* once; the number of all is in publish.stop */
		LOG(publish_clock_jump, .client = p->c->id,
		    .jumps = p->clock.jumps);
	}
	advise(w, p, m);
	if (flush_pending(w, p, m->ts) && may_go_on(w, p, m) &&
	    place(w, p, m)) {
		note_codec(p, m);
		p->need_key = false;
		return true;
	}
	lose(w, p);
	m->dropped = true;
	return false;
}

/* Receiving --------------------------------------------------------------- */

enum reason
publish_begin(struct worker *w, struct conn *c, struct netstream *ns,
    struct msg **mp, const struct chunk_ctx *x)
{
	struct publish *p = ns->pub;
	if (x->len > (uint64_t)c->app->stream_bytes / 4)
		return REASON_MESSAGE_SIZE;
	uint32_t *acc = &session_of(w, c)->input;
	if (*acc >= (uint64_t)c->app->max_conn_input)
		return REASON_INPUT_LIMIT;
	struct msg *m = msg_new(w, x->len, p, acc);
	if (m == NULL)
		return REASON_INPUT_MEMORY;
	m->type = x->type;
	m->ts = x->ts;
	m->msid = x->msid;
	*mp = m;
	return REASON_NONE;
}

static enum reason
gather(struct worker *w, struct publish *p, struct msg **mp, const uint8_t *b,
    uint32_t n)
{
	struct msg *m = *mp;
	if (m->dropped) {
		m->got += n;
	} else if (m->in_ring) {
		put_payload(p, m, m->got, b, n);
		m->got += n;
	} else if (m->spill != NULL) {
		memcpy(m->spill + m->got, b, n);
		m->got += n;
	} else if (!msg_append(w, mp, b, n, account(w, p),
		       (uint32_t)p->app->max_conn_input)) {
		return REASON_INPUT_LIMIT;
	}
	return REASON_NONE;
}

enum reason
publish_data(struct worker *w, struct conn *c, struct msg **mp,
    const uint8_t *b, uint32_t n)
{
	struct publish *p = (*mp)->pub;
	uint32_t want =
	    (*mp)->len < FLV_CLASS_BYTES ? (*mp)->len : FLV_CLASS_BYTES;
	(void)c;
	if ((*mp)->kind == MSG_UNKNOWN) {
		uint32_t first = want - (*mp)->got < n ? want - (*mp)->got : n;
		enum reason r = gather(w, p, mp, b, first);
		if (r != REASON_NONE || (*mp)->got < want)
			return r;
		classify(*mp);
		b += first;
		n -= first;
	}
	struct msg *m = *mp;
	if (m->kind == MSG_MEDIA && !m->in_ring && !m->dropped &&
	    m->spill == NULL && p->direct == NULL && start_media(w, p, m)) {
		m->in_ring = true;
		p->direct = m;
	}
	return n > 0 ? gather(w, p, mp, b, n) : REASON_NONE;
}

/* Take the message above head out of the ring, or return false. */
static bool
evict(struct worker *w, struct publish *p)
{
	struct msg *m = p->direct;
	uint32_t size = (uint32_t)bufpool_round(m->len), *acc = account(w, p);
	if (*acc + size > (uint64_t)p->app->max_conn_input)
		return false;
	uint8_t *b = bufpool_get(&w->pool, m->len);
	if (b == NULL)
		return false;
	*acc += size;
	peek_payload(p, m, b);
	m->spill = b;
	m->in_ring = false;
	p->direct = NULL;
	return true;
}

/* A whole message that is not in the ring, and nothing is above head. */
static void
append(struct worker *w, struct publish *p, struct msg *m)
{
	if (m->kind == MSG_MEDIA && m->spill == NULL) {
		if (!m->dropped && start_media(w, p, m))
			commit(w, p, m);
	} else {
		/* taken out of the ring: its time is mapped already */
		bool media = m->kind == MSG_MEDIA;
		if (!media)
			m->ts = p->clock.last;
		if ((!media || may_go_on(w, p, m)) && place(w, p, m))
			commit(w, p, m);
		else if (media)
			lose(w, p);
		else
			count_drop(w, p);
	}
	msg_free(w, m, account(w, p));
}

static void
append_waiting(struct worker *w, struct publish *p)
{
	struct msg *m;
	while (p->direct == NULL && (m = TAILQ_FIRST(&p->waiting)) != NULL) {
		TAILQ_REMOVE(&p->waiting, m, next);
		append(w, p, m);
	}
}

/* @setDataFrame is for the server, what it sets is for the players. */
static bool
unwrap_data(struct worker *w, struct publish *p, struct msg *m)
{
	struct data_msg d;
	if (data_parse(m->type, m->data, m->got, &d) != AMF0_OK)
		return false;
	/* what another server says of itself is not for viewers */
	if (p->have != NULL && (span_is(d.name, "onStatus") ||
				   span_is(d.name, "|RtmpSampleAccess")))
		return false;
	if (d.kind == DATA_CLEAR) {
		ring_set_meta(&p->ring, NULL, 0);
		return false;
	}
	m->got -= (uint32_t)d.offset;
	m->len = m->got;
	memmove(m->data, m->data + d.offset, m->got);
	if (span_is(d.name, "onMetaData"))
		m->class = FLV_METADATA;
	if (d.kind == DATA_SET || m->class == FLV_METADATA)
		keep_for_joiners(w, p, m);
	return true;
}

/* A publisher far ahead of real time is read more slowly (rule 11). */
static void
pace(struct worker *w, struct publish *p)
{
	uint64_t elapsed = mono_ms_since(p->pace, w->now);
	uint64_t speed = (uint64_t)p->app->publish_speed;
	int32_t media = rtmp_ts_diff(p->pace_ts, p->clock.last);
	if (p->pace.ns == 0 || elapsed > PACE_AGAIN_MS || media < 0) {
		p->pace = w->now;
		p->pace_ts = p->clock.last;
		return;
	}
	uint64_t allowed = elapsed * speed + PACE_AHEAD_MS;
	if ((uint64_t)media <= allowed || p->c->paused)
		return;
	/* judged again then: a time may be a lie, and who is held is deaf */
	uint64_t hold = ((uint64_t)media - allowed) / speed + 1;
	p->resume =
	    mono_add_ms(w->now, hold < PACE_HOLD_MS ? hold : PACE_HOLD_MS);
	conn_hold(w, p->c);
	publish_activate(w, p);
}

/* Of a stream that is fetched: a new source says again what was had. */
static bool
was_had(struct publish *p, const struct msg *m)
{
	if (m->kind == MSG_MEDIA || m->kind == MSG_AGGREGATE)
		return false;
	return have_other(
	    p->have, m->type, m->kind == MSG_HEADER, m->data, m->got);
}

/* A whole message that is not in the ring: where does it go? */
static void
sort_out(struct worker *w, struct publish *p, struct msg *m)
{
	if (m->dropped || (p->have != NULL && was_had(p, m))) {
		msg_free(w, m, account(w, p));
	} else if (m->kind == MSG_DATA && !unwrap_data(w, p, m)) {
		worker_count(w, COUNTER_DATA_IGNORED, 1);
		msg_free(w, m, account(w, p));
	} else if (m->kind == MSG_HEADER ||
		   (m->kind == MSG_DATA &&
		       (m->class == FLV_METADATA || !p->clock.based))) {
		to_pending(w, p, m);
	} else if (p->direct != NULL && !evict(w, p)) {
		TAILQ_INSERT_TAIL(&p->waiting, m, next);
	} else {
		append(w, p, m);
	}
}

/* One message out of an aggregate. */
static enum reason
unpack_one(struct worker *w, struct publish *p, const struct aggregate_msg *am)
{
	uint32_t limit = (uint32_t)p->app->max_conn_input;
	struct msg *m = msg_new(w, am->len, p, account(w, p));
	if (m == NULL)
		return REASON_INPUT_MEMORY;
	m->type = am->type;
	m->ts = am->ts;
	if (am->len > 0 &&
	    !msg_append(w, &m, am->data, am->len, account(w, p), 2 * limit)) {
		msg_free(w, m, account(w, p));
		return REASON_INPUT_LIMIT;
	}
	classify(m);
	sort_out(w, p, m);
	return REASON_NONE;
}

/* RTMP 1.0, 7.1.6.  Nothing of a malformed one is used. */
static enum reason
unpack(struct worker *w, struct publish *p, struct msg *m)
{
	struct aggregate a;
	struct aggregate_msg am;
	enum reason r = REASON_NONE;
	if (aggregate_check(m->data, m->got) != AGGREGATE_OK)
		r = REASON_MESSAGE_INVALID;
	aggregate_init(&a, m->data, m->got, m->ts);
	while (r == REASON_NONE && aggregate_next(&a, &am) == AGGREGATE_OK)
		r = unpack_one(w, p, &am);
	msg_free(w, m, account(w, p));
	return r;
}

enum reason
publish_end(struct worker *w, struct conn *c, struct msg **mp)
{
	struct msg *m = *mp;
	struct publish *p = m->pub;
	enum reason r = REASON_NONE;
	(void)c;
	if (m->kind == MSG_UNKNOWN)
		classify(m); /* a message without a byte: silence */
	if (m->in_ring) {
		commit(w, p, m);
		p->direct = NULL;
		msg_free(w, m, account(w, p));
	} else if (m->kind == MSG_AGGREGATE) {
		r = unpack(w, p, m);
	} else {
		sort_out(w, p, m);
	}
	append_waiting(w, p);
	/* headers and data say nothing of the time; another server keeps it */
	if (p->pace_due && p->have == NULL)
		pace(w, p);
	p->pace_due = false;
	return r;
}

void
publish_drop(struct worker *w, struct conn *c, struct msg *m)
{
	struct publish *p = m->pub;
	if (p->direct == m)
		p->direct = NULL;
	msg_free(w, m, &session_of(w, c)->input);
	append_waiting(w, p);
}

void
assemble_detach(struct worker *w, struct publish *p)
{
	struct msg *m;
	session_drop(w, p->c, p);
	while ((m = TAILQ_FIRST(&p->pending)) != NULL) {
		TAILQ_REMOVE(&p->pending, m, next);
		msg_free(w, m, account(w, p));
	}
	p->npending = 0;
	while ((m = TAILQ_FIRST(&p->waiting)) != NULL) {
		TAILQ_REMOVE(&p->waiting, m, next);
		msg_free(w, m, account(w, p));
	}
}
