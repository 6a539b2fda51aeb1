/*
 * bits - reader of single bits for codec headers.  Past the end it gives
 * zeros and the error, so every loop that asks it ends.
 * Context: any; no state of its own.
 */
#ifndef RTMP_BITS_H
#define RTMP_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bits {
	const uint8_t *p, *end;
	unsigned bit;	/* of *p already read */
	unsigned zeros; /* zero bytes just before p */
	bool escaped;	/* leave out emulation prevention bytes */
	bool bad;	/* read past the end, or a number out of range */
};

/* escaped: a NAL unit (ISO 14496-10, 7.4.1; ISO 23008-2, 7.4.2). */
void bits_init(struct bits *b, const uint8_t *p, size_t n, bool escaped);
/* The next n bits, n up to 32. */
uint32_t bits_read(struct bits *b, unsigned n);
bool bits_flag(struct bits *b);
void bits_skip(struct bits *b, unsigned n);
/* ue(v), ISO 14496-10, 9.1: at most 31 leading zeros. */
uint32_t bits_golomb(struct bits *b);

#endif
