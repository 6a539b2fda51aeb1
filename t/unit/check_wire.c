/* check_wire - one case per promise of rtmp/wire.h. */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "rtmp/chunk.h"
#include "rtmp/wire.h"

/* clang-format off */
static const uint32_t times[] = { 0, 40, 0xfffffe, 0xffffff, 0x1000000,
	0x7fffffff, 0x80000000, 0xffffffff };
/* clang-format on */
enum { NTIMES = sizeof(times) / sizeof(*times) };

/*
 * Read n bytes with the chunk reader: exactly one message, with this header
 * and this payload.
 */
static void
expect_message(const uint8_t *buf, size_t n, uint32_t chunk, uint32_t csid,
    uint8_t type, uint32_t msid, uint32_t ts, const uint8_t *payload,
    size_t len)
{
	struct chunk_reader r;
	struct chunk_ctx ctx[1];
	struct chunk_item it;
	const uint8_t *p = buf, *end = buf + n;
	size_t got = 0;
	chunk_reader_init(&r, ctx, 1);
	ck_assert(chunk_reader_set_size(&r, chunk));
	ck_assert_int_eq(chunk_next(&r, &p, end, &it), CHUNK_BEGIN);
	ck_assert_uint_eq(it.ctx->csid, csid);
	ck_assert_uint_eq(it.ctx->type, type);
	ck_assert_uint_eq(it.ctx->msid, msid);
	ck_assert_uint_eq(it.ctx->ts, ts);
	ck_assert_uint_eq(it.ctx->len, len);
	enum chunk_event e;
	while ((e = chunk_next(&r, &p, end, &it)) == CHUNK_DATA) {
		ck_assert_int_eq(memcmp(it.data, payload + got, it.len), 0);
		got += it.len;
	}
	ck_assert_int_eq(e, CHUNK_END);
	ck_assert_uint_eq(got, len);
	ck_assert_ptr_eq(p, end);
	ck_assert_int_eq(chunk_next(&r, &p, end, &it), CHUNK_NEED_MORE);
}

static void
check_message(uint32_t ts, uint32_t len, uint32_t chunk)
{
	uint64_t size = wire_size(ts, len, chunk);
	uint8_t *payload = malloc(len + 1), *a = malloc(size);
	uint8_t *b = malloc(size);
	struct writer w, v;
	struct wire_mark m;
	for (uint32_t i = 0; i < len; i++)
		payload[i] = (uint8_t)(i * 7 + i / 251);

	writer_init(&w, a, size);
	wire_write(&w, 6, 9, 0x01020304, ts, payload, len, chunk);
	ck_assert(writer_ok(&w));
	ck_assert_uint_eq(w.len, size);
	expect_message(a, size, chunk, 6, 9, 0x01020304, ts, payload, len);

	writer_init(&v, b, size);
	wire_begin(&v, &m, 6, 9, 0x01020304, ts);
	writer_bytes(&v, payload, len);
	wire_end(&v, &m, chunk);
	ck_assert(writer_ok(&v));
	ck_assert_uint_eq(v.len, size);
	ck_assert_int_eq(memcmp(a, b, size), 0);

	/* A byte too small: refused, nothing written behind. */
	writer_init(&w, a, size - 1);
	wire_write(&w, 6, 9, 1, ts, payload, len, chunk);
	ck_assert(!writer_ok(&w));
	writer_init(&v, b, size - 1);
	wire_begin(&v, &m, 6, 9, 1, ts);
	writer_bytes(&v, payload, len);
	wire_end(&v, &m, chunk);
	ck_assert(!writer_ok(&v));
	free(payload);
	free(a);
	free(b);
}

START_TEST(arch_rule_02_wire_size)
{
	static const uint32_t chunks[] = { 1, 2, 128, 4096, WIRE_CHUNK };
	for (size_t c = 0; c < sizeof(chunks) / sizeof(*chunks); c++) {
		uint32_t cs = chunks[c];
		const uint32_t lens[] = { 0, 1, cs - 1, cs, cs + 1, 2 * cs,
			2 * cs + 1 };
		for (size_t t = 0; t < NTIMES; t++)
			for (size_t l = 0; l < sizeof(lens) / sizeof(*lens);
			     l++)
				check_message(times[t], lens[l], cs);
	}
	ck_assert_uint_eq(wire_size(0, 0, 128), 12);
	ck_assert_uint_eq(wire_size(0xffffff, 0, 128), 16);
	ck_assert_uint_eq(wire_size(0, 128, 128), 12 + 128);
	ck_assert_uint_eq(wire_size(0, 129, 128), 12 + 129 + 1);
	ck_assert_uint_eq(wire_size(0xffffff, 256, 128), 16 + 256 + 5);
	ck_assert_uint_eq(wire_size(0xffffffff, WIRE_MESSAGE_MAX, 1),
	    16 + 0xffffffull + 0xfffffeull * 5);
}
END_TEST

START_TEST(a_header_is_read_back_from_any_prefix)
{
	for (size_t t = 0; t < NTIMES; t++) {
		uint8_t buf[WIRE_HEAD0_MAX];
		struct wire_msg m;
		size_t n = wire_head0(buf, 63, times[t], 70000, 8, 5);
		ck_assert_uint_eq(n, wire_head0_size(times[t]));
		for (size_t i = 0; i < n; i++) {
			uint8_t *copy = malloc(i > 0 ? i : 1);
			memcpy(copy, buf, i);
			ck_assert_int_eq(
			    wire_parse(copy, i, &m), WIRE_NEED_MORE);
			free(copy);
		}
		ck_assert_int_eq(wire_parse(buf, n, &m), WIRE_OK);
		ck_assert_uint_eq(m.csid, 63);
		ck_assert_uint_eq(m.ts, times[t]);
		ck_assert_uint_eq(m.len, 70000);
		ck_assert_uint_eq(m.type, 8);
		ck_assert_uint_eq(m.msid, 5);
		ck_assert_uint_eq(m.head_len, n);
		ck_assert_uint_eq(
		    m.size, wire_size(times[t], 70000, WIRE_CHUNK));
	}
}
END_TEST

START_TEST(what_is_not_our_header_is_refused)
{
	static const uint8_t first[] = { 0x00, 0x01, 0x44, 0x84, 0xc4 };
	for (size_t i = 0; i < sizeof(first); i++) {
		uint8_t buf[WIRE_HEAD0_MAX] = { first[i] };
		struct wire_msg m;
		ck_assert_int_eq(wire_parse(buf, sizeof(buf), &m), WIRE_BAD);
	}
}
END_TEST

START_TEST(a_message_too_long_for_24_bits_is_refused)
{
	static uint8_t big[WIRE_MESSAGE_MAX + 1];
	size_t cap = sizeof(big) + 4096;
	uint8_t *buf = malloc(cap);
	struct writer w;
	struct wire_mark m;
	writer_init(&w, buf, cap);
	wire_write(&w, 4, 8, 1, 0, big, sizeof(big), WIRE_CHUNK);
	ck_assert(!writer_ok(&w));
	writer_init(&w, buf, cap);
	wire_begin(&w, &m, 4, 8, 1, 0);
	writer_bytes(&w, big, sizeof(big));
	ck_assert(writer_ok(&w));
	wire_end(&w, &m, WIRE_CHUNK);
	ck_assert(!writer_ok(&w));
	free(buf);
}
END_TEST

/* The payload of the one message in w, which is of this type. */
static struct wire_control
control_in(const struct writer *w, uint8_t type)
{
	struct wire_msg m;
	struct wire_control c;
	ck_assert(writer_ok(w));
	ck_assert_int_eq(wire_parse(w->buf, w->len, &m), WIRE_OK);
	ck_assert_uint_eq(m.type, type);
	ck_assert_uint_eq(m.csid, WIRE_CSID_CONTROL);
	ck_assert_uint_eq(m.msid, 0);
	ck_assert_uint_eq(m.size, w->len);
	const uint8_t *payload = w->buf + m.head_len;
	ck_assert(wire_parse_control(type, payload, m.len, &c));
	for (size_t i = 0; i < m.len; i++) {
		struct wire_control cut;
		uint8_t *copy = malloc(i > 0 ? i : 1);
		memcpy(copy, payload, i);
		ck_assert(!wire_parse_control(type, copy, i, &cut));
		free(copy);
	}
	return c;
}

START_TEST(control_messages_are_read_back_and_every_prefix_refused)
{
	uint8_t buf[64];
	struct writer w;
	struct wire_control c;
	writer_init(&w, buf, sizeof(buf));
	wire_set_chunk_size(&w, 65536);
	ck_assert_uint_eq(control_in(&w, WIRE_SET_CHUNK_SIZE).value, 65536);
	writer_init(&w, buf, sizeof(buf));
	wire_abort(&w, 70);
	ck_assert_uint_eq(control_in(&w, WIRE_ABORT).value, 70);
	writer_init(&w, buf, sizeof(buf));
	wire_ack(&w, 0xfffffff0);
	ck_assert_uint_eq(control_in(&w, WIRE_ACK).value, 0xfffffff0);
	writer_init(&w, buf, sizeof(buf));
	wire_window_ack_size(&w, 2500000);
	ck_assert_uint_eq(control_in(&w, WIRE_WINDOW_ACK_SIZE).value, 2500000);
	writer_init(&w, buf, sizeof(buf));
	wire_peer_bandwidth(&w, 2500000, 2);
	c = control_in(&w, WIRE_PEER_BANDWIDTH);
	ck_assert_uint_eq(c.value, 2500000);
	ck_assert_uint_eq(c.limit, 2);
	writer_init(&w, buf, sizeof(buf));
	wire_user_control(&w, WIRE_PING_REQUEST, 1234);
	c = control_in(&w, WIRE_USER_CONTROL);
	ck_assert_uint_eq(c.event, WIRE_PING_REQUEST);
	ck_assert_uint_eq(c.value, 1234);
	writer_init(&w, buf, sizeof(buf));
	wire_set_buffer_length(&w, 1, 3000);
	c = control_in(&w, WIRE_USER_CONTROL);
	ck_assert_uint_eq(c.event, WIRE_SET_BUFFER_LENGTH);
	ck_assert_uint_eq(c.value, 1);
	ck_assert_uint_eq(c.ms, 3000);
}
END_TEST

START_TEST(control_messages_of_no_meaning_are_refused)
{
	static const uint8_t hard3[5] = { 0, 0, 0, 1, 3 };
	static const uint8_t event[2] = { 0, 26 };
	struct wire_control c;
	ck_assert(!wire_parse_control(WIRE_PEER_BANDWIDTH, hard3, 5, &c));
	ck_assert(!wire_parse_control(8, hard3, 5, &c));
	ck_assert(!wire_parse_control(0, hard3, 5, &c));
	/* An event that we do not know is none of our business. */
	ck_assert(wire_parse_control(WIRE_USER_CONTROL, event, 2, &c));
	ck_assert_uint_eq(c.event, 26);
}
END_TEST

START_TEST(arch_rule_12_chunk_size_announced_is_the_one_of_rings)
{
	uint8_t buf[32];
	struct writer w;
	writer_init(&w, buf, sizeof(buf));
	wire_set_chunk_size(&w, WIRE_CHUNK);
	ck_assert_uint_eq(WIRE_CHUNK, 65536);
	ck_assert_uint_eq(w.len, 16);
	ck_assert_mem_eq(buf,
	    "\x02\x00\x00\x00\x00\x00\x04\x01\x00\x00\x00\x00"
	    "\x00\x01\x00\x00",
	    16);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("wire");
	TCase *t = tcase_create("wire");
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	tcase_add_test(t, arch_rule_02_wire_size);
	tcase_add_test(t, a_header_is_read_back_from_any_prefix);
	tcase_add_test(t, what_is_not_our_header_is_refused);
	tcase_add_test(t, a_message_too_long_for_24_bits_is_refused);
	tcase_add_test(
	    t, control_messages_are_read_back_and_every_prefix_refused);
	tcase_add_test(t, control_messages_of_no_meaning_are_refused);
	tcase_add_test(
	    t, arch_rule_12_chunk_size_announced_is_the_one_of_rings);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
