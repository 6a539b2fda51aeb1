#include "config.h"

#include "rtmp/bits.h"

void
bits_init(struct bits *b, const uint8_t *p, size_t n, bool escaped)
{
	*b = (struct bits){ .p = p, .end = p + n, .escaped = escaped };
}

static unsigned
bit(struct bits *b)
{
	if (b->escaped && b->bit == 0 && b->zeros >= 2 && b->p < b->end &&
	    *b->p == 3) {
		b->p++;
		b->zeros = 0;
	}
	if (b->p >= b->end) {
		b->bad = true;
		return 0;
	}
	unsigned v = *b->p >> (7 - b->bit) & 1u;
	if (++b->bit == 8) {
		b->bit = 0;
		b->zeros = *b->p == 0 ? b->zeros + 1 : 0;
		b->p++;
	}
	return v;
}

uint32_t
bits_read(struct bits *b, unsigned n)
{
	uint32_t v = 0;
	while (n-- > 0)
		v = v << 1 | bit(b);
	return v;
}

bool
bits_flag(struct bits *b)
{
	return bit(b) != 0;
}

void
bits_skip(struct bits *b, unsigned n)
{
	while (n-- > 0 && !b->bad)
		bit(b);
}

uint32_t
bits_golomb(struct bits *b)
{
	unsigned zeros = 0;
	while (!b->bad && bit(b) == 0)
		if (++zeros > 31) {
			b->bad = true;
			return 0;
		}
	return (uint32_t)((1u << zeros) - 1 + bits_read(b, zeros));
}
