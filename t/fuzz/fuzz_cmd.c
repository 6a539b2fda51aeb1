/* fuzz_cmd - libFuzzer entry point for rtmp/cmd.h, wire control, flvtag. */
#include "config.h"

#include <stdlib.h>

#include "rtmp/cmd.h"
#include "rtmp/flvtag.h"
#include "rtmp/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
parse_command(uint8_t type, const uint8_t *p, size_t n)
{
	struct cmd c;
	struct cmd_connect connect;
	struct cmd_publish publish;
	struct cmd_play play;
	struct cmd_play2 play2;
	struct cmd_reply reply;
	struct span name;
	uint32_t id;
	bool flag;
	double number;
	if (cmd_parse(type, p, n, &c) != AMF0_OK)
		return;
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

static void
parse_media(const uint8_t *p, size_t n)
{
	struct flv_video_info v;
	struct flv_audio_info a;
	flv_video_class(p, n);
	flv_audio_class(p, n);
	flv_video_codec(p, n);
	flv_audio_codec(p, n);
	flv_video_info(p, n, &v);
	flv_audio_info(p, n, &a);
}

/* The first byte is the message type. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_control control;
	struct wire_msg msg;
	struct data_msg d;
	if (size < 1)
		return 0;
	uint8_t type = data[0];
	data++;
	size--;
	parse_command(type, data, size);
	parse_media(data, size);
	wire_parse_control(type, data, size, &control);
	wire_parse(data, size, &msg);
	if (data_parse(type, data, size, &d) == AMF0_OK && d.offset > size)
		abort();
	return 0;
}
