#include "config.h"

#include "rtmp/cmd.h"
#include "rtmp/wire.h"

struct call {
	struct wire_mark mark;
	uint32_t chunk;
};

/* The format byte of the AMF3 types stands before everything. */
static struct call
message_begin(struct writer *w, uint32_t chunk, uint32_t csid, uint8_t type,
    uint32_t msid, uint32_t ts)
{
	struct call c = { .chunk = chunk & ~(uint32_t)CMD_AMF3 };
	bool amf3 = (chunk & CMD_AMF3) != 0;
	if (amf3)
		type = type == WIRE_DATA ? WIRE_DATA_AMF3 : WIRE_COMMAND_AMF3;
	wire_begin(w, &c.mark, csid, type, msid, ts);
	if (amf3)
		writer_u8(w, 0);
	return c;
}

static struct call
call_begin(struct writer *w, uint32_t chunk, uint32_t msid, const char *name,
    double txn)
{
	struct call c =
	    message_begin(w, chunk, WIRE_CSID_COMMAND, WIRE_COMMAND, msid, 0);
	amf0_write_text(w, name);
	amf0_write_number(w, txn);
	return c;
}

static void
call_end(struct writer *w, const struct call *c)
{
	wire_end(w, &c->mark, c->chunk);
}

static void
write_info(struct writer *w, const char *level, const char *code)
{
	amf0_object_begin(w);
	amf0_prop_text(w, "level", level);
	amf0_prop_text(w, "code", code);
}

static void
write_enhanced(struct writer *w, const struct cmd_connect_result *r)
{
	enum { FORWARD = 4 }; /* decode 1, encode 2 */
	if (r->fourcc_list) {
		amf0_key(w, "fourCcList");
		amf0_strict_begin(w, 1);
		amf0_write_text(w, "*");
	}
	if (r->video_fourcc_map) {
		amf0_key(w, "videoFourCcInfoMap");
		amf0_object_begin(w);
		amf0_prop_number(w, "*", FORWARD);
		amf0_object_end(w);
	}
	if (r->audio_fourcc_map) {
		amf0_key(w, "audioFourCcInfoMap");
		amf0_object_begin(w);
		amf0_prop_number(w, "*", FORWARD);
		amf0_object_end(w);
	}
	if (r->caps_ex != 0)
		amf0_prop_number(w, "capsEx", r->caps_ex);
	if (r->video_function != 0)
		amf0_prop_number(w, "videoFunction", r->video_function);
}

void
cmd_write_connect_result(
    struct writer *w, uint32_t chunk, const struct cmd_connect_result *r)
{
	struct call c = call_begin(w, chunk, 0, "_result", r->txn);
	amf0_object_begin(w);
	amf0_prop_text(w, "fmsVer", r->fms_ver);
	amf0_prop_number(w, "capabilities", 31);
	amf0_prop_number(w, "mode", 1);
	amf0_object_end(w);
	write_info(w, "status", "NetConnection.Connect.Success");
	amf0_prop_text(w, "description",
	    r->description != NULL ? r->description : "Connection succeeded.");
	amf0_prop_number(w, "objectEncoding", r->object_encoding);
	amf0_key(w, "data");
	amf0_ecma_begin(w, 1);
	amf0_prop_text(w, "version", r->version);
	amf0_object_end(w);
	if (r->node != NULL)
		amf0_prop_text(w, CMD_NODE, r->node);
	if (r->tree != 0)
		amf0_prop_number(w, CMD_TREE, r->tree);
	if (r->informed)
		amf0_prop_boolean(w, CMD_ASK, false);
	write_enhanced(w, r);
	amf0_object_end(w);
	call_end(w, &c);
}

void
cmd_write_error(struct writer *w, uint32_t chunk, double txn, const char *code,
    const char *description)
{
	struct call c = call_begin(w, chunk, 0, "_error", txn);
	amf0_write_null(w);
	write_info(w, "error", code);
	amf0_prop_text(w, "description", description);
	amf0_object_end(w);
	call_end(w, &c);
}

void
cmd_write_error_raw(
    struct writer *w, uint32_t chunk, double txn, struct span info)
{
	struct call c = call_begin(w, chunk, 0, "_error", txn);
	amf0_write_null(w);
	writer_span(w, info);
	call_end(w, &c);
}

void
cmd_write_result_number(
    struct writer *w, uint32_t chunk, double txn, double number)
{
	struct call c = call_begin(w, chunk, 0, "_result", txn);
	amf0_write_null(w);
	amf0_write_number(w, number);
	call_end(w, &c);
}

void
cmd_write_result_null(struct writer *w, uint32_t chunk, double txn)
{
	struct call c = call_begin(w, chunk, 0, "_result", txn);
	amf0_write_null(w);
	amf0_write_undefined(w);
	call_end(w, &c);
}

void
cmd_write_on_status_raw(
    struct writer *w, uint32_t chunk, uint32_t msid, struct span info)
{
	struct call c = call_begin(w, chunk, msid, "onStatus", 0);
	amf0_write_null(w);
	writer_span(w, info);
	call_end(w, &c);
}

void
cmd_write_on_status(
    struct writer *w, uint32_t chunk, uint32_t msid, const struct cmd_status *s)
{
	struct call c = call_begin(w, chunk, msid, "onStatus", 0);
	amf0_write_null(w);
	write_info(w, s->level, s->code);
	amf0_prop_string(w, "description", s->description);
	if (s->details.p != NULL)
		amf0_prop_string(w, "details", s->details);
	if (s->client_id.p != NULL)
		amf0_prop_string(w, "clientid", s->client_id);
	amf0_object_end(w);
	call_end(w, &c);
}

/* before name after, as one string of at most 65535 bytes. */
static void
write_sentence(
    struct writer *w, const char *before, struct span name, const char *after)
{
	struct span b = span_of(before), a = span_of(after);
	size_t len = b.len + name.len + a.len;
	if (len > UINT16_MAX) {
		writer_fail(w);
		return;
	}
	writer_u8(w, AMF0_STRING);
	writer_u16(w, (uint16_t)len);
	writer_span(w, b);
	writer_span(w, name);
	writer_span(w, a);
}

void
cmd_write_on_status_name(struct writer *w, uint32_t chunk, uint32_t msid,
    const char *level, const char *code, const char *before, struct span name,
    const char *after, struct span client_id)
{
	struct call c = call_begin(w, chunk, msid, "onStatus", 0);
	amf0_write_null(w);
	write_info(w, level, code);
	amf0_key(w, "description");
	write_sentence(w, before, name, after);
	amf0_prop_string(w, "details", name);
	if (client_id.p != NULL)
		amf0_prop_string(w, "clientid", client_id);
	amf0_object_end(w);
	call_end(w, &c);
}

void
cmd_write_on_fc(struct writer *w, uint32_t chunk, const char *name,
    const char *code, struct span description)
{
	struct call c = call_begin(w, chunk, 0, name, 0);
	amf0_write_null(w);
	write_info(w, "status", code);
	amf0_prop_string(w, "description", description);
	amf0_object_end(w);
	call_end(w, &c);
}

void
cmd_write_close(struct writer *w, uint32_t chunk)
{
	cmd_write_call(w, chunk, CMD_CLOSE, 0, 0);
}

void
cmd_write_sample_access(struct writer *w, uint32_t chunk, uint32_t msid,
    uint32_t ts, bool audio, bool video)
{
	struct call c =
	    message_begin(w, chunk, WIRE_CSID_DATA, WIRE_DATA, msid, ts);
	amf0_write_text(w, "|RtmpSampleAccess");
	amf0_write_boolean(w, audio);
	amf0_write_boolean(w, video);
	call_end(w, &c);
}

void
cmd_write_data_start(
    struct writer *w, uint32_t chunk, uint32_t msid, uint32_t ts)
{
	struct call c =
	    message_begin(w, chunk, WIRE_CSID_DATA, WIRE_DATA, msid, ts);
	amf0_write_text(w, "onStatus");
	amf0_object_begin(w);
	amf0_prop_text(w, "code", "NetStream.Data.Start");
	amf0_object_end(w);
	call_end(w, &c);
}

static void
prop_if_string(struct writer *w, const char *key, struct span s)
{
	if (s.len > 0)
		amf0_prop_string(w, key, s);
}

static void
prop_if_number(struct writer *w, const char *key, double v)
{
	if (v != 0)
		amf0_prop_number(w, key, v);
}

static void
prop_if_value(struct writer *w, const char *key, const struct amf0_value *v)
{
	if (v->raw == NULL || v->raw_end == NULL)
		return;
	amf0_key(w, key);
	writer_bytes(w, v->raw, (size_t)(v->raw_end - v->raw));
}

void
cmd_write_connect(struct writer *w, uint32_t chunk, const struct cmd_connect *c)
{
	struct call call = call_begin(w, chunk, 0, "connect", c->txn);
	amf0_object_begin(w);
	amf0_prop_string(w, "app", c->app);
	prop_if_string(w, "type", c->type);
	prop_if_string(w, "flashVer", c->flash_ver);
	prop_if_string(w, "swfUrl", c->swf_url);
	amf0_prop_string(w, "tcUrl", c->tc_url);
	/* Players send it, publishers do not, as in FFmpeg. */
	if (c->type.len == 0)
		amf0_prop_boolean(w, "fpad", c->fpad);
	prop_if_number(w, "capabilities", c->capabilities);
	prop_if_number(w, "audioCodecs", c->audio_codecs);
	prop_if_number(w, "videoCodecs", c->video_codecs);
	prop_if_number(w, "videoFunction", c->video_function);
	prop_if_string(w, "pageUrl", c->page_url);
	prop_if_string(w, CMD_NODE, c->node);
	prop_if_string(w, CMD_CLIENT, c->client);
	prop_if_number(w, CMD_TREE, c->tree);
	prop_if_number(w, "objectEncoding", c->object_encoding);
	prop_if_value(w, "fourCcList", &c->fourcc_list);
	prop_if_value(w, "videoFourCcInfoMap", &c->video_fourcc_map);
	prop_if_value(w, "audioFourCcInfoMap", &c->audio_fourcc_map);
	prop_if_number(w, "capsEx", c->caps_ex);
	amf0_object_end(w);
	if (reader_left(&c->args) > 0)
		writer_bytes(w, c->args.p, reader_left(&c->args));
	call_end(w, &call);
}

void
cmd_write_call(
    struct writer *w, uint32_t chunk, enum cmd_id id, uint32_t msid, double txn)
{
	struct call c = call_begin(w, chunk, msid, cmd_name(id), txn);
	amf0_write_null(w);
	call_end(w, &c);
}

void
cmd_write_invoke(struct writer *w, uint32_t chunk, double txn,
    const char *method, struct span args)
{
	struct call c = call_begin(w, chunk, 0, method, txn);
	amf0_write_null(w);
	if (args.len > 0)
		writer_bytes(w, args.p, args.len);
	call_end(w, &c);
}

void
cmd_write_call_name(struct writer *w, uint32_t chunk, enum cmd_id id,
    double txn, struct span name)
{
	struct call c = call_begin(w, chunk, 0, cmd_name(id), txn);
	amf0_write_null(w);
	amf0_write_string(w, name);
	call_end(w, &c);
}

/* Between servers of ours: who it came through. */
static void
write_via(struct writer *w, struct span via, double hops)
{
	if (via.len == 0)
		return;
	amf0_object_begin(w);
	amf0_prop_string(w, CMD_VIA, via);
	amf0_prop_number(w, CMD_HOPS, hops);
	amf0_object_end(w);
}

void
cmd_write_publish(struct writer *w, uint32_t chunk, uint32_t msid, double txn,
    struct span name, const char *type, struct span via, double hops)
{
	struct call c = call_begin(w, chunk, msid, "publish", txn);
	amf0_write_null(w);
	amf0_write_string(w, name);
	amf0_write_text(w, type);
	write_via(w, via, hops);
	call_end(w, &c);
}

void
cmd_write_play(struct writer *w, uint32_t chunk, uint32_t msid, double txn,
    struct span name, double start_ms, struct span via, double hops)
{
	struct call c = call_begin(w, chunk, msid, "play", txn);
	amf0_write_null(w);
	amf0_write_string(w, name);
	amf0_write_number(w, start_ms);
	if (via.len > 0) {
		amf0_write_number(w, -1); /* duration: all */
		amf0_write_boolean(w, true);
		write_via(w, via, hops);
	}
	call_end(w, &c);
}

void
cmd_write_viewers(struct writer *w, uint32_t chunk, uint32_t msid, double n)
{
	struct call c = call_begin(w, chunk, msid, cmd_name(CMD_VIEWERS), 0);
	amf0_write_null(w);
	amf0_write_number(w, n);
	call_end(w, &c);
}

void
cmd_write_delete_stream(
    struct writer *w, uint32_t chunk, double txn, uint32_t msid)
{
	struct call c = call_begin(w, chunk, 0, "deleteStream", txn);
	amf0_write_null(w);
	amf0_write_number(w, msid);
	call_end(w, &c);
}

void
cmd_write_close_stream(struct writer *w, uint32_t chunk, uint32_t msid)
{
	cmd_write_call(w, chunk, CMD_CLOSE_STREAM, msid, 0);
}
