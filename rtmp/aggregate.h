/*
 * aggregate - the messages in an aggregate message (RTMP 1.0, 7.1.6), which
 * are FLV tags without the file header: type, size, time, stream id, data,
 * back pointer.  They belong to the message stream of the aggregate, and their
 * times count from its own: inner - first inner + aggregate.
 * Context: any; no state but the iterator, no allocation.
 */
#ifndef RTMP_AGGREGATE_H
#define RTMP_AGGREGATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cursor.h"

enum aggregate_result {
	AGGREGATE_OK,
	AGGREGATE_END,
	AGGREGATE_CUT,	  /* the payload ends within a tag */
	AGGREGATE_BACK,	  /* a back pointer that is not size + 11 */
	AGGREGATE_NESTED, /* an aggregate in it */
	AGGREGATE_TYPE	  /* neither audio, video nor data */
};

struct aggregate {
	struct reader r;
	uint32_t ts;	/* of the aggregate */
	uint32_t first; /* time of the first tag */
	bool begun;
	uint8_t error; /* enum aggregate_result, sticky */
};

struct aggregate_msg {
	uint8_t type;	     /* WIRE_AUDIO, WIRE_VIDEO, WIRE_DATA, _AMF3 */
	uint32_t ts;	     /* rebased, ms mod 2^32 */
	const uint8_t *data; /* in the payload */
	uint32_t len;
};

/* Begin with the payload of a message of type 22 and timestamp ts. */
void aggregate_init(
    struct aggregate *a, const uint8_t *payload, size_t len, uint32_t ts);

/*
 * The next message.  Those before an error have been given out; after it
 * there are none.  m is cleared unless AGGREGATE_OK.
 */
enum aggregate_result aggregate_next(
    struct aggregate *a, struct aggregate_msg *m);

/* Check the whole payload, so that nothing of a bad one is used. */
enum aggregate_result aggregate_check(const uint8_t *payload, size_t len);

/* Stable name, "back-pointer". */
const char *aggregate_result_name(enum aggregate_result e);

#endif
