/*
 * headers - the codec headers in force of one publish, one for each track
 * (Enhanced RTMP v2 has many), so that whoever joins gets them all.  In the
 * ring each of its two parts is a row of records: u32 length, payload.
 * Context: the publisher's worker; records are read in any worker.
 */
#ifndef WORKER_HEADERS_H
#define WORKER_HEADERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "shm/ring.h"
#include "worker/worker.h"

enum { HEADERS_MAX = 32 }; /* tracks and kinds of one publish */

struct header {
	enum ring_part part;
	uint8_t track;
	bool extra; /* colour or channel order, not the configuration */
	uint32_t len;
	LIST_ENTRY(header) next;
	uint8_t data[];
};

struct headers {
	LIST_HEAD(, header) list;
	unsigned n;
};

/*
 * Keep a header message; one of the same part, track and kind is replaced.
 * Then the records of its part stand in buf.
 *
 * buf		RING_CFG_MAX bytes
 * Returns	bytes in buf, or -E2BIG, -ENOMEM: not kept
 */
int headers_put(struct worker *w, struct headers *h, enum ring_part part,
    const uint8_t *p, uint32_t n, uint8_t *buf);

void headers_fini(struct worker *w, struct headers *h);

/*
 * The record at *off of n bytes; *off moves behind it.
 * Returns its payload and *len, or NULL at the end.
 */
const uint8_t *headers_next(
    const uint8_t *buf, uint32_t n, uint32_t *off, uint32_t *len);

#endif
