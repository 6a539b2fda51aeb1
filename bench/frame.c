#include "config.h"

#include <string.h>

#include "bench/crc32c.h"
#include "bench/frame.h"
#include "common/bug.h"
#include "common/cursor.h"
#include "rtmp/flvtag.h"

static const uint8_t magic[4] = { 'S', 'L', 'b', 'f' };

/*
 * NAL unit type, and of the slice header (ITU-T H.264, 7.3.3): first macroblock
 * 0, slice type I or P, parameter set 0.  So FFmpeg finds the picture size,
 * which it takes from the parameter set that a slice names.
 */
enum { SLICE_IDR = 0x658884, SLICE_OTHER = 0x419a00 };

static size_t
lead_len(enum frame_kind kind)
{
	return kind == FRAME_VIDEO ? FRAME_LEAD_VIDEO : FRAME_LEAD_AUDIO;
}

static void
write_u64(struct writer *w, uint64_t v)
{
	writer_u32(w, (uint32_t)(v >> 32));
	writer_u32(w, (uint32_t)v);
}

static uint64_t
read_u64(struct reader *r)
{
	uint64_t high = reader_u32(r);
	return high << 32 | reader_u32(r);
}

static void
write_lead(struct writer *w, size_t len, const struct frame_info *f)
{
	if (f->kind == FRAME_AUDIO) {
		writer_u16(w, 0xaf01);
		return;
	}
	writer_u8(w, f->key ? 0x17 : 0x27);
	writer_u8(w, 1);
	writer_u24(w, 0);
	writer_u32(w, (uint32_t)(len - 9));
	writer_u24(w, f->key ? SLICE_IDR : SLICE_OTHER);
}

/* splitmix64 (Vigna), eight bytes at a step. */
static void
fill_body(uint8_t *p, size_t n, const struct frame_info *f)
{
	uint64_t x = f->number * 2 + (f->kind == FRAME_AUDIO);
	x = x << 20 ^ (uint64_t)f->run << 32 ^ f->stream;
	while (n > 0) {
		x += UINT64_C(0x9e3779b97f4a7c15);
		uint64_t z = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		z ^= z >> 31;
		size_t step = n < sizeof(z) ? n : sizeof(z);
		memcpy(p, &z, step);
		p += step;
		n -= step;
	}
}

void
frame_write(uint8_t *buf, size_t len, const struct frame_info *f)
{
	bug_on(len < FRAME_LEN_MIN || len > 0xffffff);
	struct writer w;
	writer_init(&w, buf, len);
	write_lead(&w, len, f);
	writer_bytes(&w, magic, sizeof(magic));
	writer_u8(&w, f->kind == FRAME_VIDEO ? 1 : 2);
	writer_u8(&w, f->key);
	writer_u16(&w, f->stream);
	writer_u32(&w, f->run);
	writer_u32(&w, (uint32_t)len);
	write_u64(&w, f->number);
	write_u64(&w, f->sent_ns);

	uint8_t *body = buf + w.len + 4;
	size_t body_len = len - w.len - 4;
	fill_body(body, body_len, f);
	uint32_t sum = crc32c_add(0, buf, w.len);
	writer_u32(&w, crc32c_add(sum, body, body_len));
	bug_on(!writer_ok(&w));
}

void
frame_scan_begin(
    struct frame_scan *s, enum frame_kind kind, uint32_t len, bool verify)
{
	s->len = len;
	s->got = 0;
	s->sum = 0;
	s->kind = (uint8_t)kind;
	s->verify = verify;
	s->open = true;
}

void
frame_scan_data(struct frame_scan *s, const uint8_t *p, size_t n)
{
	size_t front = lead_len((enum frame_kind)s->kind) + FRAME_HEADER;
	if (s->got < front) {
		size_t piece = front - s->got < n ? front - s->got : n;
		memcpy(s->front + s->got, p, piece);
		s->got += (uint32_t)piece;
		p += piece;
		n -= piece;
		if (s->got < front)
			return;
		s->sum = crc32c_add(0, s->front, front - 4);
	}
	s->got += (uint32_t)n;
	if (s->verify)
		s->sum = crc32c_add(s->sum, p, n);
}

/* What the tag says; frames only go on to our header. */
static enum frame_result
judge_tag(const struct frame_scan *s, size_t have, struct frame_info *f)
{
	unsigned class = s->kind == FRAME_VIDEO
			     ? flv_video_class(s->front, have)
			     : flv_audio_class(s->front, have);
	if (have == 0 || (class & (FLV_END_OF_SEQUENCE | FLV_COMMAND)) != 0)
		return FRAME_NO_MEDIA;
	if ((class & FLV_METADATA) != 0)
		return FRAME_NO_MEDIA;
	if ((class & FLV_SEQUENCE_HEADER) != 0)
		return FRAME_CODEC_HEADER;
	f->key = (class & FLV_KEYFRAME) != 0;
	return FRAME_OK;
}

/* Read our header, and hold it against tag, length and sum. */
static enum frame_result
judge_header(const struct frame_scan *s, struct frame_info *f)
{
	struct reader r;
	reader_init(&r, s->front + lead_len(f->kind), FRAME_HEADER);
	if (memcmp(reader_bytes(&r, sizeof(magic)), magic, sizeof(magic)) != 0)
		return FRAME_FOREIGN;
	unsigned kind = reader_u8(&r);
	unsigned key = reader_u8(&r);
	f->stream = reader_u16(&r);
	f->run = reader_u32(&r);
	uint32_t len = reader_u32(&r);
	f->number = read_u64(&r);
	f->sent_ns = read_u64(&r);
	uint32_t sum = reader_u32(&r);
	if (s->verify && sum != s->sum)
		return FRAME_BAD_SUM;
	if (kind != (f->kind == FRAME_VIDEO ? 1 : 2) || key != f->key ||
	    len != s->len)
		return FRAME_BAD_HEADER;
	return FRAME_OK;
}

enum frame_result
frame_scan_end(struct frame_scan *s, struct frame_info *f)
{
	memset(f, 0, sizeof(*f));
	f->kind = (enum frame_kind)s->kind;
	s->open = false;
	size_t front = lead_len(f->kind) + FRAME_HEADER;
	size_t have = s->got < front ? s->got : front;
	enum frame_result r = judge_tag(s, have, f);
	if (r != FRAME_OK)
		return r;
	if (have < front || s->got != s->len)
		return FRAME_FOREIGN;
	return judge_header(s, f);
}
