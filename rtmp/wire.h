/*
 * wire - the one form in which we send: every message has a type 0 header
 * with its absolute timestamp, on a chunk stream below 64, then type 3
 * headers every `chunk` bytes (RTMP 1.0, 5.3).  So a message does not depend
 * on the one before it, a ring may start anywhere, and sizes are computed.
 * Also the protocol control messages (5.4) and user control (6.2, 7.1.7).
 * Context: any; no state, no allocation.
 */
#ifndef RTMP_WIRE_H
#define RTMP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cursor.h"

enum {
	WIRE_CHUNK = 65536,	  /* what we announce and use in rings */
	WIRE_CHUNK_DEFAULT = 128, /* until Set Chunk Size */
	WIRE_HEAD0_MAX = 16,
	WIRE_HEAD3_MAX = 5,
	WIRE_MESSAGE_MAX = 0xffffff, /* bytes in a message: 24 bits */
	WIRE_TS_EXTENDED = 0xffffff, /* from here on in 32 more bits */
	WIRE_WINDOW_DEFAULT = 2500000
};

/* Message types, RTMP 1.0, 5.4, 6.2, 7.1. */
enum wire_type {
	WIRE_SET_CHUNK_SIZE = 1,
	WIRE_ABORT = 2,
	WIRE_ACK = 3,
	WIRE_USER_CONTROL = 4,
	WIRE_WINDOW_ACK_SIZE = 5,
	WIRE_PEER_BANDWIDTH = 6,
	WIRE_AUDIO = 8,
	WIRE_VIDEO = 9,
	WIRE_DATA_AMF3 = 15,
	WIRE_SHARED_AMF3 = 16,
	WIRE_COMMAND_AMF3 = 17,
	WIRE_DATA = 18,
	WIRE_SHARED = 19,
	WIRE_COMMAND = 20,
	WIRE_AGGREGATE = 22
};

/* Chunk streams that we send on. */
enum wire_csid {
	WIRE_CSID_CONTROL = 2,
	WIRE_CSID_COMMAND = 3,
	WIRE_CSID_AUDIO = 4,
	WIRE_CSID_DATA = 5,
	WIRE_CSID_VIDEO = 6
};

/* User control events; 31 and 32 are of FMS 3.5. */
enum wire_event {
	WIRE_STREAM_BEGIN = 0,
	WIRE_STREAM_EOF = 1,
	WIRE_STREAM_DRY = 2,
	WIRE_SET_BUFFER_LENGTH = 3,
	WIRE_STREAM_RECORDED = 4,
	WIRE_PING_REQUEST = 6,
	WIRE_PING_RESPONSE = 7,
	WIRE_BUFFER_EMPTY = 31,
	WIRE_BUFFER_READY = 32
};

/* A header of ours, read back. */
struct wire_msg {
	uint32_t csid, ts, len, msid;
	uint8_t type;
	uint8_t head_len; /* 12 or 16 */
	uint64_t size; /* whole message, all headers, in chunks of WIRE_CHUNK */
};

enum wire_result {
	WIRE_OK,
	WIRE_NEED_MORE,
	WIRE_BAD /* not a type 0 header on a chunk stream from 2 to 63 */
};

/* Sizes of the first and of a continuation header at timestamp ts. */
size_t wire_head0_size(uint32_t ts);
size_t wire_head3_size(uint32_t ts);

/*
 * Bytes of a whole message on the wire.
 *
 * len		0 to WIRE_MESSAGE_MAX
 * chunk	at least 1
 */
uint64_t wire_size(uint32_t ts, uint32_t len, uint32_t chunk);

/* Write a header; return its bytes: 12 or 16, and 1 or 5.  csid 2 to 63. */
size_t wire_head0(uint8_t buf[WIRE_HEAD0_MAX], uint32_t csid, uint32_t ts,
    uint32_t len, uint8_t type, uint32_t msid);
size_t wire_head3(uint8_t buf[WIRE_HEAD3_MAX], uint32_t csid, uint32_t ts);

/* Read back the header that stands at buf, of which n bytes are there. */
enum wire_result wire_parse(const uint8_t *buf, size_t n, struct wire_msg *m);

/* A whole message. */
void wire_write(struct writer *w, uint32_t csid, uint8_t type, uint32_t msid,
    uint32_t ts, const void *payload, size_t len, uint32_t chunk);

/*
 * A whole message whose payload is written in place between the two calls,
 * its length not known before.  wire_end() puts the headers in.
 */
struct wire_mark {
	size_t at; /* where the payload begins in w */
	uint32_t csid, ts, msid;
	uint8_t type;
};
void wire_begin(struct writer *w, struct wire_mark *m, uint32_t csid,
    uint8_t type, uint32_t msid, uint32_t ts);
void wire_end(struct writer *w, const struct wire_mark *m, uint32_t chunk);

/* A protocol or user control message, types 1 to 6. */
struct wire_control {
	uint8_t type;	/* enum wire_type */
	uint8_t limit;	/* peer bandwidth: 0 hard, 1 soft, 2 dynamic */
	uint16_t event; /* user control: enum wire_event, or one unknown */
	uint32_t value; /* the number; user control: stream id or ping time */
	uint32_t ms;	/* set buffer length */
};

/*
 * Read the payload of a message of type 1 to 6.  Bytes behind are ignored;
 * an unknown user control event is no error, value is 0 or its first word.
 * Returns false if it is too short, a limit type above 2, or no such type.
 */
bool wire_parse_control(
    uint8_t type, const uint8_t *payload, size_t len, struct wire_control *c);

/* Control messages, whole, on chunk stream 2; they need no chunk size. */
void wire_set_chunk_size(struct writer *w, uint32_t size);
void wire_abort(struct writer *w, uint32_t csid);
void wire_ack(struct writer *w, uint32_t received);
void wire_window_ack_size(struct writer *w, uint32_t size);
void wire_peer_bandwidth(struct writer *w, uint32_t size, uint8_t limit);
/* Any event with one word: stream id, or ping time. */
void wire_user_control(struct writer *w, enum wire_event event, uint32_t value);
void wire_set_buffer_length(struct writer *w, uint32_t msid, uint32_t ms);

#endif
