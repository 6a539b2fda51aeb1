#include "config.h"

#include <math.h>
#include <string.h>

#include "rtmp/amf3.h"
#include "rtmp/cmd.h"
#include "rtmp/wire.h"

static const char *const names[CMD_COUNT] = {
#define CMD_NAME(id, name) [CMD_##id] = name,
	CMD_NAMES(CMD_NAME)
#undef CMD_NAME
};

const char *
cmd_name(enum cmd_id id)
{
	return (unsigned)id < CMD_COUNT && names[id] != NULL ? names[id] : "";
}

static enum cmd_id
id_of(struct span name)
{
	for (unsigned i = CMD_OTHER + 1; i < CMD_COUNT; i++)
		if (span_is(name, names[i]))
			return (enum cmd_id)i;
	return CMD_OTHER;
}

/*
 * Types 15 and 17 begin with a format byte of 0, then AMF0; some senders
 * leave it out, and then a string marker stands first.
 */
static void
skip_format(struct reader *r, bool amf3)
{
	if (amf3 && reader_left(r) > 0 && *r->p == 0)
		reader_u8(r);
}

/* The next value, or undefined at the end. */
static enum amf0_result
read_optional(struct reader *r, struct amf0_value *v)
{
	enum amf0_result e = amf0_read(r, v);
	return e == AMF0_END ? AMF0_OK : e;
}

static struct span
string_or_empty(const struct amf0_value *v)
{
	return amf0_is_string(v) ? v->str : (struct span){ "", 0 };
}

static double
number_or(const struct amf0_value *v, double other)
{
	return v->type == AMF0_NUMBER && isfinite(v->number) ? v->number
							     : other;
}

/* A whole number of 32 bits, or false. */
static bool
whole32(double d, uint32_t *out)
{
	if (!(d >= 0 && d <= UINT32_MAX) || d != (uint32_t)d)
		return false;
	*out = (uint32_t)d;
	return true;
}

enum amf0_result
cmd_parse(uint8_t type, const uint8_t *payload, size_t len, struct cmd *c)
{
	struct amf0_value v;
	memset(c, 0, sizeof(*c));
	c->name = (struct span){ "", 0 };
	reader_init(&c->rest, payload, len);
	skip_format(&c->rest, type == WIRE_COMMAND_AMF3);
	enum amf0_result e = amf0_read(&c->rest, &v);
	if (e != AMF0_OK)
		return e == AMF0_END ? AMF0_MALFORMED : e;
	if (v.type != AMF0_STRING)
		return AMF0_MALFORMED;
	c->name = v.str;
	e = read_optional(&c->rest, &v);
	if (e != AMF0_OK)
		return e;
	if (v.type != AMF0_NUMBER && v.type != AMF0_UNDEFINED)
		return AMF0_MALFORMED;
	c->txn = number_or(&v, 0);
	c->id = id_of(c->name);
	return AMF0_OK;
}

static void
connect_property(
    struct cmd_connect *out, struct span key, const struct amf0_value *v)
{
	/* clang-format off */
	const struct {
		const char *key;
		struct span *to;
	} strings[] = {
		{ "app", &out->app },
		{ "tcUrl", &out->tc_url },
		{ "flashVer", &out->flash_ver },
		{ "swfUrl", &out->swf_url },
		{ "pageUrl", &out->page_url },
		{ "type", &out->type },
		{ CMD_NODE, &out->node },
		{ CMD_CLIENT, &out->client },
		{ CMD_CLIENT_VIA, &out->via },
	};
	const struct {
		const char *key;
		double *to;
	} numbers[] = {
		{ "capabilities", &out->capabilities },
		{ "audioCodecs", &out->audio_codecs },
		{ "videoCodecs", &out->video_codecs },
		{ "videoFunction", &out->video_function },
		{ "capsEx", &out->caps_ex },
		{ CMD_TREE, &out->tree },
		{ CMD_CLIENT_HOPS, &out->hops },
	};
	const struct {
		const char *key;
		struct amf0_value *to;
	} values[] = {
		{ "fourCcList", &out->fourcc_list },
		{ "videoFourCcInfoMap", &out->video_fourcc_map },
		{ "audioFourCcInfoMap", &out->audio_fourcc_map },
	};
	/* clang-format on */
	for (unsigned i = 0; i < sizeof(strings) / sizeof(*strings); i++)
		if (span_is(key, strings[i].key))
			*strings[i].to = string_or_empty(v);
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (span_is(key, numbers[i].key))
			*numbers[i].to = number_or(v, 0);
	for (unsigned i = 0; i < sizeof(values) / sizeof(*values); i++)
		if (span_is(key, values[i].key))
			*values[i].to = *v;
	if (span_is(key, "fpad"))
		out->fpad = v->type == AMF0_BOOLEAN && v->boolean;
	else if (span_is(key, "objectEncoding"))
		out->object_encoding = number_or(v, 0) == 3 ? 3 : 0;
}

static void
clear_connect(struct cmd_connect *out)
{
	const struct span empty = { "", 0 };
	memset(out, 0, sizeof(*out));
	out->app = out->tc_url = out->flash_ver = out->swf_url = empty;
	out->page_url = out->type = out->node = empty;
	out->fourcc_list.type = AMF0_UNDEFINED;
	out->video_fourcc_map.type = AMF0_UNDEFINED;
	out->audio_fourcc_map.type = AMF0_UNDEFINED;
}

/* The properties of an AMF3 connect object. */
static enum amf0_result
connect_avmplus(struct cmd_connect *out, const struct amf0_value *object)
{
	struct amf3_tables tables;
	struct amf3_value all, in;
	struct amf3_iter it;
	struct amf3 a;
	struct span key;
	amf3_init(&a, &tables, object->raw + 1,
	    (size_t)(object->raw_end - object->raw) - 1);
	if (amf3_read(&a, &all) != AMF0_OK || !amf3_is_container(&all))
		return AMF0_MALFORMED;
	amf3_iter_init(&it, &a, &all);
	while (amf3_iter_next(&it, &key, &in)) {
		struct amf0_value v = { .raw = NULL };
		amf3_as_amf0(&in, &v);
		connect_property(out, key, &v);
	}
	return AMF0_OK;
}

enum amf0_result
cmd_parse_connect(const struct cmd *c, struct cmd_connect *out)
{
	struct amf0_value object, v;
	struct amf0_iter it;
	struct span key;

	clear_connect(out);
	out->txn = c->txn;
	out->args = c->rest;
	enum amf0_result e = amf0_read(&out->args, &object);
	if (e != AMF0_OK)
		return e == AMF0_END ? AMF0_MALFORMED : e;
	if (object.type == AMF0_AVMPLUS)
		return connect_avmplus(out, &object);
	if (!amf0_is_object(&object))
		return AMF0_MALFORMED;
	amf0_iter_init(&it, &object);
	while (amf0_iter_next(&it, &key, &v))
		connect_property(out, key, &v);
	return AMF0_OK;
}

/* Past the command object: null, nearly always. */
static enum amf0_result
skip_object(const struct cmd *c, struct reader *r)
{
	struct amf0_value v;
	*r = c->rest;
	return read_optional(r, &v);
}

/* The first n arguments; those missing are undefined. */
static enum amf0_result
arguments(const struct cmd *c, struct amf0_value *v, unsigned n)
{
	struct reader r;
	enum amf0_result e = skip_object(c, &r);
	for (unsigned i = 0; i < n && e == AMF0_OK; i++)
		e = read_optional(&r, &v[i]);
	return e;
}

/* A stream name: a string, or the false that stops. */
static enum amf0_result
name_or_stop(const struct amf0_value *v, struct span *name, bool *stop)
{
	*name = string_or_empty(v);
	*stop = v->type == AMF0_BOOLEAN && !v->boolean;
	return amf0_is_string(v) || *stop ? AMF0_OK : AMF0_MALFORMED;
}

/*
 * start is in seconds in RTMP 1.0, 7.2.2.1, but senders count milliseconds:
 * only -1 and -2 are taken as written (GStreamer gst/rtmp2 sends -2).
 */
static double
play_start(double start)
{
	if (start == -1)
		return CMD_PLAY_LIVE;
	if (start == -2)
		return CMD_PLAY_ANY;
	return start;
}

static uint8_t
play_reset(const struct amf0_value *v)
{
	if (v->type == AMF0_BOOLEAN)
		return v->boolean;
	double n = number_or(v, 1);
	return n >= 0 && n <= 3 ? (uint8_t)n : 1;
}

static struct span
find_string(const struct amf0_value *object, const char *key)
{
	struct amf0_value v;
	amf0_find(object, key, &v);
	return string_or_empty(&v);
}

static double
find_number(const struct amf0_value *object, const char *key, double other)
{
	struct amf0_value v;
	amf0_find(object, key, &v);
	return number_or(&v, other);
}

enum amf0_result
cmd_parse_publish(const struct cmd *c, struct cmd_publish *out)
{
	struct amf0_value v[3];
	*out = (struct cmd_publish){ .name = { "", 0 }, .type = { "", 0 } };
	enum amf0_result e = arguments(c, v, 3);
	if (e != AMF0_OK)
		return e;
	out->type = string_or_empty(&v[1]);
	out->via = find_string(&v[2], CMD_VIA);
	out->hops = find_number(&v[2], CMD_HOPS, 0);
	return name_or_stop(&v[0], &out->name, &out->stop);
}

enum amf0_result
cmd_parse_play(const struct cmd *c, struct cmd_play *out)
{
	struct amf0_value v[5];
	*out = (struct cmd_play){ .name = { "", 0 }, .via = { "", 0 } };
	enum amf0_result e = arguments(c, v, 5);
	if (e != AMF0_OK)
		return e;
	out->start_ms = play_start(number_or(&v[1], CMD_PLAY_ANY));
	out->duration_ms = number_or(&v[2], -1);
	out->reset = play_reset(&v[3]);
	out->reset_sent = v[3].type == AMF0_BOOLEAN && v[3].boolean;
	out->via = find_string(&v[4], CMD_VIA);
	out->hops = find_number(&v[4], CMD_HOPS, 0);
	return name_or_stop(&v[0], &out->name, &out->stop);
}

enum amf0_result
cmd_parse_play2(const struct cmd *c, struct cmd_play2 *out)
{
	struct amf0_value v;
	*out = (struct cmd_play2){ .name = { "", 0 } };
	enum amf0_result e = arguments(c, &v, 1);
	if (e != AMF0_OK)
		return e;
	out->name = find_string(&v, "streamName");
	out->old_name = find_string(&v, "oldStreamName");
	out->transition = find_string(&v, "transition");
	out->start_ms = play_start(find_number(&v, "start", CMD_PLAY_ANY));
	out->duration_ms = find_number(&v, "len", -1);
	out->offset_s = find_number(&v, "offset", -1);
	return out->name.len > 0 ? AMF0_OK : AMF0_MALFORMED;
}

enum amf0_result
cmd_parse_name(const struct cmd *c, struct span *name)
{
	struct amf0_value v;
	*name = (struct span){ "", 0 };
	enum amf0_result e = arguments(c, &v, 1);
	if (e == AMF0_OK)
		*name = string_or_empty(&v);
	return e;
}

enum amf0_result
cmd_parse_number(const struct cmd *c, double *number)
{
	struct amf0_value v;
	*number = 0;
	enum amf0_result e = arguments(c, &v, 1);
	if (e != AMF0_OK)
		return e;
	if (v.type != AMF0_NUMBER || !isfinite(v.number))
		return AMF0_MALFORMED;
	*number = v.number;
	return AMF0_OK;
}

enum amf0_result
cmd_parse_stream_id(const struct cmd *c, uint32_t *id)
{
	double d;
	*id = 0;
	enum amf0_result e = cmd_parse_number(c, &d);
	if (e != AMF0_OK)
		return e;
	return whole32(d, id) ? AMF0_OK : AMF0_MALFORMED;
}

enum amf0_result
cmd_parse_flag(const struct cmd *c, bool *flag, double *number)
{
	struct amf0_value v[2];
	*flag = false;
	*number = 0;
	enum amf0_result e = arguments(c, v, 2);
	if (e != AMF0_OK)
		return e;
	*number = number_or(&v[1], 0);
	if (v[0].type == AMF0_BOOLEAN)
		*flag = v[0].boolean;
	else if (v[0].type == AMF0_NUMBER)
		*flag = number_or(&v[0], 0) != 0;
	else
		return AMF0_MALFORMED;
	return AMF0_OK;
}

enum amf0_result
cmd_parse_reply(const struct cmd *c, struct cmd_reply *out)
{
	struct reader r = c->rest;
	memset(out, 0, sizeof(*out));
	out->level = out->code = out->description = (struct span){ "", 0 };
	out->info.type = out->props.type = AMF0_UNDEFINED;
	enum amf0_result e = read_optional(&r, &out->props);
	if (e != AMF0_OK)
		return e;
	if (out->props.type == AMF0_NULL)
		out->props.type = AMF0_UNDEFINED;
	e = read_optional(&r, &out->info);
	if (e != AMF0_OK)
		return e;
	out->level = find_string(&out->info, "level");
	out->code = find_string(&out->info, "code");
	out->description = find_string(&out->info, "description");
	out->has_number = out->info.type == AMF0_NUMBER;
	out->number = number_or(&out->info, 0);
	return AMF0_OK;
}

struct span
cmd_reply_info(const struct cmd_reply *r)
{
	if (r->info.raw == NULL || !amf0_is_object(&r->info))
		return (struct span){ "", 0 };
	return (struct span){ (const char *)r->info.raw,
		(size_t)(r->info.raw_end - r->info.raw) };
}

bool
cmd_reply_stream_id(const struct cmd_reply *r, uint32_t *id)
{
	*id = 0;
	return r->has_number && isfinite(r->info.number) &&
	       whole32(r->number, id);
}

enum amf0_result
data_parse(uint8_t type, const uint8_t *payload, size_t len, struct data_msg *d)
{
	struct amf0_value v;
	*d = (struct data_msg){ .kind = DATA_EVENT, .name = { "", 0 } };
	reader_init(&d->rest, payload, len);
	const uint8_t *start = d->rest.p;
	skip_format(&d->rest, type == WIRE_DATA_AMF3);
	d->offset = (size_t)(d->rest.p - start);
	enum amf0_result e = amf0_read(&d->rest, &v);
	if (e != AMF0_OK)
		return e == AMF0_END ? AMF0_MALFORMED : e;
	if (v.type != AMF0_STRING)
		return AMF0_MALFORMED;
	if (span_is(v.str, "@setDataFrame"))
		d->kind = DATA_SET;
	else if (span_is(v.str, "@clearDataFrame"))
		d->kind = DATA_CLEAR;
	else {
		d->name = v.str;
		return AMF0_OK;
	}
	d->offset = (size_t)(d->rest.p - start);
	e = read_optional(&d->rest, &v);
	if (e == AMF0_OK)
		d->name = string_or_empty(&v);
	/* A set without a name could never reach a player. */
	if (e == AMF0_OK && d->kind == DATA_SET && v.type != AMF0_STRING)
		return AMF0_MALFORMED;
	return e;
}

/* Sent at all; an object or a list, whatever is in it. */
static bool
was_sent(const struct amf0_value *v)
{
	return v->type != AMF0_UNDEFINED && v->type != AMF0_NULL;
}

void
cmd_answer_enhanced(
    struct cmd_connect_result *r, const struct cmd_connect *c, uint32_t caps)
{
	uint32_t asked;
	r->fourcc_list = was_sent(&c->fourcc_list);
	r->video_fourcc_map = was_sent(&c->video_fourcc_map);
	r->audio_fourcc_map = was_sent(&c->audio_fourcc_map);
	r->caps_ex = whole32(c->caps_ex, &asked) ? asked & caps : 0;
	r->video_function = c->video_function;
}
