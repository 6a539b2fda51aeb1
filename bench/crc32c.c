#include "config.h"

#include <stdbool.h>
#include <string.h>

#include "bench/crc32c.h"

enum { POLYNOMIAL = 0x82f63b78 }; /* reversed */

static void
make_tables(uint32_t t[8][256])
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;
		for (int bit = 0; bit < 8; bit++)
			c = c >> 1 ^ ((c & 1) != 0 ? (uint32_t)POLYNOMIAL : 0);
		t[0][i] = c;
	}
	for (uint32_t i = 0; i < 256; i++)
		for (int k = 1; k < 8; k++)
			t[k][i] = t[k - 1][i] >> 8 ^ t[0][t[k - 1][i] & 255];
}

uint32_t
crc32c_add_table(uint32_t sum, const void *bytes, size_t n)
{
	static uint32_t t[8][256];
	static bool made;
	if (!made) {
		make_tables(t);
		made = true;
	}
	const uint8_t *p = bytes;
	uint32_t c = ~sum;
	for (; n >= 8; n -= 8, p += 8) {
		c ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 |
		     (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
		c = t[7][c & 255] ^ t[6][c >> 8 & 255] ^ t[5][c >> 16 & 255] ^
		    t[4][c >> 24] ^ t[3][p[4]] ^ t[2][p[5]] ^ t[1][p[6]] ^
		    t[0][p[7]];
	}
	for (; n > 0; n--, p++)
		c = c >> 8 ^ t[0][(c ^ *p) & 255];
	return ~c;
}

#ifdef __x86_64__
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t
add_hardware(uint32_t sum, const uint8_t *p, size_t n)
{
	uint64_t c = ~sum;
	for (; n >= 8; n -= 8, p += 8) {
		uint64_t word;
		memcpy(&word, p, sizeof(word));
		c = _mm_crc32_u64(c, word);
	}
	uint32_t c32 = (uint32_t)c;
	for (; n > 0; n--, p++)
		c32 = _mm_crc32_u8(c32, *p);
	return ~c32;
}

uint32_t
crc32c_add(uint32_t sum, const void *bytes, size_t n)
{
	if (__builtin_cpu_supports("sse4.2"))
		return add_hardware(sum, bytes, n);
	return crc32c_add_table(sum, bytes, n);
}
#else
uint32_t
crc32c_add(uint32_t sum, const void *bytes, size_t n)
{
	return crc32c_add_table(sum, bytes, n);
}
#endif
