/*
 * crc32c - CRC-32C (Castagnoli, RFC 3720 appendix B.4), in the hardware of
 * x86-64 where there is some, else by tables, eight bytes at a step.
 * Context: single thread (the tables are made at first use).
 */
#ifndef BENCH_CRC32C_H
#define BENCH_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The sum of what came before (0 at the start) and n more bytes. */
uint32_t crc32c_add(uint32_t sum, const void *bytes, size_t n);

/* The same by tables only; for machines without the instruction, and tests. */
uint32_t crc32c_add_table(uint32_t sum, const void *bytes, size_t n);

#endif
