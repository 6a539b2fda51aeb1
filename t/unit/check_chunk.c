/* check_chunk - one case per promise of rtmp/chunk.h. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cursor.h"
#include "rtmp/chunk.h"
#include "rtmp/wire.h"

enum { CTXS = 16, TRACE = 1 << 16, STREAM = 1 << 14 };

/*
 * A run of the reader, written down: "B csid ts len type msid", payload in
 * hex, "E".  Pieces of payload are joined, so that the trace does not depend
 * on how the input was cut.
 */
struct run {
	struct chunk_reader r;
	struct chunk_ctx first[1], more[CTXS];
	const struct chunk_ctx *last;
	uint32_t word; /* payload of the message so far, for Set Chunk Size */
	size_t len;
	enum chunk_error error;
	char trace[TRACE];
};

/* Bytes built by a case, and the trace expected of them, if it says so. */
struct stream {
	struct writer w;
	uint8_t buf[STREAM];
};

static void
run_init(struct run *u)
{
	memset(u->more, 0xa5, sizeof(u->more));
	u->len = 0;
	u->trace[0] = '\0';
	u->last = NULL;
	u->word = 0;
	u->error = CHUNK_OK;
	chunk_reader_init(&u->r, u->first, 1);
}

static void
say(struct run *u, const char *text)
{
	size_t n = strlen(text);
	ck_assert_uint_lt(u->len + n, TRACE);
	memcpy(u->trace + u->len, text, n + 1);
	u->len += n;
}

static void
say_data(struct run *u, const struct chunk_item *it)
{
	char text[16];
	if (u->last != it->ctx) {
		snprintf(text, sizeof(text), " #%u:", it->ctx->csid);
		say(u, text);
	}
	u->last = it->ctx;
	ck_assert_uint_lt(u->len + 2 * it->len, TRACE);
	for (size_t i = 0; i < it->len; i++) {
		u->trace[u->len++] = "0123456789abcdef"[it->data[i] >> 4];
		u->trace[u->len++] = "0123456789abcdef"[it->data[i] & 15];
		u->word = u->word << 8 | it->data[i];
	}
	u->trace[u->len] = '\0';
}

static void
feed(struct run *u, const uint8_t *p, size_t n)
{
	const uint8_t *end = p + n;
	struct chunk_item it;
	char text[128];
	for (;;) {
		switch (chunk_next(&u->r, &p, end, &it)) {
		case CHUNK_NEED_MORE:
			ck_assert_ptr_eq(p, end);
			return;
		case CHUNK_BEGIN:
			snprintf(text, sizeof(text), " B%u %u %u %u %u",
			    it.ctx->csid, it.ctx->ts, it.ctx->len, it.ctx->type,
			    it.ctx->msid);
			say(u, text);
			u->last = NULL;
			u->word = 0;
			break;
		case CHUNK_DATA:
			ck_assert_uint_gt(it.len, 0);
			ck_assert_uint_le(it.ctx->got, it.ctx->len);
			say_data(u, &it);
			break;
		case CHUNK_END:
			ck_assert_uint_eq(it.ctx->got, it.ctx->len);
			snprintf(text, sizeof(text), " E%u", it.ctx->csid);
			say(u, text);
			u->last = NULL;
			if (it.ctx->type == WIRE_SET_CHUNK_SIZE)
				chunk_reader_set_size(&u->r, u->word);
			if (it.ctx->type == WIRE_ABORT)
				chunk_reader_abort(&u->r, u->word);
			break;
		case CHUNK_NEED_CTX:
			if (u->r.nctxs == CTXS) {
				say(u, " full");
				return;
			}
			chunk_reader_grow(&u->r, u->more, CTXS);
			u->last = NULL;
			break;
		case CHUNK_ERROR:
			if (u->error == CHUNK_OK) {
				snprintf(text, sizeof(text), " !%s",
				    chunk_error_name(it.error));
				say(u, text);
			}
			u->error = it.error;
			return;
		}
	}
}

/* Bytes in a block of their exact size, so that ASan sees every overrun. */
static void
feed_exact(struct run *u, const uint8_t *p, size_t n)
{
	uint8_t *copy = malloc(n > 0 ? n : 1);
	ck_assert_ptr_nonnull(copy);
	memcpy(copy, p, n);
	feed(u, copy, n);
	free(copy);
}

static void
stream_init(struct stream *s)
{
	writer_init(&s->w, s->buf, sizeof(s->buf));
}

static void
basic(struct stream *s, unsigned type, uint32_t csid)
{
	if (csid < 64) {
		writer_u8(&s->w, (uint8_t)(type << 6 | csid));
	} else if (csid < 320) {
		writer_u8(&s->w, (uint8_t)(type << 6));
		writer_u8(&s->w, (uint8_t)(csid - 64));
	} else {
		writer_u8(&s->w, (uint8_t)(type << 6 | 1));
		writer_u8(&s->w, (uint8_t)((csid - 64) & 0xff));
		writer_u8(&s->w, (uint8_t)((csid - 64) >> 8));
	}
}

/* A header of type 0, 1 or 2; a field of 24 bits or an extended one. */
static void
head(struct stream *s, unsigned type, uint32_t csid, uint32_t field,
    uint32_t len, uint8_t id, uint32_t msid)
{
	basic(s, type, csid);
	writer_u24(&s->w, field < 0xffffff ? field : 0xffffff);
	if (type < 2) {
		writer_u24(&s->w, len);
		writer_u8(&s->w, id);
	}
	if (type < 1)
		writer_u32le(&s->w, msid);
	if (field >= 0xffffff)
		writer_u32(&s->w, field);
}

static void
payload(struct stream *s, const char *hex)
{
	for (; hex[0] != '\0'; hex += 2) {
		unsigned v;
		ck_assert_int_eq(sscanf(hex, "%2x", &v), 1);
		writer_u8(&s->w, (uint8_t)v);
	}
}

static void
zeros(struct stream *s, size_t n)
{
	while (n-- > 0)
		writer_u8(&s->w, 0xee);
}

/*
 * Whole, byte by byte, cut in two at every offset: the same trace.  Every
 * prefix: a prefix of the trace.
 */
static void
check(const struct stream *s, const char *expect)
{
	static struct run whole, cut;
	ck_assert(writer_ok(&s->w));
	run_init(&whole);
	feed_exact(&whole, s->buf, s->w.len);
	if (expect != NULL)
		ck_assert_str_eq(whole.trace, expect);
	run_init(&cut);
	for (size_t i = 0; i < s->w.len; i++)
		feed_exact(&cut, s->buf + i, 1);
	ck_assert_str_eq(cut.trace, whole.trace);
	for (size_t i = 0; i <= s->w.len; i++) {
		run_init(&cut);
		feed_exact(&cut, s->buf, i);
		ck_assert_uint_le(cut.len, whole.len);
		ck_assert_int_eq(memcmp(cut.trace, whole.trace, cut.len), 0);
		feed_exact(&cut, s->buf + i, s->w.len - i);
		ck_assert_str_eq(cut.trace, whole.trace);
	}
}

START_TEST(all_four_types_give_absolute_times)
{
	struct stream s;
	stream_init(&s);
	head(&s, 0, 4, 1000, 2, 9, 1);
	payload(&s, "0102");
	head(&s, 1, 4, 40, 3, 8, 0);
	payload(&s, "030405");
	head(&s, 2, 4, 20, 0, 0, 0);
	payload(&s, "060708");
	basic(&s, 3, 4);
	payload(&s, "090a0b");
	check(&s, " B4 1000 2 9 1 #4:0102 E4 B4 1040 3 8 1 #4:030405 E4"
		  " B4 1060 3 8 1 #4:060708 E4 B4 1080 3 8 1 #4:090a0b E4");
}
END_TEST

START_TEST(every_basic_header_form_names_its_chunk_stream)
{
	static const uint32_t ids[] = { 2, 3, 63, 64, 65, 319, 320, 575, 576,
		65598, 65599 };
	struct stream s;
	char expect[512] = "";
	stream_init(&s);
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		char text[64];
		head(&s, 0, ids[i], 7, 1, 8, 1);
		payload(&s, "aa");
		snprintf(text, sizeof(text), " B%u 7 1 8 1 #%u:aa E%u", ids[i],
		    ids[i], ids[i]);
		strcat(expect, text);
	}
	check(&s, expect);
}
END_TEST

START_TEST(ids_64_to_319_are_the_same_in_both_forms)
{
	struct stream s;
	stream_init(&s);
	head(&s, 0, 100, 7, 200, 8, 1);
	zeros(&s, 128);
	payload(&s, "c12400"); /* type 3, three bytes, 36 + 64 */
	zeros(&s, 72);
	static struct run u;
	run_init(&u);
	feed(&u, s.buf, s.w.len);
	ck_assert_str_eq(u.trace + u.len - 5, " E100");
	check(&s, NULL);
}
END_TEST

START_TEST(messages_interleave)
{
	struct stream s;
	static struct run u;
	stream_init(&s);
	head(&s, 0, 6, 0, 200, 9, 1);
	zeros(&s, 128);
	head(&s, 0, 4, 5, 130, 8, 1);
	zeros(&s, 128);
	basic(&s, 3, 6);
	zeros(&s, 72);
	basic(&s, 3, 4);
	zeros(&s, 2);
	run_init(&u);
	feed(&u, s.buf, s.w.len);
	ck_assert_ptr_nonnull(strstr(u.trace, "ee E6 #4:eeee E4"));
	check(&s, NULL);
}
END_TEST

START_TEST(a_message_of_length_0_begins_and_ends)
{
	struct stream s;
	stream_init(&s);
	head(&s, 0, 4, 9, 0, 8, 1);
	basic(&s, 3, 4);
	head(&s, 2, 4, 1, 0, 0, 0);
	check(&s, " B4 9 0 8 1 E4 B4 18 0 8 1 E4 B4 19 0 8 1 E4");
}
END_TEST

START_TEST(type_3_after_type_0_adds_its_timestamp)
{
	struct stream s;
	stream_init(&s);
	head(&s, 0, 4, 40, 1, 8, 1);
	payload(&s, "01");
	basic(&s, 3, 4);
	payload(&s, "02");
	check(&s, " B4 40 1 8 1 #4:01 E4 B4 80 1 8 1 #4:02 E4");
}
END_TEST

START_TEST(type_3_after_an_extended_type_0_repeats_it)
{
	struct stream s;
	stream_init(&s);
	head(&s, 0, 4, 0x1000000, 1, 8, 1);
	payload(&s, "77");
	basic(&s, 3, 4);
	payload(&s, "0100000078");
	check(&s, " B4 16777216 1 8 1 #4:77 E4 B4 16777216 1 8 1 #4:78 E4");
}
END_TEST

START_TEST(extended_timestamps_are_repeated_in_type_3)
{
	static const uint32_t at[] = { 0xfffffe, 0xffffff, 0x1000000,
		0x7fffffff, 0x80000000, 0xffffffff };
	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
		struct stream s;
		static struct run u;
		char text[64];
		stream_init(&s);
		head(&s, 0, 4, at[i], 129, 9, 1);
		zeros(&s, 128);
		basic(&s, 3, 4);
		if (at[i] >= 0xffffff)
			writer_u32(&s.w, at[i]);
		payload(&s, "42");
		run_init(&u);
		feed(&u, s.buf, s.w.len);
		snprintf(text, sizeof(text), " B4 %u 129 9 1", at[i]);
		ck_assert_int_eq(strncmp(u.trace, text, strlen(text)), 0);
		ck_assert_str_eq(u.trace + u.len - 7, "ee42 E4");
		check(&s, NULL);
	}
}
END_TEST

START_TEST(ext_ts_missing)
{
	/* What stands where the timestamp 01020304 could be repeated. */
	static const char *const rest[] = { "05060708", "01060708", "01020708",
		"01020308", "ff020304" };
	for (size_t i = 0; i < sizeof(rest) / sizeof(*rest); i++) {
		struct stream s;
		static struct run u;
		char text[32];
		stream_init(&s);
		head(&s, 0, 4, 0x01020304, 132, 9, 1);
		zeros(&s, 128);
		basic(&s, 3, 4);
		payload(&s, rest[i]);
		run_init(&u);
		feed(&u, s.buf, s.w.len);
		snprintf(text, sizeof(text), "ee%s E4", rest[i]);
		ck_assert_str_eq(u.trace + u.len - strlen(text), text);
		check(&s, NULL);
	}
}
END_TEST

START_TEST(ext_ts_missing_and_less_than_four_bytes_left)
{
	/* 03 and the next header are read as a timestamp until 04 differs. */
	struct stream s;
	static struct run u;
	stream_init(&s);
	head(&s, 0, 4, 0x03c30405, 129, 9, 1);
	zeros(&s, 128);
	basic(&s, 3, 4);
	payload(&s, "03");
	payload(&s, "c3"); /* type 3 on chunk stream 3: no context */
	payload(&s, "ff");
	run_init(&u);
	feed(&u, s.buf, s.w.len);
	ck_assert_ptr_nonnull(strstr(u.trace, "ee03 E4 !type3-first"));
	check(&s, NULL);
}
END_TEST

START_TEST(bytes_held_back_pass_through_the_next_chunks)
{
	/* Chunks of 1 byte, the payload looks like the timestamp c4c4c4c4. */
	struct stream s;
	stream_init(&s);
	head(&s, 0, 2, 0, 4, 1, 0);
	payload(&s, "00000001");
	head(&s, 0, 4, 0xc4c4c4c4, 3, 9, 1);
	payload(&s, "aa");
	payload(&s, "c4c4"); /* header, payload c4, no timestamp */
	payload(&s, "c4bb"); /* header, payload bb */
	check(&s, " B2 0 4 1 0 #2:00000001 E2 B4 3301229764 3 9 1"
		  " #4:aac4bb E4");
}
END_TEST

START_TEST(extended_deltas_are_added_and_repeated)
{
	struct stream s;
	static struct run u;
	stream_init(&s);
	head(&s, 0, 4, 100, 129, 9, 1);
	zeros(&s, 128);
	basic(&s, 3, 4);
	zeros(&s, 1);
	head(&s, 2, 4, 0x1000000, 0, 0, 0);
	zeros(&s, 128);
	basic(&s, 3, 4);
	payload(&s, "0100000011"); /* the delta repeated */
	basic(&s, 3, 4);
	payload(&s, "01000000"); /* a new message: the delta once more */
	zeros(&s, 128);
	basic(&s, 3, 4);
	payload(&s, "0200006412"); /* others repeat the time */
	run_init(&u);
	feed(&u, s.buf, s.w.len);
	ck_assert_ptr_nonnull(strstr(u.trace, " B4 16777316 129 9 1"));
	ck_assert_ptr_nonnull(strstr(u.trace, "ee11 E4 B4 33554532 129 9 1"));
	ck_assert_str_eq(u.trace + u.len - 7, "ee12 E4");
	check(&s, NULL);
}
END_TEST

START_TEST(timestamps_wrap)
{
	struct stream s;
	stream_init(&s);
	head(&s, 0, 4, 0xfffffff0, 1, 8, 1);
	payload(&s, "01");
	head(&s, 2, 4, 0x20, 0, 0, 0);
	payload(&s, "02");
	check(&s, " B4 4294967280 1 8 1 #4:01 E4 B4 16 1 8 1 #4:02 E4");
}
END_TEST

/* By deltas of types 1, 2 and 3 over 2^24, 2^31 and 2^32. */
START_TEST(timestamps_pass_every_boundary)
{
	static const uint32_t at[] = { 1u << 24, 1u << 31, 0 };
	for (size_t i = 0; i < 3; i++) {
		struct stream s;
		char expect[512] = "";
		stream_init(&s);
		head(&s, 0, 4, at[i] - 50, 1, 9, 1);
		payload(&s, "00");
		head(&s, 1, 4, 20, 1, 9, 0);
		payload(&s, "01");
		basic(&s, 3, 4);
		payload(&s, "02");
		head(&s, 2, 4, 30, 0, 0, 0);
		payload(&s, "03");
		basic(&s, 3, 4);
		payload(&s, "04");
		static const uint32_t steps[] = { 0, 20, 20, 30, 30 };
		uint32_t ts = at[i] - 50;
		for (unsigned k = 0; k < 5; k++) {
			char text[64];
			ts += steps[k];
			snprintf(text, sizeof(text), " B4 %u 1 9 1 #4:%02x E4",
			    ts, k);
			strcat(expect, text);
		}
		check(&s, expect);
	}
}
END_TEST

START_TEST(the_longest_message_fits_in_one_chunk)
{
	enum { LEN = 0xffffff, STEP = 100000 };
	struct chunk_reader r;
	struct chunk_ctx c[1];
	struct chunk_item it;
	struct stream s;
	uint8_t *zero = calloc(1, LEN);
	const uint8_t *p;
	size_t got = 0;
	stream_init(&s);
	head(&s, 0, 4, 0, LEN, 9, 1);
	chunk_reader_init(&r, c, 1);
	ck_assert(chunk_reader_set_size(&r, CHUNK_SIZE_MAX));
	p = s.buf;
	ck_assert_int_eq(chunk_next(&r, &p, s.buf + s.w.len, &it), CHUNK_BEGIN);
	for (size_t i = 0; i < LEN; i += STEP) {
		p = zero + i;
		const uint8_t *end = p + (LEN - i < STEP ? LEN - i : STEP);
		while (chunk_next(&r, &p, end, &it) == CHUNK_DATA)
			got += it.len;
	}
	ck_assert_uint_eq(got, LEN);
	ck_assert(!c[0].begun);
	ck_assert(chunk_reader_idle(&r));
	free(zero);
}
END_TEST

START_TEST(type_3_first_is_refused)
{
	struct stream s;
	stream_init(&s);
	head(&s, 0, 4, 0, 1, 8, 1);
	payload(&s, "01c5");
	check(&s, " B4 0 1 8 1 #4:01 E4 !type3-first");
}
END_TEST

START_TEST(type_2_first_is_refused)
{
	struct stream s;
	stream_init(&s);
	head(&s, 2, 4, 7, 0, 0, 0);
	check(&s, " !delta-first");
}
END_TEST

START_TEST(type_1_first_counts_from_0)
{
	struct stream s;
	stream_init(&s);
	head(&s, 1, 2, 7, 6, 4, 0);
	payload(&s, "000700000001");
	check(&s, " B2 7 6 4 0 #2:000700000001 E2");
}
END_TEST

START_TEST(another_length_inside_a_message_is_refused)
{
	for (unsigned type = 0; type < 2; type++) {
		struct stream s;
		static struct run u;
		stream_init(&s);
		head(&s, 0, 4, 0, 200, 9, 1);
		zeros(&s, 128);
		head(&s, type, 4, 0, 201, 9, 1);
		zeros(&s, 72);
		run_init(&u);
		feed(&u, s.buf, s.w.len);
		ck_assert_int_eq(u.error, CHUNK_LENGTH_CHANGED);
		check(&s, NULL);
	}
}
END_TEST

START_TEST(a_header_inside_a_message_is_refused)
{
	for (unsigned type = 0; type < 3; type++) {
		struct stream s;
		static struct run u;
		stream_init(&s);
		head(&s, 0, 4, 0, 200, 9, 1);
		zeros(&s, 128);
		head(&s, type, 4, 0, 200, 9, 1);
		zeros(&s, 72);
		run_init(&u);
		feed(&u, s.buf, s.w.len);
		ck_assert_int_eq(u.error, CHUNK_HEADER_INSIDE);
		feed(&u, s.buf, s.w.len); /* and for ever */
		ck_assert_int_eq(u.error, CHUNK_HEADER_INSIDE);
		check(&s, NULL);
	}
}
END_TEST

START_TEST(chunk_sizes_from_1_to_31_bits_are_taken)
{
	struct chunk_reader r;
	struct chunk_ctx c[1];
	chunk_reader_init(&r, c, 1);
	ck_assert(!chunk_reader_set_size(&r, 0));
	ck_assert(!chunk_reader_set_size(&r, 0x80000000));
	ck_assert(!chunk_reader_set_size(&r, 0xffffffff));
	ck_assert_uint_eq(r.size, CHUNK_SIZE_DEFAULT);
	ck_assert(chunk_reader_set_size(&r, 1));
	ck_assert(chunk_reader_set_size(&r, CHUNK_SIZE_MAX));
	ck_assert_uint_eq(r.size, CHUNK_SIZE_MAX);
	ck_assert(chunk_reader_set_size(&r, 0x7fffffff));
	ck_assert_uint_eq(r.size, CHUNK_SIZE_MAX);
}
END_TEST

START_TEST(set_chunk_size_holds_from_the_next_header)
{
	struct stream s;
	static struct run u;
	stream_init(&s);
	head(&s, 0, 4, 0, 300, 9, 1);
	zeros(&s, 128);
	head(&s, 0, 2, 0, 4, 1, 0);
	payload(&s, "00001000");
	basic(&s, 3, 4);
	zeros(&s, 172);
	head(&s, 0, 3, 0, 500, 20, 0);
	zeros(&s, 500);
	run_init(&u);
	feed(&u, s.buf, s.w.len);
	ck_assert_int_eq(u.error, CHUNK_OK);
	ck_assert_str_eq(u.trace + u.len - 3, " E3");
	check(&s, NULL);
}
END_TEST

START_TEST(an_aborted_message_is_forgotten)
{
	struct stream s;
	static struct run u;
	stream_init(&s);
	head(&s, 0, 4, 10, 200, 9, 1);
	zeros(&s, 128);
	head(&s, 0, 2, 0, 4, 2, 0);
	payload(&s, "00000004");
	head(&s, 1, 4, 5, 1, 8, 0);
	payload(&s, "33");
	run_init(&u);
	feed(&u, s.buf, s.w.len);
	ck_assert_str_eq(u.trace + u.len - 24, " E2 B4 15 1 8 1 #4:33 E4");
	ck_assert_ptr_null(chunk_reader_abort(&u.r, 4));
	ck_assert_ptr_null(chunk_reader_abort(&u.r, 77));
	check(&s, NULL);
}
END_TEST

START_TEST(a_full_array_asks_for_a_larger_one_and_goes_on)
{
	struct stream s;
	struct chunk_reader r;
	struct chunk_ctx one[1], two[2];
	struct chunk_item it;
	stream_init(&s);
	head(&s, 0, 4, 10, 200, 9, 1);
	zeros(&s, 128);
	head(&s, 0, 5, 11, 1, 8, 1);
	payload(&s, "33");
	const uint8_t *p = s.buf, *end = s.buf + s.w.len;
	chunk_reader_init(&r, one, 1);
	ck_assert_int_eq(chunk_next(&r, &p, end, &it), CHUNK_BEGIN);
	it.ctx->user = &s;
	ck_assert_int_eq(chunk_next(&r, &p, end, &it), CHUNK_DATA);
	ck_assert_int_eq(chunk_next(&r, &p, end, &it), CHUNK_NEED_CTX);
	ck_assert_int_eq(chunk_next(&r, &p, end, &it), CHUNK_NEED_CTX);
	chunk_reader_grow(&r, two, 2);
	memset(one, 0xff, sizeof(one));
	ck_assert_int_eq(chunk_next(&r, &p, end, &it), CHUNK_BEGIN);
	ck_assert_ptr_null(it.ctx->user);
	ck_assert_uint_eq(it.ctx->csid, 5);
	ck_assert_int_eq(chunk_next(&r, &p, end, &it), CHUNK_DATA);
	ck_assert_int_eq(chunk_next(&r, &p, end, &it), CHUNK_END);
	ck_assert_ptr_eq(two[0].user, &s);
	ck_assert_uint_eq(two[0].got, 128);
	ck_assert(chunk_reader_idle(&r));
}
END_TEST

START_TEST(payload_is_not_copied)
{
	struct stream s;
	struct chunk_reader r;
	struct chunk_ctx one[1];
	struct chunk_item it;
	stream_init(&s);
	head(&s, 0, 4, 10, 100, 9, 1);
	zeros(&s, 100);
	const uint8_t *p = s.buf, *end = s.buf + s.w.len;
	chunk_reader_init(&r, one, 1);
	ck_assert_int_eq(chunk_next(&r, &p, end, &it), CHUNK_BEGIN);
	ck_assert_int_eq(chunk_next(&r, &p, end, &it), CHUNK_DATA);
	ck_assert_ptr_eq(it.data, s.buf + 12);
	ck_assert_uint_eq(it.len, 100);
}
END_TEST

START_TEST(an_idle_connection_costs_less_than_600_bytes)
{
	ck_assert_uint_lt(
	    sizeof(struct chunk_reader) + 8 * sizeof(struct chunk_ctx), 600);
}
END_TEST

/* xorshift64, the same bytes in every run. */
static uint64_t
next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

START_TEST(random_streams_give_the_same_events_however_cut)
{
	static struct run whole, cut;
	uint64_t x = 0x5106ce;
	for (int round = 0; round < 4000; round++) {
		struct stream s;
		stream_init(&s);
		/* Mostly legal chunks on few chunk streams, then damage. */
		for (int i = 0; i < 8; i++) {
			uint64_t v = next_random(&x);
			unsigned type = v & 3;
			uint32_t csid = 2 + (v >> 2 & 3);
			uint32_t field = v >> 4 & 1 ? 0xc2c3c4u : 0xc2c2c2c2u;
			if (type == 3)
				basic(&s, type, csid);
			else
				head(&s, type, csid, field, v >> 5 & 7,
				    v >> 8 & 1 ? 9 : 1, 1);
			for (unsigned n = v >> 9 & 7; n > 0; n--)
				writer_u8(&s.w, v >> 13 & 1 ? 0xc2 : 0);
		}
		for (int i = round % 3; i > 0; i--)
			s.buf[next_random(&x) % s.w.len] =
			    (uint8_t)next_random(&x);
		run_init(&whole);
		feed_exact(&whole, s.buf, s.w.len);
		run_init(&cut);
		for (size_t i = 0; i < s.w.len;) {
			size_t n = 1 + next_random(&x) % 5;
			n = n < s.w.len - i ? n : s.w.len - i;
			feed_exact(&cut, s.buf + i, n);
			i += n;
		}
		ck_assert_str_eq(cut.trace, whole.trace);
	}
}
END_TEST

START_TEST(every_error_has_a_name)
{
	for (int e = CHUNK_OK; e <= CHUNK_HEADER_INSIDE; e++)
		ck_assert_str_ne(
		    chunk_error_name((enum chunk_error)e), "invalid");
	ck_assert_str_eq(chunk_error_name((enum chunk_error)99), "invalid");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("chunk");
	TCase *t = tcase_create("chunk");
	tcase_set_timeout(t, 120);
	suite_add_tcase(s, t);
	tcase_add_test(t, all_four_types_give_absolute_times);
	tcase_add_test(t, every_basic_header_form_names_its_chunk_stream);
	tcase_add_test(t, ids_64_to_319_are_the_same_in_both_forms);
	tcase_add_test(t, messages_interleave);
	tcase_add_test(t, a_message_of_length_0_begins_and_ends);
	tcase_add_test(t, type_3_after_type_0_adds_its_timestamp);
	tcase_add_test(t, type_3_after_an_extended_type_0_repeats_it);
	tcase_add_test(t, extended_timestamps_are_repeated_in_type_3);
	tcase_add_test(t, ext_ts_missing);
	tcase_add_test(t, ext_ts_missing_and_less_than_four_bytes_left);
	tcase_add_test(t, bytes_held_back_pass_through_the_next_chunks);
	tcase_add_test(t, extended_deltas_are_added_and_repeated);
	tcase_add_test(t, timestamps_wrap);
	tcase_add_test(t, timestamps_pass_every_boundary);
	tcase_add_test(t, the_longest_message_fits_in_one_chunk);
	tcase_add_test(t, type_3_first_is_refused);
	tcase_add_test(t, type_2_first_is_refused);
	tcase_add_test(t, type_1_first_counts_from_0);
	tcase_add_test(t, another_length_inside_a_message_is_refused);
	tcase_add_test(t, a_header_inside_a_message_is_refused);
	tcase_add_test(t, chunk_sizes_from_1_to_31_bits_are_taken);
	tcase_add_test(t, set_chunk_size_holds_from_the_next_header);
	tcase_add_test(t, an_aborted_message_is_forgotten);
	tcase_add_test(t, a_full_array_asks_for_a_larger_one_and_goes_on);
	tcase_add_test(t, payload_is_not_copied);
	tcase_add_test(t, an_idle_connection_costs_less_than_600_bytes);
	tcase_add_test(t, random_streams_give_the_same_events_however_cut);
	tcase_add_test(t, every_error_has_a_name);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
