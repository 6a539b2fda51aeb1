/* check_cmd - one case per promise of rtmp/cmd.h. */
#include "config.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rtmp/chunk.h"
#include "rtmp/cmd.h"
#include "rtmp/wire.h"

enum { BUF = 8192 };

static uint8_t sent[BUF];    /* what a writer made: chunks */
static uint8_t payload[BUF]; /* the payload of its one message */
static size_t payload_len;
static struct wire_msg header;

/* Take the one message out of w again. */
static void
unpack(const struct writer *w, uint32_t chunk)
{
	struct chunk_reader r;
	struct chunk_ctx ctx[1];
	struct chunk_item it;
	const uint8_t *p = w->buf, *end = w->buf + w->len;
	enum chunk_event e;
	ck_assert(writer_ok(w));
	ck_assert_int_eq(wire_parse(p, w->len, &header), WIRE_OK);
	chunk_reader_init(&r, ctx, 1);
	ck_assert(chunk_reader_set_size(&r, chunk));
	payload_len = 0;
	while ((e = chunk_next(&r, &p, end, &it)) != CHUNK_END) {
		ck_assert(e == CHUNK_BEGIN || e == CHUNK_DATA);
		if (e == CHUNK_BEGIN)
			continue;
		memcpy(payload + payload_len, it.data, it.len);
		payload_len += it.len;
	}
	ck_assert_ptr_eq(p, end);
}

/* Every parser on these bytes, whatever they are. */
static void
parse_all(uint8_t type, const uint8_t *p, size_t n)
{
	struct cmd c;
	struct cmd_connect connect;
	struct cmd_publish publish;
	struct cmd_play play;
	struct cmd_play2 play2;
	struct cmd_reply reply;
	struct data_msg d;
	struct span name;
	uint32_t id;
	bool flag;
	double number;
	if (cmd_parse(type, p, n, &c) == AMF0_OK) {
		cmd_parse_connect(&c, &connect);
		cmd_parse_publish(&c, &publish);
		cmd_parse_play(&c, &play);
		cmd_parse_play2(&c, &play2);
		cmd_parse_name(&c, &name);
		cmd_parse_stream_id(&c, &id);
		cmd_parse_flag(&c, &flag, &number);
		cmd_parse_number(&c, &number);
		if (cmd_parse_reply(&c, &reply) == AMF0_OK)
			cmd_reply_stream_id(&reply, &id);
	}
	if (data_parse(type, p, n, &d) == AMF0_OK)
		ck_assert_uint_le(d.offset, n);
}

static uint64_t
next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Every prefix of the payload, and many damaged forms, without harm. */
static void
torture(void)
{
	static const uint8_t types[] = { WIRE_COMMAND, WIRE_COMMAND_AMF3 };
	uint64_t x = 0xc3d;
	for (size_t t = 0; t < 2; t++) {
		for (size_t i = 0; i < payload_len; i++) {
			uint8_t *copy = malloc(i > 0 ? i : 1);
			memcpy(copy, payload, i);
			parse_all(types[t], copy, i);
			free(copy);
		}
		for (int round = 0; round < 500; round++) {
			uint8_t *copy = malloc(payload_len);
			memcpy(copy, payload, payload_len);
			for (unsigned k = 1 + round % 3; k > 0; k--)
				copy[next_random(&x) % payload_len] =
				    (uint8_t)(next_random(&x) & 0x1f);
			parse_all(types[t], copy, payload_len);
			free(copy);
		}
	}
}

/* Parse the message just unpacked; expect this command. */
static struct cmd
expect(enum cmd_id id, double txn, uint32_t msid)
{
	struct cmd c;
	torture();
	ck_assert_uint_eq(header.type, WIRE_COMMAND);
	ck_assert_uint_eq(header.msid, msid);
	ck_assert_uint_eq(header.csid, WIRE_CSID_COMMAND);
	ck_assert_int_eq(
	    cmd_parse(WIRE_COMMAND, payload, payload_len, &c), AMF0_OK);
	ck_assert_int_eq(c.id, id);
	ck_assert(span_is(c.name, cmd_name(id)));
	ck_assert_double_eq(c.txn, txn);
	return c;
}

static struct writer
start(void)
{
	struct writer w;
	writer_init(&w, sent, sizeof(sent));
	return w;
}

START_TEST(connect_goes_from_client_to_server)
{
	static const uint32_t chunks[] = { 1, 128, 4096 };
	uint8_t list[64];
	struct writer l;
	struct reader r;
	struct cmd_connect c = { .txn = 1,
		.app = span_of("live/_definst_"),
		.tc_url = span_of("rtmp://host:1935/live"),
		.flash_ver = span_of("FMLE/3.0"),
		.type = span_of("nonprivate"),
		.swf_url = span_of("s"),
		.page_url = span_of("p"),
		.capabilities = 239,
		.audio_codecs = 3575,
		.video_codecs = 252,
		.video_function = 1,
		.caps_ex = 3,
		.object_encoding = 3 };
	writer_init(&l, list, sizeof(list));
	amf0_strict_begin(&l, 1);
	amf0_write_text(&l, "hvc1");
	reader_init(&r, list, l.len);
	ck_assert_int_eq(amf0_read(&r, &c.fourcc_list), AMF0_OK);
	for (size_t i = 0; i < 3; i++) {
		struct writer w = start();
		struct cmd_connect got;
		cmd_write_connect(&w, chunks[i], &c);
		unpack(&w, chunks[i]);
		struct cmd cmd = expect(CMD_CONNECT, 1, 0);
		ck_assert_int_eq(cmd_parse_connect(&cmd, &got), AMF0_OK);
		ck_assert_double_eq(got.txn, 1);
		ck_assert(span_equal(got.app, c.app));
		ck_assert(span_equal(got.tc_url, c.tc_url));
		ck_assert(span_equal(got.flash_ver, c.flash_ver));
		ck_assert(span_equal(got.swf_url, c.swf_url));
		ck_assert(span_equal(got.page_url, c.page_url));
		ck_assert(span_equal(got.type, c.type));
		ck_assert_double_eq(got.capabilities, 239);
		ck_assert_double_eq(got.audio_codecs, 3575);
		ck_assert_double_eq(got.video_codecs, 252);
		ck_assert_double_eq(got.video_function, 1);
		ck_assert_double_eq(got.caps_ex, 3);
		ck_assert_uint_eq(got.object_encoding, 3);
		ck_assert_int_eq(got.fourcc_list.type, AMF0_STRICT_ARRAY);
		ck_assert_uint_eq(
		    (size_t)(got.fourcc_list.raw_end - got.fourcc_list.raw),
		    l.len);
		ck_assert_int_eq(got.video_fourcc_map.type, AMF0_UNDEFINED);
		ck_assert_uint_eq(reader_left(&got.args), 0);
	}
}
END_TEST

/* A command written value by value: what no writer of ours would send. */
static struct cmd
odd(const char *name, void (*rest)(struct writer *))
{
	struct writer w;
	struct cmd c;
	writer_init(&w, payload, sizeof(payload));
	amf0_write_text(&w, name);
	amf0_write_number(&w, 7);
	rest(&w);
	ck_assert(writer_ok(&w));
	payload_len = w.len;
	torture();
	ck_assert_int_eq(cmd_parse(WIRE_COMMAND, payload, w.len, &c), AMF0_OK);
	return c;
}

static void
rest_nothing(struct writer *w)
{
	(void)w;
}

static void
rest_odd_connect(struct writer *w)
{
	amf0_ecma_begin(w, 0);
	amf0_prop_number(w, "app", 5);
	amf0_prop_text(w, "objectEncoding", "3");
	amf0_prop_number(w, "capabilities", NAN);
	amf0_prop_boolean(w, "fpad", true);
	amf0_prop_text(w, "unknown", "x");
	amf0_object_end(w);
	amf0_write_text(w, "user");
}

START_TEST(connect_properties_of_a_wrong_type_count_as_missing)
{
	struct cmd_connect got;
	struct amf0_value v;
	struct cmd c = odd("connect", rest_odd_connect);
	ck_assert_int_eq(cmd_parse_connect(&c, &got), AMF0_OK);
	ck_assert_uint_eq(got.app.len, 0);
	ck_assert_ptr_nonnull(got.app.p);
	ck_assert_uint_eq(got.object_encoding, 0);
	ck_assert_double_eq(got.capabilities, 0);
	ck_assert(got.fpad);
	ck_assert_int_eq(amf0_read(&got.args, &v), AMF0_OK);
	ck_assert(span_is(v.str, "user"));
	c = odd("connect", rest_nothing);
	ck_assert_int_eq(cmd_parse_connect(&c, &got), AMF0_MALFORMED);
}
END_TEST

START_TEST(the_answers_to_connect_are_read_back)
{
	struct writer w = start();
	struct cmd_reply r;
	struct amf0_value v, data;
	const struct cmd_connect_result res = {
		.txn = 1, .fms_ver = "FMS/5,0,17,0", .version = "5,0,17,0"
	};
	cmd_write_connect_result(&w, 128, &res);
	unpack(&w, 128);
	struct cmd c = expect(CMD_RESULT, 1, 0);
	ck_assert_int_eq(cmd_parse_reply(&c, &r), AMF0_OK);
	ck_assert(amf0_find(&r.props, "fmsVer", &v));
	ck_assert(span_is(v.str, "FMS/5,0,17,0"));
	ck_assert(amf0_find(&r.props, "capabilities", &v));
	ck_assert_double_eq(v.number, 31);
	ck_assert(amf0_find(&r.props, "mode", &v));
	ck_assert_double_eq(v.number, 1);
	ck_assert(span_is(r.level, "status"));
	ck_assert(span_is(r.code, "NetConnection.Connect.Success"));
	ck_assert(span_is(r.description, "Connection succeeded."));
	ck_assert(amf0_find(&r.info, "objectEncoding", &v));
	ck_assert_double_eq(v.number, 0);
	ck_assert(amf0_find(&r.info, "data", &data));
	ck_assert(amf0_find(&data, "version", &v));
	ck_assert(span_is(v.str, "5,0,17,0"));

	w = start();
	cmd_write_error(&w, 4096, 1, "NetConnection.Connect.Rejected", "why");
	unpack(&w, 4096);
	c = expect(CMD_ERROR, 1, 0);
	ck_assert_int_eq(cmd_parse_reply(&c, &r), AMF0_OK);
	ck_assert_int_eq(r.props.type, AMF0_UNDEFINED);
	ck_assert(span_is(r.level, "error"));
	ck_assert(span_is(r.code, "NetConnection.Connect.Rejected"));
	ck_assert(span_is(r.description, "why"));

	w = start();
	cmd_write_close(&w, 4096);
	unpack(&w, 4096);
	expect(CMD_CLOSE, 0, 0);
}
END_TEST

START_TEST(results_with_a_number_and_with_nothing)
{
	struct writer w = start();
	struct cmd_reply r;
	uint32_t id;
	cmd_write_result_number(&w, 128, 4, 1);
	unpack(&w, 128);
	struct cmd c = expect(CMD_RESULT, 4, 0);
	ck_assert_int_eq(cmd_parse_reply(&c, &r), AMF0_OK);
	ck_assert(cmd_reply_stream_id(&r, &id));
	ck_assert_uint_eq(id, 1);
	/* FFmpeg wants the number at this very place: null, then number */
	ck_assert_uint_eq(payload_len, 10 + 9 + 1 + 9);

	static const double no_ids[] = { -1, 1.5, 4294967296.0, NAN, INFINITY };
	for (size_t i = 0; i < 5; i++) {
		w = start();
		cmd_write_result_number(&w, 128, 4, no_ids[i]);
		unpack(&w, 128);
		c = expect(CMD_RESULT, 4, 0);
		ck_assert_int_eq(cmd_parse_reply(&c, &r), AMF0_OK);
		ck_assert(!cmd_reply_stream_id(&r, &id));
	}
	w = start();
	cmd_write_result_null(&w, 128, 2);
	unpack(&w, 128);
	c = expect(CMD_RESULT, 2, 0);
	ck_assert_int_eq(cmd_parse_reply(&c, &r), AMF0_OK);
	ck_assert(!r.has_number);
	ck_assert_int_eq(r.info.type, AMF0_UNDEFINED);
}
END_TEST

START_TEST(statuses_are_read_back)
{
	struct writer w = start();
	struct cmd_reply r;
	struct amf0_value v;
	const struct cmd_status s = { "status", "NetStream.Play.Start",
		span_of("Started."), span_of("cam1"), span_of("id") };
	cmd_write_on_status(&w, 128, 5, &s);
	unpack(&w, 128);
	struct cmd c = expect(CMD_ON_STATUS, 0, 5);
	ck_assert_int_eq(cmd_parse_reply(&c, &r), AMF0_OK);
	ck_assert(span_is(r.code, "NetStream.Play.Start"));
	ck_assert(span_is(r.description, "Started."));
	ck_assert(amf0_find(&r.info, "details", &v) && span_is(v.str, "cam1"));
	ck_assert(amf0_find(&r.info, "clientid", &v) && span_is(v.str, "id"));

	w = start();
	cmd_write_on_status_name(&w, 128, 1, "error",
	    "NetStream.Play.StreamNotFound", "Failed to play ", span_of("cam1"),
	    "; stream not found.", (struct span){ 0 });
	unpack(&w, 128);
	c = expect(CMD_ON_STATUS, 0, 1);
	ck_assert_int_eq(cmd_parse_reply(&c, &r), AMF0_OK);
	ck_assert(span_is(r.level, "error"));
	ck_assert(
	    span_is(r.description, "Failed to play cam1; stream not found."));
	ck_assert(!amf0_find(&r.info, "clientid", &v));

	w = start();
	cmd_write_on_fc(
	    &w, 128, "onFCPublish", "NetStream.Publish.Start", span_of("cam1"));
	unpack(&w, 128);
	c = expect(CMD_ON_FC_PUBLISH, 0, 0);
	ck_assert_int_eq(cmd_parse_reply(&c, &r), AMF0_OK);
	ck_assert(span_is(r.code, "NetStream.Publish.Start"));
}
END_TEST

START_TEST(calls_of_a_client_are_read_back)
{
	static const enum cmd_id named[] = { CMD_RELEASE_STREAM, CMD_FC_PUBLISH,
		CMD_FC_UNPUBLISH, CMD_FC_SUBSCRIBE, CMD_GET_STREAM_LENGTH };
	struct span name;
	uint32_t id;
	for (size_t i = 0; i < 5; i++) {
		struct writer w = start();
		cmd_write_call_name(&w, 128, named[i], 3, span_of("cam1?k=v"));
		unpack(&w, 128);
		struct cmd c = expect(named[i], 3, 0);
		ck_assert_int_eq(cmd_parse_name(&c, &name), AMF0_OK);
		ck_assert(span_is(name, "cam1?k=v"));
	}
	struct writer w = start();
	cmd_write_call(&w, 128, CMD_CREATE_STREAM, 0, 4);
	unpack(&w, 128);
	expect(CMD_CREATE_STREAM, 4, 0);
	w = start();
	cmd_write_close_stream(&w, 128, 3);
	unpack(&w, 128);
	expect(CMD_CLOSE_STREAM, 0, 3);
	w = start();
	cmd_write_delete_stream(&w, 128, 6, 0xffffffff);
	unpack(&w, 128);
	struct cmd c = expect(CMD_DELETE_STREAM, 6, 0);
	ck_assert_int_eq(cmd_parse_stream_id(&c, &id), AMF0_OK);
	ck_assert_uint_eq(id, 0xffffffff);
}
END_TEST

static void
rest_false(struct writer *w)
{
	amf0_write_null(w);
	amf0_write_boolean(w, false);
}

static void
rest_name_only(struct writer *w)
{
	amf0_write_null(w);
	amf0_write_text(w, "cam1");
}

START_TEST(publish_has_a_name_and_a_type)
{
	struct writer w = start();
	struct cmd_publish p;
	cmd_write_publish(&w, 128, 1, 5, span_of("cam1"), "live",
	    (struct span){ "", 0 }, 0);
	unpack(&w, 128);
	struct cmd c = expect(CMD_PUBLISH, 5, 1);
	ck_assert_int_eq(cmd_parse_publish(&c, &p), AMF0_OK);
	ck_assert(span_is(p.name, "cam1") && span_is(p.type, "live"));
	ck_assert(!p.stop);
	c = odd("publish", rest_name_only);
	ck_assert_int_eq(cmd_parse_publish(&c, &p), AMF0_OK);
	ck_assert_uint_eq(p.type.len, 0);
	c = odd("publish", rest_false);
	ck_assert_int_eq(cmd_parse_publish(&c, &p), AMF0_OK);
	ck_assert(p.stop);
	c = odd("publish", rest_nothing);
	ck_assert_int_eq(cmd_parse_publish(&c, &p), AMF0_MALFORMED);
}
END_TEST

static void
rest_full_play(struct writer *w)
{
	rest_name_only(w);
	amf0_write_number(w, -1);
	amf0_write_number(w, 5000);
	amf0_write_boolean(w, false);
}

static void
rest_wild_play(struct writer *w)
{
	rest_name_only(w);
	amf0_write_number(w, NAN);
	amf0_write_number(w, INFINITY);
	amf0_write_number(w, 1e300);
}

START_TEST(play_starts_are_the_same_in_seconds_and_milliseconds)
{
	/* clang-format off */
	static const double starts[][2] = {
		{ -2, CMD_PLAY_ANY }, { -2000, CMD_PLAY_ANY },
		{ -1, CMD_PLAY_LIVE }, { -1000, CMD_PLAY_LIVE },
		{ 0, 0 }, { 1500, 1500 },
	};
	/* clang-format on */
	struct cmd_play p;
	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		struct writer w = start();
		cmd_write_play(&w, 128, 1, 5, span_of("cam1"), starts[i][0],
		    (struct span){ "", 0 }, 0);
		unpack(&w, 128);
		struct cmd c = expect(CMD_PLAY, 5, 1);
		ck_assert_int_eq(cmd_parse_play(&c, &p), AMF0_OK);
		ck_assert(span_is(p.name, "cam1"));
		ck_assert_double_eq(p.start_ms, starts[i][1]);
		ck_assert_double_eq(p.duration_ms, -1);
		ck_assert_uint_eq(p.reset, 1);
	}
	struct cmd c = odd("play", rest_full_play);
	ck_assert_int_eq(cmd_parse_play(&c, &p), AMF0_OK);
	ck_assert_double_eq(p.start_ms, CMD_PLAY_LIVE);
	ck_assert_double_eq(p.duration_ms, 5000);
	ck_assert_uint_eq(p.reset, 0);
	c = odd("play", rest_wild_play);
	ck_assert_int_eq(cmd_parse_play(&c, &p), AMF0_OK);
	ck_assert_double_eq(p.start_ms, CMD_PLAY_ANY);
	ck_assert_double_eq(p.duration_ms, -1);
	ck_assert_uint_eq(p.reset, 1);
	c = odd("play", rest_false);
	ck_assert_int_eq(cmd_parse_play(&c, &p), AMF0_OK);
	ck_assert(p.stop);
}
END_TEST

static void
rest_pause(struct writer *w)
{
	amf0_write_null(w);
	amf0_write_boolean(w, true);
	amf0_write_number(w, 250);
}

static void
rest_half(struct writer *w)
{
	amf0_write_null(w);
	amf0_write_number(w, 0.5);
}

START_TEST(flags_and_numbers_are_checked)
{
	bool flag;
	double n;
	uint32_t id;
	struct cmd c = odd("pause", rest_pause);
	ck_assert_int_eq(cmd_parse_flag(&c, &flag, &n), AMF0_OK);
	ck_assert(flag);
	ck_assert_double_eq(n, 250);
	c = odd("receiveVideo", rest_half);
	ck_assert_int_eq(cmd_parse_flag(&c, &flag, &n), AMF0_OK);
	ck_assert(flag);
	ck_assert_int_eq(cmd_parse_number(&c, &n), AMF0_OK);
	ck_assert_double_eq(n, 0.5);
	ck_assert_int_eq(cmd_parse_stream_id(&c, &id), AMF0_MALFORMED);
	c = odd("seek", rest_nothing);
	ck_assert_int_eq(cmd_parse_number(&c, &n), AMF0_MALFORMED);
	ck_assert_int_eq(cmd_parse_flag(&c, &flag, &n), AMF0_MALFORMED);
	c = odd("deleteStream", rest_name_only);
	ck_assert_int_eq(cmd_parse_stream_id(&c, &id), AMF0_MALFORMED);
}
END_TEST

START_TEST(amf3_commands_with_and_without_format_byte)
{
	static const uint8_t with[] = "\0\2\0\4ping\0\100\0\0\0\0\0\0\0";
	struct cmd c;
	const size_t n = sizeof(with) - 1;
	ck_assert_int_eq(cmd_parse(WIRE_COMMAND_AMF3, with, n, &c), AMF0_OK);
	ck_assert(span_is(c.name, "ping"));
	ck_assert_int_eq(c.id, CMD_OTHER);
	ck_assert_double_eq(c.txn, 2);
	ck_assert_int_eq(
	    cmd_parse(WIRE_COMMAND_AMF3, with + 1, n - 1, &c), AMF0_OK);
	ck_assert_int_eq(cmd_parse(WIRE_COMMAND, with, n, &c), AMF0_MALFORMED);
	ck_assert_int_eq(cmd_parse(WIRE_COMMAND, with + 1, 7, &c), AMF0_OK);
	ck_assert_double_eq(c.txn, 0);
	ck_assert_int_eq(cmd_parse(WIRE_COMMAND, with, 0, &c), AMF0_MALFORMED);
}
END_TEST

/* Values in AMF3, each behind the marker that switches to it. */
static void
put3(struct writer *w, const void *p, size_t n)
{
	writer_u8(w, AMF0_AVMPLUS);
	writer_bytes(w, p, n);
}

static void
put3_text(struct writer *w, const char *text)
{
	uint8_t head[2] = { 6, (uint8_t)(strlen(text) << 1 | 1) };
	put3(w, head, 2);
	writer_span(w, span_of(text));
}

static const uint8_t dbl_minus_1000[] = { 5, 0xc0, 0x8f, 0x40, 0, 0, 0, 0, 0 };

static void
rest_play3(struct writer *w)
{
	put3(w, "\1", 1);
	put3_text(w, "cam1");
	put3(w, dbl_minus_1000, 9);
	put3(w, "\4\x05", 2);
	put3(w, "\2", 1);
}

static void
rest_publish3(struct writer *w)
{
	put3(w, "\1", 1);
	put3_text(w, "cam1");
	put3_text(w, "live");
}

static void
rest_pause3(struct writer *w)
{
	put3(w, "\1", 1);
	put3(w, "\3", 1);
	put3(w, "\4\x81\x7a", 3);
}

/* {app: "live", objectEncoding: 3, fourCcList: [...], capsEx: 7} */
static const uint8_t connect3[] = "\x0a\x0b\1"
				  "\x07"
				  "app\x06\x09live"
				  "\x1dobjectEncoding\4\3"
				  "\x15"
				  "fourCcList\x09\3\1\6\3*"
				  "\x0d"
				  "capsEx\4\7"
				  "\1";

static void
rest_connect3(struct writer *w)
{
	put3(w, connect3, sizeof(connect3) - 1);
	amf0_write_text(w, "user");
}

static void
rest_connect_bytes3(struct writer *w)
{
	put3(w, "\x0c\3A", 3);
}

START_TEST(arguments_in_amf3_mean_the_same)
{
	struct cmd_connect cc;
	struct cmd_publish pub;
	struct cmd_play play;
	struct amf0_value v;
	bool flag;
	double n;
	struct cmd c = odd("play", rest_play3);
	ck_assert_int_eq(cmd_parse_play(&c, &play), AMF0_OK);
	ck_assert(span_is(play.name, "cam1"));
	ck_assert_double_eq(play.start_ms, CMD_PLAY_LIVE);
	ck_assert_double_eq(play.duration_ms, 5);
	ck_assert_uint_eq(play.reset, 0);
	c = odd("publish", rest_publish3);
	ck_assert_int_eq(cmd_parse_publish(&c, &pub), AMF0_OK);
	ck_assert(span_is(pub.name, "cam1") && span_is(pub.type, "live"));
	c = odd("pause", rest_pause3);
	ck_assert_int_eq(cmd_parse_flag(&c, &flag, &n), AMF0_OK);
	ck_assert(flag && n == 250);
	c = odd("connect", rest_connect3);
	ck_assert_int_eq(cmd_parse_connect(&c, &cc), AMF0_OK);
	ck_assert(span_is(cc.app, "live"));
	ck_assert_uint_eq(cc.object_encoding, 3);
	ck_assert_double_eq(cc.caps_ex, 7);
	ck_assert_int_eq(cc.fourcc_list.type, AMF0_AVMPLUS);
	ck_assert_int_eq(amf0_read(&cc.args, &v), AMF0_OK);
	ck_assert(span_is(v.str, "user"));
	c = odd("connect", rest_connect_bytes3);
	ck_assert_int_eq(cmd_parse_connect(&c, &cc), AMF0_MALFORMED);
}
END_TEST

START_TEST(a_whole_command_in_amf3_is_read)
{
	struct writer w;
	struct cmd c;
	struct cmd_play play;
	writer_init(&w, payload, sizeof(payload));
	writer_u8(&w, 0);
	put3_text(&w, "play");
	put3(&w, "\4\5", 2);
	rest_play3(&w);
	payload_len = w.len;
	torture();
	ck_assert_int_eq(
	    cmd_parse(WIRE_COMMAND_AMF3, payload, w.len, &c), AMF0_OK);
	ck_assert_int_eq(c.id, CMD_PLAY);
	ck_assert_double_eq(c.txn, 5);
	ck_assert_int_eq(cmd_parse_play(&c, &play), AMF0_OK);
	ck_assert(span_is(play.name, "cam1"));
}
END_TEST

START_TEST(answers_to_amf3_clients_have_their_type_and_format_byte)
{
	struct cmd_reply r;
	struct amf0_value v;
	struct data_msg d;
	struct cmd c;
	const struct cmd_connect_result res = { .txn = 1,
		.fms_ver = "FMS/5,0,17,0",
		.version = "5,0,17,0",
		.object_encoding = 3 };
	for (uint32_t chunk = 64; chunk <= 65536; chunk *= 1024) {
		struct writer w = start();
		cmd_write_connect_result(&w, chunk | CMD_AMF3, &res);
		unpack(&w, chunk);
		ck_assert_uint_eq(header.type, WIRE_COMMAND_AMF3);
		ck_assert_uint_eq(payload[0], 0);
		torture();
		ck_assert_int_eq(
		    cmd_parse(header.type, payload, payload_len, &c), AMF0_OK);
		ck_assert_int_eq(c.id, CMD_RESULT);
		ck_assert_int_eq(cmd_parse_reply(&c, &r), AMF0_OK);
		ck_assert(amf0_find(&r.info, "objectEncoding", &v));
		ck_assert_double_eq(v.number, 3);
	}
	struct writer w = start();
	cmd_write_data_start(&w, 128 | CMD_AMF3, 1, 5);
	unpack(&w, 128);
	ck_assert_uint_eq(header.type, WIRE_DATA_AMF3);
	ck_assert_uint_eq(payload[0], 0);
	ck_assert_int_eq(
	    data_parse(header.type, payload, payload_len, &d), AMF0_OK);
	ck_assert(span_is(d.name, "onStatus"));
	ck_assert_uint_eq(d.offset, 1);
}
END_TEST

static void
rest_enhanced(struct writer *w)
{
	amf0_object_begin(w);
	amf0_prop_text(w, "app", "live");
	amf0_key(w, "fourCcList");
	amf0_strict_begin(w, 2);
	amf0_write_text(w, "hvc1");
	amf0_write_text(w, "av01");
	amf0_key(w, "videoFourCcInfoMap");
	amf0_object_begin(w);
	amf0_prop_number(w, "hvc1", 1);
	amf0_object_end(w);
	amf0_key(w, "audioFourCcInfoMap");
	amf0_object_begin(w);
	amf0_prop_number(w, "Opus", 1);
	amf0_object_end(w);
	amf0_prop_number(w, "capsEx", 15);
	amf0_prop_number(w, "videoFunction", 5);
	amf0_object_end(w);
}

static void
rest_not_enhanced(struct writer *w)
{
	amf0_object_begin(w);
	amf0_prop_text(w, "app", "live");
	amf0_key(w, "fourCcList");
	amf0_write_null(w);
	amf0_prop_number(w, "capsEx", -1);
	amf0_object_end(w);
}

START_TEST(enhanced_rtmp_is_answered_as_asked)
{
	static const char *const keys[] = { "fourCcList", "videoFourCcInfoMap",
		"audioFourCcInfoMap", "capsEx", "videoFunction" };
	struct cmd_connect_result res = {
		.txn = 1, .fms_ver = "FMS/5,0,17,0", .version = "5,0,17,0"
	};
	const uint32_t caps =
	    CMD_CAPS_MULTITRACK | CMD_CAPS_MODEX | CMD_CAPS_NANO;
	struct cmd_connect cc;
	struct cmd_reply r;
	struct amf0_value v, in;
	struct amf0_iter it;
	struct span key;
	struct cmd c = odd("connect", rest_enhanced);
	ck_assert_int_eq(cmd_parse_connect(&c, &cc), AMF0_OK);
	cmd_answer_enhanced(&res, &cc, caps);
	struct writer w = start();
	cmd_write_connect_result(&w, 128, &res);
	unpack(&w, 128);
	c = expect(CMD_RESULT, 1, 0);
	ck_assert_int_eq(cmd_parse_reply(&c, &r), AMF0_OK);
	ck_assert(amf0_find(&r.info, keys[0], &v));
	amf0_iter_init(&it, &v);
	ck_assert(amf0_iter_next(&it, &key, &in) && span_is(in.str, "*"));
	ck_assert(!amf0_iter_next(&it, &key, &in));
	for (size_t i = 1; i < 3; i++) {
		ck_assert(amf0_find(&r.info, keys[i], &v));
		ck_assert(amf0_find(&v, "*", &in) && in.number == 4);
	}
	ck_assert(amf0_find(&r.info, "capsEx", &v) && v.number == 14);
	ck_assert(amf0_find(&r.info, "videoFunction", &v) && v.number == 5);

	c = odd("connect", rest_not_enhanced);
	ck_assert_int_eq(cmd_parse_connect(&c, &cc), AMF0_OK);
	cmd_answer_enhanced(&res, &cc, caps);
	w = start();
	cmd_write_connect_result(&w, 128, &res);
	unpack(&w, 128);
	c = expect(CMD_RESULT, 1, 0);
	ck_assert_int_eq(cmd_parse_reply(&c, &r), AMF0_OK);
	for (size_t i = 0; i < 5; i++)
		ck_assert(!amf0_find(&r.info, keys[i], &v));
}
END_TEST

static void
rest_play2(struct writer *w)
{
	amf0_write_null(w);
	amf0_object_begin(w);
	amf0_prop_text(w, "streamName", "cam2");
	amf0_prop_text(w, "oldStreamName", "cam1");
	amf0_prop_text(w, "transition", "switch");
	amf0_prop_number(w, "start", -1);
	amf0_object_end(w);
}

START_TEST(play2_is_an_object)
{
	struct cmd_play2 p;
	struct cmd c = odd("play2", rest_play2);
	ck_assert_int_eq(cmd_parse_play2(&c, &p), AMF0_OK);
	ck_assert(span_is(p.name, "cam2") && span_is(p.old_name, "cam1"));
	ck_assert(span_is(p.transition, "switch"));
	ck_assert_double_eq(p.start_ms, CMD_PLAY_LIVE);
	ck_assert_double_eq(p.duration_ms, -1);
	ck_assert_double_eq(p.offset_s, -1);
	c = odd("play2", rest_name_only);
	ck_assert_int_eq(cmd_parse_play2(&c, &p), AMF0_MALFORMED);
	c = odd("play2", rest_nothing);
	ck_assert_int_eq(cmd_parse_play2(&c, &p), AMF0_MALFORMED);
}
END_TEST

/* A failure in any argument is told, by every parser. */
static void
rest_broken(struct writer *w)
{
	amf0_write_null(w);
	writer_u8(w, 14);
}

START_TEST(a_broken_argument_is_told)
{
	struct cmd c = odd("x", rest_broken);
	struct cmd_publish pub;
	struct cmd_play play;
	struct cmd_play2 play2;
	struct cmd_reply r;
	struct span name;
	uint32_t id;
	bool flag;
	double n;
	const enum amf0_result e = AMF0_UNSUPPORTED;
	ck_assert_int_eq(cmd_parse_publish(&c, &pub), e);
	ck_assert_int_eq(cmd_parse_play(&c, &play), e);
	ck_assert_int_eq(cmd_parse_play2(&c, &play2), e);
	ck_assert_int_eq(cmd_parse_name(&c, &name), e);
	ck_assert_int_eq(cmd_parse_stream_id(&c, &id), e);
	ck_assert_int_eq(cmd_parse_flag(&c, &flag, &n), e);
	ck_assert_int_eq(cmd_parse_reply(&c, &r), e);
}
END_TEST

START_TEST(set_data_frame_leaves_the_offset_of_the_rest)
{
	struct data_msg d;
	for (unsigned amf3 = 0; amf3 < 2; amf3++) {
		struct writer w;
		struct amf0_value v;
		uint8_t type = amf3 ? WIRE_DATA_AMF3 : WIRE_DATA;
		writer_init(&w, payload, sizeof(payload));
		if (amf3)
			writer_u8(&w, 0);
		size_t first = w.len;
		amf0_write_text(&w, "@setDataFrame");
		size_t offset = w.len;
		amf0_write_text(&w, "onMetaData");
		amf0_ecma_begin(&w, 1);
		amf0_prop_number(&w, "width", 640);
		amf0_object_end(&w);
		payload_len = w.len;
		torture();
		ck_assert_int_eq(data_parse(type, payload, w.len, &d), AMF0_OK);
		ck_assert_int_eq(d.kind, DATA_SET);
		ck_assert(span_is(d.name, "onMetaData"));
		ck_assert_uint_eq(d.offset, offset);
		ck_assert_int_eq(amf0_read(&d.rest, &v), AMF0_OK);
		ck_assert(amf0_find(&v, "width", &v));
		/* The rest is an event of its own. */
		ck_assert_int_eq(
		    data_parse(WIRE_DATA, payload + offset, w.len - offset, &d),
		    AMF0_OK);
		ck_assert_int_eq(d.kind, DATA_EVENT);
		ck_assert_uint_eq(d.offset, 0);
		ck_assert_int_eq(
		    data_parse(type, payload, first, &d), AMF0_MALFORMED);
		ck_assert_int_eq(
		    data_parse(type, payload, offset, &d), AMF0_MALFORMED);
	}
	struct writer w;
	writer_init(&w, payload, sizeof(payload));
	amf0_write_text(&w, "@clearDataFrame");
	amf0_write_text(&w, "onMetaData");
	ck_assert_int_eq(data_parse(WIRE_DATA, payload, w.len, &d), AMF0_OK);
	ck_assert_int_eq(d.kind, DATA_CLEAR);
	ck_assert(span_is(d.name, "onMetaData"));
}
END_TEST

START_TEST(data_messages_of_the_server_are_read_back)
{
	struct writer w = start();
	struct data_msg d;
	cmd_write_sample_access(&w, 128, 1, 1000, true, true);
	unpack(&w, 128);
	ck_assert_uint_eq(header.type, WIRE_DATA);
	ck_assert_uint_eq(header.ts, 1000);
	ck_assert_uint_eq(header.csid, WIRE_CSID_DATA);
	ck_assert_int_eq(
	    data_parse(WIRE_DATA, payload, payload_len, &d), AMF0_OK);
	ck_assert(span_is(d.name, "|RtmpSampleAccess"));
	ck_assert_uint_eq(reader_left(&d.rest), 4);
	w = start();
	cmd_write_data_start(&w, 128, 1, 0xffffffff);
	unpack(&w, 128);
	ck_assert_uint_eq(header.ts, 0xffffffff);
	ck_assert_int_eq(
	    data_parse(WIRE_DATA, payload, payload_len, &d), AMF0_OK);
	ck_assert(span_is(d.name, "onStatus"));
}
END_TEST

START_TEST(a_writer_too_small_is_told_at_the_end)
{
	size_t need = BUF;
	for (size_t cap = BUF, i = 0; cap <= BUF; cap = i++) {
		uint8_t *small = malloc(cap > 0 ? cap : 1);
		struct writer w;
		writer_init(&w, small, cap);
		cmd_write_on_status_name(&w, 64, 1, "status", "code",
		    "Started playing ", span_of("a name"), ".",
		    span_of("client"));
		if (cap == BUF)
			need = w.len;
		ck_assert_int_eq(writer_ok(&w), cap >= need);
		ck_assert_uint_le(w.len, cap);
		free(small);
	}
}
END_TEST

START_TEST(every_name_is_known_by_itself)
{
	for (int i = CMD_OTHER + 1; i < CMD_COUNT; i++) {
		struct writer w = start();
		cmd_write_call(&w, 128, (enum cmd_id)i, 0, 1);
		unpack(&w, 128);
		expect((enum cmd_id)i, 1, 0);
	}
	ck_assert_str_eq(cmd_name(CMD_OTHER), "");
	ck_assert_str_eq(cmd_name((enum cmd_id)9999), "");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("cmd");
	TCase *t = tcase_create("cmd");
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	tcase_add_test(t, connect_goes_from_client_to_server);
	tcase_add_test(t, connect_properties_of_a_wrong_type_count_as_missing);
	tcase_add_test(t, the_answers_to_connect_are_read_back);
	tcase_add_test(t, results_with_a_number_and_with_nothing);
	tcase_add_test(t, statuses_are_read_back);
	tcase_add_test(t, calls_of_a_client_are_read_back);
	tcase_add_test(t, publish_has_a_name_and_a_type);
	tcase_add_test(t, play_starts_are_the_same_in_seconds_and_milliseconds);
	tcase_add_test(t, flags_and_numbers_are_checked);
	tcase_add_test(t, amf3_commands_with_and_without_format_byte);
	tcase_add_test(t, arguments_in_amf3_mean_the_same);
	tcase_add_test(t, a_whole_command_in_amf3_is_read);
	tcase_add_test(
	    t, answers_to_amf3_clients_have_their_type_and_format_byte);
	tcase_add_test(t, enhanced_rtmp_is_answered_as_asked);
	tcase_add_test(t, play2_is_an_object);
	tcase_add_test(t, a_broken_argument_is_told);
	tcase_add_test(t, set_data_frame_leaves_the_offset_of_the_rest);
	tcase_add_test(t, data_messages_of_the_server_are_read_back);
	tcase_add_test(t, a_writer_too_small_is_told_at_the_end);
	tcase_add_test(t, every_name_is_known_by_itself);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
