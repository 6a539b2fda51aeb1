/*
 * cmd - commands and data messages (RTMP 1.0, 7.1.1, 7.1.2, 7.2) as structs,
 * both ways: a server reads what cmd_write_ of the client half writes, and
 * the other way round.  Strings point into the payload and live as long.
 * Writers append whole messages in chunks of `chunk` bytes; ask writer_ok()
 * once.  With CMD_AMF3 in chunk the message is of the AMF3 type (17, 15) and
 * begins with format byte 0; its values are AMF0 all the same, as servers
 * answer to objectEncoding 3.  Context: any; no state, no allocation.
 */
#ifndef RTMP_CMD_H
#define RTMP_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cursor.h"
#include "rtmp/amf0.h"

/* Beside a chunk size: see above. */
enum { CMD_AMF3 = 1 << 30 };

/* Bits of capsEx, Enhanced RTMP v2. */
enum {
	CMD_CAPS_RECONNECT = 1,
	CMD_CAPS_MULTITRACK = 2,
	CMD_CAPS_MODEX = 4,
	CMD_CAPS_NANO = 8
};

/* clang-format off */
#define CMD_NAMES(X) \
	X(CONNECT, "connect") \
	X(CREATE_STREAM, "createStream") \
	X(INIT_STREAM, "initStream") \
	X(PUBLISH, "publish") \
	X(PLAY, "play") \
	X(PLAY2, "play2") \
	X(DELETE_STREAM, "deleteStream") \
	X(CLOSE_STREAM, "closeStream") \
	X(RELEASE_STREAM, "releaseStream") \
	X(FC_PUBLISH, "FCPublish") \
	X(FC_UNPUBLISH, "FCUnpublish") \
	X(FC_SUBSCRIBE, "FCSubscribe") \
	X(FC_UNSUBSCRIBE, "FCUnsubscribe") \
	X(RECEIVE_AUDIO, "receiveAudio") \
	X(RECEIVE_VIDEO, "receiveVideo") \
	X(PAUSE, "pause") \
	X(PAUSE_RAW, "pauseRaw") \
	X(SEEK, "seek") \
	X(VIEWERS, "sluiceViewers") \
	X(GET_STREAM_LENGTH, "getStreamLength") \
	X(CHECK_BW, "_checkbw") \
	X(CHECK_BANDWIDTH, "checkBandwidth") \
	X(RESULT, "_result") \
	X(ERROR, "_error") \
	X(ON_STATUS, "onStatus") \
	X(ON_BW_DONE, "onBWDone") \
	X(ON_FC_PUBLISH, "onFCPublish") \
	X(ON_FC_UNPUBLISH, "onFCUnpublish") \
	X(ON_FC_SUBSCRIBE, "onFCSubscribe") \
	X(CLOSE, "close")
/* clang-format on */

/*
 * Ours: Sluice servers tell each other who they are, in connect and in its
 * answer, and in play (its fifth argument, { via, hops }) through which servers
 * a request came, and how many at most.  Others ignore it.
 */
#define CMD_NODE	"sluiceNode"
#define CMD_CLIENT	"sluiceClient"
#define CMD_VIA		"via"
#define CMD_HOPS	"hops"
/* Of connections that carry many clients: see rtmp/tree.h. */
#define CMD_TREE	"sluiceTree"
#define CMD_ASK		"sluiceAsk"
#define CMD_CLIENT_VIA	"sluiceVia"
#define CMD_CLIENT_HOPS "sluiceHops"

enum cmd_id {
	CMD_OTHER,
#define CMD_ID(id, name) CMD_##id,
	CMD_NAMES(CMD_ID)
#undef CMD_ID
	    CMD_COUNT
};

struct cmd {
	enum cmd_id id;
	struct span name;
	double txn;	    /* transaction id; 0 where it is missing */
	struct reader rest; /* what follows: command object, arguments */
};

/*
 * Read name and transaction of a command message.
 *
 * type		WIRE_COMMAND, or WIRE_COMMAND_AMF3: its leading format byte 0
 *		may be missing if the name follows at once
 * Returns	AMF0_OK; unknown names are CMD_OTHER
 */
enum amf0_result cmd_parse(
    uint8_t type, const uint8_t *payload, size_t len, struct cmd *c);

/* The parsers below take what cmd_parse() gave and leave it unchanged. */

struct cmd_connect {
	double txn; /* for cmd_write_connect() */
	struct span app, tc_url, flash_ver, swf_url, page_url;
	struct span type; /* "nonprivate": a publisher */
	struct span node; /* of a Sluice that fetches streams: CMD_NODE */
	/* CMD_CLIENT: the address, with port, of whom it publishes for */
	struct span client;
	double tree;	 /* CMD_TREE: it will carry clients; 0 if not sent */
	struct span via; /* CMD_CLIENT_VIA: servers that it came through, */
	double hops;	 /* and how many */
	bool fpad;
	double capabilities, audio_codecs, video_codecs, video_function;
	double caps_ex;		 /* Enhanced RTMP v2, 0 if not sent */
	uint8_t object_encoding; /* 0 or 3 */
	/*
	 * Enhanced RTMP; of type undefined if not sent.  Out of an AMF3
	 * object: AMF0_AVMPLUS, only that they were sent can be told.
	 */
	struct amf0_value fourcc_list, video_fourcc_map, audio_fourcc_map;
	struct reader args; /* further arguments, for onConnect */
};
/* A property of a wrong type counts as missing; no object is MALFORMED. */
enum amf0_result cmd_parse_connect(
    const struct cmd *c, struct cmd_connect *out);

struct cmd_publish {
	struct span name; /* as sent, with ?query */
	struct span type; /* "live", "record", "append"; "" if missing */
	bool stop;	  /* publish(false) */
	struct span via;  /* CMD_VIA, "" if not sent */
	double hops;	  /* CMD_HOPS, 0 if not sent */
};
enum amf0_result cmd_parse_publish(
    const struct cmd *c, struct cmd_publish *out);

#define CMD_PLAY_ANY  (-2000.0) /* live, else recorded, else wait */
#define CMD_PLAY_LIVE (-1000.0) /* live only */

struct cmd_play {
	struct span name;   /* as sent, with ?query */
	double start_ms;    /* -2 and -1 come as CMD_PLAY_ANY, _LIVE */
	double duration_ms; /* -1: all */
	uint8_t reset;	    /* 0 append, 1 reset (also when missing), 2, 3 */
	bool reset_sent;    /* reset was sent, as true */
	bool stop;	    /* play(false) */
	struct span via;    /* CMD_VIA, "" if not sent */
	double hops;	    /* CMD_HOPS, 0 if not sent */
};
enum amf0_result cmd_parse_play(const struct cmd *c, struct cmd_play *out);

/* Switch from one stream to another; -1 and "" where it is not said. */
struct cmd_play2 {
	struct span name, old_name;
	struct span transition; /* "switch", "append", "stop", "swap", ... */
	double start_ms;	/* as in cmd_play */
	double duration_ms;	/* -1: all */
	double offset_s;
};
/* No object, or no name in it, is MALFORMED. */
enum amf0_result cmd_parse_play2(const struct cmd *c, struct cmd_play2 *out);

/*
 * The stream name of releaseStream, FCPublish, FCUnpublish, FCSubscribe,
 * FCUnsubscribe, getStreamLength; empty if it is missing or null.
 */
enum amf0_result cmd_parse_name(const struct cmd *c, struct span *name);

/* The stream id of deleteStream: a whole number of 32 bits, or MALFORMED. */
enum amf0_result cmd_parse_stream_id(const struct cmd *c, uint32_t *id);

/*
 * receiveAudio, receiveVideo, pause: the flag (numbers: not 0) and the number
 * behind it, 0 if missing.  A missing flag is MALFORMED.
 */
enum amf0_result cmd_parse_flag(
    const struct cmd *c, bool *flag, double *number);

/* seek and others: the first argument as a finite number, or MALFORMED. */
enum amf0_result cmd_parse_number(const struct cmd *c, double *number);

/* _result, _error, onStatus. */
struct cmd_reply {
	struct amf0_value props; /* undefined if null or missing */
	struct amf0_value info;	 /* the argument as it is, any type */
	struct span level, code, description; /* "" if not sent */
	bool has_number;
	double number; /* the argument, if a number */
};
enum amf0_result cmd_parse_reply(const struct cmd *c, struct cmd_reply *out);

/* Its information object as it came (AMF0), to be handed on; "" if it is none. */
struct span cmd_reply_info(const struct cmd_reply *r);

/* The stream id in the answer to createStream; false if there is none. */
bool cmd_reply_stream_id(const struct cmd_reply *r, uint32_t *id);

/* A data message (types 18 and 15). */
enum data_kind {
	DATA_EVENT, /* handler name and values, for the players */
	DATA_SET,   /* @setDataFrame: name and values follow at offset */
	DATA_CLEAR  /* @clearDataFrame */
};
struct data_msg {
	enum data_kind kind;
	struct span name;   /* of the handler, "onMetaData"; "" if missing */
	size_t offset;	    /* in the payload: what players get begins here */
	struct reader rest; /* the values behind the name */
};
enum amf0_result data_parse(
    uint8_t type, const uint8_t *payload, size_t len, struct data_msg *d);

/* Server half. ------------------------------------------------------------ */

struct cmd_connect_result {
	double txn;
	const char *fms_ver;	 /* "FMS/5,0,17,0" */
	const char *version;	 /* data.version, "5,0,17,0" */
	const char *description; /* NULL: "Connection succeeded." */
	uint8_t object_encoding;
	/* Left out if false or 0: see cmd_answer_enhanced(). */
	bool fourcc_list, video_fourcc_map, audio_fourcc_map;
	uint32_t caps_ex;
	double video_function;
	const char *node; /* CMD_NODE; NULL: left out */
	double tree;	  /* CMD_TREE; 0: left out */
	bool informed;	  /* CMD_ASK is false: nobody here wants to be asked */
};

/*
 * Answer what a client of Enhanced RTMP asked for, and nothing that it did not
 * send: every FourCC may be forwarded, capsEx is what both sides can do.
 *
 * caps		CMD_CAPS_ bits of the server
 */
void cmd_answer_enhanced(
    struct cmd_connect_result *r, const struct cmd_connect *c, uint32_t caps);
void cmd_write_connect_result(
    struct writer *w, uint32_t chunk, const struct cmd_connect_result *r);

/* _error with null and level error; also the answer to connect. */
void cmd_write_error(struct writer *w, uint32_t chunk, double txn,
    const char *code, const char *description);

/* The same with an information object as it came, AMF0. */
void cmd_write_error_raw(
    struct writer *w, uint32_t chunk, double txn, struct span info);

/* _result null NUMBER: createStream, getStreamLength. */
void cmd_write_result_number(
    struct writer *w, uint32_t chunk, double txn, double number);

/* _result null undefined: releaseStream, FCPublish, _checkbw and so on. */
void cmd_write_result_null(struct writer *w, uint32_t chunk, double txn);

struct cmd_status {
	const char *level; /* "status", "warning", "error" */
	const char *code;
	struct span description;
	struct span details;   /* stream name; left out if p is NULL */
	struct span client_id; /* left out if p is NULL */
};
void cmd_write_on_status(struct writer *w, uint32_t chunk, uint32_t msid,
    const struct cmd_status *s);

/* onStatus with an information object as it came, AMF0. */
void cmd_write_on_status_raw(
    struct writer *w, uint32_t chunk, uint32_t msid, struct span info);

/* A description "before NAME after" in parts: "Started playing cam1." */
void cmd_write_on_status_name(struct writer *w, uint32_t chunk, uint32_t msid,
    const char *level, const char *code, const char *before, struct span name,
    const char *after, struct span client_id);

/*
 * onFCPublish, onFCUnpublish, onFCSubscribe: transaction 0, null, {level
 * status, code, description}; on message stream 0.
 */
void cmd_write_on_fc(struct writer *w, uint32_t chunk, const char *name,
    const char *code, struct span description);

/* close, after a rejected connect. */
void cmd_write_close(struct writer *w, uint32_t chunk);

/* |RtmpSampleAccess, and onStatus {NetStream.Data.Start}: data messages. */
void cmd_write_sample_access(struct writer *w, uint32_t chunk, uint32_t msid,
    uint32_t ts, bool audio, bool video);
void cmd_write_data_start(
    struct writer *w, uint32_t chunk, uint32_t msid, uint32_t ts);

/* Client half. ------------------------------------------------------------ */

/* Empty spans and zeros are left out; app and tcUrl always go. */
void cmd_write_connect(
    struct writer *w, uint32_t chunk, const struct cmd_connect *c);

/* createStream, _checkbw and others without argument. */
void cmd_write_call(struct writer *w, uint32_t chunk, enum cmd_id id,
    uint32_t msid, double txn);

/* Any method; args: AMF0 values behind the null. */
void cmd_write_invoke(struct writer *w, uint32_t chunk, double txn,
    const char *method, struct span args);

/* releaseStream, FCPublish, FCUnpublish, FCSubscribe, getStreamLength. */
void cmd_write_call_name(struct writer *w, uint32_t chunk, enum cmd_id id,
    double txn, struct span name);

/* via and hops if set. */
void cmd_write_publish(struct writer *w, uint32_t chunk, uint32_t msid,
    double txn, struct span name, const char *type, struct span via,
    double hops);

/* Only name and start go, as FFmpeg and librtmp do; via and hops if set. */
void cmd_write_play(struct writer *w, uint32_t chunk, uint32_t msid, double txn,
    struct span name, double start_ms, struct span via, double hops);

/* sluiceViewers: how many watch the stream of msid at this edge and below. */
void cmd_write_viewers(
    struct writer *w, uint32_t chunk, uint32_t msid, double n);

void cmd_write_delete_stream(
    struct writer *w, uint32_t chunk, double txn, uint32_t msid);
void cmd_write_close_stream(struct writer *w, uint32_t chunk, uint32_t msid);

/* The name as it stands on the wire; "" for CMD_OTHER. */
const char *cmd_name(enum cmd_id id);

#endif
