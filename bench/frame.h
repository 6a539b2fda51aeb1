/*
 * frame - the media messages that `sluice-bench publish` makes and
 * `sluice-bench play` checks.  Pure: bytes in, facts out; no I/O, no clock.
 * Used by one thread; a frame_scan lives as long as its player.
 *
 * A message is a tag as FLV has it, our header, and a body:
 *
 *	video	17|27 01 00 00 00	AVC keyframe or not, NALU, no offset
 *		LL LL LL LL		length of the one NAL unit behind
 *		65|41			its type: IDR picture or other
 *		88 84|9a 00		how a slice begins, for who looks there
 *	audio	af 01			AAC, raw
 *
 *	at	bytes	header, all numbers big-endian
 *	0	4	"SLbf"
 *	4	1	kind: 1 video, 2 audio
 *	5	1	1: keyframe
 *	6	2	stream: 16 bits of the CRC-32C of its name
 *	8	4	run: another one at each publish
 *	12	4	bytes in the message, tag included
 *	16	8	frame number, from 0, counted per kind
 *	24	8	CLOCK_MONOTONIC in ns when the frame was handed over
 *	32	4	CRC-32C of the whole message without these 4 bytes
 *
 * The body is pseudo-random, another one for each frame, so a byte that
 * belongs to another frame shows in the checksum.
 */
#ifndef BENCH_FRAME_H
#define BENCH_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum frame_kind { FRAME_VIDEO, FRAME_AUDIO, FRAME_KINDS };

enum {
	FRAME_HEADER = 36,
	FRAME_LEAD_VIDEO = 5 + 4 + 1 + 2, /* what stands before the header */
	FRAME_LEAD_AUDIO = 2,
	FRAME_FRONT_MAX = FRAME_LEAD_VIDEO + FRAME_HEADER,
	FRAME_LEN_MIN = 64
};

struct frame_info {
	enum frame_kind kind;
	bool key;
	uint16_t stream;
	uint32_t run;
	uint64_t number;
	uint64_t sent_ns;
};

/* Write a whole message of len bytes, FRAME_LEN_MIN to 2^24 - 1. */
void frame_write(uint8_t *buf, size_t len, const struct frame_info *f);

enum frame_result {
	FRAME_OK,
	FRAME_CODEC_HEADER, /* a sequence header */
	FRAME_NO_MEDIA,	    /* empty, end of sequence, a command */
	FRAME_FOREIGN,	    /* a picture or sound that is not ours */
	FRAME_BAD_HEADER,   /* ours, but the header contradicts itself */
	FRAME_BAD_SUM
};

/* One message on its way in, in pieces of any size. */
struct frame_scan {
	uint32_t len, got;
	uint32_t sum;
	uint8_t kind; /* enum frame_kind */
	bool verify;  /* sum up the body */
	bool open;    /* begun, not yet ended */
	uint8_t front[FRAME_FRONT_MAX];
};

/* verify	false: look at the header only, never at the body */
void frame_scan_begin(
    struct frame_scan *s, enum frame_kind kind, uint32_t len, bool verify);
/* n more bytes of the message.  Hot path. */
void frame_scan_data(struct frame_scan *s, const uint8_t *p, size_t n);
/*
 * The message is complete.
 * f	filled in after FRAME_OK; after FRAME_FOREIGN only kind and key;
 *	after FRAME_BAD_SUM as received, not to be believed
 */
enum frame_result frame_scan_end(struct frame_scan *s, struct frame_info *f);

#endif
